"""Hostile checkpoints, saved models and maps: one line each, soon, in little memory; the model stays as it was, nothing runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import hostile
import hostile_weights
import pytest
import torch
from each import each
from hostile_tensors import BIAS, FIRST, SECOND, tensors
from hostile_weights import FILES, LEGAL
from loading import SPEC, Loader, Outcome
from safetensors import safe_open
from safetensors.torch import save_file

import zoo
from zoo.spec.saved import ABOUT
from zoo.spec.saved import SPEC as WRITTEN

GIBIBYTE: Final = 2**20
"""In KiB."""


@pytest.fixture(scope="module")
def loader() -> Iterator[Loader]:
    with Loader() as made:
        yield made


@pytest.fixture(autouse=True)
def _within(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where code in a file would leave its mark


def held(found: Outcome, folder: Path, place: str = "") -> None:
    """One line; of a map with mistakes one for each, which begins with its place, above the line that it points into."""
    assert not (folder / hostile.CANARY).exists(), "its code was run"
    assert found.kind in ("ZooError", "SpecError", "BuildError"), found
    assert found.same, "the model was changed"
    assert found.seconds < 2, found
    assert found.memory < GIBIBYTE, found
    said = [line for line in found.text.splitlines() if not line.startswith("  ")]
    if found.kind == "SpecError" and place:
        assert all(line.startswith(place) for line in said), found.text
    else:
        assert len(said) == 1, found.text
    assert "\x1b" not in found.text
    assert max(map(len, found.text.splitlines())) < 1500 or place


@each("name", FILES)
def test_a_hostile_checkpoint_is_one_line(name: str, loader: Loader, tmp_path: Path) -> None:
    make, said = FILES[name]
    make(tmp_path / name)
    found = loader.load(tmp_path / name)
    held(found, tmp_path)
    assert "\n" not in found.text
    assert said in found.text


@each("name", LEGAL)
def test_an_unusual_one_is_right(name: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    LEGAL[name](tmp_path / "in" / name)
    model = zoo.load_weights(zoo.build(SPEC, seed=1), tmp_path / "in" / name)
    assert all(torch.equal(value, tensors()[key]) for key, value in model.state_dict().items())
    assert not list(tmp_path.rglob(hostile.CANARY))


def test_there_are_many_of_every_format() -> None:
    tables = ("SAFETENSORS", "PIECES", "TORCH", "NPZ", "ONNX", "KERAS")
    counts = [len(getattr(hostile_weights, name)) for name in tables]
    assert min(counts) >= 15, counts
    assert sum(counts) == len(FILES) > 100


FORMS: Final[dict[str, Any]] = {
    **{key: {"form": "torch", "module": "", "layer": "0"} for key in ("pt", "pkl", "safetensors")},
    "onnx": {"form": "onnx", "W": "W", "R": "R", "B": "B"},
    "npz": {"form": "keras", "kernel": "0.0", "recurrent_kernel": "0.1", "bias": "0.2"},
    "keras": {
        "form": "keras",
        **{
            role: f"layers/lstm/cell/vars/{number}"
            for number, role in enumerate(("kernel", "recurrent_kernel", "bias"))
        },
    },
    "h5": {"form": "keras", **{role: f"model_weights/rnn/rnn/{role}" for role in ("kernel", "recurrent_kernel", "bias")}},
}  # fmt: skip
OTHERS: Final = dict(hostile.all_files())


@pytest.mark.long
@each("name", sorted(OTHERS))
def test_what_is_hostile_to_convert_is_so_here(name: str, loader: Loader, tmp_path: Path) -> None:
    """Most are refused; what is whole all the same is loaded."""
    OTHERS[name](tmp_path / name)
    map = {"spec": "a.yaml", "recurrent": {"layers.0": FORMS[name.rpartition(".")[2]]}}
    found = loader.load(tmp_path / name, map, spec={**SPEC, "cell": "lstm"})
    assert not (tmp_path / hostile.CANARY).exists()
    if found.kind or name.startswith("damaged-cut"):
        held(found, tmp_path)


# Maps

HEAD: Final = "weights: 1\nname: a\nspec: a.yaml\n"
REST: Final = f"  {SECOND}: b\n  {BIAS}: b\n  layers.0.cell.bias_hh: b\n"
MAPS: Final = (
    ("tensors:\n  a: {frm: b}\n", "a.yaml:5:7: unknown key 'frm'"),
    ("tensors:\n  a: &a [*a]\n", "a.yaml:5:6"),
    ("tensors:\n  a: {{{{{{{{\n", "a.yaml:"),
    ("tensors:\n  a.{x}{y}: b\n", "a.yaml:5:13: a name of ours must have something between two places"),
    ("tensors:\n  a.{a}_{b}_{c}_{d}_{e}_{f}: b\n", "a.yaml:5:30: a name of ours must have at most 3 places"),
    ("tensors:\n" + "".join(f"  a{n}.{{i}}: b\n" for n in range(600)), "must have at most 500 lines with places"),
    ("tensors:\n" + "".join(f"  a{n}: b\n" for n in range(6000)), "must be a mapping of names"),
    ("tensors:\n" + "".join(f"  a{n}: b{n}\n" for n in range(5000)), "no part of the model fits"),
    ("tensors:\n  layers.{i}.no.{name}: '{name}'\n", "a.yaml:5"),
    (f"tensors:\n  {FIRST}: {{from: b, do: {{slice: [0, 9999], axis: 1}}}}\n{REST}", "a.yaml:5): slice [0, 9999]"),
    (f"tensors:\n  {FIRST}: {{from: b, do: {{reshape: [7, 7]}}}}\n{REST}", "a.yaml:5): reshape does not fit"),
    (f"tensors:\n  {FIRST}: {{from: b, do: {{transpose: [0, 0]}}}}\n{REST}", "a.yaml:5): transpose does not fit"),
    (f"tensors:\n  {FIRST}: {{from: b, do: {{take: [99]}}}}\n{REST}", "a.yaml:5): take does not fit"),
    (f"tensors:\n  {FIRST}: {{from: b, do: {{blocks: [0, 1], of: 5}}}}\n{REST}", "a.yaml:5): axis 0 of the shape"),
    (
        f"tensors:\n  {FIRST}: {{from: b, do: [{{take: [{'0, ' * 5000}0]}}, {{take: [{'0, ' * 5000}0], axis: 1}}]}}\n{REST}",
        "a.yaml:5): take makes 25,010,001 numbers",
    ),
    (
        f"tensors:\n  {FIRST}: {{join: [{('{from: b, do: {take: [' + '0, ' * 900 + '0]}}, ') * 40}b]}}\n{REST}",
        f"{FIRST} would be",
    ),
    (f"tensors:\n  {FIRST}: {{value: 1.0e+999}}\n{REST}", "a.yaml:5"),
    (f"tensors:\n  {FIRST}: '{{i}}'\n{REST}", "{i} stands in no place"),
    ("tensors:\n  '{a}.{i}.{c}.{d}': '{i-9}'\n", "{i-9} is -9 where i is 0"),
    (f"tensors:\n  {FIRST}: b\n{REST}leave_out: ['{'*a' * 200}b']\n", "does not fit net by the map a"),
)  # fmt: skip


@each(("text", "said"), MAPS)
def test_a_hostile_map_is_refused_at_its_line(text: str, said: str, loader: Loader, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(HEAD + text)
    save_file({"b": torch.zeros(4, 5), "a" * 20_000: torch.zeros(1)}, tmp_path / "a.safetensors")
    found = loader.load(tmp_path / "a.safetensors", str(path))
    held(found, tmp_path, f"{path}:")
    assert said in found.text


# Saved models


def about(**keys: Any) -> Callable[[dict[str, Any], dict[str, str]], None]:
    def change(_: dict[str, Any], metadata: dict[str, str]) -> None:
        metadata[ABOUT] = json.dumps({**json.loads(metadata[ABOUT]), **keys})

    return change


def spec(old: str, new: str) -> Callable[[dict[str, Any], dict[str, str]], None]:
    def change(_: dict[str, Any], metadata: dict[str, str]) -> None:
        assert old in metadata[WRITTEN], metadata[WRITTEN]
        metadata[WRITTEN] = metadata[WRITTEN].replace(old, new).partition("expect")[0]

    return change


SAVED: Final = (
    (spec("hidden_size: 4", "hidden_size: 20000"), "are not those of its spec"),
    (spec("hidden_size: 4", "hidden_size: 1000000000"), ""),
    (spec("hidden_size: 4", "hidden_size: 1" + "0" * 30), ""),
    (spec("recurrent-zoo/gru", "zoo-nowhere/gru"), "zoo-nowhere"),
    (about(shared={FIRST: SECOND}), "which it holds itself"),
    (about(shared={"a": "b", "b": "a"}), "which it does not hold"),
    (about(shared={"a": ["b"]}), "shared or complex"),
    (about(complex=[[FIRST]]), "shared or complex"),
    (about(complex=[FIRST]), "no tensor of complex numbers"),
    (lambda held, _: held.update({FIRST: torch.zeros(12, 3, dtype=torch.int64)}), f"{FIRST} is int64, of another kind"),
    (lambda held, _: held.update({FIRST: torch.zeros(12, 3).bool()}), f"{FIRST} is bool, of another kind"),
    (lambda held, _: held.update({FIRST: torch.zeros(12, 3).to(torch.float8_e4m3fn)}), "float8_e4m3fn, of another kind"),
    (lambda held, _: held.update({FIRST: torch.zeros(12, 3, dtype=torch.complex64)}), "complex64, of another kind"),
    (lambda held, _: held.update({"a\nb\x1b[2J": torch.zeros(1)}), r"unused a\nb\x1b[2J"),
)  # fmt: skip


@each(("change", "said"), SAVED)
def test_a_hostile_saved_model_is_one_line(change: Any, said: str, loader: Loader, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    zoo.save(zoo.build(SPEC, seed=0), path)
    with safe_open(path, framework="pt") as file:
        held_there = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    change(held_there, metadata)
    save_file(held_there, path, metadata)
    found = loader.model(path)
    held(found, tmp_path)
    assert said in found.text
    for command in ("summary", "test"):
        done = loader.command(command, path)
        assert "Traceback" not in done.text, (command, done)
        assert done.seconds < 10, (command, done)
    converted = loader.command("convert", path, "--to", "torch", "-o", "o.pt")
    assert converted.kind == "2", converted
    assert "Traceback" not in converted.text


def test_a_small_file_of_a_large_model_takes_no_memory(loader: Loader, tmp_path: Path) -> None:
    """Every layer is said to be the first one: 400 megabytes of a model in a file of two."""
    layers = [{"cell": "gru", "hidden_size": 300}] * 200
    source = zoo.build({"name": "net", "input": 300, "layers": layers}, device="meta")
    names = {name: tuple(one.shape) for name, one in source.state_dict().items()}
    first = {name: torch.zeros(shape) for name, shape in names.items() if name.startswith("layers.0.")}
    shared = {name: f"layers.0.{name.split('.', 2)[2]}" for name in names if name not in first}
    zoo.save(zoo.build(SPEC, seed=0), tmp_path / "a.safetensors")
    with safe_open(tmp_path / "a.safetensors", framework="pt") as file:
        metadata = file.metadata()
    from zoo.spec.dump import to_yaml

    said = {**json.loads(metadata[ABOUT]), "shared": shared}
    save_file(first, tmp_path / "m.safetensors", {**metadata, WRITTEN: to_yaml(source.spec), ABOUT: json.dumps(said)})
    found = loader.model(tmp_path / "m.safetensors")
    held(found, tmp_path)
    assert "crafted to exhaust memory" in found.text


@each(
    "name",
    ["header-length.safetensors", "header-flood.safetensors", "header-deep.safetensors", "shape-huge.safetensors"],
)
def test_every_command_that_takes_a_saved_model_refuses_it_in_one_line(
    name: str, loader: Loader, tmp_path: Path
) -> None:
    FILES[name][0](tmp_path / name)
    for words in (
        ("summary", name),
        ("test", name),
        ("convert", name, "--to", "torch", "-o", "out.pt"),
        ("load-weights", "gru", name, "-o", "out.safetensors"),
    ):
        found = loader.command(*words)
        assert found.kind == "2", (words, found)
        assert found.text.count("\n") == 1, (words, found.text)
        assert "Traceback" not in found.text
        assert found.memory < GIBIBYTE
        assert found.seconds < 2, words
    assert [path.name for path in tmp_path.iterdir()] == [name]
