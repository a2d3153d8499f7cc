#!/usr/bin/env bash
# The whole path on examples/digits: lock, image, run, replay; then a replay with another seed, which must be caught.
set -euo pipefail
cd "$(dirname "$0")/digits"

show() { printf '\n$ %s\n' "$*"; "$@"; }

show reprobuild lock
show reprobuild image
show reprobuild run
show reprobuild inspect bundle.tar
show reprobuild replay bundle.tar

# Another seed is another training: exit status 10, "different", and the seed named as the first cause.
status=0
show reprobuild replay bundle.tar --seed 4321 || status=$?
[ "$status" = 10 ] || { echo "demo: a replay with another seed ended with status $status, not 10" >&2; exit 1; }
printf '\ndemo: the same seed gave the same result, and another seed was caught (exit status 10)\n'
