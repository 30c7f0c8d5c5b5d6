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
readonly MACHINE_CHECK_PACKAGES=(clang clang-tidy cppcheck gcovr jq shellcheck strace valgrind)

# In every test host. The second half is what berth itself depends on, so that
# apt can install the package in a host that has no network.
readonly HOST_PACKAGES=(
        systemd systemd-sysv dbus polkitd systemd-container libpam-systemd libnss-systemd
        libnss-mymachines login passwd sudo uidmap iproute2 iputils-ping procps util-linux mount kmod
        e2fsprogs strace busybox-static tar xz-utils zstd bzip2 gzip acl attr libcap2-bin
        bash-completion less jq apparmor btrfs-progs
        libsystemd0 libcap2 libseccomp2 libyaml-0-2 libjson-c5 libinih1 libnl-3-200 libnl-route-3-200 nftables libsquashfs1 squashfs-tools libcryptsetup12
        ca-certificates gpgv gnupg python3-minimal libpython3-stdlib openssl
)

readonly HOST_PACKAGES_bookworm=(libarchive13 libssl3 libcurl4)
readonly HOST_PACKAGES_trixie=(libarchive13t64 libssl3t64 libcurl4t64)

# A host that is a virtual machine has these on top.
readonly HOST_VM_PACKAGES=(
        linux-image-cloud-amd64 initramfs-tools udev openssh-server dmsetup lxcfs systemd-coredump
        lvm2 thin-provisioning-tools zfsutils-linux xfsprogs
)

# Hosts whose network is kept by NetworkManager, and by ifupdown.
readonly HOST_NETWORK_PACKAGES=(network-manager ifupdown isc-dhcp-client)

# The peers that the benchmark measures beside berth, and exchanges images with; and the programs that build root file
# systems, with what it takes to make repositories for them, and those that make images of applications.
readonly HOST_PEER_PACKAGES_bookworm=(lxc lxd lxd-client btrfs-progs squashfs-tools-ng)
readonly HOST_PEER_PACKAGES_trixie=(lxc incus btrfs-progs squashfs-tools-ng)
readonly HOST_BUILDER_PACKAGES=(mmdebstrap debian-archive-keyring dnf rpm createrepo-c apt-utils skopeo umoci)

# A Debian container to import: boots to `running`, has a program with a file
# capability (ping), ACLs and a set-uid program (su).
readonly GUEST_PACKAGES=(systemd systemd-sysv dbus login passwd libpam-systemd iputils-ping libcap2-bin procps systemd-coredump)

# One that sets itself up by what it is told.
readonly GUEST_CLOUD_PACKAGES=(cloud-init netplan.io iproute2)

# One with programs that AppArmor confines, and what berth's own package depends on (in what HOST_PACKAGES has).
readonly GUEST_APPARMOR_PACKAGES=(
        apparmor isc-dhcp-client mariadb-server
        systemd-container busybox-static uidmap iproute2 kmod
        polkitd libnss-mymachines ca-certificates gpgv libsystemd0 libcap2 libseccomp2 libyaml-0-2 libjson-c5 libnl-3-200 libnl-route-3-200 libsquashfs1 libcryptsetup12
)

# One that has the container engines in it, to run one inside of another: what they depend on, the part of what
# they recommend that a container needs, and what berth's own package depends on (in what HOST_PACKAGES has).
readonly GUEST_ENGINE_PACKAGES=(
        docker.io podman netavark catatonit lxc systemd-container iptables nftables busybox-static uidmap iproute2 kmod
        polkitd libnss-mymachines jq ca-certificates gpgv libsystemd0 libcap2 libseccomp2 libyaml-0-2 libjson-c5 libnl-3-200 libnl-route-3-200 libsquashfs1 libcryptsetup12
)
readonly GUEST_ENGINE_PACKAGES_bookworm=()
readonly GUEST_ENGINE_PACKAGES_trixie=(docker-cli)
