"""What is written comes back, what cannot be read gets a sentence, and nothing unpickles."""

from __future__ import annotations

import ast
import dataclasses
import json
import pickletools
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import torch
import yaml
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from models.checkpoints import header as header_module
from models.checkpoints import weights as checkpoint
from models.checkpoints.header import SHIPPED, WEIGHTS, CheckpointError, find, read_header, resolve
from models.checkpoints.snapshots import SNAPSHOTS
from models.codes.truncation import TRUNCATION
from models.contract.capabilities import capabilities
from models.contract.random import generator
from models.evaluation import metrics
from models.evaluation.card import write_card
from models.evaluation.front_matter import hub_id
from models.machine.files import write_atomically
from models.scores.registry import SCORES
from models.training.recipe import from_dict, load_recipe, recipe_names

ROOT = Path(__file__).parents[3]
SHIPPED_FOLDERS = find(SHIPPED)


def sentence_of(call, *arguments) -> str:
    with pytest.raises(CheckpointError) as error:
        call(*arguments)
    sentence = str(error.value)
    assert sentence.endswith(".") and "\n" not in sentence and len(sentence) > 20
    return sentence


@pytest.fixture
def folder(tiny_vae, tmp_path) -> Path:
    """A copy of the tiny VAE's folder, to be spoilt."""
    return Path(shutil.copytree(tiny_vae, tmp_path / "tiny"))


def metadata_of(file: Path) -> dict[str, str]:
    with safe_open(file, "pt") as tensors:
        return tensors.metadata()


def rewrite(folder: Path, tensors=None, facts=None, **metadata) -> None:
    """Writes the weights file again with other tensors, header facts or metadata, and without the
    copy of its facts for others, which would contradict it."""
    file = folder / WEIGHTS
    (folder / "config.json").unlink(missing_ok=True)
    old = metadata_of(file)
    values = json.loads(old["header"])
    values.update(facts or {})
    new = {**old, "header": json.dumps(values), **metadata}
    weights = load_file(file) if tensors is None else tensors
    save_file(weights, file, {k: v for k, v in new.items() if v is not None})


# -- there and back --------------------------------------------------------------------------------


def test_a_header_comes_back_as_it_was(folder):
    header = read_header(folder)
    assert header.name == "tiny" and header.family == "vae" and header.seed == 0
    assert header.data["name"] == "digits" and header.data["n"] == 1497
    assert header.folder == folder and isinstance(header.capabilities, tuple)
    again = dataclasses.replace(header, metrics={"bpd": metrics.metric(1.25, 0.5, n=3, note="é ±")})
    checkpoint.rewrite_header(folder, again)
    assert read_header(folder) == again


def test_new_facts_leave_the_weights_alone(folder):
    before = load_file(folder / WEIGHTS)
    header = read_header(folder)
    checkpoint.rewrite_header(folder, dataclasses.replace(header, title="Another"))
    after = load_file(folder / WEIGHTS)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    write_card(read_header(folder), folder)
    assert "# Another" in (folder / "card.md").read_text("utf-8")


def test_weights_are_stored_in_half_precision_and_used_in_single(folder):
    stored = load_file(folder / WEIGHTS)
    assert {t.dtype for t in stored.values() if t.is_floating_point()} == {torch.float16}
    model = checkpoint.load(folder)
    assert {p.dtype for p in model.parameters()} == {torch.float32} and not model.training
    for key, value in model.state_dict().items():
        assert torch.equal(value, stored[key].to(value.dtype)), key


def test_a_checkpoint_is_found_by_folder_by_file_and_by_name(folder, monkeypatch):
    seen = checkpoint.load(folder).sample(2, generator(0))
    assert torch.equal(checkpoint.load(folder / WEIGHTS).sample(2, generator(0)), seen)
    monkeypatch.setattr(header_module, "SHIPPED", folder.parent)
    assert resolve("tiny") == folder / WEIGHTS
    assert "no checkpoint at 'nowhere'" in sentence_of(resolve, "nowhere")
    assert "no checkpoint" in sentence_of(checkpoint.load, folder.parent)


def test_a_weights_file_of_another_name_is_itself_and_not_its_neighbour(folder):
    ours = load_file(folder / WEIGHTS)
    zeroed = {k: torch.zeros_like(v) for k, v in ours.items()}
    save_file(zeroed, folder / "other.safetensors", metadata_of(folder / WEIGHTS))
    other = checkpoint.load(folder / "other.safetensors")
    assert all(p.abs().max() == 0 for p in other.parameters())
    assert any(p.abs().max() > 0 for p in checkpoint.load(folder).parameters())


def test_folders_are_found_in_order(folder):
    root = folder.parent
    for name in ("zebra", "ant"):
        shutil.copytree(folder, root / name)
    (root / "empty").mkdir()
    (root / "file.txt").write_text("no checkpoint")
    assert [path.name for path in find(root)] == ["ant", "tiny", "zebra"]
    assert find(folder) == [folder]
    assert find(root / "nowhere") == []


def test_headers_are_read_without_torch(folder):
    script = (
        "import sys\n"
        "from models.checkpoints import header\n"
        f"header = header.read_header({str(folder)!r})\n"
        "assert header.name == 'tiny'\n"
        "heavy = {'torch', 'gradio', 'plotly', 'sklearn', 'umap'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# -- what cannot be read ---------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [0, 4, 8, 200, 0.05, 0.5, 0.99, -1])
def test_a_truncated_file(folder, keep):
    file = folder / WEIGHTS
    content = file.read_bytes()
    size = int(len(content) * keep) if isinstance(keep, float) else keep
    file.write_bytes(content[:size])
    for call in (read_header, checkpoint.load):
        assert "damaged or cut short" in sentence_of(call, folder)


@pytest.mark.parametrize(
    "content", [b"", b"not weights", b"{}" * 500, b"\xff" * 4096, b"\x89PNG\r\n\x1a\n" + b"0" * 99]
)
def test_a_file_of_another_kind(folder, content):
    (folder / WEIGHTS).write_bytes(content)
    for call in (read_header, checkpoint.load):
        assert "cannot be read as safetensors" in sentence_of(call, folder)


def test_a_foreign_safetensors_file(folder):
    for metadata in (None, {}, {"format": "pt"}):
        save_file({"weight": torch.zeros(2)}, folder / WEIGHTS, metadata)
        for call in (read_header, checkpoint.load):
            assert "not one of Generative Explorer's" in sentence_of(call, folder)


def test_a_newer_format(folder):
    rewrite(folder, format_version="2", facts={"version": "9.9", "unheard_of": 1})
    assert "newer version (9.9)" in sentence_of(read_header, folder)


@pytest.mark.parametrize("name", ["hologram", "", None, ["vae"], {"vae": 1}])
def test_an_unknown_family(folder, name):
    rewrite(folder, facts={"family": name})
    assert "Known families: " in sentence_of(checkpoint.load, folder)


@pytest.mark.parametrize(
    "metadata",
    [
        {"header": "{cut"},
        {"header": "[1, 2]"},
        {"header": "null"},
        {"header": None},
        {"format_version": "first"},
        {"format_version": None},
        {"header": '{"family": "vae"}'},
        {"header": '{"family": "vae", "capabilities": []}'},
    ],
)
def test_a_damaged_header(folder, metadata):
    rewrite(folder, **metadata)
    for call in (read_header, checkpoint.load):
        assert re.search("damaged|lacks fields", sentence_of(call, folder))


@pytest.mark.parametrize(
    "values",
    [{"data": None}, {"data": {}}, {"config": []}, {"metrics": 3}, {"recipe": "x"}, {"extra": 1}],
)
def test_a_header_whose_facts_have_another_form(folder, values):
    rewrite(folder, facts=values)
    assert "lacks fields" in sentence_of(read_header, folder)


def test_weights_that_do_not_fit(folder):
    good = load_file(folder / WEIGHTS)
    first = next(key for key, value in good.items() if value.dim() > 1)
    lacking = {key: value for key, value in good.items() if key != first}
    for tensors in (
        lacking,
        {**good, first: torch.zeros(2, 2).half()},
        {**good, "no.such.layer": torch.zeros(1)},
    ):
        rewrite(folder, tensors=tensors)
        assert "do not fit the model" in sentence_of(checkpoint.load, folder)
        assert read_header(folder).name == "tiny"  # the facts are still there


@pytest.mark.parametrize(
    "change", [{"latent": 5}, {"latent": -1}, {"latent": "many"}, {"colour": 1}, {"image": [8, 8]}]
)
def test_a_config_that_does_not_fit(folder, change):
    config = read_header(folder).config
    rewrite(folder, facts={"config": {**config, **change}})
    assert "do not fit the model" in sentence_of(checkpoint.load, folder)


def test_nothing_unpickles(folder, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "exploded",))

    torch.save({"weight": Bomb()}, folder / WEIGHTS)
    for call in (read_header, checkpoint.load):
        sentence_of(call, folder)
    assert not (tmp_path / "exploded").exists()
    # The bomb was live: its opcodes, listed and not run, fetch Path.touch and call it.
    with zipfile.ZipFile(folder / WEIGHTS) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith("data.pkl"))
        opcodes = [(code.name, value) for code, value, _ in pickletools.genops(archive.read(name))]
    steps = iter(opcodes)  # in this order
    for step in (("GLOBAL", "pathlib Path"), ("BINUNICODE", "touch"), ("REDUCE", None)):
        assert step in steps

    files = [ROOT / "app.py", *ROOT.glob("models/**/*.py"), *ROOT.glob("explorer/**/*.py")]
    files += ROOT.glob("tests/**/*.py")
    assert len(files) > 20
    for file in files:
        assert unpicklings(file.read_text("utf-8")) == [], file


UNPICKLERS = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
LOADS = re.compile(r"torch(\.jit|\.serialization)?\.load|(pd|pandas)\.(DataFrame\.)?read_pickle")


def unpicklings(source: str) -> list[str]:
    """What a module does that could run code out of a file, in words."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.partition(".")[0] in UNPICKLERS]
        elif isinstance(node, ast.ImportFrom):
            found += [node.module] if (node.module or "").partition(".")[0] in UNPICKLERS else []
            # By the name alone such a call could be any other.
            named = [f"{node.module}.{each.name}" for each in node.names]
            found += [each for each in named if LOADS.fullmatch(each)]
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            found += [called] if LOADS.fullmatch(called) else []
            found += [called] if called in ("np.load", "numpy.load") and len(node.args) > 1 else []
            allows = [k for k in node.keywords if k.arg == "allow_pickle"]
            found += [called for k in allows if ast.unparse(k.value) != "False"]
    return found


@pytest.mark.parametrize(
    "source",
    [
        "import dill", "from joblib import load", "torch.load(f)", "np.load(f, allow_pickle=True)",
        "from torch import load", "from torch.jit import load", "torch.serialization.load(f)",
        "pandas.read_pickle(f)", "from pandas import read_pickle", "np.load(f, None, True)",
    ],
)  # fmt: skip
def test_what_could_unpickle_is_seen(source):
    assert unpicklings(source)
    assert not unpicklings("np.load(f, allow_pickle=False)\nload(f)\nimport pickletools")


# -- writing ---------------------------------------------------------------------------------------


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "target"
    target.write_text("old")

    def dies(path):
        Path(path).write_text("half of the n")
        raise RuntimeError("out of space")

    with pytest.raises(RuntimeError):
        write_atomically(target, dies)
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]
    write_atomically(target, lambda path: Path(path).write_text("new"))
    assert target.read_text() == "new" and list(tmp_path.iterdir()) == [target]
    assert target.stat().st_mode & 0o777 == 0o644


# -- cards -----------------------------------------------------------------------------------------


def card_of(folder: Path) -> tuple[dict, dict[str, list[str]]]:
    """A card's front matter, and its tables' rows by their first cell."""
    text = (folder / "card.md").read_text("utf-8")
    _, front, body = text.split("---\n", 2)
    rows = {}
    for line in body.splitlines():
        if line.startswith("| "):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            assert cells[0] not in rows, f"'{cells[0]}' twice"
            rows[cells[0]] = cells[1:]
    return yaml.safe_load(front), rows


def shows(text: str, value: float) -> None:
    """The number as text is the value, rounded to the digits that it has; and not to none."""
    digits = len(text.partition(".")[2])
    assert abs(float(text) - value) <= 0.5000001 * 10**-digits
    assert value == 0 or float(text) != 0 or abs(value) < 1e-4


def check_card(folder: Path) -> None:
    header = read_header(folder)
    front, rows = card_of(folder)
    for name, metric in header.metrics.items():
        if name.startswith("auroc."):  # in a table of their own, a row a score
            _, score, other = name.split(".")
            row, heads = rows[SCORES[score].title], rows["score"]
            shown, n, what = row[heads.index(other)], row[-1], rows["score"][-1]
            shown, fewer, count = shown.partition(" (n = ")  # where it is not that of the others
            n = count.strip(")") if fewer else n
        elif TRUNCATION in name:  # in another, a row a threshold
            of, _, at = name.partition(TRUNCATION)
            column = rows["threshold"].index(of)
            shown, n = rows["none" if at == "inf" else at][column], str(metric["n"])
            what = text = (folder / "card.md").read_text("utf-8")
            assert f"n = {n} each" in text
        else:
            shown, n, what = rows[f"`{name}`"]
        value, _, error = shown.partition(" ± ")
        shows(value, metric["value"])
        assert bool(error) == (metric["stderr"] is not None), name
        if error:
            shows(error, metric["stderr"])
        assert n == str(metric["n"] or "")
        assert what.strip() and (metric["space"] is None or metric["space"] in what)
    alone = {
        name for name in header.metrics if not name.startswith("auroc.") and TRUNCATION not in name
    }
    assert {key.strip("`") for key in rows if key.startswith("`")} == alone

    index = front.get("model-index", [{"results": []}])[0]["results"]
    told = {m["type"]: m["value"] for result in index for m in result["metrics"]}
    assert told == {name: header.metrics[name]["value"] for name in alone}
    id = hub_id(header.data["name"])
    assert front["license"] == "mit" and front.get("datasets") == ([id] if id else None)

    assert rows["parameters"] == [f"{header.parameters:,}"]
    assert rows["seed"] == [str(header.seed)]
    assert rows["data SHA-256"] == [f"`{header.data['sha256']}`"]
    pieces = "strips of text" if "WritesText" in header.capabilities else "images"
    assert rows["data"] == [
        f"{header.data['name']}, {header.data['split']} split, {header.data['n']:,} {pieces}"
    ]
    assert rows["steps"][0].startswith(f"{header.training['steps']:,} of ")
    assert rows["time"] == [f"{header.training['minutes']:g} minutes"]
    assert rows["capabilities"] == [", ".join(header.capabilities)]
    for section, values in (("model", header.config), ("train", header.recipe["train"])):
        for key, value in values.items():
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            assert rows[f"{section}.{key}"] == [text]


def test_a_card_tells_what_the_header_holds(folder):
    check_card(folder)
    header = read_header(folder)
    numbers = {
        "nll_nats": metrics.metric(81.2345678, 0.0456, n=10_000, space="binary", kind="estimate"),
        "active_dimensions": metrics.metric(3, n=300, note="of 4"),
        "mig": metrics.metric(0.31415926, 0.0021, n=10_000, per_factor={"hue": 0.4}),
        "bpd": metrics.metric(-9.99999, None, n=2048, space="uint8"),
        "auroc.likelihood.fashion-mnist": metrics.metric(0.1234, 0.01, n=100),
        "auroc.likelihood.noise": metrics.metric(1.0, 0.0, n=100),
        "auroc.regret.fashion-mnist": metrics.metric(0.987, 0.0004, n=10),
    }
    checkpoint.rewrite_header(folder, dataclasses.replace(header, metrics=numbers))
    write_card(read_header(folder), folder)
    check_card(folder)
    # And the check is one that fails: a card of other numbers does not pass.
    card = (folder / "card.md").read_text("utf-8")
    (folder / "card.md").write_text(card.replace("| 81.23 ±", "| 80.23 ±"), "utf-8")
    with pytest.raises(AssertionError):
        check_card(folder)


# -- what is shipped -------------------------------------------------------------------------------


@pytest.mark.shipped
def test_models_are_shipped():
    assert SHIPPED_FOLDERS, "pretrained/ holds no checkpoint"


@pytest.mark.shipped
@pytest.mark.parametrize("shipped", SHIPPED_FOLDERS, ids=lambda folder: folder.name)
class TestShipped:
    def test_the_header_is_true(self, shipped):
        header = read_header(shipped)
        assert header.name == shipped.name
        model = checkpoint.load(shipped)
        assert header.capabilities == capabilities(model)
        assert header.parameters == sum(p.numel() for p in model.parameters())
        assert all(p.isfinite().all() for p in model.parameters())
        assert header.metrics, "it was never measured"
        for metric in header.metrics.values():
            assert {"value", "stderr", "n", "space"} <= metric.keys()

    def test_the_card_tells_what_the_header_holds(self, shipped):
        check_card(shipped)

    def test_the_recipe_is_the_headers_and_trains_it_again(self, shipped):
        header = read_header(shipped)
        kept = tomllib.loads((shipped / "recipe.toml").read_text("utf-8"))
        assert kept == header.recipe
        recipe = from_dict(kept)
        assert recipe.seed == header.seed and recipe.data.name == header.data["name"]
        # The card says: "train NAME" trains it again. So that recipe must be this one.
        assert shipped.name in recipe_names()
        offered = load_recipe(shipped.name)
        assert (offered.family, offered.seed) == (recipe.family, recipe.seed)
        assert offered.model == recipe.model and offered.data == recipe.data
        free = {"log_every": 1, "checkpoint_minutes": 0.0}  # these change no weight
        assert dataclasses.replace(offered.train, **free) == dataclasses.replace(
            recipe.train, **free
        )

    def test_no_file_is_too_large_and_none_is_foreign(self, shipped):
        folders = {file.name for file in shipped.iterdir() if file.is_dir()}
        assert folders <= {SNAPSHOTS}
        files = [file for file in shipped.rglob("*") if file.is_file()]
        for file in files:
            assert file.stat().st_size < 16 * 2**20, f"{file.name} is too large to ship"
            assert file.suffix in (".safetensors", ".toml", ".md", ".webp", ".json"), file.name
        assert sum(file.stat().st_size for file in files) < 24 * 2**20
        assert not (shipped / "state.safetensors").exists()
