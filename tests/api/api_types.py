"""Types as the snapshot writes them, and whether one takes everything that another takes."""

from __future__ import annotations

import ast
import json
import types
import typing
from typing import Any

ANYTHING = {"", "Any", "object"}
BOUNDS = {
    "minimum": max,
    "exclusiveMinimum": max,
    "minItems": max,
    "maximum": min,
    "exclusiveMaximum": min,
    "maxItems": min,
}
"""Of a value with two bounds, the one that counts."""


def spelled(annotation: Any) -> str:
    """A type by its own name, which no interpreter changes: 3.13 keeps `Path` in `pathlib._local`."""
    if annotation in (None, types.NoneType):
        return "None"
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(map(spelled, inner))
    if origin is typing.Literal:
        return f"Literal[{', '.join(map(repr, inner))}]"
    if origin is not None:
        return f"{origin.__name__}[{', '.join(map(spelled, inner))}]"
    return str(getattr(annotation, "__name__", annotation))


def takes(wide: str, narrow: str) -> bool:
    """Whether every value of `narrow` is one of `wide`, by what stands there: unions, literals, JSON Schemas."""
    if wide in ANYTHING or wide == narrow:
        return True
    if wide.startswith("{") and narrow.startswith("{"):
        return _schema_takes(json.loads(wide), json.loads(narrow))
    return narrow not in ANYTHING and _members(narrow) <= _members(wide)


def _members(text: str) -> set[str]:
    """The members of a union, each value of a literal on its own."""
    try:
        return set(_walk(ast.parse(text, mode="eval").body))
    except SyntaxError:
        return {text}


def _walk(node: ast.expr) -> list[str]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*_walk(node.left), *_walk(node.right)]
    if isinstance(node, ast.Subscript):
        name = ast.unparse(node.value).rpartition(".")[2]
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if name == "Literal":
            return [f"Literal[{ast.unparse(one)}]" for one in inner]
        if name == "Union":
            return [member for one in inner for member in _walk(one)]
        if name == "Optional":
            return [*_walk(node.slice), "None"]
    return [ast.unparse(node)]


def _schema_takes(wide: dict[str, Any], narrow: dict[str, Any]) -> bool:
    choices = narrow.get("anyOf")
    if choices is not None:
        return all(_schema_takes(wide, one) for one in choices)
    if "anyOf" in wide:
        return any(_schema_takes(one, narrow) for one in wide["anyOf"])
    for key, value in wide.items():
        if key in BOUNDS:
            if key not in narrow or BOUNDS[key](value, narrow[key]) != narrow[key]:
                return False
        elif key == "enum":
            values = narrow.get("enum", [narrow["const"]] if "const" in narrow else None)
            if values is None or not set(values) <= set(value):
                return False
        elif key == "type" and value == "number" and narrow.get("type") == "integer":
            continue
        elif narrow.get(key) != value:
            return False
    return True
