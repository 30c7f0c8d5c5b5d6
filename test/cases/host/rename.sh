# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Containers under another name.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
}

teardown_file() {
        remove_all
}

# config, snapshots, ids, drop-ins, its place in the boot and its host name follow
test_R57_rename() {
        local before
        run_container c1 busybox --set MemoryMax=100M
        on_exit 'forget final-beta; rm -rf /etc/berth/containers'
        inside c1 sh -c 'echo one >/f'
        expect berthctl enable c1
        expect berthctl snapshot c1 s1
        mkdir -p /etc/berth/containers/c1.conf.d
        printf '[Resource]\nTasksMax=77\n' >/etc/berth/containers/c1.conf.d/50-a.conf
        refused 'stopped' berthctl rename c1 final-beta
        expect berthctl stop --force c1
        before=$(berthctl show c1 -p UUID -p UIDBase -p CreatedUSec)
        expect berthctl rename c1 final-beta
        assert_state c1 absent
        assert_eq "$(berthctl show final-beta -p UUID -p UIDBase -p CreatedUSec)" "$before"
        assert_eq "$(berthctl get final-beta MemoryMax)" 100M
        assert_eq "$(berthctl list-snapshots final-beta --json=short | jq -r '.[].name')" s1
        assert_eq "$(readlink "$STORE/uid-leases/$(berthctl show final-beta -p UIDBase --value)")" final-beta
        assert_eq "$(systemctl is-enabled berth@final-beta) $(systemctl is-enabled berth@c1 || true)" 'enabled disabled'
        assert_match "$(berthctl get --effective final-beta TasksMax)" 77
        expect berthctl start final-beta
        assert_eq "$(inside final-beta sh -c 'cat /f /etc/hostname')" "$(printf 'one\nfinal-beta')"
        [ ! -e "$STORE/containers/final-beta/renamed" ] || fail 'it would be given its name again'
        new_container c1 busybox
        [ "$(berthctl show c1 -p UIDBase --value)" != "$(berthctl show final-beta -p UIDBase --value)" ] || fail 'two have the same ids'
        expect machinectl show final-beta -p Leader
}

# a host name that was given stays
test_R57_hostname_set() {
        run_container c1 busybox --set Hostname=given
        on_exit 'forget c2'
        expect berthctl stop --force c1
        expect berthctl rename c1 c2
        expect berthctl start c2
        assert_eq "$(inside c2 hostname)" given
}

test_R57_bad_names() {
        new_container c1 busybox
        new_container c2 busybox
        refused "There is a container 'c2' already" berthctl rename c1 c2
        refused "There is a container 'c1' already" berthctl rename c1 c1
        refused "'a/b' cannot be the name" berthctl rename c1 a/b
        refused "no container 'nobody'" berthctl rename nobody c3
}

# killed between its two steps: the range of ids is in the right name again
test_R57_interrupted() {
        new_container c1 busybox
        on_exit 'forget c2'
        systemctl stop berth-containerd
        local base
        base=$(sed -n 's/^UIDBase=//p' "$STORE/containers/c1/container.conf")
        mv "$STORE/containers/c1" "$STORE/containers/c2"
        mkdir "$STORE/trash/999999"
        expect berthctl list
        eventually 10 sh -c "[ \"\$(readlink '$STORE/uid-leases/$base')\" = c2 ]"
        expect berthctl start c2
}
