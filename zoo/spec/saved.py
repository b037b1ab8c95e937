"""The spec inside a saved model: what `zoo.save` wrote into the metadata of a .safetensors file. No torch."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from zoo.errors import Diagnostic, SpecError
from zoo.spec import access
from zoo.spec.document import parse
from zoo.spec.nodes import Node

ENDING: Final = ".safetensors"
VERSION: Final = 1
"""Of what stands in the metadata."""
SPEC: Final = "zoo.spec"
"""The canonical spec, as YAML."""
LARGEST: Final = 16 * 2**20
"""Bytes of a header: some 100,000 tensors."""
ABOUT: Final = "zoo.about"
"""JSON: the version, the distributions that built the model, and what the tensors' names do not say."""

BARE: Final = "bare-weights"
"""The code of the mistake that a file holds weights and no spec: those of other libraries."""


def is_saved(path: str | os.PathLike[str]) -> bool:
    """Whether a path ends as a saved model's does."""
    return os.fsdecode(path).lower().endswith(ENDING)


def holds_spec(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a saved model, and not weights alone or something else."""
    try:
        return is_saved(path) and SPEC in read_metadata(path)[0]
    except SpecError:
        return False


def read_spec(path: str | os.PathLike[str]) -> Node:
    """The root mapping of the spec in a saved model.

    Raises:
        SpecError: If it is no such file, or its spec has mistakes.
    """
    metadata, _ = read_metadata(path)
    return parse(metadata[SPEC].encode(), f"{access.printable(path)} (its spec)")


def read_metadata(path: str | os.PathLike[str]) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    """The metadata of a saved model, and what `ABOUT` says in them.

    Args:
        path: Of the file, which is not read beyond its header.

    Raises:
        SpecError: If it cannot be read, or `zoo.save` did not write it.
    """
    from safetensors import SafetensorError, safe_open

    try:
        # Asked first: opening a named pipe would wait for whoever writes into it.
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise _no_model(path, "is not a regular file")
        with Path(path).open("rb") as head:
            length = int.from_bytes(head.read(8), "little")
            if length > LARGEST:
                raise _no_model(path, f"is damaged, or no .safetensors file: a header of {length:,} bytes")
        with safe_open(os.fspath(path), framework="numpy") as file:
            metadata: Mapping[str, str] = file.metadata() or {}
    except (SafetensorError, ValueError) as error:
        reason = " ".join(str(error).split())[:120]
        raise _no_model(path, f"is damaged, or no .safetensors file: {reason}") from None
    except OSError as error:
        none = isinstance(error, FileNotFoundError)
        raise _no_model(path, "no such file" if none else f"cannot be read: {error.strerror or error}") from None
    if SPEC not in metadata:
        raise _no_model(path, "holds weights without the spec of their model, which zoo.save writes beside them", BARE)
    return metadata, _about(path, metadata)


def _about(path: str | os.PathLike[str], metadata: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        about = json.loads(metadata.get(ABOUT, "null"))
    except (ValueError, RecursionError):
        about = None
    version = about.get("version") if isinstance(about, Mapping) else None
    if type(version) is not int:
        raise _no_model(path, f"does not say in {ABOUT} how it was written: it is damaged")
    if version > VERSION:
        raise _no_model(path, "was saved by a newer recurrent-zoo: pip install -U recurrent-zoo")
    found: Mapping[str, Any] = about
    return found


def _no_model(path: str | os.PathLike[str], reason: str, code: str = "file") -> SpecError:
    return SpecError([Diagnostic(access.printable(path), 0, 0, reason, code)])
