"""Sequence to sequence without attention as an architecture of zoo. Light: torch comes when a model is built."""

from __future__ import annotations

from pathlib import Path

import zoo
from zoo_seq2seq.options import Seq2SeqOptions

PAPER = (
    "Sutskever, Vinyals and Le 2014, Sequence to sequence learning with neural networks, Advances in Neural "
    "Information Processing Systems 27, arXiv:1409.3215"
)


@zoo.hookimpl
def zoo_architectures() -> list[zoo.ArchitectureType]:
    return [
        zoo.ArchitectureType(
            name="seq2seq",
            options=Seq2SeqOptions,
            build="zoo_seq2seq.model:Seq2Seq",
            describe="zoo_seq2seq.options:describe",
            summary="Encoder and decoder; the encoder's final state is the decoder's initial state",
            paper=PAPER,
            stacks=(
                zoo.StackType(
                    name="encoder", summary="The encoder, which reads the source.", head="none", output=False
                ),
                zoo.StackType(
                    name="decoder",
                    summary="The decoder, which generates the target, one symbol at a time.",
                    head="required",
                    pool=False,
                    streamable=True,
                ),
            ),
            traits=zoo.Traits(causal=False, streamable=False),
        )
    ]


@zoo.hookimpl
def zoo_checks() -> list[zoo.CheckType]:
    return [
        zoo.CheckType(
            name="teacher_forcing",
            run="zoo_seq2seq.checks:teacher_forcing",
            summary="one step at a time gives what a whole target gives",
            several=True,
        ),
        zoo.CheckType(
            name="bridge",
            run="zoo_seq2seq.checks:bridge",
            summary="every state of the encoder reaches the decoder",
            several=True,
        ),
        zoo.CheckType(
            name="source_padding",
            run="zoo_seq2seq.checks:source_padding",
            summary="padding in the source changes nothing",
            several=True,
        ),
    ]


@zoo.hookimpl
def zoo_specs() -> list[Path]:
    return [Path(__file__).parent / "specs"]
