"""The generated pages are what the code says, and the public names are what the docs list."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import zoo
from zoo.plugin.manager import isolated
from zoo.spec.model import DropoutEntry, ExpectEntry, RecurrentEntry, SpecFile
from zoo.spec.schema import KINDS

ROOT = Path(__file__).parents[2]
_SPEC = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
assert _SPEC is not None
assert _SPEC.loader is not None
generate = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(generate)


@pytest.mark.parametrize("path", generate.pages(), ids=lambda path: path.name)
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


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert _lost(page, page.read_text(encoding="utf-8")) == []


def test_a_link_that_leads_nowhere_is_found() -> None:
    text = "## One Thing: two\n[a](#one-thing-two) [b](#one) [c](docs/none.md) [d](docs/format.md#dropout) [e](LICENSE)"
    assert _lost(ROOT / "README.md", text) == ["#one", "docs/none.md#"]


def test_every_page_is_linked_from_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for page in PAGES[1:]:
        assert f"({page.relative_to(ROOT)})" in text
