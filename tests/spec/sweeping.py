"""Specs with one value that is bad or huge, and what each command does with them: how long, with how much memory."""

from __future__ import annotations

import math
import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.components import ComponentType
from zoo.errors import SpecError, ZooError
from zoo.inspect.summary import summarise
from zoo.model.build import build
from zoo.plugin.catalogue import Catalogue
from zoo.spec import library
from zoo.spec.canonical import Spec
from zoo.spec.describe import describe
from zoo.spec.shrink import shrink

MOST_SECONDS = 2.0
"""Of a CPU that others may slow down; what takes longest takes a second on a quiet one."""
MOST_MEGABYTES = 200
LIMIT = 2**26
"""Bytes that a real build may take here, and must not try to take more of."""
HEADROOM = 16 * 2**30
"""Bytes of addresses beyond which a test fails rather than the machine."""
CLEAR, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
KEYS = {"schema": 1, "name": "x", "input": 4, "cell": "gru", "hidden_size": 4}

INTEGERS = (
    *(10**power for power in (3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 18)),
    *(0, -1, -(10**3), -(10**18), 999_999_937, 2**62, 2**63 - 1, 2**63, -(2**63), 10**30, 10**400, 10**5000),
)
FLOATS = (
    *(1e300, -1e300, 1e-300, math.nan, math.inf, -math.inf, 1e39, -1e39, 3.4e38, -3.4e38, 1e-40, 1e20, -1e20, 1e10),
    *(-1e10, 1e-10, 0.0, -0.0, 0.5, 1.0, 10**400, -(10**5000)),
)
ODD = (True, "a", "1e5", "x" * 10_000, [], [1], [10**18] * 3, [1e39], [[[1]]], {}, {"a": 1}, {"kind": 10**18}, None)
"""Values of another type."""
ACTIONS = ("validate", "figures", "summary", "build", "meta", "tiny")


@dataclass(frozen=True)
class Outcome:
    """What came of an action. said: the error, or nothing. seconds: of CPU time. megabytes: at the most, beyond before."""

    said: str
    seconds: float
    megabytes: float


class TooLong(BaseException):
    """An action was stopped; no `except Exception` of what is tested may take it."""


def attempt(action: str, keys: dict[str, Any], catalogue: Catalogue) -> Outcome:
    """Do to a spec what a command does.

    Raises:
        TooLong: it took ten times the most. Exception: whatever is not one of our own errors.
    """
    said = ""
    with _stopped(10 * MOST_SECONDS), _peak() as peak:
        began = time.process_time()
        try:
            _do(action, keys, catalogue)
        except ZooError as error:
            said = "; ".join(d.message for d in error.diagnostics) if isinstance(error, SpecError) else str(error)
        seconds = time.process_time() - began
    return Outcome(said, seconds, peak[0])


def held(
    keys: dict[str, Any], catalogue: Catalogue, actions: tuple[str, ...] = ACTIONS, most: float = MOST_SECONDS
) -> list[Outcome]:
    """Every action on a spec, each within its time and memory, and with a plain line where it is refused.

    What `validate` refuses, the others refuse alike. most: seconds of CPU time.
    """
    found = []
    for action in actions:
        outcome = attempt(action, keys, catalogue)
        assert outcome.seconds < most, (action, outcome)
        assert outcome.megabytes < MOST_MEGABYTES, (action, outcome)
        assert not outcome.said or plain(outcome.said), (action, outcome)
        found.append(outcome)
        if action == "validate" and outcome.said:
            break
    return found


def plain(said: str) -> bool:
    """Whether a message is one line of words, and not what Python or torch happened to say."""
    wrong = ("Traceback", "RuntimeError", "OverflowError", "MemoryError", "Allocator", "TypeError", "ValueError")
    return "\n" not in said and len(said) < 500 and not any(word in said for word in wrong)


def keys_with(record: ComponentType, name: str, value: Any, given: dict[str, Any] | None = None) -> dict[str, Any]:
    """A spec with this component, one of whose options has this value. given: other options."""
    chosen: dict[str, Any] = {"kind": record.name, **(given or {})}
    for other, field in record.options.model_fields.items():
        kind = str(field.annotation)
        if other == name:
            chosen[other] = [value] if "tuple" in kind and not isinstance(value, list) else value
        elif field.is_required() and other not in chosen:
            number: Any = 3 if "int" in kind else 0.5
            chosen[other] = [number] if "tuple" in kind else number
    keys = dict(KEYS)
    match record.kind:
        case "cell":
            keys |= around(record.name) | {"cell": chosen}
        case "head":
            keys["head"] = chosen if record.name == "tied" else {**chosen, "pool": "last"}
            keys |= {"input": {"kind": "tokens", "vocabulary": 5, "size": 4}} if record.name == "tied" else {}
        case "pool":
            keys["head"] = {"kind": "linear", "size": 2, "pool": chosen}
        case "layer":
            keys["layers"] = [{}, chosen]
        case "input":
            keys |= {"input": chosen, "cell": "convgru" if record.name == "maps" else "gru"}
        case kind:
            keys[kind] = chosen
    return keys


def around(cell: str) -> dict[str, Any]:
    """The keys of a spec with this cell."""
    maps = {"input": {"kind": "maps", "channels": 1, "height": 2, "width": 2}} if cell.startswith("conv") else {}
    return {**KEYS, "cell": cell, **maps}


def options_of(catalogue: Catalogue, type_name: str) -> Iterator[tuple[ComponentType, str]]:
    """Every option of every component whose type has `int` or `float` in it."""
    for kind in ("cell", "head", "layer", "input", "pool", "init", "norm"):
        for one in catalogue.all(kind):
            for name, field in one.record.options.model_fields.items():
                if type_name in str(field.annotation):
                    yield one.record, name


def warm(catalogue: Catalogue) -> None:
    """Have done what is done once in a process: torch takes a second to get ready for meta."""
    for device in ("cpu", "meta"):
        for cell in ("gru", "orthogonal"):
            summarise(_load({**KEYS, "cell": cell}, catalogue), device=device)


def _load(keys: dict[str, Any], catalogue: Catalogue) -> Spec:
    return library.load(keys, catalogue).spec


def _do(action: str, keys: dict[str, Any], catalogue: Catalogue) -> None:
    spec = _load(keys, catalogue)
    match action:
        case "figures":
            describe(spec)
        case "summary":
            str(summarise(spec))
        case "build":
            build(spec, seed=0, memory_limit=LIMIT)
        case "meta":
            build(spec, seed=0, device="meta")
        case "tiny":  # what `zoo test` builds
            build(shrink(spec), seed=0, memory_limit=2 * LIMIT)


@contextmanager
def _stopped(seconds: float) -> Iterator[None]:
    """Stop what takes longer than this, or more addresses than the machine should give."""

    def stop(number: int, frame: object) -> None:
        raise TooLong(f"more than {seconds:g} seconds")

    before = signal.signal(signal.SIGPROF, stop)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    resource.setrlimit(resource.RLIMIT_AS, (_status("VmSize") * 1024 + HEADROOM, hard) if _linux() else (soft, hard))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextmanager
def _peak() -> Iterator[list[float]]:
    """The most memory that this process has while the block runs, in MB beyond what it had; 0 where nothing tells."""
    found = [0.0]
    if not _linux():
        yield found
        return
    CLEAR.write_text("5", encoding="ascii")  # the peak begins anew
    before = _status("VmHWM")
    yield found
    found[0] = (_status("VmHWM") - before) / 1024


def _linux() -> bool:
    return os.access(CLEAR, os.W_OK)


def _status(key: str) -> int:
    """A figure of this process, in KiB."""
    lines = STATUS.read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(f"{key}:")).split()[1])
