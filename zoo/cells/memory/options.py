"""The records of relatives of the LSTM and of other cells with several states. Imports no torch."""

from __future__ import annotations

from typing import Final

from zoo.cells.memory.closed_forms import (
    IntersectionOptions,
    LSTM1997Options,
    MCLSTMOptions,
    MemoryControlOptions,
    MogrifierOptions,
    MultiplicativeOptions,
    NASOptions,
    ONLSTMOptions,
    ResidualOptions,
    SLSTMOptions,
    WMCLSTMOptions,
)
from zoo.cells.options import ALL_DROPOUTS
from zoo.components import CellType, NoOptions, Options, Traits


def _record(
    name: str,
    options: type[Options],
    build: str,
    *,
    summary: str,
    paper: str,
    authority: str,
    traits: Traits | None = None,
    dropouts: frozenset[str] = ALL_DROPOUTS,
    zoneout: bool = True,
) -> CellType:
    """A record with what all cells of this family have in common. build: "module:class" within the family."""
    identifier = name.replace("-", "_")
    return CellType(
        name=name,
        options=options,
        build=f"zoo.cells.memory.{build}",
        describe=f"zoo.cells.memory.closed_forms:describe_{identifier}",
        reference=f"zoo.references.memory:{identifier}",
        summary=summary,
        paper=paper,
        authority=authority,
        traits=traits or Traits(),
        dropouts=dropouts,
        zoneout=zoneout,
    )


CELLS: Final = (
    _record(
        "slstm",
        SLSTMOptions,
        "slstm:SLSTM",
        summary="LSTM with a scalar memory, exponential gates and a stabiliser, from xLSTM",
        paper="Beck et al. 2024, xLSTM, arXiv:2405.04517",
        authority="official code: NX-AI/xlstm xlstm/blocks/slstm/src/vanilla/slstm.py",
        zoneout=False,
    ),
    _record(
        "lstm-1997",
        LSTM1997Options,
        "early:LSTM1997",
        summary="The first LSTM: input and output gate, nothing forgotten",
        paper="Hochreiter and Schmidhuber 1997, Long short-term memory, Neural Computation 9(8)",
        authority="the paper's section 4 and appendix A.1",
    ),
    _record(
        "residual-lstm",
        ResidualOptions,
        "products:ResidualLSTM",
        summary="LSTM with peepholes whose output gate also lets the input through",
        paper="Kim, El-Khamy and Lee 2017, Residual LSTM, arXiv:1701.03360",
        authority="the paper's equations of the residual LSTM",
    ),
    _record(
        "multiplicative-lstm",
        MultiplicativeOptions,
        "products:MultiplicativeLSTM",
        summary="LSTM whose recurrent matrix the input chooses, by a product of x and h",
        paper="Krause et al. 2016, Multiplicative LSTM for sequence modelling, arXiv:1609.07959",
        authority="the paper's equations (16) to (21)",
    ),
    _record(
        "wmc-lstm",
        WMCLSTMOptions,
        "early:WMCLSTM",
        summary="LSTM with working memory connections: gates see a tanh of a map of the memory",
        paper="Landi et al. 2021, Working memory connections for LSTM, arXiv:2109.00020",
        authority="the paper's equations of the gates",
    ),
    _record(
        "memory-control-lstm",
        MemoryControlOptions,
        "early:MemoryControlLSTM",
        summary="LSTM that puts out one view of its memory and feeds back another",
        paper="Sequence modelling with a memory control vector, NIPS 2017 time series workshop",
        authority="the paper's equations",
    ),
    _record(
        "nas",
        NASOptions,
        "nas:NAS",
        summary="Cell found by architecture search, with eight blocks",
        paper="Zoph and Le 2017, Neural architecture search with reinforcement learning, arXiv:1611.01578",
        authority="official code: tensorflow contrib/rnn rnn_cell.py, NASCell; deepmind/lamb lamb/nascell.py",
    ),
    _record(
        "intersection",
        IntersectionOptions,
        "intersection:Intersection",
        summary="Intersection network (+RNN): one gate through time, one through depth",
        paper="Collins, Sohl-Dickstein and Sussillo 2017, arXiv:1611.09913",
        authority="official code: tensorflow contrib/rnn rnn_cell.py, IntersectionRNNCell",
    ),
    _record(
        "mclstm",
        MCLSTMOptions,
        "mclstm:MCLSTM",
        summary="Mass-conserving LSTM: what comes in is stored, moved and put out, never lost",
        paper="Hoedt et al. 2021, MC-LSTM: Mass-conserving LSTM, arXiv:2101.05186",
        authority="official code: ml-jku/mc-lstm mclstm.py",
        traits=Traits(
            low_precision=False
        ),  # shares of a total near 0, where mass of both signs meets, are rounded away
        dropouts=frozenset(),
        zoneout=False,
    ),
    _record(
        "mogrifier",
        MogrifierOptions,
        "mogrifier:Mogrifier",
        summary="Mogrifier LSTM: input and state gate each other in rounds before each step",
        paper="Melis, Kocisky and Blunsom 2020, Mogrifier LSTM, arXiv:1909.01792",
        authority="the paper's equations (1) and (2); official code: deepmind/lamb lamb/tiled_lstm.py",
    ),
    _record(
        "on-lstm",
        ONLSTMOptions,
        "ordered:ONLSTM",
        summary="LSTM with ordered neurons: master gates keep and write them by rank",
        paper="Shen et al. 2019, Ordered neurons, arXiv:1810.09536",
        authority="official code: yikangshen/Ordered-Neurons ON_LSTM.py",
    ),
    _record(
        "elstm",
        NoOptions,
        "elstm:ELSTM",
        summary="LSTM whose gates see each unit's own memory alone",
        paper="Irie, Gopalakrishnan and Schmidhuber 2024, arXiv:2305.19044",
        authority="the paper's section 3.1; official code: IDSIA/rtrl-elstm diagnostic/layers.py",
    ),
)
