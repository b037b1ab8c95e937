"""What a plugin's own functions say of a component while specs are read: wrong or raising, it is that spec's mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporary_site import Site

from zoo.components import CellType, NoOptions, Traits
from zoo.errors import PluginError

SPEC = "schema: 1\nname: {name}\ninput: 4\ncell: {name}\nhidden_size: 6\n"
HOOKS = """
from pathlib import Path
import zoo

def describe(options, input_shape, hidden_size):
    {body}

@zoo.hookimpl
def zoo_cells():
    return [zoo.CellType(name="{name}", build="a:b", describe="zoo_{name}:describe")]

@zoo.hookimpl
def zoo_specs():
    return [Path(__file__).parent / "specs"]
"""
BODIES = {
    "raises": ("1 / 0", "cannot describe itself: ZeroDivisionError: division by zero"),
    "number": ("return 3", "describes itself wrongly: a zoo.Description is needed, not int"),
    "text": (
        "return zoo.Description(output_shape=(6,), parameters='x')",
        "describes itself wrongly: parameters must be a whole number, not 'x'",
    ),
    "shape": (
        "return zoo.Description(output_shape=6, parameters=1)",
        "describes itself wrongly: output_shape must be a tuple of whole numbers, not 6",
    ),
    "state": (
        "return zoo.Description(output_shape=(6,), parameters=1, state={'h': [6]})",
        "describes itself wrongly: state 'h' must be a tuple of whole numbers, not [6]",
    ),
}


def test_a_list_goes_on_past_what_cannot_be_described(site: Site, tmp_path: Path) -> None:
    bodies = {**{name: body for name, (body, _) in BODIES.items()}, "unknown": "return None"}
    for name, body in bodies.items():
        site.plugin(name, HOOKS.format(name=name, body=body))
        folder = site.path / f"zoo_{name}" / "specs"
        folder.mkdir()
        (folder / f"{name}.yaml").write_text(SPEC.format(name=name))
    done = site.zoo("list", cwd=tmp_path)
    assert "Traceback" not in done.stderr
    assert "lstm" in done.stdout
    assert [line.split()[:2] for line in done.stdout.splitlines() if "zoo-unknown" in line] == [["unknown", "unknown"]]
    for name, (_, said) in BODIES.items():
        assert f"/{name}.yaml:4:7: cell 'zoo-{name}/{name}' 0.1 {said}\n" in done.stderr


def test_traits_and_deviations_that_cannot_be_told() -> None:
    def raises(options: NoOptions) -> Traits:
        raise KeyError("gone")

    def wrong(options: NoOptions) -> int:
        return 3

    for said, expected in (("traits", "Traits"), ("deviations", "Mapping")):
        ask = f"{said}_of"
        with pytest.raises(PluginError) as error:
            getattr(CellType(name="x", build="a:b", **{said: raises}), ask)(NoOptions())
        assert str(error.value) == f"cell 'x' cannot tell its {said}: KeyError: 'gone'"
        with pytest.raises(PluginError) as error:
            getattr(CellType(name="x", build="a:b", **{said: wrong}), ask)(NoOptions())
        assert str(error.value) == f"cell 'x': its {said} must be a {expected}, not int"
    assert CellType(name="x", build="a:b").deviations_of(NoOptions()) == {}
