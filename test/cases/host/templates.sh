# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Templates of images, and cloud-init's seed.
# guests: busybox

. "$(dirname "${BASH_SOURCE[0]}")/../lib/berth.sh"

setup_file() {
        import_guests busybox
}

teardown_file() {
        remove_all
}

# image_with ALIAS [TEMPLATE-FILE TEXT]...: the busybox guest with the metadata.yaml that is here, and these templates.
image_with() {
        local alias=$1
        shift
        rm -rf meta
        mkdir -p meta/templates
        cp metadata.yaml meta/
        while [ $# -gt 0 ]; do
                printf '%s' "$2" >"meta/templates/$1"
                shift 2
        done
        tar -C meta -cf meta.tar metadata.yaml templates
        on_exit "forget_image '$alias'"
        expect berthctl import --quiet meta.tar "$(guest busybox)" --alias "$alias"
}

# metadata LINE...: of templates
metadata() {
        printf 'architecture: x86_64\ncreation_date: 1424284563\ntemplates:\n' >metadata.yaml
        printf '  %s\n' "$@" >>metadata.yaml
}

inside_is() {
        assert_eq "$(inside "${@:2}")" "$1" "${*:2}"
}

# those for create run once, those for start at every start; a directory that is not there is made
test_R30_create_and_start() {
        metadata '/etc/made/at-create:' '  when: [create]' '  template: a.tpl' \
                '/etc/at-start:' '  when: [create, start]' '  template: b.tpl' \
                '/etc/passwd:' '  when: [create]' '  create_only: true' '  template: a.tpl' \
                '/etc/new:' '  when: [create]' '  create_only: true' '  template: a.tpl' \
                '/etc/at-copy:' '  when: [copy]' '  template: a.tpl' \
                '/etc/hostname:' '  when: [create]' '  template: c.tpl'
        image_with tpl a.tpl '{{ trigger }} {{ config_get("user.x", "none") }}' b.tpl '{{ trigger }} {{ config_get("user.x", "none") }}' \
                c.tpl '{{ container.name }}.example{# not host-specific #}'
        new_container c1 tpl --set user.x=one
        expect berthctl start c1
        inside_is 'create one' c1 cat /etc/made/at-create
        inside_is 'start one' c1 cat /etc/at-start
        inside_is 'create one' c1 cat /etc/new
        inside_is 'c1.example' c1 cat /etc/hostname
        expect_fail inside c1 test -e /etc/at-copy
        assert_match "$(inside c1 cat /etc/passwd)" '^root:'
        inside_is '644:0:0' c1 stat -c %a:%u:%g /etc/made/at-create
        inside_is '755' c1 stat -c %a /etc/made
        # A file that is there keeps what it has but its content.
        inside c1 sh -c 'chmod 600 /etc/at-start; chown 5:6 /etc/at-start; echo changed >/etc/made/at-create'
        expect berthctl set c1 user.x=two
        expect berthctl restart --force c1
        inside_is changed c1 cat /etc/made/at-create
        inside_is 'start two' c1 cat /etc/at-start
        inside_is '600:5:6' c1 stat -c %a:%u:%g /etc/at-start
}

# a template that prints all six maps
test_R31_context() {
        metadata '/etc/context:' '  when: [start]' '  template: all.tpl' '  properties:' '    default: "a b"'
        image_with all all.tpl 'trigger={{ trigger }}
path={{ path }}
container={{ container.name }} {{ container.architecture }} {{ container.privileged }} {{ container.ephemeral }}
config={{ config_get("user.x", "") }} {{ config["user.y.z"]|default:"d"|upper }} {{ config["limits.memory"] }} {{ config.MemoryMax }}
properties={{ properties.default }} {{ properties.none }}
devices={% for name, d in devices %}{{ name }}:{{ d.type }}:{{ d.path }} {% endfor %}.
profile={{ container.profile }}
'
        run_container c1 all --set user.x=v --set limits.memory=64MiB --device mem,type=disk,source=tmpfs,path=/mem
        local text
        text=$(inside c1 cat /etc/context)
        assert_match "$text" 'trigger=start'
        assert_match "$text" 'path=/etc/context'
        assert_match "$text" 'container=c1 x86_64 false false'
        assert_match "$text" 'config=v D 64M 64M'
        assert_match "$text" 'properties=a b '
        assert_match "$text" 'devices=eth0:nic: mem:disk:/mem \.'
        assert_match "$text" 'profile=default'
}

# one that cannot be rendered or written stops the start, which says which, where and why; the next start tries again
test_R30_failures() {
        metadata '/etc/x:' '  when: [create]' '  template: bad.tpl'
        image_with bad bad.tpl $'a\n{% if x %}{{ y|nope }}{% endif %}{{ z|nope }}'
        new_container c1 bad
        start_fails "the template 'bad.tpl' of '/etc/x' cannot be applied: line 2: there is no filter 'nope'" c1
        start_fails "the template 'bad.tpl'" c1

        metadata '/etc:' '  when: [start]' '  template: a.tpl'
        image_with dir a.tpl x
        new_container c2 dir
        start_fails "the template 'a.tpl' of '/etc' cannot be applied: it would replace what is no regular file" c2

        metadata '/etc/x:' '  when: [start]' '  template: gone.tpl'
        image_with gone a.tpl x
        new_container c3 gone
        start_fails "cannot read the template 'gone.tpl' of '/etc/x': the image has no such template" c3
}

# a template reads no file, and does not run for ever
test_S71_hostile() {
        local loop
        metadata '/etc/x:' '  when: [start]' '  template: a.tpl'
        image_with include a.tpl '{% include "/etc/shadow" %}'
        new_container c1 include
        start_fails "line 1: there is no tag 'include'" c1

        loop=$(printf '{%% for x in "a.b.c.d.e.f.g.h.i.j"|split:"." %%}%.0s' {1..9})
        loop+=x$(printf '{%% endfor %%}%.0s' {1..9})
        image_with loop a.tpl "$loop"
        new_container c2 loop
        start_fails "(it does not come to an end|it needs too much memory|it takes too long|is too large)" c2
}

# where it writes to is resolved inside, whatever the image has there
test_S71_target() {
        host_stamp
        metadata '/etc/out/canary-file:' '  when: [start]' '  template: a.tpl'
        image_with out a.tpl escaped
        new_container c1 out
        expect berthctl start c1
        inside c1 sh -c 'rm -r /etc/out; ln -s ../../../../../../var/tmp /etc/out'
        expect berthctl restart --force c1
        inside_is escaped c1 cat /var/tmp/canary-file
        inside c1 sh -c 'rm /etc/out /var/tmp/canary-file; ln -s /proc/1/root/var/tmp /etc/out'
        berthctl restart --force c1 >&2 || true
        host_untouched
}

# the seed is there when one of the keys is set, and follows them
test_R32_seed() {
        printf '#cloud-config\nusers:\n  - name: "ü $x \\\\ '"'"'q'"'"'"\n\n    shell: /bin/sh  \n' >user-data
        new_container c1 busybox --set user.user-data=@user-data --set user.network-config=@- <<<'version: 2'
        assert_eq "$(berthctl get c1 user.user-data)" "$(cat user-data)"
        assert_match "$(berthctl cat c1)" 'Metadata=.*#cloud-config\\nusers'
        expect berthctl start c1
        local seed=/var/lib/cloud/seed/nocloud-net
        inside c1 cat $seed/user-data >got
        # A value has no blanks at its end; a file of lines ends with a newline.
        diff <(printf '%s\n' "$(cat user-data)") got || fail "not what was given"
        inside_is 'version: 2' c1 cat $seed/network-config
        expect_fail inside c1 test -e $seed/vendor-data
        assert_eq "$(inside c1 cat $seed/meta-data)" "instance-id: $(berthctl show c1 -p UUID --value)
local-hostname: c1"
        inside_is 600 c1 stat -c %a $seed/user-data
        expect berthctl set c1 user.meta-data='instance-id: again'
        expect berthctl unset c1 user.user-data
        expect berthctl restart --force c1
        assert_eq "$(inside c1 cat $seed/meta-data)" 'local-hostname: c1
instance-id: again'
        assert_match "$(inside c1 cat $seed/user-data)" '^#cloud-config'
        # Of passwords in it nothing is shown of a plan.
        expect berthctl set c1 user.user-data=secret-canary
        assert_no_match "$(/usr/lib/berth/berth-launch --dry-run c1)" secret-canary
        assert_match "$(/usr/lib/berth/berth-launch --dry-run c1)" 'write /var/lib/cloud/seed/nocloud-net/user-data'

        run_container c2 busybox
        expect_fail inside c2 test -e $seed
        expect_fail --message "'/nowhere/f' cannot be opened" berthctl set c1 user.user-data=@/nowhere/f
        head -c 100000 /dev/zero | tr '\0' a >big
        expect_fail --message 'larger than' berthctl set c1 user.user-data=@big
}
