"""Options, closed forms and records of cells that write keys and values into a matrix. Imports no torch."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final

from pydantic import Field

from zoo.cells.matrix.options import HeadedOptions, head_size
from zoo.components import CellType, Description, Options, Shape, Traits, Width, features
from zoo.errors import ZooError

KeySize = Annotated[int, Width, Field(ge=1)]
Kernel = Annotated[
    int, Field(ge=0, le=1000, description="Kernel size of the causal convolutions of q, k and v; 0 for none.")
]
Depth = Annotated[
    float,
    Field(ge=0, lt=1, description="Relative position of the layer in its stack, from 0; used by the initialisation."),
]


class KeyedOptions(HeadedOptions):
    """Options of memories that are written and read by keys."""

    key_size: KeySize | None = Field(None, description="Key size of each head; that of the official code if not given.")
    kernel: Kernel = 0
    norm_eps: float = Field(1e-5, gt=0, description="ε, added to the mean square in the output's norm.")


class MemoryOptions(KeyedOptions):
    """Options that the cells of linear attention share."""

    output_gate: bool = Field(True, description="Multiply the normalised output by silu(W_g x).")


class GLAOptions(MemoryOptions):
    """Options of gated linear attention."""

    gate_rank: Annotated[int, Width] = Field(
        16, ge=1, description="Rank of the projection that gives the forget gates."
    )
    gate_normaliser: float = Field(16.0, gt=0, description="Divisor of the forget gates' logarithms.")


class DeltaNetOptions(MemoryOptions):
    """Options of the delta rule's linear attention."""

    kernel: Kernel = 4
    output_gate: bool = Field(False, description="Multiply the normalised output by silu(W_g x).")
    allow_neg_eigval: bool = Field(
        False, description="Double β, so that the state transition may have negative eigenvalues."
    )


class GatedDeltaNetOptions(MemoryOptions):
    """Options of the gated delta rule's linear attention."""

    kernel: Kernel = 4
    allow_neg_eigval: bool = Field(
        False, description="Double β, so that the state transition may have negative eigenvalues."
    )


class RWKV4Options(Options):
    """Options of the fourth RWKV's time mixing."""

    depth: Depth = 0.0


class RWKV7Options(HeadedOptions):
    """Options of the seventh RWKV's time mixing."""

    decay_rank: Annotated[int, Width] = Field(32, ge=1, description="Rank of the projection that gives the decay.")
    rate_rank: Annotated[int, Width] = Field(
        32, ge=1, description="Rank of the projection that gives the in-context learning rate."
    )
    gate_rank: Annotated[int, Width] = Field(32, ge=1, description="Rank of the projection that gives the output gate.")
    value_rank: Annotated[int, Width, Field(ge=1)] | None = Field(
        None,
        description="Rank of the projection that mixes in the first layer's values, as later layers do: the last "
        "hidden_size numbers of the input. No values are mixed in, and all of the input is x, if not given.",
    )
    give_values: bool = Field(False, description="Put the values v out too, behind the output, for later layers.")
    depth: Depth = 0.0
    layers: int = Field(
        1, ge=1, description="Number of layers in the stack; the norm's initial scale is smaller in earlier layers."
    )


def describe_gla(options: GLAOptions, input_shape: Shape, hidden_size: int) -> Description:
    keys = options.heads * gla_key_size(options, hidden_size)
    products = options.gate_rank * (features(input_shape) + keys)
    return memory(options, input_shape, hidden_size, keys, products=products, vectors=keys, reads=1)


def describe_deltanet(options: DeltaNetOptions, input_shape: Shape, hidden_size: int) -> Description:
    keys = options.heads * deltanet_key_size(options, hidden_size)
    products = options.heads * features(input_shape)
    return memory(options, input_shape, hidden_size, keys, products=products, vectors=0, reads=2)


def describe_gated_deltanet(options: GatedDeltaNetOptions, input_shape: Shape, hidden_size: int) -> Description:
    keys = options.heads * gla_key_size(options, hidden_size)
    products = 2 * options.heads * features(input_shape)
    return memory(options, input_shape, hidden_size, keys, products=products, vectors=2 * options.heads, reads=2)


def describe_rwkv4(options: RWKV4Options, input_shape: Shape, hidden_size: int) -> Description:
    width = features(input_shape)
    products = 3 * hidden_size * width
    return Description(
        output_shape=(hidden_size,),
        parameters=products + 3 * width + 2 * hidden_size,
        macs_per_step=products,
        state=dict.fromkeys(states := ("y", "aa", "bb", "pp"), (hidden_size,)),
        fixed=frozenset(states),
    )


def describe_rwkv7(options: RWKV7Options, input_shape: Shape, hidden_size: int) -> Description:
    width, size = rwkv7_width(options, input_shape, hidden_size), head_size(options, hidden_size)
    ranks = options.decay_rank + options.rate_rank + options.gate_rank + (options.value_rank or 0)
    products = 3 * hidden_size * width + ranks * (width + hidden_size)
    return Description(
        output_shape=((1 + options.give_values) * hidden_size,),
        parameters=products + 6 * width + (7 + (options.value_rank is not None)) * hidden_size,
        macs_per_step=products + 2 * hidden_size * size,
        state={"S": (options.heads, size, size)},
        sequential_depth=1,
    )


def rwkv7_width(options: RWKV7Options, input_shape: Shape, hidden_size: int) -> int:
    """Features of x, without the first layer's values behind it. Raises ZooError where these leave nothing."""
    width = features(input_shape) - (0 if options.value_rank is None else hidden_size)
    if width < 1:
        raise ZooError(
            f"with value_rank the last hidden_size ({hidden_size}) numbers of the input are the first layer's values, "
            f"and the input has only {features(input_shape)}: put a join of both in front"
        )
    return width


def deltanet_traits(options: DeltaNetOptions) -> Traits:
    """A norm that hardly adds anything to its mean square makes much of what bfloat16 leaves of a small memory."""
    return replace(bounded_without_gate(options), low_precision=options.norm_eps >= 1e-5)


def bounded_without_gate(options: MemoryOptions) -> Traits:
    """What is read is normalised; an output gate that is linear in x for large x multiplies it."""
    return Traits(bounded=not options.output_gate)


def gla_key_size(options: KeyedOptions, hidden_size: int) -> int:
    """Features of one head's keys, half of its values' if not given. Raises ZooError where heads do not fit."""
    return options.key_size or -(-head_size(options, hidden_size) // 2)


def deltanet_key_size(options: KeyedOptions, hidden_size: int) -> int:
    """Features of one head's keys, those of its values if not given. Raises ZooError where heads do not fit."""
    return options.key_size or head_size(options, hidden_size)


def memory(
    options: MemoryOptions,
    input_shape: Shape,
    hidden_size: int,
    keys: int,
    *,
    products: int,
    vectors: int,
    reads: int,
) -> Description:
    """The closed form of a memory of keys and values.

    `keys` are of all heads, `products` and `vectors` of the cell's own gates, and `reads` counts products with the
    state at each step.
    """
    width, size = features(input_shape), head_size(options, hidden_size)
    rows = 2 * keys + hidden_size
    products += rows * width + options.output_gate * hidden_size * width
    return Description(
        output_shape=(hidden_size,),
        parameters=products + vectors + rows * options.kernel + size,
        macs_per_step=products + reads * keys * size,
        macs_per_sequence=max(0, options.kernel - 1) * rows * width,  # what a convolution sees of the steps before
        state={"S": (options.heads, keys // options.heads, size)},
        sequential_depth=reads - 1,
    )


FAST_WEIGHTS: Final = (
    CellType(
        name="gla",
        options=GLAOptions,
        build="zoo.cells.matrix.gla:GLA",
        describe="zoo.cells.matrix.fast_weights:describe_gla",
        reference="zoo.references.delta:gla",
        summary="Gated linear attention: a matrix memory with a forget gate for each key feature",
        paper="Yang et al. 2024, Gated linear attention transformers with hardware-efficient training, ICML, "
        "arXiv:2312.06635",
        authority="official code: fla-org/flash-linear-attention fla/layers/gla.py, fla/ops/gla/naive.py",
        traits=bounded_without_gate,
    ),
    CellType(
        name="deltanet",
        options=DeltaNetOptions,
        build="zoo.cells.matrix.delta:DeltaNet",
        describe="zoo.cells.matrix.fast_weights:describe_deltanet",
        reference="zoo.references.delta:deltanet",
        summary="Linear attention by the delta rule: a key's old value is replaced, not added to",
        paper="Yang et al. 2024, Parallelizing linear transformers with the delta rule over sequence length, NeurIPS, "
        "arXiv:2406.06484; Schlag, Irie and Schmidhuber 2021, Linear transformers are secretly fast weight "
        "programmers, ICML, arXiv:2102.11174",
        authority="official code: fla-org/flash-linear-attention fla/layers/delta_net.py, fla/ops/delta_rule/naive.py",
        traits=deltanet_traits,
    ),
    CellType(
        name="gated-deltanet",
        options=GatedDeltaNetOptions,
        build="zoo.cells.matrix.delta:GatedDeltaNet",
        describe="zoo.cells.matrix.fast_weights:describe_gated_deltanet",
        reference="zoo.references.delta:gated_deltanet",
        summary="Linear attention by the delta rule, with a decay of the whole memory",
        paper="Yang, Kautz and Hatamizadeh 2025, Gated delta networks: improving Mamba2 with delta rule, ICLR, "
        "arXiv:2412.06464",
        authority="official code: fla-org/flash-linear-attention fla/layers/gated_deltanet.py, "
        "fla/ops/gated_delta_rule/naive.py",
        traits=bounded_without_gate,
    ),
    CellType(
        name="rwkv4",
        options=RWKV4Options,
        build="zoo.cells.matrix.rwkv4:RWKV4",
        describe="zoo.cells.matrix.fast_weights:describe_rwkv4",
        reference="zoo.references.rwkv:rwkv4",
        summary="Time mixing of RWKV-4: a decaying mean of values, weighted by exponentials of keys",
        paper="Peng et al. 2023, RWKV: reinventing RNNs for the transformer era, Findings of EMNLP, arXiv:2305.13048",
        authority="official code: BlinkDL/RWKV-LM RWKV-v4/src/model.py, RWKV-v4/cuda/wkv_cuda.cu",
    ),
    CellType(
        name="rwkv7",
        options=RWKV7Options,
        build="zoo.cells.matrix.rwkv7:RWKV7",
        describe="zoo.cells.matrix.fast_weights:describe_rwkv7",
        reference="zoo.references.rwkv:rwkv7",
        summary="Time mixing of RWKV-7: a matrix memory with a decay and a learning rate for each feature",
        paper='Peng et al. 2025, RWKV-7 "Goose" with expressive dynamic state evolution, COLM, arXiv:2503.14456',
        authority="official code: BlinkDL/RWKV-LM RWKV-v7/rwkv_v7_numpy.py; the start: RWKV-v7/train_temp/src/model.py",
        traits=Traits(bounded=False),
    ),
)
