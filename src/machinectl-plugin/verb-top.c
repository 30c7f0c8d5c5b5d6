/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* top: what containers use, live on a terminal, as plain tables elsewhere. */

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/clock.h"
#include "basic/fd.h"
#include "basic/strv.h"
#include "machinectl-plugin/parse.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/terminal.h"
#include "machinectl-plugin/usage.h"
#include "machinectl-plugin/verbs.h"

#define DELAY_DEFAULT_USEC (2 * USEC_PER_SEC)
#define DELAY_MIN_USEC (USEC_PER_SEC / 10)
#define DELAY_MAX_USEC (3600 * USEC_PER_SEC)

/* Letters as systemd-cgtop(1) has them; top's are understood. */
static const struct {
        UsageColumn column;
        const char *name;
        const char *letters;
} sort_keys[] = {
        { USAGE_CPU, "cpu", "cP" },
        { USAGE_MEMORY, "memory", "mM" },
        { USAGE_IO_READ, "io", "i" },
        { USAGE_NET_IN, "net", "n" },
        { USAGE_TASKS, "tasks", "t" },
        { USAGE_NAME, "name", "pN" },
};

typedef struct Top {
        Ctl *ctl;
        size_t sort;         /* into sort_keys */
        uint64_t delay_usec;
        uint32_t iterations; /* 0: no end */
        UsageSample *last;   /* owned */
} Top;

static int read_options(Ctl *c, Top *ret) {
        const char *sort = arguments_get(c->args, OPTION_SORT), *delay = arguments_get(c->args, OPTION_DELAY),
                   *iterations = arguments_get(c->args, OPTION_ITERATIONS);
        Top t = { .ctl = c, .delay_usec = DELAY_DEFAULT_USEC };

        if (sort) {
                while (t.sort < ELEMENTSOF(sort_keys) && !streq(sort_keys[t.sort].name, sort))
                        t.sort++;
                if (t.sort == ELEMENTSOF(sort_keys))
                        return report_usage("'%s' is nothing to sort by: give --sort=cpu, memory, io, net, tasks or name.", sort);
        }
        if (delay && (parse_timespan(delay, &t.delay_usec) < 0 || t.delay_usec < DELAY_MIN_USEC || t.delay_usec > DELAY_MAX_USEC))
                return report_usage("'%s' is no time from 100ms to 1h.", delay);
        if (iterations && (parse_u32(iterations, 1000000000, &t.iterations) < 0 || t.iterations == 0))
                return report_usage("'%s' is no number of times.", iterations);
        if (arguments_have(c->args, OPTION_ONCE))
                t.iterations = 1;
        else if (!iterations && (!c->terminal || c->style.json != JSON_OFF))
                t.iterations = 1;
        *ret = t;
        return 0;
}

static void add_value(Table *t, UsageColumn column, double value) {
        char text[32];

        if (value < 0)
                table_add_text(t, NULL, NULL);
        else if (column == USAGE_CPU) {
                snprintf(text, sizeof text, "%.1f", value);
                table_add_decimal(t, value, text);
        } else if (column == USAGE_TASKS)
                table_add_number(t, (uint64_t) value, NULL);
        else
                table_add_size(t, (uint64_t) value);
}

static int print_usage(Top *t, const UsageSample *now, const TableStyle *style, FILE *f, size_t *ret_n) {
        static const TableColumn columns[_USAGE_COLUMN_MAX] = {
                [USAGE_NAME] = { "NAME", "name", TABLE_SHRINK },
                [USAGE_CPU] = { "CPU%", "cpu_percent", TABLE_RIGHT },
                [USAGE_MEMORY] = { "MEMORY", "memory_bytes", TABLE_RIGHT },
                [USAGE_MEMORY_LIMIT] = { "LIMIT", "memory_limit_bytes", TABLE_RIGHT },
                [USAGE_IO_READ] = { "READ/s", "io_read_bytes_per_second", TABLE_RIGHT },
                [USAGE_IO_WRITE] = { "WRITE/s", "io_write_bytes_per_second", TABLE_RIGHT },
                [USAGE_NET_IN] = { "IN/s", "net_in_bytes_per_second", TABLE_RIGHT },
                [USAGE_NET_OUT] = { "OUT/s", "net_out_bytes_per_second", TABLE_RIGHT },
                [USAGE_TASKS] = { "TASKS", "tasks", TABLE_RIGHT },
        };
        _cleanup_(table_freep) Table *table = NULL;
        _cleanup_free_ Usage *list = NULL;
        size_t n, shown = 0;

        if (usage_compare(t->last, now, &list, &n) < 0 || table_new(columns, ELEMENTSOF(columns), &table) < 0)
                return report_oom();
        usage_sort(list, n, sort_keys[t->sort].column);
        for (size_t i = 0; i < n; i++) {
                if (!name_matches(t->ctl->args->words, list[i].name))
                        continue;
                table_add_text(table, list[i].name, NULL);
                for (UsageColumn k = USAGE_NAME + 1; k < _USAGE_COLUMN_MAX; k++)
                        add_value(table, k, list[i].values[k]);
                shown++;
        }
        *ret_n = shown;
        if (shown == 0 && style->json == JSON_OFF)
                return 0;
        return table_print(table, style, f) < 0 ? report_oom() : 0;
}

static int sample(Top *t, UsageSample **ret) {
        return usage_sample(t->ctl, ret);
}

static void keep(Top *t, UsageSample *now) {
        usage_sample_free(t->last);
        t->last = now;
}

/* Each table is of the time since the one before; a first sample makes the first table possible. */
static int run_plain(Top *t) {
        UsageSample *now;
        int r;

        r = sample(t, &now);
        if (r < 0)
                return r;
        keep(t, now);
        for (uint32_t i = 0; t->iterations == 0 || i < t->iterations; i++) {
                bool json = t->ctl->style.json != JSON_OFF;
                size_t n;

                (void) usleep((useconds_t) t->delay_usec);
                r = sample(t, &now);
                if (r < 0)
                        return r;
                if (i > 0 && !json)
                        putchar('\n');
                r = print_usage(t, now, &t->ctl->style, stdout, &n);
                keep(t, now);
                if (r < 0)
                        return r;
                if (n == 0 && !json && t->ctl->style.legend)
                        printf("No container runs.\n");
                if (fflush(stdout) != 0)
                        return report_failure("Cannot write the output: %m.");
        }
        return 0;
}

/* As many lines as there is room for, each wiped to its end. */
static void put_screen(const char *text, unsigned rows) {
        printf("\033[H");
        for (unsigned row = 1; *text && row < rows; row++) {
                size_t n = strcspn(text, "\n");

                printf("%.*s\033[K\r\n", (int) n, text);
                text += n;
                text += *text == '\n';
        }
        printf("\033[J");
        (void) fflush(stdout);
}

static int draw(Top *t, const UsageSample *now) {
        TableStyle style = t->ctl->style;
        _cleanup_free_ char *text = NULL;
        size_t size = 0, n = 0;
        unsigned rows, width;
        time_t clock = time(NULL);
        struct tm tm = {};
        char hour[16] = "";
        FILE *f;
        int r;

        terminal_size(STDOUT_FILENO, &rows, &width);
        style.width = width > 0 ? width : 80;
        style.legend = true;
        f = open_memstream(&text, &size);
        if (!f)
                return report_oom();
        if (localtime_r(&clock, &tm))
                (void) strftime(hour, sizeof hour, "%H:%M:%S", &tm);
        fprintf(f, "%.*s\n\n", (int) style.width, "q: leave; sort by c: cpu, m: memory, i: io, n: net, t: tasks, p: name; +, -: slower, faster; space: now");
        r = print_usage(t, now, &style, f, &n);
        fprintf(f, "\n%s  %zu %s, by %s, every %.1f s\n", hour, n, n == 1 ? "container runs" : "containers run", sort_keys[t->sort].name,
                (double) t->delay_usec / USEC_PER_SEC);
        if (fclose(f) != 0)
                return report_oom();
        if (r >= 0)
                put_screen(text, rows > 0 ? rows : 24);
        return r;
}

/* What is to be done after a key. */
typedef enum Wish {
        WISH_NOTHING,
        WISH_DRAW,
        WISH_SAMPLE,
        WISH_LEAVE,
} Wish;

static Wish press(Top *t, char key) {
        switch (key) {
        case 'q':
        case '\003': /* ^C, ^D: the terminal is raw */
        case '\004':
                return WISH_LEAVE;
        case ' ':
        case '\r':
                return WISH_SAMPLE;
        case '+':
                t->delay_usec = MIN_OF(t->delay_usec + MAX_OF(t->delay_usec / 2, DELAY_MIN_USEC), DELAY_MAX_USEC);
                return WISH_DRAW;
        case '-':
                t->delay_usec = MAX_OF(t->delay_usec * 2 / 3, DELAY_MIN_USEC);
                return WISH_DRAW;
        default:
                for (size_t i = 0; i < ELEMENTSOF(sort_keys); i++)
                        if (strchr(sort_keys[i].letters, key)) {
                                t->sort = i;
                                return WISH_DRAW;
                        }
                return WISH_NOTHING;
        }
}

static volatile sig_atomic_t ended, resized;

static void on_signal(int signal) {
        if (signal == SIGWINCH)
                resized = 1;
        else
                ended = 1;
}

static Wish wait_key(Top *t, uint64_t until, const sigset_t *mask) {
        struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
        uint64_t now = clock_usec(CLOCK_MONOTONIC), left = until > now ? until - now : 0;
        struct timespec timeout = { .tv_sec = (time_t) (left / USEC_PER_SEC), .tv_nsec = (long) (left % USEC_PER_SEC * NSEC_PER_USEC) };
        char key;
        int r;

        r = ppoll(&p, 1, &timeout, mask);
        if (ended)
                return WISH_LEAVE;
        if (r < 0) {
                bool redraw = errno == EINTR && resized;

                resized = 0;
                return redraw ? WISH_DRAW : errno == EINTR ? WISH_NOTHING : WISH_LEAVE;
        }
        if (r == 0)
                return WISH_SAMPLE;
        return read(STDIN_FILENO, &key, 1) == 1 && key ? press(t, key) : WISH_LEAVE;
}

static int live(Top *t, const sigset_t *mask) {
        UsageSample *now = NULL;
        int r;

        r = sample(t, &now);
        if (r < 0)
                return r;
        /* The first rates come soon. */
        for (uint32_t i = 0;; i++) {
                uint64_t until = clock_usec(CLOCK_MONOTONIC) + (i == 0 ? MIN_OF(t->delay_usec, USEC_PER_SEC / 2) : t->delay_usec);
                Wish wish;

                do {
                        r = draw(t, now);
                        if (r < 0)
                                break;
                        do
                                wish = wait_key(t, until, mask);
                        while (wish == WISH_NOTHING);
                } while (wish == WISH_DRAW);
                keep(t, now);
                if (r < 0 || wish == WISH_LEAVE || (t->iterations > 0 && i >= t->iterations))
                        return r;
                r = sample(t, &now);
                if (r < 0)
                        return r;
        }
}

static int run_live(Top *t) {
        static const int signals[] = { SIGWINCH, SIGTERM, SIGINT, SIGHUP, SIGQUIT };
        struct sigaction action = { .sa_handler = on_signal };
        _cleanup_(terminal_restore) Terminal terminal = TERMINAL_NONE;
        sigset_t blocked, before;
        int r;

        (void) sigemptyset(&blocked);
        for (size_t i = 0; i < ELEMENTSOF(signals); i++) {
                (void) sigaddset(&blocked, signals[i]);
                if (sigaction(signals[i], &action, NULL) < 0)
                        return report_failure("Cannot wait for signals: %m.");
        }
        if (sigprocmask(SIG_BLOCK, &blocked, &before) < 0)
                return report_failure("Cannot wait for signals: %m.");
        r = terminal_make_raw(&terminal, STDIN_FILENO, true);
        if (r < 0)
                return report_failure("Cannot use the terminal: %s.", strerror(-r));

        /* On a screen of its own: what was there is there again afterwards. */
        printf("\033[?1049h\033[?25l");
        r = live(t, &before);
        printf("\033[?25h\033[?1049l");
        (void) fflush(stdout);
        return r;
}

int verb_top(Ctl *c) {
        Top t;
        int r;

        r = read_options(c, &t);
        if (r != 0)
                return r;
        if (c->terminal && isatty(STDIN_FILENO) && !arguments_have(c->args, OPTION_BATCH) && !arguments_have(c->args, OPTION_ONCE) &&
            c->style.json == JSON_OFF)
                r = run_live(&t);
        else
                r = run_plain(&t);
        usage_sample_free(t.last);
        return r;
}
