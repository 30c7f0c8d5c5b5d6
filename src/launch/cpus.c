/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/cpus.h"

#include <fcntl.h>
#include <string.h>

#include "basic/fd.h"
#include "settings/quantity.h"
#include "shared/names.h"

#define CPUS_MAX 8192U

static bool has(const uint8_t *bits, size_t size, size_t i) {
        return i / 8 < size && (bits[i / 8] & (1U << (i % 8)));
}

int cpus_choose_of(const uint8_t *online, size_t size, unsigned count, uint32_t uid_base, uint8_t **ret, size_t *ret_size) {
        uint8_t *chosen = calloc(1, size ?: 1);
        size_t n = 0, first, seen = 0;

        if (!chosen)
                return -ENOMEM;
        for (size_t i = 0; i < size * 8; i++)
                n += has(online, size, i);
        count = MIN_OF(count, (unsigned) n);
        first = n > 0 ? (size_t) (uid_base / UID_RANGE_SIZE) * count % n : 0;
        /* The CPUs are a ring, which is gone around from the first one on. */
        for (size_t i = 0; i < size * 8; i++)
                if (has(online, size, i)) {
                        if ((seen + n - first) % n < count)
                                chosen[i / 8] |= (uint8_t) (1U << (i % 8));
                        seen++;
                }
        *ret = chosen;
        *ret_size = size;
        return 0;
}

int cpus_choose(unsigned count, uint32_t uid_base, uint8_t **ret, size_t *ret_size) {
        _cleanup_free_ char *text = NULL;
        _cleanup_free_ uint8_t *online = NULL;
        _cleanup_close_ int fd = -EBADF;
        size_t size, text_size;
        int r;

        fd = open("/sys/devices/system/cpu/online", O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = fd_read_string(fd, 65536, &text, &text_size);
        if (r < 0)
                return r;
        text[strcspn(text, "\n")] = 0;
        r = parse_bit_list(text, CPUS_MAX, &online, &size);
        return r < 0 ? r : cpus_choose_of(online, size, count, uid_base, ret, ret_size);
}
