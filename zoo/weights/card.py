"""A model's card: the README.md of a folder or a repository of the Hugging Face hub, written from the spec alone.

Whatever a spec says of itself is text here: in YAML it is quoted, and in Markdown each character that means something
is written as an entity, so that no name opens a tag, a link, a row or another document.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import yaml

from zoo.browse import card
from zoo.errors import one_line
from zoo.plugin.catalogue import BUILTIN
from zoo.spec.canonical import Spec
from zoo.spec.describe import describe

_MARKUP: Final = re.compile(
    r"[&<>\\`*\[\]|~$#]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|^[-+=:]|(?<=^\d)[.)](?= |$)|^\d(?=\d+[.)]( |$))"
)
"""What CommonMark, GitHub's tables, HTML or the hub's formulas take for more than a character; at the start, lists."""


def write(
    spec: Spec,
    *,
    source: str,
    parameters: int,
    steps: int,
    dtypes: Iterable[str],
    distributions: Mapping[str, str],
    license: str | None = None,
) -> str:
    """The text of the card.

    Args:
        spec: Of the model.
        source: What `zoo.from_pretrained` is to be given.
        parameters: How many are trained, shared ones counted once.
        steps: Of the example.
        dtypes: Of the weights, by name.
        distributions: What built the model, with versions.
        license: Its identifier, as the hub has it; none is stated if not given.
    """
    figures = [row for row in card.totals(spec, describe(spec)) if row[0] != "parameters"]
    size = [("parameters", f"{parameters:,}"), *figures, ("weights", ", ".join(sorted(dtypes)))]
    parts = [
        _front(spec, license),
        f"# {text(spec.id)}",
        *([text(spec.description)] if _says(spec.description) else []),
        *([f"Paper: {text(spec.paper or '')}"] if _says(spec.paper) else []),
        f"A model of {BUILTIN}, which makes it from its spec.",
        "## Load",
        _load(source, steps, distributions),
        "## Size and cost",
        _table(("figure", "value"), size),
        "## Layers",
        _table(card.COLUMNS, card.rows(spec)),
        "## Limits",
        _limits(distributions),
    ]
    return "\n\n".join(parts) + "\n"


def text(said: str | None) -> str:
    """Any text as one line of Markdown that shows that text and nothing else."""
    line = " ".join(one_line(said or "").split())
    return _MARKUP.sub(_entity, line)


def _says(said: str | None) -> bool:
    return bool(said and said.split())


def _entity(found: re.Match[str]) -> str:
    return f"&#{ord(found.group())};"


def _front(spec: Spec, license: str | None) -> str:
    """What the hub reads: quoted throughout and without breaks, so that nothing in it ends it."""
    tags = list(dict.fromkeys([BUILTIN, "pytorch", "rnn", *spec.tags]))
    said: dict[str, str | list[str]] = {
        "library_name": BUILTIN,
        **({} if license is None else {"license": license}),
        "tags": tags,
    }
    lines = (f"{key}:{_quoted(value)}\n" for key, value in said.items())
    return f"---\n{''.join(lines)}---"


def _quoted(value: str | list[str]) -> str:
    if isinstance(value, str):
        written: str = yaml.safe_dump(value, default_style='"', width=10**6)
        return f" {written.strip()}"
    return "".join(f"\n-{_quoted(one)}" for one in value)


def _load(source: str, steps: int, distributions: Mapping[str, str]) -> str:
    names = " ".join([f'"{BUILTIN}[hub]"', *(name for name in distributions if name != BUILTIN)])
    call = (
        f'import zoo\n\nmodel = zoo.from_pretrained("{source}")\n'
        f"output = model(**model.example_arguments(batch=2, steps={steps}))"
    )
    return (
        f"```sh\npip install {names}\n```\n\n```python\n{call}\n```\n\n"
        "`spec.yaml` says what the model is, for people. The spec that counts is in the metadata of "
        "`model.safetensors`, whose weights other programs can read too."
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(map(_field, row)) + " |" for row in rows)])


def _field(said: str) -> str:
    """A field of a table, which keeps how far it is indented."""
    return "&nbsp;" * (len(said) - len(said.lstrip(" "))) + text(said)


def _limits(distributions: Mapping[str, str]) -> str:
    built = ", ".join(f"{name} {version}" for name, version in distributions.items())
    lines = [
        "This card is written from the spec. It says nothing about data, training, accuracy or what the model may be "
        "used for: whoever publishes it should add that.",
        f"It was built with {text(built)}. Other versions of plugins may give other numbers; loading warns of them.",
        "Loading runs no code from the files, and needs every plugin that the spec names to be installed.",
    ]
    return "\n".join(f"- {line}" for line in lines)
