"""Write the pages that say what the code says.

They are `docs/format.md`, `docs/api.md`, `docs/plugins/reference.md`, `docs/schema/v1.json`, `docs/schema/weights-v1.json`, all of `docs/cells/`
but write-a-cell.md, and all of `docs/models/`; and the classes of `zoo/nn`.

    python docs/generate.py

A test holds the committed pages equal to what this gives.
"""

from __future__ import annotations

import inspect
import json
import types
import typing
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from catalogue.classes import sources as class_sources
from catalogue.models import pages as model_pages
from catalogue.pages import pages as cell_pages
from docstrings import below, read
from model_proofs import page as proofs_page
from model_weights import page as weights_page
from plugin_reference import reference
from pydantic import BaseModel, WithJsonSchema
from pydantic.fields import FieldInfo

import zoo
from zoo.errors import SpecError
from zoo.plugin.catalogue import Catalogue
from zoo.plugin.manager import isolated
from zoo.spec import diagnostics, document, events, inherit
from zoo.spec import limits as spec_limits
from zoo.spec.fields import MOST_TEXTS
from zoo.spec.file import ExpectEntry, SpecFile
from zoo.spec.model import MOST_LAYERS, Inherited, ProjectionEntry, RecurrentEntry
from zoo.spec.rates import DropoutEntry
from zoo.spec.resolve import resolve
from zoo.spec.schema import KINDS, json_schema
from zoo.weights.map_file import json_schema as map_schema

HERE: Final = Path(__file__).parent
NOTE: Final = "<!-- Written by docs/generate.py from the code. -->"

MISTAKES: Final = (
    "hiden_size: 20",
    "cell: lstn",
    "cell: {kind: gru, reset: before}",
    "hidden_size: true",
    "hidden_size: 0",
    "hidden_size: 1e3",
    "hidden_size: 1_000",
    "hidden_size: 99999999999999999999",
    "hidden_size:",
    "hidden_size: ~",
    "hidden_size: !!int 20",
    "hidden_size: &h 20",
    "<<: {hidden_size: 20}",
    "hidden_size: 20\nhidden_size: 30",
    "bidirectional: yes",
    "merge: sum",
    "reverse: true",
    "residual: true",
    "dropout: 0.1",
    "dropout: {between: 1.5}\nlayers: 2",
    "dropout: .inf",
    "layers: [{kind: lstm}]",
    "head: {kind: linear, pool: last}",
    "head: tied",
    "head: {kind: ctc, size: 29, pool: last}",
    "heads: {actor: {kind: linear, size: 6}, critic: {kind: linear, size: 1}, merge: sum}",
    "cell: {kind: lstm, projection: 30}",
    'requires: ["zoo-acme>=0.2"]',
    "expect: {parameters: 2561}",
    "architecture: tranducer",
    "schema: 2",
)

BESIDE: Final = {
    "head": "`none`, the default: the model gives its last layer's output and its state. A head's mapping may also have\n"
    "`pool`, which makes one output per sequence instead of one per step: `none`, the default, or a [pool](#components-pool).\n"
    "`of` names the layers that it reads, one or a list, `input` among them; the last layer if not given.\n"
    "`head: {kind: none, pool: max}` gives what the pool gives. What each head gives, and its loss, is on\n"
    "[a page of its own](heads.md).",
    "norm": "`none` is the default. A norm's mapping may also have `position`: `after`, the default, on the layer's output, or\n"
    "`before`, on its input.",
    "layer": "Layer kinds beside `recurrent`, for entries of a list of `layers`.",
}
LEFT_OUT: Final = {
    "cell": "",
    "hidden_size": "",
    "architecture": "`stack`",
    "init": "`paper`",
    "norm": "`none`",
    "head": "`none`",
    "heads": "`none`",
    "dropout": "`0`",
}
"""What a key that is None in the model of a file means; a test holds it to the canonical form."""
SHORT: Final = {
    "heads": "mapping of names to [heads](#components-head)",
    "inputs": "mapping of names to [inputs](#components-input), which may say `per`",
    "dropout": "rate or [mapping](#dropout)",
    "share": "`all` or list of names",
    "output_projection": "integer or [mapping](#output-projection)",
    "layers": "integer from 1 to {{layers}}, or [list](#keys-of-a-recurrent-layer)",
}
FIRST: Final = ("schema", "name", "extends", "variants")
HEADINGS: Final[dict[type[BaseModel], str]] = {ExpectEntry: "expected-figures"}
NAMED: Final[dict[Any, str]] = {int: "integer", float: "number", bool: "boolean", str: "text"}
BOUNDS: Final = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


@cache
def pages() -> dict[Path, str]:
    """Every generated page and its text. Only the built-in components: what is installed beside them is no matter."""
    catalogue = isolated()
    return {
        HERE / "format.md": _format(catalogue),
        HERE / "api.md": "\n".join(_api()) + "\n",
        HERE / "plugins" / "reference.md": "\n".join(reference()) + "\n",
        HERE / "models" / "proofs.md": "\n".join(proofs_page(catalogue, NOTE)) + "\n",
        HERE / "models" / "weights.md": "\n".join(weights_page(catalogue, NOTE)) + "\n",
        **cell_pages(_keys),
        **model_pages(catalogue),
        **class_sources(),
        HERE / "schema" / "v1.json": json.dumps(json_schema(catalogue), indent=2, ensure_ascii=False) + "\n",
        HERE / "schema" / "weights-v1.json": json.dumps(map_schema(), indent=2, ensure_ascii=False) + "\n",
    }


def left_over() -> list[Path]:
    """Pages of models that are no longer there."""
    return sorted(path for path in (HERE / "models").iterdir() if path not in pages())


def _format(catalogue: Catalogue) -> str:
    """The template with its tables filled in."""
    both, layer = _names(Inherited), _names(RecurrentEntry)
    tables = {
        "model": _keys(SpecFile, (*FIRST, *(key for key in _names(SpecFile) if key not in {*both, *FIRST}))),
        "both": _keys(SpecFile, both),
        "layer": _keys(RecurrentEntry, tuple(key for key in layer if key not in both)),
        "projection": _keys(ProjectionEntry),
        "dropout": _keys(DropoutEntry),
        "expect": _keys(ExpectEntry),
        "components": _components(catalogue),
        "mistakes": _mistakes(catalogue),
    }
    limits = {
        "deepest": events.DEEPEST,
        "kib": document.MOST_BYTES // 1024,
        "values": events.MOST_VALUES,
        "variants": inherit.MOST_VARIANTS,
        "texts": MOST_TEXTS,
        "shown": diagnostics.MOST_MISTAKES,
        "extends": inherit.DEEPEST,
        "layers": MOST_LAYERS,
        "entries": events.MOST_ENTRIES,
        "all_layers": spec_limits.MOST_LAYERS_OF_ALL,
        "all_values": spec_limits.MOST_VALUES_OF_ALL,
        "state": spec_limits.MOST_STATE,
        "stages": spec_limits.MOST_STAGES,
    }
    text = (HERE / "format.template").read_text(encoding="utf-8")
    for name, lines in tables.items():
        text = text.replace(f"{{{{{name}}}}}", "\n".join(lines))
    for name, limit in limits.items():
        text = text.replace(f"{{{{{name}}}}}", f"{limit:,}")
    return text


def _components(catalogue: Catalogue) -> Iterator[str]:
    for index, kind in enumerate(KINDS):
        if index:
            yield ""
        yield f"## Components: {kind}"
        if kind in BESIDE:
            yield ""
            yield BESIDE[kind]
        for provided in catalogue.all(kind):
            record = provided.record
            yield ""
            yield f"### {kind} `{record.name}`"
            yield ""
            source = f" {record.paper}." if record.paper else ""
            yield f"{record.summary}.{source}"
            if record.options.model_fields:
                yield ""
                yield from _keys(record.options)


def _mistakes(catalogue: Catalogue) -> Iterator[str]:
    yield "| written | message |"
    yield "|---|---|"
    for written in MISTAKES:
        shown = " and ".join(f"`{line}`" for line in written.splitlines())
        yield f"| {shown} | {_refusal(written, catalogue)} |"


def _names(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _keys(model: type[BaseModel], keys: tuple[str, ...] | None = None) -> Iterator[str]:
    """A table of a model's keys, in the given order."""
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    yield "| key | type | default | meaning |"
    yield "|---|---|---|---|"
    for key in fields if keys is None else keys:
        field = fields[key]
        kind = _type(field.annotation, field.metadata)
        yield f"| `{key}` | {kind} | {_default(model, key, field)} | {field.description or ''} |"


def _default(model: type[BaseModel], key: str, field: FieldInfo) -> str:
    if model is SpecFile and key in LEFT_OUT:
        return LEFT_OUT[key]
    if field.is_required():
        return "required"
    if field.default is None or field.default in ((), {}):
        return ""
    return f"`{field.default if isinstance(field.default, str) else json.dumps(field.default)}`"


def _type(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    """A type and its bounds in the words of a YAML author."""
    origin, members = typing.get_origin(annotation), typing.get_args(annotation)
    metadata = [one for each in metadata for one in (each.metadata if isinstance(each, FieldInfo) else [each])]
    for one in metadata:
        if isinstance(one, WithJsonSchema) and one.json_schema is not None:
            kind = one.json_schema.get("x-component")
            if kind is not None:
                return f"{'integer or ' if kind == 'input' else ''}[{kind}](#components-{kind})"
            if "x-short" in one.json_schema:
                return SHORT[one.json_schema["x-short"]]
    if origin is typing.Annotated:
        return _type(members[0], [*members[1:], *metadata])
    if origin is typing.Literal:
        return ", ".join(f"`{choice}`" for choice in members)
    if origin is tuple:
        names = {"integer": "integers", "text": "texts", "mapping": "mappings"}
        one = _type(members[0])
        for word, plural in names.items():
            one = one.replace(word, plural)
        return f"list of {one}"
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type(one, metadata) for one in members if one is not type(None))
    if origin is not None:
        return "mapping"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation not in HEADINGS:  # a mapping inside a component's options
            return f"mapping of {', '.join(f'`{key}`' for key in _names(annotation))}"
        return f"[mapping](#{HEADINGS[annotation]})"
    return ", ".join([NAMED[annotation], *_bounds(metadata)])


def _bounds(metadata: Iterable[Any]) -> Iterator[str]:
    for one in metadata:
        for name, words in BOUNDS.items():
            bound = getattr(one, name, None)
            if bound is not None:
                yield f"{words} {bound}"


def _refusal(written: str, catalogue: Catalogue) -> str:
    """What the reader says of a good spec with these lines in place of its own of the same keys."""
    lines = written.splitlines()
    keys = {line.split(":")[0] for line in lines}
    good = ["schema: 1", "name: a", "input: 10", "cell: lstm", "hidden_size: 20"]
    text = "\n".join([*(line for line in good if line.split(":")[0] not in keys), *lines])
    try:
        resolve(document.parse(text.encode(), "a.yaml"), catalogue)
    except SpecError as error:
        return " / ".join(one.message for one in error.diagnostics)
    raise AssertionError(f"the reader accepts {written!r}")


def _api() -> Iterator[str]:
    yield "# The Python interface"
    yield ""
    yield NOTE
    yield ""
    yield "`import zoo` gives these names and no others. Each is imported when it is first used, so that `import zoo` imports"
    yield "neither torch nor pydantic. Arguments, results and errors are in the docstrings: `help(zoo.build)`. Every cell as a"
    yield "class, `from zoo import nn`, is [a page of its own](python.md)."
    for title, members in _by_kind().items():
        yield ""
        yield f"## {title}"
        yield ""
        for name, member in members:
            signature = _signature(member) if title == "Functions" else ""
            yield f"- `zoo.{name}{signature}`: {_first(name, member)}"


def _first(name: str, member: Any) -> str:
    """The first paragraph of what the code says of a name; no object carries that of a constant or an option's type."""
    return below("zoo.components", name) or below("zoo.spec.model", name) or read(inspect.getdoc(member) or "").summary


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
        stars = "**" * (one.kind is one.VAR_KEYWORD)
        shown.append(f"{stars}{one.name}" if one.default is one.empty else f"{one.name}={_short(one.default)}")
    return f"({', '.join(shown)})"


def _short(value: Any) -> str:
    return "4 GiB" if value == 4 * 2**30 else repr(value)


if __name__ == "__main__":
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path in left_over():
        path.unlink()
