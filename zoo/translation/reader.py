"""The process that reads one file of weights, within limits of time and memory: `python -m zoo.translation.reader`.

Files come from anywhere, and what parses HDF5 and ONNX is not made for hostile ones: what takes too long, too much or
crashes does so here, where nothing is lost. No torch is imported, so that a wrong file is told at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from zoo.errors import ZooError
from zoo.translation.contents import Contents, send, send_error

SECONDS: Final = 0.8
"""Of CPU time for a small file, and a second more for each `BYTES_A_SECOND`."""
BYTES_A_SECOND: Final = 20 * 2**20
MEMORY: Final = 384 * 2**20
"""Bytes beyond what the process has when it starts to read, and six for each byte of the file."""


def format_of(path: Path) -> str:
    """The module here that reads a file, by what stands in it.

    Raises:
        ZooError: No format that is known begins so.
    """
    with path.open("rb") as file:
        head = file.read(512)
    if head.startswith(b"PK"):
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
        if {"config.json", "model.weights.h5"} & names:
            return "read_keras"
        return "read_npz" if names and all(name.endswith(".npy") for name in names) else "read_torch"
    if head.startswith(b"\x93NUMPY"):
        return "read_npz"
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return "read_keras"
    if head[8:9] == b"{" and path.suffix.lower() != ".onnx":
        return "read_safetensors"
    if head.startswith(b"\x80") and path.suffix.lower() != ".onnx":
        return "read_torch"
    named = {".onnx": "read_onnx", ".safetensors": "read_safetensors"}.get(path.suffix.lower())
    if named is None:
        kinds = "torch.save, safetensors, ONNX, Keras or zoo convert"
        raise ZooError(
            f"is not a file {'that zoo convert' if path.suffix == '.npz' else f'of weights that {kinds}'} wrote"
        )
    return named


def main() -> None:
    """Read what the first argument says, as JSON; write it to standard output."""
    # What libraries print must not get between.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    asked: dict[str, Any] = json.loads(sys.argv[1])
    path = Path(asked.pop("path"))
    try:
        contents = _read(path, asked)
    except MemoryError:
        send_error(
            "needs more memory than any file of its size should: it is damaged, or crafted to exhaust memory", out
        )
    except ZooError as error:
        send_error(str(error), out)
    except OSError as error:
        send_error(f"cannot be read: {error.strerror or _line(error)}", out)
    except RecursionError:
        send_error("is nested too deeply: it is damaged, or crafted to be so", out)
    except Exception as error:  # whatever a damaged file makes of its reader
        send_error(f"cannot be read, as it is damaged or something else: {_line(error)}", out)
    else:
        send(contents, out)
    out.flush()
    os._exit(0)  # libraries that hold what they have read may crash as they let go of it


def _read(path: Path, asked: dict[str, Any]) -> Contents:
    size = path.stat().st_size
    _limit(size)
    name = format_of(path)
    _limit(None)  # the libraries of a format are our own choice
    module = import_module(f"zoo.translation.{name}")
    _limit(size)
    found: Contents = module.read(path, **asked)
    return found


def _limit(size: int | None) -> None:
    """From here on no more time and memory than a file of this size needs, where the system can see to that."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, 0 if size is None else SECONDS + size / BYTES_A_SECOND)
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * os.sysconf("SC_PAGE_SIZE") + MEMORY + 6 * (size or 0)
        resource.setrlimit(resource.RLIMIT_AS, (hard if size is None else most, hard))


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split())[:160]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


if __name__ == "__main__":
    main()
