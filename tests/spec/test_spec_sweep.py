"""Whatever number an option is given: no command takes long or much memory, and what is refused is refused in a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from each import each
from sweeping import ACTIONS, FLOATS, INTEGERS, KEYS, ODD, around, attempt, held, keys_with, options_of, warm

from zoo.components import ComponentType
from zoo.plugin.manager import isolated

KNOWN = isolated()
CELLS = [one.record.name for one in KNOWN.all("cell")]


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    warm(KNOWN)


def every(type_name: str) -> Iterator[Any]:
    for record, name in options_of(KNOWN, type_name):
        yield pytest.param(record, name, id=f"{record.kind}-{record.name}-{name}")


QUICK = [
    ("cell", "gla", "gate_rank", 10**8),  # half a minute and 2.4 GB, when it was built
    ("cell", "deltanet", "key_size", 10**7),  # no memory left in the middle of the run
    ("cell", "mamba", "state_size", 10**6),
    ("cell", "lmu", "order", 10**4),  # the exponential of a matrix of 10,000 rows, on meta too: refused
    ("cell", "taugru", "delay", 10**6),
    ("cell", "rwkv7", "gate_rank", 10**18),
    ("cell", "sru", "highway_bias", 3.4e38),  # OverflowError
    ("cell", "gla", "gate_normaliser", 1e-300),
    ("head", "mlp", "hidden", 10**7),
    ("head", "linear", "size", 10**9),
    ("input", "tokens", "vocabulary", 10**8),
    ("input", "features", "size", 10**7),
    ("init", "uniform", "range", 3.4e38),  # RuntimeError of torch
    ("init", "chrono", "longest", 10**18),
    ("norm", "layer", "eps", 1e39),
]


@each(("kind", "component", "option", "value"), QUICK)
def test_a_huge_option_takes_neither_time_nor_memory(kind: str, component: str, option: str, value: Any) -> None:
    held(keys_with(KNOWN.find(kind, component).record, option, value), KNOWN)


def test_what_is_too_large_to_build_is_summarised_all_the_same() -> None:
    keys = keys_with(KNOWN.find("cell", "gla").record, "gate_rank", 10**8)
    said = dict(zip(ACTIONS, (outcome.said for outcome in held(keys, KNOWN)), strict=True))
    refused = "x has 600,000,054 parameters, 2.2 GiB, over the limit of 67,108,864 bytes: raise it with "
    assert said.pop("build") == f"{refused}memory_limit=..., or build on device='meta'"
    assert set(said.values()) == {""}


@each("cell", ["s5", "esn", "orthogonal", "gru-d", "convlstm", "lmu"])
def test_nothing_is_computed_on_meta(cell: str) -> None:
    """Eigenvalues and exponentials of large matrices are for nothing there."""
    sizes = {"cell": {"kind": "lmu", "order": 1000}} if cell == "lmu" else {}
    for action in ("summary", "meta"):
        outcome = attempt(action, {**around(cell), "hidden_size": 10_000, **sizes}, KNOWN)
        assert (outcome.said, outcome.seconds < 0.5, outcome.megabytes < 50) == ("", True, True), outcome


@each("value", [10**5000, -(10**5000), 10**1000000], ids=["long", "negative", "longest"])
@each("key", ["input", "hidden_size", "layers"])
def test_an_integer_that_python_will_not_write_is_refused(key: str, value: int) -> None:
    (outcome,) = held({**KEYS, key: value}, KNOWN)
    bits = f"{value.bit_length():,}"
    assert outcome.said == f"holds a value that no spec file can: an integer of {bits} bits, of which 64 are the most"


@pytest.mark.long
@pytest.mark.parametrize(("record", "name"), every("int"))
def test_any_integer_of_any_option(record: ComponentType, name: str) -> None:
    for value in (*INTEGERS, *ODD, 1.5, 1e300):
        held(keys_with(record, name, value), KNOWN)


@pytest.mark.long
@pytest.mark.parametrize(("record", "name"), every("float"))
def test_any_number_of_any_option(record: ComponentType, name: str) -> None:
    for value in (*FLOATS, *ODD):
        held(keys_with(record, name, value), KNOWN)


@pytest.mark.long
@pytest.mark.parametrize("cell", CELLS)
def test_any_size_of_any_cell(cell: str) -> None:
    """What needs no build of its own: a real one takes what its numbers take."""
    keys = around(cell)
    for value in INTEGERS:
        source = {**keys["input"], "channels": value} if isinstance(keys["input"], dict) else value
        for changed in ({"hidden_size": value}, {"input": source}):
            held(keys | changed, KNOWN, ("validate", "figures", "summary", "meta", "tiny"))


@pytest.mark.long
@pytest.mark.parametrize("cell", CELLS)
def test_any_number_of_layers_of_any_cell(cell: str) -> None:
    """A thousand are the most, and take a few milliseconds each, as nobody is spared who asks for them."""
    for value in INTEGERS:
        held(around(cell) | {"layers": value}, KNOWN, most=8)
