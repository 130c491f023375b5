"""``python -m models plane``: a run, its files, and one line for what is wrong."""

import json

import pytest
from PIL import Image

from models.__main__ import main
from models.plane import film

SHORT = ["plane", "gaussian-mixture", "--n", "100", "--minutes", "0.2"]


def test_a_run_in_json(capsys, tmp_path):
    to = tmp_path / "run.film"
    assert main([*SHORT, "--config", "components=3", "--to", str(to), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["method"] == "gaussian-mixture" and told["set"] == "ring"
    assert told["measures"]["kl_forward"]["value"] > 0
    made = film.unpack(to.read_bytes())
    assert made.moments[-1].step == told["steps"] and made.header["config"]["components"] == 3


def test_points_of_ones_own_and_a_picture(capsys, tmp_path):
    points, to = tmp_path / "points.txt", tmp_path / "end.png"
    points.write_text("\n".join(f"{k % 10} {k // 10}" for k in range(100)))
    assert main(["plane", "gaussian-mixture", "--points", str(points), "--to", str(to)]) == 0
    assert "steps in" in capsys.readouterr().out
    assert Image.open(to).size == (640, 640)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Name one method"),
        (["none"], "no method 'none'"),
        (["gan", "coupling"], "Name one method"),
        (["coupling", "--set", "none"], "no set 'none'"),
        (["coupling", "--n", "3"], "50 to 5,000"),
        (["coupling", "--minutes", "0"], "--minutes"),
        (["coupling", "--minutes", "nan"], "--minutes"),
        (["coupling", "--config", "width"], "KEY=VALUE"),
        (["coupling", "--config", "width=many"], "'width' must be a whole number"),
        (["coupling", "--to", "run.txt"], ".film or .png"),
        (["coupling", "--points", "none.txt"], "no file"),
        (["coupling", "--points", "none.txt", "--set", "ring"], "not from both"),
        (["coupling", "--seed", "-1"], "seed"),
        (["--ship", "none"], "no method 'none'"),
    ],
)
def test_what_is_wrong_is_one_line(arguments, words, capsys):
    assert main(["plane", *arguments]) == 2
    told = capsys.readouterr().err
    assert words in told and told.count("\n") == 1 and told.startswith("python -m models plane: ")
