"""Every cell against its golden record: numbers that another hand's reference gave, kept in tests/cells/golden."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from each import each
from golden import FOLDER, built, options_of, record_of, records, written

from zoo.components import resolve
from zoo.engine.layer import Run
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.model.engines import engine_named
from zoo.plugin.manager import isolated

FILES = sorted(FOLDER.glob("*.json"))
each_file = each("path", FILES, ids=lambda path: path.stem)


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def tensor(value: Any) -> torch.Tensor:
    """Numbers in float64; true and false, and counts, as they are."""
    made = torch.tensor(value)
    return torch.tensor(value, dtype=torch.float64) if made.is_floating_point() else made


@each("engine", ["auto", "loop"])
@each_file
def test_a_cell_gives_the_numbers_of_its_golden_record(path: Path, engine: str) -> None:
    record = read(path)
    cell = built(record["cell"], record["input_size"], record["hidden_size"])
    cell.load_state_dict({name: tensor(value) for name, value in record["parameters"].items()}, strict=True)
    layer = RecurrentLayer(cell).eval()
    dt, observed = (tensor(record[name])[None] if name in record else None for name in ("dt", "observed"))
    start = layer.init_state(1, device=torch.device("cpu"), dtype=torch.float64)
    with torch.no_grad():
        run = Run(engine=engine_named(engine), dt=dt, observed=observed)
        output = layer(torch.tensor(record["x"], dtype=torch.float64)[None], start, run).output[0]
    expected = np.array(record["y"])
    assert output.shape == expected.shape
    np.testing.assert_allclose(output.numpy(), expected, rtol=0, atol=1e-12)


@each_file
def test_a_reference_still_gives_the_numbers_of_its_golden_record(path: Path) -> None:
    record = read(path)
    parameters = {name: np.array(value) for name, value in record["parameters"].items()}
    beside = {name: np.array(record[name]) for name in ("dt", "observed") if name in record}
    reference = resolve(records()[path.stem].reference or "")
    y = reference(np.array(record["x"]), parameters, options_of(record["cell"]), **beside)
    np.testing.assert_allclose(y, np.array(record["y"]), rtol=0, atol=1e-14)


@each_file
def test_golden_numbers_can_tell_cells_apart(path: Path) -> None:
    y = np.array(read(path)["y"])
    assert np.abs(y).max() < 100.0
    assert np.abs(y[-1]).max() > 0.01
    assert len(np.unique(y)) > y.size // 3, "most outputs are alike: a wrong one would not be seen"


def test_every_cell_has_a_golden_record_and_every_record_a_cell() -> None:
    names = {path.stem for path in FILES}
    assert {provided.record.name for provided in isolated().all("cell")} <= names
    assert names == set(records())
    assert [path.stem for path in FILES if read(path)["cell"]["kind"] != path.stem] == []


def test_golden_records_are_written_as_they_are_kept() -> None:
    """All but the last digits of y, which another processor may give another way."""
    for path in FILES:
        kept, anew = read(path), json.loads(written(record_of(path.stem)))
        np.testing.assert_allclose(anew.pop("y"), kept.pop("y"), rtol=0, atol=1e-13)
        assert anew == kept, path.stem
