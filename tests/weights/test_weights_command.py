"""`zoo load-weights`, and what other commands do with maps and with the files that it writes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from each import each
from torch import nn

import zoo
from zoo.cli.main import main

SPEC = "schema: 1\nname: net\ninput: 4\ncell: lstm\nhidden_size: 5\nhead: {kind: linear, size: 3}\n"
MAP = (
    "weights: 1\nname: net-map\nspec: net.yaml\ntensors:\n  head.linear.{part}: out.{part}\n"
    'recurrent:\n  layers.{i}: {form: torch, module: rnn, layer: "{i}"}\n'
)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTM(4, 5, batch_first=True)
        self.out = nn.Linear(5, 3)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Any:
    """A command in a folder with a spec, a map and a checkpoint: its status, output and errors."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(SPEC)
    (tmp_path / "map.yaml").write_text(MAP)
    torch.manual_seed(0)
    torch.save(Net().state_dict(), "a.pt")

    def command(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["zoo", *words])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return int(end.value.code or 0), out, err

    return command


def test_it_writes_what_load_model_reads(run: Any) -> None:
    assert run("load-weights", "net.yaml", "a.pt", "--map", "map.yaml", "-o", "a.safetensors") == (
        0,
        "a.safetensors\n",
        "",
    )
    torch.manual_seed(0)
    theirs = Net()
    x = torch.randn(2, 6, 4)
    with torch.no_grad():
        torch.testing.assert_close(zoo.load_model("a.safetensors")(x), theirs.out(theirs.rnn(x)[0]), rtol=0, atol=1e-6)
    assert run("load-weights", "a.pt", "--map", "map.yaml", "-o", "b.safetensors")[0] == 0
    assert same("a.safetensors", "b.safetensors")
    assert run("load-weights", "net.yaml", "a.safetensors", "-o", "c.safetensors")[0] == 0
    assert same("a.safetensors", "c.safetensors")


def same(*files: str) -> bool:
    first, second = (zoo.load_model(file) for file in files)
    both = zip(first.state_dict().items(), second.state_dict().items(), strict=True)
    return first.spec == second.spec and all(a == b and torch.equal(x, y) for (a, x), (b, y) in both)


def test_what_was_left_out_is_on_standard_error(run: Any) -> None:
    torch.save({"model": zoo.build("net.yaml").state_dict(), "step": torch.tensor(3)}, "b.pt")
    done = run("load-weights", "net.yaml", "b.pt", "-o", "b.safetensors")
    assert done == (0, "b.safetensors\n", "b.pt: read at 'model'; left out: step\n")


@each(
    ("words", "said"),
    [
        (("net.yaml", "a.pt", "-o", "x.safetensors"), "zoo: a.pt: not the weights of net: missing layers.0.cell"),
        (("net.yaml", "a.pt", "-o", "x.pt"), "zoo: x.pt: a saved model ends in .safetensors"),
        (("net.yaml", "none.pt", "-o", "x.safetensors"), "zoo: none.pt: cannot be read: No such file or directory"),
        (("no-such", "a.pt", "-o", "x.safetensors"), "zoo: unknown spec 'no-such'"),
        (("a.pt", "-o", "x.safetensors"), "zoo: needs a spec and one checkpoint, or one checkpoint and --map"),
        (("net.yaml", "a.pt", "b.pt", "-o", "x.safetensors"), "zoo: needs a spec and one checkpoint"),
        (
            ("a.pt", "--map", "map.yaml", "--set", "hidden_size=6", "-o", "x.safetensors"),
            "zoo: --set changes a spec that",
        ),
        (("a.pt", "--map", "no-map", "-o", "x.safetensors"), "zoo: unknown map 'no-map'"),
        (
            ("a.pt", "--map", "net.yaml", "-o", "x.safetensors"),
            "net.yaml: is not a map of weights, which is a .yaml file",
        ),
        (("a.pt", "--map", "map.yaml", "-o", "no/x.safetensors"), "cannot be written: No such folder: no"),
        (
            ("net.yaml", "a.pt", "--map", "map.yaml", "--set", "hidden_size=6", "-o", "x.safetensors"),
            "the bias is (20,)",
        ),
    ],
)
def test_a_refusal_is_one_line_and_writes_nothing(run: Any, words: tuple[str, ...], said: str) -> None:
    before = sorted(Path().iterdir())
    status, out, err = run("load-weights", *words)
    assert (status, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert sorted(Path().iterdir()) == before


def test_nothing_is_overwritten_unasked(run: Any) -> None:
    words = ("load-weights", "a.pt", "--map", "map.yaml", "-o", "a.safetensors")
    assert run(*words)[0] == 0
    assert "exists already: choose another name, or add --force" in run(*words)[2]
    assert run(*words, "--force")[0] == 0
    own = ("load-weights", "net.yaml", "a.safetensors", "-o", "a.safetensors", "--force")
    assert "is the same file as a.safetensors, which is read" in run(*own)[2]


def test_convert_test_and_summary_take_what_it_writes(run: Any) -> None:
    Path("bare.yaml").write_text(SPEC.replace("head: {kind: linear, size: 3}\n", ""))
    torch.save({name: value for name, value in Net().state_dict().items() if name.startswith("rnn")}, "rnn.pt")
    bare = MAP.replace("tensors:\n  head.linear.{part}: out.{part}\n", "").replace("net.yaml", "bare.yaml")
    Path("bare-map.yaml").write_text(bare)
    assert run("load-weights", "rnn.pt", "--map", "bare-map.yaml", "-o", "rnn.safetensors")[0] == 0
    assert run("convert", "rnn.safetensors", "--to", "torch", "-o", "back.pt") == (0, "back.pt\n", "")
    theirs, back = torch.load("rnn.pt", weights_only=True), torch.load("back.pt", weights_only=True)
    assert all(torch.equal(value, back[name.removeprefix("rnn.")]) for name, value in theirs.items())
    made = zoo.convert(Path("rnn.safetensors"), "torch")
    assert torch.equal(made.weight_hh_l0, theirs["rnn.weight_hh_l0"])
    assert (
        "--prefix is for files that hold several"
        in run("convert", "rnn.safetensors", "--to", "torch", "-o", "x.pt", "--prefix", "a")[2]
    )
    assert run("load-weights", "a.pt", "--map", "map.yaml", "-o", "a.safetensors")[0] == 0
    assert "have no head: leave it out of the spec" in run("convert", "a.safetensors", "--to", "torch", "-o", "x.pt")[2]
    assert "238" in run("summary", "a.safetensors")[1]
    assert run("test", "a.safetensors", "--check", "parameters", "-j", "1")[0] == 0


def test_validate_knows_maps_and_folders_of_both(run: Any) -> None:
    assert run("validate", "map.yaml", "net.yaml")[0] == 0
    assert run("validate", ".")[0] == 0
    Path("map.yaml").write_text(MAP.replace("net.yaml", "nat.yaml"))
    status, out, _ = run("validate", ".")
    assert status == 2
    assert "nat.yaml: no such file" in out
    Path("map.yaml").write_text(MAP.replace("form: torch", "form: tourch"))
    status, out, _ = run("validate", ".")
    assert (
        "map.yaml:7:22: 'form' must be one of torch, keras, onnx, not the text 'tourch'; did you mean 'torch'?" in out
    )
    assert run("test", ".", "--check", "parameters", "-j", "1")[0] == 0  # of specs alone


def test_the_schema_of_maps(run: Any) -> None:
    assert run("schema", "--weights")[1].startswith('{\n  "$schema": "http://json-schema.org/draft-07/schema#"')
