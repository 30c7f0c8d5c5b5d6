# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A small file system in the place of berth's that gets full or read-only: refused with a sentence, nothing lost, and it works again.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

# full_disk MIB: a small file system in the place of berth's, gone at the end of the test.
full_disk() {
        truncate -s "$1M" "$TEST_TMP/disk"
        mkfs.ext4 -q -m 0 "$TEST_TMP/disk"
        systemctl stop berth-containerd
        [ -d "$STORE" ] || mkdir -m 0700 "$STORE"
        mount -o loop "$TEST_TMP/disk" "$STORE"
        chmod 0700 "$STORE"
        on_exit 'berthctl delete --force c1 c2 >/dev/null 2>&1; systemctl stop berth-containerd; wait_until 20 umount "$STORE"'
        rmdir "$STORE/lost+found"
        # What there is of berth's own is made when it is first needed.
        a_rootfs "$TEST_TMP/first.tar" 'file|first'
        expect berthctl import --quiet "$TEST_TMP/first.tar" --alias first
        expect berthctl create first c0
        expect berthctl delete c0
        expect berthctl remove-image first
}

# free_kib: what is free there.
free_kib() {
        df --output=avail -k "$STORE" | tail -n 1 | tr -d ' '
}

# an image that does not fit: refused, all of the room is there again, and a smaller one goes in
test_R26_import_without_space() {
        local before
        full_disk 24
        a_rootfs small.tar
        mkdir big && head -c 60M /dev/urandom >big/file
        tar -cf big.tar big
        before=$(free_kib)
        refused '[Ss]pace' berthctl import big.tar --alias big
        eventually 60 no_debris
        [ "$(free_kib)" -ge $((before - 64)) ] || fail "$(free_kib) KiB are free, not $before"
        expect berthctl import small.tar --alias small
        expect berthctl create small c1
        expect berthctl delete c1
        expect berthctl remove-image small
}

# the window of a decompressor, which is in a file when it is large, does not fit: said, all of the room is there again; what has a small one goes in
test_R26_window_without_space() {
        local before
        full_disk 60
        a_long_archive long.tar 90
        zstd -q --long=27 -k long.tar
        xz -0 --lzma2=preset=0,dict=64MiB -k long.tar
        zstd -q -o small.tar.zst long.tar
        before=$(free_kib)
        refused 'no room on the disk for the 132 MiB' berthctl import long.tar.zst --alias long
        refused 'no room on the disk' berthctl import long.tar.xz --alias long
        eventually 60 no_debris
        [ "$(free_kib)" -ge $((before - 64)) ] || fail "$(free_kib) KiB are free, not $before"
        expect berthctl import small.tar.zst --alias long
        expect berthctl remove-image long
}

# reader_has_tasks N: of the processes of a job the reader is the only one with threads.
reader_has_tasks() {
        local pid tasks
        for pid in $(pgrep '^berth-worker'); do
                tasks=(/proc/"$pid"/task/*)
                [ "${#tasks[@]}" -ne "$1" ] || return 0
        done
        return 1
}

# blocks as large as xz -T0 makes them are unpacked by two threads, of which a part is in a file; on a disk that has not many times as much room, by one
test_R26_threads_without_space() {
        local before
        a_rootfs blocks.tar
        head -c 45M /dev/urandom | base64 >large
        tar -rf blocks.tar large
        xz -0 -T2 --block-size=24MiB blocks.tar
        slow_import blocks.tar.xz --alias blocks
        eventually 30 reader_has_tasks 3
        slow_import_rest blocks.tar.xz
        wait "$IMPORT_PID" || fail "$(cat import.log)"
        expect berthctl remove-image blocks
        full_disk 250
        before=$(free_kib)
        slow_import blocks.tar.xz --alias blocks
        # The first block is written when the second one, of which there is a part, has a thread.
        eventually 60 eval '[ "$(($(free_kib) + 20 * 1024))" -le "$before" ]'
        reader_has_tasks 2 || fail 'what was there to be used up was used for another thread'
        slow_import_rest blocks.tar.xz
        wait "$IMPORT_PID" || fail "$(cat import.log)"
        expect berthctl remove-image blocks
}

# no room for a container: refused; one that is there can still be started, stopped and deleted
test_R46_create_without_space() {
        local i
        full_disk 24
        expect berthctl import "$(guest busybox)" --alias busybox
        expect berthctl create busybox c1
        # Every byte and every inode.
        mkdir "$STORE/fill"
        head -c 100M /dev/zero >"$STORE/filler" 2>/dev/null || true
        for ((i = 0; ; i++)); do
                : 2>/dev/null >"$STORE/fill/$i" || break
        done
        refused '[Ss]pace' berthctl create busybox c2
        refused '[Ss]pace' berthctl set c1 Description="$(printf 'x%.0s' {1..3000})"
        assert_state c2 absent
        expect berthctl list
        expect berthctl delete c1
        rm -rf "$STORE/filler" "$STORE/fill"
        expect berthctl create busybox c2
        expect berthctl delete c2
        expect berthctl remove-image busybox
}

# a guest that fills the disk hurts itself; it can be stopped and deleted
test_R50_delete_on_full_disk() {
        full_disk 24
        expect berthctl import "$(guest busybox)" --alias busybox
        expect berthctl launch busybox c1
        expect_fail inside c1 dd if=/dev/zero of=/fill bs=1M
        expect inside c1 true
        expect berthctl stop c1
        expect berthctl delete c1
        eventually 60 no_debris
        [ "$(free_kib)" -gt 5000 ] || fail "only $(free_kib) KiB are free"
        expect berthctl remove-image busybox
}

# no room for what a snapshot of a running container copies: refused, nothing is left, and with room it is taken; of one that is stopped it takes none
test_R60_snapshot_without_space() {
        local before
        full_disk 40
        expect berthctl import "$(guest busybox)" --alias busybox
        expect berthctl launch busybox c1
        inside c1 dd if=/dev/urandom of=/big bs=1M count=18
        sync
        before=$(free_kib)
        expect_fail --message '[Ss]pace' berthctl snapshot c1 s1
        eventually 60 no_debris
        [ "$(free_kib)" -ge $((before - 256)) ] || fail "$(free_kib) KiB are free, not $before"
        expect_fail --message '[Ss]pace' berthctl copy c1 c2
        expect inside c1 true
        expect berthctl stop --force c1
        expect berthctl snapshot c1 s1
        expect berthctl start c1
        inside c1 rm /big
        expect berthctl restore c1 s1
        assert_eq "$(inside c1 stat -c %s /big)" 18874368
        expect berthctl delete --force c1
        expect berthctl remove-image busybox
}

# the store is read-only: changes are refused, lists work
test_R46_store_read_only() {
        full_disk 24
        expect berthctl import "$(guest busybox)" --alias busybox
        expect berthctl create busybox c1
        mount -o remount,ro "$STORE"
        expect_fail --message '[Rr]ead-only' berthctl create busybox c2
        expect_fail --message '[Rr]ead-only' berthctl import "$(guest busybox)"
        expect_fail --message '[Rr]ead-only' berthctl delete c1
        assert_state c1 stopped
        expect has_image busybox
        mount -o remount,rw "$STORE"
        expect berthctl delete c1
        expect berthctl remove-image busybox
}

# no room for an image of a container: refused, the room is there again, and the container runs on
test_R36_publish_without_space() {
        local before
        full_disk 40
        expect berthctl import "$(guest busybox)" --alias busybox
        expect berthctl launch busybox c1
        expect inside c1 dd if=/dev/urandom of=/big bs=1M count=16
        sync -f "$STORE"
        before=$(free_kib)
        refused '[Ss]pace' berthctl publish c1 --alias pub
        eventually 60 no_debris
        [ "$(free_kib)" -ge $((before - 256)) ] || fail "$(free_kib) KiB are free, not $before"
        expect inside c1 true
        expect inside c1 rm /big
        expect berthctl publish c1 --alias pub
        expect berthctl delete --force c1
        expect berthctl remove-image pub
        expect berthctl remove-image busybox
}

# leave KIB: no more than that is free; room: all of it again
leave() {
        fallocate -l "$(($(free_kib) - $1))K" "$STORE/filler"
}

room() {
        rm -f "$STORE/filler"
}

# an_image_in_all_forms: archives of a root file system with 12 MB in it that do not compress
an_image_in_all_forms() {
        local hash
        mkdir -p u/rootfs/{etc,usr/lib} layer
        ln -s usr/lib u/rootfs/lib
        echo 'ID=test' >u/rootfs/etc/os-release
        head -c 12M /dev/urandom >u/rootfs/usr/large
        printf 'architecture: %s\ncreation_date: 1424284563\n' "$(uname -m)" >u/metadata.yaml
        tar -C u --owner=0 --group=0 -cf unified.tar metadata.yaml rootfs
        tar -C u -cf meta.tar metadata.yaml
        tar -C u/rootfs --owner=0 --group=0 -czf root.tar.gz .
        mksquashfs u/rootfs root.squashfs -quiet -no-progress -all-root -comp zstd >/dev/null
        tar -C u/rootfs --owner=0 --group=0 -cf layer/layer.tar .
        hash=$(fingerprint_of layer/layer.tar)
        jq -n --arg a "$(uname -m)" --arg h "sha256:$hash" '{architecture: ({x86_64: "amd64", aarch64: "arm64"}[$a] // $a), os: "linux", config: {}, rootfs: {type: "layers", diff_ids: [$h]}}' >layer/config.json
        echo '[{"Config": "config.json", "RepoTags": ["big:1"], "Layers": ["layer.tar"]}]' >layer/manifest.json
        tar -C layer -cf oci.tar config.json manifest.json layer.tar
}

# in every form that an image comes in: one sentence that names the archive, nothing is left, and with room the same command works
test_R26_forms_without_space() {
        local before form files
        full_disk 80
        an_image_in_all_forms
        for form in unified.tar 'meta.tar root.tar.gz' 'meta.tar root.squashfs' root.squashfs oci.tar; do
                read -ra files <<<"$form"
                leave 5000
                before=$(free_kib)
                refused "^berthctl: .*'${files[0]}'.*No space left on device" berthctl import "${files[@]}" --alias big
                eventually 10 no_debris
                [ "$(free_kib)" -ge $((before - 64)) ] || fail "$form: $(free_kib) KiB are free, not $before"
                room
                expect berthctl import "${files[@]}" --alias big
                expect berthctl remove-image big
                eventually 10 no_debris
        done
}

# the same of one that is downloaded
test_R41_pull_without_space() {
        local before
        full_disk 80
        an_image_in_all_forms
        on_exit 'systemctl stop full-web.service'
        systemd-run --quiet --unit=full-web --property=WorkingDirectory="$TEST_TMP" "$CASES_LIB/web-server" 8080
        eventually 20 serves
        for form in 5000 18000; do
                # Not for the file; for the file, and not for what is in it.
                leave $form
                before=$(free_kib)
                refused "^berthctl: .*unified.tar.*No space left on device" berthctl pull http://127.0.0.1:8080/plain/unified.tar --verify=no
                eventually 10 no_debris
                [ "$(free_kib)" -ge $((before - 64)) ] || fail "$(free_kib) KiB are free, not $before"
                room
        done
        expect berthctl pull http://127.0.0.1:8080/plain/unified.tar --verify=no
        expect berthctl remove-image unified
}

serves() {
        (exec 5<>/dev/tcp/127.0.0.1/8080) 2>/dev/null
}

# not one byte and not one inode: whatever changes something says so, and does it later
test_R46_changes_without_space() {
        local i verb
        full_disk 24
        expect berthctl import "$(guest busybox)" --alias busybox
        expect berthctl create busybox c1
        expect berthctl run-in c1 -- sh -c 'echo one >/f'
        expect berthctl snapshot c1 s1
        expect berthctl run-in c1 -- sh -c 'echo two >/f'
        sync -f "$STORE"
        mkdir "$STORE/fill"
        head -c 100M /dev/zero >"$STORE/filler" 2>/dev/null || true
        for ((i = 0; ; i++)); do
                : 2>/dev/null >"$STORE/fill/$i" || break
        done
        local -A changes=(
                [snapshot]='berthctl snapshot c1 s2' [restore]='berthctl restore c1 s1' [copy]='berthctl copy c1 c2' [alias]='berthctl alias add more busybox'
                [image]="berthctl image-set busybox description=$(printf 'x%.0s' {1..3000})" [publish]='berthctl publish c1 --alias pub' [file]="berthctl copy-to c1 $(guest busybox) /new"
        )
        for verb in "${!changes[@]}"; do
                # shellcheck disable=SC2086 # words
                refused '[Nn]o space left on device' ${changes[$verb]}
        done
        eventually 10 no_debris
        rm -rf "$STORE/filler" "$STORE/fill"
        for verb in snapshot copy alias image publish file restore; do
                # shellcheck disable=SC2086
                expect ${changes[$verb]}
        done
        assert_eq "$(berthctl run-in c1 -- cat /f)" one
        assert_eq "$(berthctl run-in c2 -- cat /f)" two
        expect berthctl delete c1 c2
        expect berthctl remove-image pub
        expect berthctl remove-image busybox
}

# an export to a disk that gets full: refused, and no file that looks like an image
test_R37_export_without_space() {
        local fingerprint
        mkdir small
        mount -t tmpfs -o size=1m tmpfs small
        on_exit 'umount "$TEST_TMP/small"; berthctl remove-image busybox'
        expect berthctl import "$(guest busybox)" --alias busybox
        fingerprint=$(image_of busybox)
        expect_fail --message "small/out.*No space left on device" berthctl export busybox small/out
        assert_eq "$(ls -A small)" ''
        expect_fail --message "small/out.root.*No space left on device" berthctl export --metadata busybox small/out
        assert_eq "$(ls -A small)" ''
        mount -o remount,size=50m small
        expect berthctl export busybox small/out
        assert_eq "$(fingerprint_of small/out)" "$fingerprint"
}

# the state directory is read-only when the manager comes: lists are as ever, every change is refused with one sentence, and all of it works later
test_R46_store_bound_read_only() {
        on_exit 'umount "$STORE" 2>/dev/null || true; systemctl reset-failed; remove_all; systemctl stop berth-expire.timer'
        expect berthctl import "$(guest busybox)" --alias busybox
        expect berthctl create busybox c1
        expect berthctl snapshot c1 s1
        systemctl stop berth-containerd
        mount --bind "$STORE" "$STORE"
        mount -o remount,bind,ro "$STORE"
        assert_match "$(berthctl list)" 'c1 +stopped'
        while read -r -a words; do
                expect_fail --message '^berthctl: .*Read-only file system' berthctl "${words[@]}"
                assert_eq "$(berthctl "${words[@]}" 2>&1 | wc -l)" 1 "lines that '${words[*]}' says"
        done <<-END
		create busybox c2
		start c1
		copy c1 c2
		snapshot c1 s2
		restore c1 s1
		delete c1/s1
		delete c1
		rename c1 c2
		rename c1/s1 s2
		expire c1/s1 1h
		publish c1 --alias x
		set c1 TasksMax=100
		alias add x busybox
		alias remove busybox
		image-set busybox description=x
		remove-image busybox
		import $(guest busybox) --alias y
		copy-to c1 /etc/hostname /root/x
		pull http://127.0.0.1:1/x.tar --verify=no
		END
        expect berthctl export busybox out
        umount "$STORE"
        expect berthctl launch busybox c2
        expect berthctl start c1
}

# [long] the store is a file system that cannot be mounted: nothing is made in its place, and one sentence says where to look
test_R46_store_not_mounted() {
        on_exit 'rm -f /run/systemd/system/var-lib-berth.mount; systemctl daemon-reload; systemctl reset-failed; losetup -D "$(losetup -j "$TEST_TMP/no-fs" -O NAME -n)" 2>/dev/null || true'
        truncate -s 1M no-fs
        printf '[Mount]\nWhat=%s\nWhere=%s\nType=ext4\nOptions=loop\n' "$TEST_TMP/no-fs" "$STORE" >/run/systemd/system/var-lib-berth.mount
        systemctl daemon-reload
        systemctl stop berth-containerd
        expect_fail --message "^berthctl: berth-containerd could not be started.*var-lib-berth.mount" timeout 100 berthctl list
        expect_fail systemctl start berth@c1
        mkfs.ext4 -q no-fs
        systemctl reset-failed
        expect berthctl list
        assert_eq "$(findmnt -n -o FSTYPE "$STORE")" ext4
        systemctl stop berth-containerd var-lib-berth.mount
}
