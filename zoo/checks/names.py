"""Names of layers, which say what is read and nothing else: other names change neither keys nor numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from zoo.checks.batch import batch_of, run
from zoo.checks.subject import Subject, all_close, move_constants
from zoo.components import Part
from zoo.errors import CheckFailure
from zoo.model.build import build
from zoo.spec.canonical import Spec
from zoo.spec.tree import Component, Head, Recurrent, layers, map_nodes


def names(subject: Subject) -> None:
    """With a name for every layer, and another for those that have one, parameters, state and output are the same."""
    other = renamed(subject.tiny)
    one, two = (
        build(spec, seed=0, device=subject.device, dtype=subject.exact, engine=subject.engine).eval()
        for spec in (subject.tiny, other)
    )
    keys, found = list(one.state_dict()), list(two.state_dict())
    if keys != found:
        new = [key for key in found if key not in keys] or found
        raise CheckFailure(f"a layer's name changes the keys of state_dict: {', '.join(new[:3])}")
    all_close(list(two.state_dict().values()), list(one.state_dict().values()), "parameters of one seed", bound=0.0)
    for model in (one, two):
        move_constants(model, 0)
    batch = batch_of(subject, 3, 7)
    (expected, state), (output, after) = run(one, batch), run(two, batch)
    if isinstance(state, Mapping) and list(state) != list(after):
        raise CheckFailure("a layer's name changes the names of states")
    all_close((output, after), (expected, state), "layers by other names", bound=0.0)


def renamed(spec: Spec) -> Spec:
    """The same model with a name for every layer, and another for those that have one, wherever it is asked for."""
    given = sorted({layer.name for _, layer in layers(spec) if layer.name is not None}, reverse=True)
    # In the other order, "input" among them, so that nothing is right because names happen to be sorted.
    mine = {name: f"{'z' if name < 'input' else 'a'}{index:04}" for index, name in enumerate(given)}
    count = iter(range(sum(1 for _ in layers(spec))))

    def new(name: str) -> str:
        return mine.get(name, name)

    def change(path: Any, node: Any) -> Any:
        if isinstance(node, Recurrent | Component):
            name = f"unnamed_{next(count)}" if node.name is None else new(node.name)
            return replace(node, name=name, of=tuple(map(new, node.of)))
        return replace(node, of=tuple(map(new, node.of))) if isinstance(node, Head) else node

    changed = map_nodes(spec, change)
    options = changed.architecture.options
    return replace(changed, architecture=changed.architecture.with_options(_places(options, new)))


def _places(options: Any, new: Any) -> Any:
    """Options with other names where an option is a place, as that of the layer that asks for attention is."""
    found: dict[str, Any] = {}
    for name, field in type(options).model_fields.items():
        value = getattr(options, name)
        if isinstance(value, Part):
            continue
        if isinstance(value, BaseModel):
            found[name] = _places(value, new)
        elif isinstance(value, str) and isinstance(field.json_schema_extra, Mapping):
            found[name] = new(value) if field.json_schema_extra.get("x-place") else value
    return options.model_copy(update=found)
