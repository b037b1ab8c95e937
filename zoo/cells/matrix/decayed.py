"""Options, closed forms and records of cells whose matrix memory decays, and is only added to. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from zoo.cells.matrix.fast_weights import KeyedOptions, MemoryOptions, bounded_without_gate, deltanet_key_size, memory
from zoo.cells.matrix.options import HeadedOptions, head_size
from zoo.components import CellType, Count, Description, Shape, Traits, Width, features
from zoo.errors import ZooError


class Mamba2Options(HeadedOptions):
    """Options of the selective state space of Mamba-2."""

    state_size: Annotated[int, Width] = Field(128, ge=1, description="State size N of each feature.")
    groups: Annotated[int, Count] = Field(
        1, ge=1, description="Number of groups of heads, each with one B, one C and one norm."
    )
    kernel: int = Field(
        4, ge=1, le=1000, description="Kernel size of the causal convolution, the present step included."
    )


class RetNetOptions(MemoryOptions):
    """Options of multi-scale retention."""

    key_size: int | None = Field(
        None,
        ge=2,
        multiple_of=2,
        description="Key size of each head, an even number, since keys are turned in pairs; half of its values' size, "
        "rounded up, if not given.",
    )


class HGRN2Options(KeyedOptions):
    """Options of the second hierarchically gated recurrent network."""

    lower_bound: float = Field(0.0, ge=0, lt=1, description="Lower bound of the forget gates.")
    learned_bound: bool = Field(
        False, description="Learn a lower bound of each feature, rising from layer to layer over all that say so."
    )

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if self.learned_bound and self.lower_bound:
            raise ValueError("lower_bound is a fixed one, and learned_bound learns it: give one of them")
        return self


def describe_mamba2(options: Mamba2Options, input_shape: Shape, hidden_size: int) -> Description:
    size = check_mamba2(options, hidden_size)
    width, seen = features(input_shape), hidden_size + 2 * options.groups * options.state_size
    products = (hidden_size + seen + options.heads) * width
    return Description(
        output_shape=(hidden_size,),
        parameters=products + seen * (options.kernel + 1) + 3 * options.heads + hidden_size,
        macs_per_step=products + hidden_size * options.state_size,
        macs_per_sequence=(options.kernel - 1) * seen * width,  # what the convolution sees of the steps before
        state={"h": (options.heads, size, options.state_size)},
    )


def describe_retnet(options: RetNetOptions, input_shape: Shape, hidden_size: int) -> Description:
    keys = options.heads * retnet_key_size(options, hidden_size)
    return memory(options, input_shape, hidden_size, keys, products=0, vectors=0, reads=1)


def describe_hgrn2(options: HGRN2Options, input_shape: Shape, hidden_size: int) -> Description:
    key_size, size = deltanet_key_size(options, hidden_size), head_size(options, hidden_size)
    rows, width = 2 * options.heads * key_size + hidden_size, features(input_shape)
    return Description(
        output_shape=(hidden_size,),
        parameters=rows * (width + options.kernel) + hidden_size + options.learned_bound * options.heads * key_size,
        macs_per_step=rows * width + hidden_size * key_size,
        macs_per_sequence=max(0, options.kernel - 1) * rows * width,  # what a convolution sees of the steps before
        state={"S": (options.heads, key_size, size)},
    )


def retnet_key_size(options: RetNetOptions, hidden_size: int) -> int:
    """Features of one head's keys, half of its values' if not given, and even. Raises ZooError as `head_size` does."""
    return options.key_size or 2 * -(-head_size(options, hidden_size) // 4)


def check_mamba2(options: Mamba2Options, hidden_size: int) -> int:
    """Features of one head. Raises ZooError where the cell cannot have these sizes."""
    if options.heads % options.groups:
        raise ZooError(f"groups ({options.groups}) must divide heads ({options.heads})")
    return head_size(options, hidden_size)


DECAYED: Final = (
    CellType(
        name="mamba2",
        options=Mamba2Options,
        build="zoo.cells.matrix.mamba2:Mamba2",
        describe="zoo.cells.matrix.decayed:describe_mamba2",
        reference="zoo.references.decayed:mamba2",
        summary="Selective state space of Mamba-2 (SSD): one decay for each head, with convolution, gate and norm",
        paper="Dao and Gu 2024, Transformers are SSMs: generalized models and efficient algorithms through structured "
        "state space duality, ICML, arXiv:2405.21060",
        authority="official code: state-spaces/mamba mamba_ssm/modules/mamba2.py, mamba_ssm/modules/ssd_minimal.py",
        traits=Traits(bounded=True),
        zoneout=True,
    ),
    CellType(
        name="retnet",
        options=RetNetOptions,
        build="zoo.cells.matrix.retention:RetNet",
        describe="zoo.cells.matrix.decayed:describe_retnet",
        reference="zoo.references.decayed:retnet",
        summary="Multi-scale retention: a matrix memory with a fixed decay for each head, and keys that turn",
        paper="Sun et al. 2023, Retentive network: a successor to transformer for large language models, preprint, "
        "arXiv:2307.08621",
        authority="fla-org/flash-linear-attention fla/layers/multiscale_retention.py, fla/ops/retention/naive.py; the "
        "start: official code, microsoft/torchscale torchscale/component/multiscale_retention.py",
        traits=bounded_without_gate,
    ),
    CellType(
        name="hgrn2",
        options=HGRN2Options,
        build="zoo.cells.matrix.retention:HGRN2",
        describe="zoo.cells.matrix.decayed:describe_hgrn2",
        reference="zoo.references.decayed:hgrn2",
        summary="Second hierarchically gated recurrent network: a matrix memory whose forget gates give its keys",
        paper="Qin et al. 2024, HGRN2: gated linear RNNs with state expansion, COLM, arXiv:2404.07904",
        authority="fla-org/flash-linear-attention fla/layers/hgrn2.py, fla/ops/gla/naive.py",
        traits=Traits(bounded=True),
        peers="learned_bound",
    ),
)
