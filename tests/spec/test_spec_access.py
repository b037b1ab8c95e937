"""Which files are opened, and which are quoted: specs alone, and those of one folder where that is asked for."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml
from each import each
from spec_support import HEAD

import zoo
from zoo.errors import SpecError, ZooError
from zoo.plugin.catalogue import Catalogue
from zoo.spec import access, library

SECRET = "hunter2"


def own(folder: Path, extends: str) -> Path:
    path = folder / "own.yaml"
    path.write_text(f"schema: 1\nname: own\nextends: {extends}\n", encoding="utf-8")
    return path


def refusal(path: Path | str, catalogue: Catalogue) -> str:
    with pytest.raises(SpecError) as caught:
        library.read_all(path, catalogue)
    return str(caught.value)


@each(
    "extends",
    ["/etc/passwd", "../../../../../../etc/passwd", "/etc/x.yaml", "~/x.yaml", "file:///etc/x.yaml", "C:\\x.yaml",
     "\\\\host\\x.yaml", "secret", "secret.txt", "secret.yaml.bak", "''", "http://localhost/x.yaml", "/dev/stdin"],
)  # fmt: skip
def test_a_base_is_a_relative_path_to_a_yaml_file_and_no_other_is_opened(
    extends: str, tmp_path: Path, builtin: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = own(tmp_path, extends if extends == "''" else f"'{extends}'")
    for name in ("secret", "secret.txt", "secret.yaml.bak"):
        (tmp_path / name).write_text(f"schema: 1\nname: {SECRET}\nx: 1\n")
    opened: list[str] = []
    real = os.open
    monkeypatch.setattr(os, "open", lambda path, *rest: opened.append(os.fsdecode(path)) or real(path, *rest))
    said = refusal(path, builtin)
    assert [Path(name).name for name in opened] == ["own.yaml"]
    assert said.startswith(f"{path}:3:10: ")
    assert "relative to this file" in said
    assert SECRET not in said


@each(
    "text",
    [f"root:x:0:0:{SECRET}\n", f"password: {SECRET}\n", f"a:\n  schema: 1\n  b: {SECRET}: x\n", f"- {SECRET}\n",
     f"schema: public\npassword: {SECRET}\n", f"{SECRET}: &a {SECRET}\n", f"a: '{SECRET}\n"],
)  # fmt: skip
def test_a_base_that_is_no_spec_is_not_quoted(text: str, tmp_path: Path, builtin: Catalogue) -> None:
    (tmp_path / "base.yaml").write_text(text)
    said = refusal(own(tmp_path, "base.yaml"), builtin)
    assert SECRET not in said
    assert "cannot extend this file: is not a spec" in said


def test_a_link_with_a_good_name_to_another_file_is_refused_unopened(tmp_path: Path, builtin: Catalogue) -> None:
    (tmp_path / "secret").write_text(f"schema: 1\nname: {SECRET}\n")
    (tmp_path / "base.yaml").symlink_to("secret")
    message = "cannot extend this file: is a symbolic link to a file that is not a .yaml"
    assert message in refusal(own(tmp_path, "base.yaml"), builtin)
    (tmp_path / "secret.yaml").write_text(HEAD)
    (tmp_path / "good.yaml").symlink_to("secret.yaml")
    assert library.load(own(tmp_path, "good.yaml"), builtin).spec.recurrent[0].hidden_size == 20


def test_what_is_special_or_too_large_is_refused_where_it_is_named(tmp_path: Path, builtin: Catalogue) -> None:
    os.mkfifo(tmp_path / "fifo.yaml")
    (tmp_path / "large.yaml").write_text(HEAD + "#" * 300_000)
    (tmp_path / "both.yaml").write_text(HEAD + "#" * 262_080)
    for name, message in {
        "fifo.yaml": "own.yaml:3:10: cannot extend this file: is a named pipe, not a file",
        "large.yaml": "own.yaml:3:10: cannot extend this file: is larger than 256 KiB, which no spec needs",
        "both.yaml": "own.yaml:3:10: with the files that it extends it is larger than 256 KiB, which no spec needs",
    }.items():
        assert message in refusal(own(tmp_path, name), builtin)


def test_a_base_may_be_a_spec_of_the_library(tmp_path: Path, builtin: Catalogue) -> None:
    assert library.load(own(tmp_path, "zaremba-lm"), builtin).spec.recurrent[1].cell.record.name == "lstm"
    keys = {"schema": 1, "name": "mine", "extends": "cells/gru", "hidden_size": 3}
    assert library.load(keys, builtin).spec.recurrent[0].hidden_size == 3
    assert "cannot extend the text 'no-such'" in refusal(own(tmp_path, "no-such"), builtin)


@each("name", ["passwd", "id_rsa", "notes.txt", "linked.yaml"])
@each("text", [f"root:x:0:{SECRET}\n", f"token: {SECRET}\n", f"{SECRET}\n", f"a: [{SECRET}\n"])
def test_a_file_named_on_the_command_line_that_is_no_spec_is_not_quoted(
    name: str, text: str, tmp_path: Path, builtin: Catalogue
) -> None:
    path = tmp_path / name
    if name == "linked.yaml":
        (tmp_path / "other").write_text(text)
        path.symlink_to("other")
    else:
        path.write_text(text)
    assert refusal(path, builtin) == f"{path}: is not a spec, which is a .yaml file that begins with schema: 1"


def test_without_a_specs_ending_a_file_is_read_if_it_looks_like_one(tmp_path: Path, builtin: Catalogue) -> None:
    path = tmp_path / "spec.txt"
    path.write_text(HEAD)
    assert library.load(path, builtin).spec.name == "x"
    path.write_text(HEAD + "hidden_sise: 3\n")
    assert "6 | hidden_sise: 3" in refusal(path, builtin)


def test_text_that_no_parser_reads_is_quoted_only_where_it_says_schema(tmp_path: Path, builtin: Catalogue) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"{SECRET}:{SECRET}\nb: 'x\n")
    assert SECRET not in refusal(path, builtin)
    path.write_text("schema: 1\nname: @x\n")
    assert "2 | name: @x" in refusal(path, builtin)


@each(
    "text",
    [f"password: {SECRET}\nname: {SECRET}\ncell: {SECRET}\n", f"kind: Secret\ndata:\n  {SECRET}: 1\n", f"# {SECRET}\na: b\n",
     f"a: {SECRET}\na: 1\n", f"a: &{SECRET} 1\n", f"a: !{SECRET} x\n", f"{SECRET}: {{b: c}}\n", f"%TAG ! {SECRET}\n--- 1\n",
     f"schema: {SECRET}\n", f"extends: {SECRET}\n", f"variants: {{{SECRET}: 1}}\n", f'{{"a": "{SECRET}", "b": }}', f"- {SECRET}\n",
     f"model: {{input: 3, cell: gru}}\n{SECRET}: 1\n", f"text: |\n  schema: 1\n{SECRET}: 1\n", f"schema: {{a: {SECRET}}}\n"],
)  # fmt: skip
def test_a_yaml_file_that_is_no_spec_is_not_quoted_though_it_is_valid(
    text: str, tmp_path: Path, builtin: Catalogue
) -> None:
    path = tmp_path / "secrets.yaml"
    path.write_text(text)
    assert refusal(path, builtin) == f"{path}: is not a spec, which begins with schema: 1"


def test_a_file_of_comments_alone_is_not_quoted(tmp_path: Path, builtin: Catalogue) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"# {SECRET}\n")
    assert refusal(path, builtin) == f"{path}:1:1: the file is empty: a spec begins with schema: 1"


MANY = {"name": "x", "input": 3, "cell": "gru", "hidden_size": 4}


@pytest.mark.parametrize("text", [yaml.safe_dump(MANY), json.dumps(MANY), json.dumps(MANY, indent=2)])
def test_a_spec_without_its_version_is_told_so_and_where_it_is_wrong(
    text: str, tmp_path: Path, builtin: Catalogue
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text.replace("gru", "gry"))
    said = refusal(path, builtin)
    assert "missing key 'schema'" in said
    assert "unknown cell 'gry'; did you mean 'gru'?" in said


@pytest.mark.parametrize(
    "text",
    [json.dumps(MANY | {"schema": 1}), json.dumps(MANY | {"schema": 1}, indent=2), "{name: x, schema: 1, input: 3, cell: gru, hidden_size: 4}",
     "# first\n\nname: x\ninput: 3\ncell: gru\nhidden_size: 4\nschema: 1\n", "\ufeff---\r\nschema: 1 # one\r\nname: x\r\ninput: 3\r\ncell: gru\r\nhidden_size: 4\r\n"],
)  # fmt: skip
def test_a_spec_can_be_extended_however_it_is_written(text: str, tmp_path: Path, builtin: Catalogue) -> None:
    (tmp_path / "base.v1.yaml").write_bytes(text.encode())
    (tmp_path / "deep").mkdir()
    assert library.load(own(tmp_path / "deep", "../base.v1.yaml"), builtin).spec.recurrent[0].hidden_size == 4


def test_a_spec_that_is_indented_as_a_whole_is_read(tmp_path: Path, builtin: Catalogue) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        "".join(f"  {line}\n" for line in ("schema: 1", "name: x", "input: 3", "cell: gru", "hidden_size: 4"))
    )
    assert library.load(path, builtin).spec.name == "x"


# One folder


@pytest.fixture
def rooms(tmp_path: Path) -> Path:
    """A folder `in` for what may be read, and one `out` beside it."""
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "base.yaml").write_text(HEAD)
    (tmp_path / "in" / "link.yaml").symlink_to(tmp_path / "out" / "base.yaml")
    (tmp_path / "in" / "deep").symlink_to(tmp_path / "out")
    return tmp_path


OUTSIDE = ["../out/base.yaml", "link.yaml", "deep/base.yaml", "./deep/../out/base.yaml"]


@pytest.mark.parametrize("how", ["variable", "argument"])
def test_specs_and_what_they_extend_are_confined(
    how: str, rooms: Path, builtin: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = rooms / "in"
    if how == "variable":
        monkeypatch.setenv(access.VARIABLE, str(root))
    with access.confined(root if how == "argument" else None):
        assert library.load(own(root, "./base.yaml"), builtin).spec.name == "own"
        assert library.load(own(root, "lstm"), builtin).spec.name == "own"
        assert library.load("gru", builtin).spec.name == "gru"
        message = f"is outside {root}, to which specs are confined (ZOO_SPEC_ROOT or root)"
        for name in OUTSIDE:
            assert f"3:10: cannot extend this file: {message}" in refusal(own(root, name), builtin)
            assert refusal(root / name, builtin) == f"{root / name}: {message}"
        with pytest.raises(SpecError, match="is outside "):
            library.files_in(str(rooms / "out"))
    if how == "argument":
        assert library.load(own(root, "../out/base.yaml"), builtin).spec.name == "own"


def test_the_call_of_python_has_it_too(rooms: Path) -> None:
    assert zoo.load(rooms / "in" / "base.yaml", root=rooms / "in").name == "x"
    with pytest.raises(SpecError, match="is outside "):
        zoo.load(rooms / "out" / "base.yaml", root=rooms / "in")
    with pytest.raises(ZooError, match="which is not a folder"):
        zoo.load(rooms / "in" / "base.yaml", root=rooms / "nowhere")


def test_a_text_is_told_from_a_name() -> None:
    for text in (HEAD, "{schema: 1, name: x}", "cell: gru", '{"schema": 1}'):
        with pytest.raises(ZooError, match=r"is the text of a spec, .* yaml.safe_load\(text\)"):
            zoo.build(text)
    with pytest.raises(ZooError, match=r"^unknown spec 'lstmm'; did you mean 'lstm'"):
        zoo.build("lstmm")
    with pytest.raises(ZooError) as caught:
        zoo.build("l" * 100_000)
    assert len(str(caught.value)) < 300
