# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Sessions of users, by logind: what polkit asks about. Behind berth.sh.

# log_in USER [TTY]: a session on seat0 that stays until log_out. In a container the seat has no terminals, so whichever session comes last is the active
# one, or who is made so; where it has them, TTY says on which it is.
log_in() {
        local user=$1 terminal=()
        [ $# -lt 2 ] || terminal=(--property=StandardInput=tty --property="TTYPath=/dev/$2" --property=StandardOutput=journal)
        systemd-run --quiet --collect --unit="session-of-$user" --property=PAMName=login --uid="$user" --setenv=XDG_SEAT=seat0 --setenv=XDG_SESSION_TYPE=tty \
                "${terminal[@]}" bash -c 'mkfifo -m 600 "$HOME/session" && while :; do bash <"$HOME/session"; done'
        eventually 20 test -p "/home/$user/session"
        eventually 20 systemctl --quiet is-active "user@$(id -u "$user").service"
}

session_is_gone() {
        ! systemctl --quiet is-active "session-of-$1.service" && ! systemctl --quiet is-active "user@$(id -u "$1").service"
}

log_out() {
        local user=$1
        loginctl terminate-user "$user" 2>/dev/null || true
        systemctl stop "session-of-$user.service" 2>/dev/null || true
        rm -f "/home/$user/session"
        # It is kept for UserStopDelaySec=, which is 10 s.
        eventually 60 session_is_gone "$user"
}

# activate USER: its session becomes the active one of the seat, which with terminals takes its time.
activate() {
        local session
        session=$(loginctl list-sessions --no-legend | awk -v user="$1" '$3 == user && $4 == "seat0" { print $1; exit }')
        loginctl activate "$session"
        eventually 20 session_is_active "$session"
}

session_is_active() {
        [ "$(loginctl show-session "$1" --property=Active --value)" = yes ]
}

# in_session USER COMMAND...: in the session, which becomes the active one of its seat, with its output and exit status. Standard input is empty.
in_session() {
        activate "$1"
        in_session_as_it_is "$@"
}

in_session_as_it_is() {
        local user=$1 dir status
        shift
        dir=$(mktemp -d -p "/home/$user")
        chown "$user:" "$dir"
        mkfifo -m 600 "$dir/status"
        chown "$user:" "$dir/status"
        printf '%s' "${*@Q}" >"$dir/command"
        chmod 0644 "$dir/command"
        echo "(bash $dir/command >$dir/out 2>$dir/err </dev/null; echo \$? >$dir/status) &" >"/home/$user/session"
        read -r status <"$dir/status"
        cat "$dir/out"
        cat "$dir/err" >&2
        rm -r "$dir"
        # A subshell's end is told once, by who expected another one.
        (exit "$status")
}

# state_for NAME STATE: for eventually.
state_for() {
        [ "$(state_of "$1")" = "$2" ]
}
