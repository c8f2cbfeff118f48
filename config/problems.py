"""What is wrong with a file, all of it at once, each with its place."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from zerometer.core.errors import ConfigError

#: More known names than this are not listed when none is near.
LISTED = 12


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One problem; ``line`` and ``column`` count from 1, 0 is the file itself."""

    file: str
    line: int
    column: int
    where: str
    key: str
    message: str

    @property
    def place(self) -> str:
        """The file, with line and column as compilers write them."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def __str__(self) -> str:
        """Place, where, key and message."""
        parts = (self.place, self.where, self.key, self.message)
        return ": ".join(part for part in parts if part)


class FileError(ConfigError):
    """A configuration that does not hold, with everything that is wrong in it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = [str(problem) for problem in problems]
        super().__init__("\n".join([*lines, f"{count}, nothing was started"]))
        self.problems = tuple(problems)


class Problems:
    """Collects problems of several files; warnings do not stop anything."""

    def __init__(self) -> None:
        self._errors: set[Problem] = set()
        self._warnings: set[Problem] = set()

    def error(self, problem: Problem) -> None:
        """Add what must be put right."""
        self._errors.add(problem)

    def warn(self, problem: Problem) -> None:
        """Add what is legal but suspicious."""
        self._warnings.add(problem)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The warnings, in the order of the file."""
        return tuple(sorted(self._warnings))

    def check(self) -> None:
        """Raise FileError when there is any error."""
        if self._errors:
            raise FileError(sorted(self._errors))


def near(word: str, known: Iterable[str]) -> str:
    """Return ``; near: ...`` for the known names like *word*, else ``; known: ...``."""
    # Only for mistakes: an agent would keep it in memory for as long as it runs.
    from zerometer.config.likeness import names_like

    names = sorted(known)
    close = names_like(word, names)
    if close:
        return "; near: " + ", ".join(f'"{name}"' for name in close)
    if not names or len(names) > LISTED:
        return ""
    return "; known: " + ", ".join(names)
