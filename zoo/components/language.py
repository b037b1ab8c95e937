"""Records of languages: foreign ways to write a model down in one line, which a reader turns into a spec."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from zoo.components.record import API_VERSION, REFERENCE
from zoo.errors import PluginError


@dataclass(frozen=True, kw_only=True)
class LanguageType:
    """A language that says a model in one line: `zoo new spec --from-NAME LINE` writes the spec that it says.

    Attributes:
        name: As in the option, in lower case.
        read: "module:attribute" of `(line: str) -> zoo.Translated`, which raises `zoo.LineError` for a line that it
            cannot read, or that says what no spec can say. It imports no torch.
        summary: One line for the help of the command.
        api_version: The plugin API that it is written for. One newer than this package's is incompatible.
    """

    kind: ClassVar[str] = "language"

    name: str
    read: str
    summary: str = ""
    api_version: int = API_VERSION

    def __post_init__(self) -> None:
        label = f"{type(self).__name__} {self.name!r}"
        if not isinstance(self.name, str) or not re.fullmatch(r"[a-z0-9][a-z0-9-]*", self.name):
            raise PluginError(f"{label}: a name is lower case letters, digits and '-'")
        if not isinstance(self.read, str) or not REFERENCE.fullmatch(self.read):
            raise PluginError(f"{label}: read must be a string 'module:attribute', not {self.read!r}")


@dataclass(frozen=True, slots=True)
class Translated:
    """What a line says.

    Attributes:
        keys: Of the spec, without `schema` and `name`: texts, numbers, booleans, lists and mappings.
        remarks: What its reader should know, such as what the line leaves open: comments at the head of the file.
    """

    keys: Mapping[str, Any]
    remarks: tuple[str, ...] = ()
