# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Two stories of users without privileges, with sessions on the terminals of a real seat.
# guests: busybox
# limit: 600

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/sessions.sh"

readonly REFUSAL="[Nn]ot allowed|no container|administrator's"
readonly STICK=/media/alice/stick

# A file system of alice's alone, as a desktop mounts it.
setup_file() {
        truncate -s 64M /var/stick
        mkfs.ext4 -q -E "root_owner=$(id -u alice):$(id -g alice)" /var/stick
        mkdir -p "$STICK"
        mount -o loop,nosuid,nodev /var/stick "$STICK"
        cp "$(guest busybox)" "$STICK/rootfs.tar"
        # Another file than the image's that is there.
        printf '\0%.0s' {1..512} >>"$STICK/rootfs.tar"
        chown -R alice: "$STICK"
        chmod 0700 "$STICK"
        import_guests busybox
        systemctl stop getty@tty1.service
}

teardown_file() {
        loginctl disable-linger alice 2>/dev/null || true
        log_out alice
        log_out bob
        remove_all
        eventually 10 umount "$STICK"
        rmdir /media/alice/stick /media/alice
        rm /var/stick
        systemctl start getty@tty1.service
}

# Annie boots a root file system that is on her stick; it ends when she leaves, unless she may linger
test_R44_R121_a_root_file_system_from_a_stick() {
        log_in alice tty1
        log_in bob tty2
        on_exit 'loginctl disable-linger alice; log_out alice; log_out bob; forget stick; forget_image stick'
        assert_eq "$(in_session alice berthctl whoami --json=short | jq -r .session)" active
        # The control: an administrator's image is not hers to remove; without a session she has nothing, nor while somebody else is before the screen.
        expect_fail --message "$REFUSAL|no image" in_session alice berthctl remove-image busybox
        refused "$REFUSAL" as alice berthctl import "$STICK/rootfs.tar" --alias stick
        activate bob
        expect_fail --message "$REFUSAL" in_session_as_it_is alice berthctl import "$STICK/rootfs.tar" --alias stick
        # Nor is what she can read his to import.
        expect_fail --message 'Permission denied' in_session_as_it_is bob berthctl import "$STICK/rootfs.tar" --alias stick

        expect in_session alice berthctl import "$STICK/rootfs.tar" --alias stick
        expect in_session alice berthctl create stick stick
        expect in_session alice berthctl start stick
        assert_eq "$(in_session alice berthctl exec stick -- id -u)" 0
        [ "$(uid_base stick)" -ge 65536 ] || fail "it has no user namespace"
        assert_match "$(loginctl --no-pager user-status alice)" berth-stick.scope
        expect_fail --message "$REFUSAL" in_session bob berthctl exec stick -- true
        log_out alice
        eventually 20 state_is stick stopped
        loginctl enable-linger alice
        log_in alice tty1
        expect in_session alice berthctl start stick
        systemctl stop session-of-alice.service
        rm -f /home/alice/session
        no_session_of_alice() {
                ! grep -q 'alice.*seat0' <<<"$(loginctl list-sessions --no-legend)"
        }
        eventually 20 no_session_of_alice
        assert_state stick running
        loginctl disable-linger alice
        eventually 60 state_is stick stopped
        log_in alice tty1
        expect in_session alice berthctl delete stick
        expect in_session alice berthctl remove-image stick
}

# Alice's staff deploy in a lab, from wherever they come: each what is his own, none what is another's, and nothing that is the host's
test_R121_R122_staff_of_a_lab() {
        polkit_rule no-session ''
        cp /usr/share/berth/polkit-rules/50-berth-no-session.rules /etc/polkit-1/rules.d/50-no-session.rules
        groupadd berth-users
        on_exit 'gpasswd -d alice berth-users; gpasswd -d bob berth-users; groupdel berth-users; forget web db roots; forget_image stick'
        new_container roots busybox
        # The control: who is not of the staff.
        expect_fail --message "$REFUSAL" as alice berthctl import "$STICK/rootfs.tar" --alias stick
        usermod -a -G berth-users alice
        usermod -a -G berth-users bob
        own_works() {
                as alice berthctl import "$STICK/rootfs.tar" --alias stick >/dev/null 2>&1
        }
        eventually 20 own_works
        expect as alice berthctl launch stick web
        expect as bob berthctl launch busybox db
        assert_eq "$(as alice berthctl exec web -- id -u)" 0
        expect_fail --message "$REFUSAL" as bob berthctl stop --force web
        expect_fail --message "$REFUSAL" as bob berthctl exec web -- true
        expect_fail --message "$REFUSAL" as alice berthctl start roots
        refused "$REFUSAL" as alice berthctl exec db -- true
        expect_fail --message "administrator" as alice berthctl set web Privileged=yes
        expect_fail --message "administrator|Not allowed" as alice berthctl device add web host disk source=/etc path=/mnt
        assert_eq "$(as bob berthctl list --json=short | jq -r '.[].name')" db
        expect_fail as alice test -r "$STORE/containers"
        # What the root of hers is on the host.
        assert_eq "$(ps -o uid= -p "$(leader_of web)" | xargs)" "$(uid_base web)"
        # Taken away: at once.
        gpasswd -d alice berth-users >/dev/null
        eventually 20 not as alice berthctl exec web -- true
        assert_eq "$(as bob berthctl exec db -- id -u)" 0
        usermod -a -G berth-users alice
        eventually 20 as alice berthctl exec web -- true
        expect as alice berthctl stop --force web
        expect as alice berthctl delete web
        expect as alice berthctl remove-image stick
        expect as bob berthctl delete --force db
}
