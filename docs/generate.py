"""Write the pages that say what the code says: `docs/format.md`, `docs/api.md` and `docs/schema/v1.json`.

    python docs/generate.py

A test holds the committed pages equal to what this gives.
"""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

import zoo
from zoo.plugin.catalogue import Catalogue
from zoo.plugin.manager import isolated
from zoo.spec.model import DropoutEntry, ExpectEntry, Inherited, RecurrentEntry, SpecFile
from zoo.spec.schema import KINDS, json_schema

HERE = Path(__file__).parent
NOTE = "<!-- Written by docs/generate.py from the code. -->"


def pages() -> dict[Path, str]:
    """Every generated page and its text. Only the built-in components: what is installed beside them is no matter."""
    catalogue = isolated()
    return {
        HERE / "format.md": "\n".join(_format(catalogue)) + "\n",
        HERE / "api.md": "\n".join(_api()) + "\n",
        HERE / "schema" / "v1.json": json.dumps(json_schema(catalogue), indent=2, ensure_ascii=False) + "\n",
    }


def _format(catalogue: Catalogue) -> Iterator[str]:
    yield "# The spec format, version 1"
    yield ""
    yield NOTE
    yield ""
    yield "A spec is one YAML file that describes one model. Unknown keys, wrong types and values out of bounds are errors,"
    yield "all reported at once with their places; nothing is coerced and nothing is ignored. `zoo schema` prints the JSON"
    yield "Schema for what is installed; `docs/schema/v1.json` is the one of this package alone."
    yield ""
    yield "Wherever a component stands, it is a name, or a mapping with `kind` and that component's own options:"
    yield "`cell: gru` or `cell: {kind: gru, reset_gate: before}`."
    yield ""
    yield "## Keys of the model"
    yield ""
    yield from _keys(SpecFile)
    yield ""
    yield "`cell`, `hidden_size`, `bidirectional`, `merge`, `dropout`, `norm`, `residual` and `init` are taken over by every"
    yield "recurrent layer that does not give its own."
    yield ""
    yield "## Keys of a recurrent layer"
    yield ""
    yield "`layers` is a count, or a list of entries with these keys. An entry with another `kind` has that kind's options."
    yield ""
    yield from _keys(RecurrentEntry, leave_out=set(Inherited.model_fields))
    yield ""
    yield "## Dropout"
    yield ""
    yield from _keys(DropoutEntry)
    yield ""
    yield "Dropout acts in training only, on what a layer adds: the residual path is not dropped. A reset inside a sequence"
    yield "draws no new masks. An option with nothing to act on, such as `between` with one layer, is an error."
    yield ""
    yield "## expect"
    yield ""
    yield from _keys(ExpectEntry)
    for kind in KINDS:
        yield ""
        yield f"## Components: {kind}"
        for provided in catalogue.all(kind):
            record = provided.record
            yield ""
            source = f" {record.paper}." if record.paper else ""
            yield f"### `{record.name}`"
            yield ""
            yield f"{record.summary}.{source}"
            if record.options.model_fields:
                yield ""
                yield from _keys(record.options)
    yield ""
    yield "## Inheritance and variants"
    yield ""
    yield "`extends: ./base.yaml` starts from another file, relative to this one, at most 8 deep. A key given here replaces the"
    yield "whole key there. `name`, `expect` and `variants` are not inherited. `variants` are sizes of one model, named"
    yield "`name@variant`; each key of a variant replaces the model's whole key, and it may not set `schema`, `name`, `extends`"
    yield "or `variants`."
    yield ""
    yield "## What the reader refuses"
    yield ""
    yield "Each with its place, how to mend it, and under a second:"
    yield ""
    yield "- anchors, aliases and merge keys (`<<`), tags, several documents in one file, duplicate keys, empty values and null;"
    yield "- nesting deeper than 32, files over 256 KiB, more than 40,000 values, integers beyond 64 bits, numbers that are not"
    yield "  finite, more than 50 variants, more than 100 tags or requirements;"
    yield "- bytes that are not UTF-8 (a byte order mark at the start is accepted), control characters, and the line separators of"
    yield "  Unicode, escaped ones too; a folder, a device, a pipe or a link that leads nowhere."
    yield ""
    yield "Only `true` and `false` are booleans; only decimal integers and YAML 1.2 floats are numbers; everything else is text, so"
    yield "`no`, `017`, `0x10`, `1_000` and `2024-01-01` are text. A key is always text. A model shows at most 200 mistakes."


def _keys(model: type[BaseModel], leave_out: set[str] = frozenset()) -> Iterator[str]:  # type: ignore[assignment]
    yield "| key | type | default | meaning |"
    yield "|---|---|---|---|"
    for name, field in model.model_fields.items():
        if name in leave_out:
            continue
        key = field.alias or name
        if field.is_required():
            default = "required"
        elif field.default in (None, PydanticUndefined) or field.default in ((), {}):
            default = ""
        else:
            default = f"`{json.dumps(field.default)}`"
        yield f"| `{key}` | {_type(field.annotation)} | {default} | {field.description or ''} |"


def _type(annotation: Any) -> str:
    """A type in the words of a YAML author."""
    origin, members = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _type(members[0])
    if origin is typing.Literal:
        return ", ".join(f"`{json.dumps(choice)}`".replace('"', "") for choice in members)
    if origin is tuple:
        plural = {"text": "list of texts", "integer": "list of integers"}
        return plural.get(_type(members[0]), "list")
    if type(None) in members or origin is typing.Union or "Union" in type(annotation).__name__:
        return " or ".join(dict.fromkeys(_type(one) for one in members if one is not type(None)))
    names = {int: "integer", float: "number", bool: "boolean", str: "text"}
    if annotation in names:
        return names[annotation]
    if origin is not None:
        return "mapping"
    return {"RecurrentEntry": "list", "DropoutEntry": "number or mapping", "ExpectEntry": "mapping"}.get(
        getattr(annotation, "__name__", ""), "component"
    )


def _api() -> Iterator[str]:
    yield "# The Python interface"
    yield ""
    yield NOTE
    yield ""
    yield "`import zoo` gives these names and no others. Each is imported when it is first used: `import zoo` costs nothing."
    for title, members in _by_kind().items():
        yield ""
        yield f"## {title}"
        yield ""
        for name, member in members:
            first = (inspect.getdoc(member) or "").split("\n\n")[0].replace("\n", " ")
            if title == "Functions":
                yield f"- `zoo.{name}{_signature(member)}`: {first}"
            else:
                yield f"- `zoo.{name}`: {first}"


def _by_kind() -> dict[str, list[tuple[str, Any]]]:
    found: dict[str, list[tuple[str, Any]]] = {"Functions": [], "Classes": [], "Markers": []}
    for name in zoo.__all__:
        member = getattr(zoo, name)
        kind = "Functions" if inspect.isfunction(member) else "Classes" if inspect.isclass(member) else "Markers"
        found[kind].append((name, member))
    return found


def _signature(function: Any) -> str:
    parameters = inspect.signature(function).parameters.values()
    shown, star = [], False
    for one in parameters:
        if one.kind is one.KEYWORD_ONLY and not star:
            shown.append("*")
            star = True
        shown.append(one.name if one.default is one.empty else f"{one.name}={_short(one.default)}")
    return f"({', '.join(shown)})"


def _short(value: Any) -> str:
    return "4 GiB" if value == 4 * 2**30 else repr(value)


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
