# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Root file systems to import as images: what a user makes with mmdebstrap, and a tiny
# one in which busybox is everything.

# guest_tar SUITE|SUITE-packages|SUITE-engines|SUITE-cloud|SUITE-apparmor|busybox|busybox-i386: prints the path of the tar file in the cache.
guest_tar() {
        need_packages "${MACHINE_PACKAGES[@]}"
        case $1 in
        busybox)
                cache_entry "guest/busybox-$(cache_key "$(declare -f make_busybox_guest)").tar" make_busybox_guest
                ;;
        busybox-i386)
                cache_entry "guest/$1-$(cache_key "$(declare -f make_busybox_guest make_i386_guest)").tar" make_i386_guest
                ;;
        *-engines)
                local -n of_suite=HOST_PACKAGES_${1%-engines} more=GUEST_ENGINE_PACKAGES_${1%-engines}
                cache_entry "guest/$1-$(cache_key "${GUEST_PACKAGES[*]}" "${GUEST_ENGINE_PACKAGES[*]}" "${of_suite[*]}" "${more[*]}" \
                        "$(declare -f make_engines_guest)").tar" make_engines_guest "${1%-engines}"
                ;;
        *-apparmor)
                local -n of_suite=HOST_PACKAGES_${1%-apparmor}
                cache_entry "guest/$1-$(cache_key "${GUEST_PACKAGES[*]}" "${GUEST_APPARMOR_PACKAGES[*]}" "${of_suite[*]}" "$(declare -f make_apparmor_guest)").tar" \
                        make_apparmor_guest "${1%-apparmor}"
                ;;
        *-cloud)
                cache_entry "guest/$1-$(cache_key "${GUEST_PACKAGES[*]}" "${GUEST_CLOUD_PACKAGES[*]}" "$(declare -f make_cloud_guest)").tar" make_cloud_guest "${1%-cloud}"
                ;;
        *-packages)
                cache_entry "guest/$1-$(cache_key "$(declare -f make_packages)").tar" make_packages "${1%-packages}"
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

# No root file system: a repository of packages to build one of, without a signature. What berth's bootstrap wants is in it.
make_packages() {
        local tar=$1 suite=$2 dir=$1.d
        need_packages apt-utils || return 1
        mkdir -p "$dir/pool" "$dir/dists/$suite/main/binary-amd64" || return 1
        mmdebstrap --quiet --mode=root --variant=essential --include=systemd-sysv,dbus,libpam-systemd,iproute2,hostname --skip=essential/unlink,cleanup/apt \
                --format=null --customize-hook="cp \"\$1\"/var/cache/apt/archives/*.deb $dir/pool" \
                "$suite" - ${BERTH_TEST_MIRROR:+"$BERTH_TEST_MIRROR"} || return 1
        (
                cd "$dir" || exit 1
                apt-ftparchive packages pool >"dists/$suite/main/binary-amd64/Packages" || exit 1
                cd "dists/$suite" || exit 1
                apt-ftparchive -o "APT::FTPArchive::Release::Suite=$suite" -o "APT::FTPArchive::Release::Codename=$suite" \
                        -o APT::FTPArchive::Release::Components=main -o APT::FTPArchive::Release::Architectures=amd64 release . >../Release || exit 1
                mv ../Release Release
        ) || return 1
        tar -C "$dir" -cf "$tar" . || return 1
        rm -rf "$dir"
}

# The engines start when a test says so: each sets up networks and rules of its own.
make_engines_guest() {
        local tar=$1 suite=$2
        local -n packages=HOST_PACKAGES_$suite more_packages=GUEST_ENGINE_PACKAGES_$suite
        ROOTFS_OPTIONS=(
                --customize-hook='chroot "$1" systemctl --quiet disable docker.socket docker.service containerd.service lxc.service lxc-net.service podman.socket podman.service podman-auto-update.timer || true'
                --customize-hook='rm -rf "$1/usr/share/doc" "$1/usr/share/man" "$1/usr/share/locale"'
        )
        make_rootfs "$tar" "$suite" "${GUEST_PACKAGES[@]}" "${GUEST_ENGINE_PACKAGES[@]}" "${packages[@]}" "${more_packages[@]}"
        local rc=$?
        ROOTFS_OPTIONS=()
        return "$rc"
}

# A cloud's image, as far as berth is concerned.
make_cloud_guest() {
        local tar=$1 suite=$2
        ROOTFS_OPTIONS=(--customize-hook='rm -rf "$1/usr/share/doc" "$1/usr/share/man" "$1/usr/share/locale"')
        make_rootfs "$tar" "$suite" "${GUEST_PACKAGES[@]}" "${GUEST_CLOUD_PACKAGES[@]}"
        local rc=$?
        ROOTFS_OPTIONS=()
        return "$rc"
}

# Its database starts when a test says so, and is small.
make_apparmor_guest() {
        local tar=$1 suite=$2
        local -n packages=HOST_PACKAGES_$suite
        ROOTFS_OPTIONS=(
                --essential-hook='mkdir -p "$1/etc/mysql/mariadb.conf.d" && printf "[mariadbd]\ninnodb_log_file_size=4M\ninnodb_buffer_pool_size=8M\n" >"$1/etc/mysql/mariadb.conf.d/99-small.cnf"'
                --customize-hook='chroot "$1" systemctl --quiet disable mariadb.service'
                --customize-hook='rm -rf "$1/usr/share/doc" "$1/usr/share/man" "$1/usr/share/locale"'
                --customize-hook='cd "$1/usr/bin" && rm -f aria_* myisam* mariadb-binlog mariadb-conv mariadb-dump mariadb-import mariadb-plugin mariadb-show mariadb-slap perror innochecksum replace resolve*'
        )
        make_rootfs "$tar" "$suite" "${GUEST_PACKAGES[@]}" "${GUEST_APPARMOR_PACKAGES[@]}" "${packages[@]}"
        local rc=$?
        ROOTFS_OPTIONS=()
        return "$rc"
}

# The same for the second architecture of amd64; its programs are not executed here.
make_i386_guest() {
        local tar=$1 packages=$1.packages
        mmdebstrap --quiet --mode=root --variant=extract --skip=check/qemu --architectures=i386 --include=busybox-static \
                bookworm "$packages.tar" "${BERTH_TEST_MIRROR:-http://deb.debian.org/debian}" || return 1
        mkdir "$packages" && tar -C "$packages" --wildcards -xf "$packages.tar" '*bin/busybox' || return 1
        make_busybox_guest "$tar" "$packages" || return 1
        rm -rf "$packages" "$packages.tar"
}

# make_busybox_guest TAR [TREE]: of the busybox in that tree.
make_busybox_guest() {
        local tar=$1 root=$1.root tree=${2-} applet
        [ -n "$tree" ] || tree=$(host_tree bookworm plain) || return 1
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
