"""The generated pages are what the code says, and the public names are what the docs list."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import zoo

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


def test_links_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
