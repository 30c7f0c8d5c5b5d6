/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The relay of berthctl against a supervisor that is a child of the test, on a socket pair. The terminals are ptys of the test's own. */

#include "unit.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>

#include "basic/fd.h"
#include "machinectl-plugin/session.h"
#include "shared/message.h"

static void say(int fd, const char *const *fields, int with_fd) {
        _cleanup_(message_freep) Message *m = NULL;

        ck_assert_int_eq(message_new(&m), 0);
        ck_assert_int_eq(strv_copy((char *const *) fields, &m->fields), 0);
        if (with_fd >= 0)
                ck_assert_int_eq(message_add_fd(m, with_fd), 0);
        ck_assert_int_eq(message_send(fd, m), 0);
}
#define SAY(fd, with_fd, ...) say((fd), (const char *const[]) { __VA_ARGS__, NULL }, (with_fd))

/* The next request must be this. */
static void hear(int fd, const char *kind, const char *key, const char *value) {
        _cleanup_(message_freep) Message *m = NULL;

        ck_assert_int_eq(message_receive(fd, &m), 0);
        ck_assert_str_eq(message_get(m, "request"), kind);
        ck_assert_str_eq(message_get(m, key), value);
}

/* Reads until the word has come. */
static void expect(int fd, const char *word) {
        char seen[4096] = "";
        size_t n = 0;

        while (!strstr(seen, word)) {
                ssize_t k = read(fd, seen + n, sizeof seen - 1 - n);

                if (k < 0 && errno == EAGAIN)
                        continue;
                ck_assert_msg(k > 0, "'%s' did not come, but '%s'", word, seen);
                n += (size_t) k;
                seen[n] = 0;
        }
}

static void put(int fd, const char *text) {
        ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t) strlen(text));
}

/* The supervisor's side runs in a child: the relay is what is tested, in this process. */
static pid_t supervisor(Session *s, void (*play)(int fd, void *userdata), void *userdata) {
        int pair[2];
        pid_t pid;

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                (void) close(pair[0]);
                session_done(s); /* our copies of the relay's fds */
                (void) alarm(20);
                play(pair[1], userdata);
                _exit(EXIT_SUCCESS);
        }
        (void) close(pair[1]);
        s->fd = pair[0];
        return pid;
}

static void reap(pid_t pid) {
        int status;

        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the supervisor's side failed (%d)", status);
}

static void play_exit(int fd, void *userdata) {
        SAY(fd, -1, "event=started", "pid=17");
        SAY(fd, -1, "event=somethingnew");
        SAY(fd, -1, "event=exited", userdata);
}

START_TEST(test_exit_codes) {
        static const struct {
                const char *field;
                SessionEnd end;
                int code;
        } cases[] = { { "code=7", SESSION_EXITED, 7 }, { "code=0", SESSION_EXITED, 0 }, { "signal=9", SESSION_SIGNALLED, 9 } };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Session s = SESSION_INIT;
                SessionResult result;
                pid_t pid = supervisor(&s, play_exit, (void *) cases[i].field);

                ck_assert_int_eq(session_run(&s, &result), 0);
                ck_assert_int_eq(result.end, cases[i].end);
                ck_assert_int_eq(result.code, cases[i].code);
                session_done(&s);
                reap(pid);
        }
}
END_TEST

static void play_error(int fd, void *userdata) {
        SAY(fd, -1, "event=error", "error=ExecFailed", "code=127", "message=cannot execute 'x'");
}

static void play_nothing(int fd, void *userdata) {
}

START_TEST(test_failures) {
        Session s = SESSION_INIT;
        SessionResult result;
        pid_t pid = supervisor(&s, play_error, NULL);

        ck_assert_int_eq(session_run(&s, &result), 0);
        ck_assert_int_eq(result.end, SESSION_FAILED);
        ck_assert_int_eq(result.code, 127);
        ck_assert_str_eq(result.message, "cannot execute 'x'");
        session_result_done(&result);
        session_done(&s);
        reap(pid);

        pid = supervisor(&s, play_nothing, NULL);
        ck_assert_int_eq(session_run(&s, &result), 0);
        ck_assert_int_eq(result.end, SESSION_LOST);
        session_done(&s);
        reap(pid);
}
END_TEST

static void play_signal(int fd, void *userdata) {
        SAY(fd, -1, "event=started", "pid=17");
        ck_assert_int_eq(kill(getppid(), SIGTERM), 0);
        hear(fd, "signal", "signal", "15");
        ck_assert_int_eq(kill(getppid(), SIGUSR1), 0);
        hear(fd, "signal", "signal", "10");
        SAY(fd, -1, "event=exited", "code=3");
}

START_TEST(test_signals) {
        Session s = SESSION_INIT;
        SessionResult result;
        sigset_t wanted;
        pid_t pid;

        /* The child may be faster than session_run(), which blocks them itself. */
        (void) sigemptyset(&wanted);
        (void) sigaddset(&wanted, SIGTERM);
        (void) sigaddset(&wanted, SIGUSR1);
        ck_assert_int_eq(sigprocmask(SIG_BLOCK, &wanted, NULL), 0);
        pid = supervisor(&s, play_signal, NULL);
        ck_assert_int_eq(session_run(&s, &result), 0);
        ck_assert_int_eq(result.code, 3);
        session_done(&s);
        reap(pid);
}
END_TEST

typedef struct Screen {
        int ours, outer; /* the terminal berthctl is on, and the person's side of it */
        struct termios before;
} Screen;

static void screen_open(Screen *s) {
        struct winsize size = { .ws_row = 33, .ws_col = 101 };

        ck_assert_int_eq(openpty(&s->outer, &s->ours, NULL, NULL, &size), 0);
        ck_assert_int_eq(tcgetattr(s->ours, &s->before), 0);
}

static void screen_close(Screen *s) {
        struct termios after;

        ck_assert_int_eq(tcgetattr(s->ours, &after), 0);
        ck_assert_uint_eq(after.c_lflag, s->before.c_lflag);
        ck_assert_uint_eq(after.c_oflag, s->before.c_oflag);
        ck_assert_uint_eq(after.c_iflag, s->before.c_iflag);
        /* What is ours and the shell's was not made non-blocking. */
        ck_assert_int_eq(fcntl(s->ours, F_GETFL) & O_NONBLOCK, 0);
        (void) close(s->ours);
        (void) close(s->outer);
}

static void play_tty(int fd, void *userdata) {
        struct termios raw;
        Screen *screen = userdata;
        int master, slave;

        ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
        ck_assert_int_eq(tcgetattr(slave, &raw), 0);
        cfmakeraw(&raw);
        ck_assert_int_eq(tcsetattr(slave, TCSANOW, &raw), 0);

        SAY(fd, master, "event=started", "pid=17");
        (void) close(master);
        hear(fd, "resize", "columns", "101");

        put(slave, "prompt> ");
        expect(screen->outer, "prompt> ");
        /* ^C is a byte for the container, and no signal here. */
        put(screen->outer, "abc\003");
        expect(slave, "abc\003");

        ck_assert_int_eq(ioctl(screen->outer, TIOCSWINSZ, &(struct winsize) { .ws_row = 44, .ws_col = 55 }), 0);
        ck_assert_int_eq(kill(getppid(), SIGWINCH), 0);
        hear(fd, "resize", "rows", "44");

        /* As login(1) and vhangup(2) do: nobody has the terminal open for a moment. */
        {
                char name[64];

                ck_assert_int_eq(ttyname_r(slave, name, sizeof name), 0);
                (void) close(slave);
                (void) usleep(120 * 1000);
                slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
                ck_assert_int_ge(slave, 0);
        }
        put(slave, "again");
        expect(screen->outer, "again");

        put(slave, "last words");
        SAY(fd, -1, "event=exited", "code=5");
        (void) close(slave);
        expect(screen->outer, "last words");
}

START_TEST(test_tty) {
        Session s = SESSION_INIT;
        SessionResult result;
        Screen screen;
        pid_t pid;

        screen_open(&screen);
        pid = supervisor(&s, play_tty, &screen);
        s.tty = true;
        s.input = s.output = screen.ours;
        ck_assert_int_eq(session_run(&s, &result), 0);
        ck_assert_int_eq(result.end, SESSION_EXITED);
        ck_assert_int_eq(result.code, 5);
        session_done(&s);
        reap(pid);
        screen_close(&screen);
}
END_TEST

static void play_console(int fd, void *userdata) {
        Screen *screen = userdata;
        char rest[8];
        int pair[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        SAY(fd, pair[1], "event=attached");
        (void) close(pair[1]);
        /* The connection is not needed any more. */
        (void) close(fd);
        put(pair[0], "boot messages");
        expect(screen->outer, "boot messages");
        put(screen->outer, "typed");
        expect(pair[0], "typed");
        put(screen->outer, "\035\035\035");
        /* It hangs up. */
        while (read(pair[0], rest, sizeof rest) > 0)
                ;
}

START_TEST(test_console_detach) {
        Session s = SESSION_INIT;
        SessionResult result;
        Screen screen;
        pid_t pid;

        screen_open(&screen);
        pid = supervisor(&s, play_console, &screen);
        s.tty = s.console = s.detachable = true;
        s.input = s.output = screen.ours;
        ck_assert_int_eq(session_run(&s, &result), 0);
        ck_assert_int_eq(result.end, SESSION_DETACHED);
        session_done(&s);
        reap(pid);
        screen_close(&screen);
}
END_TEST

static void play_stdio(int fd, void *userdata) {
        int *stdio = userdata;
        char buffer[64];

        SAY(fd, -1, "event=started", "pid=17");
        ck_assert_int_gt(read(stdio[0], buffer, sizeof buffer), 0);
        put(stdio[1], "out\n");
        put(stdio[2], "err\n");
        SAY(fd, -1, "event=exited", "code=0");
}

/* S81: a terminal of ours never gets into the container. Files and pipes do as they are. */
START_TEST(test_stdio) {
        int pipe_fds[2], theirs[3];
        Session s = SESSION_INIT;
        SessionResult result;
        Screen screen;
        pid_t pid;

        screen_open(&screen);
        ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
        ck_assert_int_eq(session_make_stdio(&s, (const int[3]) { screen.ours, pipe_fds[1], screen.ours }, theirs), 0);
        ck_assert(!isatty(theirs[0]) && !isatty(theirs[1]) && !isatty(theirs[2]));

        pid = supervisor(&s, play_stdio, theirs);
        for (int i = 0; i < 3; i++)
                (void) close(theirs[i]);
        put(screen.outer, "typed\n");
        ck_assert_int_eq(session_run(&s, &result), 0);
        ck_assert_int_eq(result.end, SESSION_EXITED);
        session_done(&s);
        reap(pid);
        expect(pipe_fds[0], "out\n");
        expect(screen.outer, "err\r\n");
        (void) close(pipe_fds[0]);
        (void) close(pipe_fds[1]);
        screen_close(&screen);
}
END_TEST

static void play_flood(int fd, void *userdata) {
        int *stdio = userdata; /* and the person's side of the terminal, which is ours as well as the parent's */
        char block[4096];

        (void) close(stdio[3]);
        (void) signal(SIGPIPE, SIG_IGN);
        memset(block, 'x', sizeof block);
        SAY(fd, -1, "event=started", "pid=17");
        while (write(stdio[1], block, sizeof block) > 0)
                ;
        SAY(fd, -1, "event=exited", "signal=13");
}

/* The terminal goes away while a command writes to it: it gets its SIGPIPE instead of a pipe that nobody empties. */
START_TEST(test_reader_gone) {
        Session s = SESSION_INIT;
        SessionResult result;
        int theirs[4];
        Screen screen;
        pid_t pid;

        screen_open(&screen);
        ck_assert_int_eq(session_make_stdio(&s, (const int[3]) { screen.ours, screen.ours, screen.ours }, theirs), 0);
        theirs[3] = screen.outer;
        pid = supervisor(&s, play_flood, theirs);
        for (int i = 0; i < 3; i++)
                (void) close(theirs[i]);
        (void) close(screen.outer);
        ck_assert_int_eq(session_run(&s, &result), 0);
        ck_assert_int_eq(result.end, SESSION_SIGNALLED);
        session_done(&s);
        reap(pid);
        (void) close(screen.ours);
}
END_TEST

UNIT_TESTS("session", test_exit_codes, test_failures, test_signals, test_tty, test_console_detach, test_stdio, test_reader_gone)
