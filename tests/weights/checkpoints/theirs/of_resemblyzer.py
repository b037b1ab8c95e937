"""Resemblyzer: `embed_utterance` of two voices, in pieces of 1.6 s, with its own mel spectrogram by librosa.

The detector of silence is left out: it only chooses what is given to the network.
"""

from __future__ import annotations

import sys
from unittest.mock import MagicMock

import numpy as np

sys.modules["webrtcvad"] = MagicMock()
if "scipy.ndimage.morphology" not in sys.modules:  # a name that scipy has dropped, of the same function
    import scipy.ndimage

    sys.modules["scipy.ndimage.morphology"] = scipy.ndimage

from resemblyzer import VoiceEncoder  # noqa: E402
from resemblyzer.audio import normalize_volume, wav_to_mel_spectrogram  # noqa: E402
from sound import voice  # noqa: E402


def main() -> None:
    encoder = VoiceEncoder("cpu", verbose=False).eval()
    found: dict[str, list[np.ndarray]] = {"mels": [], "partials": [], "whole": []}
    for pitch in (120.0, 210.0):
        wav = normalize_volume(voice(5.0, pitch=pitch), -30, increase_only=True)
        whole, partials, slices = encoder.embed_utterance(wav, return_partials=True)
        padded = np.pad(wav, (0, max(0, slices[-1].stop - len(wav))))
        mel = wav_to_mel_spectrogram(padded)
        frames = [slice(piece.start // 160, piece.stop // 160) for piece in slices]
        found["mels"].append(np.stack([mel[piece] for piece in frames]))
        found["partials"].append(partials)
        found["whole"].append(whole)
    np.savez(sys.argv[1], **{name: np.stack(values) for name, values in found.items()})


main()
