# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Which tests there are. A test is a row:
#       GROUP TAB FILE TAB FUNCTION TAB NAME TAB SUITES TAB LONG TAB DESCRIPTION
# FILE is relative to the folder of the cases, FUNCTION is empty for what meson runs.
#
# Comment lines at the head of a case file:
#   # suites: bookworm trixie   where to run it (default: all)
#   # guests: trixie busybox    root file systems that `guest NAME` finds; SUITE-engines is of the host's suite
#   # programs: flip            of test/attack, and mkevil; `program NAME` finds them
#   # host: fresh               not on a host where other files ran before
#   # flavour: peers            the base tree (default: plain)
#   # limit: 300                seconds a test may take before it is taken for hung (default: 300)
# A test's description is the comment right above it; one that starts with [long] is run only with --long.

CASES=${BERTH_TEST_CASES:-$TOP/test/cases}

# case_header FILE KEY DEFAULT
case_header() {
        local value
        value=$(sed -n "s/^# $2: *//p" "$CASES/$1" | head -n 1)
        echo "${value:-$3}"
}

# case_rows GROUP: all tests in the files of a group. A file without any is a row too, which then fails.
case_rows() {
        local group=$1 path file suites
        for path in "$CASES/$group"/*.sh; do
                [ -e "$path" ] || continue
                file=${path#"$CASES"/}
                suites=$(case_header "$file" suites "${SUITES[*]}")
                awk -v group="$group" -v file="$file" -v suites="$suites" '
                        /^#/ { if (text == "") { text = $0; sub(/^# ?/, "", text) } next }
                        /^test_[A-Za-z0-9_]+\(\)/ {
                                f = $0; sub(/\(.*/, "", f)
                                name = substr(f, 6); gsub("_", "-", name)
                                long = (text ~ /^\[long\]/) ? "long" : "short"
                                sub(/^\[long\] */, "", text)
                                print group "\t" file "\t" f "\t" name "\t" suites "\t" long "\t" text
                                n++
                        }
                        { text = "" }
                        END { if (!n) print group "\t" file "\tnone\t" file "\t" suites "\tshort\tthis file has no tests" }
                ' "$path"
        done
}

# rows_matching PATTERN...: keeps rows whose name, group or file (with or without .sh) matches one of the
# patterns; all if there is none, or one is "all".
rows_matching() {
        local row group file name pattern
        while IFS= read -r row; do
                IFS=$'\t' read -r group file _ name _ <<<"$row"
                [ $# -gt 0 ] || echo "$row"
                for pattern; do
                        # shellcheck disable=SC2053 # a pattern is what it is meant to be
                        if [[ $name = $pattern || $pattern = all || $group = $pattern || $file = $pattern || ${file%.sh} = $pattern ]]; then
                                echo "$row"
                                break
                        fi
                done
        done
}

# rows_for_suite SUITE
rows_for_suite() {
        awk -F'\t' -v suite="$1" 'index(" " $5 " ", " " suite " ")'
}
