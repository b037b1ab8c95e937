"""What authors test their plugins with. Names are imported when they are first used: this imports no torch.

from zoo.testing import parametrize_with_checks

@parametrize_with_checks(["acme-reader", "specs/mine.yaml"])
def test_spec(check):
    check()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.testing.bugs import assert_bug_caught, planted
    from zoo.testing.conformance import Check, parametrize_with_checks
    from zoo.testing.isolation import isolated_plugins
    from zoo.testing.numbers import assert_matches_reference
    from zoo.testing.sizes import tiny, tiny_spec

_MODULE_OF = {
    "Check": "conformance",
    "assert_bug_caught": "bugs",
    "assert_matches_reference": "numbers",
    "isolated_plugins": "isolation",
    "parametrize_with_checks": "conformance",
    "planted": "bugs",
    "tiny": "sizes",
    "tiny_spec": "sizes",
}

__all__ = [
    "Check",
    "assert_bug_caught",
    "assert_matches_reference",
    "isolated_plugins",
    "parametrize_with_checks",
    "planted",
    "tiny",
    "tiny_spec",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'zoo.testing' has no attribute {name!r}")
    found = getattr(import_module(f"zoo.testing.{_MODULE_OF[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
