"""The built-in components: one plugin among others, through the same hooks as a stranger's. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from zoo.architectures.bilm import records as bilm
from zoo.architectures.encoder_decoder import records as encoder_decoder
from zoo.architectures.transducer import records as transducer
from zoo.cells import options as cells
from zoo.cells.dynamics import options as dynamics
from zoo.cells.gated import options as gated
from zoo.cells.gated import others, relatives, typed
from zoo.cells.linear import options as linear
from zoo.cells.linear import spaces
from zoo.cells.matrix import decayed, fast_weights
from zoo.cells.matrix import options as matrix
from zoo.cells.memory import options as memory
from zoo.cells.spatial import options as spatial
from zoo.cells.structured import options as structured
from zoo.cells.structured import world
from zoo.components import (
    ArchitectureType,
    CellType,
    CheckType,
    HeadType,
    InitType,
    InputType,
    LayerType,
    NoOptions,
    NormType,
    PoolType,
    Traits,
)
from zoo.heads import options as heads
from zoo.heads.records import HEADS
from zoo.inits import options as inits
from zoo.inputs import options as inputs
from zoo.layers import options as layers
from zoo.layers.records import LAYERS
from zoo.plugin.hookspecs import hookimpl
from zoo.spec.bundled import folder

BOUNDED: Final = Traits(bounded=True)
"""Of what has no memory: bounded inputs give bounded outputs."""


@hookimpl
def zoo_cells() -> list[CellType]:
    return [
        *cells.CELLS,
        *gated.CELLS,
        *others.OTHERS,
        *relatives.RELATIVES,
        *typed.TYPED,
        *linear.CELLS,
        *spaces.SPACES,
        *matrix.CELLS,
        *fast_weights.FAST_WEIGHTS,
        *decayed.DECAYED,
        *memory.CELLS,
        *structured.CELLS,
        *world.WORLD,
        *spatial.CELLS,
        *dynamics.CELLS,
    ]


@hookimpl
def zoo_layers() -> list[LayerType]:
    return list(LAYERS)


@hookimpl
def zoo_heads() -> list[HeadType]:
    return list(HEADS)


@hookimpl
def zoo_pools() -> list[PoolType]:
    return [
        PoolType(
            name="last",
            build="zoo.heads.pools:Last",
            describe="zoo.heads.options:describe_pool",
            summary="The final output of each direction: the last step of the forward one, the first of the "
            "backward one",
            final=True,
            traits=BOUNDED,
        ),
        PoolType(
            name="mean",
            build="zoo.heads.pools:Mean",
            describe="zoo.heads.options:describe_pool",
            summary="The mean over a sequence's steps",
            traits=BOUNDED,
        ),
        PoolType(
            name="max",
            build="zoo.heads.pools:Max",
            describe="zoo.heads.options:describe_pool",
            summary="The largest value of each feature over a sequence's steps",
            traits=BOUNDED,
        ),
        PoolType(
            name="attention",
            options=heads.AttentionOptions,
            build="zoo.heads.pools:Attention",
            describe="zoo.heads.options:describe_attention",
            summary="A learned weighted mean over a sequence's steps",
            paper="Yang et al. 2016, Hierarchical attention networks for document classification, NAACL, "
            "doi:10.18653/v1/N16-1174; Felbo et al. 2017, Using millions of emoji occurrences to learn any-domain "
            "representations for detecting sentiment, emotion and sarcasm, EMNLP, arXiv:1708.00524",
            authority="section 2.2 of the first paper and section 3.2 of the second",
            traits=BOUNDED,
        ),
    ]


@hookimpl
def zoo_inputs() -> list[InputType]:
    return [
        InputType(
            name="features",
            options=inputs.FeaturesOptions,
            build="zoo.inputs.features:Features",
            describe="zoo.inputs.options:describe_features",
            summary="Real-valued features at every step",
            traits=BOUNDED,
        ),
        InputType(
            name="maps",
            options=inputs.MapsOptions,
            build="zoo.inputs.maps:Maps",
            describe="zoo.inputs.options:describe_maps",
            summary="Real-valued maps of channels, rows and columns at every step",
            traits=BOUNDED,
        ),
        InputType(
            name="image",
            options=inputs.ImageOptions,
            build="zoo.inputs.image:Image",
            describe="zoo.inputs.options:describe_image",
            summary="The columns of an image, from left to right: channels and rows at every step",
            traits=BOUNDED,
        ),
        InputType(
            name="characters",
            options=inputs.CharactersOptions,
            build="zoo.inputs.characters:Characters",
            describe="zoo.inputs.options:describe_characters",
            summary="Words by their characters: embedded, run through layers and reduced to one vector each",
            traits=BOUNDED,
        ),
        InputType(
            name="one_hot",
            options=inputs.OneHotOptions,
            build="zoo.inputs.one_hot:OneHot",
            describe="zoo.inputs.options:describe_one_hot",
            summary="Symbols, each as a vector of zeros with a one in its place",
            traits=BOUNDED,
        ),
        InputType(
            name="tokens",
            options=inputs.TokensOptions,
            build="zoo.inputs.tokens:Tokens",
            describe="zoo.inputs.options:describe_tokens",
            summary="Symbols, embedded as vectors",
            traits=BOUNDED,
        ),
        InputType(
            name="several",
            options=inputs.SeveralOptions,
            build="zoo.inputs.several:Several",
            describe="zoo.inputs.options:describe_several",
            summary="Several inputs by name, each read by an input of its own, and merged",
            traits=BOUNDED,
        ),
        encoder_decoder.SHARED,
        bilm.SAME,
    ]


@hookimpl
def zoo_norms() -> list[NormType]:
    return [
        NormType(
            name="layer",
            options=layers.LayerNormOptions,
            build="zoo.layers.norms:LayerNorm",
            describe="zoo.layers.options:describe_affine_norm",
            summary="Layer normalisation with scale and shift",
            paper="Ba, Kiros and Hinton 2016, Layer normalization, preprint, arXiv:1607.06450",
            traits=BOUNDED,
        ),
        NormType(
            name="rms",
            options=layers.NormOptions,
            build="zoo.layers.norms:RMSNorm",
            describe="zoo.layers.options:describe_rms_norm",
            summary="Root-mean-square normalisation with scale",
            paper="Zhang and Sennrich 2019, Root mean square layer normalization, NeurIPS, arXiv:1910.07467",
            traits=BOUNDED,
        ),
        NormType(
            name="batch",
            options=layers.BatchNormOptions,
            build="zoo.layers.norms:BatchNorm",
            describe="zoo.layers.options:describe_batch_norm",
            summary="Batch normalisation over all valid steps, with scale and shift",
            paper="Ioffe and Szegedy 2015, Batch normalization: accelerating deep network training by reducing "
            "internal covariate shift, ICML, arXiv:1502.03167",
            traits=Traits(batch_statistics=True, bounded=True),
        ),
    ]


@hookimpl
def zoo_inits() -> list[InitType]:
    schemes = {
        "paper": "Each component as its paper or official code initialises it",
        "torch": "As torch.nn initialises its layers",
        "keras": "As Keras initialises its layers: Glorot uniform, orthogonal recurrent weights, forget bias 1",
        "orthogonal": "Orthogonal recurrent weights for each gate, Xavier input weights, zero biases",
        "xavier": "Xavier uniform weights for each gate, zero biases",
    }
    named = [
        # "torch" inside that module is torch itself.
        InitType(name=name, build=f"zoo.inits.schemes:{'as_torch' if name == 'torch' else name}", summary=summary)
        for name, summary in schemes.items()
    ]
    chrono = InitType(
        name="chrono",
        options=inits.ChronoOptions,
        build="zoo.inits.schemes:chrono",
        summary="Chrono initialisation of the forget and input gates' biases, for dependencies of up to T steps",
        paper="Tallec and Ollivier 2018, Can recurrent neural networks warp time?, ICLR, arXiv:1804.11188",
    )
    indrnn = InitType(
        name="indrnn",
        options=inits.IndRNNOptions,
        build="zoo.inits.schemes:indrnn",
        summary="IndRNN's initialisation of its recurrent weights, for dependencies of up to T steps",
        paper="Li et al. 2018, Independently recurrent neural network (IndRNN): building a longer and deeper RNN, "
        "CVPR, arXiv:1803.04831",
    )
    uniform = InitType(
        name="uniform",
        options=inits.UniformOptions,
        build="zoo.inits.schemes:uniform",
        summary="Every parameter uniform in (-range, range)",
    )
    return [*named, chrono, indrnn, uniform]


@hookimpl
def zoo_architectures() -> list[ArchitectureType]:
    return [
        ArchitectureType(
            name="stack",
            options=NoOptions,
            build="zoo.model.stack:stack",
            traits=Traits(bounded=True),
            summary="Input, then layers one after the other, then the head",
        ),
        encoder_decoder.ENCODER_DECODER,
        transducer.TRANSDUCER,
        bilm.BILM,
    ]


@hookimpl
def zoo_specs() -> list[Path]:
    return [folder()]


@hookimpl
def zoo_checks() -> list[CheckType]:
    from zoo.checks.records import CHECKS

    return list(CHECKS)
