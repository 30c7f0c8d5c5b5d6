# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Containers in containers, by berth and by others, and what that needs: Nesting=, more ids, volumes. The engines are in one guest, which
# is started once; its images are made of its own busybox, because there is no registry here.
# guests: busybox SUITE-engines
# limit: 300

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
        expect berthctl import --quiet "$(guest "$SUITE-engines")" --alias engines
        # As a user would, and nothing else.
        expect berthctl launch engines docker -p default -p docker
        expect berthctl launch engines nest -p default -p nesting
        inside_sh docker "$BUSYBOX_TAR"
        inside_sh nest "$BUSYBOX_TAR"
}

teardown_file() {
        remove_all
}

BUSYBOX_TAR='
        mkdir -p /root/bb/{bin,etc,usr,proc,sys,dev,tmp,run}
        cp /bin/busybox /root/bb/bin
        for i in sh echo cat id true sleep; do ln -s busybox /root/bb/bin/$i; done
        echo ID=busybox >/root/bb/etc/os-release
        tar -C /root/bb -cf /root/bb.tar .'

# inside_sh NAME SCRIPT: with bash, which stops at the first mistake.
inside_sh() {
        berthctl exec "$1" -- bash -euo pipefail -c "$2"
}

# the profile docker is all that Docker needs: containers of an image, with a network and without, on overlayfs
test_R76_R117_docker_inside() {
        inside_sh docker 'systemctl start docker; docker import /root/bb.tar bb'
        assert_eq "$(inside_sh docker 'docker info --format "{{.Driver}}"')" overlay2
        assert_eq "$(inside_sh docker 'docker run --rm --network none bb /bin/echo hello')" hello
        assert_eq "$(inside_sh docker 'docker run --rm bb /bin/cat /sys/class/net/eth0/operstate')" up
        # It is no more than the container is: its root is not the host's.
        inside_sh docker 'docker run -d --name sleeper --network none bb /bin/sleep 1000'
        local base
        base=$(uid_base docker)
        assert_eq "$(ps -eo uid,args | awk '$2 == "/bin/sleep" && $3 == 1000 { print $1 }')" "$base"
        inside_sh docker 'docker rm -f sleeper; systemctl stop docker.socket docker containerd'
        # Where its layers are: not in the container's own overlay.
        [ -d "$STORE/containers/docker/volumes/docker/overlay2" ] || fail "the layers are not in the volume"
        assert_eq "$(stat -c %u "$STORE/containers/docker/volumes/docker/overlay2")" "$FOREIGN_BASE"
}

# podman with the same profile; also in a user namespace of the container's own
test_R117_podman_inside() {
        # There is no pids controller on this host, which podman would limit with.
        inside_sh docker 'podman import --quiet /root/bb.tar bb'
        assert_eq "$(inside_sh docker 'podman info --format "{{.Store.GraphDriverName}}"')" overlay
        assert_eq "$(inside_sh docker 'podman run --rm --pids-limit=0 --network none bb /bin/echo hello')" hello
        assert_eq "$(inside_sh docker 'podman run --rm --pids-limit=0 bb /bin/cat /sys/class/net/eth0/operstate')" up
        assert_match "$(inside_sh docker 'podman run --rm --pids-limit=0 --network none --uidmap 0:100000:65536 bb /bin/cat /proc/self/uid_map')" '0 +100000 +65536'
}

# LXC: an unprivileged container of its busybox template
test_R116_lxc_inside() {
        inside_sh nest '
                echo root:100000:65536 | tee /etc/subuid >/etc/subgid
                printf "%s\n" "lxc.include = /usr/share/lxc/config/common.conf" "lxc.include = /usr/share/lxc/config/userns.conf" \
                        "lxc.idmap = u 0 100000 65536" "lxc.idmap = g 0 100000 65536" "lxc.net.0.type = empty" "lxc.apparmor.profile = unconfined" >/root/lxc.conf
                lxc-create -n l1 -f /root/lxc.conf -t busybox >/dev/null
                lxc-start -n l1
                lxc-wait -n l1 -s RUNNING -t 20'
        assert_match "$(inside_sh nest 'lxc-attach -n l1 -- cat /proc/self/uid_map')" '0 +100000 +65536'
        assert_eq "$(inside_sh nest 'lxc-attach -n l1 -- id -u')" 0
        inside_sh nest 'lxc-stop -k -n l1; lxc-destroy -n l1'
}

# systemd-nspawn: a command in a tree, and a system that boots, the guest's own with a fresh /etc and /var
test_R116_nspawn_inside() {
        inside_sh nest 'cp -a /root/bb /var/lib/machines/bb'
        assert_eq "$(inside_sh nest 'SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn -q -D /var/lib/machines/bb /bin/echo hello' | tr -d '\r')" hello
        # Started: when systemd in there says so.
        inside_sh nest 'systemd-run --quiet --unit=inner --property=Type=notify --property=TimeoutStartSec=60 \
                systemd-nspawn --quiet --boot --notify-ready=yes --volatile=yes -D / -M inner --private-network --link-journal=no \
                systemd.firstboot=off systemd.unit=basic.target'
        assert_eq "$(inside_sh nest 'machinectl show inner --property=State --value')" running
        inside_sh nest 'machinectl terminate inner; rm -rf /var/lib/machines/bb'
}

# inner_berth: berth and an image in nest.
inner_berth() {
        berthctl copy-to nest /var/lib/berth-test/berth.deb /root/berth.deb
        berthctl copy-to nest "$(guest busybox)" /root/busybox.tar
        inside_sh nest 'command -v berthctl >/dev/null || DEBIAN_FRONTEND=noninteractive dpkg -i /root/berth.deb >/dev/null; berthctl import --quiet /root/busybox.tar --alias bb'
}

# network_of ADDRESS/24
network_of() {
        echo "${1%.*}"
}

# the network of the inner bridge is none that the outer one has, also where it was chosen before that was known; the host's network stays as it is
test_R20_nested_subnet() {
        local before outer inner
        eventually 20 eval '[ -n "$(ip -4 -o addr show dev berthbr0)" ]'
        outer=$(ip -4 -o addr show dev berthbr0 | awk '{ print $4 }')
        before=$(ip route; ip -6 route; ip -o addr show dev berthbr0; ip rule)
        inner_berth
        inside_sh nest 'printf "[Match]\nName=eth0\n[Network]\nDHCP=yes\n" >/etc/systemd/network/eth0.network; systemctl restart systemd-networkd'
        eventually 30 eval 'inside nest ip -4 -o addr show dev eth0 scope global | grep -q inet'
        assert_eq "$(network_of "$(inside nest ip -4 -o addr show dev eth0 scope global | awk '{ print $4 }')")" "$(network_of "$outer")"
        inside_sh nest "mkdir -p /var/lib/berth; echo $(network_of "$outer").0 >/var/lib/berth/bridge-berthbr0"
        inside_sh nest 'berthctl launch bb i1'
        eventually 30 eval '[ -n "$(inside nest ip -4 -o addr show dev berthbr0)" ]'
        inner=$(inside nest ip -4 -o addr show dev berthbr0 | awk '{ print $4 }')
        assert_match "$inner" '^10\..*/24$'
        [ "$(network_of "$inner")" != "$(network_of "$outer")" ] || fail "both have $outer"
        # from the innermost to the host, by what the inner one translates
        inside_sh nest "berthctl device set i1 eth0 ipv4.address=$(network_of "$inner").9/24 ipv4.gateway=$(network_of "$inner").1"
        eventually 20 inside nest berthctl exec i1 -- ping -c 1 -W 2 "${outer%/*}"
        assert_eq "$(ip route; ip -6 route; ip -o addr show dev berthbr0; ip rule)" "$before"
        inside_sh nest 'berthctl delete --force i1; berthctl remove-image bb; rm /etc/systemd/network/eth0.network; systemctl stop systemd-networkd.socket systemd-networkd; ip link delete berthbr0'
}

# berth: its own package, an image, containers that start, run commands, keep files, stop; all with the ids that the outer one has for it
test_R116_berth_inside() {
        inner_berth
        inside_sh nest 'berthctl launch bb i1 && berthctl launch bb i2'
        assert_eq "$(inside_sh nest 'berthctl list --json=short' | jq -r '[.[] | .state] | join(" ")')" 'running running'
        assert_match "$(inside_sh nest 'berthctl exec i1 -- cat /proc/self/uid_map')" '^ *0 +393216 +65536$'
        inside_sh nest 'berthctl exec i1 -- sh -c "echo kept >/root/file; chown 1000:1000 /root/file"; berthctl restart i1'
        assert_eq "$(inside_sh nest 'berthctl exec i1 -- sh -c "cat /root/file; stat -c %u:%g /root/file; hostname"')" $'kept\n1000:1000\ni1'
        assert_match "$(inside_sh nest 'machinectl list --no-legend')" 'i1 '
        # Of the host's ids they are some of the outer one's, and on disk none of the host's own.
        local outer
        outer=$(uid_base nest)
        assert_match "$(inside_sh nest 'for p in $(berthctl list --json=short | jq -r ".[].leader"); do cat /proc/$p/uid_map; done' | sort -u)" '^ *0 +393216 +65536$'
        [ -n "$(ps -eo uid= | awk -v id=$((outer + 393216)) '$1 == id')" ] || fail "no process of the inner containers has the ids that it should have"
        [ -z "$(find "$STORE/containers/nest/volumes" -mindepth 1 -uid -65536 -print -quit)" ] || fail "there are files of the host's own ids"
        # One level is what there is room for.
        # shellcheck disable=SC2016
        assert_match "$(inside_sh nest 'berthctl launch bb deep -p nesting 2>&1 || echo "status $?"')" 'IDMapSize=1048576: inside this container there are not so many.*status [1-9]'
        inside_sh nest 'berthctl delete --force i1 i2 deep; berthctl remove-image bb'
}

# without more ids berth inside says what it needs, and does nothing with the ids that are there
test_R116_berth_inside_needs_ids() {
        run_container few engines --set security.nesting=true
        berthctl copy-to few /var/lib/berth-test/berth.deb /root/berth.deb
        berthctl copy-to few "$(guest busybox)" /root/busybox.tar
        # shellcheck disable=SC2016
        assert_match "$(inside_sh few 'dpkg -i /root/berth.deb >/dev/null; berthctl import --quiet /root/busybox.tar --alias bb 2>&1 || echo "status $?"')" \
                'IDMapSize=.*1048576.*status [1-9]'
        assert_eq "$(inside few sh -c 'find /var/lib/berth/images -mindepth 1 2>/dev/null; true')" ''
}

# what Nesting= opens, and what stays closed to others and to it
test_R116_what_nesting_loosens() {
        run_container plain engines
        expect inside nest unshare --user --map-root-user --pid --fork --mount-proc true
        expect_fail inside plain ls /dev/.berth
        # fsopen(2), 430, of what is not in memory: unknown without, refused for its arguments with it.
        assert_eq "$(inside plain perl -e 'syscall(430, 0, 0); print $!{ENOSYS} ? "closed" : "open"')" closed
        assert_eq "$(inside nest perl -e 'syscall(430, 0, 0); print $!{ENOSYS} ? "closed" : "open"')" open
        # keyctl(2), 250: KEYCTL_GET_KEYRING_ID of the session.
        assert_eq "$(inside plain perl -e 'print syscall(250, 0, -3, 0) < 0 ? "closed" : "open"')" closed
        assert_eq "$(inside nest perl -e 'print syscall(250, 0, -3, 0) < 0 ? "closed" : "open"')" open
        # The masks are over /proc in both; what is under them is root's of the host, and closed to others of the guest.
        local name
        for name in plain nest; do
                assert_eq "$(inside "$name" cat /proc/kcore | wc -c)" 0
                expect_fail inside "$name" sh -c 'echo b >/proc/sysrq-trigger/x'
        done
        expect_fail inside nest cat /dev/.berth/proc/kcore
        expect_fail inside nest sh -c 'echo h >/dev/.berth/proc/sysrq-trigger'
        expect_fail inside nest sh -c 'echo 1 >/dev/.berth/proc/sys/kernel/sysrq'
        expect_fail inside nest sh -c 'echo x >/dev/.berth/sys/power/state || echo x >/dev/.berth/sys/kernel/uevent_helper'
        expect_fail berthctl exec --user nobody nest -- ls /dev/.berth/proc
}

allowed() {
        as "$@" >/dev/null 2>&1
}

# nesting, more ids, modules: an administrator gives them, an owner does not
test_R116_R106_R77_an_administrators() {
        local setting
        polkit_rule own 'if (action.id.indexOf("org.berth1.") == 0 && subject.user == "alice" && (action.lookup("own") == "yes" || action.id == "org.berth1.create")) return polkit.Result.YES;'
        on_exit 'forget mine'
        eventually 10 allowed alice berthctl create busybox mine
        # Nesting= is what a rule may give (users.sh); these no rule gives.
        for setting in IDMapSize=131072 security.idmap.base=1310720 KernelModules=overlay; do
                expect_fail --message 'administrator' as alice berthctl set mine "$setting"
                expect_fail --message 'administrator' as alice berthctl create busybox mine2 --set "$setting"
        done
        expect_fail --message 'administrator|assign' as alice berthctl create busybox mine2 -p default -p nesting
}

# as many ids as were asked for, in a range of their own; what is beyond the first 65536 has its place on disk, whatever the range is
test_R106_id_map_size() {
        run_container c1 busybox --set security.idmap.size=131072
        run_container c2 busybox --set security.idmap.size=131072 --set security.idmap.isolated=true
        run_container c3 busybox
        local ranges name base
        for name in c1 c2; do
                assert_match "$(inside "$name" cat /proc/self/uid_map)" ' 131072$'
                assert_match "$(inside "$name" cat /proc/self/gid_map)" ' 131072$'
        done
        assert_match "$(inside c3 cat /proc/self/uid_map)" ' 65536$'
        ranges=$(for name in $(berthctl list --json=short | jq -r '.[].leader'); do [ "$name" = 0 ] || cat "/proc/$name/uid_map"; done | sort -n -k2 |
                awk '$2 < end { print "overlap at " $2 } { end = $2 + $3 }')
        assert_eq "$ranges" ''

        inside c1 sh -c 'echo x >/root/far; chown 100000:131071 /root/far; chmod 0600 /root/far'
        assert_eq "$(stat -c %u:%g "$STORE/containers/c1/layer/upper/root/far")" "$((2147483648 + 100000 - 65536)):$((2147483648 + 131071 - 65536))"
        expect_fail inside c1 chown 131072 /root/far
        expect_fail inside c3 sh -c 'echo x >/root/far; chown 65536 /root/far'

        # The same range at the next start; another one, and what is on disk means the same.
        base=$(uid_base c1)
        expect berthctl restart c1
        assert_eq "$(uid_base c1)" "$base"
        assert_match "$(berthctl set c1 IDMapSize=196608 2>&1)" 'next start'
        expect berthctl restart c1
        [ "$(uid_base c1)" != "$base" ] || fail "the range is the old one"
        assert_eq "$(inside c1 stat -c %u:%g /root/far)" 100000:131071
        expect_fail test -L "$STORE/uid-leases/$base"
        # What nobody holds is collected, and not what somebody has.
        ln -s gone+ "$STORE/uid-leases/655360000"
        mkdir "$STORE/containers/.new-x"
        systemctl restart berth-containerd
        berthctl list >/dev/null
        eventually 20 not test -L "$STORE/uid-leases/655360000"
        base=$(uid_base c1)
        assert_eq "$(readlink "$STORE/uid-leases/$base") $(readlink "$STORE/uid-leases/$((base + 131072))")" 'c1+ c1+'
        # Back to what everybody has; and all is given back in the end.
        expect berthctl unset c1 IDMapSize
        expect berthctl restart c1
        assert_match "$(inside c1 cat /proc/self/uid_map)" ' 65536$'
        expect_fail test -L "$STORE/uid-leases/$base"
        berthctl delete --force c2
        assert_eq "$(find "$STORE/uid-leases" -lname 'c2*')" ''
}

# certain ids: those, or none
test_R106_id_map_base() {
        run_container c1 busybox --set security.idmap.base=1703936000
        assert_match "$(inside c1 cat /proc/self/uid_map)" ' 1703936000 +65536$'
        new_container c2 busybox --set IDMapBase=1703870464 --set IDMapSize=131072
        start_fails "IDMapBase=1703870464: some of the 131072 ids .* another's" c2
        expect berthctl stop --force c1
        # They are its own while it is there.
        start_fails "IDMapBase=1703870464: some of the 131072 ids .* another's" c2
        expect berthctl delete c1
        expect berthctl start c2
        assert_eq "$(uid_base c2)" 1703870464
        new_container c3 busybox
        expect_fail --message 'IDMapBase' berthctl set c3 IDMapBase=1703870465
        expect_fail --message 'IDMapBase' berthctl set c3 IDMapBase=0
        expect_fail --message 'IDMapSize' berthctl set c3 IDMapSize=1000
        expect_fail --message 'security.idmap.isolated' berthctl set c3 security.idmap.isolated=false
        expect berthctl set c3 IDMapBase=1878982656 IDMapSize=131072
        start_fails 'beyond the ids of containers' c3
        # An account's, or one of subuid(5).
        echo 'someone:1500053504:10' >>/etc/subuid
        on_exit 'sed -i /^someone:/d /etc/subuid'
        expect berthctl set c3 IDMapBase=1500053504 IDMapSize=65536
        start_fails "another's" c3
}

# a directory of the container's own on the host's file system: it is there from the first start, keeps what is in it, and goes with the container
test_R76_volume() {
        new_container v1 busybox
        expect berthctl device add v1 data disk source=volume:data path=/srv/data
        expect berthctl start v1
        inside v1 sh -c 'echo kept >/srv/data/file; chown 33:33 /srv/data/file; chmod 4755 /srv/data/file'
        assert_eq "$(stat -c %u:%g "$STORE/containers/v1/volumes/data/file")" "$((FOREIGN_BASE + 33)):$((FOREIGN_BASE + 33))"
        assert_no_match "$(inside v1 stat -f -c %T /srv/data)" overlay
        expect berthctl restart v1
        assert_eq "$(inside v1 cat /srv/data/file)" kept
        # While it runs, too.
        expect berthctl device add v1 more disk source=volume:more path=/srv/more readonly=true
        expect_fail inside v1 touch /srv/more/x
        inside v1 mount -o remount,rw,bind /srv/more || true
        expect_fail inside v1 touch /srv/more/x
        expect berthctl device remove v1 data
        expect_fail inside v1 test -e /srv/data/file
        expect berthctl device add v1 data disk source=volume:data path=/srv/other
        assert_eq "$(inside v1 cat /srv/other/file)" kept
        # A copy has its own.
        on_exit 'forget v2'
        expect berthctl stop --force v1
        expect berthctl clone v1 v2
        expect berthctl start v1
        inside v1 rm /srv/other/file
        expect berthctl start v2
        assert_eq "$(inside v2 cat /srv/other/file; inside v2 stat -c %u:%a /srv/other/file)" $'kept\n33:4755'
        expect_fail --message 'Source' berthctl device add v1 bad disk source=volume:../x path=/srv/bad
        expect_fail --message 'Source' berthctl device add v1 bad disk source=volume: path=/srv/bad
        expect berthctl delete --force v1
        expect_fail test -e "$STORE/containers/v1"
}
