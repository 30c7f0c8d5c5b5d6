# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Images: every format and compression, fingerprints, aliases, lists, removal, and imports that are looked at, stopped or
# broken while they run.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        # Nothing: each test begins without any image.
        [ "$(image_count)" = 0 ]
}

# imports FILE...: as one image, whose fingerprint is that of the files; removes it again.
imports() {
        local fingerprint
        fingerprint=$(fingerprint_of "$@")
        on_exit 'forget_image it'
        expect berthctl import "$@" --alias it
        assert_eq "$(image_of it)" "$fingerprint" fingerprint
        [ -d "$STORE/images/$fingerprint/rootfs/etc" ] || fail "the image has no /etc"
        expect berthctl remove-image it
        [ ! -e "$STORE/images/$fingerprint" ] || fail "the image is still there"
}

# right after the installation there is nothing, which is no error, and nobody was put into a group
test_R01_installed_and_empty() {
        local text
        text=$(berthctl list)
        assert_no_match "$text" '[Ee]rror'
        assert_eq "$(berthctl list --json=short)" '[]'
        assert_eq "$(berthctl list-images --json=short)" '[]'
        assert_eq "$(berthctl list-jobs --json=short)" '[]'
        assert_eq "$(getent group berth | cut -d: -f4)" '' 'members of a group of berth'
        assert_no_match "$(id -Gn alice)" berth
}

# a rootfs tarball, not compressed
test_R26_import_tar() {
        imports "$(guest busybox)"
}

# a rootfs tarball compressed with gzip
test_R26_import_gzip() {
        gzip -c "$(guest busybox)" >f.tar.gz
        imports f.tar.gz
}

# a rootfs tarball compressed with xz
test_R26_import_xz() {
        xz -1 -c "$(guest busybox)" >f.tar.xz
        imports f.tar.xz
}

# a rootfs tarball compressed with zstd
test_R26_import_zstd() {
        zstd -q -c "$(guest busybox)" >f.tar.zst
        imports f.tar.zst
        # Of several frames, and one that is to be skipped in front and at the end.
        { printf 'P*M\030\004\0\0\0skip'; head -c 100000 "$(guest busybox)" | zstd -q -c; tail -c +100001 "$(guest busybox)" | zstd -q --no-check -c; printf 'P*M\030\004\0\0\0skip'; } >g.tar.zst
        imports g.tar.zst
}

# a rootfs tarball compressed with bzip2
test_R26_import_bzip2() {
        bzip2 -c "$(guest busybox)" >f.tar.bz2
        imports f.tar.bz2
}

# what the file is called does not matter, its content does
test_R26_import_ignores_file_name() {
        zstd -q -c "$(guest busybox)" >f.tar.gz
        imports f.tar.gz
        cp "$(guest busybox)" ./'-a strange
name'
        imports ./'-a strange
name'
}

# GNU's, ustar's and pax's tar
test_R26_import_tar_dialects() {
        local format
        mkdir -p root/etc root/"$(printf 'd%.0s' {1..90})"
        echo ID=test >root/etc/os-release
        echo long >root/"$(printf 'd%.0s' {1..90})/$(printf 'f%.0s' {1..90})"
        for format in gnu oldgnu pax ustar; do
                tar --format="$format" -C root -cf "$format.tar" .
                expect berthctl import "$format.tar" --alias it
                assert_eq "$(cat "$STORE/images/$(image_of it)/rootfs/$(printf 'd%.0s' {1..90})/$(printf 'f%.0s' {1..90})")" long "$format"
                expect berthctl remove-image it
        done
}

# an archive with metadata.yaml, rootfs/ and templates/: its properties are the image's, its rootfs/ the root
test_R26_import_unified() {
        local fingerprint
        mkdir -p u/rootfs u/templates
        tar -C u/rootfs -xf "$(guest busybox)"
        cat >u/metadata.yaml <<'YAML'
architecture: x86_64
creation_date: 1424284563
properties:
  description: A test image
  os: debian
  release: trixie
templates:
  /etc/hosts:
    when:
      - create
    template: hosts.tpl
    properties:
      domain: example
YAML
        echo '127.0.0.1 {{ container.name }}' >u/templates/hosts.tpl
        tar -C u -cJf u.tar.xz metadata.yaml rootfs templates
        fingerprint=$(fingerprint_of u.tar.xz)

        on_exit 'forget_image it'
        expect berthctl import u.tar.xz --alias it
        assert_eq "$(image_of it)" "$fingerprint"
        assert_eq "$(berthctl show-image it -p Type --value)" unified
        assert_match "$(berthctl show-image it -p Architecture --value)" '^(x86_64|amd64)$' architecture
        assert_eq "$(berthctl show-image it -p Description --value)" 'A test image' description
        assert_match "$(berthctl show-image it)" 'release[^a-z]*trixie' properties
        assert_eq "$(berthctl list-images --json=short | jq '.[0].created_usec')" 1424284563000000 'creation date'
        assert_eq "$(cat "$STORE/images/$fingerprint/templates/hosts.tpl")" '127.0.0.1 {{ container.name }}' template
        [ ! -e "$STORE/images/$fingerprint/rootfs/rootfs" ] || fail "the root has a rootfs/"

        run_container c1 it
        expect inside c1 test -x /bin/busybox
        expect_fail inside c1 test -e /metadata.yaml
        forget c1
}

# two archives: metadata first, root file system second
test_R27_import_split_pair() {
        printf 'architecture: x86_64\ncreation_date: 1424284563\n' >metadata.yaml
        tar -cJf meta.tar.xz metadata.yaml
        zstd -q -c "$(guest busybox)" >root.tar.zst
        imports meta.tar.xz root.tar.zst
        expect berthctl import meta.tar.xz root.tar.zst --alias it
        assert_eq "$(berthctl show-image it -p Type --value)" split
        expect berthctl remove-image it
}

# a split image whose root file system is a squashfs, as LXD's and Incus' are; an export gives it back
test_R27_import_squashfs() {
        local how fingerprint rootfs
        mkdir root
        tar -C root -xf "$(guest busybox)"
        mkdir -p root/srv/d
        echo x >root/srv/d/a
        ln root/srv/d/a root/srv/d/b
        ln -s ../x root/srv/d/l
        mkfifo root/srv/d/p
        chown 1000:1001 root/srv/d/a
        chmod 4711 root/srv/d/a
        setfattr -n user.note -v text root/srv/d/a
        setcap cap_net_raw+ep root/bin/busybox
        truncate -s 50M root/srv/hole
        echo end >>root/srv/hole
        head -c 300000 /dev/urandom >root/srv/blocks
        printf 'architecture: x86_64\n' >metadata.yaml
        tar -cJf meta.tar.xz metadata.yaml
        for how in gzip xz zstd lz4; do
                rm -f root.squashfs
                mksquashfs root root.squashfs -quiet -no-progress -comp "$how" >/dev/null
                on_exit 'forget_image it'
                fingerprint=$(fingerprint_of meta.tar.xz root.squashfs)
                expect berthctl import meta.tar.xz root.squashfs --alias it
                assert_eq "$(image_of it)" "$fingerprint" "$how"
                rootfs=$STORE/images/$fingerprint/rootfs
                cmp root/srv/blocks "$rootfs/srv/blocks"
                cmp root/srv/hole "$rootfs/srv/hole"
                [ "$(stat -c %b "$rootfs/srv/hole")" -lt 2048 ] || fail "the hole is filled"
                assert_eq "$(stat -c '%a %u %g %h' "$rootfs/srv/d/a")" "4711 $((FOREIGN_BASE + 1000)) $((FOREIGN_BASE + 1001)) 2"
                assert_eq "$(stat -c %i "$rootfs/srv/d/a")" "$(stat -c %i "$rootfs/srv/d/b")"
                assert_eq "$(readlink "$rootfs/srv/d/l")" ../x
                [ -p "$rootfs/srv/d/p" ] || fail "the FIFO is gone"
                assert_eq "$(getfattr --only-values -n user.note "$rootfs/srv/d/a")" text
                assert_match "$(getcap -n "$rootfs/bin/busybox")" cap_net_raw
                assert_eq "$(stat -c %Y "$rootfs/srv/blocks")" "$(stat -c %Y root/srv/blocks)"
                if [ "$how" = zstd ]; then
                        expect berthctl export it out
                        cmp root.squashfs out.root
                        run_container c1 it
                        forget c1
                fi
                expect berthctl remove-image it
        done
        # As a root file system by itself.
        imports root.squashfs
}

# one that is cut or changed somewhere is refused, or what can be read of it is an image; nothing crashes or is left
test_R27_bad_squashfs() {
        local size i
        mkdir root
        tar -C root -xf "$(guest busybox)"
        mksquashfs root root.squashfs -quiet -no-progress >/dev/null
        size=$(stat -c %s root.squashfs)
        head -c $((size / 2)) root.squashfs >bad
        refused 'cut short|damaged' berthctl import bad --alias it
        head -c 50 root.squashfs >bad
        refused 'cut short|damaged' berthctl import bad --alias it
        for i in 8 32 40 48 64 72 $((size - 100)) $((size - 1000)) $((size / 2)); do
                cp root.squashfs bad
                printf '\377\376\375\374' | dd of=bad bs=1 seek="$i" conv=notrunc status=none
                if berthctl import bad --alias it >log 2>&1; then
                        expect berthctl remove-image it
                else
                        assert_match "$(<log)" 'archive'
                        assert_no_match "$(<log)" 'crashed|signal'
                fi
                eventually 60 no_debris
        done
}

# the two in the wrong order, or one of them twice, is said so
test_R27_split_pair_in_wrong_order() {
        printf 'architecture: x86_64\n' >metadata.yaml
        tar -cf meta.tar metadata.yaml
        refused 'metadata' berthctl import "$(guest busybox)" meta.tar
        refused '.' berthctl import meta.tar meta.tar
        # Metadata without any root file system.
        refused '.' berthctl import meta.tar
}

# without architecture it is refused, and the message names the key
test_R29_metadata_without_architecture() {
        mkdir -p rootfs/etc
        printf 'creation_date: 1424284563\nproperties:\n  os: x\n' >metadata.yaml
        tar -cf f.tar metadata.yaml rootfs
        refused architecture berthctl import f.tar --alias it
}

# a file in a folder that only root can read; the manager gets it opened
test_R22_import_opens_the_file_itself() {
        install -d -m 0700 secret
        cp "$(guest busybox)" secret/f.tar
        (cd secret && expect berthctl import f.tar --alias it)
        expect berthctl remove-image it
}

# from a pipe, whose size nobody knows before
test_R14_import_from_pipe() {
        local fingerprint
        fingerprint=$(fingerprint_of "$(guest busybox)")
        mkfifo p
        cat "$(guest busybox)" >p &
        expect berthctl import p --alias it
        assert_eq "$(image_of it)" "$fingerprint"
        expect berthctl remove-image it
}

# alias, fingerprint, description, architecture, size and date; JSON with the same; a filter
test_R22_list_images() {
        local text size
        a_rootfs a.tar
        a_rootfs b.tar 'file|b'
        on_exit 'forget_image first; forget_image second'
        expect berthctl import a.tar --alias first --alias a/second-name --description 'An image, to look at'
        expect berthctl import b.tar --alias second
        size=$(stat -c %s a.tar)

        text=$(berthctl list-images)
        assert_match "$text" 'ALIAS.*FINGERPRINT.*DESCRIPTION.*ARCHITECTURE.*SIZE'
        assert_match "$text" "first.*$(fingerprint_of a.tar | cut -c1-12).*An image, to look at"
        assert_match "$text" '2 images'
        assert_no_match "$(berthctl list-images --no-legend)" 'FINGERPRINT|2 images'
        assert_eq "$(berthctl list-images --json=short | jq -c --arg f "$(fingerprint_of a.tar)" '[.[] | select(.fingerprint == $f)][0] | [(.aliases | sort), .description, .size_bytes]')" \
                "[[\"a/second-name\",\"first\"],\"An image, to look at\",$size]"
        # It has been uploaded now.
        assert_eq "$(berthctl list-images --json=short | jq '[.[] | select((now * 1000000 - .uploaded_usec) | . > -1e6 and . < 600e6)] | length')" 2
        assert_eq "$(berthctl list-images --json=short look | jq length)" 1
        assert_eq "$(berthctl list-images --json=short 'no such*' | jq length)" 0
}

# fingerprint, size, architecture, times, aliases
test_R23_show_image() {
        local text
        a_rootfs a.tar 'file|big|0123456789'
        on_exit 'forget_image it'
        expect berthctl import a.tar --alias it --alias other --description text --property os=plan9
        assert_eq "$(berthctl show-image it -p SizeBytes --value)" "$(stat -c %s a.tar)"
        assert_eq "$(berthctl show-image it -p Type --value)" plain
        assert_match "$(berthctl show-image other -p Aliases)" 'it.*other'
        text=$(berthctl show-image it)
        assert_match "$text" "Fingerprint=$(fingerprint_of a.tar)"
        assert_match "$text" plan9
        assert_match "$text" 'UploadedUSec|Uploaded'
        text=$(berthctl show-image it --json=short)
        assert_eq "$(jq -r 'if type == "array" then .[0] else . end | .Fingerprint' <<<"$text")" "$(fingerprint_of a.tar)" 'in JSON'
}

# a unique prefix stands for the fingerprint, anywhere; one that is not unique or belongs to none is refused
test_R24_fingerprint_prefix() {
        local i fingerprint prefix seen=''
        # Of 17 archives, two begin with the same digit.
        for i in {1..17}; do
                a_rootfs "$i.tar" "file|n|$i"
                fingerprint=$(fingerprint_of "$i.tar")
                prefix=${fingerprint:0:1}
                if [[ $seen =~ \ $prefix([0-9]+)\  ]]; then
                        break
                fi
                seen+=" $prefix$i "
        done
        on_exit 'forget_image one; forget_image two'
        expect berthctl import "${BASH_REMATCH[1]}.tar" --alias one
        expect berthctl import "$i.tar" --alias two

        refused "[Mm]ore than one image|[Aa]mbiguous" berthctl show-image "$prefix"
        refused "[Mm]ore than one image|[Aa]mbiguous" berthctl remove-image "$prefix"
        refused "[Mm]ore than one image|[Aa]mbiguous" berthctl create "$prefix" c1
        assert_eq "$(image_of "${fingerprint:0:12}")" "$fingerprint"
        assert_eq "$(image_of "$fingerprint")" "$fingerprint"
        expect berthctl alias add by-prefix "${fingerprint:0:10}"
        assert_eq "$(image_of by-prefix)" "$fingerprint"
        refused "no image '0{64}'" berthctl show-image "$(printf '0%.0s' {1..64})"
        refused "no image" berthctl show-image "${fingerprint:0:12}x"
        new_container c1 "${fingerprint:0:9}"
        forget c1
        expect berthctl remove-image "${fingerprint:0:12}"
        expect_fail has_image two
        expect has_image one
}

# an alias that looks like a prefix of a fingerprint is found first
test_R24_alias_before_prefix() {
        local prefix
        a_rootfs a.tar
        a_rootfs b.tar 'file|b'
        prefix=$(fingerprint_of a.tar | cut -c1-6)
        on_exit 'forget_image one; forget_image "$(fingerprint_of b.tar)"'
        expect berthctl import a.tar --alias one
        expect berthctl import b.tar --alias "$prefix"
        assert_eq "$(image_of "$prefix")" "$(fingerprint_of b.tar)"
}

# many per image: add, list, remove
test_R25_aliases() {
        a_rootfs a.tar
        on_exit 'forget_image "$(fingerprint_of a.tar)"'
        expect berthctl import a.tar
        expect berthctl alias add lts "$(fingerprint_of a.tar)"
        expect berthctl alias add debian/13/default lts
        assert_eq "$(image_of debian/13/default)" "$(fingerprint_of a.tar)"
        assert_match "$(berthctl alias list)" 'debian/13/default'
        assert_eq "$(berthctl list-images --json=short | jq -c '.[0].aliases | sort')" '["debian/13/default","lts"]'
        expect berthctl alias remove lts
        refused "no alias 'lts'" berthctl alias remove lts
        refused "no image 'lts'" berthctl show-image lts
        expect has_image debian/13/default
        # The image goes, and its aliases with it.
        expect berthctl remove-image debian/13/default
        assert_no_match "$(berthctl alias list)" 'debian/13'
        [ -z "$(ls "$STORE/aliases")" ] || fail "there are aliases left: $(ls "$STORE/aliases")"
}

# an alias belongs to one image
test_R25_alias_taken() {
        a_rootfs a.tar
        a_rootfs b.tar 'file|b'
        on_exit 'forget_image one; forget_image two'
        expect berthctl import a.tar --alias one
        refused "'one'" berthctl import b.tar --alias one
        refused "'one'" berthctl import b.tar --alias two --alias one
        expect berthctl import b.tar --alias two
        refused "'one'" berthctl alias add one two
        assert_eq "$(image_of one)" "$(fingerprint_of a.tar)"
}

# what cannot be an alias
test_R25_bad_alias() {
        local alias
        a_rootfs a.tar
        on_exit 'forget_image it'
        expect berthctl import a.tar --alias it
        for alias in '' .. a/../b ../images /etc 'a b' a//b -x $'a\nb' 'ä' "$(printf 'a%.0s' {1..300})"; do
                refused '.' berthctl alias add -- "$alias" it
        done
        refused "'a b'|a b" berthctl alias add 'a b' it
}

# the same file again: it says so, and the image is as it was
test_R26_import_twice() {
        a_rootfs a.tar
        on_exit 'forget_image it'
        expect berthctl import a.tar --alias it
        refused "$(fingerprint_of a.tar | cut -c1-12)" berthctl import a.tar
        refused "$(fingerprint_of a.tar | cut -c1-12)" berthctl import a.tar --alias other
        expect has_image it
}

# remove, and what is on the disk goes with it
test_R37_remove_image() {
        a_rootfs a.tar
        expect berthctl import a.tar --alias it
        expect berthctl remove-image it
        assert_eq "$(berthctl list-images --json=short)" '[]'
        eventually 60 no_debris
        assert_eq "$(find "$STORE/images" "$STORE/aliases" -mindepth 1 | wc -l)" 0 'files left'
        refused "no image 'it'" berthctl remove-image it
}

# while an image comes in, nothing shows it but the job, which knows how far it is
test_R14_import_is_a_job() {
        local job before
        slow_import "$(guest busybox)" --alias it
        job=$(import_job)
        assert_eq "$(image_count)" 0 'images while it comes in'
        assert_match "$(berthctl list-jobs)" "$job .*import"
        assert_eq "$(systemctl is-active "berth-job-$job.service")" activating
        assert_eq "$(busctl get-property org.berth1 "/org/berth1/job/$job" org.berth1.Job Kind)" 's "import"'
        before=$(find "$STORE/images" -mindepth 1 -maxdepth 1 -printf '%f\n')
        assert_match "$before" '^\.new-'
        slow_import_rest "$(guest busybox)"
        import_ends
        assert_eq "$IMPORT_STATUS" 0
        assert_eq "$(image_of it)" "$(fingerprint_of "$(guest busybox)")"
        eventually 60 no_debris
        expect berthctl remove-image it
}

# a client finds its own job by the signal
test_R14_job_signals() {
        local client
        monitor_bus signals
        a_rootfs a.tar
        expect berthctl import a.tar --alias it
        expect berthctl remove-image it
        eventually 10 grep -q '"member":"ImageRemoved"' signals
        client=$(heard signals 'select(.member == "ImportImage") | .sender' | head -n 1)
        assert_eq "$(heard signals 'select(.member == "JobNew" and .payload.data[2] == "import") | .payload.data[4]' | head -n 1)" "$client" 'the client in JobNew'
        assert_eq "$(heard signals 'select(.member == "JobRemoved") | .payload.data[2]' | head -n 1)" "done"
        grep -q '"member":"ImageNew"' signals
}

# cancel: the client is told, and nothing is left
test_R14_cancel_import() {
        local job
        slow_import "$(guest busybox)" --alias it
        job=$(import_job)
        expect berthctl cancel "$job"
        import_ends
        [ "$IMPORT_STATUS" -ne 0 ] || fail "the import ended with success"
        assert_match "$(<import.log)" '[Cc]ancel'
        eventually 60 no_debris
        assert_eq "$(image_count)" 0
        refused "no job" berthctl cancel "$job"
        imports "$(guest busybox)"
}

# ^C of the client cancels, and nothing is left
test_R14_interrupted_import() {
        slow_import "$(guest busybox)" --alias it
        kill -INT "$IMPORT_PID"
        import_ends
        [ "$IMPORT_STATUS" -ne 0 ] || fail "the import ended with success"
        eventually 60 no_debris
        assert_eq "$(image_count)" 0
        imports "$(guest busybox)"
}

# on a terminal there is a progress bar, elsewhere there is not
test_R14_progress_bar() {
        on_exit 'forget_image it'
        # Its size is known, and it takes its time.
        head -c 20000000 /dev/urandom | base64 >random
        a_rootfs f.tar 'contents|random' 'file|random'
        bzip2 -1 f.tar
        script -qec "berthctl import f.tar.bz2 --alias it" typescript </dev/null >/dev/null
        grep -q '[1-9][0-9]*%' typescript || fail "no progress was shown: $(cat -v typescript)"
        expect berthctl remove-image it
        berthctl import "$(guest busybox)" --alias it >log 2>&1
        ! grep -q $'[\r\033]' log || fail "control characters without a terminal: $(cat -v log)"
        expect berthctl remove-image it
}

# the manager is killed in the middle: the job goes on, is found again, and the image is whole
test_R65_manager_killed_during_import() {
        local pid job
        slow_import "$(guest busybox)" --alias it
        pid=$(manager_pid)
        job=$(import_job)
        kill -KILL "$pid"
        # The client has lost its answer, and says so.
        import_ends
        [ "$IMPORT_STATUS" -ne 0 ] || fail "the import ended with success"
        [ -s import.log ] || fail "it said nothing"
        assert_eq "$(import_job)" "$job" 'the job, as a new manager finds it'
        [ "$(manager_pid)" != "$pid" ] || fail "the manager was not killed"
        slow_import_rest "$(guest busybox)"
        eventually 10 has_image it
        assert_eq "$(image_of it)" "$(fingerprint_of "$(guest busybox)")"
        eventually 60 no_debris
        expect berthctl remove-image it
        imports "$(guest busybox)"
}

# the worker is killed in the middle: an error, and nothing is left of the image
test_R65_worker_killed_during_import() {
        local job
        slow_import "$(guest busybox)" --alias it
        job=$(import_job)
        systemctl kill --signal=KILL "berth-job-$job.service"
        import_ends
        [ "$IMPORT_STATUS" -ne 0 ] || fail "the import ended with success"
        [ -s import.log ] || fail "it said nothing"
        eventually 60 no_debris
        assert_eq "$(image_count)" 0
        imports "$(guest busybox)"
}

# both at once: the next manager cleans up
test_R65_manager_and_worker_killed_during_import() {
        local job
        slow_import "$(guest busybox)" --alias it
        job=$(import_job)
        systemctl kill --signal=KILL berth-containerd.service "berth-job-$job.service"
        import_ends
        [ "$IMPORT_STATUS" -ne 0 ] || fail "the import ended with success"
        assert_eq "$(berthctl list-images --json=short)" '[]'
        eventually 60 no_debris
        imports "$(guest busybox)"
}

# a client that vanishes does not leave a half image
test_R14_client_killed_during_import() {
        slow_import "$(guest busybox)" --alias it
        kill -KILL "$IMPORT_PID"
        import_ends
        slow_import_rest "$(guest busybox)"
        # Whether the import ends or is cancelled: whole or not at all.
        eventually 60 no_debris
        if has_image it; then
                assert_eq "$(image_of it)" "$(fingerprint_of "$(guest busybox)")"
                expect berthctl remove-image it
        fi
        imports "$(guest busybox)"
}

# two imports of the same file at once: one of them wins, and it is whole
test_R14_same_import_twice_at_once() {
        local one=0 two=0
        berthctl import "$(guest busybox)" --alias one >one.log 2>&1 &
        berthctl import "$(guest busybox)" --alias two >two.log 2>&1 || two=$?
        wait $! || one=$?
        cat one.log two.log >&2
        [ "$one" -eq 0 ] || [ "$two" -eq 0 ] || fail "none of them succeeded"
        assert_eq "$(image_count)" 1
        eventually 60 no_debris
        expect berthctl remove-image "$(fingerprint_of "$(guest busybox)")"
}

# what is stored is in the foreign range, in folders that nobody but root can enter
test_S60_store_is_closed() {
        local bad
        mktar a.tar 'dir|etc' 'file|etc/os-release|ID=x' 'mode|4755' 'file|su|x' 'mode|6755' 'uid|1000' 'gid|65535' 'file|other|y' 'mode|0000' 'dir|closed' \
                'mode|1777' 'dir|tmp' 'uid|5' 'symlink|l|etc'
        on_exit 'forget c1; forget_image it'
        expect berthctl import a.tar --alias it
        expect berthctl create it c1
        bad=$(find "$STORE/images"/*/rootfs "$STORE/containers/c1/layer/" \( -uid "-$FOREIGN_BASE" -o -uid "+$((FOREIGN_END - 1))" -o -gid "-$FOREIGN_BASE" -o -gid "+$((FOREIGN_END - 1))" \) \
                -not -path "$STORE/containers/c1/layer/" -not -path '*/layer/work' | head)
        [ -z "$bad" ] || fail "not in the foreign range: $bad"
        assert_eq "$(stat -c %u:%g:%a "$STORE/images/$(image_of it)/rootfs/other")" "$((FOREIGN_BASE + 1000)):$((FOREIGN_BASE + 65535)):6755"
        assert_eq "$(stat -c %u:%a "$STORE/images/$(image_of it)/rootfs/su")" "$FOREIGN_BASE:4755"
        assert_eq "$(stat -c %a:%U "$STORE")" 700:root
        expect_fail as alice ls "$STORE"
        expect_fail as alice ls "$STORE/images"
        expect_fail as alice cat "$STORE/images/$(image_of it)/rootfs/other"
}

# the store is closed while an image comes in, too
test_S60_store_is_closed_during_import() {
        local new
        slow_import "$(guest busybox)"
        new=$(find "$STORE/images" -mindepth 1 -maxdepth 1 -name '.new-*')
        expect_fail as alice ls "$new"
        assert_eq "$(find "$new/rootfs" -not -path "$new/rootfs" -uid 0 2>/dev/null | head -n 1)" '' 'a file of the host root'
        kill -INT "$IMPORT_PID"
        import_ends
        eventually 60 no_debris
}

# an image is found by its fingerprint, and never by a path
test_S72_fingerprint_is_no_path() {
        local name
        a_rootfs a.tar
        on_exit 'forget c1; forget_image it'
        expect berthctl import a.tar --alias it
        expect berthctl create it c1
        for name in '' . .. ../containers/c1 ../images "../images/$(image_of it)" "$STORE/images/$(image_of it)" '*' '%' "$(image_of it)x" "$(image_of it)/" \
                "$(image_of it | tr a-f A-F)" $'it\n' "$(printf 'a%.0s' {1..5000})"; do
                refused '.' berthctl show-image -- "$name"
                refused '.' berthctl remove-image -- "$name"
                refused '.' berthctl create -- "$name" c2
        done
        forget c1
}
