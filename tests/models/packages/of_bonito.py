"""Bonito's basecaller, by Nanopore's package, without the kernels of its decoder."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import of_convolutions
from borrowed import bare
from torch import Tensor, nn

from packages.held import Held, of

KERNELS: Final = dict.fromkeys(("koi", "koi.lstm", "koi.ctc"))


def encoder() -> nn.Module:
    """Twenty scores, of a blank and four bases for each of four states; its second convolution has 16 channels always."""

    class Distribution:
        def __init__(self) -> None: ...

    with bare("bonito", "bonito.crf", without={**KERNELS, "koi.ctc": _stub(Distribution)}):
        found: nn.Module = import_module("bonito.crf.model").rnn_encoder(
            n_base=4, state_len=1, first_conv_size=2, stride=3, winlen=7, features=4
        )
    return found


def _stub(distribution: type) -> Any:
    from unittest.mock import MagicMock

    return MagicMock(SequenceDist=distribution)


RULES: Final = (
    *((rf"^{place}\.conv\.", f"convs.{place}.") for place in range(3)),
    *((rf"^{place + 4}\.rnn\.", f"rnns.{place}.") for place in range(5)),
    (r"^9\.linear\.", "linear."),
)
CHANGES: Final[Mapping[str, Any]] = {**of_convolutions.BONITO.changes, "layers.1.channels": 16, "layers.8.size": 20}


def scores(model: Any, x: Tensor) -> Tensor:
    found: Tensor = model(x.transpose(1, 2)).transpose(0, 1)
    return found


HELD: Final = (
    Held(
        "bonito",
        "ont-bonito",
        "crf.model.rnn_encoder",
        of(of_convolutions.BONITO, encoder, scores, *RULES, changes=CHANGES),
    ),
)
