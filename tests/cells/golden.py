"""Golden records: parameters, inputs and outputs of every cell in numbers, made by its reference alone.

`python tests/cells/golden.py` writes tests/cells/golden/*.json anew from `zoo.references`; test_cells_golden.py holds
the cells to them. A cell gives its parameters' names and shapes, and nothing else. What a record was written with stays
in it, so that cell and reference cannot move together unseen: a file that changes shows what has changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from zoo.components import CellType, Shape, resolve
from zoo.engine.cell import Cell
from zoo.plugin.manager import isolated

FOLDER = Path(__file__).with_name("golden")
INPUT, HIDDEN, STEPS = 3, 4, 4
OPTIONS: dict[str, dict[str, Any]] = {
    "antisymmetric": {"gated": True, "epsilon": 0.5, "gamma": 0.25},
    "cfc": {"backbone_units": 5},
    "cornn": {"dt": 0.5},
    "esn": {"leak": 0.25},
    "gla": {"heads": 2, "key_size": 3, "gate_rank": 2},
    "deltanet": {"heads": 2, "key_size": 3, "kernel": 2},
    "gated-deltanet": {"heads": 2, "key_size": 3, "kernel": 2},
    "hgrn": {"lower_bound": 0.25},
    "hgrn2": {"heads": 2, "key_size": 3, "kernel": 2, "lower_bound": 0.25},
    "lipschitz": {"epsilon": 0.5, "gamma": 0.25},
    "lmu": {"order": 3, "theta": 4.0},
    "mamba": {"state_size": 2, "kernel": 2, "rank": 2},
    "mamba2": {"heads": 2, "groups": 2, "state_size": 2, "kernel": 2},
    "mclstm": {"mass": 2},
    "miru1": {"lam": 0.25},
    "miru2": {"lam": 0.25, "beta": 0.75},
    "mlstm": {"heads": 2},
    "mlstm-block": {"heads": 2, "block_size": 2, "kernel": 2},
    "on-lstm": {"chunk_size": 2},
    "retnet": {"heads": 2, "key_size": 4, "kernel": 2},
    "rglru": {"heads": 2},
    "rhn": {"depth": 2},
    "rssm": {"units": 3, "blocks": 2, "layers": 2},
    "rwkv7": {"heads": 2, "decay_rank": 2, "rate_rank": 2, "gate_rank": 2},
    "scrn": {"context_size": 2},
    "slstm": {"heads": 2},
    "srnn": {"hyper_size": 5},
    "st-lstm": {"kernel": 3, "layers": 2},
    "taugru": {"delay": 2},
    "unicornn": {"dt": 0.5, "alpha": 1.5},
}
"""What differs from the defaults: smaller parts, steps long enough to be seen, and shares that are not their own rest."""
INPUTS: dict[str, int | list[int]] = {
    "rglru": HIDDEN,
    "convlstm": [2, 3, 3],
    "convgru": [2, 3, 3],
    "st-lstm": [2, 3, 3],
}
"""Widths of the input that are not INPUT: as wide as the state, or maps of channels, rows and columns."""
HIDDENS = {"convlstm": 2, "convgru": 2, "st-lstm": 2, "on-lstm": 6}
"""Widths of the state that are not HIDDEN: few maps, and three chunks, since the last is never written to."""


@cache
def records() -> Mapping[str, CellType]:
    """Every cell of the house by its name."""
    registered = [provided.record for provided in isolated().all("cell")]
    return {record.name: record for record in registered if isinstance(record, CellType)}


def shape_of(input_size: int | list[int]) -> Shape:
    return (input_size,) if isinstance(input_size, int) else tuple(input_size)


def options_of(cell: Mapping[str, Any]) -> Any:
    """The validated options of a cell as a spec writes it."""
    chosen = {name: value for name, value in cell.items() if name != "kind"}
    return records()[cell["kind"]].options.model_validate(chosen)


def built(cell: Mapping[str, Any], input_size: int | list[int], hidden_size: int) -> Cell:
    """The cell in float64, built in it as `zoo.build` does: what a cell derives from its options is exact then too."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        made: Cell = resolve(records()[cell["kind"]].build)(options_of(cell), shape_of(input_size), hidden_size)
    finally:
        torch.set_default_dtype(before)
    return made


def drawn(name: str, shape: Shape, rng: np.random.Generator) -> NDArray[np.float64]:
    """Numbers of three decimals, so that a record can be checked by hand, where the parameter of that name lives."""
    values = 0.7 * rng.standard_normal(shape)
    if name.endswith("running_var"):
        values = 0.5 + np.abs(values)
    elif name == "period":
        values = 3.0 + values
    elif name == "ratio":
        values = 0.5 + 0.2 * values
    return np.round(values, 3)


def record_of(kind: str) -> dict[str, Any]:
    """The golden record of one cell."""
    record = records()[kind]
    cell = {"kind": kind, **OPTIONS.get(kind, {})}
    input_size, hidden_size = INPUTS.get(kind, INPUT), HIDDENS.get(kind, HIDDEN)
    rng = np.random.default_rng(0)
    shapes = built(cell, input_size, hidden_size).state_dict()
    parameters = {
        name: drawn(name, tuple(shapes[name].shape), rng) if shapes[name].is_floating_point() else np.array(0)
        for name in sorted(shapes)
    }
    x = np.round(rng.standard_normal((STEPS, *shape_of(input_size))), 3)
    beside: dict[str, NDArray[Any]] = {}
    if "dt" in record.uses:
        beside["dt"] = np.round(0.25 + 2.0 * rng.random(STEPS), 3)
    if "observed" in record.uses:
        beside["observed"] = rng.random(x.shape) < 0.6
        x = np.where(beside["observed"], x, 0.0)
    y = resolve(record.reference or "")(x, parameters, options_of(cell), **beside)
    numbers = {"x": x, **beside, "y": y}
    return {
        "cell": cell,
        "input_size": input_size,
        "hidden_size": hidden_size,
        "parameters": {name: value.tolist() for name, value in parameters.items()},
        **{name: value.tolist() for name, value in numbers.items()},
    }


def written(record: Mapping[str, Any]) -> str:
    """As JSON, each array on a line; floats as Python writes them, which is with all 17 significant digits they need."""
    lines = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in record.items() if name != "parameters"]
    inner = ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in record["parameters"].items())
    lines.insert(3, f' "parameters": {{\n{inner}\n }}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for kind in records():
        (FOLDER / f"{kind}.json").write_text(written(record_of(kind)), encoding="utf-8")
