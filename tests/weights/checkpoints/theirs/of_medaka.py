"""medaka: its consensus models on the counts of a pile of reads, by the package's own module.

The reads are made: a sequence read twenty times in both directions, with errors, counted as the package counts them
(a c g t of the one direction, A C G T of the other, deletions of both, over the depth).
"""

from __future__ import annotations

import sys
import tarfile
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import torch

MODELS = {
    "medaka": "r1041_e82_400bps_sup_v5.2.0",
    "medaka-variant": "r1041_e82_400bps_sup_variant_v5.0.0",
    "medaka-hac": "r1041_e82_400bps_hac_v6.0.0",
    "medaka-hac-variant": "r1041_e82_400bps_hac_variant_v5.0.0",
}


def counts(positions: int = 400, depth: int = 20) -> np.ndarray:
    """Shape (1, T, 10)."""
    random = np.random.default_rng(0)
    bases = random.integers(4, size=positions)
    table = np.zeros((positions, 10))
    for read in range(depth):
        forward = read % 2
        chance = random.random(positions)
        seen = np.where(chance < 0.08, random.integers(4, size=positions), bases)
        column = np.where(chance > 0.95, 8 + forward, 4 * forward + seen)
        covered = slice(*sorted(random.integers(positions + 1, size=2))) if read > 8 else slice(None)
        np.add.at(table, (np.arange(positions)[covered], column[covered]), 1)
    return (table / table.sum(1, keepdims=True)).astype(np.float32)[None]


def main() -> None:
    spec = find_spec("medaka")
    assert spec is not None
    (folder,) = map(Path, spec.submodule_search_locations or ())
    for name in ("medaka", "medaka.architectures"):  # without what reads and writes alignments
        module = ModuleType(name)
        module.__path__ = [str(folder.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = module
    base = ModuleType("medaka.architectures.base_classes")
    base.CountsMatrixModel = torch.nn.Module  # type: ignore[attr-defined]
    sys.modules[base.__name__] = sys.modules["medaka.architectures"].base_classes = base  # type: ignore[attr-defined]
    from medaka.architectures.gru import GRUModel

    x = counts()
    found = {"x": x}
    for name, file in MODELS.items():
        with tarfile.open(folder / "data" / f"{file}_model_pt.tar.gz") as archive:
            archive.extractall(Path(sys.argv[2]) / name, filter="data")
        weights = torch.load(Path(sys.argv[2]) / name / "model" / "weights.pt", map_location="cpu")
        model = GRUModel(gru_size=weights["gru.weight_hh_l0"].shape[1])
        model.load_state_dict(weights, strict=True)
        model.normalise = False  # scores, and not the softmax of them
        with torch.no_grad():
            found[f"scores_{name}"] = model(torch.from_numpy(x)).numpy()
    np.savez(sys.argv[1], **found)


main()
