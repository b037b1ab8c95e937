"""The house as docs/architecture.md draws it: imports go one way, light rooms import no torch, only the CLI prints."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "zoo"
ROOMS = [
    {"errors"},
    {"components"},
    {"plugin"},
    {"spec"},
    {"engine"},
    {"cells", "layers", "heads", "inputs", "inits"},
    {"arguments", "state_layout", "model"},
    {"builder"},
    {"torchinfo_table", "summaries"},
    {"checks"},
    {"testing", "bench"},
    {"api"},
    {"cli"},
]
FLOOR = {room: floor for floor, rooms in enumerate(ROOMS) for room in rooms}
LIGHT = ("errors", "components", "plugin", "spec", "cli", "builtin", "api", "bench", "testing", "__init__")
FILES = sorted(PACKAGE.rglob("*.py"))


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(path: Path, *, top_level: bool) -> Iterator[str]:
    """Modules that a file imports, `if TYPE_CHECKING` blocks left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in tree.body if top_level else ast.walk(tree):
        if id(node) in guarded:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_rooms_below_it(path: Path) -> None:
    room = _room(path)
    if room not in FLOOR:  # the public face, `python -m zoo`, and the built-in plugin, which the manager registers
        return
    for module in _imports(path, top_level=True):
        parts = module.split(".")
        if parts[0] == "zoo" and len(parts) > 1 and parts[1] in FLOOR:
            other = parts[1]
            allowed = FLOOR[other] <= FLOOR[room]
            assert allowed, f"{room} imports {module}, which stands above it"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_light_rooms_import_no_torch(path: Path) -> None:
    light = _room(path) in LIGHT or path.name == "options.py" or path == PACKAGE / "checks" / "records.py"
    if light:
        assert not [m for m in _imports(path, top_level=True) if m.split(".")[0] in ("torch", "torchinfo")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_engine_knows_no_cell_and_nobody_the_command_line(path: Path) -> None:
    found = list(_imports(path, top_level=False))
    if _room(path) == "engine":
        assert not [m for m in found if m.startswith("zoo.cells")]
    if _room(path) not in ("cli", "__main__"):
        assert not [m for m in found if m.startswith("zoo.cli")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_command_line_prints(path: Path) -> None:
    if _room(path) == "cli":
        return
    calls = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)]
    assert not [n for n in calls if isinstance(n.func, ast.Name) and n.func.id == "print"]
