/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define DETAIL_SIZE 256U

/* Makes an attempt. True: it got through; detail then says how, else why not. */
typedef bool (*Attempt)(const void *data, char detail[static DETAIL_SIZE]);

/* The attempt, in a process of its own, which may be killed or hang; and a line about it. */
void attempt(const char *row, const char *name, Attempt f, const void *data);
/* The same without the line. */
bool attempted(Attempt f, const void *data, char detail[static DETAIL_SIZE]);
void report(bool open, const char *row, const char *name, const char *detail);
void detail_errno(char detail[static DETAIL_SIZE], const char *what, int error);

/* Topics; arguments are what follows the topic's name. */
void topic_syscalls(char **arguments);
void topic_abi32(char **arguments);
void topic_numbers(char **arguments);
void topic_handle(char **arguments);
void topic_files(char **arguments);
void topic_paths(char **arguments);
void topic_mounts(char **arguments);
void topic_devices(char **arguments);
void topic_cgroup(char **arguments);
void topic_sockets(char **arguments);
void topic_kill(char **arguments);
void topic_one(char **arguments);
void topic_exhaust(char **arguments);
void topic_memory(char **arguments);
void topic_victim(char **arguments);
