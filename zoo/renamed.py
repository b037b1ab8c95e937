"""Members of public classes that have a new name. The old name works as before, with a warning, until it goes."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from functools import wraps
from types import FunctionType
from typing import Any, Final, NamedTuple, TypeVar

T = TypeVar("T")


class Renamed(NamedTuple):
    """A member on its way out: its new name, and the versions in which that began and in which it ends."""

    instead: str
    since: str
    removed_in: str
    kind: type = object
    """What a subclass defines under the name."""


RENAMED: Final[Mapping[str, Mapping[str, Renamed]]] = {
    "Cell": {
        "keep": Renamed("forget_gate_name", since="0.1", removed_in="0.3", kind=str),
        "write": Renamed("input_gate_name", since="0.1", removed_in="0.3", kind=str),
        "pin_parameters": Renamed("set_fixed_parameters", since="0.1", removed_in="0.3", kind=FunctionType),
    },
    "StateSpec": {"start": Renamed("initial_value", since="0.1", removed_in="0.3")},
    "Summary": {"obstacle": Renamed("not_streamable_reason", since="0.1", removed_in="0.3")},
}
"""By the public class, then by the old name. A test fails once the time of one has come."""


class OldName:
    """A descriptor under the old name that stands for the new one."""

    def __init__(self, of: str, old: str) -> None:
        self.of, self.old = of, old
        self.instead = RENAMED[of][old].instead
        self.home: type = object

    def __set_name__(self, home: type, name: str) -> None:
        self.home = home

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is not None and self.old in getattr(instance, "__dict__", {}).get("_modules", ()):
            raise AttributeError(self.old)  # a module of that name is found by `nn.Module.__getattr__`
        self.warn(3)
        # The method of the very class that has this name, so that `super().pin_parameters()` goes up as ever.
        found = vars(self.home).get(self.instead)
        if isinstance(found, FunctionType):
            return found if instance is None else found.__get__(instance, owner)
        return getattr(owner if instance is None else instance, self.instead)

    def __set__(self, instance: Any, value: Any) -> None:
        self.warn(3)
        setattr(instance, self.instead, value)

    def warn(self, level: int) -> None:
        warn(self.of, self.old, level + 1)


def warn(of: str, old: str, level: int) -> None:
    """Say at the line `level` calls away, of which this is the first, what to use instead."""
    entry = RENAMED[of][old]
    warnings.warn(
        f"zoo.{of}.{old} is deprecated since {entry.since} and goes in {entry.removed_in}: use {entry.instead}",
        DeprecationWarning,
        stacklevel=level,
    )


def adopt(of: str, cls: type) -> None:
    """For a subclass that was just defined: what it defines under an old name is moved to the new one."""
    for old, entry in RENAMED[of].items():
        found = vars(cls).get(old)
        if isinstance(found, entry.kind):
            warn(of, old, 4)  # at the class statement: above it are __init_subclass__, this function and `warn`
            if entry.instead not in vars(cls):
                setattr(cls, entry.instead, found)
            delattr(cls, old)
        if isinstance(vars(cls).get(entry.instead), FunctionType):
            alias = OldName(of, old)
            alias.home = cls
            setattr(cls, old, alias)


def old_method(module: Any, old: str) -> Any:
    """What a module that is no subclass of the public class defines under the old name, or None."""
    found = inspect.getattr_static(type(module), old, None)
    return None if found is None or isinstance(found, OldName) else getattr(module, old)


def old_fields(cls: type[T]) -> type[T]:
    """Have a dataclass take its fields by their old names too, and give them."""
    made = cls.__init__
    names = RENAMED[cls.__name__]

    @wraps(made)
    def begin(self: Any, *arguments: Any, **named: Any) -> None:
        for old in names.keys() & named.keys():
            warn(cls.__name__, old, 3)
            named[names[old].instead] = named.pop(old)
        made(self, *arguments, **named)

    cls.__init__ = begin  # type: ignore[method-assign]
    for old in names:
        setattr(cls, old, OldName(cls.__name__, old))
    return cls
