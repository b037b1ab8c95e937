"""A hub on 127.0.0.1 that speaks the calls of huggingface_hub: downloads with their redirects, uploads with LFS.

Written from what the client sends and expects (huggingface_hub 2.4: file_download, _commit_api, lfs, utils/_http).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

READER, WRITER = "hf_reader", "hf_writer"
USER = "ada"


@dataclass
class Repository:
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """Of each commit."""
    refs: dict[str, str] = field(default_factory=dict)
    private: bool = False
    gated: bool = False
    messages: list[str] = field(default_factory=list)

    def commit(self, files: dict[str, bytes], *, ref: str = "main", message: str = "") -> str:
        whole = {**self.files.get(self.refs.get(ref, ""), {}), **files}
        seed = repr((len(self.files), sorted(whole.items())))
        sha = hashlib.sha1(seed.encode()).hexdigest()
        self.files[sha], self.refs[ref] = whole, sha
        self.messages.append(message)
        return sha


@dataclass
class Hub:
    url: str = ""
    cdn: str = ""
    """Where large files are fetched from: another host, as the hub has one."""
    repos: dict[str, Repository] = field(default_factory=dict)
    stored: dict[str, bytes] = field(default_factory=dict)
    """The large files, by SHA-256."""
    asked: list[str] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    cut: int | None = None
    """Bytes of the next large file after which the connection is closed."""
    dead: bool = False
    """Closes every connection without a word."""
    dies: bool = False
    """Is dead after the cut."""
    longer: int = 0
    """How many bytes more a large file is said to have."""
    status: int | None = None
    """Of every answer."""

    def add(self, name: str, files: dict[str, bytes], **about: Any) -> Repository:
        repo = self.repos[name] = Repository(**about)
        repo.commit(files)
        return repo


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815 - as the base class calls them

    def _serve(self) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        body = self._body()
        hub.asked.append(f"{self.command} {path}")
        hub.agents.append(self.headers.get("User-Agent", ""))
        if hub.dead:
            self.close_connection = True
            return None
        if hub.status is not None:
            return self._answer(hub.status, {"error": "out of order"})
        for pattern, handle in ROUTES:
            found = re.fullmatch(pattern, f"{self.command} {path}")
            if found:
                return handle(self, body, *found.groups())
        return self._answer(404, {"error": f"not understood: {self.command} {path}"})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _answer(self, status: int, body: Any = b"", **headers: Any) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": len(data), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    @property
    def token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def _repo(self, name: str) -> Repository | None:
        """The repository, or an answer why not."""
        if self.token not in ("", READER, WRITER):
            said = "Invalid credentials in Authorization header"
            return self._answer(401, {"error": said}, X_Error_Message=said)
        repo = self.hub.repos.get(name)
        if repo is None or (repo.private and not self.token):
            status = 404 if self.token else 401  # as the hub does: nobody is told what is private
            code = {"X_Error_Code": "RepoNotFound"} if self.token else {}
            return self._answer(status, {"error": "Repository not found"}, **code)
        if repo.gated and self.token != WRITER:
            said = "Access to this resource is restricted"
            return self._answer(403 if self.token else 401, {"error": said}, X_Error_Code="GatedRepo")
        return repo

    def _commit(self, repo: Repository, revision: str) -> str | None:
        sha = repo.refs.get(revision, revision)
        if sha not in repo.files:
            return self._answer(404, {"error": f"Invalid rev id: {revision}"}, X_Error_Code="RevisionNotFound")
        return sha

    def resolve(self, body: bytes, name: str, revision: str, file: str) -> None:
        repo = self._repo(name)
        sha = None if repo is None else self._commit(repo, revision)
        if repo is None or sha is None:
            return None
        about = {"X_Repo_Commit": sha}
        data = repo.files[sha].get(file)
        if data is None:
            return self._answer(404, {"error": "Entry not found"}, X_Error_Code="EntryNotFound", **about)
        if not file.endswith(".safetensors"):
            return self._answer(200, data, ETag=f'"{hashlib.sha1(data).hexdigest()}"', **about)
        oid = hashlib.sha256(data).hexdigest()
        self.hub.stored[oid] = data
        linked = {"X_Linked_Size": len(data) + self.hub.longer, "X_Linked_ETag": f'"{oid}"'}
        return self._answer(302, b"", Location=f"{self.hub.cdn}/cdn/{oid}", **linked, **about)

    def content(self, body: bytes, oid: str) -> None:
        data = self.hub.stored[oid]
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(found.group(1)) if found else 0
        rest = data[start:]
        self.send_response(206 if found else 200)
        self.send_header("Content-Length", str(len(rest)))
        if found:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if self.hub.cut is not None:
            rest, self.hub.cut, self.close_connection = rest[: self.hub.cut], None, True
            self.hub.dead = self.hub.dies
        self.wfile.write(rest)

    def create(self, body: bytes) -> None:
        if self.token != WRITER:
            said = "You don't have the rights to create a model here"
            return self._answer(403 if self.token else 401, {"error": said}, X_Error_Message=said)
        asked = json.loads(body)
        name = f"{asked.get('organization') or USER}/{asked['name']}"
        known = name in self.hub.repos
        if not known:
            self.hub.add(
                name,
                {".gitattributes": b""},
                private=asked.get("visibility") == "private" or bool(asked.get("private")),
            )
        return self._answer(409 if known else 200, {"url": f"{self.hub.url}/{name}", "name": name})

    def validate(self, body: bytes) -> None:
        content = json.loads(body)["content"]
        found = re.match(r"---\n(.*?)\n---\n", content, re.DOTALL)
        front = yaml.safe_load(found.group(1)) if found else None
        if not isinstance(front, dict) or not isinstance(front.get("tags"), list):
            return self._answer(400, {"errors": [{"message": "no metadata"}], "warnings": []})
        return self._answer(200, {"errors": [], "warnings": []})

    def preupload(self, body: bytes, name: str, revision: str) -> None:
        repo = self._repo(name)
        if repo is None or self._commit(repo, revision) is None:
            return None
        files = [
            {
                "path": one["path"],
                "uploadMode": "lfs" if one["path"].endswith(".safetensors") else "regular",
                "shouldIgnore": False,
            }
            for one in json.loads(body)["files"]
        ]
        return self._answer(200, {"files": files})

    def batch(self, body: bytes, name: str) -> None:
        objects = [
            {**one, "actions": {"upload": {"href": f"{self.hub.url}/lfs/{one['oid']}"}}}
            for one in json.loads(body)["objects"]
        ]
        return self._answer(200, {"transfer": "basic", "objects": objects})

    def store(self, body: bytes, oid: str) -> None:
        if hashlib.sha256(body).hexdigest() != oid:
            return self._answer(400, {"error": "wrong content"})
        self.hub.stored[oid] = body
        return self._answer(200)

    def commit(self, body: bytes, name: str, revision: str) -> None:
        repo = self._repo(name)
        if repo is None or self._commit(repo, revision) is None:
            return None
        header, *rest = map(json.loads, body.splitlines())
        files = {}
        for one in rest:
            value = one["value"]
            if one["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif one["key"] == "lfsFile":
                files[value["path"]] = self.hub.stored[value["oid"]]
        sha = repo.commit(files, ref=revision, message=header["value"]["summary"])
        url = f"{self.hub.url}/{name}/commit/{sha}"
        return self._answer(200, {"success": True, "commitOid": sha, "commitUrl": url})

    def branch(self, body: bytes, name: str, branch: str) -> None:
        repo = self._repo(name)
        if repo is None:
            return None
        known = branch in repo.refs
        repo.refs.setdefault(branch, repo.refs["main"])
        return self._answer(409 if known else 201, {})

    def revision(self, body: bytes, name: str, revision: str) -> None:
        repo = self._repo(name)
        sha = None if repo is None else self._commit(repo, revision)
        if repo is not None and sha is not None:
            files = [{"rfilename": file} for file in repo.files[sha]]
            self._answer(
                200, {"_id": "1", "id": name, "sha": sha, "siblings": files, "private": repo.private, "tags": []}
            )


NAME = r"([\w.-]+/[\w.-]+)"
ROUTES: list[tuple[str, Any]] = [
    (r"(?:GET|HEAD) /cdn/(\w+)", Handler.content),
    (r"POST /api/repos/create", Handler.create),
    (r"POST /api/validate-yaml", Handler.validate),
    (rf"POST /api/models/{NAME}/preupload/(.+)", Handler.preupload),
    (rf"POST /api/models/{NAME}/commit/(.+)", Handler.commit),
    (rf"POST /api/models/{NAME}/branch/(.+)", Handler.branch),
    (rf"GET /api/models/{NAME}/revision/(.+)", Handler.revision),
    (rf"POST /{NAME}\.git/info/lfs/objects/batch", Handler.batch),
    (r"PUT /lfs/(\w+)", Handler.store),
    (rf"(?:GET|HEAD) /{NAME}/resolve/([^/]+(?:/[^/]+)?)/([^/]+)", Handler.resolve),
]


@contextmanager
def serving() -> Iterator[Hub]:
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url, hub.cdn = (f"http://{host}:{server.server_port}" for host in ("127.0.0.1", "localhost"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
