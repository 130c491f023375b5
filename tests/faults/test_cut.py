"""Connections that are cut, pages that sleep, are loaded anew, or are there twice."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

import httpx
import pytest

from tests.faults.server import Page, Server, needs_proc, until

pytestmark = [pytest.mark.slow, needs_proc]

BORDER = "border"
HEAD = (
    f"--{BORDER}\r\nContent-Disposition: form-data; name=\"{{field}}\"; filename=\"{{name}}\"\r\n"
    "Content-Type: application/octet-stream\r\n\r\n"
)  # fmt: skip
KIND = {"Content-Type": f"multipart/form-data; boundary={BORDER}"}


def begun_upload(server: Server, size: int, sent: int) -> socket.socket:
    """A connection over which so many bytes of a larger file have been sent."""
    place = urlsplit(server.address)
    line = socket.create_connection((place.hostname, place.port))
    head = HEAD.format(field="files", name="large.bin").encode()
    request = (
        f"POST /gradio_api/upload HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: {size}\r\n"
        f"Content-Type: {KIND['Content-Type']}\r\n\r\n"
    )
    line.sendall(request.encode() + head + b"x" * sent)
    return line


def test_of_an_upload_that_is_cut_nothing_stays(server):
    before = server.uploads()
    lines = [begun_upload(server, 4 << 20, 1 << 20) for _ in range(5)]
    until(lambda: len(server.uploads()) == len(before) + 5)
    for line in lines:
        line.close()
    until(lambda: server.uploads() == before, 15)
    assert not any(".held/" in each for each in server.handles())


@pytest.mark.parametrize(
    "body, status",
    [
        (HEAD.format(field="others", name="a.txt") + f"x\r\n--{BORDER}--\r\n", 200),
        (HEAD.format(field="files", name="..") + f"x\r\n--{BORDER}--\r\n", (400, 500)),
        (HEAD.format(field="files", name="a.txt") + "no end", 200),
        (HEAD.format(field="files", name="a.txt") + f"x\r\n--{BORDER}\r\nno head\r\n\r\n", 400),
    ],
)  # fmt: skip
def test_of_an_upload_that_is_none_nothing_stays(server, body, status):
    before = server.left()
    answer = httpx.post(f"{server.address}/gradio_api/upload", content=body, headers=KIND)
    left = [path for path in server.left() if path not in before]
    if answer.is_success:  # what it says that it has taken is there
        assert {str(p) for p in left if p.is_file()} <= set(answer.json())
    else:
        assert left == [], answer.text


def test_a_stream_that_is_cut_leaves_nothing_and_others_are_served(server):
    """Before the answer has come, forty times over."""
    with Page(server) as page:
        page.do("click", "Sample again")
        handles, threads = len(server.handles()), server.threads()
        (event, *_) = page.events("click", "Sample again")
        for k in range(40):
            other = Page(server, page.key, f"cut{k}")
            other.begin(event)
            where = {"session_hash": other.session}
            with other.client.stream("GET", "/gradio_api/queue/data", params=where) as answer:
                next(answer.iter_raw(1))
            other.close()
        assert '"success":true' in page.do("click", "Sample again")
        until(lambda: len(server.handles()) <= handles + 2, 20)
        assert server.threads() <= threads + 8  # of the pool, which has forty at most


def test_a_page_that_sleeps_finds_its_run_when_it_wakes_up(server):
    with Page(server) as page:
        page.do("click", "train-start")
        page.says("Step ")
        page.cut()
        time.sleep(6)  # the server looks around every five seconds
        assert "Step " in page.status()
        page.connect()
        page.do("click", "train-stop")
        page.says("Stopped at step")
        assert page.client.get("/").is_success


def test_a_page_is_loaded_anew_at_every_moment_of_a_run(server):
    page = Page(server)
    page.open()
    page.do("click", "train-start")
    page = page.anew()
    assert page.status()  # while it begins, or a moment later on a slow machine
    page = page.anew()
    page.says("Step ")
    for button, words in (("pause", "Paused"), ("step", "Paused"), ("stop", "Stopped at step")):
        page.do("click", f"train-{button}")
        page = page.anew()  # perhaps before it has been heard
        page.says(words)
        page = page.anew()
        assert words in page.status()
    with page:
        assert "Getting" in page.do("click", "train-start")  # and once more


def test_two_tabs_of_one_visitor_share_a_run_which_goes_on_when_one_is_closed(server):
    with Page(server) as one:
        two = Page(server, one.key)
        two.open()
        one.do("click", "train-start")
        assert "Your run goes on" in two.do("click", "train-start")
        assert one.says("Step ") and two.says("Step ")
        two.goodbye()
        two.close()
        time.sleep(6)
        assert "Step " in one.status()
