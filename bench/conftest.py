"""Suites of the kernels refuse to measure anything but a release build."""

from bench.machine import release_build


def pytest_report_header() -> str:
    return f"kernels: {release_build()}"
