"""Strangers: every event of the page called as no browser would, and nobody's things tried by
others. The long forms, over the shipped models: ``python -m tests.load.strangers`` and
``tests.load.uploads``."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

import explorer
from tests import toys
from tests.load import strangers, uploads

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page of toys in a process of its own: (address, process id, file of what it writes)."""
    folder = tmp_path_factory.mktemp("models")
    toys.write(folder, "toy-one")
    toys.write(folder, "toy-two", data="digits")
    with strangers.served("--checkpoints", str(folder)) as served:
        yield served


def test_every_event_answers_nonsense_with_a_sentence_and_one_line(page):
    address, pid, log = page
    config = httpx.get(f"{address}/config", timeout=60).json()
    calls = list(strangers.calls_of(config, 1, random.Random(0)))
    assert len(calls) > 500
    before = strangers.megabytes(pid)
    report = asyncio.run(strangers.all_of(address, calls))
    assert report.silent == []
    assert report.answers["page afterwards"] == 200
    written = strangers.Log.of(log.read_text(errors="replace"))
    assert written.stacks == 0, written.places
    # One line a call at most, and some of the server's own beginning.
    assert 0 < written.lines <= len(calls) + 20
    assert not strangers.megabytes(pid) - before > 500  # nan where the system does not tell


@pytest.mark.parametrize("gate", uploads.GATES)
def test_a_file_that_nobody_saved_is_read_or_refused_in_a_sentence(gate, caplog):
    caplog.set_level("INFO")
    result = uploads.ask(gate, 50)
    assert result.counts.total() >= 50
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


# -- whose is it -----------------------------------------------------------------------------------

VISITORS = 20
ROOT = Path(__file__).parents[2]


@dataclass
class House:
    """A page in this process: its address, what it knows, the folder of what is uploaded."""

    context: explorer.Context
    page: Any
    address: str
    uploads: Path

    def event(self, place: str, handler: str) -> Any:
        """The function of a part's handler."""
        return next(
            fn for fn in self.page.fns.values()
            if (getattr(fn.fn, "place", ""), getattr(fn.fn, "handler", "")) == (place, handler)
        )  # fmt: skip


@pytest.fixture
def house(tmp_path, monkeypatch):
    uploads, folder = tmp_path / "uploads", tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(uploads))
    toys.write(folder, "toy")
    context = explorer.Context.create(folder, device="cpu")
    context.visitors.grace = 0.0
    page = explorer.build(context)
    _, address, _ = page.launch(prevent_thread_lock=True, quiet=True, **explorer.launch_options())
    yield House(context, page, address.rstrip("/"), uploads)
    page.close(verbose=False)
    context.visitors.close()


@dataclass
class Stranger:
    """One of many visitors, with everything that the server has ever told them."""

    house: House
    client: httpx.AsyncClient
    k: int
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    session: str = field(default_factory=lambda: secrets.token_hex(6))
    model: str = ""
    path: str = ""
    told: list[str] = field(default_factory=list)

    @property
    def secrets(self) -> tuple[str, ...]:
        return self.key, self.session, self.model.partition("~")[2], self.path, self.folder

    @property
    def folder(self) -> str:
        return str(self.house.context.visitors.of(self.session).folder)

    async def asks(self, fn: Any, session: str = "", **values: Any) -> str:
        """What the page answers to an event. values: of controls, by their part's names."""
        part = self.house.context.built.get(getattr(fn.fn, "place", ""))
        names = {} if part is None else {block._id: name for name, block in part.asks.items()}
        names[self.house.context.picker._id] = "model"
        data = [
            values.get(names.get(block._id, "value"), getattr(block, "value", None))
            for block in fn.inputs
        ]
        body = {"fn_index": fn._id, "data": data, "session_hash": session or self.session}
        report = strangers.Report()
        where = "run/predict" if fn.queue is False else "queue/join"
        call = strangers.Call(where, strangers.encoded(body), "", body if fn.queue else None)
        await strangers.call(self.client, call, report, patience=400)
        assert report.silent == []
        self.told += report.texts
        return report.texts[0]

    async def gets(self, path: str) -> httpx.Response:
        answer = await self.client.get(path)
        if answer.is_success:  # else it repeats what was asked
            self.told.append(answer.text)
        return answer

    async def arrives(self, file: Path) -> None:
        """Opens the page, and brings a model that has a name of their own."""
        event = self.house.event
        await self.gets("/config")
        await self.asks(event("train_visitor", "open_page"), key=self.key)
        answer = await self.client.post(
            "/gradio_api/upload",
            files={"files": (f"canary-{self.k}.safetensors", file.read_bytes())},
        )
        (self.path,) = answer.json()
        given = {"path": self.path, "meta": {"_type": "gradio.FileData"}}
        back = self.house.context.built["train_yours"].asks["back"]
        for fn in self.house.page.fns.values():
            if (back._id, "upload") in fn.targets:
                text = await self.asks(fn, value=given, back=given)
                found = re.search(rf"canary-{self.k}~[0-9a-f]{{32}}", text)
                self.model = found[0] if found else self.model
        assert self.model, text

    async def tries(self, other: Stranger) -> None:
        """Everything of another's, by every way there is."""
        event, refused = self.house.event, "There is no model"
        for name in (f"canary-{other.k}", f"canary-{other.k}~", other.model[:-1]):
            assert (await self.gets(f"/take-home/{name}")).status_code == 404
            assert refused in await self.asks(event("sample", "again"), model=name)
        # Even whoever has heard a name has nothing of it to keep, to measure or to send away.
        for handler in ("measure", "push"):
            text = await self.asks(event("train_yours", handler), kept=other.model, target="a/b",
                                   token="x")  # fmt: skip
            assert '"problem"' in text, text
        folder = Path(other.folder)
        files = [folder, *folder.rglob("*"), folder.parent, self.house.uploads,
                 Path("/etc/passwd"), Path("/proc/self/environ"), ROOT / "app.py"]  # fmt: skip
        for path in files:
            answer = await self.gets(f"/gradio_api/file={path}")
            assert answer.status_code in (403, 404), path
            given = {"path": str(path), "meta": {"_type": "gradio.FileData"}}
            text = await self.asks(event("train_yours", "bring_model"), back=given)
            assert "canary" not in text
        # Another's page answers nobody who has only its number's beginning.
        text = await self.asks(event("train_visitor", "open_page"), session=other.session[:-1],
                               key=other.key[:-1])  # fmt: skip
        assert "canary" not in text
        for path in ("/config", "/gradio_api/info", "/gradio_api/queue/status", "/monitoring",
                     "/gradio_api/app_id", "/plane/about"):  # fmt: skip
            await self.gets(path)


async def all_at_once(house: House, files: list[Path]) -> list[Stranger]:
    limits = strangers.FRESH
    async with (
        httpx.AsyncClient(base_url=house.address, timeout=120, limits=limits) as client,
        contextlib.AsyncExitStack() as open_pages,
    ):
        everybody = [Stranger(house, client, k) for k in range(len(files))]
        for each in everybody:
            # What a browser keeps open: when it ends, the page is closed.
            path = f"/gradio_api/heartbeat/{each.session}"
            await open_pages.enter_async_context(client.stream("GET", path))
        await asyncio.gather(
            *(each.arrives(file) for each, file in zip(everybody, files, strict=True))
        )
        for each in everybody:
            text = await each.asks(house.event("sample", "again"), model=each.model)
            assert '"problem"' not in text
        await asyncio.gather(*(each.tries(everybody[each.k - 1]) for each in everybody))
        for each in everybody:
            others = [s for other in everybody if other is not each for s in other.secrets]
            told = "".join(each.told)
            assert [secret for secret in others if secret in told] == []
    return everybody


def test_what_one_visitor_has_no_other_gets_and_it_goes_with_them(house, tmp_path):
    brought = tmp_path / "brought"
    brought.mkdir()
    # Of a family that the process knows which looks at what is brought.
    small = {"image": [1, 8, 8], "width": 8, "hidden": 8, "halvings": 1, "latent": 2}
    files = [
        toys.write(brought, f"canary-{k}", "vae", "digits", **small) / "model.safetensors"
        for k in range(VISITORS)
    ]
    root = None
    everybody = asyncio.run(all_at_once(house, files))
    visitors, end = house.context.visitors, time.monotonic() + 60
    for each in everybody:
        visitors.leave(each.session[:-1])  # pages that were made up, and that nobody closes
    while len(visitors) and time.monotonic() < end:
        root = visitors._root.path
        visitors.sweep()
        time.sleep(0.2)
    assert len(visitors) == 0
    assert list(root.iterdir()) == []
    assert [path for path in house.uploads.rglob("*") if path.is_file()] == []
    for each in everybody:
        for path in (f"/take-home/{each.model}", f"/gradio_api/file={each.path}"):
            assert httpx.get(f"{house.address}{path}").status_code in (403, 404)
