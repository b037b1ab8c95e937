"""Hugging Face's conventions: a model as a folder, and as a repository of the hub.

A folder holds `model.safetensors`, as `zoo.save` writes it, `spec.yaml` for people and the card `README.md`. It is read
without huggingface_hub, which only repositories need. What that library raises is said in one line here.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import torch

from zoo import atomic
from zoo.errors import SpecError, ZooError, one_line
from zoo.model.base import Model
from zoo.model.provenance import distributions
from zoo.plugin.manager import catalogue
from zoo.spec import document, library
from zoo.spec.compare import compare
from zoo.spec.dump import to_yaml
from zoo.spec.resolve import resolve
from zoo.spec.saved import BARE
from zoo.weights import artefact, card
from zoo.weights.reasons import in_one_line

MODEL: Final = "model.safetensors"
SPEC: Final = "spec.yaml"
CARD: Final = "README.md"
EXTRA: Final = 'pip install "recurrent-zoo[hub]"'
FOREIGN: Final = "zoo.load_weights reads those of other libraries into a model that zoo.build made"
_REPOSITORY: Final = re.compile(r"\w[\w.-]*(/[\w.-]+)?", re.ASCII)


def save_folder(
    model: Model,
    folder: str | os.PathLike[str],
    *,
    license: str | None = None,
    repo_id: str | None = None,
    force: bool = False,
) -> None:
    """What `Model.save_pretrained` does where nothing is pushed: all three files, or none."""
    target = Path(os.fsdecode(folder))
    saving = artefact.writer(model)
    files: dict[Path, bytes | atomic.Writer] = {
        target / MODEL: saving,
        target / SPEC: to_yaml(model.spec).encode(),
        target / CARD: card_of(model, repo_id or "path/to/this/folder", license).encode(),
    }
    there = next((path for path in files if not force and _exists(path)), None)
    if there is not None:
        raise ZooError(f"{one_line(str(there))}: exists already: choose another folder, or replace it with force=True")
    try:
        made = not target.exists()
        target.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise ZooError(f"{one_line(str(target))}: no folder can be made there: {_reason(error)}") from None
    try:
        atomic.write_all(files, force=force)
    except BaseException:
        if made:
            with contextlib.suppress(OSError):
                target.rmdir()
        raise


def card_of(model: Model, source: str, license: str | None) -> str:
    """A model's card."""
    if license is not None and not (isinstance(license, str) and license.strip()):
        raise ZooError(f"license must be an identifier such as 'apache-2.0', not {license!r:.60}")
    trained = {id(one): one.numel() for one in model.parameters() if one.requires_grad}
    return card.write(
        model.spec,
        source=source,
        parameters=sum(trained.values()),
        steps=max(15, model.minimum_steps),
        dtypes={str(one.dtype).removeprefix("torch.") for one in model.state_dict().values()},
        distributions=distributions(model.spec),
        license=license,
    )


def from_pretrained(
    source: str | os.PathLike[str],
    *,
    revision: str | None = None,
    local_files_only: bool = False,
    token: str | bool | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    device: str | torch.device | None = None,
    engine: str = "auto",
) -> Model:
    """The model in a folder that `model.save_pretrained` wrote, or in a repository of the Hugging Face hub.

    A folder of that name comes first. A repository is downloaded once, into the cache that every library of Hugging
    Face shares, and needs `pip install "recurrent-zoo[hub]"`. No code from either is run.

    Args:
        source: Path of a folder, or name of a repository, `owner/name`.
        revision: Branch, tag or commit of the repository. Defaults to its main branch.
        local_files_only: Whether to take what is in the cache and ask nobody.
        token: Of the hub, for what is private or gated; False for none. Defaults to the one that `hf auth login` or
            `HF_TOKEN` gave.
        cache_dir: Where repositories are kept. Defaults to the shared cache.
        device: Where the model is to live. Defaults to the CPU.
        engine: How recurrences run, as for `zoo.build`.

    Returns:
        The model in eval mode, with every tensor in the dtype in which it was saved.

    Raises:
        SpecError: If its spec has mistakes, or names what is not installed.
        ZooError: If there is none, it cannot be had, or it is no model of this library.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> zoo.build("gru", seed=0).save_pretrained(folder)
        >>> zoo.from_pretrained(folder).spec.name
        'gru'
    """
    name = os.fsdecode(source)
    folder = Path(name)
    if _is_folder(folder):
        if revision is not None:
            raise ZooError(f"{one_line(name)}: is a folder, which has no revisions: leave revision={revision!r} out")
    else:
        _refuse_paths(source, name)
        # Names of weights of the library's own are looked up here, once there are any.
        folder = _download(name, revision=revision, local_files_only=local_files_only, token=token, cache_dir=cache_dir)
    return _load(folder, one_line(name), device, engine)


def push(
    model: Model,
    repo_id: str,
    *,
    private: bool | None = None,
    token: str | bool | None = None,
    commit_message: str | None = None,
    revision: str | None = None,
    license: str | None = None,
) -> str:
    """What `Model.push_to_hub` does: all files in one commit. Returns its address."""
    saving = artefact.writer(model)  # what cannot be saved makes no repository
    card_of(model, repo_id, license)
    hub = _huggingface_hub(f"{one_line(repo_id)}: to push")
    with in_one_line(repo_id, revision, "pushed"), tempfile.TemporaryDirectory() as folder:
        weights = Path(folder, MODEL)
        saving(weights)
        api = _api(hub, token)
        # Asked back, for the hub puts the user's name before one that has none.
        whole = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
        if revision is not None:
            api.create_branch(whole, branch=revision, exist_ok=True)
        files = {
            MODEL: str(weights),
            SPEC: to_yaml(model.spec).encode(),
            CARD: card_of(model, whole, license).encode(),
        }
        commit = api.create_commit(
            whole,
            [hub.CommitOperationAdd(path_in_repo=file, path_or_fileobj=content) for file, content in files.items()],
            commit_message=commit_message or f"Upload {model.spec.id}",
            revision=revision,
        )
        return str(commit.commit_url)


def _download(
    name: str,
    *,
    revision: str | None,
    local_files_only: bool,
    token: str | bool | None,
    cache_dir: str | os.PathLike[str] | None,
) -> Path:
    """The folder in the cache that holds one commit of a repository."""
    hub = _huggingface_hub(f"{name}: there is no such folder; to look for a repository of that name")
    api = _api(hub, token)
    asked = {"cache_dir": cache_dir, "local_files_only": local_files_only}
    missing = f"{name}: the repository has no {MODEL}, which a model of zoo's has; {FOREIGN}"
    with in_one_line(name, revision, "downloaded", missing=missing):
        folder = Path(api.hf_hub_download(name, MODEL, revision=revision, **asked)).parent
        # Of the same commit, whatever is pushed meanwhile. It may lack one: the spec that counts is the other one.
        with contextlib.suppress(hub.errors.EntryNotFoundError):
            api.hf_hub_download(name, SPEC, revision=folder.name, **asked)
    return folder


def _load(folder: Path, name: str, device: str | torch.device | None, engine: str) -> Model:
    file = folder / MODEL
    if not file.exists():
        raise ZooError(f"{name}: the folder has no {MODEL}, which a model of zoo's has; {FOREIGN}")
    try:
        said = library.load(file)
    except SpecError as error:
        if error.diagnostics[0].code != BARE:
            raise
        raise ZooError(f"{name}: its {MODEL} holds weights and no spec of zoo's; {FOREIGN}: {file}") from None
    beside = folder / SPEC
    if os.path.lexists(beside):
        other = resolve(document.read(beside), catalogue())[None]
        if other.spec != said.spec:
            unlike = [one.key for one in compare(other, said)] or ["what it says of itself"]
            raise ZooError(
                f"{name}: {SPEC} is not the spec in {MODEL}, which is the one that counts: they differ in {unlike[0]}. "
                f"Delete {SPEC}, or save the model anew"
            )
    return artefact.load_model(file, device=device, engine=engine)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _refuse_paths(source: Any, name: str) -> None:
    shown = one_line(name) if len(name) <= 200 else f"{one_line(name[:200])}..."
    if "\0" not in name and os.path.lexists(name):
        raise ZooError(f"{shown}: is a file and no folder: zoo.load_model reads what zoo.save wrote")
    if not isinstance(source, str) or not _REPOSITORY.fullmatch(name) or len(name) > 200:
        raise ZooError(f"{shown}: no such folder (and a repository of the hub is called owner/name)")


def _huggingface_hub(what: str) -> ModuleType:
    try:
        import huggingface_hub
        import huggingface_hub.errors
    except ImportError:
        raise ZooError(f"{what}: {EXTRA}") from None
    return huggingface_hub


def _api(hub: ModuleType, token: str | bool | None) -> Any:
    from importlib.metadata import version

    return hub.HfApi(token=token, library_name="recurrent-zoo", library_version=version("recurrent-zoo"))


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
