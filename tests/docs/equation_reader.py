"""The mathematics that the docstrings write, read as numbers, in NumPy.

A product written side by side is one of matrices, or by a number; two vectors side by side have no meaning and fail.
Single bars are absolute values, double ones a length.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Functions = Mapping[str, Callable[..., Any]]
Lookup = Callable[[str, Mapping[str, Any]], Any]
"""The value of a symbol, given those that are bound: arguments of functions, and indices that count."""
LOW = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
HIGH = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def softmax(x: Any) -> Any:
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "σ": sigmoid, "tanh": np.tanh, "exp": np.exp, "log": np.log, "sin": np.sin, "cos": np.cos, "sign": np.sign, "mean": np.mean,
    "relu": lambda x: np.maximum(x, 0), "silu": lambda x: x * sigmoid(x), "softplus": lambda x: np.log1p(np.exp(x)),
    "softmax": softmax, "cumsum": np.cumsum, "max": np.maximum, "min": np.minimum, "Diag": np.diag, "Re": np.real,
    "√": np.sqrt,
}  # fmt: skip
BARS: dict[str, Callable[[Any], Any]] = {"|": np.abs, "‖": np.linalg.norm}
COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "<": np.less,
    ">": np.greater,
    "≤": np.less_equal,
    "≥": np.greater_equal,
}


class Reader:
    """One right side, read from left to right.

    Args:
        tokens: Of `catalogue.equations`.
        symbol: What a symbol stands for.
        functions: What a function's name stands for, and ∗.
        counts: What an index of a sum runs through.
        bound: The values of arguments and indices.
    """

    def __init__(
        self,
        tokens: Sequence[Any],
        symbol: Lookup,
        functions: Functions,
        counts: Mapping[str, Sequence[Any]],
        bound: Mapping[str, Any],
    ) -> None:
        self.tokens = [token for token in tokens if token.kind != "space"]
        self.place, self.symbol, self.functions, self.counts, self.bound = 0, symbol, functions, counts, bound
        self.opened: list[str] = []

    def value(self) -> Any:
        return self.ended(self.sum())

    def condition(self) -> Any:
        """Whether one side is less, or more, than the other."""
        left = self.sum()
        compare = COMPARED[self.text()]
        self.place += 1
        return self.ended(compare(left, self.sum()))

    def ended(self, found: Any) -> Any:
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
        while (sign := self.text()) in ("⊙", "/", "·", "∗", "mod"):
            self.place += 1
            other = self.side_by_side()
            if sign == "∗":
                found = self.functions["∗"](found, other)
            elif sign == "mod":
                found = np.mod(found, other)
            else:
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
        opens = token.text in BARS and token.text not in self.opened
        a_function = token.kind == "function" and token.text != "mod"
        return token.kind in ("symbol", "number") or a_function or token.text in ("(", "√", "½") or opens

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
            return self.functions["√"](self.primary())
        if token.text in BARS:
            return self.barred(token.text)
        if token.kind == "function":
            function = self.functions[token.text]
            return function(*self.several()) if self.take("(") else function(self.power())
        if token.text == "(":
            found = self.several()
            return found[0] if len(found) == 1 else tuple(found)
        if token.text == "Σ":
            return np.sum(self.product())
        if token.text.startswith("Σ_"):
            return self.summed(token.text.removeprefix("Σ_"))
        assert token.kind == "symbol", token
        return self.symbol(token.text, self.bound)

    def barred(self, bar: str) -> Any:
        """What stands between bars, the first of which has been read."""
        self.opened.append(bar)
        found = self.sum()
        assert self.take(bar)
        self.opened.pop()
        return BARS[bar](found)

    def summed(self, index: str) -> Any:
        """The product that follows, read again for each value of the index."""
        around, place, found = self.bound, self.place, 0
        for value in self.counts[index]:
            self.place, self.bound = place, {**around, index: value}
            found = found + self.product()
        self.bound = around
        return found

    def several(self) -> list[Any]:
        """What stands between brackets, the first of which has been read."""
        found = [self.sum()]
        while self.take(","):
            found.append(self.sum())
        assert self.take(")"), self.tokens[self.place :]
        return found
