"""The class of any cell by its name, also of a plugin's, whose class is made from its record."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any

from zoo.components import CellType, Provided, resolve
from zoo.nn.arguments import AROUND, MADE, REQUIRED, Argument, arguments
from zoo.nn.docstrings import docstring
from zoo.nn.keys import Around
from zoo.nn.layer import CellModel, Made
from zoo.plugin.manager import catalogue


def cell(name: str) -> type[CellModel]:
    """The class of a cell, as a spec names it: `cell("zoo-acme/acme")(64, 128)`, `cell("mingru")(64, 128)`.

    Args:
        name: a built-in cell, or one of a plugin that is installed, with its distribution in front where two have it.

    Returns:
        The same class for the same cell, so that `cell("gru") is GRU`. Its arguments are those of every class of
        `zoo.nn`, with the cell's own options among them: `help` shows them.

    Raises:
        ZooError: there is no such cell.
    """
    provided = catalogue().find("cell", name)
    for own in CellModel.__subclasses__():
        if vars(own).get("cell_name") == provided.qualified:
            return own
    return _of_plugin(provided)


class PluginModel(CellModel):
    """Base of the classes of plugins' cells: they stand in no module, so a saved one is found by its cell's name."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _unfilled, (self.cell_name,), dict(vars(self))


def _unfilled(name: str) -> CellModel:
    found = cell(name)
    return found.__new__(found)


@cache
def _of_plugin(provided: Provided) -> type[CellModel]:
    record = provided.record
    assert isinstance(record, CellType)
    made = _class_of(record)
    known = arguments(record)
    equations = [inspect.getdoc(made) or ""] if made is not None else []
    body = {
        "__init__": _constructor(record, known),
        "__doc__": docstring(record, known, filter(None, equations)),
        "__module__": __name__,
        "cell_name": provided.qualified,
    }
    title = record.name.replace("-", " ").replace("_", " ").replace(".", " ").title().replace(" ", "")
    return type(made.__name__ if made is not None else title, (PluginModel,), body)


def _class_of(record: CellType) -> type | None:
    """The cell's class, if that is what its record names, and can be imported."""
    try:
        found = resolve(record.build)
    except Exception:  # said where it is built
        return None
    return found if isinstance(found, type) else None


def _constructor(record: CellType, known: tuple[Argument, ...]) -> Any:
    signature = _signature(record, known)

    def __init__(self: CellModel, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        given: Mapping[str, Any] = bound.arguments
        options = {one.option: given[one.name] for one in known if one.option and one.name in kwargs}
        around = Around(*(given[row[0]] for row in AROUND))
        made = Made(*(given[row[0]] for row in MADE))
        CellModel.__init__(self, given["input_size"], given["hidden_size"], given["num_layers"], options, around, made)

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    __init__.__qualname__ = "__init__"
    return __init__


def _signature(record: CellType, known: tuple[Argument, ...]) -> inspect.Signature:
    """With the types and defaults of the options as they are."""
    fields = {field.alias or name: field for name, field in record.options.model_fields.items()}
    defaults = {**Around._field_defaults, **Made._field_defaults, "num_layers": 1}
    found = [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    for index, one in enumerate(known):
        default = inspect.Parameter.empty if one.default == REQUIRED else defaults.get(one.name)
        if one.option and one.default != REQUIRED:
            default = fields[one.option].get_default(call_default_factory=True)
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD if index < 3 else inspect.Parameter.KEYWORD_ONLY
        annotation = fields[one.option].annotation if one.option else one.type
        found.append(inspect.Parameter(one.name, kind, default=default, annotation=annotation))
    return inspect.Signature(found, return_annotation=None)
