#!/usr/bin/env bash
# Writes requirements/turnlog.lock and requirements/dev.lock from pyproject.toml, hashed and for
# every platform. Arguments go to uv, for example --upgrade or --upgrade-package=rich.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python=$(command -v .venv/bin/python || command -v python3)
"$python" -m venv "$scratch"
"$scratch/bin/python" -m pip install --quiet --quiet --disable-pip-version-check "uv==${UV_VERSION:?}"

# No header, no annotations, no index: the files say what is installed and nothing about where
# they were made.
compile() {
    "$scratch/bin/uv" pip compile pyproject.toml --quiet --no-config --universal \
        --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url "$@"
}

compile "$@" --output-file requirements/turnlog.lock
# What users run is what is tested: the users' pins bind the developers' lock.
compile "$@" --group dev --constraint requirements/turnlog.lock \
    --output-file requirements/dev.lock

if grep -n '://' requirements/*.lock; then
    echo 'lock: a lock file names a host' >&2
    exit 1
fi
