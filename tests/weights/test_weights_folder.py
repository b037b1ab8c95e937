"""`model.save_pretrained` and `zoo.from_pretrained` of folders, which need no huggingface_hub, and the card in them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from each import each
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from safetensors import safe_open
from safetensors.torch import save_file

import zoo
from zoo.errors import ZooError, one_line
from zoo.testing import tiny
from zoo.weights import card
from zoo.weights.hub import card_of

WEIGHT = "layers.0.cell.weight_ih"
FILES = ["README.md", "model.safetensors", "spec.yaml"]


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def made(seed: int = 0, **changes: Any) -> zoo.Model:
    return zoo.build("lstm", seed=seed, **{"hidden_size": 6, **changes})


def refused(said: str, *arguments: Any, **options: Any) -> None:
    with pytest.raises(ZooError, match=said) as caught:
        zoo.from_pretrained(*arguments, **options)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@each("name", ["lstm", "awd-lstm", "cells/convlstm", "elmo", "gnmt", "rnnt"])
def test_what_was_saved_comes_back_from_the_folder_alone(name: str, tmp_path: Path) -> None:
    model = zoo.build(tiny(zoo.load(name)), seed=3)
    folder = tmp_path / "some" / "where"
    model.save_pretrained(folder, force=True)
    again = zoo.from_pretrained(folder)
    assert again.spec == model.spec
    assert not again.training
    after = again.state_dict()
    assert all(torch.equal(one, after[key]) for key, one in model.state_dict().items())
    assert names(folder) == FILES
    assert zoo.load(folder / "spec.yaml") == model.spec
    assert is_same(zoo.load_model(folder / "model.safetensors"), model)


def is_same(one: zoo.Model, other: zoo.Model) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_a_folder_may_be_given_by_any_kind_of_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made().save_pretrained("ada/tiny")  # as a repository may be called: the folder comes first
    for path in ("ada/tiny", "./ada/tiny", Path("ada/tiny"), str(tmp_path / "ada" / "tiny")):
        assert is_same(zoo.from_pretrained(path), made())
    assert zoo.from_pretrained("ada/tiny", device="cpu", engine="loop").engine == "loop"
    refused("ada/tiny: is a folder, which has no revisions: leave revision='v1' out", "ada/tiny", revision="v1")


def test_nothing_is_replaced_unasked_and_other_files_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "README.md").write_text("mine too")
    with pytest.raises(ZooError, match=r"README\.md: exists already: .* force=True"):
        made().save_pretrained(tmp_path)
    assert names(tmp_path) == ["README.md", "notes.txt"]
    assert (tmp_path / "README.md").read_text() == "mine too"
    made(1).save_pretrained(tmp_path, force=True)
    assert is_same(zoo.from_pretrained(tmp_path), made(1))
    assert names(tmp_path) == ["README.md", "model.safetensors", "notes.txt", "spec.yaml"]
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_folder_that_cannot_be_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", "a\0b"):
        with pytest.raises(ZooError, match=r"no folder can be made there") as caught:
            made().save_pretrained(folder)
        assert "\n" not in str(caught.value)
    with pytest.raises(ZooError, match="meta has no weights"):
        zoo.build("lstm", device="meta").save_pretrained(tmp_path / "new")
    with pytest.raises(ZooError, match="license must be"):
        made().save_pretrained(tmp_path / "new", license=" ")
    assert names(tmp_path) == ["file"]


def test_what_is_no_folder_of_a_model_is_one_line(tmp_path: Path) -> None:
    refused("no such folder", tmp_path / "none")
    refused("no such folder", "../none/such")
    refused("no such folder", "a\0b")
    refused("no such folder", "a" * 10**5)
    refused("the folder has no model.safetensors, .* zoo.load_weights", tmp_path)
    save_file({"a": torch.zeros(2)}, tmp_path / "model.safetensors")
    refused("holds weights and no spec of zoo's; zoo.load_weights", tmp_path)
    refused("is a file and no folder: zoo.load_model", tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors").write_bytes(b"\x08")
    with pytest.raises(ZooError, match="is damaged"):
        zoo.from_pretrained(tmp_path)


def test_a_spec_beside_it_that_says_something_else_is_refused(tmp_path: Path) -> None:
    made().save_pretrained(tmp_path)
    beside = tmp_path / "spec.yaml"
    text = beside.read_text()
    beside.write_text(f"# a comment\n{text}")  # says the same
    assert is_same(zoo.from_pretrained(tmp_path), made())
    beside.write_text(text.replace("hidden_size: 6", "hidden_size: 7"))
    refused(r"not the spec in model.safetensors, .* differ in layers.0.hidden_size", tmp_path)
    beside.write_text(text.replace("name: lstm", "name: other"))
    refused(r"differ in what it says of itself", tmp_path)
    beside.write_text("schema: 1\nname: [")
    with pytest.raises(zoo.SpecError, match=r"spec\.yaml:2"):
        zoo.from_pretrained(tmp_path)
    beside.unlink()
    assert is_same(zoo.from_pretrained(tmp_path), made())
    os.mkfifo(beside)
    with pytest.raises(ZooError, match="is a named pipe, not a file"):
        zoo.from_pretrained(tmp_path)


def test_without_the_extra_folders_work_and_a_repository_says_what_to_install(tmp_path: Path) -> None:
    made().save_pretrained(tmp_path / "there")
    code = """
import sys
sys.modules["huggingface_hub"] = None
import zoo
model = zoo.from_pretrained("there")
model.save_pretrained("again")
for call in (lambda: zoo.from_pretrained("ada/none"), lambda: model.push_to_hub("ada/none")):
    try:
        call()
    except zoo.ZooError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first.startswith("ada/none: there is no such folder; ")
    assert all(line.endswith(': pip install "recurrent-zoo[hub]"') for line in (first, second))
    assert names(tmp_path / "again") == FILES


def together(folder: Path) -> tuple[str, str, str, int]:
    """What the three files hold. The bytes of one differ each time: its metadata are in no order."""
    readme, weights, spec = (folder / name for name in FILES)
    with safe_open(weights, framework="np") as file:
        return readme.read_text(), spec.read_text(), file.metadata()["zoo.spec"], len(file.get_tensor(WEIGHT))


@pytest.mark.long
def test_killed_a_hundred_times_the_three_files_belong_together(tmp_path: Path) -> None:
    """Whichever model is there: its weights, its spec and its card, in a folder that is the old one or the new."""
    folder = tmp_path / "model"
    models = [made(hidden_size=64), made(hidden_size=65)]
    models[0].save_pretrained(folder)
    whole, started = [], time.perf_counter()
    for model in models:
        model.save_pretrained(folder, force=True)
        whole.append(together(folder))
    often = (time.perf_counter() - started) / 2
    seen = set()
    for number in range(100):
        child = os.fork()
        if child == 0:
            while True:
                models[0].save_pretrained(folder, force=True)
                models[1].save_pretrained(folder, force=True)
        signal.sigtimedwait([], often * 0.1 * (number % 29))
        os.kill(child, signal.SIGKILL)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
        found = together(folder)
        assert found in whole, number
        seen.add(whole.index(found))
    assert seen == {0, 1}
    models[0].save_pretrained(folder, force=True)
    assert names(folder) == FILES


# The card.

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HOSTILE = [
    "<script>alert(1)</script>", "<!-- ", "</td></table>", "&lt;b&gt; &amp; &#60;", "[a](javascript:b)", "![x](y)", "[a]: b",
    "| a | b |", "a\n\n# b", "# a", "- a", "+ a", "* a", "1. a", "12) a", "1.5 times", "> a", "```", "~~~", "`a", "~~a~~", "**a**",
    "__a__", "_a_", "snake_case", "a\\", "\\(x\\)", "$$x$$", "---", "===", "a\n---\nb", "    code", "<https://a.b>", "a\x00b\x1b[31m",
    "\u202eabc", "&nbsp;", "***", "| --- |", "\\|", "a|b\\|c", "::: x", "a  \nb", "é😀", "-", "1.", "0", "123456789. a",
]  # fmt: skip


def shown(markdown: str, *around: str) -> str:
    """What a reader sees of a Markdown text in which there is nothing but text inside these blocks."""
    tokens = MARKDOWN.parse(markdown)
    assert [token.type for token in tokens if token.nesting == 1] == list(around)
    (inline,) = [token for token in tokens if token.type == "inline" and token.content]
    assert {child.type for child in inline.children or []} <= {"text"}
    assert {token.type for token in tokens if token.nesting == 0} == {"inline"}
    return "".join(child.content for child in inline.children or [])


def is_itself(said: str) -> None:
    """As a paragraph, as a title, and in a table."""
    line = " ".join(one_line(said).split())
    if not line:
        return
    assert shown(card.text(said), "paragraph_open") == line
    assert not set("$\\") & set(card.text(said))  # by which the hub's formulas begin
    assert shown(f"# {card.text(said)}", "heading_open") == line
    table = f"| |\n|---|\n| {card.text(said)} |"
    row = ("tr_open", "th_open", "tbody_open", "tr_open", "td_open")
    assert shown(table, "table_open", "thead_open", *row) == line


@each("said", HOSTILE)
def test_a_hostile_text_is_a_text(said: str) -> None:
    is_itself(said)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from("a1 _*`~[]()<>|\\&#;-+=.:!$\n\té\x85\u2028\ud800"), max_size=12) | st.text())
def test_any_text_is_a_text(said: str) -> None:
    is_itself(said)


def structure(text: str) -> list[str]:
    body = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    return [token.type for token in MARKDOWN.parse(body)]


def test_no_spec_changes_how_a_card_is_made_up() -> None:
    plain = replace(zoo.load("lstm"), description="a", paper="b", tags=("c",))
    about: dict[str, Any] = {"source": "a/b", "parameters": 1, "steps": 15, "dtypes": ["float32"], "distributions": {}}
    usual = structure(card.write(plain, **about))
    for said in HOSTILE:
        spec = replace(plain, name=said, description=said, paper=said, tags=(said,))
        text = card.write(spec, **about)
        assert structure(text) == usual, said
        front = text.split("\n---\n")[0]
        assert yaml.safe_load(front)["tags"] == ["recurrent-zoo", "pytorch", "rnn", said]


def test_a_card_says_what_the_model_is_and_how_to_load_it(tmp_path: Path) -> None:
    model = zoo.build("zaremba-lm", seed=0)
    text = card_of(model, "ada/lm", "mit")
    front, body = text.removeprefix("---\n").split("\n---\n")
    assert yaml.safe_load(front) == {
        "library_name": "recurrent-zoo",
        "license": "mit",
        "tags": ["recurrent-zoo", "pytorch", "rnn", "language-model"],
    }
    rows = [re.split(r" *\| *", line)[1:-1] for line in body.splitlines() if line.startswith("|")]
    assert ["parameters", "4,651,600"] in rows  # as the paper's own code has it
    assert ["multiply-adds", "2,640,000 per step"] in rows
    assert ["weights", "float32"] in rows
    assert ["head", "linear: size 10,000", "10,000", "2,010,000", "2,000,000", "0"] in rows
    assert "Zaremba, Sutskever and Vinyals 2014" in body
    assert yaml.safe_load(card_of(model, "ada/lm", None).split("\n---\n")[0]).keys() == {"library_name", "tags"}


@each("name", ["lstm", "deep-speech-2", "gnmt", "open-unmix"])
def test_what_a_card_tells_to_run_does_run(name: str, tmp_path: Path) -> None:
    model = zoo.build(tiny(zoo.load(name)), seed=0)
    folder = tmp_path / name
    model.save_pretrained(folder, repo_id=str(folder))
    (code,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    made: dict[str, Any] = {}
    exec(code, made)
    assert is_same(made["model"], model)


def test_frozen_parameters_are_no_trained_ones() -> None:
    model = zoo.build(
        {"input": 3, "cell": {"kind": "lstm", "frozen": True}, "hidden_size": 2, "head": {"kind": "linear", "size": 5}}
    )
    assert "| parameters | 15 |" in card_of(model, "a/b", None)  # 2 x 5 and 5 of the head
