"""Cells that add to their state, or swing about it: antisymmetric steps, weighted residuals, oscillators.

Imports no torch.
"""

from __future__ import annotations

from typing import Final

from zoo_torchrecurrent.entry import Entry

TANH: Final = {"nonlinearity": "tanh"}
PLAIN: Final = "weight_ih:h*I weight_hh:h*H bias_ih:h bias_hh:h"

ANTISYMMETRIC: Final = (
    "Chang et al. 2019, AntisymmetricRNN: a dynamical system view on recurrent neural networks, ICLR, arXiv:1902.09689"
)
FAST: Final = (
    "Kusupati et al. 2018, FastGRNN: a fast, accurate, stable and tiny kilobyte sized gated recurrent neural "
    "network, NeurIPS, arXiv:1901.02358"
)

RESIDUAL_CELLS: Final = (
    Entry(
        module="AntisymmetricRNNCell",
        summary="Residual steps along an antisymmetric matrix",
        paper=ANTISYMMETRIC,
        weights=PLAIN,
        options={**TANH, "recurrent_kernel_init": "normal", "epsilon": 1.0, "gamma": 0.0},
        amplifies=True,  # ε = 1 and weights of deviation 1, where its paper has ε near 0.1 and deviation σ/√n
    ),
    Entry(
        module="GatedAntisymmetricRNNCell",
        summary="Antisymmetric steps behind an input gate",
        paper=ANTISYMMETRIC,
        weights="weight_ih:zh*I weight_hh:h*H bias_ih:zh bias_hh:h",
        options={"recurrent_kernel_init": "normal", "epsilon": 1.0, "gamma": 0.0},
        repeated="weight_hh",
        amplifies=True,
        mended={"recurrent_bias": False},
        deviations={
            "reference": "bias_hh is left out of the gate, where torchrecurrent's own documentation has it: the gate "
            "and the candidate of arXiv:1902.09689 share their recurrent term"
        },
    ),
    Entry(
        module="FastRNNCell",
        summary="Simple recurrence with a learned weighted residual",
        paper=FAST,
        weights="weight_ih:h*I weight_hh:h*H bias_ih:h bias_hh:h alpha:*1 beta:*1",
        options={**TANH, "alpha_init": 3.0, "beta_init": -3.0},
    ),
    Entry(
        module="FastGRNNCell",
        summary="Gated residual cell whose gate and candidate share both matrices",
        paper=FAST,
        weights="weight_ih:h*I weight_hh:h*H bias_ih:zh bias_hh:zh zeta:*1 nu:*1",
        options={**TANH, "zeta_init": 3.0, "nu_init": -3.0},
        deviations={
            "reference": "`nonlinearity`, tanh by default, is applied to the gate, which is a sigmoid in "
            "arXiv:1901.02358 and EdgeML's rnn.py; the candidate is tanh whatever it says"
        },
    ),
    Entry(
        module="coRNNCell",
        summary="Coupled oscillators, one explicit step after the other",
        paper="Rusch and Mishra 2021, Coupled oscillatory recurrent neural network (coRNN): an accurate and (gradient) "
        "stable architecture for learning long time dependencies, ICLR, arXiv:2010.00951",
        weights="weight_ih:h*I weight_hh:h*H weight_ch:h*H bias_ih:h bias_hh:h bias_ch:h",
        options={
            "cell_bias": True,
            "dt": 0.1,
            "gamma": 1.0,
            "epsilon": 1.0,
            "cell_kernel_init": "xavier_uniform",
            "cell_bias_init": "zeros",
        },
        states="h c",
    ),
    Entry(
        module="UnICORNNCell",
        summary="Undamped independent controlled oscillators",
        paper="Rusch and Mishra 2021, UnICORNN: a recurrent model for learning very long time dependencies, ICML, "
        "arXiv:2103.05487",
        weights="weight_ih:h*I weight_hh:h weight_ch:h bias_ih:h bias_hh:h",
        options={
            "recurrent_bias": False,
            "recurrent_kernel_init": "uniform",
            "control_kernel_init": "uniform_centered",
            "dt": 0.1,
            "alpha": 0.0,
        },
        states="h c",
        depth=0,
    ),
    Entry(
        module="LEMCell",
        summary="Long expressive memory: two time scales, learned",
        paper="Rusch et al. 2022, Long expressive memory for sequence modeling, ICLR, arXiv:2110.04744",
        weights="weight_ih:abzy*I weight_hh:abz*H weight_ch:y*H bias_ih:abzy bias_hh:abz bias_ch:y",
        options={"cell_bias": True, "cell_kernel_init": "xavier_uniform", "cell_bias_init": "zeros", "dt": 1.0},
        states="h c",
        deviations={"reference": "h is driven by the old c; arXiv:2110.04744 and tk-rusch/LEM drive it by the new one"},
    ),
    Entry(
        module="SCRNCell",
        summary="Structurally constrained network: a slow context beside the hidden units",
        paper="Mikolov et al. 2015, Learning longer memory in recurrent neural networks, ICLR workshop, "
        "arXiv:1412.7753",
        weights="weight_ih:ch*I weight_hh:hy*H weight_ch:hy*h bias_ih:ch bias_hh:hy bias_ch:hy alpha:*1",
        options={
            "context_bias": True,
            "context_kernel_init": "normal",
            "context_bias_init": "zeros",
            "alpha": 0.5,
        },
        states="h c",
        depth=2,
        deviations={
            "reference": "recurs on its output; in arXiv:1412.7753 the hidden units recur, sigmoid(P s + A x + R h); "
            "and α is a trained parameter, a constant there"
        },
    ),
    Entry(
        module="IndRNNCell",
        summary="Independently recurrent units, each seeing only its own past",
        paper="Li et al. 2018, Independently recurrent neural network (IndRNN): building a longer and deeper RNN, "
        "CVPR, arXiv:1803.04831",
        weights="weight_ih:h*I vector_u:h bias_ih:h bias_hh:h",
        options={**TANH, "recurrent_kernel_init": "normal"},
        depth=0,
    ),
)
