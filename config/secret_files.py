"""Where secrets stand: never in the site file, but in files that it names."""

from pathlib import Path

from zerometer.config.table import Table, shown

#: How the path of a credential of systemd begins (systemd.exec(5), LoadCredential=):
#: it is none in the file system.
CREDENTIAL = "credential:"


def path_of(table: Table, key: str, folder: Path) -> str:
    """Return the path at *key*, relative to the site file, or a credential's name."""
    text = table.text(key, "")
    if text.startswith(CREDENTIAL):
        name = text.removeprefix(CREDENTIAL)
        if not name or "/" in name:
            table.error(key, f"{shown(text)} is not {CREDENTIAL}NAME")
        return text
    return str(folder / text) if text else ""
