"""`save_pretrained` and `push_to_hub`, as Hugging Face's users know them: `zoo.weights.hub` does the work."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from zoo.model.base import Model


class Publishing:
    """What a model can do to be found by others."""

    def save_pretrained(
        self,
        folder: str | os.PathLike[str],
        *,
        push_to_hub: bool = False,
        repo_id: str | None = None,
        license: str | None = None,
        force: bool = False,
        private: bool | None = None,
        token: str | bool | None = None,
        commit_message: str | None = None,
        revision: str | None = None,
    ) -> None:
        """Save the model as a folder, from which `zoo.from_pretrained` makes it again.

        It gets `model.safetensors`, as `zoo.save` writes it, `spec.yaml` for people, and a card made from the spec,
        `README.md`: all three or, whatever happens, none. Other files in the folder stay.

        Args:
            folder: Made if it is not there.
            push_to_hub: Whether to push the model to the Hugging Face hub then, with the arguments behind `force`.
            repo_id: Name of the repository, which the card says too. Defaults to the folder's name.
            license: Identifier for the card, such as "apache-2.0". None is stated if not given.
            force: Whether to replace those files where they are there.
            private: As for `push_to_hub`.
            token: As for `push_to_hub`.
            commit_message: As for `push_to_hub`.
            revision: As for `push_to_hub`.

        Raises:
            ZooError: If a file is there or cannot be written, the model cannot be built elsewhere, or pushing fails.

        Example:
            >>> import pathlib, tempfile
            >>> folder = pathlib.Path(tempfile.mkdtemp(), "lstm")
            >>> zoo.build("lstm", seed=0).save_pretrained(folder)
            >>> sorted(file.name for file in folder.iterdir())
            ['README.md', 'model.safetensors', 'spec.yaml']
        """
        from zoo.weights.hub import save_folder

        model = cast("Model", self)
        if push_to_hub and repo_id is None:
            repo_id = Path(os.fsdecode(folder)).resolve().name
        save_folder(model, folder, license=license, repo_id=repo_id, force=force)
        if push_to_hub and repo_id is not None:
            self.push_to_hub(
                repo_id, private=private, token=token, commit_message=commit_message, revision=revision, license=license
            )

    def push_to_hub(
        self,
        repo_id: str,
        *,
        private: bool | None = None,
        token: str | bool | None = None,
        commit_message: str | None = None,
        revision: str | None = None,
        license: str | None = None,
    ) -> str:
        """Push the model to the Hugging Face hub, as one commit with the files of `save_pretrained`.

        A repository that is not there is made. Files of the same names are replaced, its card too; the repository's
        history keeps them. It needs `pip install "recurrent-zoo[hub]"`.

        Args:
            repo_id: Name of the repository: `owner/name`, or a name alone for one of the user's own.
            private: Whether a new repository is private. Defaults to what its owner has chosen at the hub.
            token: One that may write. Defaults to that of `hf auth login` or `HF_TOKEN`.
            commit_message: Defaults to "Upload" and the model's name.
            revision: A branch, which is made if it is not there. Defaults to the main one.
            license: Identifier for the card, such as "apache-2.0". None is stated if not given.

        Returns:
            The address of the commit.

        Raises:
            ZooError: If the model cannot be built anywhere else, or the hub does not take it.
        """
        from zoo.weights.hub import push

        return push(
            cast("Model", self),
            repo_id,
            private=private,
            token=token,
            commit_message=commit_message,
            revision=revision,
            license=license,
        )
