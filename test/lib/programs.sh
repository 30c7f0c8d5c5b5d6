# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Programs of the tests that run in hosts, which have no compiler, and in containers, which need not have a libc.

# program_path NAME: of test/attack or test/evil, compiled, in the cache. Not meson's, which are linked dynamically and may just be building.
program_path() {
        local sources=()
        case $1 in
        mkevil) sources=("$TOP"/test/evil/*.c) ;;
        probe) sources=("$TOP"/test/attack/{probe,calls,files,reach,exhaust,memory}.c) ;;
        *) sources=("$TOP/test/attack/$1.c") ;;
        esac
        [ -e "${sources[0]}" ] || die "there is no program '$1'"
        need_packages gcc libc6-dev
        cache_entry "program/$1-$(cache_key "$(cat "${sources[0]%/*}"/*.[ch])" "$(declare -f make_program)")" make_program "${sources[@]}"
}

make_program() {
        local target=$1
        shift
        gcc -D_GNU_SOURCE -std=gnu17 -O2 -Wall -static -o "$target" "$@"
}
