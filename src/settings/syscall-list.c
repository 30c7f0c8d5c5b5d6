/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writes the header with the names of all system calls and of the groups, when berth is built: libseccomp knows the names, but who only
 * checks a setting should not have to load it. Arguments: the file with the groups, then policies whose names may be newer than libseccomp. */

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 4096U
#define NUMBER_MAX 1200
#define PSEUDO_NUMBER_MIN (-11000)
#define WORD_LENGTH_MAX 64U

static char *names[NAMES_MAX];
static size_t n_names;

static void add_name(const char *name) {
        for (size_t i = 0; i < n_names; i++)
                if (strcmp(names[i], name) == 0)
                        return;
        if (n_names == NAMES_MAX || !(names[n_names++] = strdup(name)))
                exit(EXIT_FAILURE);
}

static int compare(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static void add_known(void) {
        static const uint32_t architectures[] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86,  SCMP_ARCH_AARCH64, SCMP_ARCH_ARM,
                                                  SCMP_ARCH_S390X,  SCMP_ARCH_PPC64LE, SCMP_ARCH_MIPS64, SCMP_ARCH_RISCV64 };

        for (size_t i = 0; i < sizeof architectures / sizeof *architectures; i++)
                for (int number = PSEUDO_NUMBER_MIN; number < NUMBER_MAX; number++) {
                        char *name = seccomp_syscall_resolve_num_arch(architectures[i], number);

                        if (name)
                                add_name(name);
                        free(name);
                }
}

static void add_from_file(const char *path) {
        char word[WORD_LENGTH_MAX];
        FILE *f = fopen(path, "re");

        if (!f)
                exit(EXIT_FAILURE);
        while (fscanf(f, " %63s", word) == 1)
                if (word[0] == '#')
                        (void) !fscanf(f, "%*[^\n]");
                else if (word[0] != '@' && strcmp(word, "allow") != 0 && strcmp(word, "deny") != 0)
                        add_name(word);
        fclose(f);
}

/* "@name: member…", members separated by NUL. */
static void print_groups(const char *path) {
        char word[WORD_LENGTH_MAX];
        FILE *f = fopen(path, "re");
        const char *before = "";

        if (!f)
                exit(EXIT_FAILURE);
        printf("static const SyscallGroup groups[] = {\n");
        while (fscanf(f, " %63s", word) == 1) {
                size_t n = strlen(word);

                if (word[0] == '#')
                        (void) !fscanf(f, "%*[^\n]");
                else if (word[n - 1] == ':') {
                        printf("%s        { \"%.*s\",\n          \"", before, (int) n - 1, word);
                        before = "\" },\n";
                } else
                        printf("%s\\0\"\n          \"", word);
        }
        printf("\" },\n};\n");
        fclose(f);
}

int main(int argc, char *argv[]) {
        if (argc < 2)
                return EXIT_FAILURE;
        add_known();
        for (int i = 1; i < argc; i++)
                add_from_file(argv[i]);
        qsort(names, n_names, sizeof *names, compare);

        printf("static const char *const names[] = {\n");
        for (size_t i = 0; i < n_names; i++)
                printf("        \"%s\",\n", names[i]);
        printf("};\n\n");
        print_groups(argv[1]);
        return ferror(stdout) || fflush(stdout) == EOF ? EXIT_FAILURE : EXIT_SUCCESS;
}
