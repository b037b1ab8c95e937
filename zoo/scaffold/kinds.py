"""The kinds of plugin that there are templates for, and what differs between them beside the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """What a plugin of this kind is.

    Attributes:
        summary: One line for the package's metadata and README.
        specs: What follows the plugin's name in those of its specs, the one to look at first.
        needs: Distributions that it imports, beside this one.
    """

    summary: str
    specs: tuple[str, ...]
    needs: tuple[str, ...] = ()


_TORCH: Final = "torch>=2.11"

KINDS: Final[Mapping[str, Kind]] = {
    "cell": Kind("The recurrent cell $name", ("forecaster",), ("numpy>=1.26", _TORCH)),
    "layer": Kind("The layer kind $name", ("forecaster",), (_TORCH,)),
    "head": Kind("The head $name", ("classifier",), (_TORCH,)),
    "input": Kind("The input $name", ("forecaster",), (_TORCH,)),
    "specs": Kind("Specs of recurrent models", ("classifier", "forecaster")),
}
"""By what `--kind` says."""

LICENCES: Final = ("MIT", "BSD-3-Clause", "Apache-2.0", "none")
"""By their SPDX names; the first is what is taken where nobody can be asked."""
