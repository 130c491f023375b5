"""What models/checkpoints/README.md says to type does what it says."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from models.__main__ import main
from models.hub.pretrained import push_folder

README = Path(__file__).parents[3] / "models" / "checkpoints" / "README.md"
TEXT = README.read_text("utf-8")


def test_the_examples_run(hub, tiny_vae, tmp_path, monkeypatch):
    folder = shutil.copytree(tiny_vae, tmp_path / "vae-mnist")
    push_folder(folder, "ada/vae-mnist", "hf_write")
    hub.repos["ada/vae-mnist"].refs["v1"] = hub.repos["ada/vae-mnist"].refs["main"]
    hub.tokens["hf_..."] = ("ada", "write")
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, str(README), "exec"), names)
    assert tuple(names["images"].shape) == (16, 1, 8, 8)
    assert names["address"] == f"{hub.endpoint}/ada/my-model"
    assert "README.md" in hub.files("ada/my-model") and Path("my-model/config.json").is_file()
    [command] = re.findall(r"^    python -m models (sample .*)$", TEXT, re.MULTILINE)
    assert main(command.split()) == 0 and Path("grid.png").is_file()


def test_a_saved_folder_has_what_the_list_names(hub, tiny_vae, tmp_path):
    import models

    models.load(tiny_vae).save_pretrained(tmp_path / "saved")
    listed = re.search(r"open:\n\n(.*?)\n\n", TEXT, re.DOTALL)[1]
    for path in (tmp_path / "saved").iterdir():
        assert path.name in listed
