#!/bin/sh
# Runs two builds of `middle` in turn on this machine and prints the medians and
# the ratios: benches/compare.sh OLD_BINARY NEW_BINARY ROUNDS [options of middle]
# The build that goes first changes each round. About a minute for each round.
set -eu

if [ $# -lt 3 ]; then
    sed -n '2,4s/^# //p' "$0" >&2
    exit 2
fi
old=$1
new=$2
rounds=$3
shift 3
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT

round=1
while [ "$round" -le "$rounds" ]; do
    if [ $((round % 2)) -eq 1 ]; then order="old new"; else order="new old"; fi
    for which in $order; do
        if [ "$which" = old ]; then binary=$old; else binary=$new; fi
        echo "round $round of $rounds: $which" >&2
        "$binary" --json "$runs/$which-$round.json" "$@" >/dev/null
    done
    round=$((round + 1))
done
"$new" --compare "$runs"/old-*.json -- "$runs"/new-*.json
