/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/gate.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "basic/log.h"
#include "basic/strv.h"
#include "containerd/container.h"
#include "containerd/limits.h"
#include "containerd/manager.h"
#include "containerd/policy.h"
#include "containerd/polkit.h"
#include "containerd/subject.h"
#include "shared/bus-names.h"

/* A call on its way through the gate. */
typedef struct Passage {
        Call call;
        Gate *gate;
        Subject subject;
        bool sees_decided, action_decided;
        bool interactive;         /* somebody may be asked for a password */
        bool own;                 /* the action that is asked about is that for the caller's own */
        bool own_challenged;      /* it takes a password, or the action for everybody's */
        PolkitCheck *check;       /* owned while the question is open */
        sd_bus_track *track;      /* of the caller */
        sd_event_source *patience; /* while the call is put off */
        struct Passage *next;
} Passage;

#define SENDERS_MAX 64U
#define PUT_OFF_USEC (5 * USEC_PER_SEC)

typedef struct Sender {
        char *name;
        uid_t uid;
} Sender;

struct Gate {
        Manager *manager;         /* borrowed, outlives us */
        /* Whose connection it is: the bus gives a unique name to one connection and never again, so what it once said stays true. Without
         * this every call of a flood would cost a question to the bus, during which more of the flood is read into memory. */
        Sender senders[SENDERS_MAX];
        size_t next_sender;
        sd_bus_slot *filter_slot;
        Passage *waiting;         /* polkit is asked, or the message is queued again */
        size_t n_waiting;
        Passage *current;         /* decided and being dispatched */
        sd_event_source *forget;  /* lets go of it when that is done: its message holds the caller's file descriptors open */
};

static Passage *passage_free(Passage *p) {
        if (!p)
                return NULL;
        polkit_check_free(p->check);
        sd_bus_track_unref(p->track);
        sd_event_source_disable_unref(p->patience);
        sd_bus_message_unref(p->call.message);
        subject_done(&p->subject);
        free(p);
        return NULL;
}
DEFINE_CLEANUP(Passage *, passage_free)

static void passage_unlink(Passage *p) {
        for (Passage **i = &p->gate->waiting; *i; i = &(*i)->next)
                if (*i == p) {
                        *i = p->next;
                        p->next = NULL;
                        p->gate->n_waiting--;
                        return;
                }
}

Gate *gate_free(Gate *g) {
        if (!g)
                return NULL;
        while (g->waiting) {
                Passage *p = g->waiting;

                passage_unlink(p);
                passage_free(p);
        }
        passage_free(g->current);
        sd_event_source_disable_unref(g->forget);
        for (size_t i = 0; i < SENDERS_MAX; i++)
                free(g->senders[i].name);
        sd_bus_slot_unref(g->filter_slot);
        free(g);
        return NULL;
}

size_t gate_n_waiting(const Gate *g) {
        return g->n_waiting;
}

static size_t n_waiting_of(const Gate *g, uid_t uid) {
        size_t n = 0;

        for (const Passage *p = g->waiting; p; p = p->next)
                n += p->call.uid == uid;
        return n;
}

static int refuse(const Passage *p, PolkitAnswer answer) {
        const PolicyRow *row = p->call.row;
        _cleanup_free_ char *what = NULL;

        if (!isempty(p->subject.name) && asprintf(&what, " '%s'", p->subject.name) < 0)
                return -ENOMEM;

        switch (answer) {

        case POLKIT_CHALLENGE:
                return sd_bus_reply_method_errorf(p->call.message, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                                                  "Not allowed to %s%s without authentication.", row->deed, what ?: "");

        case POLKIT_UNAVAILABLE:
                return sd_bus_reply_method_errorf(p->call.message, SD_BUS_ERROR_ACCESS_DENIED,
                                                  "Not allowed to %s%s: the authorisation service (polkit) does not answer.", row->deed, what ?: "");

        case POLKIT_YES:
        case POLKIT_NO:
                break;
        }
        return sd_bus_reply_method_errorf(p->call.message, SD_BUS_ERROR_ACCESS_DENIED, "Not allowed to %s%s.", row->deed, what ?: "");
}

/* The caller has gone: nobody is left to be authorised, and a dialog that may be open is taken away. */
static int on_caller_gone(_unused_ sd_bus_track *track, void *userdata) {
        Passage *p = userdata;

        if (!p->check)
                return 0;
        passage_unlink(p);
        passage_free(p);
        return 0;
}

/* Not for a question without a dialog, which is answered soon: it costs a question to the bus that is waited for. */
static int passage_follow_caller(Passage *p) {
        int r;

        r = sd_bus_track_new(p->call.manager->bus, &p->track, on_caller_gone, p);
        return r < 0 ? r : sd_bus_track_add_sender(p->track, p->call.message);
}

static int passage_advance(Passage *p);

/* After a question: goes on, or ends here. */
static void passage_resume(Passage *p) {
        int r = passage_advance(p);

        if (r == 0)
                return; /* the next question is open */
        if (r > 0) {
                /* Decided: sd-bus reads the message again, from the filter on, where it finds this passage. */
                (void) sd_bus_message_rewind(p->call.message, true);
                r = sd_bus_enqueue_for_read(p->call.manager->bus, p->call.message);
        }
        if (r < 0) {
                if (r != -EACCES)
                        (void) sd_bus_reply_method_errno(p->call.message, r, NULL);
                passage_unlink(p);
                passage_free(p);
        }
}

static void on_sees(void *userdata, PolkitAnswer answer) {
        Passage *p = userdata;

        p->check = NULL;
        p->sees_decided = true;
        p->call.see_all = answer == POLKIT_YES;
        passage_resume(p);
}

static void on_action(void *userdata, PolkitAnswer answer) {
        Passage *p = userdata;

        p->check = NULL;
        /* A rule may be about what is anybody's, this included. */
        if (p->own && answer == POLKIT_CHALLENGE && !p->own_challenged) {
                p->own_challenged = true;
                p->own = false;
                passage_resume(p);
                return;
        }
        if (!p->own && p->own_challenged && (answer == POLKIT_NO || answer == POLKIT_CHALLENGE)) {
                p->own = true;
                answer = POLKIT_CHALLENGE;
        }
        /* First without a dialog: an answer to that comes soon, or polkit hangs; then, if that is what it takes and the caller allows it,
         * with one, which may take minutes. */
        if (answer == POLKIT_CHALLENGE && !p->interactive && sd_bus_message_get_allow_interactive_authorization(p->call.message) > 0) {
                p->interactive = true;
                (void) passage_follow_caller(p);
                passage_resume(p);
                return;
        }
        p->action_decided = true;
        p->call.authorised = answer == POLKIT_YES;
        p->call.own = p->own;
        if (!p->call.authorised) {
                (void) refuse(p, answer);
                passage_unlink(p);
                passage_free(p);
                return;
        }
        passage_resume(p);
}

/* Asks the next question. Returns 0 when one is open, 1 when all is decided. */
static int passage_advance(Passage *p) {
        Call *c = &p->call;
        const char *sender = sd_bus_message_get_sender(c->message);
        int r;

        if (!p->sees_decided) {
                r = polkit_check(c->manager->bus, sender, POLICY_ACTION_LIST, NULL, false, on_sees, p, &p->check);
                return r < 0 ? r : 0;
        }
        if (!p->action_decided) {
                _cleanup_strv_ char **details = NULL;
                _cleanup_free_ char *own = NULL;

                r = subject_details(&p->subject, c->manager, c->uid, p->own, &details);
                if (r >= 0 && p->own)
                        r = policy_own_action(c->row->action, &own);
                if (r < 0)
                        return r;
                r = polkit_check(c->manager->bus, sender, own ?: c->row->action, details, p->interactive, on_action, p, &p->check);
                return r < 0 ? r : 0;
        }
        return 1;
}

static void passage_begin(Passage *p) {
        const PolicyRow *row = p->call.row;
        uid_t owner;

        if (p->call.uid == 0) {
                /* Not even a dead polkit locks root out. */
                p->sees_decided = p->action_decided = p->call.see_all = p->call.authorised = true;
                return;
        }

        /* Without a row it is a look at objects (properties, introspection). What is asked of an object by its path, the caller must see. */
        p->sees_decided = row && !(row->flags & POLICY_SEES) &&
                          (row->subject < SUBJECT_THIS_CONTAINER || (subject_owner(&p->subject, p->call.manager, &owner) >= 0 && owner == p->call.uid));
        if (!row)
                p->action_decided = true;
        else if (!row->action || (row->flags & POLICY_PUBLIC && subject_is_public(&p->subject, p->call.manager)) || ((row->flags & POLICY_OWNER) && subject_owner(&p->subject, p->call.manager, &owner) >= 0 && owner == p->call.uid))
                p->action_decided = p->call.authorised = true;
        else
                p->own = (row->flags & POLICY_OWN) && !p->subject.ruled && subject_is_own(&p->subject, p->call.manager, p->call.uid);
}

static int passage_new(Gate *g, sd_bus_message *m, uid_t uid, Passage **ret) {
        Passage *p = calloc(1, sizeof *p);

        if (!p)
                return -ENOMEM;
        p->gate = g;
        p->call = (Call) {
                .manager = g->manager,
                .message = sd_bus_message_ref(m),
                .row = policy_find(sd_bus_message_get_interface(m), sd_bus_message_get_member(m)),
                .uid = uid,
        };
        p->subject.row = p->call.row;
        *ret = p;
        return 0;
}

static int sender_uid(Gate *g, sd_bus_message *m, uid_t *ret) {
        _cleanup_(sd_bus_creds_unrefp) sd_bus_creds *creds = NULL;
        const char *name = sd_bus_message_get_sender(m);
        Sender *s = g->senders + g->next_sender;
        int r;

        if (!name)
                return -ENXIO;
        for (size_t i = 0; i < SENDERS_MAX; i++)
                if (g->senders[i].name && streq(g->senders[i].name, name)) {
                        *ret = g->senders[i].uid;
                        return 0;
                }

        /* Asked of the bus, which knows who connected; the message says nothing about it. */
        r = sd_bus_query_sender_creds(m, SD_BUS_CREDS_EUID, &creds);
        if (r < 0)
                return r;
        r = sd_bus_creds_get_euid(creds, ret);
        if (r < 0)
                return r;
        if (free_and_strdup(&s->name, name) >= 0) {
                s->uid = *ret;
                g->next_sender = (g->next_sender + 1) % SENDERS_MAX;
        }
        return 0;
}

static int on_dispatched(_unused_ sd_event_source *source, void *userdata) {
        Gate *g = userdata;

        g->current = passage_free(g->current);
        return 0;
}

static void gate_dispatch(Gate *g, Passage *p) {
        g->current = p;
        (void) sd_event_source_set_enabled(g->forget, SD_EVENT_ONESHOT);
}

static int gate_admit(Gate *g, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(passage_freep) Passage *p = NULL;
        uid_t uid;
        int r;

        if (!sd_bus_message_get_interface(m))
                return sd_bus_error_set(error, SD_BUS_ERROR_UNKNOWN_INTERFACE, "A call must name its interface.");
        if (streq(sd_bus_message_get_interface(m), "org.freedesktop.DBus.Peer"))
                return 0;

        r = sender_uid(g, m, &uid);
        if (r < 0)
                return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "The caller is not known to the bus.");
        r = passage_new(g, m, uid, &p);
        if (r < 0)
                return r;
        if (p->call.row) {
                r = subject_read(&p->subject, m, error);
                if (sd_bus_error_is_set(error) || r == -ENOMEM)
                        return r;
                if (r < 0)
                        return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "The arguments are not those of the method.");
        }

        passage_begin(p);
        r = p->sees_decided && p->action_decided ? 1 : 0;
        if (r > 0) {
                gate_dispatch(g, TAKE_PTR(p));
                return 0;
        }

        if (g->n_waiting >= CALLS_MAX || n_waiting_of(g, uid) >= CALLS_PER_USER_MAX)
                return sd_bus_error_set(error, BERTH_ERROR_LIMIT_REACHED, "Too many calls wait for authorisation.");
        r = passage_advance(p);
        if (r < 0)
                return r;
        p->next = g->waiting;
        g->waiting = TAKE_PTR(p);
        g->n_waiting++;
        return 1;
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Manager *manager = userdata;
        Gate *g = manager->gate;
        uint8_t type;
        int r;

        g->current = passage_free(g->current);

        r = sd_bus_message_get_type(m, &type);
        if (r < 0)
                return r;
        if (type == SD_BUS_MESSAGE_SIGNAL) {
                /* A signal that is sent to us and nobody else reaches every match, whoever sent it: only the bus itself has reason to. */
                bool direct = sd_bus_message_get_destination(m), from_bus = streq_ptr(sd_bus_message_get_sender(m), "org.freedesktop.DBus");

                return direct && !from_bus;
        }
        if (type != SD_BUS_MESSAGE_METHOD_CALL)
                return 0;

        manager_touch(manager);
        for (Passage *p = g->waiting; p; p = p->next)
                if (p->call.message == m) {
                        passage_unlink(p);
                        gate_dispatch(g, p);
                        return 0;
                }
        return gate_admit(g, m, error);
}

int gate_new(Manager *m, Gate **ret) {
        _cleanup_(gate_freep) Gate *g = calloc(1, sizeof *g);
        int r;

        if (!g)
                return -ENOMEM;
        g->manager = m;
        r = sd_bus_add_filter(m->bus, &g->filter_slot, on_message, m);
        if (r < 0)
                return r;
        r = sd_event_add_defer(m->event, &g->forget, on_dispatched, g);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(g->forget, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(g);
        return 0;
}

bool gate_shows(const Gate *g, uid_t owner) {
        const Passage *p = g->current;

        if (!p || g->manager->telling || sd_bus_get_current_message(g->manager->bus) != p->call.message)
                return true;
        return p->call.see_all || p->call.uid == owner;
}

static void passage_again(Passage *p) {
        int r;

        p->patience = sd_event_source_disable_unref(p->patience);
        (void) sd_bus_message_rewind(p->call.message, true);
        r = sd_bus_enqueue_for_read(p->call.manager->bus, p->call.message);
        if (r < 0) {
                (void) sd_bus_reply_method_errno(p->call.message, r, NULL);
                passage_unlink(p);
                passage_free(p);
        }
}

static int on_patience_ended(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata) {
        passage_again(userdata);
        return 0;
}

void gate_wake(Gate *g, const char *container) {
        for (Passage *p = g->waiting, *next; p; p = next) {
                next = p->next;
                if (p->patience && streq_ptr(p->subject.name, container))
                        passage_again(p);
        }
}

/* A command that ran in the stopped container has ended, or its caller thinks so, but its supervisor is not gone yet: what comes next in a
 * script would find the container in use. Such a call is put off for a moment, once. */
static int put_off(Gate *g, Passage *p) {
        int r;

        if (g->n_waiting >= CALLS_MAX || n_waiting_of(g, p->call.uid) >= CALLS_PER_USER_MAX)
                return -EBUSY;
        r = sd_event_add_time_relative(g->manager->event, &p->patience, CLOCK_MONOTONIC, PUT_OFF_USEC, 0, on_patience_ended, p);
        if (r < 0)
                return r;
        p->call.waited = true;
        g->current = NULL;
        p->next = g->waiting;
        g->waiting = p;
        g->n_waiting++;
        return 1;
}

int gate_method(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Manager *manager = sd_bus_slot_get_userdata(sd_bus_get_current_slot(sd_bus_message_get_bus(m)));
        Passage *p = manager->gate->current;
        void *object;
        int r;

        /* Default deny: no row, no decision, or one that was made for another message. */
        if (!p || p->call.message != m || !p->call.row || !p->call.authorised)
                return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED, "Nobody may call %s.", sd_bus_message_get_member(m));

        log_debug("%s of uid %u calls %s%s%s", sd_bus_message_get_sender(m), p->call.uid, sd_bus_message_get_member(m),
                  p->subject.name ? " on " : "", p->subject.name ?: "");
        /* Who was let in as the owner is not, of what has come in its place while polkit was asked. */
        if (p->call.own && !subject_is_own(&p->subject, manager, p->call.uid))
                return refuse(p, POLKIT_NO);
        r = subject_find(&p->subject, manager, m, userdata, &object, error);
        if (r < 0)
                return r;
        if ((p->call.row->flags & POLICY_NO_RUN_IN) && ((Container *) object)->run_in_active) {
                if (!p->call.waited && put_off(manager->gate, p) > 0)
                        return 1;
                return sd_bus_error_setf(error, BERTH_ERROR_BUSY, "A command runs in container '%s', which is stopped otherwise.",
                                         ((Container *) object)->name);
        }
        return p->call.row->handler(&p->call, object, m, error);
}
