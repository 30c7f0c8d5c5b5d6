# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Copies of containers.
# guests: busybox bookworm

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox bookworm
}

teardown_file() {
        remove_all
}

# clone FROM TO [OPTION...]: gone at the end of the test.
clone() {
        on_exit "forget '$2'"
        expect berthctl clone "$1" "$2" "${@:3}"
}

# written NAME: the layer below its own: what both have of what one of them wrote.
written() {
        echo "$STORE/layers/$(layers "$1" | cut -d ' ' -f 2)"
}

# tree DIRECTORY: every file of a layer, with all that a copy has to keep.
tree() {
        (cd "$1/upper" &&
                # Whiteouts of overlayfs are links of one another, and of one in the work directory.
                find . -not -path './etc/hostname' -not -path './etc/machine-id' \( -type c -printf '%p %y\n' -o -printf '%p %y %m %U:%G %n %l %T@\n' \) | sort &&
                getfattr -Rhd -m - . 2>/dev/null && getfacl -Rn . 2>/dev/null && find . -type f -exec sha256sum {} + | sort -k 2)
}

# whatever a file can be, it is in the copy: the other stays as it was, and they share nothing afterwards
test_R56_files() {
        run_container c1 busybox
        inside c1 sh -c 'mkdir /d /d/e; echo one >/d/f; ln /d/f /d/e/hard; ln -s ../x /d/soft; mkfifo /d/pipe; chmod 4751 /d/f; chown 5:6 /d/e
                rm /etc/passwd; truncate -s 1000000000 /d/sparse; touch -d "2001-02-03 04:05:06" /d/e; printf x >"/d/a
b c"; mkdir /d/deep; i=0; cd /d/deep; while [ $i -lt 60 ]; do mkdir a-rather-long-name-of-a-directory; cd a-rather-long-name-of-a-directory; i=$((i+1)); done; echo end >file'
        # Of one that runs it is a real copy.
        clone c1 c4
        expect berthctl stop --force c1
        setfattr -n user.note -v text "$STORE/containers/c1/layer/upper/d/f"
        setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 "$STORE/containers/c1/layer/upper/d/sparse"
        setfacl -m u:2147352600:r "$STORE/containers/c1/layer/upper/d/e"
        tree "$STORE/containers/c1/layer" >before
        clone c1 c2
        assert_eq "$(written c1)" "$(written c2)"
        tree "$(written c2)" >after
        cmp -s before after || fail "shared: $(diff before after | cut -c 1-200 | head)"
        expect berthctl start c4
        expect inside c4 sh -c '[ "$(stat -c %i /d/f)" = "$(stat -c %i /d/e/hard)" ] && [ "$(stat -c "%a %u:%g" /d/f /d/e | paste -sd " ")" = "4751 0:0 755 5:6" ]'

        expect berthctl start c1 c2
        expect_fail inside c2 test -e /etc/passwd
        inside c2 sh -c 'echo two >/d/f; rm -r /d/deep'
        assert_eq "$(inside c1 cat /d/f)" one
        expect inside c1 test -d /d/deep
        expect berthctl delete --force c1
        assert_eq "$(inside c2 cat /d/f)" two
        inside c4 sh -c 'echo four >/d/f'
        assert_eq "$(inside c4 cat /d/e/hard)" four
}

# its own UUID, user ids, host name, machine id and hardware address; nothing else is another
test_R56_identity() {
        run_container c1 bookworm --no-profiles --set user.k=v --set Environment=A=b --device 'eth0,type=nic,nictype=p2p,hwaddr=02:00:00:00:00:01' --set Hostname=given
        assert_eq "$(inside c1 hostname)" given
        expect berthctl stop c1
        clone c1 c2
        expect berthctl start c1 c2
        assert_eq "$(inside c2 hostname)" c2
        local id
        for id in /etc/machine-id /proc/sys/kernel/random/boot_id /sys/class/net/eth0/address /proc/self/uid_map; do
                [ "$(inside c1 cat "$id")" != "$(inside c2 cat "$id")" ] || fail "$id is the same"
        done
        assert_eq "$(inside c2 cat /etc/machine-id)" "$(berthctl show c2 -p UUID --value | tr -d -)"
        assert_eq "$(berthctl get c2 user.k)" v
        assert_eq "$(berthctl get c2 Environment)" "$(berthctl get c1 Environment)"
        assert_eq "$(diff <(berthctl cat c1 | grep -v '^#') <(berthctl cat c2 | grep -v '^#') | sed -n 's/^[<>] \([A-Za-z]*\)=.*/\1/p' | sort -u | paste -sd ' ')" \
                'CreatedUSec Hostname Layers MACAddress UIDBase UUID' 'settings that are different'
        expect machinectl show c2 -p Leader
}

# settings given to it count for the copy alone; without a name one is made up and printed
test_R56_options() {
        local name
        new_container c1 busybox --set MemoryMax=100M
        clone c1 c2 --set MemoryMax=50M --set user.x=y
        assert_eq "$(berthctl get c1 MemoryMax) $(berthctl get c2 MemoryMax)" '100M 50M'
        name=$(berthctl copy c1)
        on_exit "forget '$name'"
        assert_match "$name" '^[a-z]+-[a-z]+'
        assert_eq "$(berthctl get "$name" MemoryMax)" 100M
}

# an ephemeral copy of a container goes when it stops, the other stays; a copy of an ephemeral one stays
test_R55_clone_based() {
        new_container c1 busybox
        clone c1 c2 --ephemeral
        expect berthctl start c2
        inside c2 touch /f
        expect berthctl stop --force c2
        eventually 20 not test -e "$STORE/containers/c2"
        assert_state c1 stopped

        run_container c3 busybox --ephemeral
        clone c3 c4
        expect berthctl start c4
        expect berthctl stop --force c3 c4
        eventually 20 not test -e "$STORE/containers/c3"
        assert_state c4 stopped
}

# of one that runs, the files are those of one moment: it stands still meanwhile, and goes on
test_R56_running() {
        local leader i
        run_container c1 busybox
        leader=$(leader_of c1)
        # The two files are never more than one apart, unless they are looked at at different times.
        berthctl exec c1 -- sh -c 'mkdir /n; cd /n; for i in $(seq 400); do dd if=/dev/zero of=big$i bs=64k count=4 2>/dev/null; done
                (i=0; while :; do i=$((i+1)); echo $i >/n/a; echo $i >/zz; done) >/dev/null 2>&1 </dev/null & '
        for i in 1 2 3; do
                clone c1 "c2-$i"
                local a b
                a=$(<"$STORE/containers/c2-$i/layer/upper/n/a") b=$(<"$STORE/containers/c2-$i/layer/upper/zz")
                [ -z "$a" ] || [ -z "$b" ] || [ $((a - b)) = 0 ] || [ $((a - b)) = 1 ] || fail "of different times: $a $b"
        done
        assert_state c1 running
        assert_eq "$(leader_of c1)" "$leader"
        i=$(inside c1 cat /zz)
        eventually 10 sh -c "[ \"\$(berthctl exec c1 -- cat /zz)\" != '$i' ]"
        expect berthctl start c2-1
}

# when the job hears that its hold has ended, the container runs again, and who comes next finds one that is frozen for it: over and over, by the words that a job says
test_R56_hold() {
        run_container c1 busybox
        perl -MSocket -e '
                sub frozen { open(my $f, "<", $ARGV[0]) or die; join("", <$f>) =~ /^frozen ([01])/m; $1 }
                sub hold {
                        socket(my $s, AF_UNIX, SOCK_SEQPACKET, 0) or die;
                        connect($s, pack_sockaddr_un("/run/berth/c1/control")) or die "no supervisor: $!";
                        send($s, "request=hold\0", 0) or die; recv($s, my $answer, 4096, 0);
                        $answer eq "event=done\0" or die "held: $answer\n";
                        # A child that init was forking counts as one that runs until the processor has it, which is when it stands still, too.
                        for my $i (1 .. 200) { last if frozen; select(undef, undef, undef, 0.01) }
                        frozen or die "held, and not frozen\n";
                        $s }
                for (1 .. 30) {
                        my $s = hold; shutdown($s, 1); recv($s, my $rest, 4096, 0);
                        length $rest and die "said at the end: $rest\n";
                        frozen and die "round $_: frozen when the hold had ended\n" }
                for (1 .. 10) {
                        close hold; my $s = hold; select(undef, undef, undef, 0.1);
                        frozen or die "round $_: thawed for the one before\n" }' "$(find /sys/fs/cgroup -type d -name berth-c1.scope)/cgroup.events"
        # And as users see it.
        for i in 1 2 3 4 5; do
                expect berthctl snapshot c1
                assert_state c1 running
        done
        eventually 10 inside c1 true
}

# a command that is asked for while a job copies the container waits for that: nobody is told to thaw what he has not frozen; who has gone by then gets nothing
test_R56_exec_while_held() {
        local job
        run_container c1 busybox
        inside c1 sh -c 'mkdir /n; cd /n; for i in $(seq 30000); do : >$i; done'
        a_held_container
        expect_fail timeout 0.1 berthctl exec c1 -- touch /gone
        assert_eq "$(berthctl exec c1 -- sh -c 'echo in; exit 3'; echo $?)" $'in\n3'
        wait "$job" || fail "$(cat clone.log)"
        expect_fail inside c1 test -e /gone
        expect berthctl delete c2
        # Who stops it does not wait.
        a_held_container
        berthctl exec c1 -- true >exec.log 2>&1 &
        expect berthctl stop --force c1
        expect_fail wait $!
        wait "$job" || true
        forget c2
}

# a_held_container: begins a clone of c1, of which $job is the command.
a_held_container() {
        berthctl clone c1 c2 >clone.log 2>&1 &
        job=$!
        eventually 10 eval '[ "$(state_of c1)" = frozen ]'
}

# one that was frozen before stays so
test_R56_frozen() {
        run_container c1 busybox
        expect berthctl freeze c1
        clone c1 c2
        assert_state c1 frozen
        expect berthctl thaw c1
        expect inside c1 true
}

# however the job ends, the container goes on, and nothing of the copy stays
test_R56_interrupted() {
        local how pid
        run_container c1 busybox
        inside c1 sh -c 'mkdir /n; cd /n; for i in $(seq 30000); do : >$i; done'
        for how in cancel kill stop; do
                berthctl clone c1 c2 >clone.log 2>&1 &
                pid=$!
                eventually 10 sh -c 'berthctl list-jobs --json=short | grep -q "\"clone\""'
                case $how in
                        cancel) berthctl cancel "$(berthctl list-jobs --json=short | jq -r '.[] | select(.kind == "clone").id')" || true ;;
                        kill) systemctl kill --signal=KILL "$(systemctl list-units --plain --no-legend 'berth-job-*' | awk '/clone/ { print $1 }')" || true ;;
                        stop) berthctl stop --force c1 ;;
                esac
                if wait "$pid"; then
                        forget c2
                else
                        cat clone.log >&2
                        [ ! -e "$STORE/containers/c2" ] || fail 'the copy is there'
                fi
                eventually 20 no_debris
                if [ "$how" = stop ]; then
                        assert_match "$(state_of c1)" '^(stopped|failed)$'
                else
                        assert_state c1 running
                        expect inside c1 true
                fi
        done
}

test_R56_bad_names() {
        new_container c1 busybox
        refused 'There is no container .nobody.' berthctl clone nobody c2
        refused 'There is a container .c1. already' berthctl clone c1 c1
        refused 'a/b' berthctl clone c1 a/b
        refused 'MemoryMax' berthctl clone c1 c2 --set MemoryMax=much
        refused 'nosuch' berthctl clone c1 c2 --profile nosuch
}

# a user copies an own container, none of others, and none with what an administrator has given to one
test_R56_users() {
        polkit_rule clone 'if (subject.user == "alice" && (action.id == "org.berth1.clone" || action.id == "org.berth1.create") &&
                (action.id == "org.berth1.create" || action.lookup("own") == "yes")) return polkit.Result.YES;'
        on_exit 'forget u1 u2 u3'
        expect as alice berthctl create busybox u1
        new_container c1 busybox
        expect as alice berthctl clone u1 u2
        assert_eq "$(busctl get-property org.berth1 /org/berth1/container/u2 org.berth1.Container Owner)" "u $(id -u alice)"
        refused 'no container|Not allowed' as alice berthctl clone c1 u3
        expect berthctl set u1 MemoryMin=1M
        refused "setting that is the administrator's to give, 'Resource.MemoryMin'" as alice berthctl clone u1 u3
        expect berthctl clone u1 u3
        assert_eq "$(busctl get-property org.berth1 /org/berth1/container/u3 org.berth1.Container Owner)" "u $(id -u alice)"
}

# templates for copy run in a copy, at its first start, and those for create do not
test_R30_copy() {
        mkdir -p meta/templates
        printf '%s' '{{ trigger }}' >meta/templates/a.tpl
        printf '%s\n' 'architecture: x86_64' 'creation_date: 1424284563' 'templates:' '  /etc/at-create:' '    when: [create]' '    template: a.tpl' \
                '  /etc/at-copy:' '    when: [copy]' '    template: a.tpl' >meta/metadata.yaml
        tar -C meta -cf meta.tar metadata.yaml templates
        on_exit 'forget_image tpl'
        expect berthctl import --quiet meta.tar "$(guest busybox)" --alias tpl
        run_container c1 tpl
        assert_eq "$(inside c1 cat /etc/at-create)" create
        clone c1 c2
        expect berthctl start c2
        assert_eq "$(inside c2 cat /etc/at-copy)" copy
        assert_eq "$(inside c2 cat /etc/at-create)" create
        inside c2 rm /etc/at-copy
        expect berthctl restart --force c2
        expect_fail inside c2 test -e /etc/at-copy
}

# the clone hook sees both names and the files, before anybody sees the copy; when it fails there is none
test_R85_clone() {
        mkdir -p /etc/berth/hooks/clone.d
        on_exit 'rm -rf /etc/berth/hooks/clone.d /run/clone.*; rmdir --ignore-fail-on-non-empty /etc/berth/hooks'
        # shellcheck disable=SC2016
        printf '#!/bin/sh\n%s\n' 'echo "$BERTH_HOOK $BERTH_CONTAINER $BERTH_SOURCE $LXC_SRC_NAME $LXC_NAME $LXC_HOOK_TYPE $(berthctl list c2 --json=short)" >/run/clone.log
                cat >/run/clone.json; cat "$BERTH_LAYER/marked" >>/run/clone.log; echo new >"$BERTH_LAYER/marked"' >/etc/berth/hooks/clone.d/a
        chmod 755 /etc/berth/hooks/clone.d/a
        run_container c1 busybox
        inside c1 sh -c 'echo old >/marked'
        clone c1 c2 --set user.x=y
        assert_eq "$(</run/clone.log)" "clone c2 c1 c1 c2 clone []
old"
        assert_eq "$(jq -r '.name, .user.x' /run/clone.json)" 'c2
y'
        assert_eq "$(inside c1 cat /marked)" old
        expect berthctl start c2
        assert_eq "$(inside c2 cat /marked)" new

        printf '#!/bin/sh\necho first; echo no licence is left; exit 3\n' >/etc/berth/hooks/clone.d/b
        chmod 755 /etc/berth/hooks/clone.d/b
        refused "no licence is left" berthctl clone c1 c3
        eventually 20 no_debris
}
