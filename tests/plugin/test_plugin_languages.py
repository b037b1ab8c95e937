"""Languages of plugins: `zoo new spec --from-NAME LINE` writes what a line says, or one line on why not."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from each import each

import zoo
from zoo.cli.main import main
from zoo.plugin.manager import catalogue, given, isolated, using

Said = tuple[int, str, str]


def read(line: str) -> zoo.Translated:
    """Numbers with a plus between them: an input, and the units of each layer."""
    if line == "break":
        raise RuntimeError("no such\nthing")
    if line == "forget":
        return zoo.Translated({"input": 3, "cell": "gru"})
    if "-" in line:
        at = line.index("-")
        raise zoo.LineError("there is no minus", at, at + 1)
    first, *others = (int(number) for number in line.split("+"))
    layers = [{"cell": "gru", "hidden_size": size} for size in others]
    return zoo.Translated({"input": first, "layers": layers}, ("a remark",))


@pytest.fixture(autouse=True)
def _a_plugin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    module = types.ModuleType("language_for_tests")
    module.read = read  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "language_for_tests", module)
    monkeypatch.chdir(tmp_path)

    @zoo.hookimpl
    def zoo_languages() -> list[zoo.LanguageType]:
        return [zoo.LanguageType(name=name, read="language_for_tests:read", summary="Sums.") for name in ("sum", "b")]

    holder = types.ModuleType("zoo_sum")
    holder.zoo_languages = zoo_languages  # type: ignore[attr-defined]
    with using(isolated(given(holder, distribution="zoo-sum"))):
        yield


@pytest.fixture
def new(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["zoo", "new", "spec", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0), *capsys.readouterr()

    return run


def test_a_line_becomes_a_spec(new: Callable[..., Said]) -> None:
    status, out, err = new("mine", "--from-sum", "3+4+5")
    assert (status, out, err) == (0, "wrote mine.yaml; look at it with: zoo summary mine.yaml\n", "")
    text = Path("mine.yaml").read_text(encoding="utf-8")
    assert text.startswith("# sum: 3+4+5\n# a remark\nschema: 1\nname: mine\n")
    layers = [{"cell": "gru", "hidden_size": 4}, {"cell": "gru", "hidden_size": 5}]
    assert yaml.safe_load(text) == {"schema": 1, "name": "mine", "input": 3, "layers": layers}
    assert zoo.describe(zoo.load("mine.yaml")).parameters == 3 * (4 * (3 + 4 + 2)) + 3 * (5 * (4 + 5 + 2))
    assert new("--from-sum", "3+4")[1] == "wrote sum.yaml; look at it with: zoo summary sum.yaml\n"


@each(
    ("arguments", "says"),
    [
        (["m", "--from-sum", "3-4"], "zoo: --from-sum: character 2 in '-': there is no minus"),
        (["m", "--from-sum", "break"], "zoo: --from-sum: its reader (zoo-sum 0) failed with RuntimeError: no such thing"),
        (["m", "--from-sum", "forget"], "zoo: --from-sum: a spec cannot say that: missing key 'hidden_size'"),
        (["m", "--from-sum", "3+0"], "zoo: --from-sum: a spec cannot say that: 'hidden_size' must be at least 1, not 0"),
        (["m", "--from-sum", "1" * 10001], "zoo: --from-sum: a line has at most 10,000 characters, not 10,001"),
        (["M m", "--from-sum", "3+4"], "zoo: 'M m' cannot be a spec's name: use lower case letters, digits, '.', '_' and '-'"),
        (["m", "--from-sum", "3+4", "--from-b", "3+4"], "zoo: --from-b and --from-sum cannot be given together"),
        (["m", "--from-sum", "3+4", "--cell", "gru"], "zoo: --cell cannot be given beside --from-sum: the line says the cells"),
        (["m", "--from-sun", "3+4"], "zoo: no such option '--from-sun'; did you mean '--from-sum'? (see `zoo new spec --help`)"),
        ([], "zoo: missing argument 'NAME' (see `zoo new spec --help`)"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_line_and_nothing_is_written(
    new: Callable[..., Said], arguments: list[str], says: str
) -> None:
    status, out, err = new(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith(says)
    assert err.count("\n") == 1
    assert not list(Path().iterdir())


def test_an_existing_file_is_left_as_it_is(new: Callable[..., Said]) -> None:
    Path("m.yaml").write_text("mine", encoding="utf-8")
    assert new("m", "--from-sum", "3+4")[2] == "zoo: m.yaml exists already and is left as it is; choose another name\n"
    assert Path("m.yaml").read_text(encoding="utf-8") == "mine"


def test_help_and_the_list_of_plugins_show_languages(new: Callable[..., Said]) -> None:
    assert "--from-sum" in new("--help")[1]
    (plugin,) = [one for one in catalogue().plugins if one.distribution == "zoo-sum"]
    assert plugin.provides == {"language": ("b", "sum")}


@each(
    ("keys", "says"),
    [
        ({"name": "A b", "read": "a:b"}, "LanguageType 'A b': a name is lower case letters, digits and '-'"),
        ({"name": "a", "read": "a"}, "LanguageType 'a': read must be a string 'module:attribute', not 'a'"),
    ],
)
def test_a_record_that_cannot_work_is_refused(keys: dict[str, str], says: str) -> None:
    with pytest.raises(zoo.PluginError, match=f"^{says}$"):
        zoo.LanguageType(**keys)
