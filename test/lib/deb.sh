# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# berth's Debian package, built from the tree as it is now, changes that are not committed
# included. Kept by a key of those sources, so that an unchanged tree is not built again. It is built on
# the oldest release, because what was built there installs on the later ones: on the machine
# itself if that is it, or else in a chroot.

readonly DEB_SUITE=${SUITES[0]}

# deb_files: the files of the source, NUL between them.
deb_files() {
        if [ -e "$TOP/.git" ]; then
                git -C "$TOP" -c safe.directory='*' ls-files -z --cached --others --exclude-standard --deduplicate
        else
                (cd "$TOP" && find . -type f -not -path './build*' -printf '%P\0')
        fi
}

# deb_key: of all that can make a difference to the package.
deb_key() {
        deb_files | grep -zvE '^(test/|\.ci/|[^/]*\.md$)' | sort -z | (
                cd "$TOP"
                while IFS= read -r -d '' file; do
                        [ ! -f "$file" ] || printf '%s\0%s\0' "$file" "$(sha256sum <"$file")$(stat -c %a "$file")"
                done
        ) | sha256sum | cut -c1-16
}

# berth_deb [sanitized]: prints the path of the package. The sanitized one has the addresses of its programs and no symbols are taken from them.
berth_deb() {
        local folder flavour=${1-}
        [ -e "$TOP/debian/control" ] || die "this tree has no debian/"
        folder=$(cache_entry "deb/$(deb_key)${flavour:+-$flavour}" make_deb "$flavour") || exit 1
        echo "$folder"/berth_*.deb
}

make_deb() {
        local out=$1 flavour=$2 build=$CACHE/build/berth lock rc=0
        need_packages "${MACHINE_DEB_PACKAGES[@]}" || return 1
        mkdir -p "${build%/*}" || return 1
        # Always in the same folder, or the compiler's cache would never hit.
        exec {lock}>"$build.lock"
        flock "$lock"
        rm -rf "$build"
        mkdir -p "$build" || return 1
        (cd "$TOP" && deb_files | tar --null --files-from=- --ignore-failed-read -cf -) | tar -C "$build" -xf - || return 1
        if [ "${BERTH_TEST_BUILD:-}" != chroot ] && [ "$(. /etc/os-release && echo "${VERSION_CODENAME-}")" = "$DEB_SUITE" ]; then
                deb_build_here "$build" "$flavour" || rc=1
        else
                deb_build_in_chroot "$build" "$flavour" || rc=1
        fi
        if [ "$rc" -eq 0 ]; then
                mkdir "$out" && mv "${build%/*}"/berth_*.deb "$out" || rc=1
        fi
        rm -rf "$build" "${build%/*}"/berth_*.{buildinfo,changes}
        exec {lock}>&-
        return "$rc"
}

# deb_build [sanitized]: sets the command that builds.
deb_build() {
        DEB_BUILD=(
                env DEB_BUILD_OPTIONS="nocheck noautodbgsym terse${1:+ nostrip $1}" PATH="/usr/lib/ccache:$PATH" LC_ALL=C.UTF-8
                dpkg-buildpackage -b -us -uc
        )
}

deb_build_here() {
        cd "$1" || return 1
        if ! dpkg-checkbuilddeps 2>/dev/null; then
                dpkg-checkbuilddeps || true
                need_build_packages . || return 1
        fi
        local DEB_BUILD
        deb_build "$2"
        CCACHE_DIR="$CACHE/ccache" "${DEB_BUILD[@]}"
}

# need_build_packages FOLDER: what debian/control there asks for.
need_build_packages() {
        say "Installing the build dependencies from Debian"
        (
                flock 9
                export DEBIAN_FRONTEND=noninteractive
                apt-get -q -y --no-install-recommends build-dep "$1" || {
                        apt-get -q update
                        apt-get -q -y --no-install-recommends build-dep "$1"
                }
        ) 9>/run/lock/berth-test-apt
}

deb_build_in_chroot() {
        local build=$1 flavour=$2 root DEB_BUILD
        root=$(cache_entry "build/$DEB_SUITE${flavour:+-$flavour}-$(cache_key "$(<"$build/debian/control")")" make_build_root "$build" ${flavour:+clang}) || return 1
        deb_build "$flavour"
        mkdir -p "$CACHE/ccache"
        # Its mounts are gone when it ends, whatever happens. The tree itself stays as it was made.
        unshare --mount --propagation private bash -euc '
                mount --bind "$2" "$1/srv"
                mount --bind "$3" "$1/mnt"
                mount -t proc proc "$1/proc"
                root=$1
                shift 3
                CCACHE_DIR=/mnt chroot "$root" sh -c "cd /srv/berth && exec \"\$@\"" - "$@"' \
                - "$root" "${build%/*}" "$CACHE/ccache" "${DEB_BUILD[@]}"
}

make_build_root() {
        local root=$1 build=$2
        shift 2
        need_packages "${MACHINE_PACKAGES[@]}" || return 1
        ROOTFS_OPTIONS=(
                --customize-hook="mkdir -p \"\$1/srv/berth\" && cp -r '$build/debian' \"\$1/srv/berth/\""
                --customize-hook="chroot \"\$1\" sh -c 'cd /srv/berth && apt-get -q -y --no-install-recommends build-dep ./'"
                --customize-hook="rm -r \"\$1/srv/berth\""
        )
        make_rootfs "$root" "$DEB_SUITE" build-essential dpkg-dev debhelper ccache "$@"
}

# deb_missing TREE DEB: what the package depends on and the tree does not have.
deb_missing() {
        local tree=$1 deb=$2 have group name
        have=" $(dpkg-query --admindir="$tree/var/lib/dpkg" -W -f='${db:Status-Status}\t${Package}, ${Provides}\n' |
                sed -n 's/^installed\t//p' | sed 's/([^)]*)//g' | tr -s ',\n ' ' ')"
        dpkg-deb -f "$deb" Depends | sed 's/([^)]*)//g' | tr ',' '\n' | while read -r group; do
                for name in ${group//|/ }; do
                        [[ $have != *" $name "* ]] || continue 2
                done
                echo "${group%%[ |]*}"
        done
}

# install_berth DIR KIND DEB: as a user would.
install_berth() {
        local dir=$1 kind=$2 deb=$3 target
        # It stays there, for tests of the package.
        target=/var/lib/berth-test/berth.deb
        printf '%s\n' "$deb" >"$dir/deb"
        copy_in "$dir" "$kind" "$deb" "$target"
        # For a test that compares.
        ("${kind}_run" "$dir" root cp /etc/passwd /etc/group /var/lib/berth-test)
        # The same version again is a newer build of it.
        ("${kind}_run" "$dir" root env DEBIAN_FRONTEND=noninteractive \
                apt-get -q -y --no-install-recommends --reinstall --allow-downgrades install "$target") >"$dir/install.log" 2>&1 || {
                cat "$dir/install.log" >&2
                die "apt could not install ${deb##*/} in the host"
        }
}
