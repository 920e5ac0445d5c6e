#!/usr/bin/env bash
# Is what we would publish whole? Builds the sdist, the wheel from it, looks inside, installs it
# with the users' lock into a fresh environment outside the checkout, and runs the demo there.
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD
python=$root/.venv/bin/python
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP

step() { printf 'wheel-check: %s\n' "$1"; }

quietly() { # Shows the output of a command only when it fails.
    "$@" >"$scratch/output" 2>&1 || {
        cat "$scratch/output" >&2
        printf 'wheel-check: failed: %s\n' "$*" >&2
        return 1
    }
}

step 'building the sdist, and the wheel from it'
quietly "$python" -m build --no-isolation --outdir "$scratch/dist" "$root"
wheel=$(echo "$scratch"/dist/*.whl)

step 'looking inside'
"$python" "$root/scripts/wheel_contents.py" "$wheel" "$scratch"/dist/*.tar.gz

step "installing it with the users' lock into a fresh environment"
"$python" -m venv "$scratch/venv"
pip=("$scratch/venv/bin/python" -m pip install --disable-pip-version-check --no-input)
quietly "${pip[@]}" --require-hashes --requirement requirements/turnlog.lock
quietly "${pip[@]}" --no-deps --no-index "$wheel"

step 'running turnlog --help and turnlog demo --clean from it'
mkdir "$scratch/home" "$scratch/work"
cd "$scratch/work"
installed() { # Nothing of this checkout or this user is in reach.
    env -i HOME="$scratch/home" PATH="$scratch/venv/bin:/usr/bin:/bin" LANG=C.UTF-8 \
        TMPDIR="${TMPDIR:-/tmp}" "$@"
}
origin=$(installed python -P -c 'import turnlog.domain as room; print(room.__file__)')
case $origin in
    "$scratch"/venv/*) ;;
    *) echo "wheel-check: turnlog.domain was imported from $origin" >&2; exit 1 ;;
esac
quietly installed turnlog --help
quietly installed turnlog demo --clean
step 'all good'
