"""How much memory a work needs at its widest moment, counted tensor by tensor: the same on every machine."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from zoo.bench.contests import Work

if TYPE_CHECKING:
    from torch import UntypedStorage


class Ledger:
    """The bytes of the storages that are alive, and the most that they have been."""

    def __init__(self) -> None:
        self.now = self.peak = 0
        self._alive: dict[int, weakref.ref[Any]] = {}

    def born(self, storage: UntypedStorage) -> None:
        """Count a storage from now on, until nothing holds it any more. One that is counted already changes nothing."""
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
    from torch import Tensor
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    ledger = Ledger()

    class Counting(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            known = {t.untyped_storage()._cdata for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)}
            made = func(*args, **(kwargs or {}))
            for tensor in tree_leaves(made):
                if isinstance(tensor, Tensor) and tensor.untyped_storage()._cdata not in known:
                    ledger.born(tensor.untyped_storage())
            return made

    work()  # what is made once and kept is no part of the work
    with Counting():  # type: ignore[no-untyped-call]
        work()
    return ledger.peak
