# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Hooks: programs that run at moments of a container's life.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
}

teardown_file() {
        remove_all
}

# hook FILE TEXT: an executable shell script of that text; gone at the end of the test.
hook() {
        on_exit "rm -rf '$1'; rmdir -p --ignore-fail-on-non-empty '${1%/*}' 2>/dev/null || true"
        mkdir -p "${1%/*}"
        printf '#!/bin/sh\n%s\n' "$2" >"$1"
        chmod 755 "$1"
}

journal_has() {
        grep -q -e "$2" <<<"$(journalctl -u "berth@$1" -o cat)"
}

# each at its moment, from the three places, with what it is told
test_R85_order_and_facts() {
        local type
        for type in pre-start pre-mount mount start-host stop post-stop; do
                # shellcheck disable=SC2016
                hook "/etc/berth/hooks/$type.d/10-all" 'echo "$BERTH_HOOK all $BERTH_CONTAINER $LXC_NAME $LXC_HOOK_TYPE leader=${BERTH_LEADER:+yes} rootfs=$BERTH_ROOTFS target=$BERTH_TARGET cwd=$PWD fds=$(ls /proc/self/fd | wc -l)" >>/run/hooks.log
                        cat >"/run/hook-$BERTH_HOOK.json"; env >"/run/hook-$BERTH_HOOK.env"; echo "said by $BERTH_HOOK"'
                # shellcheck disable=SC2016
                hook "/etc/berth/containers/c1.hooks/$type.d/own" 'echo "$BERTH_HOOK own" >>/run/hooks.log'
        done
        hook /usr/local/bin/named 'echo "named $1 $BERTH_HOOK" >>/run/hooks.log'
        on_exit 'rm -f /run/hooks.log /run/hook-*'
        # As pre-mount and mount see it, too.
        rm -f /run/hooks.log
        new_container c1 busybox --set 'HookPreStart=/usr/local/bin/named "a b"' --set user.x='say "q"'
        expect berthctl start c1
        assert_eq "$(</run/hooks.log)" "$(cat <<'END'
pre-start all c1 c1 pre-start leader= rootfs= target= cwd=/ fds=4
pre-start own
named a b pre-start
pre-mount all c1 c1 pre-mount leader=yes rootfs= target= cwd=/ fds=4
pre-mount own
mount all c1 c1 mount leader=yes rootfs=/run/berth target= cwd=/ fds=4
mount own
start-host all c1 c1 start-host leader=yes rootfs= target= cwd=/ fds=4
start-host own
END
)"
        assert_eq "$(jq -r '.name, .hook, .user.x, .settings.HookTimeoutSec' /run/hook-start-host.json)" 'c1
start-host
say "q"
30s'
        assert_eq "$(jq .leader /run/hook-start-host.json)" "$(leader_of c1)"
        assert_no_match "$(</run/hook-pre-start.env)" 'NOTIFY_SOCKET|LISTEN|JOURNAL|INVOCATION'
        journal_has c1 'said by mount' || fail "the output is not in the journal"
        rm /run/hooks.log
        expect berthctl stop --force c1
        eventually 10 grep -q 'post-stop own' /run/hooks.log
        # Nothing asks a container that is killed to stop.
        assert_match "$(</run/hooks.log)" '^post-stop all c1 c1 post-stop leader= rootfs= target=stop'
        expect berthctl start c1
        rm /run/hooks.log
        expect berthctl stop c1
        eventually 10 grep -q 'post-stop own' /run/hooks.log
        assert_match "$(</run/hooks.log)" '^stop all c1 c1 stop leader=yes rootfs= target=stop'

        # Another container has no part in those of c1.
        rm -f /run/hooks.log
        run_container c2 busybox
        assert_no_match "$(</run/hooks.log)" own
}

# a loop mount made by a mount hook is there in the guest, and nowhere else
test_R85_mount_appears() {
        truncate -s 8M disk.img
        mkfs.ext4 -q disk.img
        # shellcheck disable=SC2016
        hook /etc/berth/containers/c1.hooks/mount.d/disk "mkdir -p \"\$BERTH_ROOTFS/mnt\"; exec mount -o loop $PWD/disk.img \"\$BERTH_ROOTFS/mnt\""
        run_container c1 busybox
        assert_match "$(inside c1 cat /proc/mounts)" '/dev/loop[0-9]+ /mnt ext4'
        inside c1 ls /mnt/lost+found >&2 || true
        assert_no_match "$(</proc/mounts)" disk.img
        expect berthctl stop --force c1
        eventually 10 not grep -q disk.img <<<"$(losetup -a)"
}

# those before the payload's program stop the start, with their last line; nothing of it stays
test_R85_failing() {
        local type
        new_container c1 busybox
        for type in pre-start pre-mount mount start-host; do
                hook "/etc/berth/containers/c1.hooks/$type.d/bad" "echo first; echo 'no disk for you' >&2; exit 3"
                start_fails "the hook $type '.*/$type.d/bad' failed: no disk for you" c1
                rm "/etc/berth/containers/c1.hooks/$type.d/bad"
        done
        hook /etc/berth/containers/c1.hooks/pre-start.d/silent 'exit 3'
        start_fails "silent' failed: it ended with status 3" c1
        hook /etc/berth/containers/c1.hooks/pre-start.d/silent 'sleep 100'
        expect berthctl set c1 HookTimeoutSec=1
        start_fails "silent' failed: it took longer than" c1
        hook /etc/berth/containers/c1.hooks/pre-start.d/silent 'exit 0'
        chmod 777 /etc/berth/containers/c1.hooks/pre-start.d/silent
        start_fails "does not belong to root, or others may write to it" c1
        rm /etc/berth/containers/c1.hooks/pre-start.d/silent
        # Later ones are only logged.
        hook /etc/berth/containers/c1.hooks/stop.d/bad 'echo so what; exit 1'
        hook /etc/berth/containers/c1.hooks/post-stop.d/bad 'exit 1'
        expect berthctl start c1
        expect berthctl stop c1
        journal_has c1 "the hook stop .* failed: so what" || fail "not in the journal"
        journal_has c1 "the hook post-stop .* failed: it ended" || fail "not in the journal"
        assert_state c1 stopped
}

# hangs TYPE: c1 has one hook, which says which process it is and does not end.
hangs() {
        rm -rf /etc/berth/containers/c1.hooks/*.d /run/hook-pid
        # shellcheck disable=SC2016
        hook "/etc/berth/containers/c1.hooks/$1.d/hangs" 'echo $$ >/run/hook-pid; exec sleep 1000'
        on_exit 'rm -f /run/hook-pid'
}

hook_runs() {
        eventually 20 test -s /run/hook-pid
        hung=$(</run/hook-pid)
}

# who is killed waits for no hook
test_R49_kill_while_a_hook_hangs() {
        local hung
        new_container c1 busybox --set HookTimeoutSec=10min
        hangs stop
        expect berthctl start c1
        berthctl stop c1 >first 2>&1 &
        hook_runs
        expect berthctl stop --force c1
        assert_state c1 stopped
        wait $! || fail "the first one: $(<first)"
        [ ! -e "/proc/$hung" ] || fail "the hook is still there"
        journal_has c1 "the hook stop '.*' failed: the container ended before it did" || fail "not in the journal"
        # Out of patience: the same.
        expect berthctl start c1
        expect berthctl stop --timeout=1 c1
        assert_state c1 stopped
        # Whoever is being started, too.
        hangs start-host
        berthctl start c1 >first 2>&1 &
        hook_runs
        expect berthctl stop --force c1
        assert_state c1 stopped
        ! wait $! || fail "it was started: $(<first)"
}

# nor does systemctl, when it is being started
test_R64_stop_while_a_hook_hangs() {
        local hung
        new_container c1 busybox --set HookTimeoutSec=10min
        for type in pre-start pre-mount mount start-host; do
                hangs "$type"
                berthctl start c1 >first 2>&1 &
                hook_runs
                expect systemctl stop berth@c1
                assert_state c1 stopped
                ! wait $! || fail "it was started: $(<first)"
                assert_match "$(<first)" "it was stopped meanwhile"
                [ ! -e "/proc/$hung" ] || fail "the hook is still there"
        done
}

# a hook has the time that it was given, whatever its unit has
test_R85_more_time_than_the_unit() {
        mkdir -p /etc/systemd/system/berth@c1.service.d
        on_exit 'rm -rf /etc/systemd/system/berth@c1.service.d; systemctl daemon-reload'
        printf '[Service]\nTimeoutStartSec=2\nTimeoutStopSec=2\n' >/etc/systemd/system/berth@c1.service.d/quick.conf
        systemctl daemon-reload
        new_container c1 busybox
        for type in pre-start start-host stop post-stop; do
                # shellcheck disable=SC2016
                hook "/etc/berth/containers/c1.hooks/$type.d/slow" 'sleep 4; echo "$BERTH_HOOK" >>/run/hooks.log'
        done
        on_exit 'rm -f /run/hooks.log'
        expect berthctl start c1
        expect berthctl stop c1
        assert_state c1 stopped
        assert_eq "$(</run/hooks.log)" "$(printf '%s\n' pre-start start-host stop post-stop)"
}

# the patience of a restart is with who stops, not with who is started after
test_R49_restart_slowly() {
        local first second
        run_container c1 busybox
        first=$(leader_of c1)
        # It will never say that it is.
        expect berthctl set c1 NotifyReady=yes
        berthctl restart --timeout=3 c1 >restart 2>&1 &
        another_leader() {
                second=$(leader_of c1)
                [ "${second:-0}" -ne 0 ] && [ "$second" -ne "$first" ]
        }
        eventually 20 another_leader
        sleep 4
        assert_eq "$(leader_of c1)" "$second" 'who is started'
        [ -e "/proc/$second" ] || fail "who is started was killed"
        expect berthctl stop --force c1
        assert_state c1 stopped
        ! wait $! || fail "it was restarted: $(<restart)"
}

# the container's own hook runs inside, as confined as the payload
test_R85_start_inside() {
        # shellcheck disable=SC2016
        new_container c1 busybox --set 'HookStart=/bin/sh -c "cat >/root/facts; echo $BERTH_HOOK $BERTH_CONTAINER >/root/seen; cat /proc/self/status >/root/status; cat /proc/self/uid_map >>/root/status"' --set HookPreStart=/bin/true
        expect berthctl start c1
        assert_eq "$(inside c1 cat /root/seen)" 'start c1'
        assert_no_match "$(inside c1 cat /root/facts)" HookPreStart
        assert_match "$(inside c1 cat /root/facts)" HookStart
        assert_eq "$(inside c1 grep -E '^(CapBnd|Seccomp):' /root/status)" "$(inside c1 grep -E '^(CapBnd|Seccomp):' /proc/1/status)"
        assert_match "$(inside c1 tail -n 1 /root/status)" "$(uid_base c1)"
        expect berthctl set c1 'HookStart=/bin/sh -c "echo not today; false"'
        expect berthctl stop --force c1
        start_fails "the hook start '/bin/sh' failed: not today" c1
}

# before it is deleted; on the host and not in the job's sandbox
test_R85_delete() {
        # shellcheck disable=SC2016
        hook /etc/berth/hooks/delete.d/note 'echo "$BERTH_CONTAINER $(ls -d /var/lib/berth/containers/$BERTH_CONTAINER)" >/etc/deleted'
        on_exit 'rm -f /etc/deleted'
        new_container c1 busybox
        expect berthctl delete c1
        assert_eq "$(</etc/deleted)" 'c1 /var/lib/berth/containers/c1'
        hook /etc/berth/hooks/delete.d/note 'exit 1'
        new_container c1 busybox
        expect berthctl delete c1
}

# host-side hooks are the administrator's alone
test_S100_hooks_for_admins() {
        polkit_rule all 'if (action.id.indexOf("org.berth1.") == 0 && subject.user == "alice") return polkit.Result.YES;'
        new_container c1 busybox
        refused 'HookPreStart|administrator' runuser -u alice -- berthctl set c1 HookPreStart=/bin/true
}

# what is in containers/NAME/mount lies over the image, with the ids that it has on the host; the container's own changes are over it
test_R86_mount_directory() {
        new_container c1 busybox
        local dir=$STORE/containers/c1/mount
        mkdir -p "$dir/etc/more" "$dir/opt/new"
        echo 'from the host' >"$dir/etc/more/file"
        echo 'ID=changed' >"$dir/etc/os-release"
        install -m 640 -o 3 -g 4 /dev/null "$dir/opt/new/owned"
        expect berthctl start c1
        assert_eq "$(inside c1 cat /etc/more/file)" 'from the host'
        assert_eq "$(inside c1 cat /etc/os-release)" 'ID=changed'
        assert_eq "$(inside c1 stat -c %a:%u:%g /opt/new/owned)" 640:3:4
        inside c1 test -e /etc/passwd
        inside c1 sh -c 'echo mine >/etc/more/file; rm /etc/os-release'
        assert_eq "$(<"$dir/etc/more/file")" 'from the host'
        expect berthctl restart --force c1
        assert_eq "$(inside c1 cat /etc/more/file)" mine
        expect_fail inside c1 test -e /etc/os-release
        expect berthctl copy-from c1 /etc/more/file got
        assert_eq "$(<got)" mine
        run_container c2 busybox
        expect_fail inside c2 test -e /etc/more
}
