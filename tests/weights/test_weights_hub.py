"""`zoo.from_pretrained` and `push_to_hub` with a hub on this machine: what comes over the wire, and what may go wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
import torch
from each import each
from hub_server import READER, USER, WRITER, Hub, serving
from safetensors.torch import save

import zoo
from zoo.errors import ZooError
from zoo.weights import card

NAME = "ada/tiny-lstm"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub, an empty cache, and nobody logged in."""
    from huggingface_hub import constants, file_download
    from huggingface_hub.utils import _http

    hasty = SimpleNamespace(**{**vars(time), "sleep": lambda seconds: None})
    for module in (file_download, _http):
        monkeypatch.setattr(module, "time", hasty)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    with serving() as one:
        _point_at(one.url, monkeypatch)
        yield one
    huggingface_hub.close_session()


def _point_at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")


def made(seed: int = 0) -> zoo.Model:
    return zoo.build("lstm", seed=seed, hidden_size=6)


def files(tmp_path: Path, seed: int = 0) -> dict[str, bytes]:
    folder = tmp_path / f"written-{seed}"
    made(seed).save_pretrained(folder, force=True)
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def is_seed(model: zoo.Model, seed: int) -> bool:
    return all(torch.equal(one, model.state_dict()[name]) for name, one in made(seed).state_dict().items())


def refused(said: str, name: str = NAME, **arguments: Any) -> None:
    with pytest.raises(ZooError, match=said) as caught:
        zoo.from_pretrained(name, **arguments)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(name)
    assert len(str(caught.value)) < 400


def test_what_was_pushed_comes_back(hub: Hub) -> None:
    model = made(3)
    url = model.push_to_hub(NAME, token=WRITER, license="mit")
    (sha,) = {one for ref, one in hub.repos[NAME].refs.items() if ref == "main"}
    assert url == f"{hub.url}/{NAME}/commit/{sha}"
    assert hub.repos[NAME].messages[-1] == "Upload lstm"
    stored = hub.repos[NAME].files[sha]
    assert sorted(stored) == [".gitattributes", "README.md", "model.safetensors", "spec.yaml"]
    assert b'license: "mit"' in stored["README.md"]
    assert f'zoo.from_pretrained("{NAME}")'.encode() in stored["README.md"]
    assert stored["spec.yaml"].decode() == zoo.to_yaml(model.spec)
    assert any(one.startswith("PUT /lfs/") for one in hub.asked)
    again = zoo.from_pretrained(NAME)
    assert is_seed(again, 3)
    assert again.spec == model.spec
    assert not again.training
    assert any("recurrent-zoo/0.1" in agent for agent in hub.agents)


def test_a_push_replaces_what_is_there_and_no_other_file(hub: Hub, tmp_path: Path) -> None:
    repo = hub.add(NAME, {**files(tmp_path, 0), "notes.txt": b"mine"})
    made(1).push_to_hub(NAME, token=WRITER, commit_message="Better")
    assert repo.messages[-1] == "Better"
    assert repo.files[repo.refs["main"]]["notes.txt"] == b"mine"
    assert is_seed(zoo.from_pretrained(NAME), 1)


def test_a_push_to_a_branch_leaves_main(hub: Hub, tmp_path: Path) -> None:
    repo = hub.add(NAME, files(tmp_path, 0))
    for seed in (1, 2):  # made, then there
        made(seed).push_to_hub(NAME, token=WRITER, revision="trial")
        assert is_seed(zoo.from_pretrained(NAME, revision="trial"), seed)
    assert is_seed(zoo.from_pretrained(NAME), 0)
    assert sorted(repo.refs) == ["main", "trial"]


@each("private", [True, False])
def test_a_new_repository_is_private_if_asked(private: bool, hub: Hub) -> None:
    made().push_to_hub(f"tiny-{private}", private=private, token=WRITER)  # the user's own: the hub says whose
    name = f"{USER}/tiny-{private}"
    repo = hub.repos[name]
    assert repo.private == private
    assert f'from_pretrained("{name}")'.encode() in repo.files[repo.refs["main"]]["README.md"]


def test_saving_may_push_too_by_the_folder_s_name(hub: Hub, tmp_path: Path) -> None:
    made(4).save_pretrained(tmp_path / "tiny", push_to_hub=True, token=WRITER, private=True)
    assert is_seed(zoo.from_pretrained(tmp_path / "tiny"), 4)
    assert hub.repos[f"{USER}/tiny"].private
    assert is_seed(zoo.from_pretrained(f"{USER}/tiny", token=READER), 4)


def test_a_revision_is_a_branch_a_tag_or_a_commit(hub: Hub, tmp_path: Path) -> None:
    repo = hub.add(NAME, files(tmp_path, 0))
    first = repo.refs["main"]
    repo.refs["v1"] = first
    repo.commit(files(tmp_path, 1))
    repo.commit(files(tmp_path, 2), ref="trial")
    for revision, seed in ((None, 1), ("main", 1), ("v1", 0), (first, 0), ("trial", 2)):
        assert is_seed(zoo.from_pretrained(NAME, revision=revision), seed), revision
    refused(r"no branch, tag or commit 'v2'", revision="v2")


def test_it_is_downloaded_once_and_then_from_the_cache(hub: Hub, tmp_path: Path) -> None:
    repo = hub.add(NAME, files(tmp_path, 0))
    zoo.from_pretrained(NAME)
    assert sum(one.startswith("GET /cdn/") for one in hub.asked) == 1
    zoo.from_pretrained(NAME)
    assert sum(one.startswith("GET /cdn/") for one in hub.asked) == 1
    hub.asked.clear()
    for revision in (None, "main", repo.refs["main"]):
        assert is_seed(zoo.from_pretrained(NAME, local_files_only=True, revision=revision), 0)
    assert hub.asked == []
    with pytest.MonkeyPatch.context() as elsewhere:  # and where there is no network, without being told
        _point_at("http://127.0.0.1:9", elsewhere)
        assert is_seed(zoo.from_pretrained(NAME), 0)
    repo.commit(files(tmp_path, 1))
    assert is_seed(zoo.from_pretrained(NAME), 1)


def test_a_cache_of_one_s_own(hub: Hub, tmp_path: Path) -> None:
    hub.add(NAME, files(tmp_path))
    zoo.from_pretrained(NAME, cache_dir=tmp_path / "mine")
    assert not (tmp_path / "cache").exists()
    zoo.from_pretrained(NAME, cache_dir=tmp_path / "mine", local_files_only=True)
    refused("is not in the cache, and local_files_only", local_files_only=True)
    refused("is not in the cache at 'v1', and local_files_only", local_files_only=True, revision="v1")


def test_both_files_are_of_one_commit(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another spec is pushed between them: the one that is looked at is the one beside the weights."""
    from huggingface_hub import HfApi

    right = files(tmp_path)
    wrong = {**right, "spec.yaml": zoo.to_yaml(zoo.load("gru")).encode()}
    repo = hub.add(NAME, wrong)
    load = HfApi.hf_hub_download

    def late(self: Any, name: str, file: str, **rest: Any) -> str:
        found = load(self, name, file, **rest)
        repo.commit(right)
        return found

    monkeypatch.setattr(HfApi, "hf_hub_download", late)
    refused("spec.yaml is not the spec in model.safetensors")
    assert is_seed(zoo.from_pretrained(NAME), 0)


def test_a_spec_that_disagrees_is_refused_and_one_that_lacks_is_not(hub: Hub, tmp_path: Path) -> None:
    repo = hub.add(NAME, {**files(tmp_path), "spec.yaml": zoo.to_yaml(zoo.load("gru")).encode()})
    refused("spec.yaml is not the spec in model.safetensors")
    repo.commit(files(tmp_path, 1))
    assert is_seed(zoo.from_pretrained(NAME), 1)
    bare = {"model.safetensors": files(tmp_path, 2)["model.safetensors"]}
    hub.add("ada/bare", bare)
    assert is_seed(zoo.from_pretrained("ada/bare"), 2)


# What goes wrong.


def test_what_may_not_be_read_is_one_line(hub: Hub, tmp_path: Path) -> None:
    hub.add("ada/private", files(tmp_path), private=True)
    hub.add("ada/gated", files(tmp_path), gated=True)
    for name in ("ada/none", "ada/private"):
        refused("no such repository on the hub .* or a private one: log in", name)
    refused("no such repository on the hub", "ada/none", token=READER)
    assert is_seed(zoo.from_pretrained("ada/private", token=READER), 0)
    for token in (None, READER):
        refused("is gated: ask for access", "ada/gated", token=token)
    assert is_seed(zoo.from_pretrained("ada/gated", token=WRITER), 0)
    refused("the hub refuses the token", "ada/none", token="hf_wrong")


def test_what_is_no_model_of_zoo_s_is_one_line(hub: Hub, tmp_path: Path) -> None:
    hub.add("ada/bert", {"config.json": b"{}", "pytorch_model.bin": b"PK"})
    refused("the repository has no model.safetensors, .* zoo.load_weights", "ada/bert")
    weights = save({"encoder.weight": torch.zeros(2, 2)}, {"format": "pt"})
    hub.add("ada/roberta", {"config.json": b"{}", "model.safetensors": weights})
    refused("holds weights and no spec of zoo's; zoo.load_weights .*model.safetensors", "ada/roberta")
    hub.add("ada/text", {"model.safetensors": b"<html>"})
    with pytest.raises(ZooError, match=r"is damaged, or no \.safetensors file"):
        zoo.from_pretrained("ada/text")


@each("name", ["ada/a--b", "ada/.git", "ada/x.git", "a" * 97])
def test_what_can_be_no_name_is_one_line(name: str, hub: Hub) -> None:
    refused("is no name of a repository, which is owner/name", name)
    assert hub.asked == []


def test_a_hub_that_does_not_answer_is_one_line(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.dead = True
    refused("cannot be downloaded, for the hub cannot be reached: ")
    hub.dead, hub.status = False, 503
    refused("cannot be downloaded: the hub answered 503")
    hub.status = 200  # a portal that asks for a password, say
    refused("cannot be downloaded: .*does not seem to be served by a Hugging Face Hub")
    _point_at("http://127.0.0.1:9", monkeypatch)
    refused("cannot be downloaded, for the hub cannot be reached: ")
    with pytest.raises(ZooError, match="cannot be pushed, for the hub cannot be reached: ") as caught:
        made().push_to_hub(NAME, token=WRITER)
    assert "\n" not in str(caught.value)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    refused("is not in the cache, and HF_HUB_OFFLINE asks nobody")


def test_a_hub_that_dies_in_the_middle_leaves_nothing_behind(hub: Hub, tmp_path: Path) -> None:
    hub.add(NAME, files(tmp_path))
    hub.cut, hub.dies = 1000, True
    refused("cannot be downloaded, for the hub cannot be reached: ")
    assert hub.dead
    refused("is not in the cache", local_files_only=True)
    hub.dead = False
    assert is_seed(zoo.from_pretrained(NAME), 0)


def test_a_connection_that_breaks_is_taken_up_again(hub: Hub, tmp_path: Path) -> None:
    hub.add(NAME, files(tmp_path))
    hub.cut = 1000
    assert is_seed(zoo.from_pretrained(NAME), 0)
    assert sum(one.startswith("GET /cdn/") for one in hub.asked) == 2


@each("longer", [1, -1, 10**6])
def test_a_file_of_another_size_than_was_said_is_not_kept(longer: int, hub: Hub, tmp_path: Path) -> None:
    name = f"ada/longer{longer}"  # each row its own: what is in the cache is not downloaded again
    hub.add(name, files(tmp_path))
    hub.longer = longer
    refused("was not downloaded whole, and nothing of it is kept: .*should be of size", name)
    refused("is not in the cache", name, local_files_only=True)
    hub.longer = 0
    assert is_seed(zoo.from_pretrained(name), 0)


def test_a_push_that_is_not_allowed_is_one_line(hub: Hub) -> None:
    for token, said in ((READER, "cannot be pushed: the token may not do that"), (False, "log in by `hf auth login`")):
        with pytest.raises(ZooError, match=said) as caught:
            made().push_to_hub(NAME, token=token)
        assert "\n" not in str(caught.value)
    with pytest.raises(ZooError, match="meta has no weights"):
        zoo.build("lstm", device="meta").push_to_hub(NAME, token=WRITER)
    with pytest.raises(ZooError, match="license must be an identifier"):
        made().push_to_hub(NAME, token=WRITER, license="")
    assert hub.repos == {}


def test_another_process_finds_it_by_the_variable_of_the_environment(hub: Hub, tmp_path: Path) -> None:
    hub.add(NAME, files(tmp_path))
    code = f"import zoo; print(zoo.from_pretrained({NAME!r}).spec.layers[0].hidden_size)"
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "6\n"), done.stderr
    assert (tmp_path / "home" / "hub" / "models--ada--tiny-lstm").is_dir()


def test_the_hub_reads_what_the_card_says(hub: Hub, tmp_path: Path) -> None:
    """By its own library's reader."""
    hostile = ["a\n---\nb", "- x", "{a: b}", "'\"", "é😀", "license: mit"]
    spec = replace(zoo.load("lstm"), tags=tuple(hostile))
    text = card.write(spec, source=NAME, parameters=1, steps=15, dtypes=["float32"], distributions={}, license="a\n---")
    data = huggingface_hub.ModelCard(text).data
    assert data.tags == ["recurrent-zoo", "pytorch", "rnn", *hostile]
    assert (data.library_name, data.license) == ("recurrent-zoo", "a\n---")
    assert data.pipeline_tag is None
