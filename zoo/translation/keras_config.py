"""What a configuration of Keras says of a recurrent layer: what other libraries have too, and what they have not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from zoo.errors import ZooError

CLASSES: Final = ("SimpleRNN", "LSTM", "GRU")
_SAYS: Final = ("units", "use_bias", "activation", "recurrent_activation", "reset_after", "go_backwards")
"""Options of a layer of Keras that change what it computes, and can be said here."""
SILENT: Final = frozenset(
    (
        *(
            "name",
            "trainable",
            "dtype",
            "dtype_policy",
            "batch_input_shape",
            "input_shape",
            "input_dim",
            "input_length",
        ),
        *("return_sequences", "return_state", "unroll", "implementation", "dropout", "recurrent_dropout", "seed"),
        *(
            "unit_forget_bias",
            "zero_output_for_mask",
            "kernel_initializer",
            "recurrent_initializer",
            "bias_initializer",
        ),
        *("kernel_regularizer", "recurrent_regularizer", "bias_regularizer", "activity_regularizer"),
        *("kernel_constraint", "recurrent_constraint", "bias_constraint"),
    )
)
"""Options that change no output outside training, or only which steps of it are given."""


def directions(entry: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Class and options of each direction of a layer, the forward one first.

    Raises:
        ZooError: It is no recurrent layer, or does something that no other library does.
    """
    name, config = entry["class_name"], entry["config"]
    if name != "Bidirectional":
        return [(name, plain_options(name, config))]
    forward, backward = config.get("layer"), config.get("backward_layer")
    if not isinstance(forward, Mapping) or forward.get("class_name") not in CLASSES:
        raise ZooError(f"Keras's Bidirectional is not around one of {', '.join(CLASSES)}")
    if not isinstance(backward, Mapping):  # made of the first by Keras
        backward = {
            **forward,
            "config": {**forward["config"], "go_backwards": not forward["config"].get("go_backwards")},
        }
    return [(one["class_name"], plain_options(one["class_name"], one["config"])) for one in (forward, backward)]


def plain_options(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Of the options of a layer those that matter here; a refusal for those that matter and cannot be said."""
    if name not in CLASSES:
        raise ZooError(f"Keras's {name} is not one of {', '.join(CLASSES)}, or Bidirectional around one")
    options = {key: config[key] for key in _SAYS if key in config}
    others = sorted(key for key in config.keys() - SILENT - set(_SAYS) if config[key])
    if others:
        said = ", ".join(f"{key}={config[key]!r}"[:60] for key in others)
        raise ZooError(f"Keras's {name} with {said}: no other library does that")
    wrong = [key for key, value in options.items() if not isinstance(value, str | bool | int)]
    if wrong:
        raise ZooError(f"Keras's {name} has a function of its own as {wrong[0]}, which is Keras's alone")
    return options
