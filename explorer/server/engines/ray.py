"""Workers of Ray Serve (Moritz et al. 2018), here or on the machines of a cluster.

    --engine ray                                 two workers of a Ray of this page's own
    --engine "ray?workers=4&cpus=2&gpus=0.5"     more of them, and what each has
    --engine ray://10.0.0.1:6379                 those of a cluster; "auto" for this machine's

Models lie in the same folders where workers run: the same image, or a shared disk. One that a
worker cannot have, as what a visitor brought to another machine, is computed in this process, and
so is all before the workers are there. A worker that is lost takes no answer with it: what it was
asked is asked again, and steps that were given are not given again, as they have their own seeds.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import logging
import os
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from explorer.server.engines.asked import Asked, answered, answers, digest, travels
from explorer.server.engines.local import Local
from explorer.server.errors import is_ours

log = logging.getLogger(__name__)

ROOT = Path(__file__).parents[3]
APP = "generative-explorer"
TRIES = 4  # a worker that is lost takes an answer with it: how often it is asked for
AT_ONCE = 64  # of one worker: its steps take turns
GONE = "This needed more than a worker could give, and was ended. Ask for less of it."
MISSING = "--engine ray needs Ray: pip install 'ray[serve]'."
GARBLED = (
    "--engine: '{}' says no workers of Ray; write ray, ray?workers=2&cpus=1&gpus=0 or "
    "ray://HOST:6379."
)


@dataclass(frozen=True)
class Wish:
    """What ``--engine`` says. address: of a cluster, "" for a Ray of our own. cpus, gpus: those of
    one worker; of a GPU a part will do."""

    address: str = ""
    workers: int = 2
    cpus: float = 1.0
    gpus: float = 0.0

    @classmethod
    def of(cls, said: str) -> Wish:
        """Raises ValueError with a sentence where that is none."""
        refused = ValueError(GARBLED.format(said[:60]))
        parts = urlsplit(said)
        own = not parts.scheme and not parts.netloc and parts.path == "ray"
        if not own and not (parts.scheme == "ray" and parts.netloc and parts.path in ("", "/")):
            raise refused
        kinds = {"workers": int, "cpus": float, "gpus": float}
        try:
            more = {key: kinds[key](value) for key, value in parse_qsl(parts.query, True)}
        except (KeyError, ValueError):
            raise refused from None
        wish = cls("" if own else parts.netloc, **more)
        if not (1 <= wish.workers <= 1000 and 0 < wish.cpus <= 1000 and 0 <= wish.gpus <= 16):
            raise refused
        return wish


class Said(NamedTuple):
    """A worker's word. what: "step" or "done" with a value, "refused" with a sentence for people,
    "failed" with what only the log is to know, "unable" where the model cannot be had there."""

    what: str
    value: Any = None


# -- in a worker -----------------------------------------------------------------------------------


class Worker:
    """A replica. It computes one thing at a time; of several that are asked, a step each in turn.

    Whoever asks what is just being answered gets the same answer.
    """

    def __init__(self, device: str) -> None:
        from explorer.server.sessions import limit_arenas
        from explorer.server.store import Store

        limit_arenas()
        self._store = Store([], device)
        self._stamps: dict[str, tuple[int, int]] = {}
        self._thread = ThreadPoolExecutor(1, "computes")
        self._thread.submit(_import_torch)
        self._running: dict[str, asyncio.Future] = {}

    async def call(self, asked: Asked) -> Said:
        key = digest(asked)
        running = self._running.get(key) if key else None
        if running is None:
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._thread, self._call, asked)
            if key:
                self._running[key] = running
                running.add_done_callback(lambda _: self._running.pop(key, None))
        return await asyncio.shield(running)  # another may wait for it, too

    async def steps(self, asked: Asked) -> Any:
        loop = asyncio.get_running_loop()
        steps: list[Iterator[Any]] = []
        try:
            while True:
                said = await loop.run_in_executor(self._thread, self._next, asked, steps)
                yield said
                if said.what != "step":
                    return
        finally:  # also where nobody wants the rest
            self._thread.submit(lambda: [each.close() for each in steps])

    async def pid(self) -> int:
        return os.getpid()

    def _call(self, asked: Asked) -> Said:
        return self._said(asked, lambda of: Said("done", answered(asked, of)))

    def _next(self, asked: Asked, steps: list[Iterator[Any]]) -> Said:
        def step(of: Callable[[str], Any]) -> Said:
            if not steps:
                steps.append(answers(asked, of))
            for value in steps[0]:
                return Said("step", value)
            return Said("done")

        return self._said(asked, step)

    def _said(self, asked: Asked, act: Callable[[Callable[[str], Any]], Said]) -> Said:
        try:
            models = {name: self._model(folder) for name, folder in asked.folders.items()}
        except Exception:
            return Said("unable", traceback.format_exc())
        try:
            return act(lambda name: models[str(name)])
        except Exception as error:
            ours = isinstance(error, ValueError) and is_ours(error)
            return Said("refused", str(error)) if ours else Said("failed", traceback.format_exc())

    def _model(self, folder: str) -> Any:
        """The model in a folder, loaded anew where it has been trained anew."""
        stat = (Path(folder) / "model.safetensors").stat()
        stamp, name = (stat.st_mtime_ns, stat.st_size), self._store.at(folder)
        if self._stamps.setdefault(folder, stamp) != stamp:
            self._store.forget([name])
            self._stamps[folder], name = stamp, self._store.at(folder)
        return self._store.get(name)


def _import_torch() -> None:
    import torch  # noqa: F401  now, rather than when somebody waits


# -- on the page -----------------------------------------------------------------------------------


class OnRay:
    """Asks workers of Ray. store: of what is computed in this process.

    Raises ValueError with a sentence where Ray is missing or not to be reached.
    """

    def __init__(self, store: Any, wish: Wish) -> None:
        if importlib.util.find_spec("ray") is None:
            raise ValueError(MISSING)
        self.local, self.wish = Local(store), wish
        self.ready = threading.Event()
        self._handle: Any = None
        self._here: set[str] = set()  # names of models that only this process can have
        self._begin_lock = threading.Lock()
        self._connect()

    def _connect(self) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported anywhere
        import ray

        own = {"num_cpus": max(1, round(self.wish.workers * self.wish.cpus)),
               "object_store_memory": 256 << 20}  # fmt: skip
        try:
            ray.init(
                address=self.wish.address or "local",
                namespace=APP,
                ignore_reinit_error=True,
                include_dashboard=False,
                logging_level=logging.WARNING,
                log_to_driver=False,
                runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}},
                **({} if self.wish.address else own),
            )
        except (ConnectionError, OSError, RuntimeError, ValueError):
            log.debug("Ray could not be reached.", exc_info=True)
            where = self.wish.address or "this machine"
            raise ValueError(f"--engine: there is no Ray to be had at {where}.") from None

    def warm_up(self) -> None:
        """Has the workers begin; returns at once."""
        threading.Thread(target=self.begin, name="workers", daemon=True).start()

    def begin(self) -> None:
        """Has the workers begin, and waits until they are there."""
        from ray import serve

        with self._begin_lock:
            if self._handle is not None:
                return
            serve.start(proxy_location="Disabled")
            name = f"{APP}-{version(self.wish)}"
            running = serve.status().applications.get(name)
            if running is not None and running.status == "RUNNING":
                self._take(serve.get_app_handle(name))  # another page's, of the same code
                return
            worker = serve.deployment(
                Worker,
                name="models",
                num_replicas=self.wish.workers,
                max_ongoing_requests=AT_ONCE,
                health_check_period_s=2,
                graceful_shutdown_timeout_s=10,
                ray_actor_options={"num_cpus": self.wish.cpus, "num_gpus": self.wish.gpus},
            )
            device = "cuda" if self.wish.gpus else "cpu"
            self._take(serve.run(worker.bind(device), name=name, route_prefix=None))

    def _take(self, handle: Any) -> None:
        self._handle, self._streams = handle, handle.options(stream=True)
        self.ready.set()

    def close(self) -> None:
        """Leaves Ray. Workers of our own end; those of a cluster are others' as well."""
        import ray

        ray.shutdown()

    def forget(self, folder: str) -> None:
        """A worker lets go of what it has not been asked of for longest, and sees that a folder has
        another model."""

    def call(self, asked: Asked) -> Any:
        *_, answer = self._run(asked, whole=True)
        return answer

    def steps(self, asked: Asked) -> Iterator[Any]:
        return self._run(asked, whole=False)

    def _run(self, asked: Asked, whole: bool) -> Iterator[Any]:
        if self.ready.is_set() and asked.name not in self._here and travels(asked):
            try:
                yield from self._there(asked, whole)
                return
            except Unable as error:
                self._here.add(asked.name)
                log.info("%s computes in the page's own process: %s", asked.name, error)
        if whole:
            yield self.local.call(asked)
        else:
            yield from self.local.steps(asked)

    def _there(self, asked: Asked, whole: bool) -> Iterator[Any]:
        given = 0
        for _ in range(TRIES):
            again = given
            try:
                for said in self._words(asked, whole):
                    if said.what in ERRORS:
                        raise ERRORS[said.what](said.value)
                    if said.what == "done":
                        if whole:
                            yield said.value
                        return
                    if again:
                        again -= 1
                        continue
                    given += 1
                    yield said.value
            except Lost:
                log.warning("A worker was lost; another one is asked.")
                continue
            return
        raise ValueError(GONE)

    def _words(self, asked: Asked, whole: bool) -> Iterator[Said]:
        """What one worker says. Raises Lost where it ends before it has said all."""
        from ray.exceptions import RayError, RayTaskError

        response = (self._handle.call if whole else self._streams.steps).remote(asked)
        ended = False
        try:
            if whole:
                yield response.result()
            else:
                yield from response
            ended = True
        except RayTaskError:
            ended = True
            raise
        except RayError as error:
            ended = True
            raise Lost from error
        finally:
            if not ended:  # nobody wants the rest
                response.cancel()


class Lost(Exception):
    """A worker has ended before it answered."""


class Unable(Exception):
    """A worker cannot have the model: its folder is not there, or its family not known."""


ERRORS = {"refused": ValueError, "failed": RuntimeError, "unable": Unable}


def version(wish: Wish) -> str:
    """Names the code of the workers and what each has: pages that have the same share them."""
    told = hashlib.sha256(repr((wish.workers, wish.cpus, wish.gpus)).encode())
    for path in sorted((ROOT / "models").rglob("*.py")) + sorted(
        Path(__file__).parent.glob("*.py")
    ):
        told.update(path.read_bytes())
    return told.hexdigest()[:12]
