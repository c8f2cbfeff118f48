"""Archives of a few plain files."""

import tarfile
from pathlib import Path


def unpack(archive: Path, folder: Path) -> None:
    """Put the files of *archive* into *folder*.

    One by one: what ``extractall`` wants to be told differs between versions of
    Python.
    """
    with tarfile.open(archive) as opened:
        for entry in opened:
            content = opened.extractfile(entry)
            assert content is not None, f"{archive}: {entry.name} is no file"
            (folder / entry.name).write_bytes(content.read())
