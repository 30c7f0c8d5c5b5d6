/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* More types of [Resource], of properties that are no single number: words, times, yes and no, values by disk, and addresses. */

#include "settings/property.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "basic/strv.h"
#include "settings/quantity.h"
#include "settings/quote.h"

static int apply_word(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        UnitProperty p = { .name = t->property, .type = "s" };

        if (!setting_has_choice(t, text))
                return setting_reason(ret_reason, "is none of: %s", t->choices);
        p.text = strdup(text);
        return p.text ? setting_property_set(t, s, p) : -ENOMEM;
}

static int print_word(const Setting *t, const Settings *s, char **ret) {
        const UnitProperty *p = setting_property_find(t, s);

        return !p ? -ENODATA : (*ret = strdup(p->text)) ? 0 : -ENOMEM;
}

static int apply_yes_no(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        int r = parse_bool(text);

        return r < 0 ? r : setting_property_set(t, s, (UnitProperty) { .name = t->property, .type = "b", .number = (uint64_t) r });
}

static int print_yes_no(const Setting *t, const Settings *s, char **ret) {
        const UnitProperty *p = setting_property_find(t, s);

        return !p ? -ENODATA : (*ret = strdup(p->number ? "yes" : "no")) ? 0 : -ENOMEM;
}

static int apply_period(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        uint64_t usec;
        int r;

        r = parse_time_span(text, &usec);
        if (r < 0)
                return r;
        /* What cpu.max takes. */
        if (usec < USEC_PER_MSEC || usec > USEC_PER_SEC)
                return setting_reason(ret_reason, "is not from 1ms to 1s");
        return setting_property_set(t, s, (UnitProperty) { .name = t->property, .type = "t", .number = usec });
}

static int print_period(const Setting *t, const Settings *s, char **ret) {
        const UnitProperty *p = setting_property_find(t, s);

        return p ? print_time_span(p->number, ret) : -ENODATA;
}

static int apply_pressure(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        uint64_t v;
        int r;

        r = parse_permyriad(text, 10000, &v);
        return r < 0 ? r : setting_property_set(t, s, (UnitProperty) { .name = t->property, .type = "u", .number = (v * UINT32_MAX + 5000) / 10000 });
}

static int print_pressure(const Setting *t, const Settings *s, char **ret) {
        const UnitProperty *p = setting_property_find(t, s);

        return p ? print_permyriad((p->number * 10000 + UINT32_MAX / 2) / UINT32_MAX, ret) : -ENODATA;
}

/* --- a(st): a path of the host that is a disk or lies on one, and a number --- */

typedef int (*ParseNumber)(const Setting *t, const char *text, uint64_t *ret);
typedef int (*PrintNumber)(uint64_t v, char **ret);

static int parse_disk_weight(const Setting *t, const char *text, uint64_t *ret) {
        int r = parse_u64(text, t->max, ret);

        return r >= 0 && *ret == 0 ? -ERANGE : r;
}

static int parse_rate(const Setting *t, const char *text, uint64_t *ret) {
        int r;

        if (streq(text, "infinity"))
                return *ret = UINT64_MAX, 0;
        r = parse_size(text, ret);
        return r >= 0 && *ret == 0 ? -ERANGE : r;
}

static int parse_latency(const Setting *t, const char *text, uint64_t *ret) {
        int r = parse_time_span(text, ret);

        return r >= 0 && (*ret == 0 || *ret == USEC_INFINITY) ? -ERANGE : r;
}

static bool disk_path_valid(const char *path) {
        return path[0] == '/' && strlen(path) < 4096 && !strstr(path, "/../") && !strstr(path, "//") && !strstr(path, "/./") && !endswith(path, "/..") &&
               !endswith(path, "/.");
}

/* Takes the entry, in the place of one of the same disk. */
static int put_entry(char ***list, char *entry, size_t path_size) {
        for (char **e = *list; e && *e; e++)
                if (strncmp(*e, entry, path_size + 1) == 0) {
                        free(*e);
                        *e = entry;
                        return 0;
                }
        return strv_consume(list, entry);
}

static int apply_disks(const Setting *t, Settings *s, const char *text, ParseNumber parse, char **ret_reason) {
        _cleanup_strv_ char **words = NULL, **list = NULL;
        const UnitProperty *old = setting_property_find(t, s);
        int r;

        r = words_split(text, SETTINGS_LIST_MAX, &words, ret_reason);
        if (r < 0)
                return r;
        if (!words || strv_length(words) % 2 != 0)
                return -EINVAL;
        if (old) {
                r = strv_copy(old->list, &list);
                if (r < 0)
                        return r;
        }
        for (char **w = words; *w; w += 2) {
                uint64_t number;
                char *entry;

                if (!disk_path_valid(w[0]) || strchr(w[0], ' ') || text_is_plain(w[0]) <= 0)
                        return setting_reason(ret_reason, "names no absolute path without blanks");
                r = parse(t, w[1], &number);
                if (r < 0)
                        return r;
                if (strv_length(list) >= SETTINGS_LIST_MAX)
                        return setting_reason(ret_reason, "makes more than %u entries", SETTINGS_LIST_MAX);
                if (asprintf(&entry, "%s %llu", w[0], (unsigned long long) number) < 0)
                        return -ENOMEM;
                r = put_entry(&list, entry, strlen(w[0]));
                if (r < 0)
                        return r;
        }
        return setting_property_set(t, s, (UnitProperty) { .name = t->property, .type = "a(st)", .list = TAKE_PTR(list) });
}

static int print_disks(const Setting *t, const Settings *s, PrintNumber print, char **ret) {
        const UnitProperty *p = setting_property_find(t, s);
        _cleanup_strv_ char **words = NULL;
        int r;

        if (!p)
                return -ENODATA;
        STRV_FOREACH(e, p->list) {
                const char *blank = strrchr(*e, ' ');
                _cleanup_free_ char *number = NULL;
                uint64_t v;

                r = parse_u64(blank + 1, UINT64_MAX, &v);
                if (r >= 0)
                        r = print(v, &number);
                if (r >= 0)
                        r = strv_extendf(&words, "%.*s", (int) (blank - *e), *e);
                if (r >= 0)
                        r = strv_extend(&words, number);
                if (r < 0)
                        return r;
        }
        return words_join(words, ret);
}

static int print_plain_number(uint64_t v, char **ret) {
        return asprintf(ret, "%llu", (unsigned long long) v) < 0 ? -ENOMEM : 0;
}

static int print_rate_number(uint64_t v, char **ret) {
        if (v == UINT64_MAX)
                return (*ret = strdup("infinity")) ? 0 : -ENOMEM;
        return print_size(v, ret);
}

/* A word of its own, so that it stays one. */
static int print_latency_number(uint64_t v, char **ret) {
        return asprintf(ret, "%lluus", (unsigned long long) v) < 0 ? -ENOMEM : 0;
}

static int apply_disk_weight(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        return apply_disks(t, s, text, parse_disk_weight, ret_reason);
}

static int apply_disk_rate(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        return apply_disks(t, s, text, parse_rate, ret_reason);
}

static int apply_disk_latency(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        return apply_disks(t, s, text, parse_latency, ret_reason);
}

static int print_disk_weight(const Setting *t, const Settings *s, char **ret) {
        return print_disks(t, s, print_plain_number, ret);
}

static int print_disk_rate(const Setting *t, const Settings *s, char **ret) {
        return print_disks(t, s, print_rate_number, ret);
}

static int print_disk_latency(const Setting *t, const Settings *s, char **ret) {
        return print_disks(t, s, print_latency_number, ret);
}

/* --- a(iayu): addresses --- */

static const struct {
        const char *name, *ranges[2];
} address_names[] = {
        { "any", { "0.0.0.0/0", "::/0" } },
        { "localhost", { "127.0.0.0/8", "::1/128" } },
        { "link-local", { "169.254.0.0/16", "fe80::/64" } },
        { "multicast", { "224.0.0.0/4", "ff00::/8" } },
};

static int add_address(char ***list, const char *word) {
        char address[INET6_ADDRSTRLEN], printed[INET6_ADDRSTRLEN];
        const char *slash = strchr(word, '/');
        size_t n = slash ? (size_t) (slash - word) : strlen(word);
        uint8_t bytes[16];
        uint64_t bits;
        int family;

        if (n >= sizeof address)
                return -EINVAL;
        memcpy(address, word, n);
        address[n] = 0;
        family = strchr(address, ':') ? AF_INET6 : AF_INET;
        if (inet_pton(family, address, bytes) != 1)
                return -EINVAL;
        bits = family == AF_INET ? 32 : 128;
        if (slash && parse_u64(slash + 1, bits, &bits) < 0)
                return -EINVAL;
        /* Only the network counts. */
        for (size_t i = bits; i < (family == AF_INET ? 32U : 128U); i++)
                bytes[i / 8] &= (uint8_t) ~(0x80U >> (i % 8));
        if (!inet_ntop(family, bytes, printed, sizeof printed))
                return -EINVAL;
        return strv_extendf(list, "%s/%llu", printed, (unsigned long long) bits);
}

static int apply_addresses(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        _cleanup_strv_ char **words = NULL, **list = NULL;
        const UnitProperty *old = setting_property_find(t, s);
        int r;

        r = words_split(text, SETTINGS_LIST_MAX, &words, ret_reason);
        if (r >= 0 && old)
                r = strv_copy(old->list, &list);
        STRV_FOREACH(w, words) {
                bool named = false;

                for (size_t i = 0; i < ELEMENTSOF(address_names) && r >= 0; i++)
                        for (size_t k = 0; k < 2 && streq(*w, address_names[i].name); k++) {
                                named = true;
                                r = add_address(&list, address_names[i].ranges[k]);
                        }
                if (r >= 0 && !named)
                        r = add_address(&list, *w);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        if (strv_length(list) > SETTINGS_LIST_MAX)
                return setting_reason(ret_reason, "makes more than %u entries", SETTINGS_LIST_MAX);
        return list ? setting_property_set(t, s, (UnitProperty) { .name = t->property, .type = "a(iayu)", .list = TAKE_PTR(list) }) : -EINVAL;
}

static int print_addresses(const Setting *t, const Settings *s, char **ret) {
        const UnitProperty *p = setting_property_find(t, s);

        return p ? strv_join(p->list, " ", ret) : -ENODATA;
}

const SettingType setting_type_property_choice = {
        .name = "word", .expects = "one of its words", .property_type = "s",
        .apply = apply_word, .print = print_word, .clear = setting_property_clear,
};

const SettingType setting_type_property_bool = {
        .name = "boolean", .expects = "yes or no", .example = "yes", .property_type = "b",
        .apply = apply_yes_no, .print = print_yes_no, .clear = setting_property_clear,
};

const SettingType setting_type_period = {
        .name = "time span", .expects = "a time span, such as 50ms", .example = "50ms", .property_type = "t",
        .apply = apply_period, .print = print_period, .clear = setting_property_clear,
};

const SettingType setting_type_pressure = {
        .name = "percentage", .expects = "a percentage up to 100%", .example = "60%", .property_type = "u",
        .apply = apply_pressure, .print = print_pressure, .clear = setting_property_clear,
};

const SettingType setting_type_disk_weight = {
        .name = "disk and weight", .expects = "pairs of a path and a weight from 1 to 10000", .example = "/dev/sda 200", .list = true,
        .property_type = "a(st)", .apply = apply_disk_weight, .print = print_disk_weight, .clear = setting_property_clear,
};

const SettingType setting_type_disk_rate = {
        .name = "disk and rate", .expects = "pairs of a path and a number a second, such as /dev/sda 5M", .example = "/dev/sda 5M", .list = true,
        .property_type = "a(st)", .apply = apply_disk_rate, .print = print_disk_rate, .clear = setting_property_clear,
};

const SettingType setting_type_disk_latency = {
        .name = "disk and time", .expects = "pairs of a path and a time, such as /dev/sda 25ms", .example = "/dev/sda 25ms", .list = true,
        .property_type = "a(st)", .apply = apply_disk_latency, .print = print_disk_latency, .clear = setting_property_clear,
};

const SettingType setting_type_addresses = {
        .name = "addresses", .expects = "a list of any, localhost, link-local, multicast, and addresses such as 192.0.2.0/24 or 2001:db8::/32",
        .example = "localhost 192.0.2.0/24", .list = true, .property_type = "a(iayu)",
        .apply = apply_addresses, .print = print_addresses, .clear = setting_property_clear,
};
