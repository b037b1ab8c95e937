"""Tensors and modules that a component holds without torch knowing of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, NoReturn

from torch import Tensor, nn

from zoo.engine.labels import label, wrong

_OF_EVERY_MODULE: Final = frozenset(vars(nn.Module()))


def registered(module: nn.Module, known: Iterable[nn.Module]) -> None:
    """Check that all numbers that a module holds are known to its state_dict, optimiser and `to`.

    Args:
        module: What a component's author made.
        known: Modules that it was given, and may hold as they are.

    Raises:
        DeclarationError: If some are not.
    """
    ours = [module, *known]
    known_ids: set[int] = set()
    for one in ours:
        known_ids.update(map(id, one.modules()), map(id, one.parameters()), map(id, one.buffers()))
    for path, one in module.named_modules():
        # torch's own modules know what they do, and so do its hooks that compute a weight before each call.
        if type(one).__module__.partition(".")[0] == "torch" or one._forward_pre_hooks:
            continue
        for attribute, value in vars(one).items():
            if attribute in _OF_EVERY_MODULE:
                continue
            held = next((leaf for leaf in _held(value) if id(leaf) not in known_ids), None)
            if held is not None:
                _unregistered(module, f"{path}.{attribute}" if path else attribute, value, held)


def kept(model: nn.Module) -> None:
    """Raise DeclarationError if a run has left a tensor of its graph in a component: the graph stays with it.

    Such a module can be neither copied nor pickled, and what was left may be read by a later run.
    """
    for module in model.modules():
        if not label(module) or any(label(one) for one in module.modules() if one is not module):
            continue  # the parts of a model say it themselves
        known = {id(one) for one in module.parameters()}
        for path, one in module.named_modules():
            if type(one).__module__.partition(".")[0] == "torch" or one._forward_pre_hooks:
                continue  # as for `registered`
            for attribute, value in vars(one).items():
                if attribute not in _OF_EVERY_MODULE and any(
                    isinstance(leaf, Tensor) and leaf.grad_fn is not None and id(leaf) not in known
                    for leaf in _held(value)
                ):
                    where = f"{path}.{attribute}" if path else attribute
                    wrong(
                        module, f".{where} is left from a run and holds its whole graph: store nothing computed in self"
                    )


def _held(value: Any) -> Iterator[Tensor | nn.Module]:
    """Tensors and modules in an attribute, through lists, tuples and dicts."""
    if isinstance(value, Tensor | nn.Module):
        yield value
    elif isinstance(value, list | tuple | set):
        for item in value:
            yield from _held(item)
    elif type(value) is dict:
        for item in value.values():
            yield from _held(item)


def _unregistered(module: nn.Module, attribute: str, value: Any, held: Tensor | nn.Module) -> NoReturn:
    lost = "which no state_dict, optimiser or device knows"
    mapping = isinstance(value, dict)
    if isinstance(held, nn.Parameter):
        wrong(
            module, f".{attribute} is a {type(value).__name__} of parameters, {lost}: use nn.Parameter{_many(mapping)}"
        )
    if isinstance(held, nn.Module):
        kind = type(value).__name__
        wrong(
            module,
            f".{attribute} is a {kind} of modules ({type(held).__name__}), {lost}: use nn.Module{_many(mapping)}",
        )
    what = "a tensor" if value is held else f"a {type(value).__name__} of tensors"
    wrong(
        module,
        f".{attribute} is {what}, {lost}: make it an nn.Parameter, or a constant with "
        f"register_buffer({attribute.rpartition('.')[2]!r}, ..., persistent=False)",
    )


def _many(mapping: bool) -> str:
    return "Dict" if mapping else "List"
