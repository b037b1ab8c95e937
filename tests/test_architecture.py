"""The house as docs/architecture.md draws it: imports go one way, light rooms import no torch, only the CLI prints."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "zoo"
PAGE = ROOT / "docs" / "architecture.md"
FACES = ("__init__", "__main__")
"""What stands outside the house: the public face, which imports anything lazily, and `python -m zoo`."""
LIGHT = (
    "errors",
    "atomic",
    "components",
    "plugin",
    "spec",
    "builtin",
    "scaffold",
    "testing",
    "bench",
    "api",
    "cli",
    *FACES,
)
WRITES_BESIDE_CLI = {"plugin/loading.py", "plugin/containment.py"}
"""One sends what a plugin prints while it is loaded to standard error, the other puts that back if a plugin moved it."""


def _rooms() -> list[set[str]]:
    """The rows of the page's table of rooms, lowest first."""
    table = PAGE.read_text(encoding="utf-8").partition("## Rooms")[2].partition("##")[0]
    rows = re.findall(r"^\| (`[^|]*`) \|", table, re.MULTILINE)
    return [set(re.findall(r"`(\w+)`", row)) for row in rows]


FLOOR = {room: floor for floor, rooms in enumerate(_rooms()) for room in rooms}
FILES = sorted(PACKAGE.rglob("*.py"))
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(tree: ast.Module, *, top: bool = False) -> Iterator[str]:
    """Modules that a file imports: everywhere in it, or only where importing the file imports them."""
    for node in _running(tree) if top else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when a file is imported: no bodies of functions, nothing for type checkers alone."""
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(inner, ast.If) and ast.unparse(inner.test) == "TYPE_CHECKING":
            continue
        yield inner
        yield from _running(inner)


def _wrong_imports(room: str, tree: ast.Module) -> list[str]:
    found = []
    for module in _imports(tree):
        first, *rest = module.split(".")
        if first != "zoo":
            continue
        if not rest and room == "bench":
            continue  # it measures the package as its users have it
        # Elsewhere inside the house `import zoo` would lead everywhere.
        if not rest or FLOOR.get(rest[0], len(FLOOR)) > FLOOR[room]:
            found.append(module)
    return found


def _heavy(tree: ast.Module) -> list[str]:
    return [module for module in _imports(tree, top=True) if module.split(".")[0] in ("torch", "torchinfo", "numpy")]


def _prints(tree: ast.Module) -> list[str]:
    names = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Attribute)]
    return [name for name in names if name in ("print", "sys.stdout", "sys.stderr", "typer.echo")]


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_the_page_has_every_room() -> None:
    assert {_room(path) for path in FILES} == {*FLOOR, *FACES}
    assert sorted(room for rooms in _rooms() for room in rooms) == sorted(FLOOR), "a room stands there twice"
    assert FLOOR["errors"] == 0
    assert FLOOR["cli"] == max(FLOOR.values())
    assert FLOOR["engine"] < FLOOR["spec"] < FLOOR["cells"] < FLOOR["model"] < FLOOR["inspect"] < FLOOR["checks"]


@each_file
def test_a_room_imports_only_itself_and_rooms_above_it_on_the_page(path: Path) -> None:
    if _room(path) not in FACES:
        assert _wrong_imports(_room(path), _parsed(path)) == []


@each_file
def test_light_rooms_import_no_torch(path: Path) -> None:
    if _room(path) in LIGHT or path.name == "options.py" or path == PACKAGE / "checks" / "records.py":
        assert _heavy(_parsed(path)) == []


@each_file
def test_the_faces_of_rooms_are_empty(path: Path) -> None:
    if path.name == "__init__.py" and path.parent not in (PACKAGE, PACKAGE / "testing", PACKAGE / "nn"):
        assert path.read_text(encoding="utf-8") == "", "importing one file of a room must not import the others"


@each_file
def test_a_reference_shares_nothing_with_the_cells(path: Path) -> None:
    if _room(path) == "references":
        modules = {
            module.split(".")[0] for module in _imports(_parsed(path)) if not module.startswith("zoo.references")
        }
        assert modules <= {"__future__", "collections", "typing", "numpy"}


@each_file
def test_only_the_command_line_prints(path: Path) -> None:
    if _room(path) != "cli" and path.relative_to(PACKAGE).as_posix() not in WRITES_BESIDE_CLI:
        assert _prints(_parsed(path)) == []


@pytest.mark.parametrize(
    "module", ["spec.library", "spec.schema", "builtin", "testing", "scaffold.package", "cli.main", "api"]
)
def test_light_rooms_load_without_torch(module: str) -> None:
    code = f"import sys, zoo.{module}; print([m for m in ('torch', 'torchinfo', 'numpy') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout == "[]\n"


# The rules themselves bite.


@pytest.mark.parametrize(
    ("room", "code", "wrong"),
    [
        ("engine", "from zoo.cells import lstm", ["zoo.cells.lstm"]),
        ("engine", "from zoo.spec.canonical import Spec", ["zoo.spec.canonical.Spec"]),
        ("spec", "def f():\n    import zoo.model.build", ["zoo.model.build"]),
        (
            "spec",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from zoo.model.base import Model",
            ["zoo.model.base.Model"],
        ),
        ("checks", "from zoo.cli.output import write", ["zoo.cli.output.write"]),
        ("model", "import zoo", ["zoo"]),
        ("cells", "from zoo.cells.options import gated\nfrom zoo.errors import ZooError", []),
    ],
)
def test_an_import_upwards_is_found(room: str, code: str, wrong: list[str]) -> None:
    assert _wrong_imports(room, ast.parse(code)) == wrong


def test_a_heavy_import_and_a_print_are_found() -> None:
    assert _heavy(ast.parse("try:\n    import torch.nn\nexcept ImportError:\n    pass")) == ["torch.nn"]
    assert _heavy(ast.parse("class A:\n    def f(self):\n        import torch")) == []
    assert _prints(ast.parse("print(1)\nsys.stdout.write('')")) == ["print", "sys.stdout"]
