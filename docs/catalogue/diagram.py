"""A cell's equations as a picture: what each value is made of, from the last step at the left to this one."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from catalogue.equations import OUTPUT, Equation, Token
from catalogue.steps import Steps

WIDE, HIGH, ACROSS, DOWN, EDGE = 92, 40, 48, 18, 14
STYLE: Final = (
    "<style>text{font:13px sans-serif;text-anchor:middle;fill:#1f2328}.o{font-size:11px;fill:#59636e}"
    "rect{fill:#f6f8fa;stroke:#818b98}.i{fill:#ddf4ff}.s{fill:#dafbe1}path{fill:none;stroke:#818b98}"
    "@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.o{fill:#9198a1}rect{fill:#151b23;stroke:#656c76}"
    ".i{fill:#121d2f}.s{fill:#12261e}path{stroke:#656c76}}</style>"
)
_OPERATORS: Final = "⊙∗·+−/"


@dataclass(frozen=True, slots=True)
class Node:
    """One box. kind: i for what comes in, s for what goes on, empty between. under: what is done in it."""

    name: str
    under: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """Boxes, and the arrows between them by their places."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int], ...]


def graph(equations: Sequence[Equation], states: Sequence[str], output: str = "") -> Graph:
    """The values that change from step to step; of options, the first one. Parameters are not drawn.

    states: their names. output: the symbol of what the cell puts out, where it is one.
    """
    steps = Steps(equations, states)
    nodes: list[Node] = []
    edges: list[tuple[int, int]] = []
    old: dict[str, int] = {}
    made: dict[str, int] = {}

    def source(symbol: str, name: str) -> int:
        if name not in old:
            old[name] = len(nodes)
            nodes.append(Node(name, kind="i"))
        return old[name]

    chosen = _first_case(equations)
    for place in _sorted([place for place in chosen if steps.changes(place)], equations, steps):
        equation = equations[place]
        here = len(nodes)
        nodes.append(Node(_shown(equation.symbol.removesuffix("'")), _done(equation.right)))
        for symbol in equation.uses:
            time = steps.index(symbol, place)
            if time == "t" and symbol in made:
                edges.append((made[symbol], here))
            elif time == "t-1":
                edges.append((source(symbol, f"{_shown(symbol)} t−1"), here))
            elif time == "t" and symbol in steps.inputs:
                edges.append((source(symbol, f"{_shown(symbol)} t"), here))
        for symbol in steps.assigned(place):
            made[symbol] = here
    for symbol in dict.fromkeys((*states, output, OUTPUT)):
        last = made.get(f"{symbol}'") if symbol in steps.primed else made.get(symbol)
        if last is not None:
            edges.append((last, len(nodes)))
            nodes.append(Node("output" if symbol == OUTPUT else f"{_shown(symbol)} t", kind="s"))
    return Graph(tuple(nodes), tuple(dict.fromkeys(edges)))


def drawn(found: Graph, title: str) -> str:
    """The picture as SVG, which stands in a light page and in a dark one."""
    column = [0] * len(found.nodes)
    for _ in found.nodes:
        for begin, end in found.edges:
            column[end] = max(column[end], column[begin] + 1)
    for place, node in enumerate(found.nodes):
        if node.kind == "s":
            column[place] = max(column)
    rows: dict[int, int] = {}
    spots = []
    for place in range(len(found.nodes)):
        row = rows.get(column[place], 0)
        rows[column[place]] = row + 1
        spots.append((column[place], row))
    tallest = max(rows.values())
    wide = 2 * EDGE + (max(column) + 1) * WIDE + max(column) * ACROSS
    high = 2 * EDGE + tallest * HIGH + (tallest - 1) * DOWN

    def corner(place: int) -> tuple[float, float]:
        at, row = spots[place]
        above = (tallest - rows[at]) * (HIGH + DOWN) / 2
        return EDGE + at * (WIDE + ACROSS), EDGE + above + row * (HIGH + DOWN)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" '
        'role="img">',
        f"<title>{escape(title)}</title>",
        STYLE,
        '<defs><marker id="a" markerWidth="7" markerHeight="7" refX="6" refY="3" orient="auto">'
        '<path d="M0,0L6,3L0,6"/></marker></defs>',
    ]
    for begin, end in found.edges:
        (x, y), (to_x, to_y) = corner(begin), corner(end)
        x, y, to_y = x + WIDE, y + HIGH / 2, to_y + HIGH / 2
        half = (to_x - x) / 2
        curve = f"M{x:g},{y:g}C{x + half:g},{y:g} {to_x - half:g},{to_y:g} {to_x:g},{to_y:g}"
        lines.append(f'<path marker-end="url(#a)" d="{curve}"/>')
    for place, node in enumerate(found.nodes):
        x, y = corner(place)
        kind = f' class="{node.kind}"' if node.kind else ""
        lines.append(f'<rect{kind} x="{x:g}" y="{y:g}" width="{WIDE}" height="{HIGH}" rx="6"/>')
        middle = x + WIDE / 2
        if node.under:
            lines.append(f'<text x="{middle:g}" y="{y + 16:g}">{escape(node.name)}</text>')
            lines.append(f'<text class="o" x="{middle:g}" y="{y + 32:g}">{escape(node.under)}</text>')
        else:
            lines.append(f'<text x="{middle:g}" y="{y + 25:g}">{escape(node.name)}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def _first_case(equations: Sequence[Equation]) -> list[int]:
    """The places of the equations of all options and of the first one; a case of what is there already is left out."""
    first: dict[str, str] = {}
    for equation in equations:
        first.setdefault(equation.symbol, equation.case)
    return [place for place, equation in enumerate(equations) if equation.case == first[equation.symbol]]


def _sorted(places: Sequence[int], equations: Sequence[Equation], steps: Steps) -> list[int]:
    """In an order in which everything is there before it is used."""
    makers: dict[str, list[int]] = {}
    for place in places:
        for symbol in steps.assigned(place):
            makers.setdefault(symbol, []).append(place)
    order: list[int] = []

    def visit(place: int, above: tuple[int, ...]) -> None:
        if place in order or place in above:
            return
        for symbol in equations[place].uses:
            if steps.index(symbol, place) == "t":
                for maker in makers.get(symbol, []):
                    visit(maker, (*above, place))
        order.append(place)

    for place in places:
        visit(place, ())
    return order


def _done(right: Sequence[Token]) -> str:
    """What an assignment does: the function around it, or the operators outside all brackets."""
    plain = [token for token in right if token.kind != "space"]
    if plain and (plain[0].kind == "function" or plain[0].text == "σ"):
        depth = 0
        for place, token in enumerate(plain[1:], 1):
            depth += (token.text == "(") - (token.text == ")")
            if depth == 0:
                if place == len(plain) - 1:
                    return plain[0].text
                break
    found, depth = [], 0
    for token in plain:
        depth += (token.text in "([{") - (token.text in ")]}")
        if depth == 0 and token.kind == "sign" and token.text in _OPERATORS and token.text not in found:
            found.append(token.text)
    return " ".join(found) or "product"


def _shown(symbol: str) -> str:
    return unicodedata.normalize("NFC", symbol)
