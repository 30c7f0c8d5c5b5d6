/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The [Unit] settings of all containers, as drop-ins of their units: OUTPUT/berth@NAME.service.d/50-berth.conf. What is wrong with one
 * container is logged and keeps none of the others from its drop-in. Returns the number of files written. */
int generator_run(const char *root, const char *output);
