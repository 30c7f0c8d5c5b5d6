# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What root in a container tries against the host, and against another container: test/attack/probe is run in one, and on the host, where it
# must find things open. Floods have a short form here and a long one with --long.
# guests: busybox
# programs: probe
# limit: 240

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/probe.sh"

setup_file() {
        import_guests busybox
        local name
        for name in c1 c2; do
                expect berthctl launch busybox "$name"
                give_probe "$name"
        done
}

teardown_file() {
        remove_all
}

# contained NAME TOPIC [ARGUMENT...]: nothing is open to root in it, and something was tried.
contained() {
        local rc=0
        berthctl exec "$1" -- /root/probe "${@:2}" >inside.out || rc=$?
        grep '^OPEN' inside.out >&2 || true
        assert_eq "$rc" 0 "status of the probe of '$2' in $1"
        [ "$(grep -c '^contained' inside.out)" -gt 0 ] || fail "nothing was tried"
}

# open_on_the_host COUNT NAMES TOPIC [ARGUMENT...]: the control. NAMES are among what is open, COUNT in all at the least.
open_on_the_host() {
        local count=$1 name names=$2 rc=0
        shift 2
        unshare --mount "$PROBE" "$@" >host.out || rc=$?
        assert_eq "$rc" 1 "status of the probe of '$1' on the host"
        say "  # open on the host: $(grep -c '^OPEN' host.out)"
        [ "$(grep -c '^OPEN' host.out)" -ge "$count" ] || fail "the control finds too little open: $(grep '^OPEN' host.out)"
        for name in $names; do
                grep -qE "^OPEN S[0-9]+ ${name//./\\.} " host.out || fail "the control does not find '$name' open"
        done
}

# the host's system calls: modules, kexec, clocks, swap, what has much of the kernel behind it; as they are, and as root of a new user namespace
test_S20_S30_S32_S35_S36_system_calls() {
        inside c1 /root/probe syscalls >inside.out || true
        # These two want a descriptor that fsopen gives, which gives none but of file systems in memory, and none there at all.
        assert_eq "$(grep '^OPEN' inside.out | cut -d' ' -f3 | xargs)" 'fsconfig fsconfig-in-userns fsmount'
        grep -q '^contained S32 finit_module ' inside.out
        grep -q '^contained S20 fsopen ' inside.out
        grep -q '^contained S20 fsopen-in-userns ' inside.out
        open_on_the_host 20 'open_by_handle_at fsopen syslog-read-all bpf add_key keyctl settimeofday adjtimex swapon acct' syscalls
}

# the same by the ABI of 32 bits, and by x32
test_S19_other_abis() {
        contained c1 abi32
        grep -q '^contained S19 i386-finit_module int 0x80: ' inside.out
        grep -q '^contained S19 x32-bpf ' inside.out
        # The kernel of a machine may have no x32; of i386 it has to be asked.
        open_on_the_host 10 'i386-open_by_handle_at i386-bpf i386-keyctl i386-swapon i386-acct' abi32
}

# every number up to 600: what is refused is exactly what the policy names; what is new does not exist
test_S17_all_numbers() {
        local number
        [ "$(uname -m)" = x86_64 ] || cannot_run "the numbers are those of x86_64"
        inside c1 /root/probe numbers 0 600 >numbers
        assert_eq "$(wc -l <numbers)" 601
        assert_eq "$(awk '$2 == "EPERM" { print $1 }' numbers | xargs)" \
                '103 153 163 164 167 168 172 173 175 176 179 180 212 227 246 248 249 250 256 279 298 300 304 313 320 321 323 425 426 427 443' 'what is refused'
        for number in 134 156 174 177 178 {337..423} 430 433 {463..600}; do
                grep -qx "$number ENOSYS" numbers || fail "system call $number: $(grep "^$number " numbers)"
        done
        # These two say that nothing was opened.
        grep -qx '431 EINVAL' numbers || fail "$(grep '^431 ' numbers)"
        grep -qx '432 E\(BADF\|INVAL\)' numbers || fail "$(grep '^432 ' numbers)"
        # The control: what any program needs is there.
        for number in 0 1 2 9 39 56 59 61 257 262 281 302; do
                ! grep -qE "^$number (ENOSYS|EPERM)$" numbers || fail "system call $number is not there"
        done
}

# files are not to be had by their numbers
test_S33_handles() {
        contained c1 handle 2
        open_on_the_host 1 brute-force handle 0
}

# [long] the same for a minute
test_S33_handles_long() {
        contained c1 handle 60
}

# a hundred files of the kernel that change the host, and those that tell of it: as they are, without what lies over them, mounted anew, in a user namespace
test_S28_S29_S30_kernel_files() {
        local path before after
        snapshot() {
                "$PROBE" paths | grep -v 'uevent_seqnum\|kallsyms\|kcore\|/dev/\|pagecount\|pageflags\|kpagecgroup\|kmsg\|slabinfo\|timer_list\|/block/loop\|pagetypeinfo\|sched_debug\|/keys\|key-users\|/vmallocinfo' |
                        while read -r path; do
                                [ ! -f "$path" ] || echo "$path $(timeout 2 head -c 4096 "$path" 2>/dev/null | tr -d '\0' | sha256sum)"
                        done
        }
        before=$(snapshot)
        contained c1 files
        after=$(snapshot)
        [ "$before" = "$after" ] || fail "the host has changed: $(diff <(echo "$before") <(echo "$after"))"
        [ "$(wc -l <inside.out)" -gt 130 ] || fail "only $(wc -l <inside.out) files were tried"
        open_on_the_host 60 'write:/proc/sys/kernel/core_pattern write:/proc/sys/vm/drop_caches write:/proc/sys/fs/suid_dumpable read:/proc/kallsyms read:/proc/timer_list' files
        # Its own it may change.
        expect inside c1 sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1000 >/proc/sys/kernel/msgmax; hostname other; hostname c1'
}

# file systems that show the host, and the hierarchies of old with a program that the host runs (CVE-2022-0492)
test_S25_S29_file_systems() {
        contained c1 mounts
        grep -q '^contained S25 mount-cgroup:memory-in-userns ' inside.out
        open_on_the_host 3 'mount-debugfs mount-devtmpfs mount-fusectl' mounts
        grep -q '^OPEN S25 ' host.out || fail "the control has no release_agent"
}

# nodes are not made, or lead nowhere; neither do those that lie there
test_S34_devices() {
        contained c1 devices /dev/mem /dev/kmsg /dev/sda /dev/vda /dev/loop0
        grep -q '^contained S34 mknod-kmsg-in-userns ' inside.out
        open_on_the_host 2 'open-/dev/fuse open-/dev/loop-control' devices /dev/fuse /dev/loop-control
        # One that was in the image.
        local node
        node=$(find "$STORE/containers/c1/layer/" -maxdepth 1 -name upper)
        mknod -m 0666 "$node/root/seeded" c 1 5
        chown "$FOREIGN_BASE:$FOREIGN_BASE" "$node/root/seeded"
        contained c1 devices /root/seeded
        grep -q '^contained S34 open-/root/seeded open: EACCES' inside.out || fail "$(tail -n 1 inside.out)"
        rm "$node/root/seeded"
        assert_eq "$(head -c 1 /dev/zero | wc -c)" 1 'the control: it is the mount that keeps it shut'
}

# what limits it is not its own to write, whichever way it looks at its cgroups
test_S26_limits() {
        contained c1 cgroup
        grep -q '^contained S26 cgroup.max.descendants ' inside.out
        open_on_the_host 2 'cgroup.max.depth cgroup.max.descendants' cgroup "/sys/fs/cgroup$(systemctl show -p ControlGroup --value berth-c2.scope)"
        assert_eq "$(cat "$(cgroup_of c1)/cgroup.max.descendants")" 8192
}

cgroup_of() {
        echo "/sys/fs/cgroup$(systemctl show -p ControlGroup --value "berth-$1.scope")"
}

# no socket of the host's answers: all that are there, abstract ones and those with a path
test_S40_sockets() {
        local names
        mapfile -t names < <(awk 'NR > 1 && $8 != "" { print $8 }' /proc/net/unix | grep -v '^/run/host/\|[^[:print:]]' | sort -u)
        [ "${#names[@]}" -gt 5 ] || cannot_run "the host has no sockets: ${names[*]}"
        contained c1 sockets "${names[@]}"
        open_on_the_host 4 '/run/systemd/private /run/dbus/system_bus_socket' sockets "${names[@]}"
}

# by any number there can be, another's process is not found, signalled, traced or read
test_S37_processes() {
        local last host_victim other_victim
        expect inside c1 true
        "$PROBE" victim >host.pid &
        host_victim=$!
        on_exit "kill -KILL $host_victim 2>/dev/null; true"
        berthctl exec c2 -- /root/probe victim >other.pid &
        on_exit "kill -KILL $! 2>/dev/null; true"
        eventually 10 test -s other.pid
        other_victim=$(pgrep -n -f '/root/probe victim')
        [ "$(awk '/^NSpid:/ { print NF }' "/proc/$other_victim/status")" -gt 2 ] || cannot_run "'$other_victim' is not in a container"
        on_exit "kill -KILL $other_victim 2>/dev/null; true"
        # Numbers are given in turn: those of the attempts must not be the victims'.
        last=$(inside c1 sh -c 'echo $$')
        if [ "$host_victim" -gt "$last" ] || [ "$other_victim" -gt "$last" ]; then
                [ "$host_victim" -gt $((last + 500)) ] && [ "$other_victim" -gt $((last + 500)) ] || inside c1 sh -c 'i=0; while [ $i -lt 1500 ]; do /bin/true; i=$((i + 1)); done'
        fi
        contained c1 kill "$host_victim" "$other_victim"
        kill -0 "$host_victim" && kill -0 "$other_victim" || fail "a victim is gone"
        # The control, which sees no /proc of its own.
        local rc=0
        unshare --mount sh -c 'mount -t tmpfs none /proc && exec "$@"' - "$PROBE" kill "$host_victim" >host.out || rc=$?
        assert_eq "$rc" 1 'status of the control'
        grep -q "^OPEN S37 kill-$host_victim " host.out && grep -q '^OPEN S37 everybody ' host.out || fail "$(cat host.out)"
        rc=0
        wait "$host_victim" || rc=$?
        assert_eq "$rc" 7 'status of the victim of the control'
}

# hold NAME THING [MAXIMUM]: the container takes all that it gets; what that was is in HELD. release ends it.
hold() {
        rm -f hold.fifo held
        mkfifo hold.fifo
        berthctl exec "$1" -- /root/probe exhaust "${@:2}" <hold.fifo >held 2>&1 8>&- &
        HOLDER=$!
        exec 8>hold.fifo
        eventually 60 test -s held
        HELD=$(<held)
        say "  # $1 has of $2: $HELD"
}

release() {
        exec 8>&-
        wait "$HOLDER" || true
}

# takes N COMMAND...: so many are there for it.
takes() {
        local thing=$1 n=$2
        shift 2
        "$@" exhaust "$thing" "$n" </dev/null
}

# terminals are so many for all (kernel.pty.max); one container gets no more than a part
test_S51_terminals() {
        on_exit 'exec 8>&-'
        hold c1 ptys
        assert_match "$HELD" '^10[0-9][0-9] ENOSPC$'
        assert_match "$(berthctl exec --tty c2 -- tty </dev/null)" '^/dev/pts/'
        release
        # The control: what is mounted without a limit gives more.
        unshare --mount sh -c 'mount -t devpts -o newinstance,ptmxmode=666 none /dev/pts && mount --bind /dev/pts/ptmx /dev/ptmx && ulimit -n 8192 && exec "$@"' - \
                "$PROBE" exhaust ptys 1100 </dev/null >held
        assert_eq "$(<held)" '1100 none'
}

# answers: how long the host takes to say what is there, and whether the second container does anything
answers() {
        say "  # systemctl list-units: $(seconds systemctl list-units --no-pager --quiet) s"
        expect inside c2 true
        expect berthctl list
}

# mounts without end: the host lists its units, another container starts
test_S51_mounts() {
        on_exit 'exec 8>&-'
        local mounts
        mounts=$(wc -l </proc/self/mountinfo)
        hold c1 mounts 2000
        assert_eq "$HELD" '2000 none'
        answers
        expect berthctl restart --force c2
        assert_eq "$(wc -l </proc/self/mountinfo)" "$mounts" 'mounts of the host'
        release
}

# [long] as many as the kernel lets it have
test_S51_mounts_long() {
        on_exit 'exec 8>&-'
        hold c1 mounts 20000
        answers
        expect berthctl restart --force c2
        release
}

# what the kernel counts for root of the host: a container has as much as its settings say, and meanwhile the host and another one get more. Neither what it
# says itself changes that, nor who it is inside.
# The numbers are low, because all hosts that run at once share what is counted.
test_S49_S51_counts_of_the_kernel() {
        local thing has
        run_container c3 busybox --no-profiles --set NamespacesMax=20 --set InotifyInstancesMax=6 --set LimitSIGPENDING=40 --set LimitMSGQUEUE=24K
        give_probe c3
        on_exit 'exec 8>&-'
        inside c3 sh -c 'for i in /proc/sys/user/max_*; do echo 1000 >"$i"; done' || true
        for thing in inotify fanotify signals queues cgroup-ns ipc-ns mnt-ns net-ns pid-ns time-ns user-ns uts-ns; do
                hold c3 "$thing" 60
                case $thing in
                        inotify | fanotify) has='^[4-6] EMFILE$' ;;
                        signals) has='^(3[0-9]|40) EAGAIN$' ;;
                        queues) has='^2 EMFILE$' ;;
                        *) has='^(1[5-9]|20) ENOSPC$' ;;
                esac
                assert_match "$HELD" "$has" "$thing of c3"
                assert_eq "$(takes "$thing" 3 "$PROBE")" '3 none' "$thing of the host"
                case $thing in
                        inotify | fanotify) has=9 ;;
                        signals) has=50 ;;
                        queues) has=5 ;;
                        *) has=24 ;;
                esac
                assert_eq "$(takes "$thing" "$has" inside c2 /root/probe)" "$has none" "$thing of c2, which has no such limit"
                release
        done
        # The kernel takes its time to free those that were there before.
        somebody_else() {
                grep -qx '1[0-9] ENOSPC' <<<"$(takes uts-ns 60 inside c3 unshare -U -r /root/probe)"
        }
        eventually 30 somebody_else
}

# outer_limit NAME FILE: what the kernel says of the user namespace that the container's own is in.
outer_limit() {
        perl -e 'open my $ns, "<", "/proc/$ARGV[0]/ns/user" or die "$!"; my $outer = ioctl($ns, 0xb702, 0) or die "$!";
                 syscall(308, int $outer, 0x10000000) == 0 or die "$!"; open my $f, "<", "/proc/sys/user/$ARGV[1]" or die "$!"; print <$f>' "$(leader_of "$1")" "$2"
}

# those that say nothing: 2048 namespaces of each kind, half of what else there is
test_S49_S51_counts_by_default() {
        local kind pid
        for kind in cgroup ipc mnt net pid time user uts; do
                assert_eq "$(outer_limit c2 "max_${kind}_namespaces")" 2048 "$kind"
        done
        assert_eq "$(outer_limit c2 max_inotify_instances)" $(($(</proc/sys/fs/inotify/max_user_instances) / 2))
        assert_eq "$(outer_limit c2 max_inotify_watches)" $(($(</proc/sys/fs/inotify/max_user_watches) / 2))
        assert_eq "$(outer_limit c2 max_fanotify_groups)" $(($(</proc/sys/fs/fanotify/max_user_groups) / 2))
        assert_eq "$(outer_limit c2 max_fanotify_marks)" $(($(</proc/sys/fs/fanotify/max_user_marks) / 2))
        pid=$(leader_of c2)
        assert_eq "$(prlimit --raw --noheadings --pid "$pid" --sigpending --output SOFT)" $(($(prlimit --raw --noheadings --pid 1 --sigpending --output SOFT) / 2))
        assert_eq "$(prlimit --raw --noheadings --pid "$pid" --msgqueue --output SOFT)" $(($(prlimit --raw --noheadings --pid 1 --msgqueue --output SOFT) / 2))
}

# cgroups: so many, so deep, as the settings say
test_S27_cgroups() {
        local deep
        run_container c3 busybox --no-profiles
        give_probe c3
        on_exit 'exec 8>&-'
        assert_eq "$(takes cgroup-depth 1000 inside c3 /root/probe)" '64 EAGAIN'
        hold c3 cgroups
        assert_match "$HELD" '^81[0-9][0-9] EAGAIN$'
        answers
        release
        expect berthctl stop --force c3
        [ -z "$(find /sys/fs/cgroup -name berth-c3.scope)" ] || fail "its cgroups are still there"
        expect berthctl set c3 CgroupsMax=20 CgroupDepthMax=5
        expect berthctl start c3
        assert_eq "$(takes cgroup-depth 1000 inside c3 /root/probe)" '5 EAGAIN'
        assert_match "$(takes cgroups 1000 inside c3 /root/probe)" '^1[0-9] EAGAIN$'
        # The control: the kernel itself has no limit.
        deep=$(printf 'd/%.0s' {1..70})
        mkdir -p "/sys/fs/cgroup/attack/$deep"
        find /sys/fs/cgroup/attack -depth -type d -exec rmdir {} +
}

# console_flood SECONDS: what c1 writes to its console is not kept, neither in memory nor in the journal
console_flood() {
        local supervisor rss journal written
        supervisor=$(supervisor_of c1)
        rss=$(awk '/^VmRSS:/ { print $2 }' "/proc/$supervisor/status")
        journalctl --sync
        journal=$(journalctl -u berth@c1.service -o cat | wc -c)
        # shellcheck disable=SC2016
        inside c1 sh -c 'n=0; end=$(($(date +%s) + $1)); while [ $(date +%s) -lt $end ]; do head -c 1000000 /dev/zero >/dev/console; n=$((n + 1)); done; echo $n' - "$1" >flood.out &
        expect inside c2 true
        answers
        wait $! || true
        written=$(<flood.out)
        [ "$written" -gt 3 ] || fail "there was no flood: $written MB"
        say "  # written: $written MB; supervisor: $rss kB before, $(awk '/^VmRSS:/ { print $2 }' "/proc/$supervisor/status") kB after"
        [ $(($(awk '/^VmRSS:/ { print $2 }' "/proc/$supervisor/status") - rss)) -lt 8192 ] || fail "the supervisor has grown"
        journalctl --sync
        [ $(($(journalctl -u berth@c1.service -o cat | wc -c) - journal)) -lt 65536 ] || fail "it is in the host's journal"
}

# a flood on the console
test_S50_log_flood() {
        console_flood 3
}

# [long] a minute of it
test_S50_log_flood_long() {
        console_flood 60
}

# what looks like settings of a container, in the container, is nobody's
test_S43_settings_in_the_image() {
        run_container c3 busybox --no-profiles
        local file
        mkdir lent
        touch lent/passwd
        printf '[Device d]\nType=disk\nSource=%s\nPath=/mnt\n' "$TEST_TMP/lent" >evil.conf
        printf '[Files]\nBind=/var:/mnt\n[Exec]\nPrivateUsers=no\nCapability=all\n' >evil.nspawn
        inside c3 mkdir -p /mnt /etc/berth/container.conf.d /etc/berth/containers/c3.conf.d /etc/berth/profiles /var/lib/berth/containers/c3 /etc/systemd/nspawn
        for file in /container.conf /etc/berth/container.conf.d/1.conf /etc/berth/containers/c3.conf.d/1.conf /etc/berth/profiles/default.conf /var/lib/berth/containers/c3/container.conf; do
                expect berthctl copy-to c3 evil.conf "$file"
        done
        for file in /.nspawn /c3.nspawn /etc/systemd/nspawn/c3.nspawn; do
                expect berthctl copy-to c3 evil.nspawn "$file"
        done
        # Of a user, and of the administrator's for another program.
        mkdir -p /etc/systemd/nspawn
        on_exit 'rm -f /etc/systemd/nspawn/c3.nspawn; rmdir --ignore-fail-on-non-empty /etc/systemd/nspawn'
        cp evil.nspawn /etc/systemd/nspawn/c3.nspawn
        expect berthctl restart --force c3
        assert_eq "$(inside c3 ls -A /mnt)" ''
        [ "$(uid_base c3)" -ge 65536 ] || fail "it has no user namespace"
        # The control: where the administrator's are, it counts.
        install -d -m 0755 /etc/berth/containers/c3.conf.d
        on_exit 'rm -r /etc/berth/containers/c3.conf.d; rmdir --ignore-fail-on-non-empty /etc/berth/containers'
        cp evil.conf /etc/berth/containers/c3.conf.d/1.conf
        expect berthctl restart --force c3
        inside c3 test -e /mnt/passwd || fail "the control has no effect"
}

# opened: the calls that nested.out has open, whatever way they are made. What is laid over files that any user of the host may read is not there in a /proc
# that is mounted anew.
opened() {
        awk '$1 == "OPEN" && $3 != "read:/proc/config.gz" { print $3 }' nested.out | sed 's/^i386-//; s/-in-userns$//' | sort -u | xargs
}

# no_keys: of the attempts before, which are one's own one level further down as well.
no_keys() {
        [ -z "$(inside n1 unshare -U -r -m -p -f sh -c 'mount -t proc proc /proc && cat /proc/keys')" ]
}

# with Nesting= it is the same, but for the calls that containers inside are made with; and so it is one level further down
test_S44_nested() {
        run_container n1 busybox -p default -p nesting
        give_probe n1
        inside n1 /root/probe all >nested.out || true
        assert_eq "$(opened)" 'add_key fsconfig fsmount fsopen fspick keyctl request_key' 'what is open with Nesting='
        eventually 20 no_keys
        inside n1 unshare -U -r -m -p -f sh -c 'mount -t proc proc /proc && exec /root/probe all' >nested.out || true
        assert_eq "$(opened)" 'add_key fsconfig fsmount fsopen fspick keyctl request_key' 'what is open one level further down'
        [ "$(grep -c '^contained' nested.out)" -gt 300 ] || fail "too little was tried: $(wc -l <nested.out)"
}

# A container's processes in cgroups of all sorts of names, nested ones too; others are made, frozen, emptied and removed again and again until it is enough.
hostile_cgroups() {
        cat <<'END'
cd /sys/fs/cgroup || exit 1
mkdir "$(printf 'EVIL\nline')" 2>/dev/null && echo "a name of two lines"
# settle PATH: a process that stays.
settle() {
        mkdir -p "./$1" && sh -c 'echo $$ >"./$1/cgroup.procs" && exec sleep 4711' - "$1" &
}
{
        printf '%s\n' EVIL.service EVIL-.slice berth-c2.scope berth@c2.service berth-EVIL.scope init.scope system.slice machine.slice user-0.slice session-1.scope \
                user@0.service 'EVIL\x2dx.service' '\x2d' '%n' '%i%%EVIL' 'EVIL a b' ' ' ... ..EVIL .EVIL _EVIL.service '"EVIL"' "'" '$(EVIL)' '`EVIL`' '*' '?' '\' ';EVIL' \
                -EVIL --help @.service .mount EVIL@b@c.scope '[EVIL]' '#EVIL' machine-EVIL.scope EVIL=x n.service/berth-c2.scope/system.slice/EVIL.scope/x
        printf '\033[31mEVIL\033]0;title\007\nEVIL\342\200\256bidi\nEVIL\r\t\001\nEVIL\377\376\n'
        printf '%255s\n' EVIL.service | tr ' ' x
} >/root/names
while IFS= read -r name; do settle "$name"; done </root/names
while [ "$(pidof sleep | wc -w)" -lt "$(wc -l </root/names)" ]; do sleep 0.1; done
echo 1 >./EVIL-.slice/cgroup.freeze
echo "ready $(wc -l </root/names)"
n=0
while [ ! -e /root/enough ]; do
        while IFS= read -r name; do
                settle "+/$name"
                echo 1 >"./+/$name/cgroup.freeze"
                echo 1 >"./+/$name/cgroup.kill"
        done </root/names
        find ./+ -depth -type d -exec rmdir {} \;
        n=$((n + 1))
done 2>/dev/null
echo "rounds $n"
END
}

# looks: all that tells of units, cgroups and containers; what ours say on a terminal is in the file terminal.
looks() {
        local command
        for command in 'systemctl --no-pager status berth-c3.scope' 'systemctl --no-pager --all list-units' 'systemd-cgls --no-pager' 'systemd-cgtop -n 1 -b' 'machinectl list' \
                'machinectl --no-pager status c3' 'loginctl list-sessions' 'systemctl is-system-running'; do
                timeout 60 $command >>looks.out 2>&1 || fail "'$command' ended with status $?: $(tail -n 3 looks.out)"
        done
        SYSTEMD_PAGER=cat SHELL=/bin/sh script -qaec 'berthctl list; berthctl status c3; berthctl info c3; berthctl show c3; berthctl top --once' terminal </dev/null >/dev/null
}

# names of cgroups that a guest makes up do no harm to systemd, its daemons and tools, or to ours, are taken for nobody else's, and not passed on to PID 1
test_S103_hostile_cgroups() {
        local pids began pid round
        pids_of_daemons() {
                awk '{ print $22 }' /proc/1/stat
                systemctl show -p MainPID --value berth-containerd systemd-machined systemd-logind dbus berth@c2
        }
        run_container c3 busybox --no-profiles
        machinectl list >/dev/null
        loginctl >/dev/null
        pids=$(pids_of_daemons)
        began=$(date +%s)
        monitor_bus bus.json org.freedesktop.systemd1
        hostile_cgroups >hostile.sh
        expect berthctl copy-to c3 hostile.sh /root/hostile.sh
        berthctl exec c3 -- sh /root/hostile.sh >hostile.out 2>&1 </dev/null &
        on_exit "kill $! 2>/dev/null || true"
        eventually 30 grep -q ready hostile.out
        assert_eq "$(head -n 1 hostile.out)" 'ready 44'
        for round in 1 2 3; do
                looks
                expect inside c2 true
                case $round in
                        1) expect systemctl daemon-reload ;;
                        2) expect systemctl daemon-reexec ;;
                esac
        done
        # Whose a process is.
        for pid in $(pgrep -f 'sleep 4711' | head -n 30); do
                grep -q 'berth-c3\.scope/' "/proc/$pid/cgroup" 2>/dev/null || continue
                assert_match "$(busctl call org.freedesktop.machine1 /org/freedesktop/machine1 org.freedesktop.machine1.Manager GetMachineByPID u "$pid")" '/c3"$'
                assert_match "$(busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager GetUnitByPID u "$pid")" '/berth_2dc3_2escope"$'
        done
        # The control: the names are seen.
        grep -q 'EVIL.service' looks.out || fail "no name has come before anybody"
        expect inside c3 touch /root/enough
        eventually 30 grep -q rounds hostile.out
        say "  # $(tail -n 1 hostile.out)"
        expect berthctl freeze c3
        expect berthctl thaw c3
        expect berthctl stop c3
        [ -z "$(find /sys/fs/cgroup -name 'berth-c3.scope')" ] || fail "its cgroups are still there"
        expect berthctl start c3
        expect berthctl delete --force c3
        assert_eq "$(pids_of_daemons)" "$pids" 'PID 1 and the daemons'
        assert_eq "$(journalctl -b -o cat --since "@$began" _PID=1 + SYSLOG_IDENTIFIER=systemd-machined + SYSLOG_IDENTIFIER=systemd-logind |
                grep -E 'Assertion|Freezing execution|Caught <|Attempted to close' || true)" '' 'what they say'
        ! LC_ALL=C grep -qaP '\x1b\[31mEVIL|\x1b\]0|\xff\xfe|\xe2\x80\xae' terminal || fail "ours has written to the terminal: $(cat -v terminal)"
        # The control: what is said to PID 1 is heard.
        busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager GetUnit s EVIL-control.service 2>/dev/null || true
        called() {
                heard bus.json 'select(.type == "method_call" and .destination == "org.freedesktop.systemd1")'" | $1"
        }
        control_is_heard() {
                called '.payload.data | tostring' | grep -q EVIL-control
        }
        eventually 10 control_is_heard
        assert_eq "$(called '.payload.data | tostring' | grep -v EVIL-control | grep EVIL || true)" '' 'what PID 1 was told'
        assert_match "$(called '.member' | xargs)" 'StartTransientUnit.*FreezeUnit.*StopUnit'
        assert_eq "$(called 'select(.member | test("Unit$|UnitProperties$")) | .payload.data[0]' | grep -v EVIL-control |
                grep -vE '^(berth@c3\.service|berth-c3\.scope|berth-job-[0-9]+\.service)$' || true)" '' 'units'
}
