# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What another host sends is judged as what a file has: the archives of bad-archives.sh come from a server, and each is refused with the same sentence, or stays
# inside, as when it is imported. It is the one stream that berth takes from another host.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/bad-archives.sh"

readonly WEB=/var/tmp/berth-web

setup_file() {
        mkdir -p "$WEB"
        : >"$WEB/requests.log"
        systemd-run --quiet --unit=attack-web --property=WorkingDirectory="$WEB" "$CASES_LIB/web-server" 8080
        wait_until 20 listens || fail "the server does not come up"
        # The store's folders are made with the first image.
        expect command berthctl import --quiet "$(guest busybox)" --alias first
        expect command berthctl remove-image first
}

teardown_file() {
        systemctl stop attack-web.service
        rm -rf "$WEB"
        remove_all
}

listens() {
        (exec 5<>/dev/tcp/127.0.0.1/8080) 2>/dev/null
}

asked() {
        grep -c 'GET /plain/' "$WEB/requests.log" || true
}

# All that the tests of bad-archives.sh import is pulled.
berthctl() {
        if [ "$1" = import ]; then
                # import FILE --alias NAME
                [ $# -eq 4 ] && [ "$3" = --alias ] || fail "another import: $*"
                cp "$2" "$WEB/sent.tar"
                command berthctl pull http://127.0.0.1:8080/plain/sent.tar --verify=no --alias "$4"
        else
                command berthctl "$@"
        fi
}

# all_pulled TEST...: and each of them has asked the server
all_pulled() {
        local before
        for test; do
                before=$(asked)
                say "  # $test"
                "$test"
                [ "$(asked)" -gt "$before" ] || fail "$test has pulled nothing"
        done
}

# the control: the same archives, in the hands of who believes the server
test_S76_believed() {
        a_rootfs "$WEB/sent.tar" 'file|../../canary|x' 'symlink|out|/' 'file|out/tmp/canary-of-a-server|y'
        on_exit 'rm -f /tmp/canary-of-a-server'
        mkdir -p in/to
        busybox wget -q -O - http://127.0.0.1:8080/plain/sent.tar | tar -x -P --keep-directory-symlink -C in/to
        [ -e canary ] && [ -e /tmp/canary-of-a-server ] || fail "nothing has left the directory"
}

# names that lead out, ids that nobody has
test_S76_S54_names() {
        all_pulled test_S54_dot_dot test_S54_absolute test_S54_strange_names test_S54_ids_out_of_range
}

# through symlinks
test_S76_S55_symlinks() {
        all_pulled test_S55_symlink_out test_S55_file_over_symlink test_S55_directory_becomes_symlink test_S55_metadata_through_symlink
}

# the same four entries in every order
test_S76_S55_orderings() {
        all_pulled test_S55_orderings
}

# hard links to what is not the archive's
test_S76_S56_hardlinks() {
        all_pulled test_S56_hardlink_out test_S56_hardlink_through_symlink
}

# devices, and types that there are not
test_S76_S59_devices() {
        all_pulled test_S59_device_outside_dev test_S59_device_in_dev test_S59_unknown_types
}

# metadata and templates that are something else
test_S76_S13_parts_of_an_image() {
        all_pulled test_S13_special_metadata_entries test_S13_out_of_rootfs_into_the_image
}
