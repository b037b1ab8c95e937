"""The engines that can be asked for. Imports no torch: the command line completes them."""

from __future__ import annotations

from typing import Final, Literal, get_args

Engine = Literal["auto", "fused", "linear", "loop", "compile", "scan"]
ENGINES: Final[tuple[Engine, ...]] = get_args(Engine)
