"""``write`` and ``read`` of the command line."""

from __future__ import annotations

import json
import math

import pytest
import torch

import models.__main__ as cli
from models.checkpoints.weights import load
from tests import toys


@pytest.fixture(scope="module")
def scribe(tmp_path_factory):
    return toys.write_scribe(tmp_path_factory.mktemp("scribe"), "scribe")


def called(capsys, *arguments) -> tuple[int, str, str]:
    capsys.readouterr()
    status = cli.main([str(a) for a in arguments])
    return status, *capsys.readouterr()


def test_what_is_written_begins_with_the_prompt_and_depends_on_the_seed_alone(scribe, capsys):
    def text(seed: int) -> str:
        status, out, err = called(
            capsys, "write", scribe, "--prompt", "a = 1\\n", "--n", 30, "--seed", seed, "--json"
        )
        assert (status, err) == (0, "")
        return json.loads(out)["text"]

    first = text(3)
    assert first.startswith("a = 1\n") and len(first) == len("a = 1\n") + 30
    assert text(3) == first != text(4)
    status, out, _ = called(capsys, "write", scribe, "--prompt", "a = 1\\n", "--n", 30, "--seed", 3)
    assert (status, out) == (0, first + "\n")


def test_what_is_read_costs_what_its_symbols_cost_one_by_one(scribe, capsys, tmp_path):
    text = "if x:\n\ty\n"  # shorter than what is seen at once
    (tmp_path / "text.py").write_text(text, "utf-8")
    status, out, _ = called(capsys, "read", scribe, tmp_path / "text.py", "--json")
    row = json.loads(out)["texts"][0]
    spaced = text.replace("\t", "    ")
    model = load(scribe)
    k = model.read_text(spaced)
    nats = 0.0
    with torch.no_grad():
        for t in range(len(k)):  # symbol by symbol, each from all before it
            nats -= float(model.text_predict(k[None, :t])[0, -1, k[t]])
    assert status == 0 and row["characters"] == len(spaced)
    assert row["bits_per_character"] == pytest.approx(nats / math.log(2) / len(spaced), rel=1e-4)


def test_files_that_cannot_be_read_are_named_and_the_others_read(scribe, capsys, tmp_path):
    (tmp_path / "good.txt").write_text("good\n", "utf-8")
    (tmp_path / "latin.txt").write_bytes(b"h\xe9")
    (tmp_path / "accent.txt").write_text("hé", "utf-8")
    (tmp_path / "empty.txt").write_text("", "utf-8")
    for wrong, words in (
        ("latin.txt", "is not a text file in UTF-8"),
        ("accent.txt", "does not know the character"),
        ("empty.txt", "is empty"),
        ("none.txt", "No such file"),
    ):
        status, out, err = called(capsys, "read", scribe, tmp_path / "good.txt", tmp_path / wrong)
        assert status == 2 and "bits a character (exact" in out
        assert words in err and err.count("\n") == 1
        status, out, err = called(capsys, "read", scribe, tmp_path / wrong)
        assert (status, out) == (2, "") and words in err and err.count("\n") == 1


def test_other_kinds_of_model_are_sent_to_the_commands_that_serve_them(scribe, capsys, tmp_path):
    for command in (("sample", scribe, "--out", tmp_path / "a.png"), ("score", scribe, "a.png")):
        status, _, err = called(capsys, *command)
        assert status == 2 and "use 'write' and 'read'" in err
    judge = toys.write(tmp_path, "vae", "vae", "digits", image=[1, 8, 8], width=8, hidden=8,
                       halvings=1, latent=2)  # fmt: skip
    for command in (("write", judge), ("read", judge, "a.txt")):
        status, _, err = called(capsys, *command)
        assert status == 2 and "neither reads nor writes text" in err
    for option, value, words in (
        ("--n", 0, "--n must be"), ("--top-k", -4, "--top-k must be"),
        ("--temperature", "nan", "--temperature must be"), ("--prompt", "é", "does not know"),
    ):  # fmt: skip
        status, out, err = called(capsys, "write", scribe, option, value)
        assert (status, out) == (2, "") and words in err and err.count("\n") == 1
