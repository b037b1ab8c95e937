"""Options, closed forms and records of cells whose matrix memory decays, and is only added to. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from zoo.cells.matrix.fast_weights import KeySize, Kernel
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
)
