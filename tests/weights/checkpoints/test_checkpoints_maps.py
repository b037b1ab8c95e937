"""The maps of the library: each can be read, and says whose weights it is of; each is compared with its package."""

from __future__ import annotations

from pathlib import Path

import yaml
from compared import CHECKPOINTS
from each import each

import zoo
from zoo.weights import maps

HERE = Path(__file__).parent
FOLDER = HERE.parents[2] / "specs" / "weights"
PROOFS = yaml.safe_load((HERE / "proofs.yaml").read_text(encoding="utf-8"))
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def test_every_map_is_compared() -> None:
    assert NAMES == sorted(one.name for one in CHECKPOINTS) == sorted(PROOFS)
    for name, entry in PROOFS.items():
        assert entry.keys() == {"how", "difference"}, name
        assert 0 <= entry["difference"] <= 1e-5, name


@each("name", NAMES)
def test_a_map_says_whose_weights_it_is_of(name: str) -> None:
    found = maps.read(name)
    source = found.says.source
    assert found.says.name == name
    assert found.says.description
    assert source is not None
    assert source.package
    assert source.version
    if source.file is not None:
        assert source.sha256
        assert source.licence
    zoo.load(found.spec)
