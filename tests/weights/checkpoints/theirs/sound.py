"""Sound that is the same wherever it is made: a voice that comes and goes, a chirp, noise; and a drum."""

from __future__ import annotations

import numpy as np

RATE = 16_000


def voice(seconds: float = 3.0, rate: int = RATE, pitch: float = 120.0) -> np.ndarray:
    """A buzz with the resonances of a vowel, in syllables; in the last third a chirp; noise all along."""
    random = np.random.default_rng(0)
    t = np.arange(round(seconds * rate)) / rate
    phase = 2 * np.pi * (pitch * t + 3 * np.sin(2 * np.pi * 5 * t) / 5)
    vowel = np.zeros_like(t)
    for harmonic in range(1, 40):
        loud = sum(1 / (1 + ((pitch * harmonic - peak) / 80) ** 2) for peak in (700, 1220, 2600))
        vowel += loud * np.sin(harmonic * phase)
    last = 2 * seconds / 3
    syllables = np.clip(np.sin(2 * np.pi * 3 * t), 0, None) * (t < last)
    chirp = np.sin(2 * np.pi * (200 * t + 900 * t**2 * 2 / last)) * (t >= last)
    return (0.15 * vowel * syllables + 0.1 * chirp + 0.003 * random.standard_normal(t.size)).astype(np.float32)
