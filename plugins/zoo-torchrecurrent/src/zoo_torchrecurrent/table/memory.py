"""Cells with a memory beside their output, and those whose gates see inputs alone. Imports no torch."""

from __future__ import annotations

from typing import Final

from zoo_torchrecurrent.entry import Entry

GATED: Final = {"nonlinearity": "tanh", "gate_nonlinearity": "sigmoid"}
LSTM: Final = "weight_ih:ifco*I weight_hh:ifco*H bias_ih:ifco bias_hh:ifco"

STRONGLY_TYPED: Final = "Balduzzi and Ghifary 2016, Strongly-typed recurrent neural networks, ICML, arXiv:1602.02218"

MEMORY_CELLS: Final = (
    Entry(
        module="JANETCell",
        summary="Just another network: a forget gate only",
        paper="van der Westhuizen and Lasenby 2018, The unreasonable effectiveness of the forget gate, preprint, "
        "arXiv:1804.04849",
        weights="weight_ih:fc*I weight_hh:fc*H bias_ih:fc bias_hh:fc beta:*1",
        options={"beta": 1.0},
        states="h c",
        zoneout="",  # h is c: one held back without the other would be a third cell
        deviations={"reference": "β is a trained parameter; a constant in arXiv:1804.04849 and its authors' code"},
    ),
    Entry(
        module="MCLSTMCell",
        summary="LSTM with a separate control vector that drives its gates",
        paper="Ben-Ari and Shwartz-Ziv 2017, Sequence modeling using a memory controller extension for LSTM, NIPS time "
        "series workshop, https://www.ravid-shwartz-ziv.com/publication/squence2017/",
        weights="weight_ih:fiomc*I weight_hh:fiomc*H bias_ih:fiomc bias_hh:fiomc",
        options={"gate_nonlinearity": "sigmoid", "cell_nonlinearity": "tanh"},
        states="v c",
        aside=True,
        reference=False,
    ),
    Entry(
        module="MultiplicativeLSTMCell",
        summary="LSTM whose recurrent matrix depends on the input",
        paper="Krause et al. 2017, Multiplicative LSTM for sequence modelling, ICLR workshop, arXiv:1609.07959",
        weights="weight_ih:mifco*I weight_hh:m*H weight_mh:ifco*h bias_ih:mifco bias_hh:m bias_mh:ifco",
        options={
            "multiplicative_bias": True,
            "multiplicative_kernel_init": "normal",
            "multiplicative_bias_init": "zeros",
        },
        states="h c",
        depth=2,
    ),
    Entry(
        module="NASCell",
        summary="The cell found by neural architecture search",
        paper="Zoph and Le 2017, Neural architecture search with reinforcement learning, ICLR, arXiv:1611.01578",
        weights="weight_ih:01234567*I weight_hh:01234567*H bias_ih:01234567 bias_hh:01234567",
        states="h c",
        deviations={
            "reference": "the fourth node is relu(x + m); in TensorFlow's NASCell, which torchrecurrent says it "
            "follows without changes, it is relu(x * m)"
        },
    ),
    Entry(
        module="OriginalLSTMCell",
        summary="LSTM before its forget gate",
        paper="Hochreiter and Schmidhuber 1997, Long short-term memory, Neural Computation 9(8), "
        "doi:10.1162/neco.1997.9.8.1735",
        weights="weight_ih:ico*I weight_hh:ico*H bias_ih:ico bias_hh:ico",
        states="h c",
    ),
    Entry(
        module="PeepholeLSTMCell",
        summary="LSTM whose gates see the memory",
        paper="Gers, Schraudolph and Schmidhuber 2002, Learning precise timing with LSTM recurrent networks, JMLR 3, "
        "https://www.jmlr.org/papers/v3/gers02a.html",
        weights=f"{LSTM} weight_ph:ifo",
        options={**GATED, "peephole_kernel_init": "normal"},
        states="h c",
    ),
    Entry(
        module="RANCell",
        summary="Recurrent additive network: the memory is a weighted sum of its inputs",
        paper="Lee, Levy and Zettlemoyer 2017, Recurrent additive networks, preprint, arXiv:1705.07393",
        weights="weight_ih:cif*I weight_hh:if*H bias_ih:if bias_hh:if",
        states="h c",
    ),
    Entry(
        module="ResLSTMCell",
        summary="Residual LSTM: a shortcut from the input inside the output gate",
        paper="Kim, El-Khamy and Lee 2017, Residual LSTM: design of a deep recurrent architecture for distant speech "
        "recognition, Interspeech, arXiv:1701.03360",
        weights=f"{LSTM} weight_proj:h*h weight_res:h*I weight_ph:ifo",
        options={
            **GATED,
            "peephole_kernel_init": "normal",
            "proj_init": "xavier_uniform",
            "residual_init": "xavier_uniform",
        },
        states="h c",
        depth=2,
    ),
    Entry(
        module="WMCLSTMCell",
        summary="LSTM with working-memory connections from the memory to its gates",
        paper="Landi et al. 2021, Working memory connections for LSTM, Neural Networks 144, arXiv:2109.00020",
        weights=f"{LSTM} weight_mh:ifo*H bias_mh:ifo",
        options={"memory_bias": True, "memory_kernel_init": "xavier_uniform", "memory_bias_init": "zeros"},
        states="h c",
        depth=2,
    ),
    Entry(
        module="TRNNCell",
        summary="Strongly typed simple recurrence: its gate sees only the input",
        paper=STRONGLY_TYPED,
        weights="weight_ih:cf*I bias_ih:cf",
        options={
            "recurrent_bias": None,
            "recurrent_kernel_init": None,
            "recurrent_bias_init": None,
            "gate_nonlinearity": "sigmoid",
        },
        depth=0,
    ),
    Entry(
        module="TGRUCell",
        summary="Strongly typed GRU: gates see the last two inputs, not the state",
        paper=STRONGLY_TYPED,
        weights="weight_ih:cfo*I weight_hh:cfo*I bias_ih:cfo bias_hh:cfo",
        options={"gate_nonlinearity": "sigmoid", "output_nonlinearity": "tanh"},
        states="h x",
        depth=0,
    ),
    Entry(
        module="TLSTMCell",
        summary="Strongly typed LSTM: gates see the last two inputs, not the state",
        paper=STRONGLY_TYPED,
        weights="weight_ih:cfo*I weight_hh:cfo*I bias_ih:cfo bias_hh:cfo",
        options={"gate_nonlinearity": "sigmoid", "output_nonlinearity": "tanh"},
        states="c x",
        aside=True,
        depth=0,
    ),
)
