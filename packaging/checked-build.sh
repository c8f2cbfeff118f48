#!/usr/bin/env bash
# Run a command on a checked build of the kernels (bounds checks, line tracing).
# usage: checked-build.sh COMMAND...
# The traced objects are deleted afterwards: the import system prefers them to the
# release build, and a benchmark would measure them without a word.
set -euo pipefail
cd "$(dirname "$0")/.."
clean() {
    rm -f core/*.cpython-*.so drivers/*.cpython-*.so core/_*.c drivers/_*.c
}
trap clean EXIT
ZEROMETER_TRACE=1 .venv/bin/python setup.py -q build_ext --inplace
"$@"
