# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Encrypted containers whose volumes are thin volumes of LVM: what is their own. What is the same in files is in encrypted.sh. On one suite, as stores-lvm.sh.
# suites: trixie
# guests: busybox
# limit: 600

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/stores.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/block-stores.sh"

readonly MARKER=plain-text-of-the-guest
# Whoever needs its key has it.
readonly SEALED=(--key-file /run/right-key --set KeyFile=/run/right-key)

setup_file() {
        lvm_store_up
        # Small enough to be searched from end to end.
        a_store vault Type=luks VolumeGroup=t-vg VolumeSize=160M
        mkdir -p /etc/berth/berth.conf.d
        printf '[Server]\nKeyDerivationSec=0\n' >/etc/berth/berth.conf.d/encrypted.conf
        printf 'right key\n' >/run/right-key
        printf 'wrong key\n' >/run/wrong-key
        chmod 0600 /run/right-key /run/wrong-key
}

teardown_file() {
        lvm_store_down
        rm -f /etc/berth/berth.conf.d/encrypted.conf /run/right-key /run/wrong-key
        rmdir --ignore-fail-on-non-empty /etc/berth/berth.conf.d
}

# closed: no volume of the group is active, and so none can be below a device that has a key; nor is there one.
closed() {
        devices_are 0 && ! dmsetup ls | grep -q '^berth-'
}

# device_of NAME: the volume as it is on the disk, when it is active.
device_of() {
        echo "/dev/mapper/t--vg-berth--$(volume_of "$1")"
}

# on_disk TEXT: in all that any volume of the group has, or had.
on_disk() {
        sync
        grep -qa "$1" /var/lvm-disk
}

# what a container writes can be read on its device alone, and with the container that goes, and the volume below it
test_R103_lvm_plain_text() {
        local id rc
        on_exit 'forget c1 c2'
        expect berthctl create busybox c1 --no-profiles --store vault "${SEALED[@]}"
        id=$(volume_of c1)
        assert_eq "$(lvs --noheadings --options pool_lv,segtype "t-vg/berth-$id" | xargs)" 'berth thin'
        eventually 10 closed
        expect berthctl start c1
        inside c1 sh -c "echo $MARKER >/root/marker; sync"
        # The volume is used by the device that has the key, and goes with that.
        assert_match "$(dmsetup deps -o devname "berth-$id")" "^1 dependencies[[:space:]]*: \(t--vg-berth--$id\)$"
        assert_match "$(dmsetup info "berth-$id")" 'DEFERRED REMOVE'
        assert_match "$(dmsetup info "t--vg-berth--$id")" 'DEFERRED REMOVE'
        assert_match "$(dmsetup table --showkeys "berth-$id")" ' :64:logon:cryptsetup:'
        # The control: there it can be found.
        grep -qa "$MARKER" "/dev/mapper/berth-$id" || fail 'the marker is nowhere at all'
        # grep takes 1 for what is not found, and 2 for what cannot be read.
        rc=0
        grep -qa "$MARKER" "$(device_of c1)" || rc=$?
        assert_eq "$rc" 1 'grep of the volume'
        expect berthctl stop --force c1
        eventually 10 closed
        not on_disk "$MARKER" || fail 'the marker is on the disk'
        not on_disk 'right key' || fail 'the key is on the disk'
        expect berthctl start c1
        assert_eq "$(inside c1 cat /root/marker)" "$MARKER"
        # The control: of one that is not encrypted it is on the same disk.
        run_container c2 busybox --no-profiles --store thin
        inside c2 sh -c "echo $MARKER-c2 >/root/marker; sync"
        on_disk "$MARKER-c2" || fail 'nothing can be found on the disk'
        expect berthctl delete --force c1 c2
        eventually 10 store_is_empty vault
        eventually 10 closed
}

# a container's life: snapshots, copies, files of one that does not run, a restore, an image; nothing is left of it
test_R101_lvm_encrypted_store() {
        store_life vault "${SEALED[@]}"
        eventually 10 closed
}

# a copy or snapshot shares what has not changed, and has the key of the first
test_R103_lvm_copy() {
        local before after
        on_exit 'forget c1 c2 c3'
        expect berthctl create busybox c1 --no-profiles --store vault "${SEALED[@]}"
        expect berthctl start c1
        inside c1 sh -c 'dd if=/dev/urandom of=/big bs=1M count=40 2>/dev/null; echo one >/f; sync'
        before=$(lvs --noheadings --nosuffix --units b --options data_percent t-vg/berth | xargs)
        expect berthctl copy c1 c2
        inside c1 sh -c 'echo two >/f; sync'
        expect berthctl stop --force c1
        expect berthctl copy c1 c3
        after=$(lvs --noheadings --nosuffix --units b --options data_percent t-vg/berth | xargs)
        # 40 of 600 MiB are more than six.
        awk "BEGIN { exit !($after - $before < 4) }" || fail "the pool was full to $before %, and is now to $after %"
        expect berthctl set c2 KeyFile=/run/wrong-key
        expect_fail --message 'The key is wrong' berthctl start c2
        expect berthctl set c2 KeyFile=/run/right-key
        expect berthctl start c1 c2 c3
        assert_eq "$(inside c1 cat /f) $(inside c2 cat /f) $(inside c3 cat /f)" 'two one two'
        assert_eq "$(inside c1 sha256sum /big)" "$(inside c2 sha256sum /big)"
        expect berthctl delete --force c1 c2 c3
        eventually 10 store_is_empty vault
        eventually 10 closed
}

# a wrong key opens nothing and leaves nothing open, wherever it is told; another key takes the place of the first
test_R103_lvm_keys() {
        local before
        on_exit 'forget c1'
        expect berthctl create busybox c1 --no-profiles --store vault --key-file /run/right-key --set KeyFile=/run/wrong-key
        before=$(lvs --noheadings --options lv_uuid t-vg)
        expect_fail --message 'The key is wrong' berthctl start c1
        eventually 10 closed
        expect_fail --message 'The key is wrong' berthctl copy-from c1 /root --key-file /run/wrong-key
        expect_fail --message 'The key is wrong' berthctl publish c1 --key-file /run/wrong-key
        expect_fail --message 'old key of container .c1. is another' berthctl change-key c1 --key-file /run/wrong-key --key-file /run/right-key
        eventually 10 closed
        expect_fail --message 'a key is needed' berthctl create busybox c2 --no-profiles --store vault
        expect_fail --message "store 'thin' does not encrypt" berthctl create busybox c2 --no-profiles --store thin --key-file /run/right-key
        eventually 10 no_debris
        assert_eq "$(lvs --noheadings --options lv_uuid t-vg)" "$before"
        expect berthctl change-key c1 --key-file /run/right-key --key-file - </run/wrong-key
        eventually 10 closed
        expect berthctl start c1
        expect berthctl stop --force c1
        expect berthctl set c1 KeyFile=/run/right-key
        expect_fail --message 'The key is wrong' berthctl start c1
        expect berthctl delete c1
        eventually 10 store_is_empty vault
        eventually 10 closed
}

# the key goes when the container does, whoever is killed; a reboot from inside asks for none
test_R103_lvm_killed() {
        local leader
        on_exit 'forget c1'
        expect berthctl create busybox c1 --no-profiles --store vault "${SEALED[@]}"
        expect berthctl start c1
        # That of one that runs is not needed again.
        expect berthctl set c1 KeyFile=/run/wrong-key
        leader=$(leader_of c1)
        expect berthctl reboot c1
        eventually 30 has_rebooted c1 "$leader"
        not closed || fail 'it runs and is not open'
        kill -KILL "$(supervisor_of c1)"
        eventually 30 closed
        systemctl reset-failed berth@c1 berth-c1.scope 2>/dev/null || true
        expect_fail --message 'The key is wrong' berthctl start c1
        expect berthctl delete --force c1
        eventually 10 store_is_empty vault
}

# Whoever does not wait is done by then.
waits_for_volume() {
        local pid
        pid=$(pgrep -x berth-luks) && sleep 3 && [ "$(pgrep -x berth-luks)" = "$pid" ]
}

# a volume that something else of the host has taken is not opened a second time, and is when that lets it go
test_R103_lvm_in_use() {
        local id
        on_exit 'dmsetup remove --retry other 2>/dev/null || true; forget c1'
        expect berthctl create busybox c1 --no-profiles --store vault "${SEALED[@]}"
        id=$(volume_of c1)
        eventually 10 closed
        expect lvchange --quiet --activate y --ignoreactivationskip "t-vg/berth-$id"
        dmsetup create other --table "0 $(blockdev --getsz "$(device_of c1)") linear $(device_of c1) 0"
        expect_fail --message 'in use' berthctl start c1
        systemctl start --no-block berth@c1
        eventually 20 waits_for_volume
        not dmsetup info "berth-$id" 2>/dev/null || fail 'it is open a second time'
        dmsetup remove --retry other
        eventually 60 state_is c1 running
        expect berthctl delete --force c1
        eventually 10 store_is_empty vault
        eventually 10 closed
}

# a larger limit of the root file system enlarges the volume with the next start, a smaller one takes nothing away
test_R93_lvm_encrypted_root_size() {
        local small large
        on_exit 'forget c1'
        store_limit vault "${SEALED[@]}"
        run_container c1 busybox --no-profiles --store vault "${SEALED[@]}"
        small=$(inside c1 df -k / | awk 'END { print $2 }')
        inside c1 sh -c 'echo kept >/root/kept'
        not inside c1 sh -c 'dd if=/dev/zero of=/root/big bs=1M count=200 2>/dev/null' || fail 'it was not full'
        inside c1 rm /root/big
        expect berthctl device add c1 root disk path=/ size=300M
        expect berthctl restart c1 --force
        inside c1 sh -c 'dd if=/dev/zero of=/root/big bs=1M count=200 2>/dev/null' || fail 'it has not grown'
        assert_eq "$(inside c1 cat /root/kept)" kept
        expect berthctl device remove c1 root
        expect berthctl restart c1 --force
        large=$(inside c1 df -k / | awk 'END { print $2 }')
        [ "$large" -gt $((small + 100000)) ] || fail "it has $large KiB, and had $small"
        # What the guest deletes the pool has again.
        inside c1 sh -c 'rm /root/big; sync'
        eventually 30 pool_is_below 20
        expect berthctl delete --force c1
        eventually 10 store_is_empty vault
        eventually 10 closed
}

pool_is_below() {
        lvs --noheadings --options data_percent t-vg/berth | awk "{ exit !(\$1 < $1) }"
}

hide_group() {
        vgrename --quiet t-vg t-other
}
show_group() {
        vgrename --quiet t-other t-vg
}

# a volume group that is not there
test_R101_lvm_encrypted_gone() {
        store_gone vault hide_group show_group "${SEALED[@]}"
}

# init makes the pool and the store that is for all that is only said to be encrypted, and for nothing else
test_R103_lvm_init() {
        on_exit 'forget c1 c2; rm -f /etc/berth/stores.d/encrypted.conf; lvremove --quiet --yes t-vg/second >/dev/null 2>&1 || true'
        refused 'nogroup' berthctl init --storage luks,group=nogroup
        refused 'one of Path= and VolumeGroup=' berthctl init --storage luks,group=t-vg,path=/var/tmp
        refused 'VolumeGroup=, too' berthctl init --storage luks,pool=second
        # What is in files would not be found any more.
        expect berthctl create busybox c1 --no-profiles --key-file /run/right-key
        refused 'already' berthctl init --storage luks,group=t-vg,pool=second
        expect berthctl delete c1
        eventually 10 no_debris
        expect berthctl init --storage luks,group=t-vg,pool=second,size=120M,volume-size=100M
        assert_match "$(berthctl stores)" 'encrypted +luks +t-vg .* ok'
        expect berthctl create busybox c1 --no-profiles --key-file /run/right-key
        expect berthctl create busybox c2 --no-profiles
        assert_eq "$(lvs --noheadings --options pool_lv "t-vg/berth-$(volume_of c1)" | xargs)" second
        assert_eq "$(container_store c1) $(container_store c2)" 'encrypted default'
        refused 'has files of containers' berthctl remove-store encrypted
        expect berthctl delete c1 c2
        eventually 10 store_is_empty vault
        expect berthctl remove-store encrypted
}
