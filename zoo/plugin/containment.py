"""What a plugin does to the whole process while it is loaded, and has no business to do: refused, or undone.

A plugin is code like any other, and whoever means harm can do it. This is about carelessness: a module that ends the
program or changes the folder when it is imported must not change what a command says, or with which status it ends.
"""

from __future__ import annotations

import contextlib
import locale
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final, NoReturn

from zoo.errors import PluginError

_ENDINGS: Final = ("_exit", "abort", "execv", "execve")
"""Of the module `os`: what ends the program at once, without a word."""
_SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGPIPE", "SIGHUP") if hasattr(signal, name)
)


@contextlib.contextmanager
def contained(notes: list[str]) -> Iterator[None]:
    """Load a plugin inside this block. What it changed is put back, with a note for its user.

    To end the process raises PluginError instead, in this thread; a child that was forked, and other threads, may.
    """
    before = _process()
    threads = set(threading.enumerate())
    with _no_end():
        try:
            yield
        finally:
            after = _process()
            for what, (value, restore) in before.items():
                if after[what][0] != value and restore is not None:
                    with contextlib.suppress(Exception):
                        restore(value)
                    notes.append(f"changes {what} when it is loaded, which is undone")
            left = [one for one in threading.enumerate() if one not in threads and not one.daemon]
            if left:
                notes.append(f"starts a thread when it is loaded ({left[0].name}), for which every command waits")


def _process() -> dict[str, tuple[Any, Callable[[Any], Any] | None]]:
    """What every part of a program shares, and how to set it."""
    try:
        folder: str | None = os.getcwd()  # noqa: PTH109 (at every start)
    except OSError:
        folder = None  # it was deleted
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    main = threading.current_thread() is threading.main_thread()
    return {
        "the current folder": (folder, os.chdir if folder is not None else None),
        "the locale": (locale.setlocale(locale.LC_ALL), lambda value: locale.setlocale(locale.LC_ALL, value)),
        "standard error": (sys.stderr, lambda value: setattr(sys, "stderr", value)),
        "sys.excepthook": (sys.excepthook, lambda value: setattr(sys, "excepthook", value)),
        "how signals are handled": (handlers, _handle if main else None),
    }


def _handle(handlers: dict[int, Any]) -> None:
    for number, handler in handlers.items():
        if handler is not None:  # one that was not set from Python cannot be set again
            signal.signal(number, handler)


@contextlib.contextmanager
def _no_end() -> Iterator[None]:
    process, thread = os.getpid(), threading.get_ident()
    real = {name: getattr(os, name) for name in _ENDINGS}
    system: Any = sys.modules.get("posix") or sys.modules.get("nt")
    modules = [os, *([system] if system is not None else [])]

    def refusing(name: str) -> Callable[..., NoReturn]:
        def refuse(*args: Any, **kwargs: Any) -> NoReturn:
            if os.getpid() == process and threading.get_ident() == thread:
                raise PluginError(f"calls os.{name} when it is loaded, which would end the program")
            real[name](*args, **kwargs)
            raise AssertionError  # it does not return

        return refuse

    for name in _ENDINGS:
        for module in modules:
            setattr(module, name, refusing(name))
    try:
        yield
    finally:
        for name, function in real.items():
            for module in modules:
                setattr(module, name, function)
