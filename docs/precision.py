"""Measure every cell of specs/cells over a thousand steps in half precision, and write the table of docs/precision.md.

    python docs/precision.py

Takes about a minute. The figures are those that `zoo test --slow --check precision specs/cells` holds to its bound.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Final

import torch

import zoo
from zoo.checks.precision import drift
from zoo.spec.traits import traits

HERE: Final = Path(__file__).parent
PAGE: Final = HERE / "precision.md"
BELOW: Final = "<!-- Below: written by docs/precision.py. -->\n"


def table() -> str:
    """The error of each cell, in per cent of the largest output."""
    lines = ["| cell | bfloat16 parameters | autocast | promised |", "| --- | ---: | ---: | --- |"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", zoo.PrecisionWarning)
        for path in sorted((HERE.parent / "specs" / "cells").glob("*.yaml")):
            spec = zoo.load(path)
            found = drift(spec, torch.device("cpu"))
            promised = "yes" if traits(spec).low_precision else "no"
            figures = " | ".join(f"{found[form]:.2%}" for form in ("bfloat16 parameters", "autocast"))
            lines.append(f"| [{path.stem}](cells/{path.stem}.md) | {figures} | {promised} |")
    return "\n".join(lines)


if __name__ == "__main__":
    torch.set_num_threads(1)
    above, mark, _ = PAGE.read_text(encoding="utf-8").partition(BELOW)
    assert mark, f"{PAGE} has lost the line that the table follows"
    PAGE.write_text(f"{above}{mark}\n{table()}\n", encoding="utf-8")
