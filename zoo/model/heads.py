"""What stands behind the layers of a stack: a head, or several by name, and their losses and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from torch import Tensor, nn

from zoo.engine import forwards
from zoo.engine.layer import LayerOutput, Run
from zoo.engine.sequence import at_last, zero_where
from zoo.errors import BuildError, InputError

if TYPE_CHECKING:
    from zoo.model.stack import StackModel

Lengths = Tensor | Sequence[int] | None


class Heads(nn.Module):
    """Several heads by name, each behind a pool of its own or none. Their keys in `state_dict` are `heads.NAME`.

    Args:
        heads: By name, None where only a pool stands.
        pooled: Whether a pool stands in front of each, by name.
        merge: "sum" for one output, None for a mapping.
    """

    def __init__(
        self, heads: Mapping[str, nn.Module | None], pooled: Mapping[str, bool], merge: Literal["sum"] | None
    ) -> None:
        super().__init__()
        self.pooled, self.merge = dict(pooled), merge
        add(self, heads)

    def head(self, name: str) -> nn.Module | None:
        """The head of a name; None where only a pool stands."""
        return self._modules.get(name)

    def extra_repr(self) -> str:
        return f"merge={self.merge!r}" if self.merge else ""

    def forward(self, given: Mapping[str, tuple[LayerOutput, Run]], pools: nn.Module | None) -> Any:
        own = {} if pools is None else pools._modules
        outputs = {name: headed(*given[name], own.get(name), self.head(name)) for name in self.pooled}
        return outputs if self.merge is None else summed(outputs)


class Pools(nn.Module):
    """The pools in front of several heads, by the heads' names. Their keys in `state_dict` are `pools.NAME`."""

    def __init__(self, pools: Mapping[str, nn.Module]) -> None:
        super().__init__()
        add(self, pools)


def add(owner: nn.Module, modules: Mapping[str, nn.Module | None]) -> None:
    """Give a module others by the names of heads."""
    for name, module in modules.items():
        if hasattr(owner, name):
            raise BuildError(f"heads.{name}: every module of torch has {name!r} already: give the head another name")
        if module is not None:
            owner.add_module(name, module)


def summed(outputs: Mapping[str, Tensor]) -> Tensor:
    """One output: the sum of several."""
    first, *others = outputs.values()
    for other in others:
        first = first + other
    return first


def headed(y: LayerOutput, run: Run, pool: nn.Module | None, head: nn.Module | None) -> Tensor:
    """What a pool and a head make of the last layer's output, zero in padding."""
    output = y.output
    if pool is not None:
        final = at_last(output, run.lengths) if y.final is None else y.final
        expected = (*output.shape[:1], *output.shape[2:])
        output = forwards.called(pool, output, run.valid, final, expected=expected)
    if head is None:
        return output
    leading = output.shape[: 1 if pool is not None else 2]
    output = forwards.called(head, output, expected=leading, leading=True, real=False)
    return output if pool is not None else zero_where(output, run.valid)


def loss_of(model: StackModel, output: Any, target: Any, lengths: Lengths, target_lengths: Lengths) -> Any:
    """The loss of a model's head, or of each of several."""

    def one(head: nn.Module | None, given: Any, wanted: Any, *, called: str, pooled: bool) -> Any:
        ends = None if pooled else lengths
        more = {} if target_lengths is None else {"target_lengths": target_lengths}
        return _method(head, "loss", called)(given, wanted, ends, **more)

    heads = model.heads
    if heads is None:
        return one(model.head, output, target, called="the model", pooled=model.pool is not None)
    if heads.merge is not None:
        pooled = all(heads.pooled.values())
        return one(together(heads), output, target, called="the sum of the heads", pooled=pooled)
    if not isinstance(target, Mapping) or not target or not set(target) <= set(heads.pooled):
        raise InputError(f"targets of several heads are a mapping by their names: {', '.join(heads.pooled)}")
    return {
        name: one(heads.head(name), output[name], wanted, called=f"head {name!r}", pooled=heads.pooled[name])
        for name, wanted in target.items()
    }


def decoded(model: StackModel, output: Any, lengths: Lengths) -> Any:
    """What a model's head decodes, or each of several that can."""
    heads = model.heads
    if heads is None:
        return _method(model.head, "decode", "the model")(output, None if model.pool is not None else lengths)
    if heads.merge is not None:
        ends = None if all(heads.pooled.values()) else lengths
        return _method(together(heads), "decode", "the sum of the heads")(output, ends)
    found: dict[str, Any] = {}
    for name, pooled in heads.pooled.items():
        head = heads.head(name)
        if head is not None and getattr(head, "decodes", callable(getattr(head, "decode", None))):
            found[name] = _method(head, "decode", f"head {name!r}")(output[name], None if pooled else lengths)
    if not found:
        raise InputError(f"none of the heads {', '.join(heads.pooled)} decodes its output")
    return found


def together(heads: Heads) -> nn.Module | None:
    """A head that stands for the sum of all: they must be of one kind, which alone says what a sum of them means."""
    found = [heads.head(name) for name in heads.pooled]
    alike = {(type(head), getattr(head, "gives", None)) for head in found}
    if len(alike) > 1 or getattr(found[0], "gives", "logits") != "logits":
        raise InputError(
            "a sum of heads has a loss only where all are of one kind that gives logits: compute it from the output"
        )
    return found[0]


def _method(head: nn.Module | None, name: str, called: str) -> Any:
    if head is None:
        raise InputError(f"{called} has no head, which knows what a {name} is: compute it from the output")
    method = getattr(head, name, None)
    if not callable(method):
        raise InputError(
            f"{called} has no {name}: its {type(head).__name__} does not define one; compute it from the output, or "
            f"derive {type(head).__name__} from zoo.Head"
        )
    return method
