"""silero-vad: the package's own weights, in our spec, on sound that it takes for speech and for none."""

from __future__ import annotations

import io
import math
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import zoo

SAMPLES, CONTEXT, RATE = 512, 64, 16_000


def sound() -> Tensor:
    """Three seconds: a buzz of 120 Hz with resonances of a vowel, coming and going; a chirp; noise all along."""
    generator = torch.Generator().manual_seed(0)
    t = torch.arange(96 * SAMPLES, dtype=torch.float64) / RATE
    pitch = 2 * math.pi * (120 * t + 3 * torch.sin(2 * math.pi * 5 * t) / 5)
    vowel = torch.zeros_like(t)
    for harmonic in range(1, 40):
        loud = sum(1 / (1 + ((120 * harmonic - peak) / 80) ** 2) for peak in (700, 1220, 2600))
        vowel += loud * torch.sin(harmonic * pitch)
    syllables = torch.clamp(torch.sin(2 * math.pi * 3 * t), min=0) * (t < 2)
    chirp = torch.sin(2 * math.pi * (200 * t + 900 * t**2)) * (t >= 2)
    noise = torch.randn(t.shape, generator=generator, dtype=torch.float64)
    return (0.15 * vowel * syllables + 0.1 * chirp + 0.003 * noise).float()


def mine(theirs: dict[str, Tensor]) -> dict[str, Tensor]:
    """From the names of the package's TorchScript model; its safetensors hold the weights of another training."""
    found = {"layers.0.conv.weight": theirs.pop("stft.forward_basis_buffer").unsqueeze(2)}
    for number in range(4):
        found[f"layers.{number + 2}.conv.weight"] = theirs.pop(f"encoder.{number}.reparam_conv.weight").unsqueeze(2)
        found[f"layers.{number + 2}.conv.bias"] = theirs.pop(f"encoder.{number}.reparam_conv.bias")
    for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        found[f"layers.7.cell.{part}"] = theirs.pop(f"decoder.rnn.{part}")
    found["head.linear.weight"] = theirs.pop("decoder.decoder.2.weight").squeeze(2)
    found["head.linear.bias"] = theirs.pop("decoder.decoder.2.bias")
    assert not theirs
    return found


@pytest.mark.long
def test_the_weights_of_the_package_hear_what_the_package_hears(tmp_path: Path) -> None:
    place = ["--no-deps", "--dest", str(tmp_path), "silero-vad==6.2.3"]
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", *place], check=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        package = torch.jit.load(io.BytesIO(wheel.read("silero_vad/data/silero_vad.jit")))
    model = zoo.build("speech/silero-vad").eval()
    weights = package._model.state_dict()
    model.load_state_dict(mine(dict(weights)), strict=True)

    samples = sound()
    with torch.no_grad():
        expected = torch.stack([package(piece.unsqueeze(0), RATE)[0, 0] for piece in samples.split(SAMPLES)])
        before = F.pad(samples, (CONTEXT, 0)).unfold(0, CONTEXT + SAMPLES, SAMPLES)  # (T, 576)
        x = F.pad(before.unsqueeze(0), (0, CONTEXT), mode="reflect")  # the end of each piece, mirrored
        whole = torch.sigmoid(model(x))[0, :, 0]
        state, steps = None, []
        with model.streaming():
            for step in x.unbind(1):
                y, state = model.step(step, state)
                steps.append(torch.sigmoid(y)[0, 0])
    assert float(expected.max()) > 0.5 > 0.1 > float(expected.min()), "speech and silence"
    torch.testing.assert_close(whole, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.stack(steps), expected, atol=1e-5, rtol=0)
