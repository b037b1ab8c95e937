"""How cells that learn the size of their time steps initialise them."""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor

SHORTEST: Final = 0.001
LONGEST: Final = 0.1


def initialise_steps(bias: Tensor) -> None:
    """Fill a bias so that its softplus, the step, is log-uniform between `SHORTEST` and `LONGEST`, as in Mamba."""
    with torch.no_grad():
        step = bias.uniform_(math.log(SHORTEST), math.log(LONGEST)).exp_()
        step.add_(torch.log(-torch.expm1(-step)))  # the inverse of softplus
