#!/bin/sh
# Prints the tables of the risk plugin: quality on projects that a model never saw, secrets, speed.
#   tests/bench/risk/run.sh [DATA] [BUILD]
# DATA holds commitguru13/, issta21_jitdp/ and raw_diffs/ (default: $SLUICE_RISK_DATA, else
# ../shared/data/risk beside the repository). Without the data only what needs none is measured.
set -eu
here=$(cd "$(dirname "$0")/../../.." && pwd)
data=${1:-${SLUICE_RISK_DATA:-$here/../shared/data/risk}}
build=${2:-$here/build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

ninja -C "$build" risk_extract risk_secrets risk_benign risk_speed >/dev/null
tools=$build/plugins/risk

# A diff of 10,000 lines that looks like code; the same on every run.
awk 'BEGIN {
    for (f = 0; f < 33; f++) {
        printf "diff --git a/src/m%d/f%d.c b/src/m%d/f%d.c\n--- a/src/m%d/f%d.c\n+++ b/src/m%d/f%d.c\n", f%7, f, f%7, f, f%7, f, f%7, f
        printf "@@ -1,100 +1,150 @@ int run(void)\n"
        for (i = 0; i < 50; i++) {
            printf " \tvalue = compute_something(value, %d);\n-\tif (old_condition(%d))\n-\t\treturn report(value);\n", i, i
            printf "+\tif (new_condition(value, %d) && !done)\n+\t\tresult = handle_request(context, \"item %d\");\n", i, i
        }
        for (i = 0; i < 50; i++) printf "+\tstate->field_%d = next_value(state, token_%d); /* step %d */\n", i, i, i
    }
}' | sed 's/-1,100 +1,150/-1,150 +1,200/' > "$work/10k.diff"

echo "## Speed"
"$tools/risk-speed" "$work/10k.diff" 100
"$tools/risk-speed" "$work/10k.diff" 100 bare

if [ ! -d "$data" ]; then
    echo "no data at $data: the quality tables are left out"
    exit 0
fi
for part in "$data"/raw_diffs/*.jsonl.gz; do
    [ -e "$part" ] || continue
    echo
    echo "## Danger signals over the changes of $(basename "$part" .jsonl.gz)"
    zcat "$part" | "$tools/risk-benign"
done
echo
echo "## Quality"
/usr/bin/python3 "$here/plugins/risk/train/train.py" --data "$data" --extract "$tools/risk-extract" --bench
