"""g2p_en: its forward pass in NumPy as the package has it; tests/weights/checkpoints has its own weights."""

from __future__ import annotations

import numpy as np
import torch

import zoo

START, STEPS = 2, 20


def gru(x, h, weights):
    """g2p_en/g2p.py, grucell and gru: reset after the product, z keeps the state."""
    w_ih, w_hh, b_ih, b_hh = weights
    outputs = []
    for step in x:
        ih, hh = step @ w_ih.T + b_ih, h @ w_hh.T + b_hh
        rz, cut = ih + hh, 2 * len(h)
        r, z = np.split(1 / (1 + np.exp(-rz[:cut])), 2)
        n = np.tanh(ih[cut:] + r * hh[cut:])
        h = (1 - z) * n + z * h
        outputs.append(h)
    return np.stack(outputs), h


def cell(layer):
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return tuple(layer.cell.get_parameter(name).detach().numpy() for name in names)


def test_the_scores_and_what_is_written():
    """Whole words teacher forced, and `predict`: the likeliest symbol again and again, until the end."""
    model = zoo.build("speech/g2p-en", seed=0, dtype=torch.float64).eval()
    encoder, decoder = cell(model.encoder.layers[0]), cell(model.decoder.layers[0])
    letters = model.encoder.input.embedding.weight.detach().numpy()
    phonemes = model.decoder.input.embedding.weight.detach().numpy()
    head = model.decoder.head.linear
    fc_w, fc_b = head.weight.detach().numpy(), head.bias.detach().numpy()
    source, lengths = torch.randint(3, 29, (4, 8), generator=torch.Generator().manual_seed(0)), [8, 3, 1, 5]
    target, targets = torch.randint(74, (4, 6), generator=torch.Generator().manual_seed(1)), [6, 2, 5, 1]
    found = model(source, target, source_lengths=lengths, lengths=targets)
    written = model.generate(source, STEPS, start=START, lengths=lengths)
    for row, length in enumerate(lengths):
        _, h = gru(letters[source[row, :length].numpy()], np.zeros(256), encoder)
        outputs, _ = gru(phonemes[target[row, : targets[row]].numpy()], h, decoder)
        expected = torch.tensor(outputs @ fc_w.T + fc_b)
        torch.testing.assert_close(found[row, : targets[row]], expected, atol=1e-12, rtol=0)
        symbol, symbols = START, []
        for _ in range(STEPS):
            (output,), h = gru(phonemes[[symbol]], h, decoder)
            symbol = int((output @ fc_w.T + fc_b).argmax())
            symbols.append(symbol)
        assert written[row].tolist() == symbols
