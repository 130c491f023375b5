"""How the house is built: which way imports point, and what must not load with the page."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "umap", "plotly", "sklearn", "numba", "datasets")


def imports(path: Path, top_level_only: bool = False) -> set[str]:
    """The names of the modules that a file imports, at its top level or anywhere."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level_only else ast.walk(tree)
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def first(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", files("models"), ids=lambda p: p.name)
def test_models_know_nothing_of_the_page(path):
    assert not first(imports(path)) & {"explorer", "gradio", "plotly", "app"}


@pytest.mark.parametrize("path", files("explorer"), ids=lambda p: p.name)
def test_the_page_knows_nothing_of_app_or_tests_and_loads_nothing_heavy(path):
    assert not first(imports(path)) & {"app", "tests"}
    assert not first(imports(path, top_level_only=True)) & {*HEAVY, "pandas"}


def test_no_tab_names_a_family():
    from models import FAMILIES

    for path in files("explorer"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Compare):
                texts = {n.value for n in ast.walk(node) if isinstance(n, ast.Constant)}
                assert not {t for t in texts if isinstance(t, str)} & set(FAMILIES), path


def test_building_the_page_loads_nothing_heavy(tmp_path):
    from tests import toys

    toys.write(tmp_path, "toy")
    code = (
        "import sys, pathlib, models; models.FAMILIES['toy'] = 'tests.toys:Toy'; import explorer\n"
        f"explorer.build(explorer.Context.create(pathlib.Path({str(tmp_path)!r})))\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_component_has_its_script_and_a_style_that_names_it():
    folder = ROOT / "explorer" / "components"
    from explorer.components import scripts, stylesheet

    assert "window.GE" in scripts()
    for sheet in folder.glob("*.css"):
        assert sheet.read_text(encoding="utf-8") in stylesheet()
    for template in folder.glob("*.html"):
        assert "${" not in template.read_text(encoding="utf-8"), template
        assert template.with_suffix(".js").exists(), template


def test_nothing_points_outside():
    """No font, script or picture of another host in what the browser gets."""
    for path in (ROOT / "explorer").rglob("*"):
        if path.suffix in {".js", ".css", ".html"}:
            text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
            assert "http://" not in text and "https://" not in text, path
