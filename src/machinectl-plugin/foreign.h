/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/settings.h"

/* What other managers' files say of a container, as settings of ours. A file is a buffer of anybody's making: what is in it can give a container
 * nothing that its own owner could not, but addresses, interfaces, ports of the host that lead to it, and that it starts at boot. What would reach the host (its directories, its hooks, more capabilities)
 * is only told of, as is all else that has no like here. No file is opened here, and nothing is asked of the host but has_interface(). */

#define FOREIGN_FILE_SIZE_MAX (256U * 1024U)
#define FOREIGN_LINE_MAX 4096U
#define FOREIGN_NICS_MAX 16U

typedef struct ForeignNic {
        bool there;
        char *type, *mode, *link, *name, *mac, *mtu, *gateway4, *gateway6;
        char **addresses4, **addresses6;
} ForeignNic;

typedef struct Foreign {
        SettingsFile *file;     /* what has been said, to have each value checked */
        char **settings;        /* "Key=value", for CreateContainer */
        char **left_out;        /* keys that nothing was made of, each once */
        char **notes;           /* whole sentences */
        char *name;             /* that it may be called by */
        char *rootfs;           /* where its files are, as the file says it */
        char *template;         /* what it was made from */
        char *parameters;       /* nspawn: of the program, or of the init if that is what boots */
        bool boots;
        char **name_servers, **search_domains;
        ForeignNic nics[FOREIGN_NICS_MAX];
        unsigned n_nics;
        uint64_t cpu_quota_usec, cpu_period_usec;
        uint64_t memory_bytes, memory_swap_bytes; /* LXC on cgroup v1: the second is of both together */
        bool starts_at_boot;                      /* LXC; with the next two it becomes Autostart= and AutostartPriority= */
        int64_t start_order;
        char **groups;
        char *init_uid, *init_gid;
        char **kept_capabilities;
        bool (*has_interface)(const char *name); /* of the host; NULL: none */
} Foreign;

void foreign_done(Foreign *f);

/* A key of a table: what it is called, or begins with when it ends in '.', and what becomes of its value. map(): 0, FOREIGN_LEFT_OUT or a negative error; NULL: the
 * value is that of the setting as it is; a row with neither says that it is known and means nothing here. */
#define FOREIGN_LEFT_OUT 1
typedef struct ForeignKey {
        const char *key;
        const char *setting;
        int (*map)(Foreign *f, const char *setting, const char *rest, const char *value);
} ForeignKey;

/* -EBADMSG: *ret_error says in which line is what. */
int foreign_parse_lxc(Foreign *f, const void *data, size_t size, char **ret_error);
int foreign_parse_openvz(Foreign *f, const void *data, size_t size, char **ret_error);
int foreign_parse_nspawn(Foreign *f, const void *data, size_t size, char **ret_error);

/* For those three. Lines without comments and blanks at their ends, one by one; done when line() is negative. */
int foreign_lines(const void *data, size_t size, int (*line)(Foreign *f, char *line, unsigned number, char **ret_error), Foreign *f, char **ret_error);
int foreign_map(Foreign *f, const ForeignKey *keys, size_t n_keys, const char *shown, const char *key, const char *value);
/* FOREIGN_LEFT_OUT when the setting does not take the value. */
int foreign_set(Foreign *f, const char *setting, const char *value);
int foreign_setf(Foreign *f, const char *setting, const char *format, ...) _printf_(3, 4);
/* In the place of what was said of it before; not checked. */
int foreign_add(Foreign *f, const char *setting, const char *value);
int foreign_leave_out(Foreign *f, const char *shown);
int foreign_note(Foreign *f, const char *format, ...) _printf_(2, 3);
/* Maps of several: a size ("512M", bytes; none for "max" and "unlimited"), a boolean. */
int foreign_map_size(Foreign *f, const char *setting, const char *rest, const char *value);
int foreign_map_yes(Foreign *f, const char *setting, const char *rest, const char *value);
int foreign_map_environment(Foreign *f, const char *setting, const char *rest, const char *value);
/* A file system in memory at an absolute path, with what of its mount options has a like. FOREIGN_LEFT_OUT: it cannot be there. */
int foreign_add_tmpfs(Foreign *f, const char *path, const char *options, const char *usual_mode);
/* As if nothing had been said of them so far. */
void foreign_forget_interfaces(Foreign *f);
void foreign_forget(Foreign *f, const char *setting);
/* What was said of interfaces and CPU time, when all lines have been read. */
int foreign_finish(Foreign *f);
