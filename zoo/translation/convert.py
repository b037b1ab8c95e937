"""`zoo.convert`: from one library's layers to another's, and proof that both compute the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from zoo.errors import CheckFailure, ZooError
from zoo.translation.layouts import LAYOUTS
from zoo.translation.neutral import Recurrent
from zoo.translation.of_arrays import to_keras, to_onnx
from zoo.translation.of_modules import to_torch, to_torchrecurrent
from zoo.translation.of_zoo import model_of
from zoo.translation.sources import BOUND, Source, run_arrays, run_module, source_of

FORMS: Final = (*LAYOUTS, "zoo")
__all__ = ["BOUND", "FORMS", "Translation", "convert"]


@dataclass(frozen=True, slots=True)
class Translation:
    """What came out. Attributes: made: As `zoo.convert` says.

    Attributes:
        notes: What was left out or cast, a line each.
    """

    made: Any
    notes: tuple[str, ...]


def convert(
    given: Any, to: str, *, name: str = "converted", nonlinearity: str | None = None, prefix: str | None = None
) -> Translation:
    """Translate; `zoo.convert` says how. A `Source` is taken as it is."""
    if to not in FORMS:
        raise ZooError(f"to must be one of {', '.join(FORMS)}, not {to!r}")
    if nonlinearity not in (None, "tanh", "relu"):
        raise ZooError(f"nonlinearity must be 'tanh' or 'relu', not {nonlinearity!r}")
    source = given if isinstance(given, Source) else source_of(given, nonlinearity=nonlinearity, prefix=prefix)
    exact = [replace(layer, dtype="float64") for layer in source.layers]
    # Proven before it is rounded: two biases that become one are not what they were in float32.
    _compare(source, _made(exact, to, name), to)
    layers, notes = _cast(source.layers, to)
    made = _made(layers, to, name)
    _finite(made, to)
    return Translation(made, (*source.notes, *notes))


def _made(layers: Sequence[Recurrent], to: str, name: str) -> Any:
    makers: dict[str, Callable[[], Any]] = {
        "zoo": lambda: model_of(layers, name),
        "torch": lambda: to_torch(layers),
        "torchrecurrent": lambda: to_torchrecurrent(layers),
        "keras": lambda: tuple(to_keras(layer, f"layers.{index}") for index, layer in enumerate(layers)),
        "onnx": lambda: tuple(to_onnx(layer, f"layers.{index}") for index, layer in enumerate(layers)),
    }
    return makers[to]()


def _cast(layers: Sequence[Recurrent], to: str) -> tuple[list[Recurrent], list[str]]:
    """In types that the other side has, and that hold every number exactly."""
    kinds = sorted({layer.dtype for layer in layers})
    wanted = {kind: kind for kind in kinds}
    if len(kinds) > 1 and to in ("zoo", "torch", "torchrecurrent"):  # one module, one type
        wanted = dict.fromkeys(kinds, "float64" if "float64" in kinds else "float32")
    elif to in ("keras", "onnx"):  # arrays of NumPy
        wanted = {kind: "float32" if kind == "bfloat16" else kind for kind in kinds}
    notes = [
        f"{kind} became {other}, which holds each number exactly" for kind, other in wanted.items() if kind != other
    ]
    return [replace(layer, dtype=wanted[layer.dtype]) for layer in layers], notes


def _compare(source: Source, made: Any, to: str) -> None:
    """Hold what was made to what the source itself computes.

    Raises:
        CheckFailure: They differ.
    """
    for proof in source.proofs:
        theirs = run_module(made, proof.x) if isinstance(made, nn.Module) else run_arrays(made, proof.x)
        if proof.y.shape != theirs.shape:
            raise CheckFailure(f"the translation to {to} gives outputs of {theirs.shape}, not of {proof.y.shape}")
        difference = float(np.abs(proof.y - theirs).max())
        if not difference <= proof.bound * max(1.0, float(np.abs(proof.y).max())):
            raise CheckFailure(
                f"the translation to {to} gives outputs that differ by {difference:.1e}, bound {proof.bound:.0e}"
            )


def _finite(made: Any, to: str) -> None:
    """What is finite in the source must not have become too large for its type, as a sum of two biases may."""
    if isinstance(made, nn.Module):
        whole = all(bool(torch.isfinite(value).all()) for value in made.parameters())
    else:
        whole = all(
            np.isfinite(v).all() for one in made for v in (one.weights if to == "keras" else one.inputs.values())
        )
    if not whole:
        raise CheckFailure(
            f"the translation to {to} has biases whose sum is too large for their type: convert in float32"
        )
