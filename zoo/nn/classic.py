"""The classes of the classic cells.

Written by docs/generate.py from the cells' records and docstrings: change those.
"""

from collections.abc import Mapping
from typing import Any, Literal

import torch

from zoo.model.limits import GIBIBYTE
from zoo.nn.keys import Around
from zoo.nn.layer import CellModel, Made


class GRU(CellModel):
    """Gated recurrent unit, reset gate after or before the recurrent product.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    r = σ(W_r x + U_r h + b_r), z = σ(W_z x + U_z h + b_z), h = (1 − z) ⊙ n + z ⊙ h; the output is h.

    reset_gate `after` (torch, cuDNN):  n = tanh(W_n x + b_n + r ⊙ (U_n h + b'_n)); with one bias, b'_n is zero.
    reset_gate `before` (Cho et al. 2014): n = tanh(W_n x + b_n + U_n (r ⊙ h)); two biases are added.

    Source: arXiv:1406.1078, equations 5 to 8 (arXiv:1412.3555 has z and 1 − z the other way round); layout as
    `torch.nn.GRU` (r, z, n). States: h (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        bias ("two", "one" or "none"): 'two' biases per gate as in torch, 'one' as in papers and Keras, or 'none'.
            Default: "two".
        reset_gate ("after" or "before"): Apply the reset gate 'after' the recurrent product (torch, cuDNN) or
            'before' it (Cho et al. 2014). Default: "after".
        bidirectional (bool): Run over the sequence in both directions. Default: False.
        merge ("concat", "sum", "mean" or "mul"): How the outputs of two directions become one. Default: "concat".
        share (str or list of str): Parameters of the cell that both directions share: "all", or their names.
        dropout (float or mapping): A rate between layers, or rates by kind: `input`, `between`, `output`,
            `recurrent`, `weight`, `zoneout`; `variational: True` draws one mask per sequence for the first three.
            Default: 0.0.
        norm (str or mapping): A norm on each layer's output: "layer", "rms" or "batch"; or a mapping with its
            options.
        residual (bool): Add each layer's input to its output; their widths must be equal. Default: False.
        output_projection (int or mapping): A linear map of each layer's output to this width, or a mapping of
            `size` and `bias`.
        reverse (bool): Run from the last step to the first. Default: False.
        initial_state ("zeros" or "learned"): The state before the first step. Default: "zeros".
        init (str or mapping): How parameters are initialised, as "orthogonal"; the cell's own paper if not given.
        seed (int): Of the parameters; torch's global random state if not given.
        device (str or torch.device): Where the parameters live.
        dtype (torch.dtype): Of the parameters; torch's default if not given.
        engine (str): How the recurrence runs: "auto", "fused", "linear", "loop", "compile" or "scan"; all give the
            same numbers. Default: "auto".
        memory_limit (int): Bytes that parameters may take; None for no limit. Default: 4 GiB.

    Shapes:
        x: (B, T, I), batch first, or a `PackedSequence`.
        y: (B, T, H); twice as wide for two directions that are concatenated.
        state: one tensor (num_layers * directions, B, ...), as torch.nn has it. None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.GRU(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> state.shape
        torch.Size([2, 3, 20])

    Paper: Cho et al. 2014, Learning phrase representations using RNN encoder-decoder for statistical machine
    translation, EMNLP, arXiv:1406.1078.
    """

    cell_name = "recurrent-zoo/gru"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: Literal["two", "one", "none"] = "two",
        reset_gate: Literal["after", "before"] = "after",
        bidirectional: bool = False,
        merge: Literal["concat", "sum", "mean", "mul"] = "concat",
        share: str | list[str] | None = None,
        dropout: float | Mapping[str, Any] = 0.0,
        norm: str | Mapping[str, Any] | None = None,
        residual: bool = False,
        output_projection: int | Mapping[str, Any] | None = None,
        reverse: bool = False,
        initial_state: Literal["zeros", "learned"] = "zeros",
        init: str | Mapping[str, Any] | None = None,
        seed: int | None = None,
        device: str | torch.device | None = None,
        dtype: torch.dtype | None = None,
        engine: str = "auto",
        memory_limit: int | None = 4 * GIBIBYTE,
    ) -> None:
        options = {"bias": bias, "reset_gate": reset_gate}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class LSTM(CellModel):
    """Long short-term memory with a forget gate; peepholes, coupled gates, norm and projection are optional.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    i = σ(W_i x + U_i h + b_i), f = σ(W_f x + U_f h + b_f), g = tanh(W_g x + U_g h + b_g),
    o = σ(W_o x + U_o h + b_o); c = f ⊙ c + i ⊙ g; h = o ⊙ tanh(c), or W_p (o ⊙ tanh(c)) with a projection; the output
    is h.

    Source: Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000; the projection is that of
    arXiv:1402.1128; layout as `torch.nn.LSTM` (i, f, g, o; weight_hr (projection, hidden_size)).
    States: h (hidden_size,) or (projection,); c (hidden_size,).

    An LSTM with peepholes, coupled gates, layer normalisation, other gates or clips, in any combination.

    peephole: i and f also see p ⊙ c, o sees p ⊙ c of the new c; full: a matrix P c in place of p ⊙ c. coupled:
    i = 1 − f, so that the blocks are f, g, o. gate_norm layer: W x and U h are each normalised over all blocks together
    before the biases are added, and h = o ⊙ tanh(N(c)); sum: N(W x + U h + b) over all blocks together, and the new c
    is N(f ⊙ c + i ⊙ g), which is carried. Their eps is norm_eps. recurrent_activation: its function in place of σ.
    cell_clip: the new c is clipped before o and h see it, and before its norm; proj_clip: h is, behind the projection.

    Sources: Gers, Schraudolph and Schmidhuber 2002, JMLR 3 (peepholes); arXiv:1603.01360, section 2.1, and
    glample/tagger, nn.py, LSTM (full peepholes, beside coupled gates, which are written f = 1 − i there);
    arXiv:1503.04069 (coupled gates); arXiv:1607.06450, supplement (norm), and pytorch/audio, models/rnnt.py,
    _CustomLSTM (norm of the sum); TensorFlow's LSTMCell, as allenai/bilm-tf
    calls it (clips). Further parameters: weight_ch, H for each gate in order, or (H, H) for each; norm_ih, norm_hh and
    norm_c, or norm_sum and norm_c, each with weight and bias.

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        bias ("two", "one" or "none"): 'two' biases per gate as in torch, 'one' as in papers and Keras, or 'none'.
            Default: "two".
        projection (int, at least 1): Project h to this many features before it is output and fed back
            (arXiv:1402.1128).
        forget_bias (float): Initial value of the forget gate's bias; of the sum of both biases, if there are two.
        peephole (bool or "full"): Peephole connections from the cell state to the gates, a weight for each unit
            (Gers, Schraudolph, Schmidhuber 2002), or 'full', a matrix for each gate (arXiv:1603.01360). Default:
            False.
        coupled (bool): Couple the input gate to the forget gate, i = 1 − f (arXiv:1503.04069, CIFG). Default:
            False.
        gate_norm ("none", "layer" or "sum"): 'layer': layer norm on both products, and on the cell state on its way
            to h (arXiv:1607.06450, supplement); its initial dynamics are chaotic, so half precision is not
            supported. 'sum': on the sum of both products and the biases, and on the cell state itself, as in
            torchaudio's RNN-T. Default: "none".
        norm_eps (float, above 0): Added to the variance by the norms of gate_norm; 1e-5 if not given.
        recurrent_activation ("sigmoid", "hard_sigmoid" or "hard_sigmoid_0.2"): Activation function of the gates:
            'hard_sigmoid' is x / 6 + 1/2 between 0 and 1, as in Keras 3 and torch, 'hard_sigmoid_0.2' is 0.2 x +
            1/2 there, as in ONNX and in earlier versions of Keras. Default: "sigmoid".
        cell_clip (float, above 0): Clip the cell state to plus and minus this at each step, as TensorFlow's
            LSTMCell.
        proj_clip (float, above 0): Clip the projected h to plus and minus this, as TensorFlow's LSTMCell.
        bidirectional (bool): Run over the sequence in both directions. Default: False.
        merge ("concat", "sum", "mean" or "mul"): How the outputs of two directions become one. Default: "concat".
        share (str or list of str): Parameters of the cell that both directions share: "all", or their names.
        dropout (float or mapping): A rate between layers, or rates by kind: `input`, `between`, `output`,
            `recurrent`, `weight`, `zoneout`; `variational: True` draws one mask per sequence for the first three.
            Default: 0.0.
        norm (str or mapping): A norm on each layer's output: "layer", "rms" or "batch"; or a mapping with its
            options.
        residual (bool): Add each layer's input to its output; their widths must be equal. Default: False.
        output_projection (int or mapping): A linear map of each layer's output to this width, or a mapping of
            `size` and `bias`.
        reverse (bool): Run from the last step to the first. Default: False.
        initial_state ("zeros" or "learned"): The state before the first step. Default: "zeros".
        init (str or mapping): How parameters are initialised, as "orthogonal"; the cell's own paper if not given.
        seed (int): Of the parameters; torch's global random state if not given.
        device (str or torch.device): Where the parameters live.
        dtype (torch.dtype): Of the parameters; torch's default if not given.
        engine (str): How the recurrence runs: "auto", "fused", "linear", "loop", "compile" or "scan"; all give the
            same numbers. Default: "auto".
        memory_limit (int): Bytes that parameters may take; None for no limit. Default: 4 GiB.

    Shapes:
        x: (B, T, I), batch first, or a `PackedSequence`.
        y: (B, T, H or projection); twice as wide for two directions that are concatenated.
        state: a tuple (h, c), each (num_layers * directions, B, ...), as torch.nn has it. None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.LSTM(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> [one.shape for one in state]
        [torch.Size([2, 3, 20]), torch.Size([2, 3, 20])]

    Paper: Hochreiter and Schmidhuber 1997, Long short-term memory, Neural Computation 9(8),
    doi:10.1162/neco.1997.9.8.1735; Gers, Schmidhuber and Cummins 2000, Learning to forget: continual prediction
    with LSTM, Neural Computation 12(10), doi:10.1162/089976600300015015.
    """

    cell_name = "recurrent-zoo/lstm"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: Literal["two", "one", "none"] = "two",
        projection: int | None = None,
        forget_bias: float | None = None,
        peephole: bool | Literal["full"] = False,
        coupled: bool = False,
        gate_norm: Literal["none", "layer", "sum"] = "none",
        norm_eps: float | None = None,
        recurrent_activation: Literal["sigmoid", "hard_sigmoid", "hard_sigmoid_0.2"] = "sigmoid",
        cell_clip: float | None = None,
        proj_clip: float | None = None,
        bidirectional: bool = False,
        merge: Literal["concat", "sum", "mean", "mul"] = "concat",
        share: str | list[str] | None = None,
        dropout: float | Mapping[str, Any] = 0.0,
        norm: str | Mapping[str, Any] | None = None,
        residual: bool = False,
        output_projection: int | Mapping[str, Any] | None = None,
        reverse: bool = False,
        initial_state: Literal["zeros", "learned"] = "zeros",
        init: str | Mapping[str, Any] | None = None,
        seed: int | None = None,
        device: str | torch.device | None = None,
        dtype: torch.dtype | None = None,
        engine: str = "auto",
        memory_limit: int | None = 4 * GIBIBYTE,
    ) -> None:
        options = {
            "bias": bias,
            "projection": projection,
            "forget_bias": forget_bias,
            "peephole": peephole,
            "coupled": coupled,
            "gate_norm": gate_norm,
            "norm_eps": norm_eps,
            "recurrent_activation": recurrent_activation,
            "cell_clip": cell_clip,
            "proj_clip": proj_clip,
        }
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class RNN(CellModel):
    """Simple recurrent network with tanh or relu.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    h = f(W x + b + U h), f = tanh or relu; the output is h.

    Source: Elman 1990; layout as `torch.nn.RNN`. States: h (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        nonlinearity ("tanh" or "relu"): Activation function of the new state. Default: "tanh".
        bias ("two", "one" or "none"): 'two' biases per gate as in torch, 'one' as in papers and Keras, or 'none'.
            Default: "two".
        bidirectional (bool): Run over the sequence in both directions. Default: False.
        merge ("concat", "sum", "mean" or "mul"): How the outputs of two directions become one. Default: "concat".
        share (str or list of str): Parameters of the cell that both directions share: "all", or their names.
        dropout (float or mapping): A rate between layers, or rates by kind: `input`, `between`, `output`,
            `recurrent`, `weight`, `zoneout`; `variational: True` draws one mask per sequence for the first three.
            Default: 0.0.
        norm (str or mapping): A norm on each layer's output: "layer", "rms" or "batch"; or a mapping with its
            options.
        residual (bool): Add each layer's input to its output; their widths must be equal. Default: False.
        output_projection (int or mapping): A linear map of each layer's output to this width, or a mapping of
            `size` and `bias`.
        reverse (bool): Run from the last step to the first. Default: False.
        initial_state ("zeros" or "learned"): The state before the first step. Default: "zeros".
        init (str or mapping): How parameters are initialised, as "orthogonal"; the cell's own paper if not given.
        seed (int): Of the parameters; torch's global random state if not given.
        device (str or torch.device): Where the parameters live.
        dtype (torch.dtype): Of the parameters; torch's default if not given.
        engine (str): How the recurrence runs: "auto", "fused", "linear", "loop", "compile" or "scan"; all give the
            same numbers. Default: "auto".
        memory_limit (int): Bytes that parameters may take; None for no limit. Default: 4 GiB.

    Shapes:
        x: (B, T, I), batch first, or a `PackedSequence`.
        y: (B, T, H); twice as wide for two directions that are concatenated.
        state: one tensor (num_layers * directions, B, ...), as torch.nn has it. None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.RNN(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> state.shape
        torch.Size([2, 3, 20])

    Paper: Elman 1990, Finding structure in time, Cognitive Science 14(2), doi:10.1207/s15516709cog1402_1.
    """

    cell_name = "recurrent-zoo/rnn"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        bias: Literal["two", "one", "none"] = "two",
        bidirectional: bool = False,
        merge: Literal["concat", "sum", "mean", "mul"] = "concat",
        share: str | list[str] | None = None,
        dropout: float | Mapping[str, Any] = 0.0,
        norm: str | Mapping[str, Any] | None = None,
        residual: bool = False,
        output_projection: int | Mapping[str, Any] | None = None,
        reverse: bool = False,
        initial_state: Literal["zeros", "learned"] = "zeros",
        init: str | Mapping[str, Any] | None = None,
        seed: int | None = None,
        device: str | torch.device | None = None,
        dtype: torch.dtype | None = None,
        engine: str = "auto",
        memory_limit: int | None = 4 * GIBIBYTE,
    ) -> None:
        options = {"nonlinearity": nonlinearity, "bias": bias}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)
