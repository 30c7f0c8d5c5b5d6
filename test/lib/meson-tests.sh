# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What needs no host: that the tree compiles without a warning with both compilers, the unit tests and
# the bus tests, which are meson's.

readonly COMPILERS=(gcc clang)

# meson_folder COMPILER: the build folder, which stays, so that the next run compiles only what changed.
meson_folder() {
        echo "$CACHE/build/check-$(cache_key "$TOP")-$1"
}

# Further ways to build, beside the two compilers: clang with sanitizers, and the targets for libFuzzer; gcc's analyser; gcc counting lines.
meson_configure() {
        local compiler=$1 folder options=()
        folder=$(meson_folder "$compiler")
        # Configured again only if it has to be.
        [ ! -e "$folder/build.ninja" ] || ! ninja -C "$folder" build.ninja >"$folder.log" 2>&1 || return 0
        rm -rf "$folder"
        mkdir -p "${folder%/*}"
        case $compiler in
        sanitized)
                compiler=clang
                options=(-Dfuzz=true '-Db_sanitize=address,undefined' -Db_lundef=false -Dman=disabled)
                ;;
        coverage)
                compiler=gcc
                options=(-Dfuzz=true -Db_coverage=true -Dbuildtype=plain -Dman=disabled)
                ;;
        analyzer)
                compiler=gcc
                options=("-Dc_args=${GCC_ANALYZER[*]}" -Dtests=disabled -Dman=disabled)
                ;;
        esac
        CC=$compiler meson setup --prefix=/usr --werror -Dtests=enabled "${options[@]}" "$folder" "$TOP" >"$folder.log" 2>&1 || {
                cat "$folder.log"
                return 1
        }
}

# meson_need: what is needed to build.
meson_need() {
        need_packages "${MACHINE_DEB_PACKAGES[@]}" "${MACHINE_CHECK_PACKAGES[@]}"
        (cd "$TOP" && { dpkg-checkbuilddeps 2>/dev/null || need_build_packages . >/dev/null; })
}

# meson_rows: rows as in cases.sh. FILE is the compiler or the name of meson's test.
meson_rows() {
        local compiler folder
        for compiler in "${COMPILERS[@]}"; do
                printf 'build\t%s\tbuild\tbuild-%s\tmachine\tshort\tcompiles with %s, all warnings are errors\n' \
                        "$compiler" "$compiler" "$compiler"
        done
        printf 'build\tshellcheck\tbuild\tbuild-shellcheck\tmachine\tshort\tno complaint about the shell scripts\n'
        static_rows
        printf 'sanitized\tunit\tsanitized\tsanitized-unit-tests\tmachine\tshort\tthe unit tests with sanitizers of addresses, leaks and undefined behaviour\n'
        printf 'sanitized\tworker\tsanitized\tsanitized-worker-tests\tmachine\tlong\tthe unit tests of workers and their parsers with sanitizers\n'
        printf 'sanitized\tvalgrind\tsanitized\tvalgrind-unit-tests\tmachine\tlong\tthe unit tests under valgrind\n'
        coverage_rows
        fuzz_rows
        folder=$(meson_folder gcc)
        if ! meson_configure gcc >&2; then
                printf 'unit\tnone\t-\tunit-tests\tmachine\tshort\tthe unit tests, which cannot even be listed\n'
                return 0
        fi
        meson introspect --tests "$folder" |
                jq -r '.[] | [(.suite[0] // "unit" | sub("^[^:]*:"; "") | if . == "bus" then . else "unit" end), .name] | @tsv' |
                while IFS=$'\t' read -r group name; do
                        printf '%s\t%s\t-\t%s-%s\tmachine\tshort\t%s\n' "$group" "$name" "$group" "${name//[ _]/-}" \
                                "$(meson_description "$group" "$name")"
                done
}

# meson_description GROUP NAME: the first line of the comment at the head of its source.
meson_description() {
        local file
        for file in "$TOP/test/$1/$2.c" "$TOP/test/$1/test-$2.c" "$TOP/test/$1/${2//-/_}.c"; do
                [ -e "$file" ] || continue
                sed -n -e '/SPDX/d' -e '/^#include .*unit.h/q' -e 's,^/\* *\([^*]*\).*,\1,p' "$file" | head -n 1 | grep . && return 0
                sed -n 's,^START_TEST(\(.*\)) {$,\1,p' "$file" | tr '_\n' ' ,' | sed 's/,$//; s/,/, /g'
                return 0
        done
        echo "$1 test $2"
}

# lane_meson ROWS_FILE
lane_meson() {
        local rows=$1 folder row group file function name suites long text started log
        folder=$RESULTS/machine
        mkdir -p "$folder"
        while IFS= read -r row <&4; do
                IFS=$'\x1f' read -r group file function name suites long text <<<"${row//$'\t'/$'\x1f'}"
                started=$(now)
                log=$folder/$name.log
                if meson_one "$group" "$file" >"$log" 2>&1 </dev/null; then
                        report ok "$name" "$group" "$started" "$log" ""
                else
                        report FAILED "$name" "$group" "$started" "$log" ""
                fi
        done 4<"$rows"
}

meson_one() {
        local group=$1 file=$2 folder
        case $group/$file in
        build/shellcheck) shell_scripts | (cd "$TOP" && xargs -0 shellcheck --severity=warning) ;;
        fuzz/*) fuzz_one "$file" ;;
        sanitized/valgrind) valgrind_unit_tests ;;
        sanitized/worker) sanitized_worker_tests ;;
        sanitized/*) sanitized_unit_tests ;;
        coverage/*) coverage_lines ;;
        static/*) static_one "$file" ;;
        build/*) meson_configure "$file" && meson compile -C "$(meson_folder "$file")" ;;
        *)
                folder=$(meson_folder gcc)
                meson_configure gcc && meson compile -C "$folder" && BERTH_TEST_LONG=$LONG meson test -C "$folder" --no-rebuild --timeout-multiplier=10 --print-errorlogs "$file"
                ;;
        esac
}

# sanitized_unit_tests: not those of workers, which take minutes and are by themselves.
sanitized_unit_tests() {
        local folder names
        folder=$(meson_folder sanitized)
        meson_configure sanitized && meson compile -C "$folder" || return 1
        mapfile -t names < <(meson introspect --tests "$folder" | jq -r '.[].name | select(startswith("worker-") | not)')
        [ "${#names[@]}" -gt 30 ] && meson test -C "$folder" --no-rebuild --timeout-multiplier=10 --print-errorlogs "${names[@]}"
}

# sanitized_worker_tests: not worker-killed, which has strace(1) around it, and who looks for leaks is a tracer himself. Much of what these start has to
# fail; so it is seen by what it says.
sanitized_worker_tests() {
        local folder said rc=0
        folder=$(meson_folder sanitized)
        said=$folder/worker-said
        meson_configure sanitized && meson compile -C "$folder" || return 1
        : >"$said"
        BERTH_TEST_STDERR=$said meson test -C "$folder" --no-rebuild --timeout-multiplier=10 --print-errorlogs \
                worker-copied worker-evil worker-interrupted || rc=1
        if grep -a -q -E 'Sanitizer|: runtime error: ' "$said"; then
                grep -a -A 60 -m 1 -E 'Sanitizer|: runtime error: ' "$said"
                rc=1
        fi
        return "$rc"
}

# Without what valgrind has no means for: openat2(), which 3.19 answers with ENOSYS, and the sandbox of parsers with its filter of system calls and
# little memory. The sanitizers have the first of these.
readonly NOT_WITH_VALGRIND=(
        copy-file generator guest-user image-conf load path policy statistics uid-lease # openat2()
        metadata reader # parsers in their sandbox; the worker-* ones as well
)

# valgrind_unit_tests: one after the other, because it takes the machine for minutes as it is.
valgrind_unit_tests() {
        local folder names
        folder=$(meson_folder gcc)
        meson_configure gcc && meson compile -C "$folder" || return 1
        mapfile -t names < <(meson introspect --tests "$folder" | jq -r --arg not " ${NOT_WITH_VALGRIND[*]} " \
                '.[] | select(.suite[0] | endswith("unit")) | .name | select((startswith("worker-") or (" \(.) " | inside($not))) | not)')
        [ "${#names[@]}" -gt 25 ] && CK_TIMEOUT_MULTIPLIER=100 meson test -C "$folder" --no-rebuild --num-processes 2 --timeout-multiplier=100 --print-errorlogs \
                --wrap='valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite' "${names[@]}"
}

# shell_scripts: those of the tree, NUL between them. Parts that are sourced are read with the programs.
shell_scripts() {
        deb_files | while IFS= read -r -d '' file; do
                case $file in
                test/lib/harness.sh) printf '%s\0' "$file" ;;
                test/lib/*) ;;
                *)
                        if [ -f "$TOP/$file" ] && head -c 64 "$TOP/$file" | grep -qE '^#!.*\b(ba)?sh\b|^# shellcheck shell'; then
                                printf '%s\0' "$file"
                        fi
                        ;;
                esac
        done
}
