"""From a line in VGSL to a spec: what kraken's code makes of the line, or why a spec cannot say it.

Held to github.com/mittagessen/kraken, 67df280: kraken/lib/vgsl/model.py (the grammar) and kraken/lib/vgsl/layers.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import zoo
from zoo_vgsl.blocks import Block, blocks

_ACTIVATIONS: Final = {"t": "tanh", "r": "relu", "lr": "leaky_relu", "l": "none", "s": "none"}
_RESERVED: Final = ("input", "previous", "layers")


def read(line: str) -> zoo.Translated:
    """The spec of a line.

    Raises:
        zoo.LineError: The line is no VGSL, or a spec cannot say it.
    """
    source, rest = blocks(line)
    reading = _Reading(source, rest)
    for block in rest:
        reading.take(block)
    return reading.finish(len(line.rstrip()))


class _Reading:
    """A column of an image as it goes from block to block: `channels` times `height` numbers."""

    def __init__(self, source: Block, rest: list[Block]) -> None:
        self.height, self.channels = source.number("height"), source.positive("channels", "the number of channels")
        if self.height == 0:
            raise source.wrong("a spec needs the height of its images: write it in place of the 0")
        self.remarks: list[str] = []
        if source.number("width"):
            self.remark("The width is not a part of a spec: an image may be as wide as it is.")
        self.layers: list[dict[str, Any]] = []
        self.recurrent = self.summarised = self.plugin = False
        self.named: set[str] = set()
        self.output: Block | None = None
        read_as_maps = ("convolution", "pool", "reshape")
        first = next((block for block in rest if block.kind != "dropout"), None)
        on_maps = first is not None and (first.kind in read_as_maps or first.given.get("axis") == "y")
        self.flat = self.height == 1 and not on_maps
        self.input: dict[str, Any] = {"kind": "image", "height": self.height}
        if self.channels > 1:
            self.input["channels"] = self.channels
        if self.flat:
            self.input = {"kind": "features", "size": self.channels}

    def remark(self, text: str) -> None:
        if text not in self.remarks:
            self.remarks.append(text)

    def take(self, block: Block) -> None:
        if self.output is not None:
            raise block.wrong("nothing can stand behind the output")
        if self.summarised and block.kind not in ("dropout", "output"):
            raise block.wrong("behind a layer that keeps its last column only, a spec has its head")
        by_kind: dict[str, Callable[[Block], None]] = {
            "convolution": self.convolution,
            "recurrent": self.rnn,
            "pool": self.pool,
            "reshape": self.reshape,
            "dropout": self.dropout,
            "group norm": self.group_norm,
            "output": self.end,
        }
        before = len(self.layers)
        by_kind[block.kind](block)
        name = block.given.get("name")
        if name is not None and len(self.layers) > before:
            self.name(block, name[1:-1])

    def name(self, block: Block, name: str) -> None:
        own = name.lower()
        if not own[0].isalpha() or own in _RESERVED:
            raise block.wrong(f"a layer cannot be called {name!r} in a spec: letters, digits and '_', a letter first")
        if own in self.named:
            raise block.wrong(f"a second layer is called {name!r}")
        self.named.add(own)
        self.layers[-1] = {"name": own, **self.layers[-1]}

    def convolution(self, block: Block) -> None:
        self.needs_maps(block)
        given = block.given
        if given["turned"]:
            raise block.wrong("zoo has no transposed convolution")
        if given["activation"] == "m":
            raise block.wrong("zoo has no softmax over channels between layers")
        if block.number("dilation_y", 1) != 1 or block.number("dilation_x", 1) != 1:
            raise block.wrong("convolutions over two axes have no dilation in zoo")
        if given["activation"] == "s":
            self.remark("Cs is a linear convolution: kraken leaves its sigmoid to the loss.")
        y, x = block.positive("y", "the kernel"), block.positive("x", "the kernel")
        down, along = block.positive("stride_y", "the stride", 1), block.positive("stride_x", "the stride", 1)
        entry: dict[str, Any] = {"kind": "conv2d", "axes": ["time", "features"]}
        entry |= {"channels": block.positive("size", "the number of channels"), "kernel_size": [x, y]}
        if (down, along) != (1, 1):
            entry["stride"] = [along, down]
        entry["padding"] = [(x - 1) // 2, (y - 1) // 2]
        self.height = self.behind(block, y, down, (y - 1) // 2)
        self.channels = entry["channels"]
        if _ACTIVATIONS[str(given["activation"])] != "none":
            entry["activation"] = _ACTIVATIONS[str(given["activation"])]
        self.layers.append(entry)

    def pool(self, block: Block) -> None:
        self.needs_maps(block)
        y, x = block.positive("y", "the window"), block.positive("x", "the window")
        down, along = block.positive("stride_y", "the stride", y), block.positive("stride_x", "the stride", x)
        self.height = self.behind(block, y, down, 0)
        entry: dict[str, Any] = {"kind": "max_pool", "axes": ["time", "features"], "size": [x, y]}
        if (down, along) != (y, x):
            entry["stride"] = [along, down]
        self.layers.append(entry)

    def behind(self, block: Block, window: int, stride: int, padding: int) -> int:
        rows = (self.height + 2 * padding - window) // stride + 1
        if self.height + 2 * padding < window:
            raise block.wrong(f"a window of {window} rows is higher than the {self.height} rows that are left")
        return rows

    def needs_maps(self, block: Block) -> None:
        if self.flat:
            raise block.wrong("behind a recurrent layer of zoo there are no channels and rows any more")

    def reshape(self, block: Block) -> None:
        """What is split is the height, and nothing of it is left, or nothing is moved."""
        axis, high, low = block.number("axis"), block.number("high"), block.number("low")
        if axis not in (high, low):
            raise block.wrong(f"one of the two parts must stay in axis {axis}")
        if (axis, {high, low}) != (1, {1, 3}):
            raise block.wrong("a spec can only move rows to the channels, as S1(1x<rows>)1,3 does")
        a, b = block.number("a"), block.number("b")
        if a == b == 0:
            raise block.wrong("only one of the two parts may be 0, the one that is found out")
        a, b = a or self.whole(block, b), b or self.whole(block, a)
        if a * b != self.height:
            raise block.wrong(f"{a} x {b} are {a * b} rows, and there are {self.height} here")
        stays, moves = (a, b) if high == 1 else (b, a)
        if moves == 1:
            return
        if stays != 1:
            raise block.wrong(f"{stays} rows would be left: a spec can only move all {self.height} to the channels")
        self.plugin = True
        self.layers += [{"kind": "rows"}, {"kind": "flatten"}]
        self.channels, self.height, self.flat = self.channels * self.height, 1, True

    def whole(self, block: Block, part: int) -> int:
        if self.height % part:
            raise block.wrong(f"there are {self.height} rows here, which {part} does not divide")
        return self.height // part

    def rnn(self, block: Block) -> None:
        given = block.given
        if given["old"]:
            raise block.wrong(
                f"{given['old']}, the LSTM of {'clstm' if given['old'] == 'c' else 'ocropus'}, is not read"
            )
        if given["cell"] == "G":
            self.remark("G: kraken's page says GRU, its code builds an LSTM; so does this. cell: gru is the other.")
        if given["direction"] == "r":
            self.remark(
                "r: kraken's page says reversed, its code reads forward; so does this. reverse: true is the other."
            )
        units = block.positive("size", "the number of units")
        both = given["direction"] == "b"
        entry: dict[str, Any] = {"cell": "lstm", "hidden_size": units, **({"bidirectional": True} if both else {})}
        if given["last"] and both:
            raise block.wrong(
                "b with s keeps the backward direction's first step only, which no pool of zoo does: write f"
            )
        if given["axis"] == "y":
            self.down(block, entry, units)
            return
        if self.height != 1:
            raise block.wrong(
                f"x would read {self.height} rows apart: move them to the channels with S1(1x{self.height})1,3, or "
                "read them with Lfys<units>"
            )
        self.flatten()
        self.recurrent = True
        self.channels = 2 * units if both else units
        self.summarised = bool(given["last"])
        self.layers.append(entry)

    def down(self, block: Block, entry: dict[str, Any], units: int) -> None:
        """Along the height, within every column."""
        if not block.given["last"]:
            raise block.wrong("y without s leaves a row for each row, which no layer of zoo gives: write s behind y")
        self.needs_maps(block)
        self.plugin = True
        self.layers += [{"kind": "rows"}, {"kind": "each", "layers": [entry], "pool": "last"}]
        self.channels, self.height, self.flat = units, 1, True

    def flatten(self) -> None:
        """The one row that is left is none."""
        if not self.flat:
            self.layers.append({"kind": "flatten"})
            self.flat = True

    def dropout(self, block: Block) -> None:
        axes = block.number("axes", 1)
        if axes not in (1, 2):
            raise block.wrong(f"dropout is in 1 or 2 dimensions, not in {axes}")
        text = block.given["rate"]
        if text is not None and len(text) > 20:
            raise block.wrong("a rate has at most 20 digits")
        rate = 0.5 if text is None else float(text)
        if rate >= 1:
            raise block.wrong(f"a rate must be below 1, not {rate:g}")
        self.plugin = self.plugin or axes == 2
        self.layers.append({"kind": "dropout" if axes == 1 else "channel_dropout", "dropout": rate})

    def group_norm(self, block: Block) -> None:
        raise block.wrong("Gn is a mean over the whole width, and the norms of zoo see one step at a time")

    def end(self, block: Block) -> None:
        given = block.given
        if given["axes"] == "2":
            raise block.wrong("O2 is a map of the whole image, and a model of zoo reads it column by column")
        if given["axes"] == "0":
            raise block.wrong("kraken does not support O0 either; O1 behind Lfxs<units> gives one output for an image")
        if given["augmented"]:
            raise block.wrong("a, a one beside the features, is not read: the bias is the same")
        if given["name"]:
            self.remark(f"The output's name, {given['name'][1:-1]}, is left out: a head has none.")
        if self.height != 1:
            raise block.wrong(f"there are {self.height} rows here: move them to the channels, S1(1x{self.height})1,3")
        if given["kind"] == "c" and self.summarised:
            raise block.wrong("CTC needs an output at every column, and one is left")
        least = 2 if given["kind"] == "c" else 1
        if block.number("size") < least:
            raise block.wrong(f"there must be at least {least} outputs")
        self.output = block

    def finish(self, end: int) -> zoo.Translated:
        """The spec, once all blocks are taken."""
        if not self.layers and self.output is None:
            raise zoo.LineError("the line has no layer", end - 1, end)
        keys: dict[str, Any] = {"requires": ["zoo-vgsl>=0.1"]} if self.plugin else {}
        keys["input"] = self.input
        if self.output is not None:
            self.flatten()
        if self.layers:
            keys["layers"] = self.layers
        if self.output is None:
            if self.summarised:
                keys["head"] = {"kind": "none", "pool": "last"}
            self.remark(
                "The line has no output: kraken adds one when it trains. Here it is `head: {kind: ctc, size: N}`."
            )
        else:
            size, kind = self.output.number("size"), self.output.given["kind"]
            keys["head"] = {"kind": "ctc" if kind == "c" else "linear", "size": size}
            if self.summarised:
                keys["head"]["pool"] = "last"
            if kind == "c":
                self.remark(
                    "kraken's loss is the sum over sequences, a target that does not fit left out; here it is the mean."
                )
            else:
                self.remark(
                    f"O1{kind}: kraken trains it by binary cross entropy of each output; the head gives the logits."
                )
        return zoo.Translated(keys, tuple(self.remarks))
