"""Where everything in the picture of a model is: stacks as columns, layers from the bottom to the top.

    items of an outline -> columns of measured boxes -> a picture: boxes, arrows and texts at their places

Nothing here knows how it is drawn. All sizes are those of the picture, whose origin is the upper left corner.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from zoo.browse.outline import Direction, Item

LARGE: Final = 7.4
SMALL: Final = 6.3
"""Width of a character of the two sizes of text, generously."""
LINE: Final = 16
PAD: Final = 12
GAP: Final = 26
"""Between two boxes, for an arrow; twice where a sum stands in it."""
AROUND: Final = 22
"""Left and right of a box, for an arc."""
SUM: Final = 7
"""Radius of the circle of a sum."""
TITLE: Final = 26
NARROWEST: Final = 150
LONGEST: Final = 40
"""Characters of a line in a box."""
MOST_LINES: Final = 3
"""Of options in a box."""
EDGE: Final = 16
BETWEEN: Final = 40
"""Between two columns."""

ArrowKind = Literal["flow", "sum", "loop"]


@dataclass(frozen=True, slots=True)
class Text:
    """A text and how it is set: where its middle is, or its left or right end."""

    x: float
    y: float
    text: str
    anchor: Literal["middle", "start", "end"] = "middle"
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """A part of the model, or a frame around several.

    Attributes:
        kind: Of the component; "frame" where others are inside.
        direction: In which a recurrent layer reads its input.
    """

    x: float
    y: float
    width: float
    height: float
    kind: str
    texts: tuple[Text, ...]
    direction: Direction = ""

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one place to another: straight up; around a box on its left, into a sum; or a state's loop at its right."""

    x: float
    y: float
    to_x: float
    to_y: float
    kind: ArrowKind = "flow"


@dataclass(frozen=True, slots=True)
class Picture:
    """A model: frames come before what is inside them.

    Attributes:
        sums: The middle of each place where what goes around is added.
    """

    width: float
    height: float
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    sums: tuple[tuple[float, float], ...]
    texts: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class _Block:
    """An item with its size.

    Attributes:
        lines: Its texts, a leaf's from the top; a frame's name and its figures.
        above: Room between it and what is next.
    """

    item: Item
    lines: tuple[str, ...]
    inside: tuple[_Block, ...]
    width: float
    height: float

    @property
    def above(self) -> float:
        return 2 * GAP if self.item.residual else GAP


def picture(name: str, items: tuple[Item, ...]) -> Picture:
    """The picture of a model.

    Args:
        name: Of the model, above all.
        items: Its outline.
    """
    stacks = [item for item in items if item.kind == "stack"]
    joint = [_measured(item) for item in items if item.kind != "stack"] if stacks else []
    columns = [tuple(map(_measured, one)) for one in ([stack.items for stack in stacks] or [items])]
    labels = [_label(stack) for stack in stacks] or [""]
    widths = [
        max([_wide(label, LARGE), *(block.width + 2 * AROUND for block in column)])
        for column, label in zip(columns, labels, strict=True)
    ]
    together = sum(widths) + BETWEEN * (len(columns) - 1)
    inner = max([together, _wide(name, LARGE), *(block.width for block in joint)])
    drawn = _Drawn()
    drawn.texts.append(Text(EDGE + inner / 2, EDGE + LINE - 4, name, strong=True))
    top: float = EDGE + TITLE
    for block in reversed(joint):
        drawn.boxes.append(_leaf(block, EDGE, top, inner))
        top += block.height + GAP
    foot = top + max(map(_high, columns))
    left = EDGE + (inner - together) / 2
    for column, label, width in zip(columns, labels, widths, strict=True):
        middle = left + width / 2
        drawn.column(column, middle, foot)
        if joint:
            drawn.arrows.append(Arrow(middle, foot - _high(column), middle, top - GAP))
        if label:
            drawn.texts.append(Text(middle, foot + LINE + 6, label, strong=True))
        left += width + BETWEEN
    return Picture(
        width=inner + 2 * EDGE,
        height=foot + (TITLE if stacks else 0) + EDGE,
        boxes=tuple(drawn.boxes),
        arrows=tuple(drawn.arrows),
        sums=tuple(drawn.sums),
        texts=tuple(drawn.texts),
    )


class _Drawn:
    """What has its place already."""

    def __init__(self) -> None:
        self.boxes: list[Box] = []
        self.arrows: list[Arrow] = []
        self.sums: list[tuple[float, float]] = []
        self.texts: list[Text] = []

    def column(self, blocks: Sequence[_Block], middle: float, foot: float) -> None:
        """Blocks one above the other, the first at the foot, with arrows between what is in them."""
        ends = list(self._placed(blocks, middle, foot))
        for (_, leaves), (enters, _) in pairwise(ends):
            self.arrows.append(Arrow(middle, leaves, middle, enters))

    def _placed(self, blocks: Sequence[_Block], middle: float, foot: float) -> Iterator[tuple[float, float]]:
        """Where the way up enters and leaves each box that has none inside."""
        foot -= _below(blocks)
        for block in blocks:
            top = foot - block.height
            left = middle - block.width / 2
            if block.inside:
                self.boxes.append(_frame(block, left, top))
                inner = list(self._placed(block.inside, middle, foot - PAD))
            else:
                self.boxes.append(_leaf(block, left, top, block.width))
                inner = [(foot, top)]
            if block.item.direction:
                side = left + block.width
                self.arrows.append(Arrow(side, top + block.height / 3, side, top + 2 * block.height / 3, "loop"))
            if block.item.residual:
                # Around the box, from where the way up enters it, to a sum above.
                self.arrows.append(Arrow(left, foot + GAP / 2, middle, top - GAP, "sum"))
                self.sums.append((middle, top - GAP))
                self.arrows.append(Arrow(middle, inner[-1][1], middle, top - GAP + SUM))
                inner[-1] = (inner[-1][0], top - GAP - SUM)
            yield from inner
            foot = top - block.above


def _high(blocks: Sequence[_Block]) -> float:
    """Of blocks one above the other, with the sum above the last."""
    between = sum(block.above for block in blocks[:-1])
    behind = blocks[-1].above - GAP + SUM if blocks and blocks[-1].item.residual else 0
    return sum(block.height for block in blocks) + between + behind + _below(blocks)


def _below(blocks: Sequence[_Block]) -> float:
    """Room below the first, where the way around it begins."""
    return GAP / 2 if blocks and blocks[0].item.residual else 0


def _measured(item: Item) -> _Block:
    lines = _lines(item)
    if not item.items:
        width = max(NARROWEST, *(_wide(text, SMALL if i else LARGE) + 2 * PAD for i, text in enumerate(lines)))
        return _Block(item, lines, (), width, LINE * len(lines) + PAD)
    inside = tuple(map(_measured, item.items))
    # The way up goes through the middle, between the name and the figures.
    title = 2 * max(_wide(lines[0], LARGE), _wide(lines[-1], SMALL)) + 4 * PAD
    width = max(title, *(block.width + 2 * AROUND + 2 * PAD for block in inside))
    return _Block(item, lines, inside, width, TITLE + _high(inside) + 2 * PAD)


def _lines(item: Item) -> tuple[str, ...]:
    """The texts of a box: what it is, its options, its width and parameters."""
    times = f" × {item.count:,}" if item.count > 1 else ""
    name = f"{_short(item.name)}{times}{_ARROWS[item.direction]}"
    figures = f"{item.parameters:,} parameters" if item.parameters else ""
    figures += " each" if figures and item.count > 1 else ""
    if item.items:
        return name, figures
    options = textwrap.wrap(", ".join(option for option in item.options if option != "residual"), LONGEST)
    if len(options) > MOST_LINES:
        options[MOST_LINES - 1 :] = [options[MOST_LINES - 1][: LONGEST - 1] + "…"]
    shape = "" if item.figures is None else _shape(item)
    size = ", ".join(text for text in (shape, figures) if text)
    return name, *options, *([size] if size else [])


_ARROWS: Final = {"": "", "forward": " →", "backward": " ←", "both": " ⇄"}


def _shape(item: Item) -> str:
    assert item.figures is not None
    shape = item.figures.output_shape
    return f"{shape[0]:,} wide" if len(shape) == 1 else " × ".join(f"{size:,}" for size in shape)


def _label(stack: Item) -> str:
    parameters = "" if stack.parameters is None else f": {stack.parameters:,} parameters"
    return f"{_short(stack.name)}{parameters}"


def _leaf(block: _Block, left: float, top: float, width: float) -> Box:
    texts = tuple(
        Text(left + width / 2, top + PAD / 2 + LINE * (index + 1) - 4, text, strong=index == 0)
        for index, text in enumerate(block.lines)
    )
    return Box(left, top, width, block.height, block.item.kind, texts, block.item.direction)


def _frame(block: _Block, left: float, top: float) -> Box:
    name, figures = block.lines
    texts = [Text(left + PAD, top + LINE + 2, name, "start", strong=True)]
    if figures:
        texts.append(Text(left + block.width - PAD, top + LINE + 2, figures, "end"))
    return Box(left, top, block.width, block.height, "frame", tuple(texts), block.item.direction)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _wide(text: str, character: float) -> float:
    """How wide a text is at most; Chinese and its like are twice as wide."""
    return sum(character * (1 + (unicodedata.east_asian_width(one) in "WF")) for one in text)
