"""How far ours is from the cell's NumPy reference, and an implementation from elsewhere from ours."""

from __future__ import annotations

import numpy as np
import torch
from oracles.copied import Copied, Oracle, copied, record_of, run

from zoo.components import resolve


def wrong(oracle: Oracle) -> float:
    """The largest difference between the outputs of ours and theirs, once ours is found to be the reference's."""
    cell, given = copied(oracle)
    y, _ = run(cell, given, oracle)
    expected = reference(oracle, given)
    np.testing.assert_allclose(y.numpy(), expected, rtol=0, atol=1e-12)
    with torch.no_grad():
        z, _ = oracle.theirs(given)
    assert z.shape == y.shape
    return float((y - z).abs().max())


def reference(oracle: Oracle, given: Copied) -> np.ndarray:
    """The outputs (B, T, ...) of the cell's reference, which starts at the cell's own start."""
    assert not oracle.started
    record = record_of(oracle.kind)
    weights = {name: value.numpy() for name, value in given.p.items()}
    rows = []
    for k, x in enumerate(given.x.numpy()):
        beside = {"dt": given.dt[k].numpy()} if oracle.dt else {}
        rows.append(resolve(record.reference or "")(x, weights, given.options, **beside))
    return np.stack(rows)
