#!/bin/sh
# Records fixtures/traces/ anew: builds fixtures/programs/*.c as static programs and runs them, and ls, under lackey.
# Needs gcc and valgrind (Debian: apt-get install gcc valgrind).
set -eu
cd "$(dirname "$0")/../.."
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
for program in threads forks sort; do
  gcc -O2 -static -pthread -Wall -Wextra -Werror -o "$build/$program" "fixtures/programs/$program.c"
  (cd "$build" && "$OLDPWD/node_modules/.bin/tsx" "$OLDPWD/tools/record/record.ts" \
    "$OLDPWD/fixtures/traces/$program.trace.gz" "./$program")
done
node_modules/.bin/tsx tools/record/record.ts --lines 600000 fixtures/traces/ls.trace.gz /bin/ls /usr
