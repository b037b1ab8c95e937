"""A cell's equations as a picture: what each value is made of, from the last step at the left to this one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from catalogue.equations import OUTPUT, Equation, Token
from catalogue.layout import HIGH, WIDE, laid_out
from catalogue.steps import Steps

STYLE: Final = (
    "<style>text{font:13px sans-serif;text-anchor:middle;fill:#1f2328}.o{font-size:11px;fill:#59636e}"
    "rect{fill:#f6f8fa;stroke:#818b98}.i{fill:#ddf4ff}.s{fill:#dafbe1}.p{fill:#fff8c5}path{fill:none;stroke:#818b98}"
    "@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.o{fill:#9198a1}rect{fill:#151b23;stroke:#656c76}"
    ".i{fill:#121d2f}.s{fill:#12261e}.p{fill:#272115}path{stroke:#656c76}}</style>"
)
_OPERATORS: Final = "⊙∗·+−/"


@dataclass(frozen=True, slots=True)
class Node:
    """One box.

    Attributes:
        kind: i for what comes in, s for what goes on, p for what is made of parameters alone, empty between.
        under: What is done in it.
    """

    name: str
    under: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """Boxes, and the arrows between them by their places."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int], ...]


def graph(equations: Sequence[Equation], states: Sequence[str], output: str = "", inputs: Sequence[str] = ()) -> Graph:
    """The values that change from step to step, and what of them is made of parameters; of options, the first one.

    Args:
        equations: The cell's. Parameters themselves are not drawn.
        states: The symbols of its states.
        output: The symbol of what the cell puts out, where it is one.
        inputs: What comes in besides x.
    """
    steps = Steps(equations, states, inputs)
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
    for place in _sorted(_drawn(chosen, steps), equations, steps):
        equation = equations[place]
        here = len(nodes)
        name = equation.symbol.removesuffix("'")
        kind = "" if steps.changes(place) else "p"
        nodes.append(Node(_shown(name if name in steps.primed else equation.symbol), _done(equation.right), kind))
        for used in steps.uses(place):
            symbol, time = _timed(steps.one(used), steps.index(used, place))
            if time != "t-1" and symbol in made:
                edges.append((made[symbol], here))
            elif time == "t-1":
                edges.append((source(symbol, f"{_shown(symbol)} t−1"), here))
            elif time == "t" and symbol in steps.inputs:
                edges.append((source(symbol, f"{_shown(symbol)} t"), here))
        for symbol in steps.assigned(place):
            made[symbol] = here
    for symbol in dict.fromkeys((*states, output, OUTPUT)):
        last = made.get(f"{symbol}'") if symbol in steps.primed else made.get(steps.one(symbol))
        if last is not None:
            edges.append((last, len(nodes)))
            nodes.append(Node("output" if symbol == OUTPUT else f"{_shown(symbol)} t", kind="s"))
    return Graph(tuple(nodes), tuple(dict.fromkeys(edges)))


def drawn(found: Graph, title: str) -> str:
    """The picture as SVG, which stands in a light page and in a dark one."""
    last = [place for place, node in enumerate(found.nodes) if node.kind == "s"]
    layout = laid_out(len(found.nodes), found.edges, last)
    wide, high = layout.size
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:g} {high:g}" width="{wide:g}" '
        f'height="{high:g}" role="img">',
        f"<title>{escape(title)}</title>",
        STYLE,
        '<defs><marker id="a" markerWidth="7" markerHeight="7" refX="6" refY="3" orient="auto">'
        '<path d="M0,0L6,3L0,6"/></marker></defs>',
    ]
    for path, head in zip(layout.paths, layout.heads, strict=True):
        marker = ' marker-end="url(#a)"' if head else ""
        lines.append(f'<path{marker} d="{path}"/>')
    for node, (x, y) in zip(found.nodes, layout.corners, strict=True):
        kind = f' class="{node.kind}"' if node.kind else ""
        lines.append(f'<rect{kind} x="{x:g}" y="{y:g}" width="{WIDE}" height="{HIGH}" rx="6"/>')
        middle = x + WIDE / 2
        if node.under:
            lines.append(f'<text x="{middle:g}" y="{y + 16:g}">{escape(node.name)}</text>')
            lines.append(f'<text class="o" x="{middle:g}" y="{y + 32:g}">{escape(node.under)}</text>')
        else:
            lines.append(f'<text x="{middle:g}" y="{y + 25:g}">{escape(node.name)}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def _drawn(chosen: Sequence[int], steps: Steps) -> list[int]:
    """Of these places, those whose values change, and those of parameters alone that such a value needs."""
    drawn = [place for place in chosen if steps.changes(place)]
    for place in drawn:
        used = {steps.one(symbol) for symbol in steps.uses(place)}
        drawn += [other for other in chosen if other not in drawn and steps.assigned(other) & used]
    return sorted(drawn)


def _timed(symbol: str, time: str) -> tuple[str, str]:
    """A symbol and its step, which it may say itself: x_{t−1}."""
    said = re.fullmatch(r"(.*)_(t|\{t−.*\})", symbol)
    return (said[1], said[2].strip("{}").replace("−", "-")) if said else (symbol, time)


def _first_case(equations: Sequence[Equation]) -> list[int]:
    """The places of the equations of all options and of the first one; a case of what is there already is left out."""
    first: dict[str, str] = {}
    for equation in equations:
        first.setdefault(equation.symbol, equation.case)
    shown = {"", next((equation.case for equation in equations if equation.case), "")}
    return [place for place, one in enumerate(equations) if one.case == first[one.symbol] and one.case in shown]


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
        for used in steps.uses(place):
            symbol, time = _timed(steps.one(used), steps.index(used, place))
            earlier = [maker for maker in makers.get(symbol, []) if maker < place]
            for maker in (earlier or makers.get(symbol, [])) if time != "t-1" else ():
                visit(maker, (*above, place))
        order.append(place)

    for place in places:
        visit(place, ())
    return order


def _done(right: Sequence[Token]) -> str:
    """What an assignment does: the function around it, with the operators in it.

    Of a sum of products alone, and where there is no function, it is the operators outside all brackets.
    """
    plain = [token for token in right if token.kind != "space"]
    if len(plain) > 2 and (plain[0].kind == "function" or plain[0].text == "σ") and _is_bracketed(plain[1:]):
        inside = _operators(plain[2:-1])
        return plain[0].text if set(inside) <= {"+"} else f"{plain[0].text}({' '.join(inside)})"
    if plain and plain[0].text == "(" and _is_bracketed(plain) and any(token.text == "," for token in plain):
        return "concatenate"  # (a, b), one beside the other
    return " ".join(_operators(plain)) or ("=" if len(plain) == 1 else "product")


def _is_bracketed(tokens: Sequence[Token]) -> bool:
    """Whether all of it stands in one pair of brackets."""
    depth = 0
    for place, token in enumerate(tokens):
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0:
            return place == len(tokens) - 1
    return False


def _operators(tokens: Sequence[Token]) -> list[str]:
    """The operators outside all brackets, each once."""
    found: list[str] = []
    depth = 0
    for token in tokens:
        depth += (token.text in "([{") - (token.text in ")]}")
        if depth == 0 and token.kind == "sign" and token.text in _OPERATORS and token.text not in found:
            found.append(token.text)
    return found


def _shown(symbol: str) -> str:
    return unicodedata.normalize("NFC", symbol)
