/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/generator.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/path.h"
#include "unit.h"

static char *root;

static void put(const char *name, const char *text) {
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int fd = -EBADF;

        ck_assert_int_ge(asprintf(&path, "%s/%s", root, name), 0);
        for (char *p = path + strlen(root) + 1; (p = strchr(p, '/')); p++) {
                *p = 0;
                (void) mkdir(path, 0755);
                *p = '/';
        }
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fd_write_all(fd, text, strlen(text)), 0);
}

static void put_container(const char *name, const char *text) {
        char path[200];

        snprintf(path, sizeof path, "var/lib/berth/containers/%s/container.conf", name);
        put(path, text);
}

static void set_up(void) {
        free(root);
        root = unit_make_directory();
        put("out/.keep", "");
        log_set_max_level(LOG_CRIT); /* the mistakes below are meant */
}

static void tear_down(void) {
        _cleanup_close_ int top = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        ck_assert_int_eq(path_remove_tree(top, root + 1), 0);
        free(root);
        root = NULL;
}

static int run(void) {
        _cleanup_free_ char *out = NULL;

        ck_assert_int_ge(asprintf(&out, "%s/out", root), 0);
        return generator_run(root, out);
}

static void assert_drop_in(const char *name, const char *expected) {
        _cleanup_close_ int top = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_free_ char *text = NULL;
        char path[200];
        int r;

        snprintf(path, sizeof path, "out/berth@%s.service.d/50-berth.conf", name);
        r = path_read(top, path, 65536, &text, NULL);
        if (!expected) {
                ck_assert_int_eq(r, -ENOENT);
                return;
        }
        ck_assert_msg(r == 0, "%s: %d", path, r);
        ck_assert_ptr_nonnull(strchr(text, '\n'));
        ck_assert_str_eq(strchr(text, '\n') + 1, expected);
}

START_TEST(drop_ins) {
        set_up();
        put_container("web1", "[Container]\nOwner=1000\n[Unit]\nAfter=db1 network-online.target\nWants=network-online.target\nRequiresMountsFor=/srv/web1\n");
        put_container("db1", "[Container]\nOwner=1000\n[Exec]\nHostname=db\n");
        put_container("empty", "[Unit]\nAfter=\n");
        put("etc/berth/containers/db1.conf.d/10.conf", "[Unit]\nBefore=web1\n");
        put("etc/berth/containers/gone.conf.d/10.conf", "[Unit]\nBefore=web1\n");
        ck_assert_int_eq(run(), 2);
        assert_drop_in("web1", "[Unit]\nAfter=berth@db1.service\nAfter=network-online.target\nWants=network-online.target\nRequiresMountsFor=/srv/web1\n");
        assert_drop_in("db1", "[Unit]\nBefore=berth@web1.service\n");
        assert_drop_in("empty", NULL);
        assert_drop_in("gone", NULL);

        put("etc/berth/container.conf.d/10.conf", "[Unit]\nAfter=site.target\n");
        ck_assert_int_eq(run(), 2); /* 'empty' clears it */
        assert_drop_in("empty", NULL);
        assert_drop_in("db1", "[Unit]\nAfter=site.target\nBefore=berth@web1.service\n");
        tear_down();
}
END_TEST

static char *read_out(const char *path) {
        _cleanup_close_ int top = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        char full[200], *text = NULL;

        snprintf(full, sizeof full, "out/%s", path);
        ck_assert_msg(path_read(top, full, 65536, &text, NULL) == 0, "%s", path);
        return text;
}

/* [Service], single lines of [Unit], raw.unit, and the order of a boot. */
START_TEST(services_and_autostart) {
        _cleanup_free_ char *scope = NULL, *high = NULL, *low = NULL, *delay = NULL, *target = NULL;

        set_up();
        put_container("a", "[Service]\nRestart=on-failure\nRestartSec=2\n[Unit]\nStartLimitBurst=7\nAfter=x.service\nRawUnit=Service.LogLevelMax=info\n"
                           "RawUnit=Scope.MemoryHigh=99M\nRawUnit=Unit.Documentation=man:a(1)\n");
        put_container("high", "[Unit]\nAutostart=yes\nAutostartPriority=10\nAutostartDelaySec=1500ms\n");
        put_container("low", "[Unit]\nAutostart=yes\n");
        put_container("none", "[Unit]\nAutostart=no\nAutostartPriority=99\n");
        ck_assert_int_eq(run(), 2);
        assert_drop_in("a", "[Unit]\nAfter=x.service\nStartLimitBurst=7\nDocumentation=man:a(1)\n[Service]\nRestart=on-failure\nRestartSec=2s\nLogLevelMax=info\n");
        scope = read_out("berth-a.scope.d/50-berth.conf");
        ck_assert_ptr_nonnull(strstr(scope, "\n[Scope]\nMemoryHigh=99M\n"));
        high = read_out("berth@high.service.d/60-berth-boot.conf");
        ck_assert_ptr_nonnull(strstr(high, "Wants=berth-boot-10.target\nBefore=berth-boot-10.target\nWants=berth-delay-high.service\n"));
        low = read_out("berth@low.service.d/60-berth-boot.conf");
        ck_assert_ptr_nonnull(strstr(low, "Before=berth-boot-0.target\nAfter=berth-boot-10.target\n"));
        delay = read_out("berth-delay-high.service");
        ck_assert_ptr_nonnull(strstr(delay, "ExecStart=sleep 1.500000\n"));
        target = read_out("berth-boot-10.target");
        free(read_out("berth-boot-0.target"));
        assert_drop_in("none", NULL);
        tear_down();
}
END_TEST

START_TEST(mistakes_stay_with_their_container) {
        set_up();
        put_container("good", "[Unit]\nAfter=a.service\n");
        put_container("bad", "[Unit]\nAfter=a.service\nAfter=%i.service\n");
        put_container("binary", "\x01\x02");
        put_container("other", "[Resource]\nMemoryMax=lots\n[Unit]\nAfter=b.service\n");
        put_container("UPPER", "[Unit]\nAfter=a.service\n");
        put_container(".new-1", "[Unit]\nAfter=a.service\n");
        put("var/lib/berth/containers/file", "");
        put("etc/berth/container.conf.d/10.conf", "not a settings file\n");
        ck_assert_int_eq(run(), 2);
        assert_drop_in("good", "[Unit]\nAfter=a.service\n");
        assert_drop_in("other", "[Unit]\nAfter=b.service\n");
        assert_drop_in("bad", NULL);
        assert_drop_in("UPPER", NULL);
        tear_down();
}
END_TEST

/* A host whose /var is not mounted yet still has what stands in /etc. */
START_TEST(without_state) {
        set_up();
        ck_assert_int_eq(run(), 0);
        put("etc/berth/containers/db1.conf.d/10.conf", "[Unit]\nAfter=a.service\n");
        ck_assert_int_eq(run(), 1);
        assert_drop_in("db1", "[Unit]\nAfter=a.service\n");
        ck_assert_int_eq(generator_run(root, "/nonexistent"), -ENOENT);
        tear_down();
}
END_TEST

START_TEST(many) {
        struct timespec a, b;
        double seconds;

        set_up();
        for (unsigned i = 0; i < 500; i++) {
                char name[16];

                snprintf(name, sizeof name, "c%u", i);
                put_container(name, i % 10 ? "[Container]\nOwner=1000\nUIDBase=524288\n[Exec]\nHostname=x\nEnvironment=A=1\n[Resource]\nMemoryMax=1G\n" :
                                             "[Unit]\nAfter=a.service\n");
        }
        clock_gettime(CLOCK_MONOTONIC, &a);
        ck_assert_int_eq(run(), 50);
        clock_gettime(CLOCK_MONOTONIC, &b);
        seconds = (double) (b.tv_sec - a.tv_sec) + (double) (b.tv_nsec - a.tv_nsec) / 1e9;
        printf("500 containers, 50 drop-ins: %.1f ms\n", seconds * 1000);
        tear_down();
}
END_TEST

static bool is_there(const char *path) {
        char full[300];
        struct stat st;

        snprintf(full, sizeof full, "%s/out/%s", root, path);
        return lstat(full, &st) >= 0;
}

/* A timer for each container that has a schedule in the end, from wherever; nothing for others. */
START_TEST(schedules) {
        _cleanup_free_ char *own = NULL, *other = NULL;

        set_up();
        put("etc/berth/profiles/daily.conf", "[Container]\nSnapshotSchedule=daily\n");
        put_container("none", "[Container]\nSnapshotPattern=%Y\n");
        ck_assert_int_eq(run(), 0);
        ck_assert(!is_there("berth-snapshots.target.wants"));

        put_container("own", "[Container]\nSnapshotSchedule=Mon..Fri *-*-* 4:00\n");
        put_container("by-profile", "[Container]\nProfiles=daily\n");
        put_container("cleared", "[Container]\nProfiles=daily\nSnapshotSchedule=\n");
        put_container("mistake", "[Container]\nSnapshotSchedule=often\n");
        ck_assert_int_eq(run(), 0);
        own = read_out("berth-snapshot@own.timer.d/50-berth.conf");
        ck_assert_str_eq(strchr(own, '\n') + 1, "[Timer]\nOnCalendar=Mon..Fri *-*-* 4:00\n");
        other = read_out("berth-snapshot@by-profile.timer.d/50-berth.conf");
        ck_assert_str_eq(strchr(other, '\n') + 1, "[Timer]\nOnCalendar=daily\n");
        ck_assert(is_there("berth-snapshots.target.wants/berth-snapshot@own.timer") && is_there("berth-snapshots.target.wants/berth-snapshot@by-profile.timer"));
        ck_assert(!is_there("berth-snapshot@cleared.timer.d") && !is_there("berth-snapshot@mistake.timer.d") && !is_there("berth-snapshot@none.timer.d"));
        tear_down();
}
END_TEST

/* What holds a user's container to its owner, whatever else its settings say; the slice has the limit of berth.conf. */
START_TEST(owners) {
        static const struct {
                const char *conf, *expected;
        } limits[] = {
                { "", "50%" }, { "MemoryPerUserMax=10%\n", "10%" }, { "MemoryPerUserMax=1500M\n", "1572864000" }, { "MemoryPerUserMax=infinity\n", "infinity" },
                { "MemoryPerUserMax=lots\n", "50%" },
        };
        _cleanup_free_ char *service = NULL, *mistake = NULL;

        set_up();
        put_container("hers", "[Container]\nOwner=1000\n");
        put_container("wrong", "[Container]\nOwner=1001\n[Unit]\nRequiresMountsFor=../x\n");
        put_container("roots", "[Container]\nOwner=0\n");
        put_container("nobodys", "");
        ck_assert_int_ge(run(), 0);
        service = read_out("berth@hers.service.d/40-berth-owner.conf");
        ck_assert_str_eq(strchr(service, '\n') + 1, "[Unit]\nAfter=user@1000.service\nStopPropagatedFrom=user@1000.service user-runtime-dir@1000.service\n\n"
                                                    "[Service]\nSlice=user-1000-berth.slice\n");
        mistake = read_out("berth@wrong.service.d/40-berth-owner.conf");
        ck_assert_ptr_nonnull(strstr(mistake, "\nSlice=user-1001-berth.slice\n"));
        ck_assert(is_there("user-1001-berth.slice.d") && !is_there("user-0-berth.slice.d"));
        ck_assert(!is_there("berth@roots.service.d") && !is_there("berth@nobodys.service.d"));

        for (size_t i = 0; i < ELEMENTSOF(limits); i++) {
                _cleanup_free_ char *slice = NULL;
                char conf[100], line[100];

                snprintf(conf, sizeof conf, "[Server]\n%s", limits[i].conf);
                put("etc/berth/berth.conf", conf);
                ck_assert_int_ge(run(), 0);
                slice = read_out("user-1000-berth.slice.d/50-berth.conf");
                snprintf(line, sizeof line, "\n[Slice]\nMemoryMax=%s\n", limits[i].expected);
                ck_assert_msg(strstr(slice, line) != NULL, "%s: %s", limits[i].conf, slice);
        }
        tear_down();
}
END_TEST

UNIT_TESTS("generator", drop_ins, owners, schedules, services_and_autostart, mistakes_stay_with_their_container, without_state, many)
