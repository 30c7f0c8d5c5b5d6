# shellcheck shell=bash
# The set-up fails, so the test cannot run.

setup_file() {
        false
}

# would pass
test_S30_never_run() {
        true
}
