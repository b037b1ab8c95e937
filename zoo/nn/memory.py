"""The classes of the memory cells.

Written by docs/generate.py from the cells' records and docstrings: change those.
"""

from collections.abc import Mapping
from typing import Any, Literal

import torch

from zoo.model.limits import GIBIBYTE
from zoo.nn.keys import Around
from zoo.nn.layer import CellModel, Made


class ELSTM(CellModel):
    """LSTM whose gates see only each unit's own memory.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    f = σ(F x + w_f ⊙ c + b_f), z = tanh(Z x + w_z ⊙ c + b_z), c = f ⊙ c + (1 − f) ⊙ z, and the output is
    o ⊙ c with o = σ(O x + W_o c + b_o) of the new c.

    Source: arXiv:2305.19044, section 3.1; IDSIA/rtrl-elstm, reinforcement_learning/torchbeast/layer.py, which has the
    biases; diagnostic/layers.py there has no output gate. Parameters: weight_ih (3 H, I) and
    bias (3 H,) in blocks f, z, o; weight_ch (2 H,) in blocks f, z; weight_o (H, H). States: c (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
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
        state: a `zoo.State` of `layers.0.c`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.ELSTM(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.c', 'layers.1.c']

    Paper: Irie, Gopalakrishnan and Schmidhuber 2024, Exploring the promise and limits of real-time recurrent
    learning, ICLR, arXiv:2305.19044.
    """

    cell_name = "recurrent-zoo/elstm"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
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
        options: dict[str, Any] = {}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class Intersection(CellModel):
    """Intersection network (+RNN): one gate along time, one along depth.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    g_h = σ(W_gh x + U_gh h + b_gh), g_y = σ(W_gy x + U_gy h + b_gy),
    y = g_y ⊙ x + (1 − g_y) ⊙ relu(W_y x + U_y h + b_y), h = g_h ⊙ h + (1 − g_h) ⊙ tanh(W_h x + U_h h + b_h);
    the output is y, which passes through depth as h does through time.

    Where the input is not as wide as the state, x is W_in x + b_in throughout.

    Source: arXiv:1611.09913 (+RNN); TensorFlow's IntersectionRNNCell. Parameters: weight_ih (4 H, H), weight_hh
    (4 H, H), bias (4 H,) in blocks gh, h, gy, y; weight_in (H, I) and bias_in (H,) where I is not H.
    States: y (hidden_size,), which is put out and not read again; h (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        forget_bias (float): Initial value of both gates' biases. Default: 1.0.
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
        state: a `zoo.State` of `layers.0.y`, `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.Intersection(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.y', 'layers.0.h', 'layers.1.y', 'layers.1.h']

    Paper: Collins, Sohl-Dickstein and Sussillo 2017, Capacity and trainability in recurrent neural networks, ICLR,
    arXiv:1611.09913.
    """

    cell_name = "recurrent-zoo/intersection"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        forget_bias: float = 1.0,
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
        options = {"forget_bias": forget_bias}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class LSTM1997(CellModel):
    """The original LSTM of 1997: input and output gates, no forget gate.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    y_in = σ(W_in x + U_in h + b_in), y_out = σ(W_out x + U_out h + b_out),
    c = c + y_in ⊙ g(W_c x + U_c h + b_c), h = y_out ⊙ h(c); the output is h.

    squashing `paper`: g(a) = 4 σ(a) − 2 and h(a) = 2 σ(a) − 1. squashing `tanh`: tanh for both.

    Source: Hochreiter and Schmidhuber 1997, section 4 and appendix A.1, with memory cell blocks of size 1. Its learning
    rule cuts gradients off at the gates' inputs; here they are exact. Parameters: three blocks, in, c, out.

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        bias ("two", "one" or "none"): 'two' biases per gate as in torch, 'one' as in papers and Keras, or 'none'.
            Default: "one".
        squashing ("paper" or "tanh"): Squashing functions g of the input and h of the memory: 'paper', logistic
            ones with range [−2, 2] and [−1, 1], or 'tanh' as in later LSTMs. Default: "paper".
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
        state: a `zoo.State` of `layers.0.h`, `layers.0.c`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.LSTM1997(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.0.c', 'layers.1.h', 'layers.1.c']

    Paper: Hochreiter and Schmidhuber 1997, Long short-term memory, Neural Computation 9(8),
    doi:10.1162/neco.1997.9.8.1735.
    """

    cell_name = "recurrent-zoo/lstm-1997"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: Literal["two", "one", "none"] = "one",
        squashing: Literal["paper", "tanh"] = "paper",
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
        options = {"bias": bias, "squashing": squashing}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class MCLSTM(CellModel):
    """Mass-conserving LSTM: the sum of its inputs is stored, redistributed and released, never lost.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    The first M features of the input, M `mass`, are mass, x, never below 0; the others, a, only steer. With
    p = c / Σ c where Σ c > 0 and 0 elsewhere, and s = (a, p),

    R = softmax(W_r s + b_r), H × H, and i = softmax(W_i s + b_i), M × H, each row of which sums to one;
    o = σ(W_o s + b_o); c' = c R + x i, h = o ⊙ c', c = (1 − o) ⊙ c'; the output is h.

    What came in is in c, or was put out.

    Source: arXiv:2101.05186; ml-jku/mc-lstm, mclstm.py. Parameters: weight_r (H², A + H), weight_i (M H, A + H),
    weight_o (H, A + H), and bias_r, bias_i, bias_o. States: h (hidden_size,), which is put out and not read again;
    c (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        mass (int, at least 1): Number of mass inputs; these are the first features of the input, the others are
            auxiliary. Default: 1.
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
        state: a `zoo.State` of `layers.0.h`, `layers.0.c`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.MCLSTM(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.0.c', 'layers.1.h', 'layers.1.c']

    Paper: Hoedt et al. 2021, MC-LSTM: mass-conserving LSTM, ICML, arXiv:2101.05186.
    """

    cell_name = "recurrent-zoo/mclstm"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        mass: int = 1,
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
        options = {"mass": mass}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class MemoryControlLSTM(CellModel):
    """LSTM with separate output and feedback vectors computed from its memory.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    f = σ(W_f x + U_f v + b_f), i = σ(W_i x + U_i v + b_i), o = σ(W_o x + U_o v + b_o),
    m = σ(W_m x + U_m v + b_m), n = tanh(W_n x + U_n v + b_n); c = f ⊙ c + i ⊙ n, h = o ⊙ tanh(c), and
    v = m ⊙ tanh(c) is what the gates see at the next step; the output is h.

    Source: NIPS 2017 time series workshop, sequence modelling with a memory control vector. Parameters start uniform in
    plus and minus 1/sqrt(hidden_size), as torch's LSTM. Parameters: five blocks, f, i, o, m, n.
    States: h (hidden_size,), which is put out and not read again; v (hidden_size,), c (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        bias ("two", "one" or "none"): 'two' biases per gate as in torch, 'one' as in papers and Keras, or 'none'.
            Default: "one".
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
        state: a `zoo.State` of `layers.0.h`, `layers.0.v`, `layers.0.c`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.MemoryControlLSTM(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.0.v', 'layers.0.c', 'layers.1.h', 'layers.1.v', 'layers.1.c']

    Paper: Ben-Ari and Shwartz-Ziv 2017, Sequence modeling using a memory controller extension for LSTM, NIPS time
    series workshop, https://www.ravid-shwartz-ziv.com/publication/squence2017/.
    """

    cell_name = "recurrent-zoo/memory-control-lstm"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: Literal["two", "one", "none"] = "one",
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
        options = {"bias": bias}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class Mogrifier(CellModel):
    """Mogrifier LSTM: input and state gate each other in rounds before each step.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    Before an LSTM's step, x' = x and h' = h gate each other by turns, for so many `rounds`, first
    x' = 2 σ(Q h' + b_q) ⊙ x' with matrix and bias of each odd round's own, then
    h' = 2 σ(R x' + b_r) ⊙ h' with those of each even round. Then

    i = σ(W_i x' + U_i h' + b_i), f = σ(W_f x' + U_f h' + b_f), o = σ(W_o x' + U_o h' + b_o),
    g = tanh(W_g x' + U_g h' + b_g); c = f ⊙ c + i ⊙ g, h = o ⊙ tanh(c); the output is h.

    Source: arXiv:1909.01792, equations (1) and (2); deepmind/lamb, tiled_lstm.py, which has the biases of Q and R, but
    can cap the input gate too. Parameters: four blocks, i, f, g, o; weight_q.j (I, H) and bias_q.j (I,), weight_r.j
    (H, I) and bias_r.j (H,). With a rank k, Q and R are products: weight_q.j (I, k) with right_q.j (k, H), weight_r.j
    (H, k) with right_r.j (k, I).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        bias ("two", "one" or "none"): 'two' biases per gate as in torch, 'one' as in papers and Keras, or 'none'.
            Default: "one".
        rounds (int, at least 1, at most 1000): Number of rounds in which x and h gate each other before a step, x
            first. Default: 5.
        rank (int, at least 1): Rank of the mogrifier gates' matrices; full rank if not given.
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
        state: a `zoo.State` of `layers.0.h`, `layers.0.c`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.Mogrifier(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.0.c', 'layers.1.h', 'layers.1.c']

    Paper: Melis, Kočiský and Blunsom 2020, Mogrifier LSTM, ICLR, arXiv:1909.01792.
    """

    cell_name = "recurrent-zoo/mogrifier"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: Literal["two", "one", "none"] = "one",
        rounds: int = 5,
        rank: int | None = None,
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
        options = {"bias": bias, "rounds": rounds, "rank": rank}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class MultiplicativeLSTM(CellModel):
    """LSTM whose recurrent matrix depends on the input, by a product of x and h.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    m = (W_mx x) ⊙ (W_mh h); i = σ(W_ix x + W_im m + b_i), o = σ(W_ox x + W_om m + b_o),
    f = σ(W_fx x + W_fm m + b_f), ĥ = W_hx x + W_hm m + b_h; c = f ⊙ c + i ⊙ tanh(ĥ), h = tanh(c) ⊙ o;
    the output is h.

    With `weight_norm` each row of the four matrices is divided by its length, √(max(‖w‖², 10⁻¹²)), and multiplied by
    its gain.

    Source: arXiv:1609.07959, equations (16) to (21), with biases; the norm as in
    openai/generating-reviews-discovering-sentiment, encoder.py, mlstm, which has it by columns of matrices that stand
    on the right. Parameters: weight_mx (H, I), weight_mh (H, H); weight_ih (4 H, I), weight_hm (4 H, H) and bias (4 H,)
    in blocks h, i, o, f; gain_mx and gain_mh (H,), gain_ih and gain_hm (4 H,). States: h (hidden_size,),
    c (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        bias ("one" or "none"): 'one' bias in each gate, or 'none'. Default: "one".
        weight_norm (bool): Weight normalisation: rows of all four matrices as a gain times a direction
            (arXiv:1602.07868). Default: False.
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
        state: a `zoo.State` of `layers.0.h`, `layers.0.c`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.MultiplicativeLSTM(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.0.c', 'layers.1.h', 'layers.1.c']

    Paper: Krause et al. 2017, Multiplicative LSTM for sequence modelling, ICLR workshop, arXiv:1609.07959.
    """

    cell_name = "recurrent-zoo/multiplicative-lstm"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: Literal["one", "none"] = "one",
        weight_norm: bool = False,
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
        options = {"bias": bias, "weight_norm": weight_norm}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class NAS(CellModel):
    """Cell found by architecture search, with eight blocks.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    With x_k = W_k x and h_k = U_k h + b_k, for the eight blocks k,

    a = tanh(σ(x₀ + h₀) ⊙ relu(x₁ + h₁)), b = tanh(σ(x₂ + h₂) + relu(x₃ ⊙ h₃)),
    d = tanh(tanh(x₄ + h₄) ⊙ σ(x₅ + h₅)), e = σ(tanh(x₆ + h₆) + σ(x₇ + h₇));
    c = tanh(a + c) ⊙ b, h = tanh(c ⊙ tanh(d + e)); the output is h.

    Source: arXiv:1611.01578; TensorFlow's NASCell, by the paper's authors, also in deepmind/lamb. Parameters: eight
    blocks, 0 to 7.

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        bias ("one" or "none"): 'one' bias in the products of the state, or 'none'. Default: "none".
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
        state: a `zoo.State` of `layers.0.h`, `layers.0.c`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.NAS(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.0.c', 'layers.1.h', 'layers.1.c']

    Paper: Zoph and Le 2017, Neural architecture search with reinforcement learning, ICLR, arXiv:1611.01578.
    """

    cell_name = "recurrent-zoo/nas"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: Literal["one", "none"] = "none",
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
        options = {"bias": bias}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class ONLSTM(CellModel):
    """LSTM with ordered neurons: master gates forget and write units in their order.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    Two master gates, ĩ = 1 − cumsum(softmax(W x + U h + b)) and f̃ = cumsum(softmax(W' x + U' h + b')), one value for
    each chunk of neurons, say which chunks are written and which are kept. As in an LSTM, f = σ(W_f x + U_f h + b_f),
    i = σ(W_i x + U_i h + b_i), o = σ(W_o x + U_o h + b_o), g = tanh(W_g x + U_g h + b_g), and

    w = f̃ ⊙ ĩ, f̂ = f ⊙ w + (f̃ − w), î = i ⊙ w + (ĩ − w), c = f̂ ⊙ c + î ⊙ g, h = o ⊙ tanh(c); the output is h.

    Source: arXiv:1810.09536; yikangshen/Ordered-Neurons, ON_LSTM.py. Parameters, for n = H / chunk_size: blocks o, c,
    i, f; weight_ih_master (2 n, I), weight_hh_master (2 n, H), bias_master (2 n,) in blocks i, f.

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        bias ("two", "one" or "none"): 'two' biases per gate as in torch, 'one' as in papers and Keras, or 'none'.
            Default: "one".
        chunk_size (int, at least 1): Chunk size: units that share one value of the master gates. Default: 1.
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
        state: a `zoo.State` of `layers.0.h`, `layers.0.c`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.ONLSTM(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.0.c', 'layers.1.h', 'layers.1.c']

    Paper: Shen et al. 2019, Ordered neurons: integrating tree structures into recurrent neural networks, ICLR,
    arXiv:1810.09536.
    """

    cell_name = "recurrent-zoo/on-lstm"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: Literal["two", "one", "none"] = "one",
        chunk_size: int = 1,
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
        options = {"bias": bias, "chunk_size": chunk_size}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class ResidualLSTM(CellModel):
    """LSTM with peepholes whose output gate also gates a shortcut of the input.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    i = σ(W_i x + U_i h + p_i ⊙ c + b_i), f = σ(W_f x + U_f h + p_f ⊙ c + b_f),
    c = f ⊙ c + i ⊙ tanh(W_c x + U_c h + b_c), o = σ(W_o x + U_o h + p_o ⊙ c + b_o) with the new c,
    shortcut `linear`: h = o ⊙ (W_p tanh(c) + W_h x); shortcut `identity`: h = o ⊙ (W_p tanh(c) + x). The output is h.

    Source: arXiv:1701.03360, which has the identity where the widths are equal. Parameters start uniform in plus and
    minus 1/sqrt(hidden_size), as torch's LSTM. Parameters: four blocks, i, f, c, o; weight_ch (3 H,), the peepholes
    i, f, o; weight_p (H, H); weight_res (H, I), which is W_h.

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        bias ("two", "one" or "none"): 'two' biases per gate as in torch, 'one' as in papers and Keras, or 'none'.
            Default: "one".
        shortcut ("linear" or "identity"): Shortcut connection from the input to the output: a 'linear' map or the
            'identity'. Default: "linear".
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
        state: a `zoo.State` of `layers.0.h`, `layers.0.c`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.ResidualLSTM(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.0.c', 'layers.1.h', 'layers.1.c']

    Paper: Kim, El-Khamy and Lee 2017, Residual LSTM: design of a deep recurrent architecture for distant speech
    recognition, Interspeech, arXiv:1701.03360.
    """

    cell_name = "recurrent-zoo/residual-lstm"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: Literal["two", "one", "none"] = "one",
        shortcut: Literal["linear", "identity"] = "linear",
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
        options = {"bias": bias, "shortcut": shortcut}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class SLSTM(CellModel):
    """LSTM with a scalar memory, exponential gates and a stabiliser, from xLSTM.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    ĩ = W_i x + R_i y + b_i, f̃ = W_f x + R_f y + b_f, z̃ = W_z x + R_z y + b_z, õ = W_o x + R_o y + b_o, with each R
    block diagonal, a block for each head; m' = max(log σ(f̃) + m, ĩ),

    f = exp(log σ(f̃) + m − m'), i = exp(ĩ − m'), c = f ⊙ c + i ⊙ tanh(z̃), n = f ⊙ n + i, y = σ(õ) ⊙ (c / n);
    the output is y. m keeps the exponentials finite and cancels; where n is 0, as to begin with, m' is ĩ.

    Source: arXiv:2405.04517, section 2.2 and appendix A; NX-AI/xlstm, slstm/src/vanilla, without the convolution and
    the norm of its layer, and with one dense map of the input for all heads. Parameters: weight_ih (4 H, I), weight_hh
    (4 H, H / heads), bias (4 H,) in blocks i, f, z, o, in each of them head after head.
    States: y, c, n and m (hidden_size,) each.

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        heads (int, at least 1): Number of blocks of the block-diagonal recurrent matrices. Default: 1.
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
        state: a `zoo.State` of `layers.0.y`, `layers.0.c`, `layers.0.n`, `layers.0.m`, ..., each (B, ...). None
            starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.SLSTM(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> len(state)
        8

    Paper: Beck et al. 2024, xLSTM: extended long short-term memory, NeurIPS, arXiv:2405.04517.
    """

    cell_name = "recurrent-zoo/slstm"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        heads: int = 1,
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
        options = {"heads": heads}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class WMCLSTM(CellModel):
    """LSTM with working memory connections: gates see a tanh of a map of the memory.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    An LSTM with working memory connections: i = σ(W_i x + U_i h + tanh(V_i c) + b_i),
    f = σ(W_f x + U_f h + tanh(V_f c) + b_f), g = tanh(W_g x + U_g h + b_g), c = f ⊙ c + i ⊙ g,
    o = σ(W_o x + U_o h + tanh(V_o c) + b_o) with the new c, h = o ⊙ tanh(c); the output is h.

    Source: arXiv:2109.00020. Parameters start uniform in plus and minus 1/sqrt(hidden_size), as torch's LSTM.
    Parameters: four blocks, i, f, g, o, and weight_ch (3 H, H) in blocks i, f, o.

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        bias ("two", "one" or "none"): 'two' biases per gate as in torch, 'one' as in papers and Keras, or 'none'.
            Default: "one".
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
        state: a `zoo.State` of `layers.0.h`, `layers.0.c`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.WMCLSTM(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.0.c', 'layers.1.h', 'layers.1.c']

    Paper: Landi et al. 2021, Working memory connections for LSTM, Neural Networks 144, arXiv:2109.00020.
    """

    cell_name = "recurrent-zoo/wmc-lstm"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: Literal["two", "one", "none"] = "one",
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
        options = {"bias": bias}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)
