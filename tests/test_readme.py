"""The README and its fellows say what the code and the checkpoints say."""

import re
from pathlib import Path

import pytest
import yaml

from models.checkpoints.header import find, read_header
from models.data.datasets import DATASETS
from models.evaluation.card import TABLES, with_tables

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
# What a person wrote; the cards of the models are held by the tests of the checkpoints.
PAGES = (
    "pretrained/README.md",
    "README.md",
    ".github/CONTRIBUTING.md",
    ".github/PROGRAMS.md",
    ".github/HOSTING.md",
    "models/training/README.md",
    "models/checkpoints/README.md",
    "tests/bench/README.md",
)
CARDS = pytest.param(PAGES[0], marks=pytest.mark.shipped)  # it links to every card
BLOCK = re.compile(r"^```.*?^```|^    .*?$", re.MULTILINE | re.DOTALL)


@pytest.mark.shipped
@pytest.mark.parametrize("name", TABLES)
def test_the_tables_hold_the_measured_numbers(name):
    headers = [read_header(folder) for folder in find(ROOT / "pretrained")]
    assert headers
    text = (ROOT / "pretrained" / "README.md").read_text("utf-8")
    shown = text.split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->")[0].strip()
    assert shown == TABLES[name](headers), "run: make tables"


def test_tables_are_written_between_their_marks():
    text = "a\n<!-- models -->\nold\n<!-- /models -->\nb\n<!-- scores -->\n<!-- /scores -->\nc\n"
    new = with_tables(text, [])
    assert "old" not in new and new.startswith("a\n<!-- models -->\n| model |")
    assert "\n<!-- /models -->\nb\n" in new and new.endswith("\n<!-- /scores -->\nc\n")
    assert with_tables(new, []) == new
    with pytest.raises(ValueError, match="no place for a table"):
        with_tables("nothing", [])


def test_the_front_matter_is_what_a_space_reads():
    front = yaml.safe_load(README.split("---")[1])
    requirements = (ROOT / "requirements.txt").read_text("utf-8")
    assert front["sdk"] == "gradio"
    assert f"gradio=={front['sdk_version']}\n" in requirements
    assert (ROOT / front["app_file"]).is_file()
    assert front["license"] == "mit" and (ROOT / "LICENSE").is_file()
    assert len(front["short_description"]) <= 60  # the Hub refuses longer ones
    assert front["python_version"] in ("3.10", "3.12")  # those of its lent GPUs
    from_the_hub = {info.hub for info in DATASETS.values()} - {None}
    assert set(front["datasets"]) <= from_the_hub and front["models"] == []
    assert front["header"] in ("mini", "default") and front["suggested_hardware"] == "cpu-basic"
    assert (ROOT / front["thumbnail"]).is_file()
    # To send a model after signing in: to make a repository, and to write to one that is there.
    assert front["hf_oauth"] is True
    assert set(front["hf_oauth_scopes"]) == {"contribute-repos", "write-repos"}


def test_the_readme_is_read_in_one_go():
    assert len(README.splitlines()) <= 150


def test_every_picture_of_the_repository_is_shown():
    shown = "".join((ROOT / page).read_text("utf-8") for page in PAGES)
    for path in (ROOT / ".github" / "pictures").iterdir():
        assert f".github/pictures/{path.name})" in shown, path.name


@pytest.mark.parametrize("page", [*PAGES[1:], CARDS])
def test_every_command_and_link_leads_somewhere(page):
    text = (ROOT / page).read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"^ +make ([a-z]+)|`make ([a-z]+)", text, re.MULTILINE):
        name = "".join(target)
        assert f"\n{name}:" in makefile, f"{page} names 'make {name}'"
    for link in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = ((ROOT / page).parent / path) if path else ROOT / page
        assert target.exists(), f"{page} points at '{link}'"
        assert not anchor or anchor in anchors(target), f"{page} points at '{link}'"


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page in links."""
    text = BLOCK.sub("", page.read_text("utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


# Paths in code spans with a folder and an ending that a file of ours has.
NAMED = re.compile(r"`((?:models|explorer|tests|pretrained)/[\w./-]+\.(?:py|js|toml|md|css))`")
TO_BE_WRITTEN = ("NAME", "FAMILY")


@pytest.mark.parametrize("page", PAGES)
def test_every_file_named_in_it_exists(page):
    for path in NAMED.findall((ROOT / page).read_text("utf-8")):
        if not any(word in path for word in TO_BE_WRITTEN):
            assert (ROOT / path).exists(), f"{page} names '{path}'"
