"""On what a comparison ran: a figure without its machine and build says nothing."""

import importlib
import os
import platform
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KERNELS = [
    f"zerometer.{path.parent.name}.{path.stem}"
    for path in sorted(ROOT.glob("*/_*.pyx"))
]


def processor() -> str:
    """Return the processor's name as the kernel reports it."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.machine()


def release_build() -> str:
    """Return what the kernels were built as; refuse any other than release.

    A checked build is several times slower, and the import system prefers it to a
    release build that lies beside it.
    """
    for kernel in KERNELS:
        file = str(importlib.import_module(kernel).__file__)
        if not file.endswith(".abi3.so"):
            raise SystemExit(
                f"bench: {kernel} is {file}, not a release build (.abi3.so)"
            )
    return "release (.abi3.so)"


def description() -> str:
    """Return machine, system, Python and build in one line."""
    return (
        f"{processor()} x {os.cpu_count()}, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, kernels: {release_build()}"
    )
