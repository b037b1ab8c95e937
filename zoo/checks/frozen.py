"""Components that a spec freezes: training moves none of their numbers, and nothing else is frozen."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo.checks.batch import batch_of, run
from zoo.checks.measuring import weighted
from zoo.checks.subject import Skip, Subject
from zoo.errors import CheckFailure
from zoo.model.base import Model
from zoo.spec.tree import Path, dotted, parts

STEPS = 2
"""Training steps: a buffer that counts them moves at each, a mean that starts at its batch's own only at the second."""


def frozen(subject: Subject) -> None:
    """What is frozen has no gradient, is saved, and stays bit for bit through training steps; all else can train."""
    places = [path for path, part in parts(subject.tiny) if part.frozen]
    if not places:
        raise Skip("no component is frozen")
    model = subject.model(train=True)
    still = {path: _modules(model, path) for path in places}
    held = {id(one) for modules in still.values() for module in modules for one in module.parameters()}
    shared = _owned_elsewhere(subject, model)
    for name, parameter in model.named_parameters():
        if id(parameter) in held and parameter.requires_grad and id(parameter) not in shared:
            raise CheckFailure(f"{name} is frozen, and asks for a gradient")
        if all(still.values()) and id(parameter) not in held and not parameter.requires_grad:
            raise CheckFailure(f"{name} is not frozen, and asks for no gradient")
    saved = {id(tensor) for tensor in model.state_dict(keep_vars=True).values()}
    if not held <= saved:
        raise CheckFailure("a frozen parameter is not among what is saved")
    before = {path: [_numbers(module) for module in modules] for path, modules in still.items()}
    _trained(subject, model)
    for path, modules in still.items():
        for module, old in zip(modules, before[path], strict=True):
            for name, tensor in _numbers(module).items():
                owner = dict(module.named_parameters()).get(name)
                if not torch.equal(tensor, old[name]) and (owner is None or id(owner) not in shared):
                    raise CheckFailure(f"{name} of {dotted(path)}, which is frozen, moves in {STEPS} training steps")


def _modules(model: Model, path: Path) -> list[nn.Module]:
    """What a component of the spec became: two cells, where there are two directions; none where that is not known."""
    *above, last = path
    place = dotted(path)
    if last == "pool" and "heads" in above:
        place = dotted((*above[:-2], "pools", above[-1]))
    elif path[-2:] == ("head", "pool"):
        place = dotted((*path[:-2], "pool"))
    modules = dict(model.named_modules(remove_duplicate=False))
    names = [place, dotted((*above, "reverse_cell"))] if last == "cell" else [place]
    return [modules[name] for name in names if name in modules]  # a plugin's may stand elsewhere


def _owned_elsewhere(subject: Subject, model: Model) -> set[int]:
    """Parameters that stand in an input that is not frozen too: a tied head shares them, and they are the input's."""
    found: set[int] = set()
    for stack in subject.tiny.stacks:
        if not stack.input.frozen:
            source = model.get_submodule(dotted((*stack.path, "input")))
            found |= {id(one) for one in source.parameters()}
    return found


def _numbers(module: nn.Module) -> dict[str, Tensor]:
    """Its parameters and its buffers, those that are not saved too, as they are now."""
    own = [*module.named_parameters(), *module.named_buffers()]
    return {name: tensor.detach().clone() for name, tensor in own}


def _trained(subject: Subject, model: Model) -> None:
    """A few steps by an optimiser that is given every parameter and makes them smaller, as people do."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1) if [*model.parameters()] else None
    for seed in range(STEPS):
        loss = weighted(run(model, batch_of(subject, 3, 7, seed=seed))[0])
        if optimiser is not None and loss.requires_grad:
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
