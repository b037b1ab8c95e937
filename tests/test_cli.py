"""The command line as people and scripts see it: what it prints where, and the status it ends with."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from each import each
from running import ROOT, python

from zoo.builtin import zoo_cells
from zoo.cli import tables
from zoo.cli.main import app, main
from zoo.plugin import manager
from zoo.plugin.manager import isolated

CELLS = sorted(record.name for record in zoo_cells())
SPEC = "schema: 1\nname: mine\ninput: 10\ncell: lstm\nhidden_size: 20\n"
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-9]|4[0-9]|9[0-7]|10[0-7])(?:;\d+)*m")


@dataclass(frozen=True)
class Said:
    out: str
    err: str
    status: int

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Zoo = Callable[..., Said]


@pytest.fixture
def zoo(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Zoo:
    """Run a command in this process, in an empty folder and a terminal of 100 columns, with built-in components only."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(manager, "_current", isolated())
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERMINAL_WIDTH", "100")

    def run(*arguments: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capfd.readouterr()
        # A report as JSON has the traceback of each failure, as a field.
        shown = "" if arguments[:1] == ("test",) and "--json" in arguments else out
        assert "Traceback" not in shown + err
        return Said(out, err, int(end.value.code or 0))

    return run


# What each command prints


def test_list_names_parameters_tags_and_where_from(zoo: Zoo) -> None:
    done = zoo("list", "rnn*")
    assert (done.status, done.err) == (0, "")
    assert done.lines[0].split() == ["name", "parameters", "tags", "description", "from"]
    rows = {line.split()[0]: line for line in done.lines[1:]}
    assert list(rows) == ["rnn", "rnn-bidirectional", "rnn-classifier", "rnn-stacked"]
    assert [rows[name].split()[1] for name in rows] == ["640", "1,280", "661", "4,000"]
    assert re.search(r"  recurrent-zoo \S+$", rows["rnn"])


def test_list_as_json_sorted_and_by_tag(zoo: Zoo) -> None:
    rows = json.loads(zoo("list", "--tag", "practical", "--sort", "parameters", "--json").out)
    assert [row["name"] for row in rows] == ["rnn", "rnn-classifier", "rnn-bidirectional", "gru", "lstm", "rnn-stacked"]
    assert [row["parameters"] for row in rows] == [640, 661, 1280, 1920, 2560, 4000]
    assert list(rows[0]) == [
        "name", "variant", "parameters", "macs", "description", "tags", "paper", "year", "components",
        "distribution", "version", "path",
    ]  # fmt: skip


def test_show_prints_the_file_as_it_is_written(zoo: Zoo) -> None:
    done = zoo("show", "lstm", "--source")
    head, _, rest = done.out.partition("\n")
    assert head.startswith(f"# {ROOT / 'specs' / 'lstm.yaml'} (recurrent-zoo ")
    assert rest == (ROOT / "specs" / "lstm.yaml").read_text(encoding="utf-8")


def test_show_resolved_says_where_each_value_comes_from(zoo: Zoo, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(SPEC)
    found = dict(re.split(r"\s+# ", line) for line in zoo("show", "mine.yaml", "--resolved").lines if "# " in line)
    assert found["input: {kind: recurrent-zoo/features, size: 10}"] == "mine.yaml:3"
    assert found["    hidden_size: 20"] == "mine.yaml:5"
    assert found["    bidirectional: false"] == "default"


def test_show_as_json_is_the_canonical_form(zoo: Zoo) -> None:
    data = json.loads(zoo("show", "zaremba-lm@medium", "--json").out)
    assert data["layers"][0]["cell"]["kind"] == "recurrent-zoo/lstm"
    assert data["layers"][1]["hidden_size"] == 650


def test_validate_in_words_as_json_and_as_annotations(zoo: Zoo, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(SPEC)
    assert zoo("validate", "good.yaml") == Said("1 spec valid\n", "", 0)
    (tmp_path / "bad.yaml").write_text(SPEC + "hidden_sise: 3\n")
    done = zoo("validate", tmp_path)
    assert done.status == 2
    assert done.lines[0] == f"{tmp_path}/bad.yaml:6:1: unknown key 'hidden_sise'; did you mean 'hidden_size'?"
    assert done.lines[-1] == "1 mistake in 1 of 2 specs"
    (row,) = json.loads(zoo("validate", "bad.yaml", "--format", "json").out)
    assert (row["file"], row["line"], row["column"]) == ("bad.yaml", 6, 1)
    assert zoo("validate", "bad.yaml", "--format", "github").out == (
        "::error file=bad.yaml,line=6,col=1::unknown key 'hidden_sise'; did you mean 'hidden_size'?\n"
    )


def test_an_annotation_ends_where_a_files_name_would_end_it(zoo: Zoo, tmp_path: Path) -> None:
    (tmp_path / "a,title=b::c%.yaml").write_text(SPEC + "hidden_sise: 3\n")
    done = zoo("validate", "a,title=b::c%.yaml", "--format", "github")
    assert done.out.startswith("::error file=a%2Ctitle=b%3A%3Ac%25.yaml,line=6,col=1::unknown key")


def test_many_named_files_cost_what_their_folder_costs(
    zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(5):
        (tmp_path / f"s{index}.yaml").write_text(SPEC)
    from zoo.spec import library

    asked: list[object] = []
    real = library.entries
    monkeypatch.setattr(library, "entries", lambda *rest: asked.append(rest) or real(*rest))
    assert zoo("validate", *sorted(tmp_path.glob("*.yaml"))).out == "5 specs valid\n"
    assert len(asked) == 0


def test_diff_of_form_parameters_and_cost(zoo: Zoo) -> None:
    done = zoo("diff", "gru", "lstm")
    assert (done.status, done.err) == (1, "")
    assert [re.split(r"  +", line) for line in done.lines] == [
        ["key", "change", "gru", "lstm"],
        ["layers.0.cell.kind", "changed", "recurrent-zoo/gru", "recurrent-zoo/lstm"],
        ["layers.0.cell.reset_gate", "removed", "after", "-"],
        ["layers.0.cell.peephole", "added", "-", "False"],
        ["layers.0.cell.coupled", "added", "-", "False"],
        ["layers.0.cell.gate_norm", "added", "-", "none"],
        ["layers.0.cell.recurrent_activation", "added", "-", "sigmoid"],
        ["parameters", "changed", "1,920", "2,560"],
        ["multiply-adds per step", "changed", "1,800", "2,400"],
        ["state numbers per sequence", "changed", "20", "40"],
    ]
    data = json.loads(zoo("diff", "gru", "lstm", "--json").out)
    assert {"key": "parameters", "change": "changed", "a": 1920, "b": 2560, "keys": ["parameters"]} in data
    assert zoo("diff", "lstm", "lstm") == Said("lstm and lstm are equal\n", "", 0)
    assert zoo("diff", "lstm", "lstm", "--json") == Said("[]\n", "", 0)


def test_components_by_kind(zoo: Zoo) -> None:
    rows = zoo("components", "--kind", "cell").lines[1:]
    rows = [row for row in rows if " recurrent-zoo " in row]
    assert [row.split()[0] for row in rows] == CELLS
    found = json.loads(zoo("components", "--json").out)
    lstm = next(row for row in found if row["qualified"] == "recurrent-zoo/lstm")
    known = {"bias", "projection", "forget_bias", "peephole", "coupled", "gate_norm", "norm_eps"}
    assert lstm["options"].keys() == known | {"recurrent_activation", "cell_clip", "proj_clip"}
    assert {row["kind"] for row in found} >= {"cell", "head", "input", "pool", "norm", "init", "layer", "architecture"}


def test_plugins_shows_the_built_in_one(zoo: Zoo) -> None:
    (row,) = [row for row in json.loads(zoo("plugins", "--json").out) if row["name"] == "builtin"]
    assert (row["distribution"], row["status"], row["cause"]) == ("recurrent-zoo", "ok", "")
    assert row["provides"]["cell"] == CELLS
    assert zoo("plugins").lines[0].split() == ["plugin", "from", "status", "load", "ms", "provides"]


def test_schema_on_standard_output_and_in_a_file(zoo: Zoo, tmp_path: Path) -> None:
    printed = zoo("schema").out
    assert json.loads(printed)["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert zoo("schema", "--output", "s.json") == Said("", "", 0)
    assert (tmp_path / "s.json").read_text(encoding="utf-8") == printed


def test_summary_ends_with_the_cost_card(zoo: Zoo) -> None:
    done = zoo("summary", "lstm", "--seq-len", "5", "--batch-size", "2")
    card = next(index for index, line in enumerate(done.lines) if line.startswith("parameters "))
    assert done.lines[card : card + 5] == [
        "parameters        2,560 (shared ones counted once)",
        "multiply-adds     2,400 per step, 12,000 for 5 steps, per sequence",
        "state             160 bytes per sequence",
        "sequential depth  5 stages for 5 steps",
        "streamable        yes, one step at a time",
    ]
    data = json.loads(zoo("summary", "lstm", "--json").out)
    assert (data["parameters"], data["macs"], data["seq_len"]) == (2560, 36000, 15)


def test_test_reports_and_ends_with_one_for_a_failed_check(
    zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = zoo("test", "lstm", "--check", "shapes")
    assert (done.status, done.err) == (0, "")
    assert done.out == "lstm: 1 passed, 0 skipped, 0 failed\n1 model: 1 passed, 0 skipped, 0 failed\n"
    import zoo.checks.shapes as module
    from zoo.errors import CheckFailure

    def broken(subject: object) -> None:
        raise CheckFailure("the planted figure is 3, bound 2")

    monkeypatch.setattr(module, "shapes", broken)
    done = zoo("test", "lstm", "--check", "shapes")
    assert done.status == 1
    assert done.err == "zoo: conformance checks failed for lstm\n"
    assert "the planted figure is 3, bound 2" in done.out
    assert json.loads(zoo("test", "lstm", "--check", "shapes", "--json").out)[0]["name"] == "lstm"


def test_a_folder_stands_for_every_spec_in_it(zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b", "a"):
        (tmp_path / "deep" / name).mkdir(parents=True)
        text = f"schema: 1\nname: {name}\ninput: 3\ncell: rnn\nhidden_size: 4\n"
        (tmp_path / "deep" / name / f"{name}.yaml").write_text(text, encoding="utf-8")
    done = zoo("test", tmp_path / "deep", "--check", "shapes")
    assert [line.partition(":")[0] for line in done.out.splitlines()] == ["a", "b", "2 models"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lstm").mkdir()  # a name of the library means its spec, as everywhere
    assert zoo("test", "lstm", "--check", "shapes").lines[-1] == "1 model: 1 passed, 0 skipped, 0 failed"
    (tmp_path / "none").mkdir()
    done = zoo("test", tmp_path / "none")
    assert (done.status, done.err) == (2, f"zoo: {tmp_path / 'none'}: no .yaml files in this folder\n")


def test_new_spec_writes_a_valid_spec_and_never_overwrites(zoo: Zoo, tmp_path: Path) -> None:
    for cell in ("lstm", "gru", "rnn"):
        done = zoo("new", "spec", f"my-{cell}", "--cell", cell)
        assert done == Said(f"wrote my-{cell}.yaml; look at it with: zoo summary my-{cell}.yaml\n", "", 0)
        assert zoo("validate", f"my-{cell}.yaml") == Said("1 spec valid\n", "", 0)
        assert f"\ncell: {cell}\n" in (tmp_path / f"my-{cell}.yaml").read_text()
    (tmp_path / "my-lstm.yaml").write_text("mine")
    done = zoo("new", "spec", "my-lstm")
    assert done == Said("", "zoo: my-lstm.yaml exists already and is left as it is; choose another name\n", 2)
    assert (tmp_path / "my-lstm.yaml").read_text() == "mine"


def test_version(zoo: Zoo) -> None:
    from importlib.metadata import version

    assert zoo("--version") == Said(f"{version('recurrent-zoo')}\n", "", 0)


# Help


def commands() -> list[tuple[str, ...]]:
    found = [(command.name,) for command in app.registered_commands]
    for group in app.registered_groups:
        assert group.typer_instance is not None
        found += [(group.name, command.name) for command in group.typer_instance.registered_commands]
    return found  # type: ignore[return-value]


def test_every_command_of_the_plan_is_there() -> None:
    assert sorted(" ".join(command) for command in commands()) == [
        "bench cells", "bench engine", "bench startup", "components", "convert", "diff", "doctor", "generate", "list", "load-weights", "new plugin", "new spec", "plugins", "schema", "show", "summary", "test",
        "validate",
    ]  # fmt: skip


@each("command", commands(), ids=" ".join)
def test_help_has_a_description_and_an_example_that_names_the_command(zoo: Zoo, command: tuple[str, ...]) -> None:
    done = zoo(*command, "--help")
    assert done.status == 0
    example = re.search(r"Example: (zoo .*)", done.out)
    assert example is not None
    assert example[1].split()[1 : 1 + len(command)] == list(command)
    assert "[bold]" not in done.out
    assert f"Usage: zoo {' '.join(command)} [OPTIONS]" in done.out
    assert zoo(*command, "-h").out == done.out


# Mistakes: one line, status 2


@each(
    ("command", "line"),
    [
        ("show no-such", "zoo: unknown spec 'no-such'; `zoo list` shows them all (a path ends in .yaml)"),
        ("summary lstmm", "zoo: unknown spec 'lstmm'; did you mean 'lstm'? (a path ends in .yaml)"),
        ("summary no.yaml", "no.yaml: no such file"),
        ("show zaremba-lm@huge", r".*zaremba-lm\.yaml: unknown variant 'huge' \(variants: small, medium, large\)"),
        ("list --sort size", "zoo: --sort must be one of name, parameters, macs, year, not 'size'"),
        (
            "list --sort Name",
            "zoo: --sort must be one of name, parameters, macs, year, not 'Name'; did you mean 'name'?",
        ),
        ("list nothing", "zoo: no spec of the library is called 'nothing'; `zoo list` shows them all"),
        ("list LSTM", "zoo: no spec of the library is called 'LSTM'; did you mean 'lstm'?"),
        ("list --tag nope", "zoo: no spec has the tag 'nope'; tags: .*, practical.*"),
        ("list --tag Practical", "zoo: no spec has the tag 'Practical'; did you mean 'practical'?"),
        ("summary LSTM", "zoo: unknown spec 'LSTM'; did you mean 'lstm'? (a path ends in .yaml)"),
        ("summary lstm --device CPU", r"zoo: device 'CPU' cannot be used here: .*; did you mean 'cpu'\?"),
        ("test lstm --device Cpu", r"zoo: device 'Cpu' cannot be used here: .*; did you mean 'cpu'\?"),
        ("test lstm --engine Fused", "zoo: unknown engine 'Fused'; did you mean 'fused'?"),
        ("test lstm --check CHUNKED", "zoo: unknown check 'CHUNKED'; did you mean 'chunked'?"),
        ("components --kind Cells", "zoo: unknown kind 'Cells'; did you mean 'cell'?"),
        ("convert lstm --to ONNX -o x", r"zoo: --to must be .*; did you mean 'onnx'\?"),
        ("bench cells --only LSTN", r"zoo: no cell matches 'LSTN' .*; did you mean 'lstm'\?"),
        ("bench engine --list --suite Kernel", r"zoo: --suite must be .*; did you mean 'kernels'\?"),
        ("new spec mine --cell LSTM", "zoo: unknown cell 'LSTM'; did you mean 'lstm'?"),
        ("validate lstm --format xml", "zoo: --format must be 'text', 'json' or 'github', not 'xml'"),
        ("components --kind engine", "zoo: unknown kind 'engine'; kinds: architecture, cell, .*"),
        ("plugins --traceback no-such", "zoo: no plugin 'no-such'; installed: builtin.*"),
        ("summary lstm --device abacus", "zoo: device 'abacus' cannot be used here: .*"),
        ("test lstm --check chunkd", "zoo: unknown check 'chunkd'; did you mean 'chunked'?"),
        ("test lstm --device abacus", "zoo: device 'abacus' cannot be used here: .*"),
        ("new spec Mine", "zoo: 'Mine' cannot be a spec's name: use lower case letters, .*"),
        ("new spec mine --cell lstn", "zoo: unknown cell 'lstn'; did you mean 'lstm'?"),
        ("new spec mine --folder no/such", "zoo: no/such/mine.yaml: cannot be written: No such folder: no/such"),
        ("schema --output no/such.json", "zoo: no/such.json: cannot be written: No such folder: no"),
        ("diff lstm no.yaml", "no.yaml: no such file"),
        ("validate empty", "zoo: empty: no .yaml files in this folder"),
    ],
)
def test_a_mistake_is_one_line_on_standard_error(zoo: Zoo, command: str, line: str) -> None:
    Path("empty").mkdir(exist_ok=True)
    done = zoo(*command.split())
    assert (done.status, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert done.err == line + "\n" or re.fullmatch(line, done.err.rstrip("\n"))


@each(
    ("command", "line"),
    [
        ("frobnicate", "no such command 'frobnicate' (see `zoo --help`)"),
        ("lst", "no such command 'lst'; did you mean 'list'? (see `zoo --help`)"),
        ("bench Cells", "no such command 'Cells'; did you mean 'cells'? (see `zoo bench --help`)"),
        ("list --frobnicate", "no such option '--frobnicate' (see `zoo list --help`)"),
        ("list --TAG x", "no such option '--TAG'; did you mean '--tag'? (see `zoo list --help`)"),
        ("summary", "missing argument 'SPEC' (see `zoo summary --help`)"),
        ("diff a", "missing argument 'SPEC' (see `zoo diff --help`)"),
        ("summary lstm --batch-size 0", "--batch-size must be at least 1 (see `zoo summary --help`)"),
        ("summary lstm --batch-size x", "--batch-size must be an integer (see `zoo summary --help`)"),
        ("bench engine --seconds x", "--seconds must be a number (see `zoo bench engine --help`)"),
        ("test --engine", "option '--engine' requires an argument"),
    ],
)
def test_a_wrong_use_of_a_command_is_one_line_and_ends_with_two(zoo: Zoo, command: str, line: str) -> None:
    assert zoo(*command.split()) == Said("", f"zoo: {line}\n", 2)


@each("command", ["", "bench", "new"])
def test_a_command_that_needs_another_shows_its_help(zoo: Zoo, command: str) -> None:
    done = zoo(*command.split())
    assert done.status == 2
    assert f"Usage: zoo{' ' * bool(command)}{command} [OPTIONS] COMMAND [ARGS]..." in done.out + done.err


@each("command", commands(), ids=" ".join)
def test_help_shows_no_type_where_an_option_takes_no_value(zoo: Zoo, command: tuple[str, ...]) -> None:
    assert "bool" not in zoo(*command, "--help").out


def test_a_list_of_nothing_is_an_empty_one_in_json(zoo: Zoo) -> None:
    line = "zoo: no spec of the library is called 'nothing'; `zoo list` shows them all\n"
    assert zoo("list", "nothing", "--json") == Said("[]\n", line, 2)


# Completion


@each(
    ("line", "offered"),
    [
        ("zoo summary rnn", ["rnn", "rnn-bidirectional", "rnn-classifier", "rnn-stacked"]),
        ("zoo show zaremba-lm@", ["zaremba-lm@small", "zaremba-lm@medium", "zaremba-lm@large"]),
        ("zoo diff lstm gr", ["gru"]),
        ("zoo new spec mine --cell ls", ["lstm", "lstm-1997"]),
        ("zoo components --kind p", ["pool"]),
        ("zoo test lstm --check chu", ["chunked"]),
        ("zoo plugins --traceback bui", ["builtin"]),
        ("zoo val", ["validate"]),
        ("zoo test lstm --engine l", ["linear", "loop"]),
        ("zoo test lstm --device c", ["cpu", "cuda"]),
        ("zoo summary lstm --device m", ["mps", "meta"]),
        ("zoo convert lstm --to t", ["torch", "torchrecurrent"]),
        ("zoo list --sort p", ["parameters"]),
        ("zoo list --tag prac", ["practical"]),
        ("zoo components --sort n", ["name"]),
        ("zoo validate lstm --format g", ["github"]),
        ("zoo bench engine --suite l", ["loop", "linear"]),
        ("zoo bench cells --sort f", ["forward"]),
        ("zoo bench cells --only lst", ["lstm", "lstm-1997"]),
        ("zoo show no-such@", []),
    ],
)
def test_completion(zoo: Zoo, monkeypatch: pytest.MonkeyPatch, line: str, offered: list[str]) -> None:
    monkeypatch.setenv("_ZOO_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))
    done = zoo()
    assert done.out.split() == offered
    assert done.err == ""


def test_what_is_offered_is_what_the_commands_take() -> None:
    from zoo.bench.cells import SORTS
    from zoo.cli import completion
    from zoo.engine.names import ENGINES
    from zoo.translation.convert import FORMS

    assert tuple(completion.engines("")) == ENGINES
    assert sorted(completion.forms("")) == sorted(FORMS)
    assert tuple(completion.cell_sorts("")) == SORTS


# Tables


def test_a_table_that_is_too_wide_is_wrapped_between_words_and_its_numbers_never() -> None:
    head = ("name", "parameters", "description", "from")
    row = (
        "memory-control-lstm",
        "1,234,567",
        "one two three four five six seven eight nine ten",
        "recurrent-zoo 0.1.0",
    )
    right = (False, True, False, False)
    assert list(tables.drawn([head, row], right, 200)) == [
        "name                 parameters  description                                       from",
        "memory-control-lstm   1,234,567  one two three four five six seven eight nine ten  recurrent-zoo 0.1.0",
    ]
    assert list(tables.drawn([head, row], right, 73)) == [
        "name                 parameters  description          from",
        "memory-control-lstm   1,234,567  one two three four   recurrent-zoo 0.1.0",
        "                                 five six seven",
        "                                 eight nine ten",
    ]
    narrow = list(tables.drawn([head, row], right, 20))
    assert narrow[:2] == [
        "name                 parameters  description  from",
        "memory-control-lstm   1,234,567  one two      recurrent-",
    ]
    assert " ".join(" ".join(line[33:44] for line in narrow[1:]).split()) == row[2]


def test_a_word_longer_than_its_column_is_cut_and_nothing_is_lost() -> None:
    lines = list(tables.drawn([("a", "b"), ("x", "y" * 25)], (False, False), 14))
    assert lines == ["a  b", "x  " + "y" * 11, "   " + "y" * 11, "   " + "y" * 3]
    assert list(tables.drawn([("a", "b"), ("x", "")], (False, False), 14)) == ["a  b", "x"]


@each(("text", "plain"), [("× σ Δ²", True), ("模型", False), ("e\u0301", False), ("😀", False)])
def test_what_takes_other_than_one_column_is_left_to_rich(text: str, plain: bool) -> None:
    assert tables.is_plain([("name", text)]) == plain


def test_a_table_on_a_terminal_fits_it_and_has_a_bold_head_unless_colours_are_off(tmp_path: Path) -> None:
    (tmp_path / "wide.yaml").write_text("schema: 1\nname: 模型\n")
    for env, start in (({}, "\x1b[1mname "), ({"NO_COLOR": "1"}, "name "), ({"TERM": "dumb"}, "name ")):
        seen = in_terminal("list", "cells/*lstm", cwd=tmp_path, **{"COLUMNS": "80", **env})
        assert seen.startswith(start)
        lines = re.sub(r"\x1b\[[0-9;]*m", "", seen).splitlines()
        assert max(map(len, lines)) <= 80
        assert "Long short-term memory" in " ".join(" ".join(line[41:62] for line in lines).split())


# Pipes, terminals and signals


def in_terminal(*arguments: str, cwd: Path, **env: str) -> str:
    """What a command shows on a terminal, 120 columns wide: both streams together."""
    leader, follower = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "TERM")}
    environment |= {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": "120", **env}
    process = subprocess.Popen(
        [sys.executable, "-m", "zoo", *arguments],
        cwd=cwd, env=environment, stdin=follower, stdout=follower, stderr=follower,
    )  # fmt: skip
    os.close(follower)
    seen = b""
    while select.select([leader], [], [], 60)[0]:
        try:
            chunk = os.read(leader, 65536)
        except OSError:  # Linux: the other side has closed
            break
        if not chunk:
            break
        seen += chunk
    os.close(leader)
    assert process.wait(60) == 0, seen.decode()
    return seen.decode()


def test_a_terminal_gets_a_drawn_table_and_a_pipe_a_plain_one(tmp_path: Path, zoo: Zoo) -> None:
    assert "\x1b[1m" in in_terminal("list", "lstm", cwd=tmp_path)
    assert "\x1b" not in zoo("list").out + zoo("components").out + zoo("plugins").out + zoo("list", "--help").out


def test_help_has_colours_on_a_terminal_but_none_under_no_color(tmp_path: Path) -> None:
    assert COLOUR.search(in_terminal("list", "--help", cwd=tmp_path))
    for command in (["list", "--help"], ["list"]):
        assert not COLOUR.search(in_terminal(*command, cwd=tmp_path, NO_COLOR="1"))


def test_a_progress_bar_is_for_terminals_only(tmp_path: Path, zoo: Zoo) -> None:
    specs = tmp_path / "specs"
    specs.mkdir()
    for index in range(3):
        (specs / f"s{index}.yaml").write_text(SPEC)
    assert "validating" in in_terminal("validate", "specs", cwd=tmp_path)
    assert zoo("validate", "specs") == Said("3 specs valid\n", "", 0)


def test_maps_of_weights_are_counted_as_what_they_are(zoo: Zoo) -> None:
    folder = str(Path(__file__).resolve().parents[1] / "specs" / "weights")
    found = zoo("validate", "lstm", f"{folder}/g2pm.yaml", f"{folder}/silero-vad.yaml")
    assert found == Said("1 spec and 2 maps valid\n", "", 0)


@each("unbuffered", ["", "1"])
def test_a_reader_that_leaves_is_no_failure(tmp_path: Path, unbuffered: str) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "list"],
        cwd=tmp_path, stdout=write, stderr=subprocess.PIPE, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": unbuffered},
    )  # fmt: skip
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_one_line(tmp_path: Path, unbuffered: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "zoo", "list"],
            cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": unbuffered},
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, "zoo: the output cannot be written: No space left on device\n")


def test_closed_standard_output_is_no_failure(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m zoo list >&-"],
        cwd=tmp_path, stderr=subprocess.PIPE, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_control_c_ends_without_a_traceback(tmp_path: Path) -> None:
    code = (
        # Whoever starts the tests in the background has Ctrl-C ignored in every process below.
        "import signal, sys, time\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import zoo.spec.listing as listing\nfrom zoo.cli.main import main\n"
        "def wait(*_):\n    print('waiting', flush=True)\n    time.sleep(60)\n"
        "listing.entries_in = wait\nsys.argv = ['zoo', 'list']\nmain()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stderr is not None  # standard output is for the command's answer alone
    assert process.stderr.readline() == "waiting\n"
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert time.monotonic() - begin < 30


def test_python_dash_m_is_the_command(tmp_path: Path) -> None:
    done = python("-m", "zoo", "diff", "lstm", "lstm", cwd=tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("lstm and lstm are equal\n", "", 0)
