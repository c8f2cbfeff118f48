"""Make the test vectors of the batch format: ``python docs/vectors/make.py``.

``valid.json`` and ``invalid.json`` hold an array of objects: ``name``; ``hex``, the
bytes of a batch; ``valid``; ``decoded``, what a decoder finds in a valid one, or null;
``error``, the word for what is wrong with an invalid one, or null. In ``decoded``,
bytes are hexadecimal, and ``signed_by`` is the key of a signature or null. A value is
null where there is none, {"integer": TEXT} from 2^53 on, above and below zero, and
{"float": "NaN"}, "Infinity" or "-Infinity" where JSON knows no number.
"""

import json
import math
import sys
from pathlib import Path
from typing import Any

from right import valid
from wrong import invalid

from zerometer.agent.batch import Batch, Column, decode
from zerometer.agent.batch.header import pack_header
from zerometer.core.errors import FormatError

HERE = Path(__file__).resolve().parent

Vector = dict[str, Any]


def shown(batch: Batch) -> Vector:
    """Return what is in *batch*, as JSON has it."""
    entries = pack_header(batch.header)
    return {
        "header": {
            name: value.hex() if isinstance(value, bytes) else value
            for name, value in entries.items()
        },
        "tables": [
            {
                "name": table.name,
                "columns": [
                    {
                        "name": column.name,
                        "unit": column.unit,
                        "exponent": column.exponent,
                        "values": _values(column),
                    }
                    for column in table.columns
                ],
            }
            for table in batch.tables
        ],
        "skipped": batch.skipped,
        "signed_by": batch.signature.key.hex() if batch.signature else None,
    }


def _values(column: Column) -> list[Any]:
    nulls = column.nulls or bytes(len(column.values))
    return [
        None if null else _value(value)
        for value, null in zip(column.values, nulls, strict=True)
    ]


def _value(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        texts = {math.inf: "Infinity", -math.inf: "-Infinity"}
        return {"float": texts.get(value, "NaN")}
    if type(value) is int and abs(value) >= 1 << 53:
        return {"integer": str(value)}
    return value


def vectors() -> dict[str, list[Vector]]:
    """Return the vectors by file; SystemExit when one is not what it is meant to be."""
    right = [
        {
            "name": name,
            "hex": data.hex(),
            "valid": True,
            "decoded": shown(decode(data)),
            "error": None,
        }
        for name, data in valid()
    ]
    wrong = []
    for error, name, data in invalid():
        try:
            decode(data)
        except FormatError as fault:
            if fault.code != error:
                raise SystemExit(f"{name}: {fault.code}: {fault}") from None
        else:
            raise SystemExit(f"{name}: is valid")
        wrong.append(
            {
                "name": name,
                "hex": data.hex(),
                "valid": False,
                "decoded": None,
                "error": error,
            }
        )
    return {"valid.json": right, "invalid.json": wrong}


def text(found: list[Vector]) -> str:
    """Return the vectors as a file has them: one in each line."""
    lines = [json.dumps(vector, ensure_ascii=False) for vector in found]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def main() -> int:
    """Write the files."""
    for name, found in vectors().items():
        (HERE / name).write_text(text(found), encoding="utf-8")
        sys.stdout.write(f"{name}: {len(found)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
