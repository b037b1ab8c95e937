"""The cell's numbers are those of its equations, which are written independently in plain NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from zoo.checks import features, variations
from zoo.checks.batch import Batch, beside, uses_of
from zoo.checks.folded import shares
from zoo.checks.subject import Skip, Subject, close
from zoo.checks.variations import Try
from zoo.components import CellType, Shape, resolve
from zoo.engine.layer import Run
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.errors import CheckFailure, DeclarationError, ZooError
from zoo.model.engines import engine_named
from zoo.spec.tree import Recurrent

Array = NDArray[np.float64]
Reference = Callable[..., Array]
"""`(x, parameters, options) -> y`, as `zoo.CellType` has it."""

BATCH, STEPS = 3, 9


def reference(subject: Subject) -> str:
    """Each cell whose record declares a reference gives what that gives, with its options as they are and varied.

    Gives what was varied. Varied options whose record declares a deviation for them are left out. Layers over some of
    the steps give what the layers inside them give of those alone.
    """
    shares(subject)
    layers = list(features.cells(subject.tiny))
    if not layers:
        raise Skip("the spec has no recurrent layer")
    silent, failures, said = [], [], []
    for layer in layers:
        record = layer.cell.record
        declared = record.reference if isinstance(record, CellType) else None
        if declared is None:
            silent.append(f"cell {record.name}")
            continue
        try:
            shape = compare(subject, layer, resolve(declared))
            said.append(f"{record.name}: {', '.join(_varied(subject, layer, shape, resolve(declared))) or 'nothing'}")
        except CheckFailure as failure:
            failures.append(failure)
    # What nobody knows of comes first: a cell that is known to be wrong must not hide another.
    if failures:
        raise min(failures, key=_declared)
    if len(silent) == len(layers):
        raise Skip(f"no reference is declared for {' and '.join(dict.fromkeys(silent))}")
    return f"varied: {'; '.join(said)}"


def _varied(subject: Subject, layer: Recurrent, shape: Shape, expected: Reference) -> Iterator[str]:
    """The same for each option at other values: at all that it has where these are few, else at the first that fits."""
    plain = replace(layer, residual=False, output_projection=None, norm=None, bidirectional=False)
    alone = features.alone(subject.tiny, shape, plain)
    for option in variations.options(alone, lambda part: False):
        if not option.place.startswith("layers.0.cell."):
            continue
        name = option.place.removeprefix("layers.0.cell.")
        found = list(_each(subject, name, option.tries(), expected, all_of=option.every))
        for tries in option.elsewhere():
            found = found or list(_each(subject, name, tries, expected, all_of=False))
        yield f"{name} ({', '.join(found) or 'none'})"


def _each(subject: Subject, name: str, tries: Iterator[Try], expected: Reference, *, all_of: bool) -> Iterator[str]:
    for attempt in tries:
        layer = attempt.changed.recurrent[0]
        if not variations.fits(attempt.changed) or "reference" in layer.cell.record.deviations_of(layer.cell.options):
            continue
        try:
            compare(Subject(attempt.changed, subject.device, subject.engine, shrunk=False), layer, expected)
        except CheckFailure as failure:
            raise CheckFailure(f"with {name} {attempt.value!r:.40}: {failure}", failure.part) from None
        except DeclarationError:
            raise  # the author's mistake, not a change that does not fit
        except ZooError:
            continue
        yield f"{attempt.value!r:.40}"
        if not all_of:
            return


def _declared(failure: CheckFailure) -> bool:
    part = failure.part
    return part is not None and "reference" in part.record.deviations_of(part.options)


def compare(
    subject: Subject,
    layer: Recurrent,
    expected: Reference,
    *,
    size: int = BATCH,
    steps: int = STEPS,
    seed: int = 0,
    bound: float | None = None,
) -> Shape:
    """Run the cell of one layer of the tiny spec by itself, forward from its initial state, beside a reference.

    Returns:
        The shape of the cell's input.

    Raises:
        CheckFailure: they differ by more than the bound, by default that of the dtype.
    """
    built = features.built(subject.model(seed=seed), subject.tiny, layer)
    alone = RecurrentLayer(built.cell)
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(size, steps, *built.cell.input_shape, generator=generator, dtype=torch.float64)
    batch = beside(x.to(subject.device, subject.exact), uses_of(layer), seed=seed, dtype=subject.exact)
    initial = alone.init_state(size, device=subject.device, dtype=subject.exact)
    with torch.no_grad():
        if any(buffer.is_floating_point() for buffer in built.cell.buffers()):
            # In training, so that what is gathered there (a running mean) is no longer what it starts as.
            alone.train()(batch.x, initial, _run(subject, batch.extras))
        alone.eval()
        _hold(subject, layer, alone, batch, initial, expected, bound, "")
        if "dt" in batch.extras:
            bare = Batch({name: value for name, value in batch.arguments.items() if name != "dt"})
            _hold(subject, layer, alone, bare, initial, expected, bound, ", without dt, which is then 1")
    return built.cell.input_shape


def _run(subject: Subject, extras: Mapping[str, torch.Tensor]) -> Run:
    return Run(engine=engine_named(subject.engine), dt=extras.get("dt"), observed=extras.get("observed"))


def _hold(
    subject: Subject,
    layer: Recurrent,
    alone: RecurrentLayer,
    batch: Batch,
    initial: Mapping[str, torch.Tensor],
    expected: Reference,
    bound: float | None,
    where: str,
) -> None:
    """One run, sequence by sequence. Raises CheckFailure, which names the cell's part."""
    observed = batch.extras.get("observed")
    seen = batch.x if observed is None else torch.where(observed, batch.x, torch.zeros_like(batch.x))
    output = alone(seen, initial, _run(subject, batch.extras)).output
    uses = uses_of(layer)
    for index in range(len(seen)):
        given = {name: numbers(tensor[index]) for name, tensor in batch.extras.items()}
        if "dt" in uses:
            given.setdefault("dt", np.ones(seen.shape[1]))
        held = {name: numbers(tensor) for name, tensor in alone.cell.state_dict().items() if torch.is_tensor(tensor)}
        for place, peer in enumerate(alone.cell.peers):
            held |= {f"peers.{place}.{name}": numbers(tensor) for name, tensor in peer.state_dict().items()}
            held["peer"] = np.array(alone.cell.peer)
        y = np.asarray(expected(numbers(seen[index]), held, layer.cell.options, **given))
        label = f"cell {layer.cell.record.name} against its reference{where}"
        if y.dtype.kind != "f":
            raise CheckFailure(f"{label}: the reference gives numbers of type {y.dtype}, expected float64", layer.cell)
        try:
            close(output[index], torch.from_numpy(y).to(output), label, bound=bound)
        except CheckFailure as failure:
            raise CheckFailure(str(failure), layer.cell) from None


def numbers(tensor: torch.Tensor) -> NDArray[Any]:
    """A copy of a tensor as NumPy has it, real numbers in float64."""
    bare = tensor.detach().cpu()
    if bare.is_complex():
        return np.array(bare.to(torch.complex128).numpy())
    return np.array((bare.double() if bare.is_floating_point() else bare).numpy())
