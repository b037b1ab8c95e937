"""Checkpoints of one small model that are whole but for one thing, of every format: what is wrong, and what is said of it."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import torch
from hostile import put, safetensors_bytes, torch_bytes
from hostile_keras import KERAS, LAMBDA, h5, keras
from hostile_numpy import NPZ, npz
from hostile_onnx import ONNX, onnx
from hostile_pieces import ONE, PIECES, RIGHT, TWO, pieces
from hostile_safetensors import SAFETENSORS
from hostile_tensors import FIRST, SECOND, Maker, Rows, arrays, tensors
from hostile_torch import TORCH, WHOLE


def recorded() -> OrderedDict[str, Any]:
    """A state dict beside which stands a list of lists of lists, small in the file and endless in words."""
    state: Any = OrderedDict(tensors())
    laughs: Any = []
    for _ in range(24):
        laughs = [laughs, laughs]
    state._metadata = OrderedDict({"": {"version": 1, "zoo": {"distributions": laughs}}})
    return state  # type: ignore[no-any-return]


def _views() -> list[torch.Tensor]:
    """All tensors as views of one storage, one behind the other."""
    whole = torch.cat([one.reshape(-1) for one in tensors().values()])
    return [part.view(one.shape) for part, one in zip(whole.split([36, 48, 12, 12]), tensors().values(), strict=True)]


FILES: Rows = {**SAFETENSORS, **PIECES, **TORCH, **NPZ, **ONNX, **KERAS}
LEGAL: dict[str, Maker] = {
    "whole.safetensors": put(safetensors_bytes(tensors())),
    "whole.index.json": pieces(RIGHT, one=ONE, two=TWO),
    "whole.pt": put(WHOLE),
    "turned.pt": put(torch_bytes(tensors(weight_ih=tensors()[FIRST].T.contiguous().T))),
    "shared-storage.pt": put(torch_bytes(dict(zip(tensors(), _views(), strict=True)))),
    "record.pt": put(torch_bytes(recorded())),
    "whole.npz": npz(),
    "fortran.npz": npz(weight_ih=np.asfortranarray(arrays()[FIRST])),
    "big-endian.npz": npz(weight_ih=arrays()[FIRST].astype(">f4"), weight_hh=arrays()[SECOND].astype(">f8")),
    "whole.onnx": onnx(),
    "whole.h5": put(h5()),
    "big-endian.h5": put(h5(weight_ih=arrays()[FIRST].astype(">f4"))),
    "zip-slip.keras": keras(h5(), **{"../../canary": b"x", "/tmp/canary": b"x"}),
    "lambda.keras": keras(h5(), LAMBDA),
}
"""What is unusual and right."""
