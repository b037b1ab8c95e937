"""Parts that several models have, held to packages: the head `crf`, and the predictor of torchaudio's transducer."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from borrowed import bare, needed, source
from speech_sources import Torchaudio

import zoo
from packages.table import VERSIONS

LENGTHS = [5, 1, 3, 4]


def crf(ends: str) -> tuple[zoo.Model, torch.nn.Module]:
    """Our head and pytorch-crf's, with the same drawn transitions."""
    needed("pytorch-crf", VERSIONS["pytorch-crf"])
    head = {"kind": "crf", "size": 4, "ends": ends}
    spec = {"schema": 1, "name": "a", "input": 5, "cell": "gru", "hidden_size": 6, "head": head}
    made = zoo.build(spec, seed=0, dtype=torch.float64)
    theirs = source("torchcrf", "__init__.py").CRF(4, batch_first=True).double()
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        transitions = made.head.transitions
        transitions.copy_(2 * torch.randn(transitions.shape, generator=generator, dtype=torch.float64))
        theirs.transitions.copy_(transitions[:4, :4])
        theirs.start_transitions.copy_(transitions[4, :4] if ends == "both" else torch.zeros(4))
        theirs.end_transitions.copy_(transitions[:4, 5] if ends == "both" else torch.zeros(4))
    return made, theirs


@pytest.mark.parametrize("ends", ["both", "none"])
def test_a_random_field_is_that_of_pytorch_crf(ends: str) -> None:
    """Its loss, each sequence's own score against all others, and the likeliest labels."""
    made, theirs = crf(ends)
    generator = torch.Generator().manual_seed(3)
    output = torch.randn((4, 5, 4), generator=generator, dtype=torch.float64)
    target = torch.randint(0, 4, (4, 5), generator=generator)
    mask = torch.arange(5) < torch.tensor(LENGTHS)[:, None]
    expected = -theirs(output, target, mask, reduction="none")
    assert float(expected.detach().min()) > 0.1
    found = made.head.log_partition(output, LENGTHS) - made.head.score(output, target, LENGTHS)
    torch.testing.assert_close(found, expected, atol=1e-10, rtol=0)
    torch.testing.assert_close(made.loss(output, target, LENGTHS), expected.mean(), atol=1e-10, rtol=0)
    decoded = made.decode(output, LENGTHS)
    assert [row[:n].tolist() for row, n in zip(decoded, LENGTHS, strict=True)] == theirs.decode(output, mask)


def test_the_restated_transducer_of_torchaudio_is_the_package_s() -> None:
    """tests/models/test_models_rnnt.py holds ours to this restatement."""
    needed("torchaudio", VERSIONS["torchaudio"])
    models = ModuleType("torchaudio.models")
    models.Emformer = object  # type: ignore[attr-defined]
    with bare("torchaudio", without={"torchaudio.models": models}):
        package = source("torchaudio", "models/rnnt.py")
    predictor = package._Predictor(11, 5, 6, 2, 7).double()
    joiner = package._Joiner(5, 11).double()
    restated = Torchaudio(11, 6, 7, 5).double()
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in restated.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
        for name in ("embedding", "input_layer_norm", "linear", "output_layer_norm"):
            getattr(predictor, name).load_state_dict(getattr(restated, name).state_dict())
        joiner.linear.load_state_dict(restated.joiner.state_dict())
        for layer, theirs in enumerate(predictor.lstm_layers):
            ours = {name: getattr(restated.lstm, f"{name}_l{layer}") for name in ("weight_ih", "weight_hh")}
            theirs.x2g.weight.copy_(ours["weight_ih"])
            theirs.x2g.bias.copy_(
                getattr(restated.lstm, f"bias_ih_l{layer}") + getattr(restated.lstm, f"bias_hh_l{layer}")
            )
            theirs.p2g.weight.copy_(ours["weight_hh"])
    encoded = torch.randn((2, 4, 5), generator=generator, dtype=torch.float64)
    target = torch.randint(0, 11, (2, 3), generator=generator)
    with torch.no_grad():
        told, _, _ = predictor(target, torch.tensor([3, 3]))
        expected, _, _ = joiner(encoded, torch.tensor([4, 4]), told, torch.tensor([3, 3]))
        torch.testing.assert_close(restated(encoded, target), expected, atol=1e-10, rtol=0)
