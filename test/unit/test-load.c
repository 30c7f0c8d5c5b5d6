/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/load.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "settings/profile.h"
#include "unit.h"

static char *root;

static void set_up(void) {
        free(root);
        root = unit_make_directory();
}

static void tear_down(void) {
        _cleanup_close_ int top = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        ck_assert_int_eq(path_remove_tree(top, root + 1), 0);
        free(root);
        root = NULL;
}

static char *make_path(const char *path) {
        char *full = NULL;

        ck_assert_int_ge(asprintf(&full, "%s%s", root, path), 0);
        for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')); p++) {
                *p = 0;
                (void) mkdir(full, 0755);
                *p = '/';
        }
        return full;
}

static void put(const char *path, const char *text) {
        _cleanup_free_ char *full = make_path(path);
        _cleanup_close_ int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fd_write_all(fd, text, strlen(text)), 0);
}

#define OWN "/var/lib/berth/containers/web1/container.conf"

START_TEST(files_in_order) {
        _cleanup_(settings_freep) Settings *s = NULL;
        _cleanup_free_ char *effective = NULL, *link = NULL, *expected = NULL, *environment = NULL;
        char *error = NULL;
        size_t n;
        FILE *f;

        set_up();
        put("/usr/lib/berth/container.conf.d/10-vendor.conf", "[Exec]\nEnvironment=A=vendor B=vendor\nHostname=vendor\n[Resource]\nTasksMax=1\n");
        put("/usr/lib/berth/container.conf.d/20-masked.conf", "[Resource]\nCPUWeight=7\n");
        put("/usr/lib/berth/container.conf.d/30-replaced.conf", "[Resource]\nIOWeight=7\n");
        put("/etc/berth/container.conf.d/30-replaced.conf", "[Resource]\nIOWeight=8\n");
        put("/etc/berth/container.conf.d/05-site.conf", "[Exec]\nHostname=site\n");
        put("/etc/berth/container.conf.d/README", "this is not a settings file\n");
        put("/etc/berth/container.conf.d/.hidden.conf", "this is not one either\n");
        link = make_path("/etc/berth/container.conf.d/20-masked.conf");
        ck_assert_int_eq(symlink("/dev/null", link), 0);
        put(OWN, "[Container]\nUIDBase=524288\n[Exec]\nEnvironment=B=own C=own\nHostname=own\n[Resource]\nMemoryMax=1G\n");
        put("/etc/berth/containers/web1.conf.d/10-last.conf", "[Resource]\nMemoryMax=2G\n[Exec]\nEnvironment=C=last\n");
        put("/etc/berth/containers/web2.conf.d/10-other.conf", "[Resource]\nMemoryMax=3G\n");

        assert_ok(settings_load_at(root, "web1", &s, &error), error);
        ck_assert_str_eq(s->hostname, "own");
        ck_assert_uint_eq(s->uid_base, 524288);
        ck_assert_int_eq(strv_join(s->environment, " ", &environment), 0);
        ck_assert_str_eq(environment, "A=vendor B=own C=last");
        ck_assert_uint_eq(s->n_unit_properties, 3);
        for (size_t i = 0; i < s->n_unit_properties; i++)
                ck_assert_uint_eq(s->unit_properties[i].number, streq(s->unit_properties[i].name, "MemoryMax") ? 2ULL << 30 :
                                                                streq(s->unit_properties[i].name, "TasksMax")  ? 1 : 8);
        ck_assert_uint_eq(s->timeout_stop_usec, 90 * USEC_PER_SEC);

        f = open_memstream(&effective, &n);
        assert_ok(settings_print_effective_at(root, "web1", f, true, &error), error);
        fclose(f);
        ck_assert_int_ge(asprintf(&expected,
                                  "Exec.Environment=A=vendor B=vendor  # %s/usr/lib/berth/container.conf.d/10-vendor.conf:2\n"
                                  "Exec.Environment=B=own C=own  # %s" OWN ":4\n"
                                  "Exec.Environment=C=last  # %s/etc/berth/containers/web1.conf.d/10-last.conf:4\n"
                                  "Exec.Hostname=own  # %s" OWN ":5\n",
                                  root, root, root, root), 0);
        ck_assert_msg(strstr(effective, expected), "%s", effective);
        ck_assert(strstr(effective, "Exec.TimeoutStopSec=1min 30s  # default\n"));
        ck_assert(!strstr(effective, "CPUWeight"));
        tear_down();
}
END_TEST

START_TEST(an_empty_assignment_clears) {
        _cleanup_(settings_freep) Settings *s = NULL;
        char *error = NULL;

        set_up();
        put("/etc/berth/container.conf.d/10.conf", "[Exec]\nEnvironment=A=1\nTimeoutStopSec=5\n[Resource]\nMemoryMax=1G\n[Unit]\nAfter=a.service\nBefore=b.service\n"
                                                   "[Security]\nCapabilityBoundingSet=CAP_KILL\n");
        put(OWN, "[Exec]\nEnvironment=\nTimeoutStopSec=\n[Resource]\nMemoryMax=\n[Unit]\nAfter=\n[Security]\nCapabilityBoundingSet=\nCapabilityBoundingSet=CAP_CHOWN\n");
        assert_ok(settings_load_at(root, "web1", &s, &error), error);
        ck_assert_ptr_null(s->environment);
        ck_assert_uint_eq(s->timeout_stop_usec, 90 * USEC_PER_SEC);
        ck_assert_uint_eq(s->n_unit_properties, 0);
        ck_assert_uint_eq(strv_length(s->unit_dependencies), 1);
        ck_assert_str_eq(s->unit_dependencies[0], "Before=b.service");
        ck_assert_uint_eq(s->capabilities, 1); /* CAP_CHOWN */
        tear_down();
}
END_TEST

/* Wherever the two come from. */
START_TEST(privileged) {
        static const char *const excluded[] = {
                "Nesting=yes", "IDMapSize=131072", "IDMapBase=1310720", "InterceptMknod=yes", "InterceptMount=yes", "InterceptSysinfo=yes",
                "CapabilityBoundingSet=CAP_KILL CAP_SYS_MODULE", "CapabilityBoundingSet=CAP_SYS_RAWIO",
        };
        _cleanup_(settings_freep) Settings *s = NULL;
        char *error = NULL;

        set_up();
        put(OWN, "[Security]\nPrivileged=yes\n");
        assert_ok(settings_load_at(root, "web1", &s, &error), error);
        ck_assert(s->privileged);
        for (size_t i = 0; i < ELEMENTSOF(excluded); i++) {
                _cleanup_free_ char *text = NULL;

                ck_assert_int_gt(asprintf(&text, "[Security]\n%s\n", excluded[i]), 0);
                put("/etc/berth/container.conf.d/10.conf", text);
                assert_refused(settings_load_at(root, "web1", &s, &error), -EBADMSG, error, "Privileged=yes", "exclude");
        }
        put("/etc/berth/container.conf.d/10.conf", "[Resource]\nInotifyWatchesMax=7\n");
        assert_refused(settings_load_at(root, "web1", &s, &error), -EBADMSG, error, "Privileged=yes", "InotifyWatchesMax=");
        put("/etc/berth/container.conf.d/10.conf", "[Device eth0]\nType=nic\nNicType=host\n");
        assert_refused(settings_load_at(root, "web1", &s, &error), -EBADMSG, error, "Privileged=yes", "NicType=host");
        put("/etc/berth/container.conf.d/10.conf", "[Security]\nIDMapSize=65536\nNesting=no\nCapabilityBoundingSet=CAP_KILL\n");
        settings_free(s);
        s = NULL;
        assert_ok(settings_load_at(root, "web1", &s, &error), error);
        tear_down();
}
END_TEST

START_TEST(errors) {
        _cleanup_free_ char *own = NULL, *link = NULL;
        char *error = NULL;
        Settings *s = NULL;

        set_up();
        assert_refused(settings_load_at(root, "web1", &s, &error), -ENOENT, error, "'web1'", "no container");
        assert_refused(settings_load_at(root, "..", &s, &error), -ENOENT, error, "'..'", "no container");
        assert_refused(settings_load_at(root, "", &s, &error), -ENOENT, error, "''", "no container");
        assert_refused(settings_load_at(root, "../containers/web1", &s, &error), -ENOENT, error, "'../containers/web1'", "no container");

        put(OWN, "[Resource]\nMemoryMax=lots\n");
        assert_refused(settings_load_at(root, "web1", &s, &error), -EBADMSG, error, OWN ":2: MemoryMax: 'lots'", "size");
        put(OWN, "[Resource]\n");
        put("/etc/berth/containers/web1.conf.d/10.conf", "[Container]\nOwner=0\n");
        assert_refused(settings_load_at(root, "web1", &s, &error), -EBADMSG, error, "web1.conf.d/10.conf:2: Owner", "kept by berth");
        put("/etc/berth/containers/web1.conf.d/10.conf", "");
        put("/etc/berth/containers/web1.conf.d/directory.conf/x", "");
        assert_refused(settings_load_at(root, "web1", &s, &error), -EBADMSG, error, "directory.conf", "regular file");
        tear_down();

        /* berth's own file is never reached through a link. */
        set_up();
        put("/elsewhere", "[Exec]\nHostname=x\n");
        own = make_path(OWN);
        link = make_path("/elsewhere");
        ck_assert_int_eq(symlink(link, own), 0);
        assert_refused(settings_load_at(root, "web1", &s, &error), -EBADMSG, error, OWN, "regular file");
        tear_down();
}
END_TEST

START_TEST(profiles_in_order) {
        _cleanup_(settings_freep) Settings *s = NULL, *t = NULL;
        _cleanup_strv_ char **names = NULL, **of = NULL;
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        const char *key = NULL;
        char *error = NULL;

        set_up();
        put("/usr/lib/berth/profiles/a.conf", "[Resource]\nTasksMax=1\n");
        put("/usr/lib/berth/profiles/b.conf", "[Profile]\nDescription=b\n[Resource]\nTasksMax=2\nCPUWeight=2\n");
        put("/etc/berth/profiles/a.conf", "[Resource]\nTasksMax=3\nMemoryMin=3\n");
        put("/etc/berth/profiles/.c.conf", "x");
        put(OWN, "[Container]\nProfiles=b a\n[Resource]\nCPUWeight=4\n");
        ck_assert_int_eq(profile_list(root, &names), 0);
        ck_assert_uint_eq(strv_length(names), 2);
        assert_ok(profile_list_of_container(root, "web1", &of, &error), error);
        ck_assert_str_eq(of[0], "b");
        assert_ok(settings_load_at(root, "web1", &s, &error), error);
        for (size_t i = 0; i < s->n_unit_properties; i++)
                ck_assert_uint_eq(s->unit_properties[i].number, streq(s->unit_properties[i].name, "CPUWeight") ? 4 : 3);
        ck_assert_uint_eq(s->n_unit_properties, 3);

        assert_ok(profile_load(root, "a", &f, NULL, &error), error);
        ck_assert_int_eq(profile_owner_may_assign(f, &key), 0);
        ck_assert_str_eq(key, "MemoryMin");
        f = settings_file_free(f);
        assert_ok(profile_parse("x", "[Profile]\nOwnersMayAssign=yes\n[Resource]\nMemoryMin=3\n", &f, &error), error);
        ck_assert_int_eq(profile_owner_may_assign(f, &key), 1);
        f = settings_file_free(f);
        assert_refused(profile_parse("x", "[Container]\nProfiles=a\n", &f, &error), -EBADMSG, error, "x:2", "Profiles");
        assert_refused(profile_parse("x", "[Container]\nOwner=5\n", &f, &error), -EBADMSG, error, "x:2", "kept by berth");
        assert_refused(profile_parse("x", "[Profile]\nOwner=5\n", &f, &error), -EBADMSG, error, "x:2", "Owner");
        assert_refused(profile_parse("x", "[Profile]\nOwnersMayAssign=perhaps\n", &f, &error), -EBADMSG, error, "x:2", "perhaps");

        put(OWN, "[Profile]\nDescription=x\n");
        assert_refused(settings_load_at(root, "web1", &t, &error), -EBADMSG, error, "container.conf:2", "");
        put(OWN, "[Container]\nProfiles=b nothing\n");
        assert_refused(settings_load_at(root, "web1", &t, &error), -EBADMSG, error, "container.conf", "'nothing'");
        put(OWN, "[Container]\nProfiles=b\n");
        put("/etc/berth/container.conf.d/1.conf", "[Container]\nProfiles=a\n");
        assert_refused(settings_load_at(root, "web1", &t, &error), -EBADMSG, error, "1.conf:2", "Profiles");
        tear_down();
}
END_TEST

/* Where it states Type= a later file replaces, wherever in the section that is; where it does not it adds. */
START_TEST(devices_are_replaced_or_added_to) {
        static const struct {
                const char *own, *drop_in;
                const char *expected[6]; /* the lines of eth0, with the number of the line that said so */
        } cases[] = {
                { "", "", { "Type=nic  # profile:2", "Parent=br0  # profile:3", "MTUBytes=1400  # profile:4" } },
                { "[Device eth0]\nMTUBytes=1300\n", "", { "Type=nic  # profile:2", "Parent=br0  # profile:3", "MTUBytes=1300  # own:4" } },
                { "[Device eth0]\nNicType=p2p\nType=nic\n", "", { "Type=nic  # own:5", "NicType=p2p  # own:4" } },
                { "[Device eth0]\nNicType=p2p\n[Exec]\nHostname=a\n[Device eth0]\nType=nic\n", "", { "Type=nic  # own:8", "NicType=p2p  # own:4" } },
                { "[Device eth0]\nType=disk\nSource=/srv\nPath=/srv\n", "[Device eth0]\nReadOnly=yes\n",
                  { "Type=disk  # own:4", "Source=/srv  # own:5", "Path=/srv  # own:6", "ReadOnly=yes  # last:2" } },
                { "[Device eth0]\nMTUBytes=1300\n", "[Device eth0]\nType=none\n", { "Type=none  # last:2" } },
                { "[Device eth0]\nType=none\n", "[Device eth0]\nType=nic\n", { "Type=nic  # last:2" } },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *own = NULL, *effective = NULL, *expected = NULL, *devices = NULL;
                size_t n, size;
                char *error = NULL;
                FILE *f;

                set_up();
                put("/usr/lib/berth/container.conf.d/1.conf", "[Device eth0]\nHostName=lost\n");
                put("/usr/lib/berth/profiles/p.conf", "[Device eth0]\nType=nic\nParent=br0\nMTUBytes=1400\n");
                ck_assert_int_ge(asprintf(&own, "[Container]\nProfiles=p\n%s", cases[i].own), 0);
                put(OWN, own);
                put("/etc/berth/containers/web1.conf.d/1.conf", cases[i].drop_in);
                f = open_memstream(&effective, &n);
                assert_ok(settings_print_effective_at(root, "web1", f, true, &error), error);
                fclose(f);
                f = open_memstream(&expected, &size);
                for (const char *const *line = cases[i].expected; *line; line++) {
                        static const char *const places[][2] = {
                                { "profile:", "/usr/lib/berth/profiles/p.conf:" }, { "own:", OWN ":" }, { "last:", "/etc/berth/containers/web1.conf.d/1.conf:" },
                        };
                        const char *where = strstr(*line, "  # ") + 4;

                        for (size_t k = 0; k < ELEMENTSOF(places); k++)
                                if (startswith(where, places[k][0]))
                                        fprintf(f, "Device.eth0.%.*s%s%s%s\n", (int) (where - *line), *line, root, places[k][1], startswith(where, places[k][0]));
                }
                fclose(f);
                devices = strdup(strstr(effective, "Device."));
                ck_assert_str_eq(devices, expected);
                tear_down();
        }
}
END_TEST

UNIT_TESTS("load", devices_are_replaced_or_added_to, profiles_in_order, files_in_order, an_empty_assignment_clears, privileged, errors)
