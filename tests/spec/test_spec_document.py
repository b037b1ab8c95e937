"""Bytes to nodes: every row of what the reader refuses, values as YAML 1.2 means them, and places in characters."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path

import pytest
import yaml
from each import each

from zoo.errors import SpecError
from zoo.spec import document
from zoo.spec.document import Node, parse, read
from zoo.spec.events import DEEPEST, MOST_ENTRIES, MOST_NOTED, MOST_VALUES


def refused(data: bytes | str, file: str = "f.yaml") -> list[tuple[int, int, str]]:
    """Place and message of every mistake."""
    with pytest.raises(SpecError) as caught:
        parse(data if isinstance(data, bytes) else data.encode(), file)
    return [(d.line, d.column, d.message) for d in caught.value.diagnostics]


def value(text: str) -> object:
    return parse(f"a: {text}\n".encode(), "f.yaml").plain()["a"]


@each(
    ("text", "expected"),
    [
        ("true", True),
        ("false", False),
        ("0", 0),
        ("-0", 0),
        ("+5", 5),
        ("-12", -12),
        ("9223372036854775807", 2**63 - 1),
        ("1e-3", 0.001),
        ("1e3", 1000.0),
        ("12E+03", 12000.0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("-1.", -1.0),
        ("'1'", "1"),
        ('"true"', "true"),
        ("''", ""),
        ("'~'", "~"),
        ("|\n  1", "1\n"),
        # Each of these is something else to a YAML 1.1 loader.
        *(
            (text, text)
            for text in (
                "no", "on", "off", "yes", "No", "True", "TRUE", "False", "y", "n",
                "017", "00", "0x10", "0o17", "0b1", "1:30", "1_000", "2024-01-02", "2024-13-45", "2001-12-14 21:59:43",
                "1e", "e3", ".", "-.", "1.2.3", "+", "-a", "=", "inf", "nan", "١٢",
            )
        ),
    ],
)  # fmt: skip
def test_only_booleans_decimal_integers_and_floats_are_special(text: str, expected: object) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


def test_keys_are_text_as_written() -> None:
    assert parse(b"no: 1\n1: 2\ntrue: 3\n1.0: 4\n'a b': 5\n? c\n: 6\n", "f").plain() == {
        "no": 1, "1": 2, "true": 3, "1.0": 4, "a b": 5, "c": 6,
    }  # fmt: skip


@each(
    ("data", "expected"),
    [
        ("a: &x 1", (1, 4, "anchors (&x) are not part of the format: leave it out")),
        ("a: *x", (1, 4, "aliases (*x) are not part of the format: write the value out")),
        ("&x a: 1", (1, 1, "anchors (&x) are not part of the format: leave it out")),
        ("*x : 1", (1, 1, "aliases (*x) are not part of the format: write the value out")),
        ("&x\na: 1", (1, 1, "anchors (&x) are not part of the format: leave it out")),
        ("<<: {b: 1}", (1, 1, "merge keys (<<) are not part of the format: write the keys out")),
        ("a: !!int 3", (1, 4, "tags (!) are not part of the format: leave it out")),
        ("a: ! 3", (1, 4, "tags (!) are not part of the format: leave it out")),
        ("a: !!python/object/apply:os.system [x]", (1, 4, "tags (!) are not part of the format: leave it out")),
        ("!x {a: 1}", (1, 1, "tags (!) are not part of the format: leave it out")),
        ("%YAML 1.1\n---\na: 1", (1, 1, "directives (lines that begin with %) are not part of the format")),
        ("a: ~", (1, 4, "~ (null) may not occur in a spec: leave the key out, or quote it if it is text")),
        ("a: Null", (1, 4, "Null (null) may not occur in a spec: leave the key out, or quote it if it is text")),
        ("a: [1, null]", (1, 8, "null (null) may not occur in a spec: leave it out, or quote it if it is text")),
        ("a: 1\nbc:\n", (2, 1, "this key has no value: write one, or leave the key out")),
        ("a: {bc, d: 1}", (1, 5, "this key has no value: write one, or leave the key out")),
        ("a:\n  - 1\n  -\n", (3, 4, "this entry is empty: write a value, or leave it out")),
        ("~: 1", (1, 1, "a key must be a name: here it is null or missing")),
        ("? [1]\n: 2", (1, 3, "a key must be a name, not a mapping or a list")),
        ("{a: 1}: 2", (1, 1, "a key must be a name, not a mapping or a list")),
        ("a: .inf", (1, 4, "a number must be finite, not .inf")),
        ("a: -.INF", (1, 4, "a number must be finite, not -.INF")),
        ("a: .nan", (1, 4, "a number must be finite, not .nan")),
        ("a: 1e999", (1, 4, "a number must be finite, and 1e999 is too large")),
        ("a: 9223372036854775808", (1, 4, "an integer must fit into 64 bits, which 9223372036854775808 does not")),
        ("a: " + "9" * 5000, (1, 4, "an integer must fit into 64 bits, which one of 5,000 digits does not")),
        ("a: 0." + "1" * 5000, (1, 4, "a number must have at most 400 digits, not 5,002")),
        ("a: 1\nb: 2\na: 3", (3, 1, "the key 'a' occurs here a second time; the first is at f.yaml:1:1")),
        ("a: {b: 1, b: 2}", (1, 11, "the key 'b' occurs here a second time; the first is at f.yaml:1:5")),
        ("a: 1\n--- \nb: 1", (2, 1, "a second document begins here: one file holds one spec")),
        ("a: 1\n---\n", (2, 1, "a second document begins here: one file holds one spec")),
        ("", (1, 1, "the file is empty: a spec begins with schema: 1")),
        ("# only a comment\n", (1, 1, "the file is empty: a spec begins with schema: 1")),
        ("---\n", (2, 1, "the file is empty: a spec begins with schema: 1")),
        ("- a", (1, 1, "a spec must be a mapping of keys, as in schema: 1, not a list")),
        ("lstm", (1, 1, "a spec must be a mapping of keys, as in schema: 1, not a single value")),
        ("a: 1\nb: \0", (2, 4, "a NUL character may not occur in a spec")),
        ("a: \x1b[31m", (1, 4, "the character U+001B may not occur in a spec")),
        ("a: x\u2028b: y", (1, 5, "the character U+2028 may not occur in a spec")),
        ("a: x\ufeff", (1, 5, "the character U+FEFF may not occur in a spec")),
        ('a: "\\0"', (1, 4, "the text holds U+0000, which may not occur in a spec")),
        ('a: "\\e[31m"', (1, 4, "the text holds U+001B, which may not occur in a spec")),
        ("a: 1\n\tb: 2", (2, 1, "not valid YAML: found a tab character that violates indentation: indent with spaces, not with tabs")),
        ("a: b: c", (1, 5, "not valid YAML: mapping values are not allowed in this context: text that holds ': ' needs quotes, and keys of one mapping the same indentation")),
        ("a: @x", (1, 4, "not valid YAML: found character that cannot start any token: text that begins with '@' needs quotes")),
        ("a: 'x", (1, 6, "not valid YAML: found unexpected end of stream: a quote is not closed")),
        ("a: [1,\n 2\n", (3, 1, "not valid YAML: did not find expected ',' or ']' (while parsing a flow sequence that begins on line 1)")),
    ],
)  # fmt: skip
def test_refused_with_its_place(data: str, expected: tuple[int, int, str]) -> None:
    assert refused(data) == [expected]


@each(
    ("data", "message"),
    [
        (b"a: \xff\n", "is not UTF-8: byte 0xff on line 1; save it as UTF-8"),
        (b"a: 1\nb: \xc3\x28\n", "is not UTF-8: byte 0xc3 on line 2; save it as UTF-8"),
        (b"a: \xed\xa0\x80", "is not UTF-8: byte 0xed on line 1; save it as UTF-8"),
        ("a: 1".encode("utf-16"), "is UTF-16 or UTF-32; save it as UTF-8"),
        (b"\xfe\xff" + "a: 1".encode("utf-16-be"), "is UTF-16 or UTF-32; save it as UTF-8"),
        ("a: 1".encode("utf-32"), "is UTF-16 or UTF-32; save it as UTF-8"),
        (b"a: " + b"x" * document.MOST_BYTES, "is larger than 256 KiB, which no spec needs"),
    ],
)
def test_a_file_of_the_wrong_kind_is_one_line(data: bytes, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(data, "f.yaml")
    assert str(caught.value) == f"f.yaml: {message}"


def test_utf16_without_a_mark_is_refused() -> None:
    assert refused("a: 1".encode("utf-16-le"))[0] == (1, 2, "a NUL character may not occur in a spec")


def test_the_largest_file_is_read() -> None:
    data = b"a: " + b"x" * (document.MOST_BYTES - 3)
    assert len(parse(data, "f").plain()["a"]) == document.MOST_BYTES - 3


@pytest.mark.parametrize("text", ["[" * 60_000, "a: " + "[" * 60_000, "- " * 60_000, "a: " + "{b: " * 500])
def test_deep_nesting_is_refused_at_once(text: str) -> None:
    began = time.process_time()
    (_, _, message), *more = refused(text)
    assert time.process_time() - began < 1
    assert not more
    assert message in (
        "nested more than 32 levels deep, which no spec needs",
        "a spec must be a mapping of keys, as in schema: 1, not a list",
    )


def test_the_depth_is_exact() -> None:
    inside = DEEPEST - 1  # the root is the first level
    assert parse(f"a: {'[' * inside}{']' * inside}".encode(), "f").plain()["a"] is not None
    assert refused(f"a: {'[' * (inside + 1)}{']' * (inside + 1)}") == [
        (1, 4 + inside, "nested more than 32 levels deep, which no spec needs")
    ]
    blocks = "".join(f"{' ' * depth}k{depth}:\n" for depth in range(40)) + " " * 40 + "x: 1"
    assert refused(blocks) == [(33, 33, "nested more than 32 levels deep, which no spec needs")]


def test_a_file_of_brackets_is_refused_within_a_second() -> None:
    began = time.process_time()
    ((line, _, message),) = refused("a: [" + "[]," * 80_000 + "]")
    assert (line, message) == (1, f"this list holds more than {MOST_ENTRIES:,} entries, which no spec needs")
    ((line, _, message),) = refused("a: [" + ("[" + "[]," * 90 + "],") * 800 + "]")
    assert (line, message) == (1, f"holds more than {MOST_VALUES:,} values, which no spec needs")
    assert time.process_time() - began < 1


def test_every_mistake_is_reported_at_once_in_the_order_of_the_file() -> None:
    text = "a: &x 1\nb: *x\n<<: 3\nc: !!int 3\nd: ~\ne:\nf: [1, ~]\na: 2\ng: .nan\n"
    places = [(1, 4), (2, 4), (3, 1), (4, 4), (5, 4), (6, 1), (7, 8), (8, 1), (9, 4)]
    assert [found[:2] for found in refused(text)] == places


def test_what_was_found_before_a_mistake_of_the_syntax_is_kept() -> None:
    assert [found[:2] for found in refused("a: ~\nb: [1\nc: 2\n")] == [(1, 4), (3, 2)]


def test_a_diagnostic_shows_line_and_caret() -> None:
    with pytest.raises(SpecError) as caught:
        parse(b"schema: 1\nname: null\n", "specs/x.yaml")
    assert str(caught.value) == (
        "specs/x.yaml:2:7: null (null) may not occur in a spec: leave the key out, or quote it if it is text\n"
        "  2 | name: null\n"
        "    |       ^^^^"
    )


@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
def test_columns_count_characters(loader: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "_Loader", getattr(yaml, loader))
    text = "é😀: {a: ü, 日本: ~}\nü: '😀'\nü: 1\n"
    expected = [(1, 16), (3, 1)]
    assert [found[:2] for found in refused(text)] == expected
    assert [found[:2] for found in refused(text.encode("utf-8-sig"))] == expected


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_counts(end: str) -> None:
    root = parse(f"a: 1{end}b: {{c: 2}}{end}{end}d: x{end}".encode(), "f")
    assert root.source.lines == ("a: 1", "b: {c: 2}", "", "d: x", "")
    assert (root.at(("d",)).line, root.at(("d",)).column) == (4, 4)


def test_a_byte_order_mark_is_accepted() -> None:
    assert parse("a: 1".encode("utf-8-sig"), "f").plain() == {"a": 1}


def test_both_parsers_give_the_same_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [path.read_bytes() for path in sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))]
    fast = [parse(text, "f") for text in texts]
    monkeypatch.setattr(document, "_Loader", yaml.SafeLoader)
    assert [parse(text, "f") for text in texts] == fast


def place(node: Node) -> tuple[int, int, int]:
    return node.line, node.column, node.width


def test_nodes_know_their_places() -> None:
    root = parse(b"name: x\nhead:\n  kind: linear\n  sizes: [1,\n    22]\nlayers:\n  - {a: 1}\n  - b: 2\n", "f")
    assert place(root) == (1, 1, 4)
    assert place(root.at(("name",))) == (1, 7, 1)
    assert root.at(("name",)).key == (1, 1, 4)
    assert place(root.at(("head",))) == (2, 1, 4)  # a block mapping's place is its key's
    assert place(root.at(("head", "kind"))) == (3, 9, 6)
    assert place(root.at(("head", "sizes"))) == (4, 10, 3)  # to the end of its first line
    assert place(root.at(("head", "sizes", 1))) == (5, 5, 2)
    assert place(root.at(("layers", 0))) == (7, 5, 6)
    assert place(root.at(("layers", 1))) == (8, 5, 1)
    assert place(root.at(("layers", 1, "b"))) == (8, 8, 1)


def test_at_gives_the_deepest_node_that_exists() -> None:
    root = parse(b"a: {b: [1, 2]}\n", "f")
    assert root.at(("a", "b", 1)).plain() == 2
    assert root.at(("a", "b", 7, "c")).plain() == [1, 2]
    assert root.at(("a", "x")).plain() == {"b": [1, 2]}
    assert root.at((0,)) is root
    assert root.at(("a", "b", -1)).plain() == [1, 2]


def test_an_endless_line_is_not_printed_once_per_mistake() -> None:
    with pytest.raises(SpecError) as caught:
        parse(("a: {" + ", ".join(f"k{i}: ~" for i in range(3000)) + "}").encode(), "f")
    assert len(caught.value.diagnostics) == MOST_NOTED + 1
    assert caught.value.diagnostics[-1].message == "more mistakes follow, which are not shown"
    assert len(str(caught.value)) < 60_000


def test_a_path_that_is_no_file_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "secret").write_text("a: 1")
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(tmp_path)  # the name of a socket is short
        server.bind("socket")
        expected = {
            "fifo": "is a named pipe, not a file",
            "dangling": "is a symbolic link to a file that does not exist",
            "loop": "is a symbolic link that leads back to itself",
            "socket": "is a socket or a device, not a file",
            ".": "is a folder, not a file",
            "/dev/zero": "is a device, not a file",
            "nothing.yaml": "no such file",
            "a\0b": "a path cannot hold a NUL character",
            "secret/x.yaml": "cannot be read: Not a directory",
            "x" * 300: "cannot be read: File name too long",
        }
        began = time.perf_counter()
        for path, message in expected.items():
            with pytest.raises(SpecError) as caught:
                read(path)
            assert str(caught.value) == f"{path}: {message}".replace("\0", "\\x00")
        assert time.perf_counter() - began < 5


def test_a_name_that_is_not_utf8_can_be_printed(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        read(tmp_path / "\udcff.yaml")
    str(caught.value).encode()


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(SpecError, match=r"f\.yaml: cannot be read: Permission denied"):
        read("f.yaml")


def test_a_link_to_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").write_text("schema: 1\n")
    (tmp_path / "link.yaml").symlink_to("real.yaml")
    root = read(tmp_path / "link.yaml")
    assert root.plain() == {"schema": 1}
    assert root.source.file == str(tmp_path / "link.yaml")


def test_a_character_as_json_writes_it_is_one_character() -> None:
    text = r'{"a": "\ud83d\ude00 \uD83D\uDE00\\ud83d\\ude00", "b": "x", "\ud83d\ude00": 1}'
    root = parse(text.encode(), "f")
    assert root.plain() == json.loads(text)
    assert place(root.at(("b",))) == (1, 1 + text.index('"x"'), 3)  # what follows has not moved
    plain = r"a: \ud83d\ude00 \uD83D\uDE00" + "\nb: '\\ud83d\\ude00'\nc: |\n  \\ud83d\\ude00"
    assert parse(plain.encode(), "f").plain() == {
        "a": r"\ud83d\ude00 \uD83D\uDE00", "b": r"\ud83d\ude00", "c": r"\ud83d\ude00",
    }  # fmt: skip
    assert parse(json.dumps({"a": "😀" * 9, "b": "\ue000\U0010ffff"}).encode(), "f").plain() == {
        "a": "😀" * 9, "b": "\ue000\U0010ffff",
    }  # fmt: skip


@pytest.mark.parametrize("half", [r"\ud83d", r"\ude00", r"\ude00\ud83d", r"\\\ud83d", r"\ud83d\\ude00"])
def test_half_of_such_a_character_is_refused_with_its_remedy(half: str) -> None:
    ((line, _, message),) = refused(f'a: 1\nb: "{half}"')
    assert line == 2
    assert message.endswith("half of a surrogate pair is no character; write the character itself")


@each(
    ("text", "line", "column", "written"),
    [
        ("schema: 1\ncell:gru\nhidden_size: 20\n", 2, 5, "cell: gru"),
        ("schema: 1\nhidden_size: 20\ncell:gru\n", 3, 5, "cell: gru"),
        ("cell:gru\nschema: 1\n", 1, 5, "cell: gru"),
        ("cell:gru\n", 1, 5, "cell: gru"),
        ("cell:gru # a comment\n\n# another\nschema: 1\n", 1, 5, "cell: gru"),
        ("a: {kind:gru}\n", 1, 9, "kind: gru"),
        ("a: {b: 1, kind:gru, c: 2}\n", 1, 15, "kind: gru"),
        ("a:\n  kind:linear\n  size: 3\n", 2, 7, "kind: linear"),
        ("a:\n  size: 3\n  kind:linear\nb: 1\n", 3, 7, "kind: linear"),
        ("a:\n  - cell:gru\n    hidden_size: 3\n", 2, 9, "cell: gru"),
        ("a:1\nb:2\nc: 3\n", 1, 2, "a: 1"),
        ("layers:[a]\nb: 4\n", 1, 7, "layers: [a]"),
    ],
)
def test_a_colon_without_a_space_is_reported_where_it_is(text: str, line: int, column: int, written: str) -> None:
    ((*where, message),) = refused(text)
    assert where == [line, column]
    assert message.endswith(f"a space is missing after the colon: write {written}")


def test_a_colon_without_a_space_is_no_mistake_where_it_is_text() -> None:
    assert parse(b"paper: arXiv:1406.1078\nurl: https://a.b/c\n", "f").plain()["paper"] == "arXiv:1406.1078"
    assert "space is missing" not in refused("a: x\n b: c: d\n")[0][2]
