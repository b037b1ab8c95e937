"""All models that are held to a package, and the versions of the packages."""

from __future__ import annotations

from typing import Final

from packages import of_transformers
from packages.held import Held

HELD: Final[tuple[Held, ...]] = (*of_transformers.HELD,)

VERSIONS: Final = {
    "transformers": "5.24.0",
}
