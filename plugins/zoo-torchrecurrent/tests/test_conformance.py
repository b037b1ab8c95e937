"""Every cell, and the one layer, held to the contract. What is known to be wrong must be found, or a test fails."""

from zoo.testing import parametrize_with_checks, tiny_spec
from zoo_torchrecurrent.table import ENTRIES

CELLS = [tiny_spec(entry.name, input=7 if entry.square else 5, hidden_size=7) for entry in ENTRIES]
LAYER = {
    "schema": 1,
    "name": "tr-taugru-layer",
    "input": 5,
    "layers": [{"kind": "tr-taugru", "hidden_size": 7, "delay": 2}],
}


@parametrize_with_checks([*CELLS, LAYER])
def test_spec(check):
    check()


BOTH = {"weight": 0.3, "zoneout": 0.2}
DROPPED = [
    tiny_spec("tr-wmclstm", name="tr-wmclstm-dropped", dropout=BOTH, bidirectional=True),
    tiny_spec("tr-mclstm", name="tr-mclstm-stack", dropout=BOTH, layers=2),
]


@parametrize_with_checks(DROPPED, checks=["dropout", "direction", "padding_invariance", "reset", "seed", "summary"])
def test_dropout_inside_the_recurrence_and_both_directions(check):
    check()
