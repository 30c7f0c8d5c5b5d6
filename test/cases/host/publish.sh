# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Images go out as they came in, and containers become images.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
        expect berthctl create busybox web
}

teardown_file() {
        remove_all
}

# a directory becomes an image with all that it has; again it is the same image; one that cannot be read whole is none
test_R43_import_fs() {
        local fingerprint rootfs
        mkdir root
        tar -C root -xf "$(guest busybox)"
        mkdir -p root/srv
        echo x >root/srv/file
        ln root/srv/file root/srv/other
        chown 1000:1001 root/srv/file
        chmod 4755 root/srv/file
        setfattr -n user.note -v text root/srv/file
        setfacl -m u:1000:r root/srv
        truncate -s 10M root/srv/hole
        mkdir -p root/mnt
        mount -t tmpfs none root/mnt
        on_exit "umount '$PWD/root/mnt' 2>/dev/null; forget c1; forget_image tree"
        echo hidden >root/mnt/file
        fingerprint=$(berthctl import-fs root tree --description 'A tree')
        assert_eq "$(image_of tree)" "$fingerprint"
        rootfs=$STORE/images/$fingerprint/rootfs
        assert_eq "$(stat -c '%a %u %g %h' "$rootfs/srv/file")" "4755 $((FOREIGN_BASE + 1000)) $((FOREIGN_BASE + 1001)) 2"
        assert_eq "$(getfattr --only-values -n user.note "$rootfs/srv/file")" text
        assert_match "$(getfacl -np "$rootfs/srv")" "user:$((FOREIGN_BASE + 1000)):r"
        [ "$(stat -c %b "$rootfs/srv/hole")" -lt 64 ] || fail "the hole is filled"
        [ ! -e "$rootfs/mnt/file" ] || fail "what was mounted is in it"
        run_container c1 tree
        forget c1
        refused "${fingerprint:0:12}" berthctl import-fs root
        refused "'nothing'" berthctl import-fs nothing
        refused 'no directory' berthctl import-fs "$(guest busybox)"
        refused 'import-fs' berthctl import root
        # Its owner cannot read all of it.
        polkit_rule fs 'if (subject.user == "alice" && action.id == "org.berth1.import-image") return polkit.Result.YES;'
        chmod 0755 "$PWD" root
        echo secret >root/etc/secret
        chmod 0600 root/etc/secret
        eventually 10 cannot_read_all
        refused 'Not all' as alice berthctl import-fs "$PWD/root" half
        eventually 60 no_debris
}

cannot_read_all() {
        [[ $(as alice berthctl import-fs "$PWD/root" half 2>&1) = *'Not all'* ]]
}

# the same bytes, to a file, a directory, standard output; a re-import is the same image
test_R28_export() {
        local fingerprint
        tar -cf - --format=gnu -C / etc/hostname etc/os-release -P | gzip -9 >f.tar.gz
        fingerprint=$(fingerprint_of f.tar.gz)
        on_exit 'forget_image it'
        expect berthctl import f.tar.gz --alias it
        assert_eq "$(berthctl export it)" "$fingerprint.tar.gz"
        cmp f.tar.gz "$fingerprint.tar.gz"
        expect berthctl export it out
        cmp f.tar.gz out
        mkdir dir
        expect berthctl export it dir
        cmp f.tar.gz "dir/$fingerprint.tar.gz"
        assert_eq "$(berthctl export it - | sha256sum | cut -d' ' -f1)" "$fingerprint"
        refused 'there already.*--force' berthctl export it out
        expect berthctl export --force it out
        refused "no image 'none'" berthctl export none x
        expect_fail berthctl export it /nonexistent/x
        [ -z "$(find . -name '.*berthctl*')" ] || fail "a temporary file is left"
        expect berthctl remove-image it
        expect berthctl import out --alias it
        assert_eq "$(image_of it)" "$fingerprint"
}

# an image of two files gives two
test_R28_export_split() {
        local fingerprint
        printf 'architecture: x86_64\n' >metadata.yaml
        tar -cJf meta.tar.xz metadata.yaml
        zstd -q -c "$(guest busybox)" >root.tar.zst
        fingerprint=$(fingerprint_of meta.tar.xz root.tar.zst)
        on_exit 'forget_image it'
        expect berthctl import meta.tar.xz root.tar.zst --alias it
        refused 'two files' berthctl export it -
        echo mine >out.root
        refused 'out.root.*there already.*--force' berthctl export it out
        [ ! -e out ] || fail "one of two files was written"
        assert_eq "$(cat out.root)" mine
        expect berthctl export --force it out
        cmp meta.tar.xz out
        cmp root.tar.zst out.root
        [ -z "$(find . -name '.*berthctl*')" ] || fail "a temporary file is left"
        assert_eq "$(berthctl export it | sort | tr '\n' ' ')" "$fingerprint.root.tar.zst $fingerprint.tar.xz "
}

# tree_of IMAGE: all that its root file system has, but for what is in the files
tree_of() {
        find "$STORE/images/$(image_of "$1")/rootfs" \( -type d -printf '%P %y %m %U:%G %T@\n' \) -o -printf '%P %y %m %U:%G %T@ %s %n %l\n' | sort
}

# a mere root file system and its metadata are a split image with the same root file system, and with what is said of it here
test_R28_export_metadata() {
        local how fingerprint created
        mkdir root
        tar -C root -xf "$(guest busybox)"
        rm -f root/etc/os-release
        echo 'PRETTY_NAME="A system"' >root/etc/os-release
        tar -C root --numeric-owner -czf f.tar.gz .
        mksquashfs root f.squashfs -quiet -no-progress >/dev/null
        for how in f.tar.gz f.squashfs root; do
                on_exit 'forget c1; forget_image it back'
                if [ -d $how ]; then
                        fingerprint=$(berthctl import-fs $how it --public --property os=busybox)
                else
                        fingerprint=$(berthctl import $how --alias it --public --property os=busybox)
                fi
                assert_eq "$(berthctl show-image it -p Type --value)" plain
                (umask 027 && expect berthctl export --metadata it out)
                assert_eq "$(stat -c %a out out.root | xargs)" '640 640'
                assert_eq "$(fingerprint_of out.root)" "$fingerprint" "$how"
                assert_eq "$(tar -tf out)" metadata.yaml
                created=$(berthctl show-image it -p CreatedUSec --value)
                assert_eq "$(tar -xOf out metadata.yaml)" "$(printf 'architecture: %s\ncreation_date: %s\nproperties:\n  "os": "busybox"\n  "description": "A system"' \
                        "$(uname -m)" "${created%??????}")"
                expect berthctl export --metadata it again
                cmp out again
                rm again again.root

                expect berthctl import out out.root --alias back
                assert_eq "$(image_of back)" "$(fingerprint_of out out.root)"
                assert_eq "$(berthctl show-image back -p Description,Public,Architecture,Type,CreatedUSec --value | xargs)" "A system no $(uname -m) split ${created%??????}000000"
                assert_eq "$(berthctl list-images --json=short os=busybox | jq length)" 2
                assert_eq "$(tree_of back)" "$(tree_of it)"
                if [ $how = f.squashfs ]; then
                        run_container c1 back
                        forget c1
                fi
                expect berthctl remove-image it back
                rm out out.root
        done
}

# what has metadata is written as it is; two files go to no pipe; what is there stays, and where one file cannot be written there is none
test_R28_export_metadata_refused() {
        local fingerprint
        a_rootfs a.tar 'file|n|plain'
        on_exit 'berthctl unset-server KeepArchives; rm -f /etc/berth/berth.conf; forget_image a b s'
        expect berthctl import a.tar --alias a
        fingerprint=$(image_of a)
        refused 'two files with its metadata' berthctl export --metadata a -
        mkdir dir
        assert_eq "$(berthctl export --metadata a dir | xargs)" "dir/$fingerprint.tar dir/$fingerprint.root.tar"
        cmp a.tar "dir/$fingerprint.root.tar"
        assert_eq "$(berthctl export --metadata a)" "$fingerprint.tar"$'\n'"$fingerprint.root.tar"
        echo mine >out.root
        refused 'out.root.*there already.*--force' berthctl export --metadata a out
        [ ! -e out ] || fail "one of two files was written"
        assert_eq "$(cat out.root)" mine
        expect berthctl export --metadata --force a out
        cmp a.tar out.root
        # There is no program in it that would tell.
        assert_eq "$(berthctl show-image a -p Architecture --value)" ''
        assert_eq "$(tar -xOf out metadata.yaml | head -n 1)" "architecture: $(uname -m)"
        [ -z "$(find . -name '.*berthctl*')" ] || fail "a temporary file is left"

        mkdir rootfs
        tar -C rootfs -xf a.tar
        echo 'architecture: x86_64' >metadata.yaml
        tar -cf u.tar metadata.yaml rootfs
        expect berthctl import u.tar --alias b
        assert_eq "$(berthctl export --metadata b unified)" unified
        cmp u.tar unified
        assert_eq "$(berthctl export --metadata b - | sha256sum | cut -d' ' -f1)" "$(image_of b)"
        tar -cf m.tar metadata.yaml
        expect berthctl import m.tar a.tar --alias s
        assert_eq "$(berthctl export --metadata s split | xargs)" 'split split.root'
        cmp m.tar split
        cmp a.tar split.root

        expect berthctl remove-image a
        expect berthctl set-server KeepArchives=no
        expect berthctl import a.tar --alias a
        refused 'not kept.*KeepArchives' berthctl export --metadata a x
        [ ! -e x ] || fail "metadata was written, and nothing that it is of"
}

# from a pipe it is kept as well; where it is not to be, export says so, and the file is not there
test_R28_keep_archives() {
        a_rootfs a.tar 'file|n|pipe'
        a_rootfs b.tar 'file|n|not kept'
        on_exit 'berthctl unset-server KeepArchives; rm -f /etc/berth/berth.conf; forget_image a b'
        expect berthctl import - --alias a < <(cat a.tar)
        assert_eq "$(berthctl export a - | sha256sum | cut -d' ' -f1)" "$(fingerprint_of a.tar)"
        expect berthctl set-server KeepArchives=no
        expect berthctl import b.tar --alias b
        [ ! -e "$STORE/images/$(image_of b)/archive" ] || fail "it was kept"
        refused 'not kept.*KeepArchives' berthctl export b x
        expect berthctl export a x
}

# all that a file system can hold comes back out of the image: owners, modes, links, holes, attributes, capabilities, ACLs, what was removed
test_R36_publish_stopped() {
        local fingerprint upper image
        expect berthctl start web
        expect inside web sh -c 'mkdir -p /srv/d; echo one >/srv/d/a; ln /srv/d/a /srv/d/b; ln -s ../x /srv/d/l; mkfifo /srv/d/p; chown 1000:1001 /srv/d/a; chmod 4711 /srv/d/a;
                truncate -s 50M /srv/d/hole; rm /etc/inittab; mkdir /srv/empty; chmod 1777 /srv/empty; echo ü >/srv/d/ü'
        expect berthctl stop --force web
        upper=$STORE/containers/web/layer/upper
        setfattr -n user.note -v text "$upper/srv/d/a"
        setfacl -m u:$((FOREIGN_BASE + 1000)):r "$upper/srv/d/b"
        setcap -n "$FOREIGN_BASE" cap_net_raw+ep "$upper/srv/d/ü"
        on_exit 'forget_image pub; forget c1'
        fingerprint=$(berthctl publish web --alias pub os=mine --description 'Made here')
        assert_match "$fingerprint" '^[0-9a-f]{64}$'
        assert_eq "$(image_of pub)" "$fingerprint"
        assert_eq "$(berthctl show-image pub -p Public --value)" no
        assert_eq "$(berthctl show-image pub -p Description --value)" 'Made here'
        assert_eq "$(berthctl show-image pub -p Architecture --value)" "$(uname -m)"
        assert_eq "$(berthctl list-images --json=short os=mine | jq length)" 1
        assert_eq "$(berthctl export pub - | sha256sum | cut -d' ' -f1)" "$fingerprint"

        image=$STORE/images/$fingerprint/rootfs
        assert_eq "$(stat -c '%a %u %g %h' "$image/srv/d/a")" "4751 $((FOREIGN_BASE + 1000)) $((FOREIGN_BASE + 1001)) 2"
        assert_eq "$(stat -c %i "$image/srv/d/a")" "$(stat -c %i "$image/srv/d/b")"
        assert_eq "$(readlink "$image/srv/d/l")" ../x
        [ -p "$image/srv/d/p" ] || fail "the FIFO is gone"
        assert_eq "$(stat -c '%s' "$image/srv/d/hole")" 52428800
        [ "$(stat -c %b "$image/srv/d/hole")" -lt 64 ] || fail "the hole is filled"
        assert_eq "$(stat -c %a "$image/srv/empty")" 1777
        assert_eq "$(getfattr --only-values -n user.note "$image/srv/d/a")" text
        assert_match "$(getfacl -np "$image/srv/d/b")" "user:$((FOREIGN_BASE + 1000)):r"
        assert_match "$(getcap -n "$image/srv/d/ü")" 'cap_net_raw'
        [ ! -e "$image/etc/inittab" ] || fail "what was removed is there"
        [ -x "$image/bin/busybox" ] || fail "what was in the image is not there"
        [ ! -e "$image/.wh.etc" ] && [ -z "$(find "$image" -type c)" ] || fail "there are whiteouts"

        expect_fail berthctl publish web --alias pub
        run_container c1 pub
        assert_eq "$(inside c1 cat /srv/d/ü)" ü
}

# one that runs stands still, is not disturbed, and nothing that is mounted in it gets into the image
test_R36_publish_running() {
        local fingerprint n
        run_container c1 busybox --set user.x=y
        expect inside c1 sh -c 'mount -t tmpfs none /srv 2>/dev/null; echo gone >/srv/onthetmpfs; echo stays >/etc/stays'
        berthctl exec c1 -- sh -c 'i=0; while :; do i=$((i + 1)); echo $i >/etc/count; done' &
        on_exit "kill $!; forget_image pub"
        fingerprint=$(berthctl publish c1 --alias pub --public a=b --force)
        assert_state c1 running
        n=$(count_of c1)
        eventually 5 count_is_more c1 "$n"
        assert_eq "$(cat "$STORE/images/$fingerprint/rootfs/etc/stays")" stays
        [ ! -e "$STORE/images/$fingerprint/rootfs/srv/onthetmpfs" ] || fail "a mount got into the image"
        assert_eq "$(find "$STORE/images/$fingerprint/rootfs/proc" "$STORE/images/$fingerprint/rootfs/dev" -mindepth 1 | wc -l)" 0 'files of /proc and /dev'
        assert_eq "$(berthctl show-image pub -p Public --value)" yes
}

# count_of NAME: it is empty for a moment each time
count_of() {
        inside "$1" sh -c 'until n=$(cat /etc/count) && [ -n "$n" ]; do :; done; echo "$n"'
}

count_is_more() {
        [ "$(count_of "$1")" -gt "$2" ]
}

# the templates of the container's image go on to the new one
test_R36_templates() {
        mkdir -p u/rootfs u/templates
        tar -C u/rootfs -xf "$(guest busybox)"
        cat >u/metadata.yaml <<'YAML'
architecture: x86_64
properties:
  os: debian
  label: 'has "quotes" and: colons'
templates:
  /etc/made:
    when: [create, copy]
    template: made.tpl
    properties: {text: "two\nlines"}
YAML
        echo 'name={{ container.name }} text={{ properties.text }}' >u/templates/made.tpl
        tar -C u -cf u.tar metadata.yaml rootfs templates
        on_exit 'forget c1 c2; forget_image first second'
        expect berthctl import u.tar --alias first
        expect berthctl create first c1
        expect berthctl publish c1 --alias second --compression none label2=x
        expect berthctl export second - >out.tar
        assert_match "$(tar -tf out.tar | head -n 3 | tr '\n' ' ')" '^metadata.yaml templates/ templates/made.tpl'
        assert_eq "$(tar -xOf out.tar templates/made.tpl)" 'name={{ container.name }} text={{ properties.text }}'
        assert_eq "$(berthctl list-images --json=short 'label=has "quotes" and: colons' os=debian | jq length)" 2
        run_container c2 second
        assert_match "$(inside c2 cat /etc/made)" 'name=c2 text=two'
}

# how it is compressed; what is not known is refused before anything is done
test_R36_compression() {
        local how magic
        while read -r how magic; do
                on_exit 'forget_image pub'
                expect berthctl publish web --alias pub --compression "$how"
                expect berthctl export --force pub out
                assert_eq "$(head -c 2 out | od -An -tx1 | tr -d ' ')" "$magic" "$how"
                expect berthctl remove-image pub
        done <<'END'
zstd 28b5
gzip 1f8b
xz fd37
none 6d65
END
        eventually 60 no_debris
        refused "'lzma'" berthctl publish web --compression lzma
        refused "'busybox'" berthctl publish web --alias busybox
        refused "no property" berthctl publish web x
        refused "no container 'none'" berthctl publish none
}

# cancelled in the middle: nothing is left, and the container goes on
test_R36_publish_interrupted() {
        local job
        run_container c1 busybox
        expect inside c1 sh -c 'dd if=/dev/urandom of=/etc/big bs=1M count=150 2>/dev/null'
        berthctl publish c1 --alias pub --compression xz >log 2>&1 &
        on_exit 'forget_image pub'
        eventually 10 publishing
        job=$(berthctl list-jobs --json=short | jq -r '.[] | select(.kind == "publish") | .id')
        expect berthctl cancel "$job"
        wait $! && fail "it ended with success"
        assert_match "$(<log)" '[Cc]ancel'
        eventually 60 no_debris
        expect_fail has_image pub
        expect inside c1 true
        # Its worker is killed: the same.
        berthctl publish c1 --alias pub --compression xz >log 2>&1 &
        eventually 10 publishing
        job=$(berthctl list-jobs --json=short | jq -r '.[] | select(.kind == "publish") | .id')
        systemctl kill --signal=KILL "berth-job-$job.service"
        wait $! && fail "it ended with success"
        eventually 15 no_debris
        expect_fail has_image pub
        expect inside c1 true
}

publishing() {
        grep -q '"publish"' <<<"$(berthctl list-jobs --json=short)"
}

# who may publish, and whom it belongs to
test_R36_who_may() {
        refused '[Aa]llowed' as alice berthctl --no-ask-password publish web
        polkit_rule pub 'if (subject.user == "alice" && action.id == "org.berth1.publish" && action.lookup("container") == "web") return polkit.Result.YES;'
        on_exit 'forget_image mine'
        eventually 10 as alice berthctl --no-ask-password publish web --alias mine x=y
        assert_eq "$(as alice berthctl show-image mine -p Owner --value)" "$(id -u alice)"
        assert_eq "$(as bob berthctl list-images --json=short mine | jq length)" 0
}

# a snapshot is published as it was, whatever the container is now, and whether it runs
test_R36_publish_snapshot() {
        local image
        run_container c1 busybox
        on_exit 'forget_image pub'
        expect inside c1 sh -c 'echo then >/etc/state; echo x >/etc/later-gone'
        expect berthctl stop --force c1
        expect berthctl snapshot c1 s1
        expect berthctl start c1
        expect inside c1 sh -c 'echo now >/etc/state; rm /etc/later-gone'
        expect berthctl publish c1/s1 --alias pub
        image=$STORE/images/$(image_of pub)/rootfs
        # What the image said of itself is known of this one, too.
        assert_eq "$(berthctl show-image pub -p Description --value)" "busybox test guest"
        assert_eq "$(cat "$image/etc/state")" 'then'
        [ -e "$image/etc/later-gone" ] || fail "what was there is not"
        assert_state c1 running
        refused "s2" berthctl publish c1/s2
        # An image that was removed goes on below its containers, and can be below a new one.
        expect berthctl publish c1 --alias base
        on_exit 'forget_image base second'
        new_container c2 base
        expect berthctl remove-image base
        expect berthctl publish c2 --alias second
        assert_eq "$(cat "$STORE/images/$(image_of second)/rootfs/etc/state")" now
}
