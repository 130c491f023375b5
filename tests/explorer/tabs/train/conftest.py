"""The Train tab with fake workers, and what is asked of it from a page."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import explorer
from explorer.page.part import Asked
from explorer.server.jobs import Jobs, Limits
from explorer.tabs.train import running
from tests import toys
from tests.explorer.server.test_jobs import FAKE, LONG

CHOSEN = ("digits", "vae", "small")


def page(session="my page", **values) -> Asked:
    """What is asked from a page of this session."""
    first = {
        "data": "digits", "family": "vae", "size": "small", "given": "{}", "have": "", "told": {},
        "steps": "", "batch_size": "", "learning_rate": "",
        "pasted": "", "file": None, "files": [], "side": 28, "colour": "grey", "repo": "",
        "kept": None, "back": None, "wanted": "", "target": "", "token": "",
    }  # fmt: skip
    return Asked(request=SimpleNamespace(session_hash=session), **{**first, **values})


@pytest.fixture
def context(tmp_path, alone):
    toys.write(tmp_path / "models", "toy")
    made = explorer.Context.create(tmp_path / "models", device="cpu", limits=Limits())
    made.visitors.jobs = Jobs(Limits(), command=FAKE)
    yield made
    made.visitors.close()


@pytest.fixture
def me(context):
    return context.visitors.arrive(None, "my page")


def ticked(context, told=None, session="my page"):
    return running.tick(context, "toy", page(session, told=told or {}))


def begin(context, visitor, recipe=LONG):
    visitor.job = context.visitors.jobs.start("mine", recipe, visitor.folder)
    return visitor.job
