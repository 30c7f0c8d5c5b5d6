# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# berth on hosts whose network others keep: it comes, containers use it, it goes, and the host's own network is as it was.
# limit: 300

# network_state: all that the host calls its own; what is berth's is left out.
network_state() {
        host_sh '
                ip -o addr | sed "s/ tentative//; s/ valid_lft.*//" | grep -v "berthbr0\|bv-" || true
                ip -o link | sed "s/^[0-9]*: //" | grep -v "berthbr0\|bv-" || true
                ip -4 route show table all | grep -v berthbr0 || true
                ip -6 route show table all | sed "s/ expires [0-9a-z]*//" | grep -v "berthbr0\|bv-\|table local" || true
                ip rule
                ip -6 rule
                cat /etc/resolv.conf
                for f in /proc/sys/net/ipv6/conf/{td0,nd0,ifd0}/{accept_ra,forwarding}; do [ ! -e $f ] || echo "$(basename $f)"; done
                nmcli --terse --fields NAME,UUID,TYPE,DEVICE,STATE connection show 2>/dev/null | grep -v "berthbr0\|bv-" || true
                nmcli --terse --fields DEVICE,TYPE,STATE,CONNECTION device 2>/dev/null | grep -v "berthbr0\|bv-" || true
                networkctl list --no-legend 2>/dev/null | awk "\$2 !~ /^(berthbr0|bv-)/ && \$5 != \"unmanaged\"" || true
        ' 2>/dev/null
}

state_is_as() {
        [ "$(network_state)" = "$1" ]
}

# unchanged STATE WHEN
unchanged() {
        wait_until 10 state_is_as "$1" && return 0
        diff <(echo "$1") <(network_state) >&2 || true
        fail "the host's network has changed: $2 (< before, > now)"
}

# outer: a network that the host is in by td0, with a router, a DHCP server and a name server's address; a namespace of its own plays it.
outer() {
        host_sh '
                ip netns add outer
                ip link add td0 type veth peer name eth0 netns outer
                ip -n outer link set lo up
                ip -n outer link set eth0 up
                ip -n outer addr add 192.168.77.1/24 dev eth0
                ip -n outer addr add 198.51.100.1/32 dev lo
                printf "%s\n" "interface eth0" "start 192.168.77.100" "end 192.168.77.120" "lease_file /run/outer.leases" "pidfile /run/outer.pid" \
                        "option subnet 255.255.255.0" "opt router 192.168.77.1" "opt dns 192.168.77.1" >/run/outer.conf
                touch /run/outer.leases
                systemd-run --quiet --unit=outer-dhcp -p NetworkNamespacePath=/run/netns/outer busybox udhcpd -f /run/outer.conf'
}

# router_advertises: one of the outer network, an hour long; nothing in Debian that is small does that.
router_advertises() {
        cat >router.pl <<'END'
use Socket qw(:all);
my ($index) = `ip -o link show eth0` =~ /^(\d+):/ or die;
socket(my $s, AF_INET6, SOCK_RAW, 58) or die $!;
setsockopt($s, 41, 18, pack("i", 255)) or die $!;
setsockopt($s, 41, 17, pack("i", $index)) or die $!;
my $ra = pack("CCnCCnNN", 134, 0, 0, 64, 0, 3600, 0, 0) . pack("CCCCNNN", 3, 4, 64, 0xc0, 7200, 3600, 0) . inet_pton(AF_INET6, "fd55:1::");
send($s, $ra, 0, pack_sockaddr_in6(0, inet_pton(AF_INET6, "ff02::1"), $index)) or die $!;
END
        host_push router.pl /root/router.pl
        host_run ip netns exec outer perl /root/router.pl
}

has_ra_route() {
        router_advertises
        host_run sh -c 'ip -6 route show default | grep -q "dev td0.*proto ra"'
}

bridge_has_address() {
        [ -n "$(host_run sh -c "ip -4 -o addr show dev berthbr0 | grep -o ' 10[.][0-9.]*'")" ]
}

# use_containers: one with what is shipped gets its address, and reaches what is behind the host.
use_containers() {
        local tar
        tar=$("$TOP/test/guest" busybox "$PWD/busybox.tar" && echo "$PWD/busybox.tar")
        host_push "$tar" /root/busybox.tar
        host_run berthctl import --quiet /root/busybox.tar --alias busybox
        host_run berthctl launch busybox c1
        wait_until 20 bridge_has_address || fail "the bridge has no address"
        host_sh 'berthctl exec c1 -- sh -c '\''printf "#!/bin/sh\n[ \"\$1\" = bound ] || exit 0\nip addr add \$ip/\$mask dev \$interface\nip route add default via \$router\necho \$dns >/root/dns\n" >/root/u.sh
                chmod 755 /root/u.sh; udhcpc -i eth0 -n -q -t 20 -T 1 -s /root/u.sh'\'
}

# stop_and_remove: berth goes, and its bridge with it.
stop_and_remove() {
        host_run berthctl delete --force c1
        host_run dpkg --remove berth
        ! host_run ip link show berthbr0 2>/dev/null || fail "the bridge is still there"
        ! host_run systemctl is-active --quiet systemd-networkd || fail "systemd-networkd still runs"
        assert_eq "$(host_run sh -c 'find /run/systemd -name "*berth*" -not -path "*/transient/*"; nft list ruleset | grep elements || true')" ""
}

# connections of NetworkManager: one by DHCP with the default route, one with static addresses and a route; it does not touch berth's
test_R129_network_manager() {
        local before
        host_up --networks --no-berth
        outer
        host_sh '
                nmcli --wait 20 connection add type ethernet ifname td0 con-name uplink ipv6.method disabled
                nmcli --wait 20 connection up uplink
                nmcli --wait 20 connection add type bridge ifname nd0 con-name static bridge.stp no ipv4.method manual ipv4.addresses 10.55.1.1/24 ipv4.routes "10.56.0.0/16 10.55.1.2" ipv6.method disabled
                nmcli --wait 20 connection up static
                for _ in {1..50}; do ! nmcli --terse --fields DEVICE,STATE device | grep "^nd0:connected$" || break; sleep 0.2; done
                ip route show default dev td0 | grep 192.168.77.1
                grep 192.168.77.1 /etc/resolv.conf'
        before=$(network_state)
        assert_match "$before" '10\.56\.0\.0/16.*uplink:.*td0:activated'
        "$TOP/test/host" install "$TEST_HOST"
        unchanged "$before" "berth was installed"
        use_containers
        unchanged "$before" "a container runs"
        assert_eq "$(host_run sh -c 'nmcli --terse --fields DEVICE,STATE device | grep "^berthbr0\|^bv-" | sed "s/.*://" | sort -u')" unmanaged
        expect host_run berthctl exec c1 -- ping -c 1 -W 5 198.51.100.1
        assert_eq "$(host_run berthctl exec c1 -- cat /root/dns)" 192.168.77.1
        host_sh 'nmcli general reload; systemctl restart NetworkManager; nm-online --timeout 20 --quiet'
        unchanged "$before" "NetworkManager was started anew"
        expect host_run berthctl exec c1 -- ping -c 1 -W 5 198.51.100.1
        stop_and_remove
        unchanged "$before" "berth was removed"
}

# interfaces of ifupdown: static ones, and one that has its IPv6 by the kernel from a router, which it still hears when the host forwards
test_R129_ifupdown() {
        local before
        host_up --networks --no-berth
        host_run systemctl --quiet disable --now NetworkManager
        outer
        host_sh '
                cat >/etc/network/interfaces.d/test <<END
auto ifd0
iface ifd0 inet static
        pre-up ip link add ifd0 type bridge || true
        address 10.57.1.1/24
        up ip route add 10.58.0.0/16 via 10.57.1.2
auto td0
iface td0 inet static
        address 192.168.77.50/24
        gateway 192.168.77.1
iface td0 inet6 auto
END
                systemctl restart networking
                ip link set td0 up
                echo nameserver 192.168.77.1 >/etc/resolv.conf'
        wait_until 20 has_ra_route || fail "no route by IPv6 at the beginning"
        before=$(network_state)
        assert_match "$before" '10\.58\.0\.0/16'
        assert_match "$before" 'td0.*fd55:1:'
        "$TOP/test/host" install "$TEST_HOST"
        use_containers
        expect host_run berthctl exec c1 -- ping -c 1 -W 5 198.51.100.1
        assert_eq "$(host_run cat /proc/sys/net/ipv4/ip_forward)" 1
        unchanged "$before" "a container runs"
        host_run ip -6 route flush proto ra
        wait_until 20 has_ra_route || fail "the host does not hear its router any more"
        unchanged "$before" "routes by IPv6 came again"
        # that this is not by chance
        host_sh 'echo 1 >/proc/sys/net/ipv6/conf/td0/accept_ra; ip -6 route flush proto ra'
        ! wait_until 2 has_ra_route || fail "a host that forwards hears routers anyway"
        host_sh 'echo 2 >/proc/sys/net/ipv6/conf/td0/accept_ra'
        host_sh 'systemctl restart networking'
        stop_and_remove
        wait_until 20 has_ra_route || fail "the host does not hear its router any more"
        unchanged "$before" "berth was removed"
}

classic_has_address() {
        [ -n "$(host_run sh -c "berthctl exec g1 -- ip -4 -o addr show dev eth0 scope global 2>/dev/null")" ]
}

# a guest with ifupdown and dhclient, as many images are, gets its address by itself; the image is made of the host
test_R75_guest_with_ifupdown() {
        host_up --networks
        host_sh '
                systemctl --quiet disable --now NetworkManager
                mkdir -p /var/tmp/x/etc/network/interfaces.d /var/tmp/x/var/lib/dhcp
                printf "auto eth0\niface eth0 inet dhcp\n" >/var/tmp/x/etc/network/interfaces.d/eth0
                cd /
                tar -C / --one-file-system --exclude="./usr/share/doc" --exclude="./usr/share/locale" --exclude="./etc/machine-id" -cf /var/tmp/classic.tar ./bin ./sbin ./lib* ./usr ./etc
                tar -C /var/tmp/x -rf /var/tmp/classic.tar ./etc/network/interfaces.d/eth0 ./var
                berthctl import --quiet /var/tmp/classic.tar --alias classic
                rm /var/tmp/classic.tar
                berthctl launch classic g1'
        wait_until 60 classic_has_address || fail "no address: $(host_run berthctl exec g1 -- systemctl status networking --no-pager 2>&1)"
        assert_match "$(host_run berthctl exec g1 -- ps -e -o comm=)" dhclient
        host_run berthctl delete --force g1
}
