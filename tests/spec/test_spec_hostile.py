"""Whatever bytes come in: models or a SpecError, within a second."""

from __future__ import annotations

import time
from typing import Any

import pytest
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


@settings(max_examples=4000, **PROFILE)
@given(mutated())
def test_mutated_specs(data: bytes) -> None:
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


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "tags: [" + "[]," * 30_000 + "]",
        HEAD + "".join(f"hidden_sise{i}: 1\n" for i in range(12_000)),
        HEAD + "layers: [" + "{a: 1,b: 2,c: 3}," * 1000 + "]",
        HEAD + "layers: [" + "{a: 1}," * 1000 + "]\nvariants: {" + ", ".join(f"v{i}: {{}}" for i in range(50)) + "}",
        HEAD + "requires: [" + "'zoo-nowhere>=0.1'," * 12_000 + "]",
        HEAD + "head: {kind: mlp, size: 1, hidden: [" + "x," * 30_000 + "]}",
        HEAD + "k" * 200_000 + ": 1\n",
        HEAD + "description: " + "x" * 200_000 + "\nhead: " + "y" * 50_000,
        HEAD + "a: &a [x,x]\n" + "".join(f"a{i}: &a{i} [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n" for i in range(9)),
        "hidden_size: 9223372036854775807\nlayers: 1000\nschema: 1\nname: x\ninput: 9223372036854775807\ncell: lstm\nexpect: {parameters: 1}\n",
    ],
    ids=lambda text: text[60:90],
)  # fmt: skip
def test_a_file_that_costs_time_is_refused_within_a_second(text: str, mistakes: Mistakes) -> None:
    assert len(text) <= MOST_BYTES
    for _ in range(3):  # a busy machine may make one try slow, not three
        began = time.process_time()
        found = mistakes(text)
        taken = time.process_time() - began
        if taken < 1:
            break
    assert taken < 1
    assert 0 < len(found) <= 201 or "aliases" in found[1]
    assert sum(map(len, found)) < 60_000
