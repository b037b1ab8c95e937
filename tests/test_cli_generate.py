"""`zoo generate`: text in and text out, and one line for everything that does not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from each import each
from safetensors.torch import save_file
from test_cli import Zoo
from test_cli import zoo as _zoo

import zoo as library

zoo = _zoo
LETTERS = "\n abcdefgh"
SPEC = """\
schema: 1
name: letters
input: {kind: tokens, vocabulary: 10, size: 6}
cell: gru
hidden_size: 8
head: {kind: linear, size: 10}
"""
DRAWN = ("--temperature", "0.9", "--top-k", "6", "--top-p", "0.95", "--seed", "3")


@pytest.fixture
def model(tmp_path: Path) -> Any:
    """A spec, its vocabulary in three forms, and weights in three forms; the model itself."""
    (tmp_path / "letters.yaml").write_text(SPEC)
    (tmp_path / "list.json").write_text(json.dumps(list(LETTERS)))
    (tmp_path / "map.json").write_text(json.dumps({letter: place for place, letter in enumerate(LETTERS)}))
    (tmp_path / "words.txt").write_text("<eos>\nthe\ncat\nsat\non\na\nmat\nand\nran\noff\n")
    made = library.build(tmp_path / "letters.yaml", seed=5).eval()
    library.save(made, tmp_path / "saved.safetensors")
    save_file(made.state_dict(), tmp_path / "weights.safetensors")
    torch.save(made.state_dict(), tmp_path / "weights.pt")
    return made


def drawn(model: Any, symbols: list[int], steps: int) -> list[int]:
    how = {"temperature": 0.9, "top_k": 6, "top_p": 0.95, "seed": 3}
    found: list[int] = model.generate(torch.tensor([symbols]), steps, **how)[0].tolist()
    return found


@pytest.mark.usefixtures("model")
@each(
    "given",
    [
        ("saved.safetensors",),
        ("letters.yaml", "--weights", "weights.safetensors"),
        ("letters.yaml", "--weights", "weights.pt"),
        ("letters.yaml", "--weights", "saved.safetensors"),
    ],
)
def test_text_goes_on(given: tuple[str, ...], zoo: Zoo) -> None:
    expected = drawn(library.load_model("saved.safetensors"), [2, 3, 4], 12)
    for vocabulary in ("list.json", "map.json"):
        said = zoo("generate", *given, "--prompt", "abc", "--steps", "12", *DRAWN, "--vocabulary", vocabulary)
        assert said.err == ""
        assert said.out == "".join(LETTERS[symbol] for symbol in expected) + "\n"


def test_words_stand_between_blanks(model: Any, zoo: Zoo) -> None:
    said = zoo("generate", "saved.safetensors", "--prompt", "the cat", "--steps", "4", "--vocabulary", "words.txt")
    words = (Path("words.txt").read_text()).split()
    assert said.out.split() == [words[symbol] for symbol in model.generate(torch.tensor([[1, 2]]), 4)[0].tolist()]


def test_without_a_vocabulary_symbols_are_numbers(model: Any, zoo: Zoo) -> None:
    said = zoo("generate", "saved.safetensors", "--prompt", "2, 3 4", "--steps", "5")
    assert said.out == " ".join(map(str, model.generate(torch.tensor([[2, 3, 4]]), 5)[0].tolist())) + "\n"


def test_it_ends_in_front_of_the_stop(model: Any, zoo: Zoo) -> None:
    free = drawn(model, [2], 20)
    stop = free[4]
    end = free.index(stop)
    said = zoo("generate", "saved.safetensors", "--prompt", "2", "--steps", "20", *DRAWN, "--stop", str(stop), "--json")
    assert json.loads(said.out) == {
        "prompt": [2],
        "generated": free[: end + 1],
        "text": " ".join(map(str, free[:end])),
    }


def test_without_weights_it_says_so_and_goes_on(zoo: Zoo, tmp_path: Path) -> None:
    (tmp_path / "letters.yaml").write_text(SPEC)
    said = zoo("generate", "letters.yaml", "--prompt", "1", "--steps", "3")
    assert said.err == "zoo: no weights are given, so that letters is untrained (seed 0)\n"
    assert len(said.out.split()) == 3
    assert said.status == 0


def test_of_256_symbols_the_prompt_is_bytes(zoo: Zoo) -> None:
    said = zoo("generate", "sentiment-neuron", "--set", "hidden_size=8", "--prompt", "ä", "--steps", "3", "--json")
    assert json.loads(said.out)["prompt"] == [0xC3, 0xA4]


def test_numbers_come_as_json(zoo: Zoo) -> None:
    said = zoo(
        "generate", "write-rnn", "--prompt", "[[1, 0.5, 0], [0, 0, 1]]", "--steps", "4", *DRAWN[:2], "--seed", "1"
    )
    steps = json.loads(said.out)
    assert [len(step) for step in steps] == [3] * 4
    prompt = torch.tensor([[[1, 0.5, 0], [0, 0, 1.0]]])
    made = library.build("write-rnn", seed=0)
    torch.testing.assert_close(torch.tensor(steps), made.generate(prompt, 4, temperature=0.9, seed=1)[0])


def test_a_decoder_translates(zoo: Zoo, tmp_path: Path) -> None:
    stack = {"input": {"kind": "tokens", "vocabulary": 10, "size": 4}, "cell": "gru", "hidden_size": 6}
    spec = {
        "schema": 1,
        "name": "copy",
        "architecture": {"kind": "encoder-decoder"},
        "encoder": stack,
        "decoder": {**stack, "head": {"kind": "linear", "size": 10}},
    }
    made = library.build(spec, seed=1)
    library.save(made, tmp_path / "copy.safetensors")
    expected = made.generate(torch.tensor([[3, 4]]), 5, start=1, beam=3)[0].tolist()
    (tmp_path / "list.json").write_text(json.dumps(list(LETTERS)))
    given = ("generate", "copy.safetensors", "--steps", "5", "--vocabulary", "list.json", "--prompt", "bc")
    said = zoo(*given, "--start", " ", "--beam", "3")
    assert said.out == "".join(LETTERS[symbol] for symbol in expected) + "\n"
    assert zoo(*given).err == "zoo: --start is missing: the symbol that the decoder is given first\n"


@pytest.mark.usefixtures("model")
@each(
    ("given", "said"),
    [
        (
            ("--prompt", "abz", "--vocabulary", "list.json"),
            "--prompt: 'z' at position 3 is not in the vocabulary list.json",
        ),
        (
            ("--prompt", "the cot", "--vocabulary", "words.txt"),
            "'cot' at position 2 is not in the vocabulary words.txt",
        ),
        (("--prompt", "the cot", "--vocabulary", "words.txt"), "did you mean 'cat'?"),
        (("--prompt", "1 10"), "--prompt: 10 at position 2 is not in the vocabulary, which is from 0 to 9"),
        (("--prompt", "1 -1"), "'-1' at position 2 is no number from 0 to 9: give --vocabulary FILE for text"),
        (("--prompt", ""), "--prompt is missing"),
        ((), "--prompt is missing"),
        (("--prompt", "1", "--temperature", "-1"), "temperature must be a number from 0, not -1.0"),
        (("--prompt", "1", "--temperature", "nan"), "temperature must be a number from 0, not nan"),
        (("--prompt", "1", "--temperature", "1", "--top-p", "0"), "top_p must be a number above 0, and at most 1"),
        (("--prompt", "1", "--temperature", "1", "--top-p", "2"), "top_p must be a number above 0, and at most 1"),
        (("--prompt", "1", "--temperature", "1", "--top-k", "0"), "top_k must be a whole number from 1, not 0"),
        (("--prompt", "1", "--top-k", "3"), "top_k is of what is drawn, and nothing is at temperature 0"),
        (("--prompt", "1", "--steps", "0"), "steps must be a whole number from 1, not 0"),
        (("--prompt", "1", "--stop", "x"), "--stop: 'x' is no number from 0 to 9"),
        (
            ("--prompt", "a", "--vocabulary", "list.json", "--stop", "x"),
            "--stop: 'x' is not in the vocabulary list.json",
        ),
        (("--prompt", "1", "--start", "1"), "--start is for models with a decoder, and letters has none"),
        (("--prompt", "1", "--beam", "2"), "--beam is for models with a decoder, and letters has none"),
        (("--prompt", "1", "--weights", "weights.pt"), "saved.safetensors has weights of its own: leave out --weights"),
        (("--prompt", "1", "--set", "hidden_size=3"), "--set changes a spec, and saved.safetensors is a model with"),
        (("--prompt", "1", "--vocabulary", "none.json"), "none.json: No such file or directory"),
        (("--prompt", "1", "--vocabulary", "weights.pt"), "weights.pt: a vocabulary is text in UTF-8"),
        (("--prompt", "1", "--vocabulary", "bad.json"), "bad.json: is no JSON"),
        (("--prompt", "1", "--vocabulary", "twice.json"), "twice.json: 'a', number 1, comes twice"),
        (
            ("--prompt", "1", "--vocabulary", "long.json"),
            "long.json: '10' has number 10, and the model knows 10 symbols",
        ),
        (("--prompt", "1", "--vocabulary", "number.json"), "number.json: 3, number 0, is no symbol"),
        (("--prompt", "1", "--vocabulary", "text.json"), "text.json: a vocabulary is a list of symbols, or a mapping"),
        (("--prompt", "1", "--vocabulary", "empty.json"), "empty.json: has no symbols"),
        (("--prompt", "1", "--vocabulary", "minus.json"), "minus.json: 'a' has -1, which is no number from 0"),
    ],
)
def test_what_does_not_fit_is_one_line(given: tuple[str, ...], said: str, zoo: Zoo) -> None:
    Path("bad.json").write_text("[")
    for name, found in {
        "twice": ["a", "a"],
        "long": list(map(str, range(11))),
        "number": [3],
        "text": "abc",
        "empty": [],
        "minus": {"a": -1},
    }.items():
        Path(f"{name}.json").write_text(json.dumps(found))
    found = zoo("generate", "saved.safetensors", *given)
    assert found.status == 2
    assert found.out == ""
    assert found.err.startswith("zoo: ")
    assert found.err.count("\n") == 1
    assert said in found.err


@pytest.mark.usefixtures("model")
@each(
    ("file", "said"),
    [
        ("other.pt", "not the weights of letters: missing input.embedding.weight (10, 6)"),
        ("list.pt", "unused 0 (2,)"),
        ("words.txt", "is not a file of weights that torch.save, safetensors, ONNX, Keras or zoo convert wrote"),
        ("broken.safetensors", "it is not a safetensors file, or cut off"),
        ("none.safetensors", "none.safetensors: cannot be read: No such file or directory"),
        ("none.pt", "none.pt: cannot be read: No such file or directory"),
    ],
)
def test_weights_that_do_not_fit_are_one_line(file: str, said: str, zoo: Zoo) -> None:
    torch.save({"other": torch.ones(2)}, "other.pt")
    torch.save([torch.ones(2)], "list.pt")
    Path("broken.safetensors").write_bytes(b"abc")
    found = zoo("generate", "letters.yaml", "--prompt", "1", "--weights", file)
    assert found.status == 2
    assert found.err.count("\n") == 1
    assert said in found.err


@each(
    ("name", "said"),
    [
        ("lstm", "lstm cannot generate: it has no head"),
        ("elmo", "elmo cannot generate: its backward direction begins at the end of a sequence"),
        ("bilstm-crf", "bilstm-crf cannot generate: it does not run one step at a time"),
    ],
)
def test_a_model_that_writes_nothing_says_why(name: str, said: str, zoo: Zoo) -> None:
    found = zoo("generate", name, "--prompt", "1")
    assert found.status == 2
    assert said in found.err.splitlines()[-1]
