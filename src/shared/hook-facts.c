/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/hook-facts.h"

#include <stdio.h>

#include "basic/strv.h"
#include "settings/table.h"
#include "storage/rootfs.h"

int hook_environment(HookType type, const HookContext *c, char ***ret) {
        const char *hook = hook_type_to_string(type);
        _cleanup_strv_ char **env = NULL;
        int r;

        r = strv_copy(c->environment, &env);
        if (r >= 0 && !strv_get_value(env, "PATH"))
                r = strv_extend(&env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        if (r >= 0)
                r = strv_extendf(&env, "BERTH_CONTAINER=%s", c->name);
        if (r >= 0)
                r = strv_extendf(&env, "BERTH_HOOK=%s", hook);
        /* What hooks of LXC go by (lxc.container.conf(5)). */
        if (r >= 0)
                r = strv_extendf(&env, "LXC_NAME=%s", c->name);
        if (r >= 0)
                r = strv_extendf(&env, "LXC_HOOK_TYPE=%s", type == HOOK_DELETE ? "destroy" : hook);
        if (r >= 0)
                r = strv_extend(&env, "LXC_HOOK_SECTION=lxc");
        if (r >= 0)
                r = strv_extend(&env, "LXC_HOOK_VERSION=1");
        if (r >= 0 && c->settings->uuid)
                r = strv_extendf(&env, "BERTH_UUID=%s", c->settings->uuid);
        if (r >= 0 && c->settings->image)
                r = strv_extendf(&env, "BERTH_IMAGE=%s", c->settings->image);
        if (r >= 0 && (c->settings->uid_base || c->settings->privileged))
                r = strv_extendf(&env, "BERTH_UID_BASE=%u", rootfs_id_base(c->settings));
        if (r >= 0 && c->leader > 0)
                r = strv_extendf(&env, "BERTH_LEADER=%d", (int) c->leader);
        if (r >= 0 && c->leader > 0)
                r = strv_extendf(&env, "LXC_PID=%d", (int) c->leader);
        if (r >= 0 && c->rootfs)
                r = strv_extendf(&env, "BERTH_ROOTFS=%s", c->rootfs);
        if (r >= 0 && c->rootfs)
                r = strv_extendf(&env, "LXC_ROOTFS_MOUNT=%s", c->rootfs);
        if (r >= 0 && c->target)
                r = strv_extendf(&env, "BERTH_TARGET=%s", c->target);
        if (r >= 0 && c->target)
                r = strv_extendf(&env, "LXC_TARGET=%s", c->target);
        if (r >= 0)
                *ret = TAKE_PTR(env);
        return r;
}

static void print_text(FILE *f, const char *text, size_t size) {
        fputc('"', f);
        for (const char *p = text; p < text + size; p++)
                if ((unsigned char) *p < 0x20 || *p == '"' || *p == '\\' || *p == 0x7f)
                        fprintf(f, "\\u%04x", (unsigned char) *p);
                else
                        fputc(*p, f);
        fputc('"', f);
}

static void print_member(FILE *f, const char *key, size_t key_size, const char *value) {
        print_text(f, key, key_size);
        fputc(':', f);
        print_text(f, value, strlen(value));
}

static void print_optional(FILE *f, const char *key, const char *value) {
        if (!value)
                return;
        fputc(',', f);
        print_member(f, key, strlen(key), value);
}

/* What the administrator alone may say, of the host for the most part, is not for a program of the container. */
static int print_settings(FILE *f, const Settings *s, bool for_guest) {
        const char *before = "";
        int r;

        fputs(",\"settings\":{", f);
        for (const Setting *t = settings_table; t < settings_table + n_settings_table; t++) {
                _cleanup_free_ char *text = NULL;

                if (t->who == SETTING_BERTH || (for_guest && (t->who == SETTING_RULED || t->who == SETTING_ADMIN)))
                        continue;
                r = t->type->print(t, s, &text);
                if (r == -ENODATA)
                        continue;
                if (r < 0)
                        return r;
                fputs(before, f);
                print_member(f, t->name, strlen(t->name), text);
                before = ",";
        }
        fputs("},\"user\":{", f);
        before = "";
        STRV_FOREACH(e, s->metadata) {
                size_t n = strcspn(*e, "=");

                fputs(before, f);
                print_member(f, *e, n, *e + n + 1);
                before = ",";
        }
        fputc('}', f);
        return 0;
}

int hook_json(HookType type, const HookContext *c, char **ret) {
        _cleanup_free_ char *text = NULL;
        const Settings *s = c->settings;
        size_t size;
        FILE *f;
        int r;

        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;
        fputc('{', f);
        print_member(f, "name", strlen("name"), c->name);
        print_optional(f, "hook", hook_type_to_string(type));
        print_optional(f, "uuid", s->uuid);
        print_optional(f, "image", s->image);
        print_optional(f, "architecture", s->architecture);
        print_optional(f, "rootfs", c->rootfs);
        print_optional(f, "target", c->target);
        fprintf(f, ",\"owner\":%u,\"uid_base\":%u,\"privileged\":%s,\"ephemeral\":%s", (unsigned) s->owner, rootfs_id_base(s), s->privileged ? "true" : "false", s->ephemeral ? "true" : "false");
        if (c->leader > 0)
                fprintf(f, ",\"leader\":%d", (int) c->leader);
        r = print_settings(f, s, type == HOOK_START);
        fputs("}\n", f);
        if (fclose(f) != 0 && r >= 0)
                r = -ENOMEM;
        if (r >= 0)
                *ret = TAKE_PTR(text);
        return r;
}
