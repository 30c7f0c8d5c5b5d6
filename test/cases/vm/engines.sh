# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Docker and podman inside, on Debian's own kernel: with its modules, its AppArmor and all controllers.
# guests: SUITE-engines
# limit: 900

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        expect berthctl import --quiet "$(guest "$SUITE-engines")" --alias engines
}

teardown_file() {
        remove_all
}

# [long] the profile is all that it takes: the host's modules are loaded, a limit of an inner container bites
test_R76_R117_docker_with_a_whole_kernel() {
        run_container d engines -p default -p docker
        grep -q '^nf_nat ' /proc/modules || fail "nf_nat is not there"
        berthctl exec d -- bash -euo pipefail -c '
                mkdir -p /root/bb/bin
                cp /bin/busybox /root/bb/bin
                for i in sh echo cat tail; do ln -s busybox /root/bb/bin/$i; done
                systemctl start docker
                tar -C /root/bb -c . | docker import - bb'
        assert_eq "$(inside d docker info --format '{{.Driver}} {{.CgroupVersion}}')" 'overlay2 2'
        assert_eq "$(inside d docker run --rm bb /bin/cat /sys/class/net/eth0/operstate)" up
        assert_eq "$(inside d docker run --rm --memory 32m bb /bin/cat /sys/fs/cgroup/memory.max)" 33554432
        assert_eq "$(inside d docker run --rm --pids-limit 20 bb /bin/cat /sys/fs/cgroup/pids.max)" 20
        expect_fail --status 137 inside d docker run --rm --memory 32m --memory-swap 32m bb /bin/tail -n 1 /dev/zero
}
