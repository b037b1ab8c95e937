"""Nothing from outside is obeyed by a terminal or stops a command: texts, encodings, pipes, others' distributions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from each import each
from running import ROOT, python
from test_cli import in_terminal

from zoo.cli.output import alone, guarded, table, write, write_json
from zoo.cli.streams import Safe, fitted
from zoo.errors import Diagnostic, SpecError, ZooError, clean, one_line

TITLE = "\x1b]0;owned\x07"
HOSTILE = f"{TITLE}\x1b[31m\x9b2J\x7f\u202edrow\u2066\x00"
SPEC = "schema: 1\nname: mine\ninput: 10\ncell: lstm\nhidden_size: 20\n"
OBEYED = [
    chr(code) for code in (*range(9), *range(11, 32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
]


def obeyed(text: str) -> list[str]:
    return [character for character in OBEYED if character in text]


# Texts


def test_what_a_terminal_obeys_becomes_an_escape() -> None:
    assert clean("a\x1b]0;x\x07b\n\tc") == "a\\x1b]0;x\\x07b\n\tc"
    assert clean("\u202e\u2066\x9b\udcff\r") == "\\u202e\\u2066\\x9b\\udcff\\r"
    assert one_line("a\nb\tc") == "a\\nb\\tc"
    assert clean("größe 模型 😀 ─ \u200f") == "größe 模型 😀 ─ \u200f"
    for character in OBEYED:
        assert clean(character) == character.encode("unicode_escape").decode()


def test_errors_are_safe_to_print_wherever_they_are_printed() -> None:
    assert obeyed(str(ZooError(HOSTILE))) == []
    assert ZooError(HOSTILE).args == (HOSTILE,)
    found = Diagnostic(f"{HOSTILE}\n.yaml", 3, 1, f"{HOSTILE}\nsecond", "code", HOSTILE + "x")
    assert obeyed(str(SpecError([found]))) == []
    assert str(found).count("\n") == 2


def test_the_streams_let_nothing_through(capsys: pytest.CaptureFixture[str]) -> None:
    write(HOSTILE)
    table((HOSTILE, "b"), [("[bold]x[/bold]\ny", HOSTILE)])
    write_json({"a": HOSTILE})
    with guarded():
        sys.stdout.write(HOSTILE)
        sys.stderr.write("\x1b[1mbold\x1b[0m \x1b]8;;http://x\x07link" + HOSTILE)
    out, err = capsys.readouterr()
    assert set(obeyed(out)) == {"\x1b"}  # while options are parsed, colours may pass, and nothing else does
    assert obeyed(out[: out.index("}")]) == []
    assert "[bold]x[/bold]\\ny" in out
    start = out.index("{")
    assert json.loads(out[start : out.index("}") + 1]) == {"a": HOSTILE}
    assert err.startswith("\x1b[1mbold\x1b[0m \\x1b]8;;")
    assert set(obeyed(err)) == {"\x1b"}  # of the two that draw, and of the colour


def test_while_a_command_runs_standard_output_is_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    def command() -> int:
        sys.stdout.write(f"noise {HOSTILE}\n")
        write("answer")
        return 3

    assert alone(command)() == 3
    out, err = capfd.readouterr()
    assert out == "answer\n"
    assert err.startswith("noise \\x1b]0;owned")
    assert obeyed(err) == []


def test_markup_in_a_table_on_a_terminal_is_what_it_says(tmp_path: Path) -> None:
    code = (
        "import sys, zoo.cli.output as o\n"
        "o.table(('name', 'what'), [('[bold]a[/]', '[link=http://x]y :smile:'), ('\\x1b]0;x\\x07', 'z\\\\')])\n"
    )
    leader = in_terminal_code(code, tmp_path)
    assert "[bold]a[/]" in leader
    assert "[link=http://x]y :smile:" in leader
    assert "\x07" not in leader
    assert "\\x1b]0;x\\x07" in leader


def in_terminal_code(code: str, cwd: Path) -> str:
    (cwd / "zoo_run.py").write_text(code)
    import pty

    leader, follower = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": "120"}
    process = subprocess.Popen(
        [sys.executable, str(cwd / "zoo_run.py")],
        cwd=cwd,
        env=environment,
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    seen = b""
    while True:
        try:
            chunk = os.read(leader, 65536)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    os.close(leader)
    assert process.wait(60) == 0, seen
    return seen.decode()


SITE = {
    "exception": f"raise ValueError({HOSTILE!r})",
    "warning": f"import warnings\nwarnings.warn({HOSTILE!r})",
    "printing": f"import os\nprint({HOSTILE!r})\nos.write(1, b'clamour')\nimport atexit; atexit.register(print, 'clamour')",
    "summary": (
        "import zoo\n@zoo.hookimpl\ndef zoo_cells():\n"
        f"    return [zoo.CellType(name='evil', build='a:b', summary={HOSTILE!r}, describe='zoo_summary:d')]\n"
        f"def d(*args):\n    print('clamour')\n    raise ValueError({HOSTILE!r})\n"
    ),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Plugins that say what a terminal would obey, and distributions that are damaged, in one folder."""
    site = tmp_path_factory.mktemp("site")
    for name, text in SITE.items():
        (site / f"zoo_{name}.py").write_text(text, encoding="utf-8")
        install(site, f"zoo-{name}", f"[zoo.plugins]\n{name} = zoo_{name}\n", version=f"1{TITLE}")
    install(site, "zoo-named", f"[zoo.plugins]\nna{TITLE}med = zoo_nowhere{TITLE}\n")
    install(site, f"zoo-{TITLE}", "[zoo.plugins]\nother = zoo_nowhere\n", folder="zoo_other")
    install(site, "malformed", "nonsense without an equals sign\n[zoo.plugins]\nx y\n[torch.backends]\nz\n")
    install(site, "latin", b"\xff\xfe[pydantic]\n")
    install(site, "backend", "[torch.backends]\nno = such_module_at_all\n")
    os.mkfifo(install(site, "fifo", None) / "entry_points.txt")
    (site / "nameless.dist-info").mkdir()
    (site / "nameless.dist-info" / "entry_points.txt").write_text("[torch.backends]\nx = such_module\n")
    (site / "a_file-1.0.dist-info").touch()
    return site


def install(site: Path, name: str, points: str | bytes | None, version: str = "1", folder: str = "") -> Path:
    info = site / f"{folder or name.replace('-', '_')}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    if points is not None:
        (info / "entry_points.txt").write_bytes(points if isinstance(points, bytes) else points.encode())
    return info


def zoo(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, path: Path = ROOT
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "zoo", *arguments], cwd=cwd, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(path), str(ROOT)]), **(env or {})},
    )  # fmt: skip


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with a good spec, a wrong one, and one whose name a terminal would obey."""
    (tmp_path / "good.yaml").write_text(SPEC + "description: σ(W x) → größer 😀\n")
    (tmp_path / "wrong.yaml").write_text(SPEC + "hidden_sise: 1\nώ: 1\n")
    (tmp_path / f"a{TITLE}\nb.yaml").write_text(SPEC + "x: 1\n")
    return tmp_path


@each(
    ("arguments", "status"),
    [
        (["plugins"], 0), (["plugins", "--json"], 0), (["components", "--kind", "cell"], 0), (["plugins", "--traceback", "exception"], 0),
        (["validate", "."], 2), (["validate", ".", "--format", "github"], 2), (["validate", f"no{TITLE}.yaml"], 2),
        (["show", f"no{TITLE}"], 2), (["list", f"--{TITLE}"], 2), ([f"no{TITLE}"], 2), (["list", "lstm", "--json"], 0),
        (["summary", "good.yaml"], 0),
    ],
)  # fmt: skip
def test_no_command_prints_what_a_terminal_obeys_and_none_is_stopped(
    arguments: list[str], status: int, site: Path, work: Path
) -> None:
    done = zoo(*arguments, cwd=work, path=site)
    out, err = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == status, err
    assert obeyed(out + err) == []
    assert "Traceback" not in err
    if "--json" in arguments:
        json.loads(out)
    assert "clamour" not in out


def test_a_wrong_use_on_a_terminal_shows_its_words_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(AssertionError) as shown:  # it ends with 2, and the helper wants 0
        in_terminal("list", f"--x{TITLE}\x1b[8m", cwd=tmp_path)
    assert "\\\\x1b]0;owned" in str(shown.value) or "\\x1b]0;owned" in str(shown.value)
    assert "\x07" not in str(shown.value)


# Encodings

COMMANDS = [
    ["list"], ["show", "good.yaml"], ["show", "good.yaml", "--resolved"], ["validate", "wrong.yaml"], ["diff", "good.yaml", "gru"], ["components"],
    ["components", "--kind", "cell"], ["plugins"], ["schema"], ["summary", "good.yaml"], ["new", "spec", "mine"], ["--help"], ["list", "--help"],
    ["list", "--json"], ["test", "good.yaml", "--check", "shapes"], ["nonsense→"],
]  # fmt: skip
LIKE_OTHERS = [
    ["components"],
    ["plugins"],
    ["list", "--help"],
    ["show", "good.yaml"],
    ["test", "good.yaml", "--check", "shapes"],
    ["diff", "good.yaml", "gru"],
]
"""Commands that only the long run tries."""
STATUS = {"validate": 2, "nonsense→": 2, "diff": 1}
ENCODINGS = ["cp1252", "ascii", "latin-1", "cp437"]


@each("command", [each for each in COMMANDS if each not in LIKE_OTHERS], ids=" ".join)
def test_no_encoding_of_the_output_stops_a_command(command: list[str], work: Path) -> None:
    encoding = ENCODINGS[COMMANDS.index(command) % len(ENCODINGS)]
    done = zoo(*command, cwd=work, env={"PYTHONIOENCODING": encoding})
    assert done.returncode == STATUS.get(command[0], 0), done.stderr
    assert b"Error" not in done.stderr.replace(b"- Error", b"").replace(b" Error ", b"")
    assert b"Traceback" not in done.stderr
    text = done.stdout.decode(encoding)
    if "--json" in command or command == ["schema"]:
        json.loads(text)
    if command[0] == "summary":
        assert (
            "|-Features (input): 1-1" in text
            if encoding in ("ascii", "latin-1", "cp1252")
            else "├─Features (input)" in text
        )


@pytest.mark.long
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_encoding_with_every_command(command: list[str], encoding: str, work: Path) -> None:
    done = zoo(*command, cwd=work, env={"PYTHONIOENCODING": encoding})
    assert done.returncode == STATUS.get(command[0], 0), done.stderr
    assert b"Traceback" not in done.stderr
    done.stdout.decode(encoding)


def test_what_an_encoding_lacks_is_drawn_with_what_it_has() -> None:
    assert fitted("├─a → σ é…", "cp1252") == "|-a -> \\u03c3 é…"
    assert fitted("├─a → σ é…", "ascii") == "|-a -> \\u03c3 \\xe9..."


# Pipes


@each(
    ("arguments", "status", "unbuffered"),
    [(["validate", "many.yaml"], 2, ""), (["validate", "many.yaml"], 2, "1"), (["list"], 0, "1"), (["--help"], 0, "")],
)
def test_a_reader_that_leaves_does_not_change_the_status(
    arguments: list[str], status: int, unbuffered: str, tmp_path: Path
) -> None:
    (tmp_path / "many.yaml").write_text(SPEC + "".join(f"hidden_sise{i}: 1\n" for i in range(500)))
    read, end = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "zoo", *arguments], cwd=tmp_path, stdout=end, stderr=subprocess.PIPE, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": unbuffered},
    )  # fmt: skip
    os.close(end)
    assert (done.returncode, done.stderr) == (status, "")


def test_a_stream_without_a_reader_swallows_the_rest() -> None:
    read, end = os.pipe()
    os.close(read)
    with os.fdopen(end, "w", encoding="utf-8") as stream:
        safe = Safe(stream)
        for _ in range(3):
            safe.write("x" * 100_000)
            safe.flush()


# Memory and mistakes of our own


def test_no_memory_is_one_line(tmp_path: Path) -> None:
    code = (
        "import sys, zoo.spec.library as l\nfrom zoo.cli.main import main\n"
        "def no(*_, **__): raise {error}\nl.load = no\nsys.argv = ['zoo', 'show', 'lstm', '--json']\nmain()\n"
    )
    for error in ("MemoryError", "RuntimeError('DefaultCPUAllocator: can\\'t allocate memory: you tried')"):
        done = python("-c", code.format(error=error), cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("zoo: not enough memory")
        assert done.stderr.count("\n") == 1


def test_an_error_nobody_foresaw_is_shown_clean(tmp_path: Path) -> None:
    code = (
        "import sys, zoo.spec.library as l\nfrom zoo.cli.main import main\n"
        f"def no(*_, **__): raise KeyError({HOSTILE!r} + 'y')\nl.load = no\nsys.argv = ['zoo', 'show', 'lstm', '--json']\nmain()\n"
    )
    done = python("-c", code, cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert obeyed(done.stderr) == []


def test_the_option_root_confines_a_command(tmp_path: Path) -> None:
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.yaml").write_text(SPEC)
    (tmp_path / "in" / "b.yaml").write_text("schema: 1\nname: b\nextends: ../out/a.yaml\n")
    good = zoo("--root", "in", "validate", "in/a.yaml", "lstm", cwd=tmp_path)
    assert (good.returncode, good.stdout) == (0, b"2 specs valid\n")
    for arguments in (["--root", "in", "validate", "in"], ["--root", "in", "summary", "out/a.yaml"]):
        done = zoo(*arguments, cwd=tmp_path)
        assert done.returncode == 2
        assert b"to which specs are confined" in done.stdout + done.stderr
