"""Which versions of which packages a model was built with: written into saved weights, compared when they are loaded.

A `state_dict` carries metadata beside its tensors, which torch fills with each module's version. What built the model
stands there too, so that no key is added: whatever goes through the tensors (an average of weights, safetensors) sees
tensors only.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Final

from zoo.errors import ProvenanceWarning
from zoo.plugin.catalogue import BUILTIN
from zoo.spec.canonical import Spec
from zoo.spec.traits import parts

KEY: Final = "zoo"
"""Of the metadata."""


def distributions(spec: Spec) -> dict[str, str]:
    """The distributions that a spec's components come from, sorted, with their versions."""
    found = {part.provided.distribution: part.provided.version for _, part in parts(spec)}
    return dict(sorted(found.items()))


def record(spec: Spec, state_dict: Any, prefix: str) -> None:
    """Write it beside the weights of the model at a prefix: plain data, for `torch.load(weights_only=True)`."""
    metadata = getattr(state_dict, "_metadata", None)
    if metadata is not None:  # a plain dict that somebody gave to be filled has none
        metadata[prefix[:-1]][KEY] = {"spec": spec.id, "distributions": distributions(spec)}


def compare(spec: Spec, metadata: Mapping[str, Any]) -> None:
    """Warn, once, where weights were saved with other versions of plugins than the model is built with.

    metadata: what stands beside the weights of the model; without a record nothing is known. Versions of this package
    are recorded and not compared, for every release would warn: what changes numbers stands in its changelog.
    """
    saved = metadata.get(KEY)
    theirs = saved.get("distributions") if isinstance(saved, Mapping) else None
    if not isinstance(theirs, Mapping):
        return
    ours = distributions(spec)
    names = sorted({*theirs, *ours} - {BUILTIN})
    changed = [name for name in names if theirs.get(name) != ours.get(name)]
    if not changed:
        return
    there = ", ".join(f"{name} {theirs[name]}" if name in theirs else f"no {name}" for name in changed)
    here = ", ".join(f"{name} {ours[name]}" if name in ours else f"no {name}" for name in changed)
    same = " ".join(f"'{name}=={theirs[name]}'" for name in changed if name in theirs)
    mend = f"; for the same numbers: pip install {same}" if same else ""
    text = f"these weights were saved with {there}, and are loaded into a model with {here}{mend}"
    warnings.warn(text, ProvenanceWarning, stacklevel=5)  # the line that calls load_state_dict
