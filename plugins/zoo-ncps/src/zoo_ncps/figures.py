"""The cells' figures in closed form. Imports no torch.

Every weight is counted, whatever the wiring: ncps keeps dense matrices and multiplies them by masks.
"""

from __future__ import annotations

from typing import Final

import zoo
from zoo_ncps.options import CfCOptions, LTCOptions, Mode, WiredCfCOptions

Shape = tuple[int, ...]
MOST_SYNAPSES: Final = 2**20
"""A few seconds of ncps' time."""
_NUMBERS = {"affine": 2, "linear": 1, "none": 0}


def features(input_shape: Shape) -> int:
    """The input's width.

    Raises:
        zoo.ZooError: it has none.
    """
    if len(input_shape) != 1:
        raise zoo.ZooError(f"needs flat features at each step, not maps of shape {input_shape}")
    return input_shape[0]


def drawn(inputs: int, hidden_size: int) -> int:
    """Synapses that a wiring could have, each of which ncps draws by itself.

    Raises:
        zoo.ZooError: they would take too long.
    """
    synapses = hidden_size * (inputs + hidden_size)
    if synapses > MOST_SYNAPSES:
        raise zoo.ZooError(
            f"ncps draws synapses one by one, and {synapses:,} of them, hidden_size * (inputs + hidden_size), take too "
            f"long: {MOST_SYNAPSES:,} are the most"
        )
    return synapses


def describe_ltc(options: LTCOptions, input_shape: Shape, hidden_size: int) -> zoo.Description:
    """Four numbers per synapse, three per neuron. There are no matrix products: each synapse has its own sigmoid."""
    inputs, motor = features(input_shape), options.layout(hidden_size).motor
    synapses = drawn(inputs, hidden_size)
    maps = inputs * _NUMBERS[options.input_mapping] + motor * _NUMBERS[options.output_mapping]
    return zoo.Description(
        output_shape=(motor,),
        parameters=4 * synapses + 3 * hidden_size + maps,
        buffers=synapses,  # which of them there are
        state={"v": (hidden_size,)},
        sequential_depth=options.ode_unfolds,
    )


def describe_cfc(options: CfCOptions, input_shape: Shape, hidden_size: int) -> zoo.Description:
    """The shared layers, and one or four heads."""
    width = features(input_shape) + hidden_size
    products = biases = 0
    for _ in range(options.backbone_layers):
        products += width * options.width
        biases += options.width
        width = options.width
    heads, others = _heads(options.mode, width, hidden_size)
    return zoo.Description(
        output_shape=(hidden_size,),
        parameters=products + biases + heads + others,
        macs_per_step=products + heads,
        state={"h": (hidden_size,)},
        sequential_depth=options.backbone_layers + 1,
    )


def describe_wired_cfc(options: WiredCfCOptions, input_shape: Shape, hidden_size: int) -> zoo.Description:
    """One or four heads per layer of neurons, each fed by the layer before and by itself."""
    width = features(input_shape)
    sizes = layers(options, hidden_size)
    drawn(width, hidden_size)
    products = others = masks = 0
    for size in sizes:
        masks += (width + size) * size
        heads, more = _heads(options.mode, width + size, size)
        products += heads
        others += more
        width = size
    return zoo.Description(
        output_shape=(width,),
        parameters=products + others,
        buffers=masks,
        macs_per_step=products,
        state={"h": (hidden_size,)},
        sequential_depth=len(sizes),
    )


def layers(options: WiredCfCOptions, hidden_size: int) -> tuple[int, ...]:
    """Neurons of each layer in the order in which they are computed."""
    layout = options.layout(hidden_size)
    return (layout.inter, layout.command, layout.motor) if layout.command else (hidden_size,)


def _heads(mode: Mode, width: int, size: int) -> tuple[int, int]:
    """The numbers in the matrices of one layer's heads, and the others: biases, or the two vectors of `pure`."""
    return (width * size, 3 * size) if mode == "pure" else (4 * width * size, 4 * size)
