"""The classes of the spatial cells.

Written by docs/generate.py from the cells' records and docstrings: change those.
"""

from collections.abc import Mapping
from typing import Any, Literal

import torch

from zoo.model.limits import GIBIBYTE
from zoo.nn.keys import Around
from zoo.nn.layer import CellModel, Made


class ConvGRU(CellModel):
    """Convolutional GRU over maps, reset gate before the recurrent convolution.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    z = σ(W_z ∗ x + U_z ∗ h + b_z), r = σ(W_r ∗ x + U_r ∗ h + b_r), n = tanh(W ∗ x + U ∗ (r ⊙ h) + b),
    h = (1 − z) ⊙ h + z ⊙ n; the output is h. ∗ is a convolution over rows and columns, with zeros around the maps.

    Source: arXiv:1511.06432, section 3.1, which writes no biases. Parameters: weight_ih (3 F, C, kernel, kernel),
    weight_hh (3 F, F, kernel, kernel) and bias (3 F,), all in blocks z, r, h, for C channels of x and F of h.
    States: h (F, rows, columns).

    Args:
        input_size (tuple): Channels, height and width of the map at each step, (C, Y, X).
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        kernel (int, at least 1, at most 999): Kernel size of the convolutions, in rows and columns; odd. Default:
            3.
        bias ("one" or "none"): 'one' bias for each gate and channel, or 'none'. Default: "one".
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
        x: (B, T, C, Y, X), batch first, or a `PackedSequence`.
        y: (B, T, H, Y, X); twice as wide for two directions that are concatenated.
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.ConvGRU((3, 8, 8), 4, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 3, 8, 8))
        >>> y.shape
        torch.Size([3, 15, 4, 8, 8])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Ballas et al. 2016, Delving deeper into convolutional networks for learning video representations, ICLR,
    arXiv:1511.06432.
    """

    cell_name = "recurrent-zoo/convgru"

    def __init__(
        self,
        input_size: tuple[int, int, int],
        hidden_size: int,
        num_layers: int = 1,
        *,
        kernel: int = 3,
        bias: Literal["one", "none"] = "one",
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
        options = {"kernel": kernel, "bias": bias}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class ConvLSTM(CellModel):
    """Convolutional LSTM over maps, with peepholes.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    i = σ(W_xi ∗ x + W_hi ∗ h + W_ci ⊙ c + b_i), f = σ(W_xf ∗ x + W_hf ∗ h + W_cf ⊙ c + b_f), c = f ⊙ c + i ⊙
    tanh(W_xc ∗ x + W_hc ∗ h + b_c), o = σ(W_xo ∗ x + W_ho ∗ h + W_co ⊙ c + b_o) with the new c, h = o ⊙ tanh(c); the
    output is h. Without peepholes there is no W_ci, W_cf, W_co, as in Keras. ∗ is a convolution over rows and columns,
    with zeros around the maps.

    Source: arXiv:1506.04214, equations 3. Parameters: weight_ih (4 F, C, kernel, kernel), weight_hh (4 F, F, kernel,
    kernel) and bias (4 F,), all in blocks i, f, c, o, for C channels of x and F of h; peephole (3 F, rows, columns) in
    blocks i, f, o. States: h and c (F, rows, columns).

    Args:
        input_size (tuple): Channels, height and width of the map at each step, (C, Y, X).
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        kernel (int, at least 1, at most 999): Kernel size of the convolutions, in rows and columns; odd. Default:
            3.
        peephole (bool): Peephole connections from the cell state to the gates, with a weight for each position.
            Default: True.
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
        x: (B, T, C, Y, X), batch first, or a `PackedSequence`.
        y: (B, T, H, Y, X); twice as wide for two directions that are concatenated.
        state: a `zoo.State` of `layers.0.h`, `layers.0.c`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.ConvLSTM((3, 8, 8), 4, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 3, 8, 8))
        >>> y.shape
        torch.Size([3, 15, 4, 8, 8])
        >>> list(state)
        ['layers.0.h', 'layers.0.c', 'layers.1.h', 'layers.1.c']

    Paper: Shi et al. 2015, Convolutional LSTM network: a machine learning approach for precipitation nowcasting,
    NIPS, arXiv:1506.04214.
    """

    cell_name = "recurrent-zoo/convlstm"

    def __init__(
        self,
        input_size: tuple[int, int, int],
        hidden_size: int,
        num_layers: int = 1,
        *,
        kernel: int = 3,
        peephole: bool = True,
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
        options = {"kernel": kernel, "peephole": peephole}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class STLSTM(CellModel):
    """Spatiotemporal LSTM over maps (PredRNN): one memory goes up through all layers, then on in time.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    i = σ(W_xi ∗ x + W_hi ∗ h), f = σ(W_xf ∗ x + W_hf ∗ h + 1), c = f ⊙ c + i ⊙ tanh(W_xg ∗ x + W_hg ∗ h),
    j = σ(W_xj ∗ x + W_mj ∗ m), k = σ(W_xk ∗ x + W_mk ∗ m + 1), m = k ⊙ m + j ⊙ tanh(W_xn ∗ x + W_mn ∗ m), o = σ(W_xo
    ∗ x + W_ho ∗ h + W_co ∗ c + W_mo ∗ m), h = o ⊙ tanh(W_c ∗ c + W_m ∗ m); the output is h.

    ∗ is a convolution over rows and columns, with zeros around the maps; W_c and W_m are of size one. A further layer
    has the h of the one below for its x and goes on with the m that this one has just made, and the first has the m of
    the last layer at the step before. Each layer has a c and an h of its own; the last layer's h is the output.

    Source: the paper of 2017, section 3.2, with thuml/predrnn-pytorch, core/layers/SpatioTemporalLSTMCell.py and
    core/models/predrnn.py, where a forget gate has a constant 1 in place of a bias, and no other gate has any; the
    code's layer norms, which its models of moving MNIST do without, are not here. The paper's j, k and n are i', f' and
    g'. Parameters, for F channels of h and C of x, a list with one for each layer: weight_x (7 F, C or F, kernel,
    kernel) in blocks i, f, g, j, k, n, o; weight_h (4 F, F, kernel, kernel) in blocks i, f, g, o; weight_m (3 F, F,
    kernel, kernel) in blocks j, k, n; weight_o (F, 2 F, kernel, kernel), W_co beside W_mo; weight_last (F, 2 F, 1, 1),
    W_c beside W_m. States: h and c (layers, F, rows, columns); m (F, rows, columns).

    Args:
        input_size (tuple): Channels, height and width of the map at each step, (C, Y, X).
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        kernel (int, at least 1, at most 999): Kernel size of the convolutions, in rows and columns; odd. Default:
            5.
        layers (int, at least 1, at most 100): Number of layers, through which the memory of all of them goes at
            each step. Default: 1.
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
        x: (B, T, C, Y, X), batch first, or a `PackedSequence`.
        y: (B, T, H, Y, X); twice as wide for two directions that are concatenated.
        state: a `zoo.State` of `layers.0.h`, `layers.0.c`, `layers.0.m`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.STLSTM((3, 8, 8), 4, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 3, 8, 8))
        >>> y.shape
        torch.Size([3, 15, 4, 8, 8])
        >>> list(state)
        ['layers.0.h', 'layers.0.c', 'layers.0.m', 'layers.1.h', 'layers.1.c', 'layers.1.m']

    Paper: Wang et al. 2017, PredRNN: recurrent neural networks for predictive learning using spatiotemporal LSTMs,
    NIPS, https://papers.nips.cc/paper/2017/hash/e5f6ad6ce374177eef023bf5d0c018b6-Abstract.html; Wang et al. 2022,
    PredRNN: a recurrent neural network for spatiotemporal predictive learning, IEEE Transactions on Pattern
    Analysis and Machine Intelligence, arXiv:2103.09504.
    """

    cell_name = "recurrent-zoo/st-lstm"

    def __init__(
        self,
        input_size: tuple[int, int, int],
        hidden_size: int,
        num_layers: int = 1,
        *,
        kernel: int = 5,
        layers: int = 1,
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
        options = {"kernel": kernel, "layers": layers}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)
