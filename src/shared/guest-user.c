/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/guest-user.h"

#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/names.h"

#define USER_DATABASE_SIZE_MAX (4U * 1024U * 1024U)

void guest_user_done(GuestUser *u) {
        free(u->name);
        free(u->home);
        free(u->shell);
        *u = (GuestUser) {};
}

static int read_database(int root_fd, const char *path, char **ret) {
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        fd = path_open_in_root(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EBADMSG;
        return fd_read_string(fd, USER_DATABASE_SIZE_MAX, ret, NULL);
}

/* Splits line at ':' into exactly n fields, in place. */
static bool split_fields(char *line, char *fields[], size_t n) {
        for (size_t i = 0; i < n; i++) {
                fields[i] = strsep(&line, ":");
                if (!fields[i])
                        return false;
        }
        return !line;
}

static int find_passwd(char *text, const char *name, uint32_t id, bool by_id, GuestUser *u) {
        char *line, *field[7];
        uint32_t uid, gid;

        while ((line = strsep(&text, "\n"))) {
                if (!split_fields(line, field, ELEMENTSOF(field)) || parse_u32(field[2], UID_RANGE_SIZE - 1, &uid) < 0 ||
                    parse_u32(field[3], UID_RANGE_SIZE - 1, &gid) < 0)
                        continue;
                if (by_id ? uid != id : !streq(field[0], name))
                        continue;
                u->uid = uid;
                u->gid = gid;
                if (free_and_strdup(&u->name, field[0]) < 0 || free_and_strdup(&u->home, field[5]) < 0 ||
                    free_and_strdup(&u->shell, field[6]) < 0)
                        return -ENOMEM;
                return 1;
        }
        return 0;
}

/* By number it need not be there. */
static int find_group(char *text, const char *name, gid_t *ret) {
        char *line, *field[4];
        uint32_t gid;

        if (parse_u32(name, UID_RANGE_SIZE - 1, &gid) >= 0) {
                *ret = (gid_t) gid;
                return 0;
        }
        while ((line = strsep(&text, "\n")))
                if (split_fields(line, field, ELEMENTSOF(field)) && streq(field[0], name) && parse_u32(field[2], UID_RANGE_SIZE - 1, &gid) >= 0) {
                        *ret = (gid_t) gid;
                        return 0;
                }
        return -ESRCH;
}

static void find_groups(char *text, GuestUser *u) {
        char *line, *field[4], *member;
        uint32_t gid;

        while ((line = strsep(&text, "\n"))) {
                if (!split_fields(line, field, ELEMENTSOF(field)) || parse_u32(field[2], UID_RANGE_SIZE - 1, &gid) < 0)
                        continue;
                while ((member = strsep(&field[3], ",")))
                        if (streq(member, u->name) && u->n_groups < ELEMENTSOF(u->groups) && gid != u->gid)
                                u->groups[u->n_groups++] = gid;
        }
}

int guest_user_find(int root_fd, const char *name, GuestUser *ret) {
        _cleanup_(guest_user_done) GuestUser u = {};
        _cleanup_free_ char *passwd = NULL, *group = NULL, *alone = NULL;
        const char *group_name = name ? strchr(name, ':') : NULL;
        bool by_id;
        uint32_t id = 0;
        int r;

        if (group_name) {
                alone = strndup(name, (size_t) (group_name++ - name));
                if (!alone)
                        return -ENOMEM;
                name = alone;
        }
        if (isempty(name))
                name = "root";
        by_id = parse_u32(name, UID_RANGE_SIZE - 1, &id) >= 0;

        if (read_database(root_fd, "/etc/passwd", &passwd) >= 0) {
                r = find_passwd(passwd, name, id, by_id, &u);
                if (r < 0)
                        return r;
                u.in_passwd = r > 0;
        }

        if (!u.in_passwd) {
                bool is_root = by_id ? id == 0 : streq(name, "root");

                if (!by_id && !is_root)
                        return -ESRCH;
                u.uid = id;
                u.gid = (gid_t) id;
                if (free_and_strdup(&u.name, is_root ? "root" : name) < 0 || free_and_strdup(&u.home, is_root ? "/root" : "/") < 0)
                        return -ENOMEM;
        }
        if (isempty(u.home) && free_and_strdup(&u.home, "/") < 0)
                return -ENOMEM;
        if (isempty(u.shell) && free_and_strdup(&u.shell, "/bin/sh") < 0)
                return -ENOMEM;

        if ((u.in_passwd || group_name) && read_database(root_fd, "/etc/group", &group) < 0)
                group = NULL;
        if (group_name) {
                r = find_group(group, group_name, &u.gid);
                if (r < 0)
                        return r;
        } else if (group)
                find_groups(group, &u);

        *ret = u;
        u = (GuestUser) {};
        return 0;
}

int guest_user_become(const GuestUser *u) {
        if (setgroups(u->n_groups, u->groups) < 0 || setresgid(u->gid, u->gid, u->gid) < 0 || setresuid(u->uid, u->uid, u->uid) < 0)
                return -errno;
        return 0;
}
