"""Which versions of which packages a model was built with: written into saved weights, compared when they are loaded.

A `state_dict` carries metadata beside its tensors, which torch fills with each module's version. What built the model
stands there too, so that no key is added: whatever goes through the tensors (an average of weights, safetensors) sees
tensors only.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Mapping
from typing import Any, Final

from zoo.errors import ProvenanceWarning
from zoo.plugin.catalogue import BUILTIN, UNPACKAGED
from zoo.plugin.manager import catalogue
from zoo.spec.canonical import Spec
from zoo.spec.tree import parts

KEY: Final = "zoo"
"""Of the metadata."""
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,98}[a-z0-9])?")
_VERSION: Final = re.compile(r"[0-9A-Za-z.+!_-]{1,60}")


def distributions(spec: Spec) -> dict[str, str]:
    """The distributions that a spec's components come from, sorted, with the versions that are here now.

    A model that was pickled elsewhere runs the code that is installed here, whatever it was built with.
    """
    here = {plugin.distribution: plugin.version for plugin in catalogue().plugins}
    used = (part.provided for _, part in parts(spec) if part.provided.distribution != UNPACKAGED)
    found = {provided.distribution: provided.version for provided in used}
    return {name: here.get(name, found[name]) for name in sorted(found)}


def record(spec: Spec, state_dict: Any, prefix: str) -> None:
    """Write it beside the weights of the model at a prefix: plain data, for `torch.load(weights_only=True)`."""
    metadata = getattr(state_dict, "_metadata", None)
    if metadata is not None:  # a plain dict that somebody gave to be filled has none
        metadata.setdefault(prefix[:-1], {})[KEY] = {"spec": spec.id, "distributions": distributions(spec)}


def compare(spec: Spec, metadata: Mapping[str, Any]) -> None:
    """Warn, once, where weights were saved with other versions of plugins than the model is built with.

    The metadata stand beside the weights of the model; without a record in them nothing is known. Versions of this
    package are recorded and not compared, for every release would warn: what changes numbers stands in its changelog.
    """
    theirs = _saved(metadata.get(KEY))
    if theirs is None:
        return
    ours = distributions(spec)
    names = sorted({*theirs, *ours} - {BUILTIN})
    changed = [name for name in names if not _same(theirs.get(name), ours.get(name))]
    if not changed:
        return
    there = ", ".join(f"{name} {theirs[name]}" if name in theirs else f"no {name}" for name in changed)
    here = ", ".join(f"{name} {ours[name]}" if name in ours else f"no {name}" for name in changed)
    same = " ".join(f"'{name}=={theirs[name]}'" for name in changed if name in theirs)
    mend = f"; for the same numbers: pip install {same}" if same else ""
    text = f"these weights were saved with {there}, and are loaded into a model with {here}{mend}"
    warnings.warn(text, ProvenanceWarning, stacklevel=level())


def _saved(record: object) -> dict[str, str] | None:
    """The distributions of a record, as far as they can be any: a file that somebody gave may hold anything."""
    found = record.get("distributions") if isinstance(record, Mapping) else None
    if not isinstance(found, Mapping):
        return None
    return {
        name: version
        for name, version in found.items()
        if isinstance(name, str) and isinstance(version, str) and _NAME.fullmatch(name) and _VERSION.fullmatch(version)
    }


def _same(one: str | None, other: str | None) -> bool:
    """Whether two versions are equal: 1.0 is 1.0.0."""
    from packaging.version import InvalidVersion, Version

    if one is None or other is None:
        return one == other
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other


def level() -> int:
    """How far up the line stands that a warning is about: the first outside torch and this package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] in ("torch", "zoo"):
        level, frame = level + 1, frame.f_back
    return level
