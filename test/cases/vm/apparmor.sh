# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# AppArmor: the profile that every container has, rules on top of it, another in its place; and the profiles that a guest loads for its own programs.
# guests: busybox SUITE-apparmor
# limit: 300

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        [ "$(cat /sys/module/apparmor/parameters/enabled)" = Y ] || cannot_run "the kernel has no AppArmor"
        import_guests busybox
        expect berthctl import --quiet "$(guest "$SUITE-apparmor")" --alias apparmor
        # Debian's systemd, with its own apparmor.service. Started once for all.
        expect berthctl launch apparmor g1 -p default -p nesting
        cat >/tmp/berth-test.profile <<'END'
profile berth-test flags=(attach_disconnected,mediate_deleted) {
        capability,
        file,
        mount,
        umount,
        pivot_root,
        network,
        signal,
        ptrace,
        unix,
        dbus,
        deny /root/secret rw,
}
END
        expect apparmor_parser --replace /tmp/berth-test.profile
}

teardown_file() {
        remove_all
        apparmor_parser --remove /tmp/berth-test.profile || true
        rm -f /tmp/berth-test.profile
}

# label PID: what the host calls it.
label() {
        sed 's/ (.*//' "/proc/$1/attr/apparmor/current"
}

# pid_inside NAME WORD: of the process in the container that has this in its command line, as the host sees it.
pid_inside() {
        local pid
        for pid in $(pgrep -f "$2"); do
                if grep -q "berth-$1\.scope" "/proc/$pid/cgroup"; then
                        echo "$pid"
                        return
                fi
        done
        fail "no process of $1 has '$2' in its command line"
}

# own_profiles: of the host's, without those of policy namespaces.
own_profiles() {
        grep -v '^:' /sys/kernel/security/apparmor/profiles | sort
}

# as LABEL COMMAND...: a process of the host's root, with that profile.
as() {
        aa-exec --profile="$1" -- "${@:2}"
}

# payload and commands are in the profile, which holds; in none, when that is said
test_R66_profile_of_a_container() {
        local leader
        run_container a1 busybox --set AppArmorProfile=berth-test
        leader=$(leader_of a1)
        assert_eq "$(label "$leader")" berth-test
        assert_match "$(inside a1 cat /proc/self/attr/current)" '^berth-test '
        assert_match "$(berthctl show a1 --applied)" 'lsm-label +berth-test'
        expect_fail inside a1 sh -c 'echo x >/root/secret'
        expect inside a1 sh -c 'echo x >/root/other'
        run_container a2 busybox --set AppArmorProfile=unconfined
        expect inside a2 sh -c 'echo x >/root/secret'
        assert_eq "$(label "$(leader_of a2)")" unconfined
        assert_match "$(berthctl show a2 --applied)" 'apparmor-profile +none'
}

# one that is not there keeps the container from starting, and is named
test_R66_profile_not_loaded() {
        new_container a1 busybox --set AppArmorProfile=berth-nowhere
        expect_fail --message "berth-nowhere.*not loaded" berthctl start a1
        expect berthctl unset a1 AppArmorProfile
        expect berthctl start a1
}

# whoever says nothing has a profile and a policy namespace, payload and commands; both go when it stops
test_R108_profile_by_default() {
        local want='berth@a1//&:berth-a1//lxc-a1:unconfined'
        run_container a1 busybox
        assert_eq "$(label "$(leader_of a1)")" "$want"
        inside a1 sh -c 'sleep 4711 >/dev/null 2>&1 &'
        assert_eq "$(label "$(pid_inside a1 'sleep 4711')")" "$want"
        assert_eq "$(inside a1 cat /proc/self/attr/current)" unconfined
        assert_match "$(berthctl show a1 --applied)" 'apparmor-profile +include "/usr/lib/berth/apparmor/container"'
        grep -q '^berth@a1 (enforce)' /sys/kernel/security/apparmor/profiles || fail "the profile is not loaded"
        # No one who could look for more: the guest sees its own namespace, which is empty.
        assert_eq "$(inside a1 cat /sys/kernel/security/apparmor/profiles)" ''
        # One that a supervisor left behind does not stand in the way.
        kill -KILL "$(supervisor_of a1)"
        eventually 10 state_is a1 failed
        [ -d /sys/kernel/security/apparmor/policy/namespaces/berth-a1 ] || fail "the supervisor was not killed in time for this test"
        expect berthctl start a1
        assert_eq "$(label "$(leader_of a1)")" "$want"
        expect berthctl terminate a1
        ! grep -q '^berth@a1 ' /sys/kernel/security/apparmor/profiles || fail "the profile stays loaded"
        [ ! -e /sys/kernel/security/apparmor/policy/namespaces/berth-a1 ] || fail "the policy namespace stays"
}

# even where ids and namespaces would not stop it, as here where it is the host's root: nobody else gets a signal, or is traced
test_R108_signals_and_ptrace() {
        local one two
        run_container a1 busybox
        run_container a2 busybox
        one=$(leader_of a1)
        two=$(leader_of a2)
        expect as berth@a1 kill -0 "$one"
        expect_fail --message 'Permission denied' as berth@a1 kill -0 "$two"
        expect_fail --message 'Permission denied' as berth@a1 kill -0 1
        expect as berth@a1 cat "/proc/$one/environ"
        expect_fail --message 'Permission denied' as berth@a1 cat "/proc/$two/environ"
        expect_fail --message 'Permission denied' as berth@a1 cat /proc/1/environ
        # It is the profile that says so.
        expect as berth-test kill -0 "$two"
        expect as berth-test cat "/proc/$two/environ"
}

# the kernel's own files, in the same way: with the profile, and with the one for privileged containers
test_R108_kernel_files() {
        local profile
        run_container a1 busybox
        cat >"$TEST_TMP/privileged" <<'END'
abi <abi/3.0>,
profile berth-test-privileged flags=(attach_disconnected,mediate_deleted) {
        include "/usr/lib/berth/apparmor/container-privileged"
}
END
        expect apparmor_parser --replace "$TEST_TMP/privileged"
        on_exit "apparmor_parser --remove '$TEST_TMP/privileged'"
        for profile in berth@a1 berth-test-privileged; do
                # With h it prints its help; core_pattern gets what it has.
                expect_fail --message 'Permission denied' as "$profile" sh -c 'echo h >/proc/sysrq-trigger'
                expect_fail --message 'Permission denied' as "$profile" sh -c 'read -r x </proc/sys/kernel/core_pattern; echo "$x" >/proc/sys/kernel/core_pattern'
                expect_fail --message 'Permission denied' as "$profile" sh -c 'read -r x </proc/sys/vm/swappiness; echo "$x" >/proc/sys/vm/swappiness'
                expect_fail --message 'Permission denied' as "$profile" sh -c 'echo x >/sys/kernel/uevent_helper'
                expect_fail --message 'Permission denied' as "$profile" cat /proc/kcore
                expect as "$profile" sh -c 'read -r x </proc/sys/kernel/shmmax; echo "$x" >/proc/sys/kernel/shmmax'
                expect as "$profile" sh -c 'read -r x </proc/sys/net/ipv4/ip_forward; echo "$x" >/proc/sys/net/ipv4/ip_forward'
                expect as "$profile" sh -c 'echo 0 >/proc/self/oom_score_adj'
                # Of a mount that comes by fsopen(2), as newer mount(8) make it, AppArmor does not see the type.
                expect_fail --status 255 --message denied as "$profile" unshare --mount busybox mount -t debugfs debugfs /mnt
                expect as "$profile" unshare --mount busybox mount -t tmpfs tmpfs /mnt
        done
        # In another place, too.
        expect_fail --message 'Permission denied' as berth-test-privileged unshare --mount sh -c 'mount -t proc proc /mnt && echo h >/mnt/sysrq-trigger'
        expect_fail as berth-test-privileged sh -c 'echo >/sys/kernel/security/apparmor/.remove'
        expect_fail as berth-test-privileged date -s @0
        # Whoever has none of them may.
        expect as berth-test sh -c 'echo h >/proc/sysrq-trigger'
        expect as berth-test sh -c 'read -r x </proc/sys/vm/swappiness; echo "$x" >/proc/sys/vm/swappiness'
}

# rules on top: wrong ones are refused when they are set, in the parser's words; right ones are shown, hold, and need no parser to start
test_R109_raw_apparmor() {
        new_container a1 busybox
        refused 'RawAppArmor.*(syntax error|parser error)' berthctl set a1 'RawAppArmor=deny this and that,'
        refused 'RawAppArmor' berthctl create busybox a2 --set 'raw.apparmor=mount fstype='
        expect berthctl set a1 $'raw.apparmor=# a comment\ndeny /root/secret rw,\ndeny /root/other rw,'
        chmod a-x /usr/sbin/apparmor_parser
        on_exit 'chmod a+x /usr/sbin/apparmor_parser'
        expect berthctl start a1
        assert_match "$(berthctl show a1 --applied)" 'apparmor-profile +deny /root/secret rw,'
        expect_fail --message 'Permission denied' inside a1 sh -c 'echo x >/root/secret'
        expect_fail --message 'Permission denied' inside a1 sh -c 'echo x >/root/other'
        expect inside a1 sh -c 'echo x >/root/third'
        # Without the rules that is another profile, which the parser is needed for, once.
        expect berthctl terminate a1
        expect berthctl unset a1 RawAppArmor
        expect_fail --message 'apparmor_parser' berthctl start a1
        chmod a+x /usr/sbin/apparmor_parser
        expect berthctl start a1
        expect inside a1 sh -c 'echo x >/root/secret'
        # Instead of the profile that it is a part of there is another.
        expect berthctl terminate a1
        expect berthctl set a1 RawAppArmor='deny /srv/** w,' AppArmorProfile=berth-test
        expect_fail --message 'RawAppArmor' berthctl start a1
}

# dhclient runs in the profile that Debian's package has for it, under the host's: the guest's aa-status lists it, and the host's profile is as it was
test_R110_profile_of_the_guest() {
        local pid
        inside g1 systemctl is-active apparmor
        inside g1 systemd-run --quiet --unit=dh dhclient -d -v eth0
        # The unit is there before its process is the program.
        dhclient_is_confined() {
                [[ $(inside g1 aa-status) =~ processes\ are\ in\ enforce\ mode\.$'\n'\ +/usr/sbin/dhclient\ \([0-9]+\) ]]
        }
        eventually 10 dhclient_is_confined
        pid=$(pid_inside g1 'dhclient -d')
        assert_eq "$(label "$pid")" 'berth@g1//&:berth-g1//lxc-g1:/{,usr/}sbin/dhclient'
        inside g1 systemctl stop dh
        # The guest's are none of the host's.
        ! own_profiles | grep 'sbin/dhclient' || fail "the host has the guest's profiles"
}

# what the guest's root does with its own profiles changes nothing of the host's
test_S39_policy_of_the_host_holds() {
        local before want='berth@g1//&:berth-g1//lxc-g1:unconfined'
        before=$(own_profiles)
        berthctl exec g1 -- sh -c 'cat >/root/own' <<'END'
profile berth@g1 flags=(attach_disconnected) { file, capability, network, signal, ptrace, mount, }
profile outer { file, signal, change_profile -> **, }
END
        inside g1 apparmor_parser --replace /root/own
        assert_match "$(inside g1 cat /sys/kernel/security/apparmor/profiles)" 'berth@g1 \(enforce\)'
        assert_eq "$(own_profiles)" "$before" "the host's profiles"
        expect inside g1 sh -c 'aa-exec -p outer -- aa-exec -p unconfined -- sleep 4712 >/dev/null 2>&1 &'
        sleep 1
        assert_eq "$(label "$(pid_inside g1 'sleep 4712')")" "$want"
        # By names that would lead out of its namespace.
        inside g1 sh -c 'for label in unconfined :root:unconfined ://unconfined :berth-g1:unconfined berth@g1; do
                (echo -n "changeprofile $label" >/proc/self/attr/apparmor/current; exec sleep 4713) >/dev/null 2>&1 & done'
        sleep 1
        local pid
        for pid in $(pgrep -f 'sleep 4713'); do
                assert_match "$(label "$pid")" '^berth@g1//&:berth-g1//lxc-g1:'
        done
        inside g1 sh -c 'echo -n berth@g1 >/sys/kernel/security/apparmor/.remove; echo -n :root:berth@g1 >/sys/kernel/security/apparmor/.remove 2>/dev/null || true'
        assert_eq "$(own_profiles)" "$before" "the host's profiles"
        # In a user namespace inside there is nothing to administrate.
        expect_fail inside g1 unshare --user --map-root-user sh -c 'apparmor_parser --replace /root/own || exit 1'
        inside g1 sh -c 'pkill -f "sleep 471[23]"; apparmor_parser --remove /root/own 2>/dev/null || true'
}

# MariaDB in enforce mode, with a profile from the guest (Debian's package has an empty one): it serves, and reads no more than it may
test_R111_mysqld() {
        local pid
        berthctl exec g1 -- sh -c 'cat >/etc/apparmor.d/usr.sbin.mariadbd; echo secret >/srv/file; chmod 0644 /srv/file' <<'END'
include <tunables/global>
/usr/sbin/mariadbd flags=(attach_disconnected) {
  include <abstractions/base>
  include <abstractions/nameservice>
  include <abstractions/mysql>
  capability dac_override,
  capability setgid,
  capability setuid,
  capability sys_resource,
  network,
  signal (receive),
  /usr/sbin/mariadbd mr,
  /etc/mysql/** r,
  /usr/share/{mysql,mariadb}/** r,
  /usr/lib/mysql/plugin/** mr,
  /var/lib/mysql/ r,
  /var/lib/mysql/** rwk,
  /run/mysqld/ r,
  /run/mysqld/* rwk,
  /tmp/** rwk,
  /sys/** r,
  @{PROC}/** r,
  /run/systemd/notify w,
}
END
        inside g1 apparmor_parser --replace /etc/apparmor.d/usr.sbin.mariadbd
        inside g1 systemctl start mariadb
        pid=$(pid_inside g1 /usr/sbin/mariadbd)
        assert_eq "$(label "$pid")" 'berth@g1//&:berth-g1//lxc-g1:/usr/sbin/mariadbd'
        assert_match "$(inside g1 aa-status)" $'processes are in enforce mode.\n +/usr/sbin/mariadbd \\([0-9]+\\)'
        assert_eq "$(inside g1 mariadb -N -e "select load_file('/srv/file')")" NULL
        # Without it, it could.
        inside g1 apparmor_parser --remove /etc/apparmor.d/usr.sbin.mariadbd
        assert_eq "$(inside g1 mariadb -N -e "select load_file('/srv/file')")" 'secret\n'
        inside g1 systemctl stop mariadb
}

# a /proc that the guest has put over its own is not where a command gets its label
test_S09_proc_is_not_the_guests() {
        run_container a1 busybox
        # What it fakes, it first makes elsewhere: nothing but processes may be written to in /proc, whatever is mounted there.
        inside a1 sh -c 'for d in self thread-self 1; do mkdir -p /tmp/proc/$d/attr/apparmor; : >/tmp/proc/$d/attr/apparmor/current; : >/tmp/proc/$d/attr/current; done
                mount --bind /tmp/proc /proc'
        inside a1 sh -c 'sleep 4714 >/dev/null 2>&1 &'
        assert_eq "$(label "$(pid_inside a1 'sleep 4714')")" 'berth@a1//&:berth-a1//lxc-a1:unconfined'
        assert_eq "$(inside a1 sh -c 'cat /proc/*/attr/apparmor/current /proc/*/attr/current')" ''
}

# berth in a container: its containers have a profile of the inner one's, under the outer one's
test_R110_containers_in_a_container() {
        berthctl copy-to g1 /var/lib/berth-test/berth.deb /root/berth.deb
        berthctl copy-to g1 "$(guest busybox)" /root/busybox.tar
        inside g1 sh -c 'DEBIAN_FRONTEND=noninteractive dpkg -i /root/berth.deb >/dev/null; berthctl import --quiet /root/busybox.tar --alias bb; berthctl launch bb i1
                berthctl exec i1 -- sh -c "sleep 4715 >/dev/null 2>&1 &"'
        assert_eq "$(label "$(pid_inside g1 'sleep 4715')")" 'berth@g1//&:berth-g1//lxc-g1:berth@i1'
        assert_match "$(inside g1 berthctl show i1 --applied)" 'lsm-label +berth@i1 '
        expect_fail inside g1 berthctl exec i1 -- sh -c 'echo -n changeprofile unconfined >/proc/self/attr/apparmor/current'
        # In there AppArmor is on and has no files: the state of the test below.
        assert_eq "$(inside g1 berthctl exec i1 -- sh -c 'cat /sys/module/apparmor/parameters/enabled; ls /sys/kernel/security')" Y
        inside g1 berthctl delete --force i1
}

# a host that is itself confined, with no policy to administrate, as a container's container is: a start says so, and what does without
test_R110_host_that_is_confined() {
        new_container a1 busybox
        on_exit 'rm -rf /run/systemd/system/berth@a1.service.d; systemctl daemon-reload'
        mkdir -p /run/systemd/system/berth@a1.service.d
        printf '[Service]\nAppArmorProfile=berth-test\nInaccessiblePaths=/sys/kernel/security\n' >/run/systemd/system/berth@a1.service.d/confined.conf
        systemctl daemon-reload
        start_fails 'confined by an AppArmor profile.*AppArmorProfile=unconfined' a1
        # The control: what confines it is what it fails of.
        rm /run/systemd/system/berth@a1.service.d/confined.conf
        systemctl daemon-reload
        expect berthctl start a1
}
