# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Who may do what. Users without any right, users with one, and what they see.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
        expect berthctl launch busybox web1
        expect berthctl create busybox off
}

teardown_file() {
        remove_all
}

readonly REFUSAL="[Yy]ou may not|[Nn]ot allowed|refused"

# allowed USER COMMAND...: for wait_until; rules are read by polkit a moment after they are written.
allowed() {
        as "$@" >/dev/null 2>&1
}

# no right at all, no agent to ask for a password: every verb that changes something is refused with a sentence, and nothing changes
test_R121_every_changing_verb_is_refused() {
        local tar=$TEST_TMP/f.tar leader
        cp "$(guest busybox)" "$tar"
        chmod 0644 "$tar"
        leader=$(leader_of web1)
        refused "$REFUSAL" as alice berthctl create busybox c1
        refused "$REFUSAL" as alice berthctl launch busybox c1
        refused "$REFUSAL.*off" as alice berthctl start off
        refused "$REFUSAL.*web1" as alice berthctl stop web1
        refused "$REFUSAL.*web1" as alice berthctl stop --force web1
        refused "$REFUSAL.*web1" as alice berthctl poweroff web1
        refused "$REFUSAL.*web1" as alice berthctl terminate web1
        refused "$REFUSAL.*web1" as alice berthctl restart web1
        refused "$REFUSAL.*web1" as alice berthctl reboot web1
        refused "$REFUSAL.*web1" as alice berthctl kill web1
        refused "$REFUSAL.*web1" as alice berthctl freeze web1
        refused "$REFUSAL.*web1" as alice berthctl thaw web1
        refused "$REFUSAL.*web1" as alice berthctl delete web1
        refused "$REFUSAL.*web1" as alice berthctl delete --force web1
        refused "$REFUSAL.*web1" as alice berthctl enable web1
        refused "$REFUSAL.*web1" as alice berthctl disable web1
        refused "$REFUSAL.*web1" as alice berthctl exec web1 -- true
        refused "$REFUSAL.*web1" as alice berthctl exec -t web1 -- true
        refused "$REFUSAL.*web1" as alice berthctl shell web1
        refused "$REFUSAL.*web1" as alice berthctl login web1
        refused "$REFUSAL.*web1" as alice berthctl console web1
        refused "$REFUSAL.*off" as alice berthctl run-in off -- true
        refused "$REFUSAL.*web1" as alice berthctl copy-to web1 /etc/hostname /x
        refused "$REFUSAL.*web1" as alice berthctl copy-from web1 /etc/passwd x
        refused "$REFUSAL.*web1" as alice berthctl set web1 Description=x
        refused "$REFUSAL.*web1" as alice berthctl unset web1 Description
        refused "$REFUSAL" as alice berthctl import "$tar" --alias x
        refused "$REFUSAL.*busybox" as alice berthctl remove-image busybox
        refused "$REFUSAL" as alice berthctl alias add x busybox
        refused "$REFUSAL" as alice berthctl alias remove busybox
        assert_eq "$(leader_of web1)" "$leader"
        # systemd's own doors are not open either.
        refused . as alice systemctl --no-ask-password stop berth@web1
        refused . as alice systemctl --no-ask-password start berth@off
        refused . as alice systemctl --no-ask-password kill berth-web1.scope
        expect_fail as alice machinectl --no-ask-password shell web1 /bin/true
        expect_fail as alice machinectl --no-ask-password terminate web1
        expect inside web1 true
}

# a job of somebody else's
test_R121_cancel_is_refused() {
        local job
        slow_import "$(guest busybox)" --alias again
        job=$(import_job)
        expect_fail --message "$REFUSAL|no job" as alice berthctl cancel "$job"
        assert_eq "$(systemctl is-active "berth-job-$job.service")" activating
        assert_eq "$(as alice berthctl list-jobs --json=short)" '[]'
        expect berthctl cancel "$job"
        import_ends
        eventually 60 no_debris
}

# lists show what may be seen; the rest is as if it were not there
test_R121_listing_shows_only_what_is_allowed() {
        assert_eq "$(as alice berthctl list --json=short)" '[]'
        assert_no_match "$(as alice berthctl list)" web1
        assert_eq "$(as alice busctl --json=short call org.berth1 /org/berth1 org.freedesktop.DBus.ObjectManager GetManagedObjects | jq -r '.data[0] | keys[]' | grep -c 'container/' || true)" 0
        assert_eq "$(berthctl list --json=short | jq length)" 2
        # Somebody else's and nobody's: the same words.
        expect_fail --message "no container 'web1'" as alice berthctl show web1
        expect_fail --message "no container 'nosuch'" as alice berthctl show nosuch
        expect_fail as alice busctl get-property org.berth1 /org/berth1/container/web1 org.berth1.Container Leader
        expect_fail as alice busctl introspect org.berth1 /org/berth1/container/web1 org.berth1.Container
        # Nor do signals tell.
        as alice timeout 3 busctl monitor org.berth1 >seen 2>&1 || true
        assert_no_match "$(<seen)" web1
}

# a rule that gives one verb on one container gives exactly that
test_R122_one_verb_on_one_container() {
        local leader
        polkit_rule one 'if (action.id == "org.berth1.stop" && action.lookup("container") == "web1" && subject.user == "alice") return polkit.Result.YES;'
        eventually 10 allowed alice berthctl stop web1
        assert_state web1 stopped
        expect berthctl start web1
        expect berthctl start off
        leader=$(leader_of off)
        refused "$REFUSAL.*off" as alice berthctl stop off
        refused "$REFUSAL.*web1" as alice berthctl restart web1
        refused "$REFUSAL.*web1" as alice berthctl exec web1 -- true
        refused "$REFUSAL.*web1" as alice berthctl delete web1
        refused "$REFUSAL.*web1" as alice berthctl kill web1
        refused "$REFUSAL.*web1" as bob berthctl stop web1
        assert_eq "$(leader_of off)" "$leader"
        expect as alice berthctl stop web1
        expect berthctl start web1
        # Taken away again: refused at once.
        polkit_revoke one
        eventually 10 not allowed alice berthctl stop web1
        [ "$(state_of web1)" = running ] || berthctl start web1
        refused "$REFUSAL.*web1" as alice berthctl stop web1
        expect berthctl stop --force off
}

# exec on one container, by a user
test_R122_exec_for_one_user() {
        polkit_rule one 'if (action.id == "org.berth1.exec" && action.lookup("container") == "web1" && subject.user == "alice") return polkit.Result.YES;'
        eventually 10 allowed alice berthctl exec web1 -- true
        assert_eq "$(as alice berthctl exec web1 -- id -u)" 0 'root in the container, who is nobody outside'
        assert_eq "$(echo in | as alice berthctl exec web1 -- cat)" in
        expect berthctl start off
        refused "$REFUSAL.*off" as alice berthctl exec off -- true
        refused "$REFUSAL.*web1" as alice berthctl console web1
        expect berthctl stop --force off
}

# a right on all containers of oneself: create, start, use, delete; nobody else's
test_R121_own_containers() {
        polkit_rule own 'if (action.id.indexOf("org.berth1.") == 0 && subject.user == "alice" && (action.lookup("own") == "yes" || action.id == "org.berth1.create")) return polkit.Result.YES;
                if (action.id.indexOf("org.berth1.") == 0 && subject.user == "bob" && action.lookup("own") == "yes") return polkit.Result.YES;'
        on_exit 'forget mine'
        eventually 10 allowed alice berthctl create busybox mine
        assert_eq "$(berthctl show mine -p Owner --value)" "$(id -u alice)"
        assert_match "$(berthctl list)" 'mine .*alice'
        expect as alice berthctl start mine
        assert_eq "$(as alice berthctl list --json=short | jq -r '[.[].name] | join(" ")')" mine
        assert_eq "$(as alice berthctl exec mine -- id -u)" 0
        assert_eq "$(as alice berthctl show mine -p State --value)" running
        echo x >file && chmod 644 file
        expect as alice berthctl copy-to mine "$PWD/file" /root/file
        assert_eq "$(as alice berthctl copy-from mine /root/file -)" x
        # Not root's, and not by bob.
        refused "$REFUSAL.*web1" as alice berthctl stop web1
        refused "$REFUSAL.*mine" as bob berthctl stop mine
        refused "no container|$REFUSAL" as bob berthctl show mine
        assert_eq "$(as bob berthctl list --json=short)" '[]'
        expect as alice berthctl stop --force mine
        # His own range, and no more than that on the host.
        expect as alice berthctl delete mine
        assert_state mine absent
}

# an image in a file that only the caller can read: it is opened by the caller
test_S15_import_with_the_callers_rights() {
        polkit_rule import 'if (action.id == "org.berth1.import-image" && subject.user == "alice") return polkit.Result.YES;'
        install -m 0600 "$(guest busybox)" "$TEST_TMP/roots.tar"
        echo >>"$TEST_TMP/roots.tar"
        eventually 10 allowed_import
        refused 'roots\.tar.*[Pp]ermission|[Pp]ermission.*roots\.tar' as alice berthctl import "$TEST_TMP/roots.tar"
        install -m 0600 -o alice "$(guest busybox)" "$TEST_TMP/alices.tar"
        printf '\0%.0s' {1..512} >>"$TEST_TMP/alices.tar"
        on_exit 'forget_image alices'
        expect as alice berthctl import "$TEST_TMP/alices.tar" --alias alices
        assert_eq "$(berthctl show-image alices -p SizeBytes --value)" "$(stat -c %s "$TEST_TMP/alices.tar")"
}

allowed_import() {
        # Refused for another reason than the right: an empty file.
        [[ $(as alice berthctl import /dev/null 2>&1) != *[Aa]llowed* ]] && [[ $(as alice berthctl import /dev/null 2>&1) != *'may not'* ]]
}

# settings that are the administrator's are not an owner's to give himself
test_R121_settings_of_the_administrator() {
        polkit_rule own 'if (action.id.indexOf("org.berth1.") == 0 && subject.user == "alice" && (action.lookup("own") == "yes" || action.id == "org.berth1.create")) return polkit.Result.YES;'
        on_exit 'forget mine'
        eventually 10 allowed alice berthctl create busybox mine
        refused 'CapabilityBoundingSet|administrator' as alice berthctl set mine 'CapabilityBoundingSet=CAP_SYS_ADMIN CAP_SYS_MODULE'
        refused 'Requires|administrator' as alice berthctl set mine Requires=sshd.service
        refused 'RequiresMountsFor|administrator' as alice berthctl set mine RequiresMountsFor=/root
        refused 'MemoryMin|administrator' as alice berthctl set mine MemoryMin=1G
        refused 'CapabilityBoundingSet|administrator' as alice berthctl create busybox mine2 --set CapabilityBoundingSet=CAP_SYS_MODULE
        refused 'Owner|UIDBase|berth' as alice berthctl set mine Owner=0
        expect as alice berthctl set mine MemoryMax=100M 'Description=my own'
        assert_eq "$(as alice berthctl get mine Description)" 'my own'
}

# polkit sees the verb, the container, the owner
test_R122_details() {
        polkit_rule details 'if (action.id == "org.berth1.configure" && action.lookup("verb") == "configure" && action.lookup("container") == "off" && action.lookup("owner") == "0" &&
                action.lookup("own") == "no" && action.lookup("key") == "Description" && subject.user == "alice") return polkit.Result.YES;'
        eventually 10 allowed alice berthctl set off Description=by-alice
        assert_eq "$(berthctl get off Description)" by-alice
        refused "$REFUSAL" as alice berthctl set off Hostname=x
        refused "$REFUSAL" as alice berthctl set off Description=x Hostname=x
        expect berthctl unset off Description
}

# every method of every interface, by a user without rights: refused, or an answer with nothing of others in it
test_R121_every_method_is_closed() {
        local path interface method signature out count=0
        for path in /org/berth1 /org/berth1/container/web1 /org/berth1/image/_*; do
                [ "$path" != '/org/berth1/image/_*' ] || path=$(busctl tree --list org.berth1 | grep -m 1 /org/berth1/image/)
                while read -r interface method signature; do
                        count=$((count + 1))
                        # busctl cannot send a file descriptor; berthctl does, above.
                        [[ $signature != *h* ]] || continue
                        case $interface.$method in
                        org.berth1.Manager.ListContainers | org.berth1.Manager.ListImages | org.berth1.Manager.ListJobs | org.berth1.Manager.ListProfiles | org.berth1.Manager.ListStatistics | org.berth1.Manager.ListAllSnapshots | org.berth1.Manager.ListRemotes | org.berth1.Manager.GetServerSettings | org.berth1.Manager.WhoAmI | \
                                org.berth1.Image.GetMetadata | org.berth1.Image.Export) # the image is public
                                # shellcheck disable=SC2046 # words are wanted
                                out=$(as alice busctl call org.berth1 "$path" "$interface" "$method" $([ "$signature" = - ] || arguments_for "$signature"))
                                assert_no_match "$out" 'web1|"off"' "what $method tells"
                                ;;
                        *)
                                # shellcheck disable=SC2046 # words are wanted
                                out=$(as alice busctl call org.berth1 "$path" "$interface" "$method" $([ "$signature" = - ] || arguments_for "$signature") 2>&1) &&
                                        fail "alice may call $interface.$method of $path: $out"
                                assert_match "$out" 'denied|[Nn]ot allowed|no container|no image|no job|no profile|[Uu]nknown object' "the refusal of $interface.$method"
                                ;;
                        esac
                done < <(busctl introspect org.berth1 "$path" |
                        awk '$2 == "interface" { i = $1 ~ /^org\.berth1\./ ? $1 : "" } $2 == "method" && i != "" { sub(/^\./, "", $1); print i, $1, $3 }')
        done
        [ "$count" -ge 40 ] || fail "only $count methods were found"
        assert_state web1 running
        assert_state off stopped
}

# arguments_for SIGNATURE: the signature and values for busctl, about web1.
arguments_for() {
        local rest=$1 values=()
        while [ -n "$rest" ]; do
                case $rest in
                'a{'*) values+=(0); rest=${rest#*\}} ;;
                a*) values+=(0); rest=${rest:2} ;;
                s*) values+=(web1); rest=${rest:1} ;;
                b*) values+=(false); rest=${rest:1} ;;
                h*) values+=(0); rest=${rest:1} ;;
                *) values+=(1); rest=${rest:1} ;;
                esac
        done
        echo "$1" "${values[@]}"
}

# a dead polkit: refused after a while, and root is not locked out
test_F17_polkit_does_not_answer() {
        systemctl stop polkit
        systemctl mask --runtime polkit
        on_exit 'systemctl unmask --runtime polkit; systemctl start polkit'
        refused "$REFUSAL" timeout 60 setpriv --reuid=alice --regid=alice --init-groups berthctl stop web1
        expect berthctl restart --force web1
        assert_state web1 running
        systemctl unmask --runtime polkit
        systemctl start polkit
}

# the name on the bus cannot be taken by a user, and nothing but berth's own interfaces can be sent to it
test_S96_bus_policy() {
        expect_fail as alice busctl call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus RequestName su org.berth1.x 0
        systemctl stop berth-containerd
        expect_fail as alice busctl call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus RequestName su org.berth1 0
        expect berthctl list
}

# many calls by one user do not keep root from his
test_S95_flood_by_a_user() {
        local took
        for _ in {1..200}; do
                as alice busctl call --timeout=20 org.berth1 /org/berth1 org.berth1.Manager StartContainer s web1 >/dev/null 2>&1 &
        done
        took=$(seconds expect berthctl list)
        [ "$took" -le $((5 * ${BERTH_TEST_SLOW:-1})) ] || fail "a list by root took $took s"
        wait
        assert_state web1 running
}
