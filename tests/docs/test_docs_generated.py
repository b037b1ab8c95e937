"""The generated pages are what the code says, and the public names are what the docs list."""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from each import each

import zoo
import zoo.testing
from zoo.checks.records import CHECKS
from zoo.components import ComponentType
from zoo.plugin import hookspecs
from zoo.plugin.manager import isolated
from zoo.spec.file import ExpectEntry, SpecFile
from zoo.spec.model import RecurrentEntry
from zoo.spec.rates import DropoutEntry
from zoo.spec.schema import KINDS
from zoo.testing import pytest_plugin

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "docs"))  # as for `python docs/generate.py`
_SPEC = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
assert _SPEC is not None
assert _SPEC.loader is not None
generate = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(generate)
docstrings = importlib.import_module("docstrings")


@each("path", generate.pages(), ids=lambda path: path.name)
def test_a_generated_page_is_what_the_code_says(path: Path) -> None:
    mend = "run: python docs/generate.py"
    assert path.read_text(encoding="utf-8") == generate.pages()[path], mend


def test_the_template_has_no_place_left_over() -> None:
    for path, text in generate.pages().items():
        if path.suffix == ".md":
            assert "{{" not in text, path.name


def test_what_a_key_left_out_means_is_what_the_canonical_form_says() -> None:
    spec = zoo.load({"schema": 1, "name": "a", "input": 1, "cell": "rnn", "hidden_size": 1})
    (layer,) = spec.recurrent
    said = {key: text.strip("`") for key, text in generate.LEFT_OUT.items()}
    assert said.pop("architecture") == spec.architecture.record.name
    assert said.pop("init") == layer.init.record.name == spec.init.record.name
    assert (said.pop("norm"), layer.norm) == ("none", None)
    assert (said.pop("head"), spec.head) == ("none", None)
    assert (said.pop("heads"), spec.heads) == ("none", ())
    assert (said.pop("dropout"), layer.dropout) == ("0", type(layer.dropout)())
    assert said == {"cell": "", "hidden_size": ""}
    for key in said:
        whole = {"schema": 1, "name": "a", "input": 1, "cell": "rnn", "hidden_size": 1}
        del whole[key]
        with pytest.raises(zoo.SpecError, match=f"missing key '{key}'"):
            zoo.load(whole)


def test_the_format_page_has_every_key_and_every_component() -> None:
    page = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")
    for model in (SpecFile, RecurrentEntry, DropoutEntry, ExpectEntry):
        for name, field in model.model_fields.items():
            assert f"\n| `{field.alias or name}` | " in page
    for kind in KINDS:
        for provided in isolated().all(kind):
            assert f"\n### {kind} `{provided.record.name}`\n" in page


def test_the_docs_list_exactly_the_public_names() -> None:
    listed = re.findall(r"^- `zoo\.(\w+)", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(zoo.__all__)
    assert sorted(dir(zoo)) == sorted(zoo.__all__)
    for name in zoo.__all__:
        assert getattr(zoo, name).__doc__, f"zoo.{name} has no docstring"


REFERENCE = (ROOT / "docs" / "plugins" / "reference.md").read_text(encoding="utf-8")
PLUGIN_PACKAGES = ("zoo.components", "zoo.engine", "zoo.inputs", "zoo.checks.subject", "zoo.model")
"""Where what a plugin makes, is given or derives from is written; other public classes are results of calls."""


def _of_plugins() -> list[tuple[str, type]]:
    members = [(f"zoo.{name}", getattr(zoo, name)) for name in zoo.__all__]
    return [(name, one) for name, one in members if inspect.isclass(one) and one.__module__.startswith(PLUGIN_PACKAGES)]


def _missing(page: str) -> list[str]:
    """What the page for plugins leaves out, by the names that the code has."""
    parts = {title.strip("`"): body for title, body in re.findall(r"^#+ (.*)\n((?:(?!#+ ).*\n?)*)", page, re.MULTILINE)}
    every = parts.get("What every component's record says", "")
    found = [f"hook {name}" for name in vars(hookspecs) if name.startswith("zoo_") and name not in parts]
    for name, one in _of_plugins():
        if name == "zoo.Skip":  # in the text of zoo.CheckType
            continue
        if name not in parts:
            found.append(name)
        body = parts.get(name, "") + (every if issubclass(one, ComponentType) else "")
        fields = [each.name for each in dataclasses.fields(one)] if dataclasses.is_dataclass(one) else None
        for field in fields or getattr(one, "_fields", None) or inspect.get_annotations(one):
            row = rf"^\| `{field}` \| `.+` \| .+ \| \S.* \|$"  # name, type, default and a meaning that is not empty
            if not (field.startswith("_") or re.search(row, body, re.MULTILINE)):
                found.append(f"{name}.{field}")
        for member, function in vars(one).items():
            public = inspect.isfunction(function) and not member.startswith("_")
            if public and not issubclass(one, ComponentType) and f"- `{member}(" not in body:
                found.append(f"{name}.{member}()")
    for name in zoo.testing.__all__:
        member, body = getattr(zoo.testing, name), parts.get(f"zoo.testing.{name}")
        if body is None:
            found.append(f"zoo.testing.{name}")
        elif not inspect.isclass(member):
            for argument in inspect.signature(member).parameters:
                if not re.search(rf"^- (`\w+`, )*`{argument}`(, `\w+`)*: \S", body, re.MULTILINE):
                    found.append(f"zoo.testing.{name}({argument})")
    source = inspect.getsource(pytest_plugin.pytest_addoption)
    found += [
        one for one in re.findall(r'"(--[\w-]+)"', source) if f"- `{one} " not in parts.get("Options of pytest", "")
    ]
    checks = parts.get("Checks", "")
    found += [f"check {one.name}" for one in CHECKS if f"| `{one.name}` | {one.summary} | " not in checks]
    return found + [
        f"zoo.{mark}" for mark in ("Width", "Count", "Vocabulary", "hookimpl") if f"zoo.{mark}`" not in page
    ]


def test_the_reference_for_plugins_leaves_nothing_out() -> None:
    assert _missing(REFERENCE) == []


@each(
    ("line", "missing"),
    [
        ("### `zoo_norms`", "hook zoo_norms"),
        ("### `zoo.Role`", "zoo.Role"),
        ("| `causal` |", "zoo.Traits.causal"),
        ("| `paper` |", "zoo.CellType.paper"),
        ("| `zoneout` |", "zoo.CellType.zoneout"),
        ("| `run` |", "zoo.CheckType.run"),
        ("| `dt` |", "zoo.Context.dt"),
        ("| `final` |", "zoo.LayerOutput.final"),
        ("| `window` |", "zoo.Cell.window"),
        ("- `step(", "zoo.Cell.step()"),
        ("### `zoo.testing.planted`", "zoo.testing.planted"),
        ("- `where`", "zoo.testing.planted(where)"),
        ("- `steps`", "zoo.testing.assert_matches_reference(steps)"),
        ("- `--zoo-check ", "--zoo-check"),
        ("| `chunked` |", "check chunked"),
        ("- `zoo.Count`", "zoo.Count"),
        ("### `zoo.StackType`", "zoo.StackType"),
        ("### `zoo.LayerList`", "zoo.LayerList"),
        ("- `example_arguments(", "zoo.Model.example_arguments()"),
    ],
)
def test_what_the_reference_leaves_out_is_found(line: str, missing: str) -> None:
    page = "".join(each for each in REFERENCE.splitlines(keepends=True) if not each.startswith(line))
    assert page != REFERENCE
    assert missing in _missing(page)


def test_a_field_without_a_meaning_is_found() -> None:
    page, count = re.subn(r"^(\| `causal` \|.*\|).*\|$", r"\1  |", REFERENCE, flags=re.MULTILINE)
    assert (count, _missing(page)) == (1, ["zoo.Traits.causal"])


def test_a_docstring_is_read_section_by_section() -> None:
    said = docstrings.read(
        "Do: this.\n\nAnd that.\n\nArgs:\n    x: Input, of\n        two lines.\n    **more: Others.\n\n"
        "Attributes:\n    a: One.\n\nReturns:\n    What comes\n    back.\n\nRaises:\n    InputError: If not.\n"
        "    ZooError: If ever.\n\nExample:\n    >>> 1 + 1\n    2\n\nAfter all."
    )
    assert said == docstrings.Said(
        summary="Do: this.",
        text="Do: this. And that. After all.",
        args={"x": "Input, of two lines.", "more": "Others."},
        attributes={"a": "One."},
        returns="What comes back.",
        raises=(("InputError", "If not."), ("ZooError", "If ever.")),
        examples=(">>> 1 + 1\n2",),
    )
    assert docstrings.read("Each.\n\nYields:\n    One row\n    of two.").yields == "One row of two."
    with pytest.raises(ValueError, match="no page shows: warns"):
        docstrings.read("Do.\n\nWarns:\n    UserWarning: If so.")


def test_what_pages_say_comes_from_docstrings_and_signatures() -> None:
    assert docstrings.meaning(zoo.StateSpec, "initial_value") == "Of all its numbers, where it is not learned."
    assert docstrings.meaning(zoo.PoolType, "name") == "As written in a spec, in lower case."  # of the class above
    assert docstrings.meaning(zoo.PoolType, "build") == '"module:attribute" of `(options, input_shape) -> Module`.'
    assert docstrings.meaning(zoo.CheckType, "run").startswith('"module:attribute" of `(subject) -> str \\| None`.')
    assert docstrings.meaning(zoo.Report, "ok") == "Whether no check failed and at least one passed."
    assert docstrings.below("zoo.components", "Vocabulary") == "A number of symbols."
    assert docstrings.below("zoo.components", "CellType") == docstrings.below("zoo.components", "nothing") == ""
    assert docstrings.alias("zoo.components", "Shape") == ("tuple[int, ...]", "")
    engines = "Literal['auto', 'fused', 'linear', 'loop', 'compile', 'scan']"
    assert docstrings.alias("zoo.engine.recurrence", "Engine") == (engines, "")  # written in zoo.engine.names
    assert docstrings.signature(zoo.testing.tiny_spec).startswith(
        "(cell: CellLike, *, input: Any = 5, hidden_size: int"
    )


def test_importing_zoo_imports_neither_torch_nor_pydantic() -> None:
    code = "import sys, zoo; print([m for m in ('torch', 'pydantic', 'numpy') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'zoo' has no attribute 'lstm'"):
        _ = zoo.lstm


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _lost(page: Path, text: str) -> list[str]:
    """Links to files or headings that are not there."""
    found = []
    for target, _, anchor in (link.partition("#") for link in re.findall(r"\]\(([^)\s]+)\)", text)):
        if target.startswith("http"):
            continue
        file = page.parent / target if target else page
        if not file.exists() or (anchor and anchor not in _anchors(text if not target else file.read_text("utf-8"))):
            found.append(f"{target}#{anchor}")
    return found


def _anchors(text: str) -> set[str]:
    """Headings as links name them: lower case, spaces as dashes, other signs left out."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


OTHERS = [ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", ".github/CODE_OF_CONDUCT.md")]


@each("page", [*PAGES, *OTHERS], ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert _lost(page, page.read_text(encoding="utf-8")) == []


def test_a_link_that_leads_nowhere_is_found() -> None:
    text = "## One Thing: two\n[a](#one-thing-two) [b](#one) [c](docs/none.md) [d](docs/format.md#dropout) [e](LICENSE)"
    assert _lost(ROOT / "README.md", text) == ["#one", "docs/none.md#"]


def test_every_page_is_linked_from_the_readme_or_from_the_index_of_its_folder() -> None:
    for page in PAGES[1:]:
        indexes = {ROOT / "README.md", page.parent / "README.md"} - {page}
        texts = {index: index.read_text(encoding="utf-8") for index in indexes if index.exists()}
        assert any(f"({page.relative_to(index.parent)})" in text for index, text in texts.items()), page
