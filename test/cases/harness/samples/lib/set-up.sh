# shellcheck shell=bash
# For files that have more than their library in common.

setup_file() {
        mkdir -p /run/borrowed
        mount -t tmpfs tmpfs /run/borrowed
}

teardown_file() {
        umount /run/borrowed
}
