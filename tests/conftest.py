"""What every test shares: one thread in each process, and one catalogue of what is installed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

# Tests are small and run side by side: threads that wait for one another's cores made them ten times slower. torch
# reads this when it is imported, and so do the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Started in the background, as by nohup, a process ignores interrupts, and so do those that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Tests neither read nor write what the user's own commands keep; those of the index have one of their own.
os.environ["ZOO_INDEX"] = "off"

LONGEST = (
    "test_new_plugin.py", "test_docs_plugin_tutorial.py", "test_strangers.py", "test_contract.py", "test_plugin_installed.py",
    "test_plugin_lifetime.py", "test_health.py", "test_engine_scan.py",
)  # fmt: skip
"""Files whose tests take seconds each, by the longest of them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="Run the tests marked `long` too, as `make test-all` does.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest tests first: one that starts last keeps a single worker busy while the others have gone home."""
    if not config.getoption("--long"):
        long = [item for item in items if item.get_closest_marker("long")]
        items[:] = [item for item in items if not item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="session", autouse=True)
def _read_once() -> None:
    from zoo.plugin.manager import catalogue

    catalogue()


@pytest.fixture(autouse=True)
def _same_catalogue(_read_once: None) -> Iterator[None]:
    """Whatever a test makes of the process's catalogue, the next one finds the one of the installed plugins."""
    from zoo.plugin import manager

    before = manager._current
    yield
    manager._current = before
