"""The page `docs/plugins/reference.md`: every hook, record, helper, option and check, as the code says it."""

from __future__ import annotations

import inspect
import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import docstrings
from docstrings import Said, fields_of, said, signature

import zoo
import zoo.testing
from zoo.components import CheckType, ComponentType, LanguageType
from zoo.plugin import discovery, hookspecs
from zoo.plugin.manager import isolated
from zoo.plugin.records import HOOKS
from zoo.spec.schema import json_schema
from zoo.testing import pytest_plugin

INTRODUCTION: Final = f"""\
Every name that a plugin or its tests use, from the code. [Plugins](../plugins.md) says how they fit together, [the
tutorial](tutorial.md) builds one step by step, and [the Python interface](../api.md) has what `import zoo` gives
beside these.

A plugin is a module with hook functions, each marked `@zoo.hookimpl`, which an entry point of the group
`{discovery.GROUP}` names. `{discovery.VARIABLE}=none`, or a list of names, limits what is loaded.

```python
# zoo_zeros.py
from torch import nn

import zoo


def zeros(options):
    def initialise(module):
        for parameter in module.parameters():
            nn.init.zeros_(parameter)

    return initialise


@zoo.hookimpl
def zoo_inits():
    return [zoo.InitType(name="zeros", build="zoo_zeros:zeros", summary="Every parameter is zero")]
```

```python
import zoo
import zoo_zeros
from zoo.testing import isolated_plugins, tiny_spec

with isolated_plugins(zoo_zeros):
    model = zoo.build(tiny_spec("gru", init="zeros", layers=2))
print(max(parameter.abs().max().item() for parameter in model.parameters()))
```

```text
0.0
```
"""

WHEN: Final = """\
Each takes nothing and returns an iterable of records. It is called once in a process, for one plugin at a time, when
something first asks what is installed: `import zoo` does not, every command that names a component does. Whatever it
raises disables this plugin alone."""

PLACES: Final = {
    "layer": "`kind` of an entry of `layers`",
    "pool": "`pool` of a head",
    "check": "nowhere, for it runs on every model",
    "language": "nowhere, for it writes specs: `zoo new spec --from-NAME`",
    "specs": "nowhere, for they are found by their names",
}
"""Where a spec names what no key of the format is for alone."""

MADE: Final = (
    "Traits",
    "Description",
    "StateSpec",
    "Role",
    "LayerOutput",
    "StackType",
    "Beside",
    "Window",
    "Translated",
)
GIVEN: Final = ("Context", "Run", "Subject", "State", "StackDescription")
BUILT: Final = ("StackModel", "LayerList")
WRITTEN: Final = ("Cell", "Layer", "Input", "NamedInputs", "Head", "Model", "Options", "NoOptions")
INSIDE: Final = (
    *("build_layers", "describe_layers", "build_part", "describe_part"),
    *("build_inputs", "describe_inputs"),
)
ALIASES: Final = {
    "Shape": "zoo.components",
    "Inputs": "zoo.engine.cell",
    "States": "zoo.engine.cell",
    "Engine": "zoo.engine.names",
    "SpecLike": "zoo.testing.sizes",
    "CellLike": "zoo.testing.sizes",
    "Reference": "zoo.checks.reference",
}
MARKS: Final = ("Width", "Count", "Vocabulary")


def reference() -> Iterator[str]:
    """The page, line by line."""
    yield "# Reference for plugins"
    yield ""
    yield "<!-- Written by docs/generate.py from the code. -->"
    yield ""
    yield from INTRODUCTION.splitlines()
    yield from _hooks()
    yield from _section("What every component's record says", _record(ComponentType, shared=()))
    yield from _section("What a component makes", *(_titled(name) for name in MADE))
    yield from _section("What a component or a check is given", *(_titled(name) for name in GIVEN), *map(_class, BUILT))
    yield from _section("Classes that a component is written from", *(_class(name) for name in WRITTEN))
    yield from _section("Layers inside a layer", _inside(), *(_function("zoo", zoo, name) for name in INSIDE))
    yield from _section("Types by another name", _aliases())
    yield from _section("Marks of an option", _marks())
    yield from _section("`zoo.testing`", *(_function("zoo.testing", zoo.testing, name) for name in zoo.testing.__all__))
    yield from _section("Options of pytest", _pytest())
    yield from _section("Checks", _checks())


def _section(title: str, *parts: Iterable[str]) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    for part in parts:
        yield ""
        yield from part


def _hooks() -> Iterator[str]:
    yield ""
    yield "## Hooks"
    yield ""
    yield from WHEN.splitlines()
    keys = _component_keys()
    for hook, record in HOOKS.items():
        function = getattr(hookspecs, hook)
        returns = inspect.signature(function).return_annotation
        kind = getattr(record, "kind", "specs")
        place = PLACES.get(kind) or " and ".join(f"`{key}`" for key in keys[kind])
        yield ""
        yield f"### `{hook}`"
        yield ""
        yield f"{said(function).summary} Returns `{returns}`. In a spec: {place}."
        if issubclass(record, ComponentType | CheckType | LanguageType):
            yield ""
            yield f"#### `zoo.{record.__name__}`"
            yield ""
            yield from _record(record, shared=fields_of(ComponentType) if issubclass(record, ComponentType) else ())


def _component_keys() -> dict[str, list[str]]:
    """The keys of a spec file that take a component, by its kind."""
    found: dict[str, list[str]] = {}
    whole = json_schema(isolated())
    while "else" in whole:  # one form for each architecture of several stacks, and last that of one stack
        whole = whole["else"]
    for key, schema in whole["properties"].items():
        for kind in re.findall(r'"#/definitions/(\w+)"', json.dumps(schema)):
            found.setdefault(kind, []).append(key)
    return found


def _titled(name: str) -> Iterator[str]:
    yield f"### `zoo.{name}`"
    yield ""
    record = getattr(zoo, name)
    yield from _record(record, shared=())
    yield from _methods(record)


def _record(record: type, *, shared: Iterable[str]) -> Iterator[str]:
    """What a record is, and a table of its fields: without the shared ones that it says nothing of its own about."""
    whole = said(record)
    beside = " Beside what [every component's record says](#what-every-components-record-says):" if shared else ""
    yield f"{whole.text}{beside}"
    rows = [name for name in fields_of(record) if name not in shared or name in whole.attributes]
    if rows:
        yield ""
        yield "| field | type | default | meaning |"
        yield "|---|---|---|---|"
        for name in rows:
            kind, default = _code(docstrings.annotation_of(record, name)), docstrings.default_of(record, name)
            yield f"| `{name}` | {kind} | {default} | {docstrings.meaning(record, name)} |"


def _class(name: str) -> Iterator[str]:
    found = getattr(zoo, name)
    attributes = [one for one in inspect.get_annotations(found) if not one.startswith("_")]
    yield f"### `zoo.{name}`"
    yield ""
    yield said(found).text
    if attributes:
        yield ""
        yield "| attribute | type | default | meaning |"
        yield "|---|---|---|---|"
        for one in attributes:
            default = f"`{docstrings.plain(vars(found)[one])}`" if one in vars(found) else "to be set"
            kind = _code(inspect.get_annotations(found)[one])
            yield f"| `{one}` | {kind} | {default} | {docstrings.meaning(found, one)} |"
    yield from _methods(found)


def _methods(found: type) -> Iterator[str]:
    """A list of what can be called and looked up, in the order of the code."""
    lines = []
    for name, member in list(vars(found).items()):
        function = getattr(member, "__func__", getattr(member, "fget", getattr(member, "func", member)))
        if name.startswith("_") or not inspect.isfunction(function):
            continue
        called = signature(function, bound=not isinstance(member, staticmethod))
        if function is not getattr(member, "__func__", member):
            called = f": {inspect.signature(function).return_annotation}"  # a property
        whole = said(function)
        lines.append(f"- `{name}{called}`{whole.text and f': {whole.text}'}")
        lines += [f"  {line}" for line in _parts(whole)]
    yield from ["", *lines] if lines else []


def _parts(whole: Said) -> Iterator[str]:
    """Arguments, result and errors as a list."""
    yield from (f"- `{name}`: {text}" for name, text in whole.args.items())
    yield from (f"- {title}: {text}" for title, text in (("Returns", whole.returns), ("Yields", whole.yields)) if text)
    yield from (f"- Raises `{name}`: {text}" for name, text in whole.raises)


def _aliases() -> Iterator[str]:
    for name, module in ALIASES.items():
        written, text = docstrings.alias(module, name)
        yield f"- `{name}` is `{written}`{text and f': {text}'}"


def _marks() -> Iterator[str]:
    yield "An integer option says what it measures, `size: Annotated[int, zoo.Width]`, so that checks can run on a"
    yield "small copy of a spec."
    yield ""
    for name in MARKS:
        yield f"- `zoo.{name}`: {docstrings.below('zoo.components', name)}"


def _inside() -> Iterator[str]:
    said_below = docstrings.below("zoo.spec.model", "Layers")
    yield f"`zoo.Layers`: {said_below} [Plugins](../plugins.md#layers-inside-a-layer) has an example."


def _function(where: str, module: Any, name: str) -> Iterator[str]:
    found = getattr(module, name)
    yield f"### `{where}.{name}`"
    yield ""
    if inspect.isclass(found):
        yield said(found).text
        return
    yield "```text"
    yield from textwrap.wrap(f"{name}{signature(found)}", 116, subsequent_indent="    ", break_long_words=False)
    yield "```"
    yield ""
    yield said(found).text
    yield ""
    yield from _parts(said(found))


def _pytest() -> Iterator[str]:
    yield "They are available wherever this package is installed, and override what a test sets."
    yield ""
    for names, attributes in asked_of_pytest():
        yield f"- `{' '.join([*names, attributes['metavar']])}`: {attributes['help']}"


def _checks() -> Iterator[str]:
    yield "Names for `checks=`, `zoo test --check`, `--zoo-check` and `deviations`. A slow one runs only on request."
    yield ""
    yield "| check | what holds | slow |"
    yield "|---|---|---|"
    for provided in isolated().checks:
        yield f"| `{provided.record.name}` | {provided.record.summary} | {'yes' if provided.record.slow else ''} |"


def asked_of_pytest() -> list[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Every option that the plugin of pytest adds, by its names, with its attributes."""
    found: list[tuple[tuple[str, ...], Mapping[str, Any]]] = []

    class Group:
        def getgroup(self, name: str, description: str) -> Group:
            return self

        def addoption(self, *names: str, **attributes: Any) -> None:
            found.append((names, attributes))

    pytest_plugin.pytest_addoption(Group())  # type: ignore[arg-type]
    return found


def _code(annotation: str) -> str:
    return f"`{annotation}`".replace("|", "\\|")
