# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The base trees: what is on the disk of a fresh test host before it boots for the first time.
# One for each suite and package list; hosts only ever read them.

. "$TOP/test/lib/zfs-modules.sh"

# host_packages SUITE FLAVOUR: FLAVOUR is plain, peers, networks or vm.
host_packages() {
        local -n of_suite=HOST_PACKAGES_$1 peers=HOST_PEER_PACKAGES_$1
        printf '%s\n' "${HOST_PACKAGES[@]}" "${of_suite[@]}"
        case $2 in
        plain) ;;
        peers) printf '%s\n' "${peers[@]}" "${HOST_BUILDER_PACKAGES[@]}" ;;
        networks) printf '%s\n' "${HOST_NETWORK_PACKAGES[@]}" ;;
        vm) printf '%s\n' "${HOST_VM_PACKAGES[@]}" ;;
        vm-peers) printf '%s\n' "${HOST_VM_PACKAGES[@]}" "${peers[@]}" ;;
        esac
}

# host_tree SUITE FLAVOUR PACKAGE...: prints the path of the base tree.
host_tree() {
        local suite=$1 flavour=$2 packages make=make_host_tree recipe
        shift 2
        packages=$({ host_packages "$suite" "$flavour"; [ $# -eq 0 ] || printf '%s\n' "$@"; } | sort -u)
        # The recipe is an ingredient as well.
        recipe=$(declare -f make_host_tree vm_tree)
        if [[ $flavour = vm* ]]; then
                make=make_vm_host_tree
                recipe+=$(declare -f make_vm_host_tree zfs_rootfs_options make_zfs_modules)
        fi
        cache_entry "base/$suite-$flavour-$(cache_key "$suite" "$packages" "$recipe")" "$make" "$suite" "$packages"
}

# With ZFS, whose module is made for the kernel that the tree has come to have.
make_vm_host_tree() {
        local root=$1 suite=$2 packages=$3 kernel modules unit ROOTFS_OPTIONS
        zfs_rootfs_options "$suite"
        make_host_tree "$root" "$suite" "$packages" || return 1
        kernel=$(compgen -G "$root/lib/modules/*") || return 1
        modules=$(zfs_modules "$suite" "${kernel##*/}") || return 1
        mkdir -p "$kernel/updates" || return 1
        cp "$modules"/*.ko "$kernel/updates/" || return 1
        chroot "$root" depmod "${kernel##*/}" || return 1
        # The module is loaded by who needs it, and there are no pools to look for.
        for unit in zfs-load-module zfs-import-cache zfs-import-scan zfs-mount zfs-share zfs-volume-wait zfs-zed; do
                ln -sf /dev/null "$root/etc/systemd/system/$unit.service" || return 1
        done
}

make_host_tree() {
        local root=$1 suite=$2 packages
        mapfile -t packages <<<"$3"
        need_packages "${MACHINE_PACKAGES[@]}" || return 1
        make_rootfs "$root" "$suite" "${packages[@]}" || return 1

        local user
        for user in alice bob; do
                chroot "$root" useradd --create-home --shell /bin/bash "$user" || return 1
                echo "$user:$user" | chroot "$root" chpasswd || return 1
        done
        echo root:root | chroot "$root" chpasswd || return 1

        # Every host gets its own at `up`.
        : >"$root/etc/machine-id"
        rm -f "$root/var/lib/dbus/machine-id" "$root/etc/resolv.conf"
        # The journal of a host that broke can be read from outside, if it is on the disk.
        mkdir -p "$root/var/log/journal" || return 1
        # A container has no devtmpfs, so nobody would make these.
        local i
        for i in {0..31}; do
                echo "b! /dev/loop$i 0660 root disk - 7:$i"
        done >"$root/etc/tmpfiles.d/loop.conf"
        # A host without a network has nothing to wait for.
        ln -sf /dev/null "$root/etc/systemd/system/systemd-networkd-wait-online.service" || return 1
        # Timers that wake up in the middle of a measurement.
        local timer
        for timer in apt-daily apt-daily-upgrade dpkg-db-backup e2scrub_all fstrim man-db; do
                ln -sf /dev/null "$root/etc/systemd/system/$timer.timer" || return 1
        done

        [ ! -e "$root/etc/initramfs-tools" ] || vm_tree "$root"
}

# vm_tree ROOT: what only a virtual machine needs.
vm_tree() {
        local root=$1
        # A small initrd is unpacked in no time even when it is emulated.
        echo MODULES=list >"$root/etc/initramfs-tools/conf.d/modules" || return 1
        printf '%s\n' virtio_pci virtio_blk ext4 >"$root/etc/initramfs-tools/modules" || return 1
        chroot "$root" update-initramfs -u >/dev/null || return 1
        # The one interface, to the network that is inside of qemu.
        printf '[Match]\nDriver=virtio_net\n\n[Network]\nAddress=10.0.2.15/24\nIPv6AcceptRA=no\n' \
                >"$root/etc/systemd/network/10-test.network" || return 1
        chroot "$root" systemctl --quiet enable systemd-networkd.service ssh.service || return 1
        printf 'UseDNS no\nX11Forwarding no\nPrintMotd no\n' >"$root/etc/ssh/sshd_config.d/test.conf" || return 1
        echo '/dev/vda / ext4 defaults 0 1' >"$root/etc/fstab"
}
