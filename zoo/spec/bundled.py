"""Where this package's own specs lie."""

from __future__ import annotations

from pathlib import Path


def folder() -> Path:
    """Inside the package when installed from a wheel, or beside it in a source tree."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_specs"
    return inside if inside.is_dir() else package.parent / "specs"
