# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# berthctl itself: help, tables, JSON, exit codes, names of verbs, completion, manual pages.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
        expect berthctl launch busybox web1
        expect berthctl create busybox off
}

teardown_file() {
        remove_all
}

# every verb has help, and the help names all of them
test_R17_help() {
        local verb text
        text=$(berthctl --help)
        for verb in list list-images list-jobs status show info top create launch run init check set-server get-server unset-server start stop restart reboot terminate kill freeze thaw delete enable disable \
                exec shell login console copy-to copy-from run-in import show-image remove-image alias set get unset cat cancel; do
                grep -qw -e "$verb" <<<"$text" || fail "the help does not name '$verb'"
                assert_match "$(berthctl "$verb" --help)" "berthctl .*$verb"
        done
        # The other names of verbs have the help of their verb.
        assert_eq "$(berthctl poweroff --help)" "$(berthctl stop --help)"
        assert_match "$(berthctl --version)" '[0-9]'
        assert_match "$(berthctl help)" launch
}

# -q is quiet, --no-pager prints, a pager that is not there is none
test_R47_quiet_and_pager() {
        assert_eq "$(berthctl -q create busybox quiet)" ''
        berthctl delete quiet
        PAGER=false SYSTEMD_PAGER=false BERTH_PAGER=false script -qec 'berthctl list --no-pager' typescript </dev/null >/dev/null
        grep -q web1 typescript || fail "nothing without a pager: $(cat -v typescript)"
        # less stays when it has cut a line off.
        PAGER=/no/such/pager SYSTEMD_PAGER=/no/such/pager script -qec 'stty cols 200; berthctl list' typescript </dev/null >/dev/null
        grep -q web1 typescript || fail "nothing with a pager that is not there: $(cat -v typescript)"
}

# settings can be looked up
test_R72_help_settings() {
        local text
        text=$(berthctl help settings)
        assert_match "$text" 'MemoryMax='
        assert_match "$text" 'limits\.memory'
        assert_match "$text" '\[Security\]'
}

# manual pages of what there is
test_R17_manual_pages() {
        local page
        for page in man1/berthctl.1 man5/berth.container.5 man8/berth-launch.8; do
                [ -n "$(find /usr/share/man -path "*/$page*")" ] || dpkg -L berth | grep -F "$page" >/dev/null || fail "the package has no $page"
        done
}

# LXD's names of verbs beside machinectl's
test_R49_other_names_of_verbs() {
        # Without addresses: web1 gets one at any moment.
        assert_eq "$(berthctl ls --json=short | jq -c 'map(del(.addresses))')" "$(berthctl list --json=short | jq -c 'map(del(.addresses))')"
        assert_eq "$(berthctl image list --json=short)" "$(berthctl list-images --json=short)"
        expect berthctl image-status busybox
}

# JSON is JSON, for every list and every object
test_R47_json() {
        local command
        for command in list list-images list-jobs 'show web1' 'show-image busybox'; do
                # shellcheck disable=SC2086 # words
                berthctl $command --json=short | jq -e . >/dev/null || fail "no JSON of $command"
                # shellcheck disable=SC2086
                berthctl $command --json=pretty | jq -e . >/dev/null || fail "no JSON of $command"
                # shellcheck disable=SC2086
                assert_eq "$(berthctl $command --json=short | wc -l)" 1 "lines of short JSON of $command"
        done
        assert_eq "$(berthctl list -j | jq length)" 2
        refused 'xml' berthctl list --json=xml
}

# exit codes: 0, 1 for what failed, another one for what was not understood
test_R51_exit_codes() {
        local rc
        expect berthctl list
        expect_fail --status 1 berthctl start nosuch
        rc=0
        berthctl frobnicate 2>/dev/null || rc=$?
        assert_match "$rc" '^(1|2|64)$' 'status of a wrong usage'
        # Nothing on standard output when something fails.
        assert_eq "$(berthctl start nosuch 2>/dev/null || true)" ''
        # Nothing to say when all is well.
        assert_eq "$(berthctl restart --force web1 2>&1)" ''
        # Output that cannot be written is a failure.
        expect_fail sh -c 'berthctl list >/dev/full'
}

# messages say what is the matter and what to do next; in one line
test_R51_messages() {
        local text
        text=$(berthctl exec off -- true 2>&1 || true)
        assert_match "$text" "'off'"
        assert_match "$text" 'berthctl start off'
        assert_eq "$(wc -l <<<"$text")" 1
        assert_match "$(berthctl start web1 2>&1 || true)" "'web1'"
        assert_match "$(berthctl delete web1 2>&1 || true)" "'web1'.*[Ss]top"
        assert_match "$(berthctl lunch busybox x 2>&1 || true)" 'launch'
        text=$(berthctl show-image nosuch 2>&1 || true)
        assert_match "$text" "list-images"
}

# a narrow terminal cuts columns, not lines in two; a pipe gets everything
test_R47_narrow_terminal() {
        script -qec 'stty cols 50; berthctl list --no-pager' typescript </dev/null >/dev/null
        [ "$(sed 's/\x1b\[[0-9;]*m//g' typescript | tr -d '\r' | grep -v '^Script' | awk '{ if (length > m) m = length } END { print m + 0 }')" -le 100 ] || fail "$(cat -v typescript)"
        berthctl list | grep -q "$(leader_of web1)"
}

# completion of verbs and names
test_R17_completion() {
        # shellcheck disable=SC2016
        assert_match "$(bash -c '
                . /usr/share/bash-completion/bash_completion
                _completion_loader berthctl 2>/dev/null || _comp_load berthctl
                complete -p berthctl >/dev/null || exit 1
                complete_with() {
                        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}; COMPREPLY=()
                        $(complete -p berthctl | sed -n "s/.*-F \([^ ]*\).*/\1/p") berthctl "${@: -1}" "${@: -2:1}"
                        echo "${COMPREPLY[*]}"
                }
                complete_with berthctl laun
                complete_with berthctl stop we
                complete_with berthctl launch bus
                complete_with berthctl profile ass
                complete_with berthctl set-server Idle' 2>&1 | xargs)" 'launch.*web1.*busybox.*assign.*IdleExitSec='
}

# completing TYPED...: what bash offers for the last of these words, on one line
completing() {
        # shellcheck disable=SC2016
        bash -c '
                . /usr/share/bash-completion/bash_completion
                _completion_loader berthctl 2>/dev/null || _comp_load berthctl
                # As readline splits words, and as it calls.
                mapfile -t COMP_WORDS < <(for word; do grep -oE "[:=]|[^:=]+" <<<"$word" || echo; done)
                COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE="$*" COMPREPLY=()
                COMP_POINT=${#COMP_LINE}
                compopt() { :; }
                _berthctl berthctl "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
                printf "%s\n" "${COMPREPLY[@]}" | sort | xargs' - berthctl "$@" 2>/dev/null
}

# snapshots, servers, settings: what verbs of theirs take
test_R17_completion_words() {
        expect berthctl snapshot web1 before
        expect berthctl snapshot web1 after
        on_exit 'berthctl delete web1/before web1/after'
        assert_eq "$(completing copy web1/)" 'web1/after web1/before'
        assert_eq "$(completing copy web1/b)" web1/before
        assert_eq "$(completing delete web1/a)" web1/after
        assert_eq "$(completing restore web1 '')" 'after before'
        assert_eq "$(completing publish we)" web1
        assert_eq "$(completing expire web1/be)" web1/before
        assert_eq "$(completing snapshot we)" web1
        assert_eq "$(completing start web1/)" ''
        assert_eq "$(completing copy-image ubuntu-d)" ubuntu-daily:
        assert_eq "$(completing launch bus)" busybox
        assert_eq "$(completing launch ubuntu-d)" ubuntu-daily:
        assert_eq "$(completing set web1 SnapshotExp)" "$(berthctl help settings | sed -n 's/^  \(SnapshotExp[A-Za-z]*=\).*/\1/p' | xargs)"
        assert_eq "$(completing get web1 MemoryMa)" MemoryMax
        assert_eq "$(completing image-set busybox pub)" public=
        assert_eq "$(completing export --me)" --metadata
        assert_eq "$(completing alias rem)" remove
        assert_eq "$(completing alias remove bus)" busybox
}
