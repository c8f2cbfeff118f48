"""``zerometer journal``: look into a journal, prove it, take rows out, make room."""

import argparse
import json
import sys
import time
from pathlib import Path

from zerometer.agent.cli.common import Subparsers
from zerometer.core.errors import FormatError, UsageError
from zerometer.core.iso_time import parse_time
from zerometer.core.site import STREAMS

NS_PER_MS = 1_000_000
UNITS_MS = {"h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
#: What is exported: streams, and events, which are part of the ledger.
EXPORTED = ("readings", "minutes", "ledger", "events", "state")


def add_parser(subparsers: Subparsers) -> None:
    """Add the command and its parts."""
    parser = subparsers.add_parser(
        "journal",
        help="look into a journal, prove it, export it",
        description="Journals: what is in one, whether it is whole, and out of it.",
        epilog="Start with: zerometer journal info journal",
    )
    parts = parser.add_subparsers(dest="part", metavar="PART", required=True)
    _add_info(parts)
    _add_verify(parts)
    _add_export(parts)
    _add_prune(parts)


def _add_info(parts: Subparsers) -> None:
    info = parts.add_parser(
        "info",
        help="show what a journal holds",
        description=(
            "Show streams with their files, bytes and times, how far each uplink is, "
            "epochs, gaps and quarantine. The journal is only read, also while an "
            "agent writes it."
        ),
        epilog="Example: zerometer journal info /var/lib/zerometer",
    )
    _journal_argument(info)
    info.add_argument("--json", action="store_true", help="one JSON object")
    info.set_defaults(run=run_info)


def _add_verify(parts: Subparsers) -> None:
    verify = parts.add_parser(
        "verify",
        help="prove that nothing was changed or taken out",
        description=(
            "Prove the chain of hashes of each stream and epoch: find batches that "
            "were changed, are missing without a gap that says so, or stand where "
            "another one belongs. Exit code 5 if there are any. A folder of batch "
            "files is proved as well."
        ),
        epilog="Example: zerometer journal verify /var/lib/zerometer",
    )
    _journal_argument(verify)
    verify.add_argument("--json", action="store_true", help="one JSON object")
    verify.set_defaults(run=run_verify)


def _add_export(parts: Subparsers) -> None:
    export = parts.add_parser(
        "export",
        help="write rows as CSV or Parquet, or the sealed batches",
        description=(
            "Write what was measured or booked, one value a row, or the batches as "
            "they were sealed. What is no batch is named on standard error and left "
            "out (exit code 5). A folder of batch files is exported as well."
        ),
        epilog="Example: zerometer journal export journal --stream ledger",
    )
    _journal_argument(export)
    export.add_argument(
        "--stream", choices=EXPORTED, metavar="STREAM", default="readings",
        help=f"{', '.join(EXPORTED)}; default: readings",
    )  # fmt: skip
    export.add_argument(
        "--format", choices=("csv", "parquet", "batches"), metavar="FORMAT",
        default="csv", help="csv, parquet or batches; default: csv",
    )  # fmt: skip
    export.add_argument(
        "--out", metavar="PATH", type=Path,
        help="the file, or the folder of batches; default: standard output",
    )  # fmt: skip
    export.add_argument(
        "--from", metavar="TIME", type=_time, dest="since", default=0,
        help="from then on: ISO 8601 with an offset",
    )  # fmt: skip
    export.add_argument(
        "--to", metavar="TIME", type=_time, dest="until", default=(1 << 63) - 1,
        help="before then",
    )  # fmt: skip
    export.add_argument(
        "--meter", metavar="METER", default="", help="readings and events of this one"
    )
    export.set_defaults(run=run_export)


def _add_prune(parts: Subparsers) -> None:
    prune = parts.add_parser(
        "prune",
        help="delete old files of a journal",
        description=(
            "Delete the files of streams whose batches are all older than AGE. Not "
            "while an agent has the journal, and nothing that an uplink has not "
            "acknowledged, unless told to: that becomes a gap."
        ),
        epilog="Example: zerometer journal prune journal --keep 31d --dry-run",
    )
    _journal_argument(prune)
    prune.add_argument(
        "--keep", metavar="AGE", type=_age_ms, required=True,
        help="what is younger stays: such as 48h, 31d, 26w",
    )  # fmt: skip
    prune.add_argument(
        "--stream", choices=STREAMS, metavar="STREAM", action="append",
        help=f"only this one: {', '.join(STREAMS)}; may be repeated",
    )  # fmt: skip
    prune.add_argument(
        "--dry-run", action="store_true", help="only print what would go"
    )
    prune.add_argument(
        "--force", action="store_true", help="also what was not acknowledged"
    )
    prune.set_defaults(run=run_prune)


def _journal_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "journal", metavar="JOURNAL", type=Path, help="the folder of a journal"
    )


def _time(text: str) -> int:
    """Return a time in ms (UTC)."""
    try:
        return parse_time(text) // NS_PER_MS
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _age_ms(text: str) -> int:
    number, unit = text[:-1], text[-1:]
    if unit not in UNITS_MS or not number.isascii() or not number.isdigit():
        raise argparse.ArgumentTypeError(f"{text[:40]!r}: expected such as 48h, 31d")
    return int(number) * UNITS_MS[unit]


def run_info(options: argparse.Namespace) -> int:
    """Show what a journal holds."""
    from zerometer.agent.journal_tools.contents import read_journal
    from zerometer.agent.journal_tools.info import describe
    from zerometer.agent.journal_tools.words import info_lines

    found = describe(read_journal(options.journal))
    if options.json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        print("\n".join(info_lines(found)))
    return 0


def run_verify(options: argparse.Namespace) -> int:
    """Prove a journal; return 0, or the exit code of bytes that are not right."""
    from dataclasses import asdict

    from zerometer.agent.journal_tools.verify import verify
    from zerometer.agent.journal_tools.words import proof_lines

    verdict = verify(options.journal)
    if options.json:
        ok = not verdict.findings
        print(json.dumps({"ok": ok, **asdict(verdict)}, ensure_ascii=False))
    else:
        for proof in verdict.proofs:
            print("\n".join(proof_lines(proof)))
        for finding in verdict.unreadable:
            print(f"{finding.kind}: {finding.text}")
    return FormatError.exit_code if verdict.findings else 0


def run_export(options: argparse.Namespace) -> int:
    """Export rows or batches; return 0, or the exit code of what is no batch."""
    from zerometer.agent.journal_tools.export import Selection, rows, write_batches
    from zerometer.agent.journal_tools.sheets import write_csv, write_parquet
    from zerometer.agent.journal_tools.tables import SHEETS

    sheet = SHEETS[options.stream]
    if options.meter and not sheet.subject:
        raise UsageError(
            f"journal export: --meter: rows of {options.stream} are of no meter; "
            "it is for readings and events"
        )
    if options.out is None and options.format != "csv":
        raise UsageError(f"journal export: --format {options.format} needs --out")
    chosen = Selection(sheet.streams, options.since, options.until, options.meter)

    def tell(text: str) -> None:
        print(text, file=sys.stderr)

    if options.format == "batches":
        write_batches(options.journal, options.out, chosen, tell)
    else:
        found = rows(options.journal, sheet, chosen, tell)
        if options.format == "parquet":
            write_parquet(found, sheet, options.out)
        elif options.out is None:
            write_csv(found, sheet, sys.stdout)
        else:
            try:
                with options.out.open("w", encoding="utf-8", newline="") as out:
                    write_csv(found, sheet, out)
            except OSError as error:
                raise UsageError(f"{options.out}: {error.strerror}") from error
    return FormatError.exit_code if chosen.damaged else 0


def run_prune(options: argparse.Namespace) -> int:
    """Delete old files."""
    from zerometer.agent.journal_tools.contents import read_journal
    from zerometer.agent.journal_tools.prune import plan, prune, refuse
    from zerometer.agent.journal_tools.words import doomed_line

    streams = tuple(options.stream or STREAMS)
    before_ms = time.time_ns() // NS_PER_MS - options.keep
    doomed = plan(read_journal(options.journal), streams, before_ms)
    if not options.dry_run:
        if not options.force:
            refuse(doomed)
        doomed = prune(options.journal, streams, before_ms)
    for file in doomed:
        print(doomed_line(file))
    return 0
