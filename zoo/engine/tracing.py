"""Whether torch really runs what it is given, or looks at it to compile, export or transform it."""

from __future__ import annotations

import torch


def watched() -> bool:
    """Kernels and the engine's own backward are then out of reach: vmap and jvp know no rule for them, and the
    compiler cannot look inside. The loop is made of what all of them know."""
    return torch.compiler.is_compiling() or torch._C._functorch.peek_interpreter_stack() is not None
