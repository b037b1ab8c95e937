"""What `help` says of a class of `zoo.nn`: its cell's equations, its arguments, shapes, an example and the source."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from zoo.components import CellType
from zoo.nn.arguments import REQUIRED, Argument

WIDTH = 112
"""Of a line, which stands four characters in."""


def docstring(
    record: CellType,
    arguments: Sequence[Argument],
    equations: Iterable[str] = (),
    *,
    shapes: Iterable[tuple[str, str]] = (),
    example: Iterable[str] = (),
) -> str:
    """The docstring of a class, without an indent.

    Args:
        record: the cell's record.
        arguments: of the class.
        equations: what the cell's own docstring says, and those of its further classes.
        shapes: of what goes in and comes out, by name.
        example: lines as an interpreter shows them.
    """
    return "\n".join(_lines(record, arguments, equations, shapes, example)).rstrip()


def _lines(
    record: CellType,
    arguments: Sequence[Argument],
    equations: Iterable[str],
    shapes: Iterable[tuple[str, str]],
    example: Iterable[str],
) -> Iterator[str]:
    yield from _wrapped(f"{record.summary}." if record.summary else f"The cell {record.name!r}.")
    yield ""
    said = list(equations)
    if said:
        yield "One step, where x is its input, σ the logistic function and ⊙ the product element by element:"
        yield ""
    for text in said:
        yield from text.splitlines()
        yield ""
    yield "Args:"
    for one in arguments:
        default = (
            "" if one.default in (REQUIRED, "None") else f" Default: {one.default.replace('4 * GIBIBYTE', '4 GiB')}."
        )
        yield from _entry(f"{one.name} ({one.said})", f"{one.meaning}{default}")
    shapes = list(shapes)
    if shapes:
        yield ""
        yield "Shapes:"
        for name, shape in shapes:
            yield from _entry(name, shape)
    example = list(example)
    if example:
        yield ""
        yield "Example:"
        yield from (f"    {line}" for line in example)
    if record.paper:
        yield ""
        yield from _wrapped(f"Paper: {record.paper}.")


def shapes_of(
    record: CellType, *, maps: bool, width: str, states: Sequence[str], stacked: bool
) -> list[tuple[str, str]]:
    """What a call takes and gives.

    Args:
        record: the cell's record.
        maps: the cell reads maps.
        width: of the cell's output, in the symbols of the docstring.
        states: the names of the cell's states.
        stacked: its state has torch's layout.
    """
    step, out = ("C, Y, X", f"{width}, Y, X") if maps else ("I", width)
    if stacked:
        count = "one tensor" if len(states) == 1 else f"a tuple ({', '.join(states)}), each"
        state = f"{count} (num_layers * directions, B, ...), as torch.nn has it"
    else:
        state = f"a `zoo.State` of {', '.join(f'`layers.0.{name}`' for name in states)}, ..., each (B, ...)"
    found = [("x", f"(B, T, {step}), batch first, or a `PackedSequence`.")]
    if "dt" in record.uses:
        found.append(("dt", "(B, T), the time since the last step; 1 if not given."))
    if "observed" in record.uses:
        found.append(("observed", f"(B, T, {step}), which features were observed; all if not given."))
    found.append(("y", f"(B, T, {out}); twice as wide for two directions that are concatenated."))
    found.append(("state", f"{state}. None starts anew."))
    return found


def _entry(name: str, text: str) -> Iterator[str]:
    lines = textwrap.wrap(f"{name}: {text}", WIDTH - 4, break_long_words=False, break_on_hyphens=False)
    yield f"    {lines[0]}"
    yield from (f"        {line}" for line in textwrap.wrap(" ".join(lines[1:]), WIDTH - 8, break_on_hyphens=False))


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
