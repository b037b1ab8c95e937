"""A page says by itself what its cell computes: nothing undefined, nothing by reference, nothing ambiguous."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
import unicodedata
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from each import each

import zoo.cells
from zoo.engine.cell import Cell

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))
equations: Any = importlib.import_module("catalogue.equations")
latex: Any = importlib.import_module("catalogue.latex")
diagram: Any = importlib.import_module("catalogue.diagram")
steps: Any = importlib.import_module("catalogue.steps")
known: Any = importlib.import_module("catalogue.cells")
pages: Any = importlib.import_module("catalogue.pages")
sys.path.remove(str(ROOT / "docs"))

CELLS = known.cells()
TEXTS: dict[str, str] = {
    path.stem: text for path, text in pages.pages(lambda model: iter(())).items() if path.suffix == ".md"
}
BRACKETS = {"(": ")", "[": "]", "{": "}"}


def classes() -> set[str]:
    """The names of all classes in the rooms of the cells."""
    found = set()
    for module in pkgutil.walk_packages(zoo.cells.__path__, "zoo.cells."):
        found |= {name for name, one in vars(importlib.import_module(module.name)).items() if inspect.isclass(one)}
    return found


CLASSES = classes()


def graph(cell: Any) -> Any:
    return diagram.graph(cell.equations, cell.symbols, cell.output, cell.inputs)


def test_what_a_cell_puts_out_has_an_equation() -> None:
    for cell in CELLS:
        assigned = {symbol for one in cell.equations for symbol in (one.symbol, one.symbol.removesuffix("_j"))}
        assert equations.OUTPUT in assigned or cell.output in assigned, cell.output


def test_the_identity_is_told_from_what_is_learned() -> None:
    found = {cell.record.name for cell in CELLS if any("I" in one.uses for one in cell.equations)}
    assert found == {"antisymmetric", "lipschitz", "lmu", "orthogonal", "s5"}
    for name in found:
        assert "I is the identity" in " ".join(TEXTS[name].split()), name


def test_a_page_refers_to_no_class() -> None:
    for cell in CELLS:
        text = TEXTS[cell.record.name]
        assert not [name for name in re.findall(r"`([A-Z]\w+)`", text) if name in CLASSES], cell.record.name
        assert not re.search(r"\bas in `|\bthose of `|`'s\b", text), cell.record.name


def test_words_in_formulas_have_no_commands() -> None:
    for cell in CELLS:
        block = latex.display(cell.equations, cell.symbols, cell.inputs)
        for words in re.findall(r"\\text\{([^}]*)\}", block):
            assert not re.search(r"[\\^_$&%#~]", words), words
        for line in block.splitlines():
            left = [letter for letter in line.replace(r"\{", "").replace(r"\}", "") if letter in "(){}[]"]
            open_: list[str] = []
            for letter in left:
                if letter in BRACKETS:
                    open_.append(BRACKETS[letter])
                else:
                    assert open_.pop() == letter, line
            assert not open_, line


def test_a_command_in_words_is_refused() -> None:
    with pytest.raises(ValueError, match="no words for a formula"):
        latex.display(equations.equations("A = B where A is (−1)^i."), ())


def test_a_value_in_place_of_the_one_before_is_no_equation() -> None:
    found = equations.equations("h' = h, h' = W h', h = h'.", ("h",))
    assert latex.lines_of(found, ("h",)) == [
        r"h'_{t} &= h_{t-1}",
        r"h'_{t} &\leftarrow W h'_{t}",
        r"h_{t} &= h'_{t}",
    ]


def ambiguous(right: Any) -> str:
    """What could be read in two ways: a quotient before a product, or a matrix product in one element by element."""
    plain = [token for token in right if token.kind != "space"]
    depth, denominator = 0, -1
    for place, token in enumerate(plain):
        if token.text in "([{":
            depth += 1
        elif token.text in ")]}":
            depth -= 1
            denominator = -1 if depth < denominator else denominator
        elif token.text == "/":
            denominator = depth
            continue
        elif token.text in "+−," and depth <= denominator:
            denominator = -1
        before = plain[place - 1] if place else None
        starts = token.kind in ("symbol", "number", "function") or token.text in "([{√"
        after_factor = before is not None and (before.kind in ("symbol", "number", "high") or before.text in ")]}")
        at = depth - (token.text in "([{")
        if denominator == at and starts and after_factor and not before.text.startswith("Σ"):
            return f"… / {before.text} {token.text}"
        if denominator == depth and token.text in "⊙·":
            return f"… / {before.text if before else ''} {token.text}"
        if place > 1 and plain[place - 2].text == "⊙" and before.kind == token.kind == "symbol":
            return f"⊙ {before.text} {token.text}"
    return ""


@each(
    ("text", "found"),
    [
        ("A = (1 − Δ/2 Λ)⁻¹ B.", "… / 2 Λ"),
        ("A = (1 − (Δ/2) Λ)⁻¹ B.", ""),
        ("h = f / (f + i) ⊙ h.", "… / ) ⊙"),
        ("h = (f / (f + i)) ⊙ h, s = c / Σ c.", ""),
        ("c = i ⊙ W x + f ⊙ c.", "⊙ W x"),
        ("c = i ⊙ (W x) / 2 + f c.", ""),
    ],
)
def test_what_could_be_read_in_two_ways_is_seen(text: str, found: str) -> None:
    assert ambiguous(equations.equations(text)[0].right) == found


def test_products_are_in_brackets_where_they_must_be() -> None:
    for cell in CELLS:
        assert not [(one.symbol, found) for one in cell.equations if (found := ambiguous(one.right))], cell.record.name


def test_every_greek_letter_and_every_option_is_explained() -> None:
    """What no equation assigns and is no plain matrix or vector stands in the words of the page, or of an option."""
    for cell in CELLS:
        found = steps.Steps(cell.equations, cell.symbols, cell.inputs)
        places = range(len(cell.equations))
        made = {symbol for place in places for symbol in found.assigned(place)} | found.inputs
        bound = {argument for one in cell.equations for argument in re.findall(r"^\S+\((\w+)\)$", one.symbol)}
        options = (field.description or "" for field in cell.record.options.model_fields.values())
        words = unicodedata.normalize("NFD", " ".join([*cell.docstrings, *options]))
        for symbol in dict.fromkeys(used for one in cell.equations for used in one.uses):
            base = re.split(r"['_₀-₉]", symbol)[0]
            if (
                found.one(symbol) in made | bound
                or symbol in cell.states
                or not re.match("Δt|[Α-ω]", base)
                or base == "Σ"
            ):
                continue
            in_formulas = sum(
                re.split(r"['_₀-₉]", token.text)[0] == base
                for one in cell.equations
                for token in one.right
                if token.kind == "symbol"
            )
            assert len(re.findall(rf"(?<![^\W_]){base}(?![A-Za-zΑ-ω]|\()", words)) > in_formulas, (
                cell.record.name,
                symbol,
            )


def test_a_page_says_how_its_cell_starts() -> None:
    for cell in CELLS:
        assert cell.start
        assert cell.start != inspect.getdoc(Cell.reset_parameters)
        text = TEXTS[cell.record.name]
        assert "## Initialisation" in text
        assert cell.start.split()[0] in text.split("## Initialisation")[1].split("## Evidence")[0]


def test_where_authorities_differ_the_page_says_which_is_followed() -> None:
    start = " ".join(TEXTS["rwkv7"].split("## Initialisation")[1].split("## Evidence")[0].split())
    assert "As the official training code, generate\\_init\\_weight in RWKV-v7/train\\_temp/src/model.py" in start
    assert "where the constructor in that file, by itself, draws them uniform" in start
    assert "adds 10⁻⁶ to the divisor" in TEXTS["mlstm"]


def test_no_two_cells_have_one_picture() -> None:
    alike = defaultdict(list)
    for cell in CELLS:
        found = graph(cell)
        alike[tuple((one.name, one.under, one.kind) for one in found.nodes), found.edges].append(cell.record.name)
    assert [names for names in alike.values() if len(names) > 1] == []


def test_a_picture_has_every_state_and_every_input() -> None:
    for cell in CELLS:
        nodes = graph(cell).nodes
        last = {one.name for one in nodes if one.kind == "s"}
        first = {one.name for one in nodes if one.kind == "i"}
        assert {unicodedata.normalize("NFC", f"{symbol} t") for symbol in cell.symbols} <= last
        assert {f"{symbol} t" for symbol in cell.inputs} <= first
        assert "output" in last or unicodedata.normalize("NFC", f"{cell.output} t") in last


def test_a_picture_shows_what_flows_and_what_is_missing() -> None:
    def edges(name: str) -> set[tuple[str, str]]:
        found = graph(next(cell for cell in CELLS if cell.record.name == name))
        return {(found.nodes[a].name, found.nodes[b].name) for a, b in found.edges}

    assert {("h̃", "h"), ("Δt t", "h"), ("c", "h̃")} <= edges("ode-lstm")
    assert {("gap t−1", "δ"), ("δ", "γ_x"), ("γ_x", "x̂"), ("m t", "x̂"), ("γ_h", "ĥ"), ("m t", "n")} <= edges("gru-d")
    assert {("S", "Q"), ("Q", "h")} <= edges("orthogonal")
