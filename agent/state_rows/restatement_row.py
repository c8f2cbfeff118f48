"""What a restatement came to, as a row of the ledger's stream."""

from zerometer.agent.gather import Field, Value
from zerometer.agent.restatement import Run

TABLE = "restatement"
_MS = 1_000_000
#: Milligrams, as in the windows.
_EXPONENT = -6


def restatement_row(run: Run) -> tuple[str, tuple[Field, ...], list[Value]]:
    """Return table, fields and values of a restatement that ended."""
    fields = (
        Field("from", "ms", 0, "integer"),
        Field("until", "ms", 0, "integer"),
        Field("quarters", "", 0, "integer"),
        *(Field(f"delta:{view}", "kg", _EXPONENT) for view in run.delta_kg),
        Field("revision_before", "", 0, "integer"),
        Field("revision", "", 0, "integer"),
    )
    row: list[Value] = [
        run.start_ns // _MS,
        run.end_ns // _MS,
        run.rows,
        *run.delta_kg.values(),
        run.revision_before,
        run.revision,
    ]
    return TABLE, fields, row
