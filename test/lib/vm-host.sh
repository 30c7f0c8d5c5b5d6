# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A test host that is a virtual machine: a kernel of its own, with AppArmor and all cgroup controllers, and
# a disk that a reboot finds again. Emulated (10 to 25 times slower) where the processor cannot do it.
#
# Commands go through ssh to a port of the loopback interface, with a key that is made with the image; one
# connection stays open and is shared. The folder of a host ($dir in all functions):
#   qemu          process id (see process_id)
#   image         the folder of the image in the cache: disk.raw vmlinuz initrd.img key
#   disk.qcow2    what the host has written
#   port          of ssh
#   console       what it printed on its serial line

# vm_has_kvm: hardware acceleration that works; the device alone is not enough.
vm_has_kvm() {
        grep -qE '^flags.*\b(vmx|svm)\b' /proc/cpuinfo && { : <>/dev/kvm; } 2>/dev/null
}

# vm_wait SECONDS: how long something may take here that takes so many seconds with KVM.
vm_wait() {
        if vm_has_kvm; then
                echo "$1"
        else
                echo $(($1 * 10))
        fi
}

# vm_up DIR NAME TREE
vm_up() {
        local dir=$1 name=$2 tree=$3 image
        need_packages "${MACHINE_PACKAGES[@]}" "${MACHINE_VM_PACKAGES[@]}"
        image=$(cache_entry "vm/${tree##*/}" make_vm_image "$tree") || exit 1
        echo "$image" >"$dir/image"
        qemu-img create -q -f qcow2 -F raw -b "$image/disk.raw" "$dir/disk.qcow2"
        vm_boot "$dir" "$name"
}

make_vm_image() {
        local image=$1 tree=$2 root
        mkdir -p "$image" || return 1
        ssh-keygen -q -t ed25519 -N '' -C berth-test -f "$image/key" || return 1
        cp "$(compgen -G "$tree/boot/vmlinuz-*")" "$image/vmlinuz" || return 1
        cp "$(compgen -G "$tree/boot/initrd.img-*")" "$image/initrd.img" || return 1
        # Filled without mounting anything; attributes and capabilities are kept.
        mke2fs -q -t ext4 -E root_owner=0:0 -d "$tree" "$image/disk.raw" 12G || return 1
        debugfs -w -f - "$image/disk.raw" >/dev/null <<END || return 1
mkdir /root/.ssh
write $image/key.pub /root/.ssh/authorized_keys
END
}

vm_boot() {
        local dir=$1 name=$2 image i
        image=$(<"$dir/image")
        # Where all is emulated, what costs most is what real processors do at no cost: a clock that is a device (the kernel takes the TSC for unstable), tables
        # of pages with five levels, calls through retpolines, and each letter on a serial line.
        local accel=(-accel "tcg,thread=multi" -cpu max,la57=off) arguments='tsc=reliable mitigations=off quiet'
        ! vm_has_kvm || accel=(-accel kvm -cpu host) arguments=''
        # Somebody else may take the port between our choice and qemu's.
        for i in {1..10}; do
                echo $((20000 + SRANDOM % 20000)) >"$dir/port"
                local qemu=(
                        qemu-system-x86_64 -machine q35 "${accel[@]}" -smp 2 -m 3072 -nodefaults -no-user-config -display none
                        -kernel "$image/vmlinuz" -initrd "$image/initrd.img"
                        -append "console=ttyS0 root=/dev/vda rw security=apparmor apparmor=1 systemd.hostname=$name $arguments"
                        -drive "file=$dir/disk.qcow2,if=virtio,cache=unsafe,discard=unmap" -device virtio-rng-pci
                        -netdev "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:$(<"$dir/port")-:22"
                        -device virtio-net-pci,netdev=net -serial "file:$dir/console" -pidfile "$dir/qemu.pid"
                )
                rm -f "$dir/qemu.pid" "$dir/qemu"
                spawn_detached "berth-test-$name" "$dir/qemu.log" "${qemu[@]}"
                if wait_until 10 test -s "$dir/qemu.pid" && process_id "$(<"$dir/qemu.pid")" >"$dir/qemu"; then
                        break
                fi
                grep -q 'Could not set up host forwarding' "$dir/qemu.log" || break
        done
        [ -s "$dir/qemu" ] || {
                cat "$dir/qemu.log" >&2
                die "qemu does not start"
        }
        vm_wait_up "$dir" none
}

# vm_wait_up DIR OLD_BOOT_ID
vm_wait_up() {
        local dir=$1 old=$2
        if ! wait_until "$(vm_wait 60)" vm_settled "$dir" "$old"; then
                tail -n 20 "$dir/console" >&2
                die "the host '${dir##*/}' did not come up; its console: $dir/console"
        fi
}

vm_settled() {
        local dir=$1 old=$2 state
        vm_lives "$dir" || die "qemu ended; see $dir/console"
        state=$(vm_ssh "$dir" "echo \$(cat /proc/sys/kernel/random/boot_id) \$(systemctl is-system-running)" 2>/dev/null </dev/null) ||
                true
        [ "${state% *}" != "$old" ] || return 1
        case ${state#* } in
        running | degraded | maintenance) vm_connect "$dir" ;;
        *) return 1 ;;
        esac
}

# vm_options DIR: sets ssh_options.
vm_options() {
        ssh_options=(
                -F none -i "$(<"$1/image")/key" -p "$(<"$1/port")" -o User=root -o IdentitiesOnly=yes -o BatchMode=yes
                -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o ConnectTimeout=30
                -o ControlPath="/run/berth-test/${1##*/}.ssh"
        )
}

# vm_connect DIR: the connection that the commands share, so that only the first pays for the keys.
vm_connect() {
        local ssh_options
        mkdir -p -m 0700 /run/berth-test
        vm_disconnect "$1"
        vm_options "$1"
        ssh "${ssh_options[@]}" -o ControlMaster=yes -o ServerAliveInterval=30 -f -N 127.0.0.1 </dev/null >/dev/null 2>&1 || true
}

vm_disconnect() {
        local ssh_options
        [ -e "/run/berth-test/${1##*/}.ssh" ] || return 0
        vm_options "$1"
        ssh "${ssh_options[@]}" -O exit 127.0.0.1 >/dev/null 2>&1 || true
        rm -f "/run/berth-test/${1##*/}.ssh"
}

# vm_ssh DIR COMMAND_LINE
vm_ssh() {
        local ssh_options
        vm_options "$1"
        ssh "${ssh_options[@]}" -T 127.0.0.1 "$2"
}

vm_lives() {
        [ -s "$1/qemu" ] && process_lives "$(<"$1/qemu")"
}

# vm_run DIR USER COMMAND...
vm_run() {
        local dir=$1 user=$2 home=/root line
        shift 2
        vm_lives "$dir" || die "the host is not running"
        [ "$user" = root ] || home=/home/$user
        line=$(printf '%q ' env --ignore-environment --chdir="$home" "${RUN_ENVIRONMENT[@]}" \
                HOME="$home" USER="$user" LOGNAME="$user" SHELL=/bin/bash \
                systemd-run --quiet --scope --collect --uid="$user" -- env "$@")
        # A shell stays, or a death by a signal would be a 255 here.
        vm_ssh "$dir" "$line; exit \$?"
}

vm_shell() {
        local ssh_options
        vm_options "$1"
        ssh "${ssh_options[@]}" 127.0.0.1
}

# vm_journal DIR ARGUMENT...: also of a host that is dead, from its disk.
vm_journal() {
        local dir=$1 folder
        shift
        if vm_lives "$dir" && vm_ssh "$dir" true </dev/null 2>/dev/null; then
                vm_ssh "$dir" "$(printf '%q ' journalctl --no-pager "$@")" </dev/null
                return 0
        fi
        folder=$(mktemp -d /var/tmp/berth-journal.XXXXXX)
        on_exit "rm -rf '$folder'"
        qemu-img convert -U -O raw "$dir/disk.qcow2" "$folder/disk.raw"
        # What the file system has not written to its place yet.
        e2fsck -p "$folder/disk.raw" >/dev/null 2>&1 || true
        debugfs -R "rdump /var/log/journal $folder" "$folder/disk.raw" >/dev/null 2>&1
        journalctl --directory="$folder/journal" --no-pager "$@"
}

vm_reboot() {
        local dir=$1 old
        old=$(vm_ssh "$dir" "cat /proc/sys/kernel/random/boot_id")
        vm_ssh "$dir" "systemctl reboot" || true
        vm_disconnect "$dir"
        vm_wait_up "$dir" "$old"
}

# vm_power_cut DIR: what the kernel has not written to the disk is lost, as when the power goes; it boots again.
vm_power_cut() {
        local dir=$1 old last
        old=$(vm_ssh "$dir" "cat /proc/sys/kernel/random/boot_id")
        # No answer comes to this one, nor an end.
        vm_ssh "$dir" "sleep 1; echo b >/proc/sysrq-trigger" >/dev/null 2>&1 </dev/null &
        last=$!
        sleep 2
        vm_disconnect "$dir"
        vm_wait_up "$dir" "$old"
        kill "$last" 2>/dev/null || true
        wait "$last" || true
}

# vm_down DIR: end it and take away all that is left, but for the folder.
vm_down() {
        local dir=$1 name=${1##*/}
        vm_disconnect "$dir"
        [ ! -s "$dir/qemu" ] || process_end "$(<"$dir/qemu")" || die "could not end qemu of '$name'"
        rmdir /run/berth-test 2>/dev/null || true
}
