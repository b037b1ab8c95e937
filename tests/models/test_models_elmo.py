"""ELMo's language model against its source's forward pass, at small widths."""

from __future__ import annotations

import torch
from elmo_source import layers, tokens

import zoo
from zoo.testing import tiny

BOUND = {"atol": 1e-10, "rtol": 0}
LENGTHS = [6, 1, 4]


def built():
    model = zoo.build(tiny("language/elmo"), seed=0, dtype=torch.float64).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.rand(parameter.shape, generator=generator) - 0.5)
            if name == "forwards.input.embedding.weight":
                parameter[0] = 0.0
    return model


def of_the_source(source):
    """Our weights of the input by the source's names and layouts: matrices transposed."""
    found = {"char_embed": source.embedding.weight}
    for i, branch in enumerate(source.branches):
        found |= {f"W_cnn_{i}": branch.layers[0].conv.weight, f"b_cnn_{i}": branch.layers[0].conv.bias}
    highway, projection = source.after
    for i, (transform, gate) in enumerate(zip(highway.transforms, highway.gates, strict=True)):
        found |= {f"W_transform_{i}": transform.weight.T, f"b_transform_{i}": transform.bias}
        found |= {f"W_carry_{i}": gate.weight.T, f"b_carry_{i}": gate.bias}
    return found | {"W_proj": projection.linear.weight.T, "b_proj": projection.linear.bias}


def cells(stack):
    """One bias a layer; the forget gate's of the source is 1 lower than ours, and is added there."""
    found = []
    for layer in stack.layers:
        cell = layer.cell
        reorder = [one.chunk(4) for one in (cell.weight_ih, cell.weight_hh, cell.bias)]
        (wi, wf, wg, wo), (ui, uf, ug, uo), (bi, bf, bg, bo) = reorder
        kernel = torch.cat([torch.cat([w, u], 1).T for w, u in ((wi, ui), (wg, ug), (wf, uf), (wo, uo))], 1)
        found.append((kernel, torch.cat([bi, bg, bf - 1.0, bo]), cell.weight_hr.T))
    return found


def test_the_outputs_of_all_layers():
    model = built()
    words = torch.randint(1, model.forwards.input.vocabulary, (len(LENGTHS), max(LENGTHS), 50))
    words[0, 1:3] = 0  # characters that fill a word up
    found, state = model(words, lengths=LENGTHS, layer_outputs=True)
    embedded = tokens(words, of_the_source(model.forwards.input), 7, 2)
    weights = {"forward": cells(model.forwards), "backward": cells(model.backwards)}
    for row, length in enumerate(LENGTHS):
        expected = layers(embedded[row, :length], weights)
        assert expected.abs().max() > 0.1
        torch.testing.assert_close(found[row, :length], expected, **BOUND)
        assert not found[row, length:].any()
    torch.testing.assert_close(model(words, lengths=LENGTHS)[0], found[:, :, -1])
    assert len(state) == 8


def test_the_count_is_that_of_the_source():
    characters, filters = 262 * 16, [32, 32, 64, 128, 256, 512, 1024]
    convolutions = sum(16 * width * n + n for width, n in enumerate(filters, 1))
    highway, projection = 2 * 2 * (2048 * 2048 + 2048), 2048 * 512 + 512
    lstm = (512 + 512) * 4 * 4096 + 4 * 4096 + 4096 * 512
    total = characters + convolutions + highway + projection + 4 * lstm
    assert zoo.describe(zoo.load("language/elmo")).parameters == total == 93_600_864
