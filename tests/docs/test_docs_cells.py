"""The pages of the cells: equations read from docstrings, as LaTeX and as a picture, and what each cell is proven by."""

from __future__ import annotations

import importlib
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import torch
from each import each
from matplotlib.mathtext import MathTextParser

from zoo.plugin.manager import isolated

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))
equations: Any = importlib.import_module("catalogue.equations")
latex: Any = importlib.import_module("catalogue.latex")
diagram: Any = importlib.import_module("catalogue.diagram")
known: Any = importlib.import_module("catalogue.cells")
pages: Any = importlib.import_module("catalogue.pages")
sys.path.remove(str(ROOT / "docs"))

CELLS = known.cells()
FOLDER = ROOT / "docs" / "cells"
each_cell = each("cell", CELLS, ids=lambda cell: cell.record.name)


def named(name: str) -> Any:
    return next(cell for cell in CELLS if cell.record.name == name)


def lines(text: str, *states: str) -> list[str]:
    return latex.lines_of(equations.equations(text, states), states)


@each(
    ("text", "expected"),
    [
        ("h = tanh(W_h x + b); the output is h.", [r"h_{t} &= \tanh(W_{h} x_{t} + b)"]),
        ("h = h + ½ ε (W h)ᵀ.", [r"h_{t} &= h_{t-1} + \tfrac{1}{2} \varepsilon (W h_{t-1})^{\top}"]),
        ("h = h / ‖h‖ + |h|.", [r"h_{t} &= h_{t-1} / \Vert h_{t-1}\Vert + |h_{t-1}|"]),
        ("z = h, h = z ⊙ h.", [r"z_{t} &= h_{t-1}", r"h_{t} &= z_{t} \odot h_{t-1}"]),
        ("h = z ⊙ n, n = U h.", [r"h_{t} &= z \odot n_{t}", r"n_{t} &= U h_{t-1}"]),  # n stands behind what needs it
        ("h = x, o = W h with the new h.", [r"h_{t} &= x_{t}", r"o_{t} &= W h_{t}"]),
        ("S = A − Aᵀ, h = S h.", [r"S &= A - A^{\top}", r"h_{t} &= S h_{t-1}"]),  # of parameters alone: of no step
        ("g(a) = a / 2, h = g(x).", [r"g(a) &= a / 2", r"h_{t} &= g(x_{t})"]),
        ("λ = exp(−exp(ν)), h = λ̄ h.", [r"\lambda &= \exp(-\exp(\nu))", r"h_{t} &= \bar{\lambda} h_{t-1}"]),
        ("h = √(1 − a²) x₋, a = 10⁻⁸.", [r"h_{t} &= \sqrt{1 - a^{2}} x_{t-1}", r"a &= 10^{-8}"]),
        ("h' = W₁ h, h = {c̃_j}^(i+1).", [r"h'_{t} &= W_{1} h_{t-1}", r"h_{t} &= \{\tilde{c}_{j}\}^{i+1}"]),
        ("dh/dt = W h.", [r"\frac{dh}{dt} &= W h"]),
        ("log α = −β; the output is h ⊙ x.", [r"\log \alpha &= -\beta", r"\mathrm{output}_{t} &= h \odot x_{t}"]),
        ("Words about h, f = relu or tanh, where H is 3, and that is all.", []),
        ("With x and h (x, h) = W; no = .", [r"(x_{t}, h_{t}) &= W"]),
    ],
)
def test_a_docstring_s_equations_as_latex(text: str, expected: list[str]) -> None:
    assert lines(text, "h") == expected


def test_lstm() -> None:
    cell = named("lstm")
    assert latex.lines_of(cell.equations, cell.symbols, cell.inputs) == [
        r"i_{t} &= \sigma(W_{i} x_{t} + U_{i} h_{t-1} + b_{i})",
        r"f_{t} &= \sigma(W_{f} x_{t} + U_{f} h_{t-1} + b_{f})",
        r"g_{t} &= \tanh(W_{g} x_{t} + U_{g} h_{t-1} + b_{g})",
        r"o_{t} &= \sigma(W_{o} x_{t} + U_{o} h_{t-1} + b_{o})",
        r"c_{t} &= f_{t} \odot c_{t-1} + i_{t} \odot g_{t}",
        r"h_{t} &= o_{t} \odot \tanh(c_{t})",
    ]


def test_mlstm_whose_stabiliser_is_new_where_it_has_a_prime() -> None:
    cell = named("mlstm")
    found = latex.lines_of(cell.equations, cell.symbols, cell.inputs)
    assert r"m_{t} &= \max(\log \sigma(\tilde{f}_{t}) + m_{t-1}, \tilde{i}_{t})" in found
    assert r"C_{t} &= f_{t} C_{t-1} + i_{t} v_{t} k_{t}^{\top}" in found
    assert found[-1] == r"h_{t} &= o_{t} \odot ((C_{t} q_{t}) / \max(|n_{t} \cdot q_{t}|, \exp(-m_{t})))"


def test_lru_is_complex_and_its_parameters_are_of_no_step() -> None:
    cell = named("lru")
    assert latex.lines_of(cell.equations, cell.symbols, cell.inputs) == [
        r"\lambda &= \exp(-\exp(\nu) + i \exp(\theta))",
        r"h_{t} &= \lambda \odot h_{t-1} + \exp(\gamma) \odot (B x_{t})",
        r"y_{t} &= \operatorname{Re}(C h_{t}) + D \odot x_{t}",
    ]


def test_options_are_cases() -> None:
    assert [(one.symbol, one.case) for one in named("gru").equations] == [
        ("r", ""),
        ("z", ""),
        ("h", ""),
        ("n", "reset_gate `after` (torch, cuDNN)"),
        ("n", "reset_gate `before` (Cho et al. 2014)"),
    ]


@each_cell
def test_a_cell_has_an_equation_for_what_it_carries_on(cell: Any) -> None:
    assigned = {one.symbol for one in cell.equations}
    for name in cell.symbols:
        assert any(symbol in assigned for symbol in (name, f"{name}'", f"{name}_j")), name


@each_cell
def test_its_latex_can_be_set(cell: Any) -> None:
    parser = MathTextParser("path")
    for line in latex.lines_of(cell.equations, cell.symbols, cell.inputs):
        text = line.replace("&", "")
        for theirs, here in ((r"\operatorname", r"\mathrm"), (r"\tfrac", r"\frac"), (r"\bmod", "m"), (r"\top", "T")):
            text = text.replace(theirs, here)  # what mathtext does not know
        parser.parse(f"${text}$")
        bare = line.replace("{S'_{t}}^", "").replace(r"\Vert", "|")
        assert not re.search(r"'[^ |]*\}?\^", bare), "a prime and a power: two superscripts"


def edges(name: str) -> set[tuple[str, str]]:
    cell = named(name)
    graph = diagram.graph(cell.equations, cell.symbols, cell.output, cell.inputs)
    return {(graph.nodes[a].name, graph.nodes[b].name) for a, b in graph.edges}


def test_the_picture_of_the_lstm() -> None:
    gates = {(source, gate) for source in ("x t", "h t−1") for gate in "ifgo"}
    rest = {("f", "c"), ("c t−1", "c"), ("i", "c"), ("g", "c"), ("o", "h"), ("c", "h"), ("h", "h t"), ("c", "c t")}
    assert edges("lstm") == gates | rest


def test_the_picture_of_the_gru_has_one_of_its_options() -> None:
    gates = {(source, gate) for source in ("x t", "h t−1") for gate in "rzn"}
    assert edges("gru") == gates | {("r", "n"), ("z", "h"), ("n", "h"), ("h t−1", "h"), ("h", "h t")}


@each_cell
def test_a_picture_is_whole(cell: Any) -> None:
    graph = diagram.graph(cell.equations, cell.symbols, cell.output, cell.inputs)
    assert all(begin < end or graph.nodes[begin].kind == "i" for begin, end in graph.edges), "an arrow that goes back"
    assert {"x t", "u t"} & {node.name for node in graph.nodes if node.kind == "i"}
    goes, comes = {begin for begin, _ in graph.edges}, {end for _, end in graph.edges}
    for place, node in enumerate(graph.nodes):
        assert place in goes or node.kind == "s", f"{node.name} leads nowhere"
        assert place in comes or node.kind in ("i", "p"), f"{node.name} is made of nothing"
    root = ElementTree.fromstring((FOLDER / f"{cell.record.name}.svg").read_text(encoding="utf-8"))
    boxes = [one for one in root if one.tag.endswith("rect")]
    assert len(boxes) == len(graph.nodes)
    corners = {(one.get("x"), one.get("y")) for one in boxes}
    assert len(corners) == len(boxes), "two boxes in one place"
    for path in (one.get("d", "") for one in root if one.tag.endswith("path")):
        lane = re.search(r" ([\d.]+),([\d.]+)H", path)
        if lane is not None:
            tops = [float(y or 0) for x, y in corners if float(x or 0) == float(lane[1])]
            assert not any(top <= float(lane[2]) <= top + 40 for top in tops), "an arrow through a box"
    wide, high = float(root.get("width", 0)), float(root.get("height", 0))
    assert all(0 <= float(x or -1) <= wide - 92 and 0 <= float(y or -1) <= high - 40 for x, y in corners)


def test_an_arrow_over_a_column_goes_past_its_box() -> None:
    layout = importlib.import_module("catalogue.layout").laid_out(3, [(0, 1), (1, 2), (0, 2)], [2])
    assert layout.heads == (True, True, False, True)  # 0 to 2 is two pieces, and only the second has a head
    assert len({x for x, _ in layout.corners}) == 3
    assert [path.count("H") for path in layout.paths] == [0, 0, 1, 0]


@each_cell
def test_no_cell_has_fewer_than_two_kinds_of_proof(cell: Any) -> None:
    assert {"reference", "golden"} <= set(cell.proofs)
    page = (FOLDER / f"{cell.record.name}.md").read_text(encoding="utf-8")
    assert page.count("\n| oracle | ") == len(cell.oracles)
    assert "\n| reference | " in page
    assert "\n| golden | " in page


def test_every_built_in_cell_has_a_page_and_no_page_is_left_over() -> None:
    names = {provided.record.name for provided in isolated().all("cell")}
    assert {path.stem for path in FOLDER.glob("*.md")} == {*names, "README", "write-a-cell"}
    assert {path.stem for path in FOLDER.glob("*.svg")} == names


def test_every_link_of_the_pages_leads_somewhere() -> None:
    for path in FOLDER.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (FOLDER / target).exists(), f"{path.name}: {target}"


def test_figures_and_engines_are_those_of_the_cell() -> None:
    page = (FOLDER / "lstm.md").read_text(encoding="utf-8")
    weights = sum(p.numel() for p in torch.nn.LSTM(64, 64).parameters())
    assert f"| parameters | {weights:,} |" in page
    assert "| state | h (64,), c (64,): 512 bytes in float32 |" in page
    assert "| engines | fused, loop, compile, scan |" in page
    assert "| engines | linear, loop, compile, scan |" in (FOLDER / "mingru.md").read_text(encoding="utf-8")


def test_the_index_sorts_and_filters() -> None:
    text = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert text.count("<tr><td>") == len(CELLS)
    assert text.count('<button type="button">') == 10
    assert "https://" not in text
    assert "src=" not in text
    assert '<td><a href="gru.md">gru</a></td>' in text
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^\| \[`", readme, re.MULTILINE)) == len(CELLS)
