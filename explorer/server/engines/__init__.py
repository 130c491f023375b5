"""Where a model computes what the page asks of it: here, in a process beside, or elsewhere.

An engine gets an ``Asked`` (a model's name, a method's name or a function of the model, plain
values) and gives arrays. ``explorer.server.ask`` has one and nothing else of the page knows of it.

    asked.py      what is asked, what an engine is, how an answer is computed
    local.py      the engine of this process
    aside.py      a process beside it
    by_length.py  what is quick here, what takes long beside: the quick need not wait for it
    ray.py        workers of Ray Serve, on this machine or a cluster's
"""

from __future__ import annotations

import os
from typing import Any

from explorer.server import zerogpu
from explorer.server.engines.asked import Engine
from explorer.server.engines.by_length import ByLength
from explorer.server.engines.local import Local

LOCAL, RAY = "local", "ray"


def engine_of(said: str, store: Any) -> Engine:
    """The engine that ``--engine`` names; that of this process for "".

    "local": this machine; with a processor to spare and no GPU, in processes beside the server.
    "ray", "ray://HOST:PORT": workers of Ray (see ``ray.py``). Raises ValueError with a sentence.
    """
    if said == LOCAL:
        # A GPU is one process's; where one is lent, that process is the server.
        gpu = store.device != "cpu" or zerogpu.present()
        alone = gpu or (os.cpu_count() or 1) < 2
        return Local(store) if alone else ByLength(store)
    if not said:
        return Local(store)
    if said.startswith(RAY):
        from explorer.server.engines.ray import OnRay, Wish

        return OnRay(store, Wish.of(said))
    raise ValueError(f"--engine: '{said[:40]}' is none of: local, ray, ray://HOST:PORT.")
