"""Whatever bytes come in: models or a SpecError, within a second."""

from __future__ import annotations

import time
from typing import Any

import pytest
from each import each
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spec_acme import Acme
from spec_support import HEAD, Mistakes
from test_spec_canonical import CORPUS, SPECS

from zoo.errors import SpecError
from zoo.plugin.manager import given as provided
from zoo.plugin.manager import isolated
from zoo.spec.document import MOST_BYTES, parse
from zoo.spec.resolve import resolve

CATALOGUE = isolated(provided(Acme(), distribution="zoo-acme", version="0.1"))
SEEDS = [path.read_bytes() for path in SPECS] + [text.encode() for text in CORPUS.values()]
TOKENS = [
    b"~", b"null", b"&a ", b"*a", b"<<: ", b"!!int ", b"{", b"}", b"[", b"]", b"- ", b": ", b"\n", b"  ", b"\t", b"# ",
    b"'", b'"', b"|", b">", b"%", b"@", b"---\n", b"...\n", b"? ", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xe2\x80\xa8",
    b"true", b"0", b"-1", b"1e3", b".inf", b".nan", b"9" * 30, b"1e999", b"none", b"kind: ", b"cell: ", b"layers: ",
    b"extends: x.yaml\n", b"variants: {a: ", b"dropout: ", b"head: ", b"pool: ", b"expect: ", b"residual: true\n",
    b"bidirectional: true\n", b"norm: layer\n", b"heads", b"broken", b"fragile", b"silent", b"linear", b"quadruple",
]  # fmt: skip

PROFILE: dict[str, Any] = {
    "derandomize": True,
    "database": None,
    "deadline": None,  # a busy machine is no mistake: the time of the processor is measured below
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good spec with a few pieces cut out, put in, moved, or taken from another."""
    data = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 4))):
        lines = data.split(b"\n")
        at, to = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, 60))
        line = lines[at]
        match draw(st.integers(0, 6)):
            case 0:
                del lines[at]
            case 1:
                lines.insert(to % len(lines), line)
            case 2:
                lines[at] = line[:to] + draw(st.sampled_from(TOKENS)) + line[to:]
            case 3:
                lines[at] = line[:to] + line[to + draw(st.integers(1, 8)) :]
            case 4:
                key, colon, _ = line.partition(b": ")
                lines[at] = key + colon + draw(st.sampled_from(TOKENS)) + draw(st.sampled_from(TOKENS))
            case 5:
                other = draw(st.sampled_from(SEEDS)).split(b"\n")
                lines[at:at] = other[to % len(other) :]
            case _:
                lines[at] = b" " * (to % 5) + line
        data = b"\n".join(lines)
    return data


def survives(data: bytes) -> bool:
    """Whether it is a spec. Any exception but SpecError fails the test; so does a diagnostic that cannot be printed."""
    refusal = None
    began = time.process_time()
    try:
        models = resolve(parse(data, "f.yaml"), CATALOGUE)
    except SpecError as error:
        refusal = error
    assert time.process_time() - began < 5  # not how fast it is, but that it comes to an end
    if refusal is None:
        assert None in models
        return True
    assert refusal.diagnostics
    assert all(d.message.strip() and "\n" not in d.message for d in refusal.diagnostics)
    str(refusal).encode()
    return False


@settings(max_examples=1000, **PROFILE)
@given(mutated())
def test_mutated_specs(data: bytes) -> None:
    survives(data)


@pytest.mark.long
@settings(max_examples=10_000, **PROFILE)
@given(mutated())
def test_many_mutated_specs(data: bytes) -> None:
    survives(data)


@settings(max_examples=800, **PROFILE)
@given(st.lists(st.sampled_from(TOKENS), max_size=40).map(b"".join))
def test_a_soup_of_tokens(data: bytes) -> None:
    survives(data)


@settings(max_examples=400, **PROFILE)
@given(st.binary(max_size=200))
def test_random_bytes(data: bytes) -> None:
    survives(data)


@settings(max_examples=400, **PROFILE)
@given(
    st.recursive(
        st.sampled_from(["1", "x", "true", "1.5", "''", "none", "lstm", "-1", "linear"]),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
            st.dictionaries(
                st.sampled_from(["kind", "size", "a", "hidden_size", "cell", "pool", "between", "dropout"]), inner, max_size=3
            ).map(lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items.items()) + "}"),
        ),
        max_leaves=8,
    ),
    st.sampled_from(
        ["input", "cell", "layers", "head", "dropout", "norm", "init", "expect", "tags", "requires", "variants", "name", "schema"]
    ),
)  # fmt: skip
def test_any_value_under_any_key(value: str, key: str) -> None:
    lines = [line for line in HEAD.splitlines() if not line.startswith(f"{key}:")]
    survives("\n".join([*lines, f"{key}: {value}", ""]).encode())


def test_the_seeds_are_good() -> None:
    assert all(survives(data) for data in SEEDS)


ROOM = MOST_BYTES - 1000
FIFTY = f"variants: {{{', '.join(f'v{i}: {{}}' for i in range(50))}}}\n"
FULL = (
    "{cell: {kind: lstm, bias: one, forget_bias: 1.0}, hidden_size: 20, dropout: {input: 0.1, recurrent: 0.1}, norm: layer, "
    "init: keras, residual: false, bidirectional: true, merge: sum},"
)


def filled(unit: str) -> str:
    """A unit with a number in it, as often as it fits."""
    pieces, size, i = [], 0, 0
    while size < ROOM:
        pieces.append(unit.replace("#", str(i)))
        size += len(pieces[-1].encode())
        i += 1
    return "".join(pieces[:-1])


def many(unit: str, count: int) -> str:
    return ",".join(unit.replace("#", str(i)) for i in range(count))


COSTLY = {
    "lists": HEAD + "tags: [" + "[]," * 30_000 + "]",
    "unknown keys": HEAD + "".join(f"hidden_sise{i}: 1\n" for i in range(12_000)),
    "layers with unknown keys": HEAD + "layers: [" + "{a: 1,b: 2,c: 3}," * 1000 + "]",
    "the same in variants": HEAD + "layers: [" + "{a: 1}," * 1000 + "]\n" + FIFTY,
    "requirements": HEAD + "requires: [" + "'zoo-nowhere>=0.1'," * 9_000 + "]",
    "texts for numbers": HEAD + "head: {kind: mlp, size: 1, hidden: [" + "x," * 9_900 + "]}",
    "zeros": HEAD + "head: {kind: mlp, size: 1, hidden: [" + "0," * 9_900 + "]}",
    "a million zeros": HEAD + "head: {kind: mlp, size: 1, hidden: [" + "0," * 120_000 + "]}",
    "a long key": HEAD + "k" * 200_000 + ": 1\n",
    "long texts": HEAD + "description: " + "x" * 200_000 + "\nhead: " + "y" * 50_000,
    "aliases": HEAD + "a: &a [x,x]\n" + "".join(f"a{i}: &a{i} [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n" for i in range(9)),
    "large numbers": "hidden_size: 9223372036854775807\nlayers: 1000\nschema: 1\nname: x\ninput: 9223372036854775807\ncell: lstm\nexpect: {parameters: 1}\n",
    "layers times variants": HEAD + "layers: 1000\n" + FIFTY,
    "full layers times variants": HEAD + f"layers: [{FULL * 900}]\n" + FIFTY,
    "misspelt cells": HEAD + f"layers: [{many('{cell: conv-lstm-gru-conv-lstm-gru-conv-lstm-gru-#}', 1000)}]\n",
    "misspelt everything": HEAD + f"layers: [{many('{norm: layerbatchlayerbatch#, init: keraspaper#, cell: gatedlstmgated#, merge: concatsum#}', 1000)}]\n",
    "misspelt cells in variants": HEAD + f"variants: {{{many('v#: {layers: [' + '{cell: gated-lstm-gru-gated},' * 35 + ']}', 50)}}}\n",
    "misspelt options": HEAD.replace("lstm", "{kind: lstm," + many("forget_bias#: 1", 11_000) + "}"),
    "misfits": HEAD + f"layers: [{many('{residual: true, hidden_size: 9#, initial_state: learned}', 1000)}]\n",
    "anchors": HEAD + filled("a#: &a x\n"),
    "merge keys": HEAD + filled("<<: x\n"),
    "the same key": HEAD + filled("tags: [a]\n"),
    "no values": HEAD + filled("a#:\n"),
    "no keys": HEAD + filled("? [a]\n: b\n"),
    "tags": HEAD + filled("a#: !x y\n"),
    "integers of 25 digits": HEAD + filled("a#: 9999999999999999999999999\n"),
    "an integer of 200,000 digits": HEAD.replace("10", "1" * 200_000),
    "a float of 200,000 digits": HEAD.replace("10", "1e" + "1" * 200_000),
    "nests": HEAD + "a: [" + ("{a: " * 30 + "1" + "}" * 30 + ",") * 600 + "]\n",
    "requirements that are met": HEAD + f"requires: [{many(chr(39) + 'pyyaml>=0.#' + chr(39), 100)}]\nhidden_sise: 1\n" + FIFTY,
    "others in each variant": HEAD + f"hidden_sise: 1\nvariants: {{{many('v#: {requires: [' + many(chr(39) + 'pyyaml>=0.#' + chr(39), 100).replace('>=0.', '>=0.#') + ']}', 50)}}}\n",
    "a requirement in brackets": HEAD + "requires: ['torch; " + "(" * 1500 + 'python_version>"3"' + ")" * 1500 + "']\n",
    "a requirement of 100,000 digits": HEAD + "requires: ['torch==" + "9" * 100_000 + ".*']\n",
    "a condition of 6,000 digits": HEAD + "requires: ['torch; python_version ~= \"3." + "1" * 6000 + "\"']\n",
    "pairs of surrogates": HEAD + filled("a#: \\\\ud83d\\\\ude00\n").replace("\\\\", "\\"),
    "backslashes": HEAD + "a: '" + "\\" * 200_000 + "'\n",
    "keys without a space": HEAD + "a:b\n" * 60_000 + "c: d\n",
    "spaces": HEAD + "a:\n" + " " * 200_000 + "x: y\n  z: 1\n w: 2\n",
    "emoji": HEAD + filled("\U0001f600#: 1\n"),
    "control characters": HEAD + "\x01\n" * 100_000,
    "characters that turn the text": HEAD + "\u202e\n" * 60_000,
    "brackets": HEAD + "a: " + "[" * 200_000,
    "variants": HEAD + f"variants: {{{many('v#: {}', 13_000)}}}\n",
    "mistakes in each variant": HEAD + f"variants: {{{many('v#: {' + many('hiden_size#: 1', 190) + '}', 50)}}}\n",
    "one line": HEAD + f"layers: [{many('{a#: 1}', 900)},{' ' * 150_000}{{b: 1}}]\n",
}  # fmt: skip
"""Text by what is many in it. Each is refused."""


@each("what", COSTLY)
def test_a_file_that_costs_time_is_refused_within_a_second(what: str, mistakes: Mistakes) -> None:
    text = COSTLY[what]
    assert len(text.encode()) <= MOST_BYTES
    for _ in range(3):  # a busy machine may make one try slow, not three
        began = time.process_time()
        found = mistakes(text)
        taken = time.process_time() - began
        if taken < 1:
            break
    assert taken < 1
    assert 0 < len(found) <= 400
    assert sum(map(len, found)) < 100_000


PLENTY = {
    "full layers": HEAD + f"layers: [{FULL * 1000}]\nvariants: {{a: {{}}}}\n",
    "full layers in variants": HEAD + f"layers: [{FULL * 39}]\n" + FIFTY,
    "numbers": HEAD + "head: {kind: mlp, size: 1, pool: last, hidden: [" + "1," * 9_900 + "]}\nvariants: {a: {}, b: {}}\n",
    "long tags": HEAD + f"tags: [{many('t' * 2000 + '#', 100)}]\n" + FIFTY,
    "requirements": HEAD + f"variants: {{{many('v#: {requires: [' + many(chr(39) + 'pyyaml>=0.#' + chr(39), 100) + ']}', 50)}}}\n",
    "emoji as JSON has them": HEAD + 'description: "' + "\\ud83d\\ude00" * 20_000 + '"\n',
    "comments": HEAD + "# a\n" * 60_000,
    "empty lines": HEAD + "\n" * 250_000,
    "a text of many lines": HEAD + "description: >\n" + " a\n" * 80_000,
}  # fmt: skip
"""The same of what is allowed."""


@each("what", PLENTY)
def test_the_largest_specs_are_read_within_a_second(what: str) -> None:
    text = PLENTY[what].encode()
    assert len(text) <= MOST_BYTES
    for _ in range(3):
        began = time.process_time()
        assert None in resolve(parse(text, "f.yaml"), CATALOGUE)
        taken = time.process_time() - began
        if taken < 1:
            break
    assert taken < 1


PIECES = [
    "{cell: gru, hidden_size: 3},", "{kind: linear, size: 4},", "a#: 1\n", "v#: {hidden_size: 3},", "0,", "[", "{a: ", "x#,", "'",
    "\\ud83d\\ude00", "a:b\n", "&a ", "*a,", "- ", "? ", "zoo-x#>=1,", "hidden_sise#: 1,", "cell: lstn#,", "\u00e9", "\U0001f600", "9" * 50,
    "  ", "\n", "# c\n", "~,", ": ", '"', "dropout: {input: 0.#},",
]  # fmt: skip
OPENINGS = [
    "",
    "layers: [",
    "variants: {",
    "tags: [",
    "requires: [",
    "head: {kind: mlp, size: 1, hidden: [",
    "cell: {kind: lstm, ",
]


@pytest.mark.long
@settings(max_examples=1500, **PROFILE)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(OPENINGS), st.lists(st.sampled_from(PIECES), min_size=1, max_size=4), st.integers(1, 60_000)
        ),
        min_size=1,
        max_size=3,
    )
)
def test_large_files_of_anything_take_less_than_a_second(parts: list[tuple[str, list[str], int]]) -> None:
    text = HEAD
    for opening, pieces, count in parts:
        unit = "".join(pieces)
        text += opening + "".join(unit.replace("#", str(i)) for i in range(min(count, ROOM // len(unit.encode()))))
        text += {"[": "]", "{": "}", " ": "}"}.get(opening[-1:], "") + "\n"
    data = text.encode()[:MOST_BYTES]
    for _ in range(3):
        began = time.process_time()
        survives(data)
        taken = time.process_time() - began
        if taken < 1:
            break
    assert taken < 1
