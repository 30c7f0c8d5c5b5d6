# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# ZFS for virtual machines. Debian has it as source that is built where it runs; here it is built once for each
# kernel, in a tree of its own, so that no compiler is in the host and nothing is compiled where all is emulated.

# zfs_rootfs_options SUITE: sets ROOTFS_OPTIONS, for trees with packages of ZFS: it is in contrib, and bookworm's
# own is older than 2.2, which knows no idmapped mounts.
zfs_rootfs_options() {
        local mirror=${BERTH_TEST_MIRROR:-http://deb.debian.org/debian}
        # shellcheck disable=SC2054 # one word
        ROOTFS_OPTIONS=(--components=main,contrib)
        [ "$1" = bookworm ] || return 0
        ROOTFS_OPTIONS+=(
                --setup-hook="mkdir -p \"\$1/etc/apt/preferences.d\" \"\$1/etc/apt/sources.list.d\""
                --setup-hook="echo 'deb $mirror bookworm-backports main contrib' >\"\$1/etc/apt/sources.list.d/backports.list\""
                --setup-hook="printf 'Package: src:zfs-linux\nPin: release n=bookworm-backports\nPin-Priority: 900\n' >\"\$1/etc/apt/preferences.d/zfs\""
        )
}

# zfs_modules SUITE KERNEL: prints the path of a folder with spl.ko and zfs.ko.
zfs_modules() {
        cache_entry "zfs/$1-$2-$(cache_key "$(declare -f make_zfs_modules zfs_rootfs_options)")" make_zfs_modules "$1" "$2"
}

make_zfs_modules() {
        local target=$1 suite=$2 kernel=$3 build=$1.build ROOTFS_OPTIONS rc=0
        zfs_rootfs_options "$suite"
        # Not installed, because the package would build it for the kernel of this machine as well.
        ROOTFS_OPTIONS+=(
                --skip=cleanup/apt/lists
                --customize-hook='chroot "$1" sh -euc "cd /tmp; apt-get -q download zfs-dkms; dpkg -x zfs-dkms_*.deb /"'
        )
        make_rootfs "$build" "$suite" gcc make libc6-dev "linux-headers-$kernel" &&
                chroot "$build" sh -euxc '
                        kernel=/lib/modules/$1
                        cd /usr/src/zfs-*
                        ./configure -q --disable-dependency-tracking --with-config=kernel \
                                --with-linux="$(readlink -f "$kernel/source" || readlink -f "$kernel/build")" --with-linux-obj="$kernel/build"
                        make -s -j"$(nproc)"
                        strip --strip-debug module/spl.ko module/zfs.ko' - "$kernel" &&
                mkdir -p "$target" &&
                cp "$build"/usr/src/zfs-*/module/{spl,zfs}.ko "$target/" || rc=1
        rm -rf --one-file-system "$build"
        return "$rc"
}
