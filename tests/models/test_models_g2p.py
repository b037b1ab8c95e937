"""g2p_en: its forward pass in NumPy as the package has it, and the package's own weights and pronunciations."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch

import zoo

START, STOP, STEPS = 2, 3, 20


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


@pytest.mark.long
def test_the_weights_of_the_package_say_what_the_package_says(tmp_path):
    """Pronunciations that the package itself gives, of which its README shows the first."""
    place = ["--no-deps", "--dest", str(tmp_path), "g2p_en==2.1.0"]
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", *place], check=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        code = wheel.read("g2p_en/g2p.py").decode()
        with wheel.open("g2p_en/checkpoint20.npz") as file, np.load(file) as given:
            weights = {name: torch.from_numpy(given[name]) for name in given.files}
    names = {"enc": "encoder", "dec": "decoder"}
    mine = {f"{names[side]}.input.embedding.weight": weights[f"{side}_emb"] for side in names}
    for side, stack in names.items():
        for short, full in (("w_ih", "weight_ih"), ("w_hh", "weight_hh"), ("b_ih", "bias_ih"), ("b_hh", "bias_hh")):
            mine[f"{stack}.layers.0.cell.{full}"] = weights[f"{side}_{short}"]
    mine |= {"decoder.head.linear.weight": weights["fc_w"], "decoder.head.linear.bias": weights["fc_b"]}
    model = zoo.build("speech/g2p-en").eval()
    model.load_state_dict(mine, strict=True)

    letters = ["<pad>", "<unk>", "</s>", *"abcdefghijklmnopqrstuvwxyz"]
    phonemes = re.findall(r"'([^']+)'|\"([^\"]+)\"", code[code.index("self.phonemes = ") : code.index("self.g2idx = ")])
    phonemes = [one or other for one, other in phonemes]
    assert len(phonemes) == 74
    words = {
        "activationist": "AE2 K T IH0 V EY1 SH AH0 N IH0 S T",
        "zoo": "Z UW1",
        "recurrent": "R IH0 K ER1 AH0 N T",
    }
    lengths = [len(word) + 1 for word in words]
    source = torch.zeros(len(words), max(lengths), dtype=torch.int64)
    for row, word in enumerate(words):
        source[row, : lengths[row]] = torch.tensor([letters.index(one) for one in (*word, "</s>")])
    written = model.generate(source, STEPS, start=START, stop=STOP, lengths=lengths)
    for row, said in enumerate(words.values()):
        symbols = written[row].tolist()
        assert " ".join(phonemes[one] for one in symbols[: symbols.index(STOP)]) == said
