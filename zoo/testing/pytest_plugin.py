"""What pytest learns when this package is installed: two options, and a line that counts the checks of the contract.

Every run of pytest loads this file, so it imports nothing that pytest does not have already.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

PROPERTY = "zoo_check"
"""The property of a test's report that says which model and which check it was; JUnit files have it too."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks of the contract. checks: their names; none for what each test asks for itself."""

    checks: tuple[str, ...] = ()
    device: str | None = None


asked = Asked()
"""Of the run that collects tests now: a decorator has no other way to learn of it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("zoo", "models of zoo")
    group.addoption(
        "--zoo-check",
        action="append",
        default=[],
        metavar="NAME",
        help="Of the contract of models, run this check only, slow or not; may be repeated.",
    )
    group.addoption(
        "--zoo-device",
        metavar="DEVICE",
        help="Where the contract of models runs: cpu, cuda or mps. The one available if neither this nor a test says.",
    )


def pytest_configure(config: pytest.Config) -> None:
    global asked
    wanted = Asked(tuple(config.getoption("--zoo-check")), config.getoption("--zoo-device"))
    if wanted == Asked():
        return
    # Only whoever asks for something pays for knowing whether it is there.
    from zoo.checks.run import select
    from zoo.checks.subject import as_device
    from zoo.errors import ZooError

    try:
        select(wanted.checks)
        if wanted.device is not None:
            as_device(wanted.device)
    except ZooError as error:
        raise pytest.UsageError(str(error)) from None
    asked = wanted


def pytest_unconfigure(config: pytest.Config) -> None:
    global asked
    asked = Asked()


def pytest_itemcollected(item: pytest.Item) -> None:
    if "zoo.testing.conformance" not in sys.modules:
        return
    from zoo.testing.conformance import Check

    check = getattr(item, "callspec", None) and item.callspec.params.get("check")  # type: ignore[attr-defined]
    if isinstance(check, Check):
        item.user_properties.append((PROPERTY, f"{check.model.spec.id} {check.record.name}"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    line = _counted(terminalreporter.stats)
    if line:
        terminalreporter.write_line(line)


def _counted(stats: dict[str, list[Any]]) -> str:
    """The outcomes of all checks on one line; empty where none ran."""
    models, counts = set(), Counter[str]()
    for outcome, report in _reports(stats):
        names = [value for key, value in report.user_properties if key == PROPERTY]
        if names:
            models.add(names[0].partition(" ")[0])
            counts[outcome] += 1
    if not models:
        return ""
    named = ("passed", "xfailed", "skipped", "failed")
    words = {"xfailed": "expected failures"}
    shown = [f"{counts[one]} {words.get(one, one)}" for one in named if counts[one] or one != "xfailed"]
    return f"zoo: {sum(counts.values())} checks on {len(models)} model{'s' * (len(models) != 1)}: {', '.join(shown)}"


def _reports(stats: dict[str, list[Any]]) -> Iterator[tuple[str, Any]]:
    for outcome in ("passed", "xfailed", "skipped", "failed", "error"):
        for report in stats.get(outcome, []):
            if hasattr(report, "user_properties"):
                yield "failed" if outcome == "error" else outcome, report
