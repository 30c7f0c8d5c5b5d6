# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Things that are slow to make and the same every time, kept by a key of what they
# were made from: a change of any ingredient is another key, so nothing in the cache
# is ever stale or changed. Whoever makes an entry holds its lock; others wait.

CACHE=${BERTH_TEST_CACHE:-/var/cache/berth-test}

# cache_key WORD...: a name for these ingredients.
cache_key() {
        printf '%s\0' "$@" | sha256sum | cut -c1-16
}

# cache_entry NAME FUNCTION ARGUMENT...: prints the path of the entry. If there is none,
# FUNCTION TMP ARGUMENT... makes it at TMP, a path that does not exist yet. The
# function must return not 0 when any step fails: `set -e` is off where it runs.
cache_entry() {
        local path=$CACHE/$1 name=$1 make=$2 tmp lock
        shift 2
        mkdir -p "${path%/*}"
        exec {lock}>"$path.lock"
        flock "$lock"
        if [ ! -e "$path" ]; then
                say "Making $name (kept in $CACHE) …"
                # The suffix stays last, because tools look at it.
                tmp=${path%/*}/new.$$.${path##*/}
                if "$make" "$tmp" "$@" >"$path.log" 2>&1; then
                        mv "$tmp" "$path"
                        rm -f "$path.log"
                else
                        rm -rf "$tmp"
                        tail -n 30 "$path.log" >&2
                        die "could not make $name; the whole log: $path.log"
                fi
        fi
        exec {lock}>&-
        printf '%s\n' "$path"
}

# cache_clean DAYS: remove what was not used for so long, unless a host stands on it. An entry's lock has the time
# of its last use.
cache_clean() {
        local lock entry fd
        while IFS= read -r -d '' lock; do
                entry=${lock%.lock}
                ! grep -q -s -x -F -- "$entry" "$CACHE"/hosts/*/tree "$CACHE"/hosts/*/image || continue
                exec {fd}>>"$lock"
                if flock --nonblock "$fd"; then
                        say "Removing ${entry#"$CACHE"/}"
                        rm -rf --one-file-system "$entry" "$entry.log" "$lock"
                fi
                exec {fd}>&-
        done < <(find "$CACHE" -mindepth 2 -maxdepth 2 -name '*.lock' -not -path '*/hosts/*' -mtime +"$(($1 - 1))" -print0)
}

# make_rootfs TARGET SUITE PACKAGE...: a Debian root file system, a folder or a tar file.
# Further options of mmdebstrap may stand in the array ROOTFS_OPTIONS.
make_rootfs() {
        local target=$1 suite=$2
        shift 2
        mmdebstrap --quiet --mode=root --variant=minbase \
                --include="$(IFS=,; echo "$*")" "${ROOTFS_OPTIONS[@]}" \
                "$suite" "$target" ${BERTH_TEST_MIRROR:+"$BERTH_TEST_MIRROR"}
}
ROOTFS_OPTIONS=()
