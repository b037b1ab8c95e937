"""Whether torch really runs what it is given, or looks at it to compile, export or transform it."""

from __future__ import annotations

import torch


def is_tracing() -> bool:
    """Whether torch.compile, torch.export or torch.func is tracing.

    Kernels and the engine's own backward cannot be used then: vmap and jvp have no rule for them, and the compiler
    cannot look inside. The loop is made of operations that all of them know.
    """
    return torch.compiler.is_compiling() or torch._C._functorch.peek_interpreter_stack() is not None
