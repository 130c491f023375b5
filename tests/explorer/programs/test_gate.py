"""How much programs may ask at a time."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from explorer.programs import gate
from explorer.programs.gate import A_SECOND, AT_ONCE, COMPUTING, EVERYBODY, IN_FLIGHT, Busy, Gate


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def call(it: Gate, visitor: str) -> None:
    with it.entered(visitor):
        pass


def test_a_visitor_who_loops_is_slowed_to_so_many_a_second():
    clock = Clock()
    it = Gate(clock)
    for _ in range(AT_ONCE):
        call(it, "ana")
    with pytest.raises(Busy, match="Too many requests: this server takes 5 calls a second"):
        call(it, "ana")
    call(it, "bo")  # others are not
    clock.now += 2 / A_SECOND
    for _ in range(2):
        call(it, "ana")
    with pytest.raises(Busy):
        call(it, "ana")


def test_calls_that_go_on_are_counted_by_visitor_and_in_all(monkeypatch):
    monkeypatch.setattr(gate, "COMPUTING", 100)
    it = Gate(Clock())
    with ExitStack() as going:
        for _ in range(IN_FLIGHT):
            going.enter_context(it.entered("ana"))
        with pytest.raises(Busy, match="of your calls are still going on"):
            call(it, "ana")
        for k in range(EVERYBODY - IN_FLIGHT):
            going.enter_context(it.entered(f"{k}"))
        with pytest.raises(Busy, match="busy with others' calls"):
            call(it, "cy")
    call(it, "ana")
    call(it, "cy")


def test_few_compute_at_a_time_and_one_that_fails_leaves():
    it, most, now, lock = Gate(Clock()), 0, 0, threading.Lock()
    barrier = threading.Event()

    def work(k: int) -> None:
        nonlocal most, now
        with it.entered(str(k)):
            with lock:
                now += 1
                most = max(most, now)
            barrier.wait(0.05)
            with lock:
                now -= 1

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == COMPUTING
    for _ in range(IN_FLIGHT + 1):
        with pytest.raises(ZeroDivisionError), it.entered("ana"):
            _ = 1 / 0


def test_who_calls_is_told_by_a_spaces_proxy_and_by_no_other_header(monkeypatch):
    headers = {"x-forwarded-for": "1.2.3.4, 5.6.7.8"}
    request = SimpleNamespace(headers=headers, client=SimpleNamespace(host="9.9.9.9"))
    assert gate.visitor_of(request) == "9.9.9.9"
    monkeypatch.setenv("SPACE_ID", "someone/explorer")
    assert gate.visitor_of(request) == "1.2.3.4"
    assert gate.visitor_of(None) == ""
