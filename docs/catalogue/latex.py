"""Equations as LaTeX, with the step of every symbol as an index."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from catalogue.equations import OUTPUT, Equation, Token, tokens
from catalogue.steps import Steps

Index = Callable[[str], str]
_NAMES: Final = (
    "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega alpha beta gamma delta varepsilon zeta eta theta iota kappa "
    "lambda mu nu xi pi rho sigma tau varphi chi psi omega"
)
_GREEK: Final = {
    letter: rf"\{name}"
    for letter, name in zip(
        "ΓΔΘΛΞΠΣΦΨΩαβγδεζηθικλμνξπρστφχψω",
        _NAMES.split(" "),
        strict=True,
    )
}
_ACCENTS: Final = {"\u0303": "tilde", "\u0302": "hat", "\u0304": "bar"}
_SIGNS: Final = {
    "⊙": r"\odot", "∗": "*", "·": r"\cdot", "−": "-", "×": r"\times", "≥": r"\ge", "≤": r"\le", "½": r"\tfrac{1}{2}",
    "‖": r"\Vert", "{": r"\{", "}": r"\}", "⌊": r"\lfloor", "⌋": r"\rfloor",
}  # fmt: skip
_KNOWN: Final = frozenset({"tanh", "exp", "sin", "cos", "log", "max", "min"})
_LOW: Final = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))
_HIGH: Final = {**dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True)), "⁻": "-", "ᵀ": r"\top"}
_PARTS: Final = re.compile(r"(?P<prime>'+)|_\{(?P<braced>[^}]*)\}|_(?P<sub>[^'_₀₁₂₃₄₅₆₇₈₉₋]+)|(?P<low>[₀₁₂₃₄₅₆₇₈₉₋]+)")
_NAME: Final = re.compile(r"[^'{₀₁₂₃₄₅₆₇₈₉₋]+?(?=_\{|['₀₁₂₃₄₅₆₇₈₉₋]|$)")
"""What a symbol of several letters begins with: all but primes, low digits and subscripts in braces."""


def display(equations: Sequence[Equation], states: Sequence[str], inputs: Sequence[str] = ()) -> str:
    """All equations, one below the other, for a block of mathematics: those of all options first, then case by case.

    Args:
        equations: The cell's.
        states: The symbols of its states.
        inputs: What comes in besides x.
    """
    cases: dict[str, list[str]] = {"": []}
    for equation, text in zip(equations, lines_of(equations, states, inputs), strict=True):
        note = rf" && \text{{{_words(equation.note)}}}" if equation.note else ""
        cases.setdefault(equation.case, []).append(text + note)
    lines = cases.pop("")
    for case, found in cases.items():
        lines += [rf"&\text{{{_words(case)}:}}", *found]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def lines_of(equations: Sequence[Equation], states: Sequence[str], inputs: Sequence[str] = ()) -> list[str]:
    """Each equation as `left &= right`."""
    steps = Steps(equations, states, inputs)
    found = []
    for place, equation in enumerate(equations):
        continuous = re.fullmatch(r"d\w/dt", equation.symbol) is not None

        def index(symbol: str, place: int = place, continuous: bool = continuous) -> str:
            return "" if continuous else steps.index(symbol, place)

        if continuous:
            left = rf"\frac{{d{equation.symbol[1]}}}{{dt}}"
        else:
            known, _ = tokens(equation.symbol, frozenset({OUTPUT, *states}))
            left = _row(known, partial(steps.left, place=place), steps.primed)
        again = equation.symbol in equation.uses and index(equation.symbol) == "t"  # in place of the value before
        sign = r"\leftarrow" if again else "="
        found.append(f"{left} &{sign} {_row(equation.right, index, steps.primed)}")
    return found


def _row(row: Sequence[Token], index: Index, primed: frozenset[str]) -> str:
    out: list[str] = []
    place = 0
    while place < len(row):
        token = row[place]
        if token.text in ("√", "^"):
            inner, place = _group(row, place + 1)
            text = _row(inner, index, primed)
            out.append(rf"\sqrt{{{text}}}" if token.text == "√" else f"^{{{text}}}")
            continue
        if token.text == "Σ":
            out.append(r"\sum")
        elif token.kind == "symbol" and token.text.startswith("Σ_"):
            out.append(rf"\sum_{{{token.text[2:]}}}")
        elif token.kind == "high" and out and "'" in out[-1]:
            out[-1] = f"{{{out[-1]}}}{_one(token, index, primed)}"  # a prime is a superscript already
        else:
            out.append(_one(token, index, primed))
        place += 1
    return re.sub(r"\s+", " ", "".join(_spaced(out))).strip()


def _group(row: Sequence[Token], place: int) -> tuple[Sequence[Token], int]:
    """What a root or a power is of: brackets, without them, or one token; and where it ends."""
    if place < len(row) and row[place].text == "(":
        depth, end = 0, place
        for end in range(place, len(row)):
            depth += (row[end].text == "(") - (row[end].text == ")")
            if depth == 0:
                break
        return row[place + 1 : end], end + 1
    return row[place : place + 1], place + 1


def _spaced(parts: Sequence[str]) -> list[str]:
    """A command that ends in a letter must not run into the next one."""
    found: list[str] = []
    for part in parts:
        if found and re.search(r"\\[A-Za-z]+$", found[-1]) and re.match(r"[A-Za-z]", part):
            found.append(" ")
        found.append(part)
    return found


def _one(token: Token, index: Index, primed: frozenset[str]) -> str:
    if token.kind == "space":
        return " "
    if token.kind == "number":
        return token.text
    if token.kind == "high":
        return f"^{{{''.join(_HIGH[letter] for letter in token.text)}}}"
    if token.kind == "sign":
        return _SIGNS.get(token.text, token.text)
    if token.kind == "function":
        if token.text in _KNOWN:
            return rf"\{token.text}"
        if token.text == "mod":
            return r"\bmod"
        plain = symbol(token.text, "")
        return plain if len(re.sub(r"[^A-Za-z]", "", token.text)) < 2 else rf"\operatorname{{{token.text}}}"
    if token.text.endswith("'") and token.text[:-1] in primed:
        return symbol(token.text[:-1], "t")
    return symbol(token.text, index(token.text))


def symbol(text: str, time: str) -> str:
    """One symbol with its accents and indices, at the step `time`, or at none."""
    text = unicodedata.normalize("NFD", text)
    match = re.match(r"(Δt|[^'_₀₁₂₃₄₅₆₇₈₉₋]+)", text)
    assert match is not None, text
    base, rest = match.group(), text[match.end() :]
    letters = "".join(letter for letter in base if not unicodedata.combining(letter))
    if len(letters) > 1 and not letters.startswith("Δ"):
        name = _NAME.match(text)
        assert name is not None, text
        upright = name.group().replace("_", r"\_")
        shown, rest = rf"\mathrm{{{upright}}}", text[name.end() :]
    else:
        shown = _letter(letters)
    for mark in base:
        if mark in _ACCENTS:
            shown = rf"\{_ACCENTS[mark]}{{{shown}}}"
    low, prime = [], ""
    for part in _PARTS.finditer(rest):
        if part["prime"]:
            prime += part["prime"]
        elif part["low"]:
            if "₋" in part["low"]:
                time = "t-1"
            else:
                low.append("".join(_LOW[digit] for digit in part["low"]))
        else:
            low.append(_sub(part["braced"] or part["sub"]))
    if any(re.match(r"t\b|t-", one) for one in low):
        time = ""
    if time:
        low.append(time)
    return shown + prime + (f"_{{{','.join(low)}}}" if low else "")


def _letter(letters: str) -> str:
    return r"\Delta t" if letters == "Δt" else r"\mathcal{W}" if letters == "𝒲" else _GREEK.get(letters, letters)


def _sub(text: str) -> str:
    text = text.replace("−", "-")
    if text in ("in", "out", "log", "diag"):
        return rf"\mathrm{{{text}}}"
    found = "".join(_GREEK[letter] + " " if letter in _GREEK else letter for letter in text)
    return found.strip()


def _words(text: str) -> str:
    r"""For `\text`, in which some readers show commands as they stand: words alone, without the marks of code.

    Raises:
        ValueError: If something is left that LaTeX would read.
    """
    plain = unicodedata.normalize("NFC", text).replace("`", "")
    if re.search(r"[\\^{}$%#&~]", plain):
        raise ValueError(f"no words for a formula: {plain!r}; write it as an equation")
    return plain.replace("_", r"}\_\text{")  # in `\text`, not every reader knows \_
