"""What tests of browsing share: what a command said, and specs to look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    out: str
    err: str
    status: int

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Zoo = Callable[..., Said]

DEEP = """
schema: 1
name: deep
description: Blocks in blocks.
paper: Someone 2001, Blocks, a journal 1998
tags: [deep, nested]
input: 8
cell: gru
hidden_size: 8
layers:
  - {kind: linear, size: 8}
  - &block
    kind: block
    layers: [{kind: linear, size: 8}, {cell: lstm}, {kind: block, layers: [{cell: rnn}, {cell: rnn}]}]
head: {kind: linear, size: 3, pool: mean}
"""
