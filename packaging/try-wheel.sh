#!/usr/bin/env bash
# Install a wheel into a clean environment, out of reach of the sources, and use it.
# usage: try-wheel.sh PYTHON WHEEL
set -euo pipefail
python=$(realpath -s "$1")
wheel=$(realpath "$2")
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
cd "$room"
"$python" -m venv clean
clean/bin/python -m pip install --quiet "$wheel"
clean/bin/python - <<'PYTHON'
import importlib, importlib.util, pkgutil, sys
for bare in ("agent", "config", "core", "drivers"):
    assert importlib.util.find_spec(bare) is None, f"{bare} is importable at top level"
names = []
for part in ("agent", "config", "core", "drivers"):
    package = importlib.import_module(f"zerometer.{part}")
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
        names.append(module.name)
assert not {"agent", "config", "core", "drivers"} & set(sys.modules)
print(f"wheel: {len(names)} modules import in a clean environment")
PYTHON
clean/bin/zerometer --version
clean/bin/zerometer demo --seconds 10 --json >demo.json
clean/bin/python -c '
import json
figures = json.load(open("demo.json"))
assert figures["batches_committed"] == figures["batches_sealed"] > 0, figures
print("wheel: demo of 10 s:", figures)
'
