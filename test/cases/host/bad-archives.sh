# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Files that are no image, or that want to be more than one: each is refused with a sentence that names what is wrong, nothing of the
# host is touched, nothing of it stays, and the next import works.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

# The store's folders are made with the first image; what is asked here is what a refused one adds.
setup_file() {
        berthctl import "$(guest busybox)" --alias first >/dev/null
        berthctl remove-image first
}

# refused_archive REGEX FILE...: and afterwards a good one is taken.
refused_archive() {
        local pid
        host_stamp
        pid=$(manager_pid)
        on_exit 'forget_image evil'
        refused "$1" berthctl import "${@:2}" --alias evil
        host_untouched
        assert_eq "$(manager_pid)" "$pid" 'the manager'
}

a_good_one_works() {
        a_rootfs good.tar
        expect berthctl import good.tar --alias good
        expect berthctl remove-image good
}

# evil REGEX ENTRY...: a root file system with these entries is refused.
evil() {
        a_rootfs evil.tar "${@:2}"
        refused_archive "$1" evil.tar
}

# is refused, or stays inside: the image's root is all that it can have changed.
harmless() {
        a_rootfs evil.tar "$@"
        on_exit 'forget_image harmless'
        host_stamp
        if berthctl import evil.tar --alias harmless >import.log 2>&1; then
                host_untouched
                expect berthctl remove-image harmless
        else
                [ -s import.log ] || fail "it was refused without a word"
                cat import.log >&2
                host_untouched
        fi
}

# ---- not an archive at all

# an empty file
test_S64_empty() {
        : >empty.tar
        refused_archive '[Ee]mpty' empty.tar
        a_good_one_works
}

# no tar archive
test_S66_not_an_archive() {
        echo 'This is a letter to my mother.' >letter.tar
        refused_archive '[Aa]rchive' letter.tar
        head -c 100000 /dev/urandom >noise.tar.xz
        refused_archive '[Aa]rchive' noise.tar.xz
        head -c 100000 /dev/zero >zeros.tar
        refused_archive '[Aa]rchive' zeros.tar
        a_good_one_works
}

# formats that libarchive knows and an image may not have
test_S66_other_formats() {
        local file
        # cpio
        printf '0707010000000000000081A4000000000000000000000001000000000000000500000000000000000000000000000000000000070000000000000000etc/x\0hello\0\0\0' >f.cpio
        # mtree, whose contents= would read files of the host
        printf '#mtree\n./etc type=dir mode=0755\n./etc/x type=file contents=/etc/shadow\n' >f.mtree
        # ar, zip, 7zip, cab, an ISO image, uuencoded, a script that filters
        printf '!<arch>\nx/              0           0     0     644     5         `\nhello\n' >f.ar
        printf 'PK\003\004\024\000\000\000\000\000\000\000\041\000\206\246\020\066\005\000\000\000\005\000\000\000\001\000\000\000xhello' >f.zip
        printf '7z\274\257\047\034\000\004' >f.7z
        printf 'MSCF\000\000\000\000' >f.cab
        { head -c 32769 /dev/zero; printf 'CD001\001'; head -c 4096 /dev/zero; } >f.iso
        printf 'begin 644 x.tar\n#86)C\n`\nend\n' >f.uu
        printf '#!/bin/sh\ntouch /tmp/canary\n' >f.sh
        printf '\037\235\220\141\304\220' >f.Z
        printf 'LRZI\000\006' >f.lrz
        printf '\004\042\115\030\144\100\247' >f.lz4
        printf '\211LZO\000\015\012\032\012' >f.lzo
        for file in f.*; do
                refused_archive '[Aa]rchive' "$file"
        done
        a_good_one_works
}

# an archive within two compressions
test_S66_compressed_twice() {
        a_rootfs f.tar
        gzip -c f.tar | gzip -c >f.tar.gz.gz
        refused_archive 'compressed|archive' f.tar.gz.gz
        gzip -c f.tar | zstd -q -c >f.tar.gz.zst
        refused_archive 'compressed|archive' f.tar.gz.zst
        a_good_one_works
}

# something that is no file
test_S66_no_regular_file() {
        refused_archive "'/etc'|/etc" /etc
        refused_archive 'null|regular file' /dev/null
        refused_archive "no-such-file" no-such-file.tar
        ln -s loop loop
        refused_archive 'loop' loop
        a_good_one_works
}

# ---- damaged

# cut off anywhere
test_S64_truncated() {
        local n size
        a_rootfs f.tar 'dir|a' "file|a/random|$(head -c 3000 /dev/urandom | base64 -w 0)" 'file|a/last|x'
        size=$(stat -c %s f.tar)
        # The end mark is two blocks of zeros, of which readers want one.
        for ((n = 100; n < size - 1024; n += 411)); do
                head -c "$n" f.tar >cut.tar
                expect_fail --message 'cut short|damaged|archive' berthctl import cut.tar
        done
        assert_eq "$(image_count)" 0
        a_good_one_works
}

# cut off anywhere, compressed
test_S64_truncated_compressed() {
        local program n size
        a_rootfs f.tar "file|random|$(head -c 20000 /dev/urandom | base64 -w 0)"
        for program in gzip xz zstd bzip2; do
                "$program" -c f.tar >f.tar.z
                size=$(stat -c %s f.tar.z)
                for n in 1 5 20 $((size / 4)) $((size / 2)) $((size - 1000)) $((size - 5)) $((size - 1)); do
                        head -c "$n" f.tar.z >cut.tar.z
                        expect_fail --message 'cut short|damaged|archive' berthctl import cut.tar.z
                done
        done
        assert_eq "$(image_count)" 0
        a_good_one_works
}

# one bit flipped in compressed data, which has check sums
test_S64_corrupt() {
        local program position
        a_rootfs f.tar "file|random|$(head -c 20000 /dev/urandom | base64 -w 0)"
        for program in gzip xz bzip2 'zstd --check -q'; do
                # shellcheck disable=SC2086 # an option
                $program -c f.tar >f.tar.z
                for position in 3 4 2 ; do
                        cp f.tar.z bad.tar.z
                        perl -e 'open F, "+<", $ARGV[0]; seek F, $ARGV[1], 0; read F, $c, 1; seek F, $ARGV[1], 0; print F chr(ord($c) ^ 16)' \
                                bad.tar.z $(($(stat -c %s f.tar.z) * position / 5 - 3))
                        refused_archive 'damaged|cut short|archive' bad.tar.z
                done
        done
        a_good_one_works
}

# a header whose check sum is wrong
test_S64_bad_checksum() {
        evil 'damaged|archive' badsum 'file|x|y'
        a_good_one_works
}

# sizes that are not true: negative, enormous, larger than the archive
test_S64_lying_sizes() {
        evil '.' 'size|99999' 'file|x|small'
        evil '.' 'size256|80ffffffffffffffffffffff' 'file|x|small'
        evil '.' 'size256|ffffffffffffffffffffffff' 'file|x|small'
        evil '.' 'size256|800000007fffffffffffffff' 'file|x|small'
        evil '.' 'size256|800000008000000000000000' 'file|x|small'
        evil '.' 'pax|size=9223372036854775807' 'file|x|small'
        evil '.' 'pax|size=-1' 'file|x|small'
        a_good_one_works
}

# maps of holes that are not true
test_S64_lying_sparse_maps() {
        harmless 'pax|GNU.sparse.major=1' 'pax|GNU.sparse.minor=0' 'pax|GNU.sparse.name=x' 'pax|GNU.sparse.realsize=100' 'file|s|1\n99999999999999999\n5\nhello'
        harmless 'pax|GNU.sparse.major=1' 'pax|GNU.sparse.minor=0' 'pax|GNU.sparse.name=x' 'pax|GNU.sparse.realsize=9223372036854775807' 'file|s|1\n0\n5\nhello'
        harmless 'pax|GNU.sparse.major=1' 'pax|GNU.sparse.minor=0' 'pax|GNU.sparse.name=x' 'pax|GNU.sparse.realsize=100' 'file|s|3\n50\n5\n0\n5\n10\n5\nhello'
        harmless 'pax|GNU.sparse.major=1' 'pax|GNU.sparse.minor=0' 'pax|GNU.sparse.name=x' 'pax|GNU.sparse.realsize=-5' 'file|s|1\n-3\n5\nhello'
        harmless 'pax|GNU.sparse.major=1' 'pax|GNU.sparse.minor=0' 'pax|GNU.sparse.name=../../canary' 'pax|GNU.sparse.realsize=100' 'file|s|1\n0\n5\nhello'
        harmless 'pax|GNU.sparse.map=0,5,9223372036854775807,9223372036854775807' 'pax|GNU.sparse.size=100' 'file|s|hello'
        [ ! -e "$STORE/canary" ] || fail "it has left the image"
        a_good_one_works
}

# extended headers that say something else than the header
test_S64_broken_extended_headers() {
        harmless 'raw|' 'pax|path=' 'file|x|y'
        harmless 'type|x|x' 'file|x|y'
        evil '.' 'pax|path=../canary' 'file|innocent|y'
        evil '.' 'pax|path=/canary' 'file|innocent|y'
        harmless 'pax|path=a\0/../canary' 'file|innocent|y'
        # A name for all entries that follow means nothing.
        harmless 'gpax|path=../canary' 'file|innocent|y'
        harmless 'pax|linkpath=/etc/shadow' 'symlink|canary-link|x'
        a_good_one_works
}

# ---- larger than they look

# bomb PROGRAM...: 8 GiB of zeros, in some KiB, must be stopped; the disk is as before.
bomb() {
        local before i
        { mktar - noend 'dir|etc' 'size|8589934592' 'file|etc/zeros'; } | "$@" >bomb.tar.z
        # Streams can be joined, which makes large ones quickly.
        head -c 134217728 /dev/zero | "$@" >block.z
        for ((i = 0; i < 64; i++)); do
                cat block.z
        done >>bomb.tar.z
        head -c 1024 /dev/zero | "$@" >>bomb.tar.z
        before=$(du -sxk "$STORE" | cut -f 1)
        refused_archive 'bomb|times its size|larger|more than' bomb.tar.z
        [ "$(du -sxk "$STORE" | cut -f 1)" -lt $((before + 100000)) ] || fail "the disk is not as before"
        a_good_one_works
}

# a window that is larger than those of xz -9 and zstd --long=27 would be the reader's memory
test_S63_window() {
        a_rootfs good.tar 'file|etc/text|x'
        xz -9 -k good.tar
        zstd -q --long=27 -c <good.tar >good.tar.zst
        # What says how large it is, and in xz the header's sum: a file that wants it is larger than a test has room for.
        python3 - <<'END'
import binascii, struct
x = bytearray(open('good.tar.xz', 'rb').read())
n = (x[12] + 1) * 4
at = x.index(b'\x21\x01', 12, 12 + n) + 2
def window(bits):
    x[at] = (bits - 12) * 2
    x[12 + n - 4:12 + n] = struct.pack('<I', binascii.crc32(bytes(x[12:12 + n - 4])))
    return bytes(x)
open('large.tar.xz', 'wb').write(window(27))
open('usual.tar.xz', 'wb').write(window(26))
z = bytearray(open('good.tar.zst', 'rb').read())
assert not z[4] & 0x20
z[5] = (28 - 10) << 3
open('large.tar.zst', 'wb').write(z)
z[5] = (27 - 10) << 3
open('usual.tar.zst', 'wb').write(z)
END
        refused_archive 'needs more memory' large.tar.xz
        refused_archive 'needs more memory' large.tar.zst
        for file in usual.tar.xz usual.tar.zst; do
                expect berthctl import --quiet "$file" --alias usual
                expect berthctl remove-image usual
        done
}

# a bomb, gzip
test_S63_bomb_gzip() {
        bomb gzip -9 -c
}

# a bomb, xz
test_S63_bomb_xz() {
        bomb xz -1 -c
}

# a bomb, zstd
test_S63_bomb_zstd() {
        bomb zstd -q -1 -c
}

# a bomb, bzip2
test_S63_bomb_bzip2() {
        bomb bzip2 -1 -c
}

# zeros without end behind the archive's end: whether it is taken or refused, they go nowhere
test_S63_bomb_behind_the_end() {
        local i before
        a_rootfs f.tar
        gzip -c f.tar >bomb.tar.gz
        head -c 134217728 /dev/zero | gzip -1 -c >block.gz
        for ((i = 0; i < 64; i++)); do
                cat block.gz
        done >>bomb.tar.gz
        before=$(du -sxk "$STORE" | cut -f 1)
        on_exit 'forget_image canary'
        if berthctl import bomb.tar.gz --alias canary >import.log 2>&1; then
                expect berthctl remove-image canary
        else
                assert_match "$(<import.log)" 'bomb|times its size|larger|more than'
        fi
        [ "$(du -sxk "$STORE" | cut -f 1)" -lt $((before + 100000)) ] || fail "the disk is not as before"
        a_good_one_works
}

# a file that is all hole costs nothing, and may be there
test_S63_sparse_file_is_no_bomb() {
        local before
        mkdir -p r/etc
        truncate -s 100G r/etc/hole
        tar --format=pax --sparse -C r -cf hole.tar .
        before=$(du -sxk "$STORE" | cut -f 1)
        expect berthctl import hole.tar --alias hole
        [ "$(du -sxk "$STORE" | cut -f 1)" -lt $((before + 10000)) ] || fail "the hole takes room"
        assert_eq "$(stat -c %s "$STORE/images/$(image_of hole)/rootfs/etc/hole")" 107374182400
        expect berthctl remove-image hole
}

# a file that is not sparse compresses well and is still taken
test_S63_well_compressed_is_no_bomb() {
        head -c 50000000 /dev/zero >zeros
        a_rootfs f.tar 'contents|zeros' 'file|zeros'
        zstd -q -19 f.tar
        expect berthctl import f.tar.zst --alias zeros
        expect berthctl remove-image zeros
}

# ---- entries that want to be somewhere else

# '..' in a name
test_S54_dot_dot() {
        evil "\.\./canary" 'file|../canary|x'
        evil "\.\./canary" 'file|./../canary|x'
        evil "\.\./\.\./canary" 'file|etc/../../canary|x'
        evil "\.\." 'dir|..'
        evil "\.\." 'dir|etc/..'
        evil "\.\./canary" 'symlink|../canary|x'
        evil "\.\./canary" 'fifo|../canary'
        evil "\.\./canary" 'dir|../canary'
        evil "canary" "file|$(printf '../%.0s' {1..40})tmp/canary|x"
        evil "\.\./canary" 'prefix|..' 'file|canary|x'
        a_good_one_works
}

# an absolute name
test_S54_absolute() {
        evil "'?/etc/canary" 'file|/etc/canary|x'
        evil "'?//etc/canary" 'file|//etc/canary|x'
        evil "/canary-dir" 'dir|/canary-dir'
        evil "/canary" 'prefix|/' 'file|canary|x'
        a_good_one_works
}

# names that are no names
test_S54_strange_names() {
        harmless 'file|.|x'
        harmless 'file|./|x'
        harmless 'file|etc/./././y|x' 'file|etc//z|x'
        harmless 'file|etc/x\0../canary|x'
        harmless "file|$(printf 'n%.0s' {1..256})|x"
        harmless "file|$(printf 'd/%.0s' {1..3000})canary|x"
        harmless 'file|etc/…/\xff\xfe|x' 'file|...|x' 'dir|..canary'
        a_good_one_works
}

# through a symlink that leads out of the root
test_S55_symlink_out() {
        # There is an etc in the image: from its root on, the link leads there.
        a_rootfs in.tar 'symlink|out|/etc' 'file|out/canary|x' 'symlink|up|../../../../etc' 'file|up/canary-2|y'
        host_stamp
        expect berthctl import in.tar --alias in
        host_untouched
        [ ! -e /etc/canary ] || fail "the host's /etc was written to"
        assert_eq "$(cat "$STORE/images/$(image_of in)/rootfs/etc/canary" "$STORE/images/$(image_of in)/rootfs/etc/canary-2")" xy
        expect berthctl remove-image in

        evil "out/canary" 'symlink|out|/tmp' 'file|out/canary|x'
        evil "out/canary" 'symlink|out|../../../../../../tmp' 'file|out/canary|x'
        evil "a/b/canary" 'symlink|a|b' 'symlink|b|a' 'file|a/b/canary|x'
        evil "f/canary" 'file|f|x' 'file|f/canary|y'
        evil "p/canary" 'symlink|p|/proc/self/root' 'file|p/canary|x'
        evil "p/tmp/canary" 'symlink|p|/proc/1/root' 'file|p/tmp/canary|x'
        a_good_one_works
}

# a file in the place of a symlink replaces the link, and is not written through it
test_S55_file_over_symlink() {
        a_rootfs f.tar 'symlink|victim|/etc/canary' 'file|victim|x'
        host_stamp
        expect berthctl import f.tar --alias it
        host_untouched
        assert_eq "$(stat -c %F "$STORE/images/$(image_of it)/rootfs/victim")" 'regular file'
        [ ! -e "$STORE/images/$(image_of it)/rootfs/etc/canary" ] || fail "it was written through the link"
        expect berthctl remove-image it
}

# the same four entries in every order
test_S55_orderings() {
        local entries=('symlink|link|/tmp' 'dir|link' 'file|link/canary|x' 'hardlink|other|link/canary') a b c d
        for a in 0 1 2 3; do
                for b in 0 1 2 3; do
                        for c in 0 1 2 3; do
                                d=$((6 - a - b - c))
                                [ "$a" -ne "$b" ] && [ "$b" -ne "$c" ] && [ "$a" -ne "$c" ] || continue
                                harmless "${entries[a]}" "${entries[b]}" "${entries[c]}" "${entries[d]}"
                        done
                done
        done
        assert_eq "$(image_count)" 0
        a_good_one_works
}

# a directory that is not empty does not become a symlink
test_S55_directory_becomes_symlink() {
        evil "'d'" 'dir|d' 'file|d/x|x' 'symlink|d|/tmp' 'file|d/canary|x'
        harmless 'dir|d' 'symlink|d|/tmp' 'file|d/canary|x'
        harmless 'symlink|d|/tmp' 'dir|d' 'file|d/canary|x'
        [ ! -e /tmp/canary ] || fail "it has left the image"
        a_good_one_works
}

# mode, owner and time of an entry are not set through a link
test_S55_metadata_through_symlink() {
        local victim=$TEST_TMP/victim before
        install -m 0600 /dev/null "$victim"
        before=$(stat -c %a:%u:%Y "$victim")
        harmless "symlink|l|$victim" 'mode|4777' 'uid|1000' 'dir|l' 'mode|4777' 'uid|1000' 'file|l|x'
        harmless 'mode|7777' 'uid|1000' "symlink|l|$victim"
        assert_eq "$(stat -c %a:%u:%Y "$victim")" "$before" "the host's file"
}

# a hard link to what is not in the archive
test_S56_hardlink_out() {
        evil "'canary'.*/etc/shadow" 'hardlink|canary|/etc/shadow'
        evil "'canary'.*\.\./" 'hardlink|canary|../../../../../etc/shadow'
        evil "'canary'.*etc/shadow" 'hardlink|canary|etc/shadow'
        evil "'canary'" 'hardlink|canary|/proc/self/root/etc/shadow'
        evil "'canary'" 'hardlink|canary|later' 'file|later|x'
        evil "'canary'" 'hardlink|canary|canary'
        evil "'canary'" 'hardlink|canary|etc'
        evil "'canary'" 'hardlink|canary|'
        a_good_one_works
}

# a hard link to a symlink, and data through it
test_S56_hardlink_through_symlink() {
        evil "'h'" 'symlink|l|/etc/shadow' 'hardlink|h|l'
        evil "'h'" 'symlink|l|/etc/shadow' 'hardlink|h|l|data'
        evil "'h'" 'symlink|dir|/' 'hardlink|h|dir/etc/shadow'
        harmless 'symlink|l|/etc/canary' 'hardlink|h|l' 'file|h|data'
        [ ! -e /etc/canary ] || fail "it has left the image"
        # With content of its own, as some archivers write them: it is the file's.
        harmless 'file|a|one' 'hardlink|b|a|two' 'file|b|three'
        a_good_one_works
}

# ---- entries that are no files

# device nodes outside of /dev
test_S59_device_outside_dev() {
        evil "'sda'" 'block|sda|8|0'
        evil "'etc/mem'" 'char|etc/mem|1|1'
        evil "'deva/null'" 'dir|deva' 'char|deva/null|1|3'
        evil "'usr/dev/null'" 'dir|usr/dev' 'char|usr/dev/null|1|3'
        evil "'dev'" 'block|dev|8|0'
        a_good_one_works
}

# those in /dev, which every root file system has, are left out and counted
test_S59_device_in_dev() {
        a_rootfs f.tar 'dir|dev' 'char|dev/null|1|3' 'block|dev/sda|8|0' 'char|./dev/mem|1|1' 'dir|dev/pts' 'fifo|dev/fifo' 'symlink|dev/fd|/proc/self/fd'
        expect berthctl import f.tar --alias it
        assert_eq "$(find "$STORE/images" \( -type b -o -type c \) | wc -l)" 0 'device nodes in the store'
        assert_eq "$(sed -n 's/^DroppedDevices=//p' "$STORE/images/$(image_of it)/image.conf")" 3
        expect berthctl remove-image it
}

# types that tar does not have
test_S59_unknown_types() {
        harmless 'type|x|Z'
        harmless 'type|x|V'
        harmless 'type|x|M'
        harmless 'type|x|7'
        [ ! -e x ] || fail "it has left the image"
        a_good_one_works
}

# ids that no container has
test_S54_ids_out_of_range() {
        evil "'f'.*(65536|user)" 'uid|65536' 'file|f|x'
        evil "'f'.*(70000|group)" 'gid|70000' 'file|f|x'
        evil "'f'" 'uid|2147352576' 'file|f|x'
        evil "'f'" 'uid|4294967295' 'file|f|x'
        evil '.' 'pax|uid=-1' 'file|f|x'
        a_good_one_works
}

# ---- the parts of an LXD image that are something else

# metadata.yaml, rootfs and templates as a link, a fifo, a device, a hard link, the other kind
test_S13_special_metadata_entries() {
        local good='architecture: x86_64\n'
        refused_unified() {
                mktar evil.tar "${@:2}"
                refused_archive "$1" evil.tar
        }
        refused_unified 'metadata\.yaml' 'symlink|metadata.yaml|/etc/passwd' 'dir|rootfs' 'dir|rootfs/etc'
        refused_unified 'metadata\.yaml' 'dir|metadata.yaml' 'dir|rootfs' 'dir|rootfs/etc'
        refused_unified 'metadata\.yaml' 'fifo|metadata.yaml' 'dir|rootfs' 'dir|rootfs/etc'
        refused_unified 'metadata\.yaml' 'char|metadata.yaml|1|5' 'dir|rootfs' 'dir|rootfs/etc'
        refused_unified 'metadata\.yaml|no root file system' 'dir|rootfs' 'file|rootfs/m|'"$good" 'symlink|metadata.yaml|rootfs/m'
        refused_unified 'rootfs' "file|metadata.yaml|$good" 'symlink|rootfs|/' 'file|rootfs/canary|x'
        refused_unified 'rootfs' "file|metadata.yaml|$good" 'symlink|rootfs|/tmp' 'file|rootfs/canary|x'
        refused_unified 'rootfs' "file|metadata.yaml|$good" 'symlink|rootfs|templates' 'dir|templates' 'file|rootfs/canary|x'
        refused_unified 'rootfs' "file|metadata.yaml|$good" 'file|rootfs|x'
        refused_unified 'rootfs' "file|metadata.yaml|$good" 'fifo|rootfs'
        refused_unified 'rootfs' "file|metadata.yaml|$good" 'block|rootfs|8|0'
        refused_unified 'rootfs' "file|metadata.yaml|$good" 'dir|templates'
        refused_unified 'templates' "file|metadata.yaml|$good" 'dir|rootfs' 'dir|rootfs/etc' 'symlink|templates|/etc'
        refused_unified 'templates' "file|metadata.yaml|$good" 'dir|rootfs' 'dir|rootfs/etc' 'symlink|templates|rootfs' 'file|templates/canary|x'
        refused_unified 'templates' "file|metadata.yaml|$good" 'dir|rootfs' 'dir|rootfs/etc' 'file|templates|x'
        refused_unified 'templates' "file|metadata.yaml|$good" 'dir|rootfs' 'dir|rootfs/etc' 'dir|templates' 'symlink|templates/x.tpl|/etc/shadow'
        refused_unified 'templates' "file|metadata.yaml|$good" 'dir|rootfs' 'dir|rootfs/etc' 'dir|templates' 'fifo|templates/x.tpl'
        refused_unified 'templates' "file|metadata.yaml|$good" 'dir|rootfs' 'file|rootfs/x|secret' 'dir|templates' 'hardlink|templates/x.tpl|/etc/shadow'
        a_good_one_works
}

# an entry of a unified archive cannot leave rootfs/ for the folder beside it
test_S13_out_of_rootfs_into_the_image() {
        local good='architecture: x86_64\n'
        mktar evil.tar "file|metadata.yaml|$good" 'dir|rootfs' 'dir|rootfs/etc' 'symlink|rootfs/up|../templates' 'dir|templates' 'file|rootfs/up/canary.tpl|x'
        host_stamp
        if berthctl import evil.tar --alias it; then
                [ ! -e "$STORE/images/$(image_of it)/templates/canary.tpl" ] || fail "written beside the root"
                expect berthctl remove-image it
        fi
        host_untouched
        a_good_one_works
}
