"""Compare what was built with what git tracks: nothing missing, nothing more.

usage: compare_contents.py DIST
"""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

PARTS = ("agent", "config", "core", "drivers")
#: Only a checkout needs these.
CHECKOUT_ONLY = {".ci/run", ".gitignore", ".pre-commit-config.yaml"}
#: What building adds to an sdist, and the kernels that it makes for a wheel.
MADE = {"PKG-INFO", "setup.cfg"}


def tracked() -> set[str]:
    """Return the files of the repository."""
    listing = subprocess.run(
        ["git", "ls-files"], capture_output=True, text=True, check=True
    )
    return set(listing.stdout.splitlines())


def sdist_files(dist: Path) -> set[str]:
    """Return the files of the source distribution, without what building adds."""
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {m.name.split("/", 1)[1] for m in archive.getmembers() if m.isfile()}
    return {n for n in names if n not in MADE and ".egg-info/" not in n}


def wheel_files(dist: Path) -> set[str]:
    """Return the files of the wheel, by their names in the repository."""
    (path,) = dist.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    return {n.removeprefix("zerometer/") for n in names if ".dist-info/" not in n}


def expected_in_wheel(files: set[str]) -> set[str]:
    """Return what a wheel must hold: the parts, kernels compiled."""
    ours = {name for name in files if name.split("/")[0] in PARTS}
    kernels = {name.removesuffix(".pyx") for name in ours if name.endswith(".pyx")}
    sources = {name for name in ours if name.endswith((".pyx", ".pxd"))}
    return ours - sources | {f"{name}.abi3.so" for name in kernels}


def main() -> int:
    """Print what differs; return 1 when something does."""
    dist, files = Path(sys.argv[1]), tracked()
    pairs = {
        "sdist": (sdist_files(dist), files - CHECKOUT_ONLY),
        "wheel": (wheel_files(dist), expected_in_wheel(files)),
    }
    wrong = 0
    for name, (found, expected) in pairs.items():
        for word, names in (("lacks", expected - found), ("has", found - expected)):
            wrong += len(names)
            for file in sorted(names):
                print(f"{name} {word} {file}")  # noqa: T201
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
