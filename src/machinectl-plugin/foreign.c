/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/foreign.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "settings/quantity.h"
#include "settings/quote.h"

static void nic_done(ForeignNic *n) {
        char *texts[] = { n->type, n->mode, n->link, n->name, n->mac, n->mtu, n->gateway4, n->gateway6 };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                free(texts[i]);
        strv_free(n->addresses4);
        strv_free(n->addresses6);
        *n = (ForeignNic) {};
}

void foreign_forget_interfaces(Foreign *f) {
        for (size_t i = 0; i < FOREIGN_NICS_MAX; i++)
                nic_done(&f->nics[i]);
        f->n_nics = 0;
}

void foreign_forget(Foreign *f, const char *setting) {
        _cleanup_free_ char *error = NULL;

        if (f->file)
                (void) settings_file_unset(f->file, setting, &error);
        for (char **s = f->settings; s && *s; s++) {
                const char *rest = startswith(*s, setting);

                if (!rest || *rest != '=')
                        continue;
                free(*s);
                memmove(s, s + 1, (strv_length(s + 1) + 1) * sizeof *s);
                return;
        }
}

void foreign_done(Foreign *f) {
        settings_file_free(f->file);
        strv_free(f->settings);
        strv_free(f->left_out);
        strv_free(f->notes);
        strv_free(f->name_servers);
        strv_free(f->search_domains);
        strv_free(f->groups);
        strv_free(f->kept_capabilities);
        free(f->name);
        free(f->rootfs);
        free(f->template);
        free(f->parameters);
        free(f->init_uid);
        free(f->init_gid);
        foreign_forget_interfaces(f);
        *f = (Foreign) {};
}

static int bad_line(char **ret_error, unsigned number, const char *reason) {
        return asprintf(ret_error, "line %u %s", number, reason) < 0 ? -ENOMEM : -EBADMSG;
}

int foreign_lines(const void *data, size_t size, int (*line)(Foreign *f, char *line, unsigned number, char **ret_error), Foreign *f, char **ret_error) {
        const char *p = data, *end = p + size;
        int r;

        if (size > FOREIGN_FILE_SIZE_MAX)
                return asprintf(ret_error, "it has more than %u KiB", FOREIGN_FILE_SIZE_MAX / 1024) < 0 ? -ENOMEM : -EBADMSG;
        for (unsigned number = 1; p < end; number++) {
                const char *newline = memchr(p, '\n', (size_t) (end - p)) ?: end;
                size_t n = (size_t) (newline - p);
                char text[FOREIGN_LINE_MAX + 1], *begin;

                if (n > FOREIGN_LINE_MAX)
                        return bad_line(ret_error, number, "is too long");
                if (memchr(p, 0, n))
                        return bad_line(ret_error, number, "has a NUL byte in it");
                memcpy(text, p, n);
                text[n] = 0;
                p = newline + 1;
                for (char *tab = text; (tab = strchr(tab, '\t'));)
                        *tab = ' ';
                begin = text + strspn(text, " \r");
                for (n = strlen(begin); n > 0 && strchr(" \r", begin[n - 1]);)
                        begin[--n] = 0;
                if (text_is_plain(begin) <= 0)
                        return bad_line(ret_error, number, "is no text");
                if (!*begin || *begin == '#')
                        continue;
                r = line(f, begin, number, ret_error);
                if (r < 0)
                        return r;
        }
        return 0;
}

int foreign_leave_out(Foreign *f, const char *shown) {
        return strv_find(f->left_out, shown) ? 0 : strv_extend(&f->left_out, shown);
}

int foreign_note(Foreign *f, const char *format, ...) {
        _cleanup_free_ char *note = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&note, format, ap);
        va_end(ap);
        if (r < 0)
                return note = NULL, -ENOMEM;
        return strv_extend(&f->notes, note);
}

/* Who makes a container takes one value for a key, of which the last one counts. */
int foreign_add(Foreign *f, const char *setting, const char *value) {
        _cleanup_free_ char *assignment = NULL;

        if (asprintf(&assignment, "%s=%s", setting, value) < 0)
                return assignment = NULL, -ENOMEM;
        for (char **s = f->settings; s && *s; s++) {
                const char *rest = startswith(*s, setting);

                if (rest && *rest == '=') {
                        free(*s);
                        *s = TAKE_PTR(assignment);
                        return 0;
                }
        }
        return strv_extend(&f->settings, assignment);
}

int foreign_set(Foreign *f, const char *setting, const char *value) {
        _cleanup_free_ char *error = NULL;
        int r;

        if (!f->file) {
                r = settings_file_new(&f->file);
                if (r < 0)
                        return r;
        }
        r = settings_file_set(f->file, setting, value, &error);
        if (r == -ENOMEM)
                return r;
        return r < 0 ? FOREIGN_LEFT_OUT : foreign_add(f, setting, value);
}

int foreign_setf(Foreign *f, const char *setting, const char *format, ...) {
        _cleanup_free_ char *value = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&value, format, ap);
        va_end(ap);
        if (r < 0)
                return value = NULL, -ENOMEM;
        return foreign_set(f, setting, value);
}

int foreign_map(Foreign *f, const ForeignKey *keys, size_t n_keys, const char *shown, const char *key, const char *value) {
        int r;

        for (const ForeignKey *k = keys; k < keys + n_keys; k++) {
                const char *rest = endswith(k->key, ".") ? startswith(key, k->key) : streq(key, k->key) ? "" : NULL;

                if (!rest)
                        continue;
                r = k->map ? k->map(f, k->setting, rest, value) : k->setting && *value ? foreign_set(f, k->setting, value) : 0;
                return r == FOREIGN_LEFT_OUT ? foreign_leave_out(f, shown) : r;
        }
        return foreign_leave_out(f, shown);
}

int foreign_map_size(Foreign *f, const char *setting, const char *rest, const char *value) {
        uint64_t bytes;

        if (streq(value, "max") || streq(value, "unlimited") || streq(value, "-1"))
                return 0;
        if (parse_size(value, &bytes) < 0)
                return FOREIGN_LEFT_OUT;
        /* As the kernel prints "no limit". */
        return bytes >= (uint64_t) INT64_MAX - 4095 ? 0 : foreign_setf(f, setting, "%llu", (unsigned long long) bytes);
}

int foreign_map_yes(Foreign *f, const char *setting, const char *rest, const char *value) {
        int r = parse_bool(value);

        return r < 0 ? FOREIGN_LEFT_OUT : r > 0 ? foreign_set(f, setting, "yes") : 0;
}

int foreign_map_environment(Foreign *f, const char *setting, const char *rest, const char *value) {
        const char *equals = strchr(value, '=');
        _cleanup_free_ char *key = NULL;

        if (!equals)
                return FOREIGN_LEFT_OUT;
        if (asprintf(&key, "environment.%.*s", (int) (equals - value), value) < 0)
                return key = NULL, -ENOMEM;
        return foreign_set(f, key, equals + 1);
}

int foreign_add_tmpfs(Foreign *f, const char *path, const char *options, const char *usual_mode) {
        static const char *const names[][2] = { { "size", "Size" }, { "mode", "Mode" } };
        const char *values[] = { NULL, usual_mode };
        _cleanup_free_ char *copy = strdup(options);
        const char *keys[][2] = { { "Type", "disk" }, { "Source", "tmpfs" }, { "Path", path }, { "Size", NULL }, { "Mode", NULL }, { "ReadOnly", NULL } };
        char *more = copy, *word, device[32];
        int r;

        if (!copy)
                return -ENOMEM;
        while ((word = strsep(&more, ","))) {
                for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                        size_t n = strlen(names[i][0]);

                        if (strncmp(word, names[i][0], n) == 0 && word[n] == '=')
                                values[i] = word + n + 1;
                }
                if (streq(word, "ro"))
                        keys[5][1] = "yes";
        }
        keys[3][1] = values[0];
        keys[4][1] = values[1];
        snprintf(device, sizeof device, "tmpfs%zu", strv_length(f->settings));
        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                _cleanup_free_ char *key = NULL;

                if (!keys[i][1])
                        continue;
                if (asprintf(&key, "Device.%s.%s", device, keys[i][0]) < 0)
                        return key = NULL, -ENOMEM;
                r = foreign_set(f, key, keys[i][1]);
                if (r == FOREIGN_LEFT_OUT && i > 2)
                        r = foreign_note(f, "The file system in memory at '%s': %s cannot be '%s'.", path, keys[i][0], keys[i][1]);
                if (r != 0)
                        return r;
        }
        return 0;
}

/* One key of a device; what it does not take is told of. */
static int set_device(Foreign *f, const char *device, const char *key, const char *value) {
        _cleanup_free_ char *name = NULL;
        int r;

        if (isempty(value))
                return 0;
        if (asprintf(&name, "Device.%s.%s", device, key) < 0)
                return name = NULL, -ENOMEM;
        r = foreign_set(f, name, value);
        return r == FOREIGN_LEFT_OUT ? foreign_note(f, "Interface '%s': %s cannot be '%s'.", device, key, value) : r;
}

static int set_addresses(Foreign *f, const char *device, const ForeignNic *n) {
        _cleanup_free_ char *ipv4 = NULL, *ipv6 = NULL;
        int r;

        r = strv_join(n->addresses4, " ", &ipv4);
        if (r >= 0)
                r = strv_join(n->addresses6, " ", &ipv6);
        if (r >= 0)
                r = set_device(f, device, "IPv4Address", ipv4);
        if (r >= 0)
                r = set_device(f, device, "IPv6Address", ipv6);
        if (r >= 0)
                r = set_device(f, device, "IPv4Gateway", n->gateway4);
        return r < 0 ? r : set_device(f, device, "IPv6Gateway", n->gateway6);
}

static int finish_nic(Foreign *f, const ForeignNic *n, unsigned number) {
        static const struct {
                const char *type, *nic_type;
                bool needs_parent;
        } types[] = {
                { "veth", "bridged", false }, { "routed", "routed", false }, { "macvlan", "macvlan", true },
        };
        bool have_link = n->link && f->has_interface && f->has_interface(n->link);
        const char *nic_type = NULL, *type = streq_ptr(n->type, "veth") && streq_ptr(n->mode, "router") ? "routed" : n->type;
        char device[16];
        int r;

        snprintf(device, sizeof device, "eth%u", number);
        if (streq_ptr(n->type, "empty"))
                return set_device(f, device, "Type", "none");
        /* It would be gone from the host. */
        if (streq_ptr(n->type, "phys") && n->link)
                return foreign_note(f, "'%s', an interface of the host, is not lent to it: 'berthctl device add NAME %s nic NicType=physical Parent=%s' does that.", n->link,
                                    device, n->link);
        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (streq_ptr(type, types[i].type) && (have_link || !types[i].needs_parent))
                        nic_type = types[i].nic_type;
        if (!nic_type)
                return foreign_note(f, n->link ? "Interface '%s' is left out: type %s on '%s' cannot be had here." : "Interface '%s' is left out: type %s cannot be had here.",
                                    device, n->type ?: "none", n->link);
        r = set_device(f, device, "Type", "nic");
        if (r >= 0)
                r = set_device(f, device, "NicType", nic_type);
        if (r >= 0)
                r = set_device(f, device, "Name", n->name);
        if (r >= 0)
                r = set_device(f, device, "MACAddress", n->mac);
        if (r >= 0)
                r = set_device(f, device, "MTUBytes", n->mtu);
        /* Without its bridge it is in another network, where its addresses are nobody's. */
        if (r >= 0 && n->link && !have_link)
                return foreign_note(f, "There is no bridge '%s' here: interface '%s' is on berthbr0%s.", n->link, device,
                                    n->addresses4 || n->addresses6 ? ", without its addresses" : "");
        if (r >= 0 && have_link)
                r = set_device(f, device, "Parent", n->link);
        return r < 0 ? r : set_addresses(f, device, n);
}

int foreign_finish(Foreign *f) {
        unsigned number = 0;
        int r = 0;

        for (unsigned i = 0; i < f->n_nics && r >= 0; i++)
                if (f->nics[i].there)
                        r = finish_nic(f, &f->nics[i], number++);
        if (r >= 0 && f->cpu_quota_usec > 0) {
                uint64_t period = f->cpu_period_usec > 0 ? f->cpu_period_usec : 100 * USEC_PER_MSEC;
                uint64_t permyriad = f->cpu_quota_usec > UINT64_MAX / 10000 ? UINT64_MAX : f->cpu_quota_usec * 10000 / period;

                r = foreign_setf(f, "CPUQuota", "%llu.%02llu%%", (unsigned long long) (permyriad / 100), (unsigned long long) (permyriad % 100));
                if (r == FOREIGN_LEFT_OUT)
                        r = foreign_leave_out(f, "CPU quota");
        }
        return r < 0 ? r : 0;
}
