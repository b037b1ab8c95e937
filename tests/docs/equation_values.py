"""The equations of a page as numbers: what a cell puts out, step by step, by what its page says.

An index that counts, such as k of `x_k = W_k x`, makes a table: x_k has a row for each k, x₀ is its first, and a
parameter W_k is one too. A sum Σ_k runs through the same.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from equation_reader import FUNCTIONS, LOW, Reader

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))
diagram: Any = importlib.import_module("catalogue.diagram")
cells: Any = importlib.import_module("catalogue.cells").cells
equations: Any = importlib.import_module("catalogue.equations")
steps: Any = importlib.import_module("catalogue.steps")
sys.path.remove(str(ROOT / "docs"))

Values = Mapping[str, Any]


class Page:
    """The equations of one case.

    Args:
        cell: As `catalogue.cells` knows it.
        parameters: The symbols of parameters and constants.
        start: The states before the first step, by their symbols.
        case: Of the options, by a part of its words; the first where there are any and this is empty.
        functions: What the words define, or bound: given what the page defines.
        counts: What each index that counts runs through.
    """

    def __init__(
        self,
        cell: Any,
        parameters: Values,
        start: Values,
        *,
        case: str = "",
        functions: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda known: {},
        counts: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        cases = [one.case for one in cell.equations if one.case]
        chosen = next((one for one in cases if case in one), "")
        self.cell, self.parameters, self.counts = cell, parameters, counts or {}
        self.steps = steps.Steps(cell.equations, cell.symbols, cell.inputs)
        (self.given,) = self.steps.inputs - set(cell.inputs)
        self.places = [place for place, one in enumerate(cell.equations) if one.case in ("", chosen)]
        self.functions: dict[str, Callable[..., Any]] = {**FUNCTIONS}
        self._define()
        self.functions |= functions(self.functions)
        self.now: dict[str, Any] = {}
        self.before = {self.steps.one(symbol): value for symbol, value in start.items()}
        self.past: list[dict[str, Any]] = []

    def step(self, inputs: Values, output: str = "", times: int = 1) -> Any:
        """What is put out for these inputs, when all equations have been gone through so many times.

        output: the symbol of what is put out, where only the words of a case say it.
        """
        for _ in range(times):
            self.now = {**self.parameters, **inputs}
            for place in diagram._sorted(self.places, self.cell.equations, self.steps):
                self._assign(place)
            self.before = {self.steps.one(name): self._new(name) for name in self.cell.symbols}
        self.past.insert(0, self.now)
        output = output or (equations.OUTPUT if equations.OUTPUT in self.now else self.cell.output)
        put = self.before[output] if output in self.before else self.now[output]
        return np.concatenate(put) if isinstance(put, tuple) else put

    def _define(self) -> None:
        """Functions that have an equation, and what a continuous state moves by, are known by their names."""
        for place in [*self.places]:
            symbol = self.cell.equations[place].symbol
            defined = re.fullmatch(r"(\S+)\((\w+)\)", symbol) or re.fullmatch(r"(d(\w)/dt)", symbol)
            if defined is not None:
                self.places.remove(place)
                self.functions[defined[1]] = lambda value, at=place, of=defined[2]: self.read(at, {of: value})

    def _new(self, name: str) -> Any:
        return self.now[f"{name}'" if name in self.steps.primed else self.steps.one(name)]

    def _assign(self, place: int) -> None:
        symbol = self.cell.equations[place].symbol
        letters = _letters(symbol)
        value = self._table(place, letters if set(letters) <= set(self.counts) else "", {})
        if symbol == equations.OUTPUT:
            self.now[symbol] = value
        elif symbol.startswith("("):
            known, _ = equations.tokens(symbol, frozenset(self.cell.symbols))
            names = [token.text for token in known if token.kind == "symbol"]
            parts = np.split(value, len(names)) if isinstance(value, np.ndarray) else value
            self.now |= dict(zip(names, parts, strict=True))
        elif isinstance(value, tuple):  # one beside the other
            self.now[symbol] = (np.concatenate if np.ndim(value[0]) == 1 else np.vstack)(value)
        else:
            self.now[symbol] = value

    def _table(self, place: int, letters: str, bound: Values) -> Any:
        """The right side for each value of the indices on the left."""
        if not letters:
            return self.read(place, bound)
        rows = [self._table(place, letters[1:], {**bound, letters[0]: one}) for one in self.counts[letters[0]]]
        return np.stack(rows)

    def read(self, place: int, bound: Values) -> Any:
        """The right side; of two, if the words behind it say `where this and that elsewhere`."""

        def reader(tokens: Sequence[Any]) -> Reader:
            return Reader(tokens, lambda one, new: self._value(one, place, new), self.functions, self.counts, bound)

        one = self.cell.equations[place]
        with np.errstate(invalid="ignore" if one.note else "warn"):
            value = reader(one.right).value()
        parts = re.fullmatch(r"where (.+) and (.+) elsewhere", one.note)
        if parts is None:
            return value
        condition, other = (equations.tokens(text, frozenset(self.cell.symbols))[0] for text in parts.groups())
        return np.where(reader(condition).condition(), value, reader(other).value())

    def _value(self, symbol: str, place: int, bound: Values) -> Any:
        if symbol in bound:
            return bound[symbol]
        said = re.fullmatch(r"(.+?)(?:_t|_\{t−(\w+)\}|(₋))", symbol)
        if said is not None and symbol not in self.parameters:
            lag = 1 if said[3] else bound.get(said[2], said[2]) if said[2] else 0
            return self._ago(said[1], int(lag))
        name = self.steps.one(symbol)
        found = (self.before if self.steps.index(symbol, place) == "t-1" else self.now)[name]
        return self._part(found, symbol, name, bound)

    def _ago(self, name: str, lag: int) -> Any:
        """So many steps ago; nothing was there before the first one."""
        if lag > len(self.past):
            return np.zeros_like(self.now[name])
        return self.past[lag - 1][name] if lag else self.now[name]

    def _part(self, found: Any, symbol: str, name: str, bound: Values) -> Any:
        """What a symbol means of a table of that name, by its own indices."""
        rest = re.search(r"_\{(\d+):\w\}$", symbol)  # from one place on, counted from 1
        if rest is not None:
            return found[int(rest[1]) - 1 :]
        own = _letters(name)
        digits = re.search("[₀-₉]+$", symbol)
        if name != symbol and digits is not None:
            number = int(digits[0].translate(LOW))
            return found[self.counts[own].index(number) if own in self.counts else number - 1]
        letters = _letters(symbol)
        if letters and set(letters) <= set(bound):
            for letter in letters:
                found = found[self.counts[letter].index(bound[letter])]
        elif name != symbol and letters and own in self.counts:
            found = found[self.counts[own].index(letters)]
        return found


def _letters(symbol: str) -> str:
    """The indices of a symbol: ij of s_ij, k of W_{k}."""
    found = re.search(r"_\{?([a-z]+)\}?$", symbol)
    return found[1] if found else ""
