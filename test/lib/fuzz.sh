# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The targets for libFuzzer, test/fuzz/fuzz-NAME.c. Each runs for a number of executions that is always the same, with the same seed: what fails
# here fails again. With --long it runs for some minutes with another seed, which the log tells.
#
# A line "fuzz: OPTION..." in a target's comment: options of libFuzzer for that one.

readonly FUZZ_RUNS=100000
readonly FUZZ_SEED=20261122
readonly FUZZ_LONG_SECONDS=300

# fuzz_rows: rows as in cases.sh
fuzz_rows() {
        local path name
        for path in "$TOP"/test/fuzz/fuzz-*.c; do
                name=${path##*/fuzz-}
                name=${name%.c}
                printf 'fuzz\t%s\t-\tfuzz-%s\tmachine\tshort\t%s\n' "$name" "$name" \
                        "$(sed -n -e '/SPDX/d' -e 's,^/\* *\([^*]*\).*,\1,p' "$path" | head -n 1)"
        done
}

# fuzz_one NAME
fuzz_one() {
        local name=$1 folder corpus rc=0 runs=(-runs="$FUZZ_RUNS" -seed="$FUZZ_SEED") options=() seeds=() n log
        folder=$(meson_folder sanitized)
        meson_configure sanitized && ninja -C "$folder" "test/fuzz/fuzz-$name" >"$folder.log" 2>&1 || {
                tail -n 40 "$folder.log"
                return 1
        }
        [ "$LONG" = no ] || runs=(-max_total_time="$FUZZ_LONG_SECONDS" -seed="$RANDOM$RANDOM")
        read -ra options <<<"$(sed -n 's,^ \* fuzz: *\(.*\) \*/$,\1,p' "$TOP/test/fuzz/fuzz-$name.c")"
        [ ! -e "$TOP/test/fuzz/$name.dict" ] || options+=(-dict="$TOP/test/fuzz/$name.dict")
        [ ! -d "$TOP/test/fuzz/corpus/$name" ] || seeds=("$TOP/test/fuzz/corpus/$name")

        corpus=$(mktemp -d /dev/shm/berth-corpus.XXXXXX)
        mkdir -p "$RESULTS/fuzz"
        log=$RESULTS/fuzz/$name.log
        # A quarantine of the usual 256 MiB has the kernel make new pages all the time.
        ASAN_OPTIONS=quarantine_size_mb=8 "$folder/test/fuzz/fuzz-$name" "${runs[@]}" -max_len=1024 -timeout=25 -rss_limit_mb=1024 -print_final_stats=1 -close_fd_mask=1 \
                -artifact_prefix="$RESULTS/fuzz/$name-" "${options[@]}" "$corpus" "${seeds[@]}" >"$log" 2>&1 || rc=$?
        rm -rf "$corpus"
        if [ "$rc" -ne 0 ]; then
                tail -n 60 "$log"
                echo "the input is kept beside $log"
                return 1
        fi
        n=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        echo "$name: ${n:-0} executions, $(sed -n 's/^#.*DONE *\(cov: [0-9]*\).*/\1/p' "$log") of $(sed -n 's/.*Loaded 1 PC tables (\([0-9]*\) PCs).*/\1/p' "$log"), $(sed -n 's/^Done.* in \([0-9]*\) second.*/\1/p' "$log") s"
        # Less proves nothing.
        [ "${n:-0}" -ge "$FUZZ_RUNS" ]
}
