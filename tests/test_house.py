"""How the house is built: which way imports point, and what must not load with the page."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "umap", "plotly", "sklearn", "numba", "datasets")
ASSETS = {".js", ".css", ".html"}

# The folders, each with those above it that may import it: arrows run down only. A package's own
# __init__ is the lowest of models (names and dotted paths) and the highest of explorer (the page).
LAYERS = {
    "models": (
        "__init__", "machine", "contract", "plane", "families", "foreign", "data", "checkpoints",
        "codes", "export", "scores", "evaluation", "hub", "training", "commands", "__main__",
    ),
    "explorer": (
        "languages", "pictures", "server", "components", "export", "page", "programs", "tours",
        "tabs", "__init__",
    ),
}  # fmt: skip


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path, top_level_only: bool = False) -> set[str]:
    """The names of the modules that a file imports, at its top level or anywhere."""
    nodes = tree(path).body if top_level_only else ast.walk(tree(path))
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def arrows(package: str) -> dict[str, set[str]]:
    """Which modules of a package each of its modules imports, in functions too; what stands under
    ``if TYPE_CHECKING`` is not imported. A module imported from its package is that module."""
    paths = {module_of(path): path for path in files(package)}
    found: dict[str, set[str]] = {}
    for module, path in paths.items():
        nodes = list(ast.walk(tree(path)))
        for_checkers = {
            id(inner)
            for node in nodes
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            for statement in node.body
            for inner in ast.walk(statement)
        }
        names: set[str] = set()
        for node in nodes:
            if id(node) in for_checkers:
                continue
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{path}: write the whole name of what is imported"
                whole = {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
                names.update(full if full in paths else node.module for full in whole.values())
        found[module] = (names & set(paths)) - {module}
    return found


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle, the first one found; [] where there is none."""
    done: set[str] = set()

    def visit(module: str, way: list[str]) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module not in done:
            for other in sorted(arrows[module]):
                if found := visit(other, [*way, module]):
                    return found
            done.add(module)
        return []

    return next(filter(None, (visit(module, []) for module in sorted(arrows))), [])


def layer(module: str) -> str:
    """The folder of a package that a module lies in; "__init__" for the package itself."""
    return (*module.split("."), "__init__")[1]


def test_a_circle_is_seen_where_there_is_one():
    assert circle({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]


@pytest.mark.parametrize("package", LAYERS)
def test_no_modules_import_each_other_in_a_circle(package):
    assert circle(arrows(package)) == []


@pytest.mark.parametrize("package", LAYERS)
def test_arrows_run_down(package):
    order = LAYERS[package]
    known = {layer(module) for module in arrows(package)}
    assert known <= set(order), "a folder without a place in LAYERS"
    climbs = [
        f"{module} imports {other}"
        for module, others in arrows(package).items()
        for other in others
        if order.index(layer(other)) > order.index(layer(module))
    ]
    assert climbs == []


def test_no_tab_imports_another():
    for module, others in arrows("explorer").items():
        tab = module.split(".")[1:3]
        if tab[:1] == ["tabs"] and len(tab) == 2:
            strangers = {o for o in others if layer(o) == "tabs" and o.split(".")[1:3] != tab}
            assert not strangers, f"{module} imports {strangers}"


def test_no_folder_of_models_waits_for_torch_to_say_what_it_is():
    for path in files("models"):
        if path.name == "__init__.py" and path.parent.name != "models":
            assert not imports(path), path


def first(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def test_models_know_nothing_of_the_page():
    for path in files("models"):
        assert not first(imports(path)) & {"explorer", "gradio", "plotly", "app"}, path


def test_the_page_knows_nothing_of_app_or_tests_and_loads_nothing_heavy():
    for path in files("explorer"):
        assert not first(imports(path)) & {"app", "tests"}, path
        assert not first(imports(path, top_level_only=True)) & {*HEAVY, "pandas"}, path


def test_no_tab_names_a_family():
    from models import FAMILIES

    for path in files("explorer"):
        for node in ast.walk(tree(path)):
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
    from explorer import languages
    from explorer.components import files, scripts, source, stylesheet
    from explorer.export.document import PAGE, SCRIPTS
    from explorer.server.front_end import TABLES
    from explorer.tabs.ideas import library
    from explorer.tabs.plane import library as plane

    assert "window.GE" in scripts()
    on_disk = {p for p in (ROOT / "explorer").rglob("*") if p.suffix in ASSETS}
    # Laboratories, and the plane, are fetched when they are opened; exported files have their own.
    on_disk -= {*library.FOLDER.rglob("*"), *plane.FOLDER.rglob("*"), *PAGE.rglob("*")}
    on_disk.remove(languages.FOLDER / "words.js")  # when another language is chosen
    on_disk.remove(TABLES)  # within the front end's core
    assert {path.stem for path in PAGE.glob("*.js")} == {*SCRIPTS, "dark"}
    scripts_of_plane = {path.stem for path in (plane.FOLDER / "script").iterdir()}
    assert scripts_of_plane == set(plane.SCRIPTS)
    assert set(files().values()) == on_disk
    assert "IDEAS" in library.kit()["script"]
    for name, path in files().items():
        assert source(name) == path.read_text(encoding="utf-8")
        if path.suffix == ".css":
            assert source(name) in stylesheet()
        if path.suffix == ".html":
            assert "${" not in source(name), path
            assert path.with_suffix(".js").exists(), path


def test_a_component_of_a_new_folder_is_found(tmp_path, monkeypatch):
    from explorer import components

    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "new.js").write_text("// here", encoding="utf-8")
    (tmp_path / "new" / "new.css").write_text(".ge-new {}", encoding="utf-8")
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "page.css").write_text("body {}", encoding="utf-8")
    kept = components.files, components.source
    for cached in kept:
        cached.cache_clear()
    monkeypatch.setattr(components, "FOLDER", tmp_path)
    try:
        assert components.source("new.js") == "// here" and components.source("other.js") == ""
        assert components.stylesheet() == "body {}\n.ge-new {}"
        (tmp_path / "page" / "new.css").write_text(".ge-new {}", encoding="utf-8")
        components.files.cache_clear()
        with pytest.raises(ValueError, match=r"Two components have a file .new\.css."):
            components.source("new.html")
    finally:
        for cached in kept:
            cached.cache_clear()


def test_nothing_points_outside():
    """No font, script or picture of another host in what the browser gets."""
    for path in (ROOT / "explorer").rglob("*"):
        if path.suffix in {".js", ".css", ".html"}:
            text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
            assert "http://" not in text and "https://" not in text, path


def ours(*endings: str) -> list[Path]:
    """The project's own files with these endings: nothing installed, trained or run here."""
    places = [ROOT / name for name in ("app.py", "models", "explorer", "tests")]
    found = [path for place in places for path in (place, *place.rglob("*"))]
    return sorted(path for path in found if path.is_file() and path.suffix in endings)


def test_no_file_is_longer_than_one_reads():
    long = {path: len(path.read_text("utf-8").splitlines()) for path in ours(".py", ".js", ".css")}
    assert len(long) > 400
    assert {path: lines for path, lines in long.items() if lines > 500} == {}


def test_scripts_and_sheets_have_lines_of_at_most_100_columns():
    wide = [
        f"{path}:{number}"
        for path in ours(".js", ".css")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if len(line) > 100
    ]
    assert wide == []


def test_no_file_is_larger_than_the_hub_takes_without_lfs():
    """A push to a Space with a larger one is refused. ``evaluate`` writes weights and codes so."""
    from models.checkpoints.parts import LARGEST

    if not (ROOT / ".git").exists():
        pytest.skip("This is no checkout, so nothing tells which files are kept.")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    kept = [ROOT / name.decode() for name in listed.stdout.split(b"\0") if name]
    sizes = {path: path.stat().st_size for path in kept if path.is_file()}
    assert len(sizes) > 700
    assert {path: size for path, size in sizes.items() if size > LARGEST} == {}


FIRST_NUMBERS: list[float] = []


@pytest.mark.parametrize("time", [1, 2])
def test_what_ran_before_changes_no_test(time):
    """Whoever draws from the shared random numbers draws the same in every test."""
    FIRST_NUMBERS.append(float(torch.rand(())))
    torch.rand(time)
    assert len(set(FIRST_NUMBERS)) == 1


def test_whatever_is_a_picture_to_a_screen_reader_has_a_name_before_it_has_content():
    """A script may say more later; until then, and while it waits, the template's name stands."""
    pictures = [
        (path, tag)
        for path in ours(".html")
        for tag in re.findall(r"<[a-z]+[^>]*role=\"img\"[^>]*>", path.read_text("utf-8"))
    ]
    assert len(pictures) > 10
    assert [(path, tag) for path, tag in pictures if "aria-label" not in tag] == []
