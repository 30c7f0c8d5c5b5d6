# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Images of applications: tarballs of OCI image layouts and of docker save.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        [ "$(image_count)" = 0 ]
}

# layers: l1.tar, l2.tar and l3.tar, each with something to take away or replace in those below, and config.json
layers() {
        local l
        mkdir -p l1/srv/d l1/opt/old l2/etc l2/srv/d l2/opt l3/srv/d l3/etc
        tar -C l1 -xf "$(guest busybox)"
        echo one >l1/srv/d/one
        echo low >l1/opt/old/x
        echo gone >l1/etc/gone
        mkdir l1/becomes-file l3/becomes-directory
        echo x >l1/becomes-directory
        echo two >l2/srv/d/two
        ln l2/srv/d/two l2/srv/d/link
        chown 1000:1001 l2/srv/d/two
        touch l2/etc/.wh.gone l2/opt/.wh..wh..opq
        echo new >l2/opt/new
        echo x >l3/becomes-file
        echo x >l3/becomes-directory/x
        echo replaced >l3/srv/d/one
        chmod 1777 l3/srv
        for l in 1 2 3; do
                tar -C "l$l" --numeric-owner --sort=name -cf "l$l.tar" .
        done
        jq -n --arg d1 "$(fingerprint_of l1.tar)" --arg d2 "$(fingerprint_of l2.tar)" --arg d3 "$(fingerprint_of l3.tar)" --arg a "$(uname -m)" '{
                architecture: ({x86_64: "amd64", aarch64: "arm64"}[$a] // $a), os: "linux", created: "2024-01-02T03:04:05.123Z",
                config: {Env: ["PATH=/bin:/sbin", "GREETING=hello world"], Entrypoint: ["sh", "-c"], Cmd: ["while :; do sleep 1; done"], WorkingDir: "/srv",
                        User: "1000", StopSignal: "SIGKILL", Labels: {"org.opencontainers.image.title": "A title"}},
                rootfs: {type: "layers", diff_ids: ["sha256:" + $d1, "sha256:" + $d2, "sha256:" + $d3]}}' >config.json
}

# blob FILE: into the layout; prints its digest
blob() {
        local hash
        hash=$(fingerprint_of "$1")
        cp "$1" "o/blobs/sha256/$hash"
        echo "sha256:$hash"
}

# oci_archive FILE: of the layers, of which one is compressed with gzip and one with zstd
oci_archive() {
        rm -rf o
        mkdir -p o/blobs/sha256
        gzip -nc l1.tar >l1.tar.gz
        zstd -qfc l2.tar >l2.tar.zst
        jq -n --arg c "$(blob config.json)" --arg a "$(blob l1.tar.gz)" --arg b "$(blob l2.tar.zst)" --arg d "$(blob l3.tar)" \
                '{schemaVersion: 2, config: {digest: $c}, layers: [{digest: $a}, {digest: $b}, {digest: $d}]}' >manifest
        jq -n --arg m "$(blob manifest)" --arg a "$(jq -r .architecture config.json)" '{schemaVersion: 2, manifests: [
                {digest: ("sha256:" + "1" * 64), platform: {architecture: "s390x", os: "linux"}},
                {digest: $m, platform: {architecture: $a, os: "linux"}, annotations: {"org.opencontainers.image.ref.name": "app:1.0"}}]}' >o/index.json
        echo '{"imageLayoutVersion": "1.0.0"}' >o/oci-layout
        tar -C o -cf "$1" .
}

# docker_archive FILE: as older versions of docker save write it, with a symlink for one layer
docker_archive() {
        local l
        rm -rf d
        mkdir d
        cp config.json d/c.json
        for l in 1 2 3; do
                mkdir "d/L$l"
                cp "l$l.tar" "d/L$l/layer.tar"
        done
        ln -s ../L3/layer.tar d/L3/other.tar
        echo '[{"Config": "c.json", "RepoTags": ["app:1.0"], "Layers": ["L1/layer.tar", "L2/layer.tar", "L3/other.tar"]}]' >d/manifest.json
        tar -C d -cf "$1" .
}

# is_right ALIAS: layers in order, whiteouts, configuration
is_right() {
        local rootfs leader
        rootfs=$STORE/images/$(image_of "$1")/rootfs
        assert_eq "$(berthctl show-image "$1" -p Type --value)" oci
        assert_eq "$(berthctl show-image "$1" -p Architecture --value)" "$(uname -m)"
        assert_eq "$(berthctl show-image "$1" -p Description --value)" app:1.0
        assert_eq "$(berthctl show-image "$1" -p CreatedUSec --value)" "$(date -u -d '2024-01-02 03:04:05' +%s)000000"
        assert_match "$(berthctl show-image "$1" -p Properties)" 'A title'
        assert_eq "$(cat "$rootfs/srv/d/one")" replaced
        assert_eq "$(stat -c '%h %u %g' "$rootfs/srv/d/link")" "2 $((FOREIGN_BASE + 1000)) $((FOREIGN_BASE + 1001))"
        assert_eq "$(stat -c %a "$rootfs/srv")" 1777
        assert_eq "$(ls "$rootfs/opt")" new
        [ ! -e "$rootfs/etc/gone" ] || fail "what a layer takes away is there"
        [ -f "$rootfs/becomes-file" ] && [ -f "$rootfs/becomes-directory/x" ] || fail "a file and a directory have not changed places"
        [ -z "$(find "$rootfs" -name '.wh.*')" ] || fail "whiteouts are left"
        assert_eq "$(find "$STORE/images/$(image_of "$1")" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | tr '\n' ' ')" 'archive image.conf rootfs settings.conf '

        run_container c1 "$1"
        leader=$(leader_of c1)
        assert_eq "$(tr '\0' ' ' <"/proc/$leader/cmdline")" '/bin/sh -c while :; do sleep 1; done '
        assert_match "$(tr '\0' '\n' <"/proc/$leader/environ")" '^GREETING=hello world$|'$'\n''GREETING=hello world'
        assert_eq "$(inside c1 readlink /proc/1/cwd)" /srv
        expect berthctl stop c1
        forget c1
        # What whoever makes a container says goes before it.
        new_container c1 "$1" --set Environment=GREETING=bye --set WorkingDirectory=/etc
        assert_match "$(berthctl show --effective c1)" 'WorkingDirectory +/etc'
        forget c1
}

# an OCI image layout
test_R26_oci() {
        layers
        oci_archive oci.tar
        on_exit 'forget c1; forget_image app'
        expect berthctl import oci.tar --alias app
        assert_eq "$(image_of app)" "$(fingerprint_of oci.tar)"
        is_right app
        expect berthctl export app out
        cmp out oci.tar
        refused "'app' is layers.*[Pp]ublish" berthctl export --metadata app with
        [ ! -e with ] && [ ! -e with.root ] || fail "something was written"
        expect berthctl remove-image app
        gzip oci.tar
        expect berthctl import oci.tar.gz --alias app
        is_right app
        expect berthctl remove-image app
        # As skopeo copies it to oci:DIRECTORY, and what a program writes to its standard output.
        expect berthctl import o --alias app
        is_right app
        rm o/index.json
        refused 'no root file system' berthctl import o
        rm o/oci-layout
        refused "'o' is a directory: berthctl import-fs" berthctl import o
}

# what docker save writes
test_R26_docker_save() {
        layers
        docker_archive docker.tar
        on_exit 'forget c1; forget_image app'
        cat docker.tar | expect berthctl import - --alias app
        assert_eq "$(image_of app)" "$(fingerprint_of docker.tar)"
        is_right app
}

# files and whiteouts of a layer go through symlinks of the layers below, and not out of the image
test_S55_oci_symlinks() {
        local rootfs
        layers
        on_exit 'forget_image app'
        ln -s ../../../../../../../../../.. l1/up
        ln -s /root l1/absolute
        ln -s loop l1/loop
        ln -s /proc/self/root l1/magic
        echo image >l1/etc/hostname
        tar -C l1 --numeric-owner -cf l1.tar .
        # Without the directories themselves, which would replace the links.
        mkdir -p l2/up/etc l2/absolute l2/loop l2/magic
        touch l2/up/canary-1 l2/absolute/canary-2 l2/loop/canary-3 l2/magic/canary-4 l2/up/etc/.wh.hostname
        tar -C l2 -cf l2.tar up/canary-1 absolute/canary-2 loop/canary-3 magic/canary-4 up/etc/.wh.hostname
        jq --arg d1 "sha256:$(fingerprint_of l1.tar)" --arg d2 "sha256:$(fingerprint_of l2.tar)" '.rootfs.diff_ids[0] = $d1 | .rootfs.diff_ids[1] = $d2' config.json >c
        mv c config.json
        docker_archive docker.tar
        host_stamp
        expect berthctl import docker.tar --alias app
        rootfs=$STORE/images/$(image_of app)/rootfs
        assert_eq "$(cd "$rootfs" && find . -name 'canary*' | sort | tr '\n' ' ')" './canary-1 ./loop/canary-3 ./magic/canary-4 ./root/canary-2 '
        [ ! -e "$rootfs/etc/hostname" ] || fail "the image's file is there"
        [ -L "$rootfs/up" ] && [ -L "$rootfs/absolute" ] || fail 'symlinks that lead to directories are gone'
        [ -s /etc/hostname ] || fail "the host's file is gone"
        host_untouched
}

# a layer that is not what its digest says, names that lead out, an index, manifest or configuration that is none: one error, and nothing left
test_R26_bad_oci() {
        local bad
        layers
        rm -rf l1 l2.tar l3.tar
        mkdir l1 && echo x >l1/init && tar -C l1 -cf l1.tar .
        cp l1.tar l2.tar
        cp l1.tar l3.tar
        oci_archive good.tar
        echo y >>"o/blobs/sha256/$(fingerprint_of l3.tar)"
        tar -C o -cf bad.tar .
        refused 'SHA-256' berthctl import bad.tar
        oci_archive good.tar
        echo ' ' >>"o/blobs/sha256/$(fingerprint_of manifest)"
        tar -C o -cf bad.tar .
        refused 'SHA-256' berthctl import bad.tar
        oci_archive good.tar
        rm "o/blobs/sha256/$(fingerprint_of l2.tar.zst)"
        tar -C o -cf bad.tar .
        refused 'not in the archive' berthctl import bad.tar
        for bad in '' '{' '[]' '{"manifests": [{"digest": "sha256:../../../../etc/passwd"}]}' '{"manifests": [{"digest": 1}]}' '{"manifests": []}' \
                "$(printf '[%.0s' {1..5000})"; do
                printf '%s' "$bad" >o/index.json
                tar -C o -cf bad.tar .
                refused "index.json|SHA-256" berthctl import bad.tar
        done

        docker_archive good.tar
        for bad in '[]' '{}' '[{"Config": "c.json", "Layers": []}]' '[{"Config": "../../../image.conf", "Layers": ["L1/layer.tar"]}]' \
                '[{"Config": "c.json", "Layers": ["/etc/passwd"]}]' '[{"Config": "c.json", "Layers": ["L1"]}]' '[{"Config": "c.json", "Layers": ["leads-out"]}]'; do
                printf '%s' "$bad" >d/manifest.json
                ln -sfn ../../../../../../../../etc/passwd d/leads-out
                tar -C d -cf bad.tar .
                refused 'manifest.json|not in the archive|layers' berthctl import bad.tar
        done
        docker_archive good.tar
        mkdir -p x/a && touch x/a/.wh... && tar -C x -cf d/L2/layer.tar .
        jq 'del(.rootfs)' config.json >d/c.json
        tar -C d -cf bad.tar .
        refused "takes away" berthctl import bad.tar
}
