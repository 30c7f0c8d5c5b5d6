/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/edit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "machinectl-plugin/report.h"
#include "settings/settings.h"

#define ERROR_PREFIX "### Mistake: "
#define HELP_LINE "### What follows is help, and is not kept."
#define TEXT_MAX (1024U * 1024U)

unsigned edit_error_line(const char *error) {
        for (const char *p = error; (p = strchr(p, ':')); p++) {
                size_t n = strspn(p + 1, "0123456789");
                uint32_t line;
                char number[16];

                if (n == 0 || n >= sizeof number || p[1 + n] != ':')
                        continue;
                memcpy(number, p + 1, n);
                number[n] = 0;
                if (parse_u32(number, UINT32_MAX, &line) >= 0)
                        return line;
        }
        for (const char *p = error; (p = strstr(p, "line ")); p++) {
                unsigned line;

                if (sscanf(p, "line %9u:", &line) == 1)
                        return line;
        }
        return 0;
}

/* The text with the mistake above its line, and the help. */
static int print_file(FILE *f, const EditKind *kind, const char *what, const char *text, const char *error) {
        unsigned at = error ? edit_error_line(error) : 0, line = 1;
        _cleanup_free_ char *help = NULL;
        size_t size;
        FILE *m;

        if (error && at == 0)
                fprintf(f, ERROR_PREFIX "%s\n", error);
        for (const char *p = text; *p; line++) {
                size_t n = strcspn(p, "\n");

                if (line == at)
                        fprintf(f, ERROR_PREFIX "%s\n", error);
                fprintf(f, "%.*s\n", (int) n, p);
                p += n + (p[n] == '\n');
        }
        m = open_memstream(&help, &size);
        if (!m)
                return -ENOMEM;
        if (kind->print_help)
                kind->print_help(m);
        if (fclose(m) != 0)
                return -ENOMEM;
        fprintf(f, "\n%s\n# What is said of %s. %s\n# Saved and unchanged, or with a mistake that is left: nothing happens.\n#\n", HELP_LINE, what, kind->comment);
        for (char *rest = help, *l; (l = strsep(&rest, "\n"));)
                fprintf(f, "#%s%s\n", *l ? " " : "", l);
        return ferror(f) ? -EIO : 0;
}

/* What the user has written: without what was put there for reading only. */
static int read_back(const char *file, char **ret) {
        _cleanup_close_ int fd = open(file, O_RDONLY | O_CLOEXEC);
        _cleanup_free_ char *raw = NULL, *text = NULL;
        size_t size;
        FILE *m;
        int r;

        if (fd < 0)
                return -errno;
        r = fd_read_string(fd, TEXT_MAX, &raw, &size);
        if (r < 0)
                return r;
        m = open_memstream(&text, &size);
        if (!m)
                return -errno;
        for (char *rest = raw, *l; (l = strsep(&rest, "\n")) && !streq(l, HELP_LINE);)
                if (!startswith(l, ERROR_PREFIX) && (rest || *l))
                        fprintf(m, "%s\n", l);
        if (fclose(m) != 0)
                return -ENOMEM;
        /* The empty line before the help is ours. */
        while (size >= 2 && text[size - 1] == '\n' && text[size - 2] == '\n')
                text[--size] = 0;
        if (size == 1 && text[0] == '\n')
                text[0] = 0;
        *ret = TAKE_PTR(text);
        return 0;
}

static const char *find_editor(void) {
        static const char *const variables[] = { "SYSTEMD_EDITOR", "VISUAL", "EDITOR" };

        for (size_t i = 0; i < ELEMENTSOF(variables); i++)
                if (!isempty(getenv(variables[i])))
                        return getenv(variables[i]);
        for (const char *const *p = (const char *const[]) { "/usr/bin/editor", "/usr/bin/nano", "/usr/bin/vim", "/usr/bin/vi", NULL }; *p; p++)
                if (access(*p, X_OK) >= 0)
                        return *p;
        return NULL;
}

/* $EDITOR is a command line of the caller's shell. */
int edit_run(const char *file) {
        const char *editor = find_editor();
        _cleanup_free_ char *command = NULL;
        int status;
        pid_t pid;

        if (!editor)
                return report_failure("There is no editor: set EDITOR.");
        if (asprintf(&command, "%s \"$1\"", editor) < 0)
                return report_oom();
        (void) fflush(stdout);
        pid = fork();
        if (pid < 0)
                return report_failure("Cannot start the editor: %m.");
        if (pid == 0) {
                sigset_t none;

                (void) sigemptyset(&none);
                (void) sigprocmask(SIG_SETMASK, &none, NULL);
                execl("/bin/sh", "sh", "-c", command, "sh", file, NULL);
                _exit(127);
        }
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return report_failure("Cannot wait for the editor: %m.");
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                return report_failure("The editor ('%s') failed; nothing was changed.", editor);
        return 0;
}

static int write_file(const EditKind *kind, const char *file, const char *what, const char *text, const char *error) {
        FILE *f = fopen(file, "we");
        int r;

        if (!f)
                return report_failure("Cannot write '%s': %m.", file);
        r = print_file(f, kind, what, text, error);
        if (fclose(f) != 0 && r >= 0)
                r = -errno;
        return r < 0 ? report_failure("Cannot write '%s': %s.", file, strerror(-r)) : 0;
}

static int edit_file(Ctl *c, const EditKind *kind, const char *file, const char *what, const char *text, edit_check_t check, edit_save_t save, void *userdata) {
        _cleanup_free_ char *shown = strdup(text), *error = NULL, *original = NULL;
        int r;

        if (!shown)
                return report_oom();
        /* As it comes back when nothing is done to it. */
        r = write_file(kind, file, what, text, NULL);
        if (r >= 0 && read_back(file, &original) < 0)
                return report_failure("Cannot read '%s'.", file);
        while (r >= 0) {
                _cleanup_free_ char *written = NULL;

                r = edit_run(file);
                if (r < 0)
                        return r;
                r = read_back(file, &written);
                if (r < 0)
                        return report_failure("Cannot read '%s': %s.", file, strerror(-r));
                if (streq(written, original)) {
                        if (!c->quiet)
                                report_note("Nothing was changed.");
                        return 0;
                }
                if (error && streq(written, shown))
                        return report_failure("%s Nothing was changed.", error);

                error = (free(error), NULL);
                r = check(written, userdata, &error);
                if (r >= 0) {
                        r = save(c, written, userdata, &error);
                        if (r != -EAGAIN)
                                return r;
                }
                if (!error)
                        return report_failure("%s", strerror(-r));
                free(shown);
                shown = TAKE_PTR(written);
                r = write_file(kind, file, what, shown, error);
        }
        return r;
}

int edit_text_as(Ctl *c, const EditKind *kind, const char *what, const char *text, edit_check_t check, edit_save_t save, void *userdata) {
        const char *directory = getenv("TMPDIR");
        _cleanup_free_ char *file = NULL;
        int fd, r;

        if (asprintf(&file, "%s/berth-XXXXXX%s", isempty(directory) || directory[0] != '/' ? "/tmp" : directory, kind->suffix) < 0)
                return report_oom();
        fd = mkostemps(file, (int) strlen(kind->suffix), O_CLOEXEC);
        if (fd < 0)
                return report_failure("Cannot make a file in '%s': %m.", file);
        (void) close(fd);
        r = edit_file(c, kind, file, what, text, check, save, userdata);
        (void) unlink(file);
        return r;
}

int edit_text(Ctl *c, const char *what, const char *text, edit_check_t check, edit_save_t save, void *userdata) {
        static const EditKind settings = {
                ".conf", "A section in brackets, then Key=value, one a line; '#' begins a comment.", settings_print_help,
        };

        return edit_text_as(c, &settings, what, text, check, save, userdata);
}
