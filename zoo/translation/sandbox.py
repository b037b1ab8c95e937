"""Read a file of weights in a process of its own, whose time and memory are limited; see `reader`."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Final

from zoo.errors import ZooError, one_line
from zoo.translation.contents import Contents, receive

_LONGEST: Final = 800
"""Characters of a refusal, which may repeat names out of the file."""
_PATIENCE: Final = 60
"""Seconds by the clock, and one more for each megabyte: for a reader that waits and uses no time of its own."""


def read(path: Path, *, prefix: str | None = None, whole: bool = False) -> Contents:
    """What a file of weights holds.

    Args:
        path: The file, of torch, safetensors, Keras, ONNX or `zoo convert`.
        prefix: Of the recurrent module or layer, where there are several.
        whole: Whether all tensors are wanted, and not one recurrent module.

    Raises:
        ZooError: It cannot be read, or holds something else; one line that begins with the file's name.
    """
    size = ordinary(path)
    # What is imported there is what is imported here, and nothing from the folder that the command runs in.
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
        "HDF5_USE_FILE_LOCKING": "FALSE",
    }
    asked = json.dumps({"path": str(path.absolute()), "prefix": prefix, "whole": whole})
    words = [sys.executable, "-P", "-m", "zoo.translation.reader", asked]
    try:
        done = subprocess.run(
            words, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE + size / 2**20, check=False
        )
    except subprocess.TimeoutExpired:
        raise ZooError(f"{path}: takes too long to read") from None
    try:
        found = receive(done.stdout)
    except ZooError as error:
        raise ZooError(f"{path}: {_short(str(error))}") from None
    if found is None:
        raise ZooError(f"{path}: {_ended(done.returncode)}")
    return found


def ordinary(path: Path) -> int:
    """The size of a file that can be read without waiting for anybody.

    Raises:
        ZooError: There is no such file, or it is a folder, a pipe, a device, empty or not to be read.
    """
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise ZooError(f"{path}: is a folder, not a file of weights")
        if not stat.S_ISREG(found.st_mode):
            raise ZooError(f"{path}: is a pipe, a device or a socket, not a file of weights")
        if not found.st_size:
            raise ZooError(f"{path}: is empty")
        with path.open("rb"):
            pass
    except OSError as error:
        raise ZooError(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # a null character in the name
        raise ZooError(f"{str(path)!r}: cannot be read: {error}") from None
    return found.st_size


def _short(text: str) -> str:
    """One line of a length that can be read, whatever names in the file are in it: begin and end say most."""
    line = one_line(text)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 3 :]}"


def _ended(status: int) -> str:
    if status in (-getattr(signal, "SIGPROF", 0), -getattr(signal, "SIGXCPU", 0)):
        return "takes longer to read than any file of its size should: it is damaged, or crafted to take long"
    return "cannot be read, as it is damaged: its reader crashed"
