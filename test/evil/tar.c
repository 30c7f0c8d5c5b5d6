/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tar_bytes(const void *data, size_t size) {
        if (size > 0 && fwrite(data, 1, size, stdout) != size)
                exit(EXIT_FAILURE);
}

void tar_zeros(unsigned long long size) {
        static const char zeros[65536];

        while (size > 0) {
                size_t n = size < sizeof zeros ? (size_t) size : sizeof zeros;

                tar_bytes(zeros, n);
                size -= n;
        }
}

static void put_number(char *field, size_t width, long long value) {
        if (value >= 0 && value < 1LL << (3 * (width - 1))) {
                snprintf(field, width, "%0*llo", (int) width - 1, (unsigned long long) value);
                return;
        }
        /* GNU's and star's base 256 */
        for (size_t i = width; i-- > 0; value >>= 8)
                field[i] = (char) value;
        field[0] = (char) (value < 0 ? 0xff : 0x80);
}

void tar_entry(const TarEntry *e) {
        const char type = e->type ? e->type : e->name[0] && e->name[strlen(e->name) - 1] == '/' ? '5' : '0';
        const long long size = e->size == -1 || !e->size ? (long long) e->data_size : e->size;
        char h[512] = {};
        unsigned sum = 0;

        memcpy(h, e->name, strlen(e->name) < 100 ? strlen(e->name) : 100);
        put_number(h + 100, 8, e->mode ? e->mode : type == '5' ? 0755 : 0644);
        put_number(h + 108, 8, e->uid);
        put_number(h + 116, 8, e->gid);
        put_number(h + 124, 12, size);
        if (e->raw_size)
                memcpy(h + 124, e->raw_size, 12);
        put_number(h + 136, 12, 1700000000);
        h[156] = type;
        if (e->link)
                memcpy(h + 157, e->link, strlen(e->link) < 100 ? strlen(e->link) : 100);
        memcpy(h + 257, "ustar\00000", 8);
        if (type == '3' || type == '4') {
                put_number(h + 329, 8, 1);
                put_number(h + 337, 8, 3);
        }
        memset(h + 148, ' ', 8);
        for (size_t i = 0; i < sizeof h; i++)
                sum += (unsigned char) h[i];
        snprintf(h + 148, 8, "%06o", sum);

        tar_bytes(h, sizeof h);
        tar_bytes(e->data, e->data_size);
        tar_zeros((512 - e->data_size % 512) % 512);
}

void tar_file(const char *name, const char *content) {
        tar_entry(&(TarEntry) { .name = name, .type = '0', .data = content, .data_size = strlen(content) });
}

void tar_directory(const char *name) {
        tar_entry(&(TarEntry) { .name = name, .type = '5' });
}

void tar_symlink(const char *name, const char *target) {
        tar_entry(&(TarEntry) { .name = name, .type = '2', .link = target, .mode = 0777 });
}

void tar_hardlink(const char *name, const char *target) {
        tar_entry(&(TarEntry) { .name = name, .type = '1', .link = target });
}

void tar_device(const char *name) {
        tar_entry(&(TarEntry) { .name = name, .type = '3', .mode = 0666 });
}

void tar_pax(const char *key, const void *value, size_t size) {
        size_t length = strlen(key) + size + 3, digits = 1, n;
        char *record;

        /* The length counts its own digits. */
        while ((size_t) snprintf(NULL, 0, "%zu", length + digits) != digits)
                digits++;
        n = length + digits;
        record = malloc(n + 1);
        if (!record)
                exit(EXIT_FAILURE);
        n = (size_t) sprintf(record, "%zu %s=", n, key);
        memcpy(record + n, value, size);
        record[n + size] = '\n';
        tar_entry(&(TarEntry) { .name = "PaxHeaders/x", .type = 'x', .data = record, .data_size = n + size + 1 });
        free(record);
}

void tar_pax_text(const char *key, const char *value) {
        tar_pax(key, value, strlen(value));
}

void tar_end(void) {
        tar_zeros(1024);
}

void tar_root(const char *prefix) {
        static const char *const directories[] = { "", "usr/", "usr/bin/", "etc/", "dev/" };
        char name[256];

        for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
                snprintf(name, sizeof name, "%s%s", prefix, directories[i]);
                tar_directory(*name ? name : "./");
        }
        snprintf(name, sizeof name, "%setc/os-release", prefix);
        tar_file(name, "PRETTY_NAME=\"Evil Linux 1\"\n");
}
