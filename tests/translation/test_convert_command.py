"""`zoo convert`: from a spec's weights to a file of another library, and back."""

from __future__ import annotations

import os
import resource
import sys
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import cases
import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

import zoo
from zoo.cli.main import app, main
from zoo.errors import ZooError


def told(*words: object) -> list[str]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, Path, zoo.Model]:
    """A spec file, its weights, and the model."""
    source = cases.model({"kind": "lstm", "peephole": True}, dtype=torch.float32)
    spec, weights = tmp_path / "source.yaml", tmp_path / "source.pt"
    spec.write_text(zoo.to_yaml(source.spec), encoding="utf-8")
    torch.save(source.state_dict(), weights)
    return spec, weights, source


@pytest.mark.parametrize(("form", "ending"), [("onnx", ".npz"), ("torchrecurrent", ".pt"), ("zoo", ".pt")])
def test_out_of_the_zoo(saved: tuple[Path, Path, zoo.Model], form: str, ending: str, tmp_path: Path) -> None:
    spec, weights, source = saved
    out = tmp_path / f"out{ending}"
    written = [out, out.with_suffix(".yaml")] if form == "zoo" else [out]
    assert told("convert", spec, "--weights", weights, "--to", form, "-o", out) == [str(path) for path in written]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    expected: Any = zoo.convert(source, form)
    if form == "onnx":
        with np.load(out) as found:
            np.testing.assert_array_equal(found["0.W"], expected[0].inputs["W"])
            np.testing.assert_array_equal(found["0.P"], expected[0].inputs["P"])
    else:
        found = torch.load(out, weights_only=True)
        assert all(torch.equal(found[name], value) for name, value in expected.state_dict().items())


@pytest.mark.parametrize("form", ["onnx", "keras"])
@pytest.mark.parametrize("stack", [{}, {"bidirectional": True, "layers": 2}], ids=str)
def test_there_and_back_through_files(form: str, stack: dict[str, Any], tmp_path: Path) -> None:
    source = cases.model({"kind": "gru"}, **stack)
    spec, weights = tmp_path / "source.yaml", tmp_path / "source.pt"
    spec.write_text(zoo.to_yaml(source.spec), encoding="utf-8")
    torch.save(cases.model({"kind": "gru"}, dtype=torch.float32, **stack).state_dict(), weights)
    told("convert", spec, "--weights", weights, "--to", form, "-o", tmp_path / "a.npz")
    told("convert", tmp_path / "a.npz", "--to", "zoo", "-o", tmp_path / "b.pt")
    back = zoo.build(tmp_path / "b.yaml")
    assert back.spec.name == "b"
    back.load_state_dict(torch.load(tmp_path / "b.pt", weights_only=True))
    with torch.no_grad():
        torch.testing.assert_close(back(cases.inputs().float())[0], source(cases.inputs())[0].float())


@pytest.mark.parametrize(
    "theirs",
    [
        nn.GRU(4, 5, 2, bidirectional=True),
        nn.LSTM(4, 5, proj_size=2),
        nn.LSTM(4, 5, bias=False),
        nn.RNN(4, 5, 3, nonlinearity="relu"),
    ],
    ids=str,
)
def test_into_the_zoo_from_a_state_dict_of_torch(theirs: nn.RNNBase, tmp_path: Path) -> None:
    torch.save(theirs.state_dict(), tmp_path / "theirs.pt")
    words = ("--nonlinearity", "relu") if isinstance(theirs, nn.RNN) else ()
    told("convert", tmp_path / "theirs.pt", "--to", "zoo", "-o", tmp_path / "mine.pt", *words)
    ours = zoo.build(tmp_path / "mine.yaml")
    ours.load_state_dict(torch.load(tmp_path / "mine.pt", weights_only=True))
    x = torch.randn(3, 6, 4)
    torch.testing.assert_close(ours(x)[0], theirs(x.transpose(0, 1))[0].transpose(0, 1))


def test_nothing_is_written_where_something_is_wrong(saved: tuple[Path, Path, zoo.Model], tmp_path: Path) -> None:
    spec, weights, _ = saved
    other = tmp_path / "other.pt"
    torch.save(cases.model({"kind": "gru"}).state_dict(), other)
    (tmp_path / "text.pt").write_text("no weights", encoding="utf-8")
    (tmp_path / "text.npz").write_text("no weights", encoding="utf-8")
    np.savez(tmp_path / "bare.npz", a=np.zeros(3))
    torch.save([1, 2], tmp_path / "list.pt")
    out = tmp_path / "out.npz"
    for words, message in (
        ((spec, "--weights", weights, "--to", "keras", "-o", out), "layers.0: keras has no peepholes"),
        (
            (spec, "--weights", weights, "--to", "onnx", "-o", tmp_path / "out.pt"),
            "out.pt: this is written as .npz, not",
        ),
        (
            (spec, "--weights", weights, "--to", "onnx", "-o", tmp_path / "no" / "out.npz"),
            "cannot be written: No such folder",
        ),
        ((spec, "--weights", other, "--to", "onnx", "-o", out), "other.pt: not the weights of source: "),
        ((spec, "--weights", tmp_path / "none.pt", "--to", "onnx", "-o", out), "none.pt: cannot be read: No such file"),
        (
            (spec, "--weights", tmp_path / "text.pt", "--to", "onnx", "-o", out),
            "text.pt: is not a file of weights that",
        ),
        ((spec, "--weights", tmp_path / "list.pt", "--to", "onnx", "-o", out), "list.pt: holds no state dict, which"),
        ((spec, "--to", "onnx", "-o", out), "--weights are missing: a spec alone has no weights to convert"),
        ((weights, "--weights", weights, "--to", "onnx", "-o", out), "--weights go with a spec; a file of weights has"),
        ((weights, "--to", "onnx", "-o", out), "source.pt: is not the state dict of a torch.nn.RNN, LSTM or GRU alone"),
        (
            (tmp_path / "text.npz", "--to", "zoo", "-o", tmp_path / "o.pt"),
            "text.npz: is not a file that zoo convert wrote",
        ),
        (
            (tmp_path / "bare.npz", "--to", "zoo", "-o", tmp_path / "o.pt"),
            "bare.npz: is not a file that zoo convert wrote",
        ),
        ((spec, "--to", "jax", "-o", out), "--to must be one of zoo, torch, keras, onnx, torchrecurrent, not 'jax'"),
        (
            (weights, "--to", "zoo", "-o", out, "--nonlinearity", "x"),
            "--nonlinearity must be 'tanh' or 'relu', not 'x'",
        ),
    ):
        with pytest.raises(ZooError) as caught:
            told("convert", *words)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "bare.npz", "list.pt", "other.pt", "source.pt", "source.yaml", "text.npz", "text.pt",
    ]  # fmt: skip


def refused(*words: object) -> str:
    with pytest.raises(ZooError) as caught:
        told("convert", *words)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """The weights of a torch.nn.GRU."""
    torch.save(nn.GRU(4, 5).state_dict(), tmp_path / "theirs.pt")
    return tmp_path / "theirs.pt"


def test_nothing_is_overwritten_that_was_not_named(theirs: Path, tmp_path: Path) -> None:
    out, spec = tmp_path / "my.pt", tmp_path / "my.yaml"
    spec.write_text("# written by hand\n", encoding="utf-8")
    message = f"{spec}: exists already: choose another name, or add --force to replace it"
    assert refused(theirs, "--to", "zoo", "-o", out) == message
    assert spec.read_text(encoding="utf-8") == "# written by hand\n"
    assert not out.exists()
    assert told("convert", theirs, "--to", "torch", "-o", out) == [str(out)]  # needs no spec
    before = out.read_bytes()
    assert "my.pt: exists already" in refused(theirs, "--to", "torch", "-o", out)
    assert out.read_bytes() == before
    assert told("convert", theirs, "--to", "zoo", "-o", out, "--force") == [str(out), str(spec)]
    zoo.build(spec).load_state_dict(torch.load(out, weights_only=True))


def test_the_source_is_never_the_output(saved: tuple[Path, Path, zoo.Model], theirs: Path, tmp_path: Path) -> None:
    spec, weights, _ = saved
    (tmp_path / "soft.pt").symlink_to(theirs.name)
    (tmp_path / "hard.pt").hardlink_to(theirs)
    contents = {path: path.read_bytes() for path in (spec, weights, theirs)}
    for words in (
        (theirs, "--to", "torch", "-o", theirs),
        (theirs, "--to", "torch", "-o", tmp_path / "soft.pt"),
        (theirs, "--to", "zoo", "-o", tmp_path / "hard.pt"),
        (tmp_path / "soft.pt", "--to", "torch", "-o", theirs),
        (spec, "--weights", weights, "--to", "torchrecurrent", "-o", weights),
        (spec, "--weights", weights, "--to", "zoo", "-o", tmp_path / "source.pt"),
    ):
        assert "is the same file as" in refused(*words, "--force")
    (tmp_path / "other.pt").write_bytes(contents[weights])
    own = (spec, "--weights", tmp_path / "other.pt", "--to", "zoo", "-o", tmp_path / "source.pt", "--force")
    assert "source.yaml: is the same file as" in refused(*own)  # the spec beside the weights is the spec that is read
    assert {path: path.read_bytes() for path in contents} == contents


def test_what_is_asked_for_and_left_out_is_told(tmp_path: Path) -> None:
    net = nn.ModuleDict({"a": nn.RNN(4, 5), "b": nn.LSTM(4, 5).bfloat16(), "head": nn.Linear(5, 1)})
    file = tmp_path / "net.pt"
    torch.save({"state_dict": net.state_dict()}, file)
    out = tmp_path / "out.npz"
    listed = "holds 2 recurrent modules: state_dict.a, state_dict.b; choose one with --prefix"
    assert refused(file, "--to", "onnx", "-o", out) == f"{file}: {listed}"
    asked = "holds a torch.nn.RNN, and does not say its nonlinearity: add --nonlinearity tanh or relu"
    assert refused(file, "--to", "onnx", "-o", out, "--prefix", "a") == f"{file}: {asked}"
    done = CliRunner().invoke(app, ["convert", str(file), "--to", "onnx", "-o", str(out), "--prefix", "b"])
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [str(out)]
    noted = done.stderr.splitlines()
    assert noted[0].startswith(f"{file}: converted: state_dict.b; left out: state_dict.a.weight_ih_l0, ")
    assert noted[1:] == ["bfloat16 became float32, which holds each number exactly"]


def test_a_full_disk_is_one_line_and_the_old_pair_stays(
    theirs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "my.pt"
    told("convert", theirs, "--to", "zoo", "-o", out)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(sys, "argv", ["zoo", "convert", str(theirs), "--to", "zoo", "-o", str(out), "--force"])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    capsys.readouterr()
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        with pytest.raises(SystemExit) as end:
            main()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert capsys.readouterr().err == f"zoo: {out}: cannot be written: File too large\n"
    assert end.value.code == 2
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_pair_that_is_killed_is_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    """At every second rename and link on the way: what can be loaded belongs together."""
    from zoo.translation import files

    made = [zoo.build(cases.spec({"kind": "lstm"})), zoo.build(cases.spec({"kind": "gru"}, layers=2))]
    out = tmp_path / "my.pt"
    files.save(made[0], out)
    seen = set()
    for at in range(1, 40, 2):
        child = os.fork()
        if not child:
            left = iter(range(at))

            def call(left: Any, original: Any, *args: Any, **keys: Any) -> Any:
                if next(left, None) is None:
                    os._exit(9)
                return original(*args, **keys)

            for name in ("rename", "replace", "link", "symlink", "unlink"):
                setattr(os, name, partial(call, left, getattr(os, name)))
            files.save(made[1], out, force=True)
            os._exit(0)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
            break
        pair = zoo.build(tmp_path / "my.yaml")
        pair.load_state_dict(torch.load(out, weights_only=True))
        seen.add(pair.spec.layers[0].cell.record.name)
        files.save(made[0], out, force=True)
    assert seen == {"lstm", "gru"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my.pt", "my.yaml"]


def test_weights_by_another_ending_and_by_none(tmp_path: Path) -> None:
    for name in ("a.pth", "a.bin", "a.ckpt", "a.PT", "weights"):
        torch.save(nn.GRU(4, 5).state_dict(), tmp_path / name)
        told("convert", tmp_path / name, "--to", "torch", "-o", tmp_path / "out.pt", "--force")
    os.mkfifo(tmp_path / "pipe.yaml")
    assert refused(tmp_path / "pipe.yaml", "--to", "torch", "-o", tmp_path / "b.pt").endswith("is not a regular file")


def test_what_a_spec_extends_is_never_the_output(saved: tuple[Path, Path, zoo.Model], tmp_path: Path) -> None:
    base, weights, _ = saved
    (tmp_path / "deep").mkdir()
    child = tmp_path / "deep" / "child.yaml"
    child.write_text("schema: 1\nname: child\nextends: ../source.yaml\n")
    (tmp_path / "link.yaml").symlink_to(base.name)
    before, held = base.read_bytes(), tmp_path / "w.pt"
    weights.rename(held)
    for name in ("source.pt", "link.pt"):
        said = refused(child, "--weights", held, "--to", "zoo", "-o", tmp_path / name, "--force")
        assert "which is read: choose another name" in said
        assert base.read_bytes() == before
        assert not (tmp_path / name).exists()


@pytest.mark.parametrize(
    ("stem", "name"),
    [("My LSTM (1)", "my-lstm-1"), ("LSTM", "lstm"), ("\N{LATIN SMALL LETTER E WITH ACUTE}", "converted"), ("a\x1b[2Jb\nc", "a-2jb-c"), ("-x_1.5", "x_1.5")],
)  # fmt: skip
def test_any_file_name_gives_a_spec_a_name(stem: str, name: str, tmp_path: Path) -> None:
    torch.save(nn.LSTM(2, 3).state_dict(), tmp_path / "a.pt")
    told("convert", tmp_path / "a.pt", "--to", "zoo", "-o", tmp_path / f"{stem}.pt")
    assert zoo.load(tmp_path / f"{stem}.yaml").name == name


def test_names_out_of_a_file_stay_in_one_line_that_can_be_read(tmp_path: Path) -> None:
    held = {f"m\x1b[2J{i}\nx.{part}_l0": torch.zeros(1, 1) for i in range(3) for part in ("weight_ih", "weight_hh")}
    torch.save(held, tmp_path / "a.pt")
    said = refused(tmp_path / "a.pt", "--to", "zoo", "-o", tmp_path / "b.pt")
    assert "holds 3 recurrent modules: m\\x1b[2J0\\nx, " in said
    assert "\n" not in said
    name = b"m" * 100_000
    with zipfile.ZipFile(tmp_path / "c.pt", "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02c" + name + b"\nx\n.")
    said = refused(tmp_path / "c.pt", "--to", "zoo", "-o", tmp_path / "b.pt")
    assert len(said) < 900 + len(str(tmp_path))
    assert said.endswith('torch.save(model.state_dict(), "weights.pt")')
