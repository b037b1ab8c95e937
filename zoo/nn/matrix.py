"""The classes of the matrix cells.

Written by docs/generate.py from the cells' records and docstrings: change those.
"""

from collections.abc import Mapping
from typing import Any, Literal

import torch

from zoo.model.limits import GIBIBYTE
from zoo.nn.keys import Around
from zoo.nn.layer import CellModel, Made


class DeltaNet(CellModel):
    """Linear attention by the delta rule: a key's old value is replaced, not added to.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    u = W x, (q', k', v) = silu(Σ_j c_j ⊙ u_{t−j}), q = q' / √(‖q'‖² + 10⁻⁶), k = k' / √(‖k'‖² + 10⁻⁶), β = σ(w_β ·
    x), S = S + β k (v − Sᵀ k)ᵀ in each head, and the output is RMSNorm(Sᵀ q / √d_k), head beside head.

    RMSNorm(y) = w ⊙ y / √(mean(y²) + ε) in each head, where ε is `norm_eps`. c is conv_weight, the convolution over the
    last `kernel` steps, w norm_weight, d_k the size of a head's keys. Without a kernel, (q', k', v) is silu(u). With
    `allow_neg_eigval` β is twice that (arXiv:2411.12537). With an output gate the output is multiplied by silu(W_g x).

    Source: arXiv:2406.06484, sections 2.2 and 3.4; fla-org/flash-linear-attention, layers/delta_net.py and
    ops/delta_rule/naive.py. The official layer's last product is left to `output_projection`. Parameters: weight_qkv (2
    heads d_k + H, I) in blocks q, k, v, head beside head; conv_weight (2 heads d_k + H, kernel), the present step last;
    norm_weight (d_v,); weight_g (H, I); weight_beta (heads, I). States: S (heads, d_k, d_v), with d_v = H / heads.

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        heads (int, at least 1): Number of heads, each with a memory of hidden_size / heads features. Default: 1.
        key_size (int, at least 1): Key size of each head; that of the official code if not given.
        kernel (int, at least 0, at most 1000): Kernel size of the causal convolutions of q, k and v; 0 for none.
            Default: 4.
        norm_eps (float, above 0): ε, added to the mean square in the output's norm. Default: 1e-05.
        output_gate (bool): Multiply the normalised output by silu(W_g x). Default: False.
        allow_neg_eigval (bool): Double β, so that the state transition may have negative eigenvalues. Default:
            False.
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
        state: a `zoo.State` of `layers.0.S`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.DeltaNet(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.S', 'layers.0.age', 'layers.0.past', 'layers.1.S', 'layers.1.age', 'layers.1.past']

    Paper: Yang et al. 2024, Parallelizing linear transformers with the delta rule over sequence length, NeurIPS,
    arXiv:2406.06484; Schlag, Irie and Schmidhuber 2021, Linear transformers are secretly fast weight programmers,
    ICML, arXiv:2102.11174.
    """

    cell_name = "recurrent-zoo/deltanet"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        heads: int = 1,
        key_size: int | None = None,
        kernel: int = 4,
        norm_eps: float = 1e-05,
        output_gate: bool = False,
        allow_neg_eigval: bool = False,
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
            "heads": heads,
            "key_size": key_size,
            "kernel": kernel,
            "norm_eps": norm_eps,
            "output_gate": output_gate,
            "allow_neg_eigval": allow_neg_eigval,
        }
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class GatedDeltaNet(CellModel):
    """Linear attention by the delta rule, with a decay of the whole memory.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    u = W x, (q', k', v) = silu(Σ_j c_j ⊙ u_{t−j}), q = q' / √(‖q'‖² + 10⁻⁶), k = k' / √(‖k'‖² + 10⁻⁶), β = σ(w_b ·
    x), α = exp(−exp(A_log) softplus(w_a · x + dt_bias)), S' = α S, S = S' + β k (v − S'ᵀ k)ᵀ in each head, and the
    output is RMSNorm(Sᵀ q / √d_k) ⊙ silu(W_g x), head beside head.

    RMSNorm(y) = w ⊙ y / √(mean(y²) + ε) in each head, where ε is `norm_eps`. c is conv_weight, the convolution over the
    last `kernel` steps, w norm_weight, d_k the size of a head's keys. Without a kernel, (q', k', v) is silu(u). With
    `allow_neg_eigval` β is twice that. Without an output gate the factor silu(W_g x) is missing.

    Source: arXiv:2412.06464, sections 3.1 and 3.4; fla-org/flash-linear-attention, layers/gated_deltanet.py and
    ops/gated_delta_rule/naive.py. The official layer's last product is left to `output_projection`. Parameters:
    weight_qkv (2 heads d_k + H, I) in blocks q, k, v, head beside head; conv_weight (2 heads d_k + H, kernel), the
    present step last; norm_weight (d_v,); weight_g (H, I); weight_ab (2 heads, I) in blocks a, b; A_log and dt_bias
    (heads,). States: S (heads, d_k, d_v), with d_v = H / heads.

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        heads (int, at least 1): Number of heads, each with a memory of hidden_size / heads features. Default: 1.
        key_size (int, at least 1): Key size of each head; that of the official code if not given.
        kernel (int, at least 0, at most 1000): Kernel size of the causal convolutions of q, k and v; 0 for none.
            Default: 4.
        norm_eps (float, above 0): ε, added to the mean square in the output's norm. Default: 1e-05.
        output_gate (bool): Multiply the normalised output by silu(W_g x). Default: True.
        allow_neg_eigval (bool): Double β, so that the state transition may have negative eigenvalues. Default:
            False.
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
        state: a `zoo.State` of `layers.0.S`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.GatedDeltaNet(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.S', 'layers.0.age', 'layers.0.past', 'layers.1.S', 'layers.1.age', 'layers.1.past']

    Paper: Yang, Kautz and Hatamizadeh 2025, Gated delta networks: improving Mamba2 with delta rule, ICLR,
    arXiv:2412.06464.
    """

    cell_name = "recurrent-zoo/gated-deltanet"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        heads: int = 1,
        key_size: int | None = None,
        kernel: int = 4,
        norm_eps: float = 1e-05,
        output_gate: bool = True,
        allow_neg_eigval: bool = False,
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
            "heads": heads,
            "key_size": key_size,
            "kernel": kernel,
            "norm_eps": norm_eps,
            "output_gate": output_gate,
            "allow_neg_eigval": allow_neg_eigval,
        }
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class GLA(CellModel):
    """Gated linear attention: a matrix memory with a forget gate for each key feature.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    (q, k, v) = W x, α = σ(W_α W_α' x + b_α)^(1/τ), S = Diag(α) S + k vᵀ in each head, and the output is
    RMSNorm(Sᵀ q / √d_k) ⊙ silu(W_g x), head beside head.

    RMSNorm(y) = w ⊙ y / √(mean(y²) + ε) in each head, where ε is `norm_eps`. τ is `gate_normaliser`, w norm_weight, d_k
    the size of a head's keys. Without an output gate the factor silu(W_g x) is missing. With a `kernel`, W x goes
    through a convolution over the last steps, one of each feature's own, and through silu.

    Source: arXiv:2312.06635, section 4.4; fla-org/flash-linear-attention, layers/gla.py and ops/gla/naive.py. The
    official layer's last product is left to `output_projection`. Parameters: weight_qkv (2 heads d_k + H, I) in blocks
    q, k, v, head beside head; conv_weight (2 heads d_k + H, kernel), the present step last; norm_weight (d_v,);
    weight_g (H, I); gk_up (heads d_k, rank) and gk_down (rank, I), which are W_α and W_α', gk_bias (heads d_k,), b_α.
    States: S (heads, d_k, d_v), with d_v = H / heads.

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        heads (int, at least 1): Number of heads, each with a memory of hidden_size / heads features. Default: 1.
        key_size (int, at least 1): Key size of each head; that of the official code if not given.
        kernel (int, at least 0, at most 1000): Kernel size of the causal convolutions of q, k and v; 0 for none.
            Default: 0.
        norm_eps (float, above 0): ε, added to the mean square in the output's norm. Default: 1e-05.
        output_gate (bool): Multiply the normalised output by silu(W_g x). Default: True.
        gate_rank (int, at least 1): Rank of the projection that gives the forget gates. Default: 16.
        gate_normaliser (float, above 0): Divisor of the forget gates' logarithms. Default: 16.0.
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
        state: a `zoo.State` of `layers.0.S`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.GLA(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.S', 'layers.1.S']

    Paper: Yang et al. 2024, Gated linear attention transformers with hardware-efficient training, ICML,
    arXiv:2312.06635.
    """

    cell_name = "recurrent-zoo/gla"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        heads: int = 1,
        key_size: int | None = None,
        kernel: int = 0,
        norm_eps: float = 1e-05,
        output_gate: bool = True,
        gate_rank: int = 16,
        gate_normaliser: float = 16.0,
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
            "heads": heads,
            "key_size": key_size,
            "kernel": kernel,
            "norm_eps": norm_eps,
            "output_gate": output_gate,
            "gate_rank": gate_rank,
            "gate_normaliser": gate_normaliser,
        }
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class HGRN2(CellModel):
    """Second hierarchically gated recurrent network: a matrix memory whose forget gates give its keys.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    q = silu(W_q x), f = γ + (1 − γ) σ(W_f x), v = W_v x, S = Diag(f) S + (1 − f) vᵀ in each head, and the output is
    RMSNorm(Sᵀ q / √d_k), head beside head.

    RMSNorm(y) = w ⊙ y / √(mean(y²) + ε) over all heads together, where w is norm_weight and ε is `norm_eps`; d_k is the
    size of a head's keys. With a `kernel`, the three products go through a convolution over the last steps, one of each
    feature's own.

    Source: arXiv:2404.07904, section 3; fla-org/flash-linear-attention, layers/hgrn2.py and ops/gla/naive.py. γ is
    `lower_bound`, or, with `learned_bound`, the paper's, learned for all layers of a stack together: over their
    parameters `bound`, the sum of the softmax over layers up to this one, less the first's, so that it rises with depth
    from 0. The official layer's last product is left to `output_projection`. Parameters: weight_qkv (2 heads d_k + H,
    I) in blocks q, f, v, head beside head; conv_weight (2 heads d_k + H, kernel), the present step last; norm_weight
    (H,); bound (heads d_k,) or None. States: S (heads, d_k, d_v), with d_v = H / heads.

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        heads (int, at least 1): Number of heads, each with a memory of hidden_size / heads features. Default: 1.
        key_size (int, at least 1): Key size of each head; that of the official code if not given.
        kernel (int, at least 0, at most 1000): Kernel size of the causal convolutions of q, k and v; 0 for none.
            Default: 0.
        norm_eps (float, above 0): ε, added to the mean square in the output's norm. Default: 1e-05.
        lower_bound (float, at least 0, below 1): Lower bound of the forget gates. Default: 0.0.
        learned_bound (bool): Learn a lower bound of each feature, rising from layer to layer over all that say so.
            Default: False.
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
        state: a `zoo.State` of `layers.0.S`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.HGRN2(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.S', 'layers.1.S']

    Paper: Qin et al. 2024, HGRN2: gated linear RNNs with state expansion, COLM, arXiv:2404.07904.
    """

    cell_name = "recurrent-zoo/hgrn2"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        heads: int = 1,
        key_size: int | None = None,
        kernel: int = 0,
        norm_eps: float = 1e-05,
        lower_bound: float = 0.0,
        learned_bound: bool = False,
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
            "heads": heads,
            "key_size": key_size,
            "kernel": kernel,
            "norm_eps": norm_eps,
            "lower_bound": lower_bound,
            "learned_bound": learned_bound,
        }
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class Mamba2(CellModel):
    """Selective state space of Mamba-2 (SSD): one decay for each head, with convolution, gate and norm.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    z = W_z x, u = W_u x, (v, B, C) = silu(Σ_k w_k ⊙ u_{t−k} + b), Δ = softplus(w_Δ · x + dt_bias),
    h = exp(−Δ exp(A_log)) h + Δ v Bᵀ in each head, y = h C + D v, and the output is RMSNorm(y ⊙ silu(z)).

    RMSNorm(y) = w ⊙ y / √(mean(y²) + 10⁻⁵), where w is norm_weight. v, z and the output have head beside head, Δ, A_log
    and D a number for each head; B and C are those of the head's group, and the mean is over the heads of one group.

    Source: arXiv:2405.21060, sections 6 and 7.1; state-spaces/mamba, modules/mamba2.py. The last product of that block
    is left to `output_projection`. H, the hidden_size, is its inner width, twice that of its input by default, and N
    the state size. Parameters: in_proj (2 H + 2 groups N + heads, I) in blocks z, u, Δ, where u is v, B and C, group
    beside group; conv_weight (H + 2 groups N, kernel), the present step last, and conv_bias (H + 2 groups N,), which
    are w_k and b; dt_bias, A_log and D (heads,); norm_weight (H,). States: h (heads, H / heads, N).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        heads (int, at least 1): Number of heads, each with a memory of hidden_size / heads features. Default: 1.
        state_size (int, at least 1): State size N of each feature. Default: 128.
        groups (int, at least 1): Number of groups of heads, each with one B, one C and one norm. Default: 1.
        kernel (int, at least 1, at most 1000): Kernel size of the causal convolution, the present step included.
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
        >>> layer = znn.Mamba2(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.h', 'layers.0.age', 'layers.0.past', 'layers.1.h', 'layers.1.age', 'layers.1.past']

    Paper: Dao and Gu 2024, Transformers are SSMs: generalized models and efficient algorithms through structured
    state space duality, ICML, arXiv:2405.21060.
    """

    cell_name = "recurrent-zoo/mamba2"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        heads: int = 1,
        state_size: int = 128,
        groups: int = 1,
        kernel: int = 4,
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
        options = {"heads": heads, "state_size": state_size, "groups": groups, "kernel": kernel}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class MLSTM(CellModel):
    """LSTM with a matrix memory, exponential gates and a stabiliser, from xLSTM.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    q = W_q x + b_q, k = (W_k x + b_k) / √d, v = W_v x + b_v, o = σ(W_o x + b_o), and for each head the logarithms of
    its gates, ĩ = w_i · x + b_i and log σ(f̃), f̃ = w_f · x + b_f. In each head, with d = H / heads,

    m' = max(log σ(f̃) + m, ĩ), f = exp(log σ(f̃) + m − m'), i = exp(ĩ − m'), C = f C + i v kᵀ, n = f n + i k,
    h = o ⊙ ((C q) / max(|n · q|, exp(−m'))); the output is h, head beside head.

    m keeps the exponentials finite and cancels: C exp(m) and n exp(m) are the paper's C and n. With a `key_size`, d is
    that. With a `soft_cap` c, the gates ĩ and f̃ are bounded, g becoming c tanh(g / c). With a `norm_eps` ε, what o
    multiplies is normalised in each head to mean 0 and variance 1, with ε beside the variance, and scaled.

    Source: arXiv:2405.04517, sections 2.3 and A, with the gates of NX-AI/xlstm's large model, which read x; that model
    has `key_size`, `soft_cap` and `norm_eps`, and no bias of q, k, v, o. The official code adds 10⁻⁶ to the divisor,
    which the paper does not have: `divisor_eps`, 0 if not given.
    Parameters: weight_ih (2 H + 2 heads d, I) and bias, one for each of its rows, in blocks q, k, v, o; weight_gates
    (2 heads, I) and bias_gates (2 heads,) in blocks i, f; norm_weight (H,), which scales.
    States: C (heads, H / heads, d), n (heads, d), m (heads,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        heads (int, at least 1): Number of heads, each with a memory of hidden_size / heads features. Default: 1.
        key_size (int, at least 1): Key size of each head; that of its values, hidden_size / heads, if not given.
        bias ("one" or "none"): 'one' bias of q, k, v and o as in the paper, or 'none'. Default: "one".
        soft_cap (float, above 0): Bound c of the gates' pre-activations g, which become c tanh(g / c).
        norm_eps (float, above 0): ε, added to the variance in a norm of what each head reads, in front of the
            output gate; no norm if not given.
        divisor_eps (float, at least 0): Added to the divisor of what is read, 1e-6 in the official code. Default:
            0.0.
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
        state: a `zoo.State` of `layers.0.C`, `layers.0.n`, `layers.0.m`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.MLSTM(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.C', 'layers.0.n', 'layers.0.m', 'layers.1.C', 'layers.1.n', 'layers.1.m']

    Paper: Beck et al. 2024, xLSTM: extended long short-term memory, NeurIPS, arXiv:2405.04517.
    """

    cell_name = "recurrent-zoo/mlstm"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        heads: int = 1,
        key_size: int | None = None,
        bias: Literal["one", "none"] = "one",
        soft_cap: float | None = None,
        norm_eps: float | None = None,
        divisor_eps: float = 0.0,
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
            "heads": heads,
            "key_size": key_size,
            "bias": bias,
            "soft_cap": soft_cap,
            "norm_eps": norm_eps,
            "divisor_eps": divisor_eps,
        }
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class MLSTMBlock(CellModel):
    """mLSTM with the convolution, the norm, the skip and the gate of its block.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    u = W_u x, z = W_z x, a = silu(Σ_j c_j ⊙ u_{t−j} + b_c), q = W_q a, k = W_k a, v = W_v u, g = (q, k, v), and for
    each head the logarithms of its gates, ĩ = w_i · g + b_i and log σ(f̃), f̃ = w_f · g + b_f. In each head, with
    d = H / heads,

    m' = max(log σ(f̃) + m, ĩ), f = exp(log σ(f̃) + m − m'), i = exp(ĩ − m'), C = f C + i v kᵀ / √d, n = f n + i k / √d,
    h = Norm((C q) / max(|n · q|, exp(−m'))); the output is (h + s ⊙ a) ⊙ silu(z), head beside head.

    Norm(y) = w ⊙ (y − mean(y)) / √(mean((y − mean(y))²) + ε) in each head, where ε is `norm_eps` and w norm_weight.
    W_q, W_k and W_v are block diagonal, with blocks of `block_size` features, s is skip, c_j a column of conv_weight.

    Source: arXiv:2405.04517, sections 2.4 and A, figure 11; NX-AI/xlstm, blocks/mlstm/layer.py and cell.py. That
    block's last product is left to `output_projection`. H, the hidden_size, is its inner width, twice that of its input
    by default. The official code adds 10⁻⁶ to the divisor, which the paper does not have: `divisor_eps`, 0 if not
    given. Parameters: weight_in (2 H, I) in blocks u, z; conv_weight (H, kernel), the present step last, and conv_bias
    (H,), which is b_c; weight_qkv (3, H / block_size, block_size, block_size), W_q, W_k and W_v block after block, rows
    of outputs; weight_gates (2 heads, 3 H) and bias_gates (2 heads,) in blocks i, f; norm_weight and skip (H,).
    States: C (heads, d, d), n (heads, d), which is never learned, m (heads,).

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        heads (int, at least 1): Number of heads, each with a memory of hidden_size / heads features. Default: 1.
        block_size (int, at least 1): Features of one block of the block-diagonal products that give q, k and v, 4
            in the official code; all of them if not given.
        kernel (int, at least 1, at most 1000): Kernel size of the causal convolution, the present step included.
            Default: 4.
        norm_eps (float, above 0): ε, added to the variance in the norm of each head. Default: 1e-05.
        divisor_eps (float, at least 0): Added to the divisor of what is read, 1e-6 in the official code. Default:
            0.0.
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
        state: a `zoo.State` of `layers.0.C`, `layers.0.n`, `layers.0.m`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.MLSTMBlock(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> len(state)
        10

    Paper: Beck et al. 2024, xLSTM: extended long short-term memory, NeurIPS, arXiv:2405.04517.
    """

    cell_name = "recurrent-zoo/mlstm-block"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        heads: int = 1,
        block_size: int | None = None,
        kernel: int = 4,
        norm_eps: float = 1e-05,
        divisor_eps: float = 0.0,
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
            "heads": heads,
            "block_size": block_size,
            "kernel": kernel,
            "norm_eps": norm_eps,
            "divisor_eps": divisor_eps,
        }
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class RetNet(CellModel):
    """Multi-scale retention: a matrix memory with a fixed decay for each head, and keys that turn.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    (q₁, q₂) = W_q x, (k₁, k₂) = W_k x, v = W_v x, φ = t θ, q = (q₁ ⊙ cos(φ) − q₂ ⊙ sin(φ), q₂ ⊙ cos(φ) + q₁ ⊙
    sin(φ)), k = (k₁ ⊙ cos(φ) − k₂ ⊙ sin(φ), k₂ ⊙ cos(φ) + k₁ ⊙ sin(φ)), S = γ S + k vᵀ in each head, and the output is
    RMSNorm(Sᵀ q / √d_k) ⊙ silu(W_g x), head beside head.

    RMSNorm(y) = w ⊙ y / √(mean(y²) + ε) in each head, where w is norm_weight and ε is `norm_eps`. t is the number of
    the step in its sequence, from 0 on, d_k the size of a head's keys, and θ has 10000^(−2j/d_k) for each j below d_k /
    2. The first head's γ is 1 − 2⁻⁵, the second's 1 − 2⁻⁶, and so on. Without an output gate the factor silu(W_g x) is
    missing. With a `kernel`, q, k and v go through a convolution over the last steps, one of each feature's own, and
    through silu.

    Source: arXiv:2307.08621, section 2; fla-org/flash-linear-attention, layers/multiscale_retention.py and
    ops/retention/naive.py, with its scale of the norm, pairs and angles; the paper's own code, microsoft/torchscale,
    has no such scale, pairs of neighbours, and angles down to 1/10000 itself. Its normalisation of what is kept cancels
    in RMSNorm. The last product of both is left to `output_projection`. Parameters: weight_qkv (2 heads d_k + H, I) in
    blocks q, k, v, head beside head; conv_weight (2 heads d_k + H, kernel), the present step last; norm_weight (d_v,);
    weight_g (H, I). States: S (heads, d_k, d_v), with d_v = H / heads.

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        heads (int, at least 1): Number of heads, each with a memory of hidden_size / heads features. Default: 1.
        key_size (int, at least 2): Key size of each head, an even number, since keys are turned in pairs; half of
            its values' size, rounded up, if not given.
        kernel (int, at least 0, at most 1000): Kernel size of the causal convolutions of q, k and v; 0 for none.
            Default: 0.
        norm_eps (float, above 0): ε, added to the mean square in the output's norm. Default: 1e-05.
        output_gate (bool): Multiply the normalised output by silu(W_g x). Default: True.
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
        state: a `zoo.State` of `layers.0.S`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.RetNet(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.S', 'layers.0.age', 'layers.1.S', 'layers.1.age']

    Paper: Sun et al. 2023, Retentive network: a successor to transformer for large language models, preprint,
    arXiv:2307.08621.
    """

    cell_name = "recurrent-zoo/retnet"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        heads: int = 1,
        key_size: int | None = None,
        kernel: int = 0,
        norm_eps: float = 1e-05,
        output_gate: bool = True,
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
            "heads": heads,
            "key_size": key_size,
            "kernel": kernel,
            "norm_eps": norm_eps,
            "output_gate": output_gate,
        }
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class RWKV4(CellModel):
    """Time mixing of RWKV-4: a decaying mean of values, weighted by exponentials of keys.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    x_n = μ_n ⊙ x_t + (1 − μ_n) ⊙ x_{t−1} for n of k, v, r; k = W_k x_k, v = W_v x_v, r = W_r x_r, and

    y = σ(r) ⊙ (exp(pp) ⊙ aa + exp(u + k) ⊙ v) / (exp(pp) ⊙ bb + exp(u + k)), then pp' = max(pp + w, k),
    aa = exp(pp + w − pp') ⊙ aa + exp(k − pp') ⊙ v, bb = exp(pp + w − pp') ⊙ bb + exp(k − pp'), with
    w = −exp(time_decay), u = time_first; the output is y.

    pp, the largest exponent so far, keeps all others from overflowing, and cancels: exp(pp) ⊙ aa and exp(pp) ⊙ bb are
    the paper's sums.

    Source: arXiv:2305.13048, section 3 and appendix D; BlinkDL/RWKV-LM, RWKV-v4/src/model.py and cuda/wkv_cuda.cu. The
    official layer's last product is left to `output_projection`. Parameters: time_mix_k, time_mix_v, time_mix_r (I,),
    which are μ; key, value, receptance (H, I); time_decay and time_first (H,). States: y, aa, bb and pp (H,), where y
    only carries the output: it cannot be had from the new state.

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        depth (float, at least 0, below 1): Relative position of the layer in its stack, from 0; used by the
            initialisation. Default: 0.0.
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
        state: a `zoo.State` of `layers.0.y`, `layers.0.aa`, `layers.0.bb`, `layers.0.pp`, ..., each (B, ...). None
            starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.RWKV4(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> len(state)
        12

    Paper: Peng et al. 2023, RWKV: reinventing RNNs for the transformer era, Findings of EMNLP, arXiv:2305.13048.
    """

    cell_name = "recurrent-zoo/rwkv4"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        depth: float = 0.0,
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
        options = {"depth": depth}
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)


class RWKV7(CellModel):
    """Time mixing of RWKV-7: a matrix memory with a decay and a learning rate for each feature.

    One step, where x is its input, σ the logistic function and ⊙ the product element by element:

    x_n = x_t + μ_n ⊙ (x_{t−1} − x_t) for n of r, w, k, v, a, g, and r = W_r x_r, k = W_k x_k, v = W_v x_v,

    w = exp(−e^(−1/2) σ(w₀ + tanh(x_w w₁) w₂)), a = σ(a₀ + x_a a₁ a₂), g = σ(x_g g₁) g₂,
    κ' = k ⊙ k_k, κ = κ' / ‖κ'‖ in each head, k̃ = k ⊙ (1 + (a − 1) ⊙ k_a), and in each head
    S = S Diag(w) − (S κ)(a ⊙ κ)ᵀ + v k̃ᵀ; the output is g ⊙ (Norm(S r) + (Σ r ⊙ k̃ ⊙ r_k) v), head beside head.

    Norm(y) = ln_weight ⊙ (y − mean(y)) / √(mean((y − mean(y))²) + 0.00064) + ln_bias in each head.

    This is the first layer's. Later ones mix its v in: with a `value_rank` the last H numbers of the input are that v,
    not part of x, and the layer's own v moves towards it by a share, σ(v₀ + x_v v₁ v₂). With `give_values` v is put out
    behind the output.

    Source: arXiv:2503.14456, section 4; BlinkDL/RWKV-LM, RWKV-v7/rwkv_v7_numpy.py and train_temp/src/model.py. The
    official layer's last product is left to `output_projection`. Parameters: mix (6, I), μ in rows r, w, k, v, a, g;
    receptance, key, value (H, I); w0 (H,), w1 (I, rank), w2 (rank, H), a0, a1, a2, v0, v1, v2 and g1, g2 alike; k_k and
    k_a (H,), r_k (heads, H / heads); ln_weight and ln_bias (H,). I is the width of x alone. States: S (heads,
    H / heads, H / heads), rows of values, columns of keys.

    Args:
        input_size (int): Features at each step of the input, I.
        hidden_size (int): Units of the state, H; each cell defines what that is.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        heads (int, at least 1): Number of heads, each with a memory of hidden_size / heads features. Default: 1.
        decay_rank (int, at least 1): Rank of the projection that gives the decay. Default: 32.
        rate_rank (int, at least 1): Rank of the projection that gives the in-context learning rate. Default: 32.
        gate_rank (int, at least 1): Rank of the projection that gives the output gate. Default: 32.
        value_rank (int, at least 1): Rank of the projection that mixes in the first layer's values, as later layers
            do: the last hidden_size numbers of the input. No values are mixed in, and all of the input is x, if not
            given.
        give_values (bool): Put the values v out too, behind the output, for later layers. Default: False.
        depth (float, at least 0, below 1): Relative position of the layer in its stack, from 0; used by the
            initialisation. Default: 0.0.
        layers (int, at least 1): Number of layers in the stack; the norm's initial scale is smaller in earlier
            layers. Default: 1.
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
        state: a `zoo.State` of `layers.0.S`, ..., each (B, ...). None starts anew.

    Example:
        >>> import torch
        >>> from zoo import nn as znn
        >>> layer = znn.RWKV7(10, 20, num_layers=2)
        >>> y, state = layer(torch.randn(3, 15, 10))
        >>> y.shape
        torch.Size([3, 15, 20])
        >>> list(state)
        ['layers.0.S', 'layers.0.age', 'layers.0.past', 'layers.1.S', 'layers.1.age', 'layers.1.past']

    Paper: Peng et al. 2025, RWKV-7 "Goose" with expressive dynamic state evolution, COLM, arXiv:2503.14456.
    """

    cell_name = "recurrent-zoo/rwkv7"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        heads: int = 1,
        decay_rank: int = 32,
        rate_rank: int = 32,
        gate_rank: int = 32,
        value_rank: int | None = None,
        give_values: bool = False,
        depth: float = 0.0,
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
        options = {
            "heads": heads,
            "decay_rank": decay_rank,
            "rate_rank": rate_rank,
            "gate_rank": gate_rank,
            "value_rank": value_rank,
            "give_values": give_values,
            "depth": depth,
            "layers": layers,
        }
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        made = Made(seed, device, dtype, engine, memory_limit)
        super().__init__(input_size, hidden_size, num_layers, options, around, made)
