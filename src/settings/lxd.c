/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/lxd.h"

#include <stdio.h>

#include "basic/strv.h"
#include "settings/quantity.h"

/* "2" is any two CPUs, "0-1,3" or "2-2" these. */
static int translate_cpu(const char *value, char ***assignments, char **ret_reason) {
        uint64_t n;

        return strv_extendf(assignments, parse_u64(value, UINT64_MAX, &n) == -EINVAL ? "AllowedCPUs=%s" : "CPUCount=%s", value);
}

/* "50%": a share, where CPUs are short; "25ms/100ms": a limit, always. */
static int translate_cpu_allowance(const char *value, char ***assignments, char **ret_reason) {
        const char *slash = strchr(value, '/');
        _cleanup_free_ char *time = NULL;
        uint64_t v, usec, period;
        int r;

        if (!slash) {
                r = parse_permyriad(value, 10000, &v);
                if (r < 0 || v < 100)
                        return r < 0 ? r : -ERANGE;
                return strv_extendf(assignments, "CPUWeight=%llu", (unsigned long long) v / 100);
        }
        time = strndup(value, (size_t) (slash - value));
        if (!time)
                return -ENOMEM;
        r = parse_time_span(time, &usec);
        if (r >= 0)
                r = parse_time_span(slash + 1, &period);
        if (r < 0)
                return r;
        if (!endswith(time, "s") || !endswith(slash + 1, "s"))
                return -EINVAL;
        if (usec == 0 || period < USEC_PER_MSEC || period > USEC_PER_SEC || usec > period * 8192 || usec * 10000 / period == 0)
                return -ERANGE;
        r = strv_extendf(assignments, "CPUQuota=%llu.%02llu%%", (unsigned long long) (usec * 100 / period),
                         (unsigned long long) (usec * 10000 / period % 100));
        return r < 0 ? r : strv_extendf(assignments, "CPUQuotaPeriodSec=%lluus", (unsigned long long) period);
}

/* 10, LXD's usual one, is a container like any other. */
static int translate_cpu_priority(const char *value, char ***assignments, char **ret_reason) {
        uint64_t v;
        int r;

        r = parse_u64(value, 10, &v);
        return r < 0 ? r : strv_extendf(assignments, "CPUWeight=%llu", (unsigned long long) (10 + 9 * v));
}

/* 5 is LXD's usual one. */
static int translate_disk_priority(const char *value, char ***assignments, char **ret_reason) {
        uint64_t v;
        int r;

        r = parse_u64(value, 10, &v);
        return r < 0 ? r : strv_extendf(assignments, "IOWeight=%llu", (unsigned long long) (v == 0 ? 1 : 20 * v));
}

static int translate_memory_swap(const char *value, char ***assignments, char **ret_reason) {
        int r = parse_bool(value);

        /* A number is an amount, also 0 and 1. */
        if (r < 0 || strchr("0123456789", value[0]))
                return strv_extendf(assignments, "MemorySwapMax=%s", value);
        return r > 0 ? 0 : strv_extend(assignments, "MemorySwapMax=0");
}

static int translate_memory_enforce(const char *value, char ***assignments, char **ret_reason) {
        if (streq(value, "hard"))
                return strv_extend(assignments, "MemoryEnforce=hard");
        return streq(value, "soft") ? strv_extend(assignments, "MemoryEnforce=soft") : -EINVAL;
}

const LxdKey lxd_keys[] = {
        { "limits.cpu", { "CPUCount", "AllowedCPUs" }, translate_cpu, "a number of CPUs, or a list of them such as 0-1,3 or 2-2", "2" },
        { "limits.cpu.allowance", { "CPUQuota", "CPUQuotaPeriodSec", "CPUWeight" }, translate_cpu_allowance, "a share such as 50%, or a limit such as 25ms/100ms", "25ms/100ms" },
        { "limits.cpu.priority", { "CPUWeight" }, translate_cpu_priority, "a number from 0 to 10", "5" },
        { "limits.disk.priority", { "IOWeight" }, translate_disk_priority, "a number from 0 to 10", "5" },
        { "limits.memory.enforce", { "MemoryEnforce" }, translate_memory_enforce, "hard or soft", "soft" },
        { "limits.memory.swap", { "MemorySwapMax" }, translate_memory_swap, "true, false, or a size", "false" },
};
const size_t n_lxd_keys = ELEMENTSOF(lxd_keys);

const LxdKey *lxd_key_find(const char *key) {
        for (size_t i = 0; i < n_lxd_keys; i++)
                if (streq(lxd_keys[i].key, key))
                        return &lxd_keys[i];
        return NULL;
}

int lxd_key_translate(const LxdKey *k, const char *value, char ***ret_assignments, char **ret_error) {
        _cleanup_strv_ char **assignments = NULL;
        _cleanup_free_ char *reason = NULL, *escaped = NULL;
        int r;

        r = *value ? k->translate(value, &assignments, &reason) : 0;
        if (r == -EINVAL || r == -ERANGE) {
                if (string_escape(value, &escaped) < 0)
                        return -ENOMEM;
                if (strlen(escaped) > 80)
                        strcpy(escaped + 77, "...");
                return asprintf(ret_error, "%s: '%s' is not %s.", k->key, escaped, k->expects) < 0 ? -ENOMEM : -EINVAL;
        }
        if (r >= 0)
                *ret_assignments = TAKE_PTR(assignments);
        return r;
}
