"""What an encoder and a decoder have of their own: attention, the decoder's start, generation, shared tables."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

from zoo.architectures.encoder_decoder.attention import REMEMBERED
from zoo.architectures.encoder_decoder.model import EncoderDecoder
from zoo.architectures.encoder_decoder.plan import Start
from zoo.architectures.encoder_decoder.shared import Shared
from zoo.checks.batch import lengths_of, named
from zoo.checks.chances import chances, unlike
from zoo.checks.drawing import DRAWN, MANY, decoder_numbers
from zoo.checks.pairs import SOURCE, TARGET, model_of, pair, ragged
from zoo.checks.subject import Skip, Subject, close
from zoo.engine.state import State
from zoo.errors import CheckFailure
from zoo.heads.base import Head
from zoo.heads.tied import Tied
from zoo.layers.activations import activate

BEAM, STEPS = 4, 6
SCALES: Final = (2.0, 3.0, 6.0)
"""Of a fresh model's parameters, so that what it writes hangs on what it has read and written."""
PENALTY: Final = 1.5
LENGTHS: Final = (5, 2, 7, 1, 4, 6, 3)


def attention_mask(subject: Subject) -> None:
    """The weights of a step sum to 1, are zero on padding, and reach every other step of the source.

    Those of a window are heights of bells, which sum to nothing given and end far from their middle.
    """
    model = model_of(subject)
    if model.attention is None:
        raise Skip("the architecture has no attention")
    given, sources, targets = ragged(subject, model)
    memory_lengths = model.encoder.output_lengths(sources)
    weights = model.alignments(*given, source_lengths=sources, lengths=targets)
    steps = torch.arange(weights.shape[2], device=subject.device)
    for row, (source, target) in enumerate(zip(memory_lengths.tolist(), targets.tolist(), strict=True)):
        own = weights[row, :target]
        label = f"a source of {source} steps"
        if model.attention.window is None:
            close(own.sum(-1), torch.ones_like(own[:, 0]), f"{label}: the sum of the weights")
        if own[:, steps >= source].any():
            largest = own[:, steps >= source].max().item()
            raise CheckFailure(f"{label}: a weight in its padding is {largest:.3g}, bound 0")
        reached = own.amax(1) if model.attention.window is not None else own[:, :source]
        if not (reached > 0).all():
            raise CheckFailure(f"{label}: a step has the weight 0")
        if weights[row, target:].any():
            raise CheckFailure(f"a target of {target} steps has weights behind its end")
    memory, lengths, state = model.encode(given.source, lengths=sources)
    changed = torch.where((steps >= memory_lengths.unsqueeze(1)).unsqueeze(-1), 1.0, memory)
    expected, _ = model.decode(given.target, state, memory=memory, memory_lengths=lengths)
    found, _ = model.decode(given.target, state, memory=changed, memory_lengths=lengths)
    close(found, expected, "other numbers in the memory's padding")


def decoder_start(subject: Subject) -> None:
    """Each state of the decoder starts as the bridge says, from the end of each source alone; and each matters."""
    model = model_of(subject)
    given, sources, _ = ragged(subject, model)
    memory, lengths, state = model.encode(given.source, lengths=sources)
    for row, length in enumerate(sources.tolist()):
        output, end = model.encoder(given.source[row : row + 1, :length], return_state=True)
        ends = named(model.encoder, end)
        for name, start in model.bridge.starts.items():
            expected = _expected(model, name, start, ends, output)
            if expected is not None:
                label = f"{name} of a source of {length} steps ({start.rule})"
                close(state[f"decoder.{name}"][row], expected[0], label)
    scores, _ = model.decode(given.target, state, memory=memory, memory_lengths=lengths)
    for name, tensor in state.items():
        if not tensor.is_floating_point() or name.rpartition(".")[2] in REMEMBERED.values():
            continue
        moved = State({**state, name: tensor + 1.0})
        if torch.equal(model.decode(given.target, moved, memory=memory, memory_lengths=lengths)[0], scores):
            raise CheckFailure(f"the state {name} changes no score")


def _expected(model: EncoderDecoder, name: str, start: Start, ends: State, output: Tensor) -> Tensor | None:
    """What a state starts as, (1, ...), worked out from the rule; None for the decoder's own initial one."""
    if start.rule == "zeros":
        return None
    place, _, own = name.rpartition(".")
    forward, backward = ends.get(f"{place}.{own}"), ends.get(f"{place}.reverse.{own}")
    source = start.rule if isinstance(start.rule, str) else start.rule.source
    if source == "mean":
        found = output.mean(1)
    elif forward is None:  # its layers stand elsewhere than the encoder's
        return None
    elif source == "first":
        found = forward if backward is None else backward
    else:
        found = forward if backward is None else torch.cat([forward, backward], -1)
    if isinstance(start.rule, str):
        return found
    linear = model.bridge.maps[name.replace(".", "_")]
    return activate(start.rule.activation, linear(found))


def generate(subject: Subject) -> None:
    """A batch is its rows one by one; beam 1 is greedy; a beam is one that scores whole targets anew; a stop stops."""
    for seed, scale in enumerate(SCALES):
        model = model_of(subject, seed=seed)
        head = model.decoder.head
        numbers = isinstance(head, Head) and head.writes == "numbers"
        if model.decoder.input.vocabulary is None and not numbers:
            raise Skip("the decoder reads features, and so writes no symbols")
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(scale)
            least = model.encoder.minimum_steps
            source = model.encoder.example_input(len(LENGTHS), max(7, least), seed=1)
            lengths = lengths_of([max(one, least) for one in LENGTHS], subject.device)
            if numbers:
                decoder_numbers(model, source, lengths)
            else:
                _written(model, source, lengths)


def _written(model: EncoderDecoder, source: Tensor, lengths: Tensor) -> None:
    greedy = _greedy(model, source, lengths)
    stop = int(greedy[0, 2])
    kinds: dict[str, dict[str, Any]] = {
        "greedy": {},
        "greedy with a stop": {"stop": stop},
        "drawn": {"temperature": 1.3},
        "drawn with a stop": {"temperature": 1.3, "stop": stop, "top_p": 0.9},
        "a beam that never ends": {"beam": BEAM},
        "a beam": {"beam": BEAM, "stop": stop, "length_penalty": PENALTY},
    }
    for label, keys in kinds.items():
        _one_by_one(model, source, lengths, label, keys)
    found = model.generate(source, STEPS, start=1, lengths=lengths)
    _same(found, greedy, "greedy, against the likeliest symbol of whole targets")
    stopped = model.generate(source, STEPS, start=1, stop=stop, lengths=lengths)
    _same(stopped, _until(greedy, stop), f"greedy with the stop {stop}")
    for label, keys in kinds.items():
        own = {**keys, "seed": 4} if "temperature" in keys else keys
        found, sums = model.generate(source, STEPS, start=1, lengths=lengths, return_scores=True, **own)
        close(
            sums, _scored(model, source, lengths, found, keys.get("stop")), f"{label}: log-probabilities, scored anew"
        )
    _often(model, source[:1])
    for penalty in (0.0, PENALTY):
        found = model.generate(source, STEPS, start=1, stop=stop, lengths=lengths, beam=BEAM, length_penalty=penalty)
        rows = [_beam(model, source[row : row + 1, :length], stop, penalty) for row, length in enumerate(lengths)]
        _same(found, torch.stack(rows), f"a beam with length_penalty {penalty}, against whole targets scored anew")


def _often(model: EncoderDecoder, source: Tensor) -> None:
    """The first symbol of many rows that read the same source."""
    first = torch.ones((1, 1), dtype=torch.int64, device=source.device)
    scores = model(source, first)[0, 0].double().tolist()
    for how in DRAWN:
        drawn = model.generate(source.expand(MANY, *source.shape[1:]), 1, start=1, seed=4, **how)[:, 0]
        why = unlike(torch.bincount(drawn.cpu(), minlength=len(scores)).tolist(), chances(scores, **how))
        if why is not None:
            raise CheckFailure(f"drawn with {how}: {why}")


def _one_by_one(model: EncoderDecoder, source: Tensor, lengths: Tensor, label: str, keys: dict[str, Any]) -> None:
    def draws(row: int) -> dict[str, Any]:
        return {**keys, "seed": 4 + row} if "temperature" in keys else keys

    together = model.generate(source, STEPS, start=1, lengths=lengths, **draws(0))
    if "temperature" in keys:
        again = model.generate(source, STEPS, start=1, lengths=lengths, **draws(0))
        _same(again, together, f"{label}, with the same seed again")
    for row, length in enumerate(lengths.tolist()):
        alone = model.generate(source[row : row + 1, :length], STEPS, start=1, **draws(row))
        _same(alone[0], together[row], f"{label}: a source of {length} steps alone")


def _scored(model: EncoderDecoder, source: Tensor, lengths: Tensor, symbols: Tensor, stop: int | None) -> Tensor:
    """The log-probability of each target, up to its end, by teacher forcing."""
    given = torch.cat([torch.ones_like(symbols[:, :1]), symbols[:, :-1]], 1)
    scores = model(source, given, source_lengths=lengths).double().log_softmax(-1)
    each = scores.gather(2, symbols.unsqueeze(-1)).squeeze(-1)
    before = torch.zeros_like(symbols) if stop is None else (symbols == stop).cumsum(-1) - (symbols == stop).long()
    return torch.where(before > 0, 0.0, each).sum(-1)


def _greedy(model: EncoderDecoder, source: Tensor, lengths: Tensor) -> Tensor:
    target = torch.ones((len(source), 1), dtype=torch.int64, device=source.device)
    for _ in range(STEPS):
        target = torch.cat([target, model(source, target, source_lengths=lengths)[:, -1:].argmax(-1)], 1)
    return target[:, 1:]


def _beam(model: EncoderDecoder, source: Tensor, stop: int, penalty: float) -> Tensor:
    """A beam that carries nothing: every target is scored from its beginning."""

    def rank(one: tuple[float, list[int]]) -> float:
        total, symbols = one
        length = symbols.index(stop) + 1 if stop in symbols else len(symbols)
        return float(total / ((5 + length) / 6) ** penalty)

    kept: list[tuple[float, list[int]]] = [(0.0, [])]
    for _ in range(STEPS):
        targets = torch.tensor([[1, *symbols] for _, symbols in kept], device=source.device)
        scores = model(source.expand(len(kept), *source.shape[1:]), targets)[:, -1].double().log_softmax(-1).tolist()
        longer: list[tuple[float, list[int]]] = []
        for (total, symbols), more in zip(kept, scores, strict=True):
            if stop in symbols:
                longer.append((total, [*symbols, stop]))
            else:
                longer += [(total + one, [*symbols, index]) for index, one in enumerate(more)]
        kept = sorted(longer, key=rank, reverse=True)[:BEAM]
    return torch.tensor(kept[0][1], device=source.device)


def _until(symbols: Tensor, stop: int) -> Tensor:
    """Nothing but the stop behind the first one."""
    return torch.where((symbols == stop).cumsum(-1) > 0, stop, symbols)


def _same(found: Tensor, expected: Tensor, label: str) -> None:
    if not torch.equal(found, expected):
        raise CheckFailure(f"{label}: writes {found.tolist()}, expected {expected.tolist()}")


def sharing(subject: Subject) -> None:
    """A table that is shared is one parameter, under one key, which both uses read and both give a gradient."""
    model = model_of(subject)
    uses = [(name, module) for name, module in model.named_modules() if isinstance(module, Shared)]
    if not uses:
        raise Skip("no input shares the table of another")
    owner = model.encoder.input
    for name, module in uses:
        weight = module.table.weight
        held = [key for key, tensor in model.state_dict().items() if tensor.data_ptr() == weight.data_ptr()]
        if held != ["encoder.input.embedding.weight"]:
            raise CheckFailure(f"the table of {name} is saved as {held or 'nothing'}, not once, where its owner stands")
        if sum(one is weight for one in model.parameters()) != 1:
            raise CheckFailure(f"the table of {name} is no parameter of the model, or more than one")
    given = pair(model, 2, SOURCE, TARGET)
    vocabulary = owner.vocabulary or 1
    half = vocabulary // 2
    source, target = given.source % half, half + given.target % (vocabulary - half)
    output = model(source, target)
    (gradient,) = torch.autograd.grad(output.square().sum(), [uses[0][1].table.weight])
    symbols = gradient.abs().amax(1) > 0
    padding = uses[0][1].table.padding_idx
    for side, read in (("encoder", source), ("decoder", target)):
        known = torch.unique(read)
        known = known if padding is None else known[known != padding]
        if not symbols[known].all():
            raise CheckFailure(f"the table has no gradient by what the {side} reads")
    head = model.decoder.head
    if isinstance(head, Tied) and head.source[0].table is not uses[0][1].table:
        raise CheckFailure("the tied head scores with another table than the shared one")
