"""Which step each symbol of an equation belongs to.

Equations are assignments in the order in which they stand. A state that is read before it is assigned, by its own
assignment, or by something that its assignment needs, is that of one step ago; all else that changes is of now.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from typing import Final

from catalogue.equations import OUTPUT, Equation, tokens

_SAID: Final = re.compile(r"_(t|\{t.*\})$")
"""The step that a symbol says itself."""


class Steps:
    """The steps of a cell's symbols.

    Args:
        equations: The cell's, in the order in which they stand.
        states: The symbols of its states, as far as the equations use them.
        inputs: What comes in at each step besides x, such as Δt.
    """

    def __init__(self, equations: Sequence[Equation], states: Sequence[str], inputs: Sequence[str] = ()) -> None:
        self._equations, self._named = equations, frozenset(states)
        self._left = [_symbols(equation, states) for equation in equations]
        assigned = {name for names in self._left for name in names}
        used = {name for equation in equations for name in equation.uses}
        self._inputs = {"u" if "x" in states and "x" in assigned else "x", *inputs}
        self._of = {name: of for name in (used | set(states)) - assigned for of in self._families(name, assigned)}
        self.states = frozenset(self.one(name) for name in states if self.one(name) in assigned)
        self.primed = frozenset(name for name in states if f"{name}'" in assigned and name not in assigned)
        """States whose new value has a prime."""
        bases = self._inputs | self.states | self.primed | {_base(name) for name in states if len(name) == 1}
        self._moving = self._inputs | self.states | {name for name in used | assigned if _base(name) in bases}
        while True:
            more = {
                name
                for names, equation in zip(self._left, equations, strict=True)
                if self._moving & {_SAID.sub("", name) for name in equation.uses}
                for name in names
            } - self._moving
            if not more:
                break
            self._moving |= more
        self._assigned = assigned

    @property
    def inputs(self) -> frozenset[str]:
        """The symbols of what comes in."""
        return frozenset(self._inputs)

    def one(self, symbol: str) -> str:
        """The symbol itself, or the one that stands for it.

        That is x_k, with an index, for x₀ and for all others alike, and a state of several letters for a part of it.
        """
        return self._of.get(symbol, symbol)

    def assigned(self, place: int) -> frozenset[str]:
        """What the equation at that place assigns."""
        return self._left[place]

    def uses(self, place: int) -> tuple[str, ...]:
        """What the equation at that place needs, through functions that are defined here too."""
        found = dict.fromkeys(self._equations[place].uses)
        for token in self._equations[place].right:
            for defined, equation in enumerate(self._equations):
                if token.kind == "function" and equation.symbol.startswith(f"{token.text}("):
                    found |= dict.fromkeys(name for name in equation.uses if name not in self._arguments(defined))
        return tuple(found)

    def changes(self, place: int) -> bool:
        """Whether what it assigns changes from step to step."""
        return bool(self._left[place] & self._moving)

    def left(self, symbol: str, place: int) -> str:
        """t or nothing: for a symbol on the left of the equation at that place."""
        return "t" if symbol in self._moving and symbol in self._left[place] else ""

    def index(self, symbol: str, place: int) -> str:
        """t, t-1 or nothing: for a symbol on the right of the equation at that place."""
        symbol = self.one(symbol)
        if symbol in self._arguments(place) or symbol not in self._moving:
            return ""
        if symbol in self.primed:
            return "t-1"
        if symbol in self._left[place]:
            return "t" if symbol.endswith("'") else "t-1"
        if symbol not in self.states:
            return "t" if symbol in self._assigned | self._inputs else ""
        if self._equations[place].symbol == OUTPUT:
            return "t"
        case = self._equations[place].case
        before = [
            earlier
            for earlier in range(place)
            if symbol in self._left[earlier] and self._equations[earlier].case in ("", case)
        ]
        if not before or self._left[place] & self._needed(before[-1]):
            return "t-1"
        return "t"

    def _families(self, symbol: str, assigned: Set[str]) -> list[str]:
        """What stands for the symbol among others: the same letter with an index that counts; or, of x_k, the input."""
        base = _base(symbol)
        if len(base) > 1 and base != symbol and base in self._named:
            return [base]
        if symbol in self._inputs or _SAID.search(symbol):
            return []
        counted = sorted(name for name in assigned if re.fullmatch(rf"{re.escape(base)}_[ijkn]{{1,2}}", name))
        return counted[:1] or ([base] if base in self._inputs and re.search("_[ijkn]$", symbol) else [])

    def _arguments(self, place: int) -> frozenset[str]:
        """What a function that is defined there is of."""
        name, bracket, rest = self._equations[place].symbol.partition("(")
        return frozenset({rest.rstrip(")")}) if bracket and name else frozenset()

    def _needed(self, place: int) -> set[str]:
        """What an assignment needs, directly or through others, that is no state."""
        found: set[str] = set()
        waiting = list(self._equations[place].uses)
        while waiting:
            name = waiting.pop()
            if name in found or name in self.states:
                continue
            found.add(name)
            for names, equation in zip(self._left, self._equations, strict=True):
                if name in names:
                    waiting += equation.uses
        return found


def _symbols(equation: Equation, states: Sequence[str]) -> frozenset[str]:
    """What an equation assigns: one symbol, or those in its brackets; nothing where it defines a function."""
    known, _ = tokens(equation.symbol, frozenset(states) | {equation.symbol})
    if known and known[0].kind == "function" and known[0].text != "log":
        return frozenset()
    return frozenset(token.text for token in known if token.kind == "symbol")


def _base(symbol: str) -> str:
    """A symbol without its primes and subscripts."""
    return re.split(r"['_₀₁₂₃₄₅₆₇₈₉₋]", symbol)[0]
