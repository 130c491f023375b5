"""The README says what the code and the checkpoints say."""

from pathlib import Path

import pytest
import yaml

from models.checkpoints.header import find, read_header
from models.evaluation.card import anomaly_table, models_table

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize(("name", "table"), [("models", models_table), ("scores", anomaly_table)])
def test_the_tables_hold_the_measured_numbers(name, table):
    headers = [read_header(folder) for folder in find(ROOT / "pretrained")]
    assert headers
    shown = README.split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->")[0].strip()
    assert shown == table(headers), f"run: python -m models list --markdown {name}"


def test_the_front_matter_is_what_a_space_reads():
    front = yaml.safe_load(README.split("---")[1])
    requirements = (ROOT / "requirements.txt").read_text("utf-8")
    assert front["sdk"] == "gradio"
    assert f"gradio=={front['sdk_version']}\n" in requirements
    assert (ROOT / front["app_file"]).is_file()
    assert front["license"] == "mit" and (ROOT / "LICENSE").is_file()
    assert len(front["short_description"]) <= 60  # the Hub refuses longer ones


def test_every_command_and_picture_named_in_it_exists():
    import re

    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in set(re.findall(r"make ([a-z]+)", README)):
        assert f"\n{target}:" in makefile, f"README names 'make {target}'"
    for path in re.findall(r"\]\(([^)#]+)\)", README) + re.findall(r'src="([^"]+)"', README):
        if "://" not in path:
            assert (ROOT / path).exists(), f"README points at '{path}'"
