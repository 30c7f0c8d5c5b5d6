/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate.h"
#include "tar.h"

/* mkevil: archives that are hostile or odd, for the tests of import and copy-to.
 *
 *   mkevil --list    one line a case: NAME, TAB, what an import must answer (ok, or a bus error's last part), TAB, a word of its sentence
 *   mkevil NAME      the archive, to standard output
 *
 * The ids are those of the attacks each is one of the tests for. */

static void dotdot(void) { tar_root(""); tar_file("../evil-canary", "x"); }
static void absolute(void) { tar_root(""); tar_file("/tmp/evil-canary", "x"); }
static void dot_dotdot(void) { tar_root(""); tar_file("./../evil-canary", "x"); }
static void inner_dotdot(void) { tar_root(""); tar_file("usr/../../evil-canary", "x"); }
static void end_dotdot(void) { tar_root(""); tar_directory("usr/.."); }
static void pax_dotdot(void) { tar_root(""); tar_pax_text("path", "../evil-canary"); tar_file("harmless", "x"); }
static void pax_absolute(void) { tar_root(""); tar_pax_text("path", "/tmp/evil-canary"); tar_file("harmless", "x"); }
static void pax_nul(void) { tar_root(""); tar_pax("path", "usr/x\0/../../../evil-canary", 27); tar_file("harmless", "x"); }
static void gnu_longname_dotdot(void) {
        tar_root("");
        tar_entry(&(TarEntry) { .name = "././@LongLink", .type = 'L', .data = "../evil-canary", .data_size = 15 });
        tar_file("harmless", "x");
}

static void symlink_through_dotdot(void) { tar_root(""); tar_symlink("out", "../../../../../.."); tar_file("out/evil-canary", "x"); }
static void symlink_through_absolute(void) { tar_root(""); tar_symlink("out", "/etc"); tar_file("out/evil-canary", "x"); }
static void symlink_through_missing(void) { tar_root(""); tar_symlink("out", "/var/tmp"); tar_file("out/evil-canary", "x"); }
static void symlink_through_loop(void) { tar_root(""); tar_symlink("a", "b"); tar_symlink("b", "a"); tar_file("a/evil-canary", "x"); }
static void symlink_through_proc(void) { tar_root(""); tar_symlink("out", "/proc/self/root/tmp"); tar_file("out/evil-canary", "x"); }
static void symlink_overwritten(void) { tar_root(""); tar_symlink("f", "/tmp/evil-canary"); tar_file("f", "x"); }
static void symlink_chain(void) {
        tar_root("");
        tar_symlink("a", "usr");
        tar_symlink("a/b", "../..");
        tar_symlink("a/b/c", "..");
        tar_file("a/b/c/evil-canary", "x");
}
static void symlink_swapped(void) {
        tar_root("");
        tar_directory("d/");
        tar_file("d/first", "x");
        tar_hardlink("d2", "d/first");
        tar_symlink("e", "d");
        tar_file("e/second", "x");
        tar_symlink("e", "../../../tmp");
        tar_file("e/evil-canary", "x");
}
static void merged_usr(void) { tar_root(""); tar_directory("usr/lib/"); tar_symlink("lib", "usr/lib"); tar_file("./lib/x", "x"); }

static void hardlink_dotdot(void) { tar_root(""); tar_hardlink("h", "../../etc/shadow"); }
static void hardlink_absolute(void) { tar_root(""); tar_hardlink("h", "/etc/passwd"); }
static void hardlink_symlink(void) { tar_root(""); tar_symlink("s", "/etc/passwd"); tar_hardlink("h", "s"); }
static void hardlink_missing(void) { tar_root(""); tar_hardlink("h", "nothing"); }
static void hardlink_forward(void) { tar_root(""); tar_hardlink("h", "later"); tar_file("later", "x"); }
static void hardlink_directory(void) { tar_root(""); tar_hardlink("h", "usr"); }
static void hardlink_through_symlink(void) { tar_root(""); tar_symlink("out", "../../../etc"); tar_hardlink("h", "out/shadow"); }
static void hardlink_with_data(void) {
        tar_root("");
        tar_symlink("s", "/tmp/evil-canary");
        tar_file("f", "x");
        tar_entry(&(TarEntry) { .name = "s2", .type = '1', .link = "f", .data = "data", .data_size = 4 });
        tar_entry(&(TarEntry) { .name = "h", .type = '1', .link = "s", .data = "data", .data_size = 4 });
}
static void hardlink_self(void) { tar_root(""); tar_file("f", "x"); tar_hardlink("f", "f"); }

static void device_outside_dev(void) { tar_root(""); tar_device("usr/sda"); }
static void device_in_dev(void) { tar_root(""); tar_device("dev/null"); tar_device("./dev/pts/1"); tar_hardlink("dev/also", "dev/null"); }
static void device_dev_trick(void) { tar_root(""); tar_device("dev/../usr/sda"); }
static void fifo(void) { tar_root(""); tar_entry(&(TarEntry) { .name = "run/initctl", .type = '6' }); }
static void unknown_type(void) { tar_root(""); tar_entry(&(TarEntry) { .name = "odd", .type = 'Z', .data = "x", .data_size = 1 }); }

static void uid_65535(void) { tar_root(""); tar_entry(&(TarEntry) { .name = "f", .uid = 65535, .gid = 65535 }); }
static void uid_65536(void) { tar_root(""); tar_entry(&(TarEntry) { .name = "f", .uid = 65536 }); }
static void gid_huge(void) { tar_root(""); tar_entry(&(TarEntry) { .name = "f", .gid = 4294967295LL }); }
static void uid_64_bit(void) { tar_root(""); tar_entry(&(TarEntry) { .name = "f", .uid = 1LL << 32 }); }
static void uid_negative(void) { tar_root(""); tar_entry(&(TarEntry) { .name = "f", .uid = -1 }); }
static void uid_pax(void) { tar_root(""); tar_pax_text("uid", "99999999999999999999"); tar_file("f", ""); }

static void duplicate_file(void) { tar_root(""); tar_file("f", "first"); tar_file("./f", "second, longer"); tar_file(".//f", "last"); }
static void duplicate_directory_file(void) { tar_root(""); tar_file("usr", "x"); }
static void duplicate_file_directory(void) { tar_root(""); tar_file("x", "x"); tar_directory("x/"); tar_file("x/y", "y"); }
static void duplicate_alternating(void) {
        tar_root("");
        for (int i = 0; i < 50; i++) {
                tar_symlink("x", i % 2 ? "/tmp" : "usr");
                tar_file("x", "x");
                tar_directory("y/");
                tar_file("y/z", "z");
                tar_symlink("y/z", "../../../tmp/evil-canary");
                tar_file("./y/./z", "x");
        }
}
static void below_a_file(void) { tar_root(""); tar_file("x", "x"); tar_file("x/y", "y"); }

static void name_long_part(void) {
        char name[300];

        memset(name, 'a', 256);
        name[256] = 0;
        tar_root("");
        tar_pax_text("path", name);
        tar_file("f", "x");
}
static void name_long_path(void) {
        char name[6001];

        for (int i = 0; i < 6000; i++)
                name[i] = i % 100 ? 'a' : '/';
        name[0] = 'a';
        name[6000] = 0;
        tar_root("");
        tar_pax_text("path", name);
        tar_file("f", "x");
}
static void name_deep(void) {
        char name[2001];

        for (int i = 0; i < 2000; i++)
                name[i] = i % 2 ? '/' : 'a';
        name[1999] = 0;
        tar_root("");
        tar_pax_text("path", name);
        tar_file("f", "x");
}
static void name_control(void) { tar_root(""); tar_file("new\nline\x1b[31m", "x"); tar_file("../\x1b[2Jevil-canary\n", "x"); }
static void name_latin1(void) { tar_root(""); tar_file("f\xfcr", "x"); }
static void name_utf8(void) { tar_root(""); tar_pax_text("path", "f\xc3\xbcr/e\xcc\x81"); tar_file("f", "x"); }
static void name_pax_binary(void) { tar_root(""); tar_pax_text("path", "f\xfcr"); tar_file("f", "x"); }
static void name_empty(void) { tar_root(""); tar_file("", "x"); }
static void name_top_is_file(void) { tar_root(""); tar_file(".", "x"); }

static void attribute(const char *name, const void *value, size_t size) {
        char key[128];

        snprintf(key, sizeof key, "SCHILY.xattr.%s", name);
        tar_root("");
        tar_pax(key, value, size);
        tar_file("f", "x");
}
static void attribute_user(void) { attribute("user.kept", "value", 5); }
static void attribute_overlay(void) { attribute("user.overlay.opaque", "y", 1); }
static void attribute_trusted(void) { attribute("trusted.overlay.redirect", "/etc", 4); }
static void attribute_selinux(void) { attribute("security.selinux", "x", 1); }
static void attribute_huge(void) {
        static char value[200000];

        memset(value, 'x', sizeof value);
        attribute("user.huge", value, sizeof value);
}
static void capability_v2(void) { attribute("security.capability", "\1\0\0\2\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20); }
static void capability_v3(void) { attribute("security.capability", "\1\0\0\3\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24); }
static void capability_v1(void) { attribute("security.capability", "\1\0\0\1\0\x20\0\0\0\0\0\0", 12); }
static void capability_short(void) { attribute("security.capability", "\1\0", 2); }
static void capability_odd(void) { attribute("security.capability", "\1\0\0\3\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20); }
static void acl_binary_bad(void) { attribute("system.posix_acl_access", "\2\0\0\0\1\0\7\0", 8); }
static void acl_text(void) {
        tar_root("");
        tar_pax_text("SCHILY.acl.access", "user::rw-,user:1000:r--,group::r--,mask::r--,other::---");
        tar_file("f", "x");
}
static void acl_text_named(void) {
        tar_root("");
        tar_pax_text("SCHILY.acl.access", "user::rw-,user:mallory:r--,group::r--,mask::r--,other::---");
        tar_file("f", "x");
}
static void setuid(void) { tar_root(""); tar_entry(&(TarEntry) { .name = "su", .mode = 06755, .data = "x", .data_size = 1 }); }

static void size_negative(void) { tar_root(""); tar_entry(&(TarEntry) { .name = "f", .raw_size = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" }); }
static void size_63_bit(void) { tar_root(""); tar_entry(&(TarEntry) { .name = "f", .raw_size = "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff" }); }
static void size_64_bit(void) { tar_root(""); tar_entry(&(TarEntry) { .name = "f", .raw_size = "\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff" }); }
static void size_pax_negative(void) { tar_root(""); tar_pax_text("size", "-5"); tar_file("f", "x"); }
static void size_pax_huge(void) { tar_root(""); tar_pax_text("size", "99999999999999999999999"); tar_file("f", "x"); }
static void size_lie(void) { tar_root(""); tar_entry(&(TarEntry) { .name = "f", .size = 1000000, .data = "x", .data_size = 1 }); }

static void sparse(const char *real_size, const char *map) {
        char data[2048] = {};

        /* GNU's format 1.0: the map is at the beginning of the content. */
        snprintf(data, sizeof data, "%s", map);
        tar_root("");
        tar_pax_text("GNU.sparse.major", "1");
        tar_pax_text("GNU.sparse.minor", "0");
        tar_entry(&(TarEntry) { .name = "f", .data = data, .data_size = 1024 });
        (void) real_size;
}
static void sparse_record(const char *real_size, const char *map) {
        char data[1024] = {}, text[512];
        size_t n = 0;
        static const char *const keys[] = { "GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=f" };

        for (size_t i = 0; i < 3; i++)
                n += (size_t) sprintf(text + n, "%zu %s\n", strlen(keys[i]) + 4, keys[i]);
        n += (size_t) sprintf(text + n, "%zu GNU.sparse.realsize=%s\n", strlen("GNU.sparse.realsize=") + strlen(real_size) + 4, real_size);
        snprintf(data, sizeof data, "%s", map);
        memset(data + 512, 'd', 512);
        tar_root("");
        tar_entry(&(TarEntry) { .name = "PaxHeaders/x", .type = 'x', .data = text, .data_size = n });
        tar_entry(&(TarEntry) { .name = "GNUSparseFile.0/f", .type = '0', .data = data, .data_size = 1024 });
}
static void sparse_right(void) { sparse_record("1000512", "1\n1000000\n512\n"); }
static void sparse_beyond(void) { sparse_record("1000", "1\n1000000\n512\n"); }
static void sparse_backwards(void) { sparse_record("100000", "2\n5000\n256\n1000\n256\n"); }
static void sparse_many(void) { sparse_record("100000", "99999999\n0\n1\n"); }
static void sparse_negative(void) { sparse_record("100000", "1\n-5\n512\n"); }
static void sparse_overflow(void) { sparse_record("9223372036854775807", "1\n9223372036854775800\n512\n"); }
static void sparse_huge(void) { sparse_record("9000000000000000000", "1\n0\n512\n"); }
static void sparse_no_name(void) { sparse("0", "1\n0\n512\n"); }

static void empty(void) {}
static void garbage(void) { for (int i = 0; i < 20000; i++) putchar((i * 7919 + i / 13) & 255); }
static void script(void) { tar_bytes("#!/bin/sh\ntouch /tmp/evil-canary\n", 34); tar_zeros(20000); }
static void mtree(void) { const char *t = "#mtree\n./x type=file contents=/etc/shadow\n"; tar_bytes(t, strlen(t)); }
static void cpio(void) {
        const char *t = "070701000000010000A1ED000000000000000000000001000000000000000D00000000000000000000000000000000000000040000000x";

        tar_bytes(t, strlen(t));
        tar_zeros(512);
}
static void zip(void) { tar_bytes("PK\3\4\24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0x", 31); tar_zeros(512); }
static void iso(void) { tar_zeros(32768); tar_bytes("\1CD001\1", 7); tar_zeros(4096); }
static void uuencoded(void) { const char *t = "begin 644 x\n#86)C\n`\nend\n"; tar_bytes(t, strlen(t)); }
static void only_end(void) {}
static void no_end(void) { tar_root(""); }
static void cut_header(void) { tar_root(""); tar_bytes("usr/cut", 7); }
static void bad_checksum(void) { tar_root(""); char h[512] = "usr/x"; memset(h + 100, '7', 56); tar_bytes(h, 512); }
static void no_root(void) { tar_file("holiday.txt", "sun"); }
static void trailing_garbage(void) { tar_root(""); tar_zeros(1024); garbage(); }

static void bomb_file(void) { tar_root(""); tar_entry(&(TarEntry) { .name = "zeros", .size = 3LL << 29 }); tar_zeros(3ULL << 29); }
static void bomb_behind_end(void) { tar_root(""); tar_zeros(3ULL << 29); }
static void bomb_header(void) {
        tar_root("");
        tar_entry(&(TarEntry) { .name = "x", .type = 'x', .size = 2LL << 30 });
        tar_zeros(2ULL << 30);
}

#define GOOD_YAML "architecture: x86_64\ncreation_date: 1424284563\nproperties:\n  description: Evil image\n  os: evil\n"

static void unified(const char *yaml) { tar_file("metadata.yaml", yaml); tar_root("rootfs/"); }
static void unified_good(void) {
        unified(GOOD_YAML "templates:\n  /etc/hostname:\n    when: [create, copy]\n    template: hostname.tpl\n");
        tar_directory("templates/");
        tar_file("templates/hostname.tpl", "{{ container.name }}\n");
        tar_device("rootfs/dev/null");
}
static void unified_dots(void) { tar_directory("./"); tar_file("./metadata.yaml", GOOD_YAML); tar_root("./rootfs/"); }
static void unified_metadata_symlink(void) { tar_symlink("metadata.yaml", "/etc/shadow"); tar_root("rootfs/"); }
static void unified_metadata_symlink_inside(void) {
        tar_root("rootfs/");
        tar_file("rootfs/m", GOOD_YAML);
        tar_symlink("metadata.yaml", "rootfs/m");
}
static void unified_metadata_hardlink(void) { tar_root("rootfs/"); tar_hardlink("metadata.yaml", "rootfs/etc/shadow"); }
static void unified_metadata_directory(void) { tar_directory("metadata.yaml/"); tar_root("rootfs/"); }
static void unified_metadata_fifo(void) { tar_entry(&(TarEntry) { .name = "metadata.yaml", .type = '6' }); tar_root("rootfs/"); }
static void unified_metadata_device(void) { tar_device("metadata.yaml"); tar_root("rootfs/"); }
static void unified_rootfs_symlink(void) { tar_file("metadata.yaml", GOOD_YAML); tar_symlink("rootfs", "/"); }
static void unified_rootfs_symlink_late(void) { unified(GOOD_YAML); tar_symlink("rootfs", "/etc"); }
static void unified_rootfs_file(void) { tar_file("metadata.yaml", GOOD_YAML); tar_file("rootfs", "x"); }
static void unified_templates_symlink(void) { unified(GOOD_YAML); tar_symlink("templates", "/etc"); }
static void unified_templates_file(void) { unified(GOOD_YAML); tar_file("templates", "x"); }
static void unified_template_symlink(void) { unified(GOOD_YAML); tar_directory("templates/"); tar_symlink("templates/x.tpl", "/etc/shadow"); }
static void unified_template_directory(void) { unified(GOOD_YAML); tar_directory("templates/"); tar_directory("templates/x.tpl/"); }
static void unified_backup(void) { unified(GOOD_YAML); tar_symlink("backup.yaml", "/etc/shadow"); }
static void unified_extra(void) { unified(GOOD_YAML); tar_file("evil.sh", "x"); }
static void unified_no_metadata(void) { tar_root("rootfs/"); }
static void unified_twice(void) { unified("architecture: i686\n"); tar_file("./metadata.yaml", GOOD_YAML); }

static void yaml_empty(void) { unified(""); }
static void yaml_no_architecture(void) { unified("creation_date: 1\n"); }
static void yaml_null_architecture(void) { unified("architecture:\n"); }
static void yaml_list_architecture(void) { unified("architecture: [x86_64]\n"); }
static void yaml_odd_architecture(void) { unified("architecture: ../../x\n"); }
static void yaml_list(void) { unified("- architecture\n"); }
static void yaml_text(void) { unified("architecture\n"); }
static void yaml_date_text(void) { unified("architecture: x86_64\ncreation_date: yesterday\n"); }
static void yaml_date_map(void) { unified("architecture: x86_64\nexpiry_date: {a: b}\n"); }
static void yaml_properties_list(void) { unified("architecture: x86_64\nproperties: [a, b]\n"); }
static void yaml_property_map(void) { unified("architecture: x86_64\nproperties:\n  os: {a: b}\n"); }
static void yaml_property_newline(void) { unified("architecture: x86_64\nproperties:\n  os: \"a\\nFingerprint=x\"\n"); }
static void yaml_property_key(void) { unified("architecture: x86_64\nproperties:\n  \"a\\n[Image]\": b\n"); }
static void yaml_null_property(void) { unified("architecture: x86_64\nproperties:\n  os: null\n  release:\n"); }
static void yaml_null_properties(void) { unified("architecture: x86_64\nproperties:\ntemplates: null\n"); }
static void yaml_templates_text(void) { unified("architecture: x86_64\ntemplates: x\n"); }
static void yaml_template_target(void) { unified("architecture: x86_64\ntemplates:\n  /../etc/x:\n    template: a.tpl\n"); }
static void yaml_template_relative(void) { unified("architecture: x86_64\ntemplates:\n  etc/x:\n    template: a.tpl\n"); }
static void yaml_template_file(void) { unified("architecture: x86_64\ntemplates:\n  /etc/x:\n    template: ../../etc/shadow\n"); }
static void yaml_template_missing(void) { unified("architecture: x86_64\ntemplates:\n  /etc/x:\n    when: [create]\n"); }
static void yaml_template_when(void) { unified("architecture: x86_64\ntemplates:\n  /etc/x:\n    template: a\n    when: create\n"); }
static void yaml_anchor(void) { unified("architecture: &a x86_64\n"); }
static void yaml_alias(void) { unified("architecture: x86_64\nproperties:\n  os: *a\n"); }
static void yaml_cycle(void) { unified("architecture: x86_64\nproperties: &a\n  os: *a\n"); }
static void yaml_alias_bomb(void) {
        unified("a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\narchitecture: x86_64\n");
}
static void yaml_merge(void) { unified("architecture: x86_64\nproperties:\n  <<: *x\n"); }
static void yaml_tag(void) { unified("architecture: !!python/object:os.system x86_64\n"); }
static void yaml_duplicate(void) { unified("architecture: x86_64\narchitecture: i686\n"); }
static void yaml_two_documents(void) { unified("architecture: x86_64\n---\narchitecture: i686\n"); }
static void yaml_nul(void) { unified("architecture: \"x86\\0_64\"\n"); }
static void yaml_broken(void) { unified("architecture: [x86_64\n  : {\n"); }
static void yaml_control(void) { unified("architecture: x86_64\n\x01\x02: x\n"); }
static void yaml_deep(void) {
        static char text[40000];
        size_t n = (size_t) sprintf(text, "architecture: x86_64\nproperties: ");

        memset(text + n, '[', 10000);
        memset(text + n + 10000, ']', 10000);
        unified(text);
}
static void yaml_many_keys(void) {
        static char text[200000];
        size_t n = (size_t) sprintf(text, "architecture: x86_64\nproperties:\n");

        for (int i = 0; i < 5000; i++)
                n += (size_t) sprintf(text + n, "  k%d: v\n", i);
        unified(text);
}
static void yaml_huge(void) {
        size_t size = 2 << 20;
        char *text = malloc(size + 1);

        if (!text)
                exit(EXIT_FAILURE);
        memset(text, '#', size);
        memcpy(text, GOOD_YAML, strlen(GOOD_YAML));
        text[size] = 0;
        unified(text);
        free(text);
}
static void yaml_int_property(void) { unified("architecture: amd64\nproperties:\n  release: 22.04\n  serial: 20240101\n"); }

static void metadata_half(void) { tar_file("metadata.yaml", GOOD_YAML); tar_directory("templates/"); tar_file("templates/x.tpl", "x"); }
static void rootfs_half(void) { tar_root(""); }

static const struct {
        const char *name, *expected, *word;
        void (*write)(void);
        bool ends; /* the archive has its end mark */
} cases[] = {
#define CASE(id, function, expected, word) { id "-" #function, expected, word, function, true }
#define CASE_CUT(id, function, expected, word) { id "-" #function, expected, word, function, false }
        CASE("S54", dotdot, "BadArchive", "evil-canary"),
        CASE("S54", absolute, "BadArchive", "evil-canary"),
        CASE("S54", dot_dotdot, "BadArchive", "evil-canary"),
        CASE("S54", inner_dotdot, "BadArchive", "evil-canary"),
        CASE("S54", end_dotdot, "BadArchive", "usr/.."),
        CASE("S54", pax_dotdot, "BadArchive", "evil-canary"),
        CASE("S54", pax_absolute, "BadArchive", "evil-canary"),
        CASE("S54", pax_nul, "ok", ""),
        CASE("S54", gnu_longname_dotdot, "BadArchive", "evil-canary"),
        CASE("S55", symlink_through_dotdot, "ok", ""),
        CASE("S55", symlink_through_absolute, "ok", ""),
        CASE("S55", symlink_through_missing, "BadArchive", "evil-canary"),
        CASE("S55", symlink_through_loop, "BadArchive", "evil-canary"),
        CASE("S55", symlink_through_proc, "BadArchive", "evil-canary"),
        CASE("S55", symlink_overwritten, "ok", ""),
        CASE("S55", symlink_chain, "ok", ""),
        CASE("S55", symlink_swapped, "BadArchive", "evil-canary"),
        CASE("S55", merged_usr, "ok", ""),
        CASE("S56", hardlink_dotdot, "BadArchive", "shadow"),
        CASE("S56", hardlink_absolute, "BadArchive", "passwd"),
        CASE("S56", hardlink_symlink, "BadArchive", "'h'"),
        CASE("S56", hardlink_missing, "BadArchive", "nothing"),
        CASE("S56", hardlink_forward, "BadArchive", "later"),
        CASE("S56", hardlink_directory, "BadArchive", "usr"),
        CASE("S56", hardlink_through_symlink, "BadArchive", "shadow"),
        CASE("S56", hardlink_with_data, "BadArchive", "archive"),
        CASE("S56", hardlink_self, "ok", ""),
        CASE("S59", device_outside_dev, "BadArchive", "usr/sda"),
        CASE("S59", device_in_dev, "ok", ""),
        CASE("S59", device_dev_trick, "BadArchive", "usr/sda"),
        CASE("S59", fifo, "ok", ""),
        CASE("S59", unknown_type, "ok", ""),
        CASE("S60", uid_65535, "ok", ""),
        CASE("S60", uid_65536, "BadArchive", "65536"),
        CASE("S60", gid_huge, "BadArchive", "'f'"),
        CASE("S60", uid_64_bit, "BadArchive", "'f'"),
        CASE("S60", uid_negative, "BadArchive", "'f'"),
        CASE("S60", uid_pax, "BadArchive", "'f'"),
        CASE("S60", setuid, "ok", ""),
        CASE("S58", duplicate_file, "ok", ""),
        CASE("S58", duplicate_directory_file, "BadArchive", "usr"),
        CASE("S58", duplicate_file_directory, "ok", ""),
        CASE("S58", duplicate_alternating, "ok", ""),
        CASE("S58", below_a_file, "BadArchive", "x/y"),
        CASE("S58", name_long_part, "BadArchive", "255"),
        CASE("S58", name_long_path, "BadArchive", "4095"),
        CASE("S58", name_deep, "BadArchive", "deep"),
        CASE("S82", name_control, "BadArchive", "evil-canary"),
        CASE("S58", name_latin1, "ok", ""),
        CASE("S58", name_utf8, "ok", ""),
        CASE("S58", name_pax_binary, "ok", ""),
        CASE("S58", name_empty, "BadArchive", "name"),
        CASE("S58", name_top_is_file, "BadArchive", "top"),
        CASE("S61", attribute_user, "ok", ""),
        CASE("S61", attribute_overlay, "ok", ""),
        CASE("S61", attribute_trusted, "ok", ""),
        CASE("S61", attribute_selinux, "ok", ""),
        CASE("S61", attribute_huge, "BadArchive", "attributes"),
        CASE("S61", capability_v2, "ok", ""),
        CASE("S61", capability_v3, "ok", ""),
        CASE("S61", capability_v1, "BadArchive", "'f'"),
        CASE("S61", capability_short, "BadArchive", "'f'"),
        CASE("S61", capability_odd, "BadArchive", "'f'"),
        CASE("S61", acl_binary_bad, "BadArchive", "'f'"),
        CASE("S61", acl_text, "ok", ""),
        CASE("S61", acl_text_named, "BadArchive", "number"),
        CASE("S64", size_negative, "BadArchive", "archive"),
        CASE("S64", size_63_bit, "BadArchive", "archive"),
        CASE("S64", size_64_bit, "BadArchive", "archive"),
        CASE("S64", size_pax_negative, "BadArchive", "archive"),
        CASE("S64", size_pax_huge, "BadArchive", "archive"),
        CASE("S64", size_lie, "BadArchive", "cut short"),
        CASE("S64", sparse_right, "ok", ""),
        CASE("S64", sparse_beyond, "BadArchive", "archive"),
        CASE("S64", sparse_backwards, "BadArchive", "archive"),
        CASE("S64", sparse_many, "BadArchive", "archive"),
        CASE("S64", sparse_negative, "BadArchive", "archive"),
        CASE("S64", sparse_overflow, "BadArchive", "archive"),
        CASE("S64", sparse_huge, "BadArchive", "archive"),
        CASE("S64", sparse_no_name, "any", ""),
        CASE_CUT("S64", empty, "BadArchive", "empty"),
        CASE_CUT("S64", no_end, "BadArchive", "cut short"),
        CASE_CUT("S64", cut_header, "BadArchive", "cut short"),
        CASE("S64", bad_checksum, "BadArchive", "archive"),
        CASE("S64", only_end, "BadArchive", "no files"),
        CASE("S64", no_root, "BadArchive", "root file system"),
        CASE_CUT("S64", trailing_garbage, "ok", ""),
        CASE_CUT("S66", garbage, "BadArchive", "no tar archive"),
        CASE_CUT("S66", script, "BadArchive", "no tar archive"),
        CASE_CUT("S66", mtree, "BadArchive", "no tar archive"),
        CASE_CUT("S66", cpio, "BadArchive", "no tar archive"),
        CASE_CUT("S66", zip, "BadArchive", "no tar archive"),
        CASE_CUT("S66", iso, "BadArchive", "archive"),
        CASE_CUT("S66", uuencoded, "BadArchive", "no tar archive"),
        CASE("S13", unified_good, "ok", ""),
        CASE("S13", unified_dots, "ok", ""),
        CASE("S13", unified_metadata_symlink, "BadMetadata", "metadata.yaml"),
        CASE("S13", unified_metadata_symlink_inside, "BadMetadata", "metadata.yaml"),
        CASE("S13", unified_metadata_hardlink, "BadArchive", "metadata.yaml"),
        CASE("S13", unified_metadata_directory, "BadMetadata", "metadata.yaml"),
        CASE("S13", unified_metadata_fifo, "BadMetadata", "metadata.yaml"),
        CASE("S13", unified_metadata_device, "BadArchive", "metadata.yaml"),
        CASE("S13", unified_rootfs_symlink, "BadArchive", "rootfs"),
        CASE("S13", unified_rootfs_symlink_late, "BadArchive", "rootfs"),
        CASE("S13", unified_rootfs_file, "BadArchive", "rootfs"),
        CASE("S13", unified_templates_symlink, "BadArchive", "templates"),
        CASE("S13", unified_templates_file, "BadArchive", "templates"),
        CASE("S13", unified_template_symlink, "BadArchive", "x.tpl"),
        CASE("S13", unified_template_directory, "BadArchive", "x.tpl"),
        CASE("S13", unified_backup, "BadArchive", "backup.yaml"),
        CASE("S13", unified_extra, "BadArchive", "evil.sh"),
        CASE("S13", unified_no_metadata, "BadMetadata", "metadata.yaml"),
        CASE("S69", unified_twice, "ok", ""),
        CASE("S68", yaml_empty, "BadMetadata", "empty"),
        CASE("S68", yaml_no_architecture, "BadMetadata", "architecture"),
        CASE("S68", yaml_null_architecture, "BadMetadata", "architecture"),
        CASE("S68", yaml_list_architecture, "BadMetadata", "architecture"),
        CASE("S68", yaml_odd_architecture, "BadMetadata", "architecture"),
        CASE("S68", yaml_list, "BadMetadata", "map"),
        CASE("S68", yaml_text, "BadMetadata", "map"),
        CASE("S68", yaml_date_text, "BadMetadata", "creation_date"),
        CASE("S68", yaml_date_map, "BadMetadata", "expiry_date"),
        CASE("S68", yaml_properties_list, "BadMetadata", "properties"),
        CASE("S68", yaml_property_map, "BadMetadata", "os"),
        CASE("S85", yaml_property_newline, "BadMetadata", "os"),
        CASE("S85", yaml_property_key, "BadMetadata", "property"),
        CASE("S68", yaml_null_property, "ok", ""),
        CASE("S68", yaml_null_properties, "ok", ""),
        CASE("S68", yaml_templates_text, "BadMetadata", "templates"),
        CASE("S69", yaml_template_target, "BadMetadata", "/../etc/x"),
        CASE("S69", yaml_template_relative, "BadMetadata", "etc/x"),
        CASE("S69", yaml_template_file, "BadMetadata", "template"),
        CASE("S68", yaml_template_missing, "BadMetadata", "template"),
        CASE("S68", yaml_template_when, "BadMetadata", "when"),
        CASE("S67", yaml_anchor, "BadMetadata", "anchors"),
        CASE("S67", yaml_alias, "BadMetadata", "aliases"),
        CASE("S67", yaml_cycle, "BadMetadata", "anchors"),
        CASE("S67", yaml_alias_bomb, "BadMetadata", "anchors"),
        CASE("S67", yaml_merge, "BadMetadata", "aliases"),
        CASE("S67", yaml_tag, "BadMetadata", "tags"),
        CASE("S67", yaml_duplicate, "BadMetadata", "twice"),
        CASE("S67", yaml_two_documents, "BadMetadata", "document"),
        CASE("S67", yaml_nul, "BadMetadata", "NUL"),
        CASE("S67", yaml_broken, "BadMetadata", "line"),
        CASE("S67", yaml_control, "BadMetadata", "line"),
        CASE("S67", yaml_deep, "BadMetadata", "deeper"),
        CASE("S67", yaml_many_keys, "BadMetadata", "keys"),
        CASE("S67", yaml_huge, "BadMetadata", "larger"),
        CASE("R26", yaml_int_property, "ok", ""),
        /* These need company: a compressor for the bombs, the other half for the halves. */
        CASE("S63", bomb_file, "bomb", "bomb"),
        CASE("S63", bomb_behind_end, "bomb", "bomb"),
        CASE("S63", bomb_header, "bomb", "archive"),
        CASE("R27", metadata_half, "half", "rootfs"),
        CASE("R27", rootfs_half, "half", ""),
};

int main(int argc, char *argv[]) {
        bool list;
        Generated g;

        if (argc != 2)
                return EXIT_FAILURE;
        list = strcmp(argv[1], "--list") == 0;

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                if (list)
                        printf("%s\t%s\t%s\n", cases[i].name, cases[i].expected, cases[i].word);
                else if (strcmp(argv[1], cases[i].name) == 0) {
                        cases[i].write();
                        if (cases[i].ends)
                                tar_end();
                        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
                }
        }
        for (size_t i = 0; generated_archive(i, false, &g); i++) {
                if (list)
                        printf("%s\t%s\t\n", g.name, g.expected);
                else if (strcmp(argv[1], g.name) == 0) {
                        (void) generated_archive(i, true, &g);
                        tar_end();
                        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
                }
        }
        return list ? EXIT_SUCCESS : EXIT_FAILURE;
}
