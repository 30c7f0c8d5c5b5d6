# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Commands in a running container: exit status, signals, standard input and output, terminals, users, environment. And the shell, the
# console and the commands in a stopped container. The guest is busybox.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
        expect berthctl launch busybox c1
        # A user with a group beside his own.
        inside c1 sh -c 'echo "user:x:1000:1001:A User:/home/user:/bin/sh" >>/etc/passwd; printf "user:x:1001:\nextra:x:2000:other,user\n" >>/etc/group
                mkdir -p /home/user; chown 1000:1001 /home/user'
}

teardown_file() {
        remove_all
}

# status COMMAND...: prints its exit status.
status() {
        local rc=0
        "$@" >&2 || rc=$?
        echo "$rc"
}

# on_tty COMMAND: run the command line on a terminal of 33 lines and 101 columns, with what is typed on standard input.
on_tty() {
        rm -f typescript
        script -qefc "stty rows 33 cols 101; $1" typescript >/dev/null
}

# typed TEXT...: one after the other, slowly, then nothing for a while. '?REGEX' waits until the terminal shows that: what comes before a program has
# set its terminal up is somebody else's.
typed() {
        local text
        for text; do
                if [[ $text = '?'* ]]; then
                        wait_until 20 grep -qa -e "${text#?}" "${TYPESCRIPT:-typescript}" 2>/dev/null || true
                        continue
                fi
                sleep 0.2
                printf '%b' "$text"
        done
        sleep 0.5
}

# the exit status of the command is berthctl's
test_R51_exec_exit_code() {
        local n
        for n in 0 1 7 42 125 126 127 128 200 255; do
                assert_eq "$(status berthctl exec c1 -- sh -c "exit $n")" "$n"
        done
}

# a command that a signal ends: 128 and the signal, as in a shell
test_R51_exec_killed_by_signal() {
        assert_eq "$(status berthctl exec c1 -- sh -c 'kill -KILL $$')" 137
        assert_eq "$(status berthctl exec c1 -- sh -c 'kill -TERM $$')" 143
        assert_eq "$(status berthctl exec c1 -- sh -c 'kill -SEGV $$')" 139
}

# what cannot be run: 127 and 126, as in a shell, and a reason
test_R51_exec_not_found() {
        assert_eq "$(status berthctl exec c1 -- nosuchprogram)" 127
        expect_fail --status 127 --message 'nosuchprogram' berthctl exec c1 -- nosuchprogram
        expect_fail --status 127 --message '/no/such/path' berthctl exec c1 -- /no/such/path
        assert_eq "$(status berthctl exec c1 -- /etc/passwd)" 126
        assert_eq "$(status berthctl exec c1 -- /etc)" 126
        assert_eq "$(status berthctl exec -t c1 -- nosuchprogram </dev/null)" 127
        expect_fail --message "'nobody-here'" berthctl exec -u nobody-here c1 -- true
        expect_fail --message "/no/such/dir" berthctl exec --cwd /no/such/dir c1 -- true
        # berthctl's own failures are none of the command's.
        assert_eq "$(status berthctl exec nosuchcontainer -- true)" 125
}

# arguments arrive as they are; options of the command are its own; -- may be left out
test_R51_exec_arguments() {
        # shellcheck disable=SC2016
        assert_eq "$(berthctl exec c1 -- sh -c 'for a; do printf "<%s>" "$a"; done' - '' ' a  b ' $'new\nline' '$HOME' '*' '"' "'" '\n' --help -x 'ä€')" \
                $'<>< a  b ><new\nline><$HOME><*><"><\'><\\n><--help><-x><ä€>'
        assert_eq "$(berthctl exec c1 echo --json=short -t)" '--json=short -t'
        assert_eq "$(berthctl exec c1 sh -c 'echo $#' - $(seq 1000))" 1000
        # Two MiB of them are more than fits, and are refused properly.
        assert_match "$(status berthctl exec c1 -- true "$(head -c 100000 /dev/zero | tr '\0' x)")" '^(0|125)$'
}

# standard input, to its end
test_R51_exec_stdin() {
        head -c 20000000 /dev/urandom >data
        assert_eq "$(berthctl exec c1 -- sha256sum <data | cut -d' ' -f1)" "$(sha256sum <data | cut -d' ' -f1)"
        assert_eq "$(printf 'a\nb\n' | berthctl exec c1 -- wc -l)" 2
        assert_eq "$(berthctl exec c1 -- cat </dev/null)" ''
        # What is not read stays for the next.
        assert_eq "$( { berthctl exec c1 -- sh -c 'read a; echo "1:$a"'; cat; } < <(sleep 0.2; echo one; sleep 0.5; echo two))" $'1:one\ntwo'
}

# standard output and error, each where it belongs
test_R51_exec_stdout_stderr() {
        berthctl exec c1 -- sh -c 'echo out; echo err >&2' >out 2>err
        assert_eq "$(<out)" out
        assert_eq "$(<err)" err
        berthctl exec c1 -- sh -c 'head -c 30000000 /dev/zero | tr "\0" x' >out
        assert_eq "$(stat -c %s out)" 30000000
        berthctl exec c1 -- sh -c 'echo both; echo both >&2' >both 2>&1
        assert_eq "$(wc -l <both)" 2
        # A file that is appended to stays that.
        echo first >log
        berthctl exec c1 -- echo second >>log
        assert_eq "$(<log)" $'first\nsecond'
}

# a reader that goes away: the command gets SIGPIPE, and nothing hangs
test_R51_exec_broken_pipe() {
        assert_eq "$(timeout 20 berthctl exec c1 -- sh -c 'while echo line; do :; done' | head -n 1)" line
        eventually 10 not inside c1 pidof yes
        expect inside c1 true
}

# closed standard input and output
test_R51_exec_closed_fds() {
        assert_eq "$(status berthctl exec c1 -- true <&-)" 0
        assert_eq "$(status sh -c 'exec berthctl exec c1 -- true 2>&-')" 0
        assert_match "$(status sh -c 'exec berthctl exec c1 -- echo x >&-')" '^(0|1)$'
        expect inside c1 true
}

# a daemon that the command leaves behind does not hold the client
test_R51_exec_background_process() {
        local took
        took=$(seconds berthctl exec c1 -- sh -c 'sleep 1000 >/dev/null 2>&1 </dev/null & echo started')
        [ "$took" -lt $((5 * ${BERTH_TEST_SLOW:-1})) ] || fail "it took $took s"
        expect inside c1 killall sleep
}

# from two places at once, many times
test_R51_exec_in_parallel() {
        local i
        for i in {1..30}; do
                berthctl exec c1 -- sh -c "echo $i; exit $i" >"out.$i" 2>&1 &
                eval "pid_$i=$!"
        done
        for i in {1..30}; do
                local pid=pid_$i rc=0
                wait "${!pid}" || rc=$?
                assert_eq "$rc" "$i" "status of the $i."
                assert_eq "$(<"out.$i")" "$i" "output of the $i."
        done
}

# environment: a clean one, with what is given and nothing of the caller's
test_R51_exec_environment() {
        local text
        text=$(SECRET_OF_HOST=x LC_ALL=C LD_PRELOAD='' berthctl exec -E 'FOO=bar baz' --env EMPTY= -E TERM=weird c1 -- env)
        assert_match "$text" $'(^|\n)FOO=bar baz'
        assert_match "$text" $'(^|\n)EMPTY=\n'
        assert_match "$text" $'(^|\n)TERM=weird'
        assert_match "$text" $'(^|\n)HOME=/root'
        assert_match "$text" $'(^|\n)USER=root'
        assert_match "$text" $'(^|\n)container=berth'
        assert_match "$text" $'(^|\n)PATH=[^\n]*/usr/bin'
        assert_no_match "$text" 'SECRET_OF_HOST|SUDO_|DBUS_|XDG_|NOTIFY_SOCKET|LISTEN_|INVOCATION_ID|JOURNAL_STREAM|LC_ALL'
        # A variable by its name alone is handed over.
        assert_eq "$(HANDED=over berthctl exec -E HANDED c1 -- sh -c 'echo $HANDED')" over
        expect_fail --message '=nothing' berthctl exec -E '=nothing' c1 -- true
        # PATH is where the command is looked for.
        expect_fail --status 127 berthctl exec -E PATH=/nowhere c1 -- busybox true
}

# as another user: ids, groups, home
test_R51_exec_user() {
        assert_eq "$(berthctl exec c1 -- id -u)" 0
        assert_eq "$(berthctl exec c1 -- id -G)" 0
        assert_eq "$(berthctl exec -u user c1 -- sh -c 'echo $(id -u) $(id -g) $(id -G) $HOME $USER $LOGNAME $PWD')" '1000 1001 1001 2000 /home/user user user /home/user'
        assert_eq "$(berthctl exec --user=1000 c1 -- sh -c 'echo $(id -u) $(id -g) $HOME')" '1000 1001 /home/user'
        # An id that has no name.
        assert_eq "$(berthctl exec -u 4242 c1 -- id -u)" 4242
        expect_fail --message . berthctl exec -u 65536 c1 -- true
        expect_fail --message . berthctl exec -u -1 c1 -- true
        # What he may not do.
        expect_fail berthctl exec -u user c1 -- sh -c 'echo x >/etc/x'
        assert_match "$(berthctl exec -u user c1 -- grep CapEff /proc/self/status)" 'CapEff:[[:space:]]*0+$'
}

# in another directory
test_R51_exec_cwd() {
        assert_eq "$(berthctl exec c1 -- pwd)" /root
        assert_eq "$(berthctl exec --cwd /tmp c1 -- pwd)" /tmp
        assert_eq "$(berthctl exec --cwd /var/.. c1 -- sh -c 'pwd -P')" /
        # Permission is the user's, who cannot enter root's home.
        expect_fail berthctl exec -u user --cwd /root c1 -- true
}

# without a terminal there is none
test_R51_exec_no_tty() {
        expect_fail --status 1 berthctl exec c1 -- tty
        expect_fail berthctl exec c1 -- sh -c ': </dev/tty'
        # Also from one.
        on_tty "berthctl exec -T c1 -- tty" </dev/null || true
        grep -q 'not a tty' typescript || fail "there is a terminal: $(cat -v typescript)"
}

# with a terminal: one of the container's own
test_R51_exec_tty() {
        assert_eq "$(status on_tty 'berthctl exec c1 -- sh -c "tty; test -t 0 && test -t 1 && test -t 2 && echo all-three; : </dev/tty && echo controlling; exit 3"' </dev/null)" 3
        grep -q '/dev/pts/[0-9]' typescript || fail "no terminal: $(cat -v typescript)"
        grep -q all-three typescript
        grep -q controlling typescript
        # -t makes one where there is none.
        assert_match "$(berthctl exec -t c1 -- tty </dev/null)" '^/dev/pts/[0-9]'
}

# as a user, to whom it belongs
test_R51_exec_tty_of_user() {
        assert_match "$(berthctl exec -t -u user c1 -- sh -c 'stat -c "%u %a" $(tty)' </dev/null)" '^1000 6[02]0'
}

# the size of the window, at the start and when it changes
test_R51_exec_window_size() {
        on_tty 'berthctl exec -t c1 -- stty size' </dev/null
        grep -q '33 101' typescript || fail "the size is $(cat -v typescript)"
        inside c1 rm -f /root/traps
        script -qefc 'berthctl exec -t c1 -- sh -c "trap \"stty size; exit 5\" WINCH; touch /root/traps; while :; do sleep 0.1; done" &
                job=$!; until berthctl exec c1 -- test -e /root/traps; do sleep 0.1; done
                stty rows 44 cols 123 </dev/tty; kill -WINCH $job; wait $job' typescript </dev/null >/dev/null || true
        grep -q '44 123' typescript || fail "the new size did not come: $(cat -v typescript)"
}

# keys: what is typed comes through, ^C interrupts the command and not berthctl, ^D ends input
test_R51_exec_keys() {
        typed '?begin' 'hello\r' '?got hello' '\x04' | on_tty 'berthctl exec -t c1 -- sh -c "echo beg""in; while read line; do echo \"got \$line\"; done"'
        [ "$(grep -c hello typescript)" -eq 2 ] || fail "not echo and output: $(cat -v typescript)"
        typed '?ready' '\x03' '?status 9' | on_tty 'berthctl exec -t c1 -- sh -c "trap \"echo interrupted; exit 9\" INT; echo rea""dy; while :; do sleep 0.1; done"; echo "status $?"' || true
        grep -q interrupted typescript || fail "^C did not arrive: $(cat -v typescript)"
        grep -q 'status 9' typescript
}

# the terminal is as before, whatever happens
test_R51_exec_terminal_restored() {
        on_tty 'stty -a >before; berthctl exec -t c1 -- sh -c "stty raw -echo; exit 1"; stty -a >after; berthctl exec -t c1 -- sleep 1000 & sleep 0.7; kill -TERM $!; wait $!; stty -a >after-kill' </dev/null || true
        [ -s before ]
        expect diff before after
        expect diff before after-kill
}

# signals that berthctl gets go to the command
test_R51_exec_signals_forwarded() {
        local signal pid rc
        for signal in TERM INT HUP USR1 USR2; do
                rm -f ready
                env --default-signal berthctl exec c1 -- sh -c "trap 'exit 77' $signal; echo ready; while :; do sleep 0.1; done" >ready &
                pid=$!
                eventually 10 grep -q ready ready
                kill -"$signal" "$pid"
                rc=0
                wait "$pid" || rc=$?
                assert_eq "$rc" 77 "status after SIG$signal"
        done
}

# berthctl is killed: the command gets a hang-up, as from a terminal that is gone
test_R51_exec_client_killed() {
        local pid
        berthctl exec c1 -- sh -c 'trap "echo hup >/root/hup; exit" HUP; echo ready; while :; do sleep 0.1; done' >ready &
        pid=$!
        eventually 10 grep -q ready ready
        kill -KILL "$pid"
        eventually 10 inside c1 test -e /root/hup
        inside c1 rm /root/hup
}

# the command is in the container's cgroup and in all of its namespaces
test_R104_exec_is_inside() {
        local leader pid name
        leader=$(leader_of c1)
        berthctl exec c1 -- sh -c 'echo ready; exec sleep 1000' >ready &
        on_exit "kill $! 2>/dev/null; true"
        eventually 10 grep -q ready ready
        eventually 5 inside c1 pidof sleep
        for pid in $(pgrep -x sleep); do
                [ "$(readlink "/proc/$pid/ns/pid")" = "$(readlink "/proc/$leader/ns/pid")" ] && break
        done
        for name in mnt pid net ipc uts user cgroup; do
                assert_eq "$(readlink "/proc/$pid/ns/$name")" "$(readlink "/proc/$leader/ns/$name")" "$name namespace"
        done
        assert_match "$(</proc/"$pid"/cgroup)" 'machine-berth\.slice/berth-c1\.scope'
        assert_no_match "$(inside c1 cat /proc/self/cgroup)" 'machine|berth-c1'
        # It dies with the container.
        expect berthctl restart --force c1
        [ ! -e "/proc/$pid" ] || fail "it has survived its container"
}

# the container stops under a command: the client is told
test_R51_exec_container_stops() {
        local pid rc=0
        run_container c2 busybox
        berthctl exec c2 -- sh -c 'echo ready; sleep 1000' >ready 2>error &
        pid=$!
        eventually 10 grep -q ready ready
        expect berthctl stop --force c2
        wait "$pid" || rc=$?
        [ "$rc" -ne 0 ] || fail "the client ended with success"
        forget c2
}

# ---- shell, login, console

# a login shell of the user; a command after it
test_R53_shell() {
        typed '?#' 'echo "I am $(id -u) in $PWD"\r' '?I am 0' 'exit 4\r' | on_tty 'berthctl shell c1; echo "status $?"' || true
        grep -q 'I am 0 in /root' typescript || fail "$(cat -v typescript)"
        grep -q 'status 4' typescript
        typed '?~ \$' 'echo "I am $(id -u) in $PWD"\r' '?I am 1000' 'exit\r' | on_tty 'berthctl shell user@c1' || true
        grep -q 'I am 1000 in /home/user' typescript || fail "$(cat -v typescript)"
        assert_eq "$(berthctl shell c1 /bin/echo hello </dev/null)" hello
        assert_eq "$(status berthctl shell c1 /bin/sh -c 'exit 6' </dev/null)" 6
}

# the console: what init shows there, what is typed there, and a way out
test_R53_console() {
        typed '?Connected' '\r' '?/ #' 'echo "on $(tty)"\r' '?on /dev' '\x1d\x1d\x1d' | on_tty 'berthctl console c1; echo "left with $?"'
        grep -q 'on /dev/\(console\|pts/0\)' typescript || fail "$(cat -v typescript)"
        grep -q 'left with 0' typescript || fail "$(cat -v typescript)"
        assert_state c1 running
        # The shell there lives on.
        typed '?Connected' '\r' '?/ #' 'exit\r' '\x1d\x1d\x1d' | on_tty 'berthctl console c1' || true
}

# its size is that of the terminal, from the start and when that changes
test_R53_console_size() {
        local i
        berthctl stop --force c1
        on_exit 'berthctl unset c1 Init; berthctl restart --force c1'
        berthctl set c1 'Init=/bin/sh -c "while :; do stty size >/root/size; sleep 0.1; done" '
        berthctl start c1
        size_is() { [ "$(inside c1 cat /root/size)" = "$1" ]; }
        # In the background of that shell it has its terminal all the same: nothing is read from it.
        script -qefc 'stty rows 33 cols 101; berthctl console c1 </dev/null & until [ -e first ]; do sleep 0.1; done; stty rows 44 cols 99; kill -WINCH $!
                until [ -e second ]; do sleep 0.1; done; kill $!' typescript </dev/null >/dev/null &
        i=$!
        on_exit 'touch first second'
        eventually 20 size_is '33 101'
        touch first
        eventually 20 size_is '44 99'
        touch second
        wait "$i" || true
}

# two of them see the same
test_R53_console_shared() {
        (TYPESCRIPT=other typed '?42 seen' '\x1d\x1d\x1d' | script -qefc 'berthctl console c1' other >/dev/null) &
        eventually 20 grep -qa Connected other
        typed '?Connected' '\r' '?/ #' 'echo "$((40 + 2)) seen"\r' '?42 seen' '\x1d\x1d\x1d' | on_tty 'berthctl console c1'
        wait
        grep -q '42 seen' typescript || fail "$(cat -v typescript)"
        grep -q '42 seen' other || fail "the other has not seen it: $(cat -v other)"
        typed '?Connected' '\r' '?/ #' 'exit\r' '\x1d\x1d\x1d' | on_tty 'berthctl console c1' || true
}

# nobody reads the console: the guest is not held up by it
test_S86_console_without_reader() {
        expect inside c1 timeout 20 sh -c 'head -c 3000000 /dev/zero | tr "\0" "x" >/dev/console'
        expect inside c1 true
}

# ---- in a stopped container

# a command in a container that does not run: its exit status, its output, its traces
test_R54_run_in() {
        new_container c2 busybox
        assert_eq "$(status berthctl run-in c2 -- sh -c 'exit 7')" 7
        assert_eq "$(berthctl run-in c2 -- sh -c 'echo $(id -u) $(hostname)')" '0 c2'
        assert_eq "$(echo in | berthctl run-in c2 -- cat)" in
        expect berthctl run-in c2 -- touch /root/made
        eventually 15 state_is c2 stopped
        expect berthctl start c2
        expect inside c2 test -e /root/made
        # No init of the guest's was run for it.
        forget c2
}

# the same confinement, the same user ids, environment, directory, terminal
test_R54_run_in_is_confined() {
        new_container c2 busybox
        assert_eq "$(berthctl run-in c2 -- sh -c 'set -- $(cat /proc/self/uid_map); echo $1 $2 $3')" "0 $(berthctl show c2 -p UIDBase --value) 65536"
        assert_eq "$(berthctl run-in -E A=b --cwd /tmp c2 -- sh -c 'echo $A $PWD')" 'b /tmp'
        assert_match "$(berthctl run-in -t c2 -- tty </dev/null)" '^/dev/pts/[0-9]'
        assert_eq "$(berthctl run-in c2 -- sh -c 'cat /proc/self/status | grep -c "Seccomp:.*2"')" 1
        expect_fail --status 127 berthctl run-in c2 -- nosuchprogram
        eventually 15 state_is c2 stopped
        forget c2
}

# a start in the middle is refused or waits; the command is not disturbed
test_R54_run_in_and_start() {
        local pid
        new_container c2 busybox
        berthctl run-in c2 -- sh -c 'echo ready; sleep 3; echo done' >out 2>&1 &
        pid=$!
        eventually 15 grep -q ready out
        berthctl start c2 2>error || assert_match "$(<error)" "'c2'"
        wait "$pid"
        grep -q "done" out
        state_is c2 running || expect berthctl start c2
        expect inside c2 true
        forget c2
}
