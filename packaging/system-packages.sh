#!/usr/bin/env bash
# Make sure that the system can create a virtual environment and compile kernels
# and, for the tests, that it has the programs which are no code of ours.
# usage: system-packages.sh demo|test PYTHON
# Installs what lacks when run as root on Debian; otherwise names it and exits 2.
set -euo pipefail
purpose=$1
python=$2
packages=(python3-venv python3-dev gcc)
test_packages=(libmodbus-dev mbpoll mosquitto nats-server postgresql nodejs strace)
[ "$purpose" = test ] && packages+=("${test_packages[@]}")

# A compiler or a header alone is not enough: a program must link.
links() {
    gcc -x c -o /dev/null - "$@" 2>/dev/null
}

lacks() {
    local missing=()
    "$python" -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
    "$python" -c '
import pathlib, sysconfig, sys
sys.exit(not (pathlib.Path(sysconfig.get_path("include")) / "Python.h").exists())
' 2>/dev/null || missing+=(python3-dev)
    echo 'int main(void){return 0;}' | links || missing+=(gcc)
    if [ "$purpose" = test ]; then
        printf '%s\n' '#include <modbus/modbus.h>' 'int main(void){return !modbus_strerror(0);}' \
            | links -lmodbus || missing+=(libmodbus-dev)
        command -v mbpoll >/dev/null || missing+=(mbpoll)
        # The broker itself is where only root looks; this comes with it.
        command -v mosquitto_passwd >/dev/null || missing+=(mosquitto)
        command -v nats-server >/dev/null || missing+=(nats-server)
        # Its server, too, is off the path.
        command -v pg_createcluster >/dev/null || missing+=(postgresql)
        command -v node >/dev/null || missing+=(nodejs)
        command -v strace >/dev/null || missing+=(strace)
    fi
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
