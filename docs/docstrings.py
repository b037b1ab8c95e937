"""What docstrings say, taken apart: of a class as a whole, of each of its fields, of each argument of a function."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import zoo


def meaning(found: type, name: str) -> str:
    """What a field or an attribute means: said by its own class, one above it, or below the attribute; or ""."""
    ours = [one for one in found.__mro__ if one.__module__.startswith("zoo")]
    for one in ours:
        beside = [*fields_of(found), *inspect.get_annotations(found), *_properties(found)]
        said = said_of(one, [name, *beside])[1].get(name)
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(one))).body
        assert isinstance(tree, ast.ClassDef)
        said = said or below(tree.body).get(name)
        if said:
            return sentence(said)
    return ""


def _properties(found: type) -> list[str]:
    return [name for name, member in vars(found).items() if isinstance(member, property)]


def said_of(found: type, names: Iterable[str]) -> tuple[str, dict[str, str]]:
    """A class's own docstring: the text that is about the whole, and what it says of each of the names."""
    texts, of_names = [], dict[str, str]()
    for paragraph in re.split(r"\n\s*\n", _doc(found)):
        if paragraph.startswith("Args:\n"):  # of its constructor
            continue
        text, said = entries(paragraph, names)
        texts.append(text)
        of_names |= said
    return " ".join(filter(None, texts)), of_names


def entries(text: str, names: Iterable[str]) -> tuple[str, dict[str, str]]:
    """What stands before the first `name: `, and what stands behind each; two names may share one meaning."""
    named = "|".join(sorted(map(re.escape, names), key=len, reverse=True)) or "(?!)"
    before, *parts = re.split(rf"(?:(?<=^)|(?<=[.;] ))((?:{named})(?:, (?:{named}))*): ", one_line(text))
    found = dict[str, str]()
    for keys, said in zip(parts[::2], parts[1::2], strict=True):
        found |= dict.fromkeys(keys.split(", "), said.strip())
    return before.strip(), found


def sections(function: Any) -> dict[str, str]:
    """The parts of a docstring with a heading, `Args`, `Raises`, ..., each on one line."""
    found = re.split(r"^(Args|Returns|Yields|Raises):\n((?:[ ]+.*\n?|\n(?=[ ]))*)", _doc(function), flags=re.MULTILINE)
    return {title: one_line(text) for title, text in zip(found[1::3], found[2::3], strict=True)}


def signature(function: Any, *, bound: bool = False) -> str:
    """Parameters and result as the code writes them; bound: without the first, which is the object."""
    made = inspect.signature(function)
    shown, star = [], False
    for one in list(made.parameters.values())[bound:]:
        if one.kind is one.KEYWORD_ONLY and not star:
            shown.append("*")
        star |= one.kind in (one.KEYWORD_ONLY, one.VAR_POSITIONAL)
        stars = "*" * (one.kind == one.VAR_POSITIONAL) + "**" * (one.kind == one.VAR_KEYWORD)
        default = "" if one.default is one.empty else f" = {plain(one.default)}"
        shown.append(f"{stars}{one.name}: {one.annotation}{default}")
    return f"({', '.join(shown)}) -> {made.return_annotation}"


def below(body: list[ast.stmt]) -> dict[str, str]:
    """The docstrings below assignments."""
    return {
        target.id: text.value.value
        for node, text in pairwise(body)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }


def _doc(found: Any) -> str:
    return inspect.cleandoc(found.__doc__ or "")  # its own, none of what it inherits


def first(found: Any) -> str:
    """The first paragraph of a docstring on one line."""
    return one_line(re.split(r"\n\s*\n", _doc(found))[0])


def one_line(text: str) -> str:
    return " ".join(text.split())


def sentence(text: str) -> str:
    text = text.rstrip(";").rstrip()
    return (text[:1].upper() + text[1:]).replace("|", "\\|") + ("" if text.endswith(".") else ".")


def fields_of(record: type) -> list[str]:
    if dataclasses.is_dataclass(record):
        return [one.name for one in dataclasses.fields(record)]
    return list(getattr(record, "_fields", ()))


def plain(value: Any) -> str:
    if isinstance(value, type):
        return str(value.__name__)
    return "Traits()" if value == zoo.Traits() else repr(value)


def annotation_of(record: type, name: str) -> str:
    """The type of a field as the code writes it."""
    home = next(one for one in record.__mro__ if name in inspect.get_annotations(one))
    found = inspect.get_annotations(home)[name]
    return str(getattr(found, "__forward_arg__", found))


def default_of(record: type, name: str) -> str:
    """The default of a field; what is not given at all is made."""
    if not dataclasses.is_dataclass(record):
        defaults = record._field_defaults  # type: ignore[attr-defined]
        return f"`{plain(defaults[name])}`" if name in defaults else "required"
    (field,) = (one for one in dataclasses.fields(record) if one.name == name)
    if not field.init:
        return "made"
    if field.default_factory is not dataclasses.MISSING:
        return f"`{field.default_factory()!r}`"
    return "required" if field.default is dataclasses.MISSING else f"`{plain(field.default)}`"


def alias(module: str, name: str) -> tuple[str, str]:
    """A type's other name: what it stands for, as the code writes it, and what is said below it."""
    body = ast.parse(inspect.getsource(importlib.import_module(module))).body
    for node, text in pairwise([*body, ast.Pass()]):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            said = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
            return ast.unparse(node.value), one_line(str(ast.literal_eval(text.value))) if said else ""  # type: ignore[attr-defined]
    raise LookupError(f"{module} has no {name}")
