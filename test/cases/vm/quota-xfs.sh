# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What quota.sh has, for what differs where the store is on XFS, whose quotas are its own.
# guests: busybox
# limit: 300

. "$(dirname "${BASH_SOURCE[0]}")/quota.sh"

setup_file() {
        truncate -s 600M /var/quota-disk
        mkfs.xfs -q /var/quota-disk
        systemctl stop berth-containerd.service
        [ -d "$STORE" ] || mkdir -m 0700 "$STORE"
        mount -t xfs -o loop,prjquota /var/quota-disk "$STORE"
        chmod 0700 "$STORE"
        import_guests busybox
}

# past the limit there is no room, in this one alone
test_R93_xfs_root_size() {
        assert_eq "$(stat -f -c %T "$STORE")" xfs
        test_R93_root_size
}

# a change is in force at once
test_R93_xfs_root_size_live() {
        test_R93_root_size_live
}

# what it had is there for others when it is gone
test_R93_xfs_root_size_while_stopped() {
        test_R93_root_size_while_stopped
}
