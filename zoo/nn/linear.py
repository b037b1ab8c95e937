"""The classes of the linear cells.

Written by docs/generate.py from the cells' records and docstrings: change those.
"""

from collections.abc import Mapping
from typing import Any, Literal

import torch

from zoo.model.limits import GIBIBYTE
from zoo.nn.keys import Around
from zoo.nn.layer import CellModel, Made


class HGRN(CellModel):
    """Hierarchically gated recurrent network: its forget gate has a lower bound and sees only the input.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    f = γ + (1 − γ) σ(W_f x), h = f ⊙ h + (1 − f) ⊙ silu(W_i x); the output is RMSNorm(h) ⊙ silu(W_g x).

    RMSNorm(y) = w ⊙ y / √(mean(y²) + ε), where w is norm_weight and ε is `norm_eps`.

    Source: arXiv:2311.04823, section 3; the layer in fla-org/flash-linear-attention, layers/hgrn.py, without short
    convolutions. As there, h is real, while the paper's turns by an angle too. γ is `lower_bound`, or, with
    `learned_bound`, the paper's, learned for all layers of a stack together: over their parameters `bound`, the sum of
    the softmax over layers up to this one, less the first's, so that it rises with depth from 0. The official layer's
    last product is left to `output_projection`. Parameters: weight_ih (3 H, I) in blocks i, f, g; norm_weight (H,);
    bound (H,) or None. States: h (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        lower_bound (float, at least 0, below 1): Lower bound of the forget gate. Default: 0.0.
        learned_bound (bool): Learn a lower bound of each feature, rising from layer to layer over all that say so.
            Default: False.
        norm_eps (float, above 0): ε, added to the mean square in the output's norm. Default: 1e-05.
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
        >>> layer = znn.HGRN(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Qin, Yang and Zhong 2023, Hierarchically gated recurrent neural network for sequence modeling, NeurIPS,
    arXiv:2311.04823.
    """

    cell_name = "recurrent-zoo/hgrn"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        lower_bound: float = 0.0,
        learned_bound: bool = False,
        norm_eps: float = 1e-05,
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
        options = {"lower_bound": lower_bound, "learned_bound": learned_bound, "norm_eps": norm_eps}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class LinOSS(CellModel):
    """Linear oscillatory state space: forced harmonic oscillators between two linear maps.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    z = S ⊙ (z + Δ ⊙ (B x − A ⊙ y)), y = y + Δ ⊙ z with the new z; the output is Re(C y) + D ⊙ x, as wide as x.

    im: S = 1 / (1 + Δ² ⊙ A), where A and z act at the new y; imex: S = 1. A = relu(A_diag), Δ = σ(steps).

    Source: arXiv:2410.03943, section 2; tk-rusch/linoss, models/LinOSS.py, whose matrices M this multiplies out. A and
    Δ are real, so a complex y is two oscillators side by side. Parameters: A_diag and steps (N,), B (N, I, 2) and C
    (I, N, 2) with real and imaginary part last, D (I,), with N the hidden size. States: y and z (N, 2), likewise.

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        discretisation ("im" or "imex"): 'im', implicit, which dissipates energy, or 'imex', implicit-explicit,
            which conserves it. Default: "im".
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
        state: a `zoo.State` of `layers.0.y`, `layers.0.z`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.LinOSS(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 10])
        >>> list(state)
        ['layers.0.y', 'layers.0.z', 'layers.1.y', 'layers.1.z']

    Paper: Rusch and Rus 2025, Oscillatory state-space models, ICLR, arXiv:2410.03943.
    """

    cell_name = "recurrent-zoo/linoss"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        discretisation: Literal["im", "imex"] = "im",
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
        options = {"discretisation": discretisation}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class LRU(CellModel):
    """Linear recurrent unit: a complex diagonal recurrence between two linear maps.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    λ = exp(−exp(ν) + i exp(θ)), h = λ ⊙ h + exp(γ) ⊙ (B x), y = Re(C h) + D ⊙ x; the output is y, as wide as x.

    Source: arXiv:2303.06349, section 3; NicolasZucchet/minimal-LRU. Parameters: nu_log, theta_log, gamma_log (N,),
    which are ν, θ and γ; B_re and B_im (N, I), C_re and C_im (I, N), D (I,), with N the hidden size. States: h (N,),
    complex.

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        r_min (float, at least 0, below 1): Smallest initial magnitude of the eigenvalues. Default: 0.0.
        r_max (float, above 0, at most 1): Largest initial magnitude of the eigenvalues. Default: 1.0.
        max_phase (float, above 0, at most 6.28319): Largest initial phase of the eigenvalues, in radians. Default:
            6.283185307179586.
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
        >>> layer = znn.LRU(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 10])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Orvieto et al. 2023, Resurrecting recurrent neural networks for long sequences, ICML, arXiv:2303.06349.
    """

    cell_name = "recurrent-zoo/lru"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        r_min: float = 0.0,
        r_max: float = 1.0,
        max_phase: float = 6.283185307179586,
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
        options = {"r_min": r_min, "r_max": r_max, "max_phase": max_phase}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class Mamba(CellModel):
    """Selective state space (S6) with the convolution and the gate of its block.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    (x', z) = W_in x, v = silu(Σ_k w_k ⊙ x'_{t−k} + b), (δ, B, C) = W_x v, Δ = softplus(W_Δ δ + b_Δ),

    h = exp(Diag(Δ) A) ⊙ h + (Δ ⊙ v) Bᵀ, y = (h C + D ⊙ v) ⊙ silu(z), A = −exp(A_log); the output is y.

    Source: arXiv:2312.00752, sections 3.3, 3.4 and algorithm 2; state-spaces/mamba, modules/mamba_simple.py. The last
    product of that block is left to `output_projection`. hidden_size is its inner width D, N the state size.
    Parameters: in_proj (2 D, I) in blocks x, z; conv_weight (D, kernel), the present step last, and conv_bias (D,);
    x_proj (rank + 2 N, D) in blocks Δ, B, C; dt_weight (D, rank) and dt_bias (D,); A_log (D, N); D (D,).
    States: h (D, N).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        state_size (int, at least 1): State size N of each feature. Default: 16.
        kernel (int, at least 1, at most 1000): Kernel size of the causal convolution, the present step included.
            Default: 4.
        rank (int, at least 1): Rank of the projection that gives the time steps Δ; a sixteenth of the input's width
            if not given.
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
        >>> layer = znn.Mamba(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.0.age', 'layers.0.past', 'layers.1.h', 'layers.1.age', 'layers.1.past']

    Paper: Gu and Dao 2024, Mamba: linear-time sequence modeling with selective state spaces, COLM,
    arXiv:2312.00752.
    """

    cell_name = "recurrent-zoo/mamba"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        state_size: int = 16,
        kernel: int = 4,
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
        options = {"state_size": state_size, "kernel": kernel, "rank": rank}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class MinGRU(CellModel):
    """Minimal GRU: gate and candidate see only the input.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    z = σ(W_z x + b_z), n = g(W_h x + b_h), h = (1 − z) ⊙ h + z ⊙ n; the output is h.

    g(x) = x + 1/2 where x ≥ 0 and σ(x) elsewhere; or, with a linear candidate, x itself.

    Source: arXiv:2410.01201, section 3.1 and appendix B. Parameters: two blocks, z and h. States: h (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        bias ("one" or "none"): 'one' bias as in the paper, or 'none'. Default: "one".
        candidate ("positive" or "linear"): 'positive': x + 1/2 where x ≥ 0, else σ(x), as log space needs;
            'linear': x itself. Default: "positive".
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
        >>> layer = znn.MinGRU(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Feng et al. 2024, Were RNNs all we needed?, preprint, arXiv:2410.01201.
    """

    cell_name = "recurrent-zoo/mingru"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: Literal["one", "none"] = "one",
        candidate: Literal["positive", "linear"] = "positive",
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
        options = {"bias": bias, "candidate": candidate}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class MinLSTM(CellModel):
    """Minimal LSTM: gates and candidate see only the input, and the gates sum to one.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    f = σ(W_f x + b_f), i = σ(W_i x + b_i), n = g(W_h x + b_h), h = (f / (f + i)) ⊙ h + (i / (f + i)) ⊙ n.

    g(x) = x + 1/2 where x ≥ 0 and σ(x) elsewhere; or, with a linear candidate, x itself. The output is h.

    Source: arXiv:2410.01201, section 3.2 and appendix B. Parameters: blocks f, i and h. States: h (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        bias ("one" or "none"): 'one' bias as in the paper, or 'none'. Default: "one".
        candidate ("positive" or "linear"): 'positive': x + 1/2 where x ≥ 0, else σ(x), as log space needs;
            'linear': x itself. Default: "positive".
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
        >>> layer = znn.MinLSTM(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Feng et al. 2024, Were RNNs all we needed?, preprint, arXiv:2410.01201.
    """

    cell_name = "recurrent-zoo/minlstm"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: Literal["one", "none"] = "one",
        candidate: Literal["positive", "linear"] = "positive",
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
        options = {"bias": bias, "candidate": candidate}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class RGLRU(CellModel):
    """Real-gated linear recurrent unit, the recurrence of Griffin and RecurrentGemma.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    r = σ(W_a x + b_a), i = σ(W_x x + b_x), a = exp(−8 r ⊙ softplus(Λ)), h = a ⊙ h + √(1 − a²) ⊙ i ⊙ x.

    At the first step of a sequence the root is 1; the official code forgets a state that stands before it too, which
    only shows where one is given or learned. W_a and W_x are block diagonal, a block for each head. The output is h.
    The input is as wide as the state.

    Source: arXiv:2402.19427, section 2.4; google-deepmind/recurrentgemma. Parameters: weight_a and weight_x
    (heads, H / heads, H / heads), bias_a, bias_x and Lambda (H,), which is Λ. States: h (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        heads (int, at least 1): Number of blocks of the gates' block-diagonal matrices. Default: 1.
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
        >>> layer = znn.RGLRU(20, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 20))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.0.age', 'layers.1.h', 'layers.1.age']

    Paper: De et al. 2024, Griffin: mixing gated linear recurrences with local attention for efficient language
    models, preprint, arXiv:2402.19427.
    """

    cell_name = "recurrent-zoo/rglru"

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


class S5(CellModel):
    """Simplified structured state space: one complex diagonal recurrence for all features.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    h = Λ̄ h + B̄ x, y = 2 Re(C̃ h) + D ⊙ x; the output is y, as wide as x. With Δ = exp(log_step),

    zoh: Λ̄ = exp(Λ Δ), B̄ = Λ⁻¹ (Λ̄ − I) B̃; bilinear: Λ̄ = (I − (Δ/2) Λ)⁻¹ (I + (Δ/2) Λ), B̄ = (I − (Δ/2) Λ)⁻¹ Δ B̃.

    Λ, Λ̄, Δ and log_step are diagonal matrices, kept as vectors, and exp is that of matrices; Λ, B̃ and C̃ are complex.
    I is the identity matrix. Half of each pair of conjugate states is kept, hence the 2: hidden_size is half of the
    paper's state size. Without `feedthrough` D ⊙ x is missing, and Re Λ is at most `max_real`, where that
    is given, as −10⁻⁴ by clip_eigs of the official code.

    Source: arXiv:2208.04933, sections 3 and B.1; lindermanlab/S5, s5/ssm.py, without the activation around it.
    Parameters: Lambda_re and Lambda_im (N,), B̃ as B (N, I, 2) and C̃ as C (I, N, 2) with real and imaginary part last,
    D (I,), log_step (N,), with N the hidden size. States: h (N,), complex.

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        discretisation ("zoh" or "bilinear"): Discretisation of the continuous system: 'zoh', zero-order hold, or
            'bilinear', Tustin's method. Default: "zoh".
        blocks (int, at least 1): Number of HiPPO blocks that the state matrix is initialised with. Default: 1.
        dt_min (float, above 0): Smallest initial time step Δ. Default: 0.001.
        dt_max (float, above 0): Largest initial time step Δ. Default: 0.1.
        feedthrough (bool): Add D ⊙ x to the output, which two directions would add twice. Default: True.
        max_real (float, below 0): Upper bound of the real parts of Λ, so that no state can grow; none if not given.
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
        >>> layer = znn.S5(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 10])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Smith, Warrington and Linderman 2023, Simplified state space layers for sequence modeling, ICLR,
    arXiv:2208.04933.
    """

    cell_name = "recurrent-zoo/s5"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        discretisation: Literal["zoh", "bilinear"] = "zoh",
        blocks: int = 1,
        dt_min: float = 0.001,
        dt_max: float = 0.1,
        feedthrough: bool = True,
        max_real: float | None = None,
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
            "discretisation": discretisation,
            "blocks": blocks,
            "dt_min": dt_min,
            "dt_max": dt_max,
            "feedthrough": feedthrough,
            "max_real": max_real,
        }
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)
