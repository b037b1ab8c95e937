"""Parameters that two modules share: one object, which its owner registers, and which the other reads there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from torch import nn

from zoo.engine.around import ALL


def share(owner: nn.Module, user: nn.Module, names: Iterable[str]) -> None:
    """Have a module read parameters of another of its kind, and have none of its own in their place.

    They stay the owner's alone: in `parameters()`, in `state_dict()` and on disk. The user looks them up there whenever
    it reads them, so that whatever replaces them, as `torch.func.functional_call` and `to` do, is seen by both.

    Args:
        owner: Registers them.
        user: A module of the same structure.
        names: Of the parameters in both, dotted where they stand in a module inside; `ALL` for every one.

    Raises:
        KeyError: One of them has no parameter of that name, or their shapes differ.
    """
    theirs, ours = dict(user.named_parameters()), dict(owner.named_parameters())
    names = tuple(names)
    taken: dict[str, list[str]] = {}
    for name in theirs if names == ALL else names:
        if name not in theirs or name not in ours or theirs[name].shape != ours[name].shape:
            raise KeyError(name)
        place, _, own = name.rpartition(".")
        taken.setdefault(place, []).append(own)
    # In a tuple, so that the owner does not become a module inside the user.
    user.__dict__["_owner"] = (owner,)
    for place, found in taken.items():
        _read_of(user.get_submodule(place), owner.get_submodule(place), found)


def borrowed(module: nn.Module) -> Mapping[str, nn.Parameter]:
    """The parameters that a module, and those inside it, read of others, by the names that they have in it."""
    found: dict[str, nn.Parameter] = {}
    for place, one in module.named_modules():
        for name in getattr(type(one), "_borrowed", ()):
            found[f"{place}.{name}" if place else name] = getattr(one, name)
    return found


def owner_of(module: nn.Module) -> nn.Module | None:
    """The module of which another one, or one inside that, reads parameters by `share`; None of any other."""
    found = module.__dict__.get("_owner")
    return None if found is None else found[0]


def _read_of(user: nn.Module, owner: nn.Module, names: Iterable[str]) -> None:
    """One module without those inside it: its own parameters go, and properties stand in their place."""
    names = tuple(sorted(names))
    for name in names:
        del user._parameters[name]
    user.__dict__["_lender"] = (owner,)
    kind: Any = type(user)
    user.__class__ = _reading(kind, names)


@cache
def _reading(base: Any, names: tuple[str, ...]) -> Any:
    """The class of a module that reads these parameters of its lender; by its name the class that it was."""

    def reduced(self: nn.Module, protocol: Any) -> Any:  # the class itself stands in no module to be found in
        return _blank, (base, names), self.__dict__

    body: dict[str, Any] = {name: _looked_up(name) for name in names}
    body |= {"_borrowed": names, "__reduce_ex__": reduced, "__module__": base.__module__, "__doc__": base.__doc__}
    return type(base.__name__, (base,), body | {"__qualname__": base.__qualname__})


def _looked_up(name: str) -> property:
    return property(lambda module: getattr(module._lender[0], name))


def _blank(base: Any, names: tuple[str, ...]) -> Any:
    """A module of such a class with nothing in it yet, to be filled by who copies or unpickles one."""
    kind = _reading(base, names)
    return kind.__new__(kind)
