"""One test over many values: every value is tried, and a failure names each that fails, and how.

`pytest.mark.parametrize` makes a test of every value, each with its own set-up and its own line in every report. Where a
rule is one and its values are many and cheap, that says nothing more and takes longer.
"""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from zoo.plugin import manager

Test = Callable[..., None]
FAILURES = (Exception, pytest.fail.Exception, pytest.skip.Exception)
"""What a value can end with; a skip too, since it would hide all others."""


def each(names: str | Sequence[str], values: Iterable[Any], ids: Any = None) -> Callable[[Test], Test]:
    """As `pytest.mark.parametrize` with these arguments, but one test: it fails if any value does, after trying all.

    `ids` are the names of the rows, or a function that names one value; `None` from it means the value's `repr`.
    `monkeypatch` and `tmp_path` are new for every value, and so is the catalogue of plugins.
    """
    arguments = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    alone = isinstance(names, str) and len(arguments) == 1
    rows = [(value,) if alone else tuple(value) for value in values]

    def over_all(test: Test) -> Test:
        @functools.wraps(test)
        def tried(**fixtures: Any) -> None:
            assert rows, "no values"
            found: list[tuple[str, BaseException]] = []
            for place, row in enumerate(rows):
                try:
                    with _afresh(fixtures, place) as own:
                        test(**own, **dict(zip(arguments, row, strict=True)))
                except FAILURES as failure:
                    found.append((_label(row, place, ids), failure))
            if found:
                said = "\n".join(f"[{label}] {_said(failure)}" for label, failure in found)
                raise AssertionError(f"{len(found)} of {len(rows)} fail\n{said}") from found[0][1]

        signature = inspect.signature(test)
        left = [one for name, one in signature.parameters.items() if name not in arguments]
        assert len(left) + len(arguments) == len(signature.parameters), f"{test.__name__} takes no {arguments}"
        tried.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
        return tried

    return over_all


def _label(row: tuple[Any, ...], place: int, ids: Any) -> str:
    if ids is not None and not callable(ids):
        return str(ids[place])
    named = [ids(value) if ids is not None else None for value in row]
    return "-".join(_short(value) if name is None else str(name) for name, value in zip(named, row, strict=True))


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # as of an integer of thousands of digits
        return f"{type(value).__name__} at {id(value):#x}"
    return text if len(text) <= 80 else f"{text[:80]}..."


@contextmanager
def _afresh(fixtures: dict[str, Any], place: int) -> Iterator[dict[str, Any]]:
    """The fixtures of one value."""
    own, before = dict(fixtures), manager._current
    if "tmp_path" in own:
        own["tmp_path"] = Path(own["tmp_path"]) / str(place)
        own["tmp_path"].mkdir()
    try:
        if "monkeypatch" in own:
            with own["monkeypatch"].context() as own["monkeypatch"]:
                yield own
        else:
            yield own
    finally:
        manager._current = before


def _said(failure: BaseException) -> str:
    """Where in the tests it was, and what it says."""
    frames = [frame for frame in traceback.extract_tb(failure.__traceback__) if "/tests/" in frame.filename]
    frame = frames[-1] if frames else traceback.extract_tb(failure.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}: {type(failure).__name__}: {failure}"
