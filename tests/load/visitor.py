"""A page of a Gradio server as a browser has it, without one: what it asks and waits for."""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx

PATIENCE = 120  # seconds for one answer


class Refused(Exception):
    """The server answered with an error, or an event failed there."""


@dataclass
class Config:
    """What a page's ``/config`` says, by what a visitor looks for."""

    components: dict[int, dict[str, Any]]
    events: list[dict[str, Any]]
    by_name: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, told: dict[str, Any]) -> Config:
        components = {each["id"]: each for each in told["components"]}
        names = {each.get("props", {}).get("elem_id"): key for key, each in components.items()}
        names.pop(None, None)
        return cls(components, [e for e in told["dependencies"] if e["backend_fn"]], names)

    def told_by(self, trigger: str, name: str | None = None) -> list[dict[str, Any]]:
        """The events that a trigger starts; of the component with this id, or of any."""
        wanted = None if name is None else self.by_name[name]
        return [
            event for event in self.events
            if any(told == trigger and wanted in (None, key) for key, told in event["targets"])
        ]  # fmt: skip

    def pickers(self, trigger: str) -> set[int]:
        return {k for e in self.told_by(trigger) for k, told in e["targets"] if told == trigger}


class Visitor:
    """One open page.

    values: of the components by their number, as this visitor has set them. seen: what came on
    screen already. came: bytes that came so far, as they were before any compression.
    """

    def __init__(self, client: httpx.AsyncClient, config: Config) -> None:
        self.client, self.config = client, config
        self.session = uuid.uuid4().hex[:12]
        self.values = {
            key: each.get("props", {}).get("value") for key, each in config.components.items()
        }
        self.came = 0
        self.seen: set[str] = set()

    async def open(self) -> None:
        """Fetches the page, says that it is there, and starts what every page starts."""
        page = await self.client.get("/", headers={"Accept-Encoding": "gzip"})
        page.raise_for_status()
        self.came += page.num_bytes_downloaded
        await self.start(self.config.told_by("load"))

    def put(self, **values: Any) -> None:
        """Sets controls, by their ids with ``_`` for ``-``."""
        for name, value in values.items():
            self.values[self.config.by_name[name.replace("_", "-")]] = value

    def put_input(self, trigger: str, n: int, value: Any) -> None:
        """Sets the n-th input of a trigger's events: of components without an id."""
        for event in self.config.told_by(trigger):
            if n < len(event["inputs"]):
                self.values[event["inputs"][n]] = value

    async def show(self, place: str, model: str, follow: bool = True) -> list[dict[str, Any]]:
        """A tab or part comes on screen with a model. Returns what ``start`` does."""
        trigger = f"show_{place}"
        self.values.update(dict.fromkeys(self.config.pickers(trigger), model))
        return await self.start(self.config.told_by(trigger), follow)

    async def press(self, name: str, trigger: str = "click") -> None:
        """Does something to the component of this id."""
        await self.start(self.config.told_by(trigger, name))

    async def start(
        self, events: Iterable[dict[str, Any]], follow: bool = True
    ) -> list[dict[str, Any]]:
        """Asks for the events and waits for their last answer; then for what follows from them,
        and so on. follow: where not, what would follow is returned instead."""
        while events := list(events):
            queued = [event for event in events if event["queue"] is not False]
            for event in events:
                if event["queue"] is False:
                    answer = await self._post("run/predict", self._body(event))
                    self._take(event, answer.json())
            if queued:
                await self._queue(queued)
            done = {event["id"] for event in events}
            events = [e for e in self.config.events if e.get("trigger_after") in done]
            if not follow:
                break
        return events

    def _body(self, event: dict[str, Any]) -> dict[str, Any]:
        return {
            "data": [self.values.get(key) for key in event["inputs"]],
            "fn_index": event["id"], "session_hash": self.session, "trigger_id": None,
            "event_data": None,
        }  # fmt: skip

    async def _post(self, path: str, body: Any) -> httpx.Response:
        answer = await self.client.post(f"/gradio_api/{path}", json=body)
        if answer.status_code != 200:
            raise Refused(f"{path}: {answer.status_code}")
        self.came += len(answer.content)
        return answer

    async def _queue(self, events: list[dict[str, Any]]) -> None:
        waiting: dict[str, dict[str, Any]] = {}
        for event in events:
            answer = await self._post("queue/join", self._body(event))
            waiting[answer.json()["event_id"]] = event
        where = "/gradio_api/queue/data"
        async with self.client.stream("GET", where, params={"session_hash": self.session}) as told:
            async for line in told.aiter_lines():
                self.came += len(line)
                if not line.startswith("data: "):
                    continue
                said = json.loads(line[6:])
                if said["msg"] == "process_completed" and said.get("event_id") in waiting:
                    event = waiting.pop(said["event_id"])
                    if not said["success"]:
                        raise Refused(str(said["output"].get("error"))[:200])
                    self._take(event, said["output"])
                if not waiting:
                    return
        raise Refused("the line was cut")

    def _take(self, event: dict[str, Any], output: dict[str, Any]) -> None:
        take(self.values, event, output)


def take(values: dict[int, Any], event: dict[str, Any], output: dict[str, Any]) -> None:
    """What an answer says of controls is put into their values, so that the next question says it,
    too."""
    for key, value in zip(event["outputs"], output.get("data") or (), strict=False):
        if isinstance(value, dict) and value.get("__type__") == "update":
            if "value" in value:
                values[key] = value["value"]
        elif value is not None:
            values[key] = value


# What follows by itself from what was done: its name, and what waits for it.
Further = tuple[str, Awaitable[Any]]
Action = Callable[[Visitor], Awaitable[Further | None]]
