"""What the server keeps of the pages that people open: little, and of closed ones next to none."""

from __future__ import annotations

import gzip
import json
import time
import urllib.request

import gradio as gr
import pytest
from gradio.state_holder import SessionState

import explorer
from explorer.server.sessions import Session, Sessions
from tests import toys
from tests.bench.bench_visits import Browser


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write(folder, "toy")
    page = explorer.build(explorer.Context.create(folder, device="cpu"))
    page.launch(prevent_thread_lock=True, quiet=True, **explorer.launch_options())
    yield page
    page.close()


@pytest.fixture(scope="module")
def config(page):
    with urllib.request.urlopen(f"{page.local_url}config", timeout=60) as answer:
        return json.load(answer)


def open_one(page, config) -> Browser:
    return Browser(page.local_url.rstrip("/"), config)


def until(holds, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.05)


def test_a_session_is_one_of_gradios_in_all_it_has():
    with gr.Blocks() as blocks:
        gr.Number(1)
    assert set(vars(Session(blocks))) == set(vars(SessionState(blocks)))


def test_a_session_keeps_states_and_changed_components_and_no_values():
    with gr.Blocks() as blocks:
        state, number = gr.State(3), gr.Number(1)
    session = Session(blocks)
    assert session[state._id] == 3
    session[state._id] = 4
    changed = gr.Number(2, render=False)
    session[number._id] = changed
    session._update_value_in_config(number._id, "a" * 1000)
    session._update_config(number._id)
    assert session[state._id] == 4 and session[number._id] is changed
    assert session.config_values == {} and list(session.components) == []
    assert blocks.blocks[number._id] is number  # another page's is as it was


def test_open_pages_are_bounded_and_of_the_closed_the_last_few_stay():
    with gr.Blocks() as blocks:
        gr.Number(1)
    sessions = Sessions(blocks, capacity=5, closed=2)
    for k in range(4):
        _ = sessions[f"open {k}"]
    for k in range(3):
        sessions[f"closed {k}"].is_closed = True
    assert list(sessions.session_data) == ["open 2", "open 3", "closed 0", "closed 1", "closed 2"]
    blocks._queue.pending_messages_per_session["closed 0"] = "what nobody fetches"
    sessions.delete_all_expired_state()
    assert list(sessions.session_data) == ["open 2", "open 3", "closed 1", "closed 2"]
    assert set(sessions.time_last_used) == set(sessions.session_data)
    assert "closed 0" not in blocks._queue.pending_messages_per_session


def test_the_page_that_is_served_forgets_who_has_gone(page, config):
    sessions = page.app.state_holder
    assert isinstance(sessions, Sessions) and page.state_holder is sessions
    sessions.closed = 3
    with open_one(page, config) as stays:
        stays.show("sample", "toy")
        for _ in range(6):
            with open_one(page, config) as other:
                assert other.show("sample", "toy") > 10_000  # the pictures came
        until(lambda: len(sessions.session_data) <= 4)
        assert stays.session in sessions.session_data
        assert stays.show("sample", "toy") > 10_000
    until(lambda: len(sessions.session_data) <= 3)
    assert not any(each.config_values for each in sessions.session_data.values())
    assert not page.pending_diff_streams


@pytest.mark.parametrize("path", ["", "config"])
def test_the_page_is_compressed_for_a_browser_that_takes_it(page, path):
    plain = urllib.request.urlopen(f"{page.local_url}{path}", timeout=60).read()
    wish = urllib.request.Request(f"{page.local_url}{path}", headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(wish, timeout=60) as answer:
        packed = answer.read()
        assert answer.headers["Content-Encoding"] == "gzip"
    assert len(packed) < len(plain) / 4 and len(gzip.decompress(packed)) == len(plain)
