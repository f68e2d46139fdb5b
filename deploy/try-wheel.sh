#!/usr/bin/env bash
# Install the wheel into a fresh environment and serve a ten-line project with it.
set -euo pipefail
cd "$(dirname "$0")/.."
wheel=$(ls -t dist/django_spotter-*.whl | head -n 1)

if unzip -l "$wheel" 2>/dev/null | awk '{print $4}' | grep -E '/' | grep -vE '^(spotter/|django_spotter-)'; then
  echo "the wheel holds more than spotter/" >&2
  exit 1
fi
try=$(mktemp -d)
trap 'rm -rf "$try"' EXIT
.venv/bin/uv venv -q -p .venv/bin/python "$try/venv"
.venv/bin/uv pip install -q -p "$try/venv/bin/python" "$wheel"
cp deploy/ten-line-project.py "$try/project.py"
cd "$try"
venv/bin/python project.py
