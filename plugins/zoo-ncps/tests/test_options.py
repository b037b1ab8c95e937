"""What cannot be is refused in one sentence, before ncps or torch is imported."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from ncps_cases import AUTO, CIRCUIT

import zoo
from zoo.testing import tiny_spec
from zoo_ncps.figures import describe_cfc, describe_ltc, describe_wired_cfc
from zoo_ncps.options import CfCOptions, LTCOptions, WiredCfCOptions


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ({"kind": "ncps-ltc", "sparsity": 0.2}, "wiring 'full' has no use for sparsity: leave it out"),
        ({"kind": "ncps-ltc", "wiring": "auto-ncp"}, "wiring 'auto-ncp' needs outputs"),
        ({"kind": "ncps-ltc", "wiring": "ncp", "outputs": 2}, "needs command, sensory_fanout, inter_fanout"),
        ({"kind": "ncps-ltc", **AUTO, "motor_fanin": 2}, "'auto-ncp' has no use for motor_fanin"),
        ({"kind": "ncps-ltc", **AUTO, "sparsity": 0.05}, "must be at least 0.1"),
        ({"kind": "ncps-ltc", "wiring": "random", "sparsity": 1.0}, "must be below 1"),
        ({"kind": "ncps-ltc", "wiring": "ring"}, "wiring"),
        ({"kind": "ncps-ltc", "outputs": 12}, "outputs are neurons: at most hidden_size, 11, not 12"),
        ({"kind": "ncps-ltc", "wiring": "auto-ncp", "outputs": 9}, "hidden_size must be 12 or more for 9 outputs"),
        ({"kind": "ncps-ltc", **CIRCUIT, "command": 7}, "hidden_size must be 12 or more for 7 command and 4 motor"),
        ({"kind": "ncps-ltc", **CIRCUIT, "sensory_fanout": 5}, "sensory_fanout can be at most 4, the inter neurons"),
        ({"kind": "ncps-ltc", **CIRCUIT, "inter_fanout": 4}, "inter_fanout can be at most 3, the command neurons"),
        ({"kind": "ncps-ltc", **CIRCUIT, "motor_fanin": 4}, "motor_fanin can be at most 3, the command neurons"),
        ({"kind": "ncps-ltc", "ode_unfolds": 0}, "ode_unfolds"),
        ({"kind": "ncps-ltc", "ode_unfolds": 10**18}, "'ode_unfolds' must be at most 1000"),
        ({"kind": "ncps-cfc", "backbone_layers": 10**18}, "'backbone_layers' must be at most 100"),
        ({"kind": "ncps-ltc", **CIRCUIT, "recurrent_command_synapses": 10**18}, "must be at most 10000"),
        ({"kind": "ncps-cfc", "backbone_dropout": 0.2}, "backbone_layers must be 2 or more"),
        ({"kind": "ncps-cfc", "backbone_layers": 0, "backbone_units": 9}, "no use for backbone_units"),
        ({"kind": "ncps-cfc", "wiring": "full"}, "wiring"),
        ({"kind": "ncps-wired-cfc", "wiring": "random", "outputs": 3}, "choose 'auto-ncp' or 'ncp'"),
        ({"kind": "ncps-wired-cfc", "outputs": 3}, "'full' has no use for outputs"),
        ({"kind": "ncps-wired-cfc", "wiring_seed": 3}, "'full' has no use for wiring_seed"),
        ({"kind": "ncps-wired-cfc", "wired_time_gates": True}, "a full wiring leaves nothing out"),
        ({"kind": "ncps-wired-cfc", **AUTO, "mode": "pure", "wired_time_gates": True}, "has no time gates"),
    ],
)
def test_options_that_cannot_be_are_refused(cell, said):
    with pytest.raises(zoo.ZooError) as caught:
        zoo.describe(tiny_spec(cell, hidden_size=11))
    assert said in str(caught.value)
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize("cell", [{"kind": "ncps-ltc"}, {"kind": "ncps-wired-cfc"}, {"kind": "ncps-ltc", **AUTO}])
def test_synapses_that_ncps_would_draw_for_ever_are_refused(cell):
    most = tiny_spec(cell, input=4, hidden_size=1022)
    assert zoo.describe(most).rows[1].description.state.values() is not None
    began = time.process_time()
    for size in (1023, 10**6, 10**9):
        with pytest.raises(zoo.ZooError) as caught:
            zoo.describe(tiny_spec(cell, input=4, hidden_size=size))
        assert (
            f"ncps draws synapses one by one, and {size * (size + 4):,} of them, hidden_size * (inputs + hidden_size), "
            "take too long: 1,048,576 are the most"
        ) in str(caught.value)
    assert time.process_time() - began < 1


def test_wide_layers_take_no_memory_on_meta():
    cell = {"kind": "ncps-cfc", "backbone_units": 10**9}
    began = time.process_time()
    model = zoo.build(tiny_spec(cell, input=4, hidden_size=11), device="meta")
    assert time.process_time() - began < 2
    assert sum(p.numel() for p in model.parameters()) == zoo.describe(model.spec).parameters == 60 * 10**9 + 44
    assert {p.device.type for p in model.parameters()} == {"meta"}


@pytest.mark.parametrize(
    ("describe", "options"),
    [(describe_ltc, LTCOptions()), (describe_cfc, CfCOptions()), (describe_wired_cfc, WiredCfCOptions())],
)
def test_maps_are_refused(describe, options):
    with pytest.raises(zoo.ZooError, match="needs flat features"):
        describe(options, (3, 8, 8), 11)


def test_listing_and_describing_import_nothing_heavy():
    code = (
        "import sys, zoo, zoo_ncps; from zoo.testing import tiny_spec; zoo_ncps.zoo_cells();"
        "zoo.describe(tiny_spec({'kind': 'ncps-ltc', 'wiring': 'auto-ncp', 'outputs': 2}));"
        "print(sorted({'torch', 'ncps', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
