# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# metadata.yaml of an image: huge, cyclic, incomplete, of the wrong types. Refused with the reason, by a manager that lives on.

# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

# The store's folders are made with the first image; what is asked here is what a refused one adds.
setup_file() {
        berthctl import "$(guest busybox)" --alias first >/dev/null
        berthctl remove-image first
}

# with_metadata FILE: a unified image f.tar with it.
with_metadata() {
        mktar f.tar "contents|$1" 'file|metadata.yaml' 'dir|rootfs' 'dir|rootfs/etc' 'file|rootfs/etc/os-release|ID=x\n' 'dir|templates' 'file|templates/a.tpl|a'
}

# refused_metadata REGEX [FILE]: standard input is it if no file is given.
refused_metadata() {
        local pid
        [ $# -gt 1 ] || cat >metadata.yaml
        with_metadata "${2:-metadata.yaml}"
        pid=$(manager_pid)
        on_exit 'forget_image it'
        refused "$1" berthctl import f.tar --alias it
        assert_eq "$(manager_pid)" "$pid" 'the manager'
}

# good_metadata: standard input is it.
good_metadata() {
        cat >metadata.yaml
        with_metadata metadata.yaml
        on_exit 'forget_image it'
        expect berthctl import f.tar --alias it
        expect berthctl remove-image it
}

# larger than any metadata is
test_S67_metadata_huge() {
        { echo 'architecture: x86_64'; echo 'properties:'; perl -e 'printf "  k%d: %s\n", $_, "v" x 1000 for 1 .. 3000'; } >huge.yaml
        refused_metadata 'metadata\.yaml' huge.yaml
        # One GiB of it, of which nothing is read.
        { mktar - noend 'size|1073741824' 'file|metadata.yaml'; head -c 1073741824 /dev/zero; head -c 1024 /dev/zero; } | zstd -q -1 >f.tar.zst
        refused 'metadata\.yaml|bomb|damaged' berthctl import f.tar.zst --alias it
        good_metadata <<<'architecture: x86_64'
}

# anchors that refer to themselves, or multiply
test_S67_metadata_cyclic() {
        refused_metadata 'metadata\.yaml' <<'YAML'
architecture: x86_64
properties: &a
  self: *a
YAML
        refused_metadata 'metadata\.yaml' <<'YAML'
a: &a ["x","x","x","x","x","x","x","x","x","x"]
b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]
c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]
d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]
e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]
f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]
g: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]
architecture: x86_64
YAML
        refused_metadata 'metadata\.yaml' <<'YAML'
architecture: &arch x86_64
properties: {a: *arch}
YAML
        refused_metadata 'metadata\.yaml' <<'YAML'
architecture: x86_64
properties:
  <<: {a: b}
  c: &merge {d: e}
YAML
        good_metadata <<<'architecture: x86_64'
}

# nested deeper than the parser may follow
test_S67_metadata_deep() {
        { echo 'architecture: x86_64'; printf 'properties: '; printf '[%.0s' {1..10000}; printf ']%.0s' {1..10000}; echo; } >deep.yaml
        refused_metadata 'metadata\.yaml' deep.yaml
        { echo 'architecture: x86_64'; printf 'x: '; printf '{a: %.0s' {1..40}; printf '}%.0s' {1..40}; echo; } >deep.yaml
        refused_metadata 'metadata\.yaml' deep.yaml
        good_metadata <<<'architecture: x86_64'
}

# not complete
test_S68_metadata_incomplete() {
        refused_metadata architecture <<<'creation_date: 1'
        refused_metadata architecture <<<'architecture:'
        refused_metadata architecture <<<'architecture: ""'
        refused_metadata 'metadata\.yaml' <<<''
        refused_metadata 'metadata\.yaml' <<<'# nothing but a comment'
        refused_metadata 'metadata\.yaml' <<<'---'
        good_metadata <<<'architecture: x86_64'
}

# of the wrong types, one field after the other
test_S68_metadata_wrong_types() {
        local value
        for value in '[x86_64]' '{a: b}' '../../etc' 'sparc/../x' $'"x\\ny"' "$(printf 'a%.0s' {1..5000})"; do
                refused_metadata architecture <<<"architecture: $value"
        done
        for value in '[1]' '{a: 1}' yesterday -5 1e400 99999999999999999999999; do
                refused_metadata creation_date <<<$'architecture: x86_64\ncreation_date: '"$value"
                refused_metadata expiry_date <<<$'architecture: x86_64\nexpiry_date: '"$value"
        done
        for value in text '[a, b]' '{a: [1]}' '{a: {b: c}}' '{"a\nb": c}' '{"": c}' '{a: "b\0c"}' '{"a=b": c}'; do
                refused_metadata 'propert|line 2:' <<<$'architecture: x86_64\nproperties: '"$value"
        done
        for value in text '[a]' '{/etc/x: text}' '{/etc/x: {}}' '{/etc/x: {template: [a]}}' '{/etc/x: {template: a.tpl, when: create}}' \
                '{/etc/x: {template: a.tpl, create_only: [1]}}' '{/etc/x: {template: a.tpl, properties: [1]}}' '{[a]: {template: a.tpl}}'; do
                refused_metadata 'template|metadata\.yaml' <<<$'architecture: x86_64\ntemplates: '"$value"
        done
        for value in text '[architecture]' '- architecture: x86_64' 5 null; do
                refused_metadata 'metadata\.yaml' <<<"$value"
        done
        good_metadata <<<'architecture: x86_64'
}

# templates that lead out of the folder or the container
test_S13_metadata_template_paths() {
        local name
        for name in ../../../etc/shadow /etc/shadow .. . '' a/b '../templates/a.tpl'; do
                refused_metadata 'template' <<<$'architecture: x86_64\ntemplates: {/etc/x: {when: [create], template: "'"$name"'"}}'
        done
        for name in ../etc/x etc/x /../etc/x /etc/../../x ''; do
                refused_metadata 'template' <<<$'architecture: x86_64\ntemplates: {"'"$name"'": {when: [create], template: a.tpl}}'
        done
        good_metadata <<<$'architecture: x86_64\ntemplates: {/etc/x: {when: [create, copy, start], template: a.tpl, create_only: true, properties: {a: b}}}'
}

# no YAML, more than one document, a key twice, tags
test_S67_metadata_syntax() {
        refused_metadata 'metadata\.yaml' <<<'architecture: [x86_64'
        refused_metadata 'metadata\.yaml' <<<$'architecture: "x86_64'
        refused_metadata 'metadata\.yaml' <<<$'architecture: x86_64\n\tproperties: {}'
        refused_metadata 'metadata\.yaml' <<<$'architecture: x86_64\n---\narchitecture: arm64'
        refused_metadata 'metadata\.yaml' <<<$'architecture: x86_64\narchitecture: arm64'
        refused_metadata 'metadata\.yaml' <<<'architecture: !!python/object/apply:os.system ["touch /tmp/canary"]'
        refused_metadata 'metadata\.yaml' <<<$'%TAG ! tag:x,2000:\n---\narchitecture: !x x86_64'
        head -c 5000 /dev/urandom >noise.yaml
        refused_metadata 'metadata\.yaml' noise.yaml
        printf 'architecture: x86_64\n\0\0\0' >nul.yaml
        refused_metadata 'metadata\.yaml' nul.yaml
        printf '\xff\xfea\0r\0c\0h\0' >utf16.yaml
        refused_metadata 'metadata\.yaml' utf16.yaml
        [ ! -e /tmp/canary ] || fail "a tag has been believed"
        good_metadata <<<'architecture: x86_64'
}

# keys that a later version may have are let through, and what is given is shown
test_R29_metadata_values() {
        cat >metadata.yaml <<'YAML'
architecture: aarch64
creation_date: 1424284563
expiry_date: 1924284563
some_later_key: [1, 2]
properties:
  os: Debian
  release: "13"
  serial: 20240101
YAML
        with_metadata metadata.yaml
        on_exit 'forget_image it'
        expect berthctl import f.tar --alias it
        assert_match "$(berthctl show-image it)" 'os[^a-zA-Z]*Debian'
        assert_match "$(berthctl show-image it)" 'serial[^0-9]*20240101'
        assert_match "$(berthctl show-image it -p Architecture --value)" 'aarch64|arm64'
}

# two metadata.yaml in one archive: one of them counts, for everything
test_S69_two_metadata() {
        local shown kept
        mktar f.tar 'file|metadata.yaml|architecture: x86_64\nproperties: {which: first}\n' 'dir|rootfs' 'dir|rootfs/etc' \
                'file|./metadata.yaml|architecture: x86_64\nproperties: {which: second}\n'
        if berthctl import f.tar --alias it; then
                shown=$(berthctl show-image it | grep -o 'first\|second' | sort -u)
                kept=$(grep -o 'first\|second' "$STORE/images/$(image_of it)/metadata.yaml")
                expect berthctl remove-image it
                assert_eq "$shown" "$kept" 'the properties and the file that is kept'
        fi
}

# text for a terminal in a description stays text
test_S82_metadata_control_characters() {
        local text
        refused_metadata . <<<$'architecture: x86_64\nproperties: {description: "\\e]0;owned\\a\\e[2J"}'
        a_rootfs f.tar
        if berthctl import f.tar --alias it --description $'\e[2Jx\nfake line' 2>error; then
                text=$(berthctl list-images; berthctl show-image it)
                expect berthctl remove-image it
                ! grep -q $'\e' <<<"$text" || fail "the escape sequence came through"
                assert_no_match "$text" $'\nfake line'
        fi
}
