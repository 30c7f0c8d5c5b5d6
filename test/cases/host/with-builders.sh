# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Images that are built of a distribution's packages: Debian's, and of another family's a repository that is made here. All are served on loopback.
# guests: busybox SUITE-packages
# flavour: peers
# limit: 240

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

readonly WEB=/var/tmp/berth-builders AT=http://127.0.0.1:8080

setup_file() {
        mkdir -p "$WEB/keys" "$WEB/deb"
        chmod 0700 "$WEB/keys"
        for key in good other; do
                gpg --homedir "$WEB/keys" --batch --quiet --pinentry-mode loopback --passphrase '' --quick-gen-key "$key@example.org" rsa3072 sign never
                gpg --homedir "$WEB/keys" --batch --quiet --export --armor "$key@example.org" >"$WEB/$key.asc"
                gpg --homedir "$WEB/keys" --batch --quiet --export "$key@example.org" >"$WEB/$key.gpg"
        done
        tar -C "$WEB/deb" -xf "$(guest "$SUITE-packages")"
        gpg --homedir "$WEB/keys" --batch --quiet --local-user good@example.org --clearsign --output "$WEB/deb/dists/$SUITE/InRelease" "$WEB/deb/dists/$SUITE/Release"
        make_rpms
        systemd-run --quiet --unit=builders-web --property=WorkingDirectory="$WEB" "$CASES_LIB/web-server" 8080
        wait_until 20 listens || fail "the server does not come up"
}

teardown_file() {
        systemctl stop builders-web.service
        rm -rf "$WEB"
        remove_all
}

listens() {
        (exec 5<>"/dev/tcp/127.0.0.1/8080") 2>/dev/null
}

# make_rpms: what berth's bootstrap wants of Fedora, all of it busybox, and one whose script tries what it must not be able to
make_rpms() {
        local top=$WEB/rpmbuild
        mkdir -p "$top/SOURCES"
        tar -C "$top/SOURCES" --strip-components=2 -xf "$(guest busybox)" ./bin/busybox
        cat >"$top/system.spec" <<'END'
Name: fedora-release
Version: 41
Release: 1
Summary: A small system
License: MIT
BuildArch: noarch
AutoReqProv: no
%global __os_install_post %{nil}
%global _binaries_in_noarch_packages_terminate_build 0
%description
-
%{lua:for _, name in ipairs({ 'systemd', 'dnf', 'iproute', 'passwd', 'extra', 'curious' }) do
        print('%package -n ' .. name .. '\nSummary: -\nAutoReqProv: no\nRequires: systemd-base\n%description -n ' .. name .. '\n-\n%files -n ' .. name .. '\n')
end}
%package -n systemd-base
Summary: All of it
AutoReqProv: no
%description -n systemd-base
-
%install
cd %{buildroot}
mkdir -p bin sbin etc proc sys dev run tmp var/tmp root srv
cp %{_sourcedir}/busybox bin/
for a in $(bin/busybox --list); do [ $a = busybox ] || ln -s busybox bin/$a; done
ln -s ../bin/busybox sbin/init
printf 'ID=fedora\nVERSION_ID=41\n' >etc/os-release
printf '::sysinit:/bin/mkdir -p /run/lock\n::ctrlaltdel:/bin/poweroff\n' >etc/inittab
echo 'root::0:0:root:/root:/bin/sh' >etc/passwd
echo 'root:x:0:' >etc/group
cp bin/busybox srv/owned
%post -n extra
id -u >/etc/extra
ls /dev/null /proc/self/status >>/etc/extra
chown 1000:1001 /srv/owned
chmod 4755 /srv/owned
%post -n curious
exec >/etc/curious 2>&1
cat /proc/self/uid_map
ls -d /proc/[0-9]* | wc -l
! mknod /srv/disk b 8 0 || echo "makes a node"
# Its own mount namespace once more: that leads out of the directory that is its root.
nsenter -m/proc/self/ns/mnt /bin/sh -c '
        ls -d /mnt/root/srv
        for f in etc/shadow var/lib/berth/images root/.bashrc run/berth/.jobs; do [ ! -r /$f ] || echo "reads $f"; done
        for d in etc usr root var var/lib/berth run home boot dev tmp; do ! (echo x >/$d/canary) 2>/dev/null || echo "writes to $d"; done
        ! mount -o remount,rw,bind / 2>/dev/null || ! (echo x >/canary) 2>/dev/null || echo "remounts"
'
echo end
%files
/etc/os-release
%dir /proc
%dir /sys
%dir /dev
%files -n systemd-base
/bin
/sbin
/etc/inittab
/etc/passwd
/etc/group
/run
/tmp
/var
/root
/srv
END
        rpmbuild --quiet -bb --define "_topdir $top" "$top/system.spec" 2>&1 | grep -v warning || true
        mkdir -p "$WEB/rpm"
        mv "$top"/RPMS/noarch/*.rpm "$WEB/rpm/"
        rpmsign --define "_gpg_path $WEB/keys" --define '_gpg_name good@example.org' --define '__gpg /usr/bin/gpg' --addsign "$WEB/rpm"/*.rpm >/dev/null 2>&1 ||
                fail "the packages cannot be signed"
        createrepo_c --quiet "$WEB/rpm"
        rm -rf "$top"
}

fedora() {
        berthctl bootstrap fedora/41 --mirror "$AT/plain/rpm" --keyring "$WEB/good.asc" "$@"
}

no_builder() {
        no_debris && [ -z "$(systemctl list-units --plain --no-legend --full 'berth-bootstrap-*')" ]
}

# Debian's own, of its packages: it boots, and who it is says the image
test_R43_bootstrap_debian() {
        local fingerprint
        on_exit "forget d1; forget_image 'debian/$SUITE'"
        fingerprint=$(berthctl bootstrap "debian/$SUITE" --variant=essential --include=hostname --mirror "$AT/plain/deb" --keyring "$WEB/good.gpg" \
                --property note=1 2>log) || { cat log >&2; fail "it was not built"; }
        cat log >&2
        assert_match "$(<log)" 'I: installing'
        assert_eq "$(image_of "debian/$SUITE")" "$fingerprint"
        assert_eq "$(berthctl list-images --json=short os=debian "release=$SUITE" "architecture=$(uname -m)" note=1 | jq length)" 1
        assert_match "$(berthctl show-image "debian/$SUITE" -p Description --value)" "^Debian $SUITE, built by mmdebstrap"
        assert_eq "$(berthctl export "debian/$SUITE" - | sha256sum | cut -d' ' -f1)" "$fingerprint"
        run_container d1 "debian/$SUITE"
        eventually 60 system_runs d1
        assert_eq "$(inside d1 sh -c '. /etc/os-release; echo $ID-$VERSION_CODENAME')" "debian-$SUITE"
        assert_match "$(inside d1 dpkg --get-selections hostname)" install
        # Thousands of files are removed, which takes as long as the disk likes.
        eventually 90 no_builder
}

# ubuntu_servers: noble as Ubuntu's two servers have it, of the packages of Debian's that there are: hostname is in universe, iproute2 among the updates, dbus
# among the security updates.
ubuntu_servers() {
        local suite component top dir
        for suite in noble noble-updates noble-security; do
                top=$WEB/archive.ubuntu.com/ubuntu
                [ "$suite" != noble-security ] || top=$WEB/security.ubuntu.com/ubuntu
                mkdir -p "$top"
                ln -sfn "$WEB/deb/pool" "$top/pool"
                for component in main restricted universe multiverse; do
                        dir=$top/dists/$suite/$component/binary-amd64
                        mkdir -p "$dir"
                        awk -v here="$suite/$component" 'BEGIN { RS = ""; ORS = "\n\n"
                                of["hostname"] = "noble/universe"; of["iproute2"] = "noble-updates/main"; of["dbus"] = "noble-security/main" }
                                { p = ($2 in of) ? of[$2] : "noble/main"; if (p == here) print }' "$WEB/deb/dists/$SUITE/main/binary-amd64/Packages" >"$dir/Packages"
                done
                (
                        cd "$top/dists/$suite" || exit 1
                        printf 'Origin: Ubuntu\nSuite: %s\nCodename: noble\nDate: %s\nArchitectures: amd64\nComponents: main restricted universe multiverse\nSHA256:\n' "$suite" "$(date -uR)"
                        find . -name Packages -printf '%P\n' | while read -r file; do
                                printf ' %s %s %s\n' "$(sha256sum <"$file" | cut -d' ' -f1)" "$(stat -c %s "$file")" "$file"
                        done
                ) >"$WEB/Release"
                gpg --homedir "$WEB/keys" --batch --quiet --yes --local-user good@example.org --clearsign --output "$top/dists/$suite/InRelease" "$WEB/Release"
        done
}

# Ubuntu, from its own servers, which a proxy has: with its updates and its security updates, and the list of sources says so
test_R43_bootstrap_ubuntu() {
        local rootfs
        on_exit 'forget_image ubuntu/noble; berthctl unset-server core.proxy_http || true; rm -f /etc/berth/berth.conf'
        ubuntu_servers
        expect berthctl set-server core.proxy_http="$AT"
        expect berthctl bootstrap ubuntu/noble --variant=essential --include=hostname --keyring "$WEB/good.gpg"
        rootfs=$STORE/images/$(image_of ubuntu/noble)/rootfs
        for package in systemd hostname iproute2 dbus; do
                grep -qx "Package: $package" "$rootfs/var/lib/dpkg/status" || fail "there is no $package"
        done
        assert_eq "$(grep -h '^deb ' "$rootfs/etc/apt/sources.list" | awk '{ print $2, $3, NF }' | xargs)" "$(xargs <<'END'
http://archive.ubuntu.com/ubuntu noble 7
http://archive.ubuntu.com/ubuntu noble-updates 7
http://security.ubuntu.com/ubuntu noble-security 7
END
)"
        assert_match "$(berthctl show-image ubuntu/noble -p Description --value)" '^Ubuntu noble, built by mmdebstrap'
        eventually 90 no_builder
}

system_runs() {
        [ "$(inside "$1" systemctl is-system-running 2>/dev/null)" = running ]
}

# one of another family: of its packages, whose scripts run as root of nobody's ids
test_R43_bootstrap_fedora() {
        local rootfs
        on_exit 'forget f1; forget_image fed'
        expect fedora --include=extra,curious --alias fed --description 'Of a test' --public
        rootfs=$STORE/images/$(image_of fed)/rootfs
        assert_eq "$(berthctl list-images --json=short os=fedora release=41 | jq -r '.[].description')" 'Of a test'
        assert_eq "$(stat -c '%a %u %g' "$rootfs/srv/owned")" "4755 $((FOREIGN_BASE + 1000)) $((FOREIGN_BASE + 1001))"
        [ ! -e "$rootfs/var/cache/dnf" ] || fail "what dnf has downloaded is in it"
        [ -z "$(find "$rootfs/dev" "$rootfs/proc" "$rootfs/tmp" -mindepth 1)" ] || fail "what was mounted is in it"
        [ -e "$rootfs/usr/lib/sysimage/rpm" ] || fail "its database is not where Fedora has it"
        cat "$rootfs/etc/curious" >&2
        assert_match "$(tr -s ' ' ' ' <"$rootfs/etc/curious")" "0 $FOREIGN_BASE 65536"
        # It has got out, and all that it can do there is to write what its unit has for itself.
        assert_match "$(<"$rootfs/etc/curious")" '/mnt/root/srv.*writes to tmp.*end$'
        assert_no_match "$(<"$rootfs/etc/curious")" 'reads|writes to [^t]|makes|remounts'
        [ -z "$(find / /etc /usr /root /var /run /home /boot /tmp -maxdepth 1 -name canary)" ] || fail "it has written to the host"
        run_container f1 fed
        assert_match "$(inside f1 cat /etc/extra | tr '\n' ,)" '^0,/dev/null,/proc/self/status,'
        assert_eq "$(inside f1 cat /proc/1/comm)" init
        eventually 20 no_builder
}

# each mistake is one sentence, before anything is downloaded where that can be, and leaves nothing
test_R43_bootstrap_refused() {
        on_exit 'forget_image taken'
        expect berthctl import "$(guest busybox)" --alias taken
        refused 'DISTRIBUTION/RELEASE' berthctl bootstrap debian
        refused "no distribution 'plan9'.*debian, ubuntu, fedora" berthctl bootstrap plan9/4
        refused "'UPPER' cannot be the name of a release" berthctl bootstrap debian/UPPER
        refused "'file:///etc' cannot be a mirror" berthctl bootstrap debian/sid --mirror file:///etc
        refused 'cannot be a mirror' berthctl bootstrap debian/sid --mirror 'http://x/ [trusted=yes]'
        refused "'--hook' cannot be the name of a package" berthctl bootstrap debian/sid --include=--hook
        refused "'/etc/passwd' cannot be the name of a package" berthctl bootstrap fedora/41 --include=/etc/passwd
        refused "'custom' is no variant of 'debian': it has minbase, essential" berthctl bootstrap debian/sid --variant=custom
        refused "no variants" berthctl bootstrap fedora/41 --variant=minbase
        refused "'taken'" fedora --alias taken
        refused "'lzma'" fedora --compression lzma
        refused "install the package 'ubuntu-keyring'" berthctl bootstrap ubuntu/noble
        refused 'nothing' berthctl bootstrap debian/sid --keyring nothing
        mv /usr/bin/dnf /usr/bin/dnf.away
        on_exit '[ -e /usr/bin/dnf ] || mv /usr/bin/dnf.away /usr/bin/dnf'
        refused "install the package 'dnf'" fedora
        mv /usr/bin/dnf.away /usr/bin/dnf
        # What the builder says is in the sentence.
        refused "'dnf' ended with status.*no-such-package" fedora --include=no-such-package
        refused "'dnf' ended with status" berthctl bootstrap fedora/41 --mirror "$AT/plain/rpm" --keyring "$WEB/other.asc"
        refused "'mmdebstrap' ended with status.*is not signed" berthctl bootstrap "debian/$SUITE" --mirror "$AT/plain/deb" --keyring "$WEB/other.gpg"
        refused '[Aa]llowed' as alice berthctl --no-ask-password bootstrap "debian/$SUITE"
        eventually 20 no_builder
}

# while it downloads: cancelled, its job killed, its builder killed; nothing of it is left
test_R43_bootstrap_interrupted() {
        local how job
        for how in cancel job builder; do
                berthctl bootstrap fedora/41 --mirror "$AT/hang/rpm" --keyring "$WEB/good.asc" >log 2>&1 &
                eventually 20 dnf_runs
                job=$(berthctl list-jobs --json=short | jq -r '.[] | select(.kind == "bootstrap") | .id')
                case $how in
                cancel) expect berthctl cancel "$job" ;;
                job) systemctl kill --signal=KILL "berth-job-$job.service" ;;
                builder) systemctl kill --signal=KILL "berth-bootstrap-$job.service" ;;
                esac
                wait $! && fail "it ended with success"
                cat log >&2
                eventually 20 no_builder
                eventually 5 not dnf_runs
        done
}

dnf_runs() {
        pgrep -f 'dnf.*--installroot' >/dev/null
}
