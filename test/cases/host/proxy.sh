# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Addresses of the host that lead into a container.
# guests: busybox bookworm

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox bookworm
}

teardown_file() {
        remove_all
}

# serve NAME ADDRESS:PORT: a web server inside; /cgi-bin/peer says who has connected.
serve() {
        inside "$1" sh -c 'mkdir -p /root/w/cgi-bin; echo hello >/root/w/index.html
                printf "#!/bin/sh\nprintf \"Content-Type: text/plain\\r\\n\\r\\n\$REMOTE_ADDR\\n\"\n" >/root/w/cgi-bin/peer; chmod 755 /root/w/cgi-bin/peer
                httpd -p "$1" -h /root/w' - "$2"
}

get() {
        timeout 5 busybox wget -q -O - "$1"
}

listens() {
        [ -n "$(ss -Hltn "sport = :$1")" ]
}

units() {
        systemctl list-units --all --plain --no-legend 'berth-*_*' | awk '{ print $1 }' | sort | tr '\n' ' '
}

no_units() {
        [ -z "$(units)" ]
}

# live: a client on the host reaches what listens inside, which sees it come from there; gone with the device, and with the container
test_R81_proxy_tcp() {
        run_container c1 busybox
        serve c1 127.0.0.1:80
        expect_fail get http://127.0.0.1:8080/
        expect berthctl config device add c1 www proxy listen=tcp:0.0.0.0:8080 connect=tcp:127.0.0.1:80
        assert_eq "$(get http://127.0.0.1:8080/)" hello
        assert_eq "$(get http://127.0.0.1:8080/cgi-bin/peer)" 127.0.0.1
        assert_eq "$(units)" "berth-c1_www.service berth-c1_www.socket "
        # it can nearly nothing, and is nobody
        local pid
        pid=$(systemctl show -P MainPID berth-c1_www.service)
        assert_match "$(cat "/proc/$pid/status")" 'CapEff:[[:space:]]0000000000000000.*NoNewPrivs:[[:space:]]1.*Seccomp:[[:space:]]2'
        [ "$(stat -c %u "/proc/$pid")" -ge 61184 ] || fail "it is somebody: $(stat -c %u "/proc/$pid")"
        assert_eq "$(stat -Lc %i "/proc/$pid/ns/net")" "$(stat -Lc %i "/proc/$(leader_of c1)/ns/net")"
        # another address, live
        expect berthctl device set c1 www listen=tcp:127.0.0.1:8081
        expect_fail get http://127.0.0.1:8080/
        assert_eq "$(get http://127.0.0.1:8081/)" hello
        expect berthctl device remove c1 www
        expect_fail get http://127.0.0.1:8081/
        no_units || fail "units are left: $(units)"
        expect berthctl device add c1 www proxy listen=tcp:127.0.0.1:8080 connect=tcp:127.0.0.1:80
        expect berthctl restart c1
        serve c1 127.0.0.1:80
        assert_eq "$(get http://127.0.0.1:8080/)" hello
        expect berthctl reboot c1
        eventually 20 listens 8080
        expect berthctl stop c1
        ! listens 8080 || fail "somebody still listens"
        no_units || fail "units are left: $(units)"
}

# IPv6, a socket that is a file, one that is a name
test_R81_proxy_families() {
        run_container c1 busybox --device 'six,type=proxy,listen=tcp:[::1]:8086,connect=tcp:[::1]:86' \
                --device "file,type=proxy,listen=unix:/run/test-proxy/s,connect=tcp:127.0.0.1:80,mode=0600,uid=1000" \
                --device "name,type=proxy,listen=unix:@test-proxy,connect=tcp:127.0.0.1:80"
        on_exit 'rm -rf /run/test-proxy'
        serve c1 127.0.0.1:80
        serve c1 '[::1]:86'
        assert_eq "$(get 'http://[::1]:8086/')" hello
        assert_eq "$(stat -c %a:%u /run/test-proxy/s)" 600:1000
        assert_match "$(printf 'GET / HTTP/1.0\r\n\r\n' | perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new(Peer => "/run/test-proxy/s") or die; print $s <STDIN>; print <$s>')" hello
        assert_match "$(printf 'GET / HTTP/1.0\r\n\r\n' | perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new(Peer => "\0test-proxy") or die; print $s <STDIN>; print <$s>')" hello
        expect berthctl stop c1
        [ ! -e /run/test-proxy/s ] || fail "the socket is left"
}

# whoever dies, nothing stays, and the next start has it again
test_R81_proxy_nothing_is_left() {
        run_container c1 busybox --device "www,type=proxy,listen=tcp:127.0.0.1:8080,connect=tcp:127.0.0.1:80"
        serve c1 127.0.0.1:80
        assert_eq "$(get http://127.0.0.1:8080/)" hello
        kill -KILL "$(supervisor_of c1)"
        eventually 20 state_is c1 failed
        eventually 10 no_units
        ! listens 8080 || fail "somebody still listens"
        systemctl reset-failed berth@c1
        expect berthctl start c1
        kill -KILL "$(leader_of c1)"
        eventually 10 no_units
        eventually 10 state_is c1 failed
        systemctl reset-failed berth@c1
        expect berthctl start c1
        for _ in 1 2 3; do
                expect berthctl restart --force c1
                listens 8080 || fail "nobody listens"
        done
        # a command in a container that is stopped opens nothing
        expect berthctl stop c1
        berthctl run-in c1 -- sleep 2 &
        eventually 10 systemctl is-active --quiet berth-c1.scope
        sleep 1
        ! listens 8080 || fail "somebody listens"
        wait "$!"
}

# what cannot be given says why, and leaves nothing
test_R81_proxy_cannot_be_given() {
        busybox httpd -f -p 127.0.0.1:8080 -h "$TEST_TMP" &
        on_exit "kill $! 2>/dev/null || true"
        eventually 5 listens 8080
        new_container c1 busybox --device "www,type=proxy,listen=tcp:127.0.0.1:8080,connect=tcp:127.0.0.1:80"
        start_fails "device 'www'.*'tcp:127.0.0.1:8080': Address already in use" c1
        expect berthctl device remove c1 www
        expect berthctl start c1
        refused "device 'www'.*'tcp:127.0.0.1:8080': Address already in use" berthctl device add c1 www proxy listen=tcp:127.0.0.1:8080 connect=tcp:127.0.0.1:80
        refused "device 'www'.*'tcp:192.0.2.77:8080': Cannot assign" berthctl device add c1 www proxy listen=tcp:192.0.2.77:8080 connect=tcp:127.0.0.1:80
        refused "stream of datagrams" berthctl device add c1 www proxy listen=udp:0.0.0.0:53 connect=tcp:127.0.0.1:53
        refused "Bind: 'both'" berthctl device add c1 www proxy listen=tcp:127.0.0.1:8099 connect=tcp:127.0.0.1:80 bind=both
        refused "Listen: 'tcp:0.0.0.0:80-90'" berthctl device add c1 www proxy listen=tcp:0.0.0.0:80-90 connect=tcp:127.0.0.1:80
        refused "Listen: 'tcp:localhost:80'" berthctl device add c1 www proxy listen=tcp:localhost:80 connect=tcp:127.0.0.1:80
        refused "Listen: 'tcp:0.0.0.0:0'" berthctl device add c1 www proxy listen=tcp:0.0.0.0:0 connect=tcp:127.0.0.1:80
        refused "Listen: 'unix:/run/../etc/x'" berthctl device add c1 www proxy listen=unix:/run/../etc/x connect=tcp:127.0.0.1:80
        refused "Listen: 'unix:/run/%n'" berthctl device add c1 www proxy listen=unix:/run/%n connect=tcp:127.0.0.1:80
        refused "needs Connect=" berthctl device add c1 www proxy listen=tcp:127.0.0.1:8099
        expect berthctl device add c1 a proxy listen=tcp:127.0.0.1:8099 connect=tcp:127.0.0.1:80
        refused "in the way of device 'a'" berthctl device add c1 b proxy listen=tcp:127.0.0.1:8099 connect=tcp:127.0.0.1:81
        # another container's is in the way as well
        new_container c2 busybox --device "b,type=proxy,listen=tcp:127.0.0.1:8099,connect=tcp:127.0.0.1:80"
        start_fails "device 'b'.*Address already in use" c2
        expect berthctl stop c1
        no_units || fail "units are left: $(units)"
}

# ask_udp ADDRESS PORT WORD: what comes back, to a socket that takes an answer from nowhere else.
ask_udp() {
        perl -MIO::Socket::IP -e '$s = IO::Socket::IP->new(Proto => "udp", PeerHost => $ARGV[0], PeerPort => $ARGV[1]) or die; alarm 5; send($s, $ARGV[2], 0); defined(recv($s, $b, 100, 0)) or exit 1; print $b' "$@"
}

# SERVE_UDP ADDRESS PORT: answers with what it is told.
SERVE_UDP='$s = IO::Socket::IP->new(Proto => "udp", LocalHost => $ARGV[0], LocalPort => $ARGV[1]) or die "$!";
        fork and exit; close(STDOUT); close(STDERR); close(STDIN); alarm 100; while (1) { defined($p = recv($s, $b, 100, 0)) or next; send($s, "got $b", 0, $p) }'

# ask_file PATH WORD: of a socket that is a file.
ASK_FILE='$s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "$!"; alarm 5; print $s "$ARGV[1]\n"; shutdown($s, 1); print <$s>'
ask_file() {
        perl -MIO::Socket::UNIX -e "$ASK_FILE" "$@"
}

ASK_TCP='$s = IO::Socket::INET->new(PeerAddr => $ARGV[0]) or die "$!"; alarm 5; print $s "$ARGV[1]\n"; shutdown($s, 1); print <$s>'

# SERVE_FILE PATH UID WORD: answers WORD and what it was told.
SERVE_FILE='unlink $ARGV[0]; $l = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 5) or die "$!"; chmod(0600, $ARGV[0]); chown($ARGV[1], $ARGV[1], $ARGV[0]);
        fork and exit; close(STDOUT); close(STDERR); close(STDIN); alarm 100; while ($c = $l->accept) { print $c "$ARGV[2] ", <$c>; close $c }'

# datagrams: each sender gets his own answers, from the address that he has asked
test_R81_proxy_udp() {
        run_container c1 bookworm --no-profiles
        inside c1 perl -MIO::Socket::IP -e "$SERVE_UDP" 127.0.0.1 53
        inside c1 perl -MIO::Socket::IP -e "$SERVE_UDP" ::1 53
        expect_fail ask_udp 127.0.0.1 5353 one
        expect berthctl device add c1 dns proxy listen=udp:0.0.0.0:5353 connect=udp:127.0.0.1:53
        expect berthctl device add c1 dns6 proxy 'listen=udp:[::1]:5354' 'connect=udp:[::1]:53'
        assert_match "$(ask_udp 127.0.0.1 5353 one)" '^got one$'
        assert_match "$(ask_udp 127.0.0.3 5353 two)" '^got two$'
        assert_match "$(ask_udp ::1 5354 six)" '^got six$'
        local i n=0
        for i in {1..20}; do
                ask_udp 127.0.0.1 5353 "word$i" >"$TEST_TMP/answer$i" &
        done
        wait
        for i in {1..20}; do
                ! grep -q "^got word$i$" "$TEST_TMP/answer$i" || n=$((n + 1))
        done
        # they are datagrams: one may be lost
        [ "$n" -ge 18 ] || fail "$n of 20 have their answer"
        local pid
        pid=$(systemctl show -P MainPID berth-c1_dns.service)
        assert_match "$(cat "/proc/$pid/status")" 'CapEff:[[:space:]]0000000000000000.*NoNewPrivs:[[:space:]]1.*Seccomp:[[:space:]]2'
        [ "$(stat -c %u "/proc/$pid")" -ge 61184 ] || fail "it is somebody: $(stat -c %u "/proc/$pid")"
        new_container c2 busybox --device "dns,type=proxy,listen=udp:0.0.0.0:5353,connect=udp:127.0.0.1:53"
        start_fails "device 'dns'.*'udp:0.0.0.0:5353': Address already in use" c2
        expect berthctl stop c1
        no_units || fail "units are left: $(units)"
        expect_fail ask_udp 127.0.0.1 5353 one
}

# a socket that is a file of the guest's: reached as its root does, and nowhere else, whatever the guest makes of the path
test_R81_proxy_to_guests_file() {
        on_exit 'rm -f /run/test-secret'
        perl -MIO::Socket::UNIX -e "$SERVE_FILE" /run/test-secret 0 secret
        run_container d1 bookworm --no-profiles
        expect berthctl device add d1 app proxy listen=tcp:127.0.0.1:8077 connect=unix:/srv/app
        expect berthctl device add d1 file proxy listen=unix:/run/test-proxy/s connect=unix:/srv/app
        on_exit 'rm -rf /run/test-proxy'
        inside d1 perl -MIO::Socket::UNIX -e "$SERVE_FILE" /srv/app 33 guest
        assert_eq "$(ask_file /run/test-proxy/s hello)" "guest hello"
        assert_eq "$(perl -MIO::Socket::INET -e "$ASK_TCP" 127.0.0.1:8077 hello)" "guest hello"
        local pid data
        pid=$(systemctl show -P MainPID berth-d1_app.service)
        assert_eq "$(readlink "/proc/$pid/ns/user")" "$(readlink "/proc/$(leader_of d1)/ns/user")"
        assert_eq "$(stat -c %u "/proc/$pid/task")" "$(uid_base d1)"
        # the guest does not see it
        ! inside d1 sh -c 'cat /proc/[0-9]*/comm' | grep -q berth-proxy || fail "the guest sees it"
        # more than a buffer, both ways
        data=$(head -c 300000 /dev/zero | tr '\0' x)
        [ "$(ask_file /run/test-proxy/s "$(head -c 100000 <<<"$data")" | wc -c)" = 100007 ] || fail "not all came back"
        # links end in the guest
        inside d1 rm /srv/app
        inside d1 ln -s /run/test-secret /srv/app
        assert_eq "$(ask_file /run/test-proxy/s hello || true)" ""
        inside d1 ln -sfn ../../../../../../../../run/test-secret /srv/app
        assert_eq "$(ask_file /run/test-proxy/s hello || true)" ""
        inside d1 ln -sfn "/proc/1/root/run/test-secret" /srv/app
        assert_eq "$(ask_file /run/test-proxy/s hello || true)" ""
        inside d1 ln -sfn /run/test-secret /srv/app
        inside d1 perl -MIO::Socket::UNIX -e "$SERVE_FILE" /run/test-secret 0 guest
        assert_eq "$(ask_file /run/test-proxy/s hello)" "guest hello"
        assert_eq "$(ask_file /run/test-secret hello)" "secret hello"
        expect berthctl device remove d1 app
        expect berthctl device remove d1 file
        no_units || fail "units are left: $(units)"
}

# the other way round: what listens in the guest leads to the host
test_R81_proxy_of_the_host() {
        local file
        mkdir -p "$TEST_TMP/w"
        echo host >"$TEST_TMP/w/index.html"
        busybox httpd -f -p 127.0.0.1:8078 -h "$TEST_TMP/w" &
        on_exit "kill $! 2>/dev/null || true"
        on_exit 'rm -f /run/test-secret'
        perl -MIO::Socket::UNIX -e "$SERVE_FILE" /run/test-secret 0 host
        run_container d1 bookworm --no-profiles
        expect berthctl config device add d1 www proxy bind=instance listen=tcp:127.0.0.1:80 connect=tcp:127.0.0.1:8078
        ! listens 80 || fail "the host listens"
        assert_match "$(inside d1 perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:80") or die; print $s "GET / HTTP/1.0\r\n\r\n"; print <$s>')" host
        # an address that the guest has not got yet
        expect berthctl device add d1 later proxy bind=container listen=tcp:10.9.8.7:80 connect=unix:/run/test-secret
        inside d1 ip addr add 10.9.8.7/32 dev lo 2>/dev/null || nsenter -t "$(leader_of d1)" -n ip addr add 10.9.8.7/32 dev lo
        assert_eq "$(inside d1 perl -MIO::Socket::INET -e "$ASK_TCP" 10.9.8.7:80 hello)" "host hello"
        # a file there, its owner's, with a file here
        expect berthctl device add d1 file proxy bind=container listen=unix:/srv/agent connect=unix:/run/test-secret uid=33 gid=33 mode=0600
        assert_eq "$(inside d1 stat -c '%u:%g %a %F' /srv/agent)" "33:33 600 socket"
        assert_eq "$(inside d1 perl -MIO::Socket::UNIX -e "$ASK_FILE" /srv/agent hello)" "host hello"
        local pid
        for file in berth-d1_later.service berth-d1_file.service; do
                pid=$(systemctl show -P MainPID "$file")
                assert_match "$(cat "/proc/$pid/status")" 'CapEff:[[:space:]]0000000000000000.*NoNewPrivs:[[:space:]]1.*Seccomp:[[:space:]]2'
        done
        expect berthctl device set d1 file listen=unix:/srv/other
        expect_fail inside d1 test -e /srv/agent
        expect inside d1 test -S /srv/other
        # it is the guest's directory, whatever the guest makes of it
        inside d1 sh -c 'ln -s /etc /srv/link'
        expect berthctl device add d1 odd proxy bind=container listen=unix:/srv/link/test-odd connect=unix:/run/test-secret
        expect inside d1 test -S /etc/test-odd
        [ ! -e /etc/test-odd ] || fail "it is on the host"
        inside d1 sh -c 'rm -f /srv/other; echo mine >/srv/other'
        expect_fail --message "nothing can listen on 'unix:/srv/other' in the container" berthctl restart d1
        inside_is_there
}

inside_is_there() {
        systemctl reset-failed berth@d1 2>/dev/null || true
        expect berthctl device set d1 file listen=unix:/srv/agent
        expect berthctl start d1
        expect inside d1 test -S /srv/agent
        assert_eq "$(inside d1 cat /srv/other)" mine
        kill -KILL "$(supervisor_of d1)"
        eventually 20 state_is d1 failed
        eventually 10 no_units
        systemctl reset-failed berth@d1
        expect berthctl start d1
        assert_eq "$(inside d1 perl -MIO::Socket::UNIX -e "$ASK_FILE" /srv/agent hello)" "host hello"
        expect berthctl stop d1
        no_units || fail "units are left: $(units)"
}

# addresses of the host are the administrator's to give
test_S35_proxy_is_the_administrators() {
        polkit_rule proxy 'if (subject.user == "alice" && action.id.indexOf("org.berth1.") == 0) return polkit.Result.YES;'
        on_exit 'forget u1'
        eventually 10 as alice berthctl create busybox u1
        refused "administrator" as alice berthctl device add u1 www proxy listen=tcp:127.0.0.1:8080 connect=tcp:127.0.0.1:80
        refused "administrator" as alice berthctl create busybox u2 --device "www,type=proxy,listen=tcp:127.0.0.1:8080,connect=tcp:127.0.0.1:80"
        refused "administrator" as alice berthctl device add u1 www proxy listen=unix:/srv/x connect=unix:/run/dbus/system_bus_socket bind=container
        expect berthctl device add u1 www proxy listen=tcp:127.0.0.1:8080 connect=tcp:127.0.0.1:80
        refused "administrator" as alice berthctl device set u1 www bind=container
        refused "administrator" as alice berthctl device remove u1 www
        refused "administrator" as alice berthctl device set u1 www listen=tcp:127.0.0.1:8081
        expect as alice berthctl start u1
        serve u1 127.0.0.1:80
        assert_eq "$(get http://127.0.0.1:8080/)" hello
}
