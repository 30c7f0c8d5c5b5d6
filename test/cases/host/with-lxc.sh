# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Containers that lxc-create has made become berth's.
# guests: busybox
# flavour: peers
# limit: 240

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        mkdir -p /var/lib/lxc
        berthctl import "$(guest busybox)" --alias first >/dev/null
        berthctl remove-image first
}

teardown_file() {
        remove_all
        rm -rf /var/lib/lxc/berth-test-*
}

# lxc_forget NAME...
lxc_forget() {
        local name
        for name; do
                lxc-destroy -n "$name" >/dev/null 2>&1 || true
                rm -rf "/var/lib/lxc/$name"
        done
}

# image_files: meta.tar.xz and rootfs.tar.xz, as the server of images has them
image_files() {
        mkdir root
        tar -C root -xf "$(guest busybox)"
        echo secret >root/etc/secret
        chmod 0600 root/etc/secret
        chown 1000:33 root/etc/secret
        chmod u+s root/bin/busybox
        tar -C root --numeric-owner -cJf rootfs.tar.xz .
        mkdir meta
        cat >meta/config <<-'E'
		lxc.include = LXC_TEMPLATE_CONFIG/common.conf
		lxc.arch = x86_64
		lxc.cgroup2.pids.max = 60
		E
        printf 'lxc.include = LXC_TEMPLATE_CONFIG/common.conf\nlxc.include = LXC_TEMPLATE_CONFIG/userns.conf\nlxc.arch = x86_64\nlxc.cgroup2.pids.max = 60\n' >meta/config-user
        echo 5 >meta/create-message
        tar -C meta -cJf meta.tar.xz .
}

# the template "busybox": host name in quotes, memory that is in every container anyway, the signal that stops it, capabilities
test_R133_lxc_create_busybox() {
        local name=berth-test-1
        on_exit "forget other; lxc_forget $name"
        expect lxc-create -n "$name" -t busybox
        assert_match "$(cat "/var/lib/lxc/$name/config")" "lxc.uts.name = \"?$name"
        expect_fail berthctl show other
        assert_eq "$(berthctl import --lxc "$name" --name other 2>told)" other
        assert_eq "$(berthctl get other KillSignal)" SIGUSR1
        expect_fail grep -q 'Left out.*lxc.uts.name' told
        assert_match "$(cat told)" "'/lib' of the host.*is not lent to it"
        expect berthctl start other
        assert_eq "$(inside other hostname)" "$name"
        assert_eq "$(inside other cat /proc/1/comm)" init
        # What the host lends every one, and nothing over it.
        assert_eq "$(inside other stat -c %a /dev/shm)" 1777
        assert_eq "$(inside other grep -c ' /dev/shm ' /proc/mounts)" 1
        # CAP_SYS_TIME (25) is dropped, CAP_SYS_CHROOT (18) is not.
        assert_eq "$((0x$(inside other sed -n 's/^CapBnd:\t//p' /proc/1/status) >> 18 & 0x81))" 1
        expect berthctl stop other
}

# the template "local", of the two files that its servers have: settings of the image and of the administrator, files with their owners
test_R133_lxc_create_local() {
        local name=berth-test-2
        on_exit "forget $name; lxc_forget $name"
        image_files
        expect lxc-create -n "$name" -t local -- --metadata "$PWD/meta.tar.xz" --fstree "$PWD/rootfs.tar.xz"
        cat >>"/var/lib/lxc/$name/config" <<-'E'
		lxc.environment = "GREETING=hello world"
		lxc.cgroup2.memory.max = 64M
		lxc.mount.entry = tmpfs srv tmpfs size=1M 0 0
		lxc.cap.keep = chown dac_override fowner kill net_admin setgid setuid sys_admin sys_time
		E
        assert_eq "$(berthctl import --lxc "$name" 2>told)" "$name"
        expect_fail grep -qE 'not read|Left out.*(include|arch|pids|rootfs|uts)' told
        expect berthctl start "$name"
        assert_eq "$(systemctl show -p TasksMax -p MemoryMax "berth-$name.scope")" $'MemoryMax=67108864\nTasksMax=60'
        assert_eq "$(inside "$name" hostname)" "$name"
        assert_eq "$(inside "$name" stat -c '%u %g %a' /etc/secret)" '1000 33 600'
        assert_eq "$(inside "$name" stat -c %a /bin/busybox)" 4755
        assert_eq "$(inside "$name" sh -c 'echo "$GREETING"')" 'hello world'
        # Everybody's, as a file system in memory is that is told nothing else.
        assert_eq "$(inside "$name" stat -c %a /srv)" 1777
        assert_match "$(inside "$name" grep ' /srv ' /proc/mounts)" 'size=1024k'
        # 0 chown, 1 dac_override, 3 fowner, 5 kill, 6 setgid, 7 setuid, 12 net_admin, 21 sys_admin; and not 25, which none has.
        assert_eq "$(inside "$name" sed -n 's/^CapBnd:\t0*//p' /proc/1/status)" 2010eb
}

# one whose ids are others on the host: its files have the owners that they have inside
test_R133_lxc_create_unprivileged() {
        local name=berth-test-3
        on_exit "forget $name; lxc_forget $name"
        image_files
        printf 'lxc.idmap = u 0 200000 65536\nlxc.idmap = g 0 200000 65536\nlxc.apparmor.profile = generated\n' >conf
        chmod 0755 . && chmod 0644 ./*.xz
        # Whom its root becomes has to get there.
        chmod 0711 /var/lib/lxc
        cp /etc/subuid subuid && cp /etc/subgid subgid
        on_exit 'cp subuid /etc/subuid; cp subgid /etc/subgid'
        echo root:200000:65536 | tee -a /etc/subuid >>/etc/subgid
        expect lxc-create -n "$name" -f conf -t local -- --metadata "$PWD/meta.tar.xz" --fstree "$PWD/rootfs.tar.xz"
        assert_eq "$(stat -c %u:%g "/var/lib/lxc/$name/rootfs/etc/secret")" 201000:200033
        assert_eq "$(berthctl import --lxc "$name" 2>told)" "$name"
        expect_fail grep -qE 'not read|Left out.*(idmap|apparmor.profile)' told
        expect berthctl start "$name"
        assert_eq "$(inside "$name" stat -c '%u %g %a' /etc/secret)" '1000 33 600'
        assert_eq "$(inside "$name" stat -c '%u %a' /bin/busybox)" '0 4755'
        # It is somebody else's files on the disk, and these are as they were.
        assert_eq "$(stat -c %u:%g "/var/lib/lxc/$name/rootfs/etc/secret")" 201000:200033
}

# what starts at boot, and in which order, is what lxc-autostart lists for Debian's lxc.service
test_R64_lxc_autostart() {
        local name names=() here
        on_exit "forget berth-test-{a,b,c,d,e,f}; lxc_forget berth-test-{a,b,c,d,e,f}"
        while read -r name keys; do
                names+=("berth-test-$name")
                mkdir -p "/var/lib/lxc/berth-test-$name/rootfs"
                tar -C "/var/lib/lxc/berth-test-$name/rootfs" -xf "$(guest busybox)"
                # shellcheck disable=SC2086 # words
                printf '%s\n' "lxc.rootfs.path = dir:/var/lib/lxc/berth-test-$name/rootfs" "lxc.uts.name = $name" $keys >"/var/lib/lxc/berth-test-$name/config"
                expect berthctl import --quiet --lxc "berth-test-$name"
        done <<-'E'
		a lxc.start.auto=1 lxc.start.order=20
		b lxc.start.auto=1
		c lxc.start.auto=1 lxc.start.order=-3
		d lxc.start.auto=1 lxc.start.order=500 lxc.group=onboot
		e lxc.start.auto=1 lxc.group=web
		f lxc.start.auto=0 lxc.start.order=1
		E
        here=$(for name in "${names[@]}"; do
                [ "$(berthctl get "$name" Autostart)" != yes ] || echo "$(berthctl get "$name" AutostartPriority) $name"
        done | sort -rn | cut -d' ' -f2)
        assert_eq "$here" "$(lxc-autostart --list --group onboot, | cut -d' ' -f1 | grep '^berth-test-')"
        assert_eq "$(wc -l <<<"$here")" 4
}
