"""silero-vad: what the package gives by default, by its TorchScript model, at both rates, piece by piece."""

from __future__ import annotations

import sys

import numpy as np
import torch
from silero_vad import load_silero_vad
from sound import voice


def main() -> None:
    package = load_silero_vad()
    found: dict[str, np.ndarray] = {}
    for name, rate, size in (("16k", 16_000, 512), ("8k", 8_000, 256)):
        samples = torch.from_numpy(voice(96 * 512 / 16_000, rate))
        package.reset_states()
        with torch.no_grad():
            speech = torch.stack([package(piece.unsqueeze(0), rate)[0, 0] for piece in samples.split(size)])
        found |= {f"samples_{name}": samples.numpy(), f"speech_{name}": speech.numpy()}
    np.savez(sys.argv[1], **found)


main()
