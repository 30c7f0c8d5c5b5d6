# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What was in the archive is in the container: ids, modes, links, holes, times, names, ACLs, attributes, capabilities. One archive
# has them all; a running container of it is looked at by every test.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        local r=root
        mkdir "$r"
        tar -C "$r" -xpf "$(guest busybox)"
        mkdir "$r/t"
        echo data >"$r/t/owned" && chown 1234:4321 "$r/t/owned" && chmod 0640 "$r/t/owned"
        echo data >"$r/t/highest" && chown 65534:65535 "$r/t/highest"
        echo data >"$r/t/setuid" && chown 7:8 "$r/t/setuid" && chmod 6711 "$r/t/setuid"
        mkdir -m 1777 "$r/t/sticky"
        mkdir -m 2750 "$r/t/setgid"
        mkdir -m 0000 "$r/t/closed" && touch "$r/t/closed/in-it"
        echo one >"$r/t/hard-a" && ln "$r/t/hard-a" "$r/t/hard-b" && ln "$r/t/hard-a" "$r/t/sticky/hard-c"
        ln -s hard-a "$r/t/link-relative"
        ln -s /t/hard-a "$r/t/link-absolute"
        ln -s /nowhere/at/all "$r/t/link-dangling"
        ln -s ../../../../../../etc/passwd "$r/t/link-upwards"
        chown -h 55:66 "$r/t/link-relative"
        truncate -s 512M "$r/t/sparse"
        echo middle | dd of="$r/t/sparse" bs=1 seek=300000000 conv=notrunc status=none
        mkfifo -m 0606 "$r/t/fifo"
        : >"$r/t/empty"
        head -c 3000000 /dev/urandom >"$r/t/random" && sha256sum <"$r/t/random" | cut -d' ' -f1 >"$r/t/random.sum"
        touch -d @1234567890.5 "$r/t/empty"
        touch -d @-86400 "$r/t/fifo"
        printf x >"$r/t/"$'new\nline'
        printf x >"$r/t/äöü € 漢字"
        printf x >"$r/t/ -rf * \$(id) \\"
        printf x >"$r/t/$(printf 'n%.0s' {1..255})"
        mkdir -p "$r/t/$(printf 'p%.0s/' {1..100})"
        printf x >"$r/t/$(printf 'p%.0s/' {1..100})deep"
        echo acl >"$r/t/acl" && setfacl -m u:1000:rw,g:2000:r,m::rw "$r/t/acl"
        mkdir "$r/t/acl-default" && setfacl -m d:u:1000:rwx,d:g:2000:rx "$r/t/acl-default"
        echo x >"$r/t/xattr" && setfattr -n user.origin -v 'some value' "$r/t/xattr" && setfattr -n user.binary -v 0x00ff00 "$r/t/xattr"
        mkdir "$r/t/xattr-dir" && setfattr -n user.dir -v yes "$r/t/xattr-dir"
        cp "$r/bin/busybox" "$r/t/busybox-capable" && setcap cap_net_raw,cap_net_bind_service+ep "$r/t/busybox-capable"
        cp "$r/bin/busybox" "$r/t/busybox-of-another" && setcap -n 1000000 cap_net_raw+ep "$r/t/busybox-of-another"
        # What must not come in: attributes that overlayfs would believe, or that are the host's.
        mkdir "$r/t/opaque" && setfattr -n trusted.overlay.opaque -v y "$r/t/opaque" && setfattr -n user.overlay.opaque -v y "$r/t/opaque"
        setfattr -n trusted.secret -v x "$r/t/xattr"
        tar -C "$r" --format=pax --xattrs --xattrs-include='*' --acls --sparse --numeric-owner -cf all.tar .
        setfattr -n user.overlay.redirect -v /etc "$r/t/opaque" 2>/dev/null || true

        expect berthctl import all.tar --alias all
        expect berthctl launch all c1
}

teardown_file() {
        remove_all
}

# seen from the host, through the container's own mounts
root_of() {
        echo "/proc/$(leader_of c1)/root"
}

# inside_is EXPECTED COMMAND...
inside_is() {
        assert_eq "$(inside c1 "${@:2}")" "$1" "${*:2}"
}

# owner, group and mode, numbers as in the archive
test_R26_content_ids_and_modes() {
        inside_is '1234:4321:640' stat -c %u:%g:%a /t/owned
        inside_is '65534:65535' stat -c %u:%g /t/highest
        inside_is '7:8:6711' stat -c %u:%g:%a /t/setuid
        inside_is '1777' stat -c %a /t/sticky
        inside_is '2750' stat -c %a /t/setgid
        inside_is '0' stat -c %a /t/closed
        inside_is '0:0:755' stat -c %u:%g:%a /bin/busybox
        inside_is '0' stat -c %u /
        inside_is 'in-it' ls /t/closed
}

# three names of one file
test_R26_content_hard_links() {
        local inode
        inode=$(inside c1 stat -c %i:%h /t/hard-a)
        assert_match "$inode" ':3$'
        inside_is "$inode" stat -c %i:%h /t/hard-b
        inside_is "$inode" stat -c %i:%h /t/sticky/hard-c
        inside_is one cat /t/sticky/hard-c
}

# targets as they were, also those that lead nowhere or upwards
test_R26_content_symlinks() {
        inside_is hard-a readlink /t/link-relative
        inside_is /t/hard-a readlink /t/link-absolute
        inside_is /nowhere/at/all readlink /t/link-dangling
        inside_is ../../../../../../etc/passwd readlink /t/link-upwards
        inside_is 55:66 stat -c %u:%g /t/link-relative
        # Upwards from the container's root is the container's root.
        inside_is "$(inside c1 cat /etc/passwd)" cat /t/link-upwards
}

# a file with holes takes no more room than in the archive
test_R26_content_sparse() {
        inside_is 536870912 stat -c %s /t/sparse
        inside_is middle sh -c 'dd if=/t/sparse bs=1 skip=300000000 count=6 2>/dev/null'
        [ "$(inside c1 stat -c %b /t/sparse)" -lt 2048 ] || fail "it takes $(inside c1 stat -c %b /t/sparse) blocks"
}

# every byte
test_R26_content_data() {
        inside_is "$(inside c1 cat /t/random.sum)" sh -c 'sha256sum </t/random | cut -d" " -f1'
        inside_is 0 stat -c %s /t/empty
}

# times, to the second, before 1970 as well
test_R26_content_times() {
        inside_is 1234567890 stat -c %Y /t/empty
        assert_eq "$(stat -c %Y "$(root_of)/t/fifo")" -86400
}

# names with any byte in them, long ones, deep ones
test_R26_content_names() {
        inside_is x cat $'/t/new\nline'
        inside_is x cat "/t/äöü € 漢字"
        inside_is x cat "/t/ -rf * \$(id) \\"
        inside_is x cat "/t/$(printf 'n%.0s' {1..255})"
        inside_is x cat "/t/$(printf 'p%.0s/' {1..100})deep"
}

# a fifo is one
test_S59_content_fifo() {
        inside_is 'fifo:606' stat -c %F:%a /t/fifo
}

# access lists, with the ids of the container
test_R26_content_acls() {
        local base text
        base=$(uid_base c1)
        text=$(getfacl --numeric --absolute-names "$(root_of)/t/acl")
        assert_match "$text" "user:$((base + 1000)):rw-"
        assert_match "$text" "group:$((base + 2000)):r--"
        text=$(getfacl --numeric --absolute-names "$(root_of)/t/acl-default")
        assert_match "$text" "default:user:$((base + 1000)):rwx"
        assert_match "$text" "default:group:$((base + 2000)):r-x"
        # And they work.
        inside_is acl sh -c 'exec cat /t/acl'
        assert_eq "$(berthctl exec -u 1000 c1 -- sh -c 'echo more >>/t/acl && cat /t/acl')" $'acl\nmore'
        expect_fail berthctl exec -u 1001 c1 -- sh -c 'echo more >>/t/acl'
}

# attributes of users
test_R26_content_xattrs() {
        assert_eq "$(getfattr --only-values -n user.origin "$(root_of)/t/xattr")" 'some value'
        assert_match "$(getfattr -e hex -n user.binary "$(root_of)/t/xattr")" '=0x00ff00'
        assert_eq "$(getfattr --only-values -n user.dir "$(root_of)/t/xattr-dir")" yes
}

# attributes of overlayfs, and others that are not a user's to give, stay outside
test_R26_content_dangerous_xattrs_dropped() {
        local text
        text=$(getfattr --absolute-names -d -m - "$STORE/images/$(image_of all)/rootfs/t/opaque" "$STORE/images/$(image_of all)/rootfs/t/xattr" 2>&1)
        assert_no_match "$text" 'overlay|trusted'
        assert_match "$text" user.origin
}

# a program with a file capability has it, for a user who has none
test_R26_content_file_capability() {
        assert_match "$(berthctl exec -u 1000 c1 -- /t/busybox-capable grep CapEff /proc/self/status)" 'CapEff:[[:space:]]*0000000000002400'
        # Made for the root of another user namespace: in the archive it was somebody's own, so it is this container's.
        assert_match "$(berthctl exec -u 1000 c1 -- /t/busybox-of-another grep CapEff /proc/self/status)" 'CapEff:[[:space:]]*0000000000002000'
        # The control: the same program without it.
        assert_match "$(berthctl exec -u 1000 c1 -- grep CapEff /proc/self/status)" 'CapEff:[[:space:]]*0000000000000000'
}

# on the disk it is worth something to nobody but the owner of the foreign range
test_S61_file_capability_is_no_use_on_the_host() {
        local file text
        file=$STORE/images/$(image_of all)/rootfs/t/busybox-capable
        text=$(getcap -n "$file" "${file%/*}/busybox-of-another")
        assert_eq "$(grep -c "rootid=$FOREIGN_BASE\]" <<<"$text")" 2 "of: $text"
        cp --preserve=xattr "$file" busybox-copy
        chmod 0755 busybox-copy
        assert_match "$(as alice "$TEST_TMP/busybox-copy" grep CapEff /proc/self/status)" 'CapEff:[[:space:]]*0000000000000000'
        # The control: with a capability of the host's it would have worked.
        setcap cap_net_raw+ep busybox-copy
        assert_match "$(as alice "$TEST_TMP/busybox-copy" grep CapEff /proc/self/status)" 'CapEff:[[:space:]]*0000000000002000'
}

# what the container changes is its own; the image stays
test_R26_content_image_is_read_only() {
        local image before
        image=$STORE/images/$(image_of all)
        before=$(find "$image/rootfs" "$image/image.conf" "$image"/a* -printf '%p %T@ %C@ %s\n' | sort | sha256sum)
        run_container c2 all
        expect inside c2 sh -c 'echo changed >/t/hard-a; rm -r /t/sticky; chown 5:5 /t/owned; mv /t/xattr-dir /t/moved; mkdir /new; chmod 700 /t'
        inside_is one cat /t/hard-a
        inside_is 1234 stat -c %u /t/owned
        assert_eq "$(inside c2 cat /t/hard-a)" changed
        expect berthctl restart --force c2
        assert_eq "$(inside c2 cat /t/hard-a)" changed 'after a restart'
        assert_eq "$(inside c2 stat -c %u /t/owned)" 5
        expect_fail inside c2 test -e /t/sticky
        expect inside c2 test -d /t/moved
        assert_eq "$(find "$image/rootfs" "$image/image.conf" "$image"/a* -printf '%p %T@ %C@ %s\n' | sort | sha256sum)" "$before" 'the image'
}

# what the container writes is in the foreign range on the disk, too
test_R105_content_written_in_foreign_range() {
        run_container c2 all
        expect inside c2 sh -c 'echo x >/made; chown 1000:65535 /made; echo y >>/t/owned'
        assert_eq "$(stat -c %u:%g "$STORE/containers/c2/layer/upper/made")" "$((FOREIGN_BASE + 1000)):$((FOREIGN_BASE + 65535))"
        assert_eq "$(stat -c %u:%g "$STORE/containers/c2/layer/upper/t/owned")" "$((FOREIGN_BASE + 1234)):$((FOREIGN_BASE + 4321))"
}
