"""Write a whole package from the templates, or nothing at all."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

from zoo.errors import ZooError
from zoo.plugin.catalogue import BUILTIN
from zoo.scaffold.kinds import KINDS, LICENCES
from zoo.scaffold.names import Names, names
from zoo.scaffold.taken import refuse_taken

TEMPLATES: Final = Path(__file__).parent / "templates"
"""Files whose names and texts have `$name` and the like in them; `common` is part of every kind."""
_SUFFIX: Final = ".template"


@dataclass(frozen=True, slots=True)
class Written:
    """A new package.

    Attributes:
        folder: Where it is.
        names: What it is called.
        specs: The names of its specs.
    """

    folder: Path
    names: Names
    specs: tuple[str, ...]


def write_package(name: str, kind: str, licence: str, folder: Path) -> Written:
    """Write `folder/zoo-NAME`, a plugin that passes its own tests.

    Args:
        name: Of the plugin, with or without `zoo-` in front.
        kind: One of `KINDS`.
        licence: One of `LICENCES`.
        folder: Where its own folder goes; it has to be there.

    Raises:
        ZooError: what cannot be used or written; then nothing is.
    """
    found = checked(name, kind, licence, folder)
    target = folder / found.distribution
    specs = tuple(f"{found.name}-{one}" for one in KINDS[kind].specs)
    files = dict(rendered(found, kind, licence, specs))
    # Beside the place where it will be, so that it can be moved there at once, whole.
    try:
        beside = Path(tempfile.mkdtemp(prefix=f".{found.distribution}-", dir=folder))
    except OSError as error:
        raise _unwritable(target, error) from None
    try:
        made = beside / found.distribution
        for place, text in files.items():
            path = made / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        _refuse_existing(target)
        made.rename(target)
    except OSError as error:
        raise _unwritable(target, error) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return Written(target, found, specs)


def checked(name: str, kind: str, licence: str | None, folder: Path) -> Names:
    """The names of a package that can be written as asked; the arguments and errors are those of `write_package`.

    The licence is None where it is not chosen yet.
    """
    if kind not in KINDS:
        raise ZooError(f"--kind must be {_listed(KINDS)}, not {kind!r}")
    if licence is not None and licence not in LICENCES:
        raise ZooError(f"--licence must be {_listed(LICENCES)}, not {licence!r}")
    found = names(name)
    refuse_taken(found, kind, KINDS[kind].specs)
    if not folder.is_dir():
        raise ZooError(f"{folder}: no such folder; make it first, or give another --folder")
    _refuse_existing(folder / found.distribution)
    return found


def rendered(found: Names, kind: str, licence: str, specs: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    """Each file of the package: its place in it, and its text."""
    words = _words(found, kind, licence, specs)
    words["about"] = _filled(TEMPLATES / kind / f"ABOUT.md{_SUFFIX}", words).rstrip("\n")
    for room in ("common", kind):
        for template in sorted((TEMPLATES / room).rglob(f"*{_SUFFIX}")):
            place = template.relative_to(TEMPLATES / room).as_posix().removesuffix(_SUFFIX)
            if place != "ABOUT.md":
                yield Path(Template(place).substitute(words)), _filled(template, words)
    if licence != "none":
        yield Path("LICENSE"), _filled(TEMPLATES / "licences" / f"{licence}{_SUFFIX}", words)


def _words(found: Names, kind: str, licence: str, specs: tuple[str, ...]) -> dict[str, str]:
    """What the templates' placeholders stand for."""
    needs = sorted([f"{BUILTIN}{_at_least()}", *KINDS[kind].needs])
    licensed = licence != "none"
    return {
        "name": found.name,
        "distribution": found.distribution,
        "package": found.package,
        "stem": found.stem,
        "summary": Template(KINDS[kind].summary).substitute(name=found.name),
        "needs": ", ".join(f'"{need}"' for need in needs),
        "spec": specs[0],
        "specs": ", ".join(f'"{spec}"' for spec in specs),
        "year": str(datetime.datetime.now(datetime.UTC).year),
        "licence_lines": f'license = "{licence}"\nlicense-files = ["LICENSE"]\n' if licensed else "",
        "licence_says": (
            f"{licence}, see LICENSE."
            if licensed
            else "None yet: until there is one, nobody else may use or share this package."
        ),
    }


def _at_least() -> str:
    """The requirement that this package's own version meets."""
    try:
        major, minor = importlib.metadata.version(BUILTIN).split(".")[:2]
    except (importlib.metadata.PackageNotFoundError, ValueError):  # a source tree alone has no version
        return ""
    return f">={major}.{minor}"


def _filled(template: Path, words: Mapping[str, str]) -> str:
    return Template(template.read_text(encoding="utf-8")).substitute(words)


def _refuse_existing(target: Path) -> None:
    if os.path.lexists(target):
        raise ZooError(f"{target} exists already and is left as it is; choose another name or --folder")


def _unwritable(target: Path, error: OSError) -> ZooError:
    return ZooError(f"{target}: cannot be written: {error.strerror or error}")


def _listed(choices: Mapping[str, object] | tuple[str, ...]) -> str:
    *others, last = (repr(choice) for choice in choices)
    return f"{', '.join(others)} or {last}"
