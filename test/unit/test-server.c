/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/server.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "unit.h"

/* Every default is a right value, and no row is missing. */
START_TEST(rows) {
        for (ServerKey k = 0; k < _SERVER_KEY_MAX; k++) {
                _cleanup_free_ char *error = NULL;
                ServerKey found;

                ck_assert_ptr_nonnull(server_table[k].name);
                ck_assert_ptr_nonnull(server_table[k].help);
                ck_assert_int_eq(server_check(k, server_table[k].fallback, &error), 0);
                ck_assert_int_eq(server_find(server_table[k].name, &found, &error), 0);
                ck_assert_int_eq(found, k);
        }
}
END_TEST

START_TEST(bad_values) {
        static const struct {
                ServerKey key;
                const char *value;
        } bad[] = {
                { SERVER_CONTAINERS_MAX, "0" }, { SERVER_CONTAINERS_MAX, "5000" }, { SERVER_CONTAINERS_MAX, "-1" }, { SERVER_CONTAINERS_MAX, "many" },
                { SERVER_IDLE_EXIT, "soon" }, { SERVER_IDLE_EXIT, "1ms" }, { SERVER_IDLE_EXIT, "2w" },
                { SERVER_SPARE_WORKER, "maybe" }, { SERVER_DEFAULT_PROFILES, "a/b" }, { SERVER_DEFAULT_PROFILES, "a\nb" },
                { SERVER_BRIDGE_SUBNET, "10.0.0.0" }, { SERVER_BRIDGE_SUBNET, "10.0.0.0/33" }, { SERVER_BRIDGE_SUBNET, "127.0.0.0/8" },
                { SERVER_BRIDGE_SUBNET, "300.1.1.1/24" }, { SERVER_BRIDGE_SUBNET, "fd00::/64" },
                { SERVER_CONTAINERS_PER_USER_MAX, "4097" }, { SERVER_CONTAINERS_PER_USER_MAX, "-1" }, { SERVER_RUNNING_PER_USER_MAX, "1.5" },
                { SERVER_IMAGES_PER_USER_MAX, "1025" }, { SERVER_SNAPSHOTS_PER_USER_MAX, "many" }, { SERVER_SNAPSHOTS_PER_USER_MAX, "18446744073709551616" },
                { SERVER_DISK_PER_USER_MAX, "-1" }, { SERVER_DISK_PER_USER_MAX, "32X" }, { SERVER_DISK_PER_USER_MAX, "50%" },
                { SERVER_MEMORY_PER_USER_MAX, "0%" }, { SERVER_MEMORY_PER_USER_MAX, "101%" }, { SERVER_MEMORY_PER_USER_MAX, "-1G" }, { SERVER_MEMORY_PER_USER_MAX, "50 %" },
                { SERVER_JOBS_PER_USER_MAX, "0" }, { SERVER_JOBS_PER_USER_MAX, "infinity" },
        };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_free_ char *error = NULL;

                ck_assert_msg(server_check(bad[i].key, bad[i].value, &error) == -EINVAL, "%s is taken", bad[i].value);
                ck_assert_ptr_nonnull(strstr(error, server_table[bad[i].key].name));
        }
}
END_TEST

START_TEST(change) {
        _cleanup_free_ char *text = NULL, *again = NULL, *error = NULL;
        char *const set[] = { (char *) "IdleExitSec=1min", (char *) "ipv4.address=10.1.2.1/24", NULL };

        ck_assert_int_eq(server_change("# mine\n[Server]\nContainersMax=5\nIdleExitSec=10s\nIdleExitSec=20s\n# end\n", set, NULL, &text, &error), 0);
        ck_assert_ptr_nonnull(strstr(text, "# mine\n[Server]\n"));
        ck_assert_ptr_nonnull(strstr(text, "ContainersMax=5\nIdleExitSec=1min\n# end"));
        ck_assert_ptr_nonnull(strstr(text, "BridgeSubnet=10.1.2.1/24\n"));
        ck_assert_int_eq(server_change(text, NULL, (char *const[]) { (char *) "ContainersMax", (char *) "SpareWorker", NULL }, &again, &error), 0);
        ck_assert_ptr_null(strstr(again, "ContainersMax"));
        ck_assert_int_eq(server_change(text, (char *const[]) { (char *) "Nonsense=1", NULL }, NULL, &again, &error), -ENOENT);
}
END_TEST

/* Limits of users as numbers; what they cannot be said in is the largest. */
START_TEST(limits) {
        static const struct {
                ServerKey key;
                const char *line;
                uint64_t expected;
        } good[] = {
                { SERVER_CONTAINERS_PER_USER_MAX, "", 32 }, { SERVER_CONTAINERS_PER_USER_MAX, "ContainersPerUserMax=0", 0 },
                { SERVER_CONTAINERS_PER_USER_MAX, "ContainersPerUserMax=infinity", UINT64_MAX }, { SERVER_RUNNING_PER_USER_MAX, "", 16 },
                { SERVER_IMAGES_PER_USER_MAX, "", 32 }, { SERVER_SNAPSHOTS_PER_USER_MAX, "", 256 },
                { SERVER_SNAPSHOTS_PER_USER_MAX, "SnapshotsPerUserMax=65536", 65536 }, { SERVER_DISK_PER_USER_MAX, "", UINT64_C(32) << 30 },
                { SERVER_DISK_PER_USER_MAX, "DiskPerUserMax=1M", 1 << 20 }, { SERVER_DISK_PER_USER_MAX, "DiskPerUserMax=infinity", UINT64_MAX },
                { SERVER_MEMORY_PER_USER_MAX, "", UINT64_MAX /* a part */ }, { SERVER_MEMORY_PER_USER_MAX, "MemoryPerUserMax=3G", UINT64_C(3) << 30 },
        };
        _cleanup_close_ int top = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                char root[] = "/tmp/berth-test-XXXXXX", text[100];
                _cleanup_free_ char *error = NULL;
                ServerSettings s;

                ck_assert_ptr_nonnull(mkdtemp(root));
                snprintf(text, sizeof text, "[Server]\n%s\n", good[i].line);
                unit_write(root, BERTH_CONFIG_DIR, "berth.conf", text);
                ck_assert_int_eq(server_settings_load(root, &s, &error), 0);
                ck_assert_msg(server_get_number(&s, good[i].key) == good[i].expected, "%s: %llu", good[i].line, (unsigned long long) server_get_number(&s, good[i].key));
                server_settings_done(&s);
                ck_assert_int_eq(path_remove_tree(top, root + 1), 0);
        }
}
END_TEST

START_TEST(files) {
        char root[] = "/tmp/berth-test-XXXXXX";
        _cleanup_free_ char *error = NULL, *mistake = NULL;
        uint32_t address;
        unsigned prefix;
        ServerSettings s;

        ck_assert_ptr_nonnull(mkdtemp(root));
        ck_assert_int_eq(server_settings_load(root, &s, &error), 0);
        ck_assert_uint_eq(server_get_number(&s, SERVER_IDLE_EXIT), 30 * USEC_PER_SEC);
        ck_assert_int_eq(server_get_subnet(&s, &address, &prefix), -ENODATA);
        server_settings_done(&s);

        unit_write(root, BERTH_VENDOR_DIR, "berth.conf", "[Server]\nContainersMax=10\nJobsPerUserMax=2\n");
        unit_write(root, BERTH_CONFIG_DIR, "berth.conf", "[Server]\nContainersMax=20\nBridgeSubnet=10.9.8.7/24\n");
        unit_write(root, BERTH_CONFIG_DIR "/berth.conf.d", "50-x.conf", "[Server]\nContainersMax=30\nJobsPerUserMax=\n");
        ck_assert_int_eq(server_settings_load(root, &s, &error), 0);
        ck_assert_uint_eq(server_get_number(&s, SERVER_CONTAINERS_MAX), 30);
        ck_assert_ptr_nonnull(endswith(s.sources[SERVER_CONTAINERS_MAX], "/50-x.conf"));
        ck_assert_uint_eq(server_get_number(&s, SERVER_JOBS_PER_USER_MAX), 16);
        ck_assert_int_eq(server_get_subnet(&s, &address, &prefix), 0);
        ck_assert_uint_eq(address, 0x0a090800);
        ck_assert_uint_eq(prefix, 24);
        server_settings_done(&s);

        /* The mistake is told, and the rest counts. */
        unit_write(root, BERTH_CONFIG_DIR "/berth.conf.d", "60-y.conf", "[Server]\nContainersMax=lots\nSpareWorker=no\n");
        ck_assert_int_eq(server_settings_load(root, &s, &mistake), -EBADMSG);
        ck_assert_ptr_nonnull(strstr(mistake, "60-y.conf:2: ContainersMax"));
        ck_assert_uint_eq(server_get_number(&s, SERVER_CONTAINERS_MAX), 30);
        ck_assert_uint_eq(server_get_number(&s, SERVER_SPARE_WORKER), 0);
        server_settings_done(&s);
        ck_assert_int_eq(path_remove_tree(AT_FDCWD, root), 0);
}
END_TEST

/* The help names each row. */
START_TEST(help) {
        static void (*const print[])(FILE *) = { server_print_help, server_print_manual };

        for (size_t i = 0; i < ELEMENTSOF(print); i++) {
                _cleanup_free_ char *text = NULL;
                size_t size;
                FILE *f = open_memstream(&text, &size);

                ck_assert_ptr_nonnull(f);
                print[i](f);
                ck_assert_int_eq(fclose(f), 0);
                for (const ServerRow *row = server_table; row < server_table + _SERVER_KEY_MAX; row++)
                        ck_assert_msg(strstr(text, row->name) != NULL, "%s", row->name);
        }
}
END_TEST

UNIT_TESTS("server", help, rows, bad_values, change, limits, files)
