"""Plant a bug and see it caught: the proof that an author's checks bite."""

from __future__ import annotations
import __future__

import contextlib
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from zoo.components import CheckType, resolve
from zoo.errors import ZooError
from zoo.spec.canonical import Spec
from zoo.testing.sizes import SpecLike, loaded


def assert_bug_caught(spec: SpecLike, check: str, where: str, right: str, wrong: str) -> None:
    """Assert that a check passes as things are, and that with a bug planted it fails by its figure, not by a crash.

    Args:
        spec: a name, a path, a mapping or a loaded spec. check: the name of a check.
        where, right, wrong: as for `planted`.

    Raises:
        AssertionError: the check does not pass to begin with, or the bug slips through, or crashes.
        ZooError: the spec, the check or the place cannot be used.
    """
    __tracebackhide__ = True
    from zoo.checks.run import select

    (record,) = select([check])
    model = loaded(spec)
    status, reason = _outcome(model, record)
    if status != "passed":
        raise AssertionError(f"{model.id}: {check} does not pass before the bug is planted: {status}, {reason}")
    with planted(where, right, wrong):
        status, reason = _outcome(model, record)
    bug = f"{wrong!r} in place of {right!r} in {where}"
    if status != "failed":
        raise AssertionError(f"{model.id}: {check} does not catch {bug}: {status}{reason and f', {reason}'}")
    if reason.startswith("raised "):
        raise AssertionError(f"{model.id}: {bug} is a crash, which any check would catch: {check} {reason}")


def _outcome(spec: Spec, record: CheckType) -> tuple[str, str]:
    from zoo.checks.run import run
    from zoo.checks.subject import Subject, default_device

    outcome = run(Subject(spec, default_device()), record)
    return outcome.status, outcome.reason


@contextlib.contextmanager
def planted(where: str, right: str, wrong: str) -> Iterator[None]:
    """While the block runs, one function has other words in its source.

    Args:
        where: the function, as in `"zoo_acme.cell:Acme.step"`.
        right: words that stand in its source, once. wrong: what stands there instead.

    Raises:
        ZooError: there is no such function, or the words do not stand in it once.
    """
    try:
        owner = resolve(where.rpartition(".")[0]) if "." in where.partition(":")[2] else None
        function = resolve(where)
    except (ImportError, AttributeError, ValueError) as error:
        raise ZooError(f"{where!r} is no 'module:function' or 'module:Class.method': {error}") from None
    name = where.rpartition(":")[2].rpartition(".")[2]
    made = rewritten(function, right, wrong)
    holders = [owner] if owner is not None else importers(function)
    before = [(holder, vars(holder).get(name)) for holder in holders]
    try:
        for holder in holders:
            setattr(holder, name, made)
        yield
    finally:
        for holder, original in before:
            if original is None:  # inherited
                delattr(holder, name)
            else:
                setattr(holder, name, original)


def rewritten(function: Callable[..., Any], right: str, wrong: str) -> Any:
    """The function with `wrong` in place of `right`, as it stands in its class: a property or a static method stays one.

    Raises:
        ZooError: its source cannot be read, or `right` does not stand in it once.
    """
    plain: Any = getattr(function, "fget", None) or getattr(function, "__func__", function)
    function = inspect.unwrap(plain)
    name = getattr(function, "__name__", repr(function))
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError) as error:
        raise ZooError(f"the source of {name} cannot be read: {error}") from None
    count = source.count(right)
    if count != 1:
        raise ZooError(f"{right!r} stands {count} times in {name}, expected once")
    # Inside a function with a parameter of that name, `super()` finds its class.
    nested = f"def made(__class__):\n{textwrap.indent(source.replace(right, wrong), '    ')}\n    return {name}\n"
    code = compile(nested, f"<{name} with a planted bug>", "exec", __future__.annotations.compiler_flag)
    module = sys.modules[function.__module__]
    local: dict[str, Any] = {}
    exec(code, vars(module), local)
    owner = function.__qualname__.rpartition(".")[0]
    in_class = owner and "<locals>" not in owner
    return local["made"](resolve(f"{function.__module__}:{owner}") if in_class else None)


def importers(function: Any) -> list[Any]:
    """The modules that know a function by its own name: where it is written, and where it was imported."""
    name = function.__name__
    return [module for module in list(sys.modules.values()) if getattr(module, "__dict__", {}).get(name) is function]
