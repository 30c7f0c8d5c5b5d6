# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Containers of other managers as they lie on disks: OpenVZ's private areas, LXC's directories, trees of systemd-nspawn. What their files of settings say is
# believed in what is the container's own affair, and told where it is not.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        # The store's folders are made with the first image; what is asked here is what a refused one adds.
        berthctl import "$(guest busybox)" --alias first >/dev/null
        berthctl remove-image first
}

teardown_file() {
        remove_all
}

# tree DIRECTORY [BASE]: a root file system, whose owners begin at BASE
tree() {
        mkdir -p "$1"
        tar -C "$1" -xf "$(guest busybox)"
        echo secret >"$1/etc/secret"
        chmod 0600 "$1/etc/secret"
        chown 1000:33 "$1/etc/secret"
        [ -z "${2-}" ] || find "$1" -printf '%U %G %P\0' | while IFS=' ' read -rd '' u g p; do
                chown -h "$((u + $2)):$((g + $2))" "$1/$p"
        done
}

# scope_has NAME PROPERTY=VALUE...
scope_has() {
        local p
        for p in "${@:2}"; do
                assert_eq "$(systemctl show -p "${p%%=*}" "berth-$1.scope")" "$p"
        done
}

# as vzctl writes it, from a directory and from an archive: limits, addresses, host name
test_R133_openvz() {
        tree 101
        tar -C 101 -czf ct101.tar.gz .
        cat >101.conf <<'END'
# Copyright (C) 2000-2011, Parallels, Inc. All rights reserved.
# UBC parameters (in form of barrier:limit)
KMEMSIZE="14372700:14790164"
PHYSPAGES="0:16384"
SWAPPAGES="0:8192"
NUMPROC="240:50"
DISKSPACE="2097152:1048576"
CPUUNITS="2000"
CPULIMIT="25"
VE_ROOT="/vz/root/$VEID"
VE_PRIVATE="/vz/private/$VEID"
OSTEMPLATE="debian-7.0-x86_64"
ORIGIN_SAMPLE="basic"
ONBOOT="yes"
IP_ADDRESS="192.0.2.101 2001:db8::101"
HOSTNAME="www.example.org"
NAMESERVER="192.0.2.53"
SEARCHDOMAIN="example.org"
END
        on_exit 'forget ct101'
        assert_eq "$(berthctl import --openvz ct101.tar.gz 101.conf 2>told)" ct101
        assert_match "$(cat told)" 'Left out.*: KMEMSIZE\.'
        assert_match "$(cat told)" "berthctl device set NAME root size=1G"
        assert_eq "$(berthctl get ct101 Autostart)" yes
        expect berthctl start ct101
        scope_has ct101 MemoryMax=67108864 MemorySwapMax=33554432 TasksMax=50 CPUQuotaPerSecUSec=250ms CPUWeight=200
        assert_eq "$(inside ct101 hostname)" www.example.org
        assert_eq "$(inside ct101 cat /etc/resolv.conf)" "$(printf 'nameserver 192.0.2.53\nsearch example.org')"
        assert_match "$(inside ct101 ip -4 addr show eth0)" '192\.0\.2\.101/'
        assert_match "$(inside ct101 ip -6 addr show eth0)" '2001:db8::101/'
        assert_match "$(ip route show 192.0.2.101)" 192.0.2.101
        assert_eq "$(inside ct101 stat -c '%u %g %a' /etc/secret)" '1000 33 600'
        # The same once more, beside it.
        on_exit 'forget twin'
        grep -v IP_ADDRESS 101.conf >twin.conf
        expect berthctl import --quiet --openvz ct101.tar.gz twin.conf --name twin
        expect berthctl start twin
        expect berthctl delete --force twin
        # What cannot be made leaves nothing.
        refused 'MemoryMax' berthctl import --quiet --openvz ct101.tar.gz twin.conf --name twin --set MemoryMax=lots
        # Nothing but the container is left of it, and in the end nothing.
        assert_eq "$(image_count)" 0
        expect berthctl delete --force ct101
        eventually 10 no_debris
        on_exit 'forget www'
        expect berthctl import --quiet --openvz 101 101.conf --name www --set TasksMax=60
        assert_eq "$(berthctl get www TasksMax)" 60
        refused "There is a container 'www' already" berthctl import --openvz 101 101.conf --name www
        refused "cannot be the name of a container" berthctl import --openvz 101 101.conf --name ../x
}

# of an ordinary and of an unprivileged container, whose files belong to other ids; as lxc-create of Debian writes it
test_R133_lxc() {
        mkdir -p /var/lib/lxc
        on_exit 'rm -rf /var/lib/lxc/old1 /var/lib/lxc/old2'
        tree /var/lib/lxc/old1/rootfs
        tree /var/lib/lxc/old2/rootfs 100000
        assert_eq "$(stat -c %u:%g /var/lib/lxc/old2/rootfs/etc/secret)" 101000:100033
        cat >/var/lib/lxc/old1/config <<'END'
# Template used to create this container: /usr/share/lxc/templates/lxc-download
# Parameters passed to the template: -d debian -r bookworm -a amd64
# Template script checksum (SHA-1): 6f6ea2bbfd1d5b3ba0a4ab0e2f1e0e4a0ec0dcf5
# For additional config options, please look at lxc.container.conf(5)

# Distribution configuration
lxc.include = /usr/share/lxc/config/common.conf
lxc.arch = linux64

# Container specific configuration
lxc.apparmor.profile = generated
lxc.apparmor.allow_nesting = 1
lxc.rootfs.path = dir:/var/lib/lxc/old1/rootfs
lxc.uts.name = old-name

# Network configuration
lxc.net.0.type = veth
lxc.net.0.link = lxcbr0
lxc.net.0.flags = up
lxc.net.0.hwaddr = 00:16:3e:12:34:56

lxc.cgroup2.memory.max = 64M
lxc.cgroup2.cpu.max = 50000 100000
lxc.cgroup2.pids.max = 50
lxc.environment = GREETING=hello world
lxc.cap.drop = net_raw
lxc.cap.drop = sys_nice
lxc.prlimit.nofile = 100:200
lxc.mount.entry = /etc host-etc none bind,create=dir 0 0
lxc.mount.entry = tmpfs srv tmpfs defaults 0 0
lxc.hook.pre-start = /usr/bin/touch /run/hooked
END
        sed 's/old1/old2/' /var/lib/lxc/old1/config >/var/lib/lxc/old2/config
        printf 'lxc.idmap = u 0 100000 65536\nlxc.idmap = g 0 100000 65536\n' >>/var/lib/lxc/old2/config
        local name
        for name in old1 old2; do
                on_exit "forget $name"
                assert_eq "$(berthctl import --lxc "$name" 2>told)" "$name"
                assert_match "$(cat told)" "There is no bridge 'lxcbr0' here: interface 'eth0' is on berthbr0"
                assert_match "$(cat told)" "'/etc' of the host, which it had at '/host-etc', is not lent to it"
                assert_match "$(cat told)" 'Left out.*: lxc.apparmor.allow_nesting, lxc.hook.pre-start\.'
                expect berthctl start "$name"
                assert_eq "$(inside "$name" hostname)" old-name
                assert_eq "$(inside "$name" stat -c '%u %g %a' /etc/secret)" '1000 33 600'
                assert_eq "$(inside "$name" sh -c 'echo "$GREETING"; cat /sys/class/net/eth0/address')" "$(printf 'hello world\n00:16:3e:12:34:56')"
                assert_match "$(inside "$name" grep ' /srv ' /proc/mounts)" tmpfs
                expect_fail inside "$name" test -e /host-etc/hostname
                # Neither CAP_NET_RAW (13) nor CAP_SYS_NICE (23).
                assert_eq "$((0x$(inside "$name" sed -n 's/^CapBnd:\t//p' /proc/1/status) >> 13 & 0x401))" 0
                assert_match "$(inside "$name" grep 'Max open files' /proc/1/limits)" ' 100 +200 '
                scope_has "$name" MemoryMax=67108864 CPUQuotaPerSecUSec=500ms TasksMax=50
                expect berthctl delete --force "$name"
        done
        [ ! -e /run/hooked ] || fail 'a hook of a stranger has run'
        assert_eq "$(image_count)" 0
        # By its directory, under another name.
        on_exit 'forget other'
        expect berthctl import --quiet --lxc /var/lib/lxc/old1 --name other
        expect berthctl delete other
        eventually 10 no_debris
}

# a tree of /var/lib/machines with its settings; import-fs takes one of other ids as well
test_R43_nspawn() {
        mkdir -p /var/lib/machines /etc/systemd/nspawn
        on_exit 'rm -rf /var/lib/machines/tree1 /etc/systemd/nspawn/tree1.nspawn'
        tree /var/lib/machines/tree1 1003225088
        cat >/etc/systemd/nspawn/tree1.nspawn <<'END'
[Exec]
Boot=yes
PrivateUsers=pick
Hostname=tree-name
Environment=GREETING="hello world"
DropCapability=CAP_NET_RAW
Capability=CAP_SYS_TIME

[Files]
Bind=/etc:/host-etc
TemporaryFileSystem=/srv:mode=1770,size=1M

[Network]
VirtualEthernet=yes
Port=tcp:18080:80
END
        on_exit 'forget tree1'
        assert_eq "$(berthctl import --nspawn tree1 2>told)" tree1
        assert_match "$(cat told)" "'/etc' of the host.*Path=/host-etc'"
        assert_match "$(cat told)" 'Left out.*: Capability\.'
        expect berthctl start tree1
        assert_eq "$(inside tree1 hostname)" tree-name
        assert_eq "$(inside tree1 stat -c '%u %g %a' /etc/secret)" '1000 33 600'
        assert_match "$(inside tree1 grep ' /srv ' /proc/mounts)" 'tmpfs.*size=1024k'
        assert_eq "$(inside tree1 stat -c %a /srv)" 1770
        assert_match "$(berthctl get tree1 Device.port-tcp18080.Connect)" 'tcp:127\.0\.0\.1:80'
        expect berthctl delete --force tree1

        on_exit 'rm -f /var/lib/machines/disk.raw'
        : >/var/lib/machines/disk.raw
        refused 'is the image of a disk' berthctl import --nspawn disk

        expect berthctl import-fs --quiet /var/lib/machines/tree1 a-tree
        assert_eq "$(stat -c %u:%g "$STORE/images/$(image_of a-tree)/rootfs/etc/secret")" "$((FOREIGN_BASE + 1000)):$((FOREIGN_BASE + 33))"
        expect berthctl remove-image a-tree
}

# what a file says of a container is not the way around what its owner may set
test_S43_foreign_users() {
        local f
        polkit_rule foreign 'if (subject.user == "alice" && action.id.match(/^org.berth1.(create|import-image|remove-image)$/)) return polkit.Result.YES;'
        tree mine
        tar -C mine -cf ct.tar .
        echo 'NUMPROC=50' >good.conf
        echo 'ONBOOT=yes' >boot.conf
        echo 'IP_ADDRESS=192.0.2.7' >address.conf
        chmod a+rX . ./*.conf ct.tar
        on_exit 'forget theirs'
        for f in boot address; do
                refused "administrator's to" as alice berthctl import --openvz "$PWD/ct.tar" "$PWD/$f.conf" --name theirs
        done
        expect as alice berthctl import --quiet --openvz "$PWD/ct.tar" "$PWD/good.conf" --name theirs
        assert_eq "$(berthctl get theirs TasksMax)" 50
        assert_eq "$(field theirs owner)" "$(id -u alice)"
        # Trees of other ids take an administrator.
        tree theirs 100000
        chmod -R a+rX theirs
        refused 'Cannot read a tree of other ids|tar ended with' as alice berthctl import-fs "$PWD/theirs"
}

# lxc_refused REGEX: of the container 'bad'; standard input is its config, if there is none yet
lxc_refused() {
        [ -e bad/config ] || [ -L bad/config ] || cat >bad/config
        refused "$1" berthctl import --lxc ./bad
        rm -f bad/config
}

# files of settings that are none: one clear error, and nothing is left
test_S43_foreign_files() {
        tree bad/rootfs
        lxc_refused "'config' of './bad' cannot be used: line 2 has a NUL byte in it" < <(printf 'lxc.uts.name = a\nlxc.arch = \0\n')
        lxc_refused 'line 1 is too long' < <(printf 'lxc.uts.name = %05000d\n' 0)
        lxc_refused 'it has more than 256 KiB' < <(head -c 10000000 /dev/zero | tr '\0' a)
        lxc_refused 'line 1 is no assignment to a key of LXC' <<<'[Exec]'
        lxc_refused 'line 1 is no text' < <(printf 'lxc.uts.name = \xff\xfe\n')
        mkfifo bad/config
        lxc_refused 'it is no regular file'
        ln -s /etc/passwd bad/config
        lxc_refused 'it is no regular file'
        mkdir bad/config
        refused 'it is no regular file' berthctl import --lxc ./bad
        rmdir bad/config
        refused "is no container of LXC: there is no 'config' in it" berthctl import --lxc ./bad
        refused "Cannot open '/var/lib/lxc/nothing'" berthctl import --lxc nothing
        # Whoever wrote the file does not choose among the host's directories.
        lxc_refused "are at '/etc', outside of its directory" <<<'lxc.rootfs.path = dir:/etc'
        lxc_refused "outside of its directory" <<<'lxc.rootfs.path = overlay:/:/etc'
        lxc_refused "outside of its directory" <<<"lxc.rootfs.path = $PWD/bad/../../../etc"
        lxc_refused "cannot be read: '\.\.'" <<<'lxc.rootfs.path = ..'
        ln -s / bad/all
        lxc_refused "cannot be read: 'all'" <<<"lxc.rootfs.path = $PWD/bad/all"

        printf 'HOSTNAME=a\0b\n' >bad.conf
        refused "'bad.conf' of 'bad/rootfs' cannot be used: line 1 has a NUL byte in it" berthctl import --openvz bad/rootfs bad.conf
        head -c 10000000 /dev/zero | tr '\0' A >bad.conf
        refused 'it has more than 256 KiB' berthctl import --openvz bad/rootfs bad.conf
        echo 'HOSTNAME="a' >bad.conf
        refused 'line 1 has a quote that does not end' berthctl import --openvz bad/rootfs bad.conf
        echo 'eval reboot' >bad.conf
        refused 'line 1 is no assignment' berthctl import --openvz bad/rootfs bad.conf
        rm bad.conf
        mkfifo bad.conf
        refused 'it is no regular file' berthctl import --openvz bad/rootfs bad.conf
        rm bad.conf
        ln -s /etc/hostname bad.conf
        refused 'it is no regular file' berthctl import --openvz bad/rootfs bad.conf
        rm bad.conf
        refused "Cannot open 'bad.conf'" berthctl import --openvz bad/rootfs bad.conf
        # The files are checked as those of any archive.
        echo 'HOSTNAME=a' >good.conf
        head -c 100000 /dev/urandom >bad.tar
        refused "bad" berthctl import --openvz bad.tar good.conf --name bad
        # What was a file of settings of the container's is none of the host's.
        echo 'NAMESERVER="$(touch /run/hooked) ;`touch /run/hooked`"' >good.conf
        on_exit 'forget good'
        expect berthctl import --quiet --openvz bad/rootfs good.conf --name good
        [ ! -e /run/hooked ] || fail 'a shell has read it'
        expect berthctl delete good
        eventually 10 no_debris
}
