# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Stores, where the files of containers are: those that need no more than a file system.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/stores.sh"

setup_file() {
        import_guests busybox
        loop_store /srv/plain mkfs.ext4 -q
        loop_store /srv/fast mkfs.btrfs -q
        mkdir -p /srv/fast/directory
        a_store plain Type=directory Path=/srv/plain
        a_store links Type=directory Path=/srv/fast/directory
        a_store fast Type=btrfs Path=/srv/fast
        # What there is of berth's own is made when it is first needed.
        expect berthctl create busybox c1
        expect berthctl delete c1
}

teardown_file() {
        remove_all
        layers_are_right || fail 'layers are left'
        rm -r /etc/berth/stores.d
        umount /srv/plain /srv/fast
        rm -r /srv/plain* /srv/fast*
}

volumes_in() {
        case $1 in
        default) find "$STORE/layers" -mindepth 1 -maxdepth 1 '!' -exec test -e '{}/volume' ';' -print ;;
        plain) ls /srv/plain/volumes ;;
        links) ls /srv/fast/directory/volumes ;;
        fast | fast2) ls "/srv/$1/volumes" ;;
        esac
}

# the overlay store, which needs nothing at all
test_R98_overlay_store() {
        store_life default
}

# a directory of ext4
test_R98_directory_store() {
        store_life plain
}

# a directory of a file system with reflinks, and its copies take no room
test_R98_directory_reflinks() {
        store_life links
        store_copies links /srv/fast
}

# btrfs: volumes are subvolumes
test_R99_btrfs_store() {
        expect berthctl create busybox c1 --no-profiles --store fast
        on_exit 'forget c1'
        assert_eq "$(stat -c %i "/srv/fast/volumes/$(layers c1)")" 256 'inode of the volume: it is no subvolume'
        expect berthctl delete c1
        store_life fast
}

# and ten copies take no room
test_R99_btrfs_copies() {
        store_copies fast /srv/fast
}

# as on the overlay store
test_R102_overlay_copies() {
        store_copies default "$STORE/layers"
}

# a limit of btrfs
test_R93_btrfs_root_size() {
        store_limit fast
}

# a subvolume that somebody made in a container's files is no reason to keep them
test_R99_nested_subvolumes() {
        local volume
        on_exit 'forget c1'
        expect berthctl create busybox c1 --no-profiles --store fast
        volume=/srv/fast/volumes/$(layers c1)
        btrfs -q subvolume create "$volume/upper/a"
        mkdir "$volume/upper/a/b"
        btrfs -q subvolume create "$volume/upper/a/b/c"
        btrfs -q subvolume create "$volume/upper/d"
        expect berthctl delete c1
        eventually 10 store_is_empty fast
}

unmount_fast() {
        umount /srv/fast
}
mount_fast() {
        mount -o loop /srv/fast.img /srv/fast
}
read_only_fast() {
        mount -o remount,ro /srv/fast
}
writable_fast() {
        mount -o remount,rw /srv/fast
}

# a store that is not mounted
test_R99_not_mounted() {
        store_gone fast unmount_fast mount_fast
}

# one that is read-only
test_R99_read_only() {
        on_exit writable_fast
        expect berthctl create busybox c1 --no-profiles --store fast
        on_exit 'forget c1'
        read_only_fast
        refused "store 'fast'.*read-only" berthctl create busybox c2 --no-profiles --store fast
        expect_fail --message "read-only|Read-only" berthctl start c1
        writable_fast
        systemctl reset-failed berth@c1
        expect berthctl start c1
}

# from the overlay store to btrfs: chains of layers become subvolumes
test_R57_move_to_btrfs() {
        store_move default fast
}

# and back
test_R57_move_to_overlay() {
        store_move fast default
}

# between stores that have neither
test_R57_move_between_stores() {
        store_move plain fast
}

# from btrfs to btrfs: the file system sends it
test_R57_move_by_btrfs_send() {
        on_exit 'umount /srv/fast2; rm -rf /srv/fast2* /etc/berth/stores.d/fast2.conf'
        loop_store /srv/fast2 mkfs.btrfs -q
        a_store fast2 Type=btrfs Path=/srv/fast2
        store_move fast fast2
        # It was sent, and not copied by files: then the program is needed.
        expect berthctl create busybox c1 --no-profiles --store fast
        expect berthctl start c1
        expect berthctl stop --force c1
        mount --bind /bin/false "$(readlink -f "$(command -v btrfs)")"
        on_exit 'umount "$(readlink -f /usr/bin/btrfs)" 2>/dev/null; forget c1'
        refused "'btrfs' failed" berthctl move c1 --store fast2
        umount "$(readlink -f "$(command -v btrfs)")"
        expect berthctl move c1 --store fast2
        expect berthctl delete c1
        eventually 10 store_is_empty fast2
}

# copies in another store
test_R56_copy_to_btrfs() {
        store_copy default fast
}

# and the other way
test_R56_copy_to_overlay() {
        store_copy fast default
}

# a move, or a copy, that is killed when half of it is there: all is as before, and what there was of it goes
test_R57_killed_move() {
        local before how real
        real=$(readlink -f "$(command -v cp)")
        on_exit "umount '$real' 2>/dev/null; forget c1 k1"
        expect berthctl create busybox c1 --no-profiles
        expect berthctl start c1
        inside c1 sh -c 'echo one >/f'
        expect berthctl snapshot c1 s1
        inside c1 sh -c 'echo two >/f'
        expect berthctl stop --force c1
        expect berthctl snapshot c1 s2
        before=$(state_on_disk)
        command cp "$real" "$TEST_TMP/cp"
        # What it has copied is there, and it does not end.
        printf '#!/bin/sh\n"%s" "$@"\ntouch "%s"\nexec sleep 1000\n' "$TEST_TMP/cp" "$TEST_TMP/copied" >"$TEST_TMP/slow"
        chmod +x "$TEST_TMP/slow"
        mount --bind "$TEST_TMP/slow" "$real"
        for how in 'move c1 --store fast' 'copy c1/s1 k1 --store fast' 'copy c1 k1 --store plain'; do
                rm -f "$TEST_TMP/copied"
                # shellcheck disable=SC2086 # words
                berthctl $how >killed.log 2>&1 &
                eventually 30 test -e "$TEST_TMP/copied"
                systemctl kill --signal=KILL "$(systemctl list-units --plain --no-legend 'berth-job-*' | awk '/ (move|clone) / { print $1; exit }')"
                not wait $! || fail "it was done: $(cat killed.log)"
                assert_match "$(cat killed.log)" 'was killed'
                eventually 20 store_is_empty fast
                eventually 20 store_is_empty plain
                assert_eq "$(state_on_disk)" "$before" "after '$how'"
                [ "$(berthctl list --json=short | jq length)" = 1 ] || fail "there is another container after '$how'"
        done
        umount "$real"
        expect berthctl move c1 --store fast
        expect berthctl start c1
        assert_eq "$(inside c1 cat /f)" two
        expect berthctl restore c1 s1
        assert_eq "$(inside c1 cat /f)" one
        expect berthctl delete --force c1
        eventually 10 store_is_empty fast
}

# what there is of c1, with all that it has written
state_on_disk() {
        (cd "$STORE" && cat containers/c1/container.conf containers/c1/snapshots/*/container.conf && find layers -not -name '*size*' -printf '%p %y %m %U:%G %s\n' | sort)
}

# a state directory on btrfs is used as such, with nothing said
test_R99_btrfs_found() {
        systemctl stop berth-containerd
        truncate -s 400M "$TEST_TMP/disk"
        mkfs.btrfs -q "$TEST_TMP/disk"
        mount -o loop "$TEST_TMP/disk" "$STORE"
        on_exit 'berthctl delete --force c1 c2 >/dev/null 2>&1; systemctl stop berth-containerd; wait_until 20 umount "$STORE"'
        chmod 0700 "$STORE"
        expect berthctl import --quiet "$(guest busybox)" --alias busybox
        run_container c1 busybox --no-profiles
        assert_eq "$(stat -c %i "$STORE/stores/default/volumes/$(layers c1)")" 256 'inode of the volume: it is no subvolume'
        inside c1 sh -c 'echo one >/f'
        expect berthctl snapshot c1 s1
        inside c1 sh -c 'echo two >/f'
        expect berthctl stop --force c1
        expect berthctl copy c1/s1 c2
        expect berthctl start c2
        assert_eq "$(inside c2 cat /f)" one
        assert_eq "$(berthctl stores --json=short | jq -r '.[] | select(.name == "default") | "\(.type) \(.containers) \(.state)"')" 'btrfs 2 ok'
        expect berthctl delete --force c1 c2
        eventually 10 no_debris
        [ -z "$(ls "$STORE/stores/default/volumes")" ] || fail 'volumes are left'
}

# a host's list of stores, and a btrfs that init makes in a file, which is there after a boot, too
test_R99_init() {
        local unit=var-lib-berth-stores-pool.mount
        on_exit "forget c1; systemctl stop berth-containerd; systemctl --quiet disable --now '$unit'; rm -rf '/etc/systemd/system/$unit' /etc/berth/berth.conf /etc/berth/stores.d/pool.conf '$STORE/stores'; systemctl daemon-reload"
        refused 'is on no btrfs' berthctl init --storage btrfs,path=/var
        expect berthctl init --auto --storage btrfs,size=300M,name=pool
        assert_match "$(systemctl is-enabled "$unit") $(findmnt -no FSTYPE "$STORE/stores/pool")" 'enabled btrfs'
        expect berthctl create busybox c1 --no-profiles
        assert_eq "$(berthctl stores --json=short | jq -r '.[] | select(.name == "pool") | "\(.type) \(.containers) \(.state)"')" 'btrfs 1 ok'
        assert_match "$(berthctl status c1)" 'Store: +pool'
        expect_fail --message "a store 'pool' already" berthctl init --storage btrfs,size=300M,name=pool
        expect berthctl delete c1
        # It is told what is wrong with one that cannot be used.
        expect systemctl stop "$unit"
        assert_match "$(berthctl stores --json=short | jq -r '.[] | select(.name == "pool") | .state')" 'mounted'
}

# storage pools of a preseed become stores, once; what a later part of it cannot have takes them away again, with all that was made for them
test_R98_preseed_pools() {
        local unit=var-lib-berth-stores-btrfs.mount before
        on_exit "forget c1; systemctl stop berth-containerd; systemctl --quiet disable --now '$unit' 2>/dev/null; rm -rf '/etc/systemd/system/$unit' /etc/berth/berth.conf /etc/berth/stores.d/{btrfs,slow}.conf /etc/berth/profiles /srv/slow '$STORE/stores'; systemctl daemon-reload"
        stores_now() {
                find /etc/berth "$STORE/stores" /srv/slow /etc/systemd/system '!' -type d 2>/dev/null | sort || true
                ls -d /srv/slow "$STORE"/stores/* 2>/dev/null || true
                berthctl get-server DefaultStore
                findmnt -rno TARGET | sort
        }
        cat >pools.yaml <<'END'
storage_pools:
- name: default
  driver: btrfs
  config: {size: 300MiB}
- name: slow
  driver: dir
  config: {source: /srv/slow}
profiles:
- name: default
  devices:
    root: {type: disk, path: /, pool: default}
END
        before=$(stores_now)
        # The last one cannot be had: it is none of LVM's, or the host has no LVM.
        sed 's/^profiles:/- {name: thin, driver: lvm, config: {source: no-such-group}}\n&/' pools.yaml >worse.yaml
        refused 'thin' sh -c 'berthctl init --preseed <worse.yaml'
        assert_eq "$(stores_now)" "$before" 'what there is'
        expect berthctl init --preseed <pools.yaml
        assert_eq "$(berthctl get-server DefaultStore)" btrfs
        expect berthctl create busybox c1 --no-profiles
        assert_eq "$(berthctl stores --json=short | jq -r '.[] | select(.name == "btrfs" or .name == "slow") | "\(.type) \(.containers) \(.state)"')" "$(printf 'btrfs 1 ok\ndirectory 0 ok')"
        before=$(stores_now)
        expect berthctl init --preseed <pools.yaml
        berthctl init --dump >dumped.yaml
        expect berthctl init --preseed <dumped.yaml
        assert_eq "$(stores_now)" "$before" 'what there is'
        refused "store 'slow' already, of the type directory" sh -c 'sed "/source/d; s/driver: dir/driver: btrfs/" pools.yaml | berthctl init --preseed'
        refused "no storage pools of the driver 'ceph'" sh -c 'sed "s/driver: dir/driver: ceph/" pools.yaml | berthctl init --preseed'
        refused "no storage pool 'fast2'" sh -c 'sed "s/pool: default/pool: fast2/" pools.yaml | berthctl init --preseed'

        # And by hand: not while somebody has a use for it, and nothing but what was made for it.
        refused 'DefaultStore' berthctl remove-store btrfs
        expect berthctl unset-server DefaultStore
        refused 'has files of containers' berthctl remove-store btrfs
        expect berthctl delete c1
        eventually 10 no_debris
        expect berthctl remove-store btrfs
        [ ! -e "$STORE/stores/btrfs.img" ] && [ ! -e "$STORE/stores/btrfs" ] && [ ! -e "/etc/systemd/system/$unit" ] || fail 'something of it is left'
        touch /srv/slow/mine
        expect berthctl remove-store slow
        [ -e /srv/slow/mine ] || fail 'it was not empty'
        refused "no store 'slow'" berthctl remove-store slow
        refused 'no store that can be removed' berthctl remove-store default
}

# what no store is, and what a file of one may say
test_R98_store_files() {
        refused "no store 'nix'" berthctl create busybox c1 --store nix
        refused "no store" berthctl create busybox c1 --store ../x
        a_store bad Type=nix
        on_exit 'rm -f /etc/berth/stores.d/bad.conf'
        refused "bad.conf:2: Type: 'nix' is not a type of stores" berthctl create busybox c1 --store bad
        a_store bad Type=directory Path=srv
        refused "bad.conf:3: Path: 'srv' is not an absolute path" berthctl create busybox c1 --store bad
        # Nothing is taken for what it does not do.
        a_store bad Type=directory Path=/srv/plain Encrypted=yes
        refused "bad.conf:4: There is no key 'Encrypted' of stores" berthctl create busybox c1 --store bad
        a_store bad Path=/srv
        refused 'no Type=' berthctl create busybox c1 --store bad
}

# a file that a guest's files have is not taken for berth's own
test_R98_hostile_volume_file() {
        local id canary
        on_exit 'forget c1 c2'
        expect berthctl create busybox c2 --no-profiles --store plain
        canary=$(layers c2)
        run_container c1 busybox --no-profiles
        id=$(layers c1 | cut -d' ' -f1)
        inside c1 sh -c "mkdir /layer /$canary; echo 'plain $canary' | tee /volume /layer/volume /$canary/volume"
        expect berthctl delete --force c1
        eventually 10 not test -e "$STORE/layers/$id"
        eventually 10 no_debris
        expect berthctl start c2
        expect berthctl delete --force c2
}

# a user's container goes where the administrator says, and nowhere else
test_R98_default_store() {
        on_exit 'forget c1; rm -f /etc/berth/berth.conf; systemctl stop berth-containerd'
        expect berthctl set-server DefaultStore=fast
        expect berthctl create busybox c1 --no-profiles
        assert_match "$(berthctl status c1)" 'Store: +fast'
        [ -n "$(volumes_in fast)" ]
        expect berthctl delete c1
        polkit_rule all 'if (action.id.indexOf("org.berth1.") == 0 && subject.user == "alice") return polkit.Result.YES;'
        refused "store 'plain' is the administrator's" runuser -u alice -- berthctl create busybox c1 --no-profiles --store plain
        expect runuser -u alice -- berthctl create busybox c1 --no-profiles
        assert_match "$(berthctl status c1)" 'Store: +fast'
        expect berthctl delete c1
}

# jobs have CAP_SYS_ADMIN only on a host with stores, also a worker that was made ready before
test_R98_capabilities_of_jobs() {
        mv /etc/berth/stores.d /etc/berth/stores.away
        on_exit 'if [ -e /etc/berth/stores.away ]; then mv /etc/berth/stores.away /etc/berth/stores.d; fi; forget c1 c2'
        expect berthctl create busybox c1 --no-profiles
        eventually 10 spare_may_not
        mv /etc/berth/stores.away /etc/berth/stores.d
        expect berthctl create busybox c2 --no-profiles --store fast
        eventually 10 spare_may
}

spare_capabilities() {
        local unit
        unit=$(systemctl list-units --plain --no-legend 'berth-job-*' | awk '/ waits for a job$/ { print $1; exit }')
        [ -n "$unit" ] && systemctl show -P CapabilityBoundingSet "$unit"
}

spare_may() {
        [[ $(spare_capabilities) =~ cap_sys_admin ]]
}

spare_may_not() {
        local capabilities
        capabilities=$(spare_capabilities) && [[ $capabilities =~ cap_chown && ! $capabilities =~ cap_sys_admin ]]
}
