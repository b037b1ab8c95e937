"""The heads of a model: their losses on targets that fit, and that each of several matters."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from zoo.checks.batch import Batch, batch_of
from zoo.checks.subject import Skip, Subject, close
from zoo.errors import CheckFailure, InputError
from zoo.heads.base import Head
from zoo.model.base import Model
from zoo.model.stack import StackModel
from zoo.spec.tree import Head as Written


class Named(NamedTuple):
    """A head of a model.

    Attributes:
        name: Of one of several heads; "" of the only one.
        pooled: Whether a pool stands in front of it.
        stack: That it stands in; "" in a model of one.
    """

    name: str
    head: nn.Module
    pooled: bool
    stack: str = ""

    @property
    def label(self) -> str:
        own = f"head {self.name!r}" if self.name else "the head"
        return f"{own} of the {self.stack}" if self.stack else own


class Loss(NamedTuple):
    """A head's loss on a random target that fits."""

    head: nn.Module
    value: Tensor


def heads(model: Model) -> list[Named]:
    """The heads of a model that is one stack; none of any other model."""
    several, only = getattr(model, "heads", None), getattr(model, "head", None)
    if several is not None:
        found = ((name, several.head(name), pooled) for name, pooled in several.pooled.items())
        return [Named(name, head, pooled) for name, head, pooled in found if head is not None]
    return [] if only is None else [Named("", only, model.pool is not None)]


def every_head(model: Model) -> list[Named]:
    """The heads of a model, or those of each of its stacks."""
    stacks = [(name, one) for name, one in model.named_children() if isinstance(one, StackModel)]
    return heads(model) + [head._replace(stack=name) for name, stack in stacks for head in heads(stack)]


def same_head(model: Model, one: Named) -> nn.Module:
    """The head of a model that stands where another one's does."""
    return next(other.head for other in every_head(model) if (other.stack, other.name) == (one.stack, one.name))


def outputs_of(model: Model, batch: Batch) -> Any:
    """The output of a run, or those of several heads by name."""
    return model(**batch.call, return_state=True)[0]


def losses(model: Model, output: Any) -> list[Loss]:
    """The loss of every head that has one, on its own output, or on the sum where outputs are added up."""
    found = []
    for one in heads(model):
        own = output[one.name] if isinstance(output, Mapping) else output
        if isinstance(one.head, Head):
            try:
                target = one.head.example_target(own, torch.Generator().manual_seed(0))
                found.append(Loss(one.head, one.head.loss(own, target)))
            except InputError:
                continue  # it has none
    return found


def trained_by(model: Model, output: Any) -> list[float]:
    """Numbers that change with whatever a head's loss and answers depend on."""
    found = [one.value.item() for one in losses(model, output)]
    for one in heads(model):
        own = output[one.name] if isinstance(output, Mapping) else output
        if isinstance(one.head, Head) and one.head.decodes:
            found.append(one.head.decode(own).double().sum().item())
    return found


def every_head_matters(subject: Subject) -> None:
    """Each of several outputs depends on its own head alone, and a sum of them is the sum of what each gives.

    A head that names the layers that it reads is given their outputs.
    """
    model = subject.model()
    several = getattr(model, "heads", None)
    reads = [] if subject.several else [head for head in subject.tiny.only.all_heads if head.of]
    if reads:
        _read(model, batch_of(subject, 3, 5), reads)
    if several is None:
        if reads:
            return
        raise Skip("the model has one output")
    batch = batch_of(subject, 3, 5)
    given: dict[str, Tensor] = {}
    last = {one.name: one.head for one in heads(model)}
    pools: Any = model.pools
    last |= {name: pools.get_submodule(name) for name in several.pooled if name not in last}  # a pool alone
    handles = [
        module.register_forward_hook(lambda module, x, y, name=name: given.__setitem__(name, y.detach()))
        for name, module in last.items()
    ]
    try:
        with torch.no_grad():
            before = outputs_of(model, batch)
    finally:
        for handle in handles:
            handle.remove()
    if several.merge == "sum":
        close(before, torch.stack([*given.values()]).sum(0), "the sum of the heads against what each of them gives")
    else:
        for name, own in given.items():
            close(before[name], own, f"the output {name!r} against what its head gives")
    for one in heads(model):
        if any(True for _ in one.head.parameters()):
            _alone(subject, batch, one, before)


def _read(model: Any, batch: Batch, reads: list[Written]) -> None:
    """What stands first in each head is given what the layers give that the head names, side by side."""
    given: dict[str, Tensor] = {}
    made: dict[str, Tensor] = {}

    def note(module: nn.Module, x: Any, y: Any, name: str) -> None:
        made[name] = y if isinstance(y, Tensor) else y.output

    handles = [model.input.register_forward_hook(partial(note, name="input"))]
    handles += [one.register_forward_hook(partial(note, name=one.called)) for one in model.layers if one.called]
    for head in reads:
        pool, own = (model.pool, model.head) if not head.name else _parts(model, head.name)
        first = own if pool is None else pool
        handles.append(first.register_forward_pre_hook(lambda module, x, at=head.name: given.update({at: x[0]})))
    try:
        with torch.no_grad():
            outputs_of(model, batch)
    finally:
        for handle in handles:
            handle.remove()
    for head in reads:
        said = f"what the head{' ' * bool(head.name)}{head.name} reads against what {', '.join(head.of)} gives"
        close(given[head.name], torch.cat([made[name] for name in head.of], 2), said)


def _parts(model: Any, name: str) -> tuple[Any, Any]:
    """The pool and the head of a name, each None where it has none."""
    pools = {} if model.pools is None else dict(model.pools.named_children())
    return pools.get(name), model.heads.head(name)


def _alone(subject: Subject, batch: Batch, one: Named, before: Any) -> None:
    """Another start of one head changes its output, or the sum, and no other output."""
    model = subject.model()
    head = next(other.head for other in heads(model) if other.name == one.name)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.mul_(-1.5).add_(0.25)
        after = outputs_of(model, batch)
    if not isinstance(before, Mapping):
        if torch.equal(before, after):
            raise CheckFailure(f"other parameters of {one.label} change nothing in the sum")
        return
    for name, output in after.items():
        same = torch.equal(before[name], output)
        if name == one.name and same and _reads(head):
            raise CheckFailure(f"other parameters of {one.label} do not change its output")
        if name != one.name and not same:
            raise CheckFailure(f"other parameters of {one.label} change the output {name!r}")


def _reads(head: nn.Module) -> bool:
    """Whether a head's output depends on its parameters, and not its loss alone."""
    return getattr(head, "gives", "logits") != "features"
