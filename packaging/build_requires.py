"""Print what building needs, one requirement a line, as pyproject.toml says."""

import tomllib
from pathlib import Path

text = Path("pyproject.toml").read_text(encoding="utf-8")
print("\n".join(tomllib.loads(text)["build-system"]["requires"]))  # noqa: T201
