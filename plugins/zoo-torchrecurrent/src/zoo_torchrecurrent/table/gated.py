"""Cells with gates and one state. Imports no torch."""

from __future__ import annotations

from typing import Final

from zoo_torchrecurrent.entry import Entry

TANH: Final = {"nonlinearity": "tanh"}
GATED: Final = {"nonlinearity": "tanh", "gate_nonlinearity": "sigmoid"}
PLAIN: Final = "weight_ih:h*I weight_hh:h*H bias_ih:h bias_hh:h"

BISTABLE: Final = (
    "Vecoven, Ernst and Drion 2021, A bio-inspired bistable recurrent cell allows for long-lasting memory, PLOS ONE "
    "16(6), arXiv:2006.05252"
)
CAPACITY: Final = (
    "Collins, Sohl-Dickstein and Sussillo 2017, Capacity and trainability in recurrent neural networks, ICLR, "
    "arXiv:1611.09913"
)
MINION: Final = (
    "Zyarah and Kudithipudi 2026, Minion gated recurrent unit for continual learning, Neurocomputing 673, "
    "arXiv:2503.06175"
)
SEARCHED: Final = (
    "Jozefowicz, Zaremba and Sutskever 2015, An empirical exploration of recurrent network architectures, ICML, "
    "https://proceedings.mlr.press/v37/jozefowicz15.html"
)
DEEP_GATE: Final = "Gao and Glowacka 2016, Deep gate recurrent neural network, ACML, arXiv:1604.02910"

GATED_CELLS: Final = (
    Entry(
        module="ATRCell",
        summary="Addition-subtraction twin-gated recurrent unit",
        paper="Zhang et al. 2018, Simplifying neural machine translation with addition-subtraction twin-gated "
        "recurrent networks, EMNLP, arXiv:1810.12546",
        weights=PLAIN,
        options={"recurrent_kernel_init": "normal"},
    ),
    Entry(
        module="BRCell",
        summary="Bistable recurrent cell, each unit seeing only its own past",
        paper=BISTABLE,
        weights="weight_ih:azh*I weight_hh:az bias_ih:azh bias_hh:az",
        options={"recurrent_kernel_init": "normal"},
        depth=0,
    ),
    Entry(
        module="NBRCell",
        summary="Recurrently neuromodulated bistable cell",
        paper=BISTABLE,
        weights="weight_ih:azh*I weight_hh:az*H bias_ih:azh bias_hh:az",
    ),
    Entry(
        module="CFNCell",
        summary="Chaos-free network: without input, its state goes to zero",
        paper="Laurent and von Brecht 2017, A recurrent neural network without chaos, ICLR, arXiv:1612.06212",
        weights="weight_ih:fic*I weight_hh:fi*H bias_ih:fic bias_hh:fi",
    ),
    Entry(
        module="IntersectionRNNCell",
        summary="The +RNN: gates along depth and along time",
        paper=CAPACITY,
        weights="weight_ih:dhyg*I weight_hh:dhyg*H bias_ih:dhyg bias_hh:dhyg",
        options={"depth_nonlinearity": "relu", "recurrent_nonlinearity": "tanh", "gate_nonlinearity": "sigmoid"},
        aside=True,
        square=True,
    ),
    Entry(
        module="LightRUCell",
        summary="Lightweight recurrent unit: the candidate sees only the input",
        paper="Ye et al. 2024, Light recurrent unit: towards an interpretable recurrent neural network for modeling "
        "long-range dependency, Electronics 13(16), doi:10.3390/electronics13163204",
        weights="weight_ih:cz*I weight_hh:z*H bias_ih:cz bias_hh:z",
    ),
    Entry(
        module="LiGRUCell",
        summary="Light GRU: no reset gate, relu; without its paper's batch normalisation",
        paper="Ravanelli et al. 2018, Light gated recurrent units for speech recognition, IEEE Transactions on "
        "Emerging Topics in Computational Intelligence 2(2), arXiv:1803.10225",
        weights="weight_ih:fc*I weight_hh:fc*H bias_ih:fc bias_hh:fc",
        options={"nonlinearity": "relu", "gate_nonlinearity": "sigmoid"},
    ),
    Entry(
        module="MGUCell",
        summary="Minimal gated unit: one gate serves as reset gate and update gate",
        paper="Zhou et al. 2016, Minimal gated unit for recurrent neural networks, International Journal of Automation "
        "and Computing 13(3), arXiv:1603.09420",
        weights="weight_ih:zh*I weight_hh:zh*H bias_ih:zh bias_hh:zh",
        options=GATED,
        depth=2,
    ),
    Entry(
        module="MinimalRNNCell",
        summary="One update gate over a latent input",
        paper="Chen 2017, MinimalRNN: toward more interpretable and trainable recurrent neural networks, preprint, "
        "arXiv:1711.06788",
        weights="weight_ih:h*I weight_hh:f*H bias_ih:h bias_hh:f weight_mm:f*h",
        options={**GATED, "memory_kernel_init": "xavier_uniform"},
    ),
    Entry(
        module="MiRU1Cell",
        summary="Minion recurrent unit with a reset gate and a fixed update",
        paper=MINION,
        weights="weight_ih:rh*I weight_hh:rh*H bias_ih:rh bias_hh:rh",
        options={**GATED, "update_coefficient": 0.5},
        depth=2,
        reference=False,
    ),
    Entry(
        module="MiRU2Cell",
        summary="Minion recurrent unit with a fixed reset and a fixed update",
        paper=MINION,
        weights=PLAIN,
        options={**TANH, "update_coefficient": 0.5, "reset_coefficient": 0.5},
        reference=False,
    ),
    Entry(
        module="MUT1Cell",
        summary="The first of three cells found by search",
        paper=SEARCHED,
        weights="weight_ih:zrh*I weight_hh:rh*H bias_ih:zrh bias_hh:rh",
        depth=2,
    ),
    Entry(
        module="MUT2Cell",
        summary="The second of three cells found by search",
        paper=SEARCHED,
        weights="weight_ih:zrh*I weight_hh:zrh*H bias_ih:zrh bias_hh:zrh",
        depth=2,
    ),
    Entry(
        module="MUT3Cell",
        summary="The third of three cells found by search",
        paper=SEARCHED,
        weights="weight_ih:zrh*I weight_hh:zrh*H bias_ih:zrh bias_hh:zrh",
        depth=2,
    ),
    Entry(
        module="SGRNCell",
        summary="Simple gated recurrent network: one gate, no candidate of its own",
        paper="Zu and Wei 2021, A simple gated recurrent network for detection of power quality disturbances, IET "
        "Generation, Transmission & Distribution 15(4), doi:10.1049/gtd2.12056",
        weights=PLAIN,
    ),
    Entry(
        module="SGUCell",
        summary="Simple gated unit: one multiplicative gate",
        paper=DEEP_GATE,
        weights="weight_ih:gz*I weight_hh:gz*H bias_ih:gz bias_hh:gz",
        options={"nonlinearity": "tanh", "output_nonlinearity": "softplus", "gate_nonlinearity": "hard_sigmoid"},
    ),
    Entry(
        module="DSGUCell",
        summary="Deep simple gated unit: a second matrix before the candidate",
        paper=DEEP_GATE,
        weights="weight_ih:gz*I weight_hh:gz*H bias_ih:gz bias_hh:gz weight_ho:o*h",
        options={"nonlinearity": "tanh", "output_nonlinearity": "sigmoid", "gate_nonlinearity": "hard_sigmoid"},
        depth=2,
    ),
    Entry(
        module="STARCell",
        summary="Stackable recurrent cell",
        paper="Turkoglu et al. 2022, Gating revisited: deep multi-layer RNNs that can be trained, IEEE Transactions on "
        "Pattern Analysis and Machine Intelligence 44(8), arXiv:1911.11033",
        weights="weight_ih:cz*I weight_hh:z*H bias_ih:cz bias_hh:z",
    ),
    Entry(
        module="tauGRUCell",
        summary="Gated unit with a weighted feedback from some steps ago",
        paper="Erichson, Lim and Mahoney 2022, Gated recurrent neural networks with weighted time-delay feedback, "
        "preprint, arXiv:2212.00228",
        weights="weight_ih:uzga*I weight_hh:uzga*H bias_ih:uzga bias_hh:uzga",
        options=GATED,
        delay=True,
    ),
    Entry(
        module="UGRNNCell",
        summary="Update gate recurrent network: one gate",
        paper=CAPACITY,
        weights="weight_ih:cf*I weight_hh:cf*H bias_ih:cf bias_hh:cf",
    ),
)
