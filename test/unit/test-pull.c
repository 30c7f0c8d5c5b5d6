/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which addresses are near, and what lists of simplestreams servers say. */

#include <arpa/inet.h>

#include "pull/address.h"
#include "settings/remote.h"
#include "worker/catalog.h"
#include "worker/checksums.h"

#include "unit.h"

static AddressReach reach(const char *text) {
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
        struct sockaddr_in in = { .sin_family = AF_INET };

        if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
                return address_reach((struct sockaddr *) &in, sizeof in);
        ck_assert_int_eq(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
        return address_reach((struct sockaddr *) &in6, sizeof in6);
}

START_TEST(S75_addresses) {
        static const struct {
                const char *text;
                AddressReach reach;
        } table[] = {
                { "8.8.8.8", ADDRESS_PUBLIC }, { "127.0.0.1", ADDRESS_LOOPBACK }, { "127.255.255.254", ADDRESS_LOOPBACK }, { "0.0.0.0", ADDRESS_LOOPBACK },
                { "128.0.0.1", ADDRESS_PUBLIC }, { "10.0.0.1", ADDRESS_PRIVATE }, { "172.16.0.1", ADDRESS_PRIVATE }, { "172.31.255.255", ADDRESS_PRIVATE },
                { "172.32.0.1", ADDRESS_PUBLIC }, { "192.168.3.4", ADDRESS_PRIVATE }, { "100.64.0.1", ADDRESS_PRIVATE }, { "169.254.169.254", ADDRESS_LINK_LOCAL },
                { "224.0.0.1", ADDRESS_NO_HOST }, { "255.255.255.255", ADDRESS_NO_HOST }, { "::1", ADDRESS_LOOPBACK }, { "::", ADDRESS_LOOPBACK },
                { "::ffff:127.0.0.1", ADDRESS_LOOPBACK }, { "::ffff:10.1.1.1", ADDRESS_PRIVATE }, { "64:ff9b::7f00:1", ADDRESS_LOOPBACK },
                { "2002:7f00:1::", ADDRESS_LOOPBACK }, { "fe80::1", ADDRESS_LINK_LOCAL }, { "fd00::1", ADDRESS_PRIVATE }, { "fc00::1", ADDRESS_PRIVATE },
                { "ff02::1", ADDRESS_NO_HOST }, { "2606:4700::1", ADDRESS_PUBLIC },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                ck_assert_msg(reach(table[i].text) == table[i].reach, "%s is %s", table[i].text, address_reach_to_string(reach(table[i].text)));
}
END_TEST

START_TEST(R40_remote_names) {
        char name[REMOTE_NAME_MAX + 1];

        ck_assert_str_eq(remote_split("ubuntu:24.04", name), "24.04");
        ck_assert_str_eq(name, "ubuntu");
        ck_assert_str_eq(remote_split("images:debian/13", name), "debian/13");
        ck_assert_ptr_null(remote_split("debian/13", name));
        ck_assert_ptr_null(remote_split(":x", name));
        ck_assert_ptr_null(remote_split("../x:y", name));
        ck_assert_ptr_null(remote_split("local:y", name));
        ck_assert_ptr_null(remote_check_url("https://a.example/x"));
        ck_assert_ptr_nonnull(remote_check_url("file:///etc"));
        ck_assert_ptr_nonnull(remote_check_url("https:///x"));
        ck_assert_ptr_nonnull(remote_check_url("https://a/ b"));
        ck_assert_ptr_nonnull(remote_check_url("https://a/\nKeyring=x"));
}
END_TEST

static char *products(const char *text, const char *wanted, int *ret) {
        char *answer = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&answer, &size);

        *ret = catalog_parse_products(text, strlen(text), wanted, "amd64", f);
        ck_assert_int_eq(fclose(f), 0);
        /* For comparison. */
        for (size_t i = 0; i + 1 < size; i++)
                if (answer[i] == 0)
                        answer[i] = '\n';
        return answer;
}

#define ITEM(type, rest) "{\"ftype\":\"" type "\",\"path\":\"p/" type "\",\"size\":7,\"sha256\":\"h\"" rest "}"

START_TEST(R41_products) {
        static const char text[] = "{\"products\":{\"x\":{\"aliases\":\"a,b/c\",\"arch\":\"amd64\",\"versions\":{"
                "\"2\":{\"items\":{\"m\":" ITEM("lxd.tar.xz", ",\"combined_rootxz_sha256\":\"f\"") ",\"r\":" ITEM("root.tar.xz", "") "}},"
                "\"1\":{\"items\":{\"m\":" ITEM("lxd.tar.xz", "") ",\"r\":" ITEM("root.tar.xz", "") "}},"
                "\"3\":{\"items\":{\"m\":" ITEM("lxd.tar.xz", "") "}}}},"
                "\"y\":{\"aliases\":\"a\",\"arch\":\"arm64\",\"versions\":{\"1\":{\"items\":{\"m\":" ITEM("lxd.tar.xz", "") ",\"r\":" ITEM("squashfs", "") "}}}}}}";
        static const char expected[] = "architecture=amd64\nserial=2\nkind=root.tar.xz\nfingerprint=f\nfile=h 7 p/lxd.tar.xz\nfile=h 7 p/root.tar.xz";
        char *answer;
        int r;

        answer = products(text, "a", &r);
        ck_assert_int_eq(r, 0);
        ck_assert_str_eq(answer, expected);
        free(answer);
        answer = products(text, "b/c", &r);
        ck_assert_str_eq(answer, expected);
        free(answer);
        answer = products(text, "a/amd64", &r);
        ck_assert_str_eq(answer, expected);
        free(answer);
        answer = products(text, "a/arm64", &r);
        ck_assert_ptr_nonnull(strstr(answer, "kind=squashfs"));
        free(answer);
        answer = products(text, "c", &r);
        ck_assert_int_eq(r, 0);
        ck_assert_str_eq(answer, "");
        free(answer);
}
END_TEST

START_TEST(R41_products_broken) {
        static const char *const texts[] = { "", "{", "[]", "7", "{\"products\":7}", "{\"products\":[]}" };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                free(products(texts[i], "a", &r));
                ck_assert_msg(r < 0, "'%s' is taken", texts[i]);
        }
        free(products("{\"products\":{\"x\":7,\"y\":{\"versions\":[]},\"z\":{\"versions\":{\"1\":{\"items\":{\"m\":3}}}}}}", NULL, &r));
        ck_assert_int_eq(r, 0);
}
END_TEST

START_TEST(R42_checksums) {
        static const char hash[] = "ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef0123456789";
        static const char *const good[] = { "%s  x.tar", "%s *x.tar\r\n", "%s  ./x.tar\n", "\nshort\n%s  y.tar\n%s  x.tar\n" };
        static const char *const bad[] = { "%s  x.tar2", "%s x.tar", "%s", "%s ", "%s  ", "%s  .", "%s  ./", "x%s  x.tar", "%s  X.tar" };
        char found[FINGERPRINT_LENGTH + 1];

        for (size_t i = 0; i < ELEMENTSOF(good) + ELEMENTSOF(bad); i++) {
                bool fits = i < ELEMENTSOF(good);
                _cleanup_free_ char *text = NULL;

                ck_assert_int_gt(asprintf(&text, fits ? good[i] : bad[i - ELEMENTSOF(good)], hash, hash), 0);
                ck_assert_msg((checksums_find(text, "x.tar", found) == 0) == fits, "%s", text);
                if (fits)
                        ck_assert(strcasecmp(found, hash) == 0 && fingerprint_valid(found));
        }
}
END_TEST

UNIT_TESTS("pull", R42_checksums, S75_addresses, R40_remote_names, R41_products, R41_products_broken)
