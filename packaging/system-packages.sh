#!/usr/bin/env bash
# Make sure that the system can create a virtual environment and compile kernels.
# usage: system-packages.sh PYTHON
# Installs what lacks when run as root on Debian; otherwise names it and exits 2.
set -euo pipefail
python=${1:-python3}
packages=(python3-venv python3-dev gcc)

lacks() {
    local missing=()
    "$python" -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
    "$python" -c '
import pathlib, sysconfig, sys
sys.exit(not (pathlib.Path(sysconfig.get_path("include")) / "Python.h").exists())
' 2>/dev/null || missing+=(python3-dev)
    # The compiler alone is not enough: a program must link against the C library.
    echo 'int main(void){return 0;}' | gcc -x c -o /dev/null - 2>/dev/null || missing+=(gcc)
    echo "${missing[*]}"
}

missing=$(lacks)
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "make: this system lacks $missing: installing ${packages[*]} with apt-get" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq "${packages[@]}" libc6-dev >/dev/null
    missing=$(lacks)
    [ -z "$missing" ] && exit 0
fi

echo "make: this system lacks $missing; install with:" >&2
echo "sudo apt-get install -y make ${packages[*]}" >&2
exit 2
