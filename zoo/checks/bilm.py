"""The contract for a bidirectional language model: what holds of each direction, and of both on one input."""

from __future__ import annotations

import copy
from typing import Any, Final

import torch
from torch import Tensor

from zoo.architectures.bilm.model import BiLM
from zoo.checks.batch import Batch, batch_of, map_state, random_state, run, select_state
from zoo.checks.measuring import features_of, weighted
from zoo.checks.numeric import hold_states_wide, hold_to_differences, leaves
from zoo.checks.overfitting import learner, overfits
from zoo.checks.subject import TOLERANCE, Skip, Subject, all_close, close
from zoo.engine.sequence import reversal, take
from zoo.engine.state import State
from zoo.errors import CheckFailure, InputError
from zoo.model.build import build, with_engine
from zoo.spec.describe import describe

SIZES: Final = ((1, 1), (1, 7), (5, 1), (2, 13), (3, 5))
ROWS, STEPS = 5, 7
LENGTHS: Final = (7, 3, 1, 5, 2)
LONG: Final = 300
SPLITS: Final[tuple[tuple[int, ...], ...]] = ((1, 6), (3, 4), (2, 1, 4), (1,) * 7)
ITERATIONS = 500


def model_of(subject: Subject, *, dtype: torch.dtype | None = None, train: bool = False, seed: int = 0) -> BiLM:
    """The tiny model. Raises Skip for any other architecture."""
    model = subject.model(dtype=dtype, train=train, seed=seed)
    if not isinstance(model, BiLM):
        name = subject.spec.architecture.record.name
        raise Skip(f"the check is for bidirectional language models, and the architecture is {name!r}")
    return model


def directions(model: BiLM, output: Tensor) -> tuple[Tensor, Tensor]:
    """What the forward and the backward stack have to do with an output, (B, T, D) or (B, T, V) each."""
    if model.forwards.head is None:
        forward, backward = output.chunk(2, -1)
        return forward, backward
    return output[:, :, 0], output[:, :, 1]


def shapes(subject: Subject) -> None:
    """The output is as described, with those of the input and of every layer, and the state is as that of the start."""
    model = model_of(subject, dtype=torch.float32)
    wanted = describe(subject.tiny).output_shape
    for rows, steps in SIZES:
        batch = batch_of(subject, rows, steps, dtype=torch.float32)
        output, state = run(model, batch)
        label = f"(B, T) = ({rows}, {steps})"
        expected = (rows, steps, *(output.shape[2:] if wanted is None else wanted))
        if tuple(output.shape) != expected or output.dtype != torch.float32:
            raise CheckFailure(f"{label}: output has shape {tuple(output.shape)} {output.dtype}, expected {expected}")
        found, first = ({name: (t.shape, t.dtype) for name, t in s.items()} for s in (state, model.init_state(rows)))
        if found != first:
            raise CheckFailure(f"{label}: the state is {state}, and init_state gives {model.init_state(rows)}")
        _layer_outputs(model, batch.x, output, label)


def _layer_outputs(model: BiLM, x: Tensor, output: Tensor, label: str) -> None:
    """The input first and twice, then each layer, the last as without them; where all are of one width."""
    try:
        layers, _ = model(x, layer_outputs=True)
    except InputError:
        shapes = [[layer.output_shape for layer in one.layers._each()] for one in (model.forwards, model.backwards)]
        if shapes[0] == shapes[1] and set(shapes[0]) <= {model.forwards.input.output_shape}:
            raise
        return
    width = model.forwards.output_shape[0]
    expected = (*x.shape[:2], 1 + len(model.forwards.layers), 2 * width)
    if tuple(layers.shape) != expected:
        raise CheckFailure(f"{label}: the layers' outputs have shape {tuple(layers.shape)}, expected {expected}")
    features = model.forwards.input(x)
    close(layers[:, :, 0], torch.cat([features, features], -1), f"{label}: what stands before the first layer")
    if model.forwards.head is None:
        close(layers[:, :, -1], output, f"{label}: the last layer's output")


def finite(subject: Subject) -> None:
    """For a long sequence, and for large numbers."""
    model = model_of(subject, dtype=torch.float32)
    with torch.no_grad():
        for scale, steps in ((1.0, LONG), (1e4, STEPS)):
            x = batch_of(subject, 2, steps, dtype=torch.float32).x
            x = x * scale if x.is_floating_point() else x
            if not run(model, Batch({"x": x}))[0].isfinite().all():
                raise CheckFailure(f"outputs are not finite, of {steps} steps, inputs times {scale:g}")


def batch_independence(subject: Subject) -> None:
    """A row's output and state do not depend on other rows, which may have other lengths."""
    model = model_of(subject)
    x, other = (batch_of(subject, ROWS, STEPS, seed=seed).x for seed in (0, 1))
    lengths = torch.tensor(LENGTHS, device=subject.device)
    expected, state = run(model, Batch({"x": x}), lengths=lengths)
    for row in range(ROWS):
        keep = torch.arange(ROWS, device=subject.device) == row
        mixed = torch.where(_beside(keep, x), x, other)
        found, after = run(model, Batch({"x": mixed}), lengths=torch.where(keep, lengths, lengths.roll(1)))
        label = f"row {row} among other rows"
        all_close((found[row], select_state(after, row)), (expected[row], select_state(state, row)), label)


def padding_invariance(subject: Subject) -> None:
    """What stands in padding changes nothing, and a row is what it is alone, read from its own end."""
    model = model_of(subject)
    x = batch_of(subject, ROWS, STEPS).x
    lengths = torch.tensor(LENGTHS, device=subject.device)
    start = random_state(model, ROWS)
    for before in (None, start):
        expected, state = run(model, Batch({"x": x}), before, lengths=lengths)
        gradients = _gradients(model, weighted(expected))
        padding = torch.arange(STEPS, device=subject.device) >= lengths.unsqueeze(1)
        if expected[padding].any():
            raise CheckFailure("the output in padding is not zero")
        filled = torch.where(_beside(padding, x), torch.nan if x.is_floating_point() else -1, x)
        more = torch.cat([filled, filled[:, -1:].expand_as(filled)[:, :4]], 1)
        more[0, STEPS:] = filled[1, -1]
        for label, other in (("other numbers in the padding", filled), ("four more steps of padding", more)):
            found, after = run(model, Batch({"x": other}), before, lengths=lengths)
            all_close((found[:, :STEPS], after), (expected, state), label)
            all_close(_gradients(model, weighted(found[:, :STEPS])), gradients, f"{label}: gradients")
        for row, length in enumerate(LENGTHS):
            own = None if before is None else before[row : row + 1]
            found, after = run(model, Batch({"x": x[row : row + 1, :length]}), own)
            all_close((found[0], after), (expected[row, :length], state[row : row + 1]), f"row {row} alone")


def causality(subject: Subject) -> None:
    """Neither direction depends on what the other one reads, and each on all that it has read."""
    model = model_of(subject)
    x, other = (batch_of(subject, 3, STEPS, seed=seed).x for seed in (0, 5))
    expected = directions(model, run(model, Batch({"x": x}))[0])
    for t in range(1, STEPS):
        later = torch.cat([x[:, :t], other[:, t:]], 1)
        earlier = torch.cat([other[:, :t], x[:, t:]], 1)
        forward, _ = directions(model, run(model, Batch({"x": later}))[0])
        _, backward = directions(model, run(model, Batch({"x": earlier}))[0])
        close(forward[:, :t], expected[0][:, :t], f"forwards before step {t}, from which on the input is another")
        close(backward[:, t:], expected[1][:, t:], f"backwards from step {t}, before which the input is another")
    for index, name in enumerate(("forwards", "backwards")):
        with features_of(model.forwards) as found:
            one = directions(model, run(model, Batch({"x": x}))[0])[index]
        for t in range(STEPS):
            (gradient,) = torch.autograd.grad(weighted(one[:, t]), found[0], retain_graph=True)
            by_step = gradient.abs().flatten(2).amax((0, 2))
            read = by_step[: t + 1] if index == 0 else by_step[t:]
            if not (read > 0).all():
                raise CheckFailure(f"{name}: the output of step {t} has no gradient by a step that it has read")


def direction(subject: Subject) -> None:
    """Backwards is a forward run over each row reversed: with the stacks' weights exchanged, outputs are too."""
    model = model_of(subject)
    if [tuple(p.shape) for p in model.forwards.layers.parameters()] != [
        tuple(p.shape) for p in model.backwards.layers.parameters()
    ]:
        raise Skip("the layers of the two directions are not alike")
    exchanged = copy.deepcopy(model)
    exchanged.forwards.layers.load_state_dict(model.backwards.layers.state_dict())
    exchanged.backwards.layers.load_state_dict(model.forwards.layers.state_dict())
    x = batch_of(subject, ROWS, STEPS).x
    lengths = torch.tensor(LENGTHS, device=subject.device)
    order = reversal(lengths, STEPS, subject.device)
    expected, state = run(model, Batch({"x": x}), lengths=lengths)
    found, after = run(exchanged, Batch({"x": take(x, order)}), lengths=lengths)
    for name, one, other in zip(
        ("forwards", "backwards"), directions(model, expected), directions(model, found)[::-1], strict=True
    ):
        close(take(other, order), one, f"{name} against the other direction over reversed rows")
    for name, tensor in state.items():
        start, _, rest = name.partition(".")
        close(after[f"{'backwards' if start == 'forwards' else 'forwards'}.{rest}"], tensor, f"state {name}")


def state_default(subject: Subject) -> None:
    """No state is the initial state, and each state changes its own direction alone."""
    model = model_of(subject)
    batch = batch_of(subject, ROWS, STEPS)
    expected, after = run(model, batch)
    all_close(run(model, batch, model.init_state(ROWS)), (expected, after), "from init_state")
    start = random_state(model, ROWS)
    for name, tensor in start.items():
        if not tensor.is_floating_point():
            continue
        moved = State({**model.init_state(ROWS), name: tensor + 1.0})
        found = directions(model, run(model, batch, moved)[0])
        for index, side in enumerate(("forwards", "backwards")):
            same = torch.equal(found[index], directions(model, expected)[index])
            if same == name.startswith(side):
                raise CheckFailure(f"the state {name} changes {'nothing' if same else f'the output of {side}'}")


def chunked(subject: Subject) -> None:
    """The forward direction in pieces, by `model.forwards`, is that of the whole."""
    model = model_of(subject)
    batch = batch_of(subject, ROWS, STEPS)
    expected, state = run(model, batch)
    for split in SPLITS:
        before: Any = None
        found = []
        for piece in torch.split(batch.x, list(split), 1):
            output, before = model.forwards(piece, before, return_state=True)
            found.append(output)
        label = f"forwards in pieces of {split}"
        close(torch.cat(found, 1), directions(model, expected)[0], label)
        named = model.forwards.named_state(before, ROWS)
        all_close(named, {name: state[f"forwards.{name}"] for name in named}, f"{label}: state")


def gradcheck(subject: Subject) -> None:
    """Gradients equal finite differences, by the parameters and the input."""
    if subject.exact != torch.float64:
        raise Skip(f"{subject.device.type} has no float64")
    model = with_engine(model_of(subject), "loop")
    names = [name for name, one in model.named_parameters() if one.requires_grad]
    x = batch_of(subject, 2, 3).x
    padding = getattr(subject.tiny.stacks[0].input.options, "padding", None)
    if padding is not None:  # whose vector has no gradient by design, which finite differences would not find
        x = torch.where(x == padding, (padding + 1) % getattr(subject.tiny.stacks[0].input.options, "vocabulary", 1), x)
    lengths = torch.tensor((3, 2), device=subject.device)

    def function(given: Tensor, *parameters: Tensor) -> tuple[Tensor, ...]:
        named = dict(zip(names, parameters, strict=True))
        arguments = {"x": given if x.is_floating_point() else x, "lengths": lengths, "return_state": True}
        output, state = torch.func.functional_call(model, named, (), arguments)
        return (output, *(one for one in state.values() if one.is_floating_point()))

    first = x if x.is_floating_point() else torch.zeros(1, dtype=torch.float64, device=subject.device)
    hold_to_differences(function, leaves(first, *(model.get_parameter(name) for name in names)), "gradients")


def precision(subject: Subject) -> None:
    """bfloat16 and autocast stay close to float32 of the same numbers; states are float32 at least."""
    if not subject.traits.low_precision:
        raise Skip("a component declares low_precision: false")
    low = model_of(subject, dtype=torch.bfloat16)
    full = copy.deepcopy(low).float()
    x = batch_of(subject, 3, STEPS, dtype=torch.bfloat16).x
    wide = Batch({"x": x.float() if x.is_floating_point() else x})
    lengths, bound = torch.tensor((7, 2, 5), device=subject.device), TOLERANCE[torch.bfloat16]
    expected = run(full, wide, lengths=lengths)
    found = {"bfloat16": run(low, Batch({"x": x}), lengths=lengths)}
    with torch.autocast(subject.device.type, torch.bfloat16):
        found["autocast"] = run(full, wide, lengths=lengths)
    for label, (output, state) in found.items():
        hold_states_wide(state, label)
        all_close((output.float(), map_state(state, Tensor.float)), expected, label, bound=bound)


def learns(subject: Subject) -> None:
    """Overfits the outputs of another such model on one tiny batch, of both directions."""
    teacher = build(learner(subject.tiny), seed=1, device=subject.device, dtype=torch.float32).eval()
    batch = batch_of(subject, 2, 5, dtype=torch.float32)
    with torch.no_grad():
        target = run(teacher, batch)[0]
    overfits(subject, lambda model: lambda: torch.nn.functional.mse_loss(run(model, batch)[0], target), ITERATIONS)


def compiles(subject: Subject) -> None:
    """The compiled model equals the eager one, with gradients, at another number of rows too."""
    model = model_of(subject, dtype=torch.float32)
    torch._dynamo.reset()
    compiled = torch.compile(model)
    for rows in (2, 3):
        x = batch_of(subject, rows, 3, dtype=torch.float32).x
        lengths = torch.tensor([3, 1, 2][:rows], device=subject.device)
        output, state = compiled(x, lengths=lengths, return_state=True)
        found = _gradients(model, weighted(output))
        expected, after = run(model, Batch({"x": x}), lengths=lengths)
        label = f"compiled against eager, {rows} sequences"
        all_close((output, state), (expected, after), label)
        all_close(found, _gradients(model, weighted(expected)), f"{label}: gradients", bound=1e-4)
    torch._dynamo.reset()


def _gradients(model: BiLM, loss: Tensor) -> dict[str, Tensor]:
    parameters = {name: one for name, one in model.named_parameters() if one.requires_grad}
    found = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    return {name: one for name, one in zip(parameters, found, strict=True) if one is not None}


def _beside(rows: Tensor, x: Any) -> Tensor:
    found: Tensor = rows.reshape(*rows.shape, *(1,) * (x.dim() - rows.dim()))
    return found
