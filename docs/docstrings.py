"""What docstrings say, as griffe reads them (Google style), and what signatures and fields look like on a page."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from functools import cache
from pathlib import Path
from typing import Any

import griffe

import zoo


@dataclasses.dataclass(frozen=True, slots=True)
class Said:
    """A docstring, section by section; each text is on one line, but for examples.

    Attributes:
        summary: The first paragraph.
        text: The paragraphs that are in no section, the first included.
        args: What each argument means, by name.
        attributes: What each attribute means, by name.
        returns: What comes back.
        yields: What an iterator or a context manager gives.
        raises: Each exception with the reason for it.
        examples: As a Python session.
    """

    summary: str = ""
    text: str = ""
    args: dict[str, str] = dataclasses.field(default_factory=dict)
    attributes: dict[str, str] = dataclasses.field(default_factory=dict)
    returns: str = ""
    yields: str = ""
    raises: tuple[tuple[str, str], ...] = ()
    examples: tuple[str, ...] = ()


def said(found: Any) -> Said:
    """What the docstring of a class or a function says, its own alone: none that it inherits."""
    return read(found.__doc__ or "")


@cache
def read(docstring: str) -> Said:
    """A docstring in Google style, read by griffe."""
    whole = griffe.Docstring(inspect.cleandoc(docstring))
    one_each = {
        f"{name}_{kind}": False for name in ("returns", "receives") for kind in ("multiple_items", "named_value")
    }
    sections = griffe.parse_google(whole, **one_each, warnings=False)  # type: ignore[arg-type]
    texts: list[str] = []
    parts: dict[str, Any] = {"args": {}, "attributes": {}, "raises": [], "examples": []}
    for section in sections:
        value: Any = section.value
        match section.kind.value:
            case "text":
                texts.append(value)
            case "parameters":
                parts["args"] |= {one.name.lstrip("*"): one_line(one.description) for one in value}
            case "attributes":
                parts["attributes"] |= {one.name: one_line(one.description) for one in value}
            case "returns":
                parts["returns"] = " ".join(map(_result, value))
            case "yields":
                parts["yields"] = " ".join(map(_result, value))
            case "raises":
                parts["raises"] += [(str(one.annotation), one_line(one.description)) for one in value]
            case "examples":
                parts["examples"] += [text for _, text in value]
            case "admonition" if value.kind == "example":
                parts["examples"].append(value.description)
            case other:
                raise ValueError(f"a section that no page shows: {other}")
    text = "\n\n".join(texts)
    parts |= {"raises": tuple(parts["raises"]), "examples": tuple(parts["examples"])}
    return Said(summary=one_line(text.split("\n\n")[0]), text=one_line(text), **parts)


def _result(one: Any) -> str:
    """What comes back. Words before a colon on its first line are a type to every reader of Google style."""
    return one_line(f"{one.annotation}: {one.description}" if one.annotation else one.description)


def meaning(found: type, name: str) -> str:
    """What a field, an attribute or a property means: as its own class says, or one above it; or ""."""
    for one in found.__mro__:
        if one.__module__.startswith("zoo"):
            member = vars(one).get(name)
            text = said(one).attributes.get(name) or (said(member).summary if isinstance(member, property) else "")
            if text:
                return cell(text)
    return ""


@cache
def module(name: str) -> griffe.Module:
    """A module as griffe reads its source."""
    path = Path(inspect.getfile(importlib.import_module(name)))
    return griffe.visit(name, filepath=path, code=path.read_text(encoding="utf-8"))


def below(where: str, name: str) -> str:
    """The docstring below a constant or the other name of a type, on one line; or ""."""
    found = module(where).members.get(name)
    if found is not None and found.is_alias and found.target_path.startswith("zoo."):  # from where it is written
        return below(*found.target_path.rsplit(".", 1))
    is_here = found is not None and not found.is_alias and found.is_attribute
    return one_line(found.docstring.value) if is_here and found.docstring is not None else ""


def alias(where: str, name: str) -> tuple[str, str]:
    """A type's other name: what it stands for, as the code writes it, and what is said below it."""
    found = module(where).members[name]
    if found.is_alias:  # imported from where it is written
        return alias(*found.target_path.rsplit(".", 1))  # type: ignore[union-attr]
    return str(found.value), below(where, name)  # type: ignore[union-attr]


def signature(function: Any, *, bound: bool = False) -> str:
    """Parameters and result as the code writes them.

    Args:
        function: Whose they are.
        bound: Whether to leave out the first, which is the object.
    """
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


def one_line(text: str) -> str:
    return " ".join(text.split())


def cell(text: str) -> str:
    """A text as a table on a page takes it."""
    return text.replace("|", "\\|")


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
