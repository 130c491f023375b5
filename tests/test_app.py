"""The command line of the page: what it refuses, and how; and the address of the page."""

from __future__ import annotations

import socket
from types import SimpleNamespace

import gradio as gr
import pytest
import torch

import app
import explorer
from explorer import link
from tests import toys


def refused(capsys, *arguments: str) -> str:
    assert app.main(list(arguments)) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    return lines[0]


def test_folders_that_are_not_there(capsys, tmp_path):
    gone = str(tmp_path / "gone")
    assert f"--checkpoints: there is no folder '{gone}'" in refused(capsys, "--checkpoints", gone)
    assert f"--data-dir: there is no folder '{gone}'" in refused(capsys, "--data-dir", gone)


def test_a_port_that_is_taken(capsys, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        line = refused(capsys, "--port", str(port), "--checkpoints", str(tmp_path))
    assert f"port {port} cannot be listened on" in line


def test_a_port_that_cannot_be(capsys, tmp_path):
    with pytest.raises(SystemExit) as stop:
        app.main(["--port", "99999"])
    assert stop.value.code == 2
    assert "--port" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the device")
def test_a_device_that_is_missing(capsys, tmp_path):
    line = refused(capsys, "--device", "cuda", "--checkpoints", str(tmp_path))
    assert "--device auto" in line


def test_without_a_gpu_auto_is_no_error(tmp_path):
    context = explorer.Context.create(tmp_path, device="auto")
    assert context.store.device in ("cpu", "cuda", "mps")


def test_a_page_without_models_builds(tmp_path):
    assert explorer.build(explorer.Context.create(tmp_path)).blocks


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write(folder, "toy-one")
    toys.write(folder, "toy-two", data="digits")
    context = explorer.Context.create(folder, device="cpu")
    explorer.build(context)
    return context


def asked(context, **query) -> dict[str, object]:
    """What an address sets, by key; what it leaves alone is not in it."""
    values = link.restore(context, SimpleNamespace(query_params=query))
    keys = ["model", "tab", *(item.key for item in context.remembered)]
    skipped = gr.skip()
    return {k: v for k, v in zip(keys, values, strict=True) if v != skipped}


def test_an_address_sets_model_tab_seed_and_sliders(context):
    got = asked(context, model="toy-two", tab="sample", seed="12", temperature="0.5", count="9")
    assert got.pop("tab").selected == "sample"
    assert got == {"model": "toy-two", "seed": 12, "temperature": 0.5, "count": 9}


@pytest.mark.parametrize(
    "query",
    [
        {"model": "none"}, {"tab": "none"}, {"seed": "x"}, {"seed": "-1"}, {"seed": "1.5"},
        {"temperature": "nan"}, {"temperature": "inf"}, {"temperature": "-1"}, {"count": "0"},
        {"count": "100000"}, {"seed": ""}, {"other": "1"}, {"seed": "9" * 5000},
    ],
)  # fmt: skip
def test_what_an_address_says_wrongly_is_left_alone(context, query):
    assert asked(context, **query) == {}


def test_every_tab_keeps_the_conventions():
    from explorer.tabs import TABS, key_of
    from models.contract.capabilities import CAPABILITIES

    keys = [key_of(tab) for tab in TABS]
    assert len(set(keys)) == len(keys)
    for tab in TABS:
        assert tab.TITLE and callable(tab.build)
        assert tab.NEEDS.issubset({*CAPABILITIES, "Conditional"})
