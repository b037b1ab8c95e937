"""Hostile and odd files: each is one line or a right conversion, soon, in little memory, and nothing in it is run."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import hostile
import numpy as np
import pytest

from zoo.errors import ZooError
from zoo.translation import files
from zoo.translation.convert import convert
from zoo.weights import reading

FILES = dict(hostile.all_files())
QUICK = (
    "damaged-cut-0.6-a.pt",
    "damaged-noise.onnx",
    "damaged-magic-8948.pt",
    "not_files-pipe.pt",
    "not_files-zero.pt",
    "not_files-round.pt",
    "pickles-system-beside.pt",
    "pickles-laughs.pt",
    "pickles-module.pt",
    "tensors-stride-0.pt",
    "tensors-shared.pt",
    "archives-bomb-h5.keras",
    "headers-header-huge.safetensors",
    "graphs-fills.onnx",
    "graphs-nodes.onnx",
    "layers-h5-external-link.keras",
    "layers-alone-loop.h5",
)
FINE = {
    *("damaged-tail-a.pt", "damaged-tail-legacy.pt", "damaged-tail-a.safetensors", "damaged-tail-a.keras"),
    *("damaged-tail-a.h5", "damaged-tail-a.npz", "damaged-zeros-a.safetensors", "damaged-zeros-a.keras"),
    *("tensors-wide.pt", "tensors-subclass.pt", "archives-traversal.keras"),
}
"""What stays whole, or is only unusual: it is converted."""
GIBIBYTE = 2**20
"""In the system's kilobytes."""


def refusal(name: str, folder: Path) -> str | None:
    """The line that a file gets; None where it was converted."""
    path = folder / name
    FILES[name](path)
    try:
        convert(files.load(path), "zoo")
    except ZooError as error:
        return str(error).removeprefix(f"{path}: ") if str(error).startswith(f"{path}: ") else "NO NAME"
    return None


@pytest.fixture(autouse=True)
def _within(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where code in a pickle would leave its mark


COUNTED: Final = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
sys.exit(status)
"""
"""Runs a command and prints its CPU seconds and KiB of memory; in a small process, as a child inherits the figure."""


def held(name: str, folder: Path) -> None:
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.process_time()
    line = refusal(name, folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime + time.process_time() - start
    assert not (folder / hostile.CANARY).exists(), "its code was run"
    assert (line is None) == (name in FINE), line
    if line is None:
        return
    assert spent < 2, f"{spent:.1f} s of CPU time"
    # The figure is that of the largest child so far, and Linux counts what its parent held when it was started.
    assert after.ru_maxrss < max(GIBIBYTE, before.ru_maxrss + 1, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + 1)
    assert line != "NO NAME"
    assert "\n" not in line
    assert 5 < len(line) < 450
    assert "Traceback" not in line


@pytest.mark.parametrize("name", QUICK)
def test_a_hostile_file_is_one_line(name: str, tmp_path: Path) -> None:
    held(name, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(FILES.keys() - set(QUICK)))
def test_every_hostile_file_is_one_line(name: str, tmp_path: Path) -> None:
    if name == "not_files-secret.pt" and os.geteuid() == 0:
        pytest.skip("root reads every file")
    held(name, tmp_path)


def as_arrays(name: str, folder: Path) -> None:
    """Of whatever is wanted, all tensors by name: arrays, or one line; and its code is not run."""
    path = folder / name
    FILES[name](path)
    try:
        found, line = reading.read(path).arrays, f"{path}: of some length"
    except ZooError as error:
        found, line = {}, str(error)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    assert len(line) < 450 + len(str(path))
    assert all(isinstance(one.array, np.ndarray) and one.array.nbytes <= GIBIBYTE for one in found.values())
    assert not found or name in FINE or name.startswith(("tensors-", "graphs-", "layers-"))
    assert not (folder / hostile.CANARY).exists(), "its code was run"


@pytest.mark.parametrize("name", QUICK)
def test_a_hostile_file_gives_arrays_or_a_line(name: str, tmp_path: Path) -> None:
    as_arrays(name, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(FILES.keys() - set(QUICK)))
def test_every_hostile_file_gives_arrays_or_a_line(name: str, tmp_path: Path) -> None:
    if name == "not_files-secret.pt" and os.geteuid() == 0:
        pytest.skip("root reads every file")
    as_arrays(name, tmp_path)


def test_there_are_many_of_every_kind() -> None:
    assert len(FILES) > 250
    kinds = ("damaged", "not_files", "pickles", "tensors", "archives", "headers", "graphs", "layers")
    assert min(sum(name.startswith(f"{kind}-") for name in FILES) for kind in kinds) >= 12
    assert set(QUICK) | FINE <= FILES.keys()


@pytest.mark.parametrize(
    "name",
    [
        "tensors-stride-0.pt",
        *(
            pytest.param(name, marks=pytest.mark.long)
            for name in ("pickles-many.pt", "graphs-tensors.onnx", "archives-bomb.npz", "headers-names.safetensors", "layers-h5-packed.keras")
        ),
    ],
)  # fmt: skip
def test_the_command_takes_little_time_and_memory(name: str, tmp_path: Path) -> None:
    """Of the whole command, its start included, as the system counts it."""
    FILES[name](tmp_path / name)
    words = [sys.executable, "-c", COUNTED, sys.executable, "-m", "zoo", "convert", name, "--to", "zoo", "-o", "out.pt"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    seconds, memory = done.stdout.split()
    assert done.returncode == 2
    assert done.stderr.startswith(f"zoo: {name}: ")
    assert done.stderr.count("\n") == 1
    assert float(seconds) < 2
    assert int(memory) < GIBIBYTE
    assert [path.name for path in tmp_path.iterdir()] == [name]
