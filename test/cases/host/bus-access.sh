# shellcheck shell=bash
# guests: busybox
# Who may do what: polkit decides for everybody but root.

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

readonly REFUSED='[Nn]ot allowed|may not|[Aa]ccess'
readonly RULES=/etc/polkit-1/rules.d/50-berth-test.rules

setup_file() {
        berthctl import "$(guest busybox)" --alias bb
        berthctl create bb web1
        berthctl create bb web2
}

teardown_file() {
        berthctl delete --force web1
        berthctl delete --force web2
        berthctl remove-image bb
}

# rule CODE: the body of a polkit rule, for this test only.
rule() {
        on_exit no_rule
        printf 'polkit.addRule(function(action, subject) {\n%s\n});\n' "$1" >"$RULES.new"
        chmod 0644 "$RULES.new"
        rules_change mv "$RULES.new" "$RULES"
}

no_rule() {
        [ ! -e "$RULES" ] || rules_change rm "$RULES"
}

manager_call() {
        busctl --timeout=60 call org.berth1 /org/berth1 org.berth1.Manager "$@"
}

# without a rule, every changing verb is refused with a sentence, and nothing changes
test_R122_unprivileged_is_refused() {
        local before verb
        before=$(find /var/lib/berth /run/berth /etc/systemd/system | sort)
        for verb in 'start web1' 'stop web1' 'restart web1' 'reboot web1' 'kill web1' 'freeze web1' 'thaw web1' 'delete web1' \
                'enable web1' 'disable web1' 'create bb c1' 'set web1 TasksMax=5' 'remove-image bb' 'alias add b2 bb' \
                'alias remove bb' 'terminate web1' 'cat web1' 'run-in web1 true'; do
                # shellcheck disable=SC2086
                expect_fail --message "$REFUSED" as alice berthctl --no-ask-password $verb
        done
        expect_fail --message "$REFUSED" as alice berthctl --no-ask-password exec web1 -- true
        expect_fail --message "$REFUSED" as alice berthctl --no-ask-password import /etc/hostname
        expect_fail --message "$REFUSED" as alice berthctl --no-ask-password copy-to web1 /etc/hostname /x
        expect_fail --message "$REFUSED" as alice berthctl --no-ask-password copy-from web1 /etc/passwd /tmp/x
        assert_eq "$(find /var/lib/berth /run/berth /etc/systemd/system | sort)" "$before" files
        assert_eq "$(state_of web1)" stopped
}

# listing shows to each what is his, and all to root
test_R122_listing_shows_own_things() {
        assert_eq "$(as alice berthctl --json=short list)" '[]'
        assert_eq "$(as alice berthctl --json=short list-images)" '[]'
        assert_eq "$(berthctl --json=short list | jq length)" 2
        rule 'if (action.id == "org.berth1.list" && subject.user == "alice") return polkit.Result.YES;'
        assert_eq "$(as alice berthctl --json=short list | jq length)" 2
        assert_eq "$(as bob berthctl --json=short list)" '[]'
}

# a rule for one verb on one container lets exactly that through, and is taken back at once
test_R122_one_verb_on_one_container() {
        rule 'if (action.id == "org.berth1.start" && action.lookup("container") == "web1" && subject.user == "alice") return polkit.Result.YES;'
        expect as alice berthctl --no-ask-password start web1
        assert_eq "$(state_of web1)" running
        expect_fail as alice berthctl --no-ask-password start web2
        expect_fail as alice berthctl --no-ask-password stop web1
        expect_fail as bob berthctl --no-ask-password start web1
        expect berthctl stop web1
        no_rule
        expect_fail as alice berthctl --no-ask-password start web1
        assert_eq "$(state_of web1)" stopped
}

# with a rule for what is one's own, a user has his containers and nobody else's
test_R121_own_containers() {
        rule 'if (action.id == "org.berth1.create" || (action.id.indexOf("org.berth1.") == 0 && action.lookup("own") == "yes")) return polkit.Result.YES;'
        expect berthctl image-set bb public=yes
        on_exit 'berthctl image-set bb public=no'
        expect as alice busctl --timeout=60 call org.berth1 /org/berth1 org.berth1.Manager CreateContainer 'ssasa{sv}' mine bb 0 0
        assert_eq "$(busctl get-property org.berth1 /org/berth1/container/mine org.berth1.Container Owner)" "u $(id -u alice)"
        expect as alice berthctl --no-ask-password start mine
        assert_eq "$(as alice berthctl --json=short list | jq -r '.[].name')" mine
        assert_eq "$(as alice berthctl --no-ask-password exec mine -- echo hello)" hello
        assert_eq "$(as bob berthctl --json=short list)" '[]'
        expect_fail as bob berthctl --no-ask-password exec mine -- true
        expect_fail as bob berthctl --no-ask-password stop mine
        expect_fail as bob berthctl --no-ask-password delete --force mine
        expect_fail as alice berthctl --no-ask-password start web1
        expect as alice berthctl --no-ask-password stop mine
        expect as alice berthctl --no-ask-password delete mine
        assert_eq "$(state_of mine)" absent
}

# what belongs to others does not differ from what is not there
test_S93_forbidden_and_absent_look_the_same() {
        local there absent method rest
        while read -r method rest; do
                # shellcheck disable=SC2086
                there=$(as alice busctl call org.berth1 /org/berth1 org.berth1.Manager "$method" ${rest//NAME/web1} 2>&1) && fail "$method"
                # shellcheck disable=SC2086
                absent=$(as alice busctl call org.berth1 /org/berth1 org.berth1.Manager "$method" ${rest//NAME/web9} 2>&1) && fail "$method"
                assert_eq "${absent//web9/web1}" "$there" "$method"
        done <<'END'
StartContainer s NAME
FreezeContainer s NAME
GetContainer s NAME
GetSettings sb NAME true
DeleteContainer sa{sv} NAME 0
END
        there=$(as alice busctl get-property org.berth1 /org/berth1/container/web1 org.berth1.Container State 2>&1) && fail "a property"
        absent=$(as alice busctl get-property org.berth1 /org/berth1/container/web9 org.berth1.Container State 2>&1) && fail "a property"
        assert_eq "${absent//web9/web1}" "$there" property
        assert_no_match "$(as alice busctl tree --list org.berth1)" web1
        assert_no_match "$(as alice busctl call org.berth1 /org/berth1 org.freedesktop.DBus.ObjectManager GetManagedObjects)" web1
}

# settings that are the administrator's stay so, whatever polkit says of the verb
test_S100_administrators_settings() {
        local setting
        rule 'if (action.id == "org.berth1.create" || action.id == "org.berth1.configure") return polkit.Result.YES;'
        for setting in CapabilityBoundingSet=CAP_SYS_ADMIN Container.Owner=0 Container.UIDBase=0 Owner=0 Nonsense=1; do
                expect_fail as alice busctl call org.berth1 /org/berth1 org.berth1.Manager CreateContainer 'ssasa{sv}' bad bb 1 "$setting" 0
                expect_fail as alice busctl call org.berth1 /org/berth1 org.berth1.Manager SetSettings sasas web1 1 "$setting" 0
                expect_fail as alice busctl call org.berth1 /org/berth1 org.berth1.Manager SetSettings sasas web1 0 1 "${setting%%=*}"
        done
        expect as alice busctl call org.berth1 /org/berth1 org.berth1.Manager SetSettings sasas web1 1 MemoryMax=200M 0
        assert_match "$(berthctl cat web1)" 'MemoryMax=200M'
        assert_eq "$(state_of bad)" absent
}

# a rule sees which settings are to be changed
test_R122_rule_by_setting() {
        rule 'if (action.id == "org.berth1.configure" && action.lookup("key") == "MemoryMax") return polkit.Result.YES;'
        expect as alice busctl call org.berth1 /org/berth1 org.berth1.Manager SetSettings sasas web1 1 MemoryMax=300M 0
        expect_fail as alice busctl call org.berth1 /org/berth1 org.berth1.Manager SetSettings sasas web1 2 MemoryMax=300M TasksMax=7 0
}

# without polkit others than root are refused, and root is not
test_F17_polkit_is_dead() {
        on_exit 'systemctl unmask --quiet --runtime polkit; systemctl start polkit'
        systemctl mask --quiet --runtime polkit
        systemctl stop polkit
        expect_fail as alice busctl --timeout=60 call org.berth1 /org/berth1 org.berth1.Manager StartContainer s web1
        expect as alice berthctl list
        expect berthctl start web1
        expect berthctl stop web1
}

# a polkit that does not answer is a refusal after a while, and keeps nobody else waiting
test_F17_polkit_hangs() {
        local pid start
        systemctl start polkit
        pid=$(systemctl show --property MainPID --value polkit)
        on_exit "kill -CONT $pid"
        kill -STOP "$pid"
        start=$SECONDS
        as alice busctl --timeout=60 call org.berth1 /org/berth1 org.berth1.Manager StartContainer s web1 >answer 2>&1 &
        sleep 0.5
        expect timeout 5 berthctl start web1
        expect berthctl stop web1
        ! wait $! || fail "it was allowed"
        assert_match "$(<answer)" '[Aa]ccess'
        [ $((SECONDS - start)) -le 35 ] || fail "it took $((SECONDS - start)) seconds"
}

# nobody but root takes the bus name
test_S96_bus_name_is_roots() {
        systemctl stop berth-containerd
        expect_fail --message 'AccessDenied|not allowed' as alice dbus-send --system --print-reply --dest=org.freedesktop.DBus \
                /org/freedesktop/DBus org.freedesktop.DBus.RequestName string:org.berth1 uint32:0
}

# interfaces that are not listed, and messages that are no calls, do not get through to the manager
test_S95_bus_policy() {
        expect_fail as alice busctl call org.berth1 /org/berth1 org.freedesktop.systemd1.Manager Reload
        expect_fail as alice busctl call org.berth1 /org/berth1 org.berth1.Unheard Of
        expect_fail busctl call org.berth1 /org/berth1 org.berth1.Manager NoSuchMethod
}
