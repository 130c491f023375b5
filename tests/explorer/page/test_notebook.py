"""The first cells of a notebook: the packages, pinned, and the project."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from explorer.page import notebook

ROOT = Path(__file__).parents[3]


def test_the_packages_are_pinned_as_the_project_pins_them():
    install = notebook.install()
    wanted = (ROOT / "requirements.txt").read_text("utf-8")
    pins = shlex.split(install.removeprefix("%pip install -q "))
    assert all(f"{pin}\n" in wanted for pin in pins)
    loose = [pin for pin in pins if "==" not in pin]
    assert [pin[:5] for pin in loose] == ["torch"] and f"'{loose[0]}'" in install
    assert not any(pin.startswith(("gradio", "plotly")) for pin in pins)


@pytest.mark.parametrize(
    "setting, value, words",
    [
        ("SPACE_ID", "someone/explorer", "snapshot_download('someone/explorer', "),
        (notebook.SETTING, "https://example.org/a/b.git", "'https://example.org/a/b.git'"),
        (notebook.SETTING, "https://example.org/'; import os", "Put this notebook into a checkout"),
        (notebook.SETTING, "", "Put this notebook into a checkout"),
    ],
)  # fmt: skip
def test_where_the_project_is_had(monkeypatch, setting, value, words):
    monkeypatch.delenv("SPACE_ID", raising=False)
    monkeypatch.setenv(setting, value)
    project = notebook.cells()["project"]
    assert words in project
    compile(project, "project", "exec")


def test_a_copy_is_fetched_where_no_checkout_is_found(monkeypatch, tmp_path):
    """The repository's address is one of this machine here; git is the ordinary one."""
    there, here = tmp_path / "there", tmp_path / "here"
    (there / "models").mkdir(parents=True)
    (there / "models" / "__main__.py").write_text("x = 1\n")
    here.mkdir()
    commit = ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"]
    for command in (["init", "-q"], ["add", "."], commit):
        subprocess.run(["git", *command], cwd=there, check=True)
    monkeypatch.setenv(notebook.SETTING, "https://example.org/a")
    project = notebook.cells()["project"].replace("https://example.org/a", there.as_uri())
    program = project + "\nfrom models.__main__ import x\nassert x == 1"
    for _ in range(2):  # the second time it is there
        subprocess.run([sys.executable, "-c", program], cwd=here, check=True, timeout=60)
