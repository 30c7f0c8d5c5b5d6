/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/architecture.h"

#include <elf.h>
#include <string.h>

#include "basic/strv.h"

#define ARCHITECTURE_NAME_MAX 32U

#ifndef EM_LOONGARCH
#define EM_LOONGARCH 258
#endif

static const struct {
        uint16_t machine;
        uint8_t class, data;
        const char *name;
} elf_machines[] = {
        { EM_X86_64,    ELFCLASS64, ELFDATA2LSB, "x86_64"      },
        { EM_386,       ELFCLASS32, ELFDATA2LSB, "i686"        },
        { EM_AARCH64,   ELFCLASS64, ELFDATA2LSB, "aarch64"     },
        { EM_ARM,       ELFCLASS32, ELFDATA2LSB, "armv7l"      },
        { EM_RISCV,     ELFCLASS64, ELFDATA2LSB, "riscv64"     },
        { EM_PPC64,     ELFCLASS64, ELFDATA2LSB, "ppc64le"     },
        { EM_PPC64,     ELFCLASS64, ELFDATA2MSB, "ppc64"       },
        { EM_PPC,       ELFCLASS32, ELFDATA2MSB, "ppc"         },
        { EM_S390,      ELFCLASS64, ELFDATA2MSB, "s390x"       },
        { EM_MIPS,      ELFCLASS64, ELFDATA2LSB, "mips64"      },
        { EM_MIPS,      ELFCLASS32, ELFDATA2LSB, "mips"        },
        { EM_LOONGARCH, ELFCLASS64, ELFDATA2LSB, "loongarch64" },
};

static const struct {
        const char *other, *name;
} other_names[] = {
        { "amd64",   "x86_64"  },
        { "i386",    "i686"    },
        { "i486",    "i686"    },
        { "i586",    "i686"    },
        { "x86",     "i686"    },
        { "arm64",   "aarch64" },
        { "armhf",   "armv7l"  },
        { "armel",   "armv6l"  },
        { "ppc64el", "ppc64le" },
        { "powerpc", "ppc"     },
};

const char *architecture_from_elf(const uint8_t *header, size_t size) {
        uint16_t machine;

        if (size < ELF_HEADER_SIZE || memcmp(header, ELFMAG, SELFMAG) != 0)
                return NULL;
        machine = header[EI_DATA] == ELFDATA2MSB ? (uint16_t) (header[18] << 8 | header[19]) : (uint16_t) (header[19] << 8 | header[18]);

        for (size_t i = 0; i < ELEMENTSOF(elf_machines); i++)
                if (elf_machines[i].machine == machine && elf_machines[i].class == header[EI_CLASS] &&
                    elf_machines[i].data == header[EI_DATA])
                        return elf_machines[i].name;
        return NULL;
}

const char *architecture_normalize(const char *name) {
        size_t n = strlen(name);

        for (size_t i = 0; i < ELEMENTSOF(other_names); i++)
                if (streq(other_names[i].other, name))
                        return other_names[i].name;
        if (n == 0 || n > ARCHITECTURE_NAME_MAX || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != n)
                return NULL;
        return name;
}
