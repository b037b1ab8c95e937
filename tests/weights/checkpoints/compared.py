"""Every checkpoint: which package gives what, how ours is asked for the same, and what a wrong map of it would say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

import zoo

Arrays = Mapping[str, np.ndarray]
Pairs = list[tuple[Tensor, Tensor]]

JAX: Final = (
    "jax==0.10.2",
    "jaxlib==0.10.2",
    "equinox==0.13.8",
    "ml_dtypes",
    "opt_einsum",
    "jaxtyping",
    "wadler_lindig",
    "tqdm",
)
LIBROSA: Final = (
    *("librosa==0.11.0", "numba", "llvmlite", "scikit-learn", "joblib", "threadpoolctl", "soxr", "lazy_loader"),
    *("pooch", "platformdirs", "msgpack", "decorator", "audioread", "soundfile", "cffi", "requests", "packaging"),
)


@dataclass(frozen=True)
class Checkpoint:
    """One map of `specs/weights` and what proves it.

    Attributes:
        name: Of the map.
        script: Of `theirs`, which runs the package.
        pairs: Ours and theirs, one beside the other, of a model with the weights and of what the script wrote.
        wrong: What the map says, and what a wrong one would, for maps that name tensors only.
        written: The file that the script wrote the weights to, where the package's own is not read.
        beside: What the package needs to be run.
        alone: Whether all that it needs is named here.
        changes: Of the spec, for a small model.
    """

    name: str
    script: str
    pairs: Callable[[zoo.Model, Arrays], Pairs]
    wrong: tuple[tuple[str, str], ...] = ()
    written: str = ""
    beside: tuple[str, ...] = ()
    alone: bool = True
    changes: Mapping[str, Any] = field(default_factory=dict)


def of(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))


def g2p_en(model: Any, arrays: Arrays) -> Pairs:
    """Each word's scores with its own phonemes in front, and what is written of the letters alone."""
    letters, lengths, phonemes = (of(arrays[name]) for name in ("letters", "lengths", "phonemes"))
    steps = of(arrays["steps"])
    before = F.pad(phonemes, (1, -1), value=2)
    found = model(letters, before, source_lengths=lengths, lengths=steps)
    said = torch.arange(phonemes.shape[1]) < steps[:, None]
    written = model.generate(letters, phonemes.shape[1], start=2, stop=3, lengths=lengths)
    assert torch.equal(written.masked_fill(~said, 3)[:, : phonemes.shape[1]], phonemes), "other phonemes"
    return [(found[said[:, : found.shape[1]]], of(arrays["scores"])[said])]


def resemblyzer(model: zoo.Model, arrays: Arrays) -> Pairs:
    partials = torch.stack([model(of(mels)) for mels in arrays["mels"]])
    return [(partials, of(arrays["partials"])), (F.normalize(partials.mean(1), dim=1), of(arrays["whole"]))]


def silero(rate: str, size: int, context: int) -> Callable[[zoo.Model, Arrays], Pairs]:
    """Pieces with what was before them, and the end of each, mirrored; all at once, and step by step."""

    def pairs(model: zoo.Model, arrays: Arrays) -> Pairs:
        samples, expected = of(arrays[f"samples_{rate}"]), of(arrays[f"speech_{rate}"])
        before = F.pad(samples, (context, 0)).unfold(0, context + size, size)
        x = F.pad(before.unsqueeze(0), (0, context), mode="reflect")
        state, steps = None, []
        with model.streaming():
            for step in x.unbind(1):
                y, state = model.step(step, state)
                steps.append(y[0, 0])
        assert float(expected.max()) > 0.5 > 0.1 > float(expected.min()), "speech and silence"
        return [(torch.sigmoid(one), expected) for one in (model(x)[0, :, 0], torch.stack(steps))]

    return pairs


def nsnet2(rate: str, least: float) -> Callable[[zoo.Model, Arrays], Pairs]:
    def pairs(model: zoo.Model, arrays: Arrays) -> Pairs:
        gain, _ = model(of(arrays[f"x_{rate}"]))  # without a head, and so with a state
        return [(gain.clamp(min=least), of(arrays[f"gain_{rate}"]))]

    return pairs


def g2pm(model: zoo.Model, arrays: Arrays) -> Pairs:
    found = model(of(arrays["symbols"]), lengths=of(arrays["lengths"]))
    return [(found[of(arrays["rows"]), of(arrays["columns"])], of(arrays["scores"]))]


def unirep(size: int) -> Callable[[zoo.Model, Arrays], Pairs]:
    def pairs(model: zoo.Model, arrays: Arrays) -> Pairs:
        numbers = [number for number in (0, 1) if f"scores_{size}_{number}" in arrays]
        found = []
        for number in numbers:
            scores = model(of(arrays[f"symbols_{number}"])[None])[0]
            found.append((scores, of(arrays[f"scores_{size}_{number}"])))
        return found

    return pairs


def mhcnuggets(model: zoo.Model, arrays: Arrays) -> Pairs:
    return [(torch.sigmoid(model(of(arrays["x"]), lengths=of(arrays["lengths"]))), of(arrays["strengths"]))]


def plain(x: str, y: str) -> Callable[[zoo.Model, Arrays], Pairs]:
    return lambda model, arrays: [(model(of(arrays[x])), of(arrays[y]))]


def beatnet(number: int) -> Checkpoint:
    pairs = plain("x", f"scores_{number}")
    return Checkpoint(f"beatnet-{number}", "of_beatnet.py", pairs, beside=("soundfile==0.14.0", "cffi"))


def medaka(name: str) -> Checkpoint:
    return Checkpoint(name, "of_medaka.py", plain("x", f"scores_{name}"), written=f"{name}/model/weights.pt")


def unirep_of(name: str, size: int) -> Checkpoint:
    return Checkpoint(name, "of_unirep.py", unirep(size), (("[3, 0, 2, 1]", "[0, 3, 2, 1]"),), beside=JAX)


def exchanged(one: str, other: str) -> tuple[tuple[str, str], ...]:
    return ((one, "?"), (other, one), ("?", other))


def transformers(name: str, small: str, wrong: tuple[tuple[str, str], ...], changes: Mapping[str, Any]) -> Checkpoint:
    """As many layers as the published size has, which are narrower."""
    return Checkpoint(
        name,
        "of_transformers.py",
        plain("symbols", f"scores_{small}"),
        wrong,
        f"{small}/model.safetensors",
        alone=False,
        changes={"input.vocabulary": 50, "input.size": 24, **changes},
    )


MAMBA: Final = {"hidden_size": 48, "layers.deep.layers.0.output_projection.size": 24}
RWKV: Final = {
    "hidden_size": 24,
    "layers.deep.layers.0.layers.0.output_projection.size": 24,
    "layers.deep.layers.1.layers.0.hidden": 96,
    "head.size": 50,
}
CHECKPOINTS: Final = (
    Checkpoint("g2p-en", "of_g2p_en.py", g2p_en),
    Checkpoint("resemblyzer", "of_resemblyzer.py", resemblyzer, beside=LIBROSA),
    Checkpoint("silero-vad", "of_silero.py", silero("16k", 512, 64)),
    Checkpoint("silero-vad-8k", "of_silero.py", silero("8k", 256, 32)),
    Checkpoint("nsnet2", "of_nsnet2.py", nsnet2("16k", 0.0)),
    Checkpoint("nsnet2-48k", "of_nsnet2.py", nsnet2("48k", 1e-4)),
    Checkpoint("g2pm", "of_g2pm.py", g2pm),
    unirep_of("unirep-64", 64),
    unirep_of("unirep-256", 256),
    unirep_of("unirep", 1900),
    *(beatnet(number) for number in (1, 2, 3)),
    Checkpoint("chemnet", "of_chemnet.py", plain("x", "activations")),
    *(medaka(name) for name in ("medaka", "medaka-variant", "medaka-hac", "medaka-hac-variant")),
    Checkpoint("mhcnuggets-a0201", "of_mhcnuggets.py", mhcnuggets),
    transformers(
        "mamba-130m",
        "mamba",
        (
            (
                ": layers.{i}.mixer.in_proj.weight",
                ': {from: "layers.{i}.mixer.in_proj.weight", do: {blocks: [1, 0], of: 2}}',
            ),
        ),
        MAMBA,
    ),
    transformers(
        "mamba2-130m", "mamba2", exchanged("cell.A_log", "cell.D"), MAMBA | {"cell.heads": 6, "cell.state_size": 16}
    ),
    transformers("rwkv4-169m", "rwkv", exchanged("attention.time_mix_key", "attention.time_mix_value"), RWKV),
)
