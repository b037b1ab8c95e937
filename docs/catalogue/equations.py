"""Equations out of a cell's docstring, where they stand among words, in the symbols of its paper.

A docstring writes assignments, one after the other: a state on the right is that of the step before until it has been
assigned. Commas, semicolons, colons and full stops outside brackets part one from the next.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

FUNCTIONS: Final = frozenset(
    {
        "tanh",
        "relu",
        "exp",
        "sin",
        "cos",
        "softplus",
        "softmax",
        "silu",
        "log",
        "max",
        "min",
        "cumsum",
        "Re",
        "sign",
        "mod",
        "mean",
    }
    | {"Norm", "RMSNorm", "modReLU", "Diag", "backbone", "flow"}
)
OUTPUT: Final = "output"
"""The symbol of what a cell puts out, where that is more than a symbol by itself."""
GREEK: Final = "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩαβγδεζηθικλμνξοπρςστυφχψω"
_LOW: Final = "₀₁₂₃₄₅₆₇₈₉₋"
_HIGH: Final = "ᵀ⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
_SIGNS: Final = "⊙∗·+−×/√()[]{}|‖<>≥≤,=½*⌊⌋"
_TOKEN: Final = re.compile(
    rf"""(?P<symbol>
            (?:Δt|[A-Za-z{GREEK}𝒲][\u0300-\u036f]*(?:[A-Za-z]*)(?=[^A-Za-z]|$))
            (?:'|[{_LOW}]+|_(?:\{{[^}}]*\}}|[A-Za-z0-9{GREEK}]+(?:_[A-Za-z0-9]+)*))*
        )
        |(?P<number>\d+(?:\.\d+)?)
        |(?P<high>[{_HIGH}]+)
        |(?P<power>\^)
        |(?P<sign>[{re.escape(_SIGNS)}])
        |(?P<space>\s+)
        |(?P<other>.)
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One sign of a formula.

    Attributes:
        kind: symbol, function, number, high, power, sign or space.
        text: As it is written.
    """

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Equation:
    """One assignment.

    Attributes:
        symbol: What is assigned.
        right: What stands on the right.
        case: Of which option this is, or empty.
        note: Words behind it.
    """

    symbol: str
    right: tuple[Token, ...]
    case: str = ""
    note: str = ""

    @property
    def uses(self) -> tuple[str, ...]:
        """Symbols on the right, each once, in order."""
        return tuple(dict.fromkeys(token.text for token in self.right if token.kind == "symbol"))


def equations(docstring: str, names: Sequence[str] = ()) -> tuple[Equation, ...]:
    """Every assignment before the word `Source:`.

    Args:
        docstring: Of a cell.
        names: Symbols of more than one letter, such as a state `aa`, which would pass for words otherwise.
    """
    text = unicodedata.normalize("NFD", docstring.partition("Source:")[0])
    found: list[Equation] = []
    for paragraph in re.split(r"\n\s*\n", text):
        case = ""
        for clause, end in _clauses(" ".join(paragraph.split())):
            if end == ":":
                case = clause if "`" in clause or " " not in clause else ""
            found += _assigned(clause, frozenset(names), case)
            case = "" if end == "." else case
    return tuple(found)


def output_of(docstring: str, names: Sequence[str] = ()) -> str:
    """The symbol that a cell puts out, if it is one: `h` of `the output is h`."""
    found = re.search(r"output is ([^;:.]*)", " ".join(docstring.partition("Source:")[0].split()))
    known, _ = tokens(unicodedata.normalize("NFD", found[1]), frozenset(names)) if found else ((), "")
    return known[0].text if len(known) == 1 and known[0].kind == "symbol" else ""


def aliases(docstring: str) -> dict[str, str]:
    """The symbols of states that have another name in the equations: of `x̃ is the state `x``, {"x": "x̃"}."""
    found = re.findall(r"(\S+) is the state `(\w+)`", docstring.partition("Source:")[0])
    return {name: unicodedata.normalize("NFD", symbol) for symbol, name in found}


def tokens(text: str, names: frozenset[str] = frozenset()) -> tuple[tuple[Token, ...], str]:
    """The mathematics that a text begins with, and the words that follow it."""
    made: list[Token] = []
    for match in _TOKEN.finditer(text):
        kind, part = match.lastgroup or "other", match.group()
        if kind == "symbol":
            kind = _kind(part, text[match.end() :], names)
        if kind in ("other", "word"):
            return _trimmed(made), text[match.start() :]
        made.append(Token(kind, part))
    return _trimmed(made), ""


def _kind(part: str, rest: str, names: frozenset[str]) -> str:
    if part in names and not rest.startswith("("):
        return "symbol"
    base = re.split(rf"['_{_LOW}]", part)[0]
    letters = re.sub(r"[\u0300-\u036f]", "", base)
    if letters in FUNCTIONS:
        return "function"
    if len(letters) == 1 or letters.startswith("Δ") or letters in names or ("_" in part and len(letters) > 1):
        return "function" if rest.startswith("(") else "symbol"
    return "word"


def _trimmed(made: list[Token]) -> tuple[Token, ...]:
    while made and (made[-1].kind == "space" or made[-1].text in (",", "=")):
        made.pop()
    while made and made[0].kind == "space":
        made.pop(0)
    return tuple(made)


def _clauses(text: str) -> Iterator[tuple[str, str]]:
    """Parts of a sentence between marks outside brackets, each with the mark that ends it."""
    depth, begin = 0, 0
    for index, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        last = index + 1 == len(text)
        if depth == 0 and letter in ",;:." and (last or text[index + 1] == " "):
            if text[begin:index].strip():
                yield text[begin:index].strip(), letter
            begin = index + 1
    if text[begin:].strip():
        yield text[begin:].strip(), ""


def _assigned(clause: str, names: frozenset[str], case: str) -> Iterator[Equation]:
    """Each `symbol = mathematics` of a clause, which may have words before, between and after, and what is put out."""
    put_out = re.search(r"output is (.*)", clause)
    if put_out is not None:
        right, _ = tokens(put_out[1], names)
        if _is_whole(right) and len(right) > 1:
            yield Equation(OUTPUT, right, case)
    depth = 0
    for index, letter in enumerate(clause):
        depth += (letter in "([{") - (letter in ")]}")
        if depth or letter != "=" or clause[index - 1 : index + 2] != " = ":
            continue
        left = clause[:index].rstrip()
        symbol = left[_start(left) :]
        right, rest = tokens(clause[index + 2 :], names)
        if _is_symbol(symbol, names) and _is_whole(right):
            note = rest.strip() if rest.startswith(("where", "with")) and "=" not in rest else ""
            yield Equation(symbol, right, case, note)
        yield from _assigned(rest, names, case)
        return


def _is_symbol(text: str, names: frozenset[str]) -> bool:
    known, rest = tokens(text, names)
    return (bool(known) and not rest.strip()) or re.fullmatch(r"d\w/dt", text) is not None


def _is_whole(right: Sequence[Token]) -> bool:
    """Whether it can stand by itself: not a function's name alone, nor cut off inside brackets or behind a sign."""
    plain = [token for token in right if token.kind != "space"]
    if not plain or (len(plain) == 1 and plain[0].kind == "function"):
        return False
    text = "".join(token.text for token in plain)
    paired = all(text.count(a) == text.count(b) for a, b in ("()", "[]", "{}"))
    return paired and not text.count("|") % 2 and not text.count("‖") % 2 and plain[-1].text not in "⊙∗·+−×/√(=<"


def _start(left: str) -> int:
    """Where the last symbol of a text begins: a word, brackets with what they hold, or what `log` is taken of."""
    begin = left.rindex("(") if left.endswith(")") and "(" in left else len(left)
    begin = left.rfind(" ", 0, begin) + 1 if begin < len(left) and begin and left[begin - 1] != " " else begin
    if begin == len(left):
        begin = left.rfind(" ") + 1
    return begin - 4 if left[:begin].endswith("log ") else begin
