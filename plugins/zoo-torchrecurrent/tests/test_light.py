"""Listing, validating and describing cost no torch."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
import zoo, zoo_torchrecurrent
from zoo.testing import tiny_spec
cells = zoo_torchrecurrent.zoo_cells()
spec = tiny_spec("tr-lem")
assert zoo.describe(spec).parameters == 4 * 7 * 5 + 4 * 7 * 7 + 8 * 7, zoo.describe(spec).parameters
print(len(cells), sorted({"torch", "numpy", "torchrecurrent"} & set(sys.modules)))
"""


def test_torch_waits_for_a_model():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.stdout.split(maxsplit=1) == ["41", "[]\n"], done.stderr
