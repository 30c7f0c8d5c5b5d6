/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* systemd.nspawn(5). */

#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "machinectl-plugin/foreign.h"
#include "settings/ini.h"
#include "settings/quote.h"

static int map_boot(Foreign *f, const char *setting, const char *rest, const char *value) {
        int r = parse_bool(value);

        f->boots = r > 0;
        return r < 0 ? FOREIGN_LEFT_OUT : 0;
}

static int map_parameters(Foreign *f, const char *setting, const char *rest, const char *value) {
        return free_and_strdup(&f->parameters, value);
}

/* Those of the init are none of a program. */
static int finish_parameters(Foreign *f) {
        int r;

        if (!f->parameters)
                return 0;
        r = f->boots ? FOREIGN_LEFT_OUT : foreign_set(f, "Init", f->parameters);
        return r == FOREIGN_LEFT_OUT ? foreign_leave_out(f, "Parameters") : r;
}

static int map_drop(Foreign *f, const char *setting, const char *rest, const char *value) {
        return streq(value, "all") ? FOREIGN_LEFT_OUT : foreign_setf(f, setting, "~%s", value);
}

/* Both are what every container has. */
static int map_private(Foreign *f, const char *setting, const char *rest, const char *value) {
        return parse_bool(value) == 0 ? FOREIGN_LEFT_OUT : 0;
}

/* "A=b \"C=d e\"" */
static int map_environment(Foreign *f, const char *setting, const char *rest, const char *value) {
        _cleanup_strv_ char **words = NULL;
        _cleanup_free_ char *reason = NULL;
        int r;

        r = words_split(value, 1024, &words, &reason);
        if (r < 0)
                return r == -ENOMEM ? r : FOREIGN_LEFT_OUT;
        r = 0;
        STRV_FOREACH(w, words)
                if (r == 0)
                        r = foreign_map_environment(f, NULL, NULL, *w);
        return r;
}

static int map_limit(Foreign *f, const char *setting, const char *rest, const char *value) {
        _cleanup_free_ char *key = NULL;

        if (asprintf(&key, "Limit%s", rest) < 0)
                return key = NULL, -ENOMEM;
        return settings_key_is_owner_settable(key) > 0 ? foreign_set(f, key, value) : FOREIGN_LEFT_OUT;
}

static int map_bind(Foreign *f, const char *setting, const char *rest, const char *value) {
        _cleanup_free_ char *source = strndup(value, strcspn(value, ":"));
        const char *more = value + strcspn(value, ":");
        _cleanup_free_ char *path = *more ? strndup(more + 1, strcspn(more + 1, ":")) : strdup(value);

        if (!source || !path)
                return -ENOMEM;
        return foreign_note(f, "'%s' of the host, which it had at '%s', is not lent to it: 'berthctl device add NAME DEVICE disk Source=%s Path=%s%s' does that.", source,
                            path, source, path, streq(setting, "ro") ? " ReadOnly=yes" : "");
}

static int map_tmpfs(Foreign *f, const char *setting, const char *rest, const char *value) {
        _cleanup_free_ char *path = strndup(value, strcspn(value, ":"));

        if (!path)
                return -ENOMEM;
        return foreign_add_tmpfs(f, path, value[strlen(path)] ? value + strlen(path) + 1 : "", "0755");
}

static int set_nic(Foreign *f, const char *type, const char *link) {
        ForeignNic *n = &f->nics[f->n_nics];
        int r;

        if (f->n_nics >= FOREIGN_NICS_MAX)
                return FOREIGN_LEFT_OUT;
        r = free_and_strdup(&n->type, type);
        if (r >= 0 && link)
                r = free_and_strdup(&n->link, link);
        if (r < 0)
                return r;
        n->there = true;
        f->n_nics++;
        return 0;
}

static int map_bridge(Foreign *f, const char *setting, const char *rest, const char *value) {
        return set_nic(f, "veth", value);
}

/* berthbr0 is to berth's containers what a zone's bridge is to nspawn's. */
static int map_zone(Foreign *f, const char *setting, const char *rest, const char *value) {
        return foreign_note(f, "Its zone '%s' is not made: it is on berthbr0, with all other containers.", value);
}

static int map_macvlan(Foreign *f, const char *setting, const char *rest, const char *value) {
        return set_nic(f, setting, value);
}

/* "tcp:8080:80", "8080", "udp:53" */
static int map_port(Foreign *f, const char *setting, const char *rest, const char *value) {
        const char *udp = startswith(value, "udp:"), *ports = udp ?: startswith(value, "tcp:") ?: value, *inside = strchr(ports, ':');
        int n = (int) strcspn(ports, ":"), r;
        char device[32];
        const char *key[] = { "Type", "Listen", "Connect" };

        if (n == 0 || n > 5)
                return FOREIGN_LEFT_OUT;
        snprintf(device, sizeof device, "port-%s%.*s", udp ? "udp" : "tcp", n, ports);
        r = 0;
        for (size_t i = 0; r == 0 && i < ELEMENTSOF(key); i++) {
                _cleanup_free_ char *name = NULL;

                if (asprintf(&name, "Device.%s.%s", device, key[i]) < 0)
                        return name = NULL, -ENOMEM;
                r = i == 0 ? foreign_set(f, name, "proxy") : i == 1 ? foreign_setf(f, name, "%s:0.0.0.0:%.*s", udp ? "udp" : "tcp", n, ports) :
                        foreign_setf(f, name, "%s:127.0.0.1:%s", udp ? "udp" : "tcp", inside ? inside + 1 : ports);
        }
        return r;
}

static const ForeignKey keys[] = {
        { "Exec.Boot", NULL, map_boot },
        { "Exec.Parameters", NULL, map_parameters },
        { "Exec.ProcessTwo", "StubInit", foreign_map_yes },
        { "Exec.Environment", NULL, map_environment },
        { "Exec.User", "User", NULL },
        { "Exec.WorkingDirectory", "WorkingDirectory", NULL },
        { "Exec.Hostname", "Hostname", NULL },
        { "Exec.KillSignal", "KillSignal", NULL },
        { "Exec.CPUAffinity", "AllowedCPUs", NULL },
        { "Exec.Personality", "Personality", NULL },
        { "Exec.NoNewPrivileges", "NoNewPrivileges", foreign_map_yes },
        { "Exec.DropCapability", "CapabilityBoundingSet", map_drop },
        { "Exec.PrivateUsers", NULL, map_private },
        { "Exec.PrivateUsersOwnership", NULL, NULL },
        { "Exec.NotifyReady", "NotifyReady", NULL },
        { "Exec.Ephemeral", NULL, NULL },
        { "Files.Bind", "rw", map_bind },
        { "Files.BindReadOnly", "ro", map_bind },
        { "Files.TemporaryFileSystem", NULL, map_tmpfs },
        { "Files.PrivateUsersChown", NULL, NULL },
        { "Files.PrivateUsersOwnership", NULL, NULL },
        { "Network.Private", NULL, map_private },
        { "Network.VirtualEthernet", NULL, NULL },
        { "Network.Bridge", NULL, map_bridge },
        { "Network.Zone", NULL, map_zone },
        { "Network.MACVLAN", "macvlan", map_macvlan },
        { "Network.Interface", "phys", map_macvlan },
        { "Network.Port", NULL, map_port },
};

static int map_line(Foreign *f, const IniLine *l) {
        _cleanup_free_ char *key = NULL;
        const char *limit = startswith(l->key, "Limit");
        int r;

        if (asprintf(&key, "%s.%s", l->section, l->key) < 0)
                return key = NULL, -ENOMEM;
        if (streq(l->section, "Exec") && limit) {
                r = map_limit(f, NULL, limit, l->value);
                return r == FOREIGN_LEFT_OUT ? foreign_leave_out(f, l->key) : r;
        }
        return *l->value ? foreign_map(f, keys, ELEMENTSOF(keys), l->key, key, l->value) : 0;
}

static int check_line(Foreign *f, char *line, unsigned number, char **ret_error) {
        return 0;
}

int foreign_parse_nspawn(Foreign *f, const void *data, size_t size, char **ret_error) {
        _cleanup_free_ char *text = NULL, *reason = NULL;
        Ini ini = {};
        int r;

        r = foreign_lines(data, size, check_line, f, ret_error);
        if (r < 0)
                return r;
        text = strndup(data, size);
        if (!text)
                return -ENOMEM;
        r = ini_parse(&ini, text, &reason);
        if (r < 0)
                return r == -EBADMSG && asprintf(ret_error, "line %s", reason) < 0 ? -ENOMEM : r;
        for (const IniLine *l = ini.lines; r >= 0 && l < ini.lines + ini.n_lines; l++)
                if (l->kind == INI_ASSIGNMENT)
                        r = map_line(f, l);
        ini_done(&ini);
        if (r >= 0)
                r = finish_parameters(f);
        return r < 0 ? r : foreign_finish(f);
}
