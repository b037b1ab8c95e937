"""One form for all citations: authors, year, title, where it appeared, and arXiv, DOI or address."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import yaml
from each import each

from zoo.plugin.manager import isolated
from zoo.spec.schema import KINDS

ROOT = Path(__file__).parents[2]
NAME = r"(?:van\ der\ |van\ den\ |von\ |de\ )?[^\W\d_][\w'’-]*(?:-[^\W\d_][\w'’]*)*"
ONE = re.compile(
    rf"""(?P<authors>{NAME}(?:\ et\ al\.|\ and\ {NAME}|,\ {NAME}\ and\ {NAME})?)
    \ (?P<year>(?:19|20)\d\d),
    \ (?P<title>(?:[A-Z0-9]|[a-z]+[A-Z])[^;]*[\w?!)]),
    \ (?P<where>[A-Z][^,;]*[\w)]|preprint),
    \ (?P<id>arXiv:(?:0[7-9]|1[0-4])\d\d\.\d{{4}}|arXiv:(?:1[5-9]|2\d)\d\d\.\d{{5}}|doi:10\.\d{{4,9}}/\S+|https://\S+
    |pages\ \d+-\d+)""",
    re.VERBOSE,
)


def wrong(citations: str) -> str:
    """The first citation that has another form, or nothing."""
    return next((one for one in citations.split("; ") if ONE.fullmatch(one) is None), "")


def in_python() -> Iterator[tuple[str, str]]:
    """Every `paper` of a call in the packages and plugins, where it is written out or a constant of its module."""
    for path in (*(ROOT / "zoo").rglob("*.py"), *(ROOT / "plugins").glob("*/src/**/*.py")):
        text = path.read_text(encoding="utf-8")
        if "paper=" not in text:
            continue
        tree = ast.parse(text)
        constants = {
            target.id: node.value.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "paper":
                value = node.value
                said = constants.get(value.id) if isinstance(value, ast.Name) else getattr(value, "value", None)
                if isinstance(said, str):
                    yield f"{path.relative_to(ROOT)}:{value.lineno}", said


def in_templates() -> Iterator[tuple[str, str]]:
    for path in (ROOT / "zoo" / "scaffold").rglob("*.template"):
        for found in re.finditer(r'paper=((?:\s*"[^"]*")+)', path.read_text(encoding="utf-8")):
            yield str(path.relative_to(ROOT)), "".join(re.findall(r'"([^"]*)"', found[1]))


def in_specs() -> Iterator[tuple[str, str]]:
    for path in (*(ROOT / "specs").rglob("*.yaml"), *(ROOT / "plugins").glob("*/src/**/*.yaml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for body in (document, *(document.get("variants") or {}).values()):
            if "paper" in (body or {}):
                yield str(path.relative_to(ROOT)), body["paper"]


def in_records() -> Iterator[tuple[str, str]]:
    catalogue = isolated()
    for kind in KINDS:
        for provided in catalogue.all(kind):
            if provided.record.paper is not None:
                yield f"{kind} {provided.record.name}", provided.record.paper


def test_every_citation_has_the_form() -> None:
    found = [*in_records(), *in_python(), *in_templates(), *in_specs()]
    assert {place: said for place, citations in found if (said := wrong(citations))} == {}
    assert len(found) > 300  # 85 records and their code, 60 of plugins and templates, 100 specs


def test_every_built_in_cell_is_cited_and_its_spec_says_the_same() -> None:
    for provided in isolated().all("cell"):
        name = provided.record.name
        spec = yaml.safe_load((ROOT / "specs" / "cells" / f"{name}.yaml").read_text(encoding="utf-8"))
        assert provided.record.paper == spec["paper"], name


def test_one_paper_is_cited_in_one_way() -> None:
    """What has one number has one text; preprints and papers of one title are not mixed."""
    found: dict[str, set[str]] = {}
    for _, citations in [*in_records(), *in_python(), *in_templates(), *in_specs()]:
        for one in citations.split("; "):
            found.setdefault(one.rpartition(", ")[2], set()).add(one)
    assert {number: sorted(texts) for number, texts in found.items() if len(texts) > 1} == {}


def test_what_has_no_number_here_is_known() -> None:
    """Furui's DOI stands in no bibliography that was found; volume, number and pages stand in many."""
    found = [*in_records(), *in_python(), *in_templates(), *in_specs()]
    paged = {one for _, citations in found for one in citations.split("; ") if ", pages " in one}
    assert paged == {
        "Furui 1986, Speaker-independent isolated word recognition using dynamic features of speech spectrum, IEEE "
        "Transactions on Acoustics, Speech and Signal Processing 34(1), pages 52-59"
    }


@each(
    "said",
    [
        "Chang et al. 2019, arXiv:1902.09689",
        "IET Generation, Transmission and Distribution 2021, doi:10.1049/gtd2.12056",
        "Sequence modelling with a memory control vector, NIPS 2017 time series workshop",
        "Hochreiter and Schmidhuber 1997, Long short-term memory, Neural Computation 9(8)",
        "Elman 1990, Finding structure in time, doi:10.1207/s15516709cog1402_1",
        "Zhou et al. 16, Minimal gated unit, IJAC 13(3), arXiv:1603.09420",
        "A, B, C and D 2016, Minimal gated unit, IJAC 13(3), arXiv:1603.09420",
        "Zhou et al. 2016, Minimal gated unit, IJAC 13(3), arXiv:1603.9420",
        "Zhou et al. 2016, Minimal gated unit, IJAC 13(3), 226-234",
    ],
)
def test_another_form_is_seen(said: str) -> None:
    assert wrong(f"Elman 1990, Finding structure in time, Cognitive Science 14(2), doi:10.1207/x; {said}") == said


def test_the_documented_examples_have_the_form() -> None:
    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8").split("## Citations")[1].split("```")[1]
    lines = text.strip().splitlines()[1:]
    assert len(lines) == 2
    assert [wrong(line) for line in lines] == ["", ""]
