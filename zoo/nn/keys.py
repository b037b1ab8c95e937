"""From the arguments of a class to the keys of a spec: what a class of `zoo.nn` builds is what that spec builds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from numbers import Integral
from typing import Any, NamedTuple

from zoo.engine.around import Merge
from zoo.errors import Diagnostic, InputError, SpecError
from zoo.plugin.catalogue import Catalogue
from zoo.spec import library
from zoo.spec.canonical import Spec

InputSize = int | tuple[int, int, int]
"""Features of a step, or (channels, height, width) of a map."""
Component = str | Mapping[str, Any] | None
"""As a spec writes one: its name, or a mapping of `kind` and its options."""
Rates = float | Mapping[str, Any]
"""As a spec writes dropout: a rate between layers, or a mapping of kinds to rates."""


Shared = str | list[str] | None
"""As a spec writes what two directions share: `all`, or names of the cell's parameters."""
Projection = int | Mapping[str, Any] | None
"""As a spec writes an output projection: a number of features, or a mapping of `size` and `bias`."""


class Around(NamedTuple):
    """What stands around the cells of every layer, each with the default of the spec's key of its name."""

    bidirectional: bool = False
    merge: Merge = "concat"
    share: Shared = None
    dropout: Rates = 0.0
    norm: Component = None
    residual: bool = False
    output_projection: Projection = None
    reverse: bool = False
    initial_state: str = "zeros"
    init: Component = None


ON_A_LAYER = ("output_projection", "reverse", "initial_state")
"""Those of them that a spec has on a layer only."""


def keys(name: str, size: InputSize, hidden_size: int, num_layers: int, cell: Any, around: Around) -> dict[str, Any]:
    """The spec of that many equal layers. name: the model's. cell: as a spec has it.

    Raises:
        InputError: a size whose key in the spec has another name is none.
    """
    given = {key: value for key, value in around._asdict().items() if value != Around._field_defaults[key]}
    on_layer = {key: given.pop(key) for key in ON_A_LAYER if key in given}
    layers = whole("num_layers", num_layers)
    return {
        "name": name,
        "input": _input(size),
        "cell": cell,
        "hidden_size": whole("hidden_size", hidden_size),
        "layers": [on_layer] * layers if on_layer else layers,
        **given,
    }


def _input(size: InputSize) -> Any:
    if not isinstance(size, tuple | list):
        return whole("input_size", size)
    if len(size) != 3:
        raise InputError(f"input_size must be a number of features, or (channels, height, width), not {size!r:.60}")
    channels, height, width = (whole("input_size", one) for one in size)
    return {"kind": "maps", "channels": channels, "height": height, "width": width}


def whole(name: str, value: object) -> int:
    """A number of something, at least 1, as a plain one. Raises InputError for anything else."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise InputError(f"{name} must be a whole number from 1, not {value!r:.60}")
    return int(value)


def projected_width(projection: Projection) -> int | None:
    """How wide an output projection is, where it is written as it should be."""
    size = projection.get("size") if isinstance(projection, Mapping) else projection
    return size if isinstance(size, int) else None


def load(keys: Mapping[str, Any], caller: str, catalogue: Catalogue | None = None) -> Spec:
    """The spec of these keys.

    Args:
        keys: as a mapping has them.
        caller: the class that was called, in place of a file: no line of any file has the mistakes.
        catalogue: the components to use; those that are installed if not given.

    Raises:
        SpecError: every mistake in them.
    """
    try:
        return library.load(keys, catalogue).spec
    except SpecError as error:
        raise SpecError(_said(error, caller)) from None


def _said(error: SpecError, caller: str) -> Iterator[Diagnostic]:
    for one in error.diagnostics:
        yield Diagnostic(caller, 0, 0, one.message, one.code)
