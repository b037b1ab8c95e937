"""Gradients: they reach everything that they should, and they are right."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call

from zoo.checks import pairs
from zoo.checks.batch import Batch, batch_of, map_state, random_state, run
from zoo.checks.heads import losses, outputs_of
from zoo.checks.measuring import features_of, weighted
from zoo.checks.numeric import hold_to_differences
from zoo.checks.subject import Skip, Subject, close, tensors
from zoo.components import least_steps
from zoo.engine.cell import Cell
from zoo.errors import CheckFailure
from zoo.model.base import Model, has_faster
from zoo.model.build import with_engine
from zoo.spec.tree import inputs_inside

SEEDS = 3
LENGTHS = (7, 3, 5)
NEGLIGIBLE = 1e-9
"""A parameter whose largest gradient is this share of the model's largest has no gradient worth the name."""


def gradient_flow(subject: Subject) -> None:
    """In training, every parameter gets a finite gradient, and so does the input at every step that may be used."""
    largest: dict[str, float] = {}
    steps = torch.zeros(subject.steps(7), dtype=torch.bool, device=subject.device)
    lengths = subject.lengths(LENGTHS)
    for seed in range(SEEDS):
        model = subject.model(seed=seed, train=True)
        if subject.several:  # which alone knows what its inputs are
            steps[:] = True
            pairs.reached(subject)
        else:
            steps |= _steps_used(subject, model, seed, lengths)
        if any(True for _ in model.parameters()):
            _backward(model, batch_of(subject, 3, 7, seed=seed), None)
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad:
                continue
            gradient = parameter.grad
            size = 0.0 if gradient is None else gradient.abs().max().item()
            if gradient is not None and not torch.isfinite(gradient).all():
                raise CheckFailure(f"the gradient of {name} is not finite")
            largest[name] = max(largest.get(name, 0.0), size)
    used = steps[: least_steps(subject.windows, 7)]  # behind which too few are left for one more window
    if not used.all():
        missing = [int(t) for t in torch.nonzero(~used)]
        raise CheckFailure(f"the input has no gradient at steps {missing} of {LENGTHS[0]}, in {SEEDS} seeds")
    bound = NEGLIGIBLE * max(largest.values(), default=0.0)
    weak = [name for name, size in largest.items() if not size > bound]
    other = _in_eval(subject) if weak else {}
    for name in weak:
        size = max(largest[name], other.get(name, 0.0))
        if not size > bound:
            raise CheckFailure(f"the gradient of {name} is {size:.3g} in {SEEDS} seeds, bound {bound:.3g}")


def _in_eval(subject: Subject) -> dict[str, float]:
    """Each parameter's largest gradient in eval mode, where no mean over the batch takes a bias away again."""
    if not subject.traits.batch_statistics:
        return {}
    model = subject.model()
    _backward(model, batch_of(subject, 3, 7), None)
    return {name: p.grad.abs().max().item() for name, p in model.named_parameters() if p.grad is not None}


def _steps_used(subject: Subject, model: Model, seed: int, lengths: Tensor) -> Tensor:
    """The steps (T,) at which a sequence has a gradient of its features. It may have none in padding."""
    with features_of(model) as found:
        _backward(model, batch_of(subject, 3, 7, seed=seed), lengths)
    by_step = _by_step(found[0])
    for index, length in enumerate(lengths.tolist()):
        if by_step[index, length:].any():
            raise CheckFailure(
                f"the input of a sequence of length {length} has a gradient at a step beyond its end, bound 0: "
                f"{by_step[index, length:].max().item():.3g}"
            )
    return (by_step > 0).any(0)


def _backward(model: Model, batch: Batch, lengths: Tensor | None) -> None:
    model.zero_grad(set_to_none=True)
    weighted(run(model, batch, lengths=lengths)[0]).backward()  # type: ignore[no-untyped-call]
    if lengths is None:
        _by_their_loss(model, batch)


def _by_their_loss(model: Model, batch: Batch) -> None:
    """Parameters that no output depends on, such as the transitions between labels, are trained by their head's loss.

    In it targets take part that fit the output.
    """
    asked = [one for one in losses(model, outputs_of(model, batch)) if _unreached(one.head)]
    if asked:
        torch.stack([one.value for one in asked]).sum().backward()  # type: ignore[no-untyped-call]


def _unreached(head: torch.nn.Module) -> bool:
    return any(parameter.grad is None for parameter in head.parameters())


def _by_step(features: Tensor) -> Tensor:
    """The largest gradient at each step of each sequence, (B, T)."""
    if features.grad is None:
        raise CheckFailure("the output is cut off from the input: it has no gradient")
    return features.grad.abs().flatten(2).amax(2)


def gradcheck(subject: Subject) -> None:
    """Gradients equal finite differences; second ones where declared.

    They are those by the input, the state and the parameters, but for `Cell.surrogates`.
    """
    if subject.exact != torch.float64:
        raise Skip(f"{subject.device.type} has no float64")
    model = subject.model()
    others = ("auto",) if has_faster(model) else ()
    for name in (*others, "loop"):
        engine = with_engine(model, name)
        for lengths in (None, subject.lengths((3, 2))):
            function, inputs = _function(subject, engine, lengths)
            hold_to_differences(function, inputs, f"first derivatives on engine {name}")
    if subject.traits.second_order:
        # cuDNN has no second derivatives; torch's kernels on the CPU and the linear engine do
        for name in ("loop",) if subject.device.type == "cuda" else (*others, "loop"):
            function, inputs = _function(subject, with_engine(model, name), None)
            _with_graph(function, inputs, f"engine {name}")
            second = torch.autograd.gradgradcheck
            hold_to_differences(function, inputs, f"second derivatives on engine {name}", check=second)


def _with_graph(function: Any, inputs: tuple[Tensor, ...], label: str) -> None:
    """First derivatives are the same whether second ones can follow or not.

    A backward may take another way for them, and `gradgradcheck` holds that way to itself alone.
    """

    def gradients(graph: bool) -> tuple[Tensor | None, ...]:
        loss = torch.stack([weighted(t) for t in function(*inputs)]).sum()
        return torch.autograd.grad(loss, inputs, create_graph=graph, allow_unused=True)

    plain, followed = gradients(False), gradients(True)
    for index, (one, other) in enumerate(zip(plain, followed, strict=True)):
        if one is not None and other is not None:
            close(other, one, f"{label}: gradient by input {index} where second derivatives can follow")


def _function(subject: Subject, model: Model, lengths: Tensor | None) -> tuple[Any, tuple[Tensor, ...]]:
    """The model as a function of all that it can be differentiated by."""
    batch = _without_padding(subject, batch_of(subject, 2, 3))
    state = random_state(model, 2)
    surrogates = _surrogates(model)
    names = [name for name, _ in model.named_parameters() if name not in surrogates]
    leaves = {name: t for name, t in batch.inputs.items() if t.is_floating_point()}
    carried = [t for t in tensors(state) if t.is_floating_point() or t.is_complex()]
    parameters = [model.get_parameter(name).detach() for name in names]
    aliases = _aliases(model)

    def function(*values: Tensor) -> tuple[Tensor, ...]:
        given = iter(values)
        x = Batch({**batch.arguments, **{name: next(given) for name in leaves}}, batch.once).x
        before = map_state(state, lambda t: next(given) if t.is_floating_point() or t.is_complex() else t)
        own = {alias: value for name, value in zip(names, given, strict=True) for alias in aliases[name]}
        result = functional_call(
            model, own, (x, before), {"lengths": lengths, "return_state": True, **batch.extras}, tie_weights=False
        )
        return tuple(t for t in tensors(result) if t.requires_grad)

    inputs = tuple(t.detach().clone().requires_grad_() for t in (*leaves.values(), *carried, *parameters))
    return function, inputs


def _surrogates(model: Model) -> set[str]:
    """Parameters whose gradient is declared not to be the derivative."""
    cells = ((prefix, module) for prefix, module in model.named_modules() if isinstance(module, Cell))
    return {f"{prefix}.{name}" for prefix, cell in cells for name in cell.surrogates}


def _without_padding(subject: Subject, batch: Batch) -> Batch:
    """No padding symbol: its vector has no gradient by design, which finite differences would not find."""
    found = {"x": subject.tiny.input} | {f"x.{path[-1]}": part for path, part, _ in inputs_inside(subject.tiny.input)}
    for name, part in found.items():
        symbol, x = getattr(part.options, "padding", None), batch.arguments.get(name)
        if symbol is not None and x is not None and not x.is_floating_point():
            vocabulary = getattr(part.options, "vocabulary", 1)
            batch = batch.with_extra(name, torch.where(x == symbol, (x + 1) % vocabulary, x))
    return batch


def _aliases(model: torch.nn.Module) -> dict[str, list[str]]:
    """All names of each parameter, by its first, where a module that stands in several places counts once.

    Torch's own tying swaps the parameters of such a module twice, and leaves them swapped.
    """
    first = {id(parameter): name for name, parameter in model.named_parameters()}
    found: dict[str, list[str]] = {name: [] for name in first.values()}
    for path, module in model.named_modules():
        for name, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
            found[first[id(parameter)]].append(f"{path}.{name}" if path else name)
    return found
