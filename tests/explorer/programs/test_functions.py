"""What programs may ask of the page: the functions, over HTTP as a client calls them."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

import explorer
from explorer import programs
from explorer.programs.gate import AT_ONCE
from explorer.tabs.sample import draw
from explorer.tabs.sample.settings import Settings
from models.__main__ import main as command
from tests import toys

FUNCTIONS = [f"/{name}" for name in programs.NAMES]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write(folder, "toy", num_classes=10)
    toys.write_walker(folder, "walker")
    toys.write_writer(folder, "writer")
    toys.write(folder, "seer", "reader")
    return folder


@pytest.fixture(scope="module")
def context(folder):
    return explorer.Context.create(folder, device="cpu")


@pytest.fixture(scope="module")
def address(context, tmp_path_factory):
    """A page that is served, where nobody is turned away for calling as fast as tests do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        patch.setattr("gradio.networking.url_ok", lambda url: True)
        patch.setattr("explorer.programs.gate.AT_ONCE", 10_000)
        page = explorer.build(context)
        options = explorer.launch_options()
        page.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **options)
        yield page.local_url.rstrip("/")
        page.close(verbose=False)


@pytest.fixture(scope="module")
def client(address, tmp_path_factory):
    return Client(address, verbose=False, download_files=tmp_path_factory.mktemp("downloads"))


def refused(client, *values, **named) -> str:
    with pytest.raises(AppError) as error:
        client.predict(*values, **named)
    return str(error.value)


def pixels_of(path) -> np.ndarray:
    return np.asarray(Image.open(path))


def post(address: str, name: str, body, **options) -> httpx.Response:
    url = f"{address}/gradio_api/call/v2/{name}"
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    return httpx.post(url, content=data, headers=headers, timeout=60, **options)


def called(address: str, name: str, body) -> tuple[str, object]:
    """What a call by HTTP alone gives: the last event, and its data."""
    event = post(address, name, body).json()["event_id"]
    stream = httpx.get(f"{address}/gradio_api/call/{name}/{event}", timeout=60).text
    kind, data = stream.strip().split("\n\n")[-1].split("\n", 1)
    return kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))


# -- what is public -------------------------------------------------------------------------------


def test_these_functions_are_public_and_nothing_else_is(address):
    for every in ("", "?all_endpoints=true"):
        info = httpx.get(f"{address}/gradio_api/info{every}", timeout=60).json()
        assert sorted(info["named_endpoints"]) == sorted(FUNCTIONS)
        assert info["unnamed_endpoints"] == {}
    config = httpx.get(f"{address}/config", timeout=60).json()
    public = [d["api_name"] for d in config["dependencies"] if d["api_visibility"] != "private"]
    assert [f"/{name}" for name in public] == FUNCTIONS


def test_each_value_has_a_name_a_type_and_a_sentence(address, context):
    info = httpx.get(f"{address}/gradio_api/info", timeout=60).json()["named_endpoints"]
    for name, function in info.items():
        assert function["description"].endswith("."), name
        assert function["returns"], name
        for value in function["parameters"]:
            said = value["python_type"]
            assert said["type"] != "Any", (name, value["parameter_name"])
            assert said["description"].endswith("."), (name, value["parameter_name"])
        for value in function["returns"]:
            assert value["type"]["description"].endswith("."), name
    assert info["/sample"]["parameters"][0]["example_input"] == context.store.first
    example = [p["example_input"] for p in info["/encode"]["parameters"]][1]
    assert Image.open(io.BytesIO(base64.b64decode(example))).size == (2, 2)


# -- the functions --------------------------------------------------------------------------------


def test_the_list_says_which_functions_serve_a_model(client):
    models = {model["name"]: model for model in client.predict(api_name="/list_models")}
    assert set(models) == {"toy", "walker", "writer", "seer"}
    assert models["toy"]["functions"] == ["sample", "decode", "encode", "score"]
    assert "complete" in models["writer"]["functions"]
    assert "denoise" in models["walker"]["functions"]
    assert models["seer"]["functions"] == ["encode"]
    assert models["toy"]["shape"] == [1, 28, 28] and models["toy"]["classes"][7] == "7"


@pytest.mark.parametrize("name, knobs", [("toy", {"temperature": 0.5}), ("walker", {"steps": 3})])
def test_a_seed_gives_what_the_command_line_and_the_page_draw(
    client, context, folder, tmp_path, name, knobs
):
    sheet, facts = client.predict(name, n=6, seed=7, label=3, **knobs, api_name="/sample")
    options = [text for key, value in knobs.items() for text in (f"--{key}", str(value))]
    arguments = ["--n", "6", "--seed", "7", "--label", "3", *options]
    out = tmp_path / "grid.png"
    assert command(["sample", str(folder / name), *arguments, "--out", str(out)]) == 0
    np.testing.assert_array_equal(pixels_of(sheet), pixels_of(out))
    drawn = draw(context, name, Settings(seed=7, count=6, label=3, **knobs))
    rows = pixels_of(sheet).reshape(2, 28, 3, 28).swapaxes(1, 2).reshape(6, 1, 28, 28)
    np.testing.assert_array_equal(rows, drawn.images)
    assert facts["shape"] == [6, 1, 28, 28] and facts["columns"] == 3 and facts["seed"] == 7


def test_pixels_and_codes_are_numbers_that_go_back_in(client):
    sheet, facts = client.predict("toy", n=2, seed=1, pixels=True, api_name="/sample")
    x = np.array(facts["pixels"])
    assert x.shape == (2, 1, 28, 28)
    np.testing.assert_allclose(x[0, 0] * 255, pixels_of(sheet)[:, :28], atol=0.501)
    again, facts = client.predict("toy", facts["codes"], pixels=True, api_name="/decode")
    np.testing.assert_allclose(facts["pixels"], x, atol=2e-4)
    np.testing.assert_array_equal(pixels_of(again), pixels_of(sheet))


def test_a_picture_is_a_file_base64_or_numbers(client):
    sheet, facts = client.predict("toy", n=1, seed=1, pixels=True, api_name="/sample")
    text = base64.b64encode(Path(sheet).read_bytes()).decode()
    ways = [handle_file(sheet), text, f"data:image/png;base64,{text}", facts["pixels"][0]]
    codes = [client.predict("toy", way, api_name="/encode")["codes"] for way in ways]
    for each in codes[1:]:
        np.testing.assert_allclose(each, codes[0], atol=2e-3)
    several = client.predict("toy", [handle_file(sheet), text], api_name="/encode")["codes"]
    np.testing.assert_array_equal(several, [codes[0][0], codes[1][0]])


def test_what_is_known_stays_in_every_completion(client):
    sheet, facts = client.predict("writer", n=1, seed=3, pixels=True, api_name="/sample")
    x = np.array(facts["pixels"][0])
    asked = {"n": 3, "pixels": True, "polarity": "keep", "api_name": "/complete"}
    _, ours = client.predict("writer", handle_file(sheet), **asked)
    done = np.array(ours["pixels"])
    assert done.shape == (3, 1, 8, 8)
    np.testing.assert_array_equal(done[:, :, :4], np.broadcast_to(x[:, :4], (3, 1, 4, 8)))
    assert len({each.tobytes() for each in done}) > 1
    known = np.zeros((8, 8), int)
    known[:, 4:] = 1
    other = [
        client.predict("writer", x.tolist(), which, **asked)[1]
        for which in (known.tolist(), "right")
    ]
    assert other[0] == other[1]


def test_denoising_ends_at_the_sample_of_the_seed(client):
    asked = {"seed": 5, "label": 2, "steps": 4}
    sheet, facts = client.predict("walker", moments=4, pixels=True, **asked, api_name="/denoise")
    _, sample = client.predict("walker", n=1, pixels=True, **asked, api_name="/sample")
    assert facts["pixels"][-1] == sample["pixels"][0]
    levels = [frame["level"] for frame in facts["frames"]]
    assert levels == sorted(levels, reverse=True) and levels[-1] == 0
    assert np.shape(facts["estimates"]) == (4, 1, 28, 28)
    assert pixels_of(sheet).shape == (56, 112)


def test_scores_are_those_of_the_command_line(client, folder, capsys):
    sheet, _ = client.predict("writer", n=1, seed=3, api_name="/sample")
    [ours] = client.predict("writer", handle_file(sheet), seed=4, api_name="/score")
    arguments = ["score", str(folder / "writer"), sheet, "--seed", "4", "--json"]
    assert command(arguments) == 0
    [theirs] = json.loads(capsys.readouterr().out)["scores"]
    told = ours["likelihood"]
    assert told["value"] == pytest.approx(-theirs["nats"], rel=1e-6)
    assert told["bits_per_dim"] == pytest.approx(theirs["bpd"], rel=1e-6)
    assert (told["kind"], told["unit"]) == (theirs["kind"], "nats")
    [by] = client.predict("writer", handle_file(sheet), ["complexity"], api_name="/score")
    assert list(by) == ["complexity"] and np.isfinite(by["complexity"]["value"])


def test_a_visitors_own_model_can_be_asked_by_whoever_has_its_name(client, context):
    own = context.store.adopt(context.store.header("toy").folder)
    sheet, _ = client.predict(own, n=1, api_name="/sample")
    assert "~" not in sheet
    listed = client.predict(api_name="/list_models")
    assert own not in [model["name"] for model in listed]


# -- what cannot be -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function, values, words",
    [
        ("sample", {"model": "none"}, "There is no model 'none' here."),
        ("sample", {"model": "seer"}, "'seer' cannot be asked to sample. These can: "),
        ("sample", {"model": 7}, "'model' is the name of a model"),
        ("sample", {"model": "toy", "n": 65}, "'n' must be a whole number from 1 to 64, not 65."),
        ("sample", {"model": "toy", "n": "many"}, "'n' must be a whole number"),
        ("sample", {"model": "toy", "seed": -1}, "'seed' must be a whole number from 0"),
        ("sample", {"model": "toy", "label": 10}, "'label' is a number from 0 to 9"),
        ("sample", {"model": "writer", "label": 1}, "'writer' was not trained with classes"),
        ("sample", {"model": "toy", "steps": 3}, "without 'steps'; leave it out. It takes 'temp"),
        ("sample", {"model": "walker", "steps": 5000}, "'steps' must be a whole number from 1 to"),
        ("sample", {"model": "toy", "temperature": "hot"}, "'temperature' must be a number"),
        ("sample", {"model": "walker", "sampler": "best"}, "'sampler' must be one of dpm"),
        ("decode", {"model": "toy", "codes": [1, 2]}, "Codes of 'toy' have 6 numbers, not 2."),
        ("decode", {"model": "toy", "codes": [["a"]]}, "Codes must be nested lists of numbers"),
        ("decode", {"model": "toy", "codes": []}, "Codes are a list of numbers"),
        ("decode", {"model": "toy", "codes": [[0] * 6] * 65}, "at most 64 codes"),
        ("encode", {"model": "toy", "pictures": "digit.png"}, "The picture is no base64"),
        ("encode", {"model": "toy", "pictures": ""}, "The picture is empty"),
        ("encode", {"model": "toy", "pictures": "aGVsbG8="}, "not a picture"),
        ("encode", {"model": "toy", "pictures": []}, "reads 1 x 28 x 28 pictures"),
        ("encode", {"model": "toy", "pictures": [[1, 2], [3]]}, "rows of the same length"),
        ("encode", {"model": "toy", "pictures": [[2.0] * 28] * 28}, "Pixels are numbers from 0"),
        ("encode", {"model": "toy", "pictures": None}, "A picture is an uploaded file"),
        ("encode", {"model": "toy", "pictures": {"path": "/etc/passwd"}}, "was not uploaded here"),
        ("complete", {"model": "writer", "picture": [[0.0] * 8] * 8, "known": "most"}, "one of up"),
        ("complete", {"model": "writer", "picture": [[0.0] * 8] * 8, "known": [[1]]}, "8 rows of"),
        ("complete", {"model": "writer", "picture": [[0.0] * 8] * 8, "known": [[1] * 8] * 8},
         "'known' hides nothing"),
        ("score", {"model": "writer", "pictures": [[0.0] * 8] * 8, "polarity": "up"},
         "'polarity' is one of auto, keep, invert"),
        ("denoise", {"model": "walker", "moments": 1}, "'moments' must be a whole number from 2"),
        ("score", {"model": "writer", "pictures": [[0.0] * 8] * 8, "by": ["beauty"]},
         "'by' is a list of scores; 'writer' has"),
        ("score", {"model": "writer", "pictures": [[[[0.0] * 8] * 8]] * 17}, "at most 16 pictures"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_in_a_sentence_of_ours(address, function, values, words):
    kind, told = called(address, function, values)
    assert kind == "error" and words in told["error"]
    assert "\n" not in told["error"] and "Traceback" not in told["error"]


@pytest.mark.parametrize("path", ["/etc/passwd", "http://127.0.0.1:1/x.png", "file:///x", "\0"])
def test_no_file_is_read_that_was_not_uploaded(address, path):
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    for pictures in (file, [file]):
        kind, told = called(address, "encode", {"model": "toy", "pictures": pictures})
        assert kind == "error" and told["error"].startswith("That file was not uploaded here")


def test_a_call_with_wrong_names_is_told_the_right_ones(address):
    for name, body, status, words in (
        ("none", {}, 404, "There is no function 'none'. Functions: list_models, sample"),
        ("sample", {}, 422, "'sample' needs 'model'; it takes model, n, seed"),
        ("sample", {"model": "toy", "count": 3}, 422, "'sample' has no value 'count'; it takes"),
        ("list_models", {"n": 3}, 422, "'list_models' has no value 'n'; it takes none."),
        ("sample", b"{", 422, "Send a JSON object"),
        ("sample", [1], 422, "Send a JSON object"),
    ):
        answer = post(address, name, body)
        assert answer.status_code == status and words in answer.json()["error"]
    url = f"{address}/gradio_api/call/sample"
    event = httpx.post(url, json={"data": ["toy"]}, timeout=60).json()["event_id"]
    assert "'sample' takes 10 values, not 1" in httpx.get(f"{url}/{event}", timeout=60).text


def test_a_mistake_of_ours_is_one_sentence_and_in_the_log(address, monkeypatch, caplog):
    monkeypatch.setattr("explorer.programs.functions.values.label", lambda *_: 1 / 0)
    kind, told = called(address, "sample", {"model": "toy"})
    assert kind == "error" and told["error"].startswith("That did not work")
    assert "division by zero" in caplog.text


def test_a_call_that_takes_too_long_ends(address, monkeypatch):
    monkeypatch.setattr("explorer.programs.functions.SECONDS", 0.0)
    kind, told = called(address, "sample", {"model": "walker"})
    assert kind == "error" and "ask for fewer pictures or steps" in told["error"]


# -- what stays behind ----------------------------------------------------------------------------


def test_the_newest_files_are_kept_and_calls_push_no_page_out(address, context, monkeypatch):
    from explorer.programs import files

    kept = files.Files(most=3)
    written = [kept.png(Image.new("L", (4, 4)), "a.png")["path"] for _ in range(5)]
    assert [files.Path(path).exists() for path in written] == [False, False, True, True, True]
    assert not files.Path(written[0]).parent.exists()
    sessions = context.page.app.state_holder
    before = [key for key, session in sessions.session_data.items() if not session.is_closed]
    for _ in range(3):
        called(address, "sample", {"model": "toy", "n": 1})
    after = [key for key, session in sessions.session_data.items() if not session.is_closed]
    assert len(after) <= len(before)


def test_the_default_limits_leave_room_for_the_functions_in_a_row():
    assert len(FUNCTIONS) <= AT_ONCE
