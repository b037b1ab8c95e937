"""How much memory a work needs at its widest moment, counted tensor by tensor: the same on every machine."""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from zoo.bench.contests import Work


class _Counting(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of every storage that comes into being while it is on, from its first tensor to its end."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now: int = 0
        self.peak: int = 0
        self._alive: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        known = {t.untyped_storage()._cdata for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)}
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor) and tensor.untyped_storage()._cdata not in known:
                self._born(tensor.untyped_storage())
        return made

    def _born(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._alive:
            return

        def gone(_: Any) -> None:
            del self._alive[key]
            self.now -= size

        self._alive[key] = weakref.ref(storage, gone)
        self.now += size
        self.peak = max(self.peak, self.now)


def peak_bytes(work: Work) -> int:
    """Bytes of tensors that the work has made and not yet dropped, at the moment when they are most.

    What is there before it, such as parameters and inputs, is not counted; nor is what a kernel allocates and frees
    by itself, nor what an allocator keeps.
    """
    work()  # what is made once and kept is no part of the work
    with _Counting() as counting:
        work()
    peak: int = counting.peak
    return peak
