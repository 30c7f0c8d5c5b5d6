# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Root file systems to import as images: what a user makes with mmdebstrap, and a tiny
# one in which busybox is everything.

# guest_tar SUITE|busybox: prints the path of the tar file in the cache.
guest_tar() {
        need_packages "${MACHINE_PACKAGES[@]}"
        case $1 in
        busybox)
                cache_entry "guest/busybox-$(cache_key "$(declare -f make_busybox_guest)").tar" make_busybox_guest
                ;;
        *)
                cache_entry "guest/$1-$(cache_key "${GUEST_PACKAGES[*]}" "$(declare -f make_debian_guest)").tar" \
                        make_debian_guest "$1"
                ;;
        esac
}

make_debian_guest() {
        local tar=$1 suite=$2
        # An ACL and an attribute of a user, because no package has one; ping has its capability only in bookworm.
        ROOTFS_OPTIONS=(
                --customize-hook='useradd --root "$1" --create-home --shell /bin/bash user'
                --customize-hook='mkdir -m 0750 "$1/srv/shared" && setfacl -m u:1000:rwx,d:u:1000:rwx "$1/srv/shared"'
                --customize-hook='chroot "$1" setcap cap_net_raw+p /usr/bin/ping'
                --customize-hook='setfattr -n user.origin -v test "$1/srv/shared"'
        )
        make_rootfs "$tar" "$suite" "${GUEST_PACKAGES[@]}"
        local rc=$?
        ROOTFS_OPTIONS=()
        return "$rc"
}

make_busybox_guest() {
        local tar=$1 root=$1.root tree applet
        tree=$(host_tree bookworm plain) || return 1
        mkdir -p "$root"/{bin,sbin,etc,dev,proc,sys,run,root,tmp,var/tmp} || return 1
        chmod 0700 "$root/root" && chmod 1777 "$root"/{tmp,var/tmp} || return 1
        cp "$tree/bin/busybox" "$root/bin/busybox" || return 1
        for applet in $("$root/bin/busybox" --list); do
                [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet" || return 1
        done
        ln -s ../bin/busybox "$root/sbin/init" || return 1
        cat >"$root/etc/inittab" <<'END'
::sysinit:/bin/mkdir -p /run/lock
::askfirst:-/bin/sh
::ctrlaltdel:/bin/poweroff
::shutdown:/bin/true
END
        echo 'root::0:0:root:/root:/bin/sh' >"$root/etc/passwd"
        echo 'root:x:0:' >"$root/etc/group"
        printf 'ID=busybox\nNAME=busybox\nPRETTY_NAME="busybox test guest"\n' >"$root/etc/os-release"
        tar -C "$root" --sort=name --numeric-owner --owner=0 --group=0 --mtime=@1700000000 -cf "$tar" . || return 1
        rm -rf "$root"
}
