"""A small process that does what it is told by lines of JSON, each in a fork, and says what became of it and its cost.

In a process of its own, since the system counts the memory of whoever starts another as that one's own; and one that
lives on, since it takes seconds to import torch.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

ROOM = 2**30
"""Bytes of addresses beyond those that it begins with: what asks for more fails, and this machine does not."""
LONGEST = 20
"""Seconds of CPU time after which it is killed."""


class Outcome(NamedTuple):
    """What became of one request.

    kind: of the error; "" of none. text: of the error, or what the command wrote. same: whether every tensor of the model
    is what it was, bit for bit. seconds: of CPU time, with the processes that it started. memory: KiB, of the largest.
    """

    kind: str
    text: str
    same: bool
    seconds: float
    memory: int


class Loader:
    """The process, for as long as the block runs."""

    def __enter__(self) -> Loader:
        words = [sys.executable, __file__]
        root = Path(__file__).parents[2]
        places = os.pathsep.join([str(root), *(entry for entry in sys.path if entry)])
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": places}
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def load(self, file: Path | str, map: Any = None, **more: Any) -> Outcome:
        """`zoo.load_weights` into a small model."""
        return self._ask(do="load", file=str(file), map=map, **more)

    def model(self, file: Path) -> Outcome:
        """`zoo.load_model`."""
        return self._ask(do="model", file=str(file))

    def command(self, *words: str | Path) -> Outcome:
        """The command line; `kind` is its exit status."""
        return self._ask(do="command", words=[str(word) for word in words])

    def _ask(self, **request: Any) -> Outcome:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps({**request, "cwd": str(Path.cwd())}), file=self.process.stdin, flush=True)
        return Outcome(*json.loads(self.process.stdout.readline()))


SPEC = {"name": "net", "input": 3, "cell": "gru", "hidden_size": 4}
"""The model that is loaded into."""


def _load(request: dict[str, Any]) -> tuple[str, str, bool]:
    import torch

    import zoo
    from zoo.errors import ZooError

    model = zoo.build(request.get("spec", SPEC), seed=1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    kind = text = ""
    try:
        zoo.load_weights(model, request["file"], request["map"], request.get("prefix"))
    except ZooError as error:
        kind, text = type(error).__name__, str(error)
    after = model.state_dict()
    same = list(before) == list(after) and all(
        torch.equal(value.view(torch.uint8), after[name].view(torch.uint8)) for name, value in before.items()
    )
    return kind, text, same


def _model(request: dict[str, Any]) -> tuple[str, str, bool]:
    import zoo
    from zoo.errors import ZooError

    try:
        zoo.load_model(request["file"])
    except ZooError as error:
        return type(error).__name__, str(error), True
    return "", "", True


def _command(request: dict[str, Any]) -> tuple[str, str, bool]:
    from zoo.__main__ import main

    read, write = os.pipe()
    os.dup2(write, 1)
    os.dup2(write, 2)
    os.close(write)
    sys.argv = ["zoo", *request["words"]]
    try:
        main()
        status: Any = 0
    except SystemExit as end:
        status = end.code
    sys.stdout.flush()
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    with os.fdopen(read, "rb") as out:
        return str(status), out.read(60_000).decode(), True


def _in_a_fork(request: dict[str, Any]) -> list[Any]:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        import resource
        import traceback

        os.close(read)
        os.chdir(request["cwd"])
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (pages * os.sysconf("SC_PAGE_SIZE") + ROOM, hard))
        resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST))
        does = {"load": _load, "model": _model, "command": _command}[request["do"]]
        try:
            found = does(request)
        except BaseException as error:
            found = (type(error).__name__, "".join(traceback.format_exception(error)), False)
        own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        seconds = own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime
        data = json.dumps([*found, seconds, max(own.ru_maxrss, others.ru_maxrss)]).encode()
        with os.fdopen(write, "wb") as out:
            out.write(data)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as answer:
        data = answer.read()
    _, status = os.waitpid(child, 0)
    return json.loads(data) if data else [f"status {status}", "was killed", False, 0.0, 0]


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    import torch

    torch.set_num_threads(1)
    import zoo

    zoo.load_weights(zoo.build(SPEC, seed=1), zoo.build(SPEC, seed=1).state_dict())  # what is imported late is, now
    for line in sys.stdin:
        print(json.dumps(_in_a_fork(json.loads(line))), file=answers, flush=True)
