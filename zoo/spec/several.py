"""Options that are inputs: one, or several by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema

from zoo.components import Part
from zoo.spec.named import Named
from zoo.spec.places import component, read_input
from zoo.spec.problems import Problem, collecting, keys_of, mistake, show, wrap
from zoo.spec.tree import NamedInput, walk

INPUT_NAME: Final = r"[a-z][a-z0-9_]*"
MOST_INPUTS: Final = 100
OFTEN: Final = ("step", "sequence")


def _inputs(value: Any, info: ValidationInfo) -> Named[NamedInput]:
    """Inputs by name. They are given again as they are when sizes are changed."""
    if isinstance(value, Named):
        return value
    if not isinstance(value, Mapping) or not value:
        said = "must be a mapping of names to inputs, as in {words: {kind: tokens, vocabulary: 100, size: 8}}"
        raise mistake("inputs_type", f"{said}, not {show(value) if value != {} else 'an empty one'}")
    if len(value) > MOST_INPUTS:
        raise mistake("inputs_count", f"must be at most {MOST_INPUTS} inputs, not {len(value)}")
    found: list[Problem] = []
    inputs: dict[str, NamedInput] = {}
    for name, one in value.items():
        if not isinstance(name, str) or not re.fullmatch(INPUT_NAME, name):
            said = f"an input's name is lower case letters, digits and '_', starting with a letter, not {show(name)}"
            found.append(Problem((str(name),), "inputs_name", said))
            continue
        with collecting(found, name):
            inputs[name] = _one(one, info)
    if not found and all(one.per == "sequence" for one in inputs.values()):
        said = "one input at least must come in at each step, to say how many there are: leave out its `per: sequence`"
        raise mistake("inputs_steps", said)
    if found:
        raise wrap(found)
    return Named(inputs)


def _one(value: Any, info: ValidationInfo) -> NamedInput:
    """One of them, with how often it comes in."""
    per: Literal["step", "sequence"] = "step"
    found: list[Problem] = []
    if isinstance(value, Mapping) and "per" in value:
        record = component("input", value.get("kind"), info)
        if record is None or "per" not in keys_of(record.options):
            often = value["per"]
            if often not in OFTEN:
                said = f"per must be 'step' or 'sequence', not {show(often)}"
                found.append(Problem(("per",), "inputs_per", said))
            per = "sequence" if often == "sequence" else "step"
            value = {key: item for key, item in value.items() if key != "per"}
    part: Part | None = None
    with collecting(found):
        part = read_input(value, info, "per")
        if any(isinstance(node, NamedInput) for _, node in walk(part)):
            said = f"{part.record.name!r} reads several inputs itself, and inputs by name stand one level deep"
            raise mistake("inputs_nested", said, "kind")
    if part is None or found:
        raise wrap(found)
    return NamedInput(part=part, per=per)


def _input(value: Any, info: ValidationInfo) -> Part:
    return value if isinstance(value, Part) else read_input(value, info)


Inputs = Annotated[Named[NamedInput], PlainValidator(_inputs), WithJsonSchema({"x-short": "inputs"})]
"""The type of an option that is several inputs by name: `of: zoo.Inputs`."""
InputOption = Annotated[Part, PlainValidator(_input), WithJsonSchema({"x-component": "input"})]
"""The type of an option that is an input: `inner: zoo.InputOption`."""
