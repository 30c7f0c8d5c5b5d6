# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Images from servers: URLs and simplestreams, all on loopback; servers that stall, lie, send on and break off; refresh and expiry.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

readonly WEB=/var/tmp/berth-web AT=http://127.0.0.1:8080

setup_file() {
        mkdir -p "$WEB/keys"
        chmod 0700 "$WEB/keys"
        for key in good other; do
                gpg --homedir "$WEB/keys" --batch --quiet --pinentry-mode loopback --passphrase '' --quick-gen-key "$key@example.org" ed25519 sign never
                gpg --homedir "$WEB/keys" --batch --quiet --export "$key@example.org" >"$WEB/$key.gpg"
        done
        serve pull-web 8080
        xz -1 -c "$(guest busybox)" >"$WEB/bb.tar.xz"
        # Directories that stay.
        mkdir -p /etc/berth/remotes.d
        expect berthctl import --quiet "$WEB/bb.tar.xz" --alias bb
        drop bb
        expect berthctl set-server DownloadStallSec=2s
}

teardown_file() {
        systemctl stop pull-web.service
        rm -rf "$WEB" /etc/berth/berth.conf /etc/berth/remotes.d
        remove_all
}

# drop IMAGE: and all that is left of it
drop() {
        expect berthctl remove-image "$1"
        eventually 10 trash_is_empty
}

trash_is_empty() {
        [ -z "$(ls -A "$STORE/trash")" ]
}

# serve UNIT PORT [ADDRESS]
serve() {
        systemd-run --quiet --unit="$1" --property=WorkingDirectory="$WEB" "$CASES_LIB/web-server" "${@:2}"
        wait_until 20 listens "${3:-127.0.0.1}" "$2" || fail "the server does not come up"
}

listens() {
        (exec 5<>"/dev/tcp/$1/$2") 2>/dev/null
}

# requests PATTERN: how many of them there were
requests() {
        grep -c -- "$1" "$WEB/requests.log" || true
}

# sign FILE KEY: clearsigned beside it
sign() {
        gpg --homedir "$WEB/keys" --batch --quiet --yes --local-user "$2@example.org" --output "${1%.json}.sjson" --clearsign "$1"
}

# product TREE NAME ALIASES ARCHITECTURE SERIAL KIND [TEXT]: one more version; its root file system is a small one with TEXT in it, or busybox
product() {
        local tree=$WEB/$1 dir root metadata combined key
        dir=$tree/files/$2/$5
        mkdir -p "$dir" "$tree/streams/v1"
        [ -e "$tree/streams/v1/images.json" ] || echo '{"format":"products:1.0","products":{}}' >"$tree/streams/v1/images.json"
        printf 'architecture: %s\ncreation_date: 1424284563\nproperties:\n  os: test\n  serial: "%s"\n' "${7:+$4}${7:-x86_64}" "$5" >"$dir/metadata.yaml"
        sed -i "s/^architecture: .*/architecture: $4/" "$dir/metadata.yaml"
        tar -C "$dir" -cJf "$dir/lxd.tar.xz" metadata.yaml
        if [ -n "${7-}" ]; then
                a_rootfs "$dir/root.tar" "file|etc/text|$7"
                xz -1 -c "$dir/root.tar" >"$dir/root.tar.xz"
                rm "$dir/root.tar"
        else
                cp "$WEB/bb.tar.xz" "$dir/root.tar.xz"
        fi
        root=$dir/root.tar.xz key=combined_rootxz_sha256
        if [ "$6" = squashfs ]; then
                mkdir "$dir/root"
                tar -C "$dir/root" -xf "$root"
                root=$dir/root.squashfs key=combined_squashfs_sha256
                mksquashfs "$dir/root" "$root" -quiet -noappend -no-progress >&2
                rm -r "$dir/root" "$dir/root.tar.xz"
        fi
        combined=$(fingerprint_of "$dir/lxd.tar.xz" "$root")
        metadata=$(jq -n --arg p "files/$2/$5/lxd.tar.xz" --arg h "$(fingerprint_of "$dir/lxd.tar.xz")" --argjson s "$(stat -c %s "$dir/lxd.tar.xz")" \
                --arg k "$key" --arg c "$combined" '{ftype: "lxd.tar.xz", path: $p, sha256: $h, size: $s, ($k): $c}')
        jq --arg name "$2:$4" --arg aliases "$3" --arg arch "$4" --arg serial "$5" --argjson meta "$metadata" --arg type "$6" \
                --arg p "files/$2/$5/${root##*/}" --arg h "$(fingerprint_of "$root")" --argjson s "$(stat -c %s "$root")" \
                '.products[$name] += {aliases: $aliases, arch: $arch, os: "Test", release: $name, release_title: $name}
                 | .products[$name].versions[$serial].items = {"lxd.tar.xz": $meta, root: {ftype: $type, path: $p, sha256: $h, size: $s}}' \
                "$tree/streams/v1/images.json" >"$tree/new.json"
        mv "$tree/new.json" "$tree/streams/v1/images.json"
        echo '{"format":"index:1.0","index":{"images":{"datatype":"image-downloads","path":"streams/v1/images.json","format":"products:1.0"},
               "ids":{"datatype":"image-ids","path":"streams/v1/ids.json"}}}' >"$tree/streams/v1/index.json"
        sign "$tree/streams/v1/index.json" good
        sign "$tree/streams/v1/images.json" good
}

# remote NAME URL [OPTION...]: until the end of the test
remote() {
        on_exit "berthctl remotes remove '$1' || true"
        expect berthctl remotes add "$@"
}

# no_downloader: none is left
no_downloader() {
        [ -z "$(systemctl list-units --no-legend --plain 'berth-pull-*')" ]
}

# an archive by its URL, with the name of the file as alias; asked for by a process of another user that sees nothing of berth's
test_R41_pull_url() {
        local fingerprint
        on_exit 'forget_image bb; forget_image other'
        fingerprint=$(berthctl pull "$AT/plain/bb.tar.xz" --verify=no)
        assert_eq "$fingerprint" "$(fingerprint_of "$WEB/bb.tar.xz")"
        assert_eq "$(image_of bb)" "$fingerprint" 'the alias'
        run_container c1 bb
        expect inside c1 true
        forget c1
        refused 'here already' berthctl pull "$AT/plain/bb.tar.xz" --verify=no --alias other
        drop bb
        eventually 10 no_downloader
}

# of http: nobody knows who answers, so it must be said what is to be verified
test_R41_http_wants_verify() {
        local before
        before=$(requests .)
        refused 'verify' berthctl pull "$AT/plain/bb.tar.xz"
        refused 'checksum.*signature' berthctl pull "$AT/plain/bb.tar.xz" --verify=perhaps
        refused 'keyring' berthctl pull "$AT/plain/bb.tar.xz" --verify=signature
        assert_eq "$(requests .)" "$before" 'requests'
}

# SHA256SUMS beside it, and its signature
test_R41_checksum_and_signature() {
        mkdir -p "$WEB/sums"
        a_rootfs "$WEB/sums/a.tar" 'file|x|a'
        a_rootfs "$WEB/sums/b.tar" 'file|x|b'
        (cd "$WEB/sums" && sha256sum a.tar | sed 's/  / */' >SHA256SUMS && echo "$(sha256sum a.tar | cut -c1-64)  b.tar" >>SHA256SUMS)
        gpg --homedir "$WEB/keys" --batch --quiet --yes --local-user good@example.org --output "$WEB/sums/SHA256SUMS.gpg" --detach-sign "$WEB/sums/SHA256SUMS"
        on_exit 'forget_image a'
        expect berthctl pull "$AT/plain/sums/a.tar" --verify=checksum
        drop a
        expect berthctl pull "$AT/plain/sums/a.tar" --keyring "$WEB/good.gpg"
        drop a
        refused 'signature.*not right' berthctl pull "$AT/plain/sums/a.tar" --keyring "$WEB/other.gpg"
        refused "SHA-256 is $(fingerprint_of "$WEB/sums/b.tar"), and should be $(fingerprint_of "$WEB/sums/a.tar")" \
                berthctl pull "$AT/plain/sums/b.tar" --verify=checksum
        cp "$WEB/sums/a.tar" "$WEB/sums/c.tar"
        refused 'no SHA-256' berthctl pull "$AT/plain/sums/c.tar" --verify=checksum
        echo >>"$WEB/sums/SHA256SUMS"
        refused 'signature.*not right' berthctl pull "$AT/plain/sums/a.tar" --keyring "$WEB/good.gpg"
        refused 'no .*SHA256SUMS' berthctl pull "$AT/plain/bb.tar.xz" --verify=checksum
}

# connections that break off or stall are made again, and go on where they were
test_R41_resume() {
        local how
        on_exit 'forget_image bb'
        for how in plain cut cutplain stall noranges busy; do
                expect berthctl pull "$AT/$how/bb.tar.xz" --verify=no
                assert_eq "$(image_of bb)" "$(fingerprint_of "$WEB/bb.tar.xz")" "$how"
                drop bb
        done
        # The second question was for the rest.
        assert_match "$(grep -- /cut/bb.tar.xz "$WEB/requests.log" | sed -n 2p)" 'bytes=[1-9][0-9]*-'
        assert_match "$(grep -- /stall/bb.tar.xz "$WEB/requests.log" | sed -n 2p)" 'bytes=1000-'
        refused 'changed while' berthctl pull "$AT/moved/bb.tar.xz" --verify=no
        refused '404|has no' berthctl pull "$AT/plain/none.tar" --verify=no
        refused 'could not be downloaded|[Cc]onnect' berthctl pull http://127.0.0.1:1/none.tar --verify=no
}

# a server that never sends more is given up
test_S75_stall() {
        refused '[Tt]imeout|slow|less than' timeout 120 berthctl pull "$AT/hang/bb.tar.xz" --verify=no
        eventually 10 no_downloader
}

# file:, and places that the server sends on to
test_S75_redirections() {
        local before
        a_rootfs "$WEB/a.tar"
        on_exit 'forget_image a'
        refused 'REMOTE:IMAGE|remote' berthctl pull file:/etc/passwd --verify=no
        refused 'neither http' berthctl pull file:///etc/passwd --verify=no
        refused 'neither http' berthctl pull ftp://127.0.0.1/a.tar --verify=no
        refused 'neither http' berthctl pull "$AT/to?file:///etc/passwd" --verify=no
        refused 'neither http' berthctl pull "$AT/to?gopher://127.0.0.1:8080/x" --verify=no
        refused 'sent on more than' berthctl pull "$AT/loop/a.tar" --verify=no
        expect berthctl pull "$AT/to?$AT/plain/a.tar" --verify=no --alias a
        drop a

        # A server that is not this host may not send us to it: nothing comes of the second question.
        ip address add 203.0.113.7/32 dev lo
        on_exit 'systemctl stop pull-public.service; ip address del 203.0.113.7/32 dev lo'
        serve pull-public 8081 203.0.113.7
        expect berthctl pull http://203.0.113.7:8081/plain/a.tar --verify=no
        drop a
        before=$(requests "^GET /plain/a.tar")
        refused 'this host itself' berthctl pull "http://203.0.113.7:8081/to?$AT/plain/a.tar" --verify=no
        refused 'this host itself' berthctl pull 'http://203.0.113.7:8081/to?http://[::ffff:127.0.0.1]:8080/plain/a.tar' --verify=no
        refused 'this host itself' berthctl pull 'http://203.0.113.7:8081/to?http://localhost:8080/plain/a.tar' --verify=no
        refused 'link-local' berthctl pull 'http://203.0.113.7:8081/to?http://169.254.169.254/latest/meta-data/a.tar' --verify=no
        refused 'private network' berthctl pull 'http://203.0.113.7:8081/to?http://10.11.12.13/a.tar' --verify=no
        assert_eq "$(requests "^GET /plain/a.tar")" "$before" 'requests at loopback'
}

# a user who may pull may not have the host ask itself, or its private networks
test_S75_users_only_public() {
        local before
        a_rootfs "$WEB/a.tar"
        polkit_rule pull 'if (action.id == "org.berth1.pull-image" && subject.user == "alice") return polkit.Result.YES;'
        before=$(requests "^GET /plain/a.tar")
        eventually 10 alice_is_told 'this host itself' "$AT/plain/a.tar"
        expect_fail --message 'private network' as alice berthctl --no-ask-password pull http://192.168.1.1/a.tar --verify=no
        assert_eq "$(requests "^GET /plain/a.tar")" "$before" requests
        expect_fail --message '[Nn]ot allowed' as bob berthctl --no-ask-password pull "$AT/plain/a.tar" --verify=no
}

alice_is_told() {
        [[ $(as alice berthctl --no-ask-password pull "$2" --verify=no 2>&1) == *$1* ]]
}

# bodies without an end, errors without an end
test_S75_too_long() {
        remote good "$AT/endless/tree"
        product tree small small amd64 1 root.tar.xz text
        refused 'longer than' timeout 120 berthctl list-images good:
        refused 'answers 500' timeout 120 berthctl pull "$AT/error/bb.tar.xz" --verify=no
}

# what does the work can do no more than that: no right, another user, no file of berth's, no bus
test_S75_downloader_is_shut_in() {
        local pid unit
        expect berthctl set-server DownloadStallSec=20s
        on_exit 'berthctl set-server DownloadStallSec=2s'
        env --default-signal=INT berthctl pull "$AT/hang/bb.tar.xz" --verify=no 2>pull.log &
        eventually 20 eval '[ -n "$(systemctl list-units --no-legend --plain "berth-pull-*")" ]'
        unit=$(systemctl list-units --no-legend --plain 'berth-pull-*' | awk '{ print $1 }')
        eventually 20 eval '[ "$(systemctl show -P MainPID '"$unit"')" != 0 ]'
        pid=$(systemctl show -P MainPID "$unit")
        eventually 10 eval '[ "$(cat /proc/'"$pid"'/comm)" = berth-pull ]'
        assert_match "$(awk '/^Uid/ { print $2 }' "/proc/$pid/status")" '^6[0-9]{4}$' 'a dynamic user'
        assert_eq "$(awk '/^Cap(Eff|Prm|Bnd):/ { print $2 }' "/proc/$pid/status" | sort -u)" 0000000000000000 capabilities
        assert_eq "$(awk '/^NoNewPrivs/ { print $2 }' "/proc/$pid/status")$(awk '/^Seccomp:/ { print $2 }' "/proc/$pid/status")" 12 'no new privileges, filter'
        expect_fail nsenter -t "$pid" -m -- ls /var/lib/berth/images
        expect_fail nsenter -t "$pid" -m -- touch /etc/x
        # The job that has rights has no network.
        [ "$(readlink "/proc/$(systemctl show -P MainPID "berth-job-${unit//[^0-9]/}.service")/ns/net")" != "$(readlink /proc/self/ns/net)" ] || fail 'the job has the network'
        [ "$(readlink "/proc/$pid/ns/net")" = "$(readlink /proc/self/ns/net)" ] || fail 'the downloader has no network'
        # Cancelled, nothing of it stays.
        expect berthctl cancel "${unit//[^0-9]/}"
        wait
        assert_match "$(cat pull.log)" 'cancel'
        eventually 10 no_downloader
        eventually 10 eval '[ -z "$(ls -A /var/lib/berth/images)" ]'
}

# the default ones are there, and nobody is asked anything; others are added and removed; those that came with berth stay away once removed
test_R40_remotes() {
        local text
        text=$(berthctl remotes --json=short | jq -c '[.[].name]')
        assert_eq "$text" '["local","images","ubuntu","ubuntu-daily"]'
        assert_match "$(berthctl remotes)" 'ubuntu .*https://cloud-images.ubuntu.com/releases.*keyrings'
        remote mine "$AT/plain/tree" --keyring "$WEB/good.gpg"
        assert_match "$(berthctl remotes list)" "mine .*$AT/plain/tree.*good.gpg"
        refused 'already' berthctl remotes add mine "$AT/other"
        refused 'http' berthctl remotes add other file:///etc
        refused 'name' berthctl remotes add local "$AT/x"
        refused 'name' berthctl remotes add a/b "$AT/x"
        expect berthctl remotes remove mine
        refused 'no remote' berthctl remotes remove mine
        expect berthctl remotes remove images
        on_exit 'rm -f /etc/berth/remotes.d/images.conf'
        assert_no_match "$(berthctl remotes)" linuxcontainers
        refused "no remote 'images'" berthctl pull images:debian/13
        expect_fail --message '[Nn]ot allowed' as alice berthctl --no-ask-password remotes add x "$AT/x"
}

# what a server has, signed and not; a filter
test_R41_list_images() {
        product tree small 'small,s,small/default' amd64 20260101 root.tar.xz one
        product tree small 'small,s' amd64 20260202 root.tar.xz two
        product tree arm 'small' arm64 20260101 root.tar.xz three
        remote good "$AT/plain/tree" --keyring "$WEB/good.gpg"
        remote plain "$AT/plain/tree"
        assert_eq "$(berthctl list-images good: --json=short | jq -c '[.[] | [.architecture, .serial]] | sort')" '[["amd64","20260202"],["arm64","20260101"]]'
        assert_eq "$(berthctl list-images plain: arm64 --json=short | jq length)" 1
        assert_match "$(berthctl list-images good:small)" 'small,s'
        assert_match "$(requests /tree/streams/v1/index.sjson)" '^[1-9]'
        refused 'no remote' berthctl list-images none:
}

# the signature of the index and of the lists, by a key of the keyring
test_R41_signature() {
        product signed small small amd64 1 root.tar.xz one
        remote wrong "$AT/plain/signed" --keyring "$WEB/other.gpg"
        remote right "$AT/plain/signed" --keyring "$WEB/good.gpg"
        refused 'signature.*not right' berthctl list-images wrong:
        refused 'signature.*not right' berthctl pull wrong:small
        expect berthctl list-images right:
        # The list is another one than what was signed.
        sed -i 's/small/large/' "$WEB/signed/streams/v1/images.sjson"
        refused 'images.sjson.*not right' berthctl list-images right:
        # Not signed at all.
        cp "$WEB/signed/streams/v1/index.json" "$WEB/signed/streams/v1/index.sjson"
        refused 'index.sjson.*not right' berthctl list-images right:
        rm "$WEB/signed/streams/v1/index.sjson"
        refused 'no .*index.sjson' berthctl list-images right:
        remote nokeys "$AT/plain/signed" --keyring "$WEB/good.gpg"
        cp "$WEB/good.gpg" "$WEB/away.gpg"
        sed -i 's/good.gpg/gone.gpg/' /etc/berth/remotes.d/nokeys.conf
        refused 'gone.gpg' berthctl list-images nokeys:
}

# the newest version, in full, by alias; hashes of each file and of both together
test_R41_pull_simplestreams() {
        local fingerprint
        product full small 'small,s' amd64 20260101 root.tar.xz one
        product full small 'small,s' amd64 20260202 root.tar.xz two
        remote good "$AT/cut/full" --keyring "$WEB/good.gpg"
        on_exit 'forget_image mine'
        fingerprint=$(berthctl pull good:s --alias mine)
        assert_eq "$fingerprint" "$(fingerprint_of "$WEB"/full/files/small/20260202/{lxd,root}.tar.xz)"
        assert_eq "$(image_of mine)" "$fingerprint"
        assert_eq "$(cat "$STORE/images/$fingerprint/rootfs/etc/text")" two
        assert_eq "$(grep -E '^(Remote|RemoteImage|Cached|AutoUpdate)=' "$STORE/images/$fingerprint/image.conf" | paste -sd ' ')" 'Remote=good RemoteImage=s'
        # It is here: only the alias is new.
        expect berthctl pull good:small --alias second
        assert_eq "$(image_of second)" "$fingerprint"
        refused "no image 'other'" berthctl pull good:other
        drop mine
}

# from a server to this host, with an alias, for everybody or not; in LXD's words too, and to no server
test_R35_copy_image() {
        local fingerprint
        product full small 'small,s' amd64 20260202 root.tar.xz two
        remote good "$AT/cut/full" --keyring "$WEB/good.gpg"
        on_exit 'forget_image y'
        # What a shell's completion is told.
        assert_match "$(berthctl complete pull goo | xargs)" '(^| )good:( |$)'
        assert_eq "$(berthctl complete pull good:)" $'good:small\ngood:s'
        fingerprint=$(berthctl image-copy good:s local: --alias y)
        assert_eq "$(image_of y)" "$fingerprint"
        assert_eq "$(berthctl show-image y --property=Public --value)" no
        drop y
        expect berthctl copy-image good:s local:y --alias more --public
        assert_eq "$(berthctl show-image y --property=Public --value)" yes
        assert_eq "$(berthctl show-image more --property=Fingerprint --value)" "$fingerprint"
        expect as alice berthctl show-image y
        drop y
        expect berthctl image copy good:s y
        assert_eq "$(image_of y)" "$fingerprint"
        refused "already.*berthctl alias" berthctl image-copy local:y local: --alias x
        refused "'good:z' is on a server" berthctl image-copy good:s good:z
        refused "cannot be an alias" berthctl image-copy good:s local:a//b
        drop y
}

# killed in the middle, the job or the one that downloads: nothing is left, and the next one gets all of it
test_R41_killed() {
        local who pid
        on_exit 'forget_image bb'
        for who in berth-worker berth-pull; do
                berthctl pull "$AT/hang/bb.tar.xz" --verify=no --alias bb >pull.log 2>&1 &
                pid=$!
                wait_until 10 downloads || fail "nothing is downloaded: $(<pull.log)"
                systemctl kill --signal=KILL "$([ $who = berth-pull ] && echo 'berth-pull-*' || job_unit)"
                ! wait "$pid" || fail 'the pull succeeded'
                assert_match "$(<pull.log)" '[Kk]illed|stopped|ended|failed'
                eventually 10 no_downloader
                eventually 10 trash_is_empty
                expect_fail has_image bb
                eventually 10 nothing_new
                expect berthctl pull "$AT/plain/bb.tar.xz" --verify=no --alias bb
                assert_eq "$(image_of bb)" "$(fingerprint_of "$WEB/bb.tar.xz")"
                drop bb
        done
}

# what has come of a file that a list names is gone on with by the next who asks, of whatever server; that it is no part of it is found in the end
test_R41_goes_on() {
        local size fingerprint
        product goeson big 'big,b' amd64 20260101 root.tar.xz
        size=$(stat -c %s "$WEB/goeson/files/big/20260101/root.tar.xz")
        fingerprint=$(fingerprint_of "$WEB"/goeson/files/big/20260101/{lxd,root}.tar.xz)
        remote half "$AT/half/goeson" --keyring "$WEB/good.gpg"
        remote whole "$AT/plain/goeson" --keyring "$WEB/good.gpg"
        on_exit 'forget_image big; rm -f "$STORE"/images/.partial-*'
        break_off berthctl pull half:b --alias big
        expect berthctl pull half:b --alias big
        assert_eq "$(image_of big)" "$fingerprint"
        assert_match "$(grep -- /half/goeson/files/big/20260101/root "$WEB/requests.log" | tail -n 1)" "bytes=$((size / 2))-"
        [ -z "$(partial)" ] || fail 'something is left'
        drop big

        break_off berthctl pull half:b --alias big
        printf 'no part of it' | dd of="$(partial)" bs=1 seek=1000 conv=notrunc status=none
        expect berthctl pull whole:b --alias big
        assert_eq "$(image_of big)" "$fingerprint"
        [ -z "$(partial)" ] || fail 'something is left'
        drop big

        # One that nobody has asked for again goes.
        break_off berthctl pull half:b --alias big
        expect busctl call org.berth1 /org/berth1 org.berth1.Manager RefreshImages
        [ -n "$(partial)" ] || fail 'it is gone already'
        touch -d '2 days ago' "$(partial)"
        expect busctl call org.berth1 /org/berth1 org.berth1.Manager RefreshImages
        [ -z "$(partial)" ] || fail 'it is still there'
}

# a file of a URL whose hash is known before is gone on with, too; one that has become another, or was never what was promised, is not
test_R41_url_goes_on() {
        local dir=$WEB/url size how pull=(berthctl pull "$AT/half/url/root.tar.xz" --verify=checksum --alias big)
        on_exit 'forget_image big; rm -f "$STORE"/images/.partial-*'
        url_file
        break_off "${pull[@]}"
        expect "${pull[@]}"
        assert_eq "$(image_of big)" "$(fingerprint_of "$dir/root.tar.xz")"
        assert_eq "$(url_ranges /half/ | paste -sd' ')" "- bytes=$((size / 2))-"
        [ -z "$(partial)" ] || fail 'something is left'
        drop big

        # An attempt that brought nothing has not spoiled what is there.
        break_off "${pull[@]}"
        mv "$dir/root.tar.xz" "$dir/away"
        expect_fail --message 'the server has no' "${pull[@]}"
        mv "$dir/away" "$dir/root.tar.xz"
        expect "${pull[@]}"
        assert_eq "$(url_ranges /half/ | tail -n 1)" "bytes=$((size / 2))-" 'after an attempt that brought nothing'
        drop big

        # The server has another one meanwhile: what is there has another name.
        break_off "${pull[@]}"
        printf 'another' | xz -c >>"$dir/root.tar.xz"
        url_sums
        expect berthctl pull "$AT/plain/url/root.tar.xz" --verify=checksum --alias big
        assert_eq "$(image_of big)" "$(fingerprint_of "$dir/root.tar.xz")"
        assert_eq "$(url_ranges /plain/ | tail -n 1)" - 'the changed file'
        [ -n "$(partial)" ] || fail 'what was there is gone'
        drop big
        rm "$STORE"/images/.partial-*

        # What is there is no part of it, or longer than it; the second question is for all of it.
        url_file
        for how in plain noranges; do
                break_off "${pull[@]}"
                printf 'no part of it' | dd of="$(partial)" bs=1 seek=1000 conv=notrunc status=none
                pull_after_all "$how"
                break_off "${pull[@]}"
                truncate -s "$((2 * size))" "$(partial)"
                pull_after_all "$how"
        done

        # Whose hash nobody knows begins at the beginning.
        berthctl pull "$AT/half/url/root.tar.xz" --verify=no --alias big >pull.log 2>&1 &
        wait_until 20 downloads || fail "nothing is downloaded: $(<pull.log)"
        systemctl kill --signal=KILL "$(job_unit)"
        ! wait $! || fail 'the pull succeeded'
        [ -z "$(partial)" ] || fail 'there is something that cannot be verified'
}

# what came for a user is his: a server that he chose can promise any hash and send something else, which is no beginning for others
test_R41_S75_url_of_users() {
        local dir=$WEB/url public=http://203.0.113.7:8081 size file
        ip address add 203.0.113.7/32 dev lo
        on_exit 'systemctl stop pull-public.service; ip address del 203.0.113.7/32 dev lo; forget_image big; rm -f "$STORE"/images/.partial-*'
        serve pull-public 8081 203.0.113.7
        polkit_rule pull 'if (action.id == "org.berth1.pull-image") return polkit.Result.YES;'
        url_file
        eventually 10 alice_is_told 'this host itself' "$AT/plain/url/root.tar.xz"
        break_off as alice berthctl --no-ask-password pull "$public/half/url/root.tar.xz" --verify=checksum --alias big
        file=$(partial)
        expect as bob berthctl --no-ask-password pull "$public/plain/url/root.tar.xz" --verify=checksum --alias big
        assert_eq "$(url_ranges /plain/ | tail -n 1)" - "bob's"
        drop big
        expect berthctl pull "$AT/plain/url/root.tar.xz" --verify=checksum --alias big
        assert_eq "$(url_ranges /plain/ | tail -n 1)" - "root's"
        drop big
        assert_eq "$(partial)" "$file"
        expect as alice berthctl --no-ask-password pull "$public/plain/url/root.tar.xz" --verify=checksum --alias big
        assert_eq "$(url_ranges /plain/ | tail -n 1)" "bytes=$((size / 2))-" "alice's"
        [ -z "$(partial)" ] || fail 'something is left'
        drop big

        # The limit of a user's disk is one of what may stay when he has broken off.
        expect berthctl set-server DiskPerUserMax="$((size / 2))"
        on_exit 'berthctl set-server DiskPerUserMax=infinity'
        refused 'more than the' as alice berthctl --no-ask-password pull "$public/plain/url/root.tar.xz" --verify=checksum --alias big
}

# url_file: one at .../url/root.tar.xz, and its SHA256SUMS; size
url_file() {
        mkdir -p "$dir"
        cp "$WEB/bb.tar.xz" "$dir/root.tar.xz"
        size=$(stat -c %s "$dir/root.tar.xz")
        url_sums
}

url_sums() {
        (cd "$dir" && sha256sum root.tar.xz >SHA256SUMS)
}

# url_ranges HOW: what was asked of it
url_ranges() {
        grep -- "^GET ${1}url/root" "$WEB/requests.log" | cut -d' ' -f3
}

# pull_after_all HOW: two questions, for the rest and for all
pull_after_all() {
        local there
        there=$(stat -c %s "$(partial)")
        expect berthctl pull "$AT/$1/url/root.tar.xz" --verify=checksum --alias big
        assert_eq "$(image_of big)" "$(fingerprint_of "$dir/root.tar.xz")" "$1"
        assert_eq "$(url_ranges "/$1/" | tail -n 2 | paste -sd' ')" "bytes=$there- -" "$1"
        [ -z "$(partial)" ] || fail 'something is left'
        drop big
}

partial() {
        find "$STORE/images" -name '.partial-*' -size "+${1:-0}c"
}

# break_off COMMAND...: a pull of 'big' is killed when half of it is there
break_off() {
        local pid
        "$@" >pull.log 2>&1 &
        pid=$!
        wait_until 20 half_is_there || fail "nothing is downloaded: $(<pull.log)"
        systemctl kill --signal=KILL "$(job_unit)"
        ! wait "$pid" || fail 'the pull succeeded'
        eventually 10 no_downloader
        eventually 10 trash_is_empty
        expect_fail has_image big
        half_is_there || fail 'it is gone'
}

half_is_there() {
        [ -n "$(partial $((size / 2 - 1)))" ]
}

nothing_new() {
        [ -z "$(find "$STORE/images" -name '.new-*')" ]
}

downloads() {
        [ -n "$(systemctl list-units --plain --no-legend --state=active 'berth-pull-*.service')" ]
}

# job_unit: that of the pull that is being done
job_unit() {
        echo "berth-job-$(berthctl list-jobs --json=short | jq -r '.[] | select(.kind == "pull") | .id').service"
}

# one file, or the pair, is not what the list says
test_R41_wrong_hash() {
        local list=$WEB/hash/streams/v1/images.json
        product hash small small amd64 1 root.tar.xz one
        remote good "$AT/plain/hash"
        printf x | dd of="$WEB/hash/files/small/1/root.tar.xz" bs=1 seek=100 conv=notrunc status=none
        refused 'SHA-256 is [0-9a-f]{64}, and should be [0-9a-f]{64}' berthctl pull good:small
        printf more >>"$WEB/hash/files/small/1/root.tar.xz"
        refused 'bytes' berthctl pull good:small
        product hash small small amd64 1 root.tar.xz one
        cp "$list" keep.json
        jq '.products[].versions[].items."lxd.tar.xz".combined_rootxz_sha256 = ("0" * 64)' keep.json >"$list"
        refused 'should be 0000' berthctl pull good:small
}

# hostile lists
test_S75_S80_hostile_lists() {
        local list=$WEB/evil/streams/v1/images.json change
        product evil small small amd64 1 root.tar.xz one
        cp "$list" keep.json
        remote evil "$AT/plain/evil"
        for change in '.products[].versions[].items.root.path = "../../etc/passwd"' '.products[].versions[].items.root.path = "http://127.0.0.1:8080/x"' \
                '.products[].versions[].items.root.path = "a b\nc"' '.products[].versions[].items.root.size = -5' \
                '.products[].versions[].items.root.size = 1e30' '.products[].versions[].items.root.sha256 = "../../x"' \
                '.products[].arch = ("x" * 1000) | .products[].aliases = ("small/" + ("x" * 1000))' '.products = []' '.products[] = 7' '.products[].versions = null'; do
                jq "$change" keep.json >"$list"
                refused '.' berthctl pull evil:small
        done
        printf '{"products":' >"$list"
        refused 'is none' berthctl pull evil:small
        { printf '{"products":'; printf '[%.0s' {1..100000}; } >"$list"
        refused 'is none' berthctl pull evil:small
        : >"$list"
        refused 'is none' berthctl pull evil:small
        cp keep.json "$list"
        # Control characters do not get to the terminal.
        jq '.products[].release_title = "\u001b[31mred\nline\ttab"' keep.json >"$list"
        assert_no_match "$(berthctl list-images evil:)" $'\e'
        assert_eq "$(berthctl list-images evil: --json=short | jq length)" 1
        jq '.index.images.path = "../../../etc/x.json"' "$WEB/evil/streams/v1/index.json" >index.json
        cp index.json "$WEB/evil/streams/v1/index.json"
        refused 'no path' berthctl list-images evil:
}

# native by default; another by ALIAS/ARCHITECTURE, refused unless it runs here or is forced
test_R42_architecture() {
        local fingerprint native=amd64 foreign=riscv64
        product arch lts lts "$native" 1 root.tar.xz native
        product arch ltsf lts "$foreign" 1 root.tar.xz foreign
        product arch only only "$foreign" 1 root.tar.xz only
        product arch sq sq "$native" 1 squashfs sq
        remote good "$AT/plain/arch"
        on_exit 'forget_image one; forget_image two; forget_image three'
        fingerprint=$(berthctl pull good:lts --alias one)
        assert_eq "$(cat "$STORE/images/$fingerprint/rootfs/etc/text")" native
        assert_eq "$(berthctl pull "good:lts/$native")" "$fingerprint"
        refused "$foreign, which this host cannot run" berthctl pull "good:lts/$foreign"
        refused "for $foreign.*good:only/$foreign" berthctl pull good:only
        fingerprint=$(berthctl pull good:sq --alias three)
        assert_eq "$(cat "$STORE/images/$fingerprint/rootfs/etc/text")" sq 'of a squashfs'
        fingerprint=$(berthctl pull "good:lts/$foreign" --force --alias two)
        assert_eq "$(cat "$STORE/images/$fingerprint/rootfs/etc/text")" foreign
}

# launch = pull, create, start; a second one asks nobody
test_R45_launch_remote() {
        local before
        product launch bb 'bb,busybox' amd64 1 root.tar.xz
        remote good "$AT/plain/launch" --keyring "$WEB/good.gpg"
        run_container c1 good:bb
        assert_state c1 running
        expect inside c1 true
        assert_match "$(cat "$STORE"/images/*/image.conf)" 'Cached=yes'
        before=$(requests .)
        new_container c2 good:bb
        assert_eq "$(requests .)" "$before" requests
        refused 'no image' berthctl create good:none c3
        forget c1 c2
        remove_all
}

# days ago, IMAGE was pulled, and last used
age() {
        local dir=$STORE/images/$1
        sed -i "s/^UploadedUSec=.*/UploadedUSec=$((($(date +%s) - $2 * 86400) * 1000000))/" "$dir/image.conf"
        [ -z "${3-}" ] || touch -d "$3 days ago" "$dir/used"
}

# 10 days after its last use an image that was only pulled for a container goes; what was pulled by itself stays
test_R38_expiry() {
        local old used pulled
        product expiry a a amd64 1 root.tar.xz a
        product expiry b b amd64 1 root.tar.xz b
        product expiry c c amd64 1 root.tar.xz c
        remote good "$AT/plain/expiry" --keyring "$WEB/good.gpg"
        for name in a b; do
                new_container "c$name" "good:$name"
                forget "c$name"
        done
        pulled=$(berthctl pull good:c --alias c)
        old=$(grep -l RemoteImage=a "$STORE"/images/*/image.conf | cut -d/ -f6)
        used=$(grep -l RemoteImage=b "$STORE"/images/*/image.conf | cut -d/ -f6)
        age "$old" 11 11
        age "$used" 30 9
        age "$pulled" 300
        expect systemctl start berth-images.service
        [ ! -e "$STORE/images/$old" ] || fail 'the old one is there'
        has_image "$used" || fail 'the used one is gone'
        has_image "$pulled" || fail 'the one that was pulled by itself is gone'
        # A container does not mind.
        new_container cb good:b
        age "$used" 30 30
        expect berthctl refresh-images
        expect_fail has_image "$used"
        assert_state cb stopped
        forget cb
        remove_all
}

# R87: how long is a setting
test_R87_images_expiry() {
        local image
        product expiry a a amd64 1 root.tar.xz a
        remote good "$AT/plain/expiry" --keyring "$WEB/good.gpg"
        new_container ca good:a
        forget ca
        image=$(grep -l RemoteImage=a "$STORE"/images/*/image.conf | cut -d/ -f6)
        age "$image" 11 11
        expect berthctl set-server images.expiry 20d
        on_exit 'berthctl unset-server images.expiry || true'
        expect berthctl refresh-images
        has_image "$image" || fail 'it is gone after 11 of 20 days'
        expect berthctl unset-server images.expiry
        expect berthctl refresh-images
        [ ! -e "$STORE/images/$image" ] || fail 'it is there after 11 of 10 days'
        refused 'no time' berthctl set-server images.expiry soon
}

# a new version is published: aliases move, the old image goes, containers stay as they are
test_R39_refresh() {
        local one two three
        product fresh a a amd64 1 root.tar.xz one
        remote good "$AT/plain/fresh" --keyring "$WEB/good.gpg"
        one=$(berthctl pull good:a --alias a --alias other/name --auto-update)
        assert_eq "$(berthctl show-image a -p AutoUpdate --value) $(berthctl show-image a -p Source --value)" 'yes good:a'
        assert_match "$(berthctl image-status a)" 'Auto-update: *yes'
        expect berthctl refresh-images
        assert_eq "$(image_of a)" "$one" 'nothing new'
        product fresh a a amd64 2 root.tar.xz two
        assert_match "$(berthctl refresh-images)" '1 renewed'
        two=$(image_of a)
        [ "$two" != "$one" ] || fail 'the alias has not moved'
        assert_eq "$(image_of other/name)" "$two"
        assert_eq "$(cat "$STORE/images/$two/rootfs/etc/text")" two
        [ ! -e "$STORE/images/$one" ] || fail 'the old one is there'
        new_container c1 a
        product fresh a a amd64 3 root.tar.xz three
        expect systemctl start berth-images.service
        three=$(image_of a)
        assert_eq "$(cat "$STORE/images/$three/rootfs/etc/text")" three
        expect_fail has_image "$two"
        assert_eq "$(field c1 image)" "$two" 'image of the container'
        forget c1
        # The server is away: said so, and nothing is lost.
        mv "$WEB/fresh" "$WEB/away"
        expect_fail --message 'no .*index.sjson' berthctl refresh-images
        has_image "$three" || fail 'it is gone'
        mv "$WEB/away" "$WEB/fresh"
        expect berthctl refresh-images
        assert_eq "$(image_of a)" "$three"
        assert_match "$(systemctl list-timers --all --no-pager)" berth-images.timer
        remove_all
}

# a proxy of the settings is what is asked
test_R41_proxy() {
        a_rootfs "$WEB/a.tar"
        on_exit 'forget_image a; berthctl unset-server core.proxy_http core.proxy_ignore_hosts || true'
        expect berthctl set-server core.proxy_http="$AT"
        expect berthctl pull http://images.example.org/plain/a.tar --verify=no
        assert_match "$(cat "$WEB/requests.log")" 'GET http://images.example.org/plain/a.tar'
        drop a
        expect berthctl set-server core.proxy_ignore_hosts='example.org, 127.0.0.1'
        refused 'could not be downloaded' berthctl pull http://images.example.org/plain/a.tar --verify=no
        refused 'no proxy' berthctl set-server core.proxy_http=nonsense
}
