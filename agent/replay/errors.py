"""What can be wrong with recorded readings."""

from collections.abc import Sequence

from zerometer.core.errors import ZerometerError

#: After so many problems, the rest of a file is not looked at.
MOST_PROBLEMS = 20


class ReadingsError(ZerometerError):
    """Recorded readings are not what they should be, or there are none."""

    exit_code = 5


def readings_error(problems: Sequence[str]) -> ReadingsError:
    """Return the error that tells *problems*, one in a line."""
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    rest = ", the rest was not read" if len(problems) >= MOST_PROBLEMS else ""
    return ReadingsError("\n".join([*problems, f"{count}{rest}"]))
