"""Text as Markdown has it."""

from __future__ import annotations

import re
from typing import Final

NOTE: Final = "<!-- Written by docs/generate.py from the code. -->"


def plain(text: str) -> str:
    """With nothing that Markdown would read: `*`, `_`, `|` and `<` stand for themselves, but not in code."""
    parts = text.split("`")
    return "`".join(
        re.sub(r"([*_|<~^])", r"\\\1", part) if place % 2 == 0 else part for place, part in enumerate(parts)
    )
