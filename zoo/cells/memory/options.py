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
from zoo.cells.records import record
from zoo.components import NoOptions, Traits

CELLS: Final = (
    record(
        "slstm",
        SLSTMOptions,
        "slstm:SLSTM",
        family="memory",
        described_in="closed_forms",
        reference_in="controlled",
        summary="LSTM with a scalar memory, exponential gates and a stabiliser, from xLSTM",
        paper="Beck et al. 2024, xLSTM: extended long short-term memory, NeurIPS, arXiv:2405.04517",
        authority="official code: NX-AI/xlstm xlstm/blocks/slstm/src/vanilla/slstm.py",
        zoneout=False,
    ),
    record(
        "lstm-1997",
        LSTM1997Options,
        "early:LSTM1997",
        family="memory",
        described_in="closed_forms",
        reference_in="memory",
        summary="The first LSTM: input and output gate, nothing forgotten",
        paper="Hochreiter and Schmidhuber 1997, Long short-term memory, Neural Computation 9(8), "
        "doi:10.1162/neco.1997.9.8.1735",
        authority="the paper's section 4 and appendix A.1, at second hand",
    ),
    record(
        "residual-lstm",
        ResidualOptions,
        "products:ResidualLSTM",
        family="memory",
        described_in="closed_forms",
        reference_in="memory",
        summary="LSTM with peepholes whose output gate also lets the input through",
        paper="Kim, El-Khamy and Lee 2017, Residual LSTM: design of a deep recurrent architecture for distant speech "
        "recognition, Interspeech, arXiv:1701.03360",
        authority="the paper's equations of the residual LSTM, at second hand",
        traits=Traits(),
    ),
    record(
        "multiplicative-lstm",
        MultiplicativeOptions,
        "products:MultiplicativeLSTM",
        family="memory",
        described_in="closed_forms",
        reference_in="memory",
        summary="LSTM whose recurrent matrix the input chooses, by a product of x and h",
        paper="Krause et al. 2017, Multiplicative LSTM for sequence modelling, ICLR workshop, arXiv:1609.07959",
        authority="the paper's equations (16) to (21)",
    ),
    record(
        "wmc-lstm",
        WMCLSTMOptions,
        "early:WMCLSTM",
        family="memory",
        described_in="closed_forms",
        reference_in="memory",
        summary="LSTM with working memory connections: gates see a tanh of a map of the memory",
        paper="Landi et al. 2021, Working memory connections for LSTM, Neural Networks 144, arXiv:2109.00020",
        authority="the paper's equations of the gates, at second hand",
    ),
    record(
        "memory-control-lstm",
        MemoryControlOptions,
        "early:MemoryControlLSTM",
        family="memory",
        described_in="closed_forms",
        reference_in="controlled",
        summary="LSTM that puts out one view of its memory and feeds back another",
        paper="Ben-Ari and Shwartz-Ziv 2017, Sequence modeling using a memory controller extension for LSTM, NIPS time "
        "series workshop, https://www.ravid-shwartz-ziv.com/publication/squence2017/",
        authority="the paper's equations, at second hand",
    ),
    record(
        "nas",
        NASOptions,
        "nas:NAS",
        family="memory",
        described_in="closed_forms",
        reference_in="controlled",
        summary="Cell found by architecture search, with eight blocks",
        paper="Zoph and Le 2017, Neural architecture search with reinforcement learning, ICLR, arXiv:1611.01578",
        authority="official code: tensorflow contrib/rnn rnn_cell.py, NASCell; deepmind/lamb lamb/nascell.py",
    ),
    record(
        "intersection",
        IntersectionOptions,
        "intersection:Intersection",
        family="memory",
        described_in="closed_forms",
        reference_in="controlled",
        summary="Intersection network (+RNN): one gate through time, one through depth",
        paper="Collins, Sohl-Dickstein and Sussillo 2017, Capacity and trainability in recurrent neural networks, "
        "ICLR, arXiv:1611.09913",
        authority="official code: tensorflow contrib/rnn rnn_cell.py, IntersectionRNNCell",
        traits=Traits(),
    ),
    record(
        "mclstm",
        MCLSTMOptions,
        "mclstm:MCLSTM",
        family="memory",
        described_in="closed_forms",
        reference_in="controlled",
        summary="Mass-conserving LSTM: what comes in is stored, moved and put out, never lost",
        paper="Hoedt et al. 2021, MC-LSTM: mass-conserving LSTM, ICML, arXiv:2101.05186",
        authority="official code: ml-jku/mc-lstm mclstm.py",
        traits=Traits(
            low_precision=False
        ),  # shares of a total near 0, where mass of both signs meets, are rounded away
        dropouts=frozenset(),
        zoneout=False,
    ),
    record(
        "mogrifier",
        MogrifierOptions,
        "mogrifier:Mogrifier",
        family="memory",
        described_in="closed_forms",
        reference_in="memory",
        summary="Mogrifier LSTM: input and state gate each other in rounds before each step",
        paper="Melis, Kočiský and Blunsom 2020, Mogrifier LSTM, ICLR, arXiv:1909.01792",
        authority="the paper's equations (1) and (2); official code: deepmind/lamb lamb/tiled_lstm.py",
    ),
    record(
        "on-lstm",
        ONLSTMOptions,
        "ordered:ONLSTM",
        family="memory",
        described_in="closed_forms",
        reference_in="memory",
        summary="LSTM with ordered neurons: master gates keep and write them by rank",
        paper="Shen et al. 2019, Ordered neurons: integrating tree structures into recurrent neural networks, ICLR, "
        "arXiv:1810.09536",
        authority="official code: yikangshen/Ordered-Neurons ON_LSTM.py",
    ),
    record(
        "elstm",
        NoOptions,
        "elstm:ELSTM",
        family="memory",
        described_in="closed_forms",
        reference_in="controlled",
        summary="LSTM whose gates see each unit's own memory alone",
        paper="Irie, Gopalakrishnan and Schmidhuber 2024, Exploring the promise and limits of real-time recurrent "
        "learning, ICLR, arXiv:2305.19044",
        authority="the paper's section 3.1; official code: IDSIA/rtrl-elstm reinforcement_learning/torchbeast/layer.py",
    ),
)
