# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test/check --sanitized: the tests of hosts, with a berth that was built with the sanitizers of addresses, leaks and undefined behaviour.

# Tests that prove what such a build has exceptions from (HACKING.md).
readonly NOT_SANITIZED=(
        S66-R107-worker-and-reader         # the parser keeps standard error
        S14-links-where-berth-writes       # strace: leaks are not looked for under it
        R02-manager-is-confined-and-small  # its private memory: 9 MiB, not 3
        R47-five-hundred-containers        # the same
        R65-manager-is-confined            # the same
        R65-supervisor-is-small            # the same
        S84-endless-output                 # the same
)

# sanitized_rows: reads rows.
sanitized_rows() {
        awk -F'\t' -v not=" ${NOT_SANITIZED[*]} " '!index(not, " " $4 " ")'
}

# sanitizer_symbols LOG HOST: adds what the addresses of its reports are. The host has no program for that, nor could a process in another root execute one.
sanitizer_symbols() {
        local deb root program address
        deb=$(cat "$CACHE/hosts/$2/deb" 2>/dev/null) || return 0
        root=$(mktemp -d /tmp/berth-symbols.XXXXXX)
        dpkg-deb -x "$deb" "$root"
        sed -n 's/^ *#[0-9]* 0x[0-9a-f]* .*(\(\/[^+ ]*\)+\(0x[0-9a-f]*\)).*/\1 \2/p' "$1" | awk '!seen[$0]++' | while read -r program address; do
                [ -f "$root$program" ] || continue
                printf '%s+%s %s\n' "$program" "$address" "$(addr2line -s -f -p -e "$root$program" "$address" 2>/dev/null)"
        done >"$root/symbols"
        if [ -s "$root/symbols" ]; then
                awk -v symbols="$root/symbols" '
                        BEGIN { while ((getline line < symbols) > 0) { at = index(line, " "); of[substr(line, 1, at - 1)] = substr(line, at + 1) } }
                        match($0, /\(\/[^ ]*\+0x[0-9a-f]+\)/) { key = substr($0, RSTART + 1, RLENGTH - 2); if (key in of) { sub(/\(\/.*/, of[key]) } }
                        { print }' "$1" >"$root/log" && cp "$root/log" "$1"
        fi
        rm -rf "$root"
}
