"""A stand-in of the Hugging Face Hub: its HTTP interface, as far as models come and go by it, and
data sets come.

    with Hub() as hub:
        hub.put("ada/vae", {"model.safetensors": b"..."})
        ...                                  # huggingface_hub talks to hub.endpoint

Repositories are private, gated or claim sizes where a test says so. Large files (LFS) go by the
batch interface and come by a redirect, as they do there. ``asked`` keeps every request.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

LARGE = 10_000  # bytes from which a file is a large one (10 MB on the Hub)


@dataclass
class Repo:
    """files: by commit, then name. claims: bytes that the Hub says a file has."""

    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    private: bool = False
    gated: bool = False
    claims: dict[str, int] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)


class Hub:
    """The server, and what is on it. tokens: by their text, the user's name and right."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.tokens = {"hf_write": ("ada", "write"), "hf_read": ("ada", "read")}
        self.large: dict[str, bytes] = {}  # by their SHA-256
        self.asked: list[tuple[str, str]] = []
        self.failing = 0  # a status that every request gets
        hub = self

        class Handler(_Handler):
            server_hub = hub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self.elsewhere = f"http://localhost:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Hub:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._server.server_close()

    def put(self, id: str, files: dict[str, bytes], ref: str = "main", **about: Any) -> str:
        """Adds a commit with these files and no others; returns it."""
        repo = self.repos.setdefault(id, Repo())
        for key, value in about.items():
            setattr(repo, key, value)
        text = repr(sorted(files.items())) + str(len(repo.files))
        commit = hashlib.sha1(text.encode()).hexdigest()
        repo.files[commit], repo.refs[ref] = dict(files), commit
        for content in files.values():
            if len(content) >= LARGE:
                self.large[hashlib.sha256(content).hexdigest()] = content
        return commit

    def files(self, id: str, ref: str = "main") -> dict[str, bytes]:
        repo = self.repos[id]
        return repo.files[repo.refs[ref]]

    def fetched(self) -> list[str]:
        """The names of the files whose bytes were asked for."""
        gets = [path for method, path in self.asked if method == "GET"]
        small = [path.split("/", 5)[5] for path in gets if "/resolve/" in path]
        large = {path.rpartition("/")[2] for path in gets if path.startswith("/cdn/")}
        known = [files for repo in self.repos.values() for files in repo.files.values()]
        named = {name: content for files in known for name, content in files.items()}
        return small + [
            name for name, content in named.items() if hashlib.sha256(content).hexdigest() in large
        ]


class _Handler(BaseHTTPRequestHandler):
    server_hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    # -- answers -----------------------------------------------------------------------------------

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def as_json(self, values: Any, status: int = 200) -> None:
        self.answer(status, json.dumps(values).encode(), Content_Type="application/json")

    def refuse(self, status: int, code: str, message: str = "No.") -> None:
        self.answer(
            status, json.dumps({"error": message}).encode(), Content_Type="application/json",
            X_Error_Code=code, X_Error_Message=message,
        )  # fmt: skip

    # -- questions ---------------------------------------------------------------------------------

    def handle_one(self) -> None:
        hub, url = self.server_hub, urlsplit(self.path)
        self.query = parse_qs(url.query)
        path = unquote(url.path)
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length) if length else b""
        hub.asked.append((self.command, path))
        given = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        self.user, self.right = hub.tokens.get(given, (None, ""))
        if hub.failing:
            self.answer(hub.failing, b"<html>Service Unavailable</html>")
        elif given and self.user is None:
            self.refuse(401, "", "Invalid credentials in Authorization header")
        else:
            for pattern, method in ROUTES:
                found = re.fullmatch(pattern, path)
                if found and method.split("_")[0].upper() in (self.command, "ANY"):
                    getattr(self, method)(*found.groups())
                    return
            self.answer(404, b"{}")

    do_GET = do_HEAD = do_POST = do_PUT = handle_one

    def repo(self, id: str, writes: bool = False) -> Repo | None:
        """The repository, or None after it was refused."""
        repo = self.server_hub.repos.get(id)
        mine = self.user == id.partition("/")[0]
        if repo is None or (repo.private and not mine):
            self.refuse(404 if self.user else 401, "RepoNotFound", "Repository not found")
        elif writes and not (mine and self.right == "write"):
            self.refuse(403, "", "Forbidden")
        else:
            return repo
        return None

    def commit(self, repo: Repo, revision: str) -> str | None:
        commit = repo.refs.get(revision, revision)
        if commit not in repo.files:
            self.refuse(404, "RevisionNotFound", "Invalid rev id")
            return None
        return commit

    def get_info(self, id: str, revision: str | None) -> None:
        if (repo := self.repo(id)) is None:
            return
        if (commit := self.commit(repo, revision or "main")) is None:
            return
        siblings = []
        for name, content in repo.files[commit].items():
            entry: dict[str, Any] = {"rfilename": name}
            if "blobs" in self.query:
                size = repo.claims.get(name, len(content))
                entry |= {"size": size, "blobId": hashlib.sha1(content).hexdigest()}
                if len(content) >= LARGE:
                    digest = hashlib.sha256(content).hexdigest()
                    entry["lfs"] = {"sha256": digest, "size": size, "pointerSize": 130}
            siblings.append(entry)
        self.as_json(
            {
                "_id": "0", "id": id, "modelId": id, "sha": commit, "private": repo.private,
                "gated": "auto" if repo.gated else False, "disabled": False, "tags": [],
                "downloads": 0, "likes": 0, "siblings": siblings,
            }
        )  # fmt: skip

    def any_file(self, id: str, revision: str, name: str) -> None:
        if (repo := self.repo(id)) is None:
            return
        if repo.gated and self.user != id.partition("/")[0]:
            self.refuse(403 if self.user else 401, "GatedRepo", "Access to model is restricted")
            return
        if (commit := self.commit(repo, revision)) is None:
            return
        content = repo.files[commit].get(name)
        if content is None:
            self.refuse(404, "EntryNotFound", "Entry not found")
            return
        headers = {"X_Repo_Commit": commit, "Accept_Ranges": "bytes"}
        if len(content) >= LARGE:  # these lie elsewhere, at a host of another name
            digest = hashlib.sha256(content).hexdigest()
            self.answer(
                302, Location=f"{self.server_hub.elsewhere}/cdn/{digest}",
                X_Linked_Size=str(len(content)), X_Linked_Etag=f'"{digest}"',
                ETag=f'"{digest}"', **headers,
            )  # fmt: skip
        else:
            self.answer(200, content, ETag=f'"{hashlib.sha1(content).hexdigest()}"', **headers)

    def any_large(self, digest: str) -> None:
        self.answer(200, self.server_hub.large[digest], ETag=f'"{digest}"')

    # -- what is put there -------------------------------------------------------------------------

    def post_create(self) -> None:
        said = json.loads(self.body)
        owner = said.get("organization") or self.user
        if owner != self.user or self.right != "write":
            self.refuse(403 if self.user else 401, "", "You don't have the rights")
            return
        id = f"{owner}/{said['name']}"
        if id in self.server_hub.repos:
            url = f"{self.server_hub.endpoint}/{id}"
            self.as_json({"error": "You already created this model repo", "url": url}, 409)
            return
        self.server_hub.repos[id] = Repo(private=said.get("visibility") == "private")
        self.server_hub.put(id, {".gitattributes": b"*.safetensors filter=lfs\n"})
        self.as_json({"url": f"{self.server_hub.endpoint}/{id}", "name": id, "id": "0"})

    def post_yaml(self) -> None:
        """Whether a card's front matter is valid: what the Hub refuses, as far as it is known."""
        said = json.loads(self.body)
        problems = []
        try:
            front = yaml.safe_load(said["content"].split("---\n")[1])
        except (yaml.YAMLError, IndexError):
            problems.append("Invalid YAML.")
            front = {}
        if not isinstance(front.get("license"), str):
            problems.append('"license" must be a string')
        if not isinstance(front.get("tags", []), list):
            problems.append('"tags" must be an array')
        for model in front.get("model-index", []):
            for result in model["results"]:
                if not {"type", "name"} <= result["dataset"].keys():
                    problems.append('"model-index[0].results[0].dataset.type" is required')
        self.as_json(
            {"warnings": [], "errors": [{"message": problem} for problem in problems]},
            400 if problems else 200,
        )

    def post_preupload(self, id: str, revision: str) -> None:
        if self.repo(id, writes=True) is not None:
            files = [
                {
                    "path": file["path"], "shouldIgnore": False,
                    "uploadMode": "lfs" if file["size"] >= LARGE else "regular",
                }
                for file in json.loads(self.body)["files"]
            ]  # fmt: skip
            self.as_json({"files": files})

    def post_batch(self, id: str) -> None:
        if self.repo(id, writes=True) is None:
            return
        objects = []
        for each in json.loads(self.body)["objects"]:
            there = each["oid"] in self.server_hub.large
            action = {"upload": {"href": f"{self.server_hub.endpoint}/upload/{each['oid']}"}}
            objects.append({**each, **({} if there else {"actions": action})})
        self.as_json({"transfer": "basic", "objects": objects})

    def put_upload(self, digest: str) -> None:
        if hashlib.sha256(self.body).hexdigest() != digest:
            self.answer(400)
            return
        self.server_hub.large[digest] = self.body
        self.answer(200)

    def post_commit(self, id: str, revision: str) -> None:
        if (repo := self.repo(id, writes=True)) is None:
            return
        if (commit := self.commit(repo, revision)) is None:
            return
        files, message = dict(repo.files[commit]), ""
        for line in self.body.splitlines():
            said = json.loads(line)
            value = said["value"]
            if said["key"] == "header":
                message = value["summary"]
            elif said["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif said["key"] == "lfsFile":
                files[value["path"]] = self.server_hub.large[value["oid"]]
        repo.messages.append(message)
        new = self.server_hub.put(id, files, revision)
        url = f"{self.server_hub.endpoint}/{id}/commit/{new}"
        self.as_json({"commitUrl": url, "commitOid": new, "success": True})


_ID = r"([^/]+/[^/]+)"
ROUTES = (
    (rf"/api/models/{_ID}", "get_info_main"),
    (rf"/api/models/{_ID}/revision/(.+)", "get_info"),
    (rf"/{_ID}/resolve/([^/]+)/(.+)", "any_file"),
    (rf"/api/datasets/{_ID}", "get_info_main"),
    (rf"/datasets/{_ID}/resolve/([^/]+)/(.+)", "any_file"),
    (r"/cdn/(\w+)", "any_large"),
    (r"/api/repos/create", "post_create"),
    (r"/api/validate-yaml", "post_yaml"),
    (rf"/api/models/{_ID}/preupload/(.+)", "post_preupload"),
    (rf"/{_ID}\.git/info/lfs/objects/batch", "post_batch"),
    (r"/upload/(\w+)", "put_upload"),
    (rf"/api/models/{_ID}/commit/(.+)", "post_commit"),
)
_Handler.get_info_main = lambda self, id: self.get_info(id, None)
