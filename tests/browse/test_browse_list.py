"""`zoo list`: which models it shows, in which order, and what it says where there are none."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from browse_support import Said, Zoo

from zoo.plugin.catalogue import SpecFolder
from zoo.plugin.manager import Catalogue
from zoo.spec.listing import year

FILES = {
    "b": "paper: Ono 1999, Nets\ntags: [speech, small]\ninput: 3\ncell: gru\nhidden_size: 4\n",
    "a": "paper: Abe 2005, More\ntags: [speech]\ninput: 3\ncell: lstm\nhidden_size: 4\nhead: {kind: linear, size: 2}\n"
    "variants: {wide: {hidden_size: 40, tags: [speech, large]}}\n",
    "deep/c": "input: 3\ncell: rnn\nhidden_size: 3\n"
    "layers: [{kind: block, layers: [{kind: block, layers: [{cell: janet}]}]}]\n",
}


@pytest.fixture
def library(catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library of three files, whose models have parameters that are counted by hand below."""
    folder = tmp_path / "library"
    for name, text in FILES.items():
        path = folder / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"schema: 1\nname: {path.stem}\ndescription: Model {name}\n{text}", encoding="utf-8")
    monkeypatch.setattr(Catalogue, "spec_folders", property(lambda self: (SpecFolder(folder, "zoo-test", "1.0"),)))
    return folder


def names(done: Said) -> list[str]:
    return [line.split()[0] for line in done.lines[1:]]


# One LSTM of 4 units over 3 inputs, 4 (3 4 + 4 4 + 2 4), and a head of 4 2 + 2.
A = 4 * (3 * 4 + 4 * 4 + 2 * 4) + 4 * 2 + 2
WIDE = 4 * (3 * 40 + 40 * 40 + 2 * 40) + 40 * 2 + 2
B = 3 * (3 * 4 + 4 * 4 + 2 * 4)


def test_every_model_has_a_line_variants_too(zoo: Zoo, library: Path) -> None:
    done = zoo("list")
    assert (done.status, done.err) == (0, "")
    assert done.out == (
        "name    parameters  tags           description   from\n"
        f"a              {A}  speech         Model a       zoo-test 1.0\n"
        f"a@wide       {WIDE:,}  speech, large  Model a       zoo-test 1.0\n"
        f"b              {B}  speech, small  Model b       zoo-test 1.0\n"
        "deep/c          42  " + " " * 15 + "Model deep/c  zoo-test 1.0\n"
    )


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("--sort parameters", ["deep/c", "b", "a", "a@wide"]),
        ("--sort macs", ["deep/c", "b", "a", "a@wide"]),
        ("--sort year", ["b", "a", "a@wide", "deep/c"]),
        ("--tag speech", ["a", "a@wide", "b"]),
        ("--tag speech --tag large", ["a@wide"]),
        ("--needs linear", ["a", "a@wide"]),
        ("--needs janet", ["deep/c"]),  # two blocks deep
        ("--needs zoo-nested/block", ["deep/c"]),
        ("--needs features --needs gru", ["b"]),
        ("--tag speech --needs gru", ["b"]),
        ("a", ["a", "a@wide"]),
        ("deep/*", ["deep/c"]),
        ("a@wide", ["a@wide"]),
        ("*@*", ["a@wide"]),
    ],
)
def test_what_is_chosen_and_its_order(zoo: Zoo, library: Path, options: str, found: list[str]) -> None:
    done = zoo("list", *options.split())
    assert (names(done), done.err) == (found, "")


def test_a_figure_that_is_sorted_by_is_shown(zoo: Zoo, library: Path) -> None:
    head, first, *_ = zoo("list", "--sort", "year").lines
    assert (head.split()[2], first.split()[2]) == ("year", "1999")
    head, first, *_ = zoo("list", "--sort", "macs").lines
    assert (head.split()[2], first.split()[2]) == ("multiply-adds", str(2 * (3 * 3 + 3 * 3)))


def test_json_says_it_all(zoo: Zoo, library: Path) -> None:
    (row,) = json.loads(zoo("list", "a@wide", "--json").out)
    assert row == {
        "name": "a@wide",
        "variant": "wide",
        "parameters": WIDE,
        "macs": 4 * (3 * 40 + 40 * 40) + 40 * 2,
        "description": "Model a",
        "tags": ["speech", "large"],
        "paper": "Abe 2005, More",
        "year": 2005,
        "components": [
            "architecture recurrent-zoo/stack",
            "input recurrent-zoo/features",
            "init recurrent-zoo/paper",
            "cell recurrent-zoo/lstm",
            "head recurrent-zoo/linear",
        ],
        "distribution": "zoo-test",
        "version": "1.0",
        "path": str(library / "a.yaml"),
    }


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ("--tag speach", "no spec has the tag 'speach'; did you mean 'speech'?"),
        ("--tag speech --tag 7", "no spec has the tag '7'; tags: large, small, speech"),
        ("--tag small --tag large", "no spec has the tag 'small' and the tag 'large' together"),
        ("--tag small --needs lstm", "no spec has the tag 'small' and the component 'lstm' together"),
        ("--needs jannet", "unknown component 'jannet'; did you mean 'janet'?"),
        ("--needs 77", "unknown component '77'; `zoo components` shows them all"),
        ("--needs mgu", "no spec uses the component 'mgu'; `zoo list` shows them all"),
        ("--sort size", "--sort must be one of name, parameters, macs, year, not 'size'"),
        ("z", "no spec of the library is called 'z'; `zoo list` shows them all"),
    ],
)
def test_nothing_to_show_is_one_line(zoo: Zoo, library: Path, options: str, line: str) -> None:
    assert zoo("list", *options.split()) == Said("", f"zoo: {line}\n", 2)


def test_a_broken_file_does_not_hide_the_others(zoo: Zoo, library: Path) -> None:
    (library / "a.yaml").write_text("schema: 1\nname: a\ninput: 3\ncell: lstn\nhidden_size: 4\n", encoding="utf-8")
    (library / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    done = zoo("list", "--needs", "gru")
    assert (names(done), done.status) == (["b"], 0)
    told = [line for line in done.err.splitlines() if line.startswith(str(library))]
    assert len(told) == 2
    assert told[0] == f"{library}/a.yaml:4:7: unknown cell 'lstn'; did you mean 'lstm'?"


@pytest.mark.parametrize(
    ("paper", "found"),
    [
        ("Hochreiter and Schmidhuber 1997, Long short-term memory, doi:10.1162/neco.1997.9.8.1735", 1997),
        ("Gu 2023, Mamba, arXiv:2312.00752", 2023),
        ("In an example of 2019.", 2019),
        ("An example, arXiv:2001.08361", None),
        ("Of 12019 words", None),
        (None, None),
    ],
)
def test_the_year_of_a_paper(paper: str | None, found: int | None) -> None:
    assert year(paper) == found


def test_two_hundred_specs_are_read_in_a_second(zoo: Zoo, library: Path) -> None:
    """Of this process, which other tests share: without imports. On two slow cores it is a third of that."""
    for number in range(200):
        text = f"schema: 1\nname: s{number}\ninput: 10\ncell: gru\nhidden_size: {number + 1}\nlayers: 3\n"
        (library / f"s{number}.yaml").write_text(text, encoding="utf-8")
    zoo("list", "s1")
    before = time.process_time()
    assert len(names(zoo("list", "--sort", "parameters"))) == 204
    assert time.process_time() - before < 1


def test_listing_imports_no_torch(library: Path) -> None:
    from running import python

    code = "import sys; from zoo.cli.main import app, main; sys.argv = ['zoo', 'list', 'gru']\ntry: main()\n"
    done = python("-c", f"{code}except SystemExit: print('torch' in sys.modules)", cwd=library)
    assert done.stdout.splitlines()[-1] == "False", done.stderr
