"""A published model against its source's own forward pass: the same weights, by an explicit map, give the same output.

A reference is written from the source, or is the source: what it is and where it was read stands in proofs.yaml.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor, nn

import zoo

LENGTHS: Final = (7, 4, 1, 6)
SYMBOLS: Final = 11
"""Of the small copies of models over symbols, one more than any width beside it."""


class Theirs:
    """The source's parameters and running figures by name. It notes which were taken: none may be left over."""

    def __init__(self, module: nn.Module) -> None:
        self._found = {name: value.detach() for name, value in module.named_parameters()}
        self._found |= {name: value for name, value in module.named_buffers() if value.is_floating_point()}
        self.left = set(self._found)

    def __getitem__(self, name: str) -> Tensor:
        self.left.discard(name)
        return self._found[name]

    def gates(self, name: str, order: str, ours: str = "ifgo", axis: int = 0) -> Tensor:
        """Blocks along an axis, which the source has in one order and we in another."""
        blocks = dict(zip(order, self[name].chunk(len(order), axis), strict=True))
        return torch.cat([blocks[gate] for gate in ours], axis)


class Renamed(Theirs):
    """The same under other names: rules of `re.sub`, one after the other, from the source's names to those wanted."""

    def __init__(self, theirs: Theirs, *rules: tuple[str, str]) -> None:
        self.theirs, self.known = theirs, {}
        for name in theirs.left:
            new = name
            for rule, wanted in rules:
                new = re.sub(rule, wanted, new)
            assert new not in self.known, f"{name} and {self.known[new]} are both {new}"
            self.known[new] = name

    @property
    def left(self) -> set[str]:  # type: ignore[override]
        return {new for new, name in self.known.items() if name in self.theirs.left}

    def __getitem__(self, name: str) -> Tensor:
        return self.theirs[self.known[name]]


def identity(y: Tensor) -> Tensor:
    """The source gives what the spec gives."""
    return y


@dataclass(frozen=True, kw_only=True)
class Case:
    """How a model is proved.

    Attributes:
        theirs: The source's model at small sizes: from x (1, T, ...) to (1, T, ...), or (1, ...) behind a pool.
        ours: From its parameters to ours, by name.
        changes: The same small sizes, of the spec.
        mistakes: Changes of the spec that leave every shape as it is, each by what is wrong: the proof must fail.
        after: What the source does to the output beyond what the spec says.
        gives: What is compared, (B, T, ...), of the model's output and the lengths, where that is not the output alone.
        dtype: In which both are run.
        allowed: The largest difference.
        scale: Of the input, for bounds to be reached.
        spread: Standard deviation of the weights, which are products of several in some models, and then vanish.
        lengths: Of the sequences; those of a model with strides must be long enough for a few steps behind them.
        trained: Whether the source comes with its weights, which then stay as they are.
    """

    theirs: Callable[[], nn.Module]
    ours: Callable[[Theirs], Mapping[str, Tensor]]
    changes: Mapping[str, Any]
    mistakes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    after: Callable[[Tensor], Tensor] = identity
    gives: Callable[[zoo.Model, Tensor, Tensor], Tensor] | None = None
    dtype: torch.dtype = torch.float64
    allowed: float = 1e-10
    scale: float = 1.0
    spread: float = 0.5
    lengths: tuple[int, ...] = LENGTHS
    trained: bool = False


@dataclass(frozen=True)
class Proof:
    """Both models, the input, and what the source gives of each row by itself."""

    case: Case
    model: zoo.Model
    x: Any
    expected: tuple[Tensor, ...]

    def difference(self, model: zoo.Model | None = None) -> float:
        """The largest one between a batch of padded sequences and the source's runs of each alone."""
        lengths = torch.tensor(self.case.lengths)
        model = model or self.model
        with torch.no_grad():
            output = model(self.x, lengths=lengths)
        output = self.case.after(together(output))
        if self.case.gives is not None:
            output = self.case.gives(model, output, lengths)
        ends = model.output_lengths(lengths).tolist()
        differences = []
        for row, (found, wanted, length) in enumerate(zip(output, self.expected, ends, strict=True)):
            steps = found[:length] if wanted.dim() == found.dim() and found.shape != wanted.shape else found
            assert steps.shape == wanted.shape, f"row {row}: {tuple(steps.shape)}, not {tuple(wanted.shape)}"
            differences.append(float((steps - wanted).abs().max()))
        return max(differences)


def together(output: Any) -> Tensor:
    """What a model gives, without its state, and of several heads side by side, in the order of the spec."""
    if isinstance(output, Mapping):
        return torch.cat(list(output.values()), -1)
    found: Tensor = output if isinstance(output, Tensor) else output[0]
    return found


def drawn(module: nn.Module, spread: float = 0.5, seed: int = 0) -> nn.Module:
    """The module with every parameter drawn anew, biases and all, so that each has a part in what comes out."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(spread * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
        for buffer in module.buffers():  # a running variance is positive
            if buffer.is_floating_point():
                buffer.copy_(0.5 + torch.rand(buffer.shape, generator=generator, dtype=torch.float64))
    return module.eval()


def weights_of(model: zoo.Model) -> dict[str, Tensor]:
    """All that decides what it gives: parameters and buffers, without the number of batches that norms have seen."""
    return {name: value for name, value in model.state_dict().items() if value.is_floating_point()}


def with_weights(model: zoo.Model, ours: Mapping[str, Tensor]) -> zoo.Model:
    """The model with these weights, which must be all that it has."""
    state = weights_of(model)
    assert set(ours) == set(state), set(ours) ^ set(state)
    for name, value in ours.items():
        assert value.shape == state[name].shape, f"{name}: {tuple(value.shape)}, not {tuple(state[name].shape)}"
    model.load_state_dict(model.state_dict() | dict(ours))
    return model.eval()


def built(name: str, case: Case, more: Mapping[str, Any] | None = None) -> zoo.Model:
    """The small copy of a spec of the library."""
    return zoo.build(name, dtype=case.dtype, seed=0, **{**case.changes, **(more or {})})


def prove(name: str, case: Case) -> Proof:
    """Both models with the source's weights, and what the source gives."""
    source = case.theirs().eval() if case.trained else drawn(case.theirs(), case.spread)
    source = source.to(case.dtype)
    weights = Theirs(source)
    ours = case.ours(weights)
    assert not weights.left, f"of the source, {sorted(weights.left)} went nowhere"
    model = with_weights(built(name, case), ours)
    x = model.example_input(len(case.lengths), max(case.lengths), seed=1)
    if isinstance(x, Tensor) and x.is_floating_point():
        x = x * case.scale
    with torch.no_grad():
        rows = tuple(source(_row(model, x, row, length))[0] for row, length in enumerate(case.lengths))
    assert max(float(row.abs().max()) for row in rows) > 0.05, "an output near zero tells nothing"
    return Proof(case, model, x, rows)


def _row(model: Any, x: Any, row: int, length: int) -> Any:
    """One sequence by itself, of every input."""
    if isinstance(x, Mapping):
        reads = model.input.reads
        return {
            n: one[row : row + 1, :length] if reads[n].per == "step" else one[row : row + 1] for n, one in x.items()
        }
    return x[row : row + 1, :length]


def gives_the_same(name: str, case: Case) -> None:
    assert prove(name, case).difference() <= case.allowed


def no_weight_is_in_vain(name: str, case: Case) -> None:
    """Each moves the output away from the source's, and so was not anywhere else before."""
    proof = prove(name, case)
    for key, value in weights_of(proof.model).items():
        kept = value.clone()
        with torch.no_grad():
            value.add_(0.1 * torch.rand(value.shape, generator=torch.Generator().manual_seed(1), dtype=value.dtype))
        assert proof.difference() > 1e-4, key
        with torch.no_grad():
            value.copy_(kept)


def others_are_told_apart(name: str, case: Case) -> None:
    """Specs of the same shapes that are wrong in one thing each."""
    proof = prove(name, case)
    assert case.mistakes
    for what, changes in case.mistakes.items():
        other = with_weights(built(name, case, changes), weights_of(proof.model))
        assert proof.difference(other) > 1e-4, what


def linear(theirs: Theirs, name: str, ours: str) -> dict[str, Tensor]:
    """A linear map with a bias, which is a torch.nn.Linear on both sides."""
    return {f"{ours}.weight": theirs[f"{name}.weight"], f"{ours}.bias": theirs[f"{name}.bias"]}


def of_torch(theirs: Theirs, name: str, ours: str, layer: int = 0, suffix: str = "") -> dict[str, Tensor]:
    """One layer and direction of a torch.nn.RNN, GRU or LSTM, whose gates stand as ours do."""
    parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return {f"{ours}.{part}": theirs[f"{name}.{part}_l{layer}{suffix}"] for part in parts}


def under_one(
    theirs: Theirs, name: str, bias: str, inputs: int, order: str, ours: str, forget: float
) -> dict[str, Tensor]:
    """An LSTM whose two products are one, of the input and h in this order, by a matrix (inputs + outputs, 4 H).

    forget: what the source adds to its forget gate at every step.
    """
    matrix = theirs.gates(name, order, axis=1).T
    sums = theirs.gates(bias, order).clone()
    sums.chunk(4)[1].add_(forget)
    return {f"{ours}.weight_ih": matrix[:, :inputs], f"{ours}.weight_hh": matrix[:, inputs:], f"{ours}.bias": sums}
