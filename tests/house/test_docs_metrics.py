"""The page of metrics lists what is served: names, labels, meanings."""

import json
from typing import Any

from harness.markdown import ROOT, inline, page, rows

from zerometer.agent.exposition import Metric
from zerometer.agent.metrics import METRICS
from zerometer.drivers.faults import ERROR_KINDS

PAGE = "docs/metrics.md"
EXAMPLE = ROOT / "tests" / "agent" / "page_snapshot.json"


def test_the_page_lists_what_is_served() -> None:
    example = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    served = [
        [f"`{metric.name}`", _labels(metric, example), metric.help]
        for metric in METRICS
    ]
    listed = page(PAGE).partition("\nKinds of errors:")[0]
    assert rows(listed) == served


def _labels(metric: Metric, example: dict[str, Any]) -> str:
    labels, _ = next(iter(metric.samples(example)))
    return ", ".join(f"`{name}`" for name in labels)


def test_the_kinds_of_errors_are_named() -> None:
    assert set(ERROR_KINDS) <= set(inline(page(PAGE)))
