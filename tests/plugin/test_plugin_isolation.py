"""Each way in which a plugin can be broken, all installed at once: each has its cause, and the rest works."""

from __future__ import annotations

import pytest
from temporary_site import CELLS, Site, cell_plugin

from zoo.errors import ZooError
from zoo.plugin.catalogue import Catalogue
from zoo.plugin.manager import read_installed

HEAD = "import zoo\n"
CELL = "zoo.CellType(name='{name}', build='a.b:C'{more})"


def hook(body: str, name: str = "zoo_cells", before: str = "") -> str:
    return f"{HEAD}{before}\n@zoo.hookimpl\ndef {name}():\n    {body}\n"


def cell(name: str, more: str = "") -> str:
    return CELL.format(name=name, more=f", {more}" if more else "")


OPTIONS = "class Own(zoo.Options):\n    {line}\n"

BROKEN = {
    "dependency": (
        "import no_such_module_anywhere",
        "needs the module 'no_such_module_anywhere', which is not installed",
    ),
    "submodule": (
        "from . import gone",
        "cannot be imported: ImportError: cannot import name 'gone' from partially initialized module 'zoo_submodule'",
    ),
    "nameless": ("raise ModuleNotFoundError('odd')", "cannot be imported: ModuleNotFoundError: odd"),
    "syntax": ("def f(:", "cannot be imported: SyntaxError: invalid syntax (__init__.py, line 1)"),
    "raising": ("1 / 0", "cannot be imported: ZeroDivisionError: division by zero"),
    "exits": ("raise SystemExit(3)", "cannot be imported: SystemExit: 3"),
    "deepest": ("class E(BaseException): pass\nraise E('of its own kind')", "cannot be imported: E: of its own kind"),
    "mute": (
        "class E(Exception):\n    def __str__(self): raise ValueError\nraise E",
        "cannot be imported: E: (its text cannot be shown)",
    ),
    "manylines": ("raise ValueError('one\\n  two')", "cannot be imported: ValueError: one two"),
    "early": (
        "from zoo.plugin.manager import catalogue\ncatalogue()",
        "the catalogue is not available while plugins are loaded: use it later, not at import",
    ),
    "hookraises": (hook("raise RuntimeError('no')"), "zoo_cells raised RuntimeError: no"),
    "hookexits": (hook("raise SystemExit('bye')"), "zoo_cells raised SystemExit: bye"),
    "generator": (
        hook(f"yield {cell('half')}\n    raise KeyError('later')"),
        "zoo_cells raised KeyError: 'later'",
    ),
    "misspelt": (hook("return []", "zoo_cels"), "unknown hook 'zoo_cels'; did you mean 'zoo_cells'?"),
    "unheardof": (
        hook("return []", "optimise"),
        "unknown hook 'optimise'; hooks: zoo_cells, zoo_layers, zoo_heads, zoo_inputs, zoo_pools, zoo_norms, "
        "zoo_inits, zoo_architectures, zoo_specs, zoo_checks, zoo_languages",
    ),
    "unmarked": (
        f"{HEAD}def zoo_cells():\n    return [{cell('unmarked')}]",
        "zoo_cells is not marked: write @zoo.hookimpl above it",
    ),
    "arguments": (
        f"{HEAD}@zoo.hookimpl\ndef zoo_cells(registry): return []",
        "a hook has the wrong form: Plugin 'zoo-arguments/arguments' for hook 'zoo_cells' hookimpl definition: "
        "zoo_cells(registry) Argument(s) {'registry'} are declared in the hookimpl but can not be found in the hookspec",
    ),
    "forgets": (hook("[]"), "zoo_cells returned None: return a list of CellType records"),
    "single": (hook(f"return {cell('x')}"), "zoo_cells must return a list of CellType records, not CellType 'x'"),
    "mapping": (hook(f"return {{'x': {cell('x')}}}"), "zoo_cells must return a list of CellType records, not dict"),
    "wrongtype": (hook("return ['x']"), "zoo_cells must return CellType records, not str"),
    "aclass": (hook("return [zoo.CellType]"), "zoo_cells must return CellType records, not the class CellType"),
    "wronghook": (
        hook("return [zoo.HeadType(name='x', build='a:b')]"),
        "zoo_cells must return CellType records, not HeadType 'x'",
    ),
    "badname": (
        hook("return [zoo.CellType(name='Big Name', build='a:b')]"),
        "CellType 'Big Name': a name is lower case letters, digits, '.', '_' and '-', as in 'my-cell'",
    ),
    "badbuild": (
        hook("return [zoo.CellType(name='x', build='a.b')]"),
        "CellType 'x': build must be a string 'module:attribute', as in 'acme.cell:Acme', not 'a.b'",
    ),
    "twice": (hook(f"return [{cell('x')}, {cell('x')}]"), "offers cell 'x' twice"),
    "oldapi": (
        hook(f"return [{cell('x', 'api_version=0')}]"),
        "cell 'x': api_version must be an integer from 1, not 0",
    ),
    "checkapi": (
        hook("return [zoo.CheckType(name='x', run='a:b', api_version=None)]", "zoo_checks"),
        "check 'x': api_version must be an integer from 1, not None",
    ),
    "summary": (hook(f"return [{cell('x', 'summary=3')}]"), "cell 'x': summary must be a string, not int"),
    "paper": (hook(f"return [{cell('x', 'paper=1997')}]"), "cell 'x': paper must be a string or None, not int"),
    "traits": (
        hook(f"return [{cell('x', 'traits=dict()')}]"),
        "cell 'x': traits must be zoo.Traits or a function to it, not dict",
    ),
    "deviations": (
        hook(f"return [{cell('x', 'deviations=[]')}]"),
        "cell 'x': deviations must be a mapping or a function to one, not list",
    ),
    "takenkey": (
        hook(f"return [{cell('x', 'options=Own')}]", before=OPTIONS.format(line="kind: int = 1")),
        "cell 'x': the option 'kind' has the name of one of the format's own keys: rename it",
    ),
    "takenpool": (
        hook(
            "return [zoo.HeadType(name='x', build='a:b', options=Own)]",
            "zoo_heads",
            OPTIONS.format(line="pool: int = 1"),
        ),
        "head 'x': the option 'pool' has the name of one of the format's own keys: rename it",
    ),
    "options": (
        hook(f"return [{cell('x', 'options=Own')}]", before=OPTIONS.format(line="size: 'Nowhere' = 1")),
        "cell 'x': options Own cannot be used: name 'Nowhere' is not defined",
    ),
    "nofolder": (
        hook("return ['/no/such/folder']", "zoo_specs"),
        "zoo_specs: there is no folder '/no/such/folder'; is it part of the package?",
    ),
    "relative": (
        hook("return ['specs']", "zoo_specs"),
        "zoo_specs: the folder 'specs' must be absolute, as in Path(__file__).parent / 'specs'",
    ),
    "onefolder": (hook("return '/tmp'", "zoo_specs"), "zoo_specs must return a list of folders, not str"),
    "nopath": (hook("return [3]", "zoo_specs"), "zoo_specs must return folders as str or Path, not int"),
    "nested": (
        "import pathlib\n" + hook("here = pathlib.Path(__file__).parent\n    return [here.parent, here]", "zoo_specs"),
        "zoo_specs: the folder {here!r} is given twice, by itself or inside another",
    ),
}


@pytest.fixture
def catalogue(site: Site) -> Catalogue:
    for name, (text, _) in BROKEN.items():
        site.plugin(name, text)
    site.plugin("good", cell_plugin("good", "zoo_good"))
    site.plugin("zlast", cell_plugin("zlast", "zoo_zlast"))
    return read_installed()


def test_each_has_its_cause_and_everything_else_works(catalogue: Catalogue, site: Site) -> None:
    found = {plugin.name: plugin for plugin in catalogue.plugins}
    causes = {name: found[name].cause for name in BROKEN}
    expected = {
        name: cause.replace("{here!r}", repr(str(site.path / f"zoo_{name}"))) for name, (_, cause) in BROKEN.items()
    }
    # Python ends this one with a place.
    causes["submodule"] = causes["submodule"].partition(" (")[0]
    assert causes == expected
    assert {found[name].status for name in BROKEN} == {"broken"}
    assert all("Traceback (most recent call last)" in found[name].traceback for name in BROKEN)
    assert all(found[name].provides == {} for name in BROKEN)
    assert [plugin.name for plugin in catalogue.plugins] == ["builtin", *sorted([*BROKEN, "good", "zlast"])]
    for name in ("good", "zlast"):
        assert (found[name].status, found[name].provides) == ("ok", {"cell": (name,)})
        assert catalogue.find("cell", name).distribution == f"zoo-{name}"
    assert found["builtin"].status == "ok"
    assert catalogue.find("cell", "lstm").distribution == "recurrent-zoo"
    assert catalogue.names("cell") == (
        *sorted(["good", *CELLS, *(f"recurrent-zoo/{name}" for name in CELLS)]),
        "zlast", "zoo-good/good", "zoo-zlast/zlast",
    )  # fmt: skip


def test_the_traceback_leads_to_the_line_in_the_plugin(site: Site) -> None:
    site.plugin("raising", "x = 1\n1 / 0\n")
    plugin = read_installed().plugins[1]
    assert f'File "{site.path}/zoo_raising/__init__.py", line 2' in plugin.traceback
    assert "ZeroDivisionError: division by zero" in plugin.traceback


def test_a_spec_that_names_a_component_of_a_broken_plugin_is_told_the_cause(site: Site) -> None:
    site.plugin("half", hook(f"yield {cell('mine')}\n    raise KeyError('later')"))
    site.plugin("other", "1 / 0")
    known = read_installed()
    trouble = "plugin half (zoo-half 0.1) is broken: zoo_cells raised KeyError: 'later'"
    for name in ("mine", "zoo-half/mine", "Zoo_Half/mine", "zoo-half/unheard-of", "half"):
        with pytest.raises(ZooError) as error:
            known.find("cell", name)
        assert str(error.value) == f"unknown cell {name!r}; {trouble}"
    with pytest.raises(ZooError) as error:
        known.find("head", "qqqq")
    assert str(error.value) == (
        "unknown head 'qqqq'; known: adaptive_softmax, crf, ctc, linear, mixture_density, mixture_of_softmaxes, mlp, "
        "normalise, tied (and half is broken, other is broken: see zoo plugins)"
    )


def test_a_newer_api_is_incompatible_even_behind_another_mistake(site: Site) -> None:
    newer = cell("fresh", "api_version=2")
    site.plugin("newer", hook(f"return [{newer}]") + hook("raise ValueError", "zoo_heads"))
    known = read_installed()
    plugin = known.plugins[1]
    assert (plugin.status, plugin.traceback, plugin.provides) == ("incompatible", "", {})
    assert plugin.cause == (
        "cell 'fresh' is made for version 2 of the plugin API, and this is version 1: upgrade recurrent-zoo, "
        "or install an older zoo-newer"
    )
    with pytest.raises(ZooError, match=r"^unknown cell 'fresh'; plugin newer \(zoo-newer 0.1\) is incompatible: cell"):
        known.find("cell", "fresh")


def test_a_keyboard_interrupt_is_the_users_and_goes_through(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.plugin("slow", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        read_installed()
    assert capsys.readouterr().err == (
        "interrupted while plugin slow (zoo-slow 0.1) was being loaded; ZOO_PLUGINS can leave it out\n"
    )
    site.plugin("hooked", hook("raise KeyboardInterrupt"))
    (site.path / "zoo_slow" / "__init__.py").write_text("")
    with pytest.raises(KeyboardInterrupt):
        read_installed()


def test_what_a_plugin_prints_does_not_mix_with_the_output(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.plugin("loud", "print('hello')\n" + hook("print('again')\n    return []"))
    read_installed()
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "hello\nagain\n")


def test_a_plugin_without_hooks_is_noted(site: Site) -> None:
    site.plugin("empty", "")
    plugin = read_installed().plugins[1]
    assert (plugin.status, plugin.notes) == (
        "ok",
        ("provides nothing: none of its functions is marked @zoo.hookimpl",),
    )


def test_a_hook_marked_optional_may_be_unknown_here(site: Site) -> None:
    text = f"{HEAD}@zoo.hookimpl(optionalhook=True)\ndef zoo_of_later(): return []\n" + hook(f"return [{cell('x')}]")
    site.plugin("careful", text)
    assert read_installed().find("cell", "x").plugin == "careful"
