# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What people get wrong: names, images, settings, the state of a container, a full disk. Each time a sentence that names
# the thing, an exit status, and everything as it was.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
        expect berthctl create busybox stopped
        expect berthctl launch busybox running
}

teardown_file() {
        remove_all
}

# what cannot be a container's name
readonly BAD_NAMES=('' "$(printf 'a%.0s' {1..64})" "$(printf 'a%.0s' {1..5000})" Web web.1 web_1 'web 1' .. . ../x a/b /etc %n %i '%s%s%n' $'web\n1' $'web1\n'
        -x --help web- 'wéb' '*' '$(id)' $'a\tb' '\x2d' a@b "'" '"' $'\e[31m')

# every verb refuses a name that is none, before it does anything
test_S96_bad_names() {
        local name verb
        for name in "${BAD_NAMES[@]}"; do
                # Without a name one is made up, which is not asked for here.
                [ -z "$name" ] || refused "name|[Tt]here is no" berthctl create -- busybox "$name"
        done
        for name in .. %n -x ''; do
                for verb in start stop restart reboot kill freeze thaw delete enable disable terminate poweroff show cat; do
                        refused . berthctl "$verb" -- "$name"
                done
                refused . berthctl exec -- "$name" true
                refused . berthctl copy-to -- "$name" /etc/hostname /x
                refused . berthctl set -- "$name" Description=x
        done
}

# the same on the bus, where nobody has looked before
test_S96_bad_names_on_the_bus() {
        local name
        for name in "${BAD_NAMES[@]}"; do
                [ -z "$name" ] || refused "name" busctl call org.berth1 /org/berth1 org.berth1.Manager CreateContainer 'ssasa{sv}' -- "$name" busybox 0 0
                refused "name" busctl call org.berth1 /org/berth1 org.berth1.Manager StartContainer s -- "$name"
                refused "name" busctl call org.berth1 /org/berth1 org.berth1.Manager GetSettings sb -- "$name" false
        done
        # And by systemd, which passes the instance on.
        refused . systemctl start 'berth@Bad\x20Name.service'
        systemctl reset-failed
        refused . systemctl start 'berth@..service'
        systemctl reset-failed
}

# a name of the greatest length, and the shortest
test_R46_good_names() {
        local name
        for name in "$(printf 'a%.0s' {1..63})" x 0 1a a-b-c; do
                run_container "$name" busybox
                assert_state "$name" running
                assert_eq "$(inside "$name" hostname)" "$name"
                forget "$name"
        done
}

# the message has the characters of a name escaped
test_S82_bad_name_is_escaped_in_message() {
        local text
        text=$(berthctl create busybox $'\e[31mred\n2' 2>&1 || true)
        ! grep -q $'\e' <<<"$text" || fail "the escape sequence came through"
        assert_eq "$(wc -l <<<"$text")" 1 'lines of the message'
}

# an image that is not there
test_R45_unknown_image() {
        refused "no image 'nosuch'" berthctl create nosuch c1
        refused "no image 'nosuch'" berthctl launch nosuch c1
        refused "no image 'nosuch'" berthctl remove-image nosuch
        refused "no image 'nosuch'" berthctl alias add x nosuch
        assert_state c1 absent
}

# a container that is not there
test_R49_unknown_container() {
        local verb
        for verb in start stop restart reboot kill freeze thaw delete enable disable terminate poweroff show cat status console; do
                refused "no container 'nosuch'" berthctl "$verb" nosuch
        done
        refused "no container 'nosuch'" berthctl exec nosuch true
        refused "no container 'nosuch'" berthctl run-in nosuch true
        refused "no container 'nosuch'" berthctl copy-to nosuch /etc/hostname /x
        refused "no container 'nosuch'" berthctl copy-from nosuch /etc/hostname x
        refused "no container 'nosuch'" berthctl set nosuch Description=x
        refused "no container 'nosuch'" berthctl get nosuch Description
        systemctl start berth@nosuch 2>/dev/null && fail "the unit of no container started"
        assert_match "$(journalctl -u berth@nosuch -n 5 --output=cat)" "asserts\? failed|Assertion failed"
        systemctl reset-failed berth@nosuch 2>/dev/null || true
}

# the name is taken
test_R46_name_taken() {
        refused "'stopped'" berthctl create busybox stopped
        refused "'running'" berthctl launch busybox running
        # By a machine that is another manager's.
        systemd-run --quiet --unit=other-machine sleep 1000
        on_exit 'systemctl stop other-machine'
        busctl call org.freedesktop.machine1 /org/freedesktop/machine1 org.freedesktop.machine1.Manager RegisterMachine 'sayssus' \
                other 16 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 other container "$(systemctl show -p MainPID --value other-machine)" /
        on_exit 'busctl call org.freedesktop.machine1 /org/freedesktop/machine1 org.freedesktop.machine1.Manager UnregisterMachine s other 2>/dev/null'
        new_container other busybox
        expect_fail --message "other" berthctl start other
        busctl call org.freedesktop.machine1 /org/freedesktop/machine1 org.freedesktop.machine1.Manager UnregisterMachine s other
        expect berthctl start other
        forget other
}

# exec into a container that does not run, and what else needs one that does
test_R51_exec_into_stopped() {
        refused "'stopped' is not running" berthctl exec stopped -- true
        refused "berthctl start stopped" berthctl exec stopped -- true
        refused "'stopped' is not running" berthctl shell stopped
        refused "'stopped' is not running" berthctl console stopped
        refused "'stopped' is not running" berthctl stop stopped
        refused "'stopped' is not running" berthctl kill stopped
        refused "'stopped' is not running" berthctl freeze stopped
        refused "'stopped' is not running" berthctl thaw stopped
        refused "'stopped' is not running" berthctl reboot stopped
        expect_fail berthctl exec stopped -- true
}

# run-in, delete and start want one that does not run
test_R50_delete_running() {
        local leader
        leader=$(leader_of running)
        refused "'running'" berthctl delete running
        refused "'running'" berthctl run-in running -- true
        refused "'running' runs already|'running'.*running" berthctl start running
        assert_eq "$(leader_of running)" "$leader"
        assert_state running running
}

# words and options that do not belong there
test_R51_usage_errors() {
        refused "verb 'lsit'.*'list'" berthctl lsit
        refused '[Tt]oo few' berthctl start
        refused '[Tt]oo few' berthctl exec running
        refused '[Tt]oo many' berthctl create busybox a b
        refused 'frobnicate' berthctl list --frobnicate
        refused "'list'.*timeout" berthctl list --timeout=3
        refused 'tomorrow' berthctl stop running --timeout=tomorrow
        refused 'SIGFOO|FOO' berthctl kill -s FOO running
        refused '999' berthctl kill -s 999 running
        refused 'noequals' berthctl create busybox c1 --set noequals
        assert_state running running
}

# ---- settings

# a key that does not exist, a value that is none: refused when it is set
test_R70_settings_typo_on_set() {
        refused "MemoryMaxx.*'MemoryMax'" berthctl set stopped MemoryMaxx=1G
        refused "MemoryMax.*lots" berthctl set stopped MemoryMax=lots
        refused "CAP_FLY" berthctl set stopped CapabilityBoundingSet=CAP_FLY
        refused 'nosuchthing' berthctl get stopped nosuchthing
        refused 'nosuchthing' berthctl unset stopped nosuchthing
        refused "Image|berth's own|cannot" berthctl set stopped Image="$(printf '0%.0s' {1..64})"
        refused "UIDBase" berthctl set stopped UIDBase=0
        refused "Owner" berthctl set stopped Owner=1000
        refused 'Hostname' berthctl set stopped Hostname='not a host name'
        refused 'newline|control|line' berthctl set stopped $'Description=a\nUIDBase=0'
        refused 'Environment' berthctl set stopped 'Environment=1X=2'
        # All or none.
        refused 'MemoryMaxx' berthctl set stopped Description=new MemoryMaxx=1G
        assert_eq "$(berthctl get stopped Description)" ''
}

# the same at create: there is no container afterwards
test_R70_settings_typo_on_create() {
        refused "MemoryMaxx.*'MemoryMax'" berthctl create busybox c1 --set MemoryMaxx=1G
        refused "MemoryMax.*lots" berthctl launch busybox c1 --set MemoryMax=lots
        assert_state c1 absent
}

# an administrator's file with a typo: the start fails and names file, line and key; other containers do not mind
test_R70_settings_typo_in_file() {
        local file=/etc/berth/containers/stopped.conf.d/50-limits.conf
        mkdir -p "${file%/*}"
        on_exit 'rm -rf /etc/berth/containers/stopped.conf.d; rmdir /etc/berth/containers 2>/dev/null || true'
        printf '[Resource]\nMemoryMax=1G\nTaskMax=5\n' >"$file"
        start_fails "50-limits.conf:3.*TaskMax.*TasksMax" stopped
        assert_match "$(journalctl -u berth@stopped -n 5 --output=cat)" '50-limits.conf:3'
        assert_state running running
        printf '[Resource]\nMemoryMax=1G\nTasksMax=50\n' >"$file"
        expect berthctl start stopped
        assert_eq "$(systemctl show -p TasksMax --value berth-stopped.scope)" 50
        expect berthctl stop --force stopped
}

# container.conf itself is damaged: that container is out of order, no other, and it can be deleted
test_R70_settings_file_damaged() {
        local conf=$STORE/containers/c1/container.conf
        new_container c1 busybox
        cp "$conf" good.conf
        printf '[Container\nnonsense' >"$conf"
        expect_fail --message 'container.conf' berthctl start c1
        systemctl reset-failed berth@c1
        expect_fail --message . berthctl set c1 Description=x
        assert_match "$(berthctl list)" running
        expect berthctl exec running -- true
        : >"$conf"
        expect_fail --message . berthctl start c1
        head -c 3000000 /dev/zero >"$conf"
        expect_fail --message . berthctl start c1
        rm "$conf" && ln -s /etc/shadow "$conf"
        expect_fail --message . berthctl start c1
        systemctl reset-failed berth@c1
        assert_no_match "$(berthctl cat c1 2>&1 || true)" 'root:'
        rm "$conf" && cp good.conf "$conf"
        expect berthctl start c1
        forget c1
        assert_state running running
}
