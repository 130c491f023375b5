"""Memory that is not there: refused by an estimate, refused where almost none is free, said where
it could not be had. That the system ends runs before the page, ``test_killed.py`` asks."""

from __future__ import annotations

import pytest

from explorer.page.part import sentence_of
from explorer.server import memory
from explorer.server.store import Store
from tests import toys
from tests.faults.server import BEGIN, QUICK, Page, needs_proc, served, until

LINES = "MemTotal: 16000000 kB\nMemAvailable: {} kB\n"
PROGRAM = f"""
{QUICK}
from pathlib import Path
from explorer.server import memory
memory.MEMINFO, memory.GROUPS = Path(FILE), ()
{BEGIN}
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Says how many MB are free."""
    file = tmp_path / "meminfo"
    monkeypatch.setattr(memory, "MEMINFO", file)
    monkeypatch.setattr(memory, "GROUPS", ())
    return lambda megabytes: file.write_text(LINES.format(megabytes << 10))


def test_what_is_free_is_what_machine_and_container_leave(machine, tmp_path, monkeypatch):
    machine(3000)
    assert memory.free() == 3000 << 20
    group = tmp_path / "group"
    group.mkdir()
    monkeypatch.setattr(memory, "GROUPS", ((group, "max", "now", "inactive_file"),))
    (group / "max").write_text("max\n")
    (group / "now").write_text("5")
    assert memory.free() == 3000 << 20
    (group / "max").write_text(str(1000 << 20))
    (group / "now").write_text(str(900 << 20))
    (group / "memory.stat").write_text(f"anon 7\ninactive_file {300 << 20}\n")
    assert memory.free() == 400 << 20
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "none")
    monkeypatch.setattr(memory, "GROUPS", ())
    assert memory.free() is None
    memory.check(1e15, "Nothing")  # nobody knows


def test_a_model_that_does_not_fit_is_refused_before_it_is_loaded(machine, tmp_path, monkeypatch):
    toys.write(tmp_path, "toy")
    store = Store([tmp_path], "cpu")
    machine(memory.LEAST >> 20)
    with pytest.raises(memory.OutOfMemory, match="Toy takes 0 MB, and 134 MB"):
        store.get("toy")
    assert store.loaded == []
    machine((memory.LEAST >> 20) + 1)
    store.get("toy")


def test_results_are_let_go_first_and_then_nothing_is_begun(machine, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(memory.time, "monotonic", lambda: now[0])
    let_go = []
    watch = memory.Watch(lambda: let_go.append(machine(1000)))
    machine(100)
    watch.check()
    assert len(let_go) == 1
    watch.let_go = lambda: let_go.append(None)
    machine(100)
    watch.check()  # looked at a moment ago
    now[0] += memory.FRESH_SECONDS
    with pytest.raises(memory.OutOfMemory, match="almost no memory"):
        watch.check()
    assert len(let_go) == 2


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate "
                     "memory: you tried to allocate 4000000000000 bytes."),
        RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB."),
    ],
)  # fmt: skip
def test_memory_that_could_not_be_had_is_a_sentence(error):
    assert sentence_of(error) == memory.TOO_MUCH


def test_torch_says_it_in_these_words():
    import torch

    with pytest.raises(RuntimeError) as error:
        torch.zeros(1 << 50)
    assert sentence_of(error.value) == memory.TOO_MUCH


@pytest.mark.slow
@needs_proc
def test_a_server_short_of_memory_refuses_and_goes_on(models, tmp_path):
    file = tmp_path / "meminfo"
    file.write_text(LINES.format(4 << 20))
    program = PROGRAM.replace("FILE", repr(str(file)))
    with served(models, tmp_path, program=program) as server, Page(server) as page:
        assert '"success":true' in page.do("click", "Sample again")
        file.write_text(LINES.format(1000))
        text = until(lambda: (text := page.do("click", "Sample again")) and "almost no" in text
                     and text)  # fmt: skip
        assert memory.SHORT in text and '"success":false' in text
        assert page.client.get("/").is_success
        file.write_text(LINES.format(4 << 20))
        until(lambda: '"success":true' in page.do("click", "Sample again"))
