"""Checkpoints in pieces, with an index that names them, that are whole but for one thing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from hostile import safetensors_bytes
from hostile_tensors import BIAS, FIRST, Maker, Rows, arrays, tensors


def pieces(index: Any, **files: bytes) -> Maker:
    """An index, and pieces beside it that have their names without an ending here."""

    def make(path: Path) -> None:
        for name, data in files.items():
            (path.parent / f"{name}.safetensors").write_bytes(data)
        path.write_bytes(index if isinstance(index, bytes) else json.dumps({"weight_map": index}).encode())

    return make


def halves() -> tuple[bytes, bytes]:
    held = list(tensors().items())
    return safetensors_bytes(dict(held[:2])), safetensors_bytes(dict(held[2:]))


ONE, TWO = halves()
RIGHT = {name: f"{'one' if number < 2 else 'two'}.safetensors" for number, name in enumerate(arrays())}


def _linked(to: str) -> Maker:
    def make(path: Path) -> None:
        (path.parent / "one.safetensors").symlink_to(to)
        (path.parent / "two.safetensors").write_bytes(TWO)
        path.write_text(json.dumps({"weight_map": RIGHT}))

    return make


def _pipe(path: Path) -> None:
    os.mkfifo(path.parent / "one.safetensors")
    (path.parent / "two.safetensors").write_bytes(TWO)
    path.write_text(json.dumps({"weight_map": RIGHT}))


PIECES: Rows = {
    "above.index.json": (pieces({FIRST: "../one.safetensors"}), "is not a file in the same folder"),
    "root.index.json": (pieces({FIRST: "/etc/passwd"}), "is not a file in the same folder"),
    "dots.index.json": (pieces({FIRST: ".."}), "is not a file in the same folder"),
    "lines.index.json": (pieces({FIRST: "a\nb/c"}), r"names 'a\\nb/c'"),
    "null.index.json": (pieces({FIRST: "a\0b"}), "cannot be read"),
    "numbers.index.json": (pieces({FIRST: 3}), "is not a file in the same folder"),
    "mixed.index.json": (pieces({FIRST: 3, BIAS: "one.safetensors"}), "is not an index of pieces"),
    "empty.index.json": (pieces({}), "has 0 pieces"),
    "many.index.json": (pieces({f"n{i}": f"{i}.safetensors" for i in range(2000)}), "has 2,000 pieces"),
    "deep.index.json": (pieces(b'{"weight_map":' * 10**5), "is not an index of pieces"),
    "flood.index.json": (pieces(b'{"weight_map": [' + b"{}," * 20_000_000 + b"{}]}"), "is larger than any index"),
    "missing-piece.index.json": (pieces(RIGHT, one=ONE), "two.safetensors: cannot be read: No such file"),
    "in-no-piece.index.json": (
        pieces({**RIGHT, "layers.9.more": "one.safetensors"}, one=ONE, two=TWO),
        "says that one.safetensors holds layers.9.more, which it does not",
    ),
    "in-the-other-piece.index.json": (
        pieces({**RIGHT, FIRST: "two.safetensors"}, one=ONE, two=TWO),
        f"says that two.safetensors holds {FIRST}, which it does not",
    ),
    "piece-twice.index.json": (
        pieces({**RIGHT, "a": "three.safetensors"}, one=ONE, two=TWO, three=ONE),
        f"holds {FIRST}, which another piece holds too",
    ),
    "device.index.json": (_linked("/dev/zero"), "is a pipe, a device or a socket"),
    "round.index.json": (_linked("one.safetensors"), "cannot be read: Too many levels of symbolic links"),
    "pipe.index.json": (_pipe, "is a pipe, a device or a socket"),
    "cut-piece.index.json": (pieces(RIGHT, one=ONE[:-9], two=TWO), "cut off"),
}  # fmt: skip
