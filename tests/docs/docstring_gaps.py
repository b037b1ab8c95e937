"""What the docstrings of the public names leave unsaid, as griffe reads them: for tests, and for whoever counts."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zoo
import zoo.errors
import zoo.testing
from zoo.plugin import hookspecs

sys.path.append(str(Path(__file__).parents[2] / "docs"))  # as for `python docs/generate.py`
from docstrings import Said, fields_of, read

Named = tuple[str, Any]


def functions() -> dict[str, Any]:
    """Every public function, hook, and method of a public class that is written there, by the name users write."""
    found = dict(named for named in _public() if inspect.isfunction(named[1]))
    found |= {f"zoo.{name}": one for name, one in vars(hookspecs).items() if name.startswith("zoo_")}
    return found | {name: one for owner, cls in classes().items() for name, one in _methods(owner, cls)}


def classes() -> dict[str, type]:
    return {name: one for name, one in _public() if inspect.isclass(one)}


def _public() -> Iterator[Named]:
    yield from ((f"zoo.{name}", getattr(zoo, name)) for name in zoo.__all__)
    yield from ((f"zoo.testing.{name}", getattr(zoo.testing, name)) for name in zoo.testing.__all__)


def _methods(owner: str, cls: type) -> Iterator[Named]:
    for name, member in list(vars(cls).items()):
        function = getattr(member, "__func__", member)
        if inspect.isfunction(function) and not name.startswith("_"):
            yield f"{owner}.{name}", function


def gaps(function: Any) -> list[str]:
    """What the docstring of a function leaves out, or says of nothing; a method may inherit all of its docstring."""
    said = read(_docstring(function))
    if not said.summary:
        return ["no summary"]
    made = inspect.signature(function)
    returns = str(made.return_annotation)
    found = _unequal("argument", [name for name in made.parameters if name != "self"], said.args)
    gives, place = (said.yields, "Yields") if _yields(function) else (said.returns, "Returns")
    if returns not in ("None", "Iterator[None]") and not gives:
        found.append(f"no {place}")
    if gives.partition(":")[0].isidentifier():
        found.append(f"{place} begins with what readers take for a type")
    return found + [f"error {name}" for name in _raised(function) if name not in dict(said.raises)]


def gaps_of_class(cls: type) -> list[str]:
    """What the docstring of a class leaves out of its fields, its properties and its constructor's arguments."""
    said = read(cls.__doc__ or "")
    if not said.summary or said.summary.startswith(f"{cls.__name__}("):  # the signature that a dataclass gets
        return ["no summary"]
    own = [one for one in inspect.get_annotations(cls) if not one.startswith("_")]
    constants = [one for one in own if "ClassVar" in str(inspect.get_annotations(cls)[one])]
    known = dict[str, str]()
    for above in reversed(cls.__mro__):
        known |= read(above.__doc__ or "").attributes if above.__module__.startswith("zoo") else {}
    properties = [name for name, one in vars(cls).items() if hasattr(one, "fget") or hasattr(one, "attrname")]
    public = [name for name in properties if not name.startswith("_")]
    found = [f"attribute {one}" for one in [*own, *fields_of(cls)] if one not in known and one not in constants]
    unsaid = [one for one in public if one not in said.attributes and not _property(vars(cls)[one])]
    found += [f"property {one}" for one in unsaid]
    there = {*own, *fields_of(cls), *public, *dir(cls), *_assigned(cls)}
    found += [f"attribute {one} that is not there" for one in said.attributes if one not in there]
    written = vars(cls).get("__init__")
    if inspect.isfunction(written) and not hasattr(cls, "__dataclass_fields__"):
        found += _unequal(
            "argument", [one for one in inspect.signature(written).parameters if one != "self"], said.args
        )
    return list(dict.fromkeys(found))


def _unequal(what: str, there: list[str], said: dict[str, str]) -> list[str]:
    missing = [f"{what} {name}" for name in there if not said.get(name)]
    return missing + [f"{what} {name} that is not there" for name in said if name not in there]


def _docstring(function: Any) -> str:
    """Its own, or that of the method that it takes the place of."""
    owner, _, name = function.__qualname__.rpartition(".")
    if function.__doc__ or not owner:
        return function.__doc__ or ""
    return inspect.getdoc(getattr(getattr(sys.modules[function.__module__], owner), name)) or ""


def _property(member: Any) -> str:
    return (getattr(member, "fget", None) or member.func).__doc__ or ""


def _source(found: Any) -> ast.AST:
    return ast.parse(textwrap.dedent(inspect.getsource(found)))


def _yields(function: Any) -> bool:
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(_source(function)))


def _raised(function: Any) -> list[str]:
    """The package's errors that the function itself raises, by name."""
    names = [
        node.exc.func.id
        for node in ast.walk(_source(function))
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name)
    ]
    return sorted({name for name in names if hasattr(zoo.errors, name)})


def _assigned(cls: type) -> set[str]:
    """What methods assign to `self`."""
    nodes = ast.walk(_source(cls))
    return {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}


def counted() -> tuple[int, int]:
    """How many public functions and methods have a complete docstring, of how many."""
    return sum(not gaps(one) for one in functions().values()), len(functions())


__all__ = ["Said", "classes", "counted", "functions", "gaps", "gaps_of_class"]
