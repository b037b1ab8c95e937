from ncps_cases import CELLS

from zoo.testing import parametrize_with_checks, tiny_spec

PLAIN = {"kind": "ncps-cfc", "backbone_layers": 0}
BOTH_WAYS = tiny_spec(PLAIN, hidden_size=7, bidirectional=True, name="both-ways")
EACH = [tiny_spec(cell, hidden_size=16, name=f"{cell['kind']}-{number}") for number, cell in enumerate(CELLS)]


@parametrize_with_checks(["ncps-irregular", "ncps-steering", BOTH_WAYS])
def test_spec(check):
    check()


@parametrize_with_checks(EACH, checks=["parameters", "summary", "options", "seed", "engines"])
def test_figures_and_options_of_each_cell(check):
    check()
