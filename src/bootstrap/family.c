/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootstrap/family.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/fd.h"
#include "basic/strv.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define RELEASE_MAX 32U
#define MIRROR_MAX 500U
#define PACKAGE_MAX 200U

#define KEYS "/usr/share/keyrings/"
#define RPM_KEYS "/usr/share/distribution-gpg-keys/"
#define RPM_KEYS_PACKAGE "distribution-gpg-keys"

static int mmdebstrap_arguments(const Order *o, char ***ret);
static int dnf_arguments(const Order *o, char ***ret);

/* Where it can make no device nodes and mount no sysfs, as in a user namespace, mmdebstrap binds the host's. */
static const Builder mmdebstrap = {
        .program = "mmdebstrap", .package = "mmdebstrap", .arguments = mmdebstrap_arguments,
        .variants = "minbase\0essential\0apt\0required\0important\0standard\0",
};
static const Builder dnf = {
        .program = "dnf", .package = "dnf", .arguments = dnf_arguments, .mounts = true,
        .leftovers = "var/cache/dnf\0var/log/dnf.log\0var/log/dnf.librepo.log\0var/log/dnf.rpm.log\0var/log/hawkey.log\0",
};

#define DEBIAN_PACKAGES "systemd-sysv,dbus,libpam-systemd,iproute2"
#define RPM_PACKAGES "systemd,dnf,iproute,passwd"

/* As Ubuntu's own images have them; mmdebstrap knows that of Debian's by itself. Other processors have a server of their own. */
#if defined(__x86_64__) || defined(__i386__)
#define UBUNTU_ARCHIVE "http://archive.ubuntu.com/ubuntu"
#define UBUNTU_SECURITY "http://security.ubuntu.com/ubuntu"
#else
#define UBUNTU_ARCHIVE "http://ports.ubuntu.com/ubuntu-ports"
#define UBUNTU_SECURITY UBUNTU_ARCHIVE
#endif
#define UBUNTU_COMPONENTS " main restricted universe multiverse"

static const Family families[] = {
        { "debian", "Debian", &mmdebstrap, NULL, KEYS "debian-archive-keyring.gpg", "debian-archive-keyring", DEBIAN_PACKAGES, NULL, NULL },
        { "ubuntu", "Ubuntu", &mmdebstrap, NULL, KEYS "ubuntu-archive-keyring.gpg", "ubuntu-keyring", DEBIAN_PACKAGES, NULL,
          "deb " UBUNTU_ARCHIVE " %s" UBUNTU_COMPONENTS "\0" "deb " UBUNTU_ARCHIVE " %s-updates" UBUNTU_COMPONENTS "\0"
          "deb " UBUNTU_SECURITY " %s-security" UBUNTU_COMPONENTS "\0" },
        { "fedora", "Fedora", &dnf, "https://dl.fedoraproject.org/pub/fedora/linux/releases/%s/Everything/$basearch/os/",
          RPM_KEYS "fedora/RPM-GPG-KEY-fedora-%s-primary", RPM_KEYS_PACKAGE, "fedora-release," RPM_PACKAGES, "/usr/lib/sysimage/rpm", NULL },
        { "almalinux", "AlmaLinux", &dnf, "https://repo.almalinux.org/almalinux/%s/BaseOS/$basearch/os/",
          RPM_KEYS "alma/RPM-GPG-KEY-AlmaLinux-%s", RPM_KEYS_PACKAGE, "almalinux-release," RPM_PACKAGES, "/var/lib/rpm", NULL },
        { "rocky", "Rocky Linux", &dnf, "https://dl.rockylinux.org/pub/rocky/%s/BaseOS/$basearch/os/",
          RPM_KEYS "rocky/RPM-GPG-KEY-Rocky-%s", RPM_KEYS_PACKAGE, "rocky-release," RPM_PACKAGES, "/var/lib/rpm", NULL },
};

const Family *family_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(families); i++)
                if (streq(families[i].name, name))
                        return families + i;
        return NULL;
}

int family_list(char **ret) {
        _cleanup_strv_ char **names = NULL;

        for (size_t i = 0; i < ELEMENTSOF(families); i++)
                if (strv_extend(&names, families[i].name) < 0)
                        return -ENOMEM;
        return strv_join(names, ", ", ret);
}

static bool word_valid(const char *s, const char *first, const char *allowed, size_t max) {
        size_t n = strlen(s);

        return n > 0 && n <= max && strchr(first, *s) && strspn(s, allowed) == n;
}

bool release_valid(const char *s) {
        return word_valid(s, LOWER DIGITS, LOWER DIGITS ".-", RELEASE_MAX) && !strstr(s, "..");
}

/* It becomes a word of apt's list of sources and a line of dnf's configuration. */
bool mirror_valid(const char *s) {
        return (startswith(s, "http://") || startswith(s, "https://")) &&
               word_valid(s, "h", LOWER UPPER DIGITS "-._~:/?@!&*+,;=%$", MIRROR_MAX);
}

/* Also NAME=VERSION, and groups of dnf; no paths, and none of apt's patterns. */
bool package_valid(const char *s) {
        return word_valid(s, LOWER UPPER DIGITS "@", LOWER UPPER DIGITS "+.:=~_@^-", PACKAGE_MAX);
}

bool variant_valid(const Builder *b, const char *s) {
        for (const char *v = b->variants; v && *v; v += strlen(v) + 1)
                if (streq(v, s))
                        return true;
        return false;
}

int family_expand(const char *s, const char *release, char **ret) {
        const char *place = strstr(s, "%s");

        return asprintf(ret, "%.*s%s%s", (int) (place ? place - s : (ptrdiff_t) strlen(s)), s, place ? release : "", place ? place + 2 : "") < 0 ? -ENOMEM : 0;
}

static int extend(char ***l, const char *const *words) {
        for (; *words; words++)
                if (strv_extend(l, *words) < 0)
                        return -ENOMEM;
        return 0;
}

static int mmdebstrap_arguments(const Order *o, char ***ret) {
        _cleanup_strv_ char **l = NULL;
        _cleanup_free_ char *include = NULL;
        int r;

        r = strv_join(o->include, ",", &include);
        if (r >= 0)
                r = extend(&l, (const char *const[]) { "mmdebstrap", "--mode=root", "--format=directory", NULL });
        if (r >= 0)
                r = strv_extendf(&l, "--variant=%s", o->variant ?: "minbase");
        if (r >= 0)
                r = strv_extendf(&l, "--include=%s%s%s", o->family->packages, isempty(include) ? "" : ",", include);
        if (r >= 0)
                r = strv_extendf(&l, "--keyring=%s", o->keyring);
        if (r >= 0)
                r = strv_extend(&l, o->release);
        if (r >= 0)
                r = strv_extend(&l, BOOTSTRAP_ROOT);
        if (r >= 0 && o->mirror)
                r = strv_extend(&l, o->mirror);
        for (const char *s = o->mirror ? NULL : o->family->sources; r >= 0 && s && *s; s += strlen(s) + 1) {
                _cleanup_free_ char *line = NULL;

                r = family_expand(s, o->release, &line);
                if (r >= 0)
                        r = strv_extend(&l, line);
        }
        if (r >= 0)
                *ret = TAKE_PTR(l);
        return r;
}

static int write_file(const char *path, const char *text) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

        return fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));
}

/* The host's repositories and plug-ins are none of its business. Debian's rpm has its database in the home directory, unless told where; directories that
 * something is mounted on cannot be given an owner. */
static int dnf_write_files(const Order *o) {
        _cleanup_free_ char *conf = NULL, *macros = NULL;
        int r;

        if (asprintf(&conf,
                     "[main]\ngpgcheck=1\nlocalpkg_gpgcheck=1\ninstall_weak_deps=0\ntsflags=nodocs\nplugins=0\nreposdir=/dev/null\nvarsdir=/dev/null\nbest=0\n\n"
                     "[%s]\nname=%s %s\nbaseurl=%s\ngpgkey=file://%s\nenabled=1\n",
                     o->family->name, o->family->title, o->release, o->mirror, o->keyring) < 0 ||
            asprintf(&macros, "%%_dbpath %s\n%%_netsharedpath /dev:/proc:/sys\n", o->family->database) < 0)
                return -ENOMEM;
        r = write_file(BOOTSTRAP_SCRATCH "/dnf.conf", conf);
        return r < 0 ? r : write_file(BOOTSTRAP_SCRATCH "/.rpmmacros", macros);
}

static int dnf_arguments(const Order *o, char ***ret) {
        _cleanup_strv_ char **l = NULL;
        int r;

        r = dnf_write_files(o);
        if (r >= 0)
                r = extend(&l, (const char *const[]) { "dnf", "--config=" BOOTSTRAP_SCRATCH "/dnf.conf", "--installroot=" BOOTSTRAP_ROOT, "--assumeyes", NULL });
        if (r >= 0)
                r = strv_extendf(&l, "--releasever=%s", o->release);
        if (r >= 0)
                r = strv_extend(&l, "install");
        for (const char *p = o->family->packages; r >= 0 && *p; p += strcspn(p, ","), p += *p == ',')
                r = strv_extendf(&l, "%.*s", (int) strcspn(p, ","), p);
        STRV_FOREACH(p, o->include)
                if (r >= 0)
                        r = strv_extend(&l, *p);
        if (r >= 0)
                *ret = TAKE_PTR(l);
        return r;
}
