"""The canonical form written out as a spec again: data, or YAML text that loads to an equal spec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml
from pydantic import BaseModel

from zoo.components import LayerType, Part
from zoo.engine.around import ALL, Dropout
from zoo.errors import Diagnostic, SpecError
from zoo.spec.canonical import Expect, Spec
from zoo.spec.document import Node
from zoo.spec.events import is_text
from zoo.spec.file import SCHEMA_VERSION
from zoo.spec.named import Named
from zoo.spec.problems import Path
from zoo.spec.tree import NODES, Component, Head, Layer, NamedInput, Norm, Recurrent, Stack, replaced

MOST_BITS: Final = 1024
"""Of an integer that is written out, for the reader to say where it stands and that it is too large."""


def to_data(spec: Spec) -> dict[str, Any]:
    """A spec as plain data: every layer spelled out, every component with its distribution; nothing that is none."""
    data: dict[str, Any] = {
        "schema": SCHEMA_VERSION,
        "name": spec.name,
        "description": spec.description,
        "paper": spec.paper,
        "tags": list(spec.tags) or None,
        "requires": list(spec.requires) or None,
        "architecture": part_data(spec.architecture),
    }
    for stack in spec.stacks:
        data |= {stack.name: stack_data(stack)} if stack.name else stack_data(stack)
    data["expect"] = None if spec.expect is None else expect_data(spec.expect)
    return {key: value for key, value in data.items() if value is not None}


def expect_data(expect: Expect) -> dict[str, int]:
    return {"parameters": expect.parameters} | ({} if expect.frozen is None else {"frozen": expect.frozen})


def stack_data(stack: Stack) -> dict[str, Any]:
    """A stack as it would stand under its name, or at the top of a file."""
    data = {
        "input": part_data(stack.input),
        "init": part_data(stack.init),
        "layers": [layer_data(layer) for layer in stack.layers],
    }
    if stack.head is not None:
        data["head"] = head_data(stack.head)
    if stack.heads:
        merge = {} if stack.merge is None else {"merge": stack.merge}
        data["heads"] = {head.name: head_data(head) for head in stack.heads} | merge
    return data


def head_data(head: Head) -> dict[str, Any]:
    """A head as it would stand under `head`, or under its name among several."""
    pool = {} if head.pool is None else {"pool": part_data(head.pool)}
    of = {"of": list(head.of)} if head.of else {}
    return as_mapping("none" if head.part is None else part_data(head.part)) | of | pool


class Writer(yaml.SafeDumper):
    """Writes what the reader reads back as the same: no aliases, and quotes around whatever it takes for a number."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_text(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=None if is_text(data) else "'")

    def represent_integer(self, data: int) -> yaml.ScalarNode:
        """Python itself does not write out an integer of thousands of digits."""
        if data.bit_length() > MOST_BITS:
            raise yaml.representer.RepresenterError(
                f"an integer of {data.bit_length():,} bits, of which 64 are the most"
            )
        return self.represent_scalar("tag:yaml.org,2002:int", str(data))


Writer.add_representer(str, Writer.represent_text)
Writer.add_representer(int, Writer.represent_integer)


def to_yaml(spec: Spec) -> str:
    """A spec as YAML text, every layer spelled out. It reads back as an equal spec.

    Args:
        spec: The canonical form.

    Returns:
        The text of a spec file.

    Example:
        >>> print(zoo.to_yaml(zoo.load("lstm")).splitlines()[1])
        name: lstm
    """
    text: str = yaml.dump(to_data(spec), Dumper=Writer, sort_keys=False, allow_unicode=True, width=110)
    return text


def written(data: Mapping[str, Any], what: str) -> bytes:
    """Plain data as a file would have it. what: it is called in messages, as in "mapping".

    Raises:
        SpecError: it holds something that no spec file can.
    """
    try:
        text = yaml.dump(dict(data), Dumper=Writer, sort_keys=False, allow_unicode=True)
    except RecursionError:
        raise SpecError([Diagnostic(f"<{what}>", 0, 0, "the mapping holds itself", "mapping")]) from None
    except yaml.YAMLError as error:
        message = f"holds a value that no spec file can: {' '.join(str(error.args[-1]).split())}"
        raise SpecError([Diagnostic(f"<{what}>", 0, 0, message, "mapping")]) from None
    return bytes(text, "utf-8")


def layer_data(layer: Layer) -> Any:
    """One layer as it would stand in a list of layers."""
    if isinstance(layer, Component):
        return as_mapping(part_data(layer.part)) | _place_data(layer)
    data: dict[str, Any] = {
        "cell": part_data(layer.cell),
        "hidden_size": layer.hidden_size,
        "bidirectional": layer.bidirectional,
        "merge": layer.merge if layer.bidirectional else None,
        "share": share_data(layer.share),
        "reverse": layer.reverse,
        "dropout": dropout_data(layer.dropout),
        "norm": None if layer.norm is None else norm_data(layer.norm),
        "residual": layer.residual,
        "output_projection": _projection_data(layer),
        "initial_state": layer.initial_state,
        "init": part_data(layer.init),
    }
    return {key: value for key, value in data.items() if value is not None} | _place_data(layer)


def share_data(share: tuple[str, ...]) -> Any:
    """`all`, a list of names, or None."""
    return "all" if share == ALL else list(share) or None


def _place_data(layer: Layer) -> dict[str, Any]:
    """A layer's name, and those of the layers that it reads."""
    joins = isinstance(layer, Component) and isinstance(layer.part.record, LayerType) and layer.part.record.joins
    read = {} if not layer.of else {"of": list(layer.of)} if joins else {"from": layer.of[0]}
    return ({} if layer.name is None else {"name": layer.name}) | read


def _projection_data(layer: Recurrent) -> Any:
    """A number alone where the projection has a bias, else a mapping."""
    size = layer.output_projection
    return size if size is None or layer.projection_bias else {"size": size, "bias": False}


def part_data(part: Part) -> Any:
    """A component: its qualified name alone where it has no options, else a mapping."""
    options = _options_data(part.options) | ({"frozen": True} if part.frozen else {})
    return {"kind": part.provided.qualified, **options} if options else part.provided.qualified


def _options_data(options: BaseModel) -> dict[str, Any]:
    """As JSON has them: lists for tuples, the values of enumerations; and nodes of the tree as a spec has them."""
    fields = type(options).model_fields
    inside = {name: _node_data(value) for name in fields if _holds_nodes(value := getattr(options, name))}
    data = options.model_dump(mode="json", exclude_none=True, by_alias=True, exclude=set(inside))
    return data | {fields[name].alias or name: value for name, value in inside.items()}


def _holds_nodes(value: Any) -> bool:
    return value is not None and replaced(value, NODES, lambda path, node: None) is not value


def _node_data(value: Any) -> Any:
    if isinstance(value, Part):
        return part_data(value)
    if isinstance(value, Norm):
        return norm_data(value)
    if isinstance(value, NamedInput):
        often = {} if value.per == "step" else {"per": value.per}
        return as_mapping(part_data(value.part)) | often
    if isinstance(value, Layer):
        return layer_data(value)
    if isinstance(value, Named):
        return {name: _node_data(one) for name, one in value.items()}
    return [_node_data(one) for one in value] if isinstance(value, tuple) else _options_data(value)


def as_mapping(data: Any) -> dict[str, Any]:
    return data if isinstance(data, dict) else {"kind": data}


def norm_data(norm: Norm) -> dict[str, Any]:
    return as_mapping(part_data(norm.part)) | {"position": norm.position}


def dropout_data(dropout: Dropout) -> dict[str, Any] | None:
    kinds = ("input", "between", "output", "variational", "recurrent", "weight", "zoneout")
    given = {kind: getattr(dropout, kind) for kind in kinds if getattr(dropout, kind)}
    return given or None


def annotated(spec: Spec, origins: Mapping[Path, Node]) -> str:
    """The canonical form as YAML, each value with where it was written, or that it is a default.

    The comments aside, it reads back as an equal spec.
    """
    lines: list[tuple[str, str]] = []
    names = {stack.name for stack in spec.stacks}
    for key, value in to_data(spec).items():
        if key in names:
            lines.append((f"{key}:", ""))
            lines += _annotated((key,), value, origins)
        else:
            lines += _annotated((), {key: value}, origins)
    width = min(60, max(len(text) for text, _ in lines))
    return "\n".join(f"{text:<{width}}  # {origin}" if origin else text for text, origin in lines)


def _annotated(at: Path, data: Mapping[str, Any], origins: Mapping[Path, Node]) -> Iterator[tuple[str, str]]:
    """Each key of a stack, or of a spec, with its origin; each key of a layer has one of its own."""
    margin = "  " * len(at)
    for key, value in data.items():
        if key != "layers":
            yield f"{margin}{key}: {_inline(value)}", _origin((*at, key), origins)
            continue
        yield f"{margin}layers:", ""
        for index, layer in enumerate(value):
            lead = "  - "
            for name, one in layer.items():
                path = (*at, "layers", index) if "kind" in layer else (*at, "layers", index, name)
                yield f"{margin}{lead}{name}: {_inline(one)}", _origin(path, origins)
                lead = "    "


def _origin(path: Path, origins: Mapping[Path, Node]) -> str:
    node = origins.get(path)
    return "default" if node is None else f"{node.source.file}:{node.line}"


def _inline(value: Any) -> str:
    text: str = yaml.dump(
        value, Dumper=Writer, default_flow_style=True, allow_unicode=True, width=float("inf"), sort_keys=False
    )
    return text.removesuffix("...\n").strip()
