"""Records with who provided them, and with the options that a spec chose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Generic, Self, TypeVar

from pydantic import BaseModel

from zoo.components.check import CheckType
from zoo.components.described import Traits
from zoo.components.language import LanguageType
from zoo.components.record import ComponentType

Record = TypeVar("Record", bound=ComponentType | CheckType | LanguageType)


@dataclass(frozen=True, slots=True)
class Offer(Generic[Record]):
    """A record and who provided it.

    Attributes:
        record: What is provided.
        distribution: Name of the distribution.
        version: Of the distribution.
        plugin: The plugin's own name.
    """

    record: Record
    distribution: str
    version: str
    plugin: str

    @property
    def qualified(self) -> str:
        """The name that never changes its meaning: `recurrent-zoo/lstm`."""
        return f"{self.distribution}/{self.record.name}"

    @property
    def origin(self) -> str:
        """The distribution and its version, where it has one: `recurrent-zoo 0.1.0`."""
        return f"{self.distribution} {self.version}".rstrip()


@dataclass(frozen=True, slots=True)
class Provided(Offer[ComponentType]):
    """A component that a spec can name, and who provided it."""


@dataclass(frozen=True, slots=True)
class ProvidedCheck(Offer[CheckType]):
    """A check that models can be held to, and who provided it."""


@dataclass(frozen=True, slots=True)
class ProvidedLanguage(Offer[LanguageType]):
    """A language that a spec can be written from, and who provided it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A component that a spec chose, with its validated options.

    Attributes:
        provided: The component, and who provided it.
        options: Of the component's own model.
        frozen: Its parameters are not trained.
    """

    provided: Provided
    options: BaseModel
    frozen: bool = False

    @property
    def record(self) -> ComponentType:
        return self.provided.record

    @property
    def traits(self) -> Traits:
        return self.record.traits_of(self.options)

    def with_options(self, options: BaseModel) -> Self:
        return replace(self, options=options)
