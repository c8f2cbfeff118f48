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
cat >modules.py <<'PYTHON'
"""Import every module; what lacks may only be the library of an extra."""
import importlib, importlib.util, pkgutil, sys
extras = set(sys.argv[1:])
for bare in ("agent", "config", "core", "drivers"):
    assert importlib.util.find_spec(bare) is None, f"{bare} is importable at top level"
names, without = [], []
for part in ("agent", "config", "core", "drivers"):
    package = importlib.import_module(f"zerometer.{part}")
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] not in extras:
                raise
            without.append(module.name)
        names.append(module.name)
assert not {"agent", "config", "core", "drivers"} & set(sys.modules)
print(f"wheel: {len(names) - len(without)} of {len(names)} modules import")
PYTHON
clean/bin/python modules.py cryptography duckdb nats paho psycopg pyarrow
clean/bin/zerometer --version
clean/bin/zerometer demo --seconds 10 --json >demo.json
clean/bin/python -c '
import json
figures = json.load(open("demo.json"))
assert figures["batches_committed"] == figures["batches_sealed"] > 0, figures
print("wheel: demo of 10 s:", figures)
'
clean/bin/python -m pip install --quiet "$wheel[duckdb,mqtt,nats,parquet,postgres,sign]"
clean/bin/python modules.py
