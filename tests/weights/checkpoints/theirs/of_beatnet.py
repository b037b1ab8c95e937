"""BeatNet: its three models on the drum that it brings as an MP3, by log spectra and their rise as it takes them.

Its spectra are madmom's, which needs a compiler: here 136 bands, 24 to an octave, of windows of 64 ms every 20 ms.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import soundfile
import torch

RATE, HOP, WINDOW, BANDS = 22_050, 441, 1411, 136


def features(path: Path) -> np.ndarray:
    """Shape (T, 272)."""
    samples, rate = soundfile.read(path, dtype="float64", always_2d=True)
    t = np.arange(round(len(samples) * RATE / rate)) / RATE
    sound = np.interp(t, np.arange(len(samples)) / rate, samples.mean(1))[: 12 * RATE]
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(sound, WINDOW // 2), WINDOW)[::HOP]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(WINDOW)))
    centres = 30 * 2 ** (np.arange(BANDS + 2) / 24) / RATE * WINDOW
    bins = np.arange(spectrum.shape[1])
    left, middle, right = (centres[start : start + BANDS, None] for start in range(3))
    rising, falling = (bins - left) / np.maximum(middle - left, 1), (right - bins) / np.maximum(right - middle, 1)
    bands = np.log10(1 + spectrum @ np.clip(np.minimum(rising, falling), 0, None).T)
    rise = np.clip(np.diff(bands, axis=0, prepend=bands[:1]), 0, None)
    return np.concatenate([bands, rise], 1).astype(np.float32)


def main() -> None:
    spec = find_spec("BeatNet")
    assert spec is not None
    (folder,) = map(Path, spec.submodule_search_locations or ())
    package = ModuleType("BeatNet")  # its own __init__ asks for madmom
    package.__path__ = [str(folder)]
    sys.modules["BeatNet"] = package
    model_type = import_module("BeatNet.model").BDA
    x = features(folder / "test_data" / "808kick120bpm.mp3")
    found = {"x": x[None]}
    for number in (1, 2, 3):
        model = model_type(272, 150, 2, "cpu").eval()
        model.load_state_dict(torch.load(folder / "models" / f"model_{number}_weights.pt"), strict=True)
        with torch.no_grad():
            scores = model(torch.from_numpy(x)[None])
            found[f"scores_{number}"] = scores.transpose(1, 2).numpy()
            found[f"activations_{number}"] = model.final_pred(scores[0]).numpy()
    np.savez(sys.argv[1], **found)


main()
