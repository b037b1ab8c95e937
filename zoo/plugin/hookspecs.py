"""The hooks of the plugin system. A plugin is a module with functions of these names, each marked `@zoo.hookimpl`.

Each takes nothing and returns a list of records; any iterable will do. Arguments may be added later, and a plugin that
does not take them keeps working. The built-in components come through the same hooks, from `zoo.builtin`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import pluggy

from zoo.components import (
    ArchitectureType,
    CellType,
    CheckType,
    HeadType,
    InitType,
    InputType,
    LanguageType,
    LayerType,
    NormType,
    PoolType,
)

hookspec = pluggy.HookspecMarker("zoo")
hookimpl = pluggy.HookimplMarker("zoo")


@hookspec
def zoo_cells() -> Iterable[CellType]:  # type: ignore[empty-body]
    """Recurrent cells: what `cell:` in a spec can name.

    Returns:
        One record for each.
    """


@hookspec
def zoo_layers() -> Iterable[LayerType]:  # type: ignore[empty-body]
    """Layer kinds beside `recurrent`: what `kind:` of a layer can name.

    Returns:
        One record for each.
    """


@hookspec
def zoo_heads() -> Iterable[HeadType]:  # type: ignore[empty-body]
    """Heads: from the last layer's output to the model's.

    Returns:
        One record for each.
    """


@hookspec
def zoo_inputs() -> Iterable[InputType]:  # type: ignore[empty-body]
    """Inputs: from the model's input to features per step.

    Returns:
        One record for each.
    """


@hookspec
def zoo_pools() -> Iterable[PoolType]:  # type: ignore[empty-body]
    """Pools: from a sequence of features to one, in front of a head.

    Returns:
        One record for each.
    """


@hookspec
def zoo_norms() -> Iterable[NormType]:  # type: ignore[empty-body]
    """Norms of a recurrent layer's input or output.

    Returns:
        One record for each.
    """


@hookspec
def zoo_inits() -> Iterable[InitType]:  # type: ignore[empty-body]
    """Ways to initialise parameters.

    Returns:
        One record for each.
    """


@hookspec
def zoo_architectures() -> Iterable[ArchitectureType]:  # type: ignore[empty-body]
    """Ways to wire input, layers and head.

    Returns:
        One record for each.
    """


@hookspec
def zoo_specs() -> Iterable[str | os.PathLike[str]]:  # type: ignore[empty-body]
    """Absolute folders of spec files, `*.yaml`, which join the library; `weights` in one holds maps of weights.

    Returns:
        One path for each.
    """


@hookspec
def zoo_checks() -> Iterable[CheckType]:  # type: ignore[empty-body]
    """Further conformance checks, run on every model.

    Returns:
        One record for each.
    """


@hookspec
def zoo_languages() -> Iterable[LanguageType]:  # type: ignore[empty-body]
    """Languages that say a model in one line: `zoo new spec --from-NAME LINE`.

    Returns:
        One record for each.
    """
