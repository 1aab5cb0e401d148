#!/usr/bin/env bash
# Runs a shell script of pipes, sort, sha256sum, awk and gzip in busybox, natively and hosted, and compares what it prints.
# Usage: tools/guests/busybox.sh [OPTIONS OF tlbsan run...]. Without a static busybox, or off x86-64 Linux, it says so and ends.
set -euo pipefail
cd "$(dirname "$0")/../.."
busybox=${BUSYBOX:-/bin/busybox}
if [[ "$(uname -sm)" != 'Linux x86_64' || ! -x $busybox ]] || readelf -l "$busybox" 2>/dev/null | grep -q INTERP; then
  echo "busybox.sh: no static x86-64 busybox at $busybox (Debian: busybox-static); nothing was compared"
  exit 0
fi
script='
  seq 1 2000 | sort -rn | head -3
  seq 1 500 | sha256sum
  seq 1 1000 | awk "{ sum += \$1 * \$1 } END { print sum, sum / NR }"
  seq 1 3000 | gzip -c | gunzip -c | md5sum
  mkdir -p /tmp/w && cd /tmp/w && for i in 1 2 3; do echo "line $i" > f$i; done; cat f* | tr a-z A-Z | sort -r
  echo one two three | { read a b; echo "$b"; }
  (exit 7); echo "status $?"; ls | wc -l; rm -r /tmp/w
  true && false || echo or; x=$(echo sub | sed s/u/a/); echo "$x"; wait; kill -TERM $$
'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{ env -i "$busybox" sh -c "$script"; echo "status $?"; } > "$work/native" 2> /dev/null || echo "status $?" >> "$work/native"
{ npx tsx src/cli/main.ts run "$busybox" --quiet "$@" -- sh -c "$script"; echo "status $?"; } > "$work/hosted" 2> "$work/report" ||
  echo "status $?" >> "$work/hosted"
if ! diff "$work/native" "$work/hosted"; then
  cat "$work/report"
  echo "busybox.sh: hosted output differs from native"
  exit 1
fi
echo "busybox.sh: $(wc -l < "$work/native") lines, as natively"
