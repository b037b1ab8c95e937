"""The record of the architecture. Imports no torch."""

from __future__ import annotations

from typing import Final

from zoo.architectures.transducer.options import TransducerOptions
from zoo.components import ArchitectureType, StackType, Traits

HERE: Final = "zoo.architectures.transducer"
CHECKS: Final = "zoo.checks.transducer"

RESTATED: Final = (
    *("shapes", "finite", "batch_independence", "padding_invariance", "causality", "state_default", "chunked"),
    "stepwise",
)
"""Checks of the contract that say the same of two sides, the input and the target."""

TRANSDUCER: Final = ArchitectureType(
    name="transducer",
    options=TransducerOptions,
    build=f"{HERE}.model:Transducer",
    describe=f"{HERE}.options:describe",
    summary="An encoder reads steps, a predictor the symbols written so far; a joiner scores the next symbol, or none",
    paper="Graves 2012, Sequence transduction with recurrent neural networks, ICML workshop on representation "
    "learning, arXiv:1211.3711; Graves, Mohamed and Hinton 2013, Speech recognition with deep recurrent neural "
    "networks, ICASSP, arXiv:1303.5778",
    stacks=(
        StackType(
            name="encoder", summary="The encoder, which reads the steps of the input.", head="none", states=False
        ),
        StackType(
            name="predictor",
            summary="The predictor, which reads the symbols that have been written.",
            head="none",
            streamable=True,
            states=False,
        ),
    ),
    traits=Traits(causal=False, streamable=False),
    checks={
        **{name: f"{CHECKS}:{name}" for name in RESTATED},
        "gradcheck": f"{CHECKS}_numbers:gradcheck",
        "precision": f"{CHECKS}_numbers:precision",
        "compile": f"{CHECKS}_numbers:compiles",
        "learns": f"{CHECKS}_loss:learns",
        "generate": "zoo.checks.drawing:transducer",
        "dropout": "zoo.checks.drops:dropout",
        "export": "zoo.checks.exporting_parts:transducer",
    },
    skips={
        "reset": "an input and what is written have no steps in common: each begins anew from init_state",
        "loss_reference": "its loss is held by transducer_loss",
        "decode": "what it writes is held by transducer_decode",
        "every_head_matters": "the joiner gives one output",
    },
)
