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
        on_exit 'berthctl delete --force c1 c2 >/dev/null 2>&1; systemctl stop berth-containerd; for i in 1 2 3 4 5; do umount "$STORE" && break; sleep 1; done'
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
        eventually 10 no_debris
        [ "$(free_kib)" -ge $((before - 64)) ] || fail "$(free_kib) KiB are free, not $before"
        expect berthctl import small.tar --alias small
        expect berthctl create small c1
        expect berthctl delete c1
        expect berthctl remove-image small
}

# no room for a container: refused; one that is there can still be started, stopped and deleted
test_R46_create_without_space() {
        local i
        full_disk 24
        expect berthctl import "$(guest busybox)" --alias busybox
        expect berthctl create busybox c1
        # Every byte and every inode.
        head -c 100M /dev/zero >"$STORE/filler" 2>/dev/null || true
        mkdir "$STORE/fill"
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
        eventually 10 no_debris
        [ "$(free_kib)" -gt 5000 ] || fail "only $(free_kib) KiB are free"
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
