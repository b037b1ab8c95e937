"""What an error says of its author's code: one line with the place, what came to it and what helps; its traceback."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import FrameType
from typing import Final

import torch
from torch import nn

from zoo.engine.labels import given, label
from zoo.errors import ZooError

_ZOO: Final = Path(__file__).parents[1]
_NOT_AUTHORS: Final = tuple(str(_ZOO / name) for name in ("checks", "engine", "testing", "cli", "model", "api.py"))
_TORCH: Final = str(Path(torch.__file__).parent)
_LONGEST: Final = 400
_HINTS: Final = (
    (
        ("same dtype", "but got Float and"),
        "a state is float32 in a model of lower precision, and a layer with weights of its own that step calls is not: "
        "move it to project, or give its weights by constants, which the engine widens (docs/cells/write-a-cell.md)",
    ),
    (
        ("same dtype", "but got BFloat16 and Float"),
        "give the weights that step needs by constants, which the engine widens to the states' precision "
        "(docs/cells/write-a-cell.md)",
    ),
)


def said(error: BaseException) -> str:
    """One line on an error: its kind, its text, where in the author's code it arose, and a hint."""
    line = f"raised {type(error).__name__}: {first_line(error)}"
    if isinstance(error, ZooError):
        return line  # it names its place itself
    place = where(error)
    text = first_line(error)
    hint = next((hint for words, hint in _HINTS if all(word in text for word in words)), "")
    return line + (f" (in {place})" if place else "") + (f"; {hint}" if hint else "")


def first_line(error: BaseException) -> str:
    """The first line of an error's text, and not too much of it."""
    try:
        lines = str(error).strip().splitlines()
    except Exception:
        return "(its text cannot be shown)"
    text = " ".join(lines[0].split()) if lines else ""
    return f"{text[:_LONGEST]}..." if len(text) > _LONGEST else text


def where(error: BaseException) -> str:
    """The deepest place of an author's code, as "layers.0: cell 'acme': Acme.step, acme.py:12, given u (3, 20)"."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    lines = [line for _, line in traceback.walk_tb(error.__traceback__)]
    theirs = [index for index, frame in enumerate(frames) if _is_authors(frame)]
    if not theirs:
        return ""
    last = frames[theirs[-1]]
    line = f"{Path(last.f_code.co_filename).name}:{lines[theirs[-1]]}"
    owner = next((frame for frame in reversed(frames) if label(_self(frame)) and _is_authors(frame)), None)
    if owner is None:
        return f"{last.f_code.co_qualname}, {line}"
    module = _self(owner)
    method = f"{type(module).__name__}.{owner.f_code.co_name}"
    came = given(owner)
    return f"{label(module)}: {method}, {line}{', given ' if came else ''}{came}"


def shown(error: BaseException) -> str:
    """The traceback of an error without the frames of the runner and of torch's own calls."""
    whole = traceback.TracebackException.from_exception(error)
    runner, calls = str(_ZOO / "checks" / "run.py"), str(Path(_TORCH) / "nn" / "modules" / "module.py")
    one: traceback.TracebackException | None = whole
    while one is not None:
        kept = [frame for frame in one.stack if frame.filename not in (runner, calls)]
        one.stack = traceback.StackSummary.from_list(kept)
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return "".join(whole.format()).rstrip()


def _is_authors(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return not file.startswith((*_NOT_AUTHORS, _TORCH, "<frozen"))


_NOTHING: Final = nn.Module()


def _self(frame: FrameType) -> nn.Module:
    found = frame.f_locals.get("self")
    return found if isinstance(found, nn.Module) else _NOTHING
