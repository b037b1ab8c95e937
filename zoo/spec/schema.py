"""The JSON Schema (draft 7) of the format for what is installed: for editors, and for machines that write specs.

It is derived from the models that read a spec; only the places that those models read by hand are put in here.
"""

from __future__ import annotations

import copy
from functools import lru_cache
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from zoo.components import ArchitectureType, LayerType, Provided
from zoo.plugin.catalogue import Catalogue
from zoo.spec.fields import MOST_TEXTS
from zoo.spec.file import EmptyStackEntry, SpecFile, StackEntry, VariantEntry, file_type
from zoo.spec.model import MOST_LAYERS, JoinEntry, PlaceEntry, ProjectionEntry, RecurrentEntry
from zoo.spec.places import FREEZABLE, HEAD_NAME, MOST_READ
from zoo.spec.problems import keys_of
from zoo.spec.rates import DropoutEntry
from zoo.spec.several import INPUT_NAME, MOST_INPUTS, OFTEN

Schema = dict[str, Any]
DRAFT: Final = "http://json-schema.org/draft-07/schema#"
KINDS: Final = ("architecture", "cell", "head", "init", "input", "layer", "norm", "pool")
_PATH: Final = r"^[a-z_]+(\.[A-Za-z0-9_-]+)+$"
"""A key of a variant that replaces one value alone: `layers.0.hidden_size`."""
_NAME: Final = r"^[a-z0-9][a-z0-9._-]*$"
_OF: Final[Schema] = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST_READ},
    ],
    "description": "The names of the layers that it reads, or `input`; the last layer if not given.",
}


def json_schema(catalogue: Catalogue) -> Schema:
    """The schema of a spec file that uses the catalogue's components."""
    root = _of(SpecFile)
    definitions: Schema = {
        "recurrent_layer": _with_place(_of(RecurrentEntry), _of(PlaceEntry)),
        "dropout": {"anyOf": [_rate(), _of(DropoutEntry)]},
        "output_projection": {"anyOf": [{"type": "integer", "minimum": 1}, _of(ProjectionEntry)]},
        "share": {
            "anyOf": [
                {"const": "all"},
                {
                    "type": "array",
                    "items": {"type": "string"},
                    "minItems": 1,
                    "maxItems": MOST_TEXTS,
                    "uniqueItems": True,
                },
            ]
        },
        "layers": {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": MOST_LAYERS},
                {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": MOST_LAYERS,
                    "items": {"anyOf": [_ref("recurrent_layer"), _ref("layer")]},
                },
            ]
        },
        "heads": {
            "anyOf": [
                {"const": "none"},
                {
                    "type": "object",
                    "minProperties": 1,
                    "properties": {"merge": {"const": "sum", "description": "One output, the sum of the heads'."}},
                    "propertyNames": {"pattern": f"^{HEAD_NAME}$"},
                    "additionalProperties": _ref("head"),
                },
            ]
        },
        "inputs": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": MOST_INPUTS,
            "propertyNames": {"pattern": f"^{INPUT_NAME}$"},
            "additionalProperties": _ref("named_input"),
        },
        "variant": {**_of(VariantEntry), "patternProperties": {_PATH: True}},
    }
    for kind in KINDS:
        definitions[kind] = _component(catalogue, kind, definitions)
    definitions["named_input"] = _named_input(definitions["input"])
    wired = [one for one in catalogue.all("architecture") if _stacks(one)]
    if wired:
        definitions["stack"] = _of(StackEntry)
        definitions["empty_stack"] = _of(EmptyStackEntry)
        definitions["layers_or_none"] = {"anyOf": [*definitions["layers"]["anyOf"], {"type": "array", "maxItems": 0}]}
    one_stack = _file(root, _ref("variant"), required=["input"])
    shape = one_stack if not wired else _by_architecture(one_stack, wired, set(catalogue.names("architecture")))
    return {
        "$schema": DRAFT,
        "title": "A zoo spec, version 1",
        "type": "object",
        **shape,
        "definitions": {**root.pop("definitions", {}), **definitions},
    }


def _file(schema: Schema, variant: Schema, *, required: list[str]) -> Schema:
    """What a file may say; `required` are keys of its own, or of the file that it extends."""
    properties = dict(schema["properties"])
    properties["name"] = {**properties["name"], "pattern": _NAME}
    properties["variants"] = {
        "type": "object",
        "description": properties["variants"]["description"],
        "propertyNames": {"pattern": _NAME},
        "additionalProperties": variant,
    }
    return {
        "additionalProperties": False,
        "properties": {"schema": {**properties.pop("schema"), "type": "integer"}, **properties},
        "required": ["schema", "name"],
        "anyOf": [{"required": required}, {"required": ["extends"]}],
    }


def _by_architecture(otherwise: Schema, wired: list[Provided], names: set[str]) -> Schema:
    """One form for each architecture that has stacks with names, and the usual one for all else."""
    for one in wired:
        assert isinstance(one.record, ArchitectureType)
        written = _of(file_type(one.record))
        stacks = [stack.name for stack in one.record.stacks if stack.like is None]
        # A variant may replace any of the keys, so its own are not asked for again.
        form = _file(written, {"type": "object"}, required=stacks)
        spelt = {"enum": _spellings(one, names)}
        chosen = {"anyOf": [spelt, {"type": "object", "properties": {"kind": spelt}, "required": ["kind"]}]}
        asked = {"properties": {"architecture": chosen}, "required": ["architecture"]}
        otherwise = {"if": asked, "then": form, "else": otherwise}
    return otherwise


def _stacks(architecture: Provided) -> bool:
    return isinstance(architecture.record, ArchitectureType) and bool(architecture.record.stacks)


def _component(catalogue: Catalogue, kind: str, definitions: Schema) -> Schema:
    """A name alone where nothing is required, or a mapping with `kind` and the component's options."""
    provided = catalogue.all(kind)
    names = set(catalogue.names(kind))
    bare = [name for one in provided for name in _spellings(one, names) if not _requires(one)]
    none = ["none"] if kind in ("head", "norm") else []
    choices: list[Schema] = [{"enum": [*none, *bare]}] if none or bare else []
    choices += [_mapping(one, kind, _spellings(one, names), definitions) for one in provided]
    if kind == "head":
        pool = {"kind": {"const": "none"}, "of": _OF, "pool": {"anyOf": [{"const": "none"}, _ref("pool")]}}
        said = "No head: the model gives what the pool gives."
        choices.append(
            {
                "type": "object",
                "description": said,
                "properties": pool,
                "required": ["kind"],
                "additionalProperties": False,
            }
        )
    if kind == "input":
        choices.insert(0, {"type": "integer", "minimum": 1, "description": "A number of features."})
    return {"anyOf": choices} if choices else {"not": {}}


def _named_input(source: Schema) -> Schema:
    """An input that stands under a name among several, and may say how often it comes in."""
    often = {"enum": list(OFTEN), "description": "Whether it comes in at each step, or once for a sequence."}
    choices = [
        {**one, "properties": {**one["properties"], "per": one["properties"].get("per", often)}}
        if "properties" in one
        else one
        for one in source["anyOf"]
    ]
    return {**source, "anyOf": choices}


def _with_place(options: Schema, place: Schema) -> Schema:
    """A layer's own keys, and those of its place in the list."""
    required = [*options.get("required", []), *place.get("required", [])]
    properties = {**place["properties"], **options.get("properties", {})}
    return {**options, "properties": properties, **({"required": required} if required else {})}


def _spellings(provided: Provided, names: set[str]) -> list[str]:
    return [name for name in (provided.record.name, provided.qualified) if name in names]


def _requires(provided: Provided) -> bool:
    return any(field.is_required() for field in provided.record.options.model_fields.values())


def _mapping(provided: Provided, kind: str, spellings: list[str], definitions: Schema) -> Schema:
    prefix = f"{kind}.{provided.distribution}.{provided.record.name}."
    try:
        options = _of(provided.record.options, prefix)
    except Exception:
        # Options can be of a type that JSON has no words for: then an editor knows their names only.
        options = {"properties": dict.fromkeys(keys_of(provided.record.options), True)}
    definitions |= options.pop("definitions", {})
    own: Schema = {"kind": {"enum": spellings}}
    if kind == "head":
        own["pool"] = {
            "anyOf": [{"const": "none"}, _ref("pool")],
            "description": "How the steps are reduced to one; no pooling if not given.",
        }
        own["of"] = _OF
    if kind == "layer":
        joins = isinstance(provided.record, LayerType) and provided.record.joins
        options = _with_place(options, _of(JoinEntry if joins else PlaceEntry))
    if kind in FREEZABLE:
        own["frozen"] = {"type": "boolean", "description": "Leave its parameters as they are in training."}
    if kind == "norm":
        own["position"] = {"enum": ["before", "after", "sum"]}
    return {
        "type": "object",
        "description": provided.record.summary,
        "properties": {**own, **options.get("properties", {})},
        "required": ["kind", *options.get("required", [])],
        "additionalProperties": False,
    }


def described(model: type[BaseModel]) -> Schema:
    """The schema of a model alone, for a format beside that of specs."""
    return {"type": "object", "additionalProperties": False, **_of(model)}


class _Quiet(GenerateJsonSchema):
    """A default that JSON cannot hold is left out without a warning to whoever asked for the schema."""

    ignored_warning_kinds = {"non-serializable-default", "skipped-choice"}  # noqa: RUF012 -- pydantic's own way


def _of(model: type[BaseModel], prefix: str = "") -> Schema:
    """A model's schema, for its caller to change.

    `prefix` stands in front of the names of models inside it, which two plugins may share.
    """
    return copy.deepcopy(_derived(model, prefix))


@lru_cache(maxsize=512)  # pydantic takes milliseconds for each, and there are hundreds
def _derived(model: type[BaseModel], prefix: str) -> Schema:
    template = "#/definitions/" + prefix + "{model}"
    schema = model.model_json_schema(by_alias=True, ref_template=template, schema_generator=_Quiet)
    inner = {prefix + name: value for name, value in schema.pop("$defs", {}).items()}
    if inner:
        schema["definitions"] = inner
    cleaned = _clean(schema)
    assert isinstance(cleaned, dict)
    return cleaned


def _clean(value: Any) -> Any:
    """Put references where components stand, and take null out: the format has none."""
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if not isinstance(value, dict):
        return value
    for marker in ("x-component", "x-short"):
        if marker in value:
            return {**_ref(value[marker]), **{k: v for k, v in value.items() if k == "description"}}
    kept = {k: _clean(v) for k, v in value.items() if k != "title" or not isinstance(v, str)}
    if kept.get("default", ...) is None:
        del kept["default"]
    choices = kept.get("anyOf")
    if isinstance(choices, list):
        choices = [choice for choice in choices if choice != {"type": "null"}]
        if len(choices) == 1:
            # A reference hides its neighbours in draft 7, so a description beside it goes with allOf.
            rest = {k: v for k, v in kept.items() if k != "anyOf"}
            only = choices[0]
            return {"allOf": [only], **rest} if "$ref" in only and rest else {**only, **rest}
        kept["anyOf"] = choices
    return kept


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _rate() -> Schema:
    rate = _of(DropoutEntry)["properties"]["between"]
    return {key: value for key, value in rate.items() if key not in ("default", "description")}
