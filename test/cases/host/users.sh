# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Users without root's rights: what a session of theirs lets them do with what is their own, and no more. Sessions are logind's.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/sessions.sh"

readonly REFUSAL="[Nn]ot allowed|no container|administrator's"
readonly EXAMPLES=/usr/share/berth/polkit-rules

setup_file() {
        import_guests busybox
        expect berthctl launch busybox roots
        cp "$(guest busybox)" /var/tmp/stick.tar
        # Another file than the image's that is there.
        printf '\0%.0s' {1..512} >>/var/tmp/stick.tar
        chmod 0644 /var/tmp/stick.tar
}

teardown_file() {
        local user
        for user in alice bob; do
                log_out "$user"
        done
        remove_all
        rm -f /var/tmp/stick.tar /etc/berth/berth.conf
}

# in force until the end of the test
example_rule() {
        polkit_rule "$1" ''
        cp "$EXAMPLES/50-berth-$1.rules" "/etc/polkit-1/rules.d/50-$1.rules"
}

can() {
        "$@" >/dev/null 2>&1
}

# import, create, start, use, stop, delete in an active session, without a password; nothing of it to another, nor without the session
test_R121_an_active_session_has_its_own() {
        log_in alice
        log_in bob
        on_exit 'log_out alice; log_out bob; forget a1 a2; forget_image stick'
        expect in_session alice berthctl import /var/tmp/stick.tar --alias stick
        expect in_session alice berthctl create stick a1
        expect in_session alice berthctl set a1 Description=mine MemoryMax=64M
        expect in_session alice berthctl start a1
        assert_eq "$(in_session alice berthctl exec a1 -- id -u)" 0
        expect in_session alice berthctl copy-to a1 /etc/hostname /root/copied
        expect in_session alice berthctl snapshot a1 before
        expect in_session alice berthctl clone a1 a2
        expect in_session alice berthctl restore a1 before
        expect in_session alice berthctl alias add also stick
        expect in_session alice berthctl alias remove also
        # The control: without the session it is refused; the same user.
        refused 'Not allowed' as alice berthctl stop a1
        refused 'Not allowed' as alice berthctl exec a1 -- true
        # Another's and root's, from a session as good.
        local verb
        for verb in 'start' 'stop --force' 'restart' 'kill' 'freeze' 'delete --force' 'cat' 'clone' 'snapshot' 'console'; do
                # shellcheck disable=SC2046,SC2086
                expect_fail --message "$REFUSAL" in_session bob berthctl $verb a1 $([ "$verb" != clone ] || echo b1)
                # shellcheck disable=SC2046,SC2086
                expect_fail --message "$REFUSAL" in_session alice berthctl $verb roots $([ "$verb" != clone ] || echo a9)
        done
        expect_fail --message "$REFUSAL" in_session bob berthctl exec a1 -- true
        expect_fail --message "$REFUSAL" in_session bob berthctl set a1 Description=his
        expect_fail --message "no image|Not allowed" in_session bob berthctl create stick b1
        expect_fail --message "no image|Not allowed" in_session bob berthctl remove-image stick
        expect_fail --message "Not allowed" in_session bob berthctl alias remove stick
        assert_state a1 running
        assert_state roots running
        expect in_session alice berthctl delete --force a1 a2
        expect in_session alice berthctl remove-image stick
        # Not what reaches further than his own: the network, the boot, profiles, the server.
        refused 'Not allowed' in_session alice berthctl pull https://example.org/x.tar
        refused 'Not allowed' in_session alice berthctl set-server KeepArchives=no
        refused 'Not allowed' in_session alice berthctl profile create mine UMask=0077
        refused 'everybody' in_session alice berthctl import /var/tmp/stick.tar --public
}

# what is not his to set, on every way that leads to a file of settings
test_R121_S100_S119_keys_of_the_administrator() {
        local key before
        log_in alice
        on_exit 'log_out alice; forget a1 a2 a3'
        expect in_session alice berthctl create busybox a1
        before=$(</var/lib/berth/containers/a1/container.conf)
        for key in Privileged=yes security.privileged=true RawAppArmor='file,' RawSeccomp='2' HookStartHost=/bin/true 'HookPreStart=/bin/true' KeyFile=/etc/shadow \
                LoadCredential=x:/etc/shadow Slice=system.slice KernelModules=loop IDMapBase=0 AppArmorProfile=unconfined Requires=sshd.service RawUnit='[Service]' \
                Owner=0 Image=0 UIDBase=0 InterceptMount=yes Device.d.Type=disk Device.d.Source=/etc raw.idmap=x Autostart=yes OOMScoreAdjust=-1000 Nice=-20; do
                expect_fail --message "administrator|no setting|berth's|Not allowed" in_session alice berthctl set a1 "$key"
                expect_fail --message "administrator|no setting|berth's|Not allowed" in_session alice berthctl create busybox a2 --set "$key"
                expect_fail --message "administrator|no setting|berth's|Not allowed" in_session alice berthctl clone a1 a3 --set "$key"
        done
        expect_fail --message "Not allowed" in_session alice berthctl set a1 Nesting=yes
        expect_fail --message "Not allowed" in_session alice berthctl set a1 security.nesting=true Description=x
        expect_fail --message "Not allowed" in_session alice berthctl create busybox a2 --set security.nesting=true
        expect_fail --message "administrator|Not allowed" in_session alice berthctl device add a1 d disk source=/etc path=/mnt
        expect_fail --message "administrator|Not allowed" in_session alice berthctl device add a1 p proxy listen=tcp:0.0.0.0:99 connect=tcp:127.0.0.1:99
        expect_fail --message "administrator|Not allowed" in_session alice berthctl device add a1 n nic nictype=physical parent=lo
        assert_eq "$(</var/lib/berth/containers/a1/container.conf)" "$before"
        assert_state a2 absent
        assert_state a3 absent
        # The control: root may.
        expect berthctl set a1 Nesting=yes
        # What she may not set she may not multiply.
        expect_fail --message "administrator's to give, .*Nesting" in_session alice berthctl clone a1 a3
        assert_state a3 absent
        expect berthctl unset a1 Nesting
        expect in_session alice berthctl set a1 Description=x
}

# administrators_keys: "SECTION KEY VALUE" of each setting of the table that is the administrator's, the value being one that is right for it.
administrators_keys() {
        local section key type value
        while IFS=$'\t' read -r section key type; do
                case $key in
                CPUSchedulingPolicy) value='batch' ;;
                IOSchedulingClass) value=idle ;;
                LoadCredential) value=x:/etc/hostname ;;
                IDMapSize) value=131072 ;;
                IOSchedulingPriority | NetworkPriority) value=5 ;;
                ManagedOOMPreference) value=avoid ;;
                Nice) value=-3 ;;
                Privileged) value=yes ;;
                RawAppArmor) value=file, ;;
                RawSeccomp) value=2 ;;
                RawUnit) value=Unit.Documentation=man:true ;;
                Restart) value=always ;;
                SystemCallPolicy) value=allow ;;
                *)
                        case $type in
                        boolean) value=yes ;;
                        capabilities) value=CAP_CHOWN ;;
                        'command line') value=/bin/true ;;
                        'disk and rate') value='/dev/null 5M' ;;
                        'disk and time') value='/dev/null 5ms' ;;
                        'disk and weight') value='/dev/null 50' ;;
                        'file systems') value=ext4 ;;
                        id) value=1048576 ;;
                        limit) value=5 ;;
                        modules) value=loop ;;
                        number) value=20 ;;
                        path | paths) value=/etc/hostname ;;
                        'profile name') value=other ;;
                        size | 'size limit') value=5M ;;
                        slice) value=other.slice ;;
                        'time span') value=5s ;;
                        units) value=sshd.service ;;
                        *) fail "which value is right for $key, a $type?" ;;
                        esac
                        ;;
                esac
                echo "$section $key $value"
        done < <(berthctl help settings | awk -F '[[]|[]]|=  [(]|; ' '/^\[Device/ { exit } /^\[/ { section = $2 } /^  [A-Z].*; admin[;)]/ { print section "\t" substr($1, 3) "\t" $2 }')
}

# matrix FILTER...: the administrator's settings that the filter lets through, on every way that leads to a container's settings.
matrix() {
        local section key value setting before status way text
        on_exit 'log_out alice; forget m1 m2 m3; rm -f /etc/berth/profiles/m-*.conf; rmdir --ignore-fail-on-non-empty /etc/berth/profiles'
        log_in alice
        expect in_session alice berthctl create busybox m1
        administrators_keys >all
        [ "$(wc -l <all)" -gt 60 ] || fail "too few: $(<all)"
        "$@" <all >keys
        # The control: root may, for each of them. Of what she has then, nothing may become more.
        while read -r section key value; do
                # One line is not a policy.
                setting=$key=$value
                [ "$key" != RawSeccomp ] || setting=$'raw.seccomp=2\ndenylist\nbpf'
                expect berthctl profile create "m-$key" "$setting"
                expect berthctl create busybox m3 --no-profiles --set "$setting"
                expect berthctl delete m3
                # Not after that it has been made: what it writes has an owner.
                case $key in IDMap* | Privileged) continue ;; esac
                expect berthctl set m1 "$setting"
                expect berthctl snapshot m1 "s-$key"
                expect berthctl unset m1 "$key"
        done <keys
        before=$(<"$STORE/containers/m1/container.conf")
        cat >matrix <<'END'
        attempt() {
                local way=$1 out rc=0
                shift
                out=$("$@" 2>&1 </dev/null) || rc=$?
                printf '%s\t%s\t%s\t%s\n' "$rc" "$key" "$way" "${out//$'\n'/ }"
        }
        while read -r section key value; do
                attempt set berthctl set m1 "$key=$value"
                attempt beside berthctl set m1 Description=x "$key=$value"
                SECTION=$section LINE="$key=$value" attempt edit berthctl edit m1
                attempt create berthctl create busybox m2 --set "$key=$value"
                attempt launch berthctl launch busybox m2 --set "$key=$value"
                attempt clone berthctl clone m1 m2 --set "$key=$value"
                attempt assign berthctl profile assign m1 "m-$key"
                attempt profiles berthctl set m1 "Profiles=m-$key"
                attempt with-profile berthctl create busybox m2 -p "m-$key"
                attempt own-profile berthctl profile create "n-$key" "$key=$value"
                attempt their-profile berthctl profile set default "$key=$value"
                case $key in IDMap* | Privileged) continue ;; esac
                attempt restore berthctl restore m1 "s-$key"
                attempt from-snapshot berthctl clone "m1/s-$key" m2
        done <"$1"
END
        # What is at the end of the file is help. A text that is not taken is opened again, with the reason above it.
        cat >editor <<'END'
        grep -qxF "$LINE" "$1" && grep '^#' "$1" | head -n 5 >&2 && exit 1
        { printf '[%s]\n%s\n' "$SECTION" "$LINE"; cat "$1"; } >"$HOME/edited" && cat "$HOME/edited" >"$1"
END
        expect in_session alice env EDITOR="sh $PWD/editor" bash "$PWD/matrix" "$PWD/keys" >verdicts
        rm /home/alice/edited
        while IFS=$'\t' read -r status key way text; do
                [ "$status" = 1 ] && [[ $text =~ (administrator\'s to (change|assign|give)|'Not allowed to '(create|change)' profile') ]] || fail "$key by $way: $status, $text"
        done <verdicts
        assert_eq "$(wc -l <verdicts)" $(($(wc -l <keys) * 13 - $(grep -c ' IDMap\| Privileged ' keys) * 2)) 'verdicts'
        assert_eq "$(<"$STORE/containers/m1/container.conf")" "$before"
        assert_state m2 absent
}

# a setting of each section that is the administrator's, on every way that leads to a container's settings: the same verdict on all of them, and root has it
test_S100_matrix() {
        matrix awk '!seen[$1]++ || $2 == "Privileged"'
}

# [long] each of them
test_S100_matrix_long() {
        matrix cat
}

# what another has is not there: the words for it are those for what does not exist
test_S93_S101_others_are_not_there() {
        local verb mine theirs fingerprint
        log_in bob
        log_in alice
        on_exit 'log_out bob; log_out alice; forget secret; forget_image hidden'
        expect in_session alice berthctl import /var/tmp/stick.tar --alias hidden
        expect in_session alice berthctl launch hidden secret
        fingerprint=$(berthctl show-image hidden -p Fingerprint --value)
        for verb in start stop restart reboot kill freeze thaw delete cat show status 'set %s Description=x' 'exec %s -- true' 'snapshot' 'rename %s other1' \
                'clone %s other2' 'device list' 'copy-from %s /etc/passwd' 'publish'; do
                [[ $verb = *%s* ]] || verb="$verb %s"
                # shellcheck disable=SC2046,SC2059,SC2086
                theirs=$(in_session bob berthctl $(printf "$verb" secret) 2>&1) && fail "bob may: $verb"
                # shellcheck disable=SC2046,SC2059,SC2086
                mine=$(in_session bob berthctl $(printf "$verb" nosuch) 2>&1) && fail "bob may with nothing: $verb"
                assert_eq "${theirs//secret/NAME}" "${mine//nosuch/NAME}" "$verb"
        done
        for verb in show-image image-status remove-image export 'export --metadata' 'create %s c1' 'image-set %s description=x'; do
                [[ $verb = *%s* ]] || verb="$verb %s"
                # shellcheck disable=SC2046,SC2059,SC2086
                theirs=$(in_session bob berthctl $(printf "$verb" hidden) 2>&1) && fail "bob may: $verb"
                # shellcheck disable=SC2046,SC2059,SC2086
                mine=$(in_session bob berthctl $(printf "$verb" nosuch) 2>&1) && fail "bob may with nothing: $verb"
                assert_eq "${theirs//hidden/NAME}" "${mine//nosuch/NAME}" "$verb"
                # shellcheck disable=SC2046,SC2059,SC2086
                expect_fail in_session bob berthctl $(printf "$verb" "${fingerprint:0:12}")
        done
        assert_eq "$(in_session bob berthctl list --json=short)" '[]'
        assert_no_match "$(in_session bob berthctl list-images)" hidden
        assert_eq "$(in_session bob berthctl list-jobs --json=short)" '[]'
        assert_no_match "$(in_session bob busctl tree --list org.berth1)" "secret|$fingerprint"
        assert_no_match "$(in_session bob busctl call org.berth1 /org/berth1 org.berth1.Manager ListStatistics)" secret
        expect_fail in_session bob busctl get-property org.berth1 /org/berth1/container/secret org.berth1.Container State
        # A name that is taken is all that is told of it.
        assert_no_match "$(in_session bob berthctl import /var/tmp/stick.tar --alias hidden 2>&1)" "${fingerprint:0:12}"
        # The control: who may, sees all of that.
        assert_eq "$(in_session alice berthctl show secret -p State --value)" running
        assert_match "$(in_session alice berthctl list-images)" hidden
        on_exit 'rm -f ~alice/hidden ~alice/hidden.root'
        expect in_session alice berthctl image export --metadata hidden "$(echo ~alice)/hidden"
        assert_eq "$(fingerprint_of ~alice/hidden.root)" "$fingerprint"
        assert_eq "$(stat -c %U ~alice/hidden)" alice
}

# an alias that another user took first is not what root means by it
test_S96_an_alias_of_another_user() {
        log_in alice
        on_exit 'log_out alice; forget trap; forget_image debian; polkit_revoke public'
        polkit_rule public 'if (action.id == "org.berth1.configure-image" && subject.user == "alice") return polkit.Result.YES;'
        expect in_session alice berthctl import /var/tmp/stick.tar --alias debian
        refused 'another user' berthctl create debian trap
        assert_state trap absent
        expect berthctl create "$(berthctl show-image debian -p Fingerprint --value)" trap
        expect berthctl delete trap
        expect in_session alice berthctl create debian trap
}

# a limit is told by its name, and one user's are nobody else's
test_S53_R121_limits() {
        log_in alice
        log_in bob
        on_exit 'log_out alice; log_out bob; forget a1 a2 a3 b1 r1; forget_image one; rm -f /etc/berth/berth.conf; berthctl get-server >/dev/null'
        expect berthctl set-server ContainersPerUserMax=3 RunningPerUserMax=1 ImagesPerUserMax=1 SnapshotsPerUserMax=2
        expect in_session alice berthctl create busybox a1
        expect in_session alice berthctl create busybox a2
        expect in_session alice berthctl clone a1 a3
        refused 'ContainersPerUserMax=3' in_session alice berthctl create busybox a4
        refused 'ContainersPerUserMax=3' in_session alice berthctl clone a1 a4
        # All at once: those that are asked for together are no way around it.
        expect in_session alice bash -c 'for i in 1 2 3; do berthctl start a$i & done; wait; true'
        assert_eq "$(berthctl list --json=short | jq '[.[] | select(.name | test("^a[123]$")) | select(.state == "running")] | length')" 1
        expect berthctl stop --force "$(berthctl list --json=short | jq -r '.[] | select(.name | test("^a[123]$")) | select(.state == "running") | .name')"
        expect in_session alice berthctl start a1
        refused 'RunningPerUserMax=1' in_session alice berthctl start a2
        refused 'RunningPerUserMax=1' in_session alice berthctl run-in a2 true
        expect in_session alice berthctl stop --force a1
        expect in_session alice berthctl start a2
        expect in_session alice berthctl import /var/tmp/stick.tar --alias one
        refused 'ImagesPerUserMax=1' in_session alice berthctl publish a2
        expect in_session alice berthctl snapshot a1 s1
        expect in_session alice berthctl snapshot a2 s1
        refused 'SnapshotsPerUserMax=2' in_session alice berthctl snapshot a1 s2
        expect berthctl set-server ImagesPerUserMax=infinity DiskPerUserMax=1M
        refused 'DiskPerUserMax=1M' in_session alice berthctl publish a2
        # Others are not affected, and root not at all.
        expect in_session bob berthctl launch busybox b1
        expect berthctl launch busybox r1
        # The control: with other limits he has more.
        expect berthctl set-server ContainersPerUserMax=infinity
        expect in_session alice berthctl create busybox a4
        expect in_session alice berthctl delete a4
        # Memory is the kernel's to limit.
        expect berthctl set-server MemoryPerUserMax=48M
        assert_eq "$(systemctl show -p MemoryMax --value "user-$(id -u bob)-berth.slice")" $((48 << 20))
}

# limit_used KEY: of alice
limit_used() {
        in_session alice berthctl whoami --json=short | jq ".limits[] | select(.limit == \"$1\") | .used"
}

# what is asked for all at once counts as well: a user has no more than one after the other would give him, and as much of the disk
test_S53_flood() {
        local i one
        log_in alice
        on_exit 'log_out alice; forget f0 f1 f2 f3 f4 f5 f6 f7 f8 f9 r1; forget_image many0 many1 many2 many3 many4; rm -f /var/tmp/many*.tar /etc/berth/berth.conf; berthctl get-server >/dev/null'
        for i in 0 1 2 3 4; do
                cp /var/tmp/stick.tar "/var/tmp/many$i.tar"
                head -c $((512 * (i + 1))) /dev/zero >>"/var/tmp/many$i.tar"
        done
        expect berthctl set-server ContainersPerUserMax=3 ImagesPerUserMax=2 SnapshotsPerUserMax=3
        in_session alice bash -c 'for i in 0 1 2 3 4 5 6 7 8 9; do berthctl create busybox f$i & done; wait' >flood 2>&1 || true
        [ "$(limit_used ContainersPerUserMax)" -le 3 ] || fail "containers: $(<flood)"
        grep -q 'ContainersPerUserMax=3' flood || fail "$(<flood)"
        expect berthctl create busybox r1
        expect berthctl delete r1
        in_session alice bash -c 'for i in 0 1 2 3 4; do berthctl import --quiet /var/tmp/many$i.tar --alias many$i & done; wait' >flood 2>&1 || true
        [ "$(limit_used ImagesPerUserMax)" -le 2 ] || fail "images: $(<flood)"
        grep -q 'ImagesPerUserMax=2' flood || fail "$(<flood)"
        forget_image many0 many1 many2 many3 many4
        in_session alice bash -c 'for i in 0 1 2 3 4 5 6 7 8 9; do for k in 1 2; do berthctl snapshot f$i s$k & done; done; wait' >flood 2>&1 || true
        [ "$(limit_used SnapshotsPerUserMax)" -le 3 ] || fail "snapshots: $(<flood)"
        # Room on the disk: one image fits well, and five do not.
        forget f0 f1 f2 f3 f4 f5 f6 f7 f8 f9
        expect berthctl set-server ImagesPerUserMax=infinity
        expect in_session alice berthctl import --quiet /var/tmp/many0.tar --alias many0
        one=$(limit_used DiskPerUserMax)
        forget_image many0
        expect berthctl set-server "DiskPerUserMax=$((one * 4))"
        in_session alice bash -c 'for i in 0 1 2 3 4; do berthctl import --quiet /var/tmp/many$i.tar --alias many$i & done; wait' >flood 2>&1 || true
        [ "$(limit_used DiskPerUserMax)" -le $((one * 4)) ] || fail "disk: $(limit_used DiskPerUserMax) of $((one * 4)): $(<flood)"
        [ "$(limit_used DiskPerUserMax)" -ge "$one" ] || fail "nothing fits: $(<flood)"
        grep -q 'DiskPerUserMax=' flood || fail "$(<flood)"
        forget_image many0 many1 many2 many3 many4
        # By itself it may have half of what is left.
        expect berthctl set-server "DiskPerUserMax=$((one + one / 2))"
        refused 'DiskPerUserMax=' in_session alice berthctl import --quiet /var/tmp/many0.tar --alias many0
        expect berthctl import --quiet /var/tmp/many1.tar --alias many1
        expect berthctl remove-image many1
        expect berthctl set-server "DiskPerUserMax=$((one * 2 + 4096))"
        expect in_session alice berthctl import --quiet /var/tmp/many0.tar --alias many0
}

# what comes slowly, in small pieces and from a pipe, is cut off where its owner's room ends, and nothing of it stays
test_S74_more_than_its_room() {
        local taken
        log_in alice
        on_exit 'log_out alice; forget_image big; rm -rf /var/tmp/big /var/tmp/taken /etc/berth/berth.conf; berthctl get-server >/dev/null'
        mkdir -p /var/tmp/big/etc /var/tmp/big/usr
        echo ID=test >/var/tmp/big/etc/os-release
        truncate -s 200M /var/tmp/big/zzz
        install -m 0666 /dev/null /var/tmp/taken
        # as alice; how many bytes were taken is in the file
        slowly() {
                # shellcheck disable=SC2016
                in_session alice bash -c 'tar -C /var/tmp/big -cf - ./etc ./usr ./zzz | perl -e '\''$SIG{PIPE} = "IGNORE"; while (sysread(STDIN, $b, 65536)) { $w = syswrite(STDOUT, $b) or last; $n += $w; select undef, undef, undef, 0.0005 }
                        open F, ">", "/var/tmp/taken"; print F $n'\'' | berthctl import --quiet - --alias big'
        }
        expect berthctl set-server DiskPerUserMax=64M
        refused 'DiskPerUserMax=' slowly
        eventually 20 test -s /var/tmp/taken
        taken=$(</var/tmp/taken)
        [ "$taken" -gt 10000000 ] && [ "$taken" -lt 100000000 ] || fail "$taken bytes of 200 MiB were taken"
        eventually 20 no_debris
        # The control: with more room all of it comes.
        expect berthctl set-server DiskPerUserMax=1G
        expect slowly
        [ "$(</var/tmp/taken)" -gt 209715200 ] || fail "only $(</var/tmp/taken) bytes came"
}

# units of a user's container are in his slice, which loginctl shows; at logout they stop, unless he lingers
test_R121_slice_and_logout() {
        local uid
        uid=$(id -u alice)
        log_in alice
        on_exit 'loginctl disable-linger alice; log_out alice; forget a1'
        expect in_session alice berthctl launch busybox a1
        assert_eq "$(systemctl show -p Slice --value berth@a1.service)" "user-$uid-berth.slice"
        assert_eq "$(systemctl show -p Slice --value berth-a1.scope)" "user-$uid-berth.slice"
        assert_match "$(systemctl show -p ControlGroup --value berth-a1.scope)" "^/user.slice/user-$uid.slice/user-$uid-berth.slice/"
        assert_match "$(loginctl --no-pager user-status alice)" 'berth-a1.scope'
        assert_match "$(machinectl list --no-legend)" 'a1 +container'
        # To logind, and so to polkit, its processes are nobody's session.
        expect_fail busctl call org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager GetSessionByPID u "$(leader_of a1)"
        expect_fail busctl call org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager GetUserByPID u "$(leader_of a1)"
        # root's are where they were
        assert_eq "$(systemctl show -p Slice --value berth@roots.service)" machine-berth.slice
        assert_eq "$(systemctl show -p Slice --value berth-roots.scope)" machine-berth.slice
        log_out alice
        eventually 20 state_for a1 stopped
        assert_state roots running
        # With linger it stays: the control.
        loginctl enable-linger alice
        log_in alice
        expect in_session alice berthctl start a1
        # Not that of the user's manager, which newer loginctl lists as well.
        loginctl terminate-session "$(loginctl list-sessions --no-legend | awk '$3 == "alice" && $4 == "seat0" { print $1; exit }')"
        systemctl stop session-of-alice.service 2>/dev/null || true
        rm -f /home/alice/session
        no_session_of_alice() {
                ! grep -q 'alice.*seat0' <<<"$(loginctl list-sessions --no-legend)"
        }
        eventually 20 no_session_of_alice
        assert_state a1 running
        loginctl disable-linger alice
        eventually 60 state_for a1 stopped
}

# members start and stop two containers, and nothing else
test_R122_example_lab() {
        example_rule lab
        groupadd lab
        usermod -a -G lab alice
        on_exit 'gpasswd -d alice lab; groupdel lab; forget lab1 lab3'
        new_container lab1 busybox
        new_container lab3 busybox
        eventually 10 can as alice berthctl start lab1
        assert_state lab1 running
        expect as alice berthctl stop --force lab1
        refused "$REFUSAL" as alice berthctl start lab3
        refused "$REFUSAL" as alice berthctl exec lab1 -- true
        refused "$REFUSAL" as alice berthctl delete lab1
        refused "$REFUSAL" as bob berthctl start lab1
        assert_eq "$(as alice berthctl whoami lab1 --json=short | jq -r '.verbs[] | select(.verb == "start") | .others')" yes
        assert_eq "$(as alice berthctl whoami lab3 --json=short | jq -r '.verbs[] | select(.verb == "start") | .others')" authentication
        polkit_revoke lab
        eventually 10 not can as alice berthctl start lab1
}

# without a session; what was started so runs on
test_R121_example_no_session() {
        example_rule no-session
        groupadd berth-users
        usermod -a -G berth-users alice
        on_exit 'gpasswd -d alice berth-users; groupdel berth-users; forget a1'
        eventually 10 can as alice berthctl create busybox a1
        expect as alice berthctl start a1
        assert_eq "$(as alice berthctl exec a1 -- id -u)" 0
        assert_eq "$(systemctl show -p Slice --value berth-a1.scope)" "user-$(id -u alice)-berth.slice"
        refused "$REFUSAL" as bob berthctl create busybox b1
        refused "$REFUSAL" as alice berthctl stop roots
        expect as alice berthctl delete --force a1
}

# the group's members may, and one user may not, however the key is written
test_R122_example_nesting() {
        example_rule nesting
        sed -i 's/"guest"/"bob"/' /etc/polkit-1/rules.d/50-nesting.rules
        groupadd lab
        usermod -a -G lab alice
        usermod -a -G lab bob
        log_in alice
        log_in bob
        on_exit 'log_out alice; log_out bob; gpasswd -d alice lab; gpasswd -d bob lab; groupdel lab; forget a1 b1 b2'
        expect in_session alice berthctl create busybox a1
        expect in_session bob berthctl create busybox b1
        eventually 10 can in_session alice berthctl set a1 Nesting=yes
        assert_eq "$(berthctl get a1 Nesting)" yes
        # What else is the administrator's does not come along.
        refused 'administrator' in_session alice berthctl set a1 Nesting=no Privileged=yes
        refused 'Not allowed' in_session bob berthctl set b1 Nesting=yes
        refused 'Not allowed' in_session bob berthctl set b1 security.nesting=true
        refused 'Not allowed' in_session bob berthctl set b1 Security.Nesting=yes Description=x
        refused 'Not allowed' in_session bob berthctl create busybox b2 --set security.nesting=true
        refused 'Not allowed' in_session alice berthctl set b1 Nesting=yes
        assert_state b2 absent
        expect in_session bob berthctl set b1 Description=x
}

# members manage everybody's, and still do not give the host away by a setting
test_R123_example_group() {
        groupadd berth
        usermod -a -G berth alice
        on_exit 'gpasswd -d alice berth; groupdel berth; forget a1'
        # The control: being in the group is nothing without the rule.
        refused "$REFUSAL" as alice berthctl exec roots -- true
        example_rule group
        eventually 10 can as alice berthctl exec roots -- true
        assert_match "$(as alice berthctl list)" roots
        expect as alice berthctl restart --force roots
        expect as alice berthctl create busybox a1
        refused "administrator" as alice berthctl set a1 Privileged=yes
        refused "administrator" as alice berthctl set roots HookPreStart=/bin/true
        refused "Not allowed" as alice berthctl set-server KeepArchives=no
        refused "$REFUSAL" as bob berthctl exec roots -- true
        assert_match "$(as alice berthctl whoami)" "group 'berth'"
}

# what somebody may do, as polkit sees him now
test_R138_whoami() {
        local text
        log_in alice
        on_exit 'log_out alice; forget a1'
        answer() {
                jq -r ".verbs[] | select(.verb == \"$1\") | .$2" <<<"$text"
        }
        expect in_session alice berthctl create busybox a1
        text=$(in_session alice berthctl whoami --json=short)
        assert_eq "$(answer create own) $(answer create others)" 'yes authentication'
        assert_eq "$(answer exec own) $(answer exec others)" 'yes authentication'
        assert_eq "$(answer pull-image own) $(answer pull-image others)" 'null authentication'
        assert_eq "$(jq -r .user,.session <<<"$text" | xargs)" 'alice active'
        assert_eq "$(jq -r '.limits[] | select(.limit == "ContainersPerUserMax") | .used' <<<"$text")" 1
        assert_match "$(in_session alice berthctl whoami)" '^alice \(uid [0-9]+\): an active session'
        # The same user without a session.
        text=$(as alice berthctl whoami --json=short)
        assert_eq "$(answer create own) $(answer exec own) $(jq -r .session <<<"$text")" 'authentication authentication none'
        text=$(berthctl whoami --json=short)
        assert_eq "$(answer create own) $(answer pull-image others) $(jq -r .user <<<"$text")" 'yes yes root'
        # A rule that forbids is seen.
        polkit_rule forbid 'if (action.id == "org.berth1.own.exec" && subject.user == "alice") return polkit.Result.NO;'
        eventually 10 not can in_session alice berthctl exec a1 -- true
        text=$(in_session alice berthctl whoami --json=short)
        assert_eq "$(answer exec own)" no
}
