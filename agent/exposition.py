"""Prometheus's text format, as far as gauges and counters need it.

The format: "Exposition formats" of the Prometheus documentation, text format 0.0.4.
These few lines are ours because prometheus_client would hold 1 MB more (measured).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
Labels = dict[str, str]
#: Labels and value of each line; None is left out: what is not known has no value.
Samples = Iterable[tuple[Labels, float | None]]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


@dataclass(frozen=True, slots=True)
class Metric:
    """A family of lines: its name, what it means, its samples in a snapshot.

    Names that end in ``_total`` are counters.
    """

    name: str
    help: str
    samples: Callable[[Json], Samples]

    @property
    def type(self) -> str:
        """The type, as Prometheus names it."""
        return "counter" if self.name.endswith("_total") else "gauge"


def exposition(metrics: Sequence[Metric], snapshot: Json) -> str:
    """Return *metrics* of a snapshot; one without a sample is left out."""
    lines: list[str] = []
    for metric in metrics:
        name = metric.name
        found = [
            f"{name}{_labelled(labels)} {float(value)!r}"
            for labels, value in metric.samples(snapshot)
            if value is not None
        ]
        if found:
            lines += [f"# HELP {name} {metric.help}", f"# TYPE {name} {metric.type}"]
            lines += found
    return "\n".join(lines) + "\n"


def scaled(value: float | None, by: float) -> float | None:
    """Return *value* times *by*; None stays None."""
    return None if value is None else value * by


def _labelled(labels: Labels) -> str:
    if not labels:
        return ""
    pairs = (f'{name}="{text.translate(_ESCAPES)}"' for name, text in labels.items())
    return f"{{{','.join(pairs)}}}"
