"""One component: made by what its record names, and its parameters initialised."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Iterable
from itertools import chain
from typing import Any

import torch
from torch import nn

from zoo.components import Part, resolve
from zoo.engine import declared, labels
from zoo.errors import BuildError, ZooError
from zoo.renamed import old_method, warn
from zoo.spec.tree import Path, dotted


def make(path: Path, part: Part, base: type[Any], *arguments: Any) -> Any:
    """Call what a record names. Whatever a plugin raises becomes an error that names it."""
    place, arguments = dotted(path), (part.options, *arguments)
    record = part.record
    who = f"{place}: {record.kind} {record.name!r} ({part.provided.origin})"
    try:
        made = resolve(record.build)(*arguments)
    except ZooError:
        raise
    except Exception as error:
        said = declared.not_built(record.build, arguments, error)
        raise BuildError(f"{who} could not be built: {said}") from error
    if not isinstance(made, base):
        raise BuildError(f"{who} must be a {base.__name__}, but {record.build} gives {type(made).__name__}")
    if isinstance(made, nn.Module):
        if part.frozen:
            made.frozen = True  # type: ignore[assignment]
        where = path[:-1] if path[-1] in ("cell", "norm") else path
        labels.name(made, f"{dotted(where)}: {record.kind} {record.name!r}")
        given = [*arguments, *chain.from_iterable(one.values() for one in arguments if isinstance(one, dict))]
        declared.component(made, record.kind, [one for one in given if isinstance(one, nn.Module)])
    return made


def initialise_own(path: Path, module: nn.Module, init: Part, initialised: Iterable[nn.Module]) -> None:
    """Initialise what a module has beside the modules inside it that are initialised already."""
    inner = set(initialised)
    whole = {one: dict(one._modules) for one in module.modules() if inner & set(one._modules.values())}
    try:
        for parent, children in whole.items():
            parent._modules = {name: child for name, child in children.items() if child not in inner}
        initialise(path, module, init)
    finally:
        for parent, children in whole.items():
            parent._modules = children


def initialise(path: Path, module: nn.Module, init: Part) -> None:
    """Initialise a component's parameters by the scheme, then set what its own options fix."""
    place = dotted(path)
    scheme: Callable[[nn.Module], None] | None = make(("init",), init, object)
    if not (scheme is None or callable(scheme)):
        said = f"must give a function of a module, or None, but {init.record.build} gives {type(scheme).__name__}"
        raise BuildError(f"{place}: init {init.record.name!r} {said}")
    if scheme is not None and any(True for _ in module.parameters()):
        try:
            with torch.no_grad():
                found: object = scheme(module)
        except BuildError as error:
            raise BuildError(f"{place}: {error}") from None
        except Exception as error:
            said = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise BuildError(f"{place}: init {init.record.name!r} raised {said}") from error
        if isinstance(found, Generator | Coroutine):
            what = "which nothing runs: a scheme sets the parameters when it is called"
            raise BuildError(f"{place}: init {init.record.name!r} gives a {type(found).__name__}, {what}")
    for one in module.modules():
        set_fixed = getattr(one, "set_fixed_parameters", None)
        if set_fixed is None and (set_fixed := old_method(one, "pin_parameters")) is not None:
            warn("Cell", "pin_parameters", 2)  # the module is no cell, which would have been told where it is defined
        if set_fixed is not None:
            try:
                set_fixed()
            except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
                said = f"{type(error).__name__}: {' '.join(str(error).split())}"
                raise BuildError(labels.said_by(one, f".set_fixed_parameters raised {said}")) from error
