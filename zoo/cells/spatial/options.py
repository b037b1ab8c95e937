"""Options, closed forms and records of cells over maps. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from zoo.cells.options import ALL_DROPOUTS
from zoo.components import CellType, Description, Options, Shape, Traits
from zoo.errors import ZooError


def _odd(kernel: int) -> int:
    if kernel % 2 == 0:
        raise ValueError(f"kernel must be odd, so that the size of a map does not change, not {kernel}")
    return kernel


Kernel = Annotated[
    int,
    Field(ge=1, le=999, description="Kernel size of the convolutions, in rows and columns; odd."),
    AfterValidator(_odd),
]


class _Convolved(Options):
    """Options of cells with convolutions."""

    kernel: Kernel = 3

    def tiny(self) -> dict[str, object]:
        """A small kernel, of one place if it is of one."""
        return {"kernel": min(self.kernel, 3)}


class ConvLSTMOptions(_Convolved):
    """Options of the convolutional LSTM."""

    peephole: bool = Field(
        True, description="Peephole connections from the cell state to the gates, with a weight for each position."
    )


class ConvGRUOptions(_Convolved):
    """Options of the convolutional GRU."""

    bias: Literal["one", "none"] = Field("one", description="'one' bias for each gate and channel, or 'none'.")


class STLSTMOptions(_Convolved):
    """Options of the spatiotemporal LSTM."""

    kernel: Kernel = 5
    layers: int = Field(
        1, ge=1, le=100, description="Number of layers, through which the memory of all of them goes at each step."
    )

    def tiny(self) -> dict[str, object]:
        """A small kernel and at most three layers, of which one is neither the first nor the last."""
        return {**super().tiny(), "layers": min(self.layers, 3)}


def describe_convlstm(options: ConvLSTMOptions, input_shape: Shape, hidden_size: int) -> Description:
    places = maps(input_shape)[1] * input_shape[2]
    peepholes = 3 * hidden_size * places * options.peephole
    return _convolved(
        4, options.kernel, input_shape, hidden_size, ("h", "c"), vectors=4 * hidden_size + peepholes, depth=1
    )


def describe_convgru(options: ConvGRUOptions, input_shape: Shape, hidden_size: int) -> Description:
    vectors = 3 * hidden_size * (options.bias == "one")
    return _convolved(3, options.kernel, input_shape, hidden_size, ("h",), vectors=vectors, depth=2)


def describe_st_lstm(options: STLSTMOptions, input_shape: Shape, hidden_size: int) -> Description:
    channels, rows, columns = maps(input_shape)
    layers, above = options.layers, (options.layers - 1) * hidden_size
    # 7 blocks of what comes from below, 4 of h, 3 of m, and one of c beside m; then one by one, of c beside m
    wide = hidden_size * (7 * (channels + above) + layers * hidden_size * (4 + 3 + 2)) * options.kernel**2
    weights = wide + layers * 2 * hidden_size**2
    own = (hidden_size, rows, columns)
    return Description(
        output_shape=own,
        parameters=weights,
        macs_per_step=weights * rows * columns,
        state={"h": (layers, *own), "c": (layers, *own), "m": own},
        sequential_depth=2 * layers,
    )


def maps(shape: Shape) -> Shape:
    """Channels, rows and columns. Raises ZooError for flat features, which have no neighbours."""
    if len(shape) != 3:
        raise ZooError(
            f"needs maps of shape (channels, height, width) at each step, not features of shape {shape}; "
            "input: {kind: maps, ...} gives them"
        )
    return shape


def _convolved(
    gates: int, kernel: int, shape: Shape, hidden_size: int, states: tuple[str, ...], *, vectors: int, depth: int
) -> Description:
    channels, rows, columns = maps(shape)
    weights = gates * hidden_size * (channels + hidden_size) * kernel * kernel
    return Description(
        output_shape=(hidden_size, rows, columns),
        parameters=weights + vectors,
        macs_per_step=weights * rows * columns,
        state=dict.fromkeys(states, (hidden_size, rows, columns)),
        sequential_depth=depth,
    )


CELLS: Final = (
    CellType(
        name="convlstm",
        options=ConvLSTMOptions,
        build="zoo.cells.spatial.convlstm:ConvLSTM",
        describe="zoo.cells.spatial.options:describe_convlstm",
        reference="zoo.references.spatial:convlstm",
        summary="Convolutional LSTM over maps, with peepholes",
        paper="Shi et al. 2015, Convolutional LSTM network: a machine learning approach for precipitation nowcasting, "
        "NIPS, arXiv:1506.04214",
        authority="the paper's equations (3)",
        traits=Traits(bounded=True),
        dropouts=ALL_DROPOUTS,
        zoneout=True,
    ),
    CellType(
        name="convgru",
        options=ConvGRUOptions,
        build="zoo.cells.spatial.convgru:ConvGRU",
        describe="zoo.cells.spatial.options:describe_convgru",
        reference="zoo.references.spatial:convgru",
        summary="Convolutional GRU over maps, reset gate before the recurrent convolution",
        paper="Ballas et al. 2016, Delving deeper into convolutional networks for learning video representations, "
        "ICLR, arXiv:1511.06432",
        authority="the paper's equations of section 3.1, from a secondary source",
        traits=Traits(bounded=True),
        dropouts=ALL_DROPOUTS,
        zoneout=True,
    ),
    CellType(
        name="st-lstm",
        options=STLSTMOptions,
        build="zoo.cells.spatial.stlstm:STLSTM",
        describe="zoo.cells.spatial.options:describe_st_lstm",
        reference="zoo.references.spatial:st_lstm",
        summary="Spatiotemporal LSTM over maps (PredRNN): one memory goes up through all layers, then on in time",
        paper="Wang et al. 2017, PredRNN: recurrent neural networks for predictive learning using spatiotemporal "
        "LSTMs, NIPS, https://papers.nips.cc/paper/2017/hash/e5f6ad6ce374177eef023bf5d0c018b6-Abstract.html; Wang et "
        "al. 2022, PredRNN: a recurrent neural network for spatiotemporal predictive learning, IEEE Transactions on "
        "Pattern Analysis and Machine Intelligence, arXiv:2103.09504",
        authority="official code: thuml/predrnn-pytorch core/layers/SpatioTemporalLSTMCell.py, core/models/predrnn.py",
        traits=Traits(bounded=True),
        zoneout=True,
    ),
)
