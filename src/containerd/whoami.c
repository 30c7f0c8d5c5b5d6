/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/whoami.h"

#include "basic/log.h"
#include "basic/strv.h"
#include "containerd/manager.h"
#include "containerd/polkit.h"
#include "containerd/quota.h"
#include "containerd/subject.h"
#include "shared/bus-names.h"
#include "shared/names.h"

typedef struct Question {
        WhoAmI *whoami;     /* borrowed */
        PolkitCheck *check; /* owned while it is open */
        const char *answer;
} Question;

typedef struct Verb {
        const PolicyRow *row; /* one of those with this action */
        Question own, others;
} Verb;

struct WhoAmI {
        Manager *manager;   /* borrowed */
        sd_bus_message *m;  /* owned */
        uid_t uid;
        char *container;    /* or NULL: any */
        size_t n_verbs, n_open;
        WhoAmI *next;
        Verb verbs[];       /* as many as there are rows of policy at the most */
};

static void whoami_free(WhoAmI *w) {
        for (WhoAmI **i = &w->manager->whoami; *i; i = &(*i)->next)
                if (*i == w) {
                        *i = w->next;
                        break;
                }
        for (Verb *v = w->verbs; v < w->verbs + w->n_verbs; v++) {
                polkit_check_free(v->own.check);
                polkit_check_free(v->others.check);
        }
        sd_bus_message_unref(w->m);
        free(w->container);
        free(w);
}

void whoami_free_all(Manager *m) {
        while (m->whoami)
                whoami_free(m->whoami);
}

static int reply(WhoAmI *w) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        const size_t prefix = strlen(BERTH_BUS_NAME ".");
        int r;

        r = manager_refresh_containers(w->manager);
        if (r >= 0)
                r = manager_refresh_images(w->manager);
        if (r >= 0)
                r = sd_bus_message_new_method_return(w->m, &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "u", w->uid);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sss)");
        for (const Verb *v = w->verbs; r >= 0 && v < w->verbs + w->n_verbs; v++)
                r = sd_bus_message_append(m, "(sss)", v->row->action + prefix, v->own.answer ?: "", v->others.answer ?: "");
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(stt)");
        for (QuotaKind k = 0; r >= 0 && k < _QUOTA_KIND_MAX; k++)
                r = sd_bus_message_append(m, "(stt)", quota_key(k), quota_used(w->manager, k, w->uid), w->uid == 0 ? UINT64_MAX : quota_limit(w->manager, k));
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_send(m);
}

static void on_answer(void *userdata, PolkitAnswer answer) {
        static const char *const words[] = {
                [POLKIT_YES] = "yes", [POLKIT_NO] = "no", [POLKIT_CHALLENGE] = "authentication", [POLKIT_UNAVAILABLE] = "unknown",
        };
        Question *q = userdata;
        WhoAmI *w = q->whoami;
        int r;

        q->check = NULL;
        q->answer = words[answer];
        if (--w->n_open > 0)
                return;
        r = reply(w);
        if (r < 0)
                (void) sd_bus_reply_method_errno(w->m, r, NULL);
        whoami_free(w);
}

static int ask(WhoAmI *w, const Verb *v, Question *q, bool own) {
        const bool names = w->container && v->row->subject == SUBJECT_CONTAINER;
        const Subject subject = { .row = v->row, .name = names ? w->container : NULL };
        _cleanup_strv_ char **details = NULL;
        _cleanup_free_ char *action = NULL;
        int r;

        q->whoami = w;
        if (w->uid == 0) {
                q->answer = "yes";
                return 0;
        }
        r = subject_details(&subject, w->manager, w->uid, own, &details);
        if (r >= 0 && own)
                r = policy_own_action(v->row->action, &action);
        if (r >= 0)
                r = polkit_check(w->manager->bus, sd_bus_message_get_sender(w->m), action ?: v->row->action, details, false, on_answer, q, &q->check);
        if (r >= 0)
                w->n_open++;
        return r;
}

static int ask_all(WhoAmI *w) {
        int r = 0;

        for (Verb *v = w->verbs; r >= 0 && v < w->verbs + w->n_verbs; v++) {
                /* What has no action for owners, and needs none, is theirs. */
                if (v->row->flags & POLICY_OWNER)
                        v->own.answer = "yes";
                else if (v->row->flags & POLICY_OWN)
                        r = ask(w, v, &v->own, true);
                if (r >= 0)
                        r = ask(w, v, &v->others, false);
        }
        return r;
}

static void collect_verbs(WhoAmI *w, const PolicyRow *rows, size_t n) {
        for (size_t i = 0; i < n; i++) {
                bool known = !rows[i].action;

                for (size_t k = 0; !known && k < w->n_verbs; k++)
                        known = streq(w->verbs[k].row->action, rows[i].action);
                if (!known)
                        w->verbs[w->n_verbs++].row = rows + i;
        }
}

int whoami_bus(Call *call, _unused_ void *object, sd_bus_message *m, sd_bus_error *error) {
        Manager *manager = call->manager;
        const PolicyRow *rows;
        const char *container;
        size_t n;
        WhoAmI *w;
        int r;

        r = sd_bus_message_read(m, "s", &container);
        if (r < 0)
                return r;
        if (*container && !container_name_valid(container))
                return sd_bus_error_set(error, BERTH_ERROR_INVALID_NAME, "That cannot be the name of a container.");
        /* It is some seventy questions to polkit, of which a user has no more open at a time. */
        for (const WhoAmI *i = manager->whoami; i; i = i->next)
                if (i->uid == call->uid)
                        return sd_bus_error_set(error, BERTH_ERROR_LIMIT_REACHED, "This has been asked already, and is not answered yet.");

        rows = policy_rows(&n);
        w = calloc(1, sizeof *w + n * sizeof *w->verbs);
        if (!w)
                return -ENOMEM;
        *w = (WhoAmI) { .manager = manager, .m = sd_bus_message_ref(m), .uid = call->uid, .next = manager->whoami };
        manager->whoami = w;
        collect_verbs(w, rows, n);
        r = *container && !(w->container = strdup(container)) ? -ENOMEM : ask_all(w);
        if (r >= 0 && w->n_open > 0)
                return 1;
        if (r >= 0)
                r = reply(w);
        whoami_free(w);
        return r < 0 ? r : 1;
}
