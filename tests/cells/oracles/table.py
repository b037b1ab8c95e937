"""All oracles, the packages that they come from, and the registry that is written of them.

From tests/cells, `python -m oracles.table` writes oracles.json anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from oracles import (
    of_fla,
    of_keras,
    of_large,
    of_mended,
    of_mingru,
    of_ncps,
    of_parts,
    of_reservoirpy,
    of_rwkv,
    of_scipy,
    of_small,
    of_sru,
    of_torch,
    of_torchrecurrent,
    of_xlstm,
)
from oracles.copied import Oracle

REGISTRY: Final = Path(__file__).parents[1] / "oracles.json"

ORACLES: Final[tuple[Oracle, ...]] = (
    *of_torch.ORACLES,
    *of_torchrecurrent.ORACLES,
    *of_mended.ORACLES,
    *of_parts.ORACLES,
    *of_ncps.ORACLES,
    *of_mingru.ORACLES,
    *of_scipy.ORACLES,
    *of_keras.ORACLES,
    *of_xlstm.ORACLES,
    *of_sru.ORACLES,
    *of_fla.ORACLES,
    *of_reservoirpy.ORACLES,
    *of_small.ORACLES,
    *of_rwkv.ORACLES,
    *of_large.ORACLES,
)

VERSIONS: Final = {
    "torch": "2.13.0",
    "torchrecurrent": "0.2.5",
    "ncps": "1.0.1",
    "minGRU-pytorch": "0.2.1",
    "scipy": "1.17.1",
    "keras": "3.15.1",
    "xlstm": "2.0.6",
    "sru": "2.6.0",
    "fla-core": "0.6.0",
    "reservoirpy": "0.4.2",
    "LRU-pytorch": "0.1.3",
    "mogrifier": "0.0.5",
    "linoss-dynamics": "0.2.2",
    "mambapy": "1.2.0",
    "torchdiffeq": "0.2.5",
    "pypots": "1.5",
    "rwkv": "0.8.32",
    "transformers": "5.24.0",
    "speechbrain": "1.1.2",
    "allennlp": "2.10.1",
}
"""Packages and the version that each was compared with."""

OPTIONAL: Final = frozenset({"allennlp", "pypots", "rwkv", "speechbrain", "transformers"})
"""Packages that the development extra does not bring, since each brings many others. Their modules are called as they are."""


WITHOUT: Final = {
    "elstm": "no package has it",
    "mclstm": "neuralhydrology's has other normalisations and one norm for a whole batch; torchrecurrent's MCLSTM is "
    "memory-control-lstm here",
    "on-lstm": "packages have it for releases of Keras that are gone",
    "phased-lstm": "packages have it for releases of Keras and TensorFlow that are gone",
    "plrnn": "no package has it",
    "rssm": "packages have the core of DreamerV3's first version, without blocks",
    "st-lstm": "no package has it",
}
"""Cells that no package on the index has, or none that is right or that can still be run, each with its reason."""


def registered() -> dict[str, Any]:
    """The registry: for each cell its first oracle, and under `also` those of its other options or other packages."""
    found: dict[str, Any] = {}
    for oracle in ORACLES:
        entry = {
            "package": oracle.package,
            "version": VERSIONS[oracle.package],
            "what": oracle.what,
            "tolerance": oracle.tolerance,
        }
        if oracle.kind in found:
            found[oracle.kind].setdefault("also", []).append(entry)
        else:
            found[oracle.kind] = entry
    return dict(sorted(found.items()))


if __name__ == "__main__":
    REGISTRY.write_text(json.dumps(registered(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
