"""Check that files end with one newline, and (--toml) that TOML files parse."""

import sys
import tomllib
from pathlib import Path


def problems(paths: list[str], toml: bool) -> list[str]:
    """Return a line for each file that is not tidy."""
    found = []
    for path in map(Path, paths):
        content = path.read_bytes()
        if content and (not content.endswith(b"\n") or content.endswith(b"\n\n")):
            found.append(f"{path}: must end with exactly one newline")
        if toml:
            try:
                tomllib.loads(content.decode())
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                found.append(f"{path}: {error}")
    return found


if __name__ == "__main__":
    arguments = sys.argv[1:]
    lines = problems([a for a in arguments if a != "--toml"], "--toml" in arguments)
    print("\n".join(lines), end="\n" if lines else "")  # noqa: T201
    sys.exit(bool(lines))
