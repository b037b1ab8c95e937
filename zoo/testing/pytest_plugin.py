"""What pytest learns when this package is installed: two options, and a line that counts the checks of the contract.

Every run of pytest loads this file, so it imports next to nothing that pytest does not have already.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from zoo.testing import asked
from zoo.testing.asked import Asked

PROPERTY = "zoo_check"
"""The property of a test's report that says which model and which check it was; JUnit files have it too."""

DETAIL = "zoo_detail"
"""The property that has what the check says of itself, as which options it varied."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("zoo", "models of zoo")
    group.addoption(
        "--zoo-check",
        action="append",
        default=[],
        metavar="NAME",
        help="Of the conformance checks, run only this one, slow or not; may be repeated.",
    )
    group.addoption(
        "--zoo-device",
        metavar="DEVICE",
        help="Device of the conformance checks: cpu, cuda or mps. An available GPU, else the CPU, if neither this "
        "nor a test says.",
    )


def pytest_configure(config: pytest.Config) -> None:
    wanted = Asked(tuple(config.getoption("--zoo-check")), config.getoption("--zoo-device"))
    if wanted == Asked():
        return
    # Only whoever asks for something pays for knowing whether it is there.
    from zoo.checks.choice import select
    from zoo.errors import ZooError

    try:
        if wanted.checks:
            select(wanted.checks)
        if wanted.device is not None:
            from zoo.checks.subject import as_device

            as_device(wanted.device)
    except ZooError as error:
        raise pytest.UsageError(str(error)) from None
    asked.current = wanted


def pytest_unconfigure(config: pytest.Config) -> None:
    asked.current = Asked()


def pytest_itemcollected(item: pytest.Item) -> None:
    check = _check_of(item)
    if check is not None:
        item.user_properties.append((PROPERTY, check.name))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    outcome: Any = yield
    check = _check_of(item)
    _shown(item, check)
    if check is not None and not check.calls and outcome.excinfo is None:
        said = f"{item.nodeid} did not run its check: the test has to call it, check()"
        outcome.force_exception(pytest.fail.Exception(said, pytrace=False))


def _shown(item: pytest.Item, check: Any) -> None:
    """What a check says of itself: in JUnit files, and with `-rP` for what passed."""
    detail = next((call.detail for call in getattr(check, "calls", ()) if call is not None), "")
    if detail:
        from zoo.errors import clean

        detail = clean(detail)
        item.user_properties.append((DETAIL, detail))
        item.add_report_section("call", "zoo", detail)


def _check_of(item: pytest.Item) -> Any:
    """What `parametrize_with_checks` gave to a test, or None."""
    if "zoo.testing.conformance" not in sys.modules:
        return None
    from zoo.testing.conformance import Applies, Check

    given = getattr(item, "callspec", None)
    check = None if given is None else given.params.get("check")
    return check if isinstance(check, Check | Applies) else None


def pytest_terminal_summary(terminalreporter: Any) -> None:
    line = _counted(terminalreporter.stats)
    if line:
        terminalreporter.write_line(line)


def _counted(stats: dict[str, list[Any]]) -> str:
    """The outcomes of all checks on one line; empty where none ran."""
    found: dict[str, tuple[str, str]] = {}  # by test, the last word counts: an error while it is taken down
    for outcome in ("passed", "xfailed", "skipped", "failed", "error"):
        for report in stats.get(outcome, []):
            names = [value for key, value in getattr(report, "user_properties", ()) if key == PROPERTY]
            # That some check applies is no check of its own, unless none does.
            if names and not (names[0].endswith(" applies") and outcome in ("passed", "skipped")):
                found[report.nodeid] = names[0], "failed" if outcome == "error" else outcome
    if not found:
        return ""
    models = {name.partition(" ")[0] for name, _ in found.values()}
    counts = Counter(outcome for _, outcome in found.values())
    expected = counts["xfailed"]
    shown = [f"{counts['passed']} passed"]
    shown += [f"{expected} expected failure{'s' * (expected > 1)}"] if expected else []
    shown += [f"{counts['skipped']} skipped", f"{counts['failed']} failed"]
    return f"zoo: {_number(len(found), 'check')} on {_number(len(models), 'model')}: {', '.join(shown)}"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"
