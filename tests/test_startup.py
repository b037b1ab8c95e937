"""What commands import, by name; and that the benchmark of their start measures what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from each import each
from running import ROOT, python

HEAVY = {"torch", "torchinfo", "numpy", "sympy", "sklearn", "pytest", "rich.table"}


@each(
    "command",
    [
        "list", "list --json", "show zaremba-lm@medium --resolved", "validate lstm", "diff lstm lstm", "components",
        "plugins", "schema", "new spec mine", "--help", "summary --help", "--version",
    ],
)  # fmt: skip
def test_commands_that_build_nothing_import_no_torch(tmp_path: Path, command: str) -> None:
    done = python("-X", "importtime", "-m", "zoo", *command.split(), cwd=tmp_path, env={"ZOO_PLUGINS": "none"})
    assert done.returncode == 0, done.stderr
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert {"zoo", "zoo.cli.main"} <= imported
    allowed = {"rich.table"} if "--help" in command else set()
    assert imported & HEAVY - allowed == set()


@each(
    ("line", "offered"),
    [
        ("zoo summary ls", sorted(path.stem for path in (ROOT / "specs").glob("ls*.yaml"))),
        ("zoo test --engine sc", ["scan"]),
        ("zoo convert --to on", ["onnx"]),
        ("zoo bench engine --suite pe", ["peers"]),
        ("zoo test --check chu", ["chunked"]),
    ],
)
def test_completion_imports_no_torch(tmp_path: Path, line: str, offered: list[str]) -> None:
    env = {"_ZOO_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    done = python("-X", "importtime", "-m", "zoo", cwd=tmp_path, env=env)
    assert done.stdout.split() == offered
    assert not re.search(r"\| +torch$", done.stderr, re.MULTILINE)


def test_a_mistake_in_a_spec_shows_before_torch_is_imported(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("schema: 1\nname: bad\n")
    done = python("-X", "importtime", "-m", "zoo", "summary", "bad.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert not re.search(r"\| +torch$", done.stderr, re.MULTILINE)


def test_import_zoo_imports_neither_torch_nor_pydantic(tmp_path: Path) -> None:
    code = "import zoo, sys; print(sorted({'torch', 'pydantic', 'yaml'} & sys.modules.keys()))"
    assert python("-c", code, cwd=tmp_path).stdout == "[]\n"


def test_no_light_room_imports_torch_at_its_top() -> None:
    light = [
        *(
            path
            for room in ("components", "spec", "plugin", "cli", "bench")
            for path in (ROOT / "zoo" / room).glob("*.py")
        ),
        *(ROOT / "zoo").glob("*/options.py"),
        *(ROOT / "zoo" / name for name in ("errors.py", "builtin.py", "__init__.py")),
    ]
    assert len(light) > 40
    for path in light:
        assert not re.search(r"^(import|from) torch", path.read_text(encoding="utf-8"), re.MULTILINE), path


def test_specimens_are_valid_and_all_different(tmp_path: Path) -> None:
    from zoo.bench.specimens import full_specimen, write_specimens
    from zoo.spec import library

    write_specimens(tmp_path / "varied", 120)
    write_specimens(tmp_path / "full", 60, full_specimen)
    models = [model for path in sorted(tmp_path.glob("*/*")) for model in library.read_all(path).values()]
    assert len(models) == 120 + 2 * 12 + 60
    assert {len(model.spec.recurrent) for model in models if model.spec.name.startswith("full")} == {3}
    assert len({model.spec.id for model in models}) == len(models)
    assert len({model.description.parameters for model in models}) > 90


def test_a_figure_is_the_median_over_rounds_of_what_it_is_held_against() -> None:
    from zoo.bench.rounds import Run
    from zoo.bench.startup import Contest, _result

    ratio = Contest(("-m", "zoo", "list"), ("-c", "x"), "its imports", "times", 1.5)
    more = Contest(("-m", "zoo", "list"), ("-c", "x"), "its imports", "seconds more", 0.5)
    seconds = [(0.3, 0.2), (0.8, 0.2), (0.2, 0.2)]
    rounds = [{(ratio.command, "installed"): Run(a, a), (ratio.beside, "installed"): Run(b, b)} for a, b in seconds]
    result = _result(ratio, rounds)
    assert result.figure.median == pytest.approx(1.5)
    assert (result.figure.low, result.figure.high) == pytest.approx((1.25, 2.75))
    assert (result.seconds.median, result.beside_seconds.median) == (0.3, 0.2)
    assert result.row() == ("zoo list", "0.300", "its imports", "0.200", "1.50×", "1.25 to 2.75", "1.5×", "yes")
    assert _result(more, rounds).figure.median == pytest.approx(0.1)
    slow = {(ratio.command, "installed"): Run(0.4, 0.4), (ratio.beside, "installed"): Run(0.2, 0.2)}
    assert not _result(ratio, [slow]).met
    crowd = Contest(ratio.command, ratio.command, "without them", "times", 1.5, "crowded", "large")
    two = {(ratio.command, "crowded"): Run(0.3, 0.3), (ratio.command, "large"): Run(0.2, 0.2)}
    found = _result(crowd, [two])
    assert (found.command, found.figure.median) == ("zoo list, 50 plugins", pytest.approx(1.5))


def test_with_fifty_plugins_of_which_five_are_broken_the_list_works_and_names_the_five(tmp_path: Path) -> None:
    from zoo.bench.specimens import install_plugins

    install_plugins(tmp_path / "site", 50)
    done = python(
        "-m", "zoo", "list", "crowd", "--json", cwd=tmp_path, path=tmp_path / "site", env={"ZOO_PLUGINS": None}
    )
    assert done.returncode == 0
    broken = (7, 17, 27, 37, 47)
    assert [row["name"] for row in json.loads(done.stdout)] == [f"crowd{n:02}" for n in range(50) if n not in broken]
    said = [line for line in done.stderr.splitlines() if "crowd" in line]
    assert said == [
        "plugin crowd07 (zoo-crowd07 1) is broken: needs the module 'no_such_module', which is not installed",
        "plugin crowd17 (zoo-crowd17 1) is broken: cannot be imported: SyntaxError: invalid syntax (__init__.py, line 1)",
        "plugin crowd27 (zoo-crowd27 1) is broken: cannot be imported: SystemExit: no licence found",
        "plugin crowd37 (zoo-crowd37 1) is broken: unknown hook 'zoo_cels'; did you mean 'zoo_cells'?",
        "plugin crowd47 (zoo-crowd47 1) is broken: zoo_cells must return CellType records, not str",
    ]


def test_a_process_that_waited_for_a_core_is_disturbed() -> None:
    from zoo.bench.rounds import Run

    assert not Run(1.0, 0.9).disturbed
    assert Run(1.0, 0.8).disturbed


def test_a_command_that_fails_is_no_figure(tmp_path: Path) -> None:
    import os

    from zoo.bench.processes import time_process
    from zoo.errors import ZooError

    run = time_process(["-c", "x = sum(range(3_000_000))"], folder=tmp_path, environment=os.environ)
    assert 0 < run.busy <= run.seconds * 1.1
    with pytest.raises(ZooError, match=r"ended with 3: said why$"):
        time_process(
            ["-c", "import sys; print('said why', file=sys.stderr); sys.exit(3)"],
            folder=tmp_path,
            environment=os.environ,
        )


@pytest.mark.long
def test_bench_startup_measures_every_command_beside_its_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo.bench import startup

    monkeypatch.setattr(startup, "VALIDATED", 20)
    monkeypatch.setattr(startup, "PATIENCE", 0)
    found = startup.measure(1).to_json()
    assert found["rounds"] == 1
    assert [(row["command"], row["unit"], row["goal"]) for row in found["results"]] == [
        ("zoo list", "times", 1.5),
        ("zoo list, 300 specs", "times", 1.5),
        ("zoo list, 50 plugins", "times", 1.5),
        ("zoo --help", "times", 1.5),
        ("zoo plugins", "times", 1.5),
        ("zoo summary specs/lstm.yaml", "times", 1.25),
        ("zoo validate thousand", "seconds more", 0.5),
        ("zoo validate full", "seconds more", 0.75),
    ]
    for row in found["results"]:
        assert row["met"] == (row["figure"]["median"] <= row["goal"])
        assert 0 < row["seconds"]["median"] < 60
    assert json.loads(json.dumps(found))["machine"].endswith("cores")


def test_bench_startup_prints_a_table_or_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from zoo.bench import startup
    from zoo.bench.rounds import Spread
    from zoo.cli import bench

    result = startup.Result("zoo list", "its imports", "times", 1.5, *[Spread(1.0, 2.0, 3.0)] * 3)
    monkeypatch.setattr(startup, "measure", lambda rounds, progress: startup.Measurement((result,), rounds, 4, 1))
    bench.startup(rounds=7)
    lines = capsys.readouterr().out.splitlines()
    assert re.split(r"  +", lines[1]) == [
        "zoo list", "2.000", "its imports", "2.000", "2.00×", "1.00 to 3.00", "1.5×", "no",
    ]  # fmt: skip
    assert lines[2].startswith("medians of 7 interleaved rounds; Python 3.")
    assert lines[3] == "discarded, since another process took the cores: 4 rounds"
    assert lines[4] == "the machine was never quiet: 1 of the rounds shown were disturbed"
    bench.startup(rounds=7, as_json=True)
    data = json.loads(capsys.readouterr().out)
    assert (data["thrown_away"], data["kept_disturbed"]) == (4, 1)
    assert data["results"][0]["figure"] == {"low": 1.0, "median": 2.0, "high": 3.0}
