# shellcheck shell=bash
# guests: busybox bookworm
# Jobs: progress, cancelling, and what is left when somebody is killed.

readonly UNIT=berth-containerd.service

setup_file() {
        berthctl import "$(guest busybox)" --alias bb
}

teardown_file() {
        berthctl remove-image bb
}

job_runs() {
        [ "$(berthctl --json=short list-jobs | jq length)" -gt 0 ]
}

no_job_runs() {
        ! job_runs
}

worker_pid() {
        local pid
        for pid in $(systemctl show --property MainPID --value 'berth-job-*.service'); do
                # Not the one that waits for a job.
                [ "$pid" -le 1 ] || [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = berth-spare ] || { echo "$pid"; return; }
        done
}

worker_runs() {
        [ -n "$(worker_pid)" ]
}

# Nothing half-made, nothing thrown away and forgotten.
is_clean() {
        [ -z "$(find /var/lib/berth/images /var/lib/berth/containers -maxdepth 1 -name '.new-*')" ] &&
                [ -z "$(ls -A /var/lib/berth/trash)" ]
}

# import_slowly: reads an archive that comes slowly, in the background; its output is in the file output.
import_slowly() {
        mkfifo pipe
        (
                head -c 20000000 "$(guest bookworm)"
                sleep "${1:-30}"
        ) >pipe 2>/dev/null &
        # shellcheck disable=SC2034 # on_exit uses it
        feeder=$!
        berthctl import - --alias slow <pipe >output 2>&1 &
        importer=$!
        on_exit 'kill "$feeder" 2>/dev/null; true'
        wait_until 10 job_runs || fail "no job was started: $(<output)"
        wait_until 10 worker_runs || fail "the job has no process: $(<output)"
}

# a job is listed, with kind and target, and can be cancelled; nothing is left
test_R14_cancel_leaves_nothing() {
        local id
        import_slowly
        id=$(berthctl --json=short list-jobs | jq -r '.[0].id')
        assert_eq "$(berthctl --json=short list-jobs | jq -r '.[0].kind')" import
        expect berthctl cancel "$id"
        ! wait "$importer" || fail "the import succeeded"
        assert_match "$(<output)" '[Cc]ancelled'
        wait_until 10 is_clean || fail "something is left: $(find /var/lib/berth -maxdepth 2)"
        assert_eq "$(berthctl --json=short list-images | jq length)" 1
        expect_fail --message "no job" berthctl cancel "$id"
}

# a worker that is killed is a failed job; what it left is collected
test_F03_killed_worker() {
        import_slowly
        kill -9 "$(worker_pid)"
        ! wait "$importer" || fail "the import succeeded"
        assert_match "$(<output)" 'was killed'
        wait_until 10 is_clean || fail "something is left: $(find /var/lib/berth -maxdepth 2)"
        assert_eq "$(berthctl --json=short list-images | jq length)" 1
}

# a killed manager takes no job with it, and knows it again
test_F01_killed_manager_in_a_job() {
        import_slowly 3
        kill -9 "$(systemctl show --property MainPID --value "$UNIT")"
        assert_eq "$(berthctl --json=short list-jobs | jq -r '.[0].kind')" import
        wait "$importer" || true
        # The archive ends in the middle: the job fails, and nobody waits for it any more.
        wait_until 20 no_job_runs || fail "the job is still there"
        wait_until 10 is_clean || fail "something is left: $(find /var/lib/berth -maxdepth 2)"
        assert_eq "$(berthctl --json=short list-images | jq length)" 1
}

# both killed: the next manager collects what they left
test_F01_killed_manager_and_worker() {
        import_slowly
        # A worker that waits for a job may be gone with the manager before its turn comes.
        systemctl kill --signal=KILL "$UNIT" 'berth-job-*.service' || true
        wait "$importer" || true
        expect berthctl list
        wait_until 20 is_clean || fail "something is left: $(find /var/lib/berth -maxdepth 2)"
}

# what a killed create was making is there whole or not at all
test_F01_killed_create() {
        local i
        for ((i = 0; i < 10; i++)); do
                berthctl create bb maybe >output 2>&1 &
                sleep "0.0$i"
                systemctl kill --signal=KILL 'berth-job-*.service' 2>/dev/null || true
                wait $! || say "  # $(<output)"
                wait_until 10 no_job_runs || fail "a job is still there"
                # Killed between the last step and the answer: then it is there, whole.
                if [ -e /var/lib/berth/containers/maybe ]; then
                        say "  # it is there"
                        expect berthctl start maybe
                        expect berthctl delete --force maybe
                fi
        done
        expect berthctl create bb maybe
        expect berthctl delete maybe
        wait_until 10 is_clean || fail "something is left: $(find /var/lib/berth -maxdepth 2)"
}

# two of the same name at once: one of them gets it
test_F24_two_creates_of_one_name() {
        local i ok=0 pids=()
        for i in 1 2 3 4; do
                berthctl create bb twin >"out$i" 2>&1 &
                pids+=($!)
        done
        for i in "${pids[@]}"; do
                ! wait "$i" || ok=$((ok + 1))
        done
        assert_eq "$ok" 1 "creates that succeeded"
        assert_match "$(cat out*)" "container 'twin' already"
        expect berthctl delete twin
}
