"""Records of conformance checks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from zoo.components.record import API_VERSION, REFERENCE
from zoo.errors import PluginError


@dataclass(frozen=True, kw_only=True)
class CheckType:
    """A conformance check.

    Attributes:
        name: As it is called on the command line, in lower case.
        run: "module:attribute" of `(subject) -> str | None`. It raises `zoo.CheckFailure`, or `zoo.Skip` with the
            declaration that explains it, and may return a note, such as which options it varied.
        summary: One line for lists.
        slow: Whether it runs only when asked for.
        several: Whether it can also be run on an architecture of several stacks.
        architectures: Names of the architectures that it is about. Of other models it is not spoken; () is about all.
        api_version: The plugin API that it is written for. One newer than this package's is incompatible.
    """

    kind: ClassVar[str] = "check"

    name: str
    run: str
    summary: str = ""
    slow: bool = False
    several: bool = False
    architectures: tuple[str, ...] = ()
    api_version: int = API_VERSION

    def __post_init__(self) -> None:
        label = f"{type(self).__name__} {self.name!r}"
        if not isinstance(self.name, str) or not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", self.name):
            raise PluginError(f"{label}: a name is lower case letters, digits, '_' and '-'")
        if not isinstance(self.run, str) or not REFERENCE.fullmatch(self.run):
            raise PluginError(f"{label}: run must be a string 'module:attribute', not {self.run!r}")
