"""The classes of the structured cells.

Written by docs/generate.py from the cells' records and docstrings: change those.
"""

from collections.abc import Mapping
from typing import Any, Literal

import torch

from zoo.model.limits import GIBIBYTE
from zoo.nn.keys import Around
from zoo.nn.layer import CellModel, Made


class ESN(CellModel):
    """Echo state network: a random reservoir of leaky units, which is never trained.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    x = (1 − a) x + a tanh(W_in u + W x + b), a the leak; the output is x. u is the input, nothing is trained.

    Source: Jaeger 2001, GMD report 148, section 1; reservoirpy, nodes/reservoir.py. Persistent buffers: W_in (H, I), W
    (H, H), bias (H,). States: x (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        leak (float, above 0, at most 1): Leaking rate: the weight of the new value at each step. Default: 1.0.
        spectral_radius (float, at least 0): Spectral radius of the recurrent matrix. Default: 0.9.
        input_scaling (float, above 0): Scale of the input weights. Default: 1.0.
        bias_scaling (float, at least 0): Scale of the bias. Default: 0.0.
        connectivity (float, above 0, at most 1): Fraction of recurrent weights that are not zero. Default: 1.0.
        input_connectivity (float, above 0, at most 1): Fraction of input weights that are not zero. Default: 1.0.
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
        state: a `zoo.State` of `layers.0.x`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.ESN(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.x', 'layers.1.x']

    Paper: Jaeger 2001, The echo state approach to analysing and training recurrent neural networks, GMD report 148,
    doi:10.24406/publica-fhg-291111.
    """

    cell_name = "recurrent-zoo/esn"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        leak: float = 1.0,
        spectral_radius: float = 0.9,
        input_scaling: float = 1.0,
        bias_scaling: float = 0.0,
        connectivity: float = 1.0,
        input_connectivity: float = 1.0,
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
            "leak": leak,
            "spectral_radius": spectral_radius,
            "input_scaling": input_scaling,
            "bias_scaling": bias_scaling,
            "connectivity": connectivity,
            "input_connectivity": input_connectivity,
        }
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class LMU(CellModel):
    """Legendre memory unit: a fixed linear memory of a sliding window beside a simple network.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    u = e_x · x + e_h · h + e_m · m, m = Ā m + B̄ u, h = tanh(W_x x + W_h h + W_m m) with the new m; the output is h.

    Ā and B̄ discretise dm/dt = (A m + B u) / θ for steps of length 1, so that m holds the Legendre coefficients of the
    last θ steps of u: zoh: Ā = exp(A / θ), B̄ = A⁻¹ (Ā − I) B; euler: Ā = I + A / θ, B̄ = B / θ. Counted from 0,
    A_ij = (2 i + 1) (−1)^(i − j + 1) where i ≥ j and −(2 i + 1) elsewhere, B_i = (2 i + 1) (−1)^i. I is the identity
    matrix, and exp that of matrices.

    Source: Voelker, Kajić and Eliasmith 2019, section 2, equations 1 to 7; nengo/keras-lmu. Parameters: e_x (I,), e_h
    (H,), e_m (order,), W_x (H, I), W_h (H, H), W_m (H, order). States: h (H,), m (order,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        order (int, at least 1, at most 1000): Order of the memory: how many Legendre polynomials represent the
            window. Default: 16.
        theta (float, above 0): θ, the length of the memory's sliding window, in steps. Default: 100.0.
        discretisation ("zoh" or "euler"): Discretisation of the continuous system: 'zoh', zero-order hold, is
            exact; 'euler' needs theta well above order. Default: "zoh".
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
        state: a `zoo.State` of `layers.0.h`, `layers.0.m`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.LMU(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.0.m', 'layers.1.h', 'layers.1.m']

    Paper: Voelker, Kajić and Eliasmith 2019, Legendre memory units: continuous-time representation in recurrent
    neural networks, NeurIPS, https://papers.nips.cc/paper/2019/hash/952285b9b7e7a1be5aa7849f32ffff05-Abstract.html.
    """

    cell_name = "recurrent-zoo/lmu"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        order: int = 16,
        theta: float = 100.0,
        discretisation: Literal["zoh", "euler"] = "zoh",
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
        options = {"order": order, "theta": theta, "discretisation": discretisation}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class Orthogonal(CellModel):
    """Orthogonal recurrent network: the recurrent matrix is the exponential of a skew-symmetric one.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    h = modReLU(W x + Qᵀ h), modReLU(a) = sign(a) ⊙ relu(|a| + b); exp: Q = exp(S); cayley: Q = (I + S)⁻¹ (I − S).

    The output is h. I is the identity matrix.

    S = A − Aᵀ is skew-symmetric and exp that of matrices, so Q is orthogonal: h keeps its length but for the input and
    the nonlinearity.

    Source: arXiv:1901.08428, sections 3 and 4; Lezcano/expRNN, orthogonal.py, where the row h is multiplied by Q from
    the right, hence the transpose, with a base that stays the identity. Parameters: weight_ih (H, I); A, the triangle
    above the diagonal row by row (H (H − 1) / 2,), of which the official code keeps the whole square; b (H,). States: h
    (H,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        parametrisation ("exp" or "cayley"): Map to orthogonal matrices: 'exp', the matrix exponential, or 'cayley',
            the Cayley transform. Default: "exp".
        initialisation ("cayley" or "henaff"): Initial skew-symmetric entries: 'cayley', −tan(u / 2) for u in [0,
            π/2], 'henaff', in [−π, π]; uniform. Default: "cayley".
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
        >>> layer = znn.Orthogonal(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Lezcano-Casado and Martínez-Rubio 2019, Cheap orthogonal constraints in neural networks: a simple
    parametrization of the orthogonal and unitary group, ICML, arXiv:1901.08428.
    """

    cell_name = "recurrent-zoo/orthogonal"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        parametrisation: Literal["exp", "cayley"] = "exp",
        initialisation: Literal["cayley", "henaff"] = "cayley",
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
        options = {"parametrisation": parametrisation, "initialisation": initialisation}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class PLRNN(CellModel):
    """Piecewise-linear recurrent network: a leaky linear state and the rectified rest of the units.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    z = A z + W relu(z) + C x + h, A diagonal, W without a diagonal; the output is z.

    With `mean_centring` it is W relu(z − mean(z)), of the mean over the units.

    Source: Koppe et al. 2019, arXiv:1902.07186, equation 1, without its noise; DurstewitzLab/dendPLRNN,
    bptt/PLRNN_model.py, which has no input. Parameters: AW (H, H), the diagonal A and W around it; C (H, I); h (H,).
    States: z (H,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        mean_centring (bool): Subtract the mean over the units before they are rectified. Default: False.
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
        state: a `zoo.State` of `layers.0.z`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.PLRNN(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.z', 'layers.1.z']

    Paper: Durstewitz 2017, A state space approach for piecewise-linear recurrent neural networks for identifying
    computational dynamics from neural measurements, PLOS Computational Biology 13(6),
    doi:10.1371/journal.pcbi.1005542; Koppe et al. 2019, Identifying nonlinear dynamical systems via generative
    recurrent neural networks with applications to fMRI, PLOS Computational Biology 15(8),
    doi:10.1371/journal.pcbi.1007263.
    """

    cell_name = "recurrent-zoo/plrnn"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        mean_centring: bool = False,
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
        options = {"mean_centring": mean_centring}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class RSSM(CellModel):
    """Deterministic core of DreamerV3's recurrent state-space model: a block-diagonal GRU.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    p = silu(w_p ⊙ N(W_p h + b_p)), q = silu(w_q ⊙ N(W_q x + b_q)), e = silu(w_e ⊙ N(W_e (a / max(1, |a|)) + b_e)),
    s = (h, p, q, e), v = silu(w_v ⊙ N(W_v s + b_v)), (r, n, z) = W_g v + b_g, z' = σ(z − 1),
    h = z' ⊙ tanh(σ(r) ⊙ n) + (1 − z') ⊙ h; the output is h.

    N(y) = y / √(mean(y²) + 10⁻⁴). The input is the latent state x and, in its last features, the action a. W_v and W_g
    are block diagonal: a block reads its own part of h, or of v, and W_v all of p, q and e beside it. Of several
    `layers`, each further one is such a layer of the v before, without p, q and e.

    Source: arXiv:2301.04104; danijar/dreamerv3, dreamerv3/rssm.py, RSSM._core, and embodied/jax/nets.py. There the
    divisor of the action counts as a constant, which shows in the gradient with respect to actions beyond 1 alone; here
    it has its own derivative. What stands around it, the latent state's prior and posterior, is not here. Parameters,
    for U units and B blocks: weight_p (U, H), weight_q (U, I - action), weight_e (U, action), bias and norm of each
    (U,); for each layer weight_v (B, H / B, H / B + 3 U), of the first, or (B, H / B, H / B), bias_v and norm_v (H,);
    weight_g (B, 3 H / B, H / B) and bias_g (3 H,), in each block r, n, z. States: h (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        action (int, at least 1): Number of action features; these are the last of the input, the others the latent
            state. Default: 1.
        units (int, at least 1): Width of what state, latent state and action are mapped to; an eighth of
            hidden_size if not given, as in the official configurations.
        blocks (int, at least 1): Number of blocks of the block-diagonal products; the official configurations have
            8. Default: 1.
        layers (int, at least 1, at most 100): Number of block-diagonal layers before the gates. Default: 1.
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
        >>> layer = znn.RSSM(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Hafner et al. 2025, Mastering diverse control tasks through world models, Nature 640,
    doi:10.1038/s41586-025-08744-2; Hafner et al. 2019, Learning latent dynamics for planning from pixels, ICML,
    arXiv:1811.04551.
    """

    cell_name = "recurrent-zoo/rssm"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        action: int = 1,
        units: int | None = None,
        blocks: int = 1,
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
        options = {"action": action, "units": units, "blocks": blocks, "layers": layers}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class SRNN(CellModel):
    """Shuffling recurrent network: the recurrent matrix is a permutation, a shift by one unit.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    h = relu(P h + β(x)), where P shifts every unit by one and the last to the first; the output is h.

    β(x) = f(x) ⊙ σ(W_s x + b_s), or f(x) without the gate; f is a network with relu after each of its hidden layers.

    Source: arXiv:2007.07324, section 3; rotmanmi/SRNN, models/SRNN.py. Parameters, torch's linear maps: hidden.0
    (K, I) and further ones (K, K), out (H, K), gate (H, I), with K the hyper size. States: h (hidden_size,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        hyper_size (int, at least 1): Width of the hidden layers of the input network. Default: 64.
        depth (int, at least 1, at most 1000): Number of hidden layers of the input network. Default: 1.
        gate (bool): Multiply the input network's output by a gate of the input. Default: True.
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
        >>> layer = znn.SRNN(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.1.h']

    Paper: Rotman and Wolf 2021, Shuffling recurrent neural networks, AAAI, arXiv:2007.07324.
    """

    cell_name = "recurrent-zoo/srnn"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        hyper_size: int = 64,
        depth: int = 1,
        gate: bool = True,
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
        options = {"hyper_size": hyper_size, "depth": depth, "gate": gate}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)
