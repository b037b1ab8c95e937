"""Load plugins one at a time: whatever one of them does wrong disables that one alone, with its cause."""

from __future__ import annotations

import contextlib
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

import pluggy

from zoo.errors import PluginError, did_you_mean
from zoo.plugin import hookspecs
from zoo.plugin.catalogue import BUILTIN, Plugin, normalise
from zoo.plugin.containment import contained
from zoo.plugin.records import HOOKS, Collected, TooNewError


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a plugin comes from.

    Attributes:
        load: Imports it and returns the object with the hooks; may raise anything.
        disabled: Why it is not to be loaded; empty if it is.
        remarks: What its user should know of how it is installed; asked once it is loaded.
        unmet: The distributions that it needs and lacks, each with one line on that; asked where it does not work.
    """

    name: str
    distribution: str
    version: str
    module: str
    load: Callable[[], Any] = field(repr=False)
    disabled: str = ""
    remarks: Callable[[], Iterable[str]] = field(default=tuple, repr=False)
    unmet: Callable[[], Iterable[tuple[str, str]]] = field(default=tuple, repr=False)


VARIABLE: Final = "ZOO_PLUGINS"
"""The variable of the environment that limits what is loaded."""
_Answer = TypeVar("_Answer")
_LONGEST_CAUSE: Final = 400


def load(sources: Iterable[Source]) -> tuple[Plugin, ...]:
    """Each source as a plugin, in the order given. Raises nothing but KeyboardInterrupt."""
    _settle_pydantic()
    manager = pluggy.PluginManager("zoo")
    manager.add_hookspecs(hookspecs)
    return tuple(_load(source, manager) for source in sources)


def _settle_pydantic() -> None:
    """Have pydantic look for plugins of its own now, which it does when a model is first used, and never again.

    It reads the entry points of all that is installed for that, and one file which cannot be read is an error there.
    """
    with contextlib.suppress(Exception):
        from pydantic.plugin import _loader

        _loader.get_plugins()


def _load(source: Source, manager: pluggy.PluginManager) -> Plugin:
    plugin = Plugin(name=source.name, distribution=source.distribution, version=source.version, module=source.module)
    if source.disabled:
        return replace(plugin, status="disabled", cause=source.disabled)
    had_torch = "torch" in sys.modules
    key = f"{source.distribution}/{source.name}"
    collected = Collected(plugin)
    failure: dict[str, Any] = {}
    changes: list[str] = []
    start = time.perf_counter()
    try:
        # What a plugin prints while it loads must not end up in a list or in JSON.
        with contextlib.redirect_stdout(sys.stderr), contained(changes):
            loaded = _import(source)
            _register(manager, loaded, key)
            _collect(manager, loaded, collected)
    except KeyboardInterrupt:
        # Who waits must learn for whom: typer ends the command without a word.
        sys.stderr.write(f"interrupted while {plugin} was being loaded; {VARIABLE} can leave it out\n")
        raise
    except TooNewError as error:
        failure = {"status": "incompatible", "cause": str(error)}
    except BaseException as error:  # SystemExit too: a plugin does not decide when the program ends
        lacking = dict(_asked(source.unmet))
        failure = {
            "status": "incompatible" if BUILTIN in map(normalise, lacking) else "broken",
            "cause": "; ".join([_one_line(error), *lacking.values()]),
            "traceback": "".join(traceback.format_exception(error)),
        }
    notes = [*collected.notes, *changes, *_asked(source.remarks)]
    if not had_torch and "torch" in sys.modules:
        notes.append("imports torch when it is loaded, which slows every command: leave that to what `build` names")
    return replace(
        plugin,
        components=tuple(collected.components),
        checks=tuple(collected.checks),
        languages=tuple(collected.languages),
        spec_folders=tuple(collected.spec_folders),
        notes=tuple(notes),
        load_seconds=time.perf_counter() - start,
        **failure,
    )


def _asked(question: Callable[[], Iterable[_Answer]]) -> list[_Answer]:
    """What a damaged installation cannot tell is left out."""
    try:
        return list(question())
    except Exception:
        return []


def _import(source: Source) -> Any:
    try:
        return source.load()
    except PluginError:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is None:
            cause = f"cannot be imported: {_one_line(error)}"
        elif f"{source.module.partition(':')[0].strip()}.".startswith(f"{missing}."):
            cause = f"its module {missing!r} is missing: reinstall {source.distribution}"
        else:
            cause = f"needs the module {missing!r}, which is not installed"
        raise PluginError(cause) from error


def _register(manager: pluggy.PluginManager, loaded: Any, key: str) -> None:
    for other, known in manager.list_name_plugin():
        if known is loaded:
            raise PluginError(f"is the same object as plugin {other}: register it once")
    if loaded is None or type(loaded).__hash__ is None:
        raise PluginError(
            f"names {'None' if loaded is None else f'a {type(loaded).__name__}'}, which cannot hold hooks"
        )
    try:
        manager.register(loaded, name=key)
    except pluggy.PluginValidationError as error:
        raise PluginError(f"a hook has the wrong form: {' '.join(str(error).split())}") from error
    unknown = sorted(
        caller.name
        for caller in manager.get_hookcallers(loaded) or ()
        if not caller.has_spec()
        and any(impl.plugin is loaded and not impl.optionalhook for impl in caller.get_hookimpls())
    )
    if unknown:
        hint = did_you_mean(unknown[0], HOOKS) or f"; hooks: {', '.join(HOOKS)}"
        raise PluginError(f"unknown hook {unknown[0]!r}{hint}")


def _collect(manager: pluggy.PluginManager, loaded: Any, collected: Collected) -> None:
    """Call each hook for this plugin alone. A failure waits, so that an API that is too new is seen behind it."""
    others = [plugin for _, plugin in manager.list_name_plugin() if plugin is not loaded]
    failures: list[PluginError] = []
    marked = {caller.name for caller in manager.get_hookcallers(loaded) or ()}
    for hook in HOOKS:
        if hook not in marked:
            # A module named like a hook is no mistake; a function is.
            if callable(getattr(loaded, hook, None)):
                failures.append(PluginError(f"{hook} is not marked: write @zoo.hookimpl above it"))
            continue
        try:
            results = manager.subset_hook_caller(hook, others)()
            collected.add(hook, results)
        except PluginError as error:
            failures.append(error)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            wrapped = PluginError(f"{hook} raised {_one_line(error)}")
            wrapped.__cause__ = error
            failures.append(wrapped)
    collected.finish()
    if failures:
        raise failures[0]
    if not marked:
        collected.notes.append("provides nothing: none of its functions is marked @zoo.hookimpl")


def _one_line(error: BaseException) -> str:
    """The kind of an error and what it says, on one line; our own errors say it all."""
    try:
        text = " ".join(str(error).split())
    except Exception:
        text = "(its text cannot be shown)"
    if len(text) > _LONGEST_CAUSE:
        text = f"{text[:_LONGEST_CAUSE]}..."
    if isinstance(error, PluginError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
