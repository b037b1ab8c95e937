"""The classes of the dynamics cells.

Written by docs/generate.py from the cells' records and docstrings: change those.
"""

from collections.abc import Mapping
from typing import Any, Literal

import torch

from zoo.model.limits import GIBIBYTE
from zoo.nn.keys import Around
from zoo.nn.layer import CellModel, Made


class Antisymmetric(CellModel):
    """Antisymmetric network: Euler steps with an antisymmetric matrix, with an optional gate.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    h = h + ε tanh(V_h x + M h + b_h) with M = W − Wᵀ − γ I; the output is h.

    gated: h = h + ε σ(V_z x + M h + b_z) ⊙ tanh(V_h x + M h + b_h), with the same M.
    I is the identity matrix.

    Source: arXiv:1902.09689, equations (12) and (13). Parameters: weight_ih (H, I) or, gated, (2 H, I) in blocks h, z;
    bias (H,) or (2 H,); weight_hh (H, H), of which W − Wᵀ is all that counts. States: h (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        gated (bool): Multiply each step by an input gate that shares the antisymmetric matrix. Default: False.
        epsilon (float, above 0): ε, the step size of the Euler method. Default: 0.01.
        gamma (float, at least 0): γ, the diffusion coefficient: γ I is subtracted from the recurrent matrix.
            Default: 0.01.
        sigma (float, above 0): The recurrent matrix is initialised with standard deviation sigma / √H. Default:
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
        >>> layer = znn.Antisymmetric(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Chang et al. 2019, AntisymmetricRNN: a dynamical system view on recurrent neural networks, ICLR,
    arXiv:1902.09689.
    """

    cell_name = "recurrent-zoo/antisymmetric"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        gated: bool = False,
        epsilon: float = 0.01,
        gamma: float = 0.01,
        sigma: float = 1.0,
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
        options = {"gated": gated, "epsilon": epsilon, "gamma": gamma, "sigma": sigma}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class CfC(CellModel):
    """Closed-form continuous-time network; takes irregular time steps.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    A backbone of dense layers sees x and h, y = backbone(x, h), and (f₁, f₂, a, b) = W y + β are its heads. With the
    time Δt since the last step, T = σ(a Δt + b); the output is h.

    mode `default`: h = (1 − T) ⊙ tanh(f₁) + T ⊙ tanh(f₂). mode `no_gate`: h = tanh(f₁) + T ⊙ tanh(f₂).
    mode `pure`: h = A − A ⊙ exp(−Δt (|w_τ| + |f₁|)) ⊙ f₁, with f₁ as its only head.

    Source: arXiv:2106.13898; mlech26l/ncps, cfc_cell.py, without dropout inside the backbone. Parameters, for U units:
    the first layer's weight_ih (U, I), weight_hh (U, H) and bias (U,); backbone.i, further layers; heads, with weight
    (4 H, U), W, and bias (4 H,), β, in blocks f₁, f₂, a, b; for `pure` one block, and w_tau and A (H,).
    States: h (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        mode ("default", "pure" or "no_gate"): How the heads are combined into the new state: 'default',
            interpolated by a time gate; 'no_gate', summed; 'pure', the closed-form solution. Default: "default".
        backbone_units (int, at least 1): Width of the shared backbone layers. Default: 128.
        backbone_layers (int, at least 1, at most 1000): Number of shared backbone layers. Default: 1.
        backbone_activation ("lecun_tanh", "tanh", "relu", "gelu" or "silu"): Activation function of the backbone
            layers; 'lecun_tanh' is 1.7159 tanh(0.666 x). Default: "lecun_tanh".
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
        dt: (B, T), the time since the last step; 1 if not given.
        y: (B, T, H); twice as wide for two directions that are concatenated.
        state: a `zoo.State` of `layers.0.h`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.CfC(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Hasani et al. 2022, Closed-form continuous-time neural networks, Nature Machine Intelligence 4,
    arXiv:2106.13898.
    """

    cell_name = "recurrent-zoo/cfc"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        mode: Literal["default", "pure", "no_gate"] = "default",
        backbone_units: int = 128,
        backbone_layers: int = 1,
        backbone_activation: Literal["lecun_tanh", "tanh", "relu", "gelu", "silu"] = "lecun_tanh",
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
            "mode": mode,
            "backbone_units": backbone_units,
            "backbone_layers": backbone_layers,
            "backbone_activation": backbone_activation,
        }
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class CoRNN(CellModel):
    """Coupled oscillatory network: driven, damped oscillators, explicit or with implicit damping.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    discretisation `explicit`: z = z + Δt (tanh(V x + W y + 𝒲 z + b) − γ y − ε z), y = y + Δt z with the new z.

    discretisation `imex`: z = (z + Δt (tanh(V x + W y + 𝒲 z + b) − γ y)) / (1 + Δt ε), y = y + Δt z with the new z. The
    damping −ε z has the new z there. The output is y.

    Source: arXiv:2010.00951, equation (3); tk-rusch/coRNN, which is explicit. Parameters: weight_ih (H, I), bias (H,),
    weight_hh (2 H, H) in blocks y, z. States: y (hidden_size,), z (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        discretisation ("explicit" or "imex"): Damping computed from the old velocity z ('explicit') or from the new
            one ('imex'). Default: "explicit".
        dt (float, above 0): Step Δt of the discretisation, the same at every step of a sequence. Default: 0.042.
        gamma (float, above 0): γ, the strength of the restoring force on y, which sets the oscillators' frequency.
            Default: 2.7.
        epsilon (float, above 0): ε, the damping coefficient of the velocity z. Default: 4.7.
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
        >>> layer = znn.CoRNN(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.y', 'layers.0.z', 'layers.1.y', 'layers.1.z']

    Paper: Rusch and Mishra 2021, Coupled oscillatory recurrent neural network (coRNN): an accurate and (gradient)
    stable architecture for learning long time dependencies, ICLR, arXiv:2010.00951.
    """

    cell_name = "recurrent-zoo/cornn"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        discretisation: Literal["explicit", "imex"] = "explicit",
        dt: float = 0.042,
        gamma: float = 2.7,
        epsilon: float = 4.7,
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
        options = {"discretisation": discretisation, "dt": dt, "gamma": gamma, "epsilon": epsilon}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class GRUD(CellModel):
    """GRU with decay: missing inputs and the state decay with the time since the last observation.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    m is 1 where a feature is observed and 0 where not, δ the time since it last was, x̃ what it was then, x̄ its
    mean.

    δ = gap + Δt, gap = (1 − m) ⊙ δ, x̃ = m ⊙ x + (1 − m) ⊙ x̃, γ_x = exp(−max(0, w_γ ⊙ δ + b_γ)),
    γ_h = exp(−max(0, W_γ δ + b'_γ)); x̂ = m ⊙ x + (1 − m) ⊙ (γ_x ⊙ x̃ + (1 − γ_x) ⊙ x̄), ĥ = γ_h ⊙ h;
    r = σ(W_r x̂ + U_r ĥ + V_r m + b_r), z = σ(W_z x̂ + U_z ĥ + V_z m + b_z), n = tanh(W x̂ + U (r ⊙ ĥ) + V m + b),
    h = (1 − z) ⊙ ĥ + z ⊙ n; the output is h.

    At a sequence's first step Δt counts as 0. x̃ is the state `x`.

    Source: Che et al. 2018, Scientific Reports 8:6085. The authors' code (PeterChe1990/GRU-D) keeps h undecayed where z
    keeps, has a sigmoid for tanh, and feeds 1 − m; as there, inputs are taken to have mean 0 until `mean` is set, and
    x̃ to be 0 before the first observation. Where nothing says what is observed, as in a layer that is not the first,
    all of it is, and γ_x has no part. Parameters: weight_ih and weight_mask (3 H, I), weight_hh (3 H, H) and
    biases in blocks r, z, h; weight_gamma_x and bias_gamma_x (I,); weight_gamma_h (H, I), bias_gamma_h (H,).
    Buffers: mean (I,). States: h (hidden_size,); x (I,); gap (I,), δ where not observed, else 0.

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
        dt: (B, T), the time since the last step; 1 if not given.
        observed: (B, T, I), which features were observed; all if not given.
        y: (B, T, H); twice as wide for two directions that are concatenated.
        state: a `zoo.State` of `layers.0.h`, `layers.0.x`, `layers.0.gap`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.GRUD(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> len(state)
        8

    Paper: Che et al. 2018, Recurrent neural networks for multivariate time series with missing values, Scientific
    Reports 8, arXiv:1606.01865.
    """

    cell_name = "recurrent-zoo/gru-d"

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


class LEM(CellModel):
    """Long expressive memory: two coupled states with learned time scales.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    Δt₁ = Δt σ(V₁ x + W₁ y + b₁), Δt₂ = Δt σ(V₂ x + W₂ y + b₂), z = (1 − Δt₁) ⊙ z + Δt₁ ⊙ tanh(V_z x + W_z y + b_z),
    y = (1 − Δt₂) ⊙ y + Δt₂ ⊙ tanh(V_y x + W_y z + b_y) with the new z; the output is y.

    Source: arXiv:2110.04744, equation (3); tk-rusch/LEM. Parameters start uniform in plus and minus
    1/sqrt(hidden_size), as in the official code, which has two biases. Parameters: four blocks, 1, 2, z, y.
    States: y (hidden_size,), z (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        bias ("two", "one" or "none"): 'two' biases per gate as in torch, 'one' as in papers and Keras, or 'none'.
            Default: "one".
        dt (float, above 0): Step Δt of the discretisation, the same at every step of a sequence. Default: 1.0.
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
        >>> layer = znn.LEM(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.y', 'layers.0.z', 'layers.1.y', 'layers.1.z']

    Paper: Rusch et al. 2022, Long expressive memory for sequence modeling, ICLR, arXiv:2110.04744.
    """

    cell_name = "recurrent-zoo/lem"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: Literal["two", "one", "none"] = "one",
        dt: float = 1.0,
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
        options = {"bias": bias, "dt": dt}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class Lipschitz(CellModel):
    """Lipschitz network: a linear part and a tanh, both of matrices with a bounded symmetric part.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    f(h) = A h + tanh(W h + U x + b); euler: h = h + ε f(h); rk2: h = h + ε f(h + ½ ε f(h)). The output is h.

    A = (1 − β) (M_A + M_Aᵀ) + β (M_A − M_Aᵀ) − γ I, W = (1 − β) (M_W + M_Wᵀ) + β (M_W − M_Wᵀ) − γ I.
    I is the identity matrix.

    Source: arXiv:2006.12070, equations (1) to (5); erichson/LipschitzRNN, whose solver `midpoint` is rk2. Parameters:
    weight_ih (H, I), bias (H,), weight_A and weight_W (H, H), which are M_A and M_W. States: h (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        integrator ("euler" or "rk2"): Integration scheme: 'euler', forward Euler, or 'rk2', the midpoint rule.
            Default: "euler".
        epsilon (float, above 0): ε, the step size. Default: 0.03.
        beta (float, at least 0, at most 1): β, the weight of the skew-symmetric part of both matrices. Default:
            0.75.
        gamma (float, at least 0): γ, the diffusion coefficient: γ I is subtracted from both matrices. Default:
            0.001.
        std (float, above 0): The recurrent matrices are initialised with standard deviation std / H. Default: 0.1.
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
        >>> layer = znn.Lipschitz(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Erichson et al. 2021, Lipschitz recurrent neural networks, ICLR, arXiv:2006.12070.
    """

    cell_name = "recurrent-zoo/lipschitz"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        integrator: Literal["euler", "rk2"] = "euler",
        epsilon: float = 0.03,
        beta: float = 0.75,
        gamma: float = 0.001,
        std: float = 0.1,
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
        options = {"integrator": integrator, "epsilon": epsilon, "beta": beta, "gamma": gamma, "std": std}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class LTC(CellModel):
    """Liquid time-constant network, fully connected, by a fused solver; takes irregular time steps.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    Neurons v with a synapse from each neuron and each input to each neuron. One from i to j has the conductance
    s_ij = w_ij σ(σ_ij (v_i − μ_ij)) and pulls towards e_ij. Of u_k = input_w_{k} x_k + input_b_{k} comes
    s'_kj = w'_kj σ(σ'_kj (u_k − μ'_kj)), which pulls towards e'_kj. A solver takes `unfolds` steps of δ = Δt / unfolds,

    v_j = (c_j v_j + δ (g_j l_j + Σ_i s_ij e_ij + Σ_k s'_kj e'_kj)) / (c_j + δ (g_j + Σ_i s_ij + Σ_k s'_kj + 10⁻⁸)),

    and the output is output_w ⊙ v + output_b.
    c (cm), g (gleak) and all w are kept positive by a softplus; e (erev) and l (vleak) are free.

    Source: arXiv:2006.04439; mlech26l/ncps, ltc_cell.py, fully connected, with implicit constraints. It divides c by δ
    where this multiplies by δ, so that a gap of 0 leaves v as it is. Parameters: cm, gleak, vleak, output_w and
    output_b (H,); w, sigma (σ_ij), mu (μ_ij) and erev (H, H), from, to; and, with primes, sensory_w,
    sensory_sigma (σ'_kj), sensory_mu and sensory_erev (I, H); input_w and input_b (I,). States: v (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        unfolds (int, at least 1, at most 1000): Solver steps within one time step. Default: 6.
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
        dt: (B, T), the time since the last step; 1 if not given.
        y: (B, T, H); twice as wide for two directions that are concatenated.
        state: a `zoo.State` of `layers.0.v`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.LTC(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.v', 'layers.1.v']

    Paper: Hasani et al. 2021, Liquid time-constant networks, AAAI, arXiv:2006.04439.
    """

    cell_name = "recurrent-zoo/ltc"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        unfolds: int = 6,
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
        options = {"unfolds": unfolds}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class ODELSTM(CellModel):
    """LSTM whose output evolves between steps by a differential equation; takes irregular time steps.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    i = σ(W_i x + U_i h + b_i), f = σ(W_f x + U_f h + b_f), o = σ(W_o x + U_o h + b_o),
    g = tanh(W_g x + U_g h + b_g), c = f ⊙ c + i ⊙ g, h̃ = o ⊙ tanh(c), h = flow(h̃, Δt); the output is h.

    flow(h̃, Δt) is where a point that starts at h̃ and moves by dy/dt = W₂ tanh(W₁ y + b₁) + b₂ is after the time Δt,
    in `unfolds` equal steps of a solver: Euler's, Heun's, or that of Runge and Kutta with four slopes.

    Source: arXiv:2006.04418; mlech26l/ode-lstms, torch_node_cell.py, with its solvers of fixed steps. Parameters start
    uniform in plus and minus 1/sqrt(hidden_size), as there. Parameters: four blocks, i, f, g, o; weight_node_1 and
    weight_node_2 (H, H), bias_node_1 and bias_node_2 (H,). States: h (hidden_size,), c (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        bias ("two", "one" or "none"): 'two' biases per gate as in torch, 'one' as in papers and Keras, or 'none'.
            Default: "one".
        solver ("euler", "heun" or "rk4"): ODE solver: 'euler', 'heun' or 'rk4', with one, two or four evaluations
            per step. Default: "rk4".
        unfolds (int, at least 1, at most 1000): Solver steps within one time step. Default: 3.
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
        dt: (B, T), the time since the last step; 1 if not given.
        y: (B, T, H); twice as wide for two directions that are concatenated.
        state: a `zoo.State` of `layers.0.h`, `layers.0.c`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.ODELSTM(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.0.c', 'layers.1.h', 'layers.1.c']

    Paper: Lechner and Hasani 2020, Learning long-term dependencies in irregularly-sampled time series, preprint,
    arXiv:2006.04418.
    """

    cell_name = "recurrent-zoo/ode-lstm"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: Literal["two", "one", "none"] = "one",
        solver: Literal["euler", "heun", "rk4"] = "rk4",
        unfolds: int = 3,
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
        options = {"bias": bias, "solver": solver, "unfolds": unfolds}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class PhasedLSTM(CellModel):
    """Phased LSTM: each unit is updated while its own time gate is open; takes irregular time steps.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    An LSTM with peepholes proposes c̃ and h̃, and a time gate k of each unit lets them through:
    c = k ⊙ c̃ + (1 − k) ⊙ c, h = k ⊙ h̃ + (1 − k) ⊙ h; the output is h.

    i = σ(W_i x + U_i h + p_i ⊙ c + b_i), f = σ(W_f x + U_f h + p_f ⊙ c + b_f),
    c̃ = f ⊙ c + i ⊙ tanh(W_c x + U_c h + b_c), o = σ(W_o x + U_o h + p_o ⊙ c̃ + b_o), h̃ = o ⊙ tanh(c̃).
    time = time + Δt, φ = ((time − s) mod τ) / τ, k = 1 − |2 φ / r − 1| where φ < r and α φ elsewhere.

    Source: arXiv:1610.09513, equations (5) to (10); the time gate is that of the authors' code
    (dannyneil/public_plstm), |τ| and |r| included, which adds s where the paper takes it away. The paper has α in
    training only; here, as in TensorFlow's cell, a model computes the same in and out of training: leak 0 has none.
    Parameters: blocks i, f, c, o; weight_ch (3 H,) in blocks i, f, o; period, shift and ratio (H,): τ, s and r.
    States: h (hidden_size,), c (hidden_size,), time (1,), the sum of all gaps up to and with this step.

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        bias ("two", "one" or "none"): 'two' biases per gate as in torch, 'one' as in papers and Keras, or 'none'.
            Default: "one".
        peephole (bool): Peephole connections from the cell state to the gates, as in the paper. Default: True.
        leak (float, at least 0, below 1): α, the leak: slope of the time gate while it is closed. Default: 0.001.
        ratio (float, above 0, at most 1): Initial value of r_on, the fraction of the period during which the time
            gate is open. Default: 0.05.
        period_min (float, above 0): Shortest initial period of a unit. Default: 2.718281828459045.
        period_max (float, above 0): Longest initial period of a unit. Default: 403.4287934927351.
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
        dt: (B, T), the time since the last step; 1 if not given.
        y: (B, T, H); twice as wide for two directions that are concatenated.
        state: a `zoo.State` of `layers.0.h`, `layers.0.c`, `layers.0.time`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.PhasedLSTM(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.0.c', 'layers.0.time', 'layers.1.h', 'layers.1.c', 'layers.1.time']

    Paper: Neil, Pfeiffer and Liu 2016, Phased LSTM: accelerating recurrent network training for long or event-based
    sequences, NIPS, arXiv:1610.09513.
    """

    cell_name = "recurrent-zoo/phased-lstm"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: Literal["two", "one", "none"] = "one",
        peephole: bool = True,
        leak: float = 0.001,
        ratio: float = 0.05,
        period_min: float = 2.718281828459045,
        period_max: float = 403.4287934927351,
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
            "peephole": peephole,
            "leak": leak,
            "ratio": ratio,
            "period_min": period_min,
            "period_max": period_max,
        }
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class TauGRU(CellModel):
    """Gated recurrent unit with weighted feedback of a state some steps back.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    u = tanh(U₁ x + W₁ h + b₁), z = tanh(U₂ x + W₂ buffer₁ + b₂), g = σ(U₃ x + W₃ h + b₃), a = σ(U₄ x + W₄ h + b₄),
    buffer = (buffer_{2:d}, h), h = (1 − g) ⊙ h + g ⊙ (u + a ⊙ z); the output is h.

    The buffer holds the states before h, the oldest first: d is `delay`, and buffer₁ is h as it was d steps before.

    Source: arXiv:2212.00228, with steps of length 1, so that `delay` is the paper's ⌊τ/Δt⌋. Parameters start uniform in
    plus and minus 1/sqrt(hidden_size), a choice: the authors' code was not found. Parameters: four blocks, u, z, g,
    a. States: h (hidden_size,); buffer (delay, hidden_size), zero to begin with.

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        bias ("two", "one" or "none"): 'two' biases per gate as in torch, 'one' as in papers and Keras, or 'none'.
            Default: "one".
        delay (int, at least 1, at most 1000000): Delay τ in steps: how many steps ago the delayed state was.
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
        state: a `zoo.State` of `layers.0.h`, `layers.0.buffer`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.TauGRU(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.0.buffer', 'layers.1.h', 'layers.1.buffer']

    Paper: Erichson, Lim and Mahoney 2022, Gated recurrent neural networks with weighted time-delay feedback,
    preprint, arXiv:2212.00228.
    """

    cell_name = "recurrent-zoo/taugru"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: Literal["two", "one", "none"] = "one",
        delay: int = 4,
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
        options = {"bias": bias, "delay": delay}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class UnICORNN(CellModel):
    """Undamped independent oscillators with learned time scales.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    z = z − Δt σ(c) ⊙ (tanh(w ⊙ y + V x + b) + α y), y = y + Δt σ(c) ⊙ z with the new z; the output is y.

    Source: arXiv:2103.05487; tk-rusch/unicornn, whose dropout between layers is the layer's here. Parameters: weight_ih
    (H, I), which is V; bias, weight_hh and c (H,) each, b, w and c. States: y (hidden_size,), z (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        dt (float, above 0): Step Δt of the discretisation, the same at every step of a sequence. Default: 0.19.
        alpha (float, at least 0): α, the strength of the restoring force on y, which sets the oscillators'
            frequency. Default: 30.65.
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
        >>> layer = znn.UnICORNN(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.y', 'layers.0.z', 'layers.1.y', 'layers.1.z']

    Paper: Rusch and Mishra 2021, UnICORNN: a recurrent model for learning very long time dependencies, ICML,
    arXiv:2103.05487.
    """

    cell_name = "recurrent-zoo/unicornn"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        dt: float = 0.19,
        alpha: float = 30.65,
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
        options = {"dt": dt, "alpha": alpha}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)
