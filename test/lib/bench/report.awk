# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Samples of the benchmark (operation, subject, value; tabs between) -> tables, and with -v json=FILE the same as JSON. Values are
# nanoseconds, or bytes where the operation is called memory-… or disk-…. A median that misses its target is marked, and that is all.

BEGIN {
        FS = "\t"
        n_order = split("berth lxc lxd nspawn nspawn_userns machinectl tar kernel machined", order, " ")

        # title; operation; share of whose median (subject, =operation of berth's, or absolute); limit. A + adds the wait for one cgroup migration.
        target("create from the 144 MB image", "create-debian", "lxd", 1 / 40)
        target("start", "start", "lxd", 1 / 5)
        target("start, a one-shot systemd-nspawn", "start", "nspawn", 1 / 2)
        target("start, lxc-start and one migration", "start", "lxc+", 1)
        target("start, default profile / no network", "start-net-default", "=start-net-none", 1.3)
        target("exec true", "exec", "lxc", 1)
        target("forced stop", "stop", "lxd", 1 / 10)
        target("delete, stopped", "delete", "lxd", 1 / 10)
        target("delete, the 144 MB container", "delete-debian", "lxd", 1 / 10)
        target("delete --force, running", "delete-running", "lxd", 1 / 10)
        target("import, unpacked", "import", "machinectl", 1)
        target("import, plain tar -x", "import", "tar", 2)
        target("import .gz, gzip -dc | tar -x", "import-gz", "tar", 1 / 0.9)
        target("import .zst, zstd -dc | tar -x", "import-zst", "tar", 1 / 0.9)
        target("import .xz, xz -T0 -dc | tar -x", "import-xz", "tar", 1 / 0.9)
        target("copy, stopped", "copy", "lxd", 1 / 30)
        target("snapshot, stopped", "snapshot", "lxd", 1 / 30)
        target("restore, stopped", "restore", "lxd", 1 / 30)
        target("copy, image of 4 times the size", "copy-large", "=copy", 1.3)
        target("snapshot, 4 times the size", "snapshot-large", "=snapshot", 1.3)
        target("restore, 4 times the size", "restore-large", "=restore", 1.3)
        target("copy, running", "copy-running", "lxd", 1 / 10)
        target("snapshot, running", "snapshot-running", "lxd", 1 / 10)
        target("restore, running", "restore-running", "lxd", 1 / 10)
        target("copy on btrfs, stopped", "copy-btrfs", "lxd", 1)
        target("snapshot on btrfs, stopped", "snapshot-btrfs", "lxd", 1)
        target("restore on btrfs, stopped", "restore-btrfs", "lxd", 1)
        target("copy on btrfs, running", "copy-running-btrfs", "lxd", 1)
        target("snapshot on btrfs, running", "snapshot-running-btrfs", "lxd", 1)
        target("restore on btrfs, running", "restore-running-btrfs", "lxd", 1)
        target("publish", "publish", "lxd", 1 / 8)
        target("publish, zstd for both", "publish-zstd", "lxd", 1 / 8)
        target("disk of ten clones and their source", "disk-ten-clones", "=disk-one", 1.05)
        target("import, memory at most, without files", "memory-import-own", "absolute", 64 * 1048576)
        target("list of 500", "list-500", "absolute", 100e6)
        target("100 starts", "start-100", "lxd", 1 / 5)
        target("manager, private memory", "memory-daemon", "absolute", 3 * 1048576)
        target("supervisor, private memory", "memory-container", "absolute", 0.5 * 1048576)
}

function target(title, operation, base, limit) {
        n_targets++
        t_title[n_targets] = title
        t_operation[n_targets] = operation
        t_base[n_targets] = base
        t_limit[n_targets] = limit
}

$1 == "info" { infos[++n_infos] = $2; info[$2] = $3; next }
$1 == "failed" { failed[$2, $3]++; n_failed++; next }
NF == 3 {
        if (!($1 in known)) {
                known[$1]
                operations[++n_operations] = $1
        }
        values[$1, $2, ++count[$1, $2]] = $3 + 0
}

# The values of operation o and subject s in order; sets low, middle and high.
function settle(o, s,   n, i, j, v, sorted) {
        n = count[o, s]
        for (i = 1; i <= n; i++) {
                v = values[o, s, i]
                for (j = i; j > 1 && sorted[j - 1] > v; j--)
                        sorted[j] = sorted[j - 1]
                sorted[j] = v
        }
        low[o, s] = sorted[1]
        high[o, s] = sorted[n]
        median[o, s] = n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
}

function human(o, v) {
        if (o ~ /^(memory|disk)-/)
                return sprintf("%.2f MB", v / 1048576)
        if (v >= 10e9)
                return sprintf("%.1f s", v / 1e9)
        return sprintf(v < 10e6 ? "%.2f ms" : v < 100e6 ? "%.1f ms" : "%.0f ms", v / 1e6)
}

# What a target asks for, as a value; 0 when its base has not been measured.
function allowed(t,   o, base) {
        o = t_operation[t]
        base = t_base[t]
        if (base == "absolute")
                return t_limit[t]
        if (base ~ /^=/)
                return ((substr(base, 2), "berth") in count) ? t_limit[t] * median[substr(base, 2), "berth"] : 0
        if (base ~ /\+$/) {
                sub(/\+$/, "", base)
                if (!((o, base) in count) || !(("migration", "kernel") in count))
                        return 0
                return t_limit[t] * (median[o, base] + median["migration", "kernel"])
        }
        return ((o, base) in count) ? t_limit[t] * median[o, base] : 0
}

function quote(s) {
        gsub(/[\\"]/, "\\\\&", s)
        return "\"" s "\""
}

END {
        for (i = 1; i <= n_operations; i++)
                for (j = 1; j <= n_order; j++)
                        if ((operations[i], order[j]) in count)
                                settle(operations[i], order[j])

        for (i = 1; i <= n_infos; i++)
                printf "%s%s %s", (i > 1 ? ", " : ""), infos[i], info[infos[i]]
        printf "\n\n%-22s %-14s %4s %12s %12s %12s %9s\n", "OPERATION", "BY", "RUNS", "MEDIAN", "MIN", "MAX", "OF BERTH"
        for (i = 1; i <= n_operations; i++) {
                o = operations[i]
                name = o
                for (j = 1; j <= n_order; j++) {
                        s = order[j]
                        if (!((o, s) in count))
                                continue
                        ratio = s != "berth" && ((o, "berth") in count) ? sprintf("%.2f x", median[o, s] / median[o, "berth"]) : ""
                        printf "%-22s %-14s %4d %12s %12s %12s %9s%s\n", name, s == "lxd" ? peer() : s, count[o, s], human(o, median[o, s]),
                                human(o, low[o, s]), human(o, high[o, s]), ratio, failures(o, s)
                        name = ""
                }
        }

        printf "\n%-38s %12s %12s  %s\n", "TARGET", "AT MOST", "REACHED", ""
        for (t = 1; t <= n_targets; t++) {
                o = t_operation[t]
                limit = allowed(t)
                have = ((o, "berth") in count)
                if (!have || limit == 0)
                        verdict = "not measured"
                else
                        verdict = median[o, "berth"] <= limit ? "yes" : sprintf("FALLS SHORT, %.2f times as much", median[o, "berth"] / limit)
                t_verdict[t] = verdict
                printf "%-38s %12s %12s  %s\n", t_title[t] " " base_text(t), limit ? human(o, limit) : "-", have ? human(o, median[o, "berth"]) : "-", verdict
        }
        if (json != "")
                print_json()
}

function failures(o, s) {
        return ((o, s) in failed) ? "  " failed[o, s] " FAILED" : ""
}

function reached(o) {
        return ((o, "berth") in count) ? sprintf("%.0f", median[o, "berth"]) : "null"
}

function peer() {
        return info["lxd"] ~ /^incus/ ? "incus" : "lxd"
}

function base_text(t,   base) {
        base = t_base[t]
        if (base == "absolute" || base ~ /^=/ || base ~ /\+$/ || t_title[t] ~ /one-shot|plain/)
                return ""
        return sprintf("(%s/%g)", base == "lxd" ? peer() : base, 1 / t_limit[t])
}

function print_json(   i, j, o, s, t, comma) {
        printf "{\n  \"info\": {" >json
        for (i = 1; i <= n_infos; i++)
                printf "%s\n    %s: %s", (i > 1 ? "," : ""), quote(infos[i]), quote(info[infos[i]]) >json
        printf "\n  },\n  \"results\": [" >json
        for (i = 1; i <= n_operations; i++)
                for (j = 1; j <= n_order; j++) {
                        o = operations[i]
                        s = order[j]
                        if (!((o, s) in count))
                                continue
                        printf "%s\n    { \"operation\": %s, \"by\": %s, \"unit\": \"%s\", \"runs\": %d, \"failed\": %d, \"median\": %.0f, \"min\": %.0f, \"max\": %.0f }",
                                comma, quote(o), quote(s == "lxd" ? peer() : s), o ~ /^(memory|disk)-/ ? "bytes" : "ns", count[o, s], failed[o, s], median[o, s],
                                low[o, s], high[o, s] >json
                        comma = ","
                }
        printf "\n  ],\n  \"targets\": [" >json
        comma = ""
        for (t = 1; t <= n_targets; t++) {
                o = t_operation[t]
                printf "%s\n    { \"target\": %s, \"operation\": %s, \"limit\": %.0f, \"reached\": %s, \"met\": %s }", comma,
                        quote(t_title[t] " " base_text(t)), quote(o), allowed(t), reached(o),
                        t_verdict[t] == "yes" ? "true" : t_verdict[t] == "not measured" ? "null" : "false" >json
                comma = ","
        }
        printf "\n  ]\n}\n" >json
        close(json)
}
