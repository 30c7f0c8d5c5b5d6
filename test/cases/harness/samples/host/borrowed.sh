# shellcheck shell=bash
# Sets up and takes away what another file says.

. "$(dirname "${BASH_SOURCE[0]}")/../lib/set-up.sh"

# sees what was set up
test_S21_sees_the_borrowed_set_up() {
        mountpoint -q /run/borrowed
}
