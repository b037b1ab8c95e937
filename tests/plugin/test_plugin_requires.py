"""`requires` of a spec: what is met, and what the user must install if it is not."""

from __future__ import annotations

from types import ModuleType

from each import each

from zoo.plugin.loading import Source
from zoo.plugin.manager import given, isolated


def acme(version: str = "0.2") -> Source:
    module = ModuleType("zoo_acme")
    return given(module, distribution="zoo-acme", version=version)


@each(
    "text",
    [
        "zoo-acme",
        "zoo-acme>=0.2",
        "Zoo_Acme ~= 0.2",
        "zoo-acme[extra]>=0.1,<1",
        "recurrent-zoo",
        "pydantic>=2",
        "zoo-gone; python_version < '3'",
    ],
)
def test_met(text: str) -> None:
    assert isolated(acme()).why_missing(text) is None


@each(
    ("text", "message"),
    [
        (
            "zoo-gone>=0.2",
            "the spec requires zoo-gone>=0.2, which is not installed: pip install 'zoo-gone>=0.2'",
        ),
        ("Zoo_Gone", "the spec requires zoo-gone, which is not installed: pip install zoo-gone"),
        (
            "zoo-acme>=0.3",
            "the spec requires zoo-acme>=0.3, but zoo-acme 0.2 is installed: pip install 'zoo-acme>=0.3'",
        ),
        (
            "zoo-acme >>2",
            "'zoo-acme >>2' is not a requirement: write a distribution and its versions, as in 'zoo-acme>=0.2'",
        ),
        ("", "'' is not a requirement: write a distribution and its versions, as in 'zoo-acme>=0.2'"),
        (
            "x" * 100 + "!",
            f"'{'x' * 57}...' is not a requirement: write a distribution and its versions, as in 'zoo-acme>=0.2'",
        ),
        (
            "zoo-acme @ https://example.org/a.whl",
            "'zoo-acme @ https://example.org/a.whl' names a place to download from, which a spec may not: "
            "write a distribution and its versions, as in 'zoo-acme>=0.2'",
        ),
    ],
)
def test_not_met(text: str, message: str) -> None:
    assert isolated(acme()).why_missing(text) == message


def test_whoever_installed_a_pre_release_means_to_use_it() -> None:
    assert isolated(acme("0.3.dev1")).why_missing("zoo-acme>=0.2") is None
    assert isolated(acme("0.3.dev1")).why_missing("zoo-acme>=0.3") == (
        "the spec requires zoo-acme>=0.3, but zoo-acme 0.3.dev1 is installed: pip install 'zoo-acme>=0.3'"
    )


def test_a_version_that_is_none_meets_a_bare_name_only() -> None:
    assert isolated(acme("newest")).why_missing("zoo-acme") is None
    assert isolated(acme("newest")).why_missing("zoo-acme>=0.1") == (
        "the spec requires zoo-acme>=0.1, but zoo-acme newest is installed: pip install 'zoo-acme>=0.1'"
    )


def test_installed_but_broken_says_so() -> None:
    def load() -> None:
        raise ValueError("no luck")

    broken = Source(name="acme", distribution="zoo-acme", version="0.2", module="zoo_acme", load=load)
    assert isolated(broken).why_missing("zoo-acme>=0.1") == (
        "the spec requires zoo-acme>=0.1, but plugin acme (zoo-acme 0.2) is broken: "
        "cannot be imported: ValueError: no luck"
    )
