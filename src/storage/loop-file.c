/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/loop-file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "storage/program.h"

#define UNIT_DIR "/etc/systemd/system"
#define MARK "# Made by berthctl init.\n"
#define UNIT_SIZE_MAX 65536U

/* systemd.mount(5): the unit's name is the path, as systemd-escape(1) has it. */
static int unit_name(const char *path, char **ret) {
        _cleanup_free_ char *name = calloc(strlen(path) * 4 + sizeof ".mount", 1);
        char *p = name;

        if (!name)
                return -ENOMEM;
        while (*path == '/')
                path++;
        for (; *path; path++) {
                bool plain = (*path >= 'a' && *path <= 'z') || (*path >= 'A' && *path <= 'Z') || (*path >= '0' && *path <= '9') || strchr(":_.", *path);

                if (*path == '/' && (path[1] == '/' || !path[1]))
                        continue;
                p += *path == '/' ? sprintf(p, "-") : plain ? sprintf(p, "%c", *path) : sprintf(p, "\\x%02x", (unsigned char) *path);
        }
        strcpy(p, ".mount");
        *ret = TAKE_PTR(name);
        return 0;
}

static int make_file(const Storage *s, const char *file, char *const *mkfs, uint64_t size, char **ret_error) {
        _cleanup_close_ int fd = -EBADF;
        _cleanup_strv_ char **argv = NULL;
        int r;

        fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return storage_fail(ret_error, errno, "'%s' cannot be made: %m", file);
        r = ftruncate(fd, (off_t) size) < 0 ? storage_fail(ret_error, errno, "'%s' cannot be made: %m", file) : strv_copy(mkfs, &argv);
        if (r >= 0)
                r = strv_extend(&argv, file);
        if (r >= 0)
                r = program_run(argv, NULL, ret_error);
        if (r < 0)
                (void) unlink(file);
        return r;
}

static int write_unit(const Storage *s, const char *unit, const char *file, const char *fs_type, char **ret_error) {
        _cleanup_close_ int dir = open(UNIT_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_free_ char *text = NULL;
        int r;

        if (asprintf(&text, MARK "[Unit]\nDescription=Store of berth: %s\n\n[Mount]\nWhat=%s\nWhere=%s\nType=%s\nOptions=loop\n\n[Install]\nWantedBy=local-fs.target\n",
                     s->name, file, s->path, fs_type) < 0) {
                text = NULL;
                return -ENOMEM;
        }
        r = dir < 0 ? -errno : path_write_atomic(dir, unit, text, strlen(text), 0644);
        return r < 0 ? storage_fail(ret_error, r, "The unit '%s' cannot be written: %m", unit) : 0;
}

static int mount_now(const Storage *s, const char *unit, const char *file, const char *fs_type, char **ret_error) {
        int r;

        r = write_unit(s, unit, file, fs_type, ret_error);
        if (r >= 0)
                r = program_run((char *const[]) { (char *) "systemctl", (char *) "daemon-reload", NULL }, NULL, ret_error);
        if (r >= 0)
                r = program_run((char *const[]) { (char *) "systemctl", (char *) "--quiet", (char *) "enable", (char *) "--now", (char *) unit, NULL }, NULL, ret_error);
        return r;
}

int loop_file_setup(const Storage *s, const char *fs_type, char *const *mkfs, uint64_t size, char **ret_error) {
        _cleanup_free_ char *file = NULL, *unit = NULL, *unit_path = NULL, *ignored = NULL;
        int r;

        if (asprintf(&file, "%s.img", s->path) < 0) {
                file = NULL;
                return -ENOMEM;
        }
        r = unit_name(s->path, &unit);
        if (r >= 0)
                r = make_file(s, file, mkfs, size ?: LOOP_FILE_SIZE, ret_error);
        if (r < 0)
                return r;
        r = mount_now(s, unit, file, fs_type, ret_error);
        if (r >= 0)
                return 0;
        (void) program_run((char *const[]) { (char *) "systemctl", (char *) "--quiet", (char *) "disable", (char *) "--now", unit, NULL }, NULL, &ignored);
        if (asprintf(&unit_path, UNIT_DIR "/%s", unit) >= 0)
                (void) unlink(unit_path);
        (void) unlink(file);
        return r;
}

static bool is_empty(const char *path) {
        struct dirent *de;
        bool empty = true;
        DIR *d = opendir(path);

        if (!d)
                return false;
        while (empty && (de = readdir(d)))
                empty = streq(de->d_name, ".") || streq(de->d_name, "..");
        (void) closedir(d);
        return empty;
}

int loop_file_teardown(const Storage *s, char **ret_error) {
        _cleanup_close_ int dir = open(UNIT_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_free_ char *unit = NULL, *text = NULL, *what = NULL, *file = NULL;
        int r;

        r = unit_name(s->path, &unit);
        if (r >= 0 && (asprintf(&file, "%s.img", s->path) < 0 || asprintf(&what, "\nWhat=%s\n", file) < 0))
                r = -ENOMEM;
        if (r < 0)
                return r;
        /* What somebody has made of it since is his. */
        if (dir < 0 || path_read(dir, unit, UNIT_SIZE_MAX, &text, NULL) < 0 || !startswith(text, MARK) || !strstr(text, what) || !is_empty(s->path))
                return 0;
        r = program_run((char *const[]) { (char *) "systemctl", (char *) "--quiet", (char *) "disable", (char *) "--now", unit, NULL }, NULL, ret_error);
        if (r < 0)
                return r;
        (void) unlinkat(dir, unit, 0);
        (void) program_run((char *const[]) { (char *) "systemctl", (char *) "daemon-reload", NULL }, NULL, ret_error);
        return unlink(file) < 0 && errno != ENOENT ? storage_fail(ret_error, errno, "'%s' cannot be removed: %m", file) : 1;
}
