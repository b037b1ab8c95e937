"""A model in one file: its tensors as safetensors, its spec and what built it in the metadata."""

from __future__ import annotations

import json
import os
from collections import Counter, OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zoo import atomic
from zoo.errors import ZooError, one_line
from zoo.model.base import Model
from zoo.model.build import build
from zoo.model.limits import DTYPES
from zoo.model.provenance import KEY, distributions
from zoo.plugin.catalogue import UNPACKAGED
from zoo.spec import library
from zoo.spec.canonical import Spec
from zoo.spec.dump import to_yaml
from zoo.spec.saved import ABOUT, ENDING, SPEC, VERSION, is_saved, read_metadata
from zoo.spec.tree import parts
from zoo.translation.contents import bounded
from zoo.weights.matching import unlike
from zoo.weights.tied import owners


def save(model: Model, path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Save a model as one file, from which `zoo.load_model` makes it again.

    The file is a .safetensors file that other programs can read too: every parameter and buffer of `state_dict` under
    its name, complex numbers as pairs, and a tensor that stands under several names once. The canonical spec, and which
    distributions built the model, are in its metadata. It is written beside its name and then renamed: whatever
    happens, there is the old file or the new one.

    Args:
        model: A model that `zoo.build` made, on any device but "meta".
        path: Of the file, ending in .safetensors.
        force: Whether to replace a file that is there.

    Raises:
        ZooError: If the file exists or cannot be written, or the model cannot be built anywhere else.

    Example:
        >>> import tempfile, pathlib
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "lstm.safetensors"
        >>> zoo.save(zoo.build("lstm", seed=0), file)
        >>> zoo.load_model(file)(torch.zeros(2, 5, 10))[0].shape
        torch.Size([2, 5, 20])
    """
    target = Path(path)
    if not is_saved(target):
        raise ZooError(f"{target}: a saved model ends in {ENDING}")
    atomic.write_with(target, writer(model), force=force)


def writer(model: Model) -> atomic.Writer:
    """What writes the file of a model to a path. Errors as `save`, before anything is written."""
    spec = spec_of(model)
    tensors, shared = _once(model)
    pairs = sorted(name for name, one in tensors.items() if one.is_complex())
    about = {"version": VERSION, "distributions": distributions(spec), "shared": shared, "complex": pairs}
    metadata = {"format": "pt", SPEC: to_yaml(spec), ABOUT: json.dumps(about)}

    def write(file: Path) -> None:
        from safetensors.torch import save_file

        save_file({name: _plain(one) for name, one in tensors.items()}, file, metadata)

    return write


def load_model(
    path: str | os.PathLike[str], *, device: str | torch.device | None = None, engine: str = "auto"
) -> Model:
    """The model that `zoo.save` wrote, from that file alone.

    Args:
        path: Of the file.
        device: Where the model is to live. Defaults to the CPU.
        engine: How recurrences run, as for `zoo.build`.

    Returns:
        The model in eval mode, with every tensor in the dtype in which it was saved.

    Raises:
        SpecError: If it is no saved model, or its spec names what is not installed.
        ZooError: If its tensors are not those of its spec.

    Example:
        >>> import tempfile, pathlib
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "gru.safetensors"
        >>> zoo.save(zoo.build("gru", seed=0), file)
        >>> zoo.load_model(file).spec.name
        'gru'
    """
    _, about = read_metadata(path)
    spec = library.load(path).spec
    # Compared on meta first: a file whose spec claims more than it holds takes no memory.
    empty = build(spec, device="meta")
    expected = {name: tuple(one.shape) for name, one in empty.state_dict().items()}
    tensors = _read(path, about, empty)
    _refuse_others(path, expected, tensors)
    real = [one.dtype for one in tensors.values() if one.dtype in DTYPES]
    dtype = Counter(real).most_common(1)[0][0] if real else torch.get_default_dtype()
    # Names that are said to be one tensor make a small file of a large model, which is built in full.
    needed = sum(one.numel() for one in {id(one): one for one in empty.parameters()}.values()) * dtype.itemsize
    try:
        bounded(needed, Path(path).stat().st_size)
    except ZooError as error:
        raise ZooError(f"{path}: {error}") from None
    model = build(spec, seed=0, dtype=dtype, engine=engine, memory_limit=None)
    state: OrderedDict[str, Tensor] = OrderedDict((name, tensors[name]) for name in expected)
    state._metadata = {"": {KEY: {"distributions": about.get("distributions")}}}  # type: ignore[attr-defined]
    model.load_state_dict(state, assign=True)
    return (model if device is None else model.to(device)).eval()


def spec_of(model: Any) -> Spec:
    """The spec of a model that can be saved whole. Raises ZooError for any other."""
    spec = getattr(model, "spec", None)
    if not isinstance(model, Model) or not isinstance(spec, Spec):
        raise ZooError(f"a {type(model).__name__} has no spec: only a model that zoo built can be saved whole")
    for _, part in parts(spec):
        if part.provided.distribution == UNPACKAGED:
            raise ZooError(
                f"{part.record.kind} {part.record.name!r} is in no package, so that no other program could build this "
                "model: save model.state_dict(), or make a plugin of it with zoo new plugin"
            )
    return spec


def _once(model: nn.Module) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Every tensor under its first name, and under which name those stand that are the same."""
    tensors: dict[str, Tensor] = {}
    shared: dict[str, str] = {}
    state = model.state_dict()
    for name, owner in owners(model).items():
        if state[name].is_meta:
            raise ZooError("a model on meta has no weights to save: zoo.materialise gives it some")
        if owner == name:
            tensors[name] = state[name]
        else:
            shared[name] = owner
    return tensors, shared


def _plain(tensor: Tensor) -> Tensor:
    """As the format has it: on the CPU, contiguous, in memory of its own, real."""
    real = torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor
    return real.detach().to("cpu").clone(memory_format=torch.contiguous_format)


def _read(path: str | os.PathLike[str], about: Mapping[str, Any], empty: nn.Module) -> dict[str, Tensor]:
    """The tensors by every name that they have in the model; parameters that are one there are one here."""
    from safetensors import SafetensorError, safe_open

    shared, pairs = about.get("shared"), about.get("complex")
    texts = [*shared.values(), *pairs] if isinstance(shared, Mapping) and isinstance(pairs, list) else [None]
    if not isinstance(shared, Mapping) or not isinstance(pairs, list) or not all(isinstance(one, str) for one in texts):
        raise ZooError(f"{path}: does not say which tensors are shared or complex: it is damaged")
    parameters = {name for name, _ in empty.named_parameters(remove_duplicate=False)}
    kinds = {name: _kind(one) for name, one in empty.state_dict().items()}
    pairs = set(pairs)
    found: dict[str, Tensor] = {}
    with safe_open(os.fspath(path), framework="pt") as file:
        for name in file.keys():  # noqa: SIM118 - it has no other way to be asked
            try:
                one = file.get_tensor(name)
            except (SafetensorError, AttributeError, TypeError, KeyError):
                raise ZooError(one_line(f"{path}: {name[:80]} is of a type that torch has not")) from None
            if name in pairs:
                if one.ndim == 0 or one.shape[-1] != 2 or one.dtype not in (torch.float32, torch.float64):
                    text = f"{path}: {name[:80]} is no tensor of complex numbers: the file is damaged"
                    raise ZooError(one_line(text))
                one = torch.view_as_complex(one)
            if _kind(one) != kinds.get(name, _kind(one)):
                kind = str(one.dtype).removeprefix("torch.")
                raise ZooError(
                    one_line(f"{path}: {name[:80]} is {kind}, of another kind than in the model of its spec")
                )
            found[name] = nn.Parameter(one) if name in parameters else one
    for name, owner in shared.items():
        if name in found or owner not in found:
            why = "which it holds itself" if name in found else "which it does not hold"
            raise ZooError(f"{path}: says that {name[:80]!r} is {owner[:80]!r}, {why}: it is damaged")
        found[name] = found[owner]
    return found


def _refuse_others(
    path: str | os.PathLike[str], expected: Mapping[str, tuple[int, ...]], tensors: Mapping[str, Tensor]
) -> None:
    found = {name: tuple(one.shape) for name, one in tensors.items()}
    text = unlike(expected, found)
    if text is not None:
        raise ZooError(one_line(f"{path}: its weights are not those of its spec: {text}"))


def _kind(tensor: Tensor) -> str:
    """What numbers it holds, in whatever precision."""
    if tensor.dtype in DTYPES:
        return "real"
    return "complex" if tensor.is_complex() else str(tensor.dtype)
