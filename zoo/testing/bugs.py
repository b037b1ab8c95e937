"""Plant a bug and see it caught: the proof that an author's checks bite."""

from __future__ import annotations
import __future__

import ast
import builtins
import contextlib
import inspect
import keyword
import re
import sys
import textwrap
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

from zoo.components import resolve
from zoo.errors import ZooError
from zoo.testing.sizes import SpecLike, loaded


def assert_bug_caught(
    spec: SpecLike, check: str, where: str, right: str, wrong: str, *, device: str | None = None
) -> None:
    """Assert that a check passes as things are, and that with a bug planted it fails by its figure, not by a crash.

    Args:
        spec: A name, a path, a mapping or a loaded spec.
        check: Name of the check.
        where: The function to plant the bug in, as for `planted`.
        right: Words of its source, as for `planted`.
        wrong: What stands there instead, as for `planted`.
        device: Where to run. pytest's `--zoo-device` comes first. Defaults to `ZOO_DEVICE`, else to the device
            available.

    Raises:
        AssertionError: If the check does not pass to begin with, or the bug slips through, or crashes.
        ZooError: If the spec, the check or the place cannot be used.

    Example:
        >>> step = "zoo.cells.gated.mgu:MGU.step"
        >>> zoo.testing.assert_bug_caught("cells/mgu", "reference", step, "n - old", "n + old", device="cpu")
    """
    __tracebackhide__ = True
    from zoo.checks.choice import select
    from zoo.checks.run import run
    from zoo.checks.subject import Subject
    from zoo.testing.place import place

    (chosen,) = select([check])
    model, where_to_run = loaded(spec), place(device)
    sound = run(Subject(model, where_to_run), chosen)
    if sound.status != "passed":
        said = f"{sound.status}, {sound.reason}"
        raise AssertionError(f"{model.id}: {check} does not pass before the bug is planted: {said}")
    with planted(where, right, wrong):
        found = run(Subject(model, where_to_run), chosen)
    bug = f"{wrong!r} in place of {right!r} in {where}"
    if found.status != "failed":
        why = f", {found.reason}" if found.reason else ""
        raise AssertionError(f"{model.id}: {check} does not catch {bug}: {found.status}{why}")
    if found.reason.startswith("raised "):
        raise AssertionError(f"{model.id}: {bug} is a crash, which any check would catch: {check} {found.reason}")


@contextlib.contextmanager
def planted(where: str, right: str, wrong: str) -> Iterator[None]:
    """While the block runs, one function has other words in its source.

    The function itself is changed, so that whoever holds it has the bug, by whatever name.

    Args:
        where: The function, as in `"zoo_acme.cell:Acme.step"`.
        right: Words that stand in its source, once. Its variables may have other names there by now.
        wrong: What stands there instead.

    Raises:
        ZooError: If there is no such function, the words do not stand in it once, or the bug is none.

    Example:
        >>> with zoo.testing.planted("zoo.spec.describe:ModelDescription.macs", "count_steps(row.windows, steps)", "1"):
        ...     print(zoo.describe(zoo.load("lstm")).macs(100))
        2400
    """
    try:
        found = resolve(where)
    except (ImportError, AttributeError, ValueError) as error:
        raise ZooError(f"{where!r} is not a 'module:function' or 'module:Class.method': {error}") from None
    function = plain(found)
    made = rewritten(function, right, wrong)
    parts = ("__code__", "__defaults__", "__kwdefaults__")
    before = {part: getattr(function, part) for part in parts}
    try:
        for part in parts:
            setattr(function, part, getattr(made, part))
        yield
    finally:
        for part, original in before.items():
            setattr(function, part, original)


def plain(found: Any) -> FunctionType:
    """The function behind a method, a static method, a property or a wrapper.

    Args:
        found: Any of these.

    Returns:
        The function as it is written.

    Raises:
        ZooError: If it is none that is written in Python.
    """
    for behind in ("fget", "func", "__func__"):
        found = getattr(found, behind, None) or found
    found = inspect.unwrap(found) if callable(found) else found
    if not isinstance(found, FunctionType):
        raise ZooError(f"{found!r:.60} is not a function written in Python")
    return found


def rewritten(function: FunctionType, right: str, wrong: str) -> FunctionType:
    """A function of the same name with `wrong` in place of `right`: its code and defaults can stand in the first's.

    Args:
        function: As it is written.
        right: Words that stand in its source, once.
        wrong: What stands there instead.

    Returns:
        A new function.

    Raises:
        ZooError: If its source cannot be read, `right` does not stand in it once, or the result is no other function.
    """
    name = function.__name__
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError) as error:
        raise ZooError(f"the source of {name} cannot be read: {error}") from None
    if right not in source:
        right, wrong = _renamed(source, right, wrong, function)
    count = source.count(right)
    if count != 1:
        raise ZooError(f"{right!r} occurs {count} times in {name}, expected once")
    sound, wrongly = _parsed(source, name), _parsed(source.replace(right, wrong), name)
    if ast.dump(sound) == ast.dump(wrongly):
        raise ZooError(f"{wrong!r} in place of {right!r} changes nothing in {name} but a comment or a docstring")
    made = _compiled(wrongly, function)
    if made.__code__.co_freevars != function.__code__.co_freevars:
        raise ZooError(f"{name} cannot be rewritten: it needs other variables of the enclosing function")
    return made


def _renamed(source: str, right: str, wrong: str, function: FunctionType) -> tuple[str, str]:
    """The same words with the names that the function's variables have now; as they are where they do not fit.

    A bug is planted in what a function does, and must outlive that one of its variables gets another name.
    """
    code = function.__code__
    own = {*code.co_varnames, *code.co_cellvars, *code.co_freevars}
    known = {*function.__globals__, *vars(builtins), *keyword.kwlist}
    names: list[str] = []
    pattern, before = [], ""
    for token in _tokens(right):
        if not token.isidentifier() or before == "." or token in known:
            pattern.append(re.escape(token))
        elif token in names:
            pattern.append(rf"\b(?P=v{names.index(token)})\b")
        else:
            pattern.append(rf"\b(?P<v{len(names)}>\w+)\b")
            names.append(token)
        before = token
    found = [m for m in re.finditer(r"\s*".join(pattern), source) if {*m.groupdict().values()} <= own]
    if len(found) != 1:
        return right, wrong
    now = {name: found[0][f"v{index}"] for index, name in enumerate(names)}
    said = re.sub(r"(?<!\.)\b[A-Za-z_]\w*\b", lambda word: now.get(word[0], word[0]), wrong)
    return found[0][0], said


def _tokens(words: str) -> list[str]:
    """Words of a program, which need not be a whole one."""
    return re.findall(r"""'[^']*'|"[^"]*"|\w+|[^\w\s]""", words)


def _parsed(source: str, name: str) -> ast.FunctionDef:
    try:
        (found,) = ast.parse(source).body
    except (SyntaxError, ValueError) as error:
        raise ZooError(f"{name} cannot be written so: {error}") from None
    if not isinstance(found, ast.FunctionDef):
        raise ZooError(f"{name} is not written as a function with a name of its own")
    found.decorator_list = []
    if ast.get_docstring(found) is not None:
        found.body = found.body[1:] or [ast.Pass()]
    return found


def _compiled(written: ast.FunctionDef, function: FunctionType) -> FunctionType:
    """Inside a class, where `super()` and names such as `__own` mean what they did; with the same variables around."""
    owner, _, _ = function.__qualname__.rpartition(".")
    in_class = bool(owner) and not owner.endswith("<locals>")
    around = [variable for variable in function.__code__.co_freevars if variable != "__class__"]
    name = owner.rpartition(".")[2] if in_class else "Owner"
    holder = ast.parse(f"def made({', '.join(around)}):\n    class {name}: pass")
    (outer,) = holder.body
    assert isinstance(outer, ast.FunctionDef)
    if in_class:
        (inner,) = outer.body
        assert isinstance(inner, ast.ClassDef)
        inner.body = [written]
    else:
        outer.body = [written]
    ast.fix_missing_locations(holder)
    code = compile(holder, f"<{written.name} with a planted bug>", "exec", __future__.annotations.compiler_flag)
    found = _within(code, written.name)
    made = FunctionType(found, vars(sys.modules[function.__module__]), written.name, None, function.__closure__)
    made.__defaults__, made.__kwdefaults__ = _defaults(written, function)
    return made


def _within(code: CodeType, name: str) -> CodeType:
    """The code of the function of that name, however deep it stands."""
    waiting = [code]
    while waiting:
        inner = [one for one in waiting.pop(0).co_consts if isinstance(one, CodeType)]
        for one in inner:
            if one.co_name == name:
                return one
        waiting += inner
    raise LookupError(name)


def _defaults(written: ast.FunctionDef, function: FunctionType) -> tuple[Any, Any]:
    """Default values as they are written now, by the names of the function's module."""
    names = vars(sys.modules[function.__module__])

    def value(node: ast.expr) -> Any:
        return eval(compile(ast.Expression(node), "<a default>", "eval"), names)

    arguments = written.args
    keywords = {
        one.arg: value(node) for one, node in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if node
    }
    return tuple(value(node) for node in arguments.defaults) or None, keywords or None
