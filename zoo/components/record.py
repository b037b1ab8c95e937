"""What every record says, whatever the kind of its component, and how the code that it names is imported."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from pydantic import BaseModel

from zoo.components.described import Traits
from zoo.components.options import NoOptions
from zoo.errors import PluginError

API_VERSION: Final = 1
"""The version of these records. A plugin whose records ask for a newer one is listed as incompatible."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_USUAL: Final = Traits()
REFERENCE: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def resolve(reference: str) -> Any:
    """Import what a record's "module:attribute" names. Whatever the import raises comes through."""
    module, _, attribute = reference.partition(":")
    found: Any = importlib.import_module(module)
    for name in attribute.split("."):
        found = getattr(found, name)
    return found


@dataclass(frozen=True, kw_only=True)
class ComponentType:
    """What every component record says. `kind` is where it may stand in a spec.

    Attributes:
        name: As written in a spec, in lower case.
        build: "module:attribute" of the class or function that makes the module. Its arguments depend on the kind.
        options: The component's own options, a subclass of `zoo.Options`.
        describe: "module:attribute" of a function without torch that returns a `Description`. None leaves the cost of a
            model with this component unknown.
        summary: One line for lists.
        paper: The source: authors, year, title, where, and arXiv, DOI or address.
        authority: What the component is held to, where that is more than the paper: official code, or the equations
            meant.
        traits: What it promises, or a function of a module (no lambda: models are pickled) from its options to that.
        deviations: Known failures, `{check name: reason}`, or such a function from its options to that. Each must
            really fail, by a figure and not by a crash, or the check fails.
        api_version: The plugin API that it is written for. One newer than this package's is incompatible.
    """

    kind: ClassVar[str] = "component"

    name: str
    build: str
    options: type[BaseModel] = NoOptions
    describe: str | None = None
    summary: str = ""
    paper: str | None = None
    authority: str | None = None
    traits: Traits | Callable[[Any], Traits] = _USUAL
    deviations: Mapping[str, str] | Callable[[Any], Mapping[str, str]] = field(default_factory=dict, hash=False)
    api_version: int = API_VERSION

    def __post_init__(self) -> None:
        label = f"{type(self).__name__} {self.name!r}"
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise PluginError(f"{label}: a name is lower case letters, digits, '.', '_' and '-', as in 'my-cell'")
        for field_name in ("build", "describe", "reference", "beside"):
            reference = getattr(self, field_name, None)
            if reference is None and field_name != "build":
                continue
            if not isinstance(reference, str) or not REFERENCE.fullmatch(reference):
                raise PluginError(
                    f"{label}: {field_name} must be a string 'module:attribute', as in 'acme.cell:Acme', "
                    f"not {reference!r}"
                )
        if not (isinstance(self.options, type) and issubclass(self.options, BaseModel)):
            raise PluginError(f"{label}: options must be a subclass of zoo.Options, not {self.options!r}")
        if type(self.api_version) is not int:
            raise PluginError(f"{label}: api_version must be an integer, not {self.api_version!r}")

    def traits_of(self, options: Any) -> Traits:
        """What the component promises with these options.

        Args:
            options: As the options model gives them.

        Returns:
            Its traits.

        Raises:
            PluginError: If the record's own function fails, or returns something else.
        """
        found: Traits = self._told("traits", self.traits, Traits, options)
        return found

    def deviations_of(self, options: Any) -> Mapping[str, str]:
        """The component's known failures with these options.

        Args:
            options: As the options model gives them.

        Returns:
            The reason of each, by the name of the check.

        Raises:
            PluginError: If the record's own function fails, or returns something else.
        """
        found: Mapping[str, str] = self._told("deviations", self.deviations, Mapping, options)
        return found

    def _told(self, said: str, stated: Any, expected: type, options: Any) -> Any:
        """What the record states of itself, or its function tells for these options: somebody else's code."""
        if not callable(stated):
            return stated
        try:
            found = stated(options)
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            raise PluginError(f"{self.kind} {self.name!r} cannot tell its {said}: {text}") from error
        if not isinstance(found, expected):
            kind = type(found).__name__
            raise PluginError(f"{self.kind} {self.name!r}: its {said} must be a {expected.__name__}, not {kind}")
        return found
