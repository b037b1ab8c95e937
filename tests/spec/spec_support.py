"""What the tests of the spec room share beside their fixtures."""

from __future__ import annotations

from collections.abc import Callable

from zoo.spec.resolve import Resolved

HEAD = "schema: 1\nname: x\ninput: 10\ncell: lstm\nhidden_size: 20\n"
"""A good spec of five lines; what a test adds begins on line 6."""

Resolve = Callable[[str], dict[str | None, Resolved]]
"""Every model that a text describes."""
Mistakes = Callable[[str], list[str]]
"""The first line of every diagnostic of a text, without the file's name."""
