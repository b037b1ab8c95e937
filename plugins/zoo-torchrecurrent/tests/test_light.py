"""Listing, validating and describing cost no torch."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

import zoo
from zoo.testing import tiny_spec

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


@pytest.mark.parametrize(("key", "most"), [("cell", 1_000_000), ("layer", 100_000)])
def test_a_delay_that_takes_a_tensor_for_each_step_is_bounded(key, most):
    def spec(delay):
        chosen = {"kind": "tr-taugru", "delay": delay}
        if key == "cell":
            return tiny_spec(chosen, input=4, hidden_size=4)
        layers = [{"cell": "gru", "hidden_size": 4}, {**chosen, "hidden_size": 4}]
        return zoo.load({"schema": 1, "name": "a", "input": 4, "layers": layers})

    zoo.summary(spec(100))  # torch and its readiness
    began = time.process_time()
    assert zoo.summary(spec(most)).parameters > 0
    assert time.process_time() - began < 3
    for delay in (most + 1, 10**9, 10**18):
        with pytest.raises(zoo.ZooError, match=f"'delay' must be at most {most}, not {delay}"):
            spec(delay)
