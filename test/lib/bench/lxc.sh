# shellcheck shell=bash
# shellcheck disable=SC2034 # CMD is the caller's
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# LXC's own tools, unprivileged containers started by root. It has no images: lxc-create unpacks an archive.

lxc_setup() {
        command -v lxc-start >/dev/null || return 1
        local base
        base=$(sed -n 's/^root:\([0-9]*\):.*/\1/p' /etc/subuid)
        mkdir -p "$BENCH/lxc"
        cat >"$BENCH/lxc/config" <<-E
		lxc.include = /usr/share/lxc/config/common.conf
		lxc.include = /usr/share/lxc/config/userns.conf
		lxc.idmap = u 0 $base 65536
		lxc.idmap = g 0 $base 65536
		lxc.net.0.type = empty
		lxc.apparmor.profile = unconfined
		E
        # The template takes nothing but xz, and an archive of metadata with a configuration in it.
        local image
        for image in "$BUSYBOX" "$DEBIAN"; do
                xz -T0 -0 -c "$image" >"$BENCH/lxc/${image##*/}.xz"
        done
        mkdir "$BENCH/lxc/meta"
        : >"$BENCH/lxc/meta/config"
        # It unpacks as root of a user namespace, where nobody makes devices.
        echo './dev/*' >"$BENCH/lxc/meta/excludes"
        tar -C "$BENCH/lxc/meta" -cJf "$BENCH/lxc/meta.tar.xz" config excludes
        info lxc "$(lxc-start --version)"
}

lxc_does() {
        case $1 in
        create) CMD=(lxc-create -n "$2" -f "$BENCH/lxc/config" -t local -- --fstree="$BENCH/lxc/busybox.tar.xz" --metadata="$BENCH/lxc/meta.tar.xz") ;;
        create-debian) CMD=(lxc-create -n "$2" -f "$BENCH/lxc/config" -t local -- --fstree="$BENCH/lxc/debian.tar.xz" --metadata="$BENCH/lxc/meta.tar.xz") ;;
        start) CMD=(lxc-start -n "$2") ;;
        exec) CMD=(lxc-attach -n "$2" -- true) ;;
        stop) CMD=(lxc-stop -k -n "$2") ;;
        delete | delete-debian) CMD=(lxc-destroy -n "$2") ;;
        delete-running) CMD=(lxc-destroy -f -n "$2") ;;
        list) CMD=(lxc-ls -f) ;;
        *) return 1 ;;
        esac
}

lxc_memory() {
        memory_of memory-container lxc '^\[lxc monitor\] /var/lib/lxc '
}
