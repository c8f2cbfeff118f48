"""Whether a journal, or a folder of batches, is whole: what was sealed, in order."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zerometer.agent.batch import Gap
from zerometer.agent.batch_files import read_files, split
from zerometer.agent.journal_tools.chain import Chains, Finding, Item, Proof
from zerometer.agent.journal_tools.contents import Contents, place, read_journal
from zerometer.agent.journal_tools.kept import is_journal, kept_batches


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was proved of each series, and what belongs to none."""

    proofs: list[Proof]
    unreadable: list[Finding]

    @property
    def findings(self) -> list[Finding]:
        """All that is wrong."""
        return [
            *self.unreadable,
            *(finding for proof in self.proofs for finding in proof.findings),
        ]


def verify(path: Path) -> Verdict:
    """Prove what is in *path*: a journal's folder, or files of batches.

    Of a journal it is known where each stream ends and what it lost.
    """
    chains = Chains()
    if is_journal(path):
        contents = read_journal(path)
        for kept in kept_batches(path, contents.ends, chains.unreadable):
            item = Item(
                kept.name, kept.data, kept.intact, kept.epoch, kept.stream, kept.seq
            )
            chains.add(item)
        _tell(chains, contents)
    else:
        for item in _items(path):
            chains.add(item)
    return Verdict(list(chains.proofs()), chains.belonging_to_none)


def _items(path: Path) -> Iterator[Item]:
    for name, data in read_files(str(path)):
        for start, part in split(data):
            where = f"{name}: byte {start}" if start else name
            yield Item(where, part, file=name)


def _tell(chains: Chains, contents: Contents) -> None:
    """Let the chains know what the main file says of streams."""
    source = contents.source.hex()
    for name, book in contents.book.streams.items():
        for loss in book.losses:
            epoch, first = place(book, loss.first)
            gap = Gap(first, first + loss.last - loss.first, loss.reason)
            if epoch:
                chains.declare((source, epoch.hex(), name), gap)
        for epoch, base, end in book.epochs():
            first = max(book.kept_from, base + 1)
            digest = book.hash if epoch == contents.epoch else b""
            if contents.format > 1 and first <= end:
                series = (source, epoch.hex(), name)
                chains.expect(series, first - base, end - base, digest)
