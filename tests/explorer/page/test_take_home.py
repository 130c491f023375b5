"""The model on screen as a file: what its address answers."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from explorer.page import take_home
from explorer.page.context import Context
from tests import toys
from tests.portable import written


@pytest.fixture(scope="module")
def context(tmp_path_factory) -> Context:
    folder = tmp_path_factory.mktemp("models")
    toys.write(folder, "toy")
    written(folder, "nade")
    return Context.create(folder, device="cpu")


@pytest.fixture(scope="module")
def client(context) -> TestClient:
    return TestClient(Starlette(routes=[take_home.route(context)]))


def test_a_model_comes_as_a_page_that_is_made_once(client, context, monkeypatch):
    answer = client.get("/take-home/nade")
    assert answer.status_code == 200 and "no-cache" in answer.headers["Cache-Control"]
    assert answer.text.startswith("<!doctype html>") and "A nade &amp; &lt;more&gt;" in answer.text
    monkeypatch.setattr(take_home, "page_of", lambda folder: pytest.fail("made anew"))
    assert client.get("/take-home/nade").text == answer.text
    monkeypatch.undo()
    # A visitor's own model has a name that only he knows.
    own = context.store.adopt(context.store.header("nade").folder)
    assert client.get(f"/take-home/{own}").status_code == 200


def test_what_cannot_be_taken_home_is_said_in_a_sentence(client):
    missing, toy = client.get("/take-home/none"), client.get("/take-home/toy")
    assert missing.status_code == 404 and "There is no model 'none' here." in missing.text
    assert toy.status_code == 422 and "cannot be exported yet" in toy.text
