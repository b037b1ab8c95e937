"""The equations of a page as numbers: an evaluator of the mathematics that the docstrings write, in NumPy.

A product written side by side is one of matrices, or by a number; two vectors side by side have no meaning and fail.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))
diagram: Any = importlib.import_module("catalogue.diagram")
cells: Any = importlib.import_module("catalogue.cells").cells
equations: Any = importlib.import_module("catalogue.equations")
steps: Any = importlib.import_module("catalogue.steps")
sys.path.remove(str(ROOT / "docs"))

Lookup = Callable[[str], Any]
LOW = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
HIGH = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def softmax(x: Any) -> Any:
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "σ": sigmoid, "tanh": np.tanh, "exp": np.exp, "log": np.log, "sin": np.sin, "sign": np.sign, "mean": np.mean,
    "relu": lambda x: np.maximum(x, 0), "silu": lambda x: x * sigmoid(x), "softplus": lambda x: np.log1p(np.exp(x)),
    "softmax": softmax, "cumsum": np.cumsum, "max": np.maximum, "min": np.minimum, "Diag": np.diag, "Re": np.real,
}  # fmt: skip


class Reader:
    """One right side, read from left to right."""

    def __init__(self, tokens: Sequence[Any], symbol: Lookup, functions: Mapping[str, Callable[..., Any]]) -> None:
        self.tokens = [token for token in tokens if token.kind != "space"]
        self.place, self.symbol, self.functions = 0, symbol, functions
        self.bars = 0

    def value(self) -> Any:
        found = self.sum()
        assert self.place == len(self.tokens), self.tokens[self.place :]
        return found

    def text(self) -> str:
        return self.tokens[self.place].text if self.place < len(self.tokens) else ""

    def take(self, text: str) -> bool:
        found = self.text() == text
        self.place += found
        return found

    def sum(self) -> Any:
        found = -self.product() if self.take("−") else self.product()
        while self.text() in ("+", "−") and self.text():
            sign = 1 if self.take("+") else -1 * self.take("−")
            found = found + sign * self.product()
        return found

    def product(self) -> Any:
        found = self.side_by_side()
        while self.text() and self.text() in "⊙/·":
            sign = self.text()
            self.place += 1
            other = self.side_by_side()
            found = found * other if sign == "⊙" else found / other if sign == "/" else found @ other
        return found

    def side_by_side(self) -> Any:
        factors = [self.power()]
        while self.starts():
            factors.append(self.power())
        found = factors.pop()
        for factor in reversed(factors):
            if np.ndim(factor) == 0 or np.ndim(found) == 0:
                found = factor * found
            elif np.ndim(factor) == np.ndim(found) == 1:
                raise AssertionError("two vectors side by side")
            elif np.ndim(factor) == 1 and len(found) == 1:
                found = np.outer(factor, found)
            else:
                found = factor @ found
        return found

    def starts(self) -> bool:
        if self.place == len(self.tokens):
            return False
        token = self.tokens[self.place]
        opens = token.text == "|" and self.bars % 2 == 0
        return token.kind in ("symbol", "number", "function") or token.text in ("(", "√", "½") or opens

    def power(self) -> Any:
        found = self.primary()
        while self.place < len(self.tokens) and (self.tokens[self.place].kind == "high" or self.text() == "^"):
            token = self.tokens[self.place]
            self.place += 1
            if token.text == "ᵀ":
                found = found[None, :] if np.ndim(found) == 1 else found.T
            elif token.text == "^":
                found = found ** self.primary()
            else:
                exponent = int(token.text.translate(HIGH))
                inverse = exponent == -1 and np.ndim(found) == 2
                found = np.linalg.inv(found) if inverse else np.asarray(found, float) ** exponent
        return found

    def primary(self) -> Any:
        token = self.tokens[self.place]
        self.place += 1
        if token.kind == "number":
            return float(token.text)
        if token.text == "½":
            return 0.5
        if token.text == "√":
            return np.sqrt(self.primary())
        if token.text == "|":
            self.bars += 1
            found = self.sum()
            assert self.take("|")
            self.bars -= 1
            return np.abs(found)
        if token.kind == "function":
            function = self.functions[token.text]
            return function(*self.several()) if self.take("(") else function(self.power())
        if token.text == "(":
            found = self.several()
            return found[0] if len(found) == 1 else tuple(found)
        if token.text == "Σ":
            return np.sum(self.product())
        assert token.kind == "symbol", token
        return self.symbol(token.text)

    def several(self) -> list[Any]:
        """What stands between brackets, the first of which has been read."""
        found = [self.sum()]
        while self.take(","):
            found.append(self.sum())
        assert self.take(")"), self.tokens[self.place :]
        return found


def run(
    cell: Any,
    parameters: Mapping[str, Any],
    inputs: Sequence[Mapping[str, Any]],
    start: Mapping[str, Any],
    *,
    case: str = "",
    functions: Mapping[str, Callable[..., Any]] | None = None,
) -> list[Any]:
    """What a cell puts out at each step, by the equations of its page.

    Args:
        cell: As `catalogue.cells` knows it.
        parameters: The symbols of parameters and constants.
        inputs: What comes in at each step, by symbols.
        start: The states before the first step, by their symbols.
        case: Of the options, by a part of its words; the first where there are any and this is empty.
        functions: What the words define, or bound.
    """
    cases = [one.case for one in cell.equations if one.case]
    chosen = next((one for one in cases if case in one), "")
    found = steps.Steps(cell.equations, cell.symbols, cell.inputs)
    (given,) = found.inputs - set(cell.inputs)
    places = [place for place, one in enumerate(cell.equations) if one.case in ("", chosen)]
    known: dict[str, Callable[..., Any]] = {**FUNCTIONS}
    now: dict[str, Any] = {}
    before, past, out = dict(start), np.zeros_like(inputs[0][given]), []

    def look(symbol: str, place: int) -> Any:
        if symbol.endswith("₋"):
            return past
        return before[symbol] if found.index(symbol, place) == "t-1" else now[symbol]

    def read(place: int, bound: Mapping[str, Any]) -> Any:
        return Reader(
            cell.equations[place].right, lambda one: bound[one] if one in bound else look(one, place), known
        ).value()

    for place in [*places]:
        defined = re.fullmatch(r"(\S+)\((\w+)\)", cell.equations[place].symbol)
        if defined is not None:
            places.remove(place)
            known[defined[1]] = lambda value, place=place, name=defined[2]: read(place, {name: value})
    known |= functions or {}
    for step in inputs:
        now = {**parameters, **step}
        for place in diagram._sorted(places, cell.equations, found):
            symbol, value = cell.equations[place].symbol, read(place, {})
            names = [
                token.text for token in equations.tokens(symbol, frozenset(cell.symbols))[0] if token.kind == "symbol"
            ]
            if symbol == equations.OUTPUT:
                names = [symbol]
            elif symbol.startswith("("):
                value = np.split(value, len(names)) if isinstance(value, np.ndarray) else value
            now |= dict(zip(names, value if symbol.startswith("(") else [value], strict=True))
        before = {name: now[f"{name}'" if name in found.primed else name] for name in cell.symbols}
        past = step[given]
        put = (
            now[equations.OUTPUT]
            if equations.OUTPUT in now
            else before[cell.output]
            if cell.output in before
            else now[cell.output]
        )
        out.append(np.concatenate(put) if isinstance(put, tuple) else put)
    return out
