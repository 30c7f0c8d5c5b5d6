# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Disks with file systems of their own, how mounts spread, directories that users lend, and guests that let nobody mount.
# guests: busybox bookworm

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox bookworm
}

teardown_file() {
        remove_all
}

# an_image FILE: an ext4 file system with a user's file, a set-user-id program and a node.
an_image() {
        mkdir -p image.d
        truncate -s 16M "$1"
        mkfs.ext4 -q "$1"
        mount -o loop "$1" image.d
        echo hello >image.d/file
        chown 1000:1000 image.d/file
        cp /bin/true image.d/set-user-id
        chmod 4755 image.d/set-user-id
        mknod image.d/null c 1 3
        umount image.d
        eventually 5 not loop_of "$1"
}

# loop_of FILE: the loop device that has it, if there is one.
loop_of() {
        losetup --noheadings --output NAME --associated "$1" | grep .
}

# a raw file with a file system: owners as inside, no set-user-id, no nodes; one container at a time may write
test_R80_image() {
        an_image disk.img
        run_container c1 busybox --no-profiles
        run_container c2 busybox --no-profiles
        expect berthctl device add c1 d disk "source=$PWD/disk.img" path=/mnt/d FileSystem=auto
        assert_match "$(inside c1 grep ' /mnt/d ' /proc/mounts)" '/mnt/d ext4 rw,nosuid,nodev.*idmapped'
        assert_eq "$(inside c1 stat -c %u:%g /mnt/d/file)" 1000:1000
        expect_fail inside c1 cat /mnt/d/null
        inside c1 sh -c 'echo new >/mnt/d/new; chown 33:33 /mnt/d/new'
        refused "device 'd'.*in use by another container" berthctl device add c2 d disk "source=$PWD/disk.img" path=/mnt/d FileSystem=ext4
        expect berthctl restart c1
        assert_eq "$(inside c1 cat /mnt/d/new)" new
        expect berthctl device remove c1 d
        eventually 5 not loop_of disk.img
        # Both may read.
        expect berthctl device add c1 d disk "source=$PWD/disk.img" path=/mnt/d FileSystem=ext4 readonly=yes
        expect berthctl device add c2 d disk "source=$PWD/disk.img" path=/mnt/d FileSystem=ext4 readonly=yes
        assert_eq "$(inside c2 cat /mnt/d/new)" new
        expect_fail inside c2 sh -c 'echo x >/mnt/d/new'
        expect berthctl delete --force c1 c2
        eventually 5 not loop_of disk.img
        mount -o loop disk.img image.d
        assert_eq "$(stat -c %u:%g image.d/new)" 33:33
        umount image.d
}

# what is no file system, or not that one: the device is named, nothing is left
test_R80_bad_image() {
        truncate -s 8M empty.img parts.img
        printf '\x55\xaa' | dd of=parts.img bs=1 seek=510 conv=notrunc status=none
        mkfs.ext4 -q -b 1024 cut.img 4096
        truncate -s 64K cut.img
        run_container c1 busybox --no-profiles
        refused "device 'd'.*no file system that is known" berthctl device add c1 d disk "source=$PWD/empty.img" path=/mnt/d FileSystem=auto
        refused "device 'd'.*partition" berthctl device add c1 d disk "source=$PWD/parts.img" path=/mnt/d FileSystem=auto
        refused "device 'd'.*cannot mount" berthctl device add c1 d disk "source=$PWD/empty.img" path=/mnt/d FileSystem=ext4
        refused "device 'd'.*cannot mount" berthctl device add c1 d disk "source=$PWD/cut.img" path=/mnt/d FileSystem=auto
        refused "FileSystem: .*'proc'" berthctl device add c1 d disk "source=$PWD/empty.img" path=/mnt/d FileSystem=proc
        refused "MountOptions: " berthctl device add c1 d disk "source=$PWD/empty.img" path=/mnt/d FileSystem=ext4 'raw.mount.options=a b'
        refused "device 'd'.*no block device" berthctl device add c1 d disk source=/usr path=/mnt/d FileSystem=auto
        for file in empty parts cut; do
                ! loop_of "$file.img" || fail "a loop device of $file.img is left"
        done
        new_container c2 busybox --no-profiles --device "d,type=disk,source=$PWD/empty.img,path=/mnt/d,FileSystem=auto"
        start_fails "device 'd'.*no file system" c2
}

# a block device: its file system mounted, or the node for who reads it by himself; the guest's kernel mounts nothing of it
test_R79_block_device() {
        an_image disk.img
        local loop
        loop=$(losetup --find --show disk.img)
        on_exit "losetup --detach '$loop'"
        run_container c1 bookworm --no-profiles
        expect berthctl device add c1 fs disk "source=$loop" path=/mnt/fs raw.mount.options=nodelalloc,commit=30
        assert_match "$(inside c1 grep ' /mnt/fs ' /proc/mounts)" 'ext4 rw,nosuid,nodev.*nodelalloc.*commit=30'
        assert_eq "$(inside c1 stat -c %u /mnt/fs/file)" 1000
        expect berthctl device add c1 node unix-block "source=$loop" path=/dev/disk mode=0660
        assert_eq "$(inside c1 stat -c %F:%u:%a /dev/disk)" "block special file:0:660"
        inside c1 dd if=/dev/disk bs=1024 skip=1 count=1 status=none | cmp - <(dd if="$loop" bs=1024 skip=1 count=1 status=none)
        inside c1 mkdir /mnt/try
        expect_fail inside c1 mount -t ext4 /dev/disk /mnt/try
        expect berthctl device remove c1 fs
        expect berthctl device remove c1 node
        expect_fail inside c1 test -e /dev/disk
}

# mounts that come later spread as it is said, and not otherwise
test_R80_propagation() {
        run_container c1 busybox --no-profiles
        mkdir -p /run/spread
        mount -t tmpfs spread /run/spread
        on_exit 'umount -R /run/spread; rmdir /run/spread'
        mount --make-private /run/spread
        mkdir /run/spread/sub
        refused "device 'd'.*not on a shared mount" berthctl device add c1 d disk source=/run/spread path=/mnt/d propagation=slave
        mount --make-shared /run/spread
        expect berthctl device add c1 d disk source=/run/spread path=/mnt/d
        mount -t tmpfs later /run/spread/sub
        touch /run/spread/sub/seen
        expect_fail inside c1 test -e /mnt/d/sub/seen
        umount /run/spread/sub
        expect berthctl device set c1 d propagation=slave
        mount -t tmpfs later /run/spread/sub
        touch /run/spread/sub/seen
        expect inside c1 test -e /mnt/d/sub/seen
        umount /run/spread/sub
        expect_fail inside c1 test -e /mnt/d/sub/seen
        # The other way round only when that is said, too.
        inside c1 mount -t tmpfs guests /mnt/d/sub
        expect_fail grep -q ' /run/spread/sub ' /proc/self/mountinfo
        inside c1 umount /mnt/d/sub
        expect berthctl device set c1 d propagation=shared
        inside c1 mount -t tmpfs guests /mnt/d/sub
        expect grep -q ' /run/spread/sub ' /proc/self/mountinfo
        expect berthctl stop c1
}

# lent: a directory of alice's with files of others in it, that nobody else reaches.
lent() {
        polkit_rule disks 'if (subject.user == "alice" && action.id.indexOf("org.berth1.") == 0) return polkit.Result.YES;'
        on_exit 'rm -rf /var/alice'
        install -d -m 0700 -o alice -g alice /var/alice /var/alice/share
        install -m 0644 -o alice -g alice /dev/stdin /var/alice/share/hers <<<hers
        install -m 0600 /dev/stdin /var/alice/share/roots <<<secret
        install -m 0600 -o bob -g bob /dev/stdin /var/alice/share/bobs <<<secret
}

# a user lends a directory of her own: she is root inside, everybody else nobody
test_S35_user_lends_a_directory() {
        lent
        on_exit 'forget u1'
        expect as alice berthctl launch busybox u1 --no-profiles
        expect as alice berthctl device add u1 d disk source=/var/alice/share path=/mnt/d
        assert_eq "$(inside u1 stat -c %u:%g /mnt/d/hers /mnt/d/roots /mnt/d/bobs | tr '\n' ' ')" '0:0 65534:65534 65534:65534 '
        inside u1 sh -c 'echo x >/mnt/d/new; chmod 600 /mnt/d/new'
        assert_eq "$(stat -c %U:%G /var/alice/share/new)" alice:alice
        expect_fail inside u1 cat /mnt/d/roots
        expect_fail inside u1 cat /mnt/d/bobs
        expect_fail inside u1 chmod 666 /mnt/d/bobs
        expect_fail inside u1 chown 0 /mnt/d/roots
        # No user but her: what another one inside would make is nobody's outside.
        inside u1 chmod 777 /mnt/d
        expect_fail inside u1 su -s /bin/sh nobody -c 'echo x >/mnt/d/by-nobody' 2>/dev/null
        expect_fail inside u1 chown 33 /mnt/d/new
        expect_fail inside u1 mknod /mnt/d/null c 1 3
        # The control: an administrator's device shows all owners, and lets root inside read.
        expect berthctl device add u1 all disk source=/var/alice/share path=/mnt/all
        assert_eq "$(inside u1 cat /mnt/all/roots)" secret
        refused "administrator" as alice berthctl device remove u1 all
        expect as alice berthctl device remove u1 d
        expect as alice berthctl device add u1 d disk source=/var/alice/share path=/mnt/d uid=1000 gid=100 readonly=yes
        assert_eq "$(inside u1 stat -c %u:%g /mnt/d/hers)" 1000:100
        expect_fail inside u1 rm /mnt/d/hers
}

# what is not hers, or asks for more, is refused; whatever she does to the path later, nothing else is lent
test_S35_user_lends_nothing_else() {
        lent
        on_exit 'forget u1'
        install -d -m 0755 /var/alice/share/of-root
        mount -t tmpfs of-root /var/alice/share/of-root
        on_exit 'umount /var/alice/share/of-root /var/alice/moved/of-root 2>/dev/null || true'
        touch /var/alice/share/of-root/seen
        expect as alice berthctl launch busybox u1 --no-profiles
        refused "administrator" as alice berthctl device add u1 d disk source=/etc path=/mnt/d
        refused "administrator" as alice berthctl device add u1 d disk source=/var/alice/share/of-root path=/mnt/d
        refused "administrator" as alice berthctl device add u1 d disk source=/var/alice/share/hers path=/mnt/d
        refused "Recursive=.*administrator" as alice berthctl device add u1 d disk source=/var/alice/share path=/mnt/d recursive=yes
        refused "Shift=.*administrator" as alice berthctl device add u1 d disk source=/var/alice/share path=/mnt/d shift=no
        refused "Propagation=.*administrator" as alice berthctl device add u1 d disk source=/var/alice/share path=/mnt/d propagation=shared
        refused "denied" as alice busctl call org.berth1 /org/berth1 org.berth1.Manager AddDevice 'ssa{ss}' u1 d 4 Type disk Source /etc Path /mnt/d SourceUID "$(id -u alice)"
        expect as alice berthctl device add u1 d disk source=/var/alice/share path=/mnt/d
        expect_fail inside u1 test -e /mnt/d/of-root/seen
        refused "administrator" as alice berthctl set u1 Device.d.Source=/etc
        refused "administrator" as alice berthctl set u1 Device.d.SourceUID=0
        refused "administrator" as alice berthctl device set u1 d Recursive=yes
        umount /var/alice/share/of-root
        expect as alice berthctl stop u1
        as alice mv /var/alice/share /var/alice/moved
        start_fails "device 'd'.*'/var/alice/share'" u1
        as alice mkdir /var/alice/share
        start_fails "device 'd'.*another directory" u1
        as alice rmdir /var/alice/share
        as alice ln -s /etc /var/alice/share
        start_fails "device 'd'.*symbolic links" u1
        as alice rm /var/alice/share
        as alice ln -s /var/alice/moved /var/alice/share
        start_fails "device 'd'.*symbolic links" u1
        as alice rm /var/alice/share
        as alice mv /var/alice/moved /var/alice/share
        chown bob /var/alice/share
        start_fails "device 'd'.*no directory of the user" u1
        chown alice /var/alice/share
        # The control.
        expect berthctl start u1
        expect inside u1 test -e /mnt/d/hers
}

# /dev/fuse for who wants a file system of his own; one that never answers holds nobody but its user
test_R80_hanging_guest() {
        local supervisor start
        run_container c1 bookworm --no-profiles
        mkdir -p /run/share1
        on_exit 'rm -rf /run/share1'
        touch /run/share1/file
        expect berthctl device add c1 fuse fuse
        assert_eq "$(inside c1 stat -c %t:%T:%a /dev/fuse)" a:e5:666
        # One file system that answers INIT and then nothing: what waits for it cannot even be killed. Another that never answers at all.
        cat >hang.pl <<'END'
use Fcntl;
my ($dir, $init) = @ARGV;
mkdir $dir;
sysopen my $f, "/dev/fuse", O_RDWR or die "fuse: $!";
fcntl $f, F_SETFD, 0;
my $fd = fileno $f;
system("mount", "-i", "-t", "fuse", "-o", "fd=$fd,rootmode=40000,user_id=0,group_id=0", "hang", $dir) == 0 or die "mount";
if ($init) {
        sysread $f, my $request, 1 << 17 or die;
        my ($length, $opcode, $unique) = unpack "LLQ", $request;
        syswrite $f, pack("LlQLLLLSSLLSSLx28", 80, 0, $unique, 7, 31, 0, 0, 0, 0, 4096, 1, 0, 0, 0);
        sysread $f, $request, 1 << 17;
}
sleep 1000;
END
        expect berthctl copy-to c1 hang.pl /root/hang.pl
        inside c1 systemd-run --quiet --unit=hang1 perl /root/hang.pl /mnt/hang1 1
        inside c1 systemd-run --quiet --unit=hang2 perl /root/hang.pl /mnt/hang2 0
        eventually 10 inside c1 grep -q ' /mnt/hang2 ' /proc/mounts
        eventually 10 inside c1 grep -q ' /mnt/hang1 ' /proc/mounts
        supervisor=$(supervisor_of c1)
        expect_fail --message "device 'd'.*did not come to an end in 5 s" berthctl device add c1 d disk source=/run/share1 path=/mnt/hang1/a/b
        expect_fail --message "device 'e'.*did not come to an end in 5 s" berthctl device add c1 e disk source=/run/share1 path=/mnt/hang2/a
        expect_fail --message "device 'n'.*did not come to an end in 5 s" berthctl device add c1 n unix-char source=/dev/zero path=/mnt/hang1/zero
        # The supervisor goes on as if nothing had been.
        assert_eq "$(supervisor_of c1)" "$supervisor"
        expect berthctl device add c1 d disk source=/run/share1 path=/mnt/good
        expect inside c1 test -e /mnt/good/file
        assert_eq "$(berthctl device list c1 --json=short | jq -r '[.[].name] | sort | join(" ")')" 'd fuse'
        start=$SECONDS
        expect berthctl stop --force c1
        [ $((SECONDS - start)) -lt 20 ] || fail "its end took $((SECONDS - start)) s"
        expect berthctl start c1
        expect inside c1 test -e /mnt/good/file
}

# inotify: a container may have so many, all its users together, whatever it says itself; another one is not bound by that
test_R95_inotify_room() {
        cat >inotify.pl <<'END'
my (@fds, $fd);
if ($ARGV[0] && open my $f, ">", "/proc/sys/user/max_inotify_instances") { print $f 1000; close $f }
$> = 1000 if $ARGV[1];
# inotify_init1(2)
push @fds, $fd while @fds < 16 && ($fd = syscall 294, 0) >= 0;
print scalar @fds, "\n";
END
        run_container c1 bookworm --no-profiles --set InotifyInstancesMax=14
        run_container c2 bookworm --no-profiles
        expect berthctl copy-to c1 inotify.pl /root/inotify.pl
        expect berthctl copy-to c2 inotify.pl /root/inotify.pl
        local n
        n=$(inside c1 perl /root/inotify.pl 0 0)
        [ "$n" -ge 1 ] && [ "$n" -lt 14 ] || fail "it has $n"
        [ "$(inside c1 perl /root/inotify.pl 1 1)" -lt 14 ] || fail "it has more than it may"
        assert_eq "$(inside c2 perl /root/inotify.pl 0 0)" 16
}
