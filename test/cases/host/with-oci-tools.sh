# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Images of applications as umoci and skopeo make them. What umoci unpacks of one is what berth has to make of it.
# guests: busybox
# flavour: peers
# limit: 240

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        [ "$(image_count)" = 0 ]
}

# base_image TAG: into the layout o; one layer, of which other layers take away, replace, and add to, by way of symlinks too
base_image() {
        [ -d o ] || expect umoci init --layout o
        expect umoci new --image "o:$1"
        expect umoci unpack --image "o:$1" b
        tar -C b/rootfs -xf "$(guest busybox)"
        (
                cd b/rootfs || exit
                mkdir -p opt/old/deep real srv/d srv/acl srv/changes/was-directory srv/changes/was-tree/deep shut
                ln -s real by-name
                ln -s /real by-path
                echo gone >etc/gone
                echo x >tmp/x
                echo x >opt/old/deep/x
                echo one >srv/d/one
                ln srv/d/one srv/d/link
                chown -R 1000:1001 srv/d
                chmod 2750 srv/d
                setfattr -n user.origin -v test srv/d
                setfattr -n user.gone -v test srv/acl
                setfacl -m u:1000:rwx,d:u:1000:rwx srv/acl
                echo x | tee srv/changes/{was-directory/x,was-tree/x,was-tree/deep/x,was-file,was-link,changed,file-to-directory} >/dev/null
                ln srv/changes/was-link srv/changes/other-link
                mkfifo srv/changes/pipe
                chmod 0711 shut
                chown 7:8 shut
                cp bin/busybox srv/capable
                setcap cap_net_raw+ep srv/capable
        )
        expect umoci repack --image "o:$1" b
        rm -rf b
}

# app_image: o:app
app_image() {
        base_image app
        expect umoci unpack --image o:app b
        (
                cd b/rootfs/srv || exit
                rm -r changes/was-directory changes/was-tree changes/file-to-directory changes/pipe
                echo file >changes/was-directory
                ln -s ../d changes/was-tree
                mkdir changes/file-to-directory
                touch changes/file-to-directory/x
                ln -sfn /etc/passwd changes/was-file
                rm changes/was-link
                chmod 4755 changes/changed
                chown 33:33 changes/other-link
                setfattr -x user.gone acl
                mkdir acl/inherits
                # Whose ACL the directory's default one would be, if nobody said otherwise.
                mkdir acl/own
                setfacl -b -k acl/own
                chmod 0700 acl/own
        )
        expect umoci repack --image o:app b
        rm -rf b
        # Each of these is a layer with nothing but the file in it, not even the directories on the way there.
        echo new >new
        expect umoci insert --image o:app new /by-name/relative
        expect umoci insert --image o:app new /by-path/absolute
        expect umoci insert --image o:app new /shut/in
        expect umoci insert --image o:app new /srv/d/in
        expect umoci insert --image o:app new /made/for/it
        expect umoci insert --image o:app --whiteout /tmp/x
        expect umoci insert --image o:app --whiteout /etc/gone
        mkdir opaque
        echo new >opaque/new
        expect umoci insert --image o:app --opaque opaque /opt/old
        # One that is empty, and one twice.
        tar -cf nothing.tar -T /dev/null
        expect umoci raw add-layer --image o:app nothing.tar
        expect umoci insert --image o:app new /shut/in
}

# tree_of DIRECTORY: all of what its files have, and one line of that a file; ids from the foreign range on are those inside
tree_of() {
        (
                cd "$1" || exit
                find . -type d -printf '%p %y %m %U:%G\n' -o -type l -printf '%p %y %U:%G %T@ %l\n' -o -printf '%p %y %m %U:%G %n %s %T@\n'
                find . -type f -exec sha256sum {} +
                find . -exec getfattr -h -d -m '^user' {} + | awk '/^# file: / { f = $3 } /=/ { print f, $0 }'
                find . ! -type l -exec getfacl -n -p {} + | awk '/^# file: / { f = $3 } /^[a-z]/ { print f, $0 }'
                find . -type f -exec getcap {} +
        ) | sed 's/\.0\{10\}//' | perl -pe 's/\b(\d{10})\b/$1 >= '"$FOREIGN_BASE && \$1 < $FOREIGN_END ? \$1 - $FOREIGN_BASE"' : $1/ge' | sort
}

# is_as_unpacked ALIAS: what umoci has unpacked of it to b
is_as_unpacked() {
        tree_of "$STORE/images/$(image_of "$1")/rootfs" >have
        diff want have >&2 || fail "$1: what umoci unpacks is another tree (< umoci, > berth)"
}

# the layers of umoci as skopeo writes them, in every compression and both formats, are the tree that umoci unpacks
test_R26_umoci_layers() {
        local what
        on_exit 'forget_image app'
        app_image
        expect umoci unpack --image o:app b
        tree_of b/rootfs >want
        # The oracle has understood it.
        for what in './real/relative' './real/absolute' './made/for/it' './opt/old/new'; do
                assert_match "$(cat want)" "$what f 644 0:0 1 4"
        done
        assert_match "$(cat want)" 'capable cap_net_raw=ep'
        assert_match "$(cat want)" './srv/acl/inherits default:user:1000:rwx'
        assert_match "$(cat want)" './tmp d 1777 0:0'
        expect_fail grep -qE '^\./(tmp/x|etc/gone|opt/old/deep)|user\.gone|/own .*user:1000|\.wh\.' want

        expect skopeo copy oci:o:app oci-archive:gzip.tar:app:1.0
        expect skopeo copy --dest-compress-format zstd oci:o:app oci:zstd:app
        expect skopeo copy --dest-decompress --dest-oci-accept-uncompressed-layers oci:o:app oci:plain:app
        expect skopeo copy oci:o:app docker-archive:docker.tar:app:1.0
        expect skopeo copy --format v2s2 docker-archive:docker.tar oci-archive:again.tar:app
        for what in gzip.tar zstd plain docker.tar again.tar; do
                echo "$what:" >&2
                expect berthctl import "$what" --alias app
                is_as_unpacked app
                assert_eq "$(berthctl show-image app -p Type --value)" oci
                expect berthctl remove-image app
        done
}

# one whose zstd has frames of other things between those of the layer
test_R26_skopeo_chunked() {
        on_exit 'forget_image app'
        base_image app
        expect umoci unpack --image o:app b
        tree_of b/rootfs >want
        expect timeout "$((60 * ${BERTH_TEST_SLOW:-1}))" skopeo copy --dest-compress-format zstd:chunked oci:o:app oci:chunked:app
        assert_match "$(cat chunked/blobs/sha256/*)" 'zstd-chunked'
        expect berthctl import chunked --alias app
        is_as_unpacked app
}

# what umoci sets of a program is how it runs: arguments, environment, directory, user and group by name and by number, signal
test_R26_umoci_config() {
        local leader user want
        on_exit 'forget c1; forget_image app'
        base_image app
        expect umoci unpack --image o:app b
        chmod 0777 b/rootfs/srv/d
        echo 'app:x:1000:1000::/srv:/bin/sh' >>b/rootfs/etc/passwd
        printf 'app:x:1000:\nstaff:x:50:\nmore:x:60:app\n' >>b/rootfs/etc/group
        expect umoci repack --image o:app b
        expect umoci config --image o:app --config.entrypoint sh --config.entrypoint=-c --config.cmd 'trap "echo stopped >/srv/d/stopped; exit" USR1; echo "$0: $GREETING" >/dev/stdout && echo yes >/srv/d/spoke; while :; do sleep 0.1; done' \
                --config.cmd 'two words' --config.env 'GREETING=hello world' --config.env EMPTY= --config.workingdir /srv/d --config.volume /data --config.exposedports 80/tcp \
                --config.stopsignal SIGUSR1 --config.label org.opencontainers.image.title=Title --created 2024-01-02T03:04:05Z
        while read -r user want; do
                rm -rf oci.tar b
                expect umoci config --image o:app --config.user "$user"
                expect umoci unpack --image o:app b
                assert_eq "$want" "$(jq -r '.process.user | "\(.uid)\(.gid)+\((.additionalGids // []) | map(" \(.)") | join(""))"' b/config.json)" "what umoci makes of $user"
                expect skopeo copy oci:o:app oci-archive:oci.tar:app:1.0
                expect berthctl import oci.tar --alias app
                run_container c1 app
                leader=$(leader_of c1)
                assert_eq "$(tr '\0' '|' <"/proc/$leader/cmdline" | cut -d'|' -f1,2,4)" '/bin/sh|-c|two words'
                assert_match "$(tr '\0' '\n' <"/proc/$leader/environ")" $'(^|\n)GREETING=hello world\n'
                assert_eq "$(inside c1 readlink /proc/1/cwd)" /srv/d
                assert_eq "$(inside c1 awk '/^(Uid|Gid):/ { print $3 } /^Groups:/ { $1 = ""; print "+" $0 }' /proc/1/status | tr -d '\n')" "$want" "as $user"
                eventually 10 test -s "$STORE/containers/c1/layer/upper/srv/d/spoke"
                expect berthctl stop c1
                assert_eq "$(cat "$STORE/containers/c1/layer/upper/srv/d/stopped")" stopped
                forget c1
                assert_match "$(berthctl show-image app -p Properties)" Title
                expect berthctl remove-image app
        done <<-'E'
		1000:1001 10001001+
		app 10001000+ 60
		app:staff 100050+
		1000 10001000+ 60
		0:1001 01001+
		2000 20000+
		E
        # Nobody of that name: it does not run as somebody else.
        rm oci.tar
        expect umoci config --image o:app --config.user nobody-there
        expect skopeo copy oci:o:app oci-archive:oci.tar:app:1.0
        expect berthctl import oci.tar --alias app
        new_container c1 app
        start_fails "no user 'nobody-there'" c1
}

# of an index within an index, as skopeo copies one with all platforms, it is the host's; of several images nobody guesses; what is no layout is refused
test_R26_skopeo_indexes() {
        local own other
        on_exit 'forget_image app; forget_image other'
        base_image app
        own=$(jq -r '.manifests[0].digest' o/index.json)
        expect umoci tag --image o:app other
        expect umoci config --image o:other --architecture s390x
        other=$(jq -r '.manifests[] | select(.annotations[] == "other").digest' o/index.json)
        [ "$own" != "$other" ]
        refused 'it has several images' berthctl import o
        # One that has two names is one.
        expect umoci tag --image o:app latest
        expect umoci rm --image o:other
        expect berthctl import o --alias app
        expect berthctl remove-image app

        # The index is what no program of these makes; what skopeo makes of it is what a registry would have given.
        jq -n --arg own "$own" --arg other "$other" --arg a "$(dpkg --print-architecture)" --arg u "$(stat -c %s "o/blobs/sha256/${own#*:}")" --arg v "$(stat -c %s "o/blobs/sha256/${other#*:}")" '
                {schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [
                {mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $other, size: ($v | tonumber), platform: {architecture: "s390x", os: "linux"}},
                {mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $own, size: ($u | tonumber), platform: {architecture: $a, os: "linux"}}]}' >index
        cp index "o/blobs/sha256/$(fingerprint_of index)"
        jq -n --arg d "sha256:$(fingerprint_of index)" --arg s "$(stat -c %s index)" '{schemaVersion: 2, manifests: [
                {mediaType: "application/vnd.oci.image.index.v1+json", digest: $d, size: ($s | tonumber), annotations: {"org.opencontainers.image.ref.name": "all"}}]}' >o/index.json
        expect skopeo copy --all oci:o:all oci-archive:all.tar:all
        assert_eq "$(tar -xOf all.tar index.json | jq -r '.manifests | length, .[0].mediaType' | tr '\n' ' ')" '1 application/vnd.oci.image.index.v1+json '
        expect berthctl import all.tar --alias app
        assert_eq "$(berthctl show-image app -p Architecture --value)" "$(uname -m)"

        # skopeo's own format of a directory is none of OCI.
        expect skopeo copy oci-archive:all.tar dir:d
        refused "'d' is a directory: berthctl import-fs" berthctl import d
        tar -C d -cf d.tar .
        refused "manifest.json' is not right" berthctl import d.tar
}
