"""The picture of a model as SVG: text alone, the same for the same model, for a light page and a dark one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import Final

from zoo.browse.boxes import AROUND, GAP, SUM, Arrow, Box, Picture, Text, picture
from zoo.browse.outline import Item, outline
from zoo.errors import one_line
from zoo.spec.canonical import Spec

STYLE: Final = (
    "<style>.g{fill:#fff}text{font:11px sans-serif;fill:#59636e}.n{font-size:13px;font-weight:600;fill:#1f2328}"
    ".m{text-anchor:middle}.e{text-anchor:end}rect{fill:#f6f8fa;stroke:#818b98}.input{fill:#ddf4ff}"
    ".cell{fill:#dafbe1}.head,.pool{fill:#fff8c5}.frame{fill:none}.l{fill:none;stroke:#59636e}"
    ".c{fill:#fff;stroke:#59636e}.h{fill:#59636e}"
    "@media(prefers-color-scheme:dark){.g{fill:#0d1117}text{fill:#9198a1}.n{fill:#f0f6fc}"
    "rect{fill:#151b23;stroke:#656c76}.input{fill:#121d2f}.cell{fill:#12261e}.head,.pool{fill:#272115}"
    ".frame{fill:none}.l{stroke:#9198a1}.c{fill:#0d1117;stroke:#9198a1}.h{fill:#9198a1}}</style>"
)
_CLASSES: Final = {"start": "", "middle": "m", "end": "e"}
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def drawn(spec: Spec) -> str:
    """The picture of a model, as the text of an SVG file."""
    items = outline(spec)
    said = f"{spec.id}: the architecture of the model"
    return written(picture(spec.id, items), said, "; ".join(_steps(items)))


def written(found: Picture, title: str, description: str) -> str:
    """A picture as the text of an SVG file.

    Args:
        found: The picture.
        title: Its name, for those who do not see it.
        description: What it shows, for the same.
    """
    wide, high = _number(found.width), _number(found.height)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" '
        'role="img" aria-labelledby="t d">',
        f'<title id="t">{_text(title)}</title>',
        f'<desc id="d">{_text(description)}</desc>',
        STYLE,
        '<defs><marker id="a" markerWidth="7" markerHeight="7" refX="6" refY="3" orient="auto">'
        '<path class="h" d="M0,0L6,3L0,6z"/></marker></defs>',
        f'<rect class="g" style="stroke:none" width="{wide}" height="{high}"/>',
        *map(_rectangle, found.boxes),
        *map(_line, found.arrows),
        *(line for sum_ in found.sums for line in _sum(*sum_)),
        *(_label(text) for box in found.boxes for text in box.texts),
        *map(_label, found.texts),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _steps(items: tuple[Item, ...]) -> Iterator[str]:
    """What is computed, from the input on, in words."""
    for item in items:
        inside = f" ({'; '.join(_steps(item.items))})" if item.items else ""
        yield f"{item.name if item.kind == 'stack' else item.text}{inside}"


def _rectangle(box: Box) -> str:
    kind = box.kind if box.kind in ("input", "cell", "head", "pool", "frame") else ""
    name = f' class="{kind}"' if kind else ""
    x, y, width, height = map(_number, (box.x, box.y, box.width, box.height))
    return f'<rect{name} x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>'


def _line(arrow: Arrow) -> str:
    return f'<path class="l" marker-end="url(#a)" d="{_path(arrow)}"/>'


def _path(arrow: Arrow) -> str:
    x, y, to_x, to_y = (_number(each) for each in (arrow.x, arrow.y, arrow.to_x, arrow.to_y))
    if arrow.kind == "flow":
        return f"M{x},{y}V{to_y}"
    if arrow.kind == "sum":  # from the way up, around the left of the box
        side = _number(arrow.x - AROUND / 2)
        return f"M{to_x},{y}H{side}V{to_y}H{_number(arrow.to_x - SUM)}"
    out = _number(arrow.x + GAP / 2)
    return f"M{x},{y}H{out}V{to_y}H{to_x}"


def _sum(x: float, y: float) -> Iterator[str]:
    yield f'<circle class="c" cx="{_number(x)}" cy="{_number(y)}" r="{SUM}"/>'
    yield f'<path class="l" d="M{_number(x - 4)},{_number(y)}h8M{_number(x)},{_number(y - 4)}v8"/>'


def _label(text: Text) -> str:
    names = " ".join(filter(None, ["n" if text.strong else "", _CLASSES[text.anchor]]))
    name = f' class="{names}"' if names else ""
    return f'<text{name} x="{_number(text.x)}" y="{_number(text.y)}">{_text(text.text)}</text>'


def _text(text: str) -> str:
    """As XML has it; what no XML may hold, and what turns the direction of writing, as an escape."""
    return escape(_NOT_XML.sub("\N{REPLACEMENT CHARACTER}", one_line(text)), quote=False)


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
