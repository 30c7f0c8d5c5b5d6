/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/settings.h"

/* The seed that cloud-init's data source NoCloud reads, from LXD's keys user.user-data, user.meta-data, user.vendor-data, user.network-config. */

#define CLOUD_SEED_DIRECTORY "/var/lib/cloud/seed/nocloud-net"

typedef struct CloudSeedFile {
        const char *name; /* static */
        char *text;       /* owned; NULL: there is none */
} CloudSeedFile;

#define CLOUD_SEED_FILES 4U

/* Returns 0 when none of the keys is set, else 1. */
int cloud_seed_new(const char *name, const Settings *s, CloudSeedFile ret[static CLOUD_SEED_FILES]);
void cloud_seed_done(CloudSeedFile files[static CLOUD_SEED_FILES]);
