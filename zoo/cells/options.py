"""Options, closed forms and records of the cells that torch has too, and what all cells share. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from zoo.components import CellType, Description, Options, Shape, Traits, Width, features
from zoo.errors import ZooError

ALL_DROPOUTS: Final = frozenset({"recurrent", "weight"})
"""Of a cell that drops its recurrent weights and its state where they enter a product."""

Biases = Literal["two", "one", "none"]
BiasOption = Annotated[
    Biases, Field(description="'two' biases per gate as in torch, 'one' as in papers and Keras, or 'none'.")
]


class RNNOptions(Options):
    """Options of the simple recurrent network."""

    nonlinearity: Literal["tanh", "relu"] = Field("tanh", description="Activation function of the new state.")
    bias: BiasOption = "two"


class LSTMOptions(Options):
    """Options of the long short-term memory."""

    bias: BiasOption = "two"
    projection: Annotated[int, Width] | None = Field(
        None, ge=1, description="Project h to this many features before it is output and fed back (arXiv:1402.1128)."
    )
    forget_bias: float | None = Field(
        None, description="Initial value of the forget gate's bias; of the sum of both biases, if there are two."
    )
    peephole: bool | Literal["full"] = Field(
        False,
        description="Peephole connections from the cell state to the gates, a weight for each unit (Gers, Schraudolph, "
        "Schmidhuber 2002), or 'full', a matrix for each gate (arXiv:1603.01360).",
    )
    coupled: bool = Field(
        False, description="Couple the input gate to the forget gate, i = 1 − f (arXiv:1503.04069, CIFG)."
    )
    gate_norm: Literal["none", "layer", "sum"] = Field(
        "none",
        description="'layer': layer norm on both products, and on the cell state on its way to h (arXiv:1607.06450, "
        "supplement); its initial dynamics are chaotic, so half precision is not supported. 'sum': on the sum of both "
        "products and the biases, and on the cell state itself, as in torchaudio's RNN-T.",
    )
    norm_eps: float | None = Field(
        None,
        gt=0,
        description="Added to the variance by the norms of gate_norm; 1e-5 if not given.",
        examples=[0.5],  # large enough to change something in any model
    )
    recurrent_activation: Literal["sigmoid", "hard_sigmoid", "hard_sigmoid_0.2"] = Field(
        "sigmoid",
        description="Activation function of the gates: 'hard_sigmoid' is x / 6 + 1/2 between 0 and 1, as in Keras 3 "
        "and torch, 'hard_sigmoid_0.2' is 0.2 x + 1/2 there, as in ONNX and in earlier versions of Keras.",
    )
    cell_clip: float | None = Field(
        None,
        gt=0,
        description="Clip the cell state to plus and minus this at each step, as TensorFlow's LSTMCell.",
        examples=[0.01],  # small enough to change something in any model
    )
    proj_clip: float | None = Field(
        None,
        gt=0,
        description="Clip the projected h to plus and minus this, as TensorFlow's LSTMCell.",
        examples=[0.01],
    )

    @model_validator(mode="after")
    def _options_that_need_others(self) -> Self:
        if self.forget_bias is not None and self.bias == "none":
            raise ValueError("forget_bias needs a bias: leave it out, or use bias: two or bias: one")
        if self.proj_clip is not None and self.projection is None:
            raise ValueError("proj_clip needs a projection: leave it out, or give projection a size")
        if self.norm_eps is not None and self.gate_norm == "none":
            raise ValueError("norm_eps belongs to gate_norm: leave it out, or use gate_norm: layer or gate_norm: sum")
        return self


class GRUOptions(Options):
    """Options of the gated recurrent unit."""

    bias: BiasOption = "two"
    reset_gate: Literal["after", "before"] = Field(
        "after",
        description="Apply the reset gate 'after' the recurrent product (torch, cuDNN) or 'before' it (Cho et al. "
        "2014).",
    )


def rnn_traits(options: RNNOptions) -> Traits:
    return Traits(bounded=options.nonlinearity == "tanh")


def describe_rnn(options: RNNOptions, input_shape: Shape, hidden_size: int) -> Description:
    return gated(1, options.bias, input_shape, hidden_size, hidden_size)


def describe_gru(options: GRUOptions, input_shape: Shape, hidden_size: int) -> Description:
    depth = 1 if options.reset_gate == "after" else 2
    return gated(3, options.bias, input_shape, hidden_size, hidden_size, depth=depth)


def lstm_traits(options: LSTMOptions) -> Traits:
    """Gates that are normalised make much of little: at initialisation the cell is chaotic, in float32 too."""
    return Traits(bounded=True, low_precision=options.gate_norm == "none")


def describe_lstm(options: LSTMOptions, input_shape: Shape, hidden_size: int) -> Description:
    projected = options.projection
    if projected is not None and projected >= hidden_size:
        raise ZooError(f"projection must be less than hidden_size ({hidden_size}), not {projected}")
    gates = 3 if options.coupled else 4
    full = options.peephole == "full"
    norms = {"none": 0, "layer": 4 * gates + 2, "sum": 2 * gates + 2}[options.gate_norm]
    vectors = (gates - 1 if options.peephole is True else 0) + norms
    return gated(
        gates,
        options.bias,
        input_shape,
        hidden_size,
        projected or hidden_size,
        products=((projected or 0) + (gates - 1) * hidden_size * full) * hidden_size,
        vectors=vectors * hidden_size,
        depth=1 + full + (projected is not None),  # with full peepholes o waits for a product of the new c
        states=("h", "c"),
    )


def gated(
    gates: int,
    bias: Biases,
    input_shape: Shape,
    hidden_size: int,
    output: int,
    *,
    products: int = 0,
    vectors: int = 0,
    depth: int = 1,
    states: tuple[str, ...] = ("h",),
) -> Description:
    """The closed form of a cell of `gates` blocks, each with W x + U h + b.

    `products` counts weights of products besides these, and `vectors` parameters that are no part of a product, besides
    biases. The first of `states` has the output's width, further ones have hidden_size.
    """
    macs = gates * hidden_size * (features(input_shape) + output) + products
    biases = {"two": 2, "one": 1, "none": 0}[bias] * gates * hidden_size
    return Description(
        output_shape=(output,),
        parameters=macs + biases + vectors,
        macs_per_step=macs,
        state={name: (hidden_size if index else output,) for index, name in enumerate(states)},
        sequential_depth=depth,
    )


CELLS: Final = (
    CellType(
        name="rnn",
        options=RNNOptions,
        build="zoo.cells.rnn:RNN",
        describe="zoo.cells.options:describe_rnn",
        reference="zoo.references.classic:rnn",
        summary="Simple recurrent network with tanh or relu",
        paper="Elman 1990, Finding structure in time, Cognitive Science 14(2), doi:10.1207/s15516709cog1402_1",
        authority="torch.nn.RNN",
        traits=rnn_traits,
        dropouts=ALL_DROPOUTS,
        zoneout=True,
    ),
    CellType(
        name="lstm",
        options=LSTMOptions,
        build="zoo.cells.lstm:make",
        describe="zoo.cells.options:describe_lstm",
        reference="zoo.references.classic:lstm",
        summary="Long short-term memory with a forget gate; peepholes, coupled gates, norm and projection are optional",
        paper="Hochreiter and Schmidhuber 1997, Long short-term memory, Neural Computation 9(8), "
        "doi:10.1162/neco.1997.9.8.1735; Gers, Schmidhuber and Cummins 2000, Learning to forget: continual prediction "
        "with LSTM, Neural Computation 12(10), doi:10.1162/089976600300015015",
        authority="torch.nn.LSTM; Greff et al. 2017, arXiv:1503.04069, section 2, for peepholes",
        traits=lstm_traits,
        dropouts=ALL_DROPOUTS,
        zoneout=True,
    ),
    CellType(
        name="gru",
        options=GRUOptions,
        build="zoo.cells.gru:GRU",
        describe="zoo.cells.options:describe_gru",
        reference="zoo.references.classic:gru",
        summary="Gated recurrent unit, reset gate after or before the recurrent product",
        paper="Cho et al. 2014, Learning phrase representations using RNN encoder-decoder for statistical machine "
        "translation, EMNLP, arXiv:1406.1078",
        authority="torch.nn.GRU for reset_gate: after, equations 5 to 8 of the paper for before",
        traits=Traits(bounded=True),
        dropouts=ALL_DROPOUTS,
        zoneout=True,
    ),
)
