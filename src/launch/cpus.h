/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* CPUCount=: as many CPUs of the host as that, as a bit a CPU. Containers are spread over the CPUs by their uid ranges, as chance has it: the
 * same container always gets the same ones, and nobody keeps a list of who has which. All of them when there are no more. */
int cpus_choose(unsigned count, uint32_t uid_base, uint8_t **ret, size_t *ret_size);
/* The same of these CPUs; for tests. */
int cpus_choose_of(const uint8_t *online, size_t size, unsigned count, uint32_t uid_base, uint8_t **ret, size_t *ret_size);
