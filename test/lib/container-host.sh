# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A test host that is a booted container: systemd as PID 1 on an overlay over the base tree. All
# its mounts are in a mount namespace of its own, so they cannot outlive its processes. It is made by
# systemd-nspawn, with or without systemd as PID 1 of the machine, on cgroup v1 or v2.
#
# /var is a copy, not overlay: an overlay cannot be the upper layer of another, and
# containers live in /var.
#
# The folder of a host ($dir in all functions):
#   kind suite    what it is
#   nspawn init   process ids (see process_id) of systemd-nspawn and of the host's PID 1
#   upper work root var   the layers
#   console       what it printed while it booted

# On a machine without a service manager; nspawn makes the second one like the first.
readonly HOST_CGROUPS=/sys/fs/cgroup/unified/berth-test
readonly HOST_CGROUPS_LEGACY=/sys/fs/cgroup/systemd/berth-test

# container_up DIR NAME TREE
container_up() {
        local dir=$1 name=$2 tree=$3
        need_packages "${MACHINE_PACKAGES[@]}"

        mkdir -p "$dir"/{upper/etc,work,root}
        cp -a "$tree/var" "$dir/var"
        tr -d '\n-' </proc/sys/kernel/random/uuid >"$dir/upper/etc/machine-id"
        echo >>"$dir/upper/etc/machine-id"
        echo "$name" >"$dir/upper/etc/hostname"
        printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$name" >"$dir/upper/etc/hosts"
        printf '%s\n' "$tree" >"$dir/tree"

        container_boot "$dir" "$name"
}

# container_boot DIR NAME: start it and wait until it is up. Also after it has powered off.
container_boot() {
        local dir=$1 name=$2 pid
        container_spawn "$dir" "$name"
        if ! wait_until 60 container_find_init "$dir"; then
                tail -n 20 "$dir/console" >&2
                die "the host '$name' did not boot; its console: $dir/console"
        fi
        if ! wait_until 60 container_settled "$dir"; then
                tail -n 20 "$dir/console" >&2
                die "the host '$name' came up, but not to the end; its console: $dir/console"
        fi
}

# container_spawn DIR NAME: run nspawn in the background and remember it.
container_spawn() {
        local dir=$1 name=$2 tree pid
        tree=$(<"$dir/tree")
        rm -f "$dir/init" "$dir/nspawn"
        local nspawn=(
                env -i PATH="$PATH" SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_SECCOMP=0
                SYSTEMD_NSPAWN_API_VFS_WRITABLE=network
                systemd-nspawn --quiet --boot --directory="$dir/root" --machine="berth-test-$name" --hostname="$name"
                --register=no --keep-unit --private-network --capability=all
                --resolv-conf=off --timezone=off --link-journal=no --console=read-only
                --bind="$dir/var:/var" --bind=/dev/fuse --bind=/dev/net/tun --bind=/dev/loop-control
        )
        # Without a service manager: a cgroup of its own, or else two hosts would use the same one.
        local cgroup=''
        if [ ! -d /run/systemd/system ] && [ -d "${HOST_CGROUPS%/*}" ]; then
                cgroup=$HOST_CGROUPS/$name
                mkdir -p "$cgroup"
        fi
        # Mounts in the new namespace only; then nspawn takes the place of this shell.
        spawn_detached "berth-test-$name" "$dir/console" unshare --mount --propagation private bash -euc '
                [ -z "$1" ] || echo $$ >"$1/cgroup.procs"
                mount -t overlay overlay -o "lowerdir=$2,upperdir=$3/upper,workdir=$3/work" "$3/root"
                echo $$ >"$3/nspawn.pid"
                shift 3
                exec "$@"' - "$cgroup" "$tree" "$dir" "${nspawn[@]}"
        wait_until 10 test -s "$dir/nspawn.pid" || true
        pid=$(cat "$dir/nspawn.pid" 2>/dev/null || echo 0)
        rm -f "$dir/nspawn.pid"
        process_id "$pid" >"$dir/nspawn" || {
                cat "$dir/console" >&2
                die "systemd-nspawn ended at once"
        }
}

# container_find_init DIR: the descendant of nspawn that is PID 1 of a namespace of its own.
container_find_init() {
        local dir=$1 nspawn children child ids
        nspawn=$(<"$dir/nspawn")
        process_lives "$nspawn" || die "systemd-nspawn ended; its output: $dir/console"
        children=$(cat "/proc/${nspawn%%:*}/task"/*/children 2>/dev/null) || return 1
        for child in $children; do
                ids=$(sed -n 's/^NSpid:\t//p' "/proc/$child/status" 2>/dev/null) || continue
                # A shell in the middle of set-up may be PID 1 too; systemd is called so.
                if [ "${ids##*$'\t'}" = 1 ] && [ "$ids" != 1 ] && [ "$(<"/proc/$child/comm")" = systemd ]; then
                        process_id "$child" >"$dir/init"
                        return 0
                fi
        done
        return 1
}

container_settled() {
        local state
        state=$(container_enter "$1" systemctl is-system-running 2>/dev/null) || true
        case $state in
        running | degraded | maintenance) return 0 ;;
        esac
        return 1
}

container_lives() {
        [ -s "$1/init" ] && process_lives "$(<"$1/init")"
}

# container_enter DIR COMMAND...: as root in all its namespaces, environment as given.
container_enter() {
        local dir=$1 init
        shift
        init=$(<"$dir/init")
        process_lives "$init" || die "the host is not running"
        nsenter --target "${init%%:*}" --all -- "$@"
}

# container_run DIR USER COMMAND...: in a scope of its own, as if started on the host. Takes the place of
# this shell, so that signals and the exit status pass by themselves.
container_run() {
        local dir=$1 user=$2 init cgroup top home=/root
        shift 2
        init=$(<"$dir/init")
        process_lives "$init" || die "the host is not running"
        # From inside, a process outside of the host's cgroups could not be moved into a scope.
        cgroup=$(sed -n 's/^0:://p' "/proc/${init%%:*}/cgroup")
        for top in /sys/fs/cgroup/unified /sys/fs/cgroup; do
                [ -e "$top$cgroup/cgroup.procs" ] || continue
                echo "$BASHPID" >"$top$cgroup/cgroup.procs"
                break
        done
        [ "$user" = root ] || home=/home/$user
        exec nsenter --target "${init%%:*}" --all -- \
                env --ignore-environment --chdir="$home" "${RUN_ENVIRONMENT[@]}" \
                HOME="$home" USER="$user" LOGNAME="$user" SHELL=/bin/bash \
                systemd-run --quiet --scope --collect --uid="$user" -- env "$@"
}

# container_journal DIR ARGUMENT...: from the disk, so that it works for a host that is dead.
container_journal() {
        local dir=$1
        shift
        # What is still in memory of a journald that lives is written first.
        if container_lives "$dir"; then
                container_enter "$dir" timeout 5 journalctl --sync >/dev/null 2>&1 || true
        fi
        journalctl --directory="$dir/var/log/journal" --no-pager "$@"
}

# container_stop DIR: end it as a power cut does. Killing its PID 1 ends all of its
# processes, and the kernel takes its mounts, interfaces and namespaces with them.
container_stop() {
        local dir=$1 name=${1##*/} file
        for file in init nspawn; do
                [ ! -s "$dir/$file" ] || process_end "$(<"$dir/$file")" || die "could not end $file of '$name'"
        done
        if [ -d /run/systemd/system ]; then
                systemctl stop "berth-test-$name.service" 2>/dev/null || true
        fi
        rm -f "$dir/init" "$dir/nspawn"
}

# container_down DIR: end it and take away all that is left, but for the folder.
container_down() {
        local dir=$1 name=${1##*/} loops loop
        loops=$(container_loops "$dir")
        container_stop "$dir"
        for loop in $loops; do
                # Gone by itself, if it was only kept by a mount.
                losetup --detach "$loop" 2>/dev/null || true
        done
        # What was interrupted while it booted has not said yet who its PID 1 is.
        [ ! -e "$HOST_CGROUPS/$name/cgroup.kill" ] || echo 1 >"$HOST_CGROUPS/$name/cgroup.kill"
        # nspawn, when killed, leaves these.
        rm -rf "/run/systemd/nspawn/propagate/berth-test-$name"
        rmdir "/run/systemd/nspawn/unix-export/berth-test-$name" 2>/dev/null || true
        local top
        for top in "$HOST_CGROUPS" "$HOST_CGROUPS_LEGACY"; do
                [ -d "$top/$name" ] || continue
                wait_until 10 remove_cgroups "$top/$name" || die "a process of '$name' is still there"
                rmdir "$top" 2>/dev/null || true
        done
}

# container_loops DIR: the loop devices that belong to this host. They are the machine's, in one list for all
# hosts: a device is this host's if its file is found in the host, or on a file system that only the host has mounted.
container_loops() {
        local dir=$1 own loop device inode file root
        container_lives "$dir" || return 0
        root=$(<"$dir/init")
        root=/proc/${root%%:*}/root
        own=$(comm -23 <(container_devices "${root%/root}") <(container_devices /proc/self))
        losetup --list --noheadings --raw --output NAME,BACK-MAJ:MIN,BACK-INO,BACK-FILE |
                while read -r loop device inode file; do
                        # Raw output writes blanks, and even padding, as \\x20.
                        device=${device//\\x20/}
                        file=$(printf '%b' "$file")
                        if [[ $'\n'$own$'\n' = *$'\n'$device$'\n'* ]] ||
                                [ "$(stat --format=%Hd:%Ld:%i "$root$file" 2>/dev/null)" = "$device:$inode" ]; then
                                echo "$loop"
                        fi
                done
}

# container_devices /proc/PID: the device numbers of all file systems that it has mounted.
container_devices() {
        cut -d' ' -f3 "$1/mountinfo" | sort -u
}

remove_cgroups() {
        find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
        [ ! -d "$1" ]
}

container_shell() {
        container_enter "$1" env --ignore-environment "${RUN_ENVIRONMENT[@]}" \
                systemd-run --quiet --pty --wait --collect --property=PAMName=login --uid=root \
                --setenv=TERM="${TERM:-dumb}" -- bash -l
}

# container_reboot DIR: an orderly reboot. nspawn does not boot a payload again that it did not register, so this does.
container_reboot() {
        local dir=$1 init
        init=$(<"$dir/init")
        container_enter "$dir" systemctl reboot
        wait_until 120 container_gone "$init" || die "the host did not go down"
        container_stop "$dir"
        container_boot "$dir" "${dir##*/}"
}

container_gone() {
        ! process_lives "$1"
}
