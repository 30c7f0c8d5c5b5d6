# shellcheck shell=bash
# shellcheck disable=SC2034 # used by the scripts that source this
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is installed where. A change of a list makes a new base tree, because the
# lists are part of its key in the cache.

readonly SUITES=(bookworm trixie)

# On the machine that runs the tests.
readonly MACHINE_PACKAGES=(mmdebstrap systemd-container debian-archive-keyring zstd xz-utils bzip2 acl attr)
readonly MACHINE_VM_PACKAGES=(qemu-system-x86 qemu-utils e2fsprogs openssh-client)
readonly MACHINE_DEB_PACKAGES=(build-essential dpkg-dev debhelper git ccache)
readonly MACHINE_CHECK_PACKAGES=(clang jq shellcheck)

# In every test host. The second half is what berth itself depends on, so that
# apt can install the package in a host that has no network.
readonly HOST_PACKAGES=(
        systemd systemd-sysv dbus polkitd systemd-container libpam-systemd libnss-systemd
        libnss-mymachines login passwd sudo uidmap iproute2 iputils-ping procps util-linux mount kmod
        e2fsprogs strace busybox-static tar xz-utils zstd bzip2 gzip acl attr libcap2-bin
        bash-completion less jq apparmor
        libsystemd0 libcap2 libseccomp2 libyaml-0-2 libjson-c5 libinih1 libnl-3-200 libnl-route-3-200 nftables
)

readonly HOST_PACKAGES_bookworm=(libarchive13 libssl3)
readonly HOST_PACKAGES_trixie=(libarchive13t64 libssl3t64)

# A host that is a virtual machine has these on top.
readonly HOST_VM_PACKAGES=(linux-image-cloud-amd64 initramfs-tools udev openssh-server dmsetup btrfs-progs)

# The peers that the benchmark measures beside berth.
readonly HOST_PEER_PACKAGES_bookworm=(lxc lxd lxd-client btrfs-progs)
readonly HOST_PEER_PACKAGES_trixie=(lxc incus btrfs-progs)

# A Debian container to import: boots to `running`, has a program with a file
# capability (ping), ACLs and a set-uid program (su).
readonly GUEST_PACKAGES=(systemd systemd-sysv dbus login passwd libpam-systemd iputils-ping libcap2-bin procps)
