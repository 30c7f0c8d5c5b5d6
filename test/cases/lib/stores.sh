# shellcheck shell=bash
# shellcheck disable=SC2153 # lib/berth.sh has STORE
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What holds in every store, whatever its type. Sourced by the case files that have stores; there has to be an image 'busybox', and a function
# volumes_in STORE that prints what the store has of containers, one a line.

# a_store NAME LINE...: its file, with these lines.
a_store() {
        mkdir -p /etc/berth/stores.d
        printf '%s\n' '[Store]' "${@:2}" >"/etc/berth/stores.d/$1.conf"
}

store_is_empty() {
        no_debris && [ -z "$(volumes_in "$1")" ]
}

# loop_store DIRECTORY MKFS...: a file system of its own there.
loop_store() {
        mkdir -p "$1"
        truncate -s 400M "$1.img"
        "${@:2}" "$1.img" >/dev/null
        mount -o loop "$1.img" "$1"
}

snapshot_size() {
        berthctl list-snapshots --json=short "$1" | jq -r --arg name "$2" '.[] | select(.name == $name) | .size_bytes'
}

# store_life STORE [OPTION...]: a container's life in it, from beginning to end, leaves nothing. Options are of create.
store_life() {
        local store=$1
        shift
        on_exit "forget c1 c2 c3 c4; forget_image published"
        expect berthctl create busybox c1 --no-profiles --store "$store" "$@"
        [ "$store" = default ] || assert_match "$(berthctl status c1)" "Store: +$store"
        expect berthctl start c1
        inside c1 sh -c 'echo one >/f; mkdir -p /d/e; ln /f /d/link; dd if=/dev/zero of=/big bs=1k count=600 2>/dev/null; chown 1000:1000 /d; rm /etc/passwd'
        expect berthctl snapshot c1 running
        inside c1 sh -c 'echo two >/f; rm -r /d'
        # A copy of one that runs is as it is, and goes its own way.
        expect berthctl copy c1 c2
        expect berthctl stop --force c1
        expect berthctl snapshot c1 stopped
        [ "$(snapshot_size c1 running)" -gt 0 ] || fail "the snapshot's size is $(snapshot_size c1 running)"

        expect berthctl restore c1 running
        expect berthctl copy c1/stopped c3
        expect berthctl start c1 c2 c3
        assert_eq "$(inside c1 cat /f /d/link; inside c1 stat -c %u:%a /d; inside c1 sh -c 'test -e /etc/passwd && echo there; true')" "$(printf 'one\none\n1000:755')"
        assert_eq "$(inside c2 cat /f)" two
        expect_fail inside c2 test -e /d
        inside c2 sh -c 'echo three >/f'
        assert_eq "$(inside c3 cat /f)" two
        # What a snapshot has nobody changes.
        expect berthctl stop --force c1 c3
        expect berthctl rename c3 c4
        # Files of one that does not run.
        echo pushed >pushed
        expect berthctl copy-to c4 pushed /etc/pushed
        assert_eq "$(berthctl copy-from c4 /etc/pushed -)" pushed
        expect berthctl publish c1/running --alias published
        expect berthctl delete c1/stopped
        expect berthctl start c1
        assert_eq "$(inside c1 cat /f)" one
        expect berthctl delete --force c1 c2 c4
        eventually 10 store_is_empty "$store"
        expect berthctl create published c1 --no-profiles --store "$store" "$@"
        expect berthctl start c1
        assert_eq "$(inside c1 cat /f)" one
        expect berthctl delete --force c1
        expect berthctl remove-image published
        eventually 10 store_is_empty "$store"
}

# used_kib PLACE: of a mount, or of a directory that is on a file system with others.
used_kib() {
        if mountpoint -q "$1"; then
                sync -f "$1"
                df --output=used -k "$1" | tail -n 1
        else
                du -sk "$1" | cut -f1
        fi
}

# store_copies STORE PLACE: ten copies of a container take less than half of what it has written.
store_copies() {
        local before after i
        on_exit "forget c1 k1 k2 k3 k4 k5 k6 k7 k8 k9 k10"
        expect berthctl create busybox c1 --no-profiles --store "$1"
        expect berthctl start c1
        inside c1 dd if=/dev/urandom of=/big bs=1M count=12 2>/dev/null
        expect berthctl stop --force c1
        before=$(used_kib "$2")
        for i in 1 2 3 4 5 6 7 8 9 10; do
                expect berthctl copy c1 k$i
        done
        after=$(used_kib "$2")
        [ $((after - before)) -lt 6144 ] || fail "ten copies take $((after - before)) KiB"
        expect berthctl delete c1 k1 k2 k3 k4 k5 k6 k7 k8 k9 k10
        eventually 10 store_is_empty "$1"
}

# store_limit STORE [OPTION...]: the size of the root file system holds, and can be changed while it runs.
store_limit() {
        on_exit "forget c1 c2"
        expect berthctl create busybox c1 --no-profiles --store "$1" --device root,type=disk,path=/,size=20MiB "${@:2}"
        expect berthctl start c1
        run_container c2 busybox --no-profiles --store "$1" "${@:2}"
        if inside c1 sh -c 'dd if=/dev/zero of=/big bs=1M count=40 2>&1 && sync' >dd.log; then
                fail "it may write 40 MiB"
        fi
        assert_match "$(cat dd.log)" 'Disk quota exceeded|No space left'
        inside c2 dd if=/dev/zero of=/big bs=1M count=40 2>/dev/null
        inside c1 rm -f /big
        expect berthctl delete --force c1 c2
        eventually 10 store_is_empty "$1"
}

# store_gone STORE TAKE GIVE [OPTION...]: while it is not there, or nothing can be written, there is one sentence, and all works again afterwards. TAKE and GIVE are commands,
# options are of create.
store_gone() {
        on_exit "forget c1"
        expect berthctl create busybox c1 --no-profiles --store "$1" "${@:4}"
        expect berthctl start c1
        expect berthctl stop --force c1
        $2
        refused "store '$1'" berthctl create busybox c2 --no-profiles --store "$1" "${@:4}"
        refused "store '$1'" berthctl snapshot c1
        expect_fail --message "store '$1'" berthctl start c1
        $3
        expect berthctl start c1
        # What is removed meanwhile goes when the store is back.
        expect berthctl stop --force c1
        $2
        expect berthctl delete c1
        [ -n "$(find "$STORE/trash" -mindepth 1)" ] || fail 'nobody knows of the volume any more'
        $3
        [ -n "$(volumes_in "$1")" ] || fail 'the volume went by itself'
        systemctl stop berth-containerd
        berthctl list >/dev/null
        eventually 10 store_is_empty "$1"
}

# store_move FROM TO: a container and its snapshots go to another store.
store_move() {
        on_exit "forget c1 c2"
        expect berthctl create busybox c1 --no-profiles --store "$1"
        expect berthctl start c1
        inside c1 sh -c 'echo one >/f; mkdir /d; echo x >/d/x; ln /d/x /d/y; rm /etc/passwd; chown 1000:1000 /d'
        expect berthctl snapshot c1 s1
        inside c1 sh -c 'echo two >/f; rm -r /d; mkdir /d'
        refused 'running' berthctl move c1 --store "$2"
        expect berthctl stop --force c1
        expect berthctl snapshot c1 s2
        expect berthctl move c1 --store "$2"
        eventually 10 store_is_empty "$1"
        refused "already" berthctl move c1 --store "$2"
        expect berthctl start c1
        assert_eq "$(inside c1 sh -c 'cat /f; ls /d; test -e /etc/passwd && echo there; true')" two
        expect berthctl copy c1/s1 c2
        expect berthctl start c2
        assert_eq "$(inside c2 sh -c 'cat /f /d/y; stat -c %u:%h /d/x; stat -c %u /d; test -e /etc/passwd && echo there; true')" "$(printf 'one\nx\n0:2\n1000')"
        expect berthctl delete --force c2
        expect berthctl restore c1 s1
        assert_eq "$(inside c1 cat /f)" one
        expect berthctl delete --force c1
        eventually 10 store_is_empty "$2"
}

# store_copy FROM TO: copies go to another store, of a container that runs and of a snapshot; each has an identity of its own, and nothing else of it is different.
store_copy() {
        on_exit "forget c1 k1 k2 k3"
        expect berthctl create busybox c1 --no-profiles --store "$1" --set MemoryMax=60M --set user.note=kept
        expect berthctl start c1
        inside c1 sh -c 'echo one >/f; mkdir /d; echo x >/d/x; ln /d/x /d/y; rm /etc/passwd; chown 1000:1000 /d'
        expect berthctl snapshot c1 s1
        inside c1 sh -c 'echo two >/f; rm -r /d; mkdir /d'
        expect berthctl copy c1 k1 --store "$2"
        expect berthctl copy c1/s1 k2 --store "$2"
        # The first goes on, and each its own way.
        inside c1 sh -c 'echo three >/f'
        assert_eq "$(state_of c1)" running
        expect berthctl start k1 k2
        assert_eq "$(inside k1 sh -c 'cat /f; ls /d; test -e /etc/passwd && echo there; true')" two
        assert_eq "$(inside k2 sh -c 'cat /f /d/y; stat -c %u:%h /d/x; stat -c %u /d; test -e /etc/passwd && echo there; true')" "$(printf 'one\nx\n0:2\n1000')"
        assert_eq "$(container_store k1) $(container_store k2) $(container_store c1)" "$2 $2 $1"
        expect berthctl stop --force c1 k1 k2
        # Of one that does not run; in the store where it is anyway, that is a copy like all others.
        expect berthctl copy c1 k3 --store "$2"
        expect berthctl start k3
        assert_eq "$(inside k3 cat /f)" three
        assert_eq "$(settings_but_identity c1)" "$(settings_but_identity k3)"
        [ "$(identity_of c1)" != "$(identity_of k3)" ] || fail "the copy is the same: $(identity_of c1)"
        expect berthctl delete --force c1 k1 k2 k3
        eventually 10 store_is_empty "$1"
        eventually 10 store_is_empty "$2"
}

container_store() {
        local store
        store=$(sed -n 's/^Store=//p' "$STORE/containers/$1/container.conf")
        echo "${store:-default}"
}

identity_of() {
        grep -E '^(UUID|UIDBase)=' "$STORE/containers/$1/container.conf"
}

settings_but_identity() {
        grep -vE '^(UUID|UIDBase|Layers|Store|CreatedUSec)=' "$STORE/containers/$1/container.conf"
}
