"""A spec from a line in a foreign language, which a plugin reads."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from zoo import atomic
from zoo.components import ProvidedLanguage, Translated, resolve
from zoo.errors import LineError, SpecError, ZooError, clean
from zoo.plugin.manager import catalogue
from zoo.spec.document import parse
from zoo.spec.fields import NAME_PATTERN
from zoo.spec.resolve import resolve as resolved

LONGEST: Final = 10_000
"""Characters of a line."""


def languages() -> dict[str, ProvidedLanguage]:
    """Every language that is installed by its name; the first distribution's, where two offer one."""
    found: dict[str, ProvidedLanguage] = {}
    for language in catalogue().languages:
        found.setdefault(language.record.name, language)
    return found


def write_from(language: ProvidedLanguage, line: str, name: str, folder: Path) -> Path:
    """Write `folder/name.yaml` from a line and return its path.

    Raises:
        ZooError: The line cannot be read, or says what no spec can say; a name that a spec cannot have; an existing
            file; a folder that cannot be written. Then nothing is written.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise ZooError(f"{name!r} cannot be a spec's name: use lower case letters, digits, '.', '_' and '-'")
    text = translated(language, line, name)
    path = folder / f"{name}.yaml"
    if os.path.lexists(path):
        raise ZooError(f"{path} exists already and is left as it is; choose another name")
    atomic.write(path, text.encode())
    return path


def translated(language: ProvidedLanguage, line: str, name: str) -> str:
    """The text of the spec that a line says."""
    option = f"--from-{language.record.name}"
    if len(line) > LONGEST:
        raise ZooError(f"{option}: a line has at most {LONGEST:,} characters, not {len(line):,}")
    try:
        found: Translated = resolve(language.record.read)(line)
    except LineError as error:
        part = line[error.start : error.end]
        shown = f" in {part[:40]!r}" if part.strip() else ""
        raise ZooError(f"{option}: character {error.start + 1}{shown}: {error.message}") from None
    except ZooError:
        raise
    except Exception as error:
        raise ZooError(
            f"{option}: its reader ({language.origin}) failed with {type(error).__name__}: {error}"
        ) from error
    text = _document(name, found, f"{language.record.name}: {line.strip()}")
    try:
        resolved(parse(text.encode(), f"{name}.yaml"), catalogue())
    except SpecError as error:
        raise ZooError(f"{option}: a spec cannot say that: {error.diagnostics[0].message}") from None
    return text


def _document(name: str, found: Translated, source: str) -> str:
    """One key a line, and one layer a line."""
    lines = [f"# {clean(remark)}" for remark in (source, *found.remarks)]
    lines += ["schema: 1", f"name: {_flow(name)}"]
    for key, value in found.keys.items():
        if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
            lines += [f"{key}:", *(f"  - {_flow(item)}" for item in value)]
        else:
            lines.append(f"{key}: {_flow(value)}")
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**9, allow_unicode=True)
    return text.removesuffix("...\n").strip()
