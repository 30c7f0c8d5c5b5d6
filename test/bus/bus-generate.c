/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls every method that org.berth1 has, by introspection, with arguments of the right types that make no sense. What has to hold of each is
 * that it is answered, by success or by an error with a name of somebody's.
 *
 *   bus-generate SEED ROUNDS answers|vanish [OBJECT...]     vanish: goes away without waiting for any answer
 *
 * Names of objects that are there are among the arguments, and such objects are called themselves, only when names are given: who may do
 * everything would do it. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define NAME "org.berth1"
#define PATHS_MAX 64

static char **objects;
static int n_objects, file_fd;
static uint64_t state;
static unsigned answered, refused, failed;
static char *paths[PATHS_MAX];
static unsigned n_paths;

static unsigned choose(unsigned n) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (unsigned) (state >> 33) % n;
}

static const char *any_string(void) {
        static char long_text[5000];
        static const char *const texts[] = {
                "", "..", "../../etc/passwd", "/", "/etc", "%n%s%i", "web\n1", "\033[31m", "-x", "A B", "*", "a=b=c", "=", "=x", "web1=",
                "MemoryMax=", "MemoryMax=x", "security.idmap.isolated=true", "security.idmap.isolated=7", "security.idmap.isolated", "Device.=x",
                "Device.a.Type=", "Device.a.Type=x", "Container.Owner=0", "Owner=0", "raw.lxc=x", "environment.=x", "user.=", "[Container]", "[Container]\nOwner=0\n",
                "[Exec]\nInit=\\\n", "18446744073709551616", "-1", "{", "a: &a [*a]", "unified", "x:y", "local:x", "file:///etc/passwd", "No Such", "\xe2\x80\xae",
        };

        memset(long_text, 'a', sizeof long_text - 1);
        if (n_objects > 0 && choose(3) == 0)
                return objects[choose((unsigned) n_objects)];
        return choose(30) == 0 ? long_text : texts[choose(sizeof texts / sizeof texts[0])];
}

static int append_any(sd_bus_message *m, const char **type, unsigned depth);

static const char *type_end(const char *type) {
        unsigned open = 0;

        while (*type == 'a')
                type++;
        do {
                open += *type == '(' || *type == '{';
                open -= *type == ')' || *type == '}';
        } while (*type++ && open > 0);
        return type;
}

static int append_container(sd_bus_message *m, char kind, const char *inner, size_t size, unsigned n, unsigned depth) {
        char contents[64];
        int r;

        snprintf(contents, sizeof contents, "%.*s", (int) size, inner);
        r = sd_bus_message_open_container(m, kind, contents);
        for (; r >= 0 && n > 0; n--)
                for (const char *p = contents; r >= 0 && *p;)
                        r = append_any(m, &p, depth + 1);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_variant(sd_bus_message *m, unsigned depth) {
        static const char *const types[] = { "s", "b", "u", "t", "as", "h", "o", "i", "d", "ay", "(ss)", "a{ss}", "v" };

        return append_container(m, 'v', types[depth > 4 ? 0 : choose(sizeof types / sizeof types[0])], 8, 1, depth);
}

static int append_option(sd_bus_message *m, unsigned depth) {
        static const char *const names[] = {
                "", "ephemeral", "force", "key", "start_within_usec", "store", "snapshot", "timeout_usec", "expires_usec", "user", "working_directory", "tty", "rows",
                "columns", "format", "mode", "uid", "aliases", "description", "properties", "public", "compression", "keyring", "no-such",
        };
        int r = sd_bus_message_append(m, "s", names[choose(sizeof names / sizeof names[0])]);

        return r < 0 ? r : append_variant(m, depth + 1);
}

static int append_any(sd_bus_message *m, const char **type, unsigned depth) {
        static const uint64_t numbers[] = { 0, 1, 65536, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX, UINT64_MAX - 1 };
        uint64_t number = numbers[choose(8)];
        const char *t = *type;
        int r;

        *type = type_end(t);
        switch (*t) {
        case 's':
                return sd_bus_message_append(m, "s", any_string());
        case 'o':
                return sd_bus_message_append(m, "o", choose(2) ? "/" : "/org/berth1/container/_");
        case 'b':
                return sd_bus_message_append(m, "b", (int) choose(2));
        case 'y':
                return sd_bus_message_append(m, "y", (int) (number & 255));
        case 'i':
                return sd_bus_message_append(m, "i", (int) number);
        case 'u':
                return sd_bus_message_append(m, "u", (uint32_t) number);
        case 't':
                return sd_bus_message_append(m, "t", number);
        case 'd':
                return sd_bus_message_append(m, "d", (double) number);
        case 'h':
                return sd_bus_message_append(m, "h", file_fd);
        case 'v':
                return append_variant(m, depth);
        case '(':
                return append_container(m, 'r', t + 1, (size_t) (*type - t) - 2, 1, depth);
        case 'a':
                if (strncmp(t, "a{sv}", 5) == 0) {
                        r = sd_bus_message_open_container(m, 'a', "{sv}");
                        for (unsigned n = choose(3); r >= 0 && n > 0; n--) {
                                r = sd_bus_message_open_container(m, 'e', "sv");
                                if (r >= 0)
                                        r = append_option(m, depth);
                                if (r >= 0)
                                        r = sd_bus_message_close_container(m);
                        }
                        return r < 0 ? r : sd_bus_message_close_container(m);
                }
                return append_container(m, 'a', t + 1, (size_t) (*type - t) - 1, depth > 3 ? 0 : choose(4), depth);
        case '{':
                return append_container(m, 'e', t + 1, (size_t) (*type - t) - 2, 1, depth);
        default:
                return -EINVAL;
        }
}

static void judge(const char *member, int r, const sd_bus_error *error) {
        if (r >= 0) {
                answered++;
                return;
        }
        refused++;
        /* The bus answers where nobody has, and the library where there is nothing but an errno. */
        if (!error->name || (strncmp(error->name, NAME ".", strlen(NAME) + 1) != 0 && strncmp(error->name, "org.freedesktop.DBus.Error.", 27) != 0) ||
            strstr(error->name, ".NoReply") || strstr(error->name, ".Disconnected") || strstr(error->name, ".Timeout") || !error->message || !*error->message) {
                printf("%s: %s: %s\n", member, error->name ? error->name : strerror(-r), error->message ? error->message : "");
                failed++;
        }
}

static int call_one(sd_bus *bus, const char *path, const char *interface, const char *member, const char *signature, int vanish) {
        sd_bus_message *m = NULL, *reply = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, NAME, path, interface, member);
        for (const char *p = signature; r >= 0 && *p;)
                r = append_any(m, &p, 0);
        if (r < 0) {
                fprintf(stderr, "%s(%s): %s\n", member, signature, strerror(-r));
                return r;
        }
        if (vanish)
                r = sd_bus_send(bus, m, NULL);
        else
                judge(member, sd_bus_call(bus, m, UINT64_C(60000000), &error, &reply), &error);
        sd_bus_error_free(&error);
        sd_bus_message_unref(reply);
        sd_bus_message_unref(m);
        return r;
}

/* The value of an attribute of the XML element at p, which ends before end. */
static int attribute(const char *p, const char *end, const char *name, char *ret, size_t size) {
        char wanted[32];
        const char *q;

        snprintf(wanted, sizeof wanted, " %s=\"", name);
        q = strstr(p, wanted);
        if (!q || q > end)
                return 0;
        q += strlen(wanted);
        snprintf(ret, size, "%.*s", (int) strcspn(q, "\""), q);
        return 1;
}

/* All methods of an object, and its children's paths. Returns how many methods, or < 0. */
static int walk(sd_bus *bus, const char *path, int vanish) {
        char interface[128] = "", member[128] = "", signature[256] = "", value[256], direction[8];
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        const char *xml, *end;
        int r, n = 0, in_method = 0;

        r = sd_bus_call_method(bus, NAME, path, "org.freedesktop.DBus.Introspectable", "Introspect", &error, &reply, NULL);
        if (r < 0) {
                fprintf(stderr, "%s: %s\n", path, error.message);
                sd_bus_error_free(&error);
                return r;
        }
        r = sd_bus_message_read(reply, "s", &xml);
        for (const char *p = xml; r >= 0 && (p = strchr(p, '<')); p = end) {
                end = strchr(p, '>');
                if (!end)
                        break;
                if (strncmp(p, "<interface ", 11) == 0)
                        attribute(p, end, "name", interface, sizeof interface);
                else if (strncmp(p, "<method ", 8) == 0) {
                        attribute(p, end, "name", member, sizeof member);
                        signature[0] = 0;
                        in_method = end[-1] != '/';
                        if (!in_method && strncmp(interface, NAME ".", strlen(NAME) + 1) == 0 && ++n)
                                r = call_one(bus, path, interface, member, "", vanish);
                } else if (in_method && strncmp(p, "<arg ", 5) == 0) {
                        if (attribute(p, end, "type", value, sizeof value) && attribute(p, end, "direction", direction, sizeof direction) && strcmp(direction, "in") == 0)
                                strncat(signature, value, sizeof signature - strlen(signature) - 1);
                } else if (strncmp(p, "</method>", 9) == 0) {
                        in_method = 0;
                        if (strncmp(interface, NAME ".", strlen(NAME) + 1) == 0 && ++n)
                                r = call_one(bus, path, interface, member, signature, vanish);
                } else if (strncmp(p, "<node ", 6) == 0 && attribute(p, end, "name", value, sizeof value) && n_objects > 0 && n_paths < PATHS_MAX) {
                        if (asprintf(&paths[n_paths], "%s/%s", path, value) >= 0)
                                n_paths++;
                }
        }
        sd_bus_message_unref(reply);
        return r < 0 ? r : n;
}

int main(int argc, char *argv[]) {
        int vanish, r = 0, n, methods = 0, most = 0;

        if (argc < 4) {
                fputs("bus-generate SEED ROUNDS answers|vanish [OBJECT...]\n", stderr);
                return 2;
        }
        state = strtoull(argv[1], NULL, 10);
        vanish = strcmp(argv[3], "vanish") == 0;
        objects = argv + 4;
        n_objects = argc - 4;
        file_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

        for (int round = atoi(argv[2]); r >= 0 && round > 0; round--) {
                sd_bus *bus = NULL;

                methods = 0;
                n_paths = 1;
                paths[0] = strdup("/org/berth1");
                r = sd_bus_open_system(&bus);
                for (unsigned i = 0; r >= 0 && i < n_paths; i++) {
                        n = walk(bus, paths[i], vanish);
                        if (n > 0)
                                methods += n;
                        /* What was asked may have gone in the meantime; and who never waits for an answer is at some time told to. */
                        else if (i == 0 && !vanish)
                                r = n;
                }
                most = methods > most ? methods : most;
                if (vanish)
                        sd_bus_flush(bus);
                sd_bus_close_unref(bus);
        }
        printf("%d methods a round: %u answered, %u refused, %u otherwise\n", most, answered, refused, failed);
        return r < 0 || failed > 0 || most < 50;
}
