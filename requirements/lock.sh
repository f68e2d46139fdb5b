#!/bin/sh
# Resolve the dependency groups of pyproject.toml into pinned, hashed lists that
# plain pip and uv install alike, for every platform and every Python from 3.11.
set -eu
cd "$(dirname "$0")/.."
uv=.venv/bin/uv
compile() {
  "$uv" pip compile -q --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-annotate --custom-compile-command "make lock" "$@"
}
compile --group run -o requirements/run.txt
compile --group dev -c requirements/run.txt -o requirements/dev.txt
echo uv | compile -o requirements/uv.txt -
