"""What a spec file may say as a whole: its labels, its stacks, its variants."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Final, Literal

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema, create_model

from zoo.components import ArchitectureType
from zoo.spec.fields import Entry, Name, Positive, Texts
from zoo.spec.model import Inherited, LayerEntries, LayersPlace, layers_or_none
from zoo.spec.places import ArchitecturePlace, HeadPlace, HeadsPlace, InputPlace
from zoo.spec.problems import mistake, show, validate

SCHEMA_VERSION: Final = 1
NEVER_INHERITED: Final = ("name", "expect", "variants")
NOT_IN_VARIANTS: Final = ("schema", "name", "extends", "variants")


class ExpectEntry(Entry):
    """Published figures that the model must agree with."""

    parameters: Positive = Field(description="Number of trainable parameters, shared ones counted once.")
    frozen: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Number of parameters that are frozen, and so not among them."
    )


class Labels(Entry):
    """What a spec says of itself, and how its stacks are wired."""

    description: str | None = Field(default=None, description="One line that describes the model.")
    paper: str | None = Field(default=None, description="The paper that the model is from.")
    tags: Texts = Field(default=(), description="Words to search by.")
    requires: Texts = Field(default=(), description="Plugins that the spec needs, as in `zoo-acme>=0.2`.")
    architecture: ArchitecturePlace | None = Field(
        default=None, description="How input, layers and head are connected; `stack` if not given."
    )
    expect: ExpectEntry | None = Field(
        default=None, description="Expected figures, which the model is checked against."
    )


class StackEntry(Inherited):
    """One stack: an input, layers one after the other, and a head."""

    input: InputPlace = Field(description="The input: a component, or a number of features.")
    layers: LayersPlace = Field(
        default=1, validate_default=True, description="The number of layers, or a list of them."
    )
    head: HeadPlace | None = Field(
        default=None,
        description="The head, which maps the last layer's output to the model's; its `pool` reduces over time first.",
    )
    heads: HeadsPlace | None = Field(
        default=None,
        description="Several heads by name instead of one: the output is a mapping, or with `merge: sum` their sum.",
    )


class EmptyStackEntry(StackEntry):
    """One stack that may have no layers."""

    layers: Annotated[LayerEntries, PlainValidator(layers_or_none), WithJsonSchema({"x-short": "layers_or_none"})] = (
        Field(
            default=1,
            validate_default=True,
            description="The number of layers, or a list of them; `[]` for none, so that the input is all.",
        )
    )


def _stack(value: Any, info: ValidationInfo, kind: type[StackEntry] = StackEntry) -> StackEntry:
    if not isinstance(value, Mapping):
        raise mistake("stack_type", f"must be a mapping with an input and layers, not {show(value)}")
    return validate(kind, value, info.context)


def _empty_stack(value: Any, info: ValidationInfo) -> StackEntry:
    return _stack(value, info, EmptyStackEntry)


StackPlace = Annotated[StackEntry, PlainValidator(_stack), WithJsonSchema({"x-short": "stack"})]
EmptyStackPlace = Annotated[StackEntry, PlainValidator(_empty_stack), WithJsonSchema({"x-short": "empty_stack"})]


class Body(StackEntry, Labels):
    """Keys that the model and its variants share."""


class VariantEntry(Body):
    """One size of the model: each key replaces the model's whole key."""

    input: InputPlace | None = Field(  # type: ignore[assignment]
        default=None, description="The input: a component, or a number of features."
    )


class _File(Entry):
    schema_version: Literal[1] = Field(alias="schema", description="The version of this format.")
    name: Name = Field(description="Lower case letters, digits, '.', '_' and '-'.")
    extends: str | None = Field(
        default=None,
        description="A spec whose keys this one inherits: a path relative to this file, or a name of the library.",
    )
    variants: Mapping[str, Any] = Field(
        default={}, description="Variants of the model: a name for each, and the keys that it replaces."
    )


class SpecFile(_File, Body):
    """One spec file, as written, whose model is one stack."""


class StacksFile(_File, Labels):
    """One spec file, as written, of an architecture of several stacks, which are fields of a subclass: `file_type`."""


@lru_cache
def file_type(architecture: ArchitectureType) -> type[SpecFile] | type[StacksFile]:
    """What a file of this architecture may say."""
    if not architecture.stacks:
        return SpecFile
    fields: dict[str, Any] = {}
    for stack in architecture.stacks:
        said = stack.summary or f"The stack {stack.name!r}."
        place = EmptyStackPlace if stack.empty else StackPlace
        fields[stack.name] = (
            (place, Field(description=said))
            if stack.like is None
            else (place | None, Field(default=None, description=f"{said} As `{stack.like}` if not given."))
        )
    return create_model("StacksFile", __base__=StacksFile, **fields)


def stacks_of(file: SpecFile | StacksFile) -> dict[str, StackEntry]:
    """The stacks of a file by their names."""
    if isinstance(file, SpecFile):
        return {"": file}
    found = ((name, getattr(file, name)) for name in type(file).model_fields)
    return {name: value for name, value in found if isinstance(value, StackEntry)}
