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
        rm -rf /run/systemd/network/80-berthbr0.network.d /run/systemd/network/80-container-host0.network.d /run/systemd/networkd.conf.d/10-berth.conf "$STORE/bridge-berthbr0"
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

# address_of NAME: its IPv4 address, as it sees it itself; nothing if there is none.
address_of() {
        inside "$1" ip -4 -o addr show dev eth0 scope global | awk '{ sub("/.*", "", $4); print $4 }'
}

# what the shipped profile gives: the bridge comes when it is wanted, with a network; an address by DHCP, one by IPv6, and the host knows them by name
test_R75_default_profile_bridge_dhcp_and_names() {
        on_exit no_bridge
        local address
        ! ip link show berthbr0 >/dev/null 2>&1 || fail "there is a bridge already"
        run_container c1 busybox
        assert_match "$(berthctl show --effective c1)" 'Device.eth0.Parent +berthbr0 +/usr/lib/berth/profiles/default.conf'
        assert_match "$(ip -o link show berthbr0)" 'berthbr0'
        eventually 10 systemctl is-active --quiet systemd-networkd
        expect dhcp c1 eth0
        address=$(address_of c1)
        assert_match "$address" '^10\.'
        expect ping -c 1 -W 5 "$address"
        expect inside c1 ping -c 1 -W 5 "$(address_of_bridge | cut -d/ -f1)"
        assert_match "$(inside c1 ip route)" "default via $(address_of_bridge | cut -d/ -f1) dev eth0"
        eventually 20 machinectl_knows_address c1 "$address"
        assert_match "$(getent ahostsv4 c1)" "$address"
        assert_match "$(field c1 addresses)" "$address"
        eventually 20 eval 'grep -q "inet6 fd" <<<"$(inside c1 ip -6 addr show dev eth0)"'
        assert_match "$(cat /run/systemd/network/80-berthbr0.network.d/50-subnet.conf)" 'Address=10\.'
}

# a user's container has it as well, and the user needs no right over the network for that
test_R75_users_container() {
        polkit_rule network 'if (subject.user == "alice" && action.id.indexOf("org.berth1.") == 0) return polkit.Result.YES;'
        on_exit 'forget u1'
        eventually 10 as alice berthctl create busybox u1
        expect as alice berthctl start u1
        assert_eq "$(as alice berthctl exec u1 -- ls /sys/class/net | tr '\n' ' ')" "eth0 lo "
        expect as alice berthctl exec u1 -- sh -c 'printf "#!/bin/sh\n[ \"\$1\" = bound ] && ip addr add \$ip/\$mask dev \$interface\n" >/root/u.sh; chmod 755 /root/u.sh; udhcpc -i eth0 -n -q -t 20 -T 1 -s /root/u.sh'
        expect ping -c 1 -W 5 "$(address_of u1)"
        assert_match "$(as alice berthctl list --json=short | jq -r '.[] | select(.name == "u1") | .addresses')" "$(address_of u1)"
        expect as alice berthctl device add u1 eth0 none
        assert_eq "$(as alice berthctl exec u1 -- ls /sys/class/net)" lo
}

# said NUMBER: how often that nobody gives addresses is in the journal since the beginning of the test.
said() {
        journalctl --sync
        [ "$(journalctl -b -o cat --since="@$SINCE" | grep -c 'Nobody gives addresses to containers' || true)" = "$1" ]
}

# without systemd-networkd everything but DHCP is there, the administrator is told once, and nobody waits
test_R75_host_without_networkd() {
        on_exit no_bridge
        local address seconds
        no_bridge
        SINCE=$(date +%s)
        on_exit 'systemctl unmask --runtime systemd-networkd.service'
        systemctl mask --runtime systemd-networkd.service
        new_container c1 busybox
        seconds=$(seconds berthctl start c1)
        [ "$seconds" -le 5 ] || fail "the start took $seconds s"
        assert_match "$(ip -o link show berthbr0)" ',UP'
        address=$(address_of_bridge)
        assert_match "$address" '^10\..*\.1/24$'
        assert_eq "$(cat /proc/sys/net/ipv6/conf/berthbr0/accept_ra)" 0
        eventually 5 said 1
        run_container c2 busybox
        expect berthctl device set c1 eth0 ipv4.address="${address%.*}.5/24" ipv4.gateway="${address%.*}.1"
        expect berthctl device set c2 eth0 ipv4.address="${address%.*}.6/24"
        expect inside c1 ping -c 1 -W 5 "${address%.*}.1"
        # A bridge forwards through a new port when the kernel has told it of the carrier, which it does once a second at the most.
        eventually 20 inside c1 ping -c 1 -W 2 "${address%.*}.6"
        said 1 || fail "it was said again"
        # one that comes later takes over
        systemctl unmask --runtime systemd-networkd.service
        systemctl start systemd-networkd
        expect berthctl device unset c1 eth0 ipv4.address ipv4.gateway
        eventually 30 dhcp c1 eth0
        assert_eq "$(address_of_bridge)" "$address"
}

# containers reach each other; addresses and names are the same after a restart, and other containers have others
test_R81_two_containers() {
        on_exit no_bridge
        local mac
        run_container c1 busybox --no-profiles --device "eth0,type=nic,ipv4.address=10.251.1.1/24"
        # One that begins like the host's ends do, as one in 64 that are made up does.
        run_container c2 busybox --no-profiles --device "eth0,type=nic,hwaddr=fe:12:34:56:78:9a,ipv4.address=10.251.1.2/24,ipv6.address=fd77::2/64"
        eventually 20 inside c1 ping -c 1 -W 5 10.251.1.2
        [ "$(cat /sys/class/net/bv-c2_eth0/address)" != fe:12:34:56:78:9a ] || fail "both ends have one hardware address"
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
        for _ in {1..12}; do
                expect berthctl stop --force c1
                expect berthctl start c1
        done
        assert_eq "$(ports)" 1
}

# two bridges, and a pair whose other end is the host's
test_R81_two_bridges_and_p2p() {
        bridge tbr0
        bridge tbr1
        run_container c1 busybox --no-profiles --device "a,type=nic,parent=tbr0" --device "b,type=nic,parent=tbr1" \
                --device "c,type=nic,nictype=p2p,host_name=tp0,ipv4.address=10.253.0.2/30"
        assert_eq "$(basename "$(readlink -f /sys/class/net/bv-c1_a/master)")" tbr0
        assert_eq "$(basename "$(readlink -f /sys/class/net/bv-c1_b/master)")" tbr1
        assert_eq "$(cat /proc/sys/net/ipv6/conf/tp0/accept_ra)" 0
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

# what the shipped profile gives goes from a running container, comes again, and is another's as it was
test_R82_none_masks_the_default_profile() {
        local mac
        run_container c1 busybox
        run_container c2 busybox
        assert_eq "$(inside c1 ls /sys/class/net | tr '\n' ' ')" "eth0 lo "
        mac=$(mac_inside c1 eth0)
        expect berthctl device add c1 eth0 none
        assert_eq "$(inside c1 ls /sys/class/net)" lo
        eventually 5 ports_are 1
        expect berthctl restart c1
        assert_eq "$(inside c1 ls /sys/class/net)" lo
        expect berthctl device remove c1 eth0
        assert_eq "$(mac_inside c1 eth0)" "$mac"
        expect_fail --message "comes from.*none" berthctl device remove c1 eth0
        # a part of it, live
        expect berthctl device set c1 eth0 mtu=1400
        assert_eq "$(inside c1 cat /sys/class/net/eth0/mtu)" 1400
        assert_eq "$(inside c2 ls /sys/class/net | tr '\n' ' ')" "eth0 lo "
        assert_eq "$(inside c2 cat /sys/class/net/eth0/mtu)" 1500
        expect berthctl device add c1 eth0 none
        assert_eq "$(inside c1 ls /sys/class/net)" lo
}

# one of the same name in the container takes the place of a profile's, all of it, and an administrator's drop-in without a type adds to either
test_R82_one_of_the_same_name_replaces() {
        local drop_in=/etc/berth/containers/c1.conf.d effective
        on_exit "rm -rf $drop_in; rmdir /etc/berth/containers 2>/dev/null || true"
        run_container c1 busybox
        expect berthctl device add c1 eth0 nic nictype=p2p ipv4.address=10.253.7.2/30
        [ ! -e /sys/class/net/bv-c1_eth0/master ] || fail "it is a port of a bridge still"
        ip addr add 10.253.7.1/30 dev bv-c1_eth0
        expect inside c1 ping -c 1 -W 5 10.253.7.1
        effective=$(berthctl show --effective c1)
        assert_match "$effective" "Device.eth0.Type +nic +$STORE/containers/c1/container.conf"
        assert_match "$effective" "Device.eth0.NicType +p2p"
        ! grep -q 'eth0.*Parent' <<<"$effective" || fail "Parent= of the profile holds still"
        refused "has a device 'eth0' already" berthctl device add c1 eth0 nic
        expect berthctl restart c1
        [ ! -e /sys/class/net/bv-c1_eth0/master ] || fail "it is a port of a bridge again"
        mkdir -p "$drop_in"
        printf '[Device eth0]\nMTUBytes=1444\n' >"$drop_in/1.conf"
        expect berthctl restart c1
        assert_eq "$(inside c1 cat /sys/class/net/eth0/mtu)" 1444
        [ ! -e /sys/class/net/bv-c1_eth0/master ] || fail "the drop-in has replaced it"
        assert_match "$(berthctl show --effective c1)" "Device.eth0.MTUBytes +1444 +$drop_in/1.conf:2"
        # a drop-in that states the type has the last word
        printf '[Device eth0]\nType=none\n' >"$drop_in/1.conf"
        expect berthctl restart c1
        assert_eq "$(inside c1 ls /sys/class/net)" lo
        rm "$drop_in/1.conf"
        # taken away, the profile's is back
        expect berthctl device remove c1 eth0
        assert_eq "$(basename "$(readlink -f /sys/class/net/bv-c1_eth0/master)")" berthbr0
}

# a change that cannot be had leaves what was there: interface, forwarded address, directory; whoever asks, a file that was changed by hand as well
test_R81_R96_refused_change_keeps_the_old() {
        local drop_in=/etc/berth/containers/c1.conf.d
        on_exit "rm -rf $drop_in; rmdir /etc/berth/containers 2>/dev/null || true"
        bridge tbr0
        ip addr add 10.252.9.1/24 dev tbr0
        mkdir "$TEST_TMP/lent"
        touch "$TEST_TMP/lent/here"
        run_container c1 busybox --no-profiles --device "eth0,type=nic,parent=tbr0,ipv4.address=10.252.9.2/24" --device "eth1,type=nic,nictype=p2p" \
                --device "d,type=disk,source=$TEST_TMP/lent,path=/mnt/lent" --device "www,type=proxy,listen=tcp:127.0.0.1:8077,connect=tcp:10.252.9.2:80"
        inside c1 sh -c 'mkdir /root/w; echo hello >/root/w/index.html; httpd -p 80 -h /root/w'
        still_there
        expect_fail --message "tbr77" berthctl device set c1 eth0 parent=tbr77
        still_there
        expect_fail --message "/nonexistent" berthctl device set c1 d source=/nonexistent
        still_there
        expect_fail --message "192.0.2.77" berthctl device set c1 www listen=tcp:192.0.2.77:8077
        still_there
        # two at once, the first of which could be given
        mkdir -p "$drop_in"
        printf '[Device eth1]\nMTUBytes=1444\n[Device d]\nPath=/mnt/other\n[Device eth0]\nParent=tbr77\n[Device new]\nType=nic\nNicType=p2p\n' >"$drop_in/1.conf"
        expect_fail --message "tbr77" berthctl set c1 user.x=1
        still_there
        rm "$drop_in/1.conf"
        expect berthctl set c1 user.x=1
        still_there
        expect berthctl device set c1 eth0 ipv4.address=10.252.9.3/24
        expect ping -c 1 -W 5 10.252.9.3
}

still_there() {
        expect ping -c 1 -W 5 10.252.9.2
        expect inside c1 test -e /mnt/lent/here
        expect_fail inside c1 test -e /mnt/other/here
        assert_eq "$(inside c1 cat /sys/class/net/eth1/mtu)" 1500
        assert_eq "$(timeout 5 busybox wget -q -O - http://127.0.0.1:8077/)" hello
        assert_eq "$(inside c1 ls /sys/class/net | tr '\n' ' ')" "eth0 eth1 lo "
        assert_eq "$(sort /run/berth/c1/devices | tr '\n' ' ')" "d eth0 eth1 www "
}

# the host's network in the place of one of its own: all that the host has, to use and not to change, and sysfs that says the same
test_R81_host_network() {
        on_exit 'ip link delete td0 2>/dev/null || true'
        ip link add td0 type veth peer name td1
        run_container c1 busybox --device "eth0,type=nic,nictype=host"
        assert_eq "$(stat -Lc %i "/proc/$(leader_of c1)/ns/net")" "$(stat -Lc %i /proc/self/ns/net)"
        assert_eq "$(inside c1 ls /sys/class/net | sort | tr '\n' ' ')" "$(ls /sys/class/net | sort | tr '\n' ' ')"
        assert_eq "$(inside c1 stat -f -c %t /sys)" 62656572
        [ -d "/sys/fs/cgroup" ] && inside c1 test -e /sys/fs/cgroup/cgroup.procs || fail "there is no cgroup"
        expect_fail inside c1 sh -c 'echo 1 >/sys/class/net/td0/mtu'
        expect_fail inside c1 mount -o remount,rw /sys
        [ -z "$(inside c1 ls /sys/firmware)" ] || fail "what is masked is seen"
        expect_fail inside c1 ip link set td0 up
        expect_fail inside c1 ip addr add 10.1.2.3/24 dev td0
        expect_fail inside c1 sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
        inside c1 sh -c 'mkdir /root/w; echo hello >/root/w/index.html; httpd -p 127.0.0.1:8088 -h /root/w'
        assert_eq "$(busybox wget -q -O - http://127.0.0.1:8088/)" hello
        assert_eq "$(machinectl show c1 -p State --value)" running
        refused "stop it first" berthctl device set c1 eth0 type=none
        refused "'eth1'.*beside device 'eth0'" berthctl device add c1 eth1 nic nictype=p2p
        expect berthctl restart c1
        # and not by a command beside it, nor live
        expect berthctl stop c1
        assert_eq "$(berthctl run-in c1 -- ls /sys/class/net)" lo
        expect berthctl device set c1 eth0 type=none
        expect berthctl start c1
        assert_eq "$(inside c1 ls /sys/class/net)" lo
        refused "stop it first" berthctl device set c1 eth0 type=nic nictype=host
        refused "no MTUBytes=" berthctl device set c1 eth0 type=nic nictype=host mtu=1400
        # an administrator's to give
        polkit_rule network 'if (subject.user == "alice" && action.id.indexOf("org.berth1.") == 0) return polkit.Result.YES;'
        on_exit 'forget u1'
        eventually 10 as alice berthctl create busybox u1
        refused administrator as alice berthctl device set u1 eth0 nictype=host
}

# no interface at all
test_R81_none() {
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
        refused "IPv4Address=: '10.0.0.1'" berthctl device add c1 e1 nic ipv4.address=10.0.0.1
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
        SINCE=$(date +%s)
        on_exit 'ip link delete td0 2>/dev/null; ip rule delete priority 4242 2>/dev/null; rm -f /etc/systemd/network/50-test.network; true'
        ip link add td0 type veth peer name td1
        ip link set td0 up
        ip link set td1 up
        ip addr add 10.99.99.1/24 dev td0
        ip route add 10.98.0.0/16 via 10.99.99.2 dev td0
        ip rule add priority 4242 from 10.97.0.0/16 lookup 77
        before=$(ip -4 -o addr show dev td0; ip route show dev td0; ip rule show)
        new_container c1 busybox
        printf '[Match]\nName=td0\n[Network]\nAddress=10.1.1.1/24\n' >/etc/systemd/network/50-test.network
        expect berthctl start c1
        eventually 5 said 1
        ! systemctl is-active --quiet systemd-networkd || fail "networkd was started"
        expect berthctl stop c1
        no_bridge
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
        ! grep -q berth_bv_c1_eth0 <<<"$(nft list tables netdev)" || fail "tables are left"
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

# poses_as_another 4|6: c2 has one more address, and the host knows the way back to it.
poses_as_another() {
        local address=10.249.0.99 to=10.248.0.1
        [ "$1" = 4 ] || address=fd7a::99 to=fd7b::1
        inside c2 ip addr add "$address" dev eth0
        ip "-$1" route replace "$address" dev bv-c2_eth0
        eventually 10 eval '! grep -q tentative <<<"$(inside c2 ip -6 addr show dev eth0)"'
        inside c2 ping -c 1 -W 2 -I "$address" "$to"
}

# the host leads to a routed one by routes of its own: both kinds of address, live, and from one container to another; on Parent= it answers for it
test_R81_routed() {
        on_exit 'ip link delete td0 2>/dev/null || true; ip netns delete tout 2>/dev/null || true; umount /run/netns; rmdir /run/netns; sysctl -qw net.ipv6.conf.all.forwarding='"$(cat /proc/sys/net/ipv6/conf/all/forwarding)"' net.ipv6.conf.all.proxy_ndp=0'
        local family
        run_container c1 busybox --no-profiles
        expect berthctl config device add c1 eth0 nic nictype=routed ipv4.address=10.249.0.5 ipv6.address=fd7a::5
        assert_match "$(inside c1 ip route)" 'default via 169\.254\.0\.1 dev eth0'
        assert_match "$(inside c1 ip -6 route)" 'default via fe80::1 dev eth0'
        assert_match "$(ip route show dev bv-c1_eth0)" '10\.249\.0\.5'
        expect ping -c 1 -W 5 10.249.0.5
        expect ping -c 1 -W 5 fd7a::5
        ip link add td0 type veth peer name td1
        ip addr add 10.248.0.1/24 dev td0
        ip addr add fd7b::1/64 dev td0 nodad
        ip link set td0 up
        expect inside c1 ping -c 1 -W 5 10.248.0.1
        expect inside c1 ping -c 1 -W 5 fd7b::1
        # another one, with the place of the first in the way
        run_container c2 busybox --no-profiles --device "eth0,type=nic,nictype=routed,ipv4.address=10.249.0.6,ipv6.address=fd7a::6"
        expect inside c2 ping -c 1 -W 5 10.249.0.5
        sysctl -qw net.ipv6.conf.all.forwarding=1
        expect inside c2 ping -c 1 -W 5 fd7a::5
        expect_fail --message "device 'eth1'.*route to '10.249.0.5' already" berthctl device add c2 eth1 nic nictype=routed ipv4.address=10.249.0.5 ipv4.gateway=none
        expect ping -c 1 -W 5 10.249.0.5
        # nobody else's address
        for family in 4 6; do
                expect_fail poses_as_another "$family"
        done
        expect berthctl device set c2 eth0 security.ipv4_filtering=no security.ipv6_filtering=no
        for family in 4 6; do
                expect poses_as_another "$family"
        done
        expect berthctl device unset c2 eth0 security.ipv4_filtering security.ipv6_filtering
        expect inside c2 ping -c 1 -W 5 -I 10.249.0.6 10.248.0.1
        # a machine on the network of Parent=
        ip netns add tout
        ip link set td1 netns tout
        ip -n tout addr add 10.248.0.2/16 dev td1
        ip -n tout addr add fd7b::2/32 dev td1 nodad
        ip -n tout link set td1 up
        ip -n tout link set lo up
        expect_fail --message "device 'eth0'.*proxy_ndp" berthctl device set c1 eth0 parent=td0 ipv4.address=10.248.77.5 ipv6.address=fd7b:0:7::5
        sysctl -qw net.ipv6.conf.all.proxy_ndp=1 net.ipv4.conf.td0.forwarding=0
        expect_fail --message "'sysctl net.ipv4.conf.td0.forwarding=1'" berthctl device set c1 eth0 parent=td0 ipv4.address=10.248.77.5
        sysctl -qw net.ipv4.conf.td0.forwarding=1
        expect berthctl device set c1 eth0 parent=td0 ipv4.address=10.248.77.5 ipv6.address=fd7b:0:7::5
        expect ip netns exec tout ping -c 1 -W 5 10.248.77.5
        expect ip netns exec tout ping -c 1 -W 5 fd7b:0:7::5
        expect inside c1 ping -c 1 -W 5 10.248.0.2
        expect_fail ip netns exec tout ping -c 1 -W 2 10.248.77.6
        assert_match "$(ip neigh show proxy; ip -6 neigh show proxy)" '10\.248\.77\.5 dev td0'
        # it goes with the device
        expect berthctl device remove c1 eth0
        [ -z "$(ip neigh show proxy; ip -6 neigh show proxy)" ] || fail "the host answers still"
        ! ip route | grep -q '10\.248\.77\.5' || fail "a route is left"
        expect berthctl device add c1 eth0 nic nictype=routed ipv4.address=10.248.77.5 parent=td0
        expect berthctl restart c1
        expect ip netns exec tout ping -c 1 -W 5 10.248.77.5
        kill -KILL "$(supervisor_of c2)"
        eventually 10 ports_are 1
        ! ip route | grep -q '10\.249\.0\.6' || fail "a route is left"
        # what was left of its filter is not in force for another interface of that name
        eventually 20 state_is c2 failed
        systemctl reset-failed berth@c2
        expect berthctl device remove c2 eth0
        expect berthctl device add c2 eth0 nic nictype=p2p ipv4.address=10.249.7.2/30
        expect berthctl start c2
        ip addr add 10.249.7.1/30 dev bv-c2_eth0
        expect inside c2 ping -c 1 -W 5 10.249.7.1
        expect berthctl stop c2
        expect berthctl stop c1
        eventually 10 ports_are 0
        [ -z "$(ip neigh show proxy)" ] || fail "the host answers still"
        ! grep -q berth_ <<<"$(nft list tables)" || fail "tables are left: $(nft list tables)"
        refused "needs IPv4Address= or IPv6Address=" berthctl device add c1 e1 nic nictype=routed
        refused "'10.0.0.5/24' of IPv4Address=" berthctl device add c1 e1 nic nictype=routed ipv4.address=10.0.0.5/24
        refused "gateway is the host" berthctl device add c1 e1 nic nictype=routed ipv4.address=10.0.0.5 ipv4.gateway=10.0.0.1
}

# sent_with PRIORITY COMMAND...: how many packets of the command go to td0 with it, where the queue of td0 is next.
sent_with() {
        local priority=$1
        nft add table netdev probe "{ chain out { type filter hook egress device td0 priority 100; meta priority $priority icmp type echo-request counter; }; }"
        "${@:2}" >&2 || true
        nft list table netdev probe | grep -o 'packets [0-9]*' | cut -d' ' -f2
        nft delete table netdev probe
}

# forwards PORT...: a bridge lets its port do so some time after it has come up.
forwards() {
        local port
        for port; do
                [ "$(cat "/sys/class/net/$port/brport/state")" = 3 ] || return 1
        done
}

# limits.network.priority, and an interface's own: what is bridged and what is routed has it where the host's queue begins
test_R94_priority() {
        local p
        on_exit 'nft delete table netdev probe 2>/dev/null || true; ip link delete td0 2>/dev/null || true'
        ip link add td0 type veth peer name td1
        ip link set td0 up
        ip link set td1 up
        bridge tbr0
        ip link set td0 master tbr0
        run_container c1 busybox --no-profiles --device "eth0,type=nic,parent=tbr0,ipv4.address=10.250.0.2/24"
        nsenter -t "$(leader_of c1)" -n ip neigh replace 10.250.0.9 lladdr 02:00:00:00:00:09 dev eth0
        eventually 5 forwards td0 bv-c1_eth0
        assert_eq "$(sent_with 0:0 inside c1 ping -c 2 -W 1 10.250.0.9)" 2
        expect berthctl set c1 limits.network.priority=10
        nsenter -t "$(leader_of c1)" -n ip neigh replace 10.250.0.9 lladdr 02:00:00:00:00:09 dev eth0
        eventually 5 forwards td0 bv-c1_eth0
        assert_eq "$(sent_with 0:7 inside c1 ping -c 2 -W 1 10.250.0.9)" 2
        assert_match "$(berthctl show --effective c1)" 'NetworkPriority +10'
        expect berthctl device set c1 eth0 limits.priority=65540
        nsenter -t "$(leader_of c1)" -n ip neigh replace 10.250.0.9 lladdr 02:00:00:00:00:09 dev eth0
        eventually 5 forwards td0 bv-c1_eth0
        assert_eq "$(sent_with 1:4 inside c1 ping -c 2 -W 1 10.250.0.9)" 2
        # routed, where the kernel chooses a priority of its own: from a bridge, and from a routed interface
        ip link set td0 nomaster
        ip addr add 10.248.0.1/24 dev td0
        ip neigh add 10.248.0.2 lladdr 02:00:00:00:00:09 dev td0
        ip addr add 10.250.0.1/24 dev tbr0
        sysctl -qw net.ipv4.conf.tbr0.forwarding=1
        expect berthctl device set c1 eth0 ipv4.gateway=10.250.0.1
        eventually 5 forwards bv-c1_eth0
        assert_eq "$(sent_with 1:4 inside c1 ping -c 2 -W 1 10.248.0.2)" 2
        run_container c2 busybox --no-profiles --set limits.network.priority=1 --device "eth0,type=nic,nictype=routed,ipv4.address=10.249.0.6"
        assert_eq "$(sent_with 0:6 inside c2 ping -c 2 -W 1 10.248.0.2)" 2
        expect berthctl set c2 limits.network.priority=0
        assert_eq "$(sent_with 0:6 inside c2 ping -c 2 -W 1 10.248.0.2)" 0
        expect berthctl stop c1
        for p in 11 -1 high; do
                refused "limits.network.priority|NetworkPriority" berthctl set c1 "limits.network.priority=$p"
        done
        refused "hugetlb" berthctl set c1 limits.hugepages.2MB=64MB
        refused "AutostartPriority" berthctl set c1 boot.stop.priority=5
        expect berthctl delete --force c2
        expect berthctl start c1
        expect berthctl device remove c1 eth0
        ! grep -q berth_bv_c1_ <<<"$(nft list tables)" || fail "tables are left: $(nft list tables)"
}
