"""Figures: parameters, cost, the summary, and that every option changes something."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final

import torch
from torch.utils import _pytree

from zoo.checks import transducer_loss, variations
from zoo.checks.alternatives import keys
from zoo.checks.batch import joined
from zoo.checks.heads import trained_by
from zoo.checks.subject import Skip, Subject, tensors
from zoo.checks.variations import Option, Try
from zoo.components import ArchitectureType
from zoo.engine.cell import Cell
from zoo.engine.layer import Layer
from zoo.errors import CheckFailure, DeclarationError, ZooError
from zoo.model.base import Model
from zoo.model.build import build
from zoo.plugin.catalogue import BUILTIN, UNPACKAGED
from zoo.spec.canonical import Spec
from zoo.spec.describe import describe, described
from zoo.spec.shrink import is_width
from zoo.spec.tree import as_path, dotted, inputs_inside, layers, parts

# Above this, building for real to count costs more than importing meta does.
LARGE = 20_000_000


def parameters(subject: Subject) -> None:
    """The unique count of the built model equals the closed form and what the spec expects; so do its buffers."""
    said = describe(subject.spec).parameters
    expected = subject.spec.expect.parameters if subject.spec.expect else None
    if said is None and expected is None:
        raise Skip("a component does not describe itself")
    tiny, figures = subject.model(dtype=torch.float32), describe(subject.tiny)
    kept = sum(buffer.numel() for buffer in tiny.buffers())
    for what, has, given in (
        ("parameters", _count(tiny), figures.parameters),
        ("frozen parameters", _frozen(tiny), figures.frozen),
        ("numbers in buffers", kept, figures.buffers),
    ):
        if given is not None and has != given:
            raise CheckFailure(f"the tiny model has {has:,} {what}, its description gives {given:,}")
    count = _count(_full(subject.spec, said))
    for what, figure in (("the description gives", said), ("the spec expects", expected)):
        if figure is not None and count != figure:
            raise CheckFailure(f"the model has {count:,} parameters, {what} {figure:,}")


def _full(spec: Spec, described: int | None) -> Model:
    device = "meta" if described is None or described > LARGE else "cpu"
    return build(spec, seed=0, device=device, memory_limit=None)


def _count(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def _frozen(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters() if not parameter.requires_grad)


def summary(subject: Subject) -> None:
    """The summary's figures are the model's, and it leaves the model as it was."""
    from zoo.inspect.summary import summarise

    model = subject.model(dtype=torch.float32)
    model.train()
    next(iter(model.children())).eval()  # mixed modes, which must survive
    before = ([m.training for m in model.modules()], [p.clone() for p in model.parameters()], torch.get_rng_state())
    hooks = sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())
    # A layer that computes several steps at a time fills up those that are left over, which the figures leave out.
    together = math.lcm(*(module.together for module in model.modules() if isinstance(module, Layer)))
    steps = -(-max(3, model.minimum_steps) // together) * together
    result = summarise(model, batch_size=2, seq_len=steps)
    if [m.training for m in model.modules()] != before[0]:
        raise CheckFailure("the summary changed a module's mode")
    if not all(torch.equal(p, q) for p, q in zip(model.parameters(), before[1], strict=True)):
        raise CheckFailure("the summary changed a parameter")
    if not torch.equal(torch.get_rng_state(), before[2]):
        raise CheckFailure("the summary consumed the global random state")
    if sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()) != hooks:
        raise CheckFailure("the summary left hooks behind")
    if result.parameters != _count(model):
        raise CheckFailure(f"the summary counts {result.parameters:,} parameters, the model has {_count(model):,}")
    if result.macs != describe(subject.tiny).macs(steps):
        raise CheckFailure(f"the summary gives {result.macs} multiply-adds, the description another figure")
    counted = _products(model, model.example_arguments(2, steps))
    if result.macs is not None and counted != 2 * result.macs:
        raise CheckFailure(
            f"the description gives {result.macs:,} multiply-adds per sequence, a run makes {counted / 2:,.1f}"
        )


def _products(model: Model, given: Mapping[str, torch.Tensor]) -> int:
    """Multiply-adds of the matrix products that a run really makes, on the loop, where each is visible."""
    from torch.utils.flop_counter import FlopCounterMode

    from zoo.model.build import with_engine

    # Without gradients by the parameters' own switch: the counter's hooks stumble over no_grad.
    visible = with_engine(model, "loop").eval().requires_grad_(False)
    with FlopCounterMode(display=False, custom_mapping={torch.ops.aten.mv: _by_a_vector}) as counter:
        visible(**given)
    return int(counter.get_total_flops()) // 2


def _by_a_vector(matrix: tuple[int, int], vector: tuple[int], **_: object) -> int:
    """What torch's counter leaves out: the product of a matrix (M, N) and a vector, twice its multiply-adds."""
    rows, columns = matrix
    return 2 * rows * columns


def options(subject: Subject) -> str:
    """Changing any option of a component or key of a layer changes a parameter, an output, or a declared figure.

    A declared figure must be the built model's at every value too: else an option that its component ignores would
    pass, since its description heeds it.

    Gives what was varied. An option of a component for which no other value was found is a failure: how to mend it
    stands in `zoo.checks.variations`.
    """
    prints = _Prints(subject)
    parametrised = has_parameters(subject)
    given = any(part.provided.distribution == UNPACKAGED for _, part in parts(subject.tiny))
    found = []
    for option in variations.options(subject.tiny, parametrised):
        varied = replace(_varied(prints, option), held=_held_apart(option, subject.tiny))
        # A cell that was given as it is has the width that it has, and so has what stands in front of it.
        if varied.values or varied.dead or not (given and is_width(option.field)):
            found.append(varied)
    # What a layer does may be undone by those around it; built-in kinds are held by themselves elsewhere.
    idle_here = [one.place for one in found if one.dead and one.held]
    dead = [one.place for one in found if one.dead and not one.held]
    unfit = [one.place for one in found if one.unfit]
    idle = [one.place for one in found if not (one.dead or one.values or one.unfit)]
    for place, changed in chain(variations.schemes(subject.tiny, parametrised), keys(subject.tiny)):
        differs = prints.differ(Try(subject.tiny, changed, None), f"{place} changed")
        if differs is None:
            unfit.append(place)
        elif not differs and not _stateless(subject, place) and not _unheard(subject, place):
            dead.append(place)
    problems = [f"changes nothing: {', '.join(dict.fromkeys(dead))}"] if dead else []
    if idle:
        problems.append(
            f"never varied, as no other value was accepted: {', '.join(idle)}; give values that are in the option's "
            "Field(examples=[...]), or whole sets of options in the model's json_schema_extra={'examples': [...]}"
        )
    if problems:
        raise CheckFailure("; ".join(problems))
    told = ", ".join(f"{one.place} ({', '.join(one.values)})" for one in found)
    beside = f"; keys that do not fit this model otherwise: {', '.join(unfit)}" if unfit else ""
    beside += f"; without effect here: {', '.join(idle_here)}" if idle_here else ""
    return f"varied: {told or 'nothing, as there is nothing to vary'}{beside}"


def _stateless(subject: Subject, place: str) -> bool:
    """Whether a key may change nothing: an initial state or a direction, of a cell that carries nothing at all."""
    layer, _, key = place.rpartition(".")
    if key not in ("initial_state", "reverse"):
        return False
    cell = getattr(subject.model().get_submodule(layer), "cell", None)
    return isinstance(cell, Cell) and not cell.states and not cell.window


_BEHIND: Final = ("residual", "norm (after)", "norm.position", "merge (", "dropout.output", "dropout.between")


def _unheard(subject: Subject, place: str) -> bool:
    """Whether a key acts on the output of a stack of which its architecture uses the states alone."""
    architecture = subject.tiny.architecture.record
    assert isinstance(architecture, ArchitectureType)
    options = subject.tiny.architecture.options
    used = [stack.output(options) if callable(stack.output) else stack.output for stack in architecture.stacks]
    silent = (one for heard, one in zip(used, subject.tiny.stacks, strict=False) if not heard)
    prefixes = [dotted((*stack.path, "layers", len(stack.layers) - 1, "")) for stack in silent]
    return any(place.startswith(prefix) and place.removeprefix(prefix).startswith(_BEHIND) for prefix in prefixes)


@dataclass(frozen=True, slots=True)
class _Varied:
    """What came of one option.

    Attributes:
        values: Those that changed something.
        dead: Some value changed nothing.
        held: Its component is a built-in layer kind or input of inputs, all of whose options are held to a change by
            the zoo's own tests.
        unfit: Of a layer around others: it has other values, and none of them fits what stands inside and around it.
    """

    place: str
    values: tuple[str, ...]
    dead: bool
    unfit: bool = False
    held: bool = False


def _held_apart(option: Option, spec: Spec) -> bool:
    """Whether a built-in layer kind or input of inputs has it; a plugin's is held to it here alone."""
    part = option.slot.get(spec)
    around = part.record.kind == "layer" or any(True for _ in inputs_inside(part))
    return around and part.provided.distribution == BUILTIN


def _varied(prints: _Prints, option: Option) -> _Varied:
    """By itself if that can be; where it is refused beside the rest, with something else changed that lets it in."""
    said = {True: list[str](), False: list[str]()}
    for attempt in option.tries():
        differs = prints.differ(attempt, f"{option.place} {attempt.value!r:.40}")
        if differs is not None:
            said[differs].append(f"{attempt.value!r:.40}")
        if differs and not option.every:
            break
    if said[True] or said[False]:
        return _Varied(option.place, tuple(said[True]), dead=not said[True] or (option.every and bool(said[False])))
    for ways in (option.elsewhere, option.together):
        for attempt in chain.from_iterable(ways()):
            differs = prints.differ(attempt, f"{option.place} {attempt.value!r:.40}")
            if differs:
                return _Varied(option.place, (f"{attempt.value!r:.40} with others",), dead=False)
            if differs is not None:
                said[False].append(f"{attempt.value!r:.40}")
        if said[False]:
            break
    unfit = _held_apart(option, option.spec) and not said[False] and any(True for _ in option.tries())
    return _Varied(option.place, (), dead=bool(said[False]), unfit=unfit)


def has_parameters(subject: Subject) -> variations.HasParameters:
    """Whether a part of the tiny model has parameters: as it describes itself, or as it was built where it does not.

    Those of the layers inside a layer are theirs.
    """
    spec = subject.tiny
    known = {row.label: row.description for row in describe(spec).rows}
    inside = described(spec)
    every = [path for path, _ in layers(spec)]

    def found(label: str) -> bool:
        one = known.get(label) or inside.get(as_path(label))
        if one is not None:
            here = as_path(label)
            below = [path for path in every if path[: len(here)] == here != path]
            own = [path for path in below if not any(path[: len(other)] == other != path for other in below)]
            if all(path in inside for path in own):
                return one.parameters > sum(inside[path].parameters for path in own)
        return any(f"{name}.".startswith(f"{label}.") for name, _ in subject.model().named_parameters())

    return found


class _Prints:
    """Fingerprints of specs, each made once for the one that many are compared with."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.base: tuple[Spec, Any] | None = None

    def differ(self, attempt: Try, label: str) -> bool | None:
        """Whether the change changes anything; None where it does not fit, as another may; `label` is for errors."""
        if not variations.fits(attempt.changed):
            return None
        try:
            base = self._of_base(attempt.base)
            return bool(_print(self.subject, attempt.changed, label) != base)
        except (DeclarationError, CheckFailure):
            raise  # the author's mistake, not a change that does not fit
        except ZooError:
            return None

    def _of_base(self, spec: Spec) -> Any:
        if self.base is None or self.base[0] is not spec:
            self.base = (spec, _print(self.subject, spec, "other options at their defaults"))
        return self.base[1]


def _print(subject: Subject, spec: Spec, label: str) -> tuple[Any, ...]:
    """A model's fingerprint: figures, parameters and what comes out of it, in training and after."""
    model = build(spec, seed=0, device=subject.device, dtype=torch.float32)
    count, described = _count(model), describe(spec).parameters
    if described is not None and count != described:
        raise CheckFailure(f"with {label} the model has {count:,} parameters, its description gives {described:,}")
    given = model.example_arguments(2, subject.uneven_steps, seed=0)
    shapes = tuple((name, tuple(p.shape)) for name, p in model.named_parameters())
    numbers = tuple(p.double().sum().item() for p in model.parameters())
    outputs: list[float] = []
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        for mode in (True, False):  # training first: what it leaves in buffers shows outside it
            torch.manual_seed(0)
            result = model.train(mode)(**given, return_state=True)
            outputs += [t.double().abs().sum().item() for t in tensors(result)]
        outputs += trained_by(getattr(model, "decoder", model), result[0])
        if subject.several:
            outputs += transducer_loss.trained_by(model, given, result[0])
    gradient = _padding_gradient(model, given)
    return shapes, numbers, tuple(outputs), described, gradient


def _padding_gradient(model: Model, given: Mapping[str, torch.Tensor]) -> tuple[float, ...]:
    """Gradients tell apart what outputs cannot, such as a padding symbol that learns nothing."""
    if all(tensor.is_floating_point() for tensor in tensors(given)):
        return ()
    model.eval().zero_grad()
    symbols = _pytree.tree_map(lambda t: t if t.is_floating_point() else torch.zeros_like(t), dict(given))
    output = joined(model, model(**symbols, return_state=True)[0])
    output.sum().backward()
    return tuple(p.grad.double().abs().sum().item() for p in model.parameters() if p.grad is not None)
