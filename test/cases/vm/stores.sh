# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Stores of LVM and ZFS: what holds in every store.
# guests: busybox
# limit: 600

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/stores.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/block-stores.sh"

setup_file() {
        block_stores_up
}

teardown_file() {
        block_stores_down
}

# a container's life, each volume a thin one
test_R101_lvm_store() {
        store_life thin
}

# a container's life, each volume a dataset
test_R100_zfs_store() {
        store_life tank
}
