# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Interfaces of containers, and the bridge that berth makes.
# guests: busybox bookworm

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox bookworm
        no_bridge
}

teardown_file() {
        remove_all
        no_bridge
        ip link delete tbr0 2>/dev/null || true
        ip link delete tbr1 2>/dev/null || true
}

# no_bridge: as on a host where berth has made none yet.
no_bridge() {
        ip link delete berthbr0 2>/dev/null || true
        systemctl stop systemd-networkd.socket systemd-networkd.service 2>/dev/null || true
        rm -rf /run/berth/.bridge /run/systemd/network/80-berthbr0.network.d /run/systemd/networkd.conf.d/10-berth.conf "$STORE/bridge-berthbr0"
}

bridge() {
        on_exit "ip link delete '$1' 2>/dev/null || true"
        ip link add "$1" type bridge
        ip link set "$1" up
}

# ports: how many host's ends there are.
ports() {
        ip -o link show type veth | grep -c ' bv-' || true
}

ports_are() {
        [ "$(ports)" = "$1" ]
}

address_of_bridge() {
        ip -4 -o addr show dev berthbr0 | awk '{ print $4 }' | head -n 1
}

mac_inside() {
        inside "$1" cat "/sys/class/net/$2/address"
}

# dhcp NAME INTERFACE: busybox's client.
dhcp() {
        inside "$1" sh -c 'printf "#!/bin/sh\n[ \"\$1\" = bound ] || exit 0\nip addr add \$ip/\$mask dev \$interface\nip route replace default via \$router\n" >/root/u.sh; chmod 755 /root/u.sh
                udhcpc -i '"$2"' -n -q -t 20 -T 1 -s /root/u.sh'
}

has_address() {
        [ -n "$(inside "$1" ip -4 -o addr show dev "$2" scope global)" ]
}

machinectl_knows_address() {
        machinectl list --no-legend --max-addresses=all -l | grep "^$1 " -A3 | grep -q "$2"
}

# default_profile_with_eth0: the lines that the shipped profile has as a comment, in a copy of the administrator's.
default_profile_with_eth0() {
        on_exit 'rm -rf /etc/berth/profiles'
        mkdir -p /etc/berth/profiles
        sed 's/^#    //' /usr/lib/berth/profiles/default.conf >/etc/berth/profiles/default.conf
        grep -q '^Parent=berthbr0' /etc/berth/profiles/default.conf
}

# the bridge comes when it is wanted, with a network; an address by DHCP, one by IPv6, and the host knows them by name
test_R75_default_profile_bridge_dhcp_and_names() {
        on_exit no_bridge
        default_profile_with_eth0
        local address
        ! ip link show berthbr0 >/dev/null 2>&1 || fail "there is a bridge already"
        run_container c1 busybox
        assert_match "$(ip -o link show berthbr0)" 'berthbr0'
        eventually 10 systemctl is-active --quiet systemd-networkd
        expect dhcp c1 eth0
        address=$(inside c1 ip -4 -o addr show dev eth0 scope global | awk '{ sub("/.*", "", $4); print $4 }')
        assert_match "$address" '^10\.'
        expect ping -c 1 -W 5 "$address"
        expect inside c1 ping -c 1 -W 5 "$(address_of_bridge | cut -d/ -f1)"
        eventually 20 machinectl_knows_address c1 "$address"
        assert_match "$(getent ahostsv4 c1)" "$address"
        assert_match "$(field c1 addresses)" "$address"
        eventually 20 eval 'inside c1 ip -6 addr show dev eth0 | grep -q "inet6 fd"'
        assert_match "$(cat /run/systemd/network/80-berthbr0.network.d/50-subnet.conf)" 'Address=10\.'
}

# containers reach each other; addresses and names are the same after a restart, and other containers have others
test_R81_two_containers() {
        on_exit no_bridge
        local mac
        run_container c1 busybox --no-profiles --device "eth0,type=nic,ipv4.address=10.251.1.1/24"
        run_container c2 busybox --no-profiles --device "eth0,type=nic,ipv4.address=10.251.1.2/24,ipv6.address=fd77::2/64"
        expect inside c1 ping -c 1 -W 5 10.251.1.2
        mac=$(mac_inside c1 eth0)
        [ "$mac" != "$(mac_inside c2 eth0)" ] || fail "two have the same hardware address"
        [ -e /sys/class/net/bv-c1_eth0 ] || fail "the host's end has another name"
        assert_eq "$(basename "$(readlink -f /sys/class/net/bv-c1_eth0/master)")" berthbr0
        expect berthctl restart c1
        assert_eq "$(mac_inside c1 eth0)" "$mac"
        expect inside c2 ping -c 1 -W 5 10.251.1.1
        expect berthctl reboot c1
        eventually 20 inside c2 ping -c 1 -W 1 10.251.1.1
        assert_eq "$(mac_inside c1 eth0)" "$mac"
}

# a second interface appears and goes while it runs; LXD's words
test_R81_live() {
        bridge tbr0
        run_container c1 busybox --no-profiles
        expect_fail inside c1 test -e /sys/class/net/eth1
        expect berthctl config device add c1 eth1 nic nictype=bridged parent=tbr0 name=lan0 hwaddr=02:00:00:00:00:11 mtu=1400 \
                ipv4.address=10.252.0.2/24 ipv4.gateway=10.252.0.1 ipv6.address=fd78::2/64
        assert_eq "$(mac_inside c1 lan0)" 02:00:00:00:00:11
        assert_eq "$(inside c1 cat /sys/class/net/lan0/mtu)" 1400
        assert_match "$(inside c1 ip route)" 'default via 10\.252\.0\.1 dev lan0'
        assert_match "$(inside c1 ip -6 addr show dev lan0)" 'fd78::2/64'
        ip addr add 10.252.0.1/24 dev tbr0
        expect inside c1 ping -c 1 -W 5 10.252.0.1
        expect berthctl device set c1 eth1 ipv4.address=10.252.0.3/24
        expect ping -c 1 -W 5 10.252.0.3
        expect berthctl device remove c1 eth1
        expect_fail inside c1 test -e /sys/class/net/lan0
        eventually 5 ports_are 0
}

# the host's end goes, whoever dies first
test_R81_nothing_is_left() {
        bridge tbr0
        run_container c1 busybox --no-profiles --device "eth0,type=nic,parent=tbr0"
        assert_eq "$(ports)" 1
        expect berthctl stop c1
        eventually 10 ports_are 0
        expect berthctl start c1
        kill -KILL "$(supervisor_of c1)"
        eventually 20 state_is c1 failed
        eventually 10 ports_are 0
        systemctl reset-failed berth@c1
        expect berthctl start c1
        kill -KILL "$(leader_of c1)"
        eventually 10 ports_are 0
        eventually 10 state_is c1 failed
        systemctl reset-failed berth@c1
        # at once again: what is left of the old one is no hindrance
        expect berthctl start c1
        for _ in 1 2 3; do
                expect berthctl stop --force c1
                expect berthctl start c1
        done
}

# two bridges, and a pair whose other end is the host's
test_R81_two_bridges_and_p2p() {
        bridge tbr0
        bridge tbr1
        run_container c1 busybox --no-profiles --device "a,type=nic,parent=tbr0" --device "b,type=nic,parent=tbr1" \
                --device "c,type=nic,nictype=p2p,host_name=tp0,ipv4.address=10.253.0.2/30"
        assert_eq "$(basename "$(readlink -f /sys/class/net/bv-c1_a/master)")" tbr0
        assert_eq "$(basename "$(readlink -f /sys/class/net/bv-c1_b/master)")" tbr1
        ip addr add 10.253.0.1/30 dev tp0
        expect inside c1 ping -c 1 -W 5 10.253.0.1
        assert_eq "$(inside c1 ls /sys/class/net | tr '\n' ' ')" "a b c lo "
}

# macvlan, and one of the host's own that comes back
test_R81_macvlan_and_physical() {
        on_exit 'ip link delete td0 2>/dev/null || true'
        ip link add td0 type veth peer name td1
        ip link set td0 up
        ip link set td1 up
        run_container c1 busybox --no-profiles --device "m0,type=nic,nictype=macvlan,parent=td0"
        expect inside c1 test -e /sys/class/net/m0
        expect berthctl device remove c1 m0
        run_container c2 busybox --no-profiles --device "lan,type=nic,nictype=physical,parent=td0,ipv4.address=10.254.0.2/24"
        expect inside c2 test -e /sys/class/net/lan
        ! ip link show td0 2>/dev/null || fail "the host has it still"
        expect berthctl device remove c2 lan
        expect ip link show td0
        expect berthctl device add c2 lan nic nictype=physical parent=td0
        ! ip link show td0 2>/dev/null || fail "the host has it still"
        expect berthctl stop c2
        eventually 10 ip link show td0
}

# no interface at all
test_R81_none() {
        on_exit no_bridge
        default_profile_with_eth0
        run_container c3 busybox
        assert_eq "$(inside c3 ls /sys/class/net | tr '\n' ' ')" "eth0 lo "
        expect berthctl device set c3 eth0 type=none
        assert_eq "$(inside c3 ls /sys/class/net)" lo
        run_container c1 busybox --no-profiles
        assert_eq "$(inside c1 ls /sys/class/net)" lo
        run_container c2 busybox --no-profiles --device "eth0,type=none"
        assert_eq "$(inside c2 ls /sys/class/net)" lo
}

# what cannot be given
test_R81_cannot_be_given() {
        on_exit 'ip link delete td0 2>/dev/null || true'
        ip link add td0 type veth peer name td1
        new_container c1 busybox --no-profiles --device "eth0,type=nic,parent=tbr77"
        start_fails "device 'eth0'.*'tbr77'" c1
        expect berthctl device set c1 eth0 parent=td0
        start_fails "device 'eth0'.*'td0' is no bridge" c1
        expect berthctl device set c1 eth0 type=none
        expect berthctl start c1
        refused "device 'e1'.*'tbr77'" berthctl device add c1 e1 nic parent=tbr77
        refused "MTUBytes: .*'12'" berthctl device add c1 e1 nic mtu=12
        refused "IPv4Address: .*'10.0.0.1'" berthctl device add c1 e1 nic ipv4.address=10.0.0.1
        refused "MACAddress: .*'01:00" berthctl device add c1 e1 nic hwaddr=01:00:00:00:00:00
        refused "needs Parent=" berthctl device add c1 e1 nic nictype=macvlan
        eventually 5 ports_are 0
}

# the subnet is free when it is chosen, and the same from there on
test_R20_free_subnet() {
        on_exit no_bridge
        local first second
        no_bridge
        on_exit 'ip link delete td0 2>/dev/null || true'
        new_container c1 busybox --no-profiles --device eth0,type=nic
        expect berthctl start c1
        eventually 20 address_is_there
        first=$(address_of_bridge)
        expect berthctl stop c1
        ip link delete berthbr0
        expect berthctl start c1
        eventually 20 address_is_there
        assert_eq "$(address_of_bridge)" "$first"
        expect berthctl stop c1
        ip link delete berthbr0
        # somebody else has it now, as the outer bridge has it for a nested host
        ip link add td0 type veth peer name td1
        ip link set td0 up
        ip link set td1 up
        ip addr add "${first%.*}.77/24" dev td0
        expect berthctl start c1
        eventually 20 address_is_there
        second=$(address_of_bridge)
        [ "${first%.*}" != "${second%.*}" ] || fail "the network of td0 was taken"
        assert_match "$(ip -4 addr show dev td0)" "${first%.*}.77/24"
}

address_is_there() {
        [ -n "$(address_of_bridge)" ]
}

# a host whose network is kept by others keeps it, and networkd is not started where that would change something
test_R129_host_network_stays() {
        on_exit no_bridge
        local before
        no_bridge
        on_exit 'ip link delete td0 2>/dev/null; ip rule delete priority 4242 2>/dev/null; rm -f /etc/systemd/network/50-test.network; true'
        ip link add td0 type veth peer name td1
        ip link set td0 up
        ip link set td1 up
        ip addr add 10.99.99.1/24 dev td0
        ip route add 10.98.0.0/16 via 10.99.99.2 dev td0
        ip rule add priority 4242 from 10.97.0.0/16 lookup 77
        before=$(ip -4 -o addr show dev td0; ip route show dev td0; ip rule show)
        new_container c1 busybox --no-profiles --device eth0,type=nic
        printf '[Match]\nName=td0\n[Network]\nAddress=10.1.1.1/24\n' >/etc/systemd/network/50-test.network
        start_fails "berthbr0.*systemd-networkd" c1
        rm /etc/systemd/network/50-test.network
        expect berthctl start c1
        eventually 20 address_is_there
        sleep 1
        assert_eq "$(ip -4 -o addr show dev td0; ip route show dev td0; ip rule show)" "$before"
        assert_match "$(networkctl list td0 --no-legend)" unmanaged
}

# a guest with systemd-networkd gets its address by itself
test_R75_guest_with_networkd() {
        on_exit no_bridge
        run_container d1 bookworm --no-profiles --device eth0,type=nic
        inside d1 sh -c 'printf "[Match]\nName=eth0\n[Network]\nDHCP=yes\n" >/etc/systemd/network/eth0.network'
        expect inside d1 systemctl start systemd-networkd
        eventually 30 has_address_debian d1
}

has_address_debian() {
        [ -n "$(inside "$1" sh -c 'networkctl status eth0 --no-pager | grep -o "10\.[0-9.]*"')" ]
}

# nothing goes out under another's address, whatever root inside does
test_R81_filtering() {
        bridge tbr0
        ip addr add 10.250.0.1/24 dev tbr0
        ip addr add fd79::1/64 dev tbr0 nodad
        run_container c1 busybox --no-profiles --device "eth0,type=nic,parent=tbr0,ipv4.address=10.250.0.2/24,ipv6.address=fd79::2/64,security.mac_filtering=yes,security.ipv4_filtering=yes,security.ipv6_filtering=yes"
        expect inside c1 ping -c 1 -W 5 10.250.0.1
        eventually 10 inside c1 ping -c 1 -W 2 fd79::1
        inside c1 ip addr add 10.250.0.66/24 dev eth0
        inside c1 ip addr add fd79::66/64 dev eth0
        expect_fail inside c1 ping -c 1 -W 2 -I 10.250.0.66 10.250.0.1
        expect_fail inside c1 ping -c 1 -W 2 -I fd79::66 fd79::1
        expect inside c1 ping -c 1 -W 5 -I 10.250.0.2 10.250.0.1
        inside c1 sh -c 'ip link set eth0 down; ip link set eth0 address 02:00:00:00:00:99; ip link set eth0 up'
        expect_fail inside c1 ping -c 1 -W 2 10.250.0.1
        expect berthctl device set c1 eth0 security.mac_filtering=no security.ipv4_filtering=no security.ipv6_filtering=no
        expect inside c1 ping -c 1 -W 5 10.250.0.1
        [ -z "$(nft list tables netdev)" ] || fail "tables are left"
        refused "needs IPv4Address=" berthctl device add c1 e2 nic security.ipv4_filtering=yes
}

# rate_inside NAME: bytes a second that it gets from the host.
rate_to() {
        local start bytes
        start=${EPOCHREALTIME/[.,]/}
        bytes=$("$@" | wc -c)
        echo $((bytes * 1000000 / (${EPOCHREALTIME/[.,]/} - start)))
}

# limits.ingress and limits.egress hold, live
test_R94_limits() {
        local free limited
        bridge tbr0
        ip addr add 10.250.0.1/24 dev tbr0
        run_container c1 busybox --no-profiles --device "eth0,type=nic,parent=tbr0,ipv4.address=10.250.0.2/24"
        inside c1 sh -c 'head -c 8000000 /dev/zero >/root/data; mkdir -p /root/w; mv /root/data /root/w/; busybox httpd -p 80 -h /root/w'
        free=$(rate_to busybox wget -q -O - http://10.250.0.2/data)
        expect berthctl device set c1 eth0 limits.egress=8Mbit
        limited=$(rate_to timeout 4 busybox wget -q -O - http://10.250.0.2/data)
        say "without: $free bytes/s, with 1000000: $limited"
        [ "$free" -gt 4000000 ] || fail "too slow without a limit: $free"
        [ "$limited" -lt 1600000 ] && [ "$limited" -gt 50000 ] || fail "limit of 1000000 bytes/s gives $limited"
        expect berthctl device set c1 eth0 limits.ingress=8Mbit
        expect berthctl device unset c1 eth0 limits.egress
        head -c 8000000 /dev/zero >"$TEST_TMP/data"
        busybox httpd -f -p 10.250.0.1:8080 -h "$TEST_TMP" &
        on_exit "kill $! 2>/dev/null || true"
        limited=$(rate_to timeout 4 berthctl exec c1 -- wget -q -O - http://10.250.0.1:8080/data)
        [ "$limited" -lt 1600000 ] && [ "$limited" -gt 50000 ] || fail "limit of 1000000 bytes/s gives $limited inside"
}
