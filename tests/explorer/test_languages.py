"""Tables of words: nothing dead in them, slots kept, and what has to be translated is."""

from __future__ import annotations

import json
import re

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from explorer import languages
from explorer.server.assets import Assets
from tests import languages as english

SLOT = re.compile(r"\{\w*(?::\d)?\}")
# What is called the same in every language: names of methods, and how an address is written.
NAMES = {
    "Language", *languages.NAMES.values(), "owner/name", "you/name", r"$\beta_t$",
    "DPM-Solver++(2M)", "DDIM", "EDM", "Top-p", "UMAP", "PCA", "FVSBN", "GAN", "MADE",
    "NADE", "VQ-VAE", "CycleGAN", "SAGAN",
}  # fmt: skip
# Part of each group that a table has at least. Strings that are no words for a person are counted
# with the sentences, and messages of the command line with the settings.
FLOORS = {
    "de": {
        "sentences": 0.89, "settings and scores": 0.78, "scripts": 0.95, "plane": 0.98,
        "laboratories": 0.98, "laboratories' questions": 0.97, "lecture density": 0.97,
        "lecture latent": 0.97, "lecture gan-vae": 0.97, "lecture models": 0.95,
        "lecture crash": 0.97,
    },
}  # fmt: skip
CODES = sorted(languages.NAMES)


@pytest.fixture(scope="module", params=CODES)
def code(request) -> str:
    return request.param


@pytest.mark.parametrize("text", ["64 pictures", "One, two", "VAE"])
def test_an_empty_table_has_no_words(text):
    assert not english.has({}, text)


def test_a_text_is_found_whole_by_a_pattern_or_by_its_parts():
    table = {"Stop": "Anhalten", "{} pictures": "{} Bilder", "{} of {}": "{} von {}"}
    assert english.has(table, "Stop") and english.has(table, "64 pictures")
    assert english.has(table, "Stop, 64 pictures") and english.has(table, "3 of 8")
    assert not english.has(table, "a number of pictures that")


def test_strings_of_scripts_are_read_as_they_will_be_said():
    script = """const a = 'One ' + 'two.'; // 'not this'
      say(`Step ${k + `of ${n} steps`} done`); b = 'It’s \\u2212 ' + x;"""
    found = set(english.of_script(script))
    assert {"One two.", "Step {} done", "of {} steps"} <= found and "not this" not in found


@pytest.mark.shipped
def test_every_key_is_a_text_of_the_page(code):
    english.texts()
    assert sorted(set(languages.table(code)) - english.every) == []


def test_slots_are_those_of_the_english_text_in_their_order(code):
    wrong = [
        key
        for key, own in languages.table(code).items()
        if SLOT.findall(key) != SLOT.findall(own) or not own.strip()
    ]
    assert wrong == []


@pytest.mark.shipped
def test_what_the_page_says_before_it_is_asked_is_all_there(code):
    lacks = english.missing(languages.table(code))
    assert sorted({*lacks["labels"], *lacks["models"]} - NAMES) == []


@pytest.mark.shipped
def test_of_everything_else_as_much_as_was_promised(code):
    lacks, texts = english.missing(languages.table(code)), english.texts()
    parts = {group: 1 - len(lacks[group]) / len(texts[group]) for group in FLOORS[code]}
    assert {g: round(p, 3) for g, p in parts.items() if p < FLOORS[code][g]} == {}


def test_a_language_that_is_not_here_is_refused():
    with pytest.raises(ValueError, match="no language 'xx'"):
        languages.table("xx")


def test_a_key_that_stands_in_two_files_is_refused(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / "de").mkdir(exist_ok=True)
        (tmp_path / "de" / f"{name}.toml").write_text('"Stop" = "Halt"\n', encoding="utf-8")
    monkeypatch.setattr(languages, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match="'Stop' stands in another file"):
        languages.table.__wrapped__("de")


def test_a_table_travels_only_when_it_is_fetched():
    def page(request) -> HTMLResponse:
        return HTMLResponse('<head></head><script type="module"></script>')

    scripts = {code: languages.script(code) for code in CODES}
    app = Assets(
        Starlette(routes=[Route("/", page)]), script="", style="", settings="", languages=scripts
    )
    with TestClient(app) as client:
        text = client.get("/").text
        files = json.loads(re.search(r"GE_LANGUAGES = (\{.*?\});", text).group(1))
        assert set(files) == set(CODES) and len(text) < 400
        for code, address in files.items():
            assert client.get("/" + address).text == scripts[code]
