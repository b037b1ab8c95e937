"""MHCnuggets: its model of HLA-A02:01 on peptides that this molecule is known to present, and on others, by Keras."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np

# It asks TensorFlow for its Keras: here that is Keras itself.
sys.modules["tensorflow"] = tensorflow = ModuleType("tensorflow")
tensorflow.keras = keras  # type: ignore[attr-defined]
for name in ("models", "layers", "metrics", "backend", "optimizers"):
    sys.modules[f"tensorflow.keras.{name}"] = getattr(keras, name)
sys.modules["tensorflow.keras"] = keras

from mhcnuggets.src.aa_embeddings import MASK_VALUE, MHCI_MASK_LEN, NUM_AAS  # noqa: E402
from mhcnuggets.src.dataset import mask_peptides, tensorize_keras  # noqa: E402
from mhcnuggets.src.models import mhcnuggets_lstm  # noqa: E402

PEPTIDES = (
    *("GILGFVFTL", "NLVPMVATV", "GLCTLVAML", "ELAGIGILTV", "LLWNGPMAV", "SLLMWITQC", "YLQPRTFLL", "KLVALGINAV"),
    *("AAAAAAAA", "KKKKKKKKKKK", "WPWPWPWPW", "DEDEDEDED", "GLCTLVAMLGGGGG", "MSKGEELFT"),
)


def main() -> None:
    spec = find_spec("mhcnuggets")
    assert spec is not None
    (folder,) = map(Path, spec.submodule_search_locations or ())
    model = mhcnuggets_lstm((MHCI_MASK_LEN, NUM_AAS))
    model.load_weights(folder / "saves" / "production" / "HLA-A02:01_BA_to_HLAp.h5")
    masked, _ = mask_peptides(list(PEPTIDES), max_len=MHCI_MASK_LEN)
    x = np.asarray(tensorize_keras(masked, embed_type="softhot"), np.float32)
    lengths = (x != MASK_VALUE).all(2).sum(1)
    assert lengths.tolist() == [len(one) for one in PEPTIDES]
    found = keras.ops.convert_to_numpy(model(x, training=False))
    x[x == MASK_VALUE] = 0
    np.savez(sys.argv[1], x=x, lengths=lengths, strengths=found)


main()
