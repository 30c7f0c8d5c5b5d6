/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#if HAVE_SANITIZER
/* What the runtime of the sanitizers asks every program for. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
int __lsan_is_turned_off(void);

/* To be called while /proc can be read still: what a report needs of it. */
void sanitizer_prepare_sandbox(void);
#else
static inline void sanitizer_prepare_sandbox(void) {}
#endif
