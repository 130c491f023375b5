"""What .github/PROGRAMS.md shows is run, against a page of small models under the shipped names."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from PIL import Image

import explorer
from explorer import programs
from explorer.programs import files, functions, gate
from tests import toys

TEXT = (Path(__file__).parents[3] / ".github" / "PROGRAMS.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
HERE = "http://127.0.0.1:7860"


PATIENT = 'httpx_kwargs={"timeout": 120}'  # the client's own five seconds are few on a busy machine


def blocks(kind: str) -> list[str]:
    return [text for each, text in BLOCKS if each == kind]


def of_python(block: str, address: str) -> str:
    """The block with the address of the page under test in it."""
    assert f'Client("{HERE}")' in block
    return block.replace(f'Client("{HERE}")', f'Client("{address}", {PATIENT})')


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    size = {"image": [1, 28, 28], "data": "mnist"}
    toys.write(folder, "vae-mnist", "vae", latent=4, width=8, blocks=1, hidden=8, **size)
    toys.write_walker(folder, "diffusion-mnist")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        patch.setattr("gradio.networking.url_ok", lambda url: True)
        page = explorer.build(explorer.Context.create(folder, device="cpu"))
        options = explorer.launch_options()
        page.launch(
            server_name="127.0.0.1", prevent_thread_lock=True, quiet=True,
            mcp_server=programs.has_mcp() or None, **options,
        )  # fmt: skip
        yield page.local_url.rstrip("/")
        page.close(verbose=False)


def run(command: list[str], program: str, folder: Path) -> str:
    environment = {**os.environ, "GRADIO_TEMP_DIR": str(folder), "TMPDIR": str(folder)}
    done = subprocess.run(
        [*command, program], cwd=folder, env=environment, capture_output=True, text=True,
        timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_python_as_it_is_written(address, tmp_path):
    lines, second = (  # the client's own first line says where it has found the page
        run([sys.executable, "-c"], of_python(block, address), tmp_path).splitlines()[1:]
        for block in blocks("python")
    )
    assert lines[0].startswith("diffusion-mnist [") and lines[1].startswith("vae-mnist [")
    sheet, shape = re.fullmatch(r"(\S+\.png) (\[.*\]) 9", lines[2]).groups()
    assert json.loads(shape) == [9, 1, 28, 28] and Image.open(sheet).size == (84, 84)
    row = json.loads(lines[3])
    assert len(row) == 28 and all(0 <= number <= 1 for number in row)
    assert re.fullmatch(r"\d+\.\d+ lower bound|\d+\.\d+ estimate", lines[4])
    way, filled = second
    path, levels = way.split(" ", 1)
    assert Image.open(path).size == (8 * 28, 2 * 28) and json.loads(levels)[-1] == 0
    assert Image.open(filled).size == (56, 56)


def test_curl_as_it_is_written(address, tmp_path):
    [block] = blocks("bash")
    told = run(["bash", "-ec"], block.replace(HERE, address), tmp_path)
    [[scores]] = json.loads(told)
    assert scores["likelihood"]["value"] > 0
    assert Image.open(tmp_path / "digit.png").size == (28, 28)


def test_the_configuration_of_mcp_names_where_it_answers(address):
    [block] = blocks("json")
    [server] = json.loads(block)["mcpServers"].values()
    where = server["url"].replace(HERE, address)
    answer = httpx.get(where, headers={"Accept": "text/html"}, timeout=60)
    assert (answer.status_code == 200) == programs.has_mcp()


def test_the_numbers_and_names_are_those_of_the_code():
    assert re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE) == list(programs.NAMES)
    assert programs.WITHOUT_MCP.partition(": ")[2] in TEXT
    flat = " ".join(TEXT.split())
    assert f"{functions.MOST} pictures at most, and scores {functions.MOST_SCORED}" in flat
    assert f"{functions.MOST_STEPS:,} steps and {functions.SECONDS:g} seconds" in flat
    assert f"the newest {files.MOST} pictures" in flat
    words = {3: "three", 5: "five", 8: "eight", 10: "ten"}
    assert f"begin {words[gate.AT_ONCE]} calls at once" in flat
    assert f"{words[gate.A_SECOND]} a second" in flat
    assert f"of which {words[gate.IN_FLIGHT]} go on" in flat
    assert f"have {words[gate.EVERYBODY]} calls" in flat
