"""The functions as tools of MCP, asked by a client over HTTP; and what is said without it."""

from __future__ import annotations

import base64
import io

import anyio
import httpx
import pytest
from PIL import Image

import app
import explorer
from explorer import programs
from models.contract.random import generator
from tests import toys

needs_mcp = pytest.mark.skipif(
    not programs.has_mcp(), reason="the package 'mcp' is not installed (pip install 'mcp<2')"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write(folder, "toy", num_classes=10)
    return folder


@pytest.fixture(scope="module")
def address(folder, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        patch.setattr("gradio.networking.url_ok", lambda url: True)
        page = explorer.build(explorer.Context.create(folder, device="cpu"))
        page.launch(
            server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, mcp_server=True,
            **explorer.launch_options(),
        )  # fmt: skip
        yield page.local_url.rstrip("/")
        page.close(verbose=False)


def ask(address: str, question) -> object:
    """The answer of ``question(session)`` in a session of a client."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async def work() -> object:
        async with (
            streamablehttp_client(f"{address}/gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            return await question(session)

    return anyio.run(work)


@needs_mcp
def test_the_tools_are_the_functions_with_their_sentences(address):
    tools = {tool.name: tool for tool in ask(address, lambda s: s.list_tools()).tools}
    assert set(tools) == set(programs.NAMES)
    for tool in tools.values():
        assert tool.description.endswith(".")
        for value in tool.inputSchema["properties"].values():
            assert value["description"].endswith(".")
    assert tools["sample"].inputSchema["required"] == ["model"]


@needs_mcp
def test_a_tool_gives_a_picture_and_says_what_is_wrong(address, folder):
    asked = {"model": "toy", "n": 4, "seed": 7, "label": 3}
    found = ask(address, lambda s: s.call_tool("sample", asked))
    assert not found.isError
    [picture] = [each for each in found.content if each.type == "image"]
    image = Image.open(io.BytesIO(base64.b64decode(picture.data)))
    from models.checkpoints.weights import load
    from models.data.pictures import grid

    ours = grid(load(folder / "toy").sample(4, generator(7), 3))
    assert image.size == (56, 56) and image.tobytes() == ours.tobytes()
    assert "'shape': [4, 1, 28, 28]" in found.content[-1].text
    one = ask(address, lambda s: s.call_tool("sample", {**asked, "n": 1}))
    [picture] = [each for each in one.content if each.type == "image"]
    code = ask(address, lambda s: s.call_tool("encode", {"model": "toy", "pictures": picture.data}))
    assert not code.isError and "codes" in code.content[0].text
    wrong = ask(address, lambda s: s.call_tool("sample", {"model": "none"}))
    assert wrong.isError and "There is no model 'none' here. Models: toy." in wrong.content[0].text
    assert "Traceback" not in wrong.content[0].text


@needs_mcp
def test_the_limits_hold_for_tools_too(address, monkeypatch):
    async def burst(session):
        answers = [await session.call_tool("sample", {"model": "toy", "n": 1}) for _ in range(3)]
        return [answer for answer in answers if answer.isError]

    monkeypatch.setattr("explorer.programs.gate.AT_ONCE", 1)
    monkeypatch.setattr("explorer.programs.gate.A_SECOND", 0.001)
    refused = ask(address, burst)
    assert refused and refused[-1].content[0].text.strip("'\"").startswith("Too many requests:")


@needs_mcp
def test_a_page_without_the_option_has_no_tools(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    page = explorer.build(explorer.Context.create(folder, device="cpu"))
    page.launch(
        server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, mcp_server=False,
        **explorer.launch_options(),
    )  # fmt: skip
    answer = httpx.post(f"{page.local_url}gradio_api/mcp/", json={}, timeout=60)
    page.close(verbose=False)
    assert answer.status_code in (404, 405)


def test_without_the_package_one_line_says_how_to_get_it(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("explorer.programs.importlib.util.find_spec", lambda name: None)
    assert app.main(["--mcp", "--checkpoints", str(tmp_path)]) == 2
    [line] = capsys.readouterr().err.strip().splitlines()
    assert line == (
        "app.py: --mcp needs the package 'mcp', before its version 2; get it by: "
        "pip install 'mcp<2'"
    )
