"""A model of the Hub, fetched on the page and used in another tab, with a stand-in of the Hub."""

from __future__ import annotations

import pytest

from tests import toys
from tests.browser.conftest import choose, open_page, settled
from tests.browser.pages import SERVER, served
from tests.hub import Hub

ID = "ada/toy"
# The page's processes are forked from one that has read its environment already.
ELSEWHERE = """
from huggingface_hub import constants
constants.ENDPOINT = {endpoint!r}
resolve = "/{{repo_id}}/resolve/{{revision}}/{{filename}}"
constants.HUGGINGFACE_CO_URL_TEMPLATE = constants.ENDPOINT + resolve
constants.HF_HUB_DISABLE_XET = True
constants.HF_HUB_OFFLINE = False
"""


@pytest.fixture(scope="module")
def hub(tiny_vae):
    with Hub() as hub:
        hub.put(ID, {path.name: path.read_bytes() for path in tiny_vae.iterdir() if path.is_file()})
        yield hub


@pytest.fixture(scope="module")
def address(hub, tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    toys.write(folder, "toy")
    program = ELSEWHERE.format(endpoint=hub.endpoint) + SERVER
    with served("--checkpoints", str(folder), tabs=("sample", "train"), program=program) as url:
        yield url


def test_a_model_is_fetched_by_its_name_and_sampled_from(page, address, hub):
    page.set_default_timeout(240_000)
    open_page(page, f"{address}/?tab=train")
    page.get_by_text("Your models", exact=True).click()
    page.get_by_text("From the Hugging Face Hub", exact=True).click()
    page.click("#train-wanted textarea, #train-wanted input")
    page.keyboard.type("ada/nothing")
    page.click("#train-fetch-model")
    page.get_by_text("The Hub has no public model 'ada/nothing'").wait_for()
    page.click("#train-wanted textarea, #train-wanted input")
    page.keyboard.press("Control+A")
    page.keyboard.type(ID)
    page.keyboard.press("Enter")
    page.get_by_text("is here, and in the other tabs of this page").wait_for()
    assert "model.safetensors" in hub.fetched()
    own = page.locator(".ge-picker [data-name]").first
    assert own.get_attribute("data-family") == "Yours" and "Tiny VAE" in own.text_content()
    page.get_by_role("tab", name="Sample").click()
    name = own.get_attribute("data-name")
    choose(page, name)
    settled(page, ".ge-panel-sample", "64 pictures of seed 0")
    page.get_by_text("Show the code").locator("visible=true").click()
    page.get_by_text(f'load("{ID}")').or_(page.get_by_text(f"load('{ID}')")).first.wait_for()
