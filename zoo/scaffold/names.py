"""The names that follow from a plugin's own: of its distribution, package, classes, component and specs."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from typing import Final

import yaml

from zoo.errors import ZooError

LONGEST: Final = 20
"""Up to here the lines of the templates stay within 120 columns."""
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_RULE: Final = "use lower case letters, digits and single '-' between them, a letter first, as in 'my-cell'"


@dataclass(frozen=True, slots=True)
class Names:
    """`name` is the plugin's and its component's, as in `my-cell`: all others follow from it."""

    name: str

    @property
    def distribution(self) -> str:
        """What pip installs: `zoo-my-cell`."""
        return f"zoo-{self.name}"

    @property
    def package(self) -> str:
        """What Python imports: `zoo_my_cell`."""
        return self.distribution.replace("-", "_")

    @property
    def stem(self) -> str:
        """What its classes' names begin with: `MyCell`."""
        return "".join(part.capitalize() for part in self.name.split("-"))


def names(given: str) -> Names:
    """The names of a plugin that is called `acme` or, which is the same, `zoo-acme`.

    Raises:
        ZooError: no package, class or spec can have such a name, and why.
    """
    name = given.removeprefix("zoo-")
    shown = repr(given if len(given) <= 60 else f"{given[:57]}...")
    if not _NAME.fullmatch(name):
        meant = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        usable = _NAME.fullmatch(meant) and len(meant) <= LONGEST
        raise ZooError(f"{shown} cannot be a plugin's name: {f'write {meant!r}' if usable else _RULE}")
    if len(name) > LONGEST:
        raise ZooError(f"{shown} is too long for a plugin's name: use at most {LONGEST} letters, without 'zoo-'")
    if keyword.iskeyword(name) or keyword.iskeyword(name.capitalize()):
        raise ZooError(f"{shown} is a Python keyword: choose another name")
    if not isinstance(yaml.safe_load(name), str):
        raise ZooError(f"{shown} means {yaml.safe_load(name)} in YAML, so no spec could name it: choose another name")
    return Names(name)
