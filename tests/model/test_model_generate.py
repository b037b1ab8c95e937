"""What models write: against loops over whole runs, row by row, and every way of calling it wrongly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from each import each
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence

import zoo
from zoo.model import generation
from zoo.testing import tiny

SYMBOLS = 13
LENGTHS = [4, 1, 6]
MORE = 5


def model(**keys: Any) -> Any:
    spec = {
        "schema": 1,
        "name": "writer",
        "input": {"kind": "tokens", "vocabulary": SYMBOLS, "size": 7},
        "cell": "lstm",
        "hidden_size": 9,
        "head": {"kind": "linear", "size": SYMBOLS},
        **keys,
    }
    made = zoo.build(spec, seed=0, dtype=torch.float64)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(3)
    return made.eval()


def prompts(made: Any, seed: int = 1) -> Tensor:
    x: Tensor = made.example_input(3, 6, seed=seed)
    return x


HEADS = {
    "linear": {"kind": "linear", "size": SYMBOLS},
    "mlp": {"kind": "mlp", "size": SYMBOLS, "hidden": [8]},
    "mixture_of_softmaxes": {"kind": "mixture_of_softmaxes", "components": 3, "size": SYMBOLS, "latent": 4},
    "adaptive_softmax": {"kind": "adaptive_softmax", "size": SYMBOLS, "cutoffs": [3, 8], "div_value": 2.0},
}


@each("name", HEADS)
def test_a_symbol_is_drawn_from_the_head_s_own_distribution(name: str) -> None:
    """Every head of symbols: the loss of a symbol is -log of how often it comes."""
    made = model(head=HEADS[name], input={"kind": "one_hot", "vocabulary": SYMBOLS})
    prompt = prompts(made)[:1]
    with torch.no_grad():
        output = made(prompt)[:, -1:]
        losses = [float(made.loss(output, torch.tensor([[symbol]]))) for symbol in range(SYMBOLS)]
    chances = np.exp(-np.array(losses))
    assert abs(chances.sum() - 1) < 1e-9
    drawn = made.generate(prompt.expand(4000, -1), 1, temperature=1.0, seed=0).flatten()
    shares = np.bincount(drawn.numpy(), minlength=SYMBOLS) / 4000
    assert (np.abs(shares - chances) < 4.5 * (chances * (1 - chances) / 4000) ** 0.5 + 1e-4).all()


def test_greedy_is_the_arg_max_of_whole_runs_for_ragged_prompts() -> None:
    made = model()
    prompt = prompts(made)
    found = made.generate(prompt, MORE, lengths=LENGTHS)
    assert found.dtype == torch.int64
    for row, length in enumerate(LENGTHS):
        text = prompt[row, :length].tolist()
        for _ in range(MORE):
            with torch.no_grad():
                text.append(int(made(torch.tensor([text]))[0, -1].argmax()))
        assert found[row].tolist() == text[length:]


def test_what_stands_in_the_padding_of_a_prompt_is_not_read() -> None:
    made = model()
    one, other = prompts(made), prompts(made)
    for row, length in enumerate(LENGTHS):
        other[row, length:] = 0
    assert torch.equal(made.generate(one, MORE, lengths=LENGTHS), made.generate(other, MORE, lengths=LENGTHS))


def test_a_text_in_two_pieces_is_the_text() -> None:
    made = model()
    prompt = prompts(made)
    whole = made.generate(prompt, 6)
    rest = made.generate(torch.cat([prompt, whole[:, :2]], 1), 4)
    assert torch.equal(torch.cat([whole[:, :2], rest], 1), whole)


def test_rows_stop_one_by_one_and_are_filled_with_their_stop() -> None:
    made = model()
    prompt = prompts(made)
    free = made.generate(prompt, 8, temperature=1.0, seed=0)
    for stop in (int(free[0, 2]), [int(free[0, 2]), int(free[1, 0])]):
        found = made.generate(prompt, 8, temperature=1.0, seed=0, stop=stop)
        stops = {stop} if isinstance(stop, int) else set(stop)
        for row in range(3):
            own = free[row].tolist()
            end = next((place for place, symbol in enumerate(own) if symbol in stops), 7)
            assert found[row].tolist() == own[: end + 1] + [own[end]] * (7 - end)


def test_nothing_is_computed_once_every_row_has_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    made = model()
    steps = []
    original = type(made).step
    monkeypatch.setattr(type(made), "step", lambda self, *given: steps.append(1) or original(self, *given))
    prompt = prompts(made)[:1]
    free = made.generate(prompt, 20)
    steps.clear()
    made.generate(prompt, 20, stop=int(free[0, 3]))
    assert len(steps) <= 3


def test_it_runs_step_by_step_in_a_streaming_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """The prompt is one run, and what cells derive from their parameters is made once."""
    made = model(cell="lru", hidden_size=8)
    runs = []
    forward = type(made).forward
    monkeypatch.setattr(type(made), "forward", lambda self, *a, **k: runs.append(1) or forward(self, *a, **k))
    made_once = []
    constants = type(made.layers[0].cell).constants
    monkeypatch.setattr(
        type(made.layers[0].cell), "constants", lambda self, *a: made_once.append(1) or constants(self, *a)
    )
    made.generate(prompts(made), 10)
    assert len(runs) == 1
    assert len(made_once) == 1


def test_training_mode_is_left_and_taken_up_again() -> None:
    made = model(dropout={"output": 0.5, "recurrent": 0.5})
    expected = made.generate(prompts(made), MORE)
    made.train()
    made.head.eval()
    assert torch.equal(made.generate(prompts(made), MORE), expected)
    assert made.training
    assert made.layers[0].training
    assert not made.head.training


def test_an_error_inside_leaves_the_mode_as_it_was() -> None:
    made = model().train()
    with pytest.raises(zoo.InputError):
        made.generate(prompts(made), MORE, lengths=[9, 1, 1])
    assert made.training


def test_without_a_seed_torch_s_own_stream_draws_one() -> None:
    made = model()
    torch.manual_seed(3)
    one = made.generate(prompts(made), MORE, temperature=2.0)
    other = made.generate(prompts(made), MORE, temperature=2.0)
    torch.manual_seed(3)
    assert torch.equal(made.generate(prompts(made), MORE, temperature=2.0), one)
    assert not torch.equal(one, other)


def test_nothing_has_a_gradient() -> None:
    pen = model(input=3, head={"kind": "mixture_density", "components": 2, "size": 3})
    assert not pen.generate(prompts(pen), 2, temperature=1.0, seed=0).requires_grad


def test_handwriting_is_fed_back() -> None:
    """The pen's numbers with `end`: by the equations of the head, drawn by its own `sample` from whole runs."""
    pen = model(input=3, head={"kind": "mixture_density", "components": 2, "size": 2, "form": "bivariate", "end": True})
    prompt = prompts(pen)
    found = pen.generate(prompt, MORE, lengths=LENGTHS, temperature=0.7, seed=11)
    assert found.shape == (3, MORE, 3)
    assert set(found[..., 2].flatten().tolist()) <= {0.0, 1.0}
    for row, length in enumerate(LENGTHS):
        text, draw = prompt[row : row + 1, :length], torch.Generator().manual_seed(11 + row)
        for _ in range(MORE):
            with torch.no_grad():
                step = pen.head.sample(pen(text)[:, -1], draw, 0.7)
            text = torch.cat([text, step.unsqueeze(1)], 1)
        torch.testing.assert_close(found[row], text[0, length:])


def test_a_world_model_dreams_with_the_actions_that_it_is_given() -> None:
    made = model(input=5, head={"kind": "mixture_density", "components": 2, "size": 3})
    prompt, actions = prompts(made), torch.randn((3, MORE, 2), dtype=torch.float64)
    found = made.generate(prompt, MORE, beside=actions)
    text = prompt
    for step in range(MORE):
        with torch.no_grad():
            z = made.decode(made(text))[:, -1]
        torch.testing.assert_close(found[:, step], z)
        text = torch.cat([text, torch.cat([z, actions[:, step]], -1).unsqueeze(1)], 1)
    last = torch.cat([actions[:, :-1], torch.zeros_like(actions[:, :1])], 1)
    assert torch.equal(made.generate(prompt, MORE, beside=last), found), "the last is not read"


SEVERAL = {
    "words": {"kind": "tokens", "vocabulary": SYMBOLS, "size": 4},
    "weather": 2,
    "speaker": {"kind": "tokens", "vocabulary": 5, "size": 3, "per": "sequence"},
}


def test_of_several_inputs_the_one_that_fits_is_fed() -> None:
    made = model(input={"kind": "several", "of": SEVERAL})
    prompt = made.example_input(3, 6, seed=2)
    weather = torch.randn((3, MORE, 2), dtype=torch.float64)
    found = made.generate(prompt, MORE, beside={"weather": weather})
    text = dict(prompt)
    for step in range(MORE):
        with torch.no_grad():
            words = made(text)[:, -1].argmax(-1)
        assert torch.equal(found[:, step], words)
        text["words"] = torch.cat([text["words"], words.unsqueeze(1)], 1)
        text["weather"] = torch.cat([text["weather"], weather[:, step : step + 1]], 1)


def test_of_two_inputs_that_fit_one_has_to_be_named() -> None:
    two = {"kind": "several", "of": dict.fromkeys(("left", "right"), SEVERAL["words"])}
    made = model(input=two)
    prompt = made.example_input(2, 3)
    with pytest.raises(zoo.InputError, match="left and right could read what is written: say which, feeds='left'"):
        made.generate(prompt, 2, beside={"right": torch.zeros((2, 2), dtype=torch.int64)})
    with pytest.raises(zoo.InputError, match="did you mean 'right'"):
        made.generate(prompt, 2, feeds="rigth", beside={"left": torch.zeros((2, 2), dtype=torch.int64)})
    given = torch.tensor([[1, 2], [3, 4]])
    one = made.generate(prompt, 2, feeds="left", beside={"right": given})
    other = made.generate(prompt, 2, feeds="right", beside={"left": given})
    assert not torch.equal(one, other)


def test_the_spec_may_say_which_of_two_inputs_is_fed() -> None:
    two = {"kind": "several", "of": dict.fromkeys(("left", "right"), SEVERAL["words"])}
    plain, marked = model(input=two), model(input={**two, "feeds": "right", "lag": 1})
    prompt, beside = plain.example_input(2, 3), {"left": torch.tensor([[1, 2], [3, 4]])}
    found = marked.generate(prompt, 2, beside=beside)
    assert torch.equal(found, plain.generate(prompt, 2, feeds="right", beside=beside))


def test_heads_that_are_added_up_write_their_sum() -> None:
    made = model(head="none", heads={"one": HEADS["linear"], "two": HEADS["linear"], "merge": "sum"})
    prompt = prompts(made)
    with torch.no_grad():
        assert torch.equal(made.generate(prompt, 1)[:, 0], made(prompt)[:, -1].argmax(-1))


@each("dtype", [torch.float32, torch.bfloat16])
def test_numbers_are_fed_back_in_the_model_s_dtype(dtype: torch.dtype) -> None:
    made = model(input=3, head={"kind": "mixture_density", "components": 2, "size": 3}).to(dtype)
    assert made.generate(prompts(made).to(dtype), 3, temperature=1.0, seed=0).isfinite().all()


def test_engines_write_the_same() -> None:
    made = model(cell="gru")
    expected = made.generate(prompts(made), MORE, temperature=1.0, seed=0)
    made.engine = "loop"
    assert torch.equal(made.generate(prompts(made), MORE, temperature=1.0, seed=0), expected)


CANNOT = {
    "lstm": "it has no head",
    "rnn-classifier": "it does not run one step at a time: the head pools over time",
    "imdb-bilstm": "it does not run one step at a time: layers.0 is bidirectional",
    "drqn": "its head scores symbols, and its input reads features",
    "char-cnn-lstm": "its head scores symbols, and its input reads the parts of each",
    "rnnoise": "it has several heads (gains, voice)",
    "lstnet": "its heads are added up, and are not all of one kind that gives logits",
    "elmo": "its backward direction begins at the end of a sequence",
    "tacotron2-postnet": "cannot run in chunks",
}


@each("name", CANNOT)
def test_a_model_that_cannot_write_says_why(name: str) -> None:
    made = zoo.build(tiny(zoo.load(name)), seed=0)
    prompt = made.example_input(2, 7) if name != "elmo" else torch.ones((2, 3, 5), dtype=torch.int64)
    with pytest.raises(zoo.InputError) as caught:
        made.generate(prompt, 3)
    assert f"{name} cannot generate: " in str(caught.value)
    assert CANNOT[name] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_heads_that_are_no_distribution_say_so() -> None:
    for head, said in (
        ({"kind": "ctc", "size": SYMBOLS}, "which are no distribution of the next step"),
        ({"kind": "crf", "size": SYMBOLS}, "its head gives emissions"),
        ({"kind": "linear", "size": SYMBOLS, "activation": "tanh"}, "its head gives features"),
        ({"kind": "mixture_density", "components": 2, "size": 3}, "its input reads symbols"),
    ):
        made = model(head=head)
        with pytest.raises(zoo.InputError, match=said):
            made.generate(prompts(made), 3)


def call(**keys: Any) -> Any:
    return lambda made, prompt: made.generate(prompt, **{"steps": 3, **keys})


@each(
    ("wrong", "said"),
    [
        (call(steps=0), "steps must be a whole number from 1, not 0"),
        (call(temperature=-1), "temperature must be a number from 0, not -1"),
        (call(temperature=1.0, top_p=0), "top_p must be a number above 0"),
        (call(top_k=3), "nothing is at temperature 0"),
        (call(stop=SYMBOLS), "stop must be a whole number from 0 to 12, not 13"),
        (call(stop=[1, "a"]), "stop must be a whole number from 0 to 12, not 'a'"),
        (call(stop="a"), "stop must be a whole number from 0 to 12, not 'a'"),
        (call(lengths=[0, 1, 1]), "lengths must be from 1 to 6"),
        (call(lengths=[1, 1]), "lengths must be 3 integers"),
        (call(beside=torch.zeros(3, 3, 1)), "reads nothing beside what it writes: leave it out"),
        (call(feeds="x"), "this model has one: leave out feeds='x'"),
        (lambda made, prompt: made.generate(prompt[:, :0], 3), "x has no steps"),
        (lambda made, prompt: made.generate(prompt.double(), 3), "x must be symbols"),
        (lambda made, prompt: made.generate(prompt + SYMBOLS, 3), "x must be symbols from 0 to 12"),
        (lambda made, prompt: made.generate(pack_padded_sequence(prompt, [6, 6, 6], True), 3), "no PackedSequence"),
    ],
)
def test_a_wrong_call_is_one_line(wrong: Any, said: str) -> None:
    made = model()
    with pytest.raises(zoo.InputError) as caught:
        wrong(made, prompts(made))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@each(
    ("keys", "said"),
    [
        ({}, "beside is missing: 2 features of each step"),
        ({"beside": torch.zeros(3, 4, 2).double()}, "beside must have shape (3, 3, 2), not (3, 4, 2)"),
        ({"beside": torch.zeros(3, 3, 2)}, "beside has dtype torch.float32"),
        ({"beside": {"a": 1}}, "beside must be a tensor"),
        ({"stop": 1}, "stop is a symbol, and this model writes numbers"),
        ({"temperature": 1.0, "top_k": 2}, "top_k chooses among symbols"),
        ({"temperature": 1.0, "top_p": 0.5}, "top_p chooses among symbols"),
    ],
)
def test_a_wrong_call_of_a_model_of_numbers_is_one_line(keys: dict[str, Any], said: str) -> None:
    made = model(input=5, head={"kind": "mixture_density", "components": 2, "size": 3})
    with pytest.raises(zoo.InputError) as caught:
        made.generate(prompts(made), 3, **keys)
    assert said in str(caught.value)


def test_a_head_of_one_s_own_writes_too() -> None:
    class Own(zoo.Head):
        gives = "logits"

        def forward(self, x: Tensor) -> Tensor:
            return x[..., :SYMBOLS]

    made = model(hidden_size=SYMBOLS)
    made.head = Own()
    prompt = prompts(made)
    with torch.no_grad():
        assert torch.equal(made.generate(prompt, 1)[:, 0], made(prompt)[:, -1].argmax(-1))
    made.head = torch.nn.Identity()
    with pytest.raises(zoo.InputError, match=r"derive it from zoo\.Head"):
        made.generate(prompt, 1)


def test_a_transducer_draws() -> None:
    spoken = zoo.build(tiny(zoo.load("rnnt")), seed=0)
    x = spoken.example_arguments(3, 12)["x"]
    greedy, alike = spoken.decode(x, most=2), spoken.generate(x, most=2)
    assert torch.equal(greedy.symbols, alike.symbols)
    drawn = spoken.generate(x, most=2, temperature=2.0, top_p=0.9, seed=1)
    assert not torch.equal(drawn.symbols[:, :2], greedy.symbols[:, :2])
    with pytest.raises(zoo.InputError, match="leave out temperature, or beam"):
        spoken.decode(x, beam=2, temperature=1.0)


def test_a_decoder_writes_numbers() -> None:
    hand = zoo.build(tiny(zoo.load("handwriting-synthesis")), seed=0)
    text = hand.encoder.example_input(2, 7)
    found = hand.generate(text, 4, start=torch.zeros(3), temperature=1.0, seed=2, lengths=[7, 3])
    assert found.shape == (2, 4, 3)
    for keys, said in (
        ({"start": 0}, "start must be a tensor of shape"),
        ({"start": torch.zeros(3), "stop": 1}, "writes numbers: stop, beam, length_penalty"),
        ({"start": torch.zeros(3), "temperature": 1.0, "top_k": 3}, "top_k chooses among symbols"),
    ):
        with pytest.raises(zoo.InputError) as caught:
            hand.generate(text, 4, **keys)
        assert said in str(caught.value)


def test_the_loop_itself_stops_where_all_have() -> None:
    asked: list[int] = []

    def onward(last: Tensor, t: int) -> Tensor:
        asked.append(t)
        return last + 1

    found = generation.written(torch.tensor([0, 1]), onward, lambda output: output, 5, torch.tensor([2]))
    assert found.tolist() == [[0, 1, 2, 2, 2], [1, 2, 2, 2, 2]]
    assert asked == [0, 1]
