"""Every published model of the library is held to its source: the same weights, the same output, ragged batches too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
import yaml
from of_awd import CASES as AWD
from of_checkpoints import CASES as CHECKPOINTS
from of_convolutions import CASES as CONVOLUTIONS
from of_convolved import CASES as CONVOLVED
from of_crdnn import CASES as CRDNN
from of_fla import CASES as FLA
from of_goose import CASES as GOOSE
from of_heads import CASES as HEADS
from of_keras import CASES as KERAS
from of_language import CASES as LANGUAGE
from of_letters import CASES as LETTERS
from of_light import CASES as LIGHT
from of_onnx import CASES as ONNX
from of_others import CASES as OTHERS
from of_rivers import CASES as RIVERS
from of_rwkv import CASES as RWKV
from of_sentences import CASES as SENTENCES
from of_sequences import CASES as SEQUENCES
from of_series import CASES as SERIES
from of_sharing import CASES as SHARING
from of_speech import CASES as SPEECH
from of_state_space import CASES as STATE_SPACE
from of_tagging import CASES as TAGGING
from of_words import CASES as WORDS
from of_worlds import CASES as WORLDS
from of_xlstm import CASES as XLSTM
from packages.table import HELD, registered
from proving import Case, gives_the_same, no_weight_is_in_vain, others_are_told_apart

import zoo
from zoo.plugin.manager import isolated
from zoo.spec import library

ROOT = Path(__file__).parents[2]
REGISTRY = yaml.safe_load((Path(__file__).parent / "proofs.yaml").read_text(encoding="utf-8"))
SPECS = {path.stem: path for path in (ROOT / "specs").rglob("*.yaml") if path.parent.name not in ("cells", "weights")}
ALLOWED = {"reference": (torch.float64, 1e-10), "runtime": (torch.float32, 1e-5)}

PARTS = (
    *(AWD, CHECKPOINTS, CONVOLUTIONS, CONVOLVED, CRDNN, FLA, HEADS, KERAS, LANGUAGE, LETTERS, LIGHT, ONNX, OTHERS),
    *(GOOSE, RIVERS, RWKV, SENTENCES, SEQUENCES, SERIES, SHARING, SPEECH, STATE_SPACE, TAGGING, WORDS, WORLDS, XLSTM),
)
CASES: dict[str, Case] = {name: case for part in PARTS for name, case in part.items()}
each = pytest.mark.parametrize("name", CASES)


@each
def test_a_model_gives_what_its_source_gives(name: str) -> None:
    gives_the_same(name, CASES[name])


@each
def test_no_weight_is_mapped_in_vain(name: str) -> None:
    no_weight_is_in_vain(name, CASES[name])


@each
def test_another_model_of_the_same_shapes_is_not_taken_for_it(name: str) -> None:
    others_are_told_apart(name, CASES[name])


def test_every_spec_is_in_the_registry_and_every_proof_has_its_tests() -> None:
    assert set(REGISTRY) == set(SPECS)
    assert {entry["proof"] for entry in REGISTRY.values()} <= {*ALLOWED, "cell", "count"}
    proved = {name for name, entry in REGISTRY.items() if entry["proof"] in ALLOWED and "tests" not in entry}
    for name, entry in REGISTRY.items():
        if "tests" in entry:  # of several stacks, in a file of their own
            assert re.search(rf'["/]{name}"', (Path(__file__).parent / entry["tests"]).read_text(encoding="utf-8")), (
                name
            )
    models = {
        name if variant is None else f"{name}@{variant}"
        for name in proved
        for variant in library.read_all(name, isolated())
    }
    assert set(CASES) == models
    for name, case in CASES.items():
        assert (case.dtype, case.allowed) == ALLOWED[REGISTRY[name.partition("@")[0]]["proof"]], name


def test_packages_are_those_of_their_tests() -> None:
    """And a package that has a model is asked about each variant that is proved."""
    assert {name: entry["package"] for name, entry in REGISTRY.items() if "package" in entry} == registered()
    names = {held.model.partition("@")[0] for held in HELD}
    assert {held.model for held in HELD} == {name for name in CASES if name.partition("@")[0] in names}
    for name, held in {held.model: held for held in HELD}.items():
        assert (held.case.dtype, held.case.allowed) in ALLOWED.values(), name


def test_a_count_without_a_proof_has_a_reason() -> None:
    for name, entry in REGISTRY.items():
        wanted = {"cell": set(), "count": {"reason"}}.get(entry["proof"], {"source"})
        assert set(entry) - {"tests", "package"} == {"proof"} | wanted, name
        assert all(str(entry[key]).strip() for key in wanted), name
        if entry["proof"] == "cell":  # of one cell and nothing that a published model has
            assert {"practical", "cell"} & set(zoo.load(SPECS[name]).tags), name


@pytest.mark.parametrize("name", sorted(name for name, entry in REGISTRY.items() if entry["proof"] != "cell"))
def test_a_published_model_names_its_count_paper_and_source(name: str) -> None:
    for variant, found in library.read_all(SPECS[name], isolated()).items():
        assert found.spec.expect is not None, f"{name}@{variant} expects no number of parameters"
        assert found.spec.description, name
        assert found.spec.paper, name
        assert found.spec.tags, name
    if SPECS[name].parent.name != "specs":
        comment = " ".join(re.findall(r"^# (.*)", SPECS[name].read_text(encoding="utf-8"), re.MULTILINE)[1:])
        assert len(comment) > 100, "where the count comes from, and what was assumed"
