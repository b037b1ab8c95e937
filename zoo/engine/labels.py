"""What errors call a module by: where it stands in its spec, and its class."""

from __future__ import annotations

from types import FrameType
from typing import Final, NoReturn

from torch import Tensor, nn

from zoo.errors import DeclarationError

_LABEL: Final = "_zoo_label"


def name(module: nn.Module, label: str) -> None:
    """Have errors call a module by where it stands in its spec, as in "layers.0: cell 'lstm'"."""
    vars(module)[_LABEL] = label


def label(module: nn.Module) -> str:
    """What `name` gave it, or nothing, for a module that is built by hand."""
    found: str = vars(module).get(_LABEL, "")
    return found


def wrong(module: nn.Module, what: str) -> NoReturn:
    """The mistake of a module's author; `what` begins behind the class's name, as in ".step gives None"."""
    raise DeclarationError(said_by(module, what))


def said_by(module: nn.Module, what: str) -> str:
    """What is said of a module: where it stands, its class, and what. Arguments as for `wrong`."""
    where = label(module)
    what = " ".join(line.strip() if index else line for index, line in enumerate(what.splitlines()))
    return f"{where}: {type(module).__name__}{what}" if where else f"{type(module).__name__}{what}"


def note(module: nn.Module, error: Exception) -> None:
    """Have an error that a module's own code raised say whose it is: its place, its method and what came to it."""
    found, trace = None, error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if type(frame.f_locals.get("self")) is type(module):
            found = frame
        trace = trace.tb_next
    if found is not None and not isinstance(error, DeclarationError):
        came = given(found)
        error.add_note(f"in {said_by(module, f'.{found.f_code.co_name}')}{', given ' if came else ''}{came}")


def given(frame: FrameType) -> str:
    """The shapes of what a method was called with."""
    names = frame.f_code.co_varnames[1 : frame.f_code.co_argcount]
    found = [(name, _shapes(frame.f_locals.get(name))) for name in names]
    return ", ".join(f"{name} {shapes}" for name, shapes in found if shapes)


def _shapes(value: object) -> str:
    if isinstance(value, Tensor):
        return str(tuple(value.shape))
    if isinstance(value, tuple):
        inside = [_shapes(item) for item in value]
        return f"({', '.join(one for one in inside if one)})" if any(inside) else ""
    if isinstance(value, dict):
        inside = [f"{name} {_shapes(item)}" for name, item in value.items() if _shapes(item)]
        return f"{{{', '.join(inside)}}}" if inside else ""
    return ""
