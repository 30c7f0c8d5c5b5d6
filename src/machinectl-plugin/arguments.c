/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/arguments.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "basic/strv.h"
#include "machinectl-plugin/verb.h"

const OptionInfo option_table[] = {
        { OPTION_HELP,            "help",            'h', NULL,        NULL,   "Show help, of a verb or of all" },
        { OPTION_VERSION,         "version",         0,   NULL,        NULL,   "Show the version" },
        { OPTION_QUIET,           "quiet",           'q', NULL,        NULL,   "Say nothing but errors" },
        { OPTION_JSON,            "json",            0,   "MODE",      NULL,   "Print JSON: pretty, short, or off" },
        { OPTION_JSON,            NULL,              'j', NULL,        "auto", "The same as --json=pretty on a terminal, --json=short elsewhere" },
        { OPTION_NO_LEGEND,       "no-legend",       0,   NULL,        NULL,   "Print tables without headings and totals" },
        { OPTION_NO_PAGER,        "no-pager",        0,   NULL,        NULL,   "Do not pipe output into a pager" },
        { OPTION_FULL,            "full",            'l', NULL,        NULL,   "Do not shorten columns" },
        { OPTION_NO_ASK_PASSWORD, "no-ask-password", 0,   NULL,        NULL,   "Never ask for a password: what needs one is refused" },
        { OPTION_ADDRESS,         "address",         0,   "ADDRESS",   NULL,   "D-Bus address to use instead of the system bus" },
        { OPTION_DEBUG,           "debug",           0,   NULL,        NULL,   "Show every bus call" },

        { OPTION_FORCE,           "force",           'f', NULL,        NULL,   "Do it at once: kill instead of asking, overwrite what is there" },
        { OPTION_TIMEOUT,         "timeout",         0,   "TIME",      NULL,   "How long a clean stop may take before it is forced (30, 90s, 2min, infinity)" },
        { OPTION_SIGNAL,          "signal",          's', "SIGNAL",    NULL,   "Signal to send, by name or number (default: TERM)" },
        { OPTION_KILL_WHOM,       "kill-whom",       0,   "WHOM",      NULL,   "Whom to send it to: leader, or all (the default)" },
        { OPTION_KILL_WHOM,       "kill-who",        0,   "WHOM",      NULL,   NULL },
        { OPTION_TTY,             "tty",             't', NULL,        NULL,   "Run on a terminal of the container's own (default when input and output are terminals)" },
        { OPTION_TTY,             "force-interactive", 0, NULL,        NULL,   NULL },
        { OPTION_NO_TTY,          "no-tty",          'T', NULL,        NULL,   "Run without a terminal" },
        { OPTION_NO_TTY,          "force-noninteractive", 0, NULL,     NULL,   NULL },
        { OPTION_USER,            "user",            'u', "USER",      NULL,   "User of the container to run as (default: root)" },
        { OPTION_CWD,             "cwd",             0,   "DIRECTORY", NULL,   "Directory of the container to run in" },
        { OPTION_CWD,             "working-directory", 0, "DIRECTORY", NULL,   NULL },
        { OPTION_ENV,             "env",             'E', "NAME=VALUE", NULL,  "Environment variable to set; may be given more than once" },
        { OPTION_ENV,             "setenv",          0,   "NAME=VALUE", NULL,  NULL },
        { OPTION_EPHEMERAL,       "ephemeral",       'e', NULL,        NULL,   "The container is removed when it stops" },
        { OPTION_ENCRYPTED,       "encrypted",       0,   NULL,        NULL,   "What the container writes is encrypted on the disk; asks for a key, which every start needs" },
        { OPTION_KEY_FILE,        "key-file",        0,   "FILE",      NULL,   "File that the key is in, or - for standard input, instead of a question (change-key: given twice, the new one is in the second)" },
        { OPTION_SET,             "set",             'c', "KEY=VALUE", NULL,   "Setting of the new container; may be given more than once" },
        { OPTION_SET,             "config",          0,   "KEY=VALUE", NULL,   NULL },
        { OPTION_DETACH,          "detach",          'd', NULL,        NULL,   "Do not wait: print the container's name, the command goes on" },
        { OPTION_KEEP,            "keep",            0,   NULL,        NULL,   "Keep the container" },
        { OPTION_RM,              "rm",              0,   NULL,        NULL,   "Delete the container when the command has ended (the default)" },
        { OPTION_NAME,            "name",            0,   "NAME",      NULL,   "Name of the container (default: one is made up)" },
        { OPTION_DEVICE,          "device",          0,   "NAME,KEY=VALUE…", NULL, "Device of the new container (create, launch: also -d); may be given more than once" },
        { OPTION_DEVICE,          NULL,              'd', "NAME,KEY=VALUE…", NULL, NULL },
        { OPTION_ALIAS,           "alias",           0,   "ALIAS",     NULL,   "Name for the image; may be given more than once" },
        { OPTION_COMPRESSION,     "compression",     0,   "HOW",       NULL,   "zstd (default), gzip, xz or none" },
        { OPTION_METADATA,        "metadata",        0,   NULL,        NULL,   "Beside a mere root file system write its metadata: a split image, which LXD and Incus take" },
        { OPTION_VERIFY,          "verify",          0,   "HOW",       NULL,   "What must be right: checksum, signature or no" },
        { OPTION_KEYRING,         "keyring",         0,   "FILE",      NULL,   "Keys one of which has signed what is pulled, or built of" },
        { OPTION_INCLUDE,         "include",         0,   "PACKAGE,…", NULL,   "Packages to build in on top; may be given more than once" },
        { OPTION_MIRROR,          "mirror",          0,   "URL",       NULL,   "Where the packages come from, instead of the distribution's own server" },
        { OPTION_VARIANT,         "variant",         0,   "VARIANT",   NULL,   "How much of it: of mmdebstrap minbase (default), essential, apt, required, important, standard" },
        { OPTION_AUTO_UPDATE,     "auto-update",     0,   NULL,        NULL,   "Keep the image in step with where it came from" },
        { OPTION_DESCRIPTION,     "description",     0,   "TEXT",      NULL,   "Description of the image" },
        { OPTION_PUBLIC,          "public",          0,   NULL,        NULL,   "Everybody sees the image, and can make containers of it" },
        { OPTION_PROPERTY,        "property",        'p', "NAME",      NULL,   "Show only these properties (import: NAME=VALUE, set one)" },
        { OPTION_VALUE,           "value",           0,   NULL,        NULL,   "Show values without their names" },
        { OPTION_SHOW_LOG,        "show-log",        0,   NULL,        NULL,   "Show the log of the container's unit as well" },
        { OPTION_LINES,           "lines",           'n', "NUMBER",    NULL,   "How many lines of the log to show" },
        { OPTION_NOW,             "now",             0,   NULL,        NULL,   "Start or stop it as well" },
        { OPTION_EFFECTIVE,       "effective",       0,   NULL,        NULL,   "Show what all files together say, and which file said it" },
        { OPTION_EFFECTIVE,       "expanded",        0,   NULL,        NULL,   NULL },
        { OPTION_APPLIED,         "applied",         0,   NULL,        NULL,   "Show what is in force in the running container" },
        { OPTION_PROFILE,         "profile",         'p', "PROFILE",   NULL,   "Profile of the new container; may be given more than once (default: default)" },
        { OPTION_NO_PROFILES,     "no-profiles",     0,   NULL,        NULL,   "No profile at all, not even 'default'" },
        { OPTION_STORE,           "store",           's', "STORE",     NULL,   "Where the container is kept; see 'berthctl stores' (default: DefaultStore=)" },
        { OPTION_STORE,           "storage",         0,   "STORE",     NULL,   NULL },
        { OPTION_RECURSIVE,       "recursive",       'r', NULL,        NULL,   "It is a directory that is copied" },
        { OPTION_MODE,            "mode",            0,   "MODE",      NULL,   "Access mode of the file in the container, octal (default: as the source)" },
        { OPTION_UID,             "uid",             0,   "UID",       NULL,   "User id in the container: of the file (default: 0), or to run as" },
        { OPTION_GID,             "gid",             0,   "GID",       NULL,   "Group of the file in the container (default: 0)" },
        { OPTION_PRESEED,         "preseed",         0,   NULL,        NULL,   "Read YAML from standard input and make it so" },
        { OPTION_AUTO,            "auto",            0,   NULL,        NULL,   "Ask nothing: all has a default" },
        { OPTION_DUMP,            "dump",            0,   NULL,        NULL,   "Print what is set as YAML for --preseed" },
        { OPTION_SORT,            "sort",            0,   "KEY",       NULL,   "What to sort by: cpu (the default), memory, io, net, tasks, name" },
        { OPTION_SORT,            "order",           0,   "KEY",       NULL,   NULL },
        { OPTION_DELAY,           "delay",           'd', "TIME",      NULL,   "Time between two tables (default: 2s)" },
        { OPTION_ITERATIONS,      "iterations",      'n', "NUMBER",    NULL,   "How many tables to show" },
        { OPTION_ONCE,            "once",            '1', NULL,        NULL,   "Show one table" },
        { OPTION_BATCH,           "batch",           'b', NULL,        NULL,   "Plain tables one after the other, no keys" },
        { OPTION_EXPIRES,         "expires",         0,   "TIME",      NULL,   "Remove the snapshot after so long, such as 12h or 7d (default: never)" },
        { OPTION_EXPIRES,         "expiry",          0,   "TIME",      NULL,   NULL },
        { OPTION_FOREIGN,         "lxc",             0,   NULL,        "lxc",  "It is a container of LXC, by name or directory, and becomes one of berth" },
        { OPTION_FOREIGN,         "openvz",          0,   NULL,        "openvz", "The same of OpenVZ: its private area, or an archive of it, and its .conf" },
        { OPTION_FOREIGN,         "nspawn",          0,   NULL,        "nspawn", "The same of systemd-nspawn: a directory of /var/lib/machines, and its .nspawn" },
        { OPTION_STATEFUL,        "stateful",        0,   NULL,        NULL,   "With the memory of processes, which is refused: snapshots are of files alone" },
};
const size_t option_table_size = ELEMENTSOF(option_table);

Arguments *arguments_free(Arguments *a) {
        if (!a)
                return NULL;
        free(a->words);
        for (size_t i = 0; i < _OPTION_MAX; i++)
                strv_free(a->options[i]);
        free(a);
        return NULL;
}

const char *arguments_get(const Arguments *a, Option option) {
        const char *last = NULL;

        STRV_FOREACH(v, a->options[option])
                last = *v;
        return last;
}

static int _printf_(2, 3) refuse(char **ret_error, const char *format, ...) {
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(ret_error, format, ap);
        va_end(ap);
        return n < 0 ? -ENOMEM : -EINVAL;
}

/* An option may be cut short as long as it is clear, as getopt_long(3) has it. */
static const OptionInfo *find_long(const char *name, size_t n, bool *ret_ambiguous) {
        const OptionInfo *found = NULL;

        *ret_ambiguous = false;
        for (size_t i = 0; i < ELEMENTSOF(option_table); i++) {
                const OptionInfo *o = option_table + i;

                if (!o->name || strncmp(o->name, name, n) != 0)
                        continue;
                if (!o->name[n])
                        return o;
                if (found && found->option != o->option)
                        *ret_ambiguous = true;
                if (!found)
                        found = o;
        }
        return *ret_ambiguous || n == 0 ? NULL : found;
}

/* A letter may mean different things to different verbs; of two that a verb takes the first one counts. */
static const OptionInfo *find_letter(char letter, const Verb *verb) {
        const OptionInfo *first = NULL;

        for (size_t i = 0; i < ELEMENTSOF(option_table); i++) {
                if (option_table[i].letter != letter)
                        continue;
                if (verb && ((verb->options | OPTIONS_COMMON) & UINT64_C(1) << option_table[i].option))
                        return option_table + i;
                first = first ?: option_table + i;
        }
        return first;
}

static int parse_long(Arguments *a, char **argv, int argc, int *i, char **ret_error) {
        const char *word = argv[*i] + 2, *value = NULL;
        size_t n = strcspn(word, "=");
        const OptionInfo *o;
        bool ambiguous;

        if (word[n])
                value = word + n + 1;
        o = find_long(word, n, &ambiguous);
        if (!o)
                return refuse(ret_error, ambiguous ? "The option '--%.*s' is ambiguous." : "There is no option '--%.*s'.", (int) n, word);
        if (!o->argument && value)
                return refuse(ret_error, "The option '--%s' takes no value.", o->name);
        if (o->argument && !value) {
                if (*i + 1 >= argc)
                        return refuse(ret_error, "The option '--%s' needs a value: --%s=%s.", o->name, o->name, o->argument);
                value = argv[++*i];
        }
        return strv_extend(&a->options[o->option], value ?: o->fixed ?: "");
}

static int parse_letters(Arguments *a, char **argv, int argc, int *i, char **ret_error) {
        int r;

        for (const char *p = argv[*i] + 1; *p; p++) {
                const OptionInfo *o = find_letter(*p, a->verb);
                const char *value = NULL;

                if (!o)
                        return refuse(ret_error, "There is no option '-%c'.", *p);
                if (o->argument) {
                        value = p[1] ? p + 1 : *i + 1 < argc ? argv[++*i] : NULL;
                        if (!value)
                                return refuse(ret_error, "The option '-%c' needs a value: -%c %s.", *p, *p, o->argument);
                }
                r = strv_extend(&a->options[o->option], value ?: o->fixed ?: "");
                if (r < 0 || o->argument)
                        return r;
        }
        return 0;
}

static int find_verb(Arguments *a, int argc, char **argv, int *i, char **ret_error) {
        const char *nearest;

        /* "image list", as LXD spells it, before "image". */
        if (*i + 1 < argc) {
                _cleanup_free_ char *two = NULL;

                if (asprintf(&two, "%s %s", argv[*i], argv[*i + 1]) < 0)
                        return -ENOMEM;
                a->verb = verb_find(two);
                if (a->verb) {
                        ++*i;
                        return 0;
                }
        }

        a->verb = verb_find(argv[*i]);
        if (a->verb)
                return 0;
        nearest = verb_nearest(argv[*i]);
        if (nearest)
                return refuse(ret_error, "There is no verb '%s'. Did you mean '%s'?", argv[*i], nearest);
        return refuse(ret_error, "There is no verb '%s'. See 'berthctl help'.", argv[*i]);
}

static int check_options(const Arguments *a, char **ret_error) {
        if (!a->verb)
                return 0;
        for (size_t i = 0; i < ELEMENTSOF(option_table); i++) {
                const OptionInfo *o = option_table + i;

                if (a->options[o->option] && !((a->verb->options | OPTIONS_COMMON) & UINT64_C(1) << o->option))
                        return refuse(ret_error, "The verb '%s' does not take the option '--%s'. See 'berthctl %s --help'.",
                                      a->verb->name, o->name, a->verb->name);
        }
        return 0;
}

static int check_words(const Arguments *a, char **ret_error) {
        if (!a->verb || arguments_have(a, OPTION_HELP) || arguments_have(a, OPTION_VERSION))
                return 0;
        if (a->n_words < a->verb->min_words)
                return refuse(ret_error, "Too few words. Usage: berthctl %s %s", a->verb->name, a->verb->arguments);
        if (a->n_words > a->verb->max_words)
                return refuse(ret_error, "Too many words, from '%s' on. Usage: berthctl %s %s", a->words[a->verb->max_words], a->verb->name,
                              a->verb->arguments);
        return 0;
}

int arguments_parse(int argc, char **argv, Arguments **ret, char **ret_error) {
        _cleanup_(arguments_freep) Arguments *a = NULL;
        bool rest = false; /* all that follows is words */
        int r;

        assert(argv && ret && ret_error);

        a = calloc(1, sizeof *a);
        if (!a)
                return -ENOMEM;
        a->words = calloc((size_t) argc + 1, sizeof(char *));
        if (!a->words)
                return -ENOMEM;

        for (int i = 1; i < argc; i++) {
                const char *word = argv[i];

                r = 0;
                if (!rest && streq(word, "--"))
                        rest = true;
                else if (!rest && startswith(word, "--"))
                        r = parse_long(a, argv, argc, &i, ret_error);
                else if (!rest && word[0] == '-' && word[1])
                        r = parse_letters(a, argv, argc, &i, ret_error);
                else if (!a->verb)
                        r = find_verb(a, argc, argv, &i, ret_error);
                else {
                        /* A command to be run begins here: its options are its own. */
                        if (a->verb->command_from > 0 && a->n_words >= a->verb->command_from)
                                rest = true;
                        a->words[a->n_words++] = argv[i];
                }
                if (r < 0)
                        return r;
        }

        r = check_options(a, ret_error);
        if (r >= 0)
                r = check_words(a, ret_error);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(a);
        return 0;
}
