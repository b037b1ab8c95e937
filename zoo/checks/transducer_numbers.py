"""A transducer's gradients, lower precision, and its compiled form."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from zoo.architectures.transducer.model import Transducer
from zoo.checks.batch import map_state
from zoo.checks.measuring import weighted
from zoo.checks.numeric import hold_states_wide, hold_to_differences, leaves
from zoo.checks.subject import TOLERANCE, Skip, Subject, all_close, close
from zoo.checks.transducing import Given, given_to, gradients_of, model_of
from zoo.errors import CheckFailure
from zoo.model.build import with_engine


def gradcheck(subject: Subject) -> None:
    """Gradients of scores and of the loss equal finite differences, by the parameters and the input."""
    if subject.exact != torch.float64:
        raise Skip(f"{subject.device.type} has no float64")
    model = with_engine(model_of(subject), "loop")
    assert isinstance(model, Transducer)
    given = _without_padding(subject, model, given_to(model, (3, 2), (1, 2)))
    names = [name for name, one in model.named_parameters() if one.requires_grad]

    def function(x: Tensor, *parameters: Tensor) -> tuple[Tensor, Tensor]:
        arguments = (x if given.x.is_floating_point() else given.x, *given[1:])
        named = dict(zip(names, parameters, strict=True))
        output = torch.func.functional_call(
            model, named, (), dict(zip(("x", "target", "lengths", "target_lengths"), arguments, strict=True))
        )
        return output, model.loss(output, *given[1:], reduction="none")

    x = given.x if given.x.is_floating_point() else torch.zeros(1, dtype=torch.float64, device=subject.device)
    hold_to_differences(function, leaves(x, *(model.get_parameter(name) for name in names)), "gradients")


def precision(subject: Subject) -> None:
    """bfloat16 and autocast stay close to float32 of the same numbers; states and loss are float32 at least."""
    if not subject.traits.low_precision:
        raise Skip("a component declares low_precision: false")
    low = model_of(subject, dtype=torch.bfloat16)
    full = copy.deepcopy(low).float()
    given = given_to(low, (7, 2, 5), (2, 4, 0))
    wide = given._replace(x=given.x.float() if given.x.is_floating_point() else given.x)
    bound = TOLERANCE[torch.bfloat16]
    expected, state = full(**wide.arguments, return_state=True)
    found, after = low(**given.arguments, return_state=True)
    with torch.autocast(subject.device.type, torch.bfloat16):
        cast, there = full(**wide.arguments, return_state=True)
    for label, output, own in (("bfloat16", found, after), ("autocast", cast, there)):
        hold_states_wide(own, label)
        all_close((output.float(), map_state(own, Tensor.float)), (expected, state), label, bound=bound)
    loss = low.loss(found, *given[1:], reduction="none")
    if loss.dtype != torch.float32:
        raise CheckFailure(f"the loss of bfloat16 scores has dtype {loss.dtype}, expected torch.float32")
    close(loss, full.loss(found.float(), *given[1:], reduction="none"), "the loss of bfloat16 scores", bound=1e-5)


def compiles(subject: Subject) -> None:
    """The compiled model equals the eager one, with gradients, at other numbers of rows, steps and symbols too."""
    model = model_of(subject, dtype=torch.float32)
    torch._dynamo.reset()
    compiled = torch.compile(model)
    for ends, targets in (((5, 3), (3, 1)), ((7, 2, 6), (4, 3, 0))):
        given = given_to(model, ends, targets)
        output, state = compiled(**given.arguments, return_state=True)
        found = gradients_of(model, weighted(output), keep=False)
        expected, after = model(**given.arguments, return_state=True)
        label = f"compiled against eager, {ends} steps, {targets} symbols"
        all_close((output, state), (expected, after), label)
        all_close(found, gradients_of(model, weighted(expected)), f"{label}: gradients", bound=1e-4)
    torch._dynamo.reset()


def _without_padding(subject: Subject, model: Transducer, given: Given) -> Given:
    """No padding symbols: their vectors have no gradient by design, which finite differences would not find."""
    ahead, told = (getattr(stack.input.options, "padding", None) for stack in subject.tiny.stacks)
    x, target = given.x, given.target
    if ahead is not None:
        x = torch.where(x == ahead, (ahead + 1) % (model.encoder.input.vocabulary or 1), x)
    if told is not None:
        taken = {told, model.blank} if model.starts_with_blank else {told}
        target = torch.where(target == told, next(s for s in range(model.vocabulary) if s not in taken), target)
    return given._replace(x=x, target=target)
