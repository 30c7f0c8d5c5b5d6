# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What berth's own processes could do if somebody took them over: systemd's figures for every unit, and what the kernel says of each process.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
        expect berthctl launch busybox c1
}

teardown_file() {
        remove_all
}

# exposure FILE THRESHOLD: of a unit's file; the threshold is ten times the figure.
exposure() {
        systemd-analyze security --offline=true --no-pager --threshold="$2" "$1" >security.log 2>&1
}

# of PID KEY: from /proc/PID/status.
of() {
        awk -v key="$2:" '$1 == key { print $2 }' "/proc/$1/status"
}

# process PID COMM CAPEFF CAPBND NNP SECCOMP: what the kernel says; capabilities by name or 0.
process() {
        local pid=$1
        assert_eq "$(<"/proc/$pid/comm")" "${2:0:15}"
        assert_eq "$(names_of "$(of "$pid" CapEff)")" "$3" "effective capabilities of $2"
        assert_eq "$(names_of "$(of "$pid" CapPrm)")" "$3" "permitted capabilities of $2"
        assert_eq "$(names_of "$(of "$pid" CapInh)")" 0 "inheritable capabilities of $2"
        assert_eq "$(names_of "$(of "$pid" CapAmb)")" 0 "ambient capabilities of $2"
        assert_eq "$(names_of "$(of "$pid" CapBnd)")" "$4" "bounding set of $2"
        assert_eq "$(of "$pid" NoNewPrivs)" "$5" "NoNewPrivs of $2"
        assert_eq "$(of "$pid" Seccomp)" "$6" "Seccomp of $2"
}

names_of() {
        local names
        names=$(capsh --decode="$1" | cut -d= -f2)
        echo "${names:-0}"
}

# every unit that is installed has a line here, and systemd's figure for it is not above what stands there
test_R107_exposure_of_units() {
        local file unit threshold
        local -A most=(
                [berth-containerd.service]=20
                [berth-expire.service]=20
                [berth-images.service]=20
                [berth-snapshot@.service]=20
                # It makes mounts and namespaces, and what starts in it, the payload, has what it has: it drops capabilities later.
                [berth@.service]=96
        )
        for file in /usr/lib/systemd/system/berth*.service; do
                unit=${file##*/}
                threshold=${most[$unit]-}
                [ -n "$threshold" ] || fail "$unit has no line in this table"
                # Of templates, it wants one that has a name.
                cp "$file" "${unit/@./@x.}"
                exposure "$PWD/${unit/@./@x.}" "$threshold" || fail "$unit: $(tail -n 1 security.log)"
                say "$unit: $(tail -n 1 security.log)"
                unset "most[$unit]"
        done
        assert_eq "${!most[*]}" '' 'units that are not installed'
        # The control: a unit without any of that.
        printf '[Service]\nExecStart=/bin/true\n' >plain.service
        expect_fail exposure "$PWD/plain.service" 90
}

# the manager: no capability, a filter, nothing new
test_R107_manager() {
        berthctl list >/dev/null
        process "$(manager_pid)" berth-containerd 0 0 1 2
}

# the supervisor, once the payload runs: what mounts, devices and execs need; no filter and no NoNewPrivs, which each exec would inherit
test_R107_supervisor() {
        local pid
        pid=$(supervisor_of c1)
        process "$pid" berth-launch cap_chown,cap_dac_override,cap_dac_read_search,cap_kill,cap_setgid,cap_setuid,cap_net_admin,cap_sys_admin,cap_mknod \
                cap_chown,cap_dac_override,cap_dac_read_search,cap_kill,cap_setgid,cap_setuid,cap_net_admin,cap_sys_admin,cap_mknod 0 0
}

# a job that reads an archive: the worker has no network and no new privileges, who reads has nothing at all, who writes has the files of its range
test_S66_R107_worker_and_reader() {
        local unit
        spare_workers | xargs -r systemctl stop
        on_exit 'forget_image slow'
        a_sandboxed_import
}

# the same of one that was ready before there was a job, and could have been another kind's
test_S66_R107_spare_worker_and_reader() {
        local unit spare
        on_exit 'forget_image slow'
        a_rootfs first.tar 'file|first'
        expect berthctl import --quiet first.tar --alias slow
        expect berthctl remove-image slow
        eventually 10 spare_for_archives
        assert_match "$(names_of "$(of "$(systemctl show -P MainPID "$spare")" CapBnd)")" sys_ptrace
        a_sandboxed_import
        assert_eq "$unit" "$spare"
}

# spare_for_archives: the worker that waits for a job with an archive, in $spare.
spare_for_archives() {
        spare=$(systemctl list-units --plain --no-legend --full 'berth-job-*' | awk '/ waits for a job with an archive$/ { print $1 }')
        [ -n "$spare" ] && [ "$(cat "/proc/$(systemctl show -P MainPID "$spare")/comm")" = berth-spare ]
}

# a_sandboxed_import: looks at one while it goes on; its unit is in $unit.
a_sandboxed_import() {
        local worker reader writer pid
        slow_import "$(guest busybox)" --alias slow
        unit=berth-job-$(import_job).service
        worker=$(systemctl show -P MainPID "$unit")
        eventually 10 eval '[ "$(pgrep -c -P '"$worker"')" = 2 ]'
        reader='' writer=''
        sandboxed() {
                reader='' writer=''
                for pid in $(pgrep -P "$worker"); do
                        case $(of "$pid" Uid) in
                        $((FOREIGN_BASE + 65534))) reader=$pid ;;
                        "$FOREIGN_BASE") writer=$pid ;;
                        esac
                done
                [ -n "$reader" ] && [ -n "$writer" ] && [ "$(of "$reader" Seccomp)" != 0 ] && [ "$(of "$writer" NoNewPrivs)" = 1 ] &&
                        [[ $(of "$writer" CapEff) != *1ffffffffff ]] # the last that it gives up; all of them are what a new user namespace comes with
        }
        eventually 10 sandboxed
        assert_eq "$(of "$worker" NoNewPrivs)" 1
        assert_eq "$(of "$worker" Seccomp)" 2
        assert_no_match "$(names_of "$(of "$worker" CapBnd)")" 'sys_module|sys_rawio|sys_ptrace|net_admin|net_raw|sys_time|sys_boot|bpf|perfmon|syslog'
        [ "$(readlink "/proc/$worker/ns/net")" != "$(readlink /proc/self/ns/net)" ] || fail "the worker has the host's network"
        # Nothing of the host's is to be written but berth's own, and nobody's home is to be seen.
        touch /root/marker
        on_exit 'rm -f /root/marker'
        expect_fail --message 'Read-only file system' touch "/proc/$worker/root/etc/marker"
        expect_fail --message 'Read-only file system' touch "/proc/$worker/root/usr/marker"
        expect touch "/proc/$worker/root/var/lib/berth/marker"
        expect rm /var/lib/berth/marker
        assert_eq "$(find "/proc/$worker/root/root" "/proc/$worker/root/home" "/proc/$worker/root/run/user" -mindepth 1)" ''
        process "$reader" berth-worker-archive 0 0 1 2
        process "$writer" berth-worker-archive cap_chown,cap_dac_override,cap_fowner,cap_fsetid,cap_setfcap 0 1 2
        for pid in "$reader" "$writer"; do
                [ "$(readlink "/proc/$pid/ns/user")" != "$(readlink /proc/self/ns/user)" ] || fail "$pid has the host's user namespace"
        done
        # Of the reader: its pipes and nothing else, an empty root, no network, no file to make, no other process to be.
        assert_eq "$(find "/proc/$reader/fd" -mindepth 1 -printf '%f\n' | sort | xargs)" '0 1 2'
        assert_match "$(readlink "/proc/$reader/fd/0") $(readlink "/proc/$reader/fd/1") $(readlink "/proc/$reader/fd/2")" '^pipe:.* pipe:.* /dev/null$'
        assert_eq "$(find "/proc/$reader/root/" -mindepth 1 2>/dev/null | head -n 3)" ''
        assert_eq "$(tail -n +3 "/proc/$reader/net/dev" | cut -d: -f1 | xargs)" lo
        assert_match "$(</proc/"$reader"/limits)" 'Max file size +0 +0.*Max open files +0 +0'
        slow_import_rest "$(guest busybox)"
        import_ends
        eventually 30 no_debris
}

# what carries connections for a container
test_R107_proxy() {
        local pid
        expect berthctl device add c1 p proxy listen=tcp:127.0.0.1:4444 connect=tcp:127.0.0.1:4445
        on_exit 'berthctl device remove c1 p'
        systemctl start berth-c1_p.service
        eventually 10 eval '[ "$(systemctl show -P MainPID berth-c1_p.service)" != 0 ]'
        pid=$(systemctl show -P MainPID berth-c1_p.service)
        eventually 10 eval '[ "$(cat /proc/'"$pid"'/comm)" = berth-proxy ]'
        process "$pid" berth-proxy 0 0 1 2
        expect systemd-analyze security --no-pager --threshold=30 berth-c1_p.service >security.log
        systemctl stop berth-c1_p.service
}
