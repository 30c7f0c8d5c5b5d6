# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What needs a whole kernel: the cgroup controllers, and AppArmor being there.
# guests: busybox trixie
# limit: 300

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox trixie
}

teardown_file() {
        remove_all
}

# cgroup_of NAME: the folder of its scope.
cgroup_of() {
        echo "/sys/fs/cgroup$(systemctl show -p ControlGroup --value "berth-$1.scope")"
}

# settings are limits of the scope, from the start; systemctl changes them live
test_R90_limits() {
        run_container c1 busybox --set MemoryMax=64M --set TasksMax=50 --set CPUQuota=50% --set CPUWeight=20
        assert_eq "$(cat "$(cgroup_of c1)/memory.max")" 67108864
        assert_eq "$(cat "$(cgroup_of c1)/pids.max")" 50
        assert_eq "$(cut -d' ' -f1 "$(cgroup_of c1)/cpu.max")" 50000
        assert_eq "$(cat "$(cgroup_of c1)/cpu.weight")" 20
        expect systemctl set-property --runtime berth-c1.scope MemoryMax=128M
        assert_eq "$(cat "$(cgroup_of c1)/memory.max")" 134217728
}

# the guest cannot raise its own limits, nor see others'
test_S26_limits_are_the_hosts() {
        run_container c1 busybox --set MemoryMax=64M --set TasksMax=50
        expect_fail inside c1 sh -c 'echo max >/sys/fs/cgroup/memory.max'
        expect_fail inside c1 sh -c 'echo max >/sys/fs/cgroup/pids.max'
        expect_fail inside c1 sh -c 'echo 1 >/sys/fs/cgroup/../cgroup.procs'
        assert_eq "$(cat "$(cgroup_of c1)/memory.max")" 67108864
        assert_eq "$(cat "$(cgroup_of c1)/pids.max")" 50
}

# what systemd 259 makes for credentials, under AppArmor and by the kernel that a host of this release has
test_R120_fsopen() {
        run_container t1 trixie
        # shellcheck disable=SC2016
        assert_eq "$(inside t1 unshare --mount perl -e 'my $t = "tmpfs"; my $fs = syscall(430, $t, 1); $fs >= 0 or die "fsopen: $!";
                syscall(431, $fs, 6, 0, 0, 0) == 0 or die "fsconfig: $!"; my $m = syscall(432, $fs, 1, 14); $m >= 0 or die "fsmount: $!";
                my ($empty, $at) = ("", "/mnt"); syscall(429, $m, $empty, -100, $at, 4) == 0 or die "move_mount: $!"; system "findmnt -no FSTYPE /mnt"')" tmpfs
}

# the controllers are delegated to a systemd guest, which uses them
test_R118_delegated_controllers() {
        run_container t1 trixie
        assert_match "$(inside t1 cat /sys/fs/cgroup/cgroup.controllers)" 'cpu.*io.*memory.*pids'
        inside t1 systemd-run --quiet --unit=limited -p MemoryMax=50M -p TasksMax=11 sleep 1000
        assert_eq "$(inside t1 cat /sys/fs/cgroup/system.slice/limited.service/memory.max)" 52428800
        assert_eq "$(inside t1 cat /sys/fs/cgroup/system.slice/limited.service/pids.max)" 11
        expect inside t1 systemd-run --quiet --scope -p MemoryMax=50M true
        assert_eq "$(systemctl -M t1 is-system-running)" running
}

# freeze is the kernel's
test_R49_freeze_with_controllers() {
        run_container c1 busybox
        expect berthctl freeze c1
        assert_eq "$(cat "$(cgroup_of c1)/cgroup.freeze")" 1
        expect berthctl thaw c1
        expect berthctl stop c1
}

# a kernel with AppArmor: containers run, and so does what is confined on the host
test_R66_apparmor_kernel() {
        [ "$(cat /sys/module/apparmor/parameters/enabled)" = Y ] || cannot_run "the kernel has no AppArmor"
        run_container t1 trixie
        assert_eq "$(inside t1 systemctl is-system-running --wait)" running
        assert_eq "$(systemctl -M t1 list-units --state=failed --no-legend --plain)" ''
}

# so many CPUs: what runs inside counts them, and two loaders get no more than one CPU's time
test_R89_cpu_count_inside() {
        run_container c1 busybox --set limits.cpu=1
        assert_eq "$(inside c1 nproc)" 1
        expect berthctl set c1 limits.cpu 2
        assert_eq "$(inside c1 nproc)" 2
        expect berthctl unset c1 limits.cpu
        assert_eq "$(inside c1 nproc)" "$(nproc)"
}

# a fork bomb ends at the number of processes, also one that was set while the container runs
test_R95_fork_bomb() {
        run_container c1 busybox
        expect berthctl set c1 limits.processes 30
        assert_eq "$(cat "$(cgroup_of c1)/pids.max")" 30
        inside c1 sh -c 'i=0; while [ $i -lt 100 ]; do sleep 20 & i=$((i + 1)); done' >/dev/null 2>&1 || true
        [ "$(cat "$(cgroup_of c1)/pids.current")" -le 30 ] || fail "more than 30"
        assert_match "$(cat "$(cgroup_of c1)/pids.events")" 'max [1-9]'
}

# limits of memory and CPU change while it runs
test_R96_live_limits() {
        run_container c1 busybox
        expect berthctl set c1 limits.memory=100MiB CPUQuota=30% limits.memory.swap=false
        assert_eq "$(cat "$(cgroup_of c1)/memory.max")" 104857600
        assert_eq "$(cat "$(cgroup_of c1)/cpu.max")" '30000 100000'
        assert_eq "$(cat "$(cgroup_of c1)/memory.swap.max")" 0
        expect berthctl unset c1 limits.memory CPUQuota limits.memory.swap
        assert_eq "$(cat "$(cgroup_of c1)/memory.max")" max
        assert_eq "$(cat "$(cgroup_of c1)/cpu.max")" 'max 100000'
        assert_eq "$(cat "$(cgroup_of c1)/memory.swap.max")" max
}

# a hog of memory is killed alone; a fork bomb stops at its limit; the host and another container do not mind
test_R90_R95_hog_and_bomb() {
        run_container c1 busybox --set MemoryMax=48M --set MemorySwapMax=0 --set TasksMax=60
        run_container c2 busybox
        # tail keeps a line until its end, which never comes.
        expect_fail --status 137 inside c1 sh -c 'tail -n 1 /dev/zero >/dev/null'
        assert_match "$(cat "$(cgroup_of c1)/memory.events")" 'oom_kill [1-9]'
        expect inside c1 true
        inside c1 sh -c 'i=0; while [ $i -lt 200 ]; do sleep 5 & i=$((i + 1)); done' 2>/dev/null || true
        [ "$(cat "$(cgroup_of c1)/pids.max")" = 60 ] || fail "the limit is $(cat "$(cgroup_of c1)/pids.max")"
        assert_match "$(cat "$(cgroup_of c1)/pids.events")" 'max [1-9]'
        expect inside c2 true
        assert_state c1 running
        assert_state c2 running
}

# legacy_tiocsti: even where the kernel lets it be, the caller's terminal is not typed into
test_S81_tiocsti() {
        # Linux before 6.2 has no such setting, and lets it be.
        if [ -e /proc/sys/dev/tty/legacy_tiocsti ]; then
                on_exit "echo $(cat /proc/sys/dev/tty/legacy_tiocsti) >/proc/sys/dev/tty/legacy_tiocsti"
                echo 1 >/proc/sys/dev/tty/legacy_tiocsti
        fi
        run_container t1 trixie
        echo 'for my $c (split //, "echo INJ"."ECTED\n") { ioctl(STDIN, 0x5412, $c) or die "refused: $!\n" } print "typed\n"' >inject.pl
        berthctl copy-to t1 inject.pl /root/inject.pl
        # What is typed into the terminal is read by the shell that comes next in it.
        # The first of it is the end of script's own input.
        local after='; sleep 0.3; for i in 1 2 3; do read -t 1 line; echo "next: $line"; done'
        # The control: into a terminal of one's own it works.
        SHELL=/bin/bash script -qec "perl inject.pl$after" control </dev/null >/dev/null || true
        grep -q 'next: .*INJECTED' control || cannot_run "the attack does not work at all: $(cat -v control)"
        SHELL=/bin/bash script -qec "berthctl exec -t t1 -- perl /root/inject.pl$after" typescript </dev/null >/dev/null || true
        grep -q 'typed\|refused' typescript || fail "the attack did not run: $(cat -v typescript)"
        ! grep -q 'next: .*INJECTED' typescript || fail "it was typed: $(cat -v typescript)"
}

# with lxcfs on the host what runs inside is told its limits, over a restart of lxcfs too; without it, the kernel's own files
test_R90_lxcfs_tells_limits() {
        on_exit 'systemctl start lxcfs.service'
        systemctl start lxcfs.service
        eventually 10 mountpoint -q /var/lib/lxcfs
        run_container t1 trixie --set MemoryMax=100M --set limits.cpu=1
        assert_eq "$(inside t1 awk '/^MemTotal/ { print $2 }' /proc/meminfo)" 102400
        assert_match "$(inside t1 free -m)" 'Mem: +100 '
        assert_eq "$(inside t1 nproc)" 1
        assert_eq "$(inside t1 grep -c ^processor /proc/cpuinfo)" 1
        [ "$(inside t1 cut -d. -f1 /proc/uptime)" -lt "$(cut -d. -f1 /proc/uptime)" ] || fail "its uptime is the host's"
        expect berthctl set t1 MemoryMax=150M
        assert_match "$(inside t1 free -m)" 'Mem: +150 '
        expect systemctl restart lxcfs.service
        eventually 10 told_memory t1 153600
        # It stays away: the kernel's files again.
        expect systemctl stop lxcfs.service
        eventually 10 told_memory t1 "$(awk '/^MemTotal/ { print $2 }' /proc/meminfo)"
        expect systemctl start lxcfs.service
        eventually 10 told_memory t1 153600
        expect berthctl set t1 Lxcfs=no
        expect berthctl restart t1
        expect_fail inside t1 grep -q lxcfs /proc/mounts
}

told_memory() {
        [ "$(inside "$1" awk '/^MemTotal/ { print $2 }' /proc/meminfo)" = "$2" ]
}

# one that hangs holds no start; who must have it is told
test_R90_lxcfs_hangs() {
        on_exit 'systemctl kill -s CONT lxcfs.service; systemctl restart lxcfs.service'
        systemctl start lxcfs.service
        eventually 10 mountpoint -q /var/lib/lxcfs
        systemctl kill -s STOP lxcfs.service
        run_container c1 busybox
        expect_fail inside c1 grep -q lxcfs /proc/mounts
        new_container c2 busybox --set Lxcfs=yes
        expect_fail --message "lxcfs.*does not answer" berthctl start c2
        systemctl kill -s CONT lxcfs.service
        expect berthctl start c2
        expect inside c2 grep -q lxcfs /proc/mounts
}

# swap: none, so much, or as much as there is
test_R91_swap() {
        truncate -s 0 /var/swap
        fallocate -l 256M /var/swap
        chmod 0600 /var/swap
        mkswap -q /var/swap
        swapon /var/swap
        on_exit 'swapoff /var/swap; rm /var/swap'
        # 90 MiB in 48 MiB of memory: only with swap, and with enough of it.
        run_container c1 busybox --set MemoryMax=48M --set limits.memory.swap=false --set Lxcfs=no
        assert_eq "$(cat "$(cgroup_of c1)/memory.swap.max")" 0
        expect_fail --status 137 inside c1 sh -c 'head -c 94371840 /dev/zero | tail -n 1 >/dev/null'
        assert_eq "$(cat "$(cgroup_of c1)/memory.swap.current")" 0
        expect berthctl set c1 MemorySwapMax=16M
        assert_eq "$(cat "$(cgroup_of c1)/memory.swap.max")" 16777216
        expect_fail --status 137 inside c1 sh -c 'head -c 94371840 /dev/zero | tail -n 1 >/dev/null'
        expect berthctl unset c1 limits.memory.swap MemorySwapMax
        assert_eq "$(cat "$(cgroup_of c1)/memory.swap.max")" max
        expect inside c1 sh -c 'head -c 94371840 /dev/zero | tail -n 1 >/dev/null'
}

# bytes NAME: how much it has written to the disk of the store.
bytes() {
        awk -v dev="$(store_disk)" '$1 == dev { for (i = 2; i <= NF; i++) if ($i ~ /^wbytes=/) print substr($i, 8) }' "$(cgroup_of "$1")/io.stat"
}

store_disk() {
        cat "/sys/class/block/$(basename "$(findmnt --noheadings --output SOURCE --target "$STORE")")/dev"
}

# writes NAME SECONDS: past the page cache, for so long.
writes() {
        inside "$1" timeout "$2" dd if=/dev/zero of=/root/big bs=256k count=100000 oflag=direct conv=notrunc 2>/dev/null || true
}

# an import whose window alone is larger, or whose blocks two threads unpack, has 64 MiB of memory, files that it writes and all: what does not fit is on the disk
test_R26_import_in_64M() {
        local file unit
        a_long_archive long.tar 90
        zstd -q -1 --long=27 -k long.tar
        xz -0 --lzma2=preset=0,dict=64MiB -k long.tar
        xz -6 -T2 -c long.tar >blocks.tar.xz
        for file in long.tar.zst long.tar.xz blocks.tar.xz; do
                slow_import "$file" --alias long
                unit=berth-job-$(import_job).service
                expect systemctl set-property --runtime "$unit" MemoryMax=64M MemorySwapMax=0
                assert_eq "$(cat "/sys/fs/cgroup$(systemctl show -P ControlGroup "$unit")/memory.max")" 67108864
                slow_import_rest "$file"
                wait "$IMPORT_PID" || fail "$file: $(cat import.log)"
                expect berthctl remove-image long
        done
        # The control: half of that is in no file.
        xz -0 --lzma2=preset=0,dict=32MiB -kf long.tar
        slow_import long.tar.xz --alias long
        expect systemctl set-property --runtime "berth-job-$(import_job).service" MemoryMax=24M MemorySwapMax=0
        slow_import_rest long.tar.xz
        ! wait "$IMPORT_PID" || fail 'there was no limit'
        assert_match "$(cat import.log)" 'takes too much time or memory'
}

# a rate of one device is kept, and changes while it runs
test_R92_write_rate() {
        local free limited
        run_container c1 busybox --no-profiles
        writes c1 4
        free=$(bytes c1)
        expect berthctl set c1 "IOWriteBandwidthMax=$STORE 1M"
        assert_match "$(cat "$(cgroup_of c1)/io.max")" 'wbps=1048576'
        writes c1 8
        limited=$(($(bytes c1) - free))
        [ "$limited" -gt 1000000 ] && [ "$limited" -lt 16000000 ] || fail "$limited bytes in 8 s at 1 MB a second"
        [ "$free" -gt $((limited * 2)) ] || fail "the control is as slow: $free bytes in 4 s"
        expect berthctl unset c1 IOWriteBandwidthMax
        assert_no_match "$(cat "$(cgroup_of c1)/io.max")" 'wbps=1048576'
}

# written NAME DEVICE: bytes, as the kernel counts them for it.
written() {
        awk -v dev="$2" '$1 == dev { for (i = 2; i <= NF; i++) if ($i ~ /^wbytes=/) print substr($i, 8) }' "$(cgroup_of "$1")/io.stat"
}

# share DEVICE SECONDS: c1 and c2 write all the time, past the page cache; what each has written is in ONE and TWO.
share() {
        local name before=("$(written c1 "$1")" "$(written c2 "$1")")
        for name in c1 c2; do
                inside "$name" timeout "$2" sh -c 'while :; do dd if=/dev/zero of=/dev/weighed bs=64k count=1000 oflag=direct; done' 2>/dev/null &
        done
        wait
        ONE=$(($(written c1 "$1") - ${before[0]:-0}))
        TWO=$(($(written c2 "$1") - ${before[1]:-0}))
        echo "wrote $ONE and $TWO bytes"
}

# two that write to a disk that can do no more share it as their weights say, also when these change
test_R92_weights() {
        local loop dev
        [ -e /sys/fs/cgroup/io.cost.qos ] || cannot_run "the kernel has no io.cost"
        truncate -s 70M weighed.img
        loop=$(losetup --find --show weighed.img)
        dev=$(cat "/sys/class/block/${loop##*/}/dev")
        on_exit "echo '$dev enable=0' >/sys/fs/cgroup/io.cost.qos; losetup --detach '$loop'"
        # A disk of 4 MB a second.
        echo "$dev ctrl=user model=linear rbps=4000000 rseqiops=80 rrandiops=80 wbps=4000000 wseqiops=80 wrandiops=80" >/sys/fs/cgroup/io.cost.model
        echo "$dev enable=1 ctrl=user rpct=0 wpct=0 min=100 max=100" >/sys/fs/cgroup/io.cost.qos
        run_container c1 busybox --no-profiles --set IOWeight=100 --device "w,type=unix-block,source=$loop,path=/dev/weighed"
        run_container c2 busybox --no-profiles --set IOWeight=400 --device "w,type=unix-block,source=$loop,path=/dev/weighed"
        share "$dev" 15
        [ "$ONE" -gt 100000 ] && [ $((TWO * 10)) -gt $((ONE * 25)) ] && [ $((TWO * 10)) -lt $((ONE * 60)) ] || fail "$ONE and $TWO bytes are not about 1:4"
        # The control.
        expect berthctl set c1 limits.disk.priority=9
        expect berthctl set c2 limits.disk.priority=9
        share "$dev" 15
        [ $((TWO * 10)) -gt $((ONE * 6)) ] && [ $((TWO * 10)) -lt $((ONE * 17)) ] || fail "$ONE and $TWO bytes are not about equal"
}

# top has the figures that systemd has
test_R97_top_with_controllers() {
        local json memory tasks systemd_memory systemd_tasks
        run_container c1 busybox --set MemoryMax=256M --set CPUQuota=20%
        inside c1 sh -c 'for i in 1 2 3 4 5; do sleep 1000 & done; dd if=/dev/zero of=/dev/shm/f bs=1M count=40 2>/dev/null'
        json=$(berthctl top --once --delay=500ms --json=short c1)
        memory=$(jq -r '.[0].memory_bytes' <<<"$json") tasks=$(jq -r '.[0].tasks' <<<"$json")
        systemd_memory=$(systemctl show -p MemoryCurrent --value berth-c1.scope) systemd_tasks=$(systemctl show -p TasksCurrent --value berth-c1.scope)
        assert_eq "$(jq -r '.[0].memory_limit_bytes' <<<"$json")" 268435456
        assert_eq "$tasks" "$systemd_tasks" tasks
        [ "$memory" -gt 40000000 ] || fail "memory: $memory"
        [ $((memory - systemd_memory)) -lt 4000000 ] && [ $((systemd_memory - memory)) -lt 4000000 ] || fail "memory: $memory, $systemd_memory"

        # A load that is held at its quota; what is written to the disk.
        inside c1 sh -c 'while :; do :; done' &
        on_exit "kill $!; wait"
        sleep 2
        json=$(berthctl top --once --delay=5s --json=short c1)
        assert_match "$(jq -r '.[0].cpu_percent' <<<"$json")" '^(1[4-9]|2[0-6])'
        [ "$(berthctl top --once --delay=300ms --json=short c1 | jq -r '.[0].io_write_bytes_per_second')" != null ] || fail "no IO"
        inside c1 sh -c 'dd if=/dev/zero of=/root/f bs=1M count=20 conv=fsync 2>/dev/null'
        [ "$(busctl --json=short call org.berth1 /org/berth1 org.berth1.Manager GetStatistics s c1 | jq -r '.data[1].io_write_bytes')" -ge 20000000 ] || fail "what was written is not counted"
        assert_eq "$(berthctl check --json=short | jq -r '.[] | select(.check == "controllers" or .check == "apparmor") | .result' | sort -u)" ok
}
