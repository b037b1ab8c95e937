"""Modules of packages too large to install for them alone: transformers, speechbrain and allennlp."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from oracles.copied import DOUBLE, Copied, Numbers, Oracle, doubled, loaded, source


def rglru(given: Copied) -> Numbers:
    """Position 0 is a first step, so that positions start there where ours starts and it forgets what stood before."""
    from transformers.models.recurrent_gemma.modeling_recurrent_gemma import RecurrentGemmaRglru

    class Doubled(RecurrentGemmaRglru):  # type: ignore[misc]
        def _rnn_scan(self, **keys: Any) -> Any:
            return super()._rnn_scan(**keys, acc_dtype=DOUBLE)

    heads = given.options.heads
    module = Doubled(SimpleNamespace(num_attention_heads=heads, lru_width=given.hidden))
    weights = {"recurrent_param": given.p["Lambda"]}
    for theirs, ours in (("input_gate", "x"), ("recurrent_gate", "a")):
        weights[f"{theirs}_weight"] = given.p[f"weight_{ours}"]
        weights[f"{theirs}_bias"] = given.p[f"bias_{ours}"].view(heads, -1)
    loaded(module, weights)
    positions = torch.arange(given.x.shape[1]).expand(given.x.shape[:2])
    y = module(given.x, positions)
    return y, {"h": module.recurrent_states}


class _Carried:
    """What its mixer takes for a cache: nothing before the convolution, and a state to begin with."""

    def __init__(self, state: Tensor) -> None:
        self.state = state

    def get_conv_state(self, layer: int, state_idx: int) -> None:
        return None

    def get_recurrent_state(self, layer: int, state_idx: int) -> Tensor:
        return self.state

    def is_recording_past(self, layer: int) -> bool:
        return False

    def update_conv_state(self, seen: Tensor, layer: int, conv_kernel_size: int) -> Tensor:
        return seen

    def update_recurrent_state(self, state: Tensor, layer_idx: int) -> None:
        self.state = state


def mamba2(given: Copied) -> Numbers:
    """Its mixer in chunks, whose last product is set to the identity."""
    from transformers import Mamba2Config
    from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer

    width, chosen = given.x.shape[2], given.options
    config = Mamba2Config(
        hidden_size=width,
        expand=given.hidden // width,
        num_heads=chosen.heads,
        head_dim=given.hidden // chosen.heads,
        state_size=chosen.state_size,
        n_groups=chosen.groups,
        conv_kernel=chosen.kernel,
        chunk_size=4,
        num_hidden_layers=1,
        vocab_size=2,
    )
    mixer = Mamba2Mixer(config, 0)
    mixer.out_proj = torch.nn.Identity()
    names = {"in_proj": "in_proj.weight", "conv_bias": "conv1d.bias", "norm_weight": "norm.weight"}
    names |= {name: name for name in ("dt_bias", "A_log", "D")}
    weights = {theirs: given.p[ours] for ours, theirs in names.items()}
    loaded(mixer, {**weights, "conv1d.weight": given.p["conv_weight"][:, None]})
    carried = _Carried(given.start["h"])
    with doubled():
        y = mixer(given.x, carried)
    return y, {"h": carried.state}


def clipped(given: Copied) -> Numbers:
    """The LSTM of ELMo, by those who wrote it in TensorFlow; its rows are ours."""
    without = ("allennlp.nn.util", "allennlp.nn.initializers")
    chosen, size = given.options, given.x.shape[2]
    module = source("allennlp", "modules/lstm_cell_with_projection.py", without=without).LstmCellWithProjection(
        size,
        chosen.projection,
        given.hidden,
        memory_cell_clip_value=chosen.cell_clip,
        state_projection_clip_value=chosen.proj_clip,
    )
    names = {"input_linearity.weight": "weight_ih", "state_linearity.weight": "weight_hh"}
    names |= {"state_linearity.bias": "bias", "state_projection.weight": "weight_hr"}
    loaded(module, {theirs: given.p[ours] for theirs, ours in names.items()})
    start = given.start["h"][None], given.start["c"][None]
    y, (h, c) = module(given.x, [given.x.shape[1]] * len(given.x), start)
    return y, {"h": h[0], "c": c[0]}


def _speechbrain() -> ModuleType:
    """Its file of recurrent layers, without the attention and the logging that others of them need."""
    return source("speechbrain", "nnet/RNN.py", without=("speechbrain.nnet.attention", "speechbrain.utils.logger"))


def ligru(given: Copied) -> Numbers:
    """Its blocks stand the other way round."""

    def turned(name: str) -> Tensor:
        z, h = given.blocks(name, 2)
        return torch.cat([h, z])

    layer = _speechbrain().LiGRU_Layer(given.x.shape[2], given.hidden, 1, len(given.x))
    weights = {"w.weight": turned("weight_ih"), "u.weight": turned("weight_hh")}
    weights |= {name: turned(name) for name in given.p if name.startswith("norm.") and given.p[name].dim()}
    weights["norm.num_batches_tracked"] = given.p["norm.num_batches_tracked"]
    kept = {name: layer.state_dict()[name] for name in ("h_init", "drop_masks", "drop_mask_te")}
    y = loaded(layer, {**kept, **weights})(given.x, given.start["h"])
    return y, {"h": y[:, -1]}


def qrnn(given: Copied) -> Numbers:
    """Its gates see the present input alone, its f is 1 − ours, and what it calls its last state is the last row's."""
    layer = _speechbrain().QuasiRNNLayer(given.x.shape[2], given.hidden, bidirectional=False)
    weights = {}
    for theirs, ours in (("w.weight", "weight_ih"), ("w.bias", "bias")):
        z, f, o = given.blocks(ours, 3)
        weights[theirs] = torch.cat([z, -f, o])
    return loaded(layer, weights)(given.x, given.start["c"])[0], {}


ORACLES = (
    *(
        Oracle(
            "mamba2",
            "transformers",
            f"transformers' Mamba2Mixer, groups of heads: {groups}",
            mamba2,
            {"heads": 4, "groups": groups, "state_size": 3, "kernel": 3},
            hidden=8,
        )
        for groups in (1, 2)
    ),
    Oracle(
        "rglru",
        "transformers",
        "transformers' RecurrentGemmaRglru",
        rglru,
        {"heads": 2},
        6,
        hidden=6,
        started=False,
    ),
    Oracle(
        "ligru",
        "speechbrain",
        "speechbrain.nnet.RNN.LiGRU_Layer",
        ligru,
        drawn={"norm.running_var": lambda v: 0.5 + v.abs()},
    ),
    Oracle("qrnn", "speechbrain", "speechbrain.nnet.RNN.QuasiRNNLayer", qrnn, {"window": 1}, hides=frozenset({"c"})),
    Oracle(
        "lstm",
        "allennlp",
        "allennlp.modules.lstm_cell_with_projection.LstmCellWithProjection, both clips",
        clipped,
        {"bias": "one", "projection": 3, "cell_clip": 0.5, "proj_clip": 0.25},
    ),
)
