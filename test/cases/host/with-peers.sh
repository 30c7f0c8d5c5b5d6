# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Images go to the LXD, or Incus, that Debian has, and come from there: containers are run on both sides.
# guests: busybox
# flavour: peers

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

# Its name, and its client's.
PEER=lxd LXC=lxc PEER_ADMIN=(lxd)
if command -v incus >/dev/null; then
        PEER=incus LXC=incus PEER_ADMIN=(incus admin)
fi

setup_file() {
        expect systemctl start "$PEER.socket"
        "${PEER_ADMIN[@]}" init --preseed <<-E || fail "$PEER does not start"
		config: {}
		storage_pools:
		- name: default
		  driver: dir
		profiles:
		- name: default
		  devices:
		    root: {type: disk, path: /, pool: default}
		E
        import_guests busybox
}

teardown_file() {
        local mount
        systemctl stop "$PEER.socket" "$PEER.service"
        awk -v top="/var/lib/$PEER/" 'index($5, top) == 1 { print $5 }' /proc/self/mountinfo | sort -r | while read -r mount; do
                umount -l "$mount"
        done
        ip -o link | awk -F'[:@ ]+' '$2 ~ /^(lxd|incus)br/ { print $2 }' | while read -r mount; do
                ip link delete "$mount"
        done
        systemctl reset-failed
        remove_all
}

# peer COMMAND...: its client. It draws progress on standard output.
peer() {
        "$LXC" --quiet "$@" </dev/null
}

# peer_forget CONTAINER IMAGE...
peer_forget() {
        peer delete --force "$1" 2>/dev/null || true
        for image in "${@:2}"; do
                peer image delete "$image" 2>/dev/null || true
        done
}

# peer_runs NAME: its init has come up
peer_runs() {
        [ "$(peer exec "$1" -- cat /proc/1/comm 2>/dev/null)" = init ]
}

# peer_tells NAME COMMAND...: what it prints there, which has to be something: once in some 250 times the client ends, with 0, before it has come
peer_tells() {
        local said=''
        for _ in 1 2 3 4 5; do
                said=$(peer exec "$1" -- "${@:2}") || return
                [ -z "$said" ] || break
        done
        echo "$said"
}

peer_fingerprint() {
        peer image list --format json "$1" | jq -r '.[0].fingerprint'
}

# a_unified FILE: an image with a template and properties
a_unified() {
        mkdir -p u/rootfs u/templates
        tar -C u/rootfs -xf "$(guest busybox)"
        cat >u/metadata.yaml <<-'E'
		architecture: x86_64
		creation_date: 1424284563
		properties: {os: busybox, release: "1", description: both ways}
		templates:
		  /etc/made:
		    when: [create, copy]
		    template: made.tpl
		    properties: {text: "two words"}
		E
        echo 'name={{ container.name }} text={{ properties.text }}' >u/templates/made.tpl
        tar -C u --numeric-owner --owner=0 --group=0 -cJf "$1" metadata.yaml rootfs templates
}

# What a file system can hold: made in a container, and shown.
readonly THINGS='mkdir -p /srv/d && cd /srv/d && echo one >a && ln a b && ln -s ../x l && mkfifo p && chown 1000:1001 a && chmod 4711 a &&
        dd if=/dev/zero of=hole bs=1 count=0 seek=20M 2>/dev/null && rm /etc/inittab && echo ü >ü && chmod 1777 .'
# shellcheck disable=SC2016
readonly SHOW='cd /srv/d && stat -c "%n %a %u:%g %s %F" a . l p hole && readlink l && cat ü && [ a -ef b ] && ! ls /etc/inittab 2>/dev/null'

# what was imported goes out as it came in, is the same image there, templates and all
test_R28_peer_takes_an_export() {
        a_unified u.tar.xz
        on_exit 'peer_forget l1 it; forget_image it'
        expect berthctl import u.tar.xz --alias it
        expect berthctl export it out.tar.xz
        expect peer image import out.tar.xz --alias it
        assert_eq "$(peer_fingerprint it)" "$(image_of it)" 'its fingerprint there'
        expect peer launch it l1
        eventually 10 peer_runs l1
        assert_eq "$(peer_tells l1 cat /etc/made)" 'name=l1 text=two words'
}

# a mere root file system, of a tarball, a squashfs or a directory, is an image there with its metadata, and by itself is none
test_R28_peer_takes_metadata() {
        local how before
        mkdir root
        tar -C root -xf "$(guest busybox)"
        touch root/dev/null root/dev/zero
        expect chroot root /bin/sh -ec "$THINGS"
        before=$(chroot root /bin/sh -ec "$SHOW")
        rm root/dev/*
        setcap cap_net_raw+ep root/srv/d/ü
        tar -C root --numeric-owner --xattrs --xattrs-include='*' -cJf root.tar.xz .
        mksquashfs root root.squashfs -quiet -no-progress
        for how in root.tar.xz root.squashfs root; do
                on_exit 'peer_forget l1 it; forget_image it'
                if [ -d $how ]; then
                        expect berthctl import-fs $how it --description 'Made by berth'
                else
                        expect berthctl import $how --alias it --description 'Made by berth'
                fi
                expect berthctl image-set it os=busybox
                expect berthctl export --metadata --force it out
                expect_fail peer image import out.root --alias it
                expect peer image import out out.root --alias it
                assert_eq "$(peer_fingerprint it)" "$(fingerprint_of out out.root)" "$how"
                assert_eq "$(peer image list --format json it | jq -r '.[0] | .architecture, .properties.os, .properties.description' | tr '\n' ,)" \
                        "$(uname -m),busybox,Made by berth,"
                expect peer launch it l1
                eventually 10 peer_runs l1
                assert_eq "$(peer_tells l1 sh -ec "$SHOW")" "$before" "$how"
                assert_match "$(getcap -n "/var/lib/$PEER/storage-pools/default/containers/l1/rootfs/srv/d/ü")" 'cap_net_raw'
                peer_forget l1 it
                expect berthctl remove-image it
        done
}

# a published container runs there, with all that its files have
test_R36_peer_takes_what_is_published() {
        local before
        run_container c1 busybox
        on_exit 'peer_forget l1 pub; forget_image pub'
        expect inside c1 sh -ec "$THINGS"
        before=$(inside c1 sh -ec "$SHOW")
        expect berthctl stop --force c1
        setcap -n "$FOREIGN_BASE" cap_net_raw+ep "$STORE/containers/c1/layer/upper/srv/d/ü"
        expect berthctl publish c1 --alias pub --description 'Made by berth' os=busybox
        expect berthctl export pub out
        expect peer image import out --alias pub
        assert_eq "$(peer image list --format json pub | jq -r '.[0].properties | .os, .description' | tr '\n' ,)" 'busybox,Made by berth,'
        expect peer launch pub l1
        eventually 10 peer_runs l1
        assert_eq "$(peer_tells l1 sh -ec "$SHOW")" "$before"
        assert_match "$(getcap -n "/var/lib/$PEER/storage-pools/default/containers/l1/rootfs/srv/d/ü")" 'cap_net_raw'
}

# what is published there, compressed in every way it has, runs here, with all that its files have
test_R26_peer_publishes() {
        local before how
        on_exit 'peer_forget l1 base; forget c1; forget_image back'
        a_unified u.tar.xz
        expect peer image import u.tar.xz --alias base
        expect peer launch base l1
        eventually 10 peer_runs l1
        expect peer exec l1 -- sh -ec "$THINGS"
        before=$(peer_tells l1 sh -ec "$SHOW")
        expect peer stop --force l1
        for how in gzip zstd squashfs; do
                rm -rf out && mkdir out
                on_exit "peer_forget none back-$how"
                expect peer publish l1 --alias "back-$how" --compression "$how" os=there
                expect peer image export "back-$how" out/
                expect berthctl import out/* --alias back
                assert_eq "$(image_of back)" "$(peer_fingerprint "back-$how")" 'its fingerprint here'
                assert_eq "$(berthctl list-images --json=short os=there | jq length)" 1
                if [[ $how = gzip || $how = squashfs ]]; then
                        run_container c1 back
                        assert_eq "$(inside c1 sh -ec "$SHOW")" "$before"
                        assert_eq "$(inside c1 cat /etc/made)" 'name=c1 text=two words'
                        forget c1
                fi
                expect berthctl remove-image back
        done
}

# an image of two files, with a tar and with a squashfs, goes from here to there and back, and is the same image everywhere
test_R27_peer_split() {
        local kind fingerprint
        mkdir root
        tar -C root -xf "$(guest busybox)"
        mksquashfs root root.squashfs -quiet -no-progress
        xz -1 -c "$(guest busybox)" >root.tar.xz
        printf 'architecture: x86_64\ncreation_date: 1424284563\n' >metadata.yaml
        tar -cJf meta.tar.xz metadata.yaml
        for kind in squashfs tar.xz; do
                on_exit "peer_forget l1 it; forget c1; forget_image it"
                rm -rf out back && mkdir out back
                expect berthctl import meta.tar.xz "root.$kind" --alias it
                expect berthctl export it out/it
                fingerprint=$(image_of it)
                expect berthctl remove-image it
                expect peer image import out/it out/it.root --alias it
                assert_eq "$(peer_fingerprint it)" "$fingerprint" 'its fingerprint there'
                expect peer launch it l1
                eventually 10 peer_runs l1
                expect peer image export it back/it
                ls -l back >&2
                expect berthctl import back/it back/it.root --alias it
                assert_eq "$(image_of it)" "$fingerprint" 'its fingerprint here'
                run_container c1 it
                assert_eq "$(inside c1 cat /proc/1/comm)" init
                forget c1
                peer_forget l1 it
                expect berthctl remove-image it
        done
}
