# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is said of an image and who sees it: filters, properties, dates, public and private, edits, use, architecture.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        expect berthctl import --quiet "$(guest busybox)" --alias bb
}

teardown_file() {
        remove_all
}

# found: the aliases that list-images shows for these words
found() {
        berthctl list-images --json=short "$@" | jq -c '[.[].aliases[]] | sort'
}

# words are found in names and descriptions; KEY=VALUE is a property, the architecture, the type or public, and all of them must be so
test_R22_filters() {
        a_rootfs a.tar
        on_exit 'forget_image debian/13/amd64'
        expect berthctl import a.tar --alias debian/13/amd64 --alias trixie --property os=Debian --property release=trixie --description 'Debian 13' --public
        assert_eq "$(found)" '["bb","debian/13/amd64","trixie"]'
        assert_eq "$(found deb)" '["debian/13/amd64","trixie"]'
        assert_eq "$(found os=debian)" '["debian/13/amd64","trixie"]'
        assert_eq "$(found os=debian release=bookworm)" '[]'
        assert_eq "$(found public=true)" '["debian/13/amd64","trixie"]'
        assert_eq "$(found public=no type=plain)" '["bb"]'
        assert_eq "$(found "architecture=$(uname -m)")" '["bb"]'
        assert_eq "$(found 'release=tri*' 13)" '["debian/13/amd64","trixie"]'
        assert_match "$(berthctl list-images)" 'PUBLIC'
        assert_match "$(berthctl list-images trixie)" ' yes '
}

# all that is known of it
test_R23_status() {
        local text
        run_container c1 bb
        text=$(berthctl image-status bb)
        assert_match "$text" "Fingerprint: $(fingerprint_of "$(guest busybox)")"
        assert_match "$text" 'Public: no'
        assert_match "$text" "Architecture: $(uname -m)"
        assert_match "$text" 'Expires: never'
        assert_match "$text" "Last used: $(date +%Y-)"
        assert_match "$text" 'Auto-update: no'
        assert_match "$text" 'Used by: c1'
        assert_match "$text" 'Unpacked: '
        # It is on the disk, not in the manager.
        systemctl kill --signal=KILL berth-containerd
        assert_eq "$(berthctl show-image bb -p LastUsedUSec --value | cut -c1-10)" "$(stat -c %Y "$STORE/images/$(image_of bb)/used")"
        forget c1
        assert_no_match "$(berthctl image-status bb)" 'Used by'
}

# an ambiguous beginning names those that it could be, and only those that the caller sees
test_R24_candidates() {
        local i first second prefix seen=''
        for i in {1..17}; do
                a_rootfs "$i.tar" "file|n|$i"
                second=$(fingerprint_of "$i.tar")
                prefix=${second:0:1}
                [[ $seen =~ \ $prefix([0-9]+)\  ]] && break
                seen+=" $prefix$i "
        done
        first=$(fingerprint_of "${BASH_REMATCH[1]}.tar")
        on_exit "forget_image $first $second"
        expect berthctl import "${BASH_REMATCH[1]}.tar"
        expect berthctl import "$i.tar" --public
        refused "${first:0:16}" berthctl show-image "$prefix"
        refused "${second:0:16}" berthctl create "$prefix" c1
        refused "'$prefix'.*${second:0:16}" berthctl export "$prefix" x
        assert_no_match "$(as alice berthctl show-image "$prefix" 2>&1)" "${first:0:16}"
}

# one is renamed, and at no moment has the image no name
test_R25_rename_alias() {
        expect berthctl alias add old/name bb
        on_exit 'berthctl alias remove new/name old/name 2>/dev/null'
        expect berthctl alias rename old/name new/name
        assert_match "$(berthctl alias list)" 'new/name'
        assert_no_match "$(berthctl alias list)" 'old/name'
        refused "'bb'" berthctl alias rename new/name bb
        refused "nothing/here" berthctl alias rename nothing/here other
        expect has_image new/name
}

# words of it are set and taken back, with LXD's verbs too; what is not right changes nothing
test_R33_set() {
        a_rootfs a.tar
        on_exit 'forget_image it'
        expect berthctl import a.tar --alias it
        expect berthctl image-set it os=debian 'release=13 "trixie"' description='Text = text' expires='2031-02-03 04:05Z'
        assert_eq "$(berthctl show-image it -p Description --value)" 'Text = text'
        assert_eq "$(berthctl show-image it -p ExpiresUSec --value)" "$(date -u -d '2031-02-03 04:05' +%s)000000"
        assert_eq "$(berthctl show-image it --json=short | jq -r 'if type == "array" then .[0] else . end | .Properties.release')" '13 "trixie"'
        expect berthctl image set-property it os arch
        assert_eq "$(found os=arch)" '["it"]'
        expect berthctl image-unset it os expires
        assert_eq "$(found 'os=*')" '[]'
        assert_eq "$(berthctl show-image it -p ExpiresUSec --value)" 0
        refused "public.*maybe" berthctl image-set it os=x public=maybe
        refused 'date' berthctl image-set it expires=tomorrow
        refused 'property' berthctl image-set it 'a b=c'
        refused 'property' berthctl image-set it "$(printf 'k=a\nPublic=yes')"
        refused "no property 'os'" berthctl image-unset it os
        refused "no image 'nothing'" berthctl image-set nothing a=b
}

# from standard input: all of it is replaced, or nothing; the fingerprint stays
test_R33_edit_from_stdin() {
        local fingerprint
        a_rootfs a.tar
        on_exit 'forget_image it'
        expect berthctl import a.tar --alias it --property old=one
        fingerprint=$(image_of it)
        printf 'architecture: x86_64\nproperties:\n  os: plan9\n  description: Edited\npublic: true\n' >m.yaml
        expect berthctl image-edit it <m.yaml
        assert_eq "$(image_of it)" "$fingerprint"
        assert_eq "$(found os=plan9 public=yes)" '["it"]'
        assert_eq "$(found 'old=*')" '[]'
        assert_eq "$(berthctl show-image it -p Description --value)" Edited
        printf 'architecture: x86_64\nproperties:\n  os: [a]\n' >bad.yaml
        refused 'line 3.*os' berthctl image-edit it <bad.yaml
        printf 'properties:\n  os: x\n' >bad.yaml
        refused 'architecture' berthctl image-edit it <bad.yaml
        printf 'architecture: x86_64\ntemplates:\n  /../x:\n    template: t\n' >bad.yaml
        refused "'/../x'" berthctl image-edit it <bad.yaml
        expect berthctl export it out.tar
        assert_eq "$(fingerprint_of out.tar)" "$fingerprint"
}

# in an editor, which is opened again with the mistake above its line
test_R33_edit() {
        a_rootfs a.tar
        on_exit 'forget_image it'
        expect berthctl import a.tar --alias it --property os=one
        cat >editor <<'END'
#!/bin/sh
echo >>"$0.runs"
if [ "$(wc -l <"$0.runs")" = 1 ]; then
        sed -i 's/^architecture:.*/architecture: x86_64/; s/^  "os": .*/  "os": [1]/' "$1"
else
        cp "$1" "$0.seen"
        sed -i 's/^  "os": .*/  "os": two/' "$1"
fi
END
        chmod 0755 editor
        EDITOR=$PWD/editor expect berthctl image-edit it </dev/null
        assert_match "$(grep -B 1 '"os"' editor.seen)" "Mistake.*'os'"
        assert_eq "$(found os=two)" '["it"]'
        EDITOR=true expect berthctl image-edit it </dev/null
        EDITOR=false expect_fail berthctl image-edit it </dev/null
}

# strangers see public images and their own, and others are not there for them
test_R34_public_and_private() {
        local path
        a_rootfs a.tar
        a_rootfs b.tar 'file|b'
        on_exit 'forget_image open alices'
        expect berthctl import a.tar --alias open --public
        assert_eq "$(as alice berthctl list-images --json=short | jq -c '[.[].aliases[]]')" '["open"]'
        assert_eq "$(found | jq length)" 2
        expect as alice berthctl image-status open
        refused "no image 'bb'" as alice berthctl image-status bb
        refused "no image" as alice berthctl show-image "$(image_of bb)"
        path=/org/berth1/image/$(image_of bb | sed 's/^\([0-9]\)/_3\1/')
        expect busctl get-property org.berth1 "$path" org.berth1.Image Public
        expect_fail as alice busctl get-property org.berth1 "$path" org.berth1.Image Public
        # Who may create containers makes them of what he sees only.
        polkit_rule img 'if (subject.user == "alice" && (action.id == "org.berth1.create" || action.id == "org.berth1.import-image" || action.lookup("own") == "yes")) return polkit.Result.YES;'
        on_exit 'forget c1'
        eventually 10 as alice berthctl create open c1
        refused "no image 'bb'" as alice berthctl create bb c2
        refused "no image" as alice berthctl create "$(image_of bb)" c2
        # What she imports is hers, and nobody else sees it.
        chmod 0644 b.tar
        expect as alice berthctl import - --alias alices <b.tar
        assert_eq "$(as alice berthctl list-images --json=short | jq -c '[.[].aliases[]] | sort')" '["alices","open"]'
        assert_eq "$(as bob berthctl list-images --json=short | jq -c '[.[].aliases[]]')" '["open"]'
        expect as alice berthctl image-set alices public=yes
        assert_eq "$(as bob berthctl list-images --json=short | jq length)" 2
        refused '[Aa]llowed' as alice berthctl --no-ask-password image-set open public=no
        expect berthctl image-set open public=no
        assert_eq "$(as bob berthctl list-images --json=short | jq length)" 1
        # Her container is there still, and hers.
        expect as alice berthctl status c1
}

# its bytes: everybody gets those of a public image, others the owner and who polkit lets
test_R34_export() {
        refused "no image 'bb'" as alice berthctl --no-ask-password export bb -
        polkit_rule list 'if (action.id == "org.berth1.list" && subject.user == "alice") return polkit.Result.YES;'
        eventually 10 as alice berthctl image-status bb
        expect_fail --message '[Aa]llowed' as alice berthctl --no-ask-password export bb -
        expect_fail --message '[Aa]llowed' as alice berthctl --no-ask-password export --metadata bb bb
        [ ! -e ~alice/bb ] || fail "metadata was written, and nothing that it is of"
        on_exit 'berthctl image-set bb public=no'
        expect berthctl image-set bb public=yes
        assert_eq "$(as bob berthctl --no-ask-password export bb - | sha256sum | cut -d' ' -f1)" "$(image_of bb)"
        # With its metadata as well, which who sees an image may see.
        on_exit 'rm -f ~bob/bb ~bob/bb.root'
        expect as bob berthctl --no-ask-password export --metadata bb bb
        assert_eq "$(stat -c %U ~bob/bb ~bob/bb.root | xargs)" 'bob bob'
        assert_eq "$(fingerprint_of ~bob/bb.root)" "$(image_of bb)"
        expect berthctl export --metadata bb out
        cmp out ~bob/bb
}

# an image for a processor that the host is not: refused with the reason, made with --force
test_R42_foreign_architecture() {
        mkdir -p rootfs/etc rootfs/sbin rootfs/usr
        echo ID=x >rootfs/etc/os-release
        printf 'architecture: riscv64\n' >metadata.yaml
        tar -cf f.tar metadata.yaml rootfs
        on_exit 'forget c1; forget_image lts/riscv64'
        expect berthctl import f.tar --alias lts/riscv64
        refused "lts/riscv64.*riscv64.*--force" berthctl create lts/riscv64 c1
        refused "riscv64" berthctl launch lts/riscv64 c1
        expect berthctl create lts/riscv64 c1 --force
}
