"""What the hooks of one plugin returned, looked through record by record."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from zoo.components import (
    API_VERSION,
    ArchitectureType,
    CellType,
    CheckType,
    ComponentType,
    HeadType,
    InitType,
    InputType,
    LanguageType,
    LayerType,
    NormType,
    PoolType,
    Provided,
    ProvidedCheck,
    ProvidedLanguage,
    Traits,
)
from zoo.errors import PluginError
from zoo.plugin.catalogue import BUILTIN, Plugin, SpecFolder

HOOKS: Final[Mapping[str, type[ComponentType] | type[CheckType] | type[LanguageType] | type[Path]]] = {
    "zoo_cells": CellType,
    "zoo_layers": LayerType,
    "zoo_heads": HeadType,
    "zoo_inputs": InputType,
    "zoo_pools": PoolType,
    "zoo_norms": NormType,
    "zoo_inits": InitType,
    "zoo_architectures": ArchitectureType,
    "zoo_specs": Path,
    "zoo_checks": CheckType,
    "zoo_languages": LanguageType,
}
"""Every hook and what it returns."""

_FORMAT_KEYS: Final = {"head": ("kind", "pool"), "norm": ("kind", "position")}


class TooNewError(PluginError):
    """Written for a later version of the plugin API."""


@dataclass(slots=True)
class Collected:
    """What one plugin offers, as far as its hooks came."""

    plugin: Plugin
    components: list[Provided] = field(default_factory=list)
    checks: list[ProvidedCheck] = field(default_factory=list)
    languages: list[ProvidedLanguage] = field(default_factory=list)
    spec_folders: list[SpecFolder] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    newest: str = ""

    def add(self, hook: str, results: Any) -> None:
        """Take in what a hook returned: for each implementation, an iterable of records, generators included.

        Raises:
            PluginError: what is wrong with it. Whatever a generator raises comes through.
        """
        expected = HOOKS[hook]
        noun = "folders" if expected is Path else f"{expected.__name__} records"
        if not results:
            raise PluginError(f"{hook} returned None: return a list of {noun}")
        for result in results:
            if isinstance(result, str | bytes | os.PathLike | Mapping) or not isinstance(result, Iterable):
                raise PluginError(f"{hook} must return a list of {noun}, not {_name(result)}")
            for item in result:
                if expected is Path:
                    self._folder(hook, item)
                else:
                    self._record(hook, expected, item)

    def finish(self) -> None:
        """Raises TooNewError if a record asks for a later API than this one."""
        if self.newest:
            raise TooNewError(self.newest)

    def _record(self, hook: str, expected: type, record: Any) -> None:
        if not isinstance(record, expected):
            raise PluginError(f"{hook} must return {expected.__name__} records, not {_name(record)}")
        assert isinstance(record, ComponentType | CheckType | LanguageType)
        label = f"{record.kind} {record.name!r}"
        if type(record.api_version) is not int or record.api_version < 1:
            raise PluginError(f"{label}: api_version must be an integer from 1, not {record.api_version!r}")
        if record.api_version > API_VERSION:
            self.newest = self.newest or (
                f"{label} is made for version {record.api_version} of the plugin API, and this is version "
                f"{API_VERSION}: upgrade {BUILTIN}, or install an older {self.plugin.distribution}"
            )
        plugin = self.plugin
        origin = (plugin.distribution, plugin.version, plugin.name)
        if isinstance(record, LanguageType):
            _check_text(label, record)
            _once(label, record.name, (language.record.name for language in self.languages))
            self.languages.append(ProvidedLanguage(record, *origin))
            return
        if isinstance(record, CheckType):
            _check_text(label, record)
            _once(label, record.name, (check.record.name for check in self.checks))
            self.checks.append(ProvidedCheck(record, *origin))
            return
        _once(label, record.name, (c.record.name for c in self.components if c.record.kind == record.kind))
        self.components.append(Provided(record, *origin))
        # The built-in ones are held to the same by the tests, and need not be at every start.
        if plugin.distribution != BUILTIN and record.api_version <= API_VERSION:
            _check_component(label, record)

    def _folder(self, hook: str, item: Any) -> None:
        if not isinstance(item, str | os.PathLike):
            raise PluginError(f"{hook} must return folders as str or Path, not {_name(item)}")
        path = Path(os.fsdecode(item))
        if not path.is_absolute():
            raise PluginError(
                f"{hook}: the folder {str(path)!r} must be absolute, as in Path(__file__).parent / 'specs'"
            )
        if not path.is_dir():
            raise PluginError(f"{hook}: there is no folder {str(path)!r}; is it part of the package?")
        real = path.resolve()
        for other in self.spec_folders:
            known = other.path.resolve()
            if real.is_relative_to(known) or known.is_relative_to(real):
                raise PluginError(f"{hook}: the folder {str(path)!r} is given twice, by itself or inside another")
        self.spec_folders.append(SpecFolder(path, self.plugin.distribution, self.plugin.version))


def _name(value: Any) -> str:
    """A value's type, with the name that it was given where it is a record."""
    if isinstance(value, ComponentType | CheckType | LanguageType):
        return f"{type(value).__name__} {value.name!r}"
    return (
        "None" if value is None else f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__
    )


def _once(label: str, name: str, known: Iterable[str]) -> None:
    if name in known:
        raise PluginError(f"offers {label} twice")


def _check_text(label: str, record: ComponentType | CheckType | LanguageType) -> None:
    if not isinstance(record.summary, str):
        raise PluginError(f"{label}: summary must be a string, not {_name(record.summary)}")


def _check_component(label: str, record: ComponentType) -> None:
    """What a record says of itself must have the right types, or it would fail later, in the middle of a list."""
    _check_text(label, record)
    for said in ("paper", "authority"):
        text = getattr(record, said)
        if not (text is None or isinstance(text, str)):
            raise PluginError(f"{label}: {said} must be a string or None, not {_name(text)}")
    if not (isinstance(record.traits, Traits) or callable(record.traits)):
        raise PluginError(f"{label}: traits must be zoo.Traits or a function to it, not {_name(record.traits)}")
    if not (isinstance(record.deviations, Mapping) or callable(record.deviations)):
        raise PluginError(f"{label}: deviations must be a mapping or a function to one, not {_name(record.deviations)}")
    taken = _FORMAT_KEYS.get(record.kind, ("kind",))
    for option, info in record.options.model_fields.items():
        for key in {option, info.alias} & set(taken):
            raise PluginError(f"{label}: the option {key!r} has the name of one of the format's own keys: rename it")
    try:
        record.options.model_rebuild()
    except Exception as error:
        text = str(error).strip().partition("\n")[0]
        raise PluginError(f"{label}: options {record.options.__name__} cannot be used: {text}") from error
