"""The pages of the models: one for each spec of the library but those of the cells, and what they say."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

from zoo.plugin.manager import isolated

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "docs"))  # as for `python docs/generate.py`
models = importlib.import_module("catalogue.models")
PAGES = {path.name: text for path, text in models.pages(isolated()).items()}
FOLDER = ROOT / "docs" / "models"


def test_every_spec_outside_the_cells_has_a_page_and_a_line_in_the_index() -> None:
    specs = {path for path in (ROOT / "specs").rglob("*.yaml") if not {"cells", "weights"} & {*path.parent.parts}}
    linked = re.findall(r"\]\(\.\./\.\./(specs/\S+\.yaml)\)", "\n".join(PAGES.values()))
    assert {ROOT / path for path in linked} == specs
    assert len(linked) == len(specs)
    for name in PAGES:
        assert name.endswith(".svg") or name == "README.md" or f"]({name}) |" in PAGES["README.md"]


def test_no_page_is_left_of_a_model_that_is_gone() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {*PAGES, "proofs.md", "weights.md"}


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "zaremba-lm.md",
            [
                "| `head` | linear: size 10,000 | 10,000 | 2,010,000 | 2,000,000 | 0 |",
                "| `zaremba-lm@large` | 66,022,000 | 51,000,000 |",  # the paper gives 66M
                "Tags: `language-model`.",
                "![The architecture of zaremba-lm, from the input at the bottom to the output](zaremba-lm.svg)",
            ],
        ),
        ("awd-lstm.md", ["| parameters | 24,221,600 |", "24,221,600", "import zoo"]),
        ("lstm.md", ["| `layers.0` | lstm: hidden\\_size 20 | 20 | 2,560 | 2,400 | 40 |"]),
        (
            "README.md",
            ["| [`zaremba-lm@medium`](zaremba-lm.md) |  | 2014 | 19,775,200 |", "## Beginnings and classics"],
        ),
    ],
)
def test_what_a_page_says(name: str, lines: list[str]) -> None:
    said = PAGES[name].splitlines()
    assert [line for line in lines if line not in said] == []


def test_pictures_are_small() -> None:
    pictures = [text for name, text in PAGES.items() if name.endswith(".svg")]
    assert pictures
    assert max(len(text.encode()) for text in pictures) < models.LARGEST_PICTURE == 20_000


def test_a_large_model_is_built_on_meta() -> None:
    for name, text in PAGES.items():
        found = re.search(r"^\| parameters \| ([\d,]+) \|$", text, re.MULTILINE)
        if found is not None:
            large = int(found[1].replace(",", "")) > models.SMALL
            assert ('device="meta")' in text) == large, name


def test_the_comment_at_the_head_of_a_spec_is_read() -> None:
    text = (
        "# yaml-language-server: $schema=x.json\n# From the code of\n# somebody, which\n#\n# has two biases.\n"
        "schema: 1\n# not this\nname: a\n"
    )
    assert models.comments(text) == ["From the code of somebody, which", "has two biases."]
    assert models.comments("schema: 1\n# not this\n") == []


def test_models_of_one_name_have_pages_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "schema: 1\nname: {}\ninput: 3\ncell: gru\nhidden_size: 4\n"
    for name in ("speech/a", "music/a", "music/b", "cells/c"):
        path = tmp_path / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.format(path.stem), encoding="utf-8")
    monkeypatch.setattr(models, "folder", lambda: tmp_path)
    monkeypatch.setattr("zoo.spec.library.entries", lambda catalogue: entries(tmp_path))
    found = models.pages(isolated())
    names = {path.name for path in found if path.suffix == ".md"}
    assert names == {"README.md", "speech-a.md", "music-a.md", "b.md"}
    index = found[FOLDER / "README.md"]
    assert re.findall(r"^## (.*)$", index, re.MULTILINE) == ["Speech", "Music and sound"]
    assert "| [`a`](speech-a.md) |" in index


def entries(folder: Path) -> object:
    from zoo.plugin.catalogue import SpecFolder
    from zoo.spec.entries import entries_in

    return entries_in([SpecFolder(folder, "recurrent-zoo", "1")])
