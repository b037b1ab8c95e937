"""The facts of Python names: functions, classes with their members, records with their fields, type aliases."""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import sys
import types
import warnings
from collections.abc import Iterator
from typing import Any, Final

from api_facts import Fact

import zoo
import zoo.nn
import zoo.testing
from zoo.renamed import OldName

FACES: Final = (zoo, zoo.testing, zoo.nn)
PLACES: Final = {
    inspect.Parameter.POSITIONAL_ONLY: "position only",
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "position",
    inspect.Parameter.VAR_POSITIONAL: "all others by position",
    inspect.Parameter.KEYWORD_ONLY: "keyword",
    inspect.Parameter.VAR_KEYWORD: "all others by keyword",
}
NOT_CALLED: Final = {
    "__post_init__",
    "__init__",
    "__init_subclass__",
    "__getattr__",
    "__dir__",
    "__replace__",
    "__annotate__",
    "__annotate_func__",
}


class PythonNames:
    """Collects the facts of every public name, and of the records and aliases that these speak of."""

    def __init__(self) -> None:
        self.facts: dict[str, Fact] = {}
        self.names: dict[Any, str] = {}
        self.waiting: list[Any] = []
        for face in FACES:
            for name in public(face):
                self.names.setdefault(_key(_member(face, name)), f"{face.__name__}.{name}")

    def collect(self) -> dict[str, Fact]:
        for face in FACES:
            for name in public(face):
                self.add(f"{face.__name__}.{name}", _member(face, name))
        while self.waiting:
            record = self.waiting.pop()
            self.add(self.names[_key(record)], record)
        return self.facts

    def add(self, name: str, member: Any) -> None:
        if inspect.isclass(member) and issubclass(member, zoo.nn.CellModel):
            self.add_cell_class(name, member)
        elif inspect.isclass(member):
            self.add_class(name, member)
        elif inspect.isfunction(member):
            self.add_function(name, "function", member)
        else:
            self.facts[name] = Fact("value", type=type(member).__name__, default=_plain(member))

    def add_function(self, name: str, kind: str, function: Any, *, bound: bool = False) -> None:
        """bound: its first parameter is given by the object."""
        signature = inspect.signature(function)
        self.facts[name] = Fact(kind, type=self.type(signature.return_annotation, function))
        self.add_arguments(name, list(signature.parameters.values())[bound:], function)

    def add_arguments(self, name: str, parameters: list[inspect.Parameter], function: Any) -> None:
        for index, one in enumerate(parameters):
            number = "" if one.kind >= inspect.Parameter.VAR_POSITIONAL else f" {index}"
            many = one.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
            default = "()" if many else None if one.default is one.empty else _plain(one.default)
            self.facts[f"{name}({one.name})"] = Fact(
                "argument", PLACES[one.kind] + number, self.type(one.annotation, function), default
            )

    def add_class(self, name: str, cls: type) -> None:
        ours = [one for one in cls.__mro__ if one.__module__.partition(".")[0] == "zoo"]
        outside = [base for one in ours for base in one.__bases__ if base not in ours and base is not object]
        for one in ours[1:]:
            self.follow(one.__name__, one, one.__module__)
        above = [self.names[one] for one in ours[1:] if one in self.names] + [_called(base) for base in outside]
        kind = "base class" if (cls.__doc__ or "").startswith("Base of") else "class"
        self.facts[name] = Fact(kind, type=", ".join(dict.fromkeys(one for one in above if one != "Generic")))
        fields = list(_fields(cls))
        for index, (field, annotation, default, place) in enumerate(fields):
            home = next(one for one in ours if field in inspect.get_annotations(one))
            numbered = place.replace("#", str(index))
            self.facts[f"{name}.{field}"] = Fact("field", numbered, self.type(annotation, home), default)
        start = next((vars(one)["__init__"] for one in ours if "__init__" in vars(one)), None)
        if inspect.isfunction(start) and _written(start):
            self.add_arguments(name, list(inspect.signature(start).parameters.values())[1:], start)
        seen = {field for field, *_ in fields}
        for one in ours:
            for member in [*vars(one), *inspect.get_annotations(one)]:
                hidden = member.startswith("_") and not (member.startswith("__") and member not in NOT_CALLED)
                if member not in seen and not hidden:
                    seen.add(member)
                    self.add_member(f"{name}.{member}", one, member)

    def add_cell_class(self, name: str, cls: type[zoo.nn.CellModel]) -> None:
        """A class of `zoo.nn`, by what it has for itself: the rest is as of `zoo.nn.Recurrent` and `zoo.StackModel`."""
        base = zoo.StackModel if cls is zoo.nn.CellModel else zoo.nn.CellModel
        self.facts[name] = Fact("class", type=f"zoo{'.nn' * (base is zoo.nn.CellModel)}.{base.__name__}")
        common = inspect.signature(zoo.nn.Recurrent).parameters
        given = {} if cls is zoo.nn.CellModel else inspect.signature(cls).parameters
        own = [one for one in given.values() if cls is zoo.nn.Recurrent or one.name not in common]
        self.add_arguments(name, own, cls)

    def add_member(self, name: str, home: type, member: str) -> None:
        found = vars(home).get(member)
        if isinstance(found, OldName):  # it is what the new name is
            field = f"{name.rpartition('.')[0]}.{found.instead}"
            if field in self.facts:
                self.facts[name] = self.facts[field]
                return
            member, found = found.instead, vars(home).get(found.instead)
        function = getattr(found, "__func__", found)
        if isinstance(found, property | functools.cached_property):
            getter = found.fget if isinstance(found, property) else found.func
            annotation = inspect.signature(getter).return_annotation  # type: ignore[arg-type]
            self.facts[name] = Fact("property", type=self.type(annotation, getter))
        elif inspect.isfunction(function):
            if _written(function):
                kinds = {staticmethod: "static method", classmethod: "class method"}
                kind = kinds.get(type(found), "method")
                self.add_function(name, kind, function, bound=kind != "static method")
        elif not member.startswith("__") and not isinstance(found, types.MemberDescriptorType):
            annotation = inspect.get_annotations(home).get(member, "")
            default = _plain(found) if member in vars(home) else None
            self.facts[name] = Fact("attribute", type=self.type(annotation, home), default=default)

    def type(self, annotation: Any, home: Any) -> str:
        """An annotation as the code writes it; the records and aliases in it are facts of their own."""
        if annotation in (inspect.Parameter.empty, ""):
            return ""
        annotation = getattr(annotation, "__forward_arg__", annotation)
        text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
        known = vars(sys.modules[home.__module__])
        for node in ast.walk(ast.parse(text, mode="eval")):
            if isinstance(node, ast.Name) and node.id in known:
                self.follow(node.id, known[node.id], home.__module__)
        return text

    def follow(self, name: str, found: Any, module: str) -> None:
        if inspect.isclass(found) and not isinstance(found, types.GenericAlias):
            record = dataclasses.is_dataclass(found) or hasattr(found, "_fields")
            ours = found.__module__.startswith("zoo") and not found.__name__.startswith("_")
            if record and ours and found not in self.names:
                self.names[found] = f"{_home(found.__module__, found.__name__)}.{found.__qualname__}"
                self.waiting.append(found)
            return
        where = _assigned(name, module)
        if where is not None and f"{_home(where[0], name)}.{name}" not in self.facts:
            home, written = where
            self.facts[f"{_home(home, name)}.{name}"] = Fact("alias", type=written)
            self.type(written, types.SimpleNamespace(__module__=home))


def public(face: types.ModuleType) -> list[str]:
    """The names of a face: those that it lists, and those that still work though it lists them no more."""
    return sorted({*face.__all__, *getattr(face, "_DEPRECATED", {})})


def _home(module: str, name: str) -> str:
    """Where people import it from: the package, where that lists it among its names."""
    package = sys.modules.get(module.rpartition(".")[0])
    listed = package is not None and package.__name__ != "zoo" and name in getattr(package, "__all__", ())
    return package.__name__ if package is not None and listed else module


def _member(face: types.ModuleType, name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return getattr(face, name)


def _key(member: Any) -> Any:
    return member if inspect.isclass(member) else id(member)


def _fields(cls: type) -> Iterator[tuple[str, Any, str | None, str]]:
    """Name, annotation, default and place of each field of a record; `#` stands for its number."""
    if dataclasses.is_dataclass(cls):
        for one in dataclasses.fields(cls):
            default = None if one.default is dataclasses.MISSING else _plain(one.default)
            if one.default_factory is not dataclasses.MISSING:
                default = f"{one.default_factory.__name__}()"  # type: ignore[attr-defined]
            if one.name == "api_version":
                default = "API_VERSION"  # grows with it, which breaks nobody
            place = "keyword" if one.kw_only else "position #" if one.init else ""
            yield one.name, one.type, default, place if one.init and cls.__dataclass_params__.init else ""  # type: ignore[attr-defined]
    elif issubclass(cls, tuple) and hasattr(cls, "_fields"):
        for name in cls._fields:
            defaults = cls._field_defaults  # type: ignore[attr-defined]
            default = _plain(defaults[name]) if name in defaults else None
            yield name, inspect.get_annotations(cls)[name], default, "position #"


def _written(function: Any) -> bool:
    """Whether somebody wrote it here, rather than `dataclass` or `NamedTuple`."""
    function = inspect.unwrap(function)
    return function.__module__.startswith("zoo") and not function.__code__.co_filename.startswith("<")


def _assigned(name: str, module: str) -> tuple[str, str] | None:
    """Where an alias of a type is written, and as what; None for what is no alias, or none of zoo's."""
    if not module.startswith("zoo"):
        return None
    for node in _tree(module).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return module, ast.unparse(node.value)
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                if (alias.asname or alias.name) == name and node.module.startswith("zoo."):
                    return _assigned(alias.name, node.module)
    return None


@functools.cache
def _tree(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(sys.modules[module]))


def _called(cls: type) -> str:
    return cls.__name__ if cls.__module__ == "builtins" else f"{cls.__module__.partition('.')[0]}.{cls.__name__}"


def _plain(value: Any) -> str:
    """A value in words that do not change from run to run."""
    if inspect.isclass(value) or inspect.isfunction(value):
        return str(value.__name__)
    if isinstance(value, frozenset):
        return f"frozenset({{{', '.join(sorted(map(repr, value)))}}})" if value else "frozenset()"
    if dataclasses.is_dataclass(value):
        given = [one.name for one in dataclasses.fields(value) if getattr(value, one.name) != one.default]
        return f"{type(value).__name__}({', '.join(f'{name}={getattr(value, name)!r}' for name in given)})"
    text = repr(value)
    return f"a {type(value).__name__}" if " at 0x" in text else text
