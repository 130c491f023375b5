"""The models of this server: listed from headers, loaded on first use, kept while they fit."""

from __future__ import annotations

import logging
import math
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from explorer.server import memory, zerogpu
from explorer.server.abilities import meets
from models.checkpoints import weights
from models.checkpoints.fetch import called
from models.checkpoints.header import find, read_header

log = logging.getLogger(__name__)

OWN = "~"  # in the names of models that are one visitor's

# In memory while a model is loaded: its file's halves, and the numbers made of them.
BYTES_A_PARAMETER = 6

# The best known data first: the page opens on the first model.
DATA_ORDER = ("mnist", "fashion-mnist", "shapes", "digits", "cifar-10")


class Store:
    """Checkpoints by name, thread-safe.

    folders: where to look for them. device: where models are put; "auto" decides on first use, as
    asking for a GPU needs torch. limit: bytes of parameters kept
    loaded; the least recently used go first, the newest always stays.
    """

    def __init__(
        self, folders: Iterable[Path | str], device: str = "auto", limit: int = 1 << 30
    ) -> None:
        self.device_asked = device
        self._device = device
        self._checked = False
        self.limit = limit
        self._headers: dict[str, Any] = {}
        self._own: dict[str, Any] = {}  # of one visitor each, under names that cannot be guessed
        self._aside: dict[str, Any] = {}  # what serves other models, under their folders
        self._models: OrderedDict[str, Any] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._lock = threading.Lock()
        self._loading: dict[str, threading.Lock] = {}
        # Each once, whatever names it by.
        places = {path.resolve(): path for folder in folders for path in find(Path(folder))}
        found = list(places.values())
        headers = []
        for path in found:
            try:
                header = read_header(path)
            except ValueError as error:
                log.warning("Left out %s: %s", path, error)
                continue
            # A background of the likelihood ratio serves other models, and so does a second judge;
            # they are none to look at.
            if not header.recipe.get("background") and not header.recipe.get("second"):
                headers.append(header)
        for header in told_apart(sorted(headers, key=_order)):
            self._headers[header.name] = header

    @property
    def device(self) -> str:
        """Where models compute, "cpu", "cuda" or "mps". Raises ValueError where it is missing."""
        if not self._checked:
            from models.machine.devices import pick_device

            lent = self._device == "auto" and zerogpu.present()
            self._device = "cpu" if lent else pick_device(self._device).type
            self._checked = True
        return self._device

    @property
    def names(self) -> list[str]:
        """All models, the best known data first."""
        return list(self._headers)

    @property
    def first(self) -> str | None:
        """The model the page opens on: of the best known data one that samples and can do most,
        so that most tabs have something of it; else the first of all."""
        able = self.having({"Samples"})
        if not able:
            return (self.names or [None])[0]
        data = self._headers[able[0]].data.get("name")
        near = [name for name in able if self._headers[name].data.get("name") == data]
        return max(near, key=self._reach)

    def _reach(self, name: str) -> tuple[int, float]:
        """How much a model can do, and how near to real pictures it comes."""
        header = self._headers[name]
        measured = header.metrics.get("fd_over_floor", {}).get("value", math.inf)
        return len(header.capabilities), -measured

    def having(self, needs: set[str]) -> list[str]:
        """The names of the models with all of these capabilities (see ``abilities.meets``)."""
        return [
            name
            for name, header in self._headers.items()
            if all(meets(header.capabilities, need) for need in needs)
        ]

    def header(self, name: str) -> Any:
        """What is known of a model without loading it. Raises ValueError where there is none."""
        if isinstance(name, str):
            header = self._own.get(name) or self._aside.get(name) or self._headers.get(name)
            if header is not None:
                return header
        known, name = ", ".join(self._headers) or "none", said(name)
        raise ValueError(f"There is no model '{name}' here. Models: {known}.")

    def at(self, folder: Path | str) -> str:
        """The name of the model in a folder, for ``get``: that of a model here, or one under which
        a judge or a background of others can be had that nobody is offered.

        Raises ValueError where the folder holds none.
        """
        folder = Path(folder).resolve()
        with self._lock:
            known = [*self._headers.items(), *self._own.items(), *self._aside.items()]
        for name, header in known:
            if header.folder.resolve() == folder:
                return name
        header, name = read_header(folder), str(folder)
        with self._lock:
            self._aside[name] = replace(header, name=name)
        return name

    def adopt(self, folder: Path) -> str:
        """Takes in a model of one visitor's, and returns the name it has here.

        Whoever has the name has the model, so it cannot be guessed; ``names`` and ``having``, what
        everybody is offered, do not tell it. Raises ValueError where the folder holds none.
        """
        header = read_header(folder)
        name = f"{header.name}{OWN}{uuid4().hex}"
        self._own[name] = replace(header, name=name)
        return name

    def refresh(self, name: str) -> None:
        """Reads the header of an adopted model anew: it has been measured."""
        if (known := self._own.get(name)) is not None:
            self._own[name] = replace(read_header(known.folder), name=name)

    def forget(self, names: Iterable[str]) -> None:
        """Lets go of models that were adopted."""
        for name in names:
            self._own.pop(name, None)
            with self._lock:
                self._models.pop(name, None)
                self._sizes.pop(name, None)
                self._loading.pop(name, None)

    def get(self, name: str) -> Any:
        """The model, ready to use. Two callers at once share one load."""
        header = self.header(name)
        with self._lock:
            if name in self._models:
                self._models.move_to_end(name)
                return self._models[name]
            loading = self._loading.setdefault(name, threading.Lock())
        with loading:
            with self._lock:
                if name in self._models:
                    return self._models[name]
            memory.check(BYTES_A_PARAMETER * header.parameters, header.title)
            model = weights.load(header.folder, device=self.device)
            size = sum(p.numel() * p.element_size() for p in model.parameters())
            with self._lock:
                self._models[name] = model
                self._sizes[name] = size
                self._shrink()
            return model

    @property
    def loaded(self) -> list[str]:
        """Names of the models in memory, the least recently used first."""
        with self._lock:
            return list(self._models)

    def _shrink(self) -> None:
        while len(self._models) > 1 and sum(self._sizes.values()) > self.limit:
            name, _ = self._models.popitem(last=False)
            del self._sizes[name]
            log.info("Let go of %s to stay within %d MB.", name, self.limit >> 20)


def said(name: Any) -> str:
    """A name that somebody wrote, as it stands in a sentence: printable and short."""
    text = "".join(c if c.isprintable() else "?" for c in str(name)[:61])
    return text if len(text) <= 60 else f"{text[:57]}..."


def told_apart(headers: Iterable[Any]) -> list[Any]:
    """Models under names of their own: two runs of one recipe are both there, the later ones under
    the name of their folder too; and their titles, where alike, say which folder each is of."""
    headers = list(headers)
    titles = Counter(header.title for header in headers)
    found: dict[str, Any] = {}
    for header in headers:
        name, folder, k = header.name, called(header.folder), 1
        while name in found:
            name = f"{header.name}-{folder}".replace("/", "-") + (f"-{k}" if k > 1 else "")
            k += 1
        title = header.title
        if titles[title] > 1:
            title = f"{title} ({folder})"
        found[name] = replace(header, name=name, title=title)
    return list(found.values())


def _order(header: Any) -> tuple[int, str]:
    data = header.data.get("name", "")
    known = DATA_ORDER.index(data) if data in DATA_ORDER else len(DATA_ORDER)
    return known, header.name
