"""Weights that packages ship, in our models by their maps: on real input both give the same."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from compared import CHECKPOINTS, Arrays, Checkpoint
from fetched import given, installed, packages_root, shared  # noqa: F401

import zoo

pytestmark = pytest.mark.long
MAPS = Path(__file__).parents[3] / "specs" / "weights"
PROOFS = Path(__file__).parent / "proofs.yaml"
ALLOWED = 1e-5


@dataclass(frozen=True)
class Run:
    """What a package gave, and where its weights are."""

    arrays: Arrays
    packages: Path
    folder: Path


@pytest.fixture
def run(checkpoint: Checkpoint, packages_root: Path, shared: Path) -> Run:  # noqa: F811
    """One run of a package for all of its checkpoints."""
    source = says(checkpoint)["source"]
    wanted = (f"{source['package']}=={source['version']}", *checkpoint.beside)
    packages = installed(packages_root, wanted, alone=checkpoint.alone)
    folder = given(shared / "given", checkpoint.script, packages)
    with np.load(folder / "given.npz", allow_pickle=False) as arrays:
        return Run(dict(arrays), packages, folder)


def says(checkpoint: Checkpoint, *wrong: tuple[str, str]) -> dict[str, Any]:
    """The map, or one with some of its lines otherwise."""
    text = (MAPS / f"{checkpoint.name}.yaml").read_text(encoding="utf-8")
    for right, other in wrong:
        assert right in text, right
        text = text.replace(right, other)
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def file_of(checkpoint: Checkpoint, run: Run) -> Path:
    return run.folder / checkpoint.written if checkpoint.written else run.packages / says(checkpoint)["source"]["file"]


def loaded(checkpoint: Checkpoint, run: Run, map: dict[str, Any]) -> Any:
    model = zoo.build(map["spec"], seed=0, **checkpoint.changes)
    return zoo.load_weights(model, file_of(checkpoint, run), map).eval()


def difference(checkpoint: Checkpoint, run: Run, model: Any) -> float:
    """The largest one, over the largest number of theirs."""
    with torch.no_grad():
        pairs = checkpoint.pairs(model, run.arrays)
    for ours, theirs in pairs:
        assert ours.shape == theirs.shape
        assert bool(torch.isfinite(ours).all())
    return max(float((ours - theirs).abs().max() / theirs.abs().max()) for ours, theirs in pairs)


each = pytest.mark.parametrize("checkpoint", CHECKPOINTS, ids=lambda one: one.name)


@each
def test_the_weights_give_what_the_package_gives(checkpoint: Checkpoint, run: Run) -> None:
    model = loaded(checkpoint, run, says(checkpoint))
    found = difference(checkpoint, run, model)
    assert found <= ALLOWED
    if os.environ.get("ZOO_UPDATE_DOCS"):
        text, line = PROOFS.read_text(encoding="utf-8"), rf"(?m)^({checkpoint.name}: .*difference: )[^}}]*"
        PROOFS.write_text(re.sub(line, rf"\g<1>{found:.1e}", text), encoding="utf-8")


@each
def test_it_is_the_file_that_the_map_was_written_for(checkpoint: Checkpoint, run: Run) -> None:
    source = says(checkpoint)["source"]
    if "file" in source:
        file = run.packages / source["file"]
        file = file if file.exists() else file_of(checkpoint, run)
        assert hashlib.sha256(file.read_bytes()).hexdigest() == source["sha256"]
    else:
        assert checkpoint.changes, "weights that nobody ships, of a small model"


@each
def test_no_tensor_is_in_vain(checkpoint: Checkpoint, run: Run) -> None:
    """With one of its axes moved on by a place, each of them gives something else."""
    model = loaded(checkpoint, run, says(checkpoint))
    for name, value in model.state_dict().items():
        kept = value.clone()
        moved = kept.roll(1, 0)
        value.copy_(kept + 1 if torch.equal(moved, kept) else moved)
        assert odd(checkpoint, run, model) > 10 * ALLOWED, name
        value.copy_(kept)


def odd(checkpoint: Checkpoint, run: Run, model: Any) -> float:
    try:
        return difference(checkpoint, run, model)
    except AssertionError:  # other phonemes
        return float("inf")


@each
def test_a_map_with_two_gates_in_each_other_s_place_is_told_apart(checkpoint: Checkpoint, run: Run) -> None:
    right = says(checkpoint)
    wrong = says(checkpoint, *checkpoint.wrong)
    if not checkpoint.wrong:
        wrong["recurrent"] = swapped(right["recurrent"], zoo.build(right["spec"], device="meta"))
    assert wrong != right
    assert odd(checkpoint, run, loaded(checkpoint, run, wrong)) > 100 * ALLOWED


PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def swapped(recurrent: dict[str, Any], model: Any) -> dict[str, Any]:
    """The same cells, with the first two gates of each the other way round."""
    cell = next(part for name, part in model.named_modules() if name.endswith(".cell"))
    gates = cell.weight_ih.shape[0] // cell.weight_hh.shape[1]
    found: dict[str, Any] = {}
    for ours, form in recurrent.items():
        if form["form"] == "onnx":
            changed = {role: turned(form[role], gates * (1 + (role == "B")), gates, 1) for role in "WRB"}
            found[ours] = form | changed
        elif form["form"] == "keras":
            axes = {"kernel": 1, "recurrent_kernel": 1, "bias": 0}
            found[ours] = form | {role: turned(form[role], gates, gates, axis) for role, axis in axes.items()}
        elif "module" not in form:
            found[ours] = form | {part: turned(form[part], gates, gates) for part in PARTS}
        else:
            both = getattr(model.layers[-1], "reverse_cell", None) is not None
            for way, end in (("cell", ""), ("reverse_cell", "_reverse"))[: 1 + both]:
                number = "" if form["layer"] == "none" else f"_l{form['layer']}{end}"
                names = {part: f"{form['module']}.{part}{number}" for part in PARTS}
                line = {part: turned(name, gates, gates) for part, name in names.items()}
                found[f"{ours}.{way}"] = {"form": "torch", **line}
    return found


def turned(name: str, blocks: int, gates: int, axis: int = 0) -> dict[str, Any]:
    order = [block + (1, -1)[block % gates] if block % gates < 2 else block for block in range(blocks)]
    return {"from": name, "do": {"blocks": order, "of": blocks, "axis": axis}}
