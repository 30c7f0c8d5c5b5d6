/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Architectures by ELF header and by name. */

#include "worker/architecture.h"

#include <elf.h>
#include <sys/utsname.h>

#include "basic/fd.h"
#include "unit.h"

START_TEST(own_program) {
        _cleanup_fclose_ FILE *f = fopen("/proc/self/exe", "re");
        uint8_t header[ELF_HEADER_SIZE];
        struct utsname u;

        ck_assert_uint_eq(fread(header, 1, sizeof header, f), sizeof header);
        ck_assert_int_eq(uname(&u), 0);
        if (streq(u.machine, "x86_64") || streq(u.machine, "aarch64"))
                ck_assert_str_eq(architecture_from_elf(header, sizeof header), sizeof(void *) == 8 ? u.machine : "i686");
}
END_TEST

START_TEST(headers) {
        uint8_t header[ELF_HEADER_SIZE] = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2MSB, [19] = EM_S390 };

        ck_assert_str_eq(architecture_from_elf(header, sizeof header), "s390x");
        ck_assert_ptr_null(architecture_from_elf(header, sizeof header - 1));
        header[EI_CLASS] = 9;
        ck_assert_ptr_null(architecture_from_elf(header, sizeof header));
        header[0] = '#';
        ck_assert_ptr_null(architecture_from_elf(header, sizeof header));
}
END_TEST

START_TEST(names) {
        ck_assert_str_eq(architecture_normalize("amd64"), "x86_64");
        ck_assert_str_eq(architecture_normalize("riscv64"), "riscv64");
        ck_assert_ptr_null(architecture_normalize(""));
        ck_assert_ptr_null(architecture_normalize("x86 64"));
        ck_assert_ptr_null(architecture_normalize("../x"));
        ck_assert_ptr_null(architecture_normalize("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}
END_TEST

UNIT_TESTS("architecture", own_program, headers, names)
