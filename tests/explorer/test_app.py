"""The command line of the page: what it refuses, and how; and the address of the page."""

from __future__ import annotations

import socket
from types import SimpleNamespace

import gradio as gr
import pytest
import torch

import app
import explorer
from explorer.page import address
from explorer.server.assets import Assets
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


def test_a_server_that_does_not_answer_itself_is_told_of_in_our_words(
    capsys, tmp_path, monkeypatch
):
    monkeypatch.setattr("gradio.networking.url_ok", lambda url: False)
    line = refused(capsys, "--checkpoints", str(tmp_path), "--no-training")
    assert "did not answer in time" in line and "share" not in line


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
    values = address.restore(context, SimpleNamespace(query_params=query))
    keys = ["model", "tab", *(item.key for item in context.remembered)]
    skipped = gr.skip()
    return {k: v for k, v in zip(keys, values, strict=True) if v != skipped}


def test_an_address_sets_model_tab_seed_and_sliders(context):
    query = {"sample.seed": "12", "sample.temperature": "0.5", "sample.count": "9"}
    got = asked(context, model="toy-two", tab="sample", **query)
    assert got.pop("tab").selected == "sample"
    told = {"sample.seed": 12, "sample.temperature": 0.5, "sample.count": 9}
    assert got == {"model": "toy-two", **told}


def test_an_address_of_before_says_the_same_under_other_names(context):
    got = asked(context, tab="embedding", seed="12", **{"among.count": "64", "sees.row": "3"})
    assert got.pop("tab").selected == "map"
    assert got == {"sample.seed": 12, "map.among.count": 64, "pixels.sees.row": 3}
    # Where both names are in it, today's counts; and every new name is one that is asked for.
    for query in ({"seed": "1", "sample.seed": "2"}, {"sample.seed": "2", "seed": "1"}):
        got = asked(context, tab="none", **query)
        assert got.pop("tab").selected == "sample", "an unknown tab is none"
        assert got == {"sample.seed": 2}
    keys = [item.key for item in context.remembered]
    for name in set(address.RENAMED.values()) - {"map"}:
        assert any(key == name or key.startswith(f"{name}.") for key in keys), name
    assert not {key.partition(".")[0] for key in keys} & set(address.RENAMED)


@pytest.mark.parametrize(
    "query",
    [
        {"model": "none"}, {"tab": "none"}, {"sample.seed": "x"}, {"sample.seed": "-1"},
        {"sample.seed": "1.5"}, {"sample.temperature": "nan"}, {"sample.temperature": "inf"},
        {"sample.temperature": "-1"}, {"sample.count": "0"}, {"sample.count": "100000"},
        {"sample.seed": ""}, {"other": "1"}, {"sample.seed": "9" * 5000}, {"seed": "x"},
    ],
)  # fmt: skip
def test_what_an_address_says_wrongly_is_left_alone(context, query):
    got = asked(context, **{"tab": "none", **query})
    # An unknown tab is none: what is said of a model leads to where models are shown.
    tab = got.pop("tab", None)
    assert got == {} and (tab is None or tab.selected == "sample")


def test_a_link_that_names_no_tab_is_of_the_first_that_needs_a_model(context):
    assert asked(context) == {}  # the first page
    for query in ({"model": "toy-two"}, {"seed": "3"}, {"sample.steps": "4"}):
        assert asked(context, **query)["tab"].selected == "sample"
    assert asked(context, tour="density", station="2") == {}


def gone_to(context, query: str, model: str = "") -> dict:
    values = address.state(context, {"query": query, "model": model})
    return dict(zip(["model", *(item.key for item in context.remembered)], values, strict=True))


def test_a_state_that_is_gone_to_says_everything(context):
    first = gone_to(context, "")
    assert first["model"] == context.store.first
    assert all(item.component.value == first[item.key] for item in context.remembered)
    told = gone_to(context, "model=toy-two&seed=12&sample.temperature=hot&tab=map")
    assert told == {**first, "model": "toy-two", "sample.seed": 12}
    # One's own model has no name in the address; the browser's history knows it.
    assert gone_to(context, "model=toy-two", "toy-one")["model"] == "toy-one"


@pytest.mark.parametrize(
    "wish", [None, 3, [], {"query": None}, {"query": "&" * 10**6, "model": []}]
)
def test_a_state_that_no_browser_asks_for_is_the_first(context, wish):
    values = address.state(context, wish)
    assert values == [context.store.first, *(item.component.value for item in context.remembered)]


def test_links_begin_with_the_host_of_the_space(monkeypatch):
    assert address.home() == ""
    monkeypatch.setenv("SPACE_HOST", "someone-explorer.hf.space")
    assert address.home() == "https://someone-explorer.hf.space/"
    middleware = explorer.launch_options()["app_kwargs"]["middleware"]
    assets = next(each for each in middleware if each.cls is Assets)
    assert '"https://someone-explorer.hf.space/"' in assets.kwargs["settings"]
    monkeypatch.setenv("SPACE_HOST", "</script>")
    assert address.home() == ""


def test_links_of_a_framed_page_begin_with_the_spaces_page(monkeypatch):
    assert address.space() == ""
    monkeypatch.setenv("SPACE_ID", "someone/explorer")
    assert address.space() == "https://huggingface.co/spaces/someone/explorer"
    for wrong in ("explorer", "a/b/c", "a/<b>", "../b?c"):
        monkeypatch.setenv("SPACE_ID", wrong)
        assert address.space() == "", wrong


def test_every_tab_keeps_the_conventions():
    from explorer.tabs import TABS, key_of
    from models.contract.capabilities import CAPABILITIES

    keys = [key_of(tab) for tab in TABS]
    assert len(set(keys)) == len(keys)
    for tab in TABS:
        assert tab.TITLE and callable(tab.build)
        needs = {one for need in tab.NEEDS for one in need.split("|")}
        assert needs <= {*CAPABILITIES, "Conditional"}
