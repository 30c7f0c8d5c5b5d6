# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Debian's cloud-init in a container.
# guests: SUITE-cloud
# limit: 300

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        expect berthctl import --quiet "$(guest "$SUITE-cloud")" --alias cloud
}

teardown_file() {
        remove_all
}

cloud_init_is_done() {
        grep -q -e '^status: \(done\|error\)' <<<"$(inside "$1" cloud-init status 2>/dev/null)"
}

# what user.user-data says is done at the first start, and once; without it cloud-init does nothing
test_R32_cloud_init() {
        cat >user-data <<'END'
#cloud-config
locale: false
users:
  - name: seeded
    shell: /bin/sh
    groups: [staff]
write_files:
  - path: /etc/written
    content: by cloud-init
runcmd:
  - echo run >>/etc/ran
END
        run_container c1 cloud --set user.user-data=@user-data --set user.meta-data='local-hostname: told'
        eventually 120 cloud_init_is_done c1
        # Of bookworm's it says 'error' for a udev that is not there; what it was told is done all the same.
        assert_match "$(inside c1 cat /run/cloud-init/result.json)" 'DataSourceNoCloud'
        assert_eq "$(inside c1 id -nG seeded)" 'seeded staff'
        assert_eq "$(inside c1 cat /etc/written)" 'by cloud-init'
        assert_eq "$(inside c1 cat /etc/ran)" run
        assert_eq "$(inside c1 hostname)" told
        expect berthctl restart --force c1
        eventually 120 cloud_init_is_done c1
        assert_eq "$(inside c1 cat /etc/ran)" run

        run_container c2 cloud
        expect_fail inside c2 id seeded
        expect_fail inside c2 test -e /etc/written
}
