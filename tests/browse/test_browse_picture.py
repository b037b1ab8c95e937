"""The picture of a model: where its boxes are, what they say, and that it is one file that any reader takes."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import combinations, pairwise
from pathlib import Path

import pytest
import yaml
from browse_support import DEEP, Said, Zoo

from zoo.browse.boxes import Box, Picture, picture
from zoo.browse.outline import Item, outline
from zoo.browse.svg import drawn, written
from zoo.plugin.manager import Catalogue
from zoo.spec import library
from zoo.spec.canonical import Spec

SVG = "{http://www.w3.org/2000/svg}"


FIRST = {"kind": "block", "layers": [{"cell": "gru", "residual": True}, {"kind": "block", "layers": 1}]}
"""A block whose first layer has a way around it, and a block as its last."""


def spec_of(name: str) -> Spec:
    if name == "first":
        return library.load({"input": 4, "cell": "lstm", "hidden_size": 4, "layers": [FIRST, FIRST, {}]}).spec
    if name != "deep":
        return library.load(name).spec
    data = yaml.safe_load(DEEP)
    data["layers"] = [data["layers"][0], *[data["layers"][1]] * 24]
    return library.load(data).spec


def of(name: str) -> Picture:
    return picture(name, outline(spec_of(name)))


def said(box: Box) -> list[str]:
    return [text.text for text in box.texts]


def test_layers_stand_on_one_another_and_say_name_width_and_parameters(catalogue: Catalogue) -> None:
    found = of("zaremba-lm@medium")
    boxes = sorted(found.boxes, key=lambda box: -box.y)
    assert [said(box) for box in boxes] == [
        ["tokens", "vocabulary 10,000, size 650", "650 wide, 6,500,000 parameters"],
        ["lstm →", "hidden_size 650, bias one, dropout", "(input 0.5, between 0.5)", "650 wide, 3,382,600 parameters"],
        ["lstm →", "hidden_size 650, bias one, dropout", "(output 0.5)", "650 wide, 3,382,600 parameters"],
        ["linear", "size 10,000", "10,000 wide, 6,510,000 parameters"],
    ]
    assert len({box.middle for box in boxes}) == 1
    up = sorted((arrow for arrow in found.arrows if arrow.kind == "flow"), key=lambda arrow: -arrow.y)
    ends = [(arrow.y, arrow.to_y) for arrow in up]
    assert ends == [(below.y, above.bottom) for below, above in pairwise(boxes)]
    assert sum(arrow.kind == "loop" for arrow in found.arrows) == 2


def test_what_is_inside_is_enclosed_and_equal_neighbours_are_one_box(catalogue: Catalogue) -> None:
    found = of("deep")
    frames = [box for box in found.boxes if box.kind == "frame"]
    assert [said(box) for box in frames] == [["block × 24", "936 parameters each"], ["block", "288 parameters"]]
    outer, inner = frames
    assert within(inner, outer)
    (lstm,) = [box for box in found.boxes if said(box)[0] == "lstm →"]
    (rnn,) = [box for box in found.boxes if said(box)[0] == "rnn × 2 →"]
    assert within(lstm, outer)
    assert not within(lstm, inner)
    assert within(rnn, inner)
    assert len(found.sums) == 2
    assert sum(arrow.kind == "sum" for arrow in found.arrows) == 2
    for _, y in found.sums:
        assert any(frame.y > y for frame in frames)


def within(inner: Box, outer: Box) -> bool:
    return (
        outer.x < inner.x
        and inner.x + inner.width < outer.x + outer.width
        and outer.y < inner.y
        and inner.bottom < outer.bottom
    )


def test_a_way_around_a_layer_stays_inside_what_encloses_it(catalogue: Catalogue) -> None:
    found = of("first")
    ways = [arrow for arrow in found.arrows if arrow.kind == "sum"]
    # Around the block that is there twice, around the recurrent layer in it, around the block in it.
    assert len(ways) == len(found.sums) == 3
    inside = 0
    for way in ways:
        (around,) = [box for box in found.boxes if box.x == way.x and way.to_y < box.y and box.bottom < way.y]
        for frame in (box for box in found.boxes if within(around, box)):
            assert frame.y < way.to_y < way.y < frame.bottom
            inside += 1
    assert inside == 2


def test_stacks_are_columns_under_what_joins_them(catalogue: Catalogue) -> None:
    found = of("translation")
    encoder, decoder = (text for text in found.texts if "parameters" in text.text)
    assert (encoder.text, decoder.text) == ("encoder: 359,424 parameters", "decoder: 520,924 parameters")
    assert encoder.x < decoder.x
    assert {box.middle for box in found.boxes if box.kind != "architecture"} == {encoder.x, decoder.x}
    (joint,) = [box for box in found.boxes if box.kind == "architecture"]
    assert said(joint) == ["seq2seq", "1,500 wide"]
    into = [arrow.x for arrow in found.arrows if arrow.kind == "flow" and arrow.to_y == joint.bottom]
    assert into == [encoder.x, decoder.x]


def test_directions_are_shown(catalogue: Catalogue) -> None:
    layers = [{"bidirectional": True}, {"reverse": True}, {}]
    spec = library.load({"input": 2, "cell": "gru", "hidden_size": 2, "layers": layers}).spec
    found = picture("a", outline(spec))
    assert [said(box)[0] for box in found.boxes if box.kind == "cell"] == ["gru ⇄", "gru ←", "gru →"]
    assert [box.direction for box in found.boxes if box.kind == "cell"] == ["both", "backward", "forward"]


@pytest.mark.parametrize(
    "name", ["lstm", "zaremba-lm@medium", "cells/convlstm", "translation", "deep", "first", "awd-lstm"]
)
def test_nothing_overlaps_or_sticks_out(name: str, catalogue: Catalogue) -> None:
    found = of(name)
    for box in found.boxes:
        assert 0 < box.x < box.x + box.width < found.width
        assert 0 < box.y < box.bottom < found.height
        for text in box.texts:
            assert box.y < text.y < box.bottom
            width = len(text.text) * 5.5  # of letters of this size, on average
            assert width < box.width
    for a, b in combinations(found.boxes, 2):
        apart = a.x + a.width <= b.x or b.x + b.width <= a.x or a.bottom <= b.y or b.bottom <= a.y
        assert apart or within(a, b) or within(b, a)
    for arrow in found.arrows:
        assert 0 < arrow.x < found.width
        assert arrow.kind == "loop" or arrow.to_y < arrow.y


@pytest.mark.parametrize("name", ["lstm", "translation", "deep"])
def test_it_is_one_valid_file_with_a_title_and_a_description(name: str, catalogue: Catalogue) -> None:
    spec = spec_of(name)
    text = drawn(spec)
    assert text == drawn(spec_of(name))  # the same for the same model
    root = ET.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", "t d")
    assert root.findtext(f"{SVG}title") == f"{spec.id}: the architecture of the model"
    assert [one.get("id") for one in root[:2]] == ["t", "d"]
    assert "prefers-color-scheme:dark" in (root.findtext(f"{SVG}style") or "")
    assert len(root.findall(f"{SVG}rect")) == len(of(name).boxes) + 1
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)


def test_what_it_shows_is_said_in_words(catalogue: Catalogue) -> None:
    said_of = ET.fromstring(drawn(spec_of("deep"))).findtext(f"{SVG}desc")
    assert said_of == (
        "features: size 8; linear: size 8; 24 x block: residual (linear: size 8; lstm: hidden_size 8; block: residual "
        "(2 x rnn: hidden_size 8)); mean; linear: size 3"
    )
    two = ET.fromstring(drawn(spec_of("translation"))).findtext(f"{SVG}desc") or ""
    assert two.startswith("encoder (tokens: vocabulary 2,000, size 64; lstm: hidden_size 128")


TEXTS = ["<script>&'\"]]>", "a\x00b\x1b\x07", "\ufffe\uffff\ud800", "\u202egnp", "词" * 90, "x" * 5000]


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_any_text_is_text(text: str, catalogue: Catalogue) -> None:
    node = spec_of("lstm").input
    leaf = Item(place=("input",), node=node, kind=text, name=text, options=(text,))
    inside = Item(place=("layers", 0), node=node, kind="layer", name=text, items=(leaf,), residual=True)
    stack = Item(place=("a",), node=node, kind="stack", name=text, items=(leaf, inside))
    for items in ((leaf,), (leaf, inside), (stack, leaf)):
        found = picture(text[:100], items)
        svg = written(found, text, text)
        svg.encode()
        root = ET.fromstring(svg)
        assert {one.tag.removeprefix(SVG) for one in root.iter()} <= {
            *("svg", "title", "desc", "style", "defs", "marker", "path", "rect", "text", "circle"),
        }
        assert found.width < 2500


def test_a_model_of_nothing_known_is_drawn(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    import nested

    monkeypatch.setattr(nested, "describe", lambda options, shape: None)
    ET.fromstring(drawn(spec_of("deep")))


def test_it_is_written_whole_and_replaces_nothing_unasked(zoo: Zoo, tmp_path: Path) -> None:
    file = tmp_path / "a.svg"
    assert zoo("show", "lstm", "--svg", "a.svg") == Said("a.svg\n", "", 0)
    first = file.read_text(encoding="utf-8")
    assert first == drawn(spec_of("lstm"))
    refused = "zoo: a.svg: exists already: choose another name, or add --force to replace it\n"
    assert zoo("show", "gru", "--svg", "a.svg") == Said("", refused, 2)
    assert file.read_text(encoding="utf-8") == first
    assert zoo("show", "gru", "--svg", "a.svg", "--force").status == 0
    assert file.read_text(encoding="utf-8") == drawn(spec_of("gru"))
    assert list(tmp_path.iterdir()) == [file]


def test_a_spec_is_never_replaced_by_its_picture(zoo: Zoo, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("schema: 1\nname: m\ninput: 2\ncell: gru\nhidden_size: 2\n", encoding="utf-8")
    done = zoo("show", "m.yaml", "--svg", "m.yaml", "--force")
    assert (done.out, done.status) == ("", 2)
    assert done.err == "zoo: m.yaml: is the same file as m.yaml, which is read: choose another name\n"


def test_changes_are_drawn(zoo: Zoo, tmp_path: Path) -> None:
    zoo("show", "lstm", "--set", "hidden_size=30", "--svg", "a.svg")
    assert ">hidden_size 30<" in (tmp_path / "a.svg").read_text(encoding="utf-8")
