/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/strv.h"
#include "launch/scope-property.h"
#include "launch/supervisor.h"
#include "settings/table.h"

/* request=settings: the container's files have changed. They are read again; what PID 1 can change in the running scope is changed there, and
 * the answer names what takes effect at the next start. The supervisor does it because it alone knows what the container was started with;
 * it happens the same way whoever changed the files, and whether or not the manager lives. */

typedef struct Change {
        Supervisor *supervisor; /* borrowed: ends after us */
        Settings *settings;     /* owned */
        char **keys;            /* owned: what was changed on purpose; NULL: whatever is different */
        int fd;                 /* owned: who asked */
} Change;

static Change *change_free(Change *c) {
        if (!c)
                return NULL;
        settings_free(c->settings);
        strv_free(c->keys);
        (void) fd_close(c->fd);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(Change *, change_free)

static bool is_meant(const Change *c, const Setting *t) {
        if (!c->keys)
                return true;
        STRV_FOREACH(k, c->keys)
                if (setting_is_meant(t, *k))
                        return true;
        return false;
}

static int answer(Change *c) {
        _cleanup_(message_freep) Message *m = NULL;
        int r;

        if (c->fd < 0)
                return 0;
        r = message_new(&m);
        if (r >= 0)
                r = message_add(m, "event", "done");
        for (const Setting *t = settings_table; r >= 0 && t < settings_table + n_settings_table; t++)
                if (t->when == SETTING_NEXT_START && !supervisor_one_shot(c->supervisor) && is_meant(c, t) && setting_differs(t, c->supervisor->settings, c->settings) != 0)
                        r = message_add(m, "next-start", t->name);
        return r < 0 ? r : message_send(c->fd, m);
}

static void finish(Change *c) {
        Supervisor *s = c->supervisor;

        (void) answer(c);
        settings_free(s->live);
        s->live = TAKE_PTR(c->settings);
}

static int on_changed(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const sd_bus_error *e = sd_bus_message_get_error(reply);
        Change *c = userdata;
        Supervisor *s = c->supervisor;

        if (e) {
                log_warning("PID 1 refuses to change the scope: %s", e->message);
                if (c->fd >= 0)
                        connection_send_error(c->fd, "JobFailed", e->message ?: e->name);
        } else
                finish(c);
        /* The change goes with it. */
        s->change_slot = sd_bus_slot_unref(s->change_slot);
        return 0;
}

static void change_destroy(void *userdata) {
        change_free(userdata);
}

static int change_new(Supervisor *s, int fd, const Message *m, Change **ret) {
        Change *c = calloc(1, sizeof *c);

        if (!c) {
                (void) fd_close(fd);
                return -ENOMEM;
        }
        *c = (Change) { .supervisor = s, .fd = fd };
        *ret = c;
        return m ? message_get_strv(m, "key", &c->keys) : 0;
}

static int change_begin(Change *c, char **ret_error) {
        Supervisor *s = c->supervisor;
        _cleanup_free_ bool *rows = NULL;
        bool any = false;
        int r;

        r = settings_load(s->options->name, &c->settings, ret_error);
        if (r < 0)
                return r;
        c->settings->uid_base = s->settings->uid_base;
        /* First, because they are what can fail. */
        r = lent_change(s->lent, &c->settings->devices, ret_error);
        if (r < 0)
                return r;
        rows = calloc(n_settings_table, sizeof *rows);
        if (!rows)
                return -ENOMEM;
        for (size_t i = 0; i < n_settings_table; i++) {
                const Setting *t = &settings_table[i];

                /* What somebody has set on purpose is set again: systemctl set-property may have changed it meanwhile. Else that stays. */
                rows[i] = t->when == SETTING_LIVE && streq(t->section, "Resource") && ((c->keys && is_meant(c, t)) || setting_differs(t, s->live ?: s->settings, c->settings) != 0);
                any = any || rows[i];
        }
        if (!any)
                return 0;
        scope_property_mark(rows);
        r = scope_change(s->scope, c->settings, rows, on_changed, c, &s->change_slot);
        if (r < 0)
                return r;
        (void) sd_bus_slot_set_destroy_callback(s->change_slot, change_destroy);
        return 1;
}

void supervisor_change(Supervisor *s, int fd, const Message *m) {
        _cleanup_(change_freep) Change *c = NULL;
        _cleanup_free_ char *error = NULL;
        int r;

        if (s->change_slot) {
                if (fd >= 0)
                        connection_send_error(fd, "Busy", "its settings are being changed");
                (void) fd_close(fd);
                return;
        }
        r = change_new(s, fd, m, &c);
        /* A command in a stopped container goes on as it began. */
        if (r >= 0 && s->options->run_in)
                r = settings_load(s->options->name, &c->settings, &error);
        else if (r >= 0)
                r = change_begin(c, &error);
        if (r < 0)
                log_warning_errno(r, "Cannot change the settings of the running container: %s", error ?: strerror(-r));
        if (r < 0 && c && c->fd >= 0)
                connection_send_error(c->fd, r == -EBADMSG ? "BadSettings" : "JobFailed", error ?: strerror(-r));
        if (r == 0)
                finish(c);
        if (r > 0)
                TAKE_PTR(c);
}

void supervisor_catch_up(Supervisor *s) {
        struct stat st, *old = &s->settings_stat;

        if (fstatat(s->container_fd, "container.conf", &st, AT_SYMLINK_NOFOLLOW) >= 0 &&
            (st.st_ino != old->st_ino || st.st_size != old->st_size || st.st_mtim.tv_sec != old->st_mtim.tv_sec ||
             st.st_mtim.tv_nsec != old->st_mtim.tv_nsec))
                supervisor_change(s, -EBADF, NULL);
}
