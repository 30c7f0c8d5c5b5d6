# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What a payload, and a command that is run beside it, can see and do: namespaces, masks, descriptors, capabilities, system calls,
# sockets, devices. Looked at from inside and from the host. Debian is the guest where perl is needed to call the kernel.
# guests: busybox trixie

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox trixie
        expect berthctl launch busybox c1
        expect berthctl launch trixie d1
}

teardown_file() {
        remove_all
}

# an exec'd process that stays, its pid on the host in EXEC_PID
stay() {
        rm -f stays
        berthctl exec "$@" -- sh -c 'echo ready; exec sleep 77777' >stays 2>&1 &
        on_exit "kill $! 2>/dev/null; true"
        eventually 10 grep -q ready stays
        eventually 5 find_stay
        EXEC_PID=$(pgrep -n -f 'sleep 77777')
        on_exit "kill -KILL $EXEC_PID 2>/dev/null; true"
}

find_stay() {
        pgrep -f 'sleep 77777' >/dev/null
}

# syscall NUMBER [ARGUMENT...]: made in d1; prints the errno, or 0.
guest_syscall() {
        inside d1 perl -e '$! = 0; $r = syscall($ARGV[0], map { /^-?\d+$/ ? $_ + 0 : $_ } @ARGV[1 .. $#ARGV]); print $r < 0 ? $! + 0 : 0, "\n"' "$@"
}

readonly EPERM=1 ENOSYS=38

# all seven, and the user namespace, are not the host's, and not another container's
test_R104_namespaces() {
        local name leader other
        leader=$(leader_of c1)
        other=$(leader_of d1)
        for name in mnt pid net ipc uts user cgroup; do
                [ "$(readlink "/proc/$leader/ns/$name")" != "$(readlink "/proc/1/ns/$name")" ] || fail "the $name namespace is the host's"
                [ "$(readlink "/proc/$leader/ns/$name")" != "$(readlink "/proc/$other/ns/$name")" ] || fail "the $name namespace is another container's"
        done
        assert_eq "$(lsns --noheadings --output TYPE -p "$leader" | sort -u | grep -cE 'mnt|pid|net|ipc|uts|user|cgroup')" 7
}

# processes of the host and of other containers are not there
test_R104_processes() {
        [ "$(inside c1 ls /proc | grep -c '^[0-9]')" -lt 12 ] || fail "too many processes: $(inside c1 ps)"
        assert_no_match "$(inside c1 ps)" 'systemd|berth|dbus'
}

# a network of its own, with nothing but lo, which is up
test_R104_network() {
        assert_eq "$(inside c1 ls /sys/class/net | tr '\n' ' ')" "eth0 lo "
        [ "$(cat /sys/class/net/eth0/address 2>/dev/null)" != "$(inside c1 cat /sys/class/net/eth0/address)" ] || fail "it is the host's"
        expect inside c1 ping -c 1 -W 2 127.0.0.1
}

# root inside is nobody outside
test_R105_root_is_not_root() {
        local base
        base=$(uid_base c1)
        [ "$base" -ge 65536 ] || fail "the base is $base"
        assert_eq "$(awk '/^Uid:/ { print $2 }' "/proc/$(leader_of c1)/status")" "$base"
        # What is not mapped belongs to nobody, and cannot be had.
        expect_fail inside c1 chown 65536 /tmp
        assert_eq "$(inside c1 stat -c %u /proc/sys)" 65534
}

# capability sets: bounded as documented, nothing inheritable or ambient, for init and for exec
test_S21_capabilities() {
        local pid bounding=''
        stay c1
        for pid in "$(leader_of c1)" "$EXEC_PID"; do
                assert_match "$(</proc/"$pid"/status)" $'CapInh:\t0000000000000000'
                assert_match "$(</proc/"$pid"/status)" $'CapAmb:\t0000000000000000'
                bounding=$(awk '/^CapBnd:/ { print $2 }' "/proc/$pid/status")
                assert_no_match "$(capsh --decode="$bounding")" 'cap_(sys_module|sys_rawio|sys_time|syslog|mac_admin|mac_override|wake_alarm|block_suspend|bpf|perfmon|checkpoint_restore|sys_pacct|linux_immutable)'
                assert_match "$(capsh --decode="$bounding")" 'cap_chown.*cap_setuid'
                assert_match "$(</proc/"$pid"/status)" $'NoNewPrivs:\t0'
        done
        assert_eq "$(awk '/^CapBnd:/ { print $2 }' "/proc/$(leader_of c1)/status")" "$(awk '/^CapBnd:/ { print $2 }' "/proc/$EXEC_PID/status")"
}

# the bounding set and no_new_privs can be made stricter
test_R115_capability_settings() {
        run_container c2 busybox --set 'CapabilityBoundingSet=CAP_CHOWN CAP_SETUID CAP_SETGID CAP_KILL CAP_SYS_BOOT' --set NoNewPrivileges=yes
        assert_eq "$(capsh --decode="$(inside c2 awk '/^CapBnd:/ { print $2 }' /proc/1/status)" | cut -d= -f2)" 'cap_chown,cap_kill,cap_setgid,cap_setuid,cap_sys_boot'
        assert_eq "$(inside c2 awk '/^NoNewPrivs:/ { print $2 }' /proc/self/status)" 1
        expect_fail inside c2 mount -t tmpfs tmpfs /tmp
}

# no descriptor of ours but the three, in init and in what is exec'd
test_S02_no_descriptors() {
        local fd
        assert_eq "$(inside c1 sh -c 'echo $(ls /proc/self/fd)')" '0 1 2 3' "of ls, which has one of its own"
        assert_eq "$(berthctl exec -t c1 -- sh -c 'echo $(ls /proc/self/fd)' </dev/null | tr -d '\r')" '0 1 2 3'
        run_container c2 busybox --set 'Init=/bin/sh -c "ls -l /proc/self/fd >/root/fds; sleep 1000"'
        eventually 5 inside c2 test -s /root/fds
        assert_no_match "$(inside c2 cat /root/fds)" ' [4-9] ->|socket|anon|memfd|/var/lib'
        for fd in "/proc/$(leader_of c1)/fd"/*; do
                assert_match "$(readlink "$fd")" '^(/dev/|/proc|/var/run|/run|socket:|pipe:|anon_inode:\[(eventpoll|signalfd|inotify|timerfd)\]|/)' "$fd"
        done
        # As working directory, none of them leads anywhere.
        for fd in {3..40}; do
                expect_fail berthctl exec --cwd "/proc/self/fd/$fd" c1 -- true
        done
        expect_fail berthctl exec --cwd /proc/self/fd/7/../../.. c1 -- true
}

# no environment and no groups of who called
test_S22_nothing_of_the_caller() {
        stay c1
        assert_match "$(awk '/^Groups:/' "/proc/$EXEC_PID/status")" '^Groups:[[:space:]]*([0-9]+ )?$'
        assert_no_match "$(tr '\0' '\n' <"/proc/$EXEC_PID/environ")" 'SUITE=|BERTH_TEST|INVOCATION_ID'
        assert_eq "$(readlink "/proc/$EXEC_PID/root")" /
        # Its own session: no terminal of the caller's.
        [ "$(ps -o sid= -p "$EXEC_PID")" -ne "$(ps -o sid= -p $$)" ] || fail "it is in the caller's session"
        assert_eq "$(ps -o tty= -p "$EXEC_PID" | tr -d ' ')" '?'
        # The keyring, limits and scheduling neither.
        assert_eq "$(awk '/^Seccomp:/ { print $2 }' "/proc/$EXEC_PID/status")" 2
        assert_eq "$(cat "/proc/$EXEC_PID/oom_score_adj")" "$(cat "/proc/$(leader_of c1)/oom_score_adj")"
}

# terminals: the caller's is out of reach, whatever is typed into the one inside stays there
test_S81_terminal_is_not_the_callers() {
        SHELL=/bin/bash script -qefc 'tty >outer; berthctl exec -t d1 -- perl -e '\''open(T, ">", "/dev/tty"); print T "tty ", `tty`; for $c (split //, "echo INJECTED\n") { ioctl(STDIN, 0x5412, $c) or $e = $! } print "tiocsti: $e\n";'\''; sleep 0.5; for i in 1 2 3; do read -t 1 line; echo "got $line"; done' \
                typescript </dev/null >/dev/null || true
        grep -q 'tiocsti:' typescript || fail "the attack was not run: $(cat -v typescript)"
        assert_no_match "$(tail -n +2 typescript)" 'got .*INJECTED'
        # Not the same device.
        script -qefc 'berthctl exec -t c1 -- sh -c "stat -L -c tty=%t:%T:%d /proc/self/fd/0"; stat -L -c tty=%t:%T:%d /proc/self/fd/0' typescript </dev/null >/dev/null
        [ "$(grep -ao 'tty=[0-9a-f]*:[0-9a-f]*:[0-9][0-9]*' typescript | sort -u | wc -l)" -eq 2 ] || fail "the same terminal inside and outside: $(cat typescript)"
        # Without -t, a terminal of the caller's is not handed in.
        script -qefc 'berthctl exec -T c1 -- sh -c "test -t 0 || test -t 1 || test -t 2 && echo HAS-A-TTY; ls -l /proc/self/fd"' typescript </dev/null >/dev/null || true
        assert_no_match "$(tail -n +2 typescript)" 'HAS-A-TTY|/dev/pts'
}

# masked and read-only files of the kernel, also by another mount of /proc
test_R108_masked_files() {
        local file
        for file in kcore kallsyms keys key-users kmsg kpagecgroup kpagecount kpageflags timer_list sched_debug latency_stats config.gz slabinfo vmallocinfo; do
                inside c1 test -e "/proc/$file" || continue
                assert_eq "$(inside c1 sh -c "head -c 100 /proc/$file 2>/dev/null | wc -c")" 0 "what can be read of /proc/$file"
        done
        for file in acpi scsi asound; do
                assert_eq "$(inside c1 sh -c "ls -A /proc/$file 2>/dev/null | wc -l")" 0 "what is in /proc/$file"
        done
        assert_eq "$(inside c1 sh -c 'ls -A /sys/firmware 2>/dev/null | wc -l')" 0 '/sys/firmware'
        expect_fail inside c1 sh -c 'echo h >/proc/sysrq-trigger && exit 0; cat /proc/1/does-not-exist'
        # Whoever takes them off finds nothing of the host's below them.
        inside c1 sh -c 'umount /proc/kcore /proc/kallsyms /proc/timer_list /proc/keys 2>/dev/null; mkdir -p /p; mount -t proc proc /p 2>/dev/null; true'
        expect_fail inside c1 sh -c 'head -c 1 /proc/kcore 2>/dev/null | grep -q .'
        expect_fail inside c1 sh -c 'head -c 1 /p/kcore 2>/dev/null | grep -q .'
        expect_fail inside c1 sh -c 'grep -hv "^0*  *\|^0* " /proc/kallsyms /p/kallsyms 2>/dev/null | grep -q .'
        expect_fail inside c1 sh -c 'cat /proc/timer_list /p/timer_list 2>/dev/null | grep -q .'
        inside c1 sh -c 'umount /p 2>/dev/null; rmdir /p 2>/dev/null; true'
        expect berthctl restart --force c1
        # The control: on the host there is something to hide.
        [ "$(head -c 100 /proc/kallsyms | wc -c)" -gt 0 ]
}

# settings of the kernel are the host's; those of the container's own namespaces are its own
test_S28_sysctl() {
        local file before
        for file in kernel/core_pattern kernel/modprobe kernel/hotplug kernel/sysrq kernel/panic kernel/randomize_va_space kernel/kptr_restrict kernel/pid_max \
                kernel/domainname_not fs/suid_dumpable fs/protected_symlinks vm/overcommit_memory vm/drop_caches vm/mmap_min_addr kernel/threads-max; do
                [ -e "/proc/sys/$file" ] || continue
                before=$(cat "/proc/sys/$file" 2>/dev/null || true)
                expect_fail inside c1 sh -c "echo 1 >/proc/sys/$file"
                assert_eq "$(cat "/proc/sys/$file" 2>/dev/null || true)" "$before" "$file on the host"
        done
        expect_fail inside c1 sh -c 'echo /x >/sys/kernel/uevent_helper'
        expect_fail inside c1 sh -c 'echo mem >/sys/power/state'
        expect_fail inside c1 mount -o remount,rw /sys
        # Its own.
        expect inside c1 sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
        expect inside c1 hostname other
        assert_eq "$(hostname)" "$(cat /proc/sys/kernel/hostname)"
        [ "$(hostname)" != other ] || fail "the host was renamed"
        inside c1 hostname c1
}

# devices: the few that are harmless, and no others can be made
test_S34_devices() {
        local device
        for device in null zero full random urandom tty console ptmx; do
                expect inside c1 test -c "/dev/$device"
        done
        assert_eq "$(inside c1 sh -c 'head -c 4 /dev/zero | wc -c; echo x >/dev/null; head -c 4 /dev/urandom | wc -c' | xargs)" '4 4'
        assert_eq "$(inside c1 find /dev -type b)" '' 'block devices'
        assert_no_match "$(inside c1 ls /dev)" 'mem|kmsg|sd[a-z]|loop|fuse|kvm|vd[a-z]|dri|input'
        expect_fail inside c1 sh -c 'mknod /root/sda b 8 0 && head -c 1 /root/sda'
        expect_fail inside c1 sh -c 'mknod /root/mem c 1 1 && head -c 1 /root/mem'
        expect_fail inside c1 sh -c 'mknod /dev/kmsg2 c 1 11 && head -c 1 /dev/kmsg2'
        assert_match "$(inside c1 grep ' /dev/shm ' /proc/mounts)" nosuid
}

# the host's log
test_S30_kernel_log() {
        expect_fail inside c1 dmesg
        expect_fail inside c1 sh -c 'echo canary >/dev/kmsg; test -c /dev/kmsg'
        # The control.
        dmesg >/dev/null 2>&1 || cannot_run "the host's root cannot read it either"
}

# every class of system call that is not for containers: refused with EPERM, or as if it did not exist
test_R113_seccomp() {
        local call
        assert_eq "$(inside d1 awk '/^Seccomp:/ { print $2 }' /proc/1/status)" 2
        # kexec_load init_module finit_module delete_module kexec_file_load open_by_handle_at bpf perf_event_open userfaultfd
        # add_key request_key keyctl acct swapon settimeofday syslog iopl ioperm quotactl lookup_dcookie io_uring_setup
        for call in 246 175 313 176 320 304 321 298 323 248 249 250 163 167 164 103 172 173 179 212 425; do
                assert_match "$(guest_syscall "$call" 0 0 0 0 0)" "^($EPERM|$ENOSYS)$" "errno of system call $call"
        done
        # Forced umount is the container's own business; the namespace's mounts only.
        assert_match "$(guest_syscall 304 0 0 0)" "^($EPERM|$ENOSYS)$" open_by_handle_at
        # The control: an ordinary one.
        assert_eq "$(guest_syscall 39)" 0 getpid
}

# what a future kernel adds does not exist
test_S17_unknown_system_calls() {
        local call
        for call in 470 500 547 600 1000 5000; do
                assert_eq "$(guest_syscall "$call" 0 0 0 0 0)" "$ENOSYS" "errno of system call $call"
        done
        # The x32 numbers of calls that are refused.
        for call in $((0x40000000 + 321)) $((0x40000000 + 39)); do
                assert_match "$(guest_syscall "$call" 0 0 0)" "^($EPERM|$ENOSYS)$" "errno of x32 system call $call"
        done
        # fsopen of nothing, fspick: of a hole of their own.
        for call in 430 433; do
                assert_eq "$(guest_syscall "$call" 0 0 0 0 0)" "$ENOSYS" "errno of system call $call"
        done
}

# the same calls in a command that is run beside init
test_R113_seccomp_of_exec() {
        stay c1
        assert_eq "$(awk '/^Seccomp:/ { print $2 }' "/proc/$EXEC_PID/status")" 2
        assert_eq "$(awk '/^Seccomp_filters:/ { print $2 }' "/proc/$EXEC_PID/status")" "$(awk '/^Seccomp_filters:/ { print $2 }' "/proc/$(leader_of c1)/status")"
}

# sockets of the host: abstract ones, and those with a path
test_S40_host_sockets() {
        perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, pack_sockaddr_un("\0canary-of-the-host")) or die; listen(S, 5); sleep 60' &
        on_exit "kill $!"
        canary_listens() { grep -q canary-of-the-host /proc/net/unix; }
        eventually 5 canary_listens
        # The control: from the host it can be reached.
        local connect='socket(S, AF_UNIX, SOCK_STREAM, 0); print connect(S, pack_sockaddr_un($ARGV[0] =~ s/^@/\0/r)) ? "connected\n" : "no\n"'
        assert_eq "$(perl -MSocket -e "$connect" @canary-of-the-host)" connected
        assert_eq "$(inside d1 perl -MSocket -e "$connect" @canary-of-the-host)" no
        assert_eq "$(inside c1 grep -c canary /proc/net/unix)" 0
        assert_eq "$(inside c1 find / -xdev -type s)" '' 'sockets in the root'
        assert_eq "$(inside c1 find /run -type s)" /run/host/notify 'sockets in /run'
        # The guest's bus is its own.
        assert_no_match "$(inside d1 busctl list --no-pager)" 'org\.berth1|machine1'
        # Other names in /proc/net/unix of the host's namespace are not seen.
        assert_no_match "$(inside d1 cat /proc/net/unix)" '/run/systemd/private.*host|org\.berth'
}

# the notification socket: bounded, and only what a guest may say
test_S98_notify_socket() {
        local before
        before=$(systemctl show -p MainPID,ActiveState,NotifyAccess berth@d1)
        inside d1 perl -MSocket -e 'socket(S, AF_UNIX, SOCK_DGRAM, 0); connect(S, pack_sockaddr_un("/run/host/notify")) or die "$!";
                send(S, $_, 0) for "MAINPID=1", "MAINPID=$$\nSTATUS=x", "STOPPING=1", "RELOADING=1", "WATCHDOG=trigger", "EXTEND_TIMEOUT_USEC=99999999999", "ERRNO=5", "BUSERROR=x", "",
                        "STATUS=" . "x" x 65000, "STATUS=a\nREADY=0\nFDSTORE=1", "\0\0\0", "READY=1\n" x 1000; print "sent\n"' | grep -q sent
        sleep 0.5
        assert_eq "$(systemctl show -p MainPID,ActiveState,NotifyAccess berth@d1)" "$before"
        assert_state d1 running
        expect inside d1 true
        # Text for a terminal does not get through to who looks at the status.
        inside d1 perl -MSocket -e 'socket(S, AF_UNIX, SOCK_DGRAM, 0); connect(S, pack_sockaddr_un("/run/host/notify")); send(S, "STATUS=\e[31mred\e]0;title\a", 0)'
        sleep 0.3
        ! systemctl show -p StatusText berth@d1 | grep -q $'\e' || fail "an escape sequence is in the status"
}

# no program or library of the guest is loaded by berth before the command itself
test_S23_no_library_of_the_guest() {
        local supervisor
        supervisor=$(supervisor_of d1)
        # A loader, a name service, a locale of the guest's that tell when they are used.
        inside d1 sh -c 'cd /usr/lib/x86_64-linux-gnu && for f in libnss_files.so.2 libnss_canary.so.2 gconv/gconv-modules; do mkdir -p "$(dirname $f)"; [ -e $f ] || echo canary >$f; done
                sed -i "s/^passwd:.*/passwd: canary files/" /etc/nsswitch.conf'
        strace -f -o trace -e trace=execve,open,openat,openat2,setns -p "$supervisor" 2>strace.log &
        on_exit "kill $! 2>/dev/null; true"
        eventually 10 grep -q attached strace.log
        expect berthctl exec -u user d1 -- true
        expect berthctl exec -t -u user d1 -- true </dev/null
        sleep 0.3
        kill $!
        grep -q setns trace || cannot_run "the trace does not show the exec"
        # Of every process: between setns and execve nothing of the kind.
        awk '/setns\(/ { inside[$1] = 1 } /execve\(/ { inside[$1] = 0 } inside[$1] && /\.so|nsswitch|locale|gconv|ld\.so|libnss/ { print; bad = 1 } END { exit bad }' trace >&2 ||
                fail "it opened files of the guest"
        assert_no_match "$(cat "/proc/$supervisor/maps")" 'images|containers'
        inside d1 sed -i 's/canary //' /etc/nsswitch.conf
}

# /proc, /sys, /dev or /run of the image is a link, a file or a fifo: refused by name, or the kernel's all the same; nothing is mounted elsewhere
test_S08_proc_is_a_symlink() {
        local what kind before text
        before=$(wc -l </proc/self/mountinfo)
        mkdir root
        tar -C root -xpf "$(guest busybox)"
        for what in proc sys dev run; do
                for kind in /tmp ../../../../tmp /var/tmp/.. file fifo loop; do
                        rm -rf "root/$what"
                        case $kind in
                        file) echo x >"root/$what" ;;
                        fifo) mkfifo "root/$what" ;;
                        loop) ln -s "$what" "root/$what" ;;
                        *) ln -s "$kind" "root/$what" ;;
                        esac
                        tar -C root -cf f.tar .
                        berthctl import --quiet f.tar --alias odd
                        berthctl create odd c2
                        if text=$(berthctl start c2 2>&1); then
                                assert_match "$(inside c2 awk '{ print $2, $3 }' /proc/mounts)" '/proc proc' "mounts with $what as $kind"
                        else
                                assert_match "$text" "/$what|directory" "message with $what as $kind"
                        fi
                        berthctl delete --force c2
                        systemctl reset-failed berth@c2 2>/dev/null || true
                        berthctl remove-image odd
                        assert_eq "$(wc -l </proc/self/mountinfo)" "$before" "mounts of the host with $what as $kind"
                done
                rm -rf "root/$what"
                mkdir "root/$what"
        done
}

# nothing that a container mounts or unmounts is seen on the host
test_S16_mounts_do_not_propagate() {
        local before
        before=$(cat /proc/self/mountinfo)
        run_container c2 busybox
        inside c2 sh -c 'for i in 1 2 3 4 5 6 7 8 9; do mkdir -p /m/$i; mount -t tmpfs none /m/$i; done; mount --make-rshared / 2>/dev/null; mkdir /m/b; mount --bind / /m/b; umount -l /m/3; umount -l /dev/shm; true'
        assert_eq "$(cat /proc/self/mountinfo)" "$before" "the host's mounts"
        expect inside c2 grep -q ' /m/1 ' /proc/mounts
        forget c2
}

# signals and traces across containers, between the same ids inside
test_S37_other_containers() {
        local pid
        run_container c2 busybox
        pid=$(leader_of c2)
        expect_fail inside c1 kill -0 "$pid"
        expect_fail inside c1 sh -c "cat /proc/$pid/environ"
        expect_fail inside c1 sh -c "ls /proc/$pid/root/"
        # The ids of one are not those of the other: also on the host's side.
        [ "$(stat -c %u "/proc/$pid")" != "$(stat -c %u "/proc/$(leader_of c1)")" ]
}

# reboot, clock, swap, accounting: of the container, or refused
test_S36_host_state() {
        local time
        time=$(date +%s)
        inside c1 date -s 2001-01-01 || true
        [ $(($(date +%s) - time)) -lt 60 ] || fail "the clock of the host was set"
        expect_fail inside c1 swapon /etc/passwd
        expect_fail inside c1 insmod /etc/passwd
        expect_fail inside c1 modprobe loop
}

# what berth itself asks of the host: nobody else can talk to a supervisor
test_R121_control_socket_is_roots() {
        expect_fail as alice ls /run/berth/c1
        expect_fail as alice perl -MSocket -e 'socket(S, AF_UNIX, SOCK_SEQPACKET, 0); connect(S, pack_sockaddr_un("/run/berth/c1/control")) or exit 1'
        expect perl -MSocket -e 'socket(S, AF_UNIX, SOCK_SEQPACKET, 0); connect(S, pack_sockaddr_un("/run/berth/c1/control")) or exit 1'
        expect inside c1 true
}

# nonsense on the control socket: the supervisor lives on
test_R121_control_socket_nonsense() {
        perl -MSocket -e 'for $m ("", "x", "\0", "request=\0", "request=exec\0", "request=nonsense\0", "request=exec\0argv=true\0", "request=signal\0signal=999\0", "request=resize\0rows=1\0columns=1\0",
                        "x" x 100000, "=\0=\0", "request=exec\0" . "argv=a\0" x 5000) {
                socket(S, AF_UNIX, SOCK_SEQPACKET, 0); connect(S, pack_sockaddr_un("/run/berth/c1/control")) or die; send(S, $m, 0); close S }
                for (1 .. 300) { socket($s[$_], AF_UNIX, SOCK_SEQPACKET, 0); connect($s[$_], pack_sockaddr_un("/run/berth/c1/control")) or last }'
        sleep 0.5
        expect inside c1 true
        assert_state c1 running
}
