"""The hostile files of `zoo convert` are hostile to `zoo load-weights` too: their maker is found from here."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "translation"))
