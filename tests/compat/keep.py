"""Makes journals to be kept as files: run it when a release has another format.

    PYTHONPATH=tests/support python tests/compat/keep.py VERSION

As its tests have it: the small site for 468 s, whose battery discharges what it had,
charges for 300 s and discharges again; one agent stops in order, one is killed.
"""

import io
import json
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.archives import unpack
from harness.gateway import Gateway, journalled_site

#: Seconds, and what the battery takes, W.
PHASES = ((84, -6_000.0), (300, 6_000.0), (84, -6_000.0))


def run(folder: Path, *, killed: bool) -> tuple[bytes, Gateway]:
    """Leave a journal in *folder*; return its files as they were, and the agent."""
    gateway = Gateway(folder, journalled_site(folder))
    for seconds, power_w in PHASES:
        gateway.world.powers_w["battery"] = power_w
        gateway.seconds(seconds)
    if killed:
        gateway.kill()
    else:
        gateway.stop()
    return pack(folder), gateway


def facts(folder: Path, left: Gateway) -> dict[str, object]:
    """Return what the test of a journal must know; *left* is who wrote it."""
    with Gateway(folder, journalled_site(folder), left.times) as gateway:
        accounting = gateway.pipeline.accounting
        tank = accounting.attribution.held(0)
        origins = zip(accounting.network.origins, tank.origins, strict=True)
        return {
            "boot_ns": left.times.boot_ns,
            "wall_ns": left.times.wall_ns,
            "imports": left.world.imports,
            "exports": left.world.exports,
            "volume": left.world.volume,
            "battery": {
                "kWh": tank.energy,
                "origins": {origin.name: kwh for origin, kwh in origins if kwh},
            },
        }


def pack(folder: Path) -> bytes:
    """Return the journal's files in a folder as an archive."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz", preset=9) as archive:
        for file in sorted(folder.glob("*.db")):
            content = file.read_bytes()
            entry = tarfile.TarInfo(file.name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def main(version: str) -> None:
    """Keep a stopped and a killed journal of *version*."""
    kept = Path(__file__).parent / version
    kept.mkdir(exist_ok=True)
    for name in ("stopped", "killed"):
        archive = kept / f"{name}.tar.xz"
        with TemporaryDirectory() as folder, TemporaryDirectory() as copy:
            files, left = run(Path(folder), killed=name == "killed")
            archive.write_bytes(files)
            unpack(archive, Path(copy))
            told = json.dumps(facts(Path(copy), left), indent=1)
        archive.with_name(f"{name}.json").write_text(f"{told}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
