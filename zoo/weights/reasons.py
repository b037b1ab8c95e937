"""What huggingface_hub raises, in one line: which repository, what is wrong, how to mend it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Final

from zoo.errors import ZooError, one_line

LOGIN: Final = "log in by `hf auth login`, set HF_TOKEN, or give token="
NONE: Final = f"no such repository on the hub (nor a folder here), or a private one: {LOGIN}"
_LONGEST: Final = 200


@contextlib.contextmanager
def in_one_line(repo: str, revision: str | None, done: str, *, missing: str = "") -> Iterator[None]:
    """Raise ZooError for whatever the library raises inside.

    Args:
        repo: Name of the repository.
        revision: That was asked for.
        done: What was to be done to it, as in "downloaded".
        missing: What to say where the repository lacks the file.
    """
    try:
        yield
    except ZooError:
        raise
    except Exception as error:
        said = _known(error, revision, done, missing.removeprefix(f"{repo}: "))
        text = f"{one_line(repo)}: {said or f'cannot be {done}: {_first_line(error)}'}"
        # What is not foreseen keeps its cause, for whoever has to find it.
        raise ZooError(text) from (None if said else error)


def _known(error: Exception, revision: str | None, done: str, missing: str) -> str | None:
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return f"is gated: ask for access on its page at the hub, then {LOGIN}"
    if isinstance(error, errors.RepositoryNotFoundError):
        return NONE
    if isinstance(error, errors.RevisionNotFoundError):
        return f"the repository has no branch, tag or commit {revision!r}"
    if isinstance(error, errors.LocalEntryNotFoundError):
        cause = error.__cause__
        if cause is None:
            return f"is not in the cache{_at(revision)}, and local_files_only asks nobody: load it once without"
        found = _known(cause, revision, done, missing) if isinstance(cause, Exception) else None
        return found or f"cannot be {done}: {_first_line(cause)}"
    if isinstance(error, errors.EntryNotFoundError):
        return missing or None
    if isinstance(error, errors.HFValidationError):
        return f"is no name of a repository, which is owner/name: {_first_line(error)}"
    if isinstance(error, errors.OfflineModeIsEnabled):
        return f"is not in the cache{_at(revision)}, and HF_HUB_OFFLINE asks nobody"
    if isinstance(error, errors.HfHubHTTPError):
        return _answered(error, done)
    if isinstance(error, errors.HfHubHTTPError.__bases__[0]):  # of the library beneath: httpx, or httpx2
        return f"cannot be {done}, for the hub cannot be reached: {_first_line(error)}"
    if isinstance(error, OSError) and "onsistency check" in str(error):
        return f"was not {done} whole, and nothing of it is kept: {_first_line(error)}: try again"
    return None


def _answered(error: Any, done: str) -> str:
    status = error.response.status_code
    if status == 401 and done == "downloaded" and "Invalid credentials" not in str(error):
        return NONE  # huggingface_hub tells this from a wrong token by the address, and only where it is of https
    if status == 401:
        return f"the hub refuses the token, or asks for one: {LOGIN}"
    if status == 403:
        return f"cannot be {done}: the token may not do that{_message(error)}"
    return f"cannot be {done}: the hub answered {status}{_message(error)}"


def _message(error: Any) -> str:
    said = _cut(getattr(error, "server_message", None) or "")
    return f" ({said})" if said else ""


def _at(revision: str | None) -> str:
    return "" if revision is None else f" at {revision!r}"


def _first_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return _cut(lines[0]) if lines else type(error).__name__


def _cut(text: str) -> str:
    line = one_line(" ".join(text.split()))
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
