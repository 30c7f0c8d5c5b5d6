/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generate.h"

#include <stdio.h>
#include <string.h>

#include "tar.h"

#define ELEMENTSOF(a) (sizeof(a) / sizeof *(a))

/* The n-th order of four things */
static void permutation(size_t n, size_t order[4]) {
        size_t rest[4] = { 0, 1, 2, 3 };

        for (size_t i = 0, left = 4; left > 0; i++, left--) {
                size_t k = n % left;

                n /= left;
                order[i] = rest[k];
                for (size_t j = k; j + 1 < left; j++)
                        rest[j] = rest[j + 1];
        }
}

/* A name that leads out, of an entry of each type, in the header or in an extended one. */
static void escape(size_t n) {
        static const char *const names[] = {
                "../evil-canary", "./../evil-canary", "usr/../../evil-canary", "/tmp/evil-canary", "//tmp/evil-canary",
                "usr/..", "..", "usr/../../../../../../../../../../tmp/evil-canary", "usr//../../evil-canary", "/../evil-canary",
        };
        static const char types[] = "012356";
        const char *name = names[n % 10];
        const TarEntry e = {
                .name = n / 60 ? "harmless" : name,
                .type = types[n / 10 % 6],
                .link = types[n / 10 % 6] == '1' ? "usr/base" : "usr",
        };

        tar_root("");
        tar_file("usr/base", "x");
        if (n / 60)
                tar_pax_text("path", name);
        tar_entry(&e);
}

/* A link, a directory of its name, a file below it, and a hard link to that, in every order; the link leads to four places. */
static void order(size_t n) {
        static const char *const targets[] = { "/tmp", "../../../../../../tmp", "/proc/self/root/tmp", "usr" };
        size_t p[4];

        tar_root("");
        permutation(n % 24, p);
        for (size_t i = 0; i < 4; i++)
                switch (p[i]) {
                case 0: tar_symlink("l", targets[n / 24]); break;
                case 1: tar_directory("l"); break;
                case 2: tar_file("l/evil-canary", "x"); break;
                default: tar_hardlink("other", "l/evil-canary"); break;
                }
}

/* One path, written in four ways, in every order: the last one is what is there. */
static void alias(size_t n) {
        static const char *const names[] = { "usr/d/f", "./usr/d/f", "usr//d/f", "usr/./d/./f" };
        size_t p[4];

        tar_root("");
        tar_directory("usr/d/");
        permutation(n, p);
        for (size_t i = 0; i < 4; i++)
                tar_file(names[p[i]], i == 3 ? "last" : "one of the others");
}

/* One name for four kinds of things, in every order, and then a file below it. */
static void kinds(size_t n) {
        size_t p[4];

        tar_root("");
        tar_file("usr/base", "x");
        permutation(n, p);
        for (size_t i = 0; i < 4; i++)
                switch (p[i]) {
                case 0: tar_symlink("./x", "/tmp"); break;
                case 1: tar_directory("x/"); break;
                case 2: tar_file(".//x", "x"); break;
                default: tar_hardlink("x", "usr/base"); break;
                }
        tar_file("x/evil-canary", "x");
}

/* A directory that was seen and used, and is a link afterwards, under two ways to write its name: who remembers the first is wrong. */
static void remembered(size_t n) {
        static const char *const directories[] = { "usr/d", "./usr/d", "usr//d", "usr/./d" };
        char name[64];

        tar_root("");
        tar_directory(directories[n % 4]);
        tar_symlink(directories[n / 4], "../../../../../../tmp");
        snprintf(name, sizeof name, "%s/evil-canary", directories[n % 4]);
        tar_file(name, "x");
}

/* Targets that are no earlier regular file, in the header, and in both kinds of extended one. */
static void hardlink(size_t n) {
        static const char *const targets[] = {
                "/etc/shadow", "../../../../../../etc/shadow", "usr/../../etc/shadow", "usr", "l", "l/shadow", "missing", "/proc/self/root/etc/shadow",
        };
        const char *target = targets[n % 8];

        tar_root("");
        tar_symlink("l", "/etc");
        if (n / 8 == 1)
                tar_pax_text("linkpath", target);
        if (n / 8 == 2)
                tar_entry(&(TarEntry) { .name = "././@LongLink", .type = 'K', .data = target, .data_size = strlen(target) + 1 });
        tar_hardlink("evil-canary", n / 8 == 0 ? target : "usr");
}

/* Nodes where none may be */
static void node(size_t n) {
        static const char *const names[] = { "sda", "etc/mem", "usr/dev/null", "dev/../sda", "devx", "./sda", "dev", "usr//null" };

        tar_root("");
        tar_entry(&(TarEntry) { .name = names[n % 8], .type = n / 8 ? '4' : '3', .mode = 0666 });
}

/* Each field of a header is filled with something, and the check sum is right. */
static void field(size_t n) {
        static const struct {
                size_t at, width;
        } fields[] = {
                { 0, 100 }, { 100, 8 }, { 108, 8 }, { 116, 8 }, { 124, 12 }, { 136, 12 }, { 156, 1 }, { 157, 100 },
                { 257, 6 }, { 263, 2 }, { 265, 32 }, { 297, 32 }, { 329, 8 }, { 337, 8 }, { 345, 155 },
        };
        char h[512] = "usr/f";
        unsigned sum = 0;

        memcpy(h + 100, "0000644\0" "0000000\0" "0000000\0" "00000000000\0" "14524753400\0", 48);
        h[156] = '0';
        memcpy(h + 257, "ustar\00000", 8);
        memset(h + fields[n % 15].at, (const char[]) { (char) 0xff, ' ', '9' }[n / 15], fields[n % 15].width);
        memset(h + 148, ' ', 8);
        for (size_t i = 0; i < sizeof h; i++)
                sum += (unsigned char) h[i];
        snprintf(h + 148, 8, "%06o", sum);
        tar_root("");
        tar_bytes(h, sizeof h);
        tar_file("usr/behind", "x");
}

/* Extended headers that are none */
static void record(size_t n) {
        static const char *const records[] = {
                "", "\n", "5 a=b", "0 path=evil-canary\n", "-3 path=evil-canary\n", "999999999999999999999 path=x\n", "18446744073709551616 path=x\n",
                "12 path=evil-canary\n", "99 path=evil-canary\n", " 18 path=evil-cana\n", "10path=ab\n", "0x0b path=a\n", "10 pathaaa\n", "8 =abcd\n",
                "4 =\n", "9 path=a\n9 path=/\n", "22 path=../evil-canary\n", "21 path=/evil-canary\n", "19 linkpath=/../x\n\n", "13 size=9999\n",
                "9 uid=-1\n", "28 hdrcharset=BINARY\n9 path=\n", "14 SCHILY.dev=\n", "21 GNU.sparse.major=1\n",
        };

        tar_root("");
        tar_entry(&(TarEntry) { .name = "PaxHeaders/x", .type = n / 24 ? 'g' : 'x', .data = records[n % 24], .data_size = strlen(records[n % 24]) });
        tar_file("usr/f", "x");
}

/* Attributes that an image has no business with */
static void attribute(size_t n) {
        static const char *const names[] = {
                "trusted.overlay.redirect", "trusted.overlay.opaque", "user.overlay.redirect", "user.overlay.opaque", "user.overlay.metacopy",
                "security.capability", "security.ima", "security.evm", "security.selinux", "security.apparmor", "security.SMACK64",
                "system.posix_acl_access", "system.posix_acl_default", "system.nfs4_acl", "btrfs.compression", "user.", "bogus.x", "", "user.a b", "overlay.opaque",
        };
        char key[64];

        tar_root("");
        snprintf(key, sizeof key, "SCHILY.xattr.%s", names[n % 20]);
        tar_pax_text(key, n / 20 ? "/etc" : "y");
        tar_directory("usr/d/");
}

/* Numbers that are none, or too large, in extended headers */
static void number(size_t n) {
        static const char *const keys[] = { "uid", "gid", "size", "mtime", "atime" };
        static const char *const values[] = { "-1", "4294967296", "9223372036854775808", "0x10", "", "1e99", "-9223372036854775809.9" };

        tar_root("");
        tar_pax_text(keys[n % 5], values[n / 5]);
        tar_file("usr/f", "x");
}

static const struct {
        const char *name, *expected;
        size_t n;
        void (*write)(size_t n);
} families[] = {
        { "S54-escape", "BadArchive", 120, escape },
        { "S55-order", "any", 96, order },
        { "S56-hardlink", "BadArchive", 24, hardlink },
        { "S58-alias", "ok", 24, alias },
        { "S58-kinds", "any", 24, kinds },
        { "S58-remembered", "any", 16, remembered },
        { "S59-node", "BadArchive", 16, node },
        { "S61-unwanted", "any", 40, attribute },
        { "S64-field", "any", 45, field },
        { "S64-record", "any", 48, record },
        { "S64-number", "any", 35, number },
};

bool generated_archive(size_t i, bool write, Generated *ret) {
        for (size_t f = 0; f < ELEMENTSOF(families); i -= families[f++].n) {
                if (i >= families[f].n)
                        continue;
                snprintf(ret->name, sizeof ret->name, "%s-%03zu", families[f].name, i);
                ret->expected = families[f].expected;
                if (write)
                        families[f].write(i);
                return true;
        }
        return false;
}
