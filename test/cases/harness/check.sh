# shellcheck shell=bash
# The tests of the tests: what fails must be seen to fail.
# suites: bookworm
# limit: 600

# sample RESULT_FOLDER: runs the samples; sets output and status.
samples() {
        local rc=0
        output=$(env --unset=SUITE BERTH_TEST_OUTSIDE=no BERTH_TEST_RESULTS="$TEST_TMP/results" \
                BERTH_TEST_CASES="$TOP/test/cases/harness/samples" \
                "$TOP/test/check" --no-berth --suite bookworm "$@" 2>&1) || rc=$?
        say "$output"
        status=$rc
}

result_of() {
        sed -n "s,^\(ok\|FAILED\) [0-9-]* $1 .*,\1,p" <<<"$output"
}

# a test that passes is counted as passed, one that fails, cannot run, hangs or leaves things behind as failed
test_check_counts() {
        samples
        local name
        for name in S01-passes S10-passes-afterwards S20-sees-the-set-up S21-sees-the-borrowed-set-up; do
                assert_eq "$(result_of "$name")" ok "$name"
        done
        for name in host/empty.sh S02-fails-in-the-middle S03-unexpected-success S04-crash-is-no-error-message \
                S05-leaves-a-mount S06-leaves-a-unit S07-takes-too-long S08-could-not-run S09-host-dies \
                host/setup-teardown S30-never-run; do
                assert_eq "$(result_of "$name")" FAILED "$name"
        done
        assert_match "$output" '> +1 mount /run/left'
        assert_match "$output" '> +1 unit berth-left.service'
        assert_eq "$(tail -n 1 <<<"$output")" '4 passed, 11 failed'
        assert_eq "$status" 1
        [ -s "$TEST_TMP/results/bookworm-container/S06-leaves-a-unit.journal" ]
}

# only what is asked for is run; success is status 0
test_check_selects() {
        samples 'S2*'
        assert_match "$output" 'ok [12] S20-sees-the-set-up \[bookworm\] \([0-9.]+ s\)'
        samples S01-passes
        assert_eq "$(tail -n 1 <<<"$output")" '1 passed, 0 failed'
        assert_eq "$status" 0
}

# nothing to run is no success
test_check_without_tests_fails() {
        samples no-such-test
        assert_eq "$(tail -n 1 <<<"$output")" '0 passed, 0 failed'
        assert_eq "$status" 1
}

# --list prints a line for every test, and runs none
test_check_lists() {
        samples --list
        assert_eq "$(wc -l <<<"$output")" 14
        assert_match "$output" 'S03-unexpected-success +what should fail does not'
        assert_eq "$status" 0
}
