/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/cpus.h"

#include "unit.h"

static unsigned count_bits(const uint8_t *bits, size_t size) {
        unsigned n = 0;

        for (size_t i = 0; i < size; i++)
                n += (unsigned) __builtin_popcount(bits[i]);
        return n;
}

/* So many, of those that are online, the same every time, and over all of them in the end. */
START_TEST(counts_and_spread) {
        static const uint8_t online[] = { 0xff, 0x5a };
        static const unsigned counts[] = { 1, 2, 3, 7, 12, 100 };

        for (size_t i = 0; i < ELEMENTSOF(counts); i++) {
                uint8_t all[2] = {};

                for (uint32_t range = 1; range < 40; range++) {
                        _cleanup_free_ uint8_t *a = NULL, *b = NULL;
                        size_t size;

                        ck_assert_int_eq(cpus_choose_of(online, 2, counts[i], range * 65536, &a, &size), 0);
                        ck_assert_uint_eq(size, 2);
                        ck_assert_int_eq(cpus_choose_of(online, 2, counts[i], range * 65536, &b, &size), 0);
                        ck_assert_uint_eq(count_bits(a, 2), MIN_OF(counts[i], 12U));
                        for (size_t k = 0; k < 2; k++) {
                                ck_assert_uint_eq(a[k], b[k]);
                                ck_assert_uint_eq(a[k] & ~online[k], 0);
                                all[k] |= a[k];
                        }
                }
                ck_assert_uint_eq(count_bits(all, 2), 12);
        }
}
END_TEST

UNIT_TESTS("cpus", counts_and_spread)
