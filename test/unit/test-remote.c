/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/path.h"
#include "basic/strv.h"
#include "unit.h"

/* Files of remotes: what is right, what is refused with file and line, and that /etc counts more. */

static char root[64];

static void make_root(void) {
        snprintf(root, sizeof root, "/tmp/berth-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(root));
}

static void remove_root(void) {
        ck_assert_int_eq(path_remove_tree(AT_FDCWD, root), 0);
}

START_TEST(R40_names_and_urls) {
        static const char *const names[] = { "ubuntu", "a", "9", "my.server_1-x" }, *const no_names[] = { "", "local", ".a", "-a", "_a", "a/b", "a b", "a:b", "\303\274" };
        static const char *const urls[] = { "https://host", "http://host/", "https://[fd00::1]:8443/x", "https://h/%20~a=b&c" };
        static const char *const no_urls[] = { "", "ftp://host", "file:///etc", "https://", "http:///x", "https://a b", "https://a\nb", "https://a\"", "https://a?x", "https://a#x", "https://a\177",
                                               "https://\303\274", "HTTPS://host" };
        char name[REMOTE_NAME_MAX + 2], url[600], found[REMOTE_NAME_MAX + 1];

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                ck_assert_msg(remote_name_valid(names[i]), "%s", names[i]);
        for (size_t i = 0; i < ELEMENTSOF(no_names); i++)
                ck_assert_msg(!remote_name_valid(no_names[i]), "%s", no_names[i]);
        for (size_t i = 0; i < ELEMENTSOF(urls); i++)
                ck_assert_msg(!remote_check_url(urls[i]), "%s", urls[i]);
        for (size_t i = 0; i < ELEMENTSOF(no_urls); i++)
                ck_assert_msg(remote_check_url(no_urls[i]), "%s", no_urls[i]);
        memset(name, 'a', sizeof name - 1);
        name[sizeof name - 1] = 0;
        ck_assert(!remote_name_valid(name) && remote_name_valid(name + 1));
        snprintf(url, sizeof url, "https://%0490d", 0);
        ck_assert_ptr_null(remote_check_url(url));
        snprintf(url, sizeof url, "https://%0500d", 0);
        ck_assert_str_eq(remote_check_url(url), "is too long");

        ck_assert_str_eq(remote_split("images:debian/12", found), "debian/12");
        ck_assert_str_eq(found, "images");
        ck_assert_str_eq(remote_split("images:", found), "");
        ck_assert_ptr_null(remote_split("debian/12", found));
        ck_assert_ptr_null(remote_split(":x", found));
        ck_assert_ptr_null(remote_split("local:x", found));
        ck_assert_ptr_null(remote_split("a/b:x", found));
        snprintf(url, sizeof url, "%s:x", name);
        ck_assert_ptr_null(remote_split(url, found));
}
END_TEST

START_TEST(R40_files) {
        static const char *const directories[] = { BERTH_CONFIG_DIR "/remotes.d", BERTH_VENDOR_DIR "/remotes.d" };
        _cleanup_(remote_done) Remote vendor = {}, own = {};
        _cleanup_strv_ char **none = NULL, **names = NULL;
        char path[256];
        char *error = NULL;

        make_root();
        assert_ok(remote_list(root, &none), error);
        ck_assert_uint_eq(strv_length(none), 0);
        unit_write(root, directories[1], "images.conf", "[Remote]\nURL=https://vendor//\nKeyring=/usr/share/keyrings/a.gpg\n");
        unit_write(root, directories[1], "masked.conf", "[Remote]\nURL=https://vendor\n");
        assert_ok(remote_load(root, "images", &vendor, &error), error);
        ck_assert_str_eq(vendor.url, "https://vendor");
        ck_assert_str_eq(vendor.keyring, "/usr/share/keyrings/a.gpg");

        unit_write(root, directories[0], "images.conf", "# mine\n[Remote]\nURL=http://own/x\nKeyring=/a\nKeyring=\n");
        unit_write(root, directories[0], "zz.conf", "[Remote]\nURL=https://z\n");
        unit_write(root, directories[0], "no", "[Remote]\nURL=https://z\n");
        unit_write(root, directories[0], ".hidden.conf", "[Remote]\nURL=https://z\n");
        snprintf(path, sizeof path, "%s%s/masked.conf", root, directories[0]);
        ck_assert_int_eq(symlink("/dev/null", path), 0);
        assert_ok(remote_load(root, "images", &own, &error), error);
        ck_assert_str_eq(own.url, "http://own/x");
        ck_assert_ptr_null(own.keyring);
        ck_assert_ptr_nonnull(strstr(own.file, BERTH_CONFIG_DIR "/remotes.d/images.conf"));
        ck_assert_int_eq(remote_load(root, "masked", &(Remote) {}, &error), -ENOENT);
        ck_assert_int_eq(remote_load(root, "nothing", &(Remote) {}, &error), -ENOENT);
        ck_assert_int_eq(remote_load(root, "../images", &(Remote) {}, &error), -ENOENT);
        assert_ok(remote_list(root, &names), error);
        ck_assert_uint_eq(strv_length(names), 2);
        ck_assert_str_eq(names[0], "images");
        ck_assert_str_eq(names[1], "zz");
        remove_root();
}
END_TEST

START_TEST(R40_S85_mistakes) {
        static const struct { const char *text, *where, *what; } mistakes[] = {
                { "", ":1:", "no URL=" },
                { "[Remote]\n", ":1:", "no URL=" },
                { "[Remote]\nURL=\n", ":2:", "neither" },
                { "[Remote]\nURL=file:///etc/shadow\n", ":2:", "neither" },
                { "[Remote]\nURL=https://a\nKeyring=a.gpg\n", ":3:", "no absolute path" },
                { "[Remote]\nURL=https://a\nKey=a\n", ":3:", "no such key" },
                { "[Server]\nURL=https://a\n", ":2:", "no such section" },
                { "URL=https://a\n", ":1:", "" },
                { "[Remote\nURL=https://a\n", ":1:", "" },
                { "[Remote]\nURL https://a\n", ":2:", "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(mistakes); i++) {
                char *error = NULL;
                Remote r = {};

                make_root();
                unit_write(root, BERTH_CONFIG_DIR "/remotes.d", "a.conf", mistakes[i].text);
                assert_refused(remote_load(root, "a", &r, &error), -EBADMSG, error, mistakes[i].where, mistakes[i].what);
                ck_assert_ptr_null(r.url);
                remove_root();
        }
        for (int i = 0; i < 2; i++) {
                _cleanup_free_ char *large = calloc(1, 20000), *error = NULL;
                char path[256];

                make_root();
                snprintf(path, sizeof path, "%s" BERTH_CONFIG_DIR "/remotes.d/a.conf", root);
                memset(large, '#', 19999);
                unit_write(root, BERTH_CONFIG_DIR "/remotes.d", "a.conf", large);
                /* Too large, and nothing that is opened without waiting. */
                if (i == 1)
                        ck_assert(unlink(path) == 0 && mkfifo(path, 0600) == 0);
                ck_assert_int_eq(remote_load(root, "a", &(Remote) {}, &error), i == 1 ? -ENOENT : -EBADMSG);
                remove_root();
        }
}
END_TEST

UNIT_TESTS("remote", R40_names_and_urls, R40_files, R40_S85_mistakes)
