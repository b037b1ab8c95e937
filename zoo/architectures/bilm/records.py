"""The records of the architecture and of the input that both of its stacks read. Imports no torch."""

from __future__ import annotations

from typing import Final

from zoo.architectures.bilm.options import SameOptions
from zoo.components import ArchitectureType, InputType, NoOptions, StackType, Traits

HERE: Final = "zoo.architectures.bilm"
CHECKS: Final = "zoo.checks.bilm"
RESTATED: Final = (
    *("shapes", "finite", "batch_independence", "padding_invariance", "causality", "direction", "state_default"),
    *("chunked", "gradcheck", "precision", "learns"),
)
"""Checks of the contract that say the same of two directions."""

BILM: Final = ArchitectureType(
    name="bilm",
    options=NoOptions,
    build=f"{HERE}.model:BiLM",
    describe=f"{HERE}.options:describe",
    summary="A forward and a backward stack over one input, apart through all layers, as in ELMo",
    paper="Peters et al. 2018, Deep contextualized word representations, NAACL, arXiv:1802.05365",
    authority="allenai/bilm-tf",
    stacks=(
        StackType(
            name="forwards",
            summary="The stack that reads from the first step to the last; its input and head are those of both.",
            pool=False,
            streamable=True,
            states=False,
        ),
        StackType(
            name="backwards",
            summary="The stack that reads from the last step to the first.",
            head="none",
            streamable=True,
            states=False,
            like="forwards",
        ),
    ),
    traits=Traits(causal=False, streamable=False),
    checks={name: f"{CHECKS}:{name}" for name in RESTATED}
    | {
        "compile": f"{CHECKS}:compiles",
        "dropout": "zoo.checks.drops:dropout",
        "reset": f"{CHECKS}_more:reset",
        "loss_reference": f"{CHECKS}_more:loss_reference",
        "export": "zoo.checks.exporting_parts:both_directions",
    },
    skips={
        "generate": "the backward direction begins at the end of a sequence",
        "stepwise": "the backward direction begins at the end of a sequence",
        "decode": "a word that is predicted from both sides is no answer",
        "every_head_matters": "both directions share one head",
    },
)

SAME: Final = InputType(
    name="same",
    options=SameOptions,
    build=f"{HERE}.same:Same",
    describe=f"{HERE}.options:describe_same",
    shares=True,
    once=True,
    summary="The input of the stack that this one is like, computed once for both",
    traits=Traits(bounded=True),
)
