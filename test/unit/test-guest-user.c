/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/guest-user.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "unit.h"

static char directory[] = "/tmp/berth-guest-user-XXXXXX";

static int make_root(const char *passwd, const char *group) {
        _cleanup_close_ int etc = -EBADF;
        int root;

        ck_assert_ptr_nonnull(mkdtemp(directory));
        root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        etc = path_make_directory(root, "etc", 0755);
        for (int i = 0; i < 2; i++) {
                const char *text = i ? group : passwd;
                _cleanup_close_ int fd = -EBADF;

                if (!text)
                        continue;
                fd = openat(etc, i ? "group" : "passwd", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
                ck_assert_int_eq(fd_write_all(fd, text, strlen(text)), 0);
        }
        return root;
}

static void remove_root(int root) {
        ck_assert_int_eq(path_remove_tree(AT_FDCWD, directory), 0);
        (void) close(root);
}

START_TEST(found_by_name_and_number) {
        GuestUser u;
        int root = make_root("root:x:0:0:root:/root:/bin/bash\nann:x:1000:1001::/home/ann:/bin/zsh\n",
                             "staff:x:50:bob,ann\nann:x:1001:ann\nbad:line\nwheel:x:10:annette\n");

        ck_assert_int_eq(guest_user_find(root, "ann", &u), 0);
        ck_assert_uint_eq(u.uid, 1000);
        ck_assert_uint_eq(u.gid, 1001);
        ck_assert_str_eq(u.home, "/home/ann");
        ck_assert_str_eq(u.shell, "/bin/zsh");
        ck_assert_uint_eq(u.n_groups, 1);
        ck_assert_uint_eq(u.groups[0], 50);
        guest_user_done(&u);

        ck_assert_int_eq(guest_user_find(root, "1000", &u), 0);
        ck_assert_str_eq(u.name, "ann");
        guest_user_done(&u);

        /* A group that is named is the only one. */
        ck_assert_int_eq(guest_user_find(root, "ann:wheel", &u), 0);
        ck_assert_uint_eq(u.uid, 1000);
        ck_assert_uint_eq(u.gid, 10);
        ck_assert_uint_eq(u.n_groups, 0);
        guest_user_done(&u);
        ck_assert_int_eq(guest_user_find(root, "7:8", &u), 0);
        ck_assert_uint_eq(u.uid, 7);
        ck_assert_uint_eq(u.gid, 8);
        guest_user_done(&u);
        ck_assert_int_eq(guest_user_find(root, "ann:nobody", &u), -ESRCH);
        ck_assert_int_eq(guest_user_find(root, "ann:", &u), -ESRCH);
        ck_assert_int_eq(guest_user_find(root, "nobody:wheel", &u), -ESRCH);

        ck_assert_int_eq(guest_user_find(root, NULL, &u), 0);
        ck_assert_str_eq(u.shell, "/bin/bash");
        guest_user_done(&u);

        ck_assert_int_eq(guest_user_find(root, "nobody", &u), -ESRCH);
        remove_root(root);
}
END_TEST

START_TEST(no_database) {
        GuestUser u;
        int root = make_root(NULL, NULL);

        ck_assert_int_eq(guest_user_find(root, "root", &u), 0);
        ck_assert_uint_eq(u.uid, 0);
        ck_assert_str_eq(u.home, "/root");
        guest_user_done(&u);
        ck_assert_int_eq(guest_user_find(root, "77", &u), 0);
        ck_assert_uint_eq(u.uid, 77);
        guest_user_done(&u);
        ck_assert_int_eq(guest_user_find(root, "ann", &u), -ESRCH);
        remove_root(root);
}
END_TEST

START_TEST(hostile_database) {
        GuestUser u;
        int root = make_root("ann:x:4294967295:0::/:/bin/sh\nann:x:65536:0::/:/bin/sh\nann:x:-1:0::/:/bin/sh\nann:x:5\n"
                             "ann:x:5:5::/h:/bin/sh:more\n::::::\nann:x:6:6:::\n", NULL);

        /* Ids that the container does not have are no users; the first good line counts. */
        ck_assert_int_eq(guest_user_find(root, "ann", &u), 0);
        ck_assert_uint_eq(u.uid, 6);
        ck_assert_str_eq(u.home, "/");
        ck_assert_str_eq(u.shell, "/bin/sh");
        guest_user_done(&u);
        ck_assert_int_eq(guest_user_find(root, "65536", &u), -ESRCH);
        remove_root(root);
}
END_TEST

START_TEST(s79_passwd_is_no_file) {
        GuestUser u;
        int root = make_root(NULL, NULL);

        /* A fifo would block whoever opens it; a symlink stays inside the root. */
        ck_assert_int_eq(mkfifoat(root, "etc/passwd", 0666), 0);
        ck_assert_int_eq(guest_user_find(root, "root", &u), 0);
        guest_user_done(&u);
        ck_assert_int_eq(unlinkat(root, "etc/passwd", 0), 0);
        ck_assert_int_eq(symlinkat("/../../../../etc/passwd", root, "etc/passwd"), 0);
        ck_assert_int_eq(guest_user_find(root, "daemon", &u), -ESRCH);
        remove_root(root);
}
END_TEST

UNIT_TESTS("guest-user", found_by_name_and_number, no_database, hostile_database, s79_passwd_is_no_file)
