# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Programs that read src/ without running it. What each of them leaves out, and why, stands in .clang-tidy, in cppcheck-suppressions and below.
# All keep what they know in build folders that stay: a file is read again only when it changed.

# -fanalyzer of gcc 12. A function of another file may have left its ret_x alone whatever it returned, and of cleanup functions it sees the free() but
# not what was freed: some 250 findings, of which a dozen were followed, one of each pattern, and none was true. What is left on: what is freed or closed twice or used after that, FILE and
# va_list, pointers into a frame that is gone, functions that a signal handler must not call.
readonly GCC_ANALYZER=(
        -fanalyzer
        -Wno-analyzer-malloc-leak
        -Wno-analyzer-null-argument
        -Wno-analyzer-null-dereference
        -Wno-analyzer-possible-null-argument
        -Wno-analyzer-use-of-uninitialized-value
)

# static_rows: rows as in cases.sh
static_rows() {
        printf 'static\t%s\t-\tstatic-%s\tmachine\tshort\t%s\n' \
                cppcheck cppcheck 'no complaint of cppcheck' \
                clang-tidy clang-tidy 'no complaint of clang-tidy' \
                gcc-analyzer gcc-analyzer "no complaint of gcc's analyser"
}

# static_one NAME
static_one() {
        case $1 in
        cppcheck) static_cppcheck ;;
        clang-tidy) static_clang_tidy ;;
        gcc-analyzer) meson_configure analyzer && meson compile -C "$(meson_folder analyzer)" ;;
        esac
}

# static_commands COMPILER: how the sources of src/ are compiled, with what has to be generated before. Sets `folder` and `database`, a folder.
static_commands() {
        folder=$(meson_folder "$1")
        database=$folder.static
        meson_configure "$1" && meson compile -C "$folder" || return 1
        mkdir -p "$database/known"
        # A file that is in two programs is read once.
        jq --arg src "$(realpath --relative-to="$folder" "$TOP/src")/" '[.[] | select(.file | startswith($src))] | unique_by(.file)' \
                "$folder/compile_commands.json" >"$database/compile_commands.json"
        [ "$(jq length "$database/compile_commands.json")" -gt 300 ]
}

static_cppcheck() {
        local folder database
        static_commands gcc || return 1
        cppcheck --version
        cppcheck --project="$database/compile_commands.json" --cppcheck-build-dir="$database/known" --quiet --enable=warning,performance,portability \
                --library=posix --library=gnu --inline-suppr --suppressions-list="$TOP/test/lib/cppcheck-suppressions" --error-exitcode=1
}

# static_clang_tidy: a file that was in order with the same headers and settings still is.
static_clang_tidy() {
        local folder database common file key rc=0
        static_commands clang || return 1
        clang-tidy --version
        common=$({ cat "$TOP/.clang-tidy" "$database/compile_commands.json" && find "$TOP/src" "$folder" -name '*.h' -print0 | sort -z | xargs -0 cat; } | sha256sum)
        find "$database/known" -name 'tidy-*' -mtime +14 -delete
        while IFS= read -r file; do
                key=$(sha256sum - "$file" <<<"$common" | sha256sum | cut -c1-32)
                [ -e "$database/known/tidy-$key" ] || printf '%s\0%s\0' "$file" "$database/known/tidy-$key"
        done < <(jq -r '.[] | .directory + "/" + .file' "$database/compile_commands.json" | xargs -d '\n' realpath) >"$database/todo"
        # Each in a shell of its own, which notes the good end.
        # shellcheck disable=SC2016
        xargs -0 -r -n 2 -P 2 sh -c 'clang-tidy -p "$0" --quiet "$1" 2>/dev/null && : >"$2"' "$database" <"$database/todo" || rc=1
        return "$rc"
}
