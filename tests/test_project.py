"""What the files for contributors, users and releases say is so: commands, paths, versions, workflows, forms."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer.main
import yaml
from each import each
from running import ROOT, must_run, run

from zoo.cli.main import app

GITHUB = ROOT / ".github"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
TOLD = [
    CONTRIBUTING,
    ROOT / "SECURITY.md",
    ROOT / "CITATION.cff",
    GITHUB / "PULL_REQUEST_TEMPLATE.md",
    *FORMS,
    *WORKFLOWS,
]
TOP = {
    *("zoo", "specs", "plugins", "tests", "docs", "pyproject.toml", "README.md", "LICENSE", "Makefile"),
    *("constraints.txt", "CHANGELOG.md", "CONTRIBUTING.md", "CITATION.cff", "SECURITY.md"),
}
"""What may stand at the top beside names with a dot in front."""
MADE = {"build", "dist", "__pycache__", "PKG-INFO"}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _yaml(path: Path) -> Any:
    return yaml.safe_load(_text(path))


def _project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads(_text(ROOT / "pyproject.toml"))["project"]
    return found


# Commands and paths that a text names.


def _lost(text: str) -> list[str]:
    """What a text names and is not there: targets of make, commands of zoo, files and folders."""
    targets = set(re.findall(r"^([\w-]+):", _text(ROOT / "Makefile"), re.MULTILINE))
    found = [
        f"make {name}" for name in re.findall(r"\bmake (?:[A-Z]+=\S+ )*([a-z-]+)", _code(text)) if name not in targets
    ]
    commands = set(_commands(typer.main.get_command(app)))
    for words in re.findall(r"(?:^|[`$] ?|/)zoo ((?:[a-z]+ ?)+)", _code(text), re.MULTILINE):
        first, *rest = words.split()
        if first not in commands and f"{first} {(rest or [''])[0]}" not in commands:
            found.append(f"zoo {words.strip()}")
    return found + [path for path in _paths(text) if not (ROOT / path).exists()]


def _code(text: str) -> str:
    """Blocks of code and what stands between backticks, each on a line of its own."""
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`[^`\n]+`", re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL))
    runs = re.findall(r"^ *(?:- )?run: (.*)$", text, re.MULTILINE)
    return "\n".join((*blocks, *inline, *runs))


def _commands(command: Any, above: str = "") -> Iterator[str]:
    """Every command that does something: a group of commands is none."""
    for name, inner in getattr(command, "commands", {}).items():
        if not hasattr(inner, "commands"):
            yield f"{above}{name}"
        yield from _commands(inner, f"{above}{name} ")


def _paths(text: str) -> list[str]:
    """Whatever looks like a path from the top: it begins with something that may stand there, and a slash follows."""
    tops = "|".join(re.escape(name) for name in sorted(TOP - {"zoo"}) if "." not in name)
    folders = rf"(?<![\w./-])((?:{tops}|\.ci|\.github)/[\w./-]*[\w/]|zoo/[\w./-]*[\w/])"
    files = r"(?<![\w./-])((?:[A-Z]+\.(?:md|cff)|pyproject\.toml|constraints\.txt))\b"
    return re.findall(folders, text) + re.findall(files, text)


@each("path", TOLD, ids=lambda path: path.name)
def test_every_command_and_path_that_is_named_is_there(path: Path) -> None:
    assert _lost(_text(path)) == []


def test_the_two_commands_and_every_folder_are_explained() -> None:
    text = _text(CONTRIBUTING)
    assert re.findall(r"^make (\w+) ", text, re.MULTILINE) == ["demo", "test"]
    layout = text.partition("## Layout")[2].partition("## ")[0]
    named = set(re.findall(r"`([\w.]+)/`", layout))
    assert named >= {"zoo", "specs", "plugins", "tests", "docs", ".ci", ".github"}
    assert {"Add a spec", "Add a cell", "Add a check"} <= set(re.findall(r"^## (.*)$", text, re.MULTILINE))
    assert len(_paths(text)) > 20, "the paths of this page are not found any more"


@each(
    ("text", "lost"),
    [
        ("Run `make tests`.", ["make tests"]),
        ("```sh\nmake PYTHON=python3.12 unite\n```\n", ["make unite"]),
        ("`zoo tset lstm`, `zoo new cell`, `zoo new plugin NAME`", ["zoo tset lstm", "zoo new cell"]),
        ("in [x](docs/none.md), `zoo/checks/nobody.py`, `tests/api`", ["docs/none.md", "zoo/checks/nobody.py"]),
        ("SECURITY.md, README.md and SUPPORT.md", ["SUPPORT.md"]),
        ("      - run: make all", ["make all"]),
        ("to make all of it", []),
    ],
)
def test_what_is_not_there_is_found(text: str, lost: list[str]) -> None:
    assert _lost(text) == lost


def test_nothing_else_stands_at_the_top() -> None:
    """Of what is committed: beside it, whoever works here may have files of their own."""
    if (ROOT / ".git").exists():
        names = {path.split("/")[0] for path in must_run("git", "ls-files", cwd=ROOT).stdout.splitlines()}
    else:
        names = {path.name for path in ROOT.iterdir()} - MADE
    assert {name for name in names if not name.startswith(".")} == TOP


# The citation and the version.


def test_the_citation_is_that_of_the_package() -> None:
    cited, project = _yaml(ROOT / "CITATION.cff"), _project()
    assert cited["cff-version"] == "1.2.0"
    assert set(cited) == {
        *("cff-version", "message", "type", "title", "abstract", "authors", "version", "license", "keywords"),
    }
    assert cited["type"] == "software"
    assert cited["version"] == project["version"]
    assert cited["license"] == project["license"]
    assert cited["authors"] == project["authors"]
    assert cited["keywords"] == project["keywords"]
    assert cited["title"].startswith(f"{project['name']}:")
    assert isinstance(cited["message"], str)


def test_the_supported_version_is_that_of_the_package() -> None:
    major, minor, *_ = _project()["version"].split(".")
    rows = re.findall(r"^\| ([\d.]+) \| yes \|$", _text(ROOT / "SECURITY.md"), re.MULTILINE)
    assert rows == [f"{major}.{minor}"]


@each(
    ("tag", "change", "said"),
    [
        ("v1.2.3", {}, None),
        ("1.2.3", {}, "the tag is '1.2.3', and the version in pyproject.toml is '1.2.3'"),
        ("v1.2.4", {}, "the tag is 'v1.2.4', and the version in pyproject.toml is '1.2.3'"),
        ("v1.2.3", {"CITATION.cff": "version: 1.2.2\n"}, "CITATION.cff does not say `version: 1.2.3`"),
        ("v1.2.3", {"CHANGELOG.md": "## 1.2.3 (unreleased)\n"}, "CHANGELOG.md does not begin with"),
        ("v1.2.3", {"CHANGELOG.md": "## 1.2.4 (2026-01-02)\n## 1.2.3 (2026-01-02)\n"}, "CHANGELOG.md does not begin"),
    ],
)
def test_only_a_tag_that_is_the_version_is_released(
    tag: str, change: Mapping[str, str], said: str | None, tmp_path: Path
) -> None:
    files = {
        "pyproject.toml": '[project]\nversion = "1.2.3"\n',
        "CITATION.cff": "title: x\nversion: 1.2.3\n",
        "CHANGELOG.md": "# Changes\n\n## 1.2.3 (2026-01-02)\n\n## 1.2.2 (2026-01-01)\n",
        **change,
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "check-tag", tmp_path / ".ci")
    done = run(tmp_path / ".ci" / "check-tag", tag, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0 if said is None else 1, "")
    assert (said or "") in done.stderr
    assert bool(done.stderr) == (said is not None)


# Workflows.


def _steps(workflow: Any) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job.get("steps", ())]


def _workflow(name: str) -> Any:
    return _yaml(GITHUB / "workflows" / name)


@each("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_read_and_nothing_more_and_pins_what_it_uses(path: Path) -> None:
    workflow = _yaml(path)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job.get("permissions", {}) == ({"id-token": "write"} if name == "publish" else {})
        assert "uses" in job or isinstance(job["timeout-minutes"], int)
    used = re.findall(r"uses: (\S+)(.*)$", _text(path), re.MULTILINE)
    assert used
    for name, comment in used:
        if name.startswith("./"):
            assert (ROOT / name).is_file()
        else:  # a tag can be moved to other code, a commit cannot
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", name), name
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), name
    assert "secrets." not in _text(path)
    for step in _steps(workflow):
        if str(step.get("uses")).startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_the_tests_run_on_every_supported_python() -> None:
    workflow = _workflow("tests.yml")
    triggers = workflow[True]  # YAML 1.1 reads `on` as true
    assert set(triggers) == {"push", "pull_request", "workflow_call"}
    (job,) = workflow["jobs"].values()
    versions = job["strategy"]["matrix"]["python"]
    assert versions == ["3.11", "3.12", "3.13"]
    assert _project()["requires-python"] == f">={versions[0]}"
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make test TORCH=cpu"]
    (setup,) = [step["with"] for step in job["steps"] if step.get("uses", "").startswith("actions/setup-python@")]
    assert setup["python-version"] == "${{ matrix.python }}"
    assert setup["cache"] == "pip"
    assert all((ROOT / name).is_file() for name in setup["cache-dependency-path"].split())


def test_a_release_is_tested_checked_built_and_published_in_this_order() -> None:
    workflow = _workflow("release.yml")
    assert workflow[True] == {"push": {"tags": ["v*"]}}
    jobs = workflow["jobs"]
    assert {name: job.get("needs") for name, job in jobs.items()} == {
        "tests": None,
        "build": "tests",
        "publish": "build",
    }
    assert jobs["tests"] == {"uses": "./.github/workflows/tests.yml"}
    commands = [step["run"] for step in jobs["build"]["steps"] if "run" in step]
    assert commands[0] == '.ci/check-tag "$GITHUB_REF_NAME"'
    assert commands[-2:] == ["python -m build --no-isolation", "python -m twine check --strict dist/*"]
    assert jobs["publish"]["environment"] == "pypi"
    assert [step["uses"].partition("@")[0] for step in jobs["publish"]["steps"]] == [
        "actions/download-artifact",
        "pypa/gh-action-pypi-publish",
    ]
    assert not any("run" in step for step in jobs["publish"]["steps"]), "code runs beside the right to publish"


def test_the_actions_are_kept_up_to_date() -> None:
    settings = _yaml(GITHUB / "dependabot.yml")
    assert settings["version"] == 2
    assert [one["package-ecosystem"] for one in settings["updates"]] == ["github-actions"]


# Forms for issues.

TYPES = {"markdown", "textarea", "input", "dropdown", "checkboxes"}


def _wrong(form: Any) -> Iterator[str]:
    """What GitHub would refuse in a form."""
    yield from (f"no {key}" for key in ("name", "description", "body") if not form.get(key))
    yield from (f"unknown key {key}" for key in sorted(set(form) - {"name", "description", "labels", "body"}))
    fields = [one for one in form["body"] if one["type"] != "markdown"]
    if not fields:
        yield "no field"
    ids = [one.get("id") for one in fields]
    if None in ids or len(set(ids)) < len(ids):
        yield "an id that is missing or not the only one"
    for one in form["body"]:
        if one["type"] not in TYPES:
            yield f"unknown type {one['type']}"
        needed = {"markdown": ["value"], "dropdown": ["label", "options"], "checkboxes": ["label", "options"]}
        for key in needed.get(one["type"], ["label"]):
            if not one["attributes"].get(key):
                yield f"{one.get('id', one['type'])} without {key}"
        if one["type"] == "dropdown" and not all(isinstance(each, str) for each in one["attributes"]["options"]):
            yield f"{one['id']}: an option that is no text"
        if one["type"] == "checkboxes" and not all(each.get("label") for each in one["attributes"]["options"]):
            yield f"{one['id']}: an option without a label"


@each("path", FORMS, ids=lambda path: path.name)
def test_a_form_can_be_shown(path: Path) -> None:
    assert list(_wrong(_yaml(path))) == []


def test_there_are_forms_for_bugs_wrong_numbers_and_new_models() -> None:
    assert {path.stem for path in FORMS} == {"bug", "wrong-numbers", "new-model"}
    assert _yaml(GITHUB / "ISSUE_TEMPLATE" / "config.yml") == {"blank_issues_enabled": True}


@each(
    ("change", "said"),
    [
        ({"name": ""}, "no name"),
        ({"title": "x"}, "unknown key title"),
        ({"body": [{"type": "markdown", "attributes": {"value": "x"}}]}, "no field"),
        ({"body": [{"type": "input", "id": "a", "attributes": {}}]}, "a without label"),
        ({"body": [{"type": "text", "id": "a", "attributes": {"label": "x"}}]}, "unknown type text"),
        ({"body": [{"type": "input", "attributes": {"label": "x"}}]}, "an id that is missing or not the only one"),
        (
            {"body": [{"type": "dropdown", "id": "a", "attributes": {"label": "x", "options": [True]}}]},
            "a: an option that is no text",
        ),
        (
            {
                "body": [
                    {"type": "checkboxes", "id": "a", "attributes": {"label": "x", "options": [{"required": True}]}}
                ]
            },
            "a: an option without a label",
        ),
    ],
)
def test_a_form_that_cannot_be_shown_is_found(change: dict[str, Any], said: str) -> None:
    assert list(_wrong({**_yaml(FORMS[0]), **change})) == [said]
