# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# systemd-machined and logind know every container; machinectl and the -M options work.
# guests: busybox trixie

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox trixie
        expect berthctl launch trixie web1
}

teardown_file() {
        remove_all
}

# registered: name, class, service, leader, unit, root directory, operating system
test_R67_registered() {
        assert_match "$(machinectl list)" 'web1 +container +berth +debian +13'
        assert_eq "$(machinectl show web1 -p Leader --value)" "$(leader_of web1)"
        assert_eq "$(machinectl show web1 -p Class --value)" container
        assert_eq "$(machinectl show web1 -p Service --value)" berth
        assert_eq "$(machinectl show web1 -p Unit --value)" berth-web1.scope
        assert_eq "$(machinectl show web1 -p State --value)" running
        assert_eq "$(machinectl show web1 -p Id --value | tr -d -)" "$(berthctl show web1 -p UUID --value | tr -d -)"
        assert_match "$(machinectl status web1)" 'Debian GNU/Linux 13'
        assert_match "$(berthctl list)" 'web1 +running +container +[Dd]ebian.*13'
}

# by name, with the -M options
test_R67_systemctl_of_machine() {
        assert_eq "$(systemctl -M web1 is-system-running)" running
        assert_match "$(systemctl -M web1 list-units --no-pager)" 'dbus\.service'
        assert_match "$(journalctl -M web1 -n 3 --no-pager)" web1
        assert_match "$(loginctl -M web1 list-sessions --no-legend 2>&1; echo "status $?")" 'status 0'
        assert_match "$(hostnamectl -M web1 hostname 2>/dev/null || systemctl -M web1 show-environment)" .
        assert_match "$(busctl -M web1 list --no-pager)" org.freedesktop.systemd1
        assert_match "$(systemd-cgls --no-pager -M web1)" 'init\.scope'
        assert_match "$(systemd-run -M web1 --wait --pipe --quiet echo hello)" hello
}

# machinectl shell, with output and status
test_R67_machinectl_shell() {
        expect machinectl shell web1 /bin/true
        script -qec 'machinectl shell web1 /bin/sh -c "echo from the guest: \$(hostname)"' typescript </dev/null >/dev/null
        grep -q 'from the guest: web1' typescript || fail "$(cat -v typescript)"
}

# machinectl's copies
test_R67_machinectl_copy() {
        echo 'by machinectl' >file
        expect machinectl copy-to web1 "$PWD/file" /root/F
        assert_eq "$(inside web1 cat /root/F)" 'by machinectl'
        assert_eq "$(inside web1 stat -c %u /root/F)" 0 'its owner in the guest'
        expect machinectl copy-from web1 /root/F "$PWD/back"
        assert_eq "$(<back)" 'by machinectl'
        inside web1 rm /root/F
}

# a login prompt
test_R53_machinectl_login() {
        { sleep 2; printf '\035\035\035'; sleep 0.5; } | script -qefc 'machinectl login web1' typescript >/dev/null || true
        grep -q 'login:' typescript || fail "no login prompt: $(cat -v typescript)"
}

# processes of the host's point of view: whose are they
test_R67_process_to_machine() {
        local pid
        pid=$(leader_of web1)
        assert_eq "$(busctl call org.freedesktop.machine1 /org/freedesktop/machine1 org.freedesktop.machine1.Manager GetMachineByPID u "$pid")" \
                'o "/org/freedesktop/machine1/machine/web1"'
        # User and group names of the host's tools.
        assert_match "$(ps -o machine= -p "$pid" 2>/dev/null || echo web1)" web1
}

# terminate, poweroff and reboot by machinectl; berthctl says the truth each time
test_R67_machinectl_terminate() {
        run_container m1 busybox
        expect machinectl terminate m1
        eventually 20 not state_is m1 running
        eventually 10 not state_is m1 stopping
        assert_eq "$(field m1 leader)" 0
        eventually 10 not machinectl show m1
        systemctl reset-failed berth@m1 2>/dev/null || true
        expect berthctl start m1
        assert_state m1 running
}

# poweroff is clean
test_R67_machinectl_poweroff() {
        local leader
        run_container m1 trixie
        expect machinectl poweroff m1
        eventually 40 state_is m1 stopped
        assert_eq "$(systemctl is-failed berth@m1)" inactive
        expect berthctl start m1
        assert_match "$(inside m1 journalctl --no-pager --output=cat)" 'Journal stopped'
        leader=$(leader_of m1)
        expect machinectl reboot m1
        eventually 40 has_rebooted m1 "$leader"
        assert_eq "$(systemctl -M m1 is-system-running --wait)" running
}

# machinectl kill
test_R67_machinectl_kill() {
        run_container m1 busybox --set 'Init=/bin/sh -c "trap \"echo got >/root/got\" USR1; touch /root/traps; while :; do sleep 0.1; done"'
        eventually 20 inside m1 test -e /root/traps
        # Of bookworm it is --kill-who.
        machinectl kill --kill-whom=leader --signal=USR1 m1 2>/dev/null || expect machinectl kill --kill-who=leader --signal=USR1 m1
        eventually 5 inside m1 test -e /root/got
}

# the registration ends with the container
test_R67_unregistered() {
        run_container m1 busybox
        expect machinectl show m1 -p State
        expect berthctl stop m1
        expect_fail machinectl show m1 -p State
}

# machined is not there: the container runs all the same
test_F16_without_machined() {
        systemctl stop systemd-machined
        systemctl mask --runtime systemd-machined
        on_exit 'systemctl unmask --runtime systemd-machined; systemctl start systemd-machined'
        run_container m1 busybox
        assert_state m1 running
        expect inside m1 true
        expect berthctl stop m1
        expect systemctl unmask --runtime systemd-machined
        expect systemctl start systemd-machined
}

# machined is restarted: it still knows, and the container does not mind
test_F16_machined_restarted() {
        local leader
        leader=$(leader_of web1)
        expect systemctl restart systemd-machined
        assert_match "$(machinectl list)" 'web1 +container'
        assert_eq "$(leader_of web1)" "$leader"
        assert_eq "$(systemctl -M web1 is-active dbus.service)" active
}

# What a hostile login shell does with the terminal that it is given, and with every other that it can open.
hostile_shell() {
        cat <<'END'
#!/usr/bin/perl
$| = 1;
$SIG{$_} = 'IGNORE' for qw(HUP INT TTOU TTIN TSTP);
# On the host, as the control, only its own.
my @paths = $ENV{CONTROL} ? '/proc/self/fd/0' : ('/proc/self/fd/0', '/dev/tty', '/dev/console', '/dev/tty0', glob('/dev/pts/[0-9]*'), glob('/proc/[0-9]*/fd/[0-9]'));
for my $path (@paths) {
        open(my $f, '+<', $path) or next;
        -t $f or next;
        my @s = stat $f;
        $seen{"$s[0]:$s[6]"}++ and next;
        print "terminal $s[0]:$s[1]\n";
        # TIOCSTI, TIOCLINUX, TIOCNOTTY, TIOCSCTTY, TIOCSETD, TIOCEXCL, TIOCCONS.
        ioctl($f, 0x5412, my $byte = $_) for split //, "echo INJ" . "ECTED\n";
        ioctl($f, 0x541C, my $paste = "\x03");
        ioctl($f, $_, my $one = pack 'i', 1) for 0x5422, 0x540E, 0x5423, 0x540C, $ENV{CONTROL} ? () : 0x541D;
        system 'stty', '-F', $path, 'raw', '-echo', '-isig', 'rows', '1', 'cols', '1';
        # Reports that a terminal answers by typing, another screen, the mouse, the clipboard.
        print $f "\e[6n\e[c\e[21t\eP\$q\"p\e\\\e[?1049h\e[?1000h\e]0;hostile\a\e]52;c;ZWNobyBJTkpFQ1RFRAo=\a\x05";
}
if (!$ENV{CONTROL}) {
        kill $_, -getpgrp for qw(HUP INT TSTP TTOU CONT);
        kill 'HUP', getppid;
}
print "the payload " . "is done\n";
END
}

# caller COMMAND: it runs in a terminal of its own. What is in it for the next who reads, its settings before and after, and whether the session is still
# there, is in typescript, before, after and alive. With $LEAVES, what is typed when the payload is done.
caller() {
        rm -f typescript before after alive
        {
                wait_until $((20 * ${BERTH_TEST_SLOW:-1})) grep -qa 'payload is done' typescript 2>/dev/null || true
                sleep 0.5
                printf '%b' "${LEAVES-}"
                wait_until $((30 * ${BERTH_TEST_SLOW:-1})) test -e alive || true
        } | SHELL=/bin/bash script -qefc "trap '' TSTP TTOU TTIN; stty -g >before; stat -L -c '%d:%i' /proc/self/fd/0 >mine; $1
                stty -g >after; stty sane; for i in 1 2 3; do read -r -t 0.5 line && echo \"next: \$line\" >>next.\$\$; done; cat next.\$\$ 2>/dev/null; echo >alive" typescript >/dev/null 2>&1 || true
        grep -qa 'payload is done' typescript || fail "the payload has not run: $(cat -v typescript)"
}

# the shell and the login prompt of a container are hostile: nothing is typed into the caller's terminal, its settings and its session stay
test_S92_hostile_shell_and_login() {
        local command
        # What they print comes as it is, as from any terminal that one is connected to.
        run_container h1 trixie
        hostile_shell >hostile
        expect berthctl copy-to h1 hostile /usr/local/bin/hostile
        # It is the shell of root, and who asks for a name and a password.
        expect inside h1 sh -c 'cd /usr/local/bin && chmod 0755 hostile && usermod --shell /usr/local/bin/hostile root && for i in agetty login; do
                        path=$(readlink -f "$(command -v $i)") && rm "$path" && cp hostile "$path"; done'
        for command in 'machinectl shell h1' 'machinectl shell h1 /usr/local/bin/hostile' 'machinectl login h1' 'berthctl shell h1' 'berthctl login h1'; do
                LEAVES=''
                [[ $command != *login* ]] || LEAVES='\035\035\035'
                say "  # $command"
                caller "$command"
                grep -qa 'terminal ' typescript || fail "the payload had no terminal: $(cat -v typescript)"
                ! grep -qaF "terminal $(<mine)" typescript || fail "it had the caller's terminal: $(cat -v typescript)"
                ! grep -qa 'next: .*INJECTED' typescript || fail "it was typed: $(cat -v typescript)"
                assert_eq "$(<after)" "$(<before)" "settings of the caller's terminal"
                expect test -e alive
        done
        assert_state h1 running
        assert_match "$(machinectl list)" 'h1 +container'
        # The control: in the caller's terminal it does all that.
        LEAVES=''
        caller 'CONTROL=yes perl hostile'
        grep -qaF "terminal $(<mine)" typescript || fail "the control had not the caller's terminal: $(cat -v typescript)"
        grep -qa 'next: .*INJECTED' typescript || fail "the control has typed nothing: $(cat -v typescript)"
        [ "$(<after)" != "$(<before)" ] || fail "the control has not changed the settings"
}
