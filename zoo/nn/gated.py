"""The classes of the gated cells.

Written by docs/generate.py from the cells' records and docstrings: change those.
"""

from collections.abc import Mapping
from typing import Any, Literal

import torch

from zoo.model.limits import GIBIBYTE
from zoo.nn.keys import Around
from zoo.nn.layer import CellModel, Made


class ATR(CellModel):
    """Addition-subtraction twin-gated network: both gates from one product of x and one of h.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    p = W x + b_p, q = U h + b_q, h = σ(p + q) ⊙ p + σ(p − q) ⊙ h; the output is h.

    Source: arXiv:1810.12546; bzhangGo/ATR, lm/pytorch-lm/rnn/atr.py, which alone has biases.
    Parameters: weight_ih (H, I), weight_hh (H, H); bias_ih (H,) is b_p, bias_hh (H,) is b_q, and one bias is b_p.
    States: h (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
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
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.ATR(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Zhang et al. 2018, Simplifying neural machine translation with addition-subtraction twin-gated recurrent
    networks, EMNLP, arXiv:1810.12546.
    """

    cell_name = "recurrent-zoo/atr"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
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
        options = {"bias": bias}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class BR(CellModel):
    """Bistable recurrent cell: each unit sees only its own previous state, and can be bistable.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    a = 1 + tanh(W_a x + w_a ⊙ h + b_a), c = σ(W_c x + w_c ⊙ h + b_c), h = c ⊙ h + (1 − c) ⊙ tanh(W_h x + a ⊙ h).

    The output is h. Each unit feeds back to itself alone.

    Source: Vecoven, Ernst and Drion 2021, PLOS ONE 16(6) e0252676; nvecoven/BRC, cells/cells.py, BRC.
    Parameters: weight_ih (3 H, I) in blocks a, c, h; weight_hh (2 H,) and bias (2 H,) in blocks a, c.
    States: h (hidden_size,).

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
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.BR(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Vecoven, Ernst and Drion 2021, A bio-inspired bistable recurrent cell allows for long-lasting memory,
    PLOS ONE 16(6), arXiv:2006.05252.
    """

    cell_name = "recurrent-zoo/br"

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


class CFN(CellModel):
    """Chaos-free network: without an input, every state decays to zero.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    θ = σ(W_θ x + U_θ h + b_θ), η = σ(W_η x + U_η h + b_η), h = θ ⊙ tanh(h) + η ⊙ tanh(W_h x); the output is h.

    Source: arXiv:1612.06212, with W for its V and W. Parameters: weight_ih (3 H, I) in blocks θ,
    η, h; weight_hh (2 H, H) and bias (2 H,) in blocks θ, η. States: h (hidden_size,).

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
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.CFN(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Laurent and von Brecht 2017, A recurrent neural network without chaos, ICLR, arXiv:1612.06212.
    """

    cell_name = "recurrent-zoo/cfn"

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


class DSGU(CellModel):
    """Deep simple gated unit: the input multiplies the state, followed by one more product.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    x_g = W_xh x + b_g, z_g = tanh(W_zxh (x_g ⊙ h)), z = σ'(W_xz x + W_hz h + b_z),

    n = σ(W_go (z_g ⊙ h)), h = (1 − z) ⊙ h + z ⊙ n, σ'(v) = max(0, min(1, v / 5 + 1/2)); the output is h.

    Source: arXiv:1604.02910; σ' is the hard sigmoid of the Keras of its day.
    Parameters: weight_ih (2 H, I) in blocks g, z (W_xh, W_xz); weight_hh (2 H, H) in blocks g, z (W_zxh, W_hz); bias
    (2 H,) in blocks g, z; weight_go (H, H). States: h (hidden_size,).

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
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.DSGU(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Gao and Glowacka 2016, Deep gate recurrent neural network, ACML, arXiv:1604.02910.
    """

    cell_name = "recurrent-zoo/dsgu"

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


class FastGRNN(CellModel):
    """FastGRNN: one gate, which shares its matrices with the candidate.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    z = σ(W x + U h + b_z), n = f(W x + U h + b_h), h = (σ(ζ) (1 − z) + σ(ν)) ⊙ n + z ⊙ h, f = tanh or relu.

    W and U are the same in both; the output is h.

    Source: arXiv:1901.02358; microsoft/EdgeML, edgeml_pytorch/graph/rnn.py, FastGRNNCell of full rank.
    Parameters: weight_ih (H, I), weight_hh (H, H), bias (2 H,) in blocks z, h, zeta (1,) and nu (1,).
    States: h (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        nonlinearity ("relu" or "tanh"): Activation function of the candidate state. Default: "tanh".
        zeta (float): Initial value of ζ; σ(ζ) is the weight of the candidate state where the gate is closed.
            Default: 1.0.
        nu (float): Initial value of ν; σ(ν) is a constant weight of the candidate state, added to the gate's.
            Default: -4.0.
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
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.FastGRNN(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Kusupati et al. 2018, FastGRNN: a fast, accurate, stable and tiny kilobyte sized gated recurrent neural
    network, NeurIPS, arXiv:1901.02358.
    """

    cell_name = "recurrent-zoo/fastgrnn"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        nonlinearity: Literal["relu", "tanh"] = "tanh",
        zeta: float = 1.0,
        nu: float = -4.0,
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
        options = {"nonlinearity": nonlinearity, "zeta": zeta, "nu": nu}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class FastRNN(CellModel):
    """FastRNN: a simple network with a weighted residual connection.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    n = f(W x + U h + b), h = σ(α) n + σ(β) h, f = tanh or relu; the output is h.

    Source: arXiv:1901.02358; microsoft/EdgeML, edgeml_pytorch/graph/rnn.py, FastRNNCell of full rank.
    Parameters: weight_ih (H, I), weight_hh (H, H), bias (H,), alpha (1,) and beta (1,). States: h (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        nonlinearity ("relu" or "tanh"): Activation function of the candidate state. Default: "tanh".
        alpha (float): Initial value of α; σ(α) is the weight of the candidate state. Default: -3.0.
        beta (float): Initial value of β; σ(β) is the weight of the old state. Default: 3.0.
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
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.FastRNN(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Kusupati et al. 2018, FastGRNN: a fast, accurate, stable and tiny kilobyte sized gated recurrent neural
    network, NeurIPS, arXiv:1901.02358.
    """

    cell_name = "recurrent-zoo/fastrnn"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        nonlinearity: Literal["relu", "tanh"] = "tanh",
        alpha: float = -3.0,
        beta: float = 3.0,
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
        options = {"nonlinearity": nonlinearity, "alpha": alpha, "beta": beta}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class IndRNN(CellModel):
    """Independently recurrent network: each unit sees only its own previous state.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    h = f(W x + u ⊙ h + b), f = relu or tanh; the output is h.

    With `bound`, a recurrent weight beyond it counts as the bound. It keeps the gradient of the bound, so that an
    optimiser can bring it back, as where weights are clipped after every update, which the official code does.

    Source: arXiv:1803.04831. Parameters: weight_ih (H, I), weight_hh (H,), bias (H,). States: h (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        nonlinearity ("relu" or "tanh"): Activation function of the new state. Default: "relu".
        bias ("one" or "none"): 'one' bias per unit as in the paper, or 'none'. Default: "one".
        bound (float, above 0): Largest absolute recurrent weight, no bound if not given; the official code has
            γ^(1/T) for T steps, with γ near 5.
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
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.IndRNN(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Li et al. 2018, Independently recurrent neural network (IndRNN): building a longer and deeper RNN, CVPR,
    arXiv:1803.04831.
    """

    cell_name = "recurrent-zoo/indrnn"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        nonlinearity: Literal["relu", "tanh"] = "relu",
        bias: Literal["one", "none"] = "one",
        bound: float | None = None,
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
        options = {"nonlinearity": nonlinearity, "bias": bias, "bound": bound}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class JANET(CellModel):
    """Just another network: an LSTM with a forget gate only.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    s = W_f x + U_f c + b_f, n = tanh(W_c x + U_c c + b_c), c = σ(s) ⊙ c + (1 − σ(s − β)) ⊙ n; the output is c.

    Source: arXiv:1804.04849; β is a constant. Parameters: two blocks, f and c. States: c (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        bias ("two", "one" or "none"): 'two' biases per gate as in torch, 'one' as in papers and Keras, or 'none'.
            Default: "one".
        beta (float): β, subtracted from the forget gate's preactivation where it gates the input. Default: 1.0.
        longest (int, at least 3): Longest dependency expected, in steps, for chrono initialisation of the forget
            bias; no chrono initialisation if not given.
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
        >>> layer = znn.JANET(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.c', 'layers.1.c']

    Paper: van der Westhuizen and Lasenby 2018, The unreasonable effectiveness of the forget gate, preprint,
    arXiv:1804.04849.
    """

    cell_name = "recurrent-zoo/janet"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: Literal["two", "one", "none"] = "one",
        beta: float = 1.0,
        longest: int | None = None,
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
        options = {"bias": bias, "beta": beta, "longest": longest}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class LightRU(CellModel):
    """Light recurrent unit: one gate, and a candidate that sees only the input.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    f = σ(W_f x + U_f h + b_f), h = (1 − f) ⊙ h + f ⊙ tanh(W_h x); the output is h.

    Source: Ye et al. 2024, Electronics 13(16) 3204, where it is called LRU. Parameters: weight_ih (2 H, I) in blocks f,
    h; weight_hh (H, H) and bias (H,) of f. States: h (hidden_size,).

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
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.LightRU(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Ye et al. 2024, Light recurrent unit: towards an interpretable recurrent neural network for modeling
    long-range dependency, Electronics 13(16), doi:10.3390/electronics13163204.
    """

    cell_name = "recurrent-zoo/lightru"

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


class LiGRU(CellModel):
    """Light gated recurrent unit: no reset gate, a relu candidate, batch norm on the input products.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    (u_z, u_h) = N(W x), z = σ(u_z + U_z h), n = f(u_h + U_h h), h = z ⊙ h + (1 − z) ⊙ n, f = relu or tanh; the
    output is h.

    N is batch normalisation of both blocks, or layer normalisation over both at once; without, it adds a bias. In
    training `candidate_dropout` drops units of n, for a whole sequence.

    Source: arXiv:1803.10225, as in SpeechBrain, whose blocks stand the other way round.
    Parameters: two blocks, z and h. States: h (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        cell_norm ("batch", "layer" or "none"): The cell's own `norm`. Normalisation of the input products, 'batch'
            as in the paper; 'none' adds a bias instead. Default: "batch".
        nonlinearity ("relu" or "tanh"): Activation function of the candidate state. Default: "relu".
        candidate_dropout (float, at least 0, below 1): Dropout rate on the candidate state, one mask per sequence,
            as in SpeechBrain. Default: 0.0.
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
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.LiGRU(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Ravanelli et al. 2018, Light gated recurrent units for speech recognition, IEEE Transactions on Emerging
    Topics in Computational Intelligence 2(2), arXiv:1803.10225.
    """

    cell_name = "recurrent-zoo/ligru"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        cell_norm: Literal["batch", "layer", "none"] = "batch",
        nonlinearity: Literal["relu", "tanh"] = "relu",
        candidate_dropout: float = 0.0,
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
        options = {"norm": cell_norm, "nonlinearity": nonlinearity, "candidate_dropout": candidate_dropout}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class MGU(CellModel):
    """Minimal gated unit: one gate serves as reset gate and update gate.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    f = σ(W_f x + U_f h + b_f), n = tanh(W_h x + U_h (f ⊙ h) + b_h), h = (1 − f) ⊙ h + f ⊙ n; the output is h.

    Source: arXiv:1603.09420. Parameters: two blocks, f and h. States: h (hidden_size,).

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
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.MGU(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Zhou et al. 2016, Minimal gated unit for recurrent neural networks, International Journal of Automation
    and Computing 13(3), arXiv:1603.09420.
    """

    cell_name = "recurrent-zoo/mgu"

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


class MinimalRNN(CellModel):
    """MinimalRNN: a gate between the old state and a map of the input.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    z = tanh(W x + b_z), u = σ(U_h h + U_z z + b_u), h = u ⊙ h + (1 − u) ⊙ z; the output is h.

    Source: arXiv:1711.06788, where z may be any function of x.
    Parameters: weight_ih (H, I), weight_zh (H, H) is U_z, weight_hh (H, H) is U_h, bias (2 H,) in blocks z, u.
    States: h (hidden_size,).

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
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.MinimalRNN(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Chen 2017, MinimalRNN: toward more interpretable and trainable recurrent neural networks, preprint,
    arXiv:1711.06788.
    """

    cell_name = "recurrent-zoo/minimalrnn"

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


class MiRU1(CellModel):
    """Minion recurrent unit 1: a GRU with a constant update gate.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    r = σ(W_r x + U_r h + b_r), n = tanh(W_h x + U_h (r ⊙ h) + b_h), h = λ h + (1 − λ) n; the output is h.

    Source: arXiv:2503.06175, MiRU-1: the GRU with a constant λ for its update gate.
    Parameters: two blocks, r and h. States: h (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        bias ("two", "one" or "none"): 'two' biases per gate as in torch, 'one' as in papers and Keras, or 'none'.
            Default: "one".
        lam (float, at least 0, below 1): λ, the weight of the old state in the new one. Default: 0.5.
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
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.MiRU1(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Zyarah and Kudithipudi 2026, Minion gated recurrent unit for continual learning, Neurocomputing 673,
    arXiv:2503.06175.
    """

    cell_name = "recurrent-zoo/miru1"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: Literal["two", "one", "none"] = "one",
        lam: float = 0.5,
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
        options = {"bias": bias, "lam": lam}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class MiRU2(CellModel):
    """Minion recurrent unit 2: a GRU with two constant gates.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    n = tanh(W x + U (β h) + b), h = λ h + (1 − λ) n; the output is h.

    Source: arXiv:2503.06175, MiRU-2: the GRU with constants β and λ for its gates.
    Parameters: one block. States: h (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        bias ("two", "one" or "none"): 'two' biases per gate as in torch, 'one' as in papers and Keras, or 'none'.
            Default: "one".
        lam (float, at least 0, below 1): λ, the weight of the old state in the new one. Default: 0.5.
        beta (float, at least 0, at most 1): β, the factor of the old state in the candidate state. Default: 0.5.
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
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.MiRU2(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Zyarah and Kudithipudi 2026, Minion gated recurrent unit for continual learning, Neurocomputing 673,
    arXiv:2503.06175.
    """

    cell_name = "recurrent-zoo/miru2"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: Literal["two", "one", "none"] = "one",
        lam: float = 0.5,
        beta: float = 0.5,
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
        options = {"bias": bias, "lam": lam, "beta": beta}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class MUT1(CellModel):
    """Mutated unit 1 of an evolutionary search: the update gate sees only the input.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    z = σ(W_z x + b_z), r = σ(W_r x + U_r h + b_r), h = z ⊙ tanh(U_h (r ⊙ h) + tanh(x') + b_h) + (1 − z) ⊙ h.

    input `matrix`: x' = W_h x. input `identity`: x' = x, as the paper has it, where x is as wide as h. The output is h.

    Source: Jozefowicz, Zaremba and Sutskever 2015, ICML, MUT1.
    Parameters: weight_ih (3 H, I) in blocks z, r, h or, with identity, (2 H, I) in z, r; weight_hh (2 H, H) in blocks
    r, h; bias (3 H,) in blocks z, r, h. States: h (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        input ("matrix" or "identity"): 'matrix' for a product of the input, or 'identity' for the input itself,
            which must be as wide as the state. Default: "matrix".
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
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.MUT1(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Jozefowicz, Zaremba and Sutskever 2015, An empirical exploration of recurrent network architectures,
    ICML, https://proceedings.mlr.press/v37/jozefowicz15.html.
    """

    cell_name = "recurrent-zoo/mut1"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        input: Literal["matrix", "identity"] = "matrix",
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
        options = {"input": input}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class MUT2(CellModel):
    """Mutated unit 2 of an evolutionary search: the reset gate sees the input itself.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    z = σ(W_z x + U_z h + b_z), r = σ(x' + U_r h + b_r), h = z ⊙ tanh(U_h (r ⊙ h) + W_h x + b_h) + (1 − z) ⊙ h.

    input `matrix`: x' = W_r x. input `identity`: x' = x, as the paper has it, where x is as wide as h. The output is h.

    Source: Jozefowicz, Zaremba and Sutskever 2015, ICML, MUT2.
    Parameters: weight_ih (3 H, I) in blocks z, r, h or, with identity, (2 H, I) in z, h; weight_hh (3 H, H) and bias
    (3 H,) in blocks z, r, h. States: h (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        input ("matrix" or "identity"): 'matrix' for a product of the input, or 'identity' for the input itself,
            which must be as wide as the state. Default: "matrix".
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
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.MUT2(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Jozefowicz, Zaremba and Sutskever 2015, An empirical exploration of recurrent network architectures,
    ICML, https://proceedings.mlr.press/v37/jozefowicz15.html.
    """

    cell_name = "recurrent-zoo/mut2"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        input: Literal["matrix", "identity"] = "matrix",
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
        options = {"input": input}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class MUT3(CellModel):
    """Mutated unit 3 of an evolutionary search: the update gate sees the squashed state.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    z = σ(W_z x + U_z tanh(h) + b_z), r = σ(W_r x + U_r h + b_r),

    h = z ⊙ tanh(U_h (r ⊙ h) + W_h x + b_h) + (1 − z) ⊙ h; the output is h.

    Source: Jozefowicz, Zaremba and Sutskever 2015, ICML, MUT3. Parameters: weight_ih (3 H, I), weight_hh (3 H, H) and
    bias (3 H,), all in blocks z, r, h. States: h (hidden_size,).

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
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.MUT3(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Jozefowicz, Zaremba and Sutskever 2015, An empirical exploration of recurrent network architectures,
    ICML, https://proceedings.mlr.press/v37/jozefowicz15.html.
    """

    cell_name = "recurrent-zoo/mut3"

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


class NBR(CellModel):
    """Neuromodulated bistable recurrent cell: each unit's bistability is modulated by all units.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    a = 1 + tanh(W_a x + U_a h + b_a), c = σ(W_c x + U_c h + b_c), h = c ⊙ h + (1 − c) ⊙ tanh(W_h x + a ⊙ h).

    The output is h. The neuromodulated cell: all units set the gates of one.

    Source: Vecoven, Ernst and Drion 2021, PLOS ONE 16(6) e0252676; nvecoven/BRC, cells/cells.py, NBRC.
    Parameters: weight_ih (3 H, I) in blocks a, c, h; weight_hh (2 H, H) and bias (2 H,) in blocks a, c.
    States: h (hidden_size,).

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
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.NBR(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Vecoven, Ernst and Drion 2021, A bio-inspired bistable recurrent cell allows for long-lasting memory,
    PLOS ONE 16(6), arXiv:2006.05252.
    """

    cell_name = "recurrent-zoo/nbr"

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


class QRNN(CellModel):
    """Quasi-recurrent network: convolutions over the input, and a gated pooling over time.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    z = tanh(W_z ∗ x + b_z), f = σ(W_f ∗ x + b_f), where W ∗ x is a convolution over the last `window` inputs, x now
    among them.

    pooling `fo`: c = f ⊙ c + (1 − f) ⊙ z, o = σ(W_o ∗ x + b_o), the output is o ⊙ c.
    pooling `ifo`: c = f ⊙ c + i ⊙ z, i = σ(W_i ∗ x + b_i), o = σ(W_o ∗ x + b_o), the output is o ⊙ c.
    pooling `f`: c = f ⊙ c + (1 − f) ⊙ z, and the output is c.

    Source: arXiv:1611.01576, where f-pooling's c is called h; salesforce/pytorch-qrnn,
    torchqrnn/qrnn.py, whose f is 1 − f. Parameters: weight_ih (blocks * H, window * I), rows in blocks z, f, o, i as
    far as the pooling has them, columns from x now to the oldest; bias (blocks * H,). States: c (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        window (int, at least 1, at most 1000): Filter width k of the convolutions: how many inputs, up to the
            present one, the gates see. Default: 2.
        pooling ("f", "fo" or "ifo"): Gates of the pooling, by their first letters: forget (f), output (o), input
            (i). Default: "fo".
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
        >>> layer = znn.QRNN(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.c', 'layers.0.age', 'layers.0.past', 'layers.1.c', 'layers.1.age', 'layers.1.past']

    Paper: Bradbury et al. 2017, Quasi-recurrent neural networks, ICLR, arXiv:1611.01576.
    """

    cell_name = "recurrent-zoo/qrnn"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        window: int = 2,
        pooling: Literal["f", "fo", "ifo"] = "fo",
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
        options = {"window": window, "pooling": pooling}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class RAN(CellModel):
    """Recurrent additive network: a gated sum of linear maps of the inputs.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    h' = g(c), i = σ(W_i x + U_i h' + b_i), f = σ(W_f x + U_f h' + b_f), c = i ⊙ (W_c x) + f ⊙ c, h = g(c),
    g = tanh or identity; the output is h, and h' that of the step before, which follows from its c.

    Source: arXiv:1705.07393; kentonl/ran, ran.py, without its projection.
    Parameters: weight_ih (3 H, I) in blocks i, f, c; weight_hh (2 H, H) and bias (2 H,) in blocks i, f.
    States: c (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        nonlinearity ("tanh" or "identity"): Activation function between the memory and the output. Default: "tanh".
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
        >>> layer = znn.RAN(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.c', 'layers.1.c']

    Paper: Lee, Levy and Zettlemoyer 2017, Recurrent additive networks, preprint, arXiv:1705.07393.
    """

    cell_name = "recurrent-zoo/ran"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        nonlinearity: Literal["tanh", "identity"] = "tanh",
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
        options = {"nonlinearity": nonlinearity}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class RHN(CellModel):
    """Recurrent highway network: several highway layers between one step and the next.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    In each of `depth` micro-steps, one after the other, s = tanh(W_h x + U_h s + b_h) ⊙ t + s ⊙ c with U and b of
    the micro-step's own, t = σ(W_t x + U_t s + b_t) with the same s; coupled: c = 1 − t; uncoupled: c = σ(W_c x + U_c s
    + b_c).

    W x is there in the first micro-step alone. The output is s.

    Source: arXiv:1607.03474; jzilly/RecurrentHighwayNetworks, rhn.py, which couples.
    Parameters: weight_ih (blocks * H, I) in blocks h, t and, uncoupled, c; weight_hh (depth * blocks * H, H) and bias
    (depth * blocks * H,), micro-step by micro-step in those blocks. States: s (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        depth (int, at least 1, at most 1000): Recurrence depth L: highway layers within one time step. Default: 3.
        coupled (bool): Couple the carry gate to the transform gate, c = 1 − t; otherwise c is a gate of its own.
            Default: True.
        transform_bias (float): Initial value of the transform gate's bias. Default: -2.0.
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
        state: a `zoo.State` of `layers.0.s`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.RHN(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.s', 'layers.1.s']

    Paper: Zilly et al. 2017, Recurrent highway networks, ICML, arXiv:1607.03474.
    """

    cell_name = "recurrent-zoo/rhn"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        depth: int = 3,
        coupled: bool = True,
        transform_bias: float = -2.0,
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
        options = {"depth": depth, "coupled": coupled, "transform_bias": transform_bias}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class SCRN(CellModel):
    """Structurally constrained network: a slow, linear context beside a simple network.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    s = (1 − α) (B x) + α s, h = σ(P s + A x + R h) with the new s; the output is (h, s), one beside the other.

    α is a constant or, `adaptive`, σ(β), one for each unit. The paper's output, a function f of U h + V s, is then a
    linear map.

    Source: arXiv:1412.7753; the official facebookarchive/SCRNNs, mfactory.lua, feeds P with the old
    s, against the paper and its own comment. Parameters: A (H, I), B (C, I), P (H, C), R (H, H), adaptive also beta
    (C,). States: h (hidden_size,), s (context_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        context_size (int, at least 1): Size of the slow context state. Default: 16.
        alpha (float, above 0, below 1): α, the decay factor of the slow context state: the fraction that is carried
            over at each step. Default: 0.95.
        adaptive (bool): Learn α for each unit, with `alpha` as its initial value. Default: False.
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
        y: (B, T, width of the output); twice as wide for two directions that are concatenated.
        state: a `zoo.State` of `layers.0.h`, `layers.0.s`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.SCRN(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 36])
        >>> list(state)
        ['layers.0.h', 'layers.0.s', 'layers.1.h', 'layers.1.s']

    Paper: Mikolov et al. 2015, Learning longer memory in recurrent neural networks, ICLR workshop, arXiv:1412.7753.
    """

    cell_name = "recurrent-zoo/scrn"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        context_size: int = 16,
        alpha: float = 0.95,
        adaptive: bool = False,
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
        options = {"context_size": context_size, "alpha": alpha, "adaptive": adaptive}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class SGRN(CellModel):
    """Simple gated recurrent network: one gate, whose input product is the candidate too.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    p = W x + b, f = σ(p + U h + b'), h = tanh((1 − f) ⊙ p + f ⊙ h); the output is h.

    Source: the simple gated recurrent network of doi 10.1049/gtd2.12056; p is in the gate too, with its bias.
    Parameters: weight_ih (H, I), weight_hh (H, H); bias_ih (H,) is b, bias_hh (H,) is b', and one bias is b.
    States: h (hidden_size,).

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
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.SGRN(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Zu and Wei 2021, A simple gated recurrent network for detection of power quality disturbances, IET
    Generation, Transmission & Distribution 15(4), doi:10.1049/gtd2.12056.
    """

    cell_name = "recurrent-zoo/sgrn"

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


class SGU(CellModel):
    """Simple gated unit: the input multiplies the state.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    x_g = W_xh x + b_g, z_g = tanh(W_zxh (x_g ⊙ h)), z = σ'(W_xz x + W_hz h + b_z),

    n = softplus(z_g ⊙ h), h = (1 − z) ⊙ h + z ⊙ n, σ'(v) = max(0, min(1, v / 5 + 1/2)); the output is h.

    Source: arXiv:1604.02910; σ' is the hard sigmoid of the Keras of its day.
    Parameters: weight_ih (2 H, I) in blocks g, z (W_xh, W_xz); weight_hh (2 H, H) in blocks g, z (W_zxh, W_hz); bias
    (2 H,) in blocks g, z. States: h (hidden_size,).

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
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.SGU(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Gao and Glowacka 2016, Deep gate recurrent neural network, ACML, arXiv:1604.02910.
    """

    cell_name = "recurrent-zoo/sgu"

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


class SRU(CellModel):
    """Simple recurrent unit: a light recurrence with a highway connection for the input.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    f = σ(W_f x + v_f ⊙ c + b_f), r = σ(W_r x + v_r ⊙ c + b_r), c = f ⊙ c + (1 − f) ⊙ (W x), with the old c in f and
    r.

    The output is r ⊙ c + (1 − r) ⊙ x', of the new c.

    skip `scaled`: x' = α x, α = √(1 + 2 exp(β)). skip `plain`: x' = x. β is `highway_bias`. Where x is not as wide as
    c, x' is a product W_x x, and α is in its start. With skip `none` there is no x', and r ⊙ c is put out alone.

    Source: arXiv:1709.02755; asappresearch/sru, sru/ops.py and modules.py. Parameters: weight_ih (3 H or, with W_x, 4
    H, I) in blocks c, f, r, x, of which c is W; bias (2 H,) in blocks f, r; weight_c (2 H,) in blocks f, r, v_f and
    v_r. States: c (hidden_size,), and r (hidden_size,), which the new c no longer tells.

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        peephole (bool): Peephole connections from the old state to the gates, with weights v; without them the
            recurrence is linear. Default: True.
        skip ("scaled", "plain" or "none"): Highway connection of the input: 'scaled' by α = √(1 + 2
            exp(highway_bias)), 'plain', or 'none'. Default: "scaled".
        highway_bias (float, at most 100): Initial value of the reset gate's bias. Default: 0.0.
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
        state: a `zoo.State` of `layers.0.c`, `layers.0.r`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.SRU(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.c', 'layers.0.r', 'layers.1.c', 'layers.1.r']

    Paper: Lei et al. 2018, Simple recurrent units for highly parallelizable recurrence, EMNLP, arXiv:1709.02755.
    """

    cell_name = "recurrent-zoo/sru"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        peephole: bool = True,
        skip: Literal["scaled", "plain", "none"] = "scaled",
        highway_bias: float = 0.0,
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
        options = {"peephole": peephole, "skip": skip, "highway_bias": highway_bias}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class STAR(CellModel):
    """Stackable recurrent cell: one gate, and gradients that keep their magnitude through many layers.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    k = W_k x + U_k h + b_k, z = tanh(W_z x + b_z), h = tanh((1 − σ(k)) ⊙ h + σ(k + β) ⊙ z); the output is h.

    The paper has no β; the official code has 1.

    Source: arXiv:1911.11033; 0zgur0/STAR_Network, star.py, whose f is −k here.
    Parameters: weight_ih (2 H, I) and bias (2 H,) in blocks k, z; weight_hh (H, H) of k. States: h (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        beta (float): β, added to the gate's preactivation where it gates the input; the official code has 1.
            Default: 0.0.
        longest (int, at least 2): Longest dependency expected, in steps, for chrono initialisation of the gate's
            bias; no chrono initialisation if not given.
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
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.STAR(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Turkoglu et al. 2022, Gating revisited: deep multi-layer RNNs that can be trained, IEEE Transactions on
    Pattern Analysis and Machine Intelligence 44(8), arXiv:1911.11033.
    """

    cell_name = "recurrent-zoo/star"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        beta: float = 0.0,
        longest: int | None = None,
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
        options = {"beta": beta, "longest": longest}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class SURNN(CellModel):
    """Selective-update network: each unit keeps its state except where its own periodic gate opens.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    n = tanh(W x + U h + b), g = H(c + Σ_k α_k ⊙ sin(ω_k t + φ_k)), h = h + g ⊙ (n − h); the output is h.

    t is the number of the step in its sequence, from 1 on; H is 1 above 0 and 0 elsewhere.

    Source: arXiv:2603.02226, from a secondary source, its f a simple network. The paper trains H by a straight-through
    estimator, of a form not known here: H's gradient is passed on as if H(a) were a. Parameters: one block; gate_bias
    (H,), which is c; gate_alpha and gate_phi (H, K), α and φ; gate_omega (K,), ω. States: h (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        bias ("two", "one" or "none"): 'two' biases per gate as in torch, 'one' as in papers and Keras, or 'none'.
            Default: "one".
        harmonics (int, at least 1, at most 1000): K, the number of harmonics that each unit's gate is a sum of.
            Default: 4.
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
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.SURNN(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.0.age', 'layers.1.h', 'layers.1.age']

    Paper: Yin et al. 2026, Efficient sparse selective-update RNNs for long-range sequence modeling, preprint,
    arXiv:2603.02226.
    """

    cell_name = "recurrent-zoo/surnn"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: Literal["two", "one", "none"] = "one",
        harmonics: int = 4,
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
        options = {"bias": bias, "harmonics": harmonics}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class TGRU(CellModel):
    """Strongly typed GRU: gates see the last two inputs, not the state.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    z = W_z x + V_z x₋ + b_z, f = σ(W_f x + V_f x₋ + b_f), o = tanh(W_o x + V_o x₋ + b_o), h = f ⊙ h + z ⊙ o.

    x₋ is the input one step ago; the output is h.

    Source: arXiv:1602.02218, T-GRU. Parameters: weight_ih (3 H, 2 I), rows in blocks z, f, o, columns W
    then V; bias (3 H,). States: h (hidden_size,).

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
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.TGRU(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.0.age', 'layers.0.past', 'layers.1.h', 'layers.1.age', 'layers.1.past']

    Paper: Balduzzi and Ghifary 2016, Strongly-typed recurrent neural networks, ICML, arXiv:1602.02218.
    """

    cell_name = "recurrent-zoo/tgru"

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


class TLSTM(CellModel):
    """Strongly typed LSTM: gates see the last two inputs, not the state.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    z = W_z x + V_z x₋ + b_z, f = σ(W_f x + V_f x₋ + b_f), o = tanh(W_o x + V_o x₋ + b_o),
    c = f ⊙ c + (1 − f) ⊙ z; x₋ is the input one step ago; the output is c ⊙ o.

    Source: arXiv:1602.02218, T-LSTM. Parameters: weight_ih (3 H, 2 I), rows in blocks z, f, o, columns W
    then V; bias (3 H,). States: c (hidden_size,).

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
        >>> layer = znn.TLSTM(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.c', 'layers.0.age', 'layers.0.past', 'layers.1.c', 'layers.1.age', 'layers.1.past']

    Paper: Balduzzi and Ghifary 2016, Strongly-typed recurrent neural networks, ICML, arXiv:1602.02218.
    """

    cell_name = "recurrent-zoo/tlstm"

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


class TRNN(CellModel):
    """Strongly typed RNN: a gated average of linear maps of the inputs.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    f = σ(V x + b), h = f ⊙ h + (1 − f) ⊙ (W x); the output is h.

    Source: arXiv:1602.02218, T-RNN. Parameters: weight_ih (2 H, I) in blocks f, z (V, W); bias (H,) of f.
    States: h (hidden_size,).

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
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.TRNN(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Balduzzi and Ghifary 2016, Strongly-typed recurrent neural networks, ICML, arXiv:1602.02218.
    """

    cell_name = "recurrent-zoo/trnn"

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


class UGRNN(CellModel):
    """Update gate network: one gate between the old state and a simple network.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    c = s(W_c x + U_c h + b_c), g = σ(W_g x + U_g h + b_g), h = g ⊙ h + (1 − g) ⊙ c, s = tanh or relu.

    The output is h.

    Source: arXiv:1611.09913; UGRNNCell of TensorFlow 1, contrib/rnn/python/ops/rnn_cell.py, by the paper's
    authors, whose constant `forget_bias` is part of b_g here. Parameters: two blocks, c and g.
    States: h (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        nonlinearity ("relu" or "tanh"): Activation function of the candidate state. Default: "tanh".
        bias ("two" or "one"): 'two' biases per gate as torch has, or 'one'. Default: "one".
        forget_bias (float): Initial value of the gate's bias; of the sum of both biases, if there are two. Default:
            1.0.
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
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.UGRNN(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Collins, Sohl-Dickstein and Sussillo 2017, Capacity and trainability in recurrent neural networks, ICLR,
    arXiv:1611.09913.
    """

    cell_name = "recurrent-zoo/ugrnn"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        nonlinearity: Literal["relu", "tanh"] = "tanh",
        bias: Literal["two", "one"] = "one",
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
        options = {"nonlinearity": nonlinearity, "bias": bias, "forget_bias": forget_bias}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)
