"""A figure that must not be exceeded, and how results and READMEs show it."""

from collections.abc import Sequence
from dataclasses import dataclass

HEAD = "| budget | measured | at most | |"


@dataclass(frozen=True, slots=True)
class Budget:
    """What was *measured* of what has the *name*, and the *most* that it may be."""

    name: str
    measured: float
    most: float

    @property
    def kept(self) -> bool:
        """Whether it was not exceeded."""
        return self.measured <= self.most


def table(budgets: Sequence[Budget]) -> list[str]:
    """Return the lines of a table of *budgets*; it ends each file of results."""
    return [
        HEAD,
        "|---|---|---|---|",
        *[
            f"| {budget.name} | {budget.measured:.4g} | {budget.most:g} "
            f"| {'kept' if budget.kept else '**exceeded**'} |"
            for budget in budgets
        ],
    ]
