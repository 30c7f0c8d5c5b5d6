# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A lane runs rows of tests one after the other on one kind of host; lanes run beside each other. Every
# result is one line on descriptor 3:
#       ok|FAILED NAME LABEL SECONDS LOG JOURNAL, with the unit separator (0x1f) between

HOST=$TOP/test/host

# host_do VERB ARGUMENT...: without the descriptors that are the lane's.
host_do() {
        "$HOST" "$@" 3>&- 4<&-
}

now() {
        echo "${EPOCHREALTIME/[.,]/}"
}

# report RESULT NAME LABEL STARTED LOG JOURNAL
report() {
        local tenths=$((($(now) - $4) / 100000))
        # Tabs would run together where a field is empty.
        printf '%s\x1f%s\x1f%s\x1f%d.%d\x1f%s\x1f%s\n' "$1" "$2" "$3" $((tenths / 10)) $((tenths % 10)) "$5" "$6" >&3
}

# queue_make FOLDER <ROWS: one file for the rows of each case file, named so that they are taken in the order in which they came.
queue_make() {
        mkdir "$1"
        awk -F'\t' -v folder="$1" '$2 != last { n++; last = $2 } { printf "%s\n", $0 >> sprintf("%s/%03d", folder, n) }'
}

# queue_take FOLDER MINE: the rows of the next case file, to the file MINE. Several lanes take from one queue: who renames it has it.
queue_take() {
        local rows
        for rows in "$1"/*; do
                if mv -T -- "$rows" "$2" 2>/dev/null; then
                        return 0
                fi
        done
        return 1
}

# lane_host KIND SUITE NUMBER QUEUE: the tests of the groups host and vm, on a host of this lane's own.
lane_host() {
        local kind=$1 suite=$2 number=$3 queue=$4 rows label=$2 host current state=none slow=1 folder host_options=''
        if [ "$kind" = vm ]; then
                label="$suite vm"
                # Without KVM every instruction is emulated.
                vm_has_kvm || slow=10
        fi
        if [ "$SANITIZED" = yes ]; then
                label="$suite sanitized"
                slow=3
        fi
        host=$CHECK_ID-$suite-$kind-$number
        folder=$RESULTS/$suite-$kind
        rows=$queue.$number
        mkdir -p "$folder"
        while queue_take "$queue" "$rows"; do
                lane_file "$rows"
        done
        lane_drop_host
}

# lane_file ROWS_FILE: the tests of one case file.
lane_file() {
        local row row_started group file function name suites long text rc log
        current=$(cut -f 2 "$1" | head -n 1)
        [ "$(case_header "$current" host any)" = any ] || lane_drop_host
        if ! lane_ready; then
                state=broken
                [ "$SANITIZED" = no ] || sanitizer_symbols "$(lane_setup_log)" "$host"
        fi
        while IFS= read -r row <&4; do
                # Not a tab as separator, because read would take two for one.
                IFS=$'\x1f' read -r group file function name suites long text <<<"${row//$'\t'/$'\x1f'}"
                row_started=$(now)
                log=$folder/${name//\//-}.log
                if [ "$state" = none ]; then
                        lane_ready || state=broken
                fi
                if [ "$state" != ready ]; then
                        cp "$(lane_setup_log)" "$log"
                        report FAILED "$name" "$label" "$row_started" "$log" ""
                        continue
                fi
                row_started=$(now)
                rc=0
                lane_harness test "$file" "$function" >"$log" 2>&1 || rc=$?
                if [ "$rc" -eq 0 ]; then
                        report ok "$name" "$label" "$row_started" "$log" ""
                        continue
                fi
                lane_keep_journal "$row_started" "${log%.log}.journal"
                [ "$SANITIZED" = no ] || sanitizer_symbols "$log" "$host"
                report FAILED "$name" "$label" "$row_started" "$log" "${log%.log}.journal"
                # Anything but a plain failure: the host cannot be trusted any more.
                [ "$rc" -eq 1 ] || lane_drop_host
        done 4<"$1"
        lane_finish_file
}

# lane_harness VERB FILE [FUNCTION]
lane_harness() {
        local verb=$1 file=$2 limit=$((slow > 1 ? 2400 : 1200))
        shift 2
        [ "$LONG" = no ] || limit=10000
        timeout --foreground $limit "$HOST" run "$host" -- env SUITE="$suite" BERTH_TEST_SLOW="$slow" BERTH_TEST_SANITIZED="$SANITIZED" \
                bash /root/test/lib/harness.sh "$verb" "/root/test/cases/$file" "$@" </dev/null 3>&- 4<&-
}

# lane_ready: a host with the current file set up in it. Sets state.
lane_ready() {
        local log options=(--suite "$suite") guest tar program path
        log=$(lane_setup_log)
        state=none
        [ "$kind" = container ] || options+=("--$kind")
        [ "$(case_header "$current" flavour plain)" = plain ] || options+=("--$(case_header "$current" flavour plain)")
        [ "$SANITIZED" = no ] || options+=(--sanitized)
        [ "$CHECK_BERTH" = yes ] || options+=(--no-berth)
        if [ "${options[*]}" != "$host_options" ]; then
                lane_drop_host
        fi
        {
                if ! host_do run "$host" -- true 2>/dev/null; then
                        lane_drop_host
                        echo "# test/host up $host ${options[*]}"
                        host_do up "$host" "${options[@]}" || return 1
                        host_do push "$host" "$TOP/test/lib" /root/test/ || return 1
                        host_do push "$host" "$CASES" /root/test/cases || return 1
                fi
                host_options="${options[*]}"
                for guest in $(case_header "$current" guests ""); do
                        guest=${guest/#SUITE/$suite}
                        if ! host_do run "$host" -- test -e "/var/lib/berth-guests/$guest.tar"; then
                                tar=$(guest_tar "$guest") || return 1
                                host_do push "$host" "$tar" "/var/lib/berth-guests/$guest.tar" || return 1
                        fi
                done
                for program in $(case_header "$current" programs ""); do
                        if ! host_do run "$host" -- test -e "/var/lib/berth-programs/$program"; then
                                path=$(program_path "$program") || return 1
                                host_do push "$host" "$path" "/var/lib/berth-programs/$program" || return 1
                        fi
                done
                lane_harness setup "$current" || return 1
        } >"$log" 2>&1
        state=ready
}

# lane_setup_log
lane_setup_log() {
        local name=${current%.sh}
        echo "$folder/${name//\//-}-setup.log"
}

lane_drop_host() {
        host_do down "$host" >/dev/null 2>&1 || true
        state=none
        host_options=''
}

# lane_finish_file: what the file set up is taken away again, and nothing else may be there.
lane_finish_file() {
        local log started name rc=0
        [ "$state" = ready ] || return 0
        started=$(now)
        name=${current%.sh}
        log=$folder/${name//\//-}-teardown.log
        lane_harness teardown "$current" >"$log" 2>&1 || rc=$?
        if [ "$rc" -ne 0 ]; then
                lane_keep_journal "$started" "${log%.log}.journal"
                [ "$SANITIZED" = no ] || sanitizer_symbols "$log" "$host"
                report FAILED "${current%.sh}-teardown" "$label" "$started" "$log" "${log%.log}.journal"
                lane_drop_host
        fi
}

# lane_keep_journal SINCE FILE
lane_keep_journal() {
        # Without the scopes that are our own commands.
        host_do journal "$host" --output=short-precise --since="@$(($1 / 1000000))" 2>&1 |
                grep -v ' run-[a-z0-9-]*\.scope: \|Started run-[a-z0-9-]*\.scope' >"$2" || true
}

# lane_outside SUITE NUMBER QUEUE: tests that run on the machine and drive hosts themselves, and the harness's own.
lane_outside() {
        local suite=$1 number=$2 queue=$3 rows row folder started log journal rc label=$1
        local group file function name suites long text
        rows=$queue.$number
        while queue_take "$queue" "$rows"; do
                while IFS= read -r row <&4; do
                        IFS=$'\x1f' read -r group file function name suites long text <<<"${row//$'\t'/$'\x1f'}"
                        folder=$RESULTS/$suite-$group
                        mkdir -p "$folder"
                        log=$folder/${name//\//-}.log
                        journal=$folder/$name.journal
                        started=$(now)
                        rc=0
                        SUITE=$suite BERTH_TEST_OUTSIDE=yes TEST_HOST=$CHECK_ID-$suite-out-$number TEST_JOURNAL=$journal \
                                bash "$TOP/test/lib/harness.sh" test "$CASES/$file" "$function" >"$log" 2>&1 </dev/null 3>&- 4<&- || rc=$?
                        if [ "$rc" -eq 0 ]; then
                                report ok "$name" "$label" "$started" "$log" ""
                        else
                                report FAILED "$name" "$label" "$started" "$log" "$journal"
                        fi
                done 4<"$rows"
        done
}
