"""Losses and answers of heads against torch's own, against what is written out, and against the formulas of sources."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import zoo

LENGTHS = [4, 1, 3]


def model(head: dict[str, Any], **keys: Any) -> Any:
    spec = {"schema": 1, "name": "a", "input": 5, "cell": "gru", "hidden_size": 6, "head": head, **keys}
    return zoo.build(spec, seed=0, dtype=torch.float64)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def whole(high: int, *shape: int, seed: int = 1, low: int = 0) -> Tensor:
    return torch.randint(low, high, shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("head", [{"kind": "linear", "size": 7}, {"kind": "mlp", "size": 7, "hidden": [8]}])
def test_cross_entropy_is_torch_s_over_the_valid_steps(head: dict[str, Any]) -> None:
    made, output, target = model(head), drawn(3, 4, 7), whole(7, 3, 4)
    found = made.loss(output, target, LENGTHS)
    kept = torch.cat([output[row, :length] for row, length in enumerate(LENGTHS)])
    wanted = torch.cat([target[row, :length] for row, length in enumerate(LENGTHS)])
    torch.testing.assert_close(found, F.cross_entropy(kept, wanted))
    assert made.decode(output, LENGTHS)[1].tolist() == [int(output[1, 0].argmax()), -1, -1, -1]


def test_behind_a_pool_there_is_one_target_a_sequence() -> None:
    made, output, target = model({"kind": "linear", "size": 7, "pool": "mean"}), drawn(3, 7), whole(7, 3)
    torch.testing.assert_close(made.loss(output, target, lengths=LENGTHS), F.cross_entropy(output, target))
    assert made.decode(output, LENGTHS).tolist() == output.argmax(1).tolist()


def test_one_output_is_the_logit_of_a_yes() -> None:
    made, output, target = model({"kind": "linear", "size": 1}), drawn(3, 4, 1), whole(2, 3, 4)
    torch.testing.assert_close(
        made.loss(output, target), F.binary_cross_entropy_with_logits(output[..., 0], target.double())
    )
    assert made.decode(output).tolist() == (output[..., 0] > 0).long().tolist()


@pytest.mark.parametrize("blank", [0, 2, "last"])
def test_ctc_is_torch_s(blank: Any) -> None:
    made = model({"kind": "ctc", "size": 6, "blank": blank})
    output, index = drawn(3, 9, 6), 5 if blank == "last" else blank
    target = (whole(6, 3, 4, low=1) + index) % 6
    lengths, counts = [9, 6, 8], [4, 2, 0]
    theirs = nn.CTCLoss(blank=index, reduction="sum")
    logs = output.log_softmax(-1).transpose(0, 1)
    expected = theirs(logs, target, torch.tensor(lengths), torch.tensor(counts)) / 3
    torch.testing.assert_close(made.loss(output, target, lengths, target_lengths=counts), expected)


def test_ctc_sums_over_every_path() -> None:
    made, output = model({"kind": "ctc", "size": 3}), drawn(1, 4, 3)
    probabilities = output[0].softmax(-1)
    for target in ([1], [1, 1], [1, 2], [2, 1, 2], []):
        total = 0.0
        for path in itertools.product(range(3), repeat=4):
            merged = [s for s, _ in itertools.groupby(path) if s != 0]
            if merged == target:
                total += math.prod(float(probabilities[t, s]) for t, s in enumerate(path))
        wanted = torch.tensor([target + [1] * (4 - len(target))])
        found = made.loss(output, wanted, target_lengths=[len(target)])
        assert float(found) == pytest.approx(-math.log(total), abs=1e-12)


def test_ctc_s_best_path_merges_and_drops_blanks() -> None:
    made = model({"kind": "ctc", "size": 3})
    path = torch.tensor([[1, 1, 0, 1, 2, 2, 0], [0, 2, 2, 1, 1, 0, 2]])
    output = F.one_hot(path, 3).double()
    assert made.decode(output, [7, 4]).tolist() == [[1, 1, 2, -1, -1, -1, -1], [2, 1, -1, -1, -1, -1, -1]]


def test_a_target_that_fits_in_no_path_costs_infinity() -> None:
    made = model({"kind": "ctc", "size": 3})
    assert float(made.loss(drawn(1, 2, 3), torch.tensor([[1, 1]]))) == math.inf


def lample(scores: np.ndarray, tags: list[int], transitions: np.ndarray) -> float:
    """-log P as glample/tagger has it: two labels more, small scores for them, and a first and a last step of theirs."""
    steps, n = scores.shape
    small = -1000.0
    padded = np.concatenate([scores, small * np.ones((steps, 2))], 1)
    begin, end = np.full((1, n + 2), small), np.full((1, n + 2), small)
    begin[0, n], end[0, n + 1] = 0, 0
    observations = np.concatenate([begin, padded, end])
    real = scores[np.arange(steps), tags].sum()
    path = [n, *tags, n + 1]
    real += sum(transitions[a, b] for a, b in itertools.pairwise(path))
    alpha = observations[0]
    for observed in observations[1:]:
        alpha = np.logaddexp.reduce(alpha[:, None] + observed[None, :] + transitions, 0)
    return float(np.logaddexp.reduce(alpha) - real)


def neuro(scores: np.ndarray, tags: list[int], transitions: np.ndarray) -> float:
    """-log P as NeuroNLP2's ChainCRF has it: energies (T, S, S), whose first step starts from the last label."""
    energy = transitions[None] + scores[:, None, :]
    partition, total, before = energy[0, -1], 0.0, len(transitions) - 1
    for t, tag in enumerate(tags):
        if t:
            partition = np.logaddexp.reduce(energy[t] + partition[:, None], 0)
        total += energy[t, before, tag]
        before = tag
    return float(np.logaddexp.reduce(partition) - total)


@pytest.mark.parametrize(("ends", "source", "labels"), [("both", lample, 4), ("start", neuro, 5)])
def test_crf_is_that_of_the_official_codes(ends: str, source: Any, labels: int) -> None:
    made = model({"kind": "crf", "size": 4, "ends": ends})
    nn.init.normal_(made.head.transitions)
    transitions = made.head.transitions.detach().numpy()
    output, target = drawn(3, 4, labels), whole(4, 3, 4)
    rows = [
        source(output[row, :length].numpy(), target[row, :length].tolist(), transitions)
        for row, length in enumerate(LENGTHS)
    ]
    assert made.loss(output, target, LENGTHS).item() == pytest.approx(sum(rows) / 3, abs=1e-10)


def test_crf_s_answer_is_the_best_of_all_sequences() -> None:
    made = model({"kind": "crf", "size": 3})
    nn.init.normal_(made.head.transitions, std=2.0)
    output = drawn(3, 4, 3)
    found = made.decode(output, LENGTHS)
    for row, length in enumerate(LENGTHS):
        sequences = torch.tensor(list(itertools.product(range(3), repeat=length)))
        scores = made.head.score(output[row : row + 1, :length].expand(len(sequences), -1, -1), sequences)
        assert found[row].tolist() == [*sequences[scores.argmax()].tolist(), *[-1] * (4 - length)]


def test_mixture_of_softmaxes_by_the_formula_of_its_source() -> None:
    made = model(
        {"kind": "mixture_of_softmaxes", "components": 3, "tied": True},
        input={"kind": "tokens", "vocabulary": 9, "size": 4},
    )
    head, table = made.head, made.input.embedding.weight.detach()
    nn.init.normal_(head.bias)
    x = drawn(2, 3, 6)
    latent = torch.tanh(x @ head.latent.weight.T + head.latent.bias).view(-1, 4)
    prior = (x @ head.prior.weight.T).view(-1, 3).softmax(-1)
    probability = (latent @ table.T + head.bias).softmax(-1).view(-1, 3, 9)
    expected = torch.log((probability * prior.unsqueeze(2)).sum(1)).view(2, 3, 9)
    torch.testing.assert_close(head(x), expected)
    assert [key for key in made.state_dict() if "head" in key] == [
        "head.bias",
        "head.prior.weight",
        "head.latent.weight",
        "head.latent.bias",
    ]


def test_a_mixture_of_softmaxes_drops_one_mask_a_sequence() -> None:
    made = model(
        {"kind": "mixture_of_softmaxes", "components": 2, "size": 5, "latent": 7, "dropout": 0.5, "variational": True}
    )
    seen: list[Tensor] = []
    made.head.decoder.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    made.head.train()(drawn(3, 6, 6))
    lost = (seen[0] == 0).flatten(2)
    assert (lost == lost[:, :1]).all()
    assert 0.25 < lost[:, 0].double().mean() < 0.75
    assert not torch.equal(lost[0, 0], lost[1, 0])


@pytest.mark.parametrize("cutoffs", [[3], [3, 7]])
@pytest.mark.parametrize("bias", [False, True])
def test_adaptive_softmax_is_torch_s(cutoffs: list[int], bias: bool) -> None:
    head = {"kind": "adaptive_softmax", "size": 12, "cutoffs": cutoffs, "div_value": 2.0, "bias": bias}
    made = model(head)
    theirs = nn.AdaptiveLogSoftmaxWithLoss(6, 12, cutoffs, div_value=2.0, head_bias=bias).double()
    made.head.load_state_dict(theirs.state_dict())
    features, target = drawn(3, 4, 6), whole(12, 3, 4)
    torch.testing.assert_close(made.head.log_prob(features).flatten(0, 1), theirs.log_prob(features.flatten(0, 1)))
    kept = torch.cat([features[row, :length] for row, length in enumerate(LENGTHS)])
    wanted = torch.cat([target[row, :length] for row, length in enumerate(LENGTHS)])
    torch.testing.assert_close(made.loss(features, target, LENGTHS), theirs(kept, wanted).loss)
    assert made.decode(features)[0].tolist() == theirs.predict(features[0]).tolist()
    assert torch.equal(made(drawn(2, 3, 5)), zoo.build({**BARE}, seed=0, dtype=torch.float64)(drawn(2, 3, 5))[0])


BARE: dict[str, Any] = {"schema": 1, "name": "a", "input": 5, "cell": "gru", "hidden_size": 6}


def world_models(output: Tensor, target: Tensor, components: int) -> Tensor:
    """-log p of each number, as hardmaru's rnn.py has it: rows of 3 K outputs, one for each number."""
    mix, mean, logstd = output.reshape(-1, 3 * components).chunk(3, 1)
    mix = mix - mix.logsumexp(1, keepdim=True)
    y = target.reshape(-1, 1)
    logs = -0.5 * ((y - mean) / logstd.exp()) ** 2 - logstd - math.log(math.sqrt(2 * math.pi))
    return -(mix + logs).logsumexp(1)


def test_mixtures_of_each_number_as_in_world_models() -> None:
    made = model({"kind": "mixture_density", "components": 5, "size": 32, "form": "independent"})
    output, target = drawn(2, 3, 480), drawn(2, 3, 32, seed=4)
    expected = world_models(output, target, 5).view(2, 3, 32).sum(-1).mean()
    torch.testing.assert_close(made.loss(output, target), expected)


def test_bivariate_mixtures_as_in_handwriting() -> None:
    made = model({"kind": "mixture_density", "components": 20, "size": 2, "form": "bivariate", "end": True})
    output, target = drawn(2, 3, 121), drawn(2, 3, 3, seed=4)
    target[..., 2] = (target[..., 2] > 0).double()
    pis, mus, sigmas, rhos, es = output.split([20, 40, 40, 20, 1], -1)
    pis, sigmas, rhos, es = pis.softmax(-1), sigmas.exp(), rhos.tanh(), es.sigmoid()[..., 0]
    (y1, y2, y3), (mu1, mu2), (s1, s2) = target.split(1, -1), mus.chunk(2, -1), sigmas.chunk(2, -1)
    norm = 1 / (2 * math.pi * s1 * s2 * torch.sqrt(1 - rhos**2))
    z = ((y1 - mu1) / s1) ** 2 + ((y2 - mu2) / s2) ** 2 - 2 * rhos * (y1 - mu1) * (y2 - mu2) / (s1 * s2)
    likelihood = (pis * torch.exp(-z / (2 * (1 - rhos**2))) * norm).sum(-1)
    end = torch.where(y3[..., 0] == 1, es, 1 - es)
    torch.testing.assert_close(made.loss(output, target), -(likelihood.log() + end.log()).mean())


def test_diagonal_mixtures_are_torch_s() -> None:
    made = model({"kind": "mixture_density", "components": 3, "size": 4})
    output, target = drawn(2, 5, 27), drawn(2, 5, 4, seed=4)
    normal = torch.distributions.Normal(
        output[..., 3:15].reshape(2, 5, 4, 3).transpose(2, 3),
        output[..., 15:].reshape(2, 5, 4, 3).transpose(2, 3).exp(),
    )
    theirs = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(logits=output[..., :3]), torch.distributions.Independent(normal, 1)
    )
    torch.testing.assert_close(made.loss(output, target), -theirs.log_prob(target).mean())


@pytest.mark.parametrize("form", ["independent", "diagonal", "bivariate"])
def test_samples_of_a_density_have_its_moments(form: str) -> None:
    made = model({"kind": "mixture_density", "components": 2, "size": 2, "form": form, "end": True})
    one = 0.5 * drawn(made.head.linear.out_features, seed=6)
    output = one.expand(200, 200, -1)
    found = made.head.sample(output, torch.Generator().manual_seed(0))
    again = made.head.sample(output, torch.Generator().manual_seed(0))
    assert torch.equal(found, again)
    mixtures = made.head.mixtures(one)
    weights = mixtures.log_weights.exp()
    mean = (weights * mixtures.means).sum(-1)
    second = (weights * (mixtures.means**2 + (2 * mixtures.log_scales).exp())).sum(-1)
    numbers = found[..., :2].flatten(0, 1)
    spread = numbers.std(0) / math.sqrt(len(numbers))
    assert ((numbers.mean(0) - mean).abs() < 5 * spread).all()
    torch.testing.assert_close(numbers.square().mean(0), second, rtol=0.06, atol=0)
    assert float(found[..., 2].mean()) == pytest.approx(float(mixtures.end.sigmoid()), abs=0.02)
    if form == "bivariate":
        own = mixtures.correlation * mixtures.log_scales.exp().prod(0) + mixtures.means.prod(0)
        torch.testing.assert_close(numbers.prod(1).mean(), (weights * own).sum(), rtol=0.15, atol=0.05)


def test_temperature_0_is_the_best_answer_and_1_the_distribution() -> None:
    made, scores = model({"kind": "linear", "size": 4}), drawn(4)
    output = scores.expand(100, 200, 4)
    assert torch.equal(made.head.sample(output, temperature=0), made.decode(output))
    for temperature in (1.0, 0.5):
        found = made.head.sample(output, torch.Generator().manual_seed(3), temperature)
        share = torch.bincount(found.flatten(), minlength=4).double() / found.numel()
        torch.testing.assert_close(share, (scores / temperature).softmax(-1), atol=0.015, rtol=0)


def test_vectors_of_length_one_as_in_resemblyzer() -> None:
    made = model({"kind": "normalise", "size": 7, "activation": "relu", "pool": "last"})
    x = drawn(3, 4, 5)
    hidden = zoo.build(BARE, seed=0, dtype=torch.float64)(x)[1][-1]
    raw = torch.relu(hidden @ made.head.linear.weight.T + made.head.linear.bias)
    torch.testing.assert_close(made(x), raw / torch.norm(raw, dim=1, keepdim=True))


@pytest.mark.parametrize(
    ("head", "output", "target", "more", "said"),
    [
        ({"kind": "linear", "size": 3}, (2, 4, 3), whole(9, 2, 4), {}, "target must be from 0 to 2"),
        ({"kind": "linear", "size": 3}, (2, 4, 3), whole(3, 2, 5), {}, r"shape \(2, 4\)"),
        ({"kind": "linear", "size": 3}, (2, 4, 3), drawn(2, 4), {}, "mse_loss"),
        ({"kind": "linear", "size": 3}, (2, 4, 3), whole(3, 2, 4), {"lengths": [4, 5]}, "from 0 to 4"),
        ({"kind": "linear", "size": 3}, (2, 4, 3), whole(3, 2, 4), {"lengths": [4]}, "one for each sequence"),
        ({"kind": "linear", "size": 3}, (2, 4, 3), whole(3, 2, 4), {"target_lengths": [4, 1]}, "leave target_lengths"),
        ({"kind": "linear", "size": 3, "activation": "tanh"}, (2, 4, 3), whole(3, 2, 4), {}, "gives features has no"),
        ({"kind": "normalise"}, (2, 4, 6), whole(3, 2, 4), {}, "gives features has no loss"),
        ({"kind": "ctc", "size": 3}, (2, 4, 3), torch.tensor([[1, 0], [1, 2]]), {}, "has the blank, 0"),
        ({"kind": "ctc", "size": 3}, (2, 4, 3), torch.tensor([1, 2]), {}, "a row for each sequence"),
        ({"kind": "crf", "size": 3}, (2, 4, 3), whole(3, 2, 4) + 2, {}, "target must be from 0 to 2"),
        ({"kind": "mixture_density", "components": 2, "size": 3}, (2, 4, 14), drawn(2, 4, 2), {}, r"\(2, 4, 3\)"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(
    head: dict[str, Any], output: tuple[int, ...], target: Tensor, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(zoo.InputError, match=said) as caught:
        model(head).loss(drawn(*output), target, **more)
    assert "\n" not in str(caught.value)


def test_a_head_of_somebody_else_has_no_loss() -> None:
    made = model({"kind": "linear", "size": 3})
    made.head = nn.Linear(6, 3).double()
    with pytest.raises(zoo.InputError, match=r"derive Linear from zoo\.Head"):
        made.loss(made(drawn(2, 3, 5)), whole(3, 2, 3))
    made.head = None
    with pytest.raises(zoo.InputError, match="has no head"):
        made.loss(drawn(2, 3, 5), whole(3, 2, 3))


@pytest.mark.parametrize("spread", [1.0, 60.0, 400.0])
def test_a_mixture_of_softmaxes_is_exact_for_probabilities_of_any_size(spread: float) -> None:
    """Also where a probability is too small for the numbers, whose logarithm is not."""
    from zoo.heads.mixture_of_softmaxes import _mixed

    generator = torch.Generator().manual_seed(0)
    prior, logits = torch.randn(2, 3, 4, generator=generator), spread * torch.randn(2, 3, 4, 9, generator=generator)
    prior.requires_grad_(), logits.requires_grad_()
    found = _mixed(prior, logits)
    wide = [t.detach().double().requires_grad_() for t in (prior, logits)]
    expected = torch.logsumexp(wide[1].log_softmax(-1) + wide[0].log_softmax(-1).unsqueeze(-1), -2)
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-5)
    weights = torch.randn(expected.shape, generator=generator, dtype=torch.float64)
    mine = torch.autograd.grad((found * weights).sum(), (prior, logits))
    for one, other in zip(mine, torch.autograd.grad((expected * weights).sum(), wide), strict=True):
        torch.testing.assert_close(one.double(), other, rtol=1e-4, atol=1e-4)
