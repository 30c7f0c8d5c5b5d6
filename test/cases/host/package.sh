# shellcheck shell=bash
# The Debian package: what it does when it is installed, upgraded, removed and purged.
# host: fresh
# guests: busybox
# limit: 200

readonly DEB=/var/lib/berth-test/berth.deb

apt() {
        expect env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends "$@"
}

leader() {
        machinectl show --property=Leader --value "$1"
}

# once installed it works, with nothing set up; nothing runs or is enabled, no user or group is changed
test_R01_package_install() {
        assert_eq "$(pgrep -l berth || true)" "" "processes"
        assert_eq "$(systemctl list-units --state=failed --plain --no-legend)" "" "failed units"
        assert_eq "$(find /etc/systemd/system -name '*berth*')" "" "enabled units"
        cmp /etc/passwd /var/lib/berth-test/passwd
        cmp /etc/group /var/lib/berth-test/group
        expect berthctl list
}

# an upgrade replaces the manager and leaves a running container alone
test_package_upgrade() {
        local before manager
        expect berthctl import "$(guest busybox)" --alias busybox
        on_exit 'berthctl remove-image busybox'
        expect berthctl launch busybox stays
        on_exit 'berthctl delete --force stays'
        before=$(leader stays)
        [ "$before" -gt 0 ]
        manager=$(systemctl show --property=MainPID --value berth-containerd)

        apt --reinstall install "$DEB"
        assert_eq "$(leader stays)" "$before" "leader"
        expect berthctl exec stays -- true
        [ "$(systemctl show --property=MainPID --value berth-containerd)" != "$manager" ] || fail "the manager is the old one"
}

# removing it stops the containers and keeps them; installed again it finds them; a purge takes all that is empty
test_package_remove_and_purge() {
        expect berthctl import "$(guest busybox)" --alias busybox
        expect berthctl launch busybox kept
        expect systemctl enable berth@kept
        apt remove berth
        assert_eq "$(pgrep -l berth || true)" "" "processes"
        assert_eq "$(machinectl list --no-legend)" "" "machines"
        [ -d /var/lib/berth/containers/kept ]

        apt install "$DEB"
        expect berthctl start kept
        expect berthctl exec kept -- true

        apt purge berth
        [ -d /var/lib/berth/containers/kept ] || fail "a container was thrown away"
        assert_eq "$(find /etc/systemd/system -name 'berth@*')" "" "links of enabled units"

        apt install "$DEB"
        expect berthctl delete kept
        expect berthctl remove-image busybox
        apt purge berth
        [ ! -e /var/lib/berth ] || fail "left: $(find /var/lib/berth)"
        [ ! -e /run/berth ]
        assert_eq "$(find /usr /etc/dbus-1 /etc/polkit-1 -name '*berth*' -not -path '/usr/share/doc/*')" "" "files of the package"
        apt install "$DEB"
}
