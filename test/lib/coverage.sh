# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# How much of the code the tests that need no host go through: the unit tests and the seeds of test/fuzz, in a build that counts. What the tests in
# hosts go through besides is not in the figures. What takes apart what others wrote has a least share of lines, and what says who may do what.

readonly COVERED_PERCENT=90

readonly COVERAGE_NOT='\s*(return|r =) (-ENOMEM|log_oom\(\)|report_oom\(\));'

# NAME REGULAR-EXPRESSION: files below src/.
readonly COVERED=(
        'settings' 'settings/(calendar|device|device-file|device-table|file|ini|load|lxd|privileged|profile|quantity|quote|remote|server|snapshot-pattern|table|types.*)\.c'
        'metadata of images' '(worker/(metadata|image-conf)|shared/(yaml-tree|image-yaml))\.c'
        'templates' 'launch/template/(expression|filter|render|value)\.c'
        'names and streams of archives' '(worker/(entry-path|stream)|shared/names)\.c'
        'configuration of others' 'machinectl-plugin/foreign.*\.c'
        'OCI and lists of images' 'worker/(oci-text|catalog-parse)\.c'
        'policies of system calls' '(launch/seccomp-compile|settings/(syscall-name|types-syscall))\.c'
        'control, jobs and notifications' '(shared/message|launch/(requests|guest-notify)|containerd/record)\.c'
        'who may call what' 'containerd/policy\.c'
)

coverage_rows() {
        printf 'coverage\tlines\t-\tcoverage-lines\tmachine\tshort\tunit tests and seeds go through %s of 100 lines of what reads what others wrote\n' "$COVERED_PERCENT"
}

coverage_lines() {
        local folder names name i rc=0 figures
        folder=$(meson_folder coverage)
        figures=$folder.json
        meson_configure coverage && meson compile -C "$folder" || return 1
        find "$folder" -name '*.gcda' -delete
        # Those of workers end in a sandbox that lets nothing be written, counts neither.
        mapfile -t names < <(meson introspect --tests "$folder" | jq -r '.[].name | select(startswith("worker-") or . == "bus" or . == "reader" | not)')
        meson test -C "$folder" --no-rebuild --timeout-multiplier=10 --print-errorlogs "${names[@]}" || return 1
        for name in "$folder"/test/fuzz/fuzz-*; do
                [ ! -x "$name" ] || [ -d "$name" ] || "$name" "$TOP/test/fuzz/corpus/${name##*/fuzz-}" 2>/dev/null || {
                        echo "The seeds of ${name##*/} end with $?."
                        return 1
                }
        done
        # That there is no memory is nothing that an input brings about.
        gcovr --root "$TOP" --object-directory "$folder" --filter "$TOP/src/" -j 2 --exclude-lines-by-pattern "$COVERAGE_NOT" \
                --json-summary "$figures" --json "$folder.lines.json" "$folder" >/dev/null || return 1

        echo "Lines of each folder of src/:"
        jq -r '[.files[] | . + {folder: (.filename | ltrimstr("src/") | split("/")[0])}] | group_by(.folder)[] |
                "\(.[0].folder) \(map(.line_covered) | add) \(map(.line_total) | add)"' "$figures" |
                awk '{ printf "  %-20s %5d of %5d  %5.1f %%\n", $1, $2, $3, 100 * $2 / $3 }'
        for ((i = 0; i < ${#COVERED[@]}; i += 2)); do
                jq -r --arg files "^src/${COVERED[i + 1]}\$" '.files[] | select(.filename | test($files)) | "\(.filename) \(.line_covered) \(.line_total)"' "$figures" |
                        coverage_group "${COVERED[i]}" || rc=1
        done
        return "$rc"
}

# coverage_group NAME: reads "FILE COVERED TOTAL"; says which files have less than what all of them must have together.
coverage_group() {
        awk -v name="$1" -v least="$COVERED_PERCENT" '
                { covered += $2; total += $3; if (100 * $2 < least * $3) low = low sprintf("    %s %.1f %%\n", $1, 100 * $2 / $3) }
                END {
                        short = total == 0 || 100 * covered < least * total
                        printf "%s: %d of %d lines, %.1f %%%s\n%s", name, covered, total, total ? 100 * covered / total : 0, short ? ", TOO FEW" : "", low
                        exit short
                }'
}
