# shellcheck shell=bash
# What is set up for a file may stay until its end, but no longer.
# guests: busybox

setup_file() {
        mkdir -p /run/set-up
        mount -t tmpfs tmpfs /run/set-up
}

# sees what was set up
test_S20_sees_the_set_up() {
        mountpoint -q /run/set-up
        tar -tf "$(guest busybox)" >/dev/null
}
