"""Threads: what is built in one is what is built alone, and no other thread sees anything of it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.utils._device
from each import each
from torch import Tensor, nn

import zoo
from zoo.components import CellType, NoOptions
from zoo.engine.cell import Cell, States, StateSpec
from zoo.model.base import Model
from zoo.plugin.hookspecs import hookimpl
from zoo.plugin.manager import given, isolated, using

CELLS = ("lstm", "gru", "lru", "s5", "mamba")
"""Plain draws, orthogonal and truncated ones, complex numbers, and quotients of whole numbers."""
DTYPES = (torch.float32, torch.float64, torch.bfloat16)
THREADS, EACH = 8, 25


@pytest.fixture(autouse=True)
def _often() -> Iterator[None]:
    """Threads take turns ten times as often as usual, so that a race shows."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-4)
    yield
    sys.setswitchinterval(before)


def spec(cell: str) -> dict[str, Any]:
    layers = [{"hidden_size": 4, "initial_state": "learned"}, {"hidden_size": 3, "norm": "layer"}]
    return {"schema": 1, "name": "a", "input": 3, "cell": cell, "layers": layers, "head": {"kind": "linear", "size": 2}}


def built(number: int, device: str = "cpu") -> Model:
    """One of many models, each with another seed, cell or dtype."""
    cell, dtype = CELLS[number % len(CELLS)], DTYPES[number % len(DTYPES)]
    return zoo.build(spec(cell), seed=number, dtype=dtype, device=device)


def in_threads(works: list[Callable[[], None]]) -> None:
    """Run them all at once; the first error of any is raised here."""
    errors: list[BaseException] = []
    together = threading.Barrier(len(works))

    def guarded(work: Callable[[], None]) -> None:
        try:
            together.wait()
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def equal(one: Model, other: Model) -> bool:
    mine, theirs = one.state_dict(), other.state_dict()
    return list(mine) == list(theirs) and all(
        mine[key].dtype == theirs[key].dtype and torch.equal(mine[key], theirs[key]) for key in mine
    )


def test_models_built_in_eight_threads_are_those_built_alone_and_a_ninth_sees_nothing() -> None:
    alone = [built(number) for number in range(THREADS * EACH)]
    torch.manual_seed(3)
    expected = [torch.rand(2) for _ in range(200)]
    torch.manual_seed(3)
    found: dict[int, Model] = {}
    seen: list[Tensor] = []
    globals_seen: set[Any] = set()
    done = threading.Event()

    def build(thread: int) -> None:
        for number in range(thread, THREADS * EACH, THREADS):
            found[number] = built(number)
            if not thread:
                built(number, "meta")
        if len(found) == len(alone):
            done.set()

    def look() -> None:
        while not done.wait(1e-4):
            globals_seen.add((torch.get_default_dtype(), torch.get_default_device(), torch.empty(0).dtype))
            globals_seen.add(torch.utils._device.CURRENT_DEVICE)  # on which torch's compiler relies
            if len(seen) < len(expected):
                seen.append(torch.rand(2))

    in_threads([*(lambda thread=thread: build(thread) for thread in range(THREADS)), look])  # type: ignore[misc]
    assert [number for number, model in enumerate(alone) if not equal(model, found[number])] == []
    assert globals_seen == {(torch.float32, torch.device("cpu"), torch.float32), None}
    assert len(seen) > 5
    assert all(torch.equal(a, b) for a, b in zip(seen, expected, strict=False))


def test_materialised_and_summarised_in_threads_as_alone() -> None:
    alone = [str(zoo.summary(spec(cell))) for cell in CELLS]
    random, found = torch.get_rng_state(), {}

    def work(thread: int) -> None:
        for number in range(thread, 20, 4):
            model = zoo.materialise(built(number, "meta"), "cpu", seed=number)
            found[number] = (
                equal(model, built(number)) and str(zoo.summary(spec(CELLS[number % 5]))) == alone[number % 5]
            )

    in_threads([lambda thread=thread: work(thread) for thread in range(4)])  # type: ignore[misc]
    assert found == dict.fromkeys(range(20), True)
    assert torch.equal(torch.get_rng_state(), random)


def test_blocks_of_four_threads_that_share_one_model() -> None:
    model = zoo.build({"schema": 1, "name": "a", "input": 3, "cell": "lru", "hidden_size": 5}, seed=0).eval()
    x = torch.randn(2, 6, 3)
    with torch.no_grad():
        expected = model(x)[0]

    def work(blocks: int) -> None:
        with torch.no_grad():
            for _ in range(20):
                entered = [model.streaming() for _ in range(blocks)]
                for block in entered:
                    block.__enter__()
                state, outputs = None, []
                for t in range(6):
                    y, state = model.step(x[:, t], state)
                    outputs.append(y)
                for block in entered:  # the first one first
                    block.__exit__(None, None, None)
                torch.testing.assert_close(torch.stack(outputs, 1), expected)

    in_threads([lambda blocks=blocks: work(blocks) for blocks in (0, 1, 2, 3)])  # type: ignore[misc]


# A plugin's component, which makes its tensors in any of the ways that torch has.


class Ways(Cell):
    """h = tanh(a sum(x) + the sum of the others + h), so that every tensor has a part in it."""

    def __init__(self, options: NoOptions, input_shape: tuple[int, ...], hidden_size: int) -> None:
        super().__init__()
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"h": StateSpec((hidden_size,))}
        self.a = nn.Parameter(torch.rand(hidden_size))
        self.asked = nn.Parameter(torch.rand(hidden_size, dtype=torch.get_default_dtype()))
        self.old = nn.Parameter(torch.Tensor(hidden_size))
        self.drawn = nn.Parameter(torch.distributions.Uniform(0.0, 1.0).sample((hidden_size,)))
        self.register_buffer("of_default", torch.ones(hidden_size, dtype=torch.get_default_dtype()))
        self.register_buffer("steps", torch.arange(hidden_size) / 7)
        self.register_buffer("numbers", torch.tensor([0.1] * hidden_size))
        self.register_buffer("chosen", torch.where(torch.arange(hidden_size) > 1, 0.1, 0.2))
        self.register_buffer("root", torch.arange(1, 1 + hidden_size).sqrt())
        self.register_buffer("filled", torch.full((hidden_size,), 0.1))
        self.register_buffer("exact", torch.full((hidden_size,), 0.1, dtype=torch.float64))
        self.register_buffer("indices", torch.randperm(hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        for parameter in self.parameters():
            nn.init.trunc_normal_(parameter)

    def step(self, u: Any, state: Any, const: Any) -> States:
        held = self.a + self.asked + self.old + self.drawn + self.of_default + self.steps + self.numbers + self.chosen
        return {"h": torch.tanh(u.sum(1, keepdim=True) * held + state["h"])}


@hookimpl
def zoo_cells() -> list[CellType]:
    return [CellType(name="ways", build=f"{__name__}:Ways")]


@each("dtype", [torch.float64, torch.float32, torch.bfloat16])
@each("default", [torch.float32, torch.float64])
def test_a_plugin_that_asks_torch_for_its_default_dtype_is_built_in_the_one_asked_for(
    dtype: torch.dtype, default: torch.dtype
) -> None:
    torch.set_default_dtype(default)
    try:
        with using(isolated(given(sys.modules[__name__], distribution="zoo-ways"))):
            data = {"schema": 1, "name": "a", "input": 3, "cell": "ways", "hidden_size": 5}
            model = zoo.build(data, seed=1, dtype=dtype)
            again = zoo.build(data, seed=1, dtype=dtype)
        cell = model.layers[0].cell
        low = dtype == torch.bfloat16
        assert {name: p.dtype for name, p in cell.named_parameters()} == dict.fromkeys(
            ("a", "asked", "old", "drawn"), dtype
        )
        # Buffers of a cell with parameters are never in half precision: they may define its dynamics.
        wide = torch.float32 if low else dtype
        for name in ("steps", "numbers", "chosen", "root", "filled"):
            assert getattr(cell, name).dtype == wide, name
        assert cell.exact.dtype == (wide if low else torch.float64)
        assert equal(model, again)
        drawn = torch.float64 if dtype == torch.float64 else torch.float32
        exact = {
            "steps": torch.arange(5, dtype=drawn) / 7,
            "root": torch.arange(1, 6, dtype=drawn).sqrt(),
            "chosen": torch.tensor([0.2, 0.2, 0.1, 0.1, 0.1], dtype=drawn),
        }
        for name, value in exact.items():
            assert torch.equal(getattr(cell, name), value.to(wide)), name
        if dtype == default:
            assert model(torch.ones(2, 3, 3, dtype=dtype))[0].dtype == dtype
        assert torch.get_default_dtype() == default
    finally:
        torch.set_default_dtype(torch.float32)


DRAWS: dict[str, Callable[[], Tensor]] = {
    "rand": lambda: torch.rand(3),
    "randn": lambda: torch.randn(3),
    "randint": lambda: torch.randint(9, (3,)),
    "randperm": lambda: torch.randperm(5),
    "normal": lambda: torch.normal(0.0, 1.0, (3,)),
    "normal-of-tensors": lambda: torch.normal(torch.zeros(3), torch.ones(3)),
    "like": lambda: torch.rand_like(torch.ones(3)) + torch.randn_like(torch.ones(3)),
    "bernoulli": lambda: torch.bernoulli(torch.full((9,), 0.5)),
    "multinomial": lambda: torch.multinomial(torch.ones(9), 3),
    "poisson": lambda: torch.poisson(torch.full((3,), 5.0)),
    **{
        name: lambda name=name: getattr(torch.ones(9), name)(*((0.5,) if name[0] in "bg" else ()))  # type: ignore[misc]
        for name in (
            "uniform_",
            "normal_",
            "exponential_",
            "bernoulli_",
            "cauchy_",
            "geometric_",
            "log_normal_",
            "random_",
        )
    },
    **{
        name: lambda name=name: getattr(nn.init, name)(torch.empty(4, 4))  # type: ignore[misc]
        for name in ("uniform_", "normal_", "trunc_normal_", "xavier_uniform_", "xavier_normal_", "kaiming_uniform_")
    },
    "kaiming_normal_": lambda: nn.init.kaiming_normal_(torch.empty(4, 4)),
    "orthogonal_": lambda: nn.init.orthogonal_(torch.empty(4, 4)),
    "sparse_": lambda: nn.init.sparse_(torch.empty(4, 4), 0.5),
    "linear": lambda: nn.Linear(3, 3).weight,
    "lstm": lambda: nn.LSTM(3, 3).weight_hh_l0,
    "attention": lambda: nn.MultiheadAttention(4, 2).in_proj_weight,
    "conv": lambda: nn.Conv1d(3, 3, 2).weight,
    "embedding": lambda: nn.Embedding(3, 3).weight,
    "gamma": lambda: torch.distributions.Gamma(torch.ones(3), torch.ones(3)).sample(),
    "dirichlet": lambda: torch.distributions.Dirichlet(torch.ones(3)).sample(),
}


@each("name", DRAWS)
@each("dtype", [torch.float32, torch.float64])
def test_random_numbers_are_those_of_the_seed_and_the_default_dtype(name: str, dtype: torch.dtype) -> None:
    """Bit for bit what `torch.manual_seed` and `torch.set_default_dtype` would have given."""
    from zoo.model.factory import Building

    random = torch.get_rng_state()
    with Building(dtype, 5):
        found = [DRAWS[name]() for _ in range(2)]
    assert torch.equal(torch.get_rng_state(), random)
    torch.set_default_dtype(dtype)
    try:
        with torch.random.fork_rng([]):
            torch.manual_seed(5)
            expected = [DRAWS[name]() for _ in range(2)]
    finally:
        torch.set_default_dtype(torch.float32)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)
