# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A container's own policy of system calls: what it forbids, what it allows, how it is written. The guest is Debian, where perl calls the kernel;
# its payload is a program that does nothing, which is enough.
# guests: trixie

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

readonly EPERM=1 EINVAL=22 ENOSYS=38
# numbers of x86_64
readonly SYS_bpf=321 SYS_keyctl=250 SYS_getppid=110 SYS_umask=95 SYS_ioctl=16 SYS_getitimer=36

setup_file() {
        [ "$(uname -m)" = x86_64 ] || cannot_run "system calls are told by their numbers of x86_64"
        import_guests trixie
}

teardown_file() {
        remove_all
}

# guest_syscall NUMBER [ARGUMENT...]: made in s1; prints the errno, or 0.
guest_syscall() {
        inside s1 perl -e '$! = 0; $r = syscall($ARGV[0], map { /^-?\d+$/ ? $_ + 0 : $_ } @ARGV[1 .. $#ARGV]); print $r < 0 ? $! + 0 : 0, "\n"' "$@"
}

# with [KEY=VALUE...]: s1 is a new container with these settings.
with() {
        local setting settings=()
        for setting; do
                settings+=(--set "$setting")
        done
        on_exit 'rm -rf /run/berth/.seccomp'
        forget s1
        run_container s1 trixie --no-profiles --set 'Init=/usr/bin/sleep infinity' --set StubInit=yes "${settings[@]}"
}

applied() {
        berthctl show s1 --applied
}

# names and groups are denied, with an error of choice; the rest is as it was
test_R114_deny_by_name() {
        with
        assert_eq "$(guest_syscall $SYS_getppid)" 0
        with 'SystemCallFilter=~getppid bpf:ENOSYS umask:kill'
        assert_eq "$(guest_syscall $SYS_getppid)" $EPERM
        assert_eq "$(guest_syscall $SYS_bpf)" $ENOSYS
        assert_eq "$(guest_syscall $SYS_keyctl)" $EPERM "still"
        expect_fail --status 159 guest_syscall $SYS_umask 0
        assert_match "$(applied)" 'errno 1 getppid'
        assert_match "$(applied)" '/run/berth/.seccomp/'
        # Of the payload as of what is run beside it.
        assert_eq "$(awk '/^Seccomp:/ { print $2 }' "/proc/$(leader_of s1)/status")" 2
}

# the same by LXD's names, and by the words people use
test_R114_deny_by_lxd_keys() {
        with seccomp.deny='bpf getppid'
        assert_eq "$(guest_syscall $SYS_getppid)" $EPERM
        with security.syscalls.deny=$'uname\n@swap'
        assert_eq "$(guest_syscall $SYS_getppid)" 0
        assert_match "$(inside s1 perl -e '$! = 0; $r = syscall(63, $b = "x" x 400); print $r < 0 ? $! + 0 : 0')" "^$EPERM$"
}

# a call that the default policy forbids is allowed, and then it is the kernel that says no
test_R114_allow_by_name() {
        with
        assert_eq "$(guest_syscall $SYS_keyctl 99)" $EPERM
        with SystemCallFilter=keyctl
        [ "$(guest_syscall $SYS_keyctl 99)" != $EPERM ] || fail "keyctl is still forbidden"
        # Of two lists the later one counts.
        install -d -m 0755 /etc/berth/containers/s1.conf.d
        on_exit 'rm -r /etc/berth/containers/s1.conf.d; rmdir --ignore-fail-on-non-empty /etc/berth/containers'
        printf '[Security]\nSystemCallFilter=~keyctl:EINVAL\n' >/etc/berth/containers/s1.conf.d/50-deny.conf
        with SystemCallFilter=@keyring
        assert_eq "$(guest_syscall $SYS_keyctl 99)" $EINVAL
}

# what is not named at all: berth's policy, everything, or nothing
test_R114_policy_of_the_rest() {
        with
        assert_eq "$(guest_syscall 9999)" $ENOSYS
        assert_eq "$(guest_syscall $SYS_bpf)" $EPERM
        with SystemCallPolicy=allow 'SystemCallFilter=~getppid'
        assert_eq "$(guest_syscall $SYS_getppid)" $EPERM
        [ "$(guest_syscall $SYS_keyctl 99)" != $EPERM ] || fail "keyctl is still forbidden"
        with SystemCallPolicy=deny SystemCallFilter=@known
        assert_eq "$(guest_syscall 9999)" $ENOSYS
        [ "$(guest_syscall $SYS_keyctl 99)" != $EPERM ] || fail "keyctl is still forbidden"
}

# all ABIs of the architecture: 32 bit programs cannot go around it
test_R114_every_abi() {
        with 'SystemCallFilter=~getppid'
        # A program of 32 bits that exits with what getppid(2), number 64 there, has returned.
        elf32 >prog
        expect berthctl copy-to s1 prog /root/prog
        expect inside s1 chmod +x /root/prog
        chmod +x prog
        ./prog || cannot_run "the kernel runs no programs of 32 bits"
        expect_fail --status 255 inside s1 /root/prog
        expect berthctl set s1 SystemCallArchitectures=native SystemCallFilter=
        expect berthctl restart s1
        expect_fail --status 139 inside s1 /root/prog
        expect inside s1 true
        expect berthctl unset s1 SystemCallArchitectures
        expect berthctl restart s1
        expect inside s1 /root/prog
}

# elf32: ebx = getppid() < 0 ? 255 : 0; exit(ebx)
elf32() {
        perl -e '
                my $code = "\xb8\x40\x00\x00\x00\xcd\x80" . "\x89\xc3" . "\xc1\xfb\x1f" . "\xb8\x01\x00\x00\x00\xcd\x80";
                my $base = 0x8048000;
                my $size = 84 + length $code;
                print pack("A4C5x7 vvVVVVVvvvvvv", "\x7fELF", 1, 1, 1, 0, 0, 2, 3, 1, $base + 84, 52, 0, 0, 52, 32, 1, 0, 0, 0);
                print pack("V8", 1, 0, $base, $base, $size, $size, 5, 0x1000), $code;'
}

# a policy as LXC has it, from a file, with arguments and architectures
test_R114_lxc_policy_file() {
        local line
        cat >policy <<'END'
2
denylist
# what this is for
[all]
getppid errno 7
ioctl errno 8 [1,0x5412,SCMP_CMP_EQ]
[x86]
umask errno 9
END
        with raw.seccomp=@policy
        assert_eq "$(guest_syscall $SYS_getppid)" 7
        assert_eq "$(guest_syscall $SYS_ioctl 0 21522)" 8
        [ "$(guest_syscall $SYS_ioctl 0 21523)" != 8 ] || fail "the argument is not looked at"
        assert_eq "$(guest_syscall $SYS_umask 18)" 0 "of the other architecture"
        # It stands in for the default policy, and lists come on top of it.
        [ "$(guest_syscall $SYS_keyctl 99)" != $EPERM ] || fail "the default policy is there, too"
        expect berthctl set s1 'SystemCallFilter=~keyctl:EINVAL getppid:EPERM'
        expect berthctl restart s1
        assert_eq "$(guest_syscall $SYS_keyctl 99)" $EINVAL
        assert_eq "$(guest_syscall $SYS_getppid)" $EPERM
        assert_match "$(applied)" 'raw ioctl errno 8'
        # Version 1 is numbers; what is not there is not had.
        printf '1\nallowlist\n' >policy
        for line in {0..35} {37..500}; do echo "$line"; done >>policy
        with raw.seccomp=@policy
        expect inside s1 true
        expect_fail --status 159 guest_syscall $SYS_getitimer 0 0
}

# mistakes are found when something is set, and name what is wrong; nothing has changed then
test_R114_mistakes() {
        local before
        with
        before=$(berthctl cat s1)
        refused 'SystemCallFilter.*bpff' berthctl set s1 'SystemCallFilter=~bpff'
        refused 'SystemCallFilter.*@nothing' berthctl set s1 'SystemCallFilter=~@nothing'
        refused 'SystemCallFilter.*EFOO' berthctl set s1 'SystemCallFilter=~bpf:EFOO'
        refused 'SystemCallFilter.*bpf:0' berthctl set s1 'SystemCallFilter=~bpf:0'
        refused 'seccomp.deny.*bpff' berthctl set s1 seccomp.deny='keyctl bpff'
        refused 'raw.seccomp.*notify' berthctl set s1 raw.seccomp=$'2\ndenylist\nmknod notify'
        refused 'raw.seccomp.*version' berthctl set s1 raw.seccomp=$'denylist\nmknod'
        refused 'RawSeccomp.*nowhere' berthctl set s1 'RawSeccomp=nowhere errno 1'
        assert_eq "$(berthctl cat s1)" "$before"
}

# a container without such keys has the program that came with berth, and its start compiles nothing
test_R114_default_costs_nothing() {
        local program inode
        rm -f /run/berth/.seccomp/*
        with
        assert_match "$(applied)" '/usr/lib/berth/seccomp/default.bpf'
        assert_eq "$(find /run/berth/.seccomp -type f 2>/dev/null)" ''
        with SystemCallFilter=~bpf
        program=$(find /run/berth/.seccomp -type f)
        [ -n "$program" ] || fail "nothing is kept"
        # The second start finds it made: the file is the same.
        inode=$(stat -c %i "$program")
        expect berthctl restart s1
        assert_eq "$(stat -c %i "$program")" "$inode"
        # What is damaged is made again.
        expect berthctl stop s1
        echo x >"$program"
        expect berthctl start s1
        assert_eq "$(guest_syscall $SYS_bpf)" $EPERM
        [ "$(stat -c %s "$program")" -gt 1000 ] || fail "it was not made again"
}
