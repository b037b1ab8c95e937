"""The built-in layer kinds. Imports no torch."""

from __future__ import annotations

from typing import Final

from zoo.components import LayerType, Traits
from zoo.layers.convolutions import options as convolutions
from zoo.layers.folded import options as folded
from zoo.layers.mixes import options as mixes
from zoo.layers.nested import options as nested
from zoo.layers.options import LinearLayerOptions
from zoo.layers.steps import options as steps

_BOUNDED: Final = Traits(bounded=True)

LAYERS: Final = (
    LayerType(
        name="linear",
        options=LinearLayerOptions,
        build="zoo.layers.linear:LinearLayer",
        describe="zoo.layers.options:describe_linear",
        summary="A linear map of every step, of all numbers of its maps if it has maps, with an activation",
        traits=_BOUNDED,
    ),
    LayerType(
        name="norm",
        options=steps.NormLayerOptions,
        build="zoo.layers.steps.pointwise:NormLayer",
        describe="zoo.layers.steps.options:describe_norm",
        summary="A norm as a layer of its own, as behind the last block of a model",
        traits=steps.norm_traits,
    ),
    LayerType(
        name="activation",
        options=steps.ActivationLayerOptions,
        build="zoo.layers.steps.pointwise:ActivationLayer",
        describe="zoo.layers.steps.options:describe_same",
        summary="An activation function as a layer of its own",
        traits=_BOUNDED,
    ),
    LayerType(
        name="dropout",
        options=steps.DropoutLayerOptions,
        build="zoo.layers.steps.pointwise:DropoutLayer",
        describe="zoo.layers.steps.options:describe_dropout",
        summary="Dropout as a layer of its own",
        traits=_BOUNDED,
    ),
    LayerType(
        name="flatten",
        build="zoo.layers.steps.pointwise:Flatten",
        describe="zoo.layers.steps.options:describe_flatten",
        summary="All numbers of a step in a row, channel by channel",
        traits=_BOUNDED,
    ),
    LayerType(
        name="affine",
        options=steps.AffineOptions,
        build="zoo.layers.steps.values:Affine",
        describe="zoo.layers.steps.options:describe_affine",
        summary="A learned scale and shift of each feature",
        traits=_BOUNDED,
    ),
    LayerType(
        name="chunk",
        options=steps.ChunkOptions,
        build="zoo.layers.steps.values:Chunk",
        describe="zoo.layers.steps.options:describe_chunk",
        summary="One of several equal parts of the features",
        traits=_BOUNDED,
    ),
    LayerType(
        name="magnitude",
        build="zoo.layers.steps.values:Magnitude",
        describe="zoo.layers.steps.options:describe_magnitude",
        summary="The magnitude of complex numbers, whose real parts are the first half and imaginary parts the second",
        traits=_BOUNDED,
    ),
    LayerType(
        name="highway",
        options=steps.HighwayOptions,
        build="zoo.layers.steps.pointwise:Highway",
        describe="zoo.layers.steps.options:describe_highway",
        summary="Highway layers: a gate chooses between a transform of the input and the input itself",
        paper="Srivastava, Greff and Schmidhuber 2015, Highway networks, preprint, arXiv:1505.00387",
        traits=_BOUNDED,
    ),
    LayerType(
        name="mlp",
        options=mixes.MLPLayerOptions,
        build="zoo.layers.mixes.layers:MLPLayer",
        describe="zoo.layers.mixes.options:describe_mlp",
        summary="Two linear maps with an activation between them, as wide as the input",
        traits=_BOUNDED,
    ),
    LayerType(
        name="gated_mlp",
        options=mixes.GatedMLPOptions,
        build="zoo.layers.mixes.layers:GatedMLP",
        describe="zoo.layers.mixes.options:describe_gated_mlp",
        summary="A gated linear unit between linear maps, as wide as the input; with silu a SwiGLU",
        paper="Shazeer 2020, GLU variants improve transformer, preprint, arXiv:2002.05202",
        traits=_BOUNDED,
    ),
    LayerType(
        name="channel_mix",
        options=mixes.ChannelMixOptions,
        build="zoo.layers.mixes.layers:ChannelMix",
        describe="zoo.layers.mixes.options:describe_channel_mix",
        summary="RWKV-4's channel mixing, which sees the step before",
        paper="Peng et al. 2023, RWKV: reinventing RNNs for the transformer era, Findings of EMNLP, arXiv:2305.13048",
        traits=_BOUNDED,
    ),
    LayerType(
        name="stack_frames",
        options=steps.StackFramesOptions,
        build="zoo.layers.steps.frames:StackFrames",
        describe="zoo.layers.steps.options:describe_stack_frames",
        summary="Several steps become one, side by side",
        traits=_BOUNDED,
    ),
    LayerType(
        name="lookahead",
        options=steps.LookaheadOptions,
        build="zoo.layers.steps.frames:Lookahead",
        describe="zoo.layers.steps.options:describe_lookahead",
        summary="The lookahead convolution: each feature sees a few of its own later steps",
        paper="Amodei et al. 2016, Deep speech 2: end-to-end speech recognition in English and Mandarin, ICML, "
        "arXiv:1512.02595",
        authority="section 3.7, row convolution",
        traits=steps.lookahead_traits,
    ),
    LayerType(
        name="conv1d",
        options=convolutions.Conv1dOptions,
        build="zoo.layers.convolutions.conv1d:Conv1d",
        describe="zoo.layers.convolutions.options:describe_conv1d",
        summary="A convolution over time; a causal one streams",
        traits=convolutions.conv1d_traits,
    ),
    LayerType(
        name="conv2d",
        options=convolutions.Conv2dOptions,
        build="zoo.layers.convolutions.planes:conv2d",
        describe="zoo.layers.convolutions.options:describe_conv2d",
        summary="A convolution over maps at every step, or over time and features",
        traits=convolutions.windows_traits,
    ),
    LayerType(
        name="max_pool",
        options=convolutions.PoolOptions,
        build="zoo.layers.convolutions.planes:max_pool",
        describe="zoo.layers.convolutions.options:describe_window_pool",
        summary="The largest number under every window",
        traits=convolutions.windows_traits,
    ),
    LayerType(
        name="avg_pool",
        options=convolutions.PoolOptions,
        build="zoo.layers.convolutions.planes:avg_pool",
        describe="zoo.layers.convolutions.options:describe_window_pool",
        summary="The mean under every window, of the steps that are no padding",
        traits=convolutions.windows_traits,
    ),
    LayerType(
        name="block",
        options=nested.BlockOptions,
        build="zoo.layers.nested.block:Block",
        describe="zoo.layers.nested.options:describe_block",
        summary="Layers with a residual, a norm and dropout around them",
    ),
    LayerType(
        name="join",
        options=nested.JoinOptions,
        build="zoo.layers.nested.block:Join",
        describe="zoo.layers.nested.options:describe_join",
        summary="The outputs of several named layers as one: side by side, summed or multiplied",
        joins=True,
        traits=_BOUNDED,
    ),
    LayerType(
        name="periodic",
        options=folded.PeriodicOptions,
        build="zoo.layers.folded.layers:Periodic",
        describe="zoo.layers.folded.options:describe_periodic",
        summary="Layers from each step to the one a period later, and a step for each whole period, its steps side by "
        "side; the last period ends with the sequence",
        paper="Lai et al. 2018, Modeling long- and short-term temporal patterns with deep neural networks, SIGIR, "
        "arXiv:1703.07015",
        authority="laiguokun/LSTNet, models/LSTNet.py, the skip-RNN",
        inherits=False,
        traits=Traits(causal=False, streamable=False),
    ),
    LayerType(
        name="dilated",
        options=folded.DilatedOptions,
        build="zoo.layers.folded.layers:Dilated",
        describe="zoo.layers.folded.options:describe_dilated",
        summary="Layers that see each step behind the one so many steps before it, as a dilated recurrent network does",
        paper="Chang et al. 2017, Dilated recurrent neural networks, NeurIPS, arXiv:1710.02224",
        inherits=False,
    ),
    LayerType(
        name="autoregression",
        options=folded.AutoregressionOptions,
        build="zoo.layers.folded.autoregression:Autoregression",
        describe="zoo.layers.folded.options:describe_autoregression",
        summary="One linear map of the last steps of every feature, the same for all features",
        traits=_BOUNDED,
    ),
    LayerType(
        name="each",
        options=nested.EachOptions,
        build="zoo.layers.nested.each:Each",
        describe="zoo.layers.nested.options:describe_each",
        summary="Layers within every step, over its first axis, which a pool reduces to one vector",
        inherits=False,
    ),
)
