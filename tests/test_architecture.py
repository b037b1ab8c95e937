"""The packages as docs/architecture.md lists them: imports go one way, light ones import no torch, only the CLI prints."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from each import each

import zoo

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "zoo"
PAGE = ROOT / "docs" / "architecture.md"
OUTSIDE = ("__init__", "__main__")
"""What is in no package of the table: the public names, which import anything lazily, and `python -m zoo`."""
LIGHT = (
    "errors",
    "atomic",
    "components",
    "plugin",
    "spec",
    "browse",
    "builtin",
    "scaffold",
    "testing",
    "bench",
    "api",
    "cli",
    *OUTSIDE,
)
BY_ENTRY_POINT = {"plugin/manager.py": ["zoo.builtin"]}
"""The built-in plugin is loaded as strangers' are: by its entry point, when it is first asked for."""
METHODS = {"model/publishing.py": ["zoo.weights.hub.save_folder", "zoo.weights.hub.push"]}
"""Methods that people look for on a model, and whose work needs to build one: imported when they are called."""
WRITES_BESIDE_CLI = {"plugin/loading.py", "plugin/containment.py"}
"""One sends what a plugin prints while it is loaded to standard error, the other puts that back if a plugin moved it."""


def _packages() -> list[set[str]]:
    """The lines of the page's table of packages, lowest first."""
    table = PAGE.read_text(encoding="utf-8").partition("## Packages")[2].partition("##")[0]
    rows = re.findall(r"^\| (`[^|]*`) \|", table, re.MULTILINE)
    return [set(re.findall(r"`(\w+)`", row)) for row in rows]


FLOOR = {package: floor for floor, packages in enumerate(_packages()) for package in packages}
FILES = sorted(PACKAGE.rglob("*.py"))


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def _package(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(tree: ast.Module, *, top: bool = False) -> Iterator[str]:
    """Modules that a file imports: everywhere in it, or only where importing the file imports them."""
    for node in _running(tree) if top else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from (str(one.value) for one in node.args if isinstance(one, ast.Constant))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("EntryPoint"):
            yield from (ast.literal_eval(one.value) for one in node.keywords if one.arg == "value")


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when a file is imported: no bodies of functions, nothing for type checkers alone."""
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(inner, ast.If) and ast.unparse(inner.test) == "TYPE_CHECKING":
            continue
        yield inner
        yield from _running(inner)


def _wrong_imports(package: str, tree: ast.Module) -> list[str]:
    found = []
    for module in _imports(tree):
        first, *rest = module.split(".")
        if first != "zoo":
            continue
        if not rest and package == "bench":
            continue  # it measures the package as its users have it
        # Elsewhere inside `zoo`, `import zoo` would lead everywhere.
        if not rest or FLOOR.get(rest[0], len(FLOOR)) > FLOOR[package]:
            found.append(module)
    return found


def _heavy(tree: ast.Module) -> list[str]:
    return [module for module in _imports(tree, top=True) if module.split(".")[0] in ("torch", "torchinfo", "numpy")]


def _prints(tree: ast.Module) -> list[str]:
    names = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Attribute)]
    return [name for name in names if name in ("print", "sys.stdout", "sys.stderr", "typer.echo")]


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_the_page_has_every_package() -> None:
    assert {_package(path) for path in FILES} == {*FLOOR, *OUTSIDE}
    assert sorted(package for packages in _packages() for package in packages) == sorted(FLOOR), (
        "a package is there twice"
    )
    assert FLOOR["errors"] == 0
    assert FLOOR["cli"] == max(FLOOR.values())
    assert FLOOR["engine"] < FLOOR["spec"] < FLOOR["cells"] < FLOOR["model"] < FLOOR["inspect"] < FLOOR["checks"]


def test_a_package_imports_only_itself_and_those_above_it_on_the_page() -> None:
    inside = [path for path in FILES if _package(path) not in OUTSIDE]
    found = {_name(path): _wrong_imports(_package(path), _parsed(path)) for path in inside}
    assert {name: wrong for name, wrong in found.items() if wrong} == BY_ENTRY_POINT | METHODS


def test_light_packages_import_no_torch() -> None:
    light = [path for path in FILES if _package(path) in LIGHT or path.name == "options.py"]
    # What a benchmark compares with is plain torch, and imported when it is run.
    light = [path for path in light if path.parent != PACKAGE / "bench" / "byhand"]
    light.append(PACKAGE / "checks" / "records.py")
    assert [_name(path) for path in light if _heavy(_parsed(path))] == []


def test_importing_a_package_imports_nothing() -> None:
    full = (PACKAGE, PACKAGE / "components", PACKAGE / "testing", PACKAGE / "nn")
    faces = [path for path in FILES if path.name == "__init__.py" and path.parent not in full]
    found = [_name(path) for path in faces if path.read_text(encoding="utf-8")]
    assert found == [], "importing one file of a package must not import the others"


def test_a_reference_shares_nothing_with_the_cells() -> None:
    references = [path for path in FILES if _package(path) == "references"]
    found = {module for path in references for module in _imports(_parsed(path))}
    modules = {module.split(".")[0] for module in found if not module.startswith("zoo.references")}
    assert modules == {"__future__", "collections", "typing", "numpy"}


def test_no_module_takes_the_place_of_a_public_function() -> None:
    """Once imported, `zoo/build.py` would be what `zoo.build` means."""
    names = {path.name.removesuffix(".py") for path in PACKAGE.iterdir()}
    assert names & {*zoo.__all__, *zoo._DEPRECATED} == set()


def test_only_the_command_line_prints() -> None:
    silent = [path for path in FILES if _package(path) != "cli" and _name(path) not in WRITES_BESIDE_CLI]
    assert [_name(path) for path in silent if _prints(_parsed(path))] == []


@each("module", ["spec.library", "spec.schema", "builtin", "testing", "scaffold.package", "cli.main", "api"])
def test_light_packages_load_without_torch(module: str) -> None:
    code = f"import sys, zoo.{module}; print([m for m in ('torch', 'torchinfo', 'numpy') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout == "[]\n"


# The rules themselves bite.


@each(
    ("package", "code", "wrong"),
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
        ("spec", "import importlib\nimportlib.import_module('zoo.checks.run')", ["zoo.checks.run"]),
        ("cells", "from zoo.cells.options import gated\nfrom zoo.errors import ZooError", []),
    ],
)
def test_an_import_upwards_is_found(package: str, code: str, wrong: list[str]) -> None:
    assert _wrong_imports(package, ast.parse(code)) == wrong


def test_a_heavy_import_and_a_print_are_found() -> None:
    assert _heavy(ast.parse("try:\n    import torch.nn\nexcept ImportError:\n    pass")) == ["torch.nn"]
    assert _heavy(ast.parse("class A:\n    def f(self):\n        import torch")) == []
    assert _prints(ast.parse("print(1)\nsys.stdout.write('')")) == ["print", "sys.stdout"]
