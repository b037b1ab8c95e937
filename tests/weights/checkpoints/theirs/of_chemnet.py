"""fcd_torch: ChemNet on some molecules, as `get_predictions` gives it; what the network is given is noted on the way."""

from __future__ import annotations

import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")  # it would write molecules in one form only with a package that is not needed here
if not hasattr(np, "row_stack"):  # a name that NumPy has dropped
    np.row_stack = np.vstack

from fcd_torch import FCD  # noqa: E402

MOLECULES = (
    "CC(=O)Oc1ccccc1C(=O)O",  # aspirin
    "Cn1cnc2c1c(=O)n(C)c(=O)n2C",  # caffeine
    "CC(C)Cc1ccc(cc1)C(C)C(=O)O",  # ibuprofen
    "CCO",
    "c1ccccc1Cl",
    "CC1(C)S[C@@H]2[C@H](NC(=O)Cc3ccccc3)C(=O)N2[C@H]1C(=O)O",  # penicillin G
    "OC[C@H]1OC(O)[C@H](O)[C@@H](O)[C@@H]1O",  # glucose
    "BrC1=CC=C(C=C1)[N+](=O)[O-]",
)


def main() -> None:
    theirs = FCD(canonize=False)
    given: list[np.ndarray] = []
    theirs.model.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0].numpy()))
    found = theirs.get_predictions(list(MOLECULES))
    np.savez(sys.argv[1], x=given[0].transpose(0, 2, 1), activations=found)


main()
