/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Mutated settings files and values: nothing crashes, what was taken prints as what is taken again, and what was set is read back. Small
 * enough for every run; UNIT_ROUNDS= makes it longer, UNIT_SEED= another. */

#include "settings/settings.h"

#include "settings/quote.h"
#include "settings/table.h"
#include "unit.h"

static const char *const seeds[] = {
        "# c\n[Container]\nOwner=1000\nUIDBase=524288\nDescription=the front end\n\n[Exec]\nEnvironment=A=1 \"B=x y\" C='z'\nEnvironment=\nInit=/bin/sh -c \"a\\tb\"\n"
        "KillSignal=SIGRTMIN+3\nTimeoutStopSec=1min 30.5s\nSetCredential=a.b:x\\ny\nUser=root\nWorkingDirectory=/srv\nNotifyReady=yes\nHostname=a.b\n",
        "[Resource]\nMemoryMax=1.5G\nMemoryHigh=40%\nMemorySwapMax=0\nTasksMax=10%\nCPUQuota=150%\nCPUWeight=idle\nIOWeight=7\nAllowedCPUs=0-3,6 \\\n  9\nAllowedMemoryNodes=0\n",
        "[Security]\nCapabilityBoundingSet=CAP_KILL CAP_CHOWN\n; d\nCapabilityBoundingSet=~CAP_KILL\nNoNewPrivileges=on\n"
        "[Unit]\nAfter=db1 a@b.service dev-x\\x2dy.device\nRequiresMountsFor=/srv/a /b\nWants=x.target\n",
};

static const char *const tokens[] = {
        "\n", "\\\n", "=", "[", "]", "#", "\"", "'", "\\", "%", "~", ":", "-1", "99999999999999999999", "infinity", "\\x00", "\\xff", "\\u202e", "\xff", "\x1b", "\xe2\x80\xae", " ", "\t",
        "[Unit]\n", "Environment=", "MemoryMax=", "CAP_", ".service", "/../", "0-8191", "K", "MiB", "%", "us",
};

static unsigned seed = 1;

static size_t pick(size_t n) {
        return (size_t) rand_r(&seed) % n;
}

static size_t mutate(char *buffer, size_t n, size_t max) {
        for (size_t rounds = pick(2) ? 1 : 1 + pick(6); rounds > 0; rounds--) {
                size_t at = pick(n + 1), size = 1;
                const char *token;
                char byte;

                switch (pick(5)) {
                case 0: /* another byte */
                        if (at < n)
                                buffer[at] = (char) pick(256);
                        break;
                case 1: /* less */
                        size = 1 + pick(20);
                        size = MIN_OF(size, n - at);
                        memmove(buffer + at, buffer + at + size, n - at - size);
                        n -= size;
                        break;
                case 2: /* something more */
                case 3:
                        byte = (char) pick(256);
                        token = pick(3) == 0 ? &byte : tokens[pick(ELEMENTSOF(tokens))];
                        size = token == &byte ? 1 : strlen(token);
                        if (n + size > max)
                                break;
                        memmove(buffer + at + size, buffer + at, n - at);
                        memcpy(buffer + at, token, size);
                        n += size;
                        break;
                default: /* a piece twice */
                        size = 1 + pick(200);
                        size = MIN_OF(size, n - at);
                        if (n + size > max)
                                break;
                        memmove(buffer + at + size, buffer + at, n - at);
                        n += size;
                        break;
                }
        }
        return n;
}

static void assert_readable(const SettingsFile *f, bool right) {
        _cleanup_free_ char *text = NULL, *again_text = NULL, *error = NULL;
        _cleanup_(settings_file_freep) SettingsFile *again = NULL;
        int r;

        ck_assert_int_eq(settings_file_print(f, &text), 0);
        ck_assert_msg(settings_file_parse("again", text, &again, &error) == 0, "%s\n%s", error, text);
        ck_assert_int_eq(settings_file_print(again, &again_text), 0);
        ck_assert_str_eq(again_text, text);
        r = settings_file_check(again, &error);
        ck_assert_msg((r == 0) == right && (right || r == -EBADMSG), "%d %s\n%s", r, error ?: "", text);
}

static void one_value(SettingsFile *f, const char *value, bool right) {
        const Setting *t = &settings_table[pick(n_settings_table)];
        _cleanup_free_ char *error = NULL, *got = NULL;
        bool variable = pick(8) == 0;
        const char *key = variable ? "environment.X" : t->name;
        int r;

        if (variable || !t->type->list || pick(2))
                r = settings_file_set(f, key, value, &error);
        else
                r = settings_file_append(f, key, value, &error);
        ck_assert_msg(r == 0 || (r == -EINVAL && error && text_is_plain(error) == 1), "%s: %d %s", key, r, error ?: "");
        assert_readable(f, right);
        if (r < 0)
                return;

        free(error);
        error = NULL;
        r = settings_file_get(f, key, &got, &error);
        ck_assert_msg(r == 0 || r == -ENOENT || !right, "%s: %d %s", key, r, error ?: "");
        if (variable && r == 0) {
                size_t from = strspn(value, " \t");

                ck_assert(strncmp(value + from, got, strlen(got)) == 0 && strspn(value + from + strlen(got), " \t") == strlen(value + from + strlen(got)));
        }
}

START_TEST(mutations) {
        unsigned long rounds = strtoul(getenv("UNIT_ROUNDS") ?: "20000", NULL, 10), taken = 0, checked = 0;

        seed = (unsigned) strtoul(getenv("UNIT_SEED") ?: "1", NULL, 10);
        for (unsigned long i = 0; i < rounds; i++) {
                _cleanup_(settings_file_freep) SettingsFile *f = NULL;
                _cleanup_free_ char *error = NULL, *exact = NULL, *check_error = NULL;
                const char *start = seeds[pick(ELEMENTSOF(seeds))];
                char buffer[4096], value[256];
                size_t n = strlen(start);
                bool right;
                int r;

                memcpy(buffer, start, n);
                n = mutate(buffer, n, sizeof buffer);
                exact = malloc(MAX_OF(n, (size_t) 1)); /* of its own size, for the sanitizers */
                memcpy(exact, buffer, n);

                r = settings_file_parse_data("fuzz", exact, n, &f, &error);
                ck_assert(r == 0 || (r == -EBADMSG && error && text_is_plain(error) == 1));
                if (r < 0)
                        continue;
                taken++;
                r = settings_file_check(f, &check_error);
                ck_assert(r == 0 || (r == -EBADMSG && check_error && text_is_plain(check_error) == 1));
                right = r == 0;
                checked += right;
                assert_readable(f, right);

                if (!right)
                        continue;
                for (unsigned j = 0; j < 4; j++) {
                        const Setting *t = &settings_table[pick(n_settings_table)];
                        const char *example = t->example ?: t->type->example;

                        n = mutate(value, strlen(strcpy(value, example)), sizeof value - 1);
                        value[n] = 0;
                        one_value(f, value, right);
                }
        }
        printf("%lu files, %lu of right syntax, %lu right\n", rounds, taken, checked);
        ck_assert(taken > rounds / 20 && checked > rounds / 50);
}
END_TEST

UNIT_TESTS("settings-mutation", mutations)
