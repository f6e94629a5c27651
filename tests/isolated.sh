#!/usr/bin/env bash
# Install one service with its own dependencies alone, and run its unit tests there.
set -euo pipefail
service=$1
root=$(cd "$(dirname "$0")/.." && pwd)
uv=$root/.venv/bin/uv
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$uv" venv --quiet --python "$root/.venv/bin/python" "$work/venv"
export VIRTUAL_ENV=$work/venv
"$uv" pip install --quiet --require-hashes -r "$root/services/$service/requirements.lock"
"$uv" pip install --quiet --require-hashes -r "$root/tests/requirements.lock"
# The members that it declares: `shared`, and for the simulator those whose logic it plays.
members=$(sed -n 's/^daedalus-\([a-z]*\) = { workspace = true }$/\1/p' "$root/services/$service/pyproject.toml")
for member in $members $service; do
  folder=$root/services/$member
  [ "$member" = shared ] && folder=$root/shared
  "$uv" pip install --quiet --no-deps --no-build-isolation "$folder"
done
echo "· $service alone, $("$uv" pip list --quiet 2>/dev/null | tail -n +3 | wc -l) packages"
cd "$root" && "$VIRTUAL_ENV/bin/python" -m pytest -q -p no:cacheprovider "tests/unit/$service"
