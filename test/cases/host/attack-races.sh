# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Names that are exchanged for symbolic links while berth uses them: at mounts of a start, at copies, at what a user lends or imports.
# test/attack/flip does the exchanging, as root of a guest or as the user; test/attack/naive is the control, which is led out each time.
# guests: busybox
# programs: flip naive

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
        # Shared by two containers: what one of them exchanges, the other's start mounts upon.
        mkdir -p /var/race /var/race-source
        echo source >/var/race-source/f
        expect berthctl launch busybox c1 --no-profiles
        expect berthctl device add c1 share disk source=/var/race path=/share
        expect berthctl copy-to c1 "$(program flip)" /bin/flip
        # What a link to /victim leads to inside: theirs to read and write.
        inside c1 sh -c 'mkdir -p /victim /root/race; echo inside >/victim/f'
}

teardown_file() {
        remove_all
        rm -rf /var/race /var/race-source
}

# victim: the host's, which nobody in a container may read or write; its state is in BEFORE.
victim() {
        on_exit 'rm -rf /victim'
        rm -rf /victim
        install -d -m 0700 /victim /victim/m{1..8}
        echo host >/victim/f
        BEFORE=$(victim_state)
        MOUNTS=$(mounts_of self)
}

victim_state() {
        find /victim -printf '%p %y %m %U:%G %s %T@ %i\n' | sort
        cat /victim/f
}

mounts_of() {
        awk '{ print $4, $5 }' "/proc/$1/mountinfo" | sort
}

# The directory and the link to the host's victim, below a directory.
pair() {
        rm -rf "${1:?}/t" "$1/x"
        mkdir -p "$1"/t/m{1..8}
        echo inside >"$1/t/f"
        ln -s "$2" "$1/x"
}

# flips COMMAND...: flip, run by this command, until there are no rounds left. Long: a million exchanges, and rounds as long as they take.
flips() {
        rm -f flips
        "$@" ${EXCHANGES:+"$EXCHANGES"} >flips 2>&1 &
        FLIP=$!
        on_exit "pkill -x flip; true"
        eventually 10 pgrep -x flip >/dev/null
        ROUND=0
}

# more_rounds N
more_rounds() {
        ROUND=$((ROUND + 1))
        if [ -n "${EXCHANGES-}" ]; then
                kill -0 "$FLIP" 2>/dev/null || [ "$ROUND" -le "$1" ]
        else
                [ "$ROUND" -le "$1" ]
        fi
}

flips_end() {
        [ -n "${EXCHANGES-}" ] || pkill -TERM -x flip
        wait "$FLIP" || fail "flip: $(cat flips)"
        say "  # exchanges: $(<flips), rounds: $((ROUND - 1))"
        [ "$(<flips)" -ge "${EXCHANGES:-1000}" ] || fail "too few exchanges: $(<flips)"
}

# led_out VERB: the control. The same exchanges lead a program astray that looks first and uses the name then.
led_out() {
        local flip rc=0
        rm -rf /var/race/control /victim/control
        mkdir -p /var/race/control /victim/control
        echo host >/victim/control/f
        pair /var/race/control /victim/control
        "$(program flip)" /var/race/control t x >/dev/null &
        flip=$!
        "$(program naive)" "$1" /var/race/control /var/race/control/t /victim/control || rc=$?
        kill -TERM "$flip"
        wait "$flip" || true
        rm -rf /var/race/control /victim/control
        [ "$rc" = 0 ] || fail "the control was not led out by the race"
}

untouched() {
        assert_eq "$(victim_state)" "$BEFORE" "the host's directory"
        assert_eq "$(mounts_of self)" "$MOUNTS" "the host's mounts"
}

# a container whose mounts lie below a directory that another container exchanges starts again and again
races_start() {
        local i supervisor started=0
        led_out "$1"
        victim
        pair /var/race "$2"
        # Where the link leads to inside, it may mount: most starts succeed.
        run_container c2 busybox --no-profiles
        inside c2 mkdir /victim
        expect berthctl stop --force c2
        expect berthctl device add c2 share disk source=/var/race path=/share
        for i in {1..8}; do
                expect berthctl device add c2 "d$i" disk source=/var/race-source "path=/share/t/${3/N/$i}"
        done
        flips berthctl exec c1 -- /bin/flip /share t x
        while more_rounds 12; do
                if berthctl start c2 >start.log 2>&1; then
                        started=$((started + 1))
                        supervisor=$(supervisor_of c2)
                        assert_no_match "$(mounts_of "$supervisor")" ' /victim' "mounts of the supervisor"
                        # Wherever inside: a mount that is there is of the container's root.
                        assert_no_match "$(awk '$5 ~ "^/victim" { print $4 }' "/proc/$(leader_of c2)/mountinfo")" '^/victim'
                        expect berthctl stop --force c2
                else
                        assert_match "$(<start.log)" "^berthctl: [^[:cntrl:]]*'c2'[^[:cntrl:]]*$" "what a refused start says"
                        systemctl reset-failed berth@c2 berth-c2.scope 2>/dev/null || true
                fi
                untouched
        done
        flips_end
        say "  # started $started times"
        [ "$started" -gt 0 ] || fail "no start got so far: $(<start.log)"
        forget c2
        untouched
        # Without the race it starts, and has them.
        pair /var/race "$2"
        run_container c2 busybox --no-profiles
        expect berthctl device add c2 share disk source=/var/race path=/share
        expect berthctl device add c2 d1 disk source=/var/race-source "path=/share/t/${3/N/1}"
        assert_eq "$(inside c2 cat "/share/t/${3/N/1}/f")" source
        forget c2
}

# mounts of a start whose targets are exchanged for a link to the host's root are made inside or not at all
test_S10_mounts_of_a_start() {
        races_start mount /victim mN
}

# [long] the same, a million times, by a relative link
test_S10_mounts_of_a_start_long() {
        EXCHANGES=1000000 races_start mount ../../../../../../victim mN
}

# directories that a start makes for its mounts are made inside or not at all
test_S12_directories_of_a_start() {
        races_start mkdir ../../../../../../victim new/deep/N
}

# [long] the same, a million times
test_S12_directories_of_a_start_long() {
        EXCHANGES=1000000 races_start mkdir /victim new/deep/N
}

copy_to() {
        berthctl copy-to c1 data /root/race/t/canary >/dev/null 2>&1 || true
}

# All that can be read is what the guest has there.
copy_from() {
        if berthctl copy-from c1 /root/race/t/f - >"out$1" 2>/dev/null; then
                echo "$(<"out$1")" >>got
        fi
}

races_copy() {
        local i pids
        led_out read
        led_out write
        victim
        echo canary >data
        rm -f got
        inside c1 sh -c 'rm -rf /root/race; mkdir -p /root/race/t; echo inside >/root/race/t/f; ln -s "$1" /root/race/x' - "$1"
        flips berthctl exec c1 -- /bin/flip /root/race t x
        while more_rounds 8; do
                pids=()
                for i in 1 2 3 4; do
                        copy_to &
                        pids+=($!)
                        copy_from "$i" &
                        pids+=($!)
                done
                wait "${pids[@]}"
                untouched
        done
        flips_end
        assert_eq "$(sort -u got)" inside "what was read"
        say "  # read $(wc -l <got) times"
        # What was written is inside, at one end or the other.
        assert_eq "$(inside c1 sh -c 'cat /root/race/t/canary /victim/canary 2>/dev/null | sort -u')" canary
        inside c1 rm -f /victim/canary
        eventually 30 no_debris
}

# copies in both directions, four at a time, through a name that the guest exchanges for a link to the host's root: nothing leaves the guest
test_S78_copies() {
        races_copy /victim
}

# [long] the same, a million times, by a relative link
test_S78_copies_long() {
        EXCHANGES=1000000 races_copy ../../../../../../victim
}

races_of_user() {
        local refused=0 taken=0
        led_out read
        victim
        chmod 0711 /victim
        BEFORE=$(victim_state)
        polkit_rule races 'if (subject.user == "alice" && action.id.indexOf("org.berth1.") == 0) return polkit.Result.YES;'
        on_exit 'rm -rf /var/alice; forget u1; forget_image hers'
        install -d -m 0755 -o alice -g alice /var/alice /var/alice/race /var/alice/race/t
        a_rootfs hers.tar 'file|etc/whose|hers'
        a_rootfs roots.tar 'file|etc/whose|roots'
        install -m 0644 -o alice -g alice hers.tar /var/alice/race/t/f.tar
        install -m 0600 roots.tar /victim/f.tar
        ln -s /victim /var/alice/race/x
        BEFORE=$(victim_state)
        expect as alice berthctl launch busybox u1 --no-profiles
        flips as alice "$(program flip)" /var/alice/race t x
        while more_rounds 10; do
                if as alice berthctl device add u1 d disk source=/var/alice/race/t path=/mnt/d >add.log 2>&1; then
                        taken=$((taken + 1))
                        assert_eq "$(inside u1 ls /mnt/d)" f.tar "what is lent"
                        assert_eq "$(inside u1 stat -c %u /mnt/d/f.tar)" 0 "whose it is"
                        expect as alice berthctl device remove u1 d
                else
                        refused=$((refused + 1))
                        assert_match "$(<add.log)" '^berthctl: [^[:cntrl:]]*$' "what a refusal says"
                fi
                if as alice berthctl import --alias hers /var/alice/race/t/f.tar >import.log 2>&1; then
                        taken=$((taken + 1))
                        assert_eq "$(image_of hers)" "$(fingerprint_of hers.tar)" "what was imported"
                        expect berthctl remove-image hers
                else
                        refused=$((refused + 1))
                        assert_match "$(<import.log)" '^berthctl: [^[:cntrl:]]*$' "what a refusal says"
                fi
                untouched
        done
        flips_end
        say "  # taken $taken, refused $refused"
        eventually 30 no_debris
}

# a user exchanges what she lends or imports for a link to what is root's: it is opened once, with her rights
test_S15_what_a_user_names() {
        races_of_user
}

# [long] the same, a million times
test_S15_what_a_user_names_long() {
        EXCHANGES=1000000 races_of_user
}
