# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What root in a container tries against the host and another container where the kernel is whole: with AppArmor, all controllers of cgroups, and disks. The
# same without these is host/attack-inside.sh.
# guests: busybox
# programs: probe flip
# limit: 600

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/probe.sh"

# a1 attacks, a2 is who should not notice.
setup_file() {
        local name
        import_guests busybox
        for name in a1 a2; do
                expect berthctl launch busybox "$name"
                give_probe "$name"
        done
}

teardown_file() {
        remove_all
}

cgroup_of() {
        echo "/sys/fs/cgroup$(systemctl show -p ControlGroup --value "berth-$1.scope")"
}

# event NAME FILE KEY: how often something has happened to its cgroup.
event() {
        awk -v key="$3" '$1 == key { print $2 }' "$(cgroup_of "$1")/$2"
}

limits() {
        (cd "$(cgroup_of a1)" && grep -H . memory.max memory.high memory.swap.max pids.max cpu.max cpu.weight cgroup.max.* cgroup.freeze memory.oom.group)
}

opened() {
        awk '$1 == "OPEN" { print $3 }' "$1" | sed 's/^i386-//; s/-in-userns$//' | sort -u | xargs
}

# whatever is tried, by number, by name and by path: nothing is open, what limits it is as it was, and the files of the kernel say the same
test_S20_S25_S26_S28_S29_S30_S32_S34_S35_S36_probe() {
        local name rc=0 before limits
        snapshot() {
                grep -Hs . /proc/sys/kernel/{core_pattern,modprobe,sysrq,panic,printk,kptr_restrict,yama/ptrace_scope} /proc/sys/fs/{suid_dumpable,protected_*} \
                        /proc/sys/vm/{swappiness,overcommit_memory,panic_on_oom} /sys/kernel/{uevent_helper,profiling,mm/ksm/run} /sys/module/printk/parameters/time || true
        }
        before=$(snapshot)
        limits=$(limits)
        berthctl exec a1 -- /root/probe all >inside.out || rc=$?
        # They want a descriptor that fsopen does not give (attack-inside.sh).
        assert_eq "$(opened inside.out)" 'fsconfig fsmount' 'what is open'
        assert_eq "$rc" 1 'status of the probe'
        [ "$(grep -c '^contained' inside.out)" -gt 350 ] || fail "too little was tried: $(wc -l <inside.out)"
        assert_eq "$(snapshot)" "$before" 'files of the kernel'
        assert_eq "$(limits)" "$limits" 'its limits'
        # The control.
        mkdir /sys/fs/cgroup/attack
        on_exit 'rmdir /sys/fs/cgroup/attack'
        unshare --mount "$PROBE" files >host.out || true
        "$PROBE" cgroup /sys/fs/cgroup/attack >>host.out || true
        "$PROBE" devices /dev/vda >>host.out || true
        for name in write:/proc/sys/kernel/core_pattern write:/proc/sys/vm/swappiness read:/proc/kallsyms memory.max pids.max cpu.max open-/dev/vda; do
                grep -qE "^OPEN S[0-9]+ ${name//./\\.} " host.out || fail "the control does not find '$name' open"
        done
}

# the node of the host's disk, which lies in the image, is not to be opened
test_S34_node_of_the_disk() {
        local upper device
        device=$(stat -c '%Hr %Lr' /dev/vda)
        upper=$STORE/containers/a1/layer/upper
        # shellcheck disable=SC2086 # two words
        mknod -m 0666 "$upper/root/seeded" b $device
        on_exit "rm -f '$upper/root/seeded'"
        chown "$FOREIGN_BASE:$FOREIGN_BASE" "$upper/root/seeded"
        expect_fail --message 'Permission denied' inside a1 head -c 1 /root/seeded
        expect_fail --status 255 inside a1 mount -t ext4 /root/seeded /mnt
        # The control.
        assert_eq "$(head -c 1 "$upper/root/seeded" | od -An -tx1)" ' 00'
}

# by AppArmor alone, as the host's root, and by namespaces and ids alone, without a profile: no process of another is signalled, traced or read
test_S37_processes_by_each_border_alone() {
        local victim
        berthctl exec a2 -- /root/probe victim >victim.pid &
        eventually 10 test -s victim.pid
        victim=$(pgrep -n -f '^/root/probe victim')
        on_exit "kill -KILL $victim 2>/dev/null; wait"
        aa-exec --profile=berth@a1 -- "$PROBE" one "$victim" >apparmor.out || true
        # That there is such a process may be known to whom sees its number.
        assert_eq "$(grep '^OPEN' apparmor.out | cut -d' ' -f3)" "pidfd-$victim" 'by AppArmor'
        assert_eq "$(grep -c '^contained S37 .*: E\(ACCES\|PERM\)$' apparmor.out)" 3
        nsenter --target "$(leader_of a1)" --user --setuid 0 --setgid 0 -- "$PROBE" one "$victim" >ids.out || true
        assert_eq "$(grep '^OPEN' ids.out | cut -d' ' -f3)" "pidfd-$victim" 'by ids'
        kill -0 "$victim" || fail "the victim is gone"
        # The control, which ends it.
        "$PROBE" one "$victim" >host.out || true
        assert_eq "$(grep -c '^OPEN' host.out)" 4
        eventually 10 not kill -0 "$victim"
}

# with Nesting=, one level further down, under the profile, it is the same but for what containers inside are made with
test_S44_nested() {
        run_container n1 busybox -p default -p nesting
        give_probe n1
        assert_match "$(sed 's/ (.*//' "/proc/$(leader_of n1)/attr/apparmor/current")" '^berth@n1//&'
        inside n1 unshare -U -r -m -p -f sh -c 'mount -t proc proc /proc && exec /root/probe all' >nested.out || true
        # What is laid over files that any user may read is not there in a /proc that is mounted anew.
        assert_eq "$(opened nested.out | sed 's/read:[^ ]*\(config.gz\|acpi\) *//g')" 'add_key fsconfig fsmount fsopen fspick keyctl request_key' 'what is open'
        [ "$(grep -c '^contained' nested.out)" -gt 300 ] || fail "too little was tried: $(wc -l <nested.out)"
}

has_met_its_limit() {
        [ "$(event b1 pids.events max)" -gt "$1" ]
}

processes() {
        [ "$(cat "$(cgroup_of b1)/pids.current")" -ge "$1" ]
}

# Every shell makes two more; the one that cannot ends.
bomb() {
        # shellcheck disable=SC2016
        berthctl exec b1 -- sh -c 'echo "sh /root/bomb & sh /root/bomb & sleep 1000" >/root/bomb; sh /root/bomb' >/dev/null 2>&1 </dev/null &
}

# a fork bomb stops at the number of processes; another container does what it is told
test_S45_fork_bomb() {
        run_container b1 busybox --set TasksMax=60
        say "  # exec in a2 before: $(seconds inside a2 true) s"
        bomb
        eventually 60 has_met_its_limit 0
        say "  # exec in a2 meanwhile: $(seconds inside a2 true) s, $(seconds inside a2 true) s"
        [ "$(cat "$(cgroup_of b1)/pids.current")" -le 60 ] || fail "more than 60 processes"
        assert_eq "$(event a2 pids.events max)" 0
        assert_state a2 running
        # The control: it was the limit that stopped it.
        expect berthctl set b1 TasksMax=160
        bomb
        eventually 60 processes 61
}

# spent NAME: its microseconds of processor time.
spent() {
        event "$1" cpu.stat usage_usec
}

# compete: eight in b1 that take all they get beside two in a2, for a while; what a2 had is in percent of what b1 had.
compete() {
        local one two
        inside b1 sh -c 'for i in 1 2 3 4 5 6 7 8; do timeout 600 sh -c "while :; do :; done" & done' >/dev/null 2>&1
        inside a2 sh -c 'for i in 1 2; do timeout 600 sh -c "while :; do :; done" & done' >/dev/null 2>&1
        sleep 1
        one=$(spent b1) two=$(spent a2)
        sleep 6
        one=$(($(spent b1) - one)) two=$(($(spent a2) - two))
        inside b1 killall -KILL sh || true
        inside a2 killall -KILL sh || true
        say "  # microseconds: $one and $two"
        SHARE=$((two * 100 / one))
}

# however many a container has that want the processor, another gets its part
test_S52_processor_hog() {
        run_container b1 busybox
        compete
        # Half of all would be 100.
        [ "$SHARE" -ge 40 ] || fail "a2 had $SHARE % of what b1 had"
        # The control: it is the weights that give it.
        expect berthctl set b1 CPUWeight=2000
        compete
        [ "$SHARE" -lt 30 ] || fail "with a twentieth of the weight a2 had $SHARE % of what b1 had"
}

# what is taken back: its name is gone and nothing else leads to it; what is open stays open, as the manual says, until the container stops; an interface
# comes home
test_S118_lent_devices() {
        local loop
        truncate -s 4M lent.img
        printf lentdata | dd of=lent.img conv=notrunc status=none
        loop=$(losetup --find --show lent.img)
        on_exit "losetup --detach '$loop'"
        ip link add lent0 type dummy
        on_exit 'ip link delete lent0'
        expect berthctl device add a1 d unix-block "source=$loop" path=/dev/lent
        expect berthctl device add a1 n nic nictype=physical parent=lent0
        on_exit 'berthctl device remove a1 n 2>/dev/null; berthctl device remove a1 d 2>/dev/null; true'
        ! ip link show lent0 2>/dev/null || fail "the host has the interface still"
        mkfifo go
        # shellcheck disable=SC2016
        berthctl exec a1 -- sh -c 'exec 3</dev/lent; dd bs=4 count=1 <&3 2>/dev/null; echo ready; read -r go
                dd bs=4 count=1 <&3 2>/dev/null; ls /dev/lent || echo gone; sleep 1000' <go >held.out 2>&1 &
        exec 7>go
        on_exit 'exec 7>&-; wait'
        eventually 20 grep -q ready held.out
        expect berthctl device remove a1 d
        expect berthctl device remove a1 n
        echo go >&7
        eventually 20 grep -q gone held.out
        grep -q '^lentready$' held.out || fail "it could not read: $(<held.out)"
        grep -q '^data' held.out || fail "what is open has been closed, and the manual says otherwise: $(<held.out)"
        expect_fail inside a1 sh -c 'mknod /root/lent b 7 0 && head -c 1 /root/lent'
        expect ip link show lent0
        assert_no_match "$(inside a1 ls /sys/class/net)" '(^|[[:space:]])n([[:space:]]|$)'
        # The host's loop device cannot be detached while somebody has it.
        expect berthctl restart --force a1
        wait
        assert_eq "$(inside a1 sh -c 'ls /dev/lent 2>/dev/null; ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c lent')" 0
}

# used: what b1 uses, and the most that it ever did.
used() {
        echo "$(<"$(cgroup_of b1)/memory.current") $(<"$(cgroup_of b1)/memory.peak")"
}

# memory_bomb KIND: root in b1 takes far more memory than there is for it, again and again. Who is killed is one of these, not the container's
# first process; the shells are, when nobody else has any memory that would come back.
memory_bomb() {
        # shellcheck disable=SC2016
        berthctl exec b1 -- sh -c 'echo 1000 >/proc/self/oom_score_adj; while [ ! -e /root/enough ]; do sh -c "exec /root/probe memory $1 1000"; done' - "$1" >/dev/null 2>&1 </dev/null &
}

was_killed() {
        [ "$(event b1 memory.events oom_kill)" -ge "$1" ]
}

# memory of every kind stops at its limit: who is killed is in that container, and everybody else does what he is told meanwhile
test_S46_memory_bomb() {
        local kind killed=0 manager supervisor services most=$((48 << 20))
        run_container b1 busybox --set MemoryMax=48M --set MemorySwapMax=0
        give_probe b1
        manager=$(manager_pid) supervisor=$(supervisor_of b1)
        services=$(grep oom_kill /sys/fs/cgroup/system.slice/memory.events)
        # The kernel's buffer does not have room for all that it says of each.
        dmesg --follow-new >kernel.all &
        on_exit "kill $! 2>/dev/null; true"
        for kind in anonymous tmpfs page-tables pipes; do
                memory_bomb "$kind"
                eventually 60 was_killed $((killed + 1))
                say "  # $kind: exec in a2 meanwhile: $(seconds inside a2 true) s; b1 has used $(used) bytes"
                inside b1 touch /root/enough
                wait $! || true
                inside b1 rm /root/enough
                killed=$(event b1 memory.events oom_kill)
        done
        # What cannot wait is not refused.
        [ "$(cut -d' ' -f2 <<<"$(used)")" -le $((most + (1 << 20))) ] || fail "it has used more than there is for it: $(used)"
        said() {
                [ "$(grep -c 'Killed process' kernel.all)" -ge "$killed" ]
        }
        eventually 10 said
        say "  # killed: $killed"
        assert_eq "$(grep 'Killed process' kernel.all | grep -v 'Memory cgroup out of memory: Killed process [0-9]* (\(probe\|sh\))' || true)" '' 'who else was killed'
        grep -q 'oom-kill:' kernel.all || fail "the kernel does not say whose limit it was"
        assert_eq "$(grep 'oom-kill:' kernel.all | grep -v 'constraint=CONSTRAINT_MEMCG,.*oom_memcg=[^,]*/berth-b1\.scope[,/].*task_memcg=[^,]*/berth-b1\.scope[,/]' || true)" '' 'for what else was killed'
        assert_eq "$(event a2 memory.events oom_kill)" 0 'killed in a2'
        assert_eq "$(grep oom_kill /sys/fs/cgroup/system.slice/memory.events)" "$services" "killed of the host's services"
        assert_eq "$(manager_pid)" "$manager" "the manager's pid"
        assert_eq "$(supervisor_of b1)" "$supervisor" "the supervisor's pid"
        assert_state b1 running
        assert_state a2 running
        # The control: it is the limit that they stop at.
        expect berthctl set b1 MemoryMax=100M
        for kind in anonymous tmpfs page-tables pipes; do
                assert_eq "$(inside b1 /root/probe memory "$kind" 64)" '64 none' "$kind with a higher limit"
        done
}

# answers: how long the host takes to say what is there, and whether the second container does anything
answers() {
        say "  # systemctl list-units: $(seconds sh -c "systemctl list-units >/dev/null") s; exec in a2: $(seconds inside a2 true) s"
        expect berthctl list --json=short
}

# bytes_of_cgroups: what all those of b1 take of the kernel's memory.
bytes_of_cgroups() {
        event b1 memory.stat percpu
}

# cgroups with all their controllers are as many and as deep as the settings say; what they take of the kernel's memory is their container's
test_S27_cgroups_with_controllers() {
        local before
        run_container b1 busybox --set CgroupsMax=150 --set CgroupDepthMax=20
        give_probe b1
        # What is below has every controller.
        # shellcheck disable=SC2016
        expect inside b1 sh -c 'set -e; cd /sys/fs/cgroup; mkdir probe others; for i in $(cat cgroup.procs); do echo "$i" >others/cgroup.procs || true; done
                for i in . probe; do echo "+cpu +io +memory +pids" >$i/cgroup.subtree_control; done'
        before=$(bytes_of_cgroups)
        mkfifo hold.fifo
        berthctl exec b1 -- /root/probe exhaust cgroups <hold.fifo >held 2>&1 8>&- &
        exec 8>hold.fifo
        on_exit 'exec 8>&-'
        eventually 60 test -s held
        assert_match "$(<held)" '^14[0-9] EAGAIN$'
        answers
        say "  # their memory: $(($(bytes_of_cgroups) - before)) bytes"
        [ $(($(bytes_of_cgroups) - before)) -gt $((140 * 1000)) ] || fail "it is not their container's"
        expect test -e "$(cgroup_of b1)/probe/139/memory.max"
        exec 8>&-
        wait
        expect inside b1 sh -c 'cd /sys/fs/cgroup && rmdir probe/*/ probe'
        assert_eq "$(inside b1 /root/probe exhaust cgroup-depth 1000 </dev/null)" '20 EAGAIN'
        answers
        expect berthctl stop --force b1
        [ -z "$(find /sys/fs/cgroup -name berth-b1.scope)" ] || fail "its cgroups are still there"
        # The control: it is the limit that they stop at.
        expect berthctl set b1 CgroupsMax=500
        expect berthctl start b1
        assert_eq "$(inside b1 /root/probe exhaust cgroups 170 </dev/null)" '170 none'
}

readonly CONFINED='^[0-9]+ berth@b1//&:berth-b1//lxc-b1:unconfined$'

# labels_of NAME: what the host calls each process of it. One that ends meanwhile has none.
labels_of() {
        find "$(cgroup_of "$1")" -name cgroup.procs -exec cat {} + | sed 's|.*|/proc/&/attr/apparmor/current|' | { xargs sed -s 's/ (.*//' 2>/dev/null || true; } |
                sort | uniq -c | xargs
}

# starts_with_right_labels: b1 starts, and runs a command COMMANDS times, all of them confined, or there is nothing of it.
starts_with_right_labels() {
        local i
        if berthctl start b1 >start.log 2>&1; then
                STARTED=$((STARTED + 1))
                ! grep -q '/labels/fake /proc ' "/proc/$(leader_of b1)/mountinfo" || LED=$((LED + 1))
                for ((i = 0; i < COMMANDS; i++)); do
                        inside b1 sh -c 'sleep 1000 >/dev/null 2>&1 &'
                done
                assert_match "$(labels_of b1)" "$CONFINED" "labels of b1, start $STARTED"
                [ "$(labels_of b1 | cut -d' ' -f1)" -gt "$COMMANDS" ] || fail "too few processes: $(labels_of b1)"
                assert_eq "$(cat /proc/sys/kernel/core_pattern)" "$PATTERN"
                expect berthctl stop --force b1 2>>stop.log
        else
                assert_match "$(<start.log)" "^berthctl: [^[:cntrl:]]*'b1'[^[:cntrl:]]*$" "what a refused start says"
                [ ! -e "$(cgroup_of b1)/cgroup.procs" ] || [ "$(cgroup_of b1)" = /sys/fs/cgroup ] || fail "something of it runs"
                REFUSED=$((REFUSED + 1))
                systemctl reset-failed berth@b1 berth-b1.scope 2>/dev/null || true
        fi
        expect inside a2 true 2>>a2.log
}

# label_races STARTS COMMANDS
label_races() {
        local i path flip
        COMMANDS=$2 STARTED=0 REFUSED=0 LED=0 PATTERN=$(cat /proc/sys/kernel/core_pattern)
        on_exit 'berthctl device remove a1 share; rm -rf /var/labels'
        mkdir -p /var/labels/share/t/proc /var/labels/fake
        # What is written there is read by nobody.
        for path in self thread-self 1; do
                mkdir -p "/var/labels/fake/$path/attr/apparmor"
                touch /var/labels/fake/$path/attr/{,apparmor/}{current,exec}
        done
        chmod -R a+rwX /var/labels
        ln -s / /var/labels/share/x
        expect berthctl device add a1 share disk source=/var/labels/share path=/share
        expect berthctl copy-to a1 "$(program flip)" /root/flip
        new_container b1 busybox
        expect berthctl device add b1 share disk source=/var/labels/share path=/share
        expect berthctl device add b1 trap disk source=/var/labels/fake path=/share/t/proc
        # Where it leads when the exchange has just been made.
        inside a1 sh -c 'cd /share && mv t y && mv x t && mv y x'
        starts_with_right_labels
        say "  # by a link to the root: started $STARTED, of these with a /proc of the attacker's $LED, refused $REFUSED"
        berthctl exec a1 -- /root/flip /share t x >flips 2>&1 &
        flip=$!
        for ((i = 0; i < $1; i++)); do
                starts_with_right_labels
        done
        inside a1 killall -TERM flip
        wait "$flip" || fail "flip: $(<flips)"
        say "  # exchanges: $(<flips); started $STARTED, of these with a /proc of the attacker's $LED, refused $REFUSED"
        [ "$(<flips)" -ge 1000 ] || fail "too few exchanges"
        [ "$STARTED" -gt 0 ] || fail "no start got so far: $(<start.log)"
        [ $((LED + REFUSED)) -gt 0 ] || fail "no exchange has led anywhere"
        # One that makes its own /proc before anything is run in it.
        expect berthctl device remove b1 trap
        expect berthctl set b1 'Init=/bin/sh -c "mount -t tmpfs none /proc; mkdir -p /proc/self/attr/apparmor /proc/thread-self/attr/apparmor; touch /proc/self/attr/current /proc/self/attr/apparmor/current /proc/thread-self/attr/apparmor/current /ready; while :; do sleep 1; done"'
        expect berthctl start b1
        eventually 20 inside b1 test -e /ready
        inside b1 sh -c 'sleep 1000 >/dev/null 2>&1 &'
        assert_match "$(labels_of b1)" "$CONFINED" 'labels with a /proc of its own'
        expect berthctl stop --force b1
        # The control: another label is seen.
        expect berthctl set b1 AppArmorProfile=unconfined
        expect berthctl start b1
        assert_match "$(labels_of b1)" '^[0-9]+ unconfined$' 'labels without a profile'
}

# whatever is exchanged on a volume that a start mounts upon, and whatever a guest has for its /proc: every process of it has its label
test_S07_labels() {
        label_races 2 1
}

# [long] the same with a thousand starts and nine commands in each; an emulated machine has time for a tenth
test_S07_labels_long() {
        label_races $((1000 / ${BERTH_TEST_SLOW:-1})) 9
}
