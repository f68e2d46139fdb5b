#!/usr/bin/env bash
# Install the wheel into a fresh environment and serve a ten-line project with it.
set -euo pipefail
cd "$(dirname "$0")/.."
wheel=$(ls -t dist/django_spotter-*.whl | head -n 1)

.venv/bin/python - "$wheel" <<'PYTHON'
import sys, zipfile
names = zipfile.ZipFile(sys.argv[1]).namelist()
strangers = [n for n in names if not n.startswith(("spotter/", "django_spotter-"))]
sys.exit(f"the wheel holds more than spotter/: {strangers}" if strangers else 0)
PYTHON
try=$(mktemp -d)
trap 'rm -rf "$try"' EXIT
.venv/bin/uv venv -q -p .venv/bin/python "$try/venv"
.venv/bin/uv pip install -q -p "$try/venv/bin/python" "$wheel"
cp deploy/ten-line-project.py "$try/project.py"
cd "$try"
venv/bin/python project.py
