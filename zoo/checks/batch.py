"""Inputs for checks, cut and put together again, and runs over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from zoo.checks.subject import Subject, tensors
from zoo.engine.state import State
from zoo.errors import CheckFailure
from zoo.model.base import Model
from zoo.spec.canonical import Spec
from zoo.spec.tree import Recurrent


@dataclass(frozen=True)
class Batch:
    """What a model is called with, by name, all (B, T, ...): x and what its cells read beside it (dt, observed).

    Of several inputs each stands by itself, as `x.words`, so that what is done to tensors need not know of them.

    Attributes:
        once: Names of those that come in once per sequence, (B, ...).
        hop: How many steps of the input are cut off as one: those that the layers make one step of.
    """

    arguments: Mapping[str, Tensor]
    once: frozenset[str] = frozenset()
    hop: int = 1

    @property
    def x(self) -> Any:
        """As a model takes it: a tensor, or of several inputs a mapping."""
        return self.arguments["x"] if "x" in self.arguments else {n[2:]: t for n, t in self.inputs.items()}

    @property
    def inputs(self) -> dict[str, Tensor]:
        """What x is made of, by name: `x` itself, or `x.words`; nothing for an architecture of several stacks."""
        return {name: tensor for name, tensor in self.arguments.items() if name.partition(".")[0] == "x"}

    @property
    def lead(self) -> Tensor:
        """A tensor (B, T, ...) of x."""
        return next(tensor for name, tensor in self.inputs.items() if name not in self.once)

    @property
    def real(self) -> bool:
        """Whether numbers come in at each step."""
        return any(t.is_floating_point() for name, t in self.inputs.items() if name not in self.once)

    @property
    def extras(self) -> dict[str, Tensor]:
        return {name: tensor for name, tensor in self.arguments.items() if name.partition(".")[0] != "x"}

    @property
    def call(self) -> dict[str, Any]:
        """The keyword arguments of a call."""
        return {"x": self.x, **self.extras} if self.inputs else dict(self.arguments)

    def map(self, function: Callable[[Tensor], Tensor]) -> Batch:
        return self._with({name: function(tensor) for name, tensor in self.arguments.items()})

    def map_steps(self, function: Callable[[Tensor], Tensor]) -> Batch:
        """Change what has steps."""
        new = {name: t if name in self.once else function(t) for name, t in self.arguments.items()}
        return self._with(new)

    def map_x(self, function: Callable[[Tensor], Tensor]) -> Batch:
        """Change what comes in at each step."""
        inputs = {name: function(t) for name, t in self.inputs.items() if name not in self.once}
        return self._with({**self.arguments, **inputs})

    def sequences(self, index: Any) -> Batch:
        """Some sequences: an index, a slice or a mask along the batch."""
        return self.map(lambda t: t[index])

    def steps(self, start: int, stop: int) -> Batch:
        return self.map_steps(lambda t: t[:, start * self.hop : stop * self.hop])

    def with_x(self, x: Any) -> Batch:
        """With another x, in the form in which a model takes it."""
        return self._with(flat({**self.extras, "x": x}))

    def with_extra(self, name: str, tensor: Tensor) -> Batch:
        return self._with({**self.arguments, name: tensor})

    def step(self, t: int) -> tuple[Any, dict[str, Tensor]]:
        """One step as `Model.step` takes it: x (B, ...), or (B, hop, ...), and what stands beside it."""
        now = self.map_steps(lambda tensor: tensor[:, t]) if self.hop == 1 else self.steps(t, t + 1)
        return now.x, now.extras

    def _with(self, arguments: Mapping[str, Tensor]) -> Batch:
        return Batch(arguments, self.once, self.hop)


def flat(given: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of a call by name, those of a mapping of inputs as `x.words`."""
    found: dict[str, Tensor] = {}
    for name, value in given.items():
        found |= {f"{name}.{key}": t for key, t in value.items()} if isinstance(value, Mapping) else {name: value}
    return found


def batch_of(
    subject: Subject, size: int, steps: int, *, seed: int = 0, dtype: torch.dtype | None = None, whole: bool = False
) -> Batch:
    """A random batch for the tiny model, with everything that its cells can read.

    Args:
        subject: Whose model.
        size: Number of sequences.
        steps: Number of steps of the output.
        seed: Of what is drawn.
        dtype: Of numbers.
        whole: Whether it is cut in hops, and ends with one. Else it has steps left over where windows move.
    """
    if subject.several:
        return Batch(subject.model(dtype=dtype).example_arguments(size, steps, seed=1000 * seed + 10 * size + steps))
    x = subject.input(size, steps, seed=seed, dtype=dtype, whole=whole)
    batch = beside(x, read_by(subject.tiny), seed=seed, dtype=dtype or subject.exact, once=subject.once)
    return replace(batch, hop=subject.hop) if whole else batch


def read_by(spec: Spec) -> frozenset[str]:
    """What the cells of a model of one stack read beside x: `observed` in the first layer alone."""
    uses = [uses_of(layer) for layer in spec.recurrent]
    return frozenset(
        name for name in ("dt", "observed") if any(name in one for one in (uses if name == "dt" else uses[:1]))
    )


def uses_of(layer: Recurrent) -> frozenset[str]:
    """What a layer's cell reads beside its input, as its record says."""
    found: frozenset[str] = getattr(layer.cell.record, "uses", frozenset())
    return found


def beside(x: Any, read: Set[str], *, seed: int = 0, dtype: torch.dtype, once: frozenset[str] = frozenset()) -> Batch:
    """x (B, T, ...) with random irregular dt and random `observed` beside it, where they are read."""
    generator = torch.Generator().manual_seed(7 + seed)
    batch = Batch(flat({"x": x}), frozenset(f"x.{name}" for name in once))
    lead = batch.lead
    if "dt" in read:
        dt = 0.25 + 2 * torch.rand(lead.shape[:2], generator=generator, dtype=torch.float64)
        batch = batch.with_extra("dt", dt.to(lead.device, dtype))
    real = [t for name, t in batch.inputs.items() if name not in batch.once and t.is_floating_point()]
    if "observed" in read and len(real) == 1:
        batch = batch.with_extra("observed", (torch.rand(real[0].shape, generator=generator) < 0.7).to(lead.device))
    return batch


def run(
    model: Model,
    batch: Batch,
    state: Any = None,
    *,
    lengths: Tensor | None = None,
    reset: Tensor | None = None,
) -> tuple[Tensor, Any]:
    """The output and the state after a run."""
    beside = {"state": state, "lengths": lengths, "reset": reset}
    given = {name: value for name, value in beside.items() if value is not None}
    output, after = model(**batch.call, **given, return_state=True)
    output = joined(model, output, lengths)
    if not isinstance(output, Tensor):
        raise CheckFailure(f"the output is a {type(output).__name__}, not a tensor")
    return output, after


def pooled_of(model: Model) -> Mapping[str, bool]:
    """Whether each output of a model of one stack is one per sequence, by the heads' names; "" is that of a sum too."""
    heads: Any = getattr(model, "heads", None)
    if heads is None:
        return {"": getattr(model, "pool", None) is not None}
    found: Mapping[str, bool] = heads.pooled
    return found if heads.merge is None else {"": all(found.values())}


def joined(model: Model, output: Any, lengths: Tensor | None = None) -> Any:
    """The outputs of several heads beside each other as one; where only some pool, these stand at every valid step."""
    if not isinstance(output, Mapping):
        return output
    pooled = pooled_of(model)
    if list(output) != list(pooled):
        raise CheckFailure(f"the outputs are {', '.join(output)}, the heads {', '.join(pooled)}")
    if len(set(pooled.values())) == 1:
        return torch.cat([*output.values()], -1)
    steps = next(one.shape[1] for name, one in output.items() if not pooled[name])
    found = []
    for name, one in output.items():
        if pooled[name]:
            one = one.unsqueeze(1).expand(-1, steps, -1)
            if lengths is not None:
                ended = torch.arange(steps, device=one.device) >= lengths.unsqueeze(1)
                one = one.masked_fill(ended.unsqueeze(2), 0.0)
        found.append(one)
    return torch.cat(found, -1)


def named(model: Model, state: Any) -> State:
    """A state in either layout as a State of names, found without the model's own code for it.

    Torch's layout is (layers * directions, B, H): layer by layer, forwards first.
    """
    if isinstance(state, Mapping):
        return State(state)
    stacked = tensors(state)
    layers = getattr(model, "layers", None)
    if layers is None:  # an architecture of several stacks: by their order
        return State({str(index): tensor for index, tensor in enumerate(stacked)})
    found: dict[str, Tensor] = {}
    slot = 0
    for index, layer in enumerate(layers):
        for prefix, cell in (("", getattr(layer, "cell", None)), ("reverse.", getattr(layer, "reverse_cell", None))):
            if cell is None:
                continue
            for name, tensor in zip(cell.states, stacked, strict=True):
                found[f"layers.{index}.{prefix}{name}"] = tensor[slot]
            slot += 1
    return State(found)


def select_state(state: Any, index: Any) -> Any:
    """The state of some sequences: the batch is the first axis of named tensors and the second of torch's."""
    if isinstance(state, Mapping):
        return State({name: t[index] for name, t in state.items()})
    if isinstance(state, Tensor):
        return state[:, index]
    return tuple(t[:, index] for t in state)


def random_state(model: Model, size: int, *, seed: int = 3) -> Any:
    """A state that a model can have been left in: that after a short random run."""
    steps = max(3, model.minimum_steps)
    given = model.example_arguments(size, steps + -steps % model.hop, seed=seed)
    with torch.no_grad():
        state = model(**given, return_state=True)[1]
    return map_state(state, lambda t: t.detach().clone())


def map_state(state: Any, function: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(state, Mapping):
        return State({name: function(t) for name, t in state.items()})
    if isinstance(state, Tensor):
        return function(state)
    return tuple(function(t) for t in state)


def lengths_of(lengths: Sequence[int], device: torch.device) -> Tensor:
    return torch.tensor(list(lengths), device=device)


def vocabularies(model: Model, batch: Batch) -> dict[str, int | None]:
    """The number of symbols of each input of a batch, None for real numbers."""
    source: Any = model.input
    if "x" in batch.arguments:
        return {"x": source.vocabulary}
    return {f"x.{name}": one.vocabulary for name, one in source.reads.items()}


def called(name: str) -> str:
    """An input of a batch, by its name there, in words."""
    return "the input" if name == "x" else f"the input {name[2:]!r}"
