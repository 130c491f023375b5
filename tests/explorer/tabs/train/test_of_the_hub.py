"""A visitor's models come from the Hub and go there; where that is off, a sentence says so."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import pytest

import explorer
from explorer.page.code import in_code
from explorer.page.part import settled
from explorer.page.snippet import loading
from explorer.server import sign_in
from explorer.server.jobs import Job, JobError, Limits
from explorer.tabs.train import brought, keep, setup, yours
from models.hub.pretrained import push_folder
from tests import toys
from tests.explorer.tabs.train.conftest import page, ticked

ID = "ada/tiny"
OAUTH = {
    "SYSTEM": "spaces", "SPACE_ID": "ada/explorer",
    "OAUTH_CLIENT_ID": "id", "OAUTH_CLIENT_SECRET": "secret",
    "OAUTH_SCOPES": "openid profile write-repos", "OPENID_PROVIDER_URL": "http://127.0.0.1:9",
}  # fmt: skip


@pytest.fixture
def published(hub, tiny_vae, tmp_path):
    push_folder(shutil.copytree(tiny_vae, tmp_path / "tiny"), ID, "hf_write")
    hub.asked.clear()
    return hub


@pytest.fixture
def checked(context, monkeypatch):
    """What the warm process is asked; whether weights fit is told by the tests of the worker."""
    asked = []
    monkeypatch.setattr(context.visitors.jobs, "ask", lambda do, *_, **more: asked.append(do))
    return asked


@pytest.fixture
def finished(context, me, tiny_vae):
    job = Job("tiny", {}, me.folder / "tiny")
    shutil.copytree(tiny_vae, job.folder)
    job.kept = 60
    job.become("ended", "Done.")
    me.job = job
    ticked(context)
    return me.models


def on_a_space(monkeypatch, token="hf_write"):
    """Signing in is offered, and this is who has."""
    monkeypatch.setattr(sign_in, "offered", lambda: True)
    session = {"oauth_info": {"access_token": token}} if token else {}
    return SimpleNamespace(
        session_hash="my page", request=SimpleNamespace(scope={"session": session})
    )


# -- from the Hub ----------------------------------------------------------------------------------


def test_a_fetched_model_is_a_visitors_own(context, me, published, checked):
    steps = list(yours.fetch_model(context, "toy", page(wanted=f" {ID} ")))
    said = [step["status"]["text"] for step in steps]
    assert said[0].startswith("Asking the Hub") and f"Fetching {ID}" in said[1] and " MB" in said[1]
    assert said[-1] == "Tiny VAE is here, and in the other tabs of this page."
    assert checked == ["check"]
    [name] = me.models
    assert [offer["name"] for offer in steps[-1].offers] == [name]
    assert context.store.get(name).image_shape == (1, 8, 8)
    assert name not in context.store.names
    # It can be loaded by what the code says, and nothing of this server stands in it.
    folder = context.store.header(name).folder
    assert in_code(folder) == ID and loading(context, name) == f"model = load({ID!r})"
    # No other copy is here, and it goes with its visitor.
    assert [path.name for path in me.folder.rglob("*.safetensors")] == ["model.safetensors"]
    context.visitors.leave("my page")
    context.visitors.grace = 0
    context.visitors.sweep()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("id", "words"),
    [
        ("", "owner/name"),
        ("https://huggingface.co/ada/tiny", "owner/name"),
        ("ada/nothing", "no public model"),
        ("ada/large", "has 5.0 GB; models of up to 210 MB"),
        ("ada/pickled", "can run code"),
        ("ada/private", "no public model"),
        ("ada/broken", "damaged"),
        ("ada/contradiction", "disagree about 'latent'"),
    ],
)
def test_what_cannot_be_fetched_leaves_nothing(context, me, published, checked, id, words):
    files = published.files(ID)
    published.put("ada/large", files, claims={"model.safetensors": 5_000_000_000})
    published.put("ada/pickled", {"pytorch_model.bin": b"x"})
    published.put("ada/private", files, private=True)
    published.put("ada/broken", {**files, "model.safetensors": files["model.safetensors"][:2000]})
    config = json.loads(files["config.json"])
    config["config"]["latent"] = 7
    published.put("ada/contradiction", {**files, "config.json": json.dumps(config).encode()})
    with pytest.raises(JobError, match=words) as error:
        settled(yours.fetch_model(context, "toy", page(wanted=id)))
    assert str(me.folder) not in str(error.value)
    assert me.models == {} and list(me.folder.rglob("*")) == []


def test_the_servers_own_token_opens_nothing_to_visitors(
    context, me, published, checked, monkeypatch
):
    published.put("ada/private", published.files(ID), private=True)
    monkeypatch.setenv("HF_TOKEN", "hf_read")
    with pytest.raises(JobError, match="no public model"):
        settled(yours.fetch_model(context, "toy", page(wanted="ada/private")))
    request = on_a_space(monkeypatch, "hf_read")  # but the visitor's does
    asked = page(wanted="ada/private").but(request=request)
    settled(yours.fetch_model(context, "toy", asked))
    assert len(me.models) == 1


def test_without_a_network_there_is_a_sentence(context, me, monkeypatch, hub):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(JobError, match="cannot be reached"):
        settled(yours.fetch_model(context, "toy", page(wanted=ID)))


# -- to the Hub ------------------------------------------------------------------------------------


def test_a_model_is_sent_with_a_pasted_token_that_is_not_kept(context, finished, hub, caplog):
    [name] = finished
    steps = list(yours.push(context, "toy", page(kept=name, target="ada/x", token="hf_write")))
    assert steps[0].token == "" and steps[-1].status["text"].endswith("/ada/x")
    assert {"README.md", "config.json", "model.safetensors", "recipe.toml"} <= set(
        hub.files("ada/x")
    )
    assert "hf_write" not in caplog.text
    for token, words in (("", "token"), ("hf_read", "may not write"), ("hf_no", "know this token")):
        with pytest.raises(JobError, match=words):
            settled(yours.push(context, "toy", page(kept=name, target="ada/y", token=token)))
    with pytest.raises(JobError, match="owner/name"):
        settled(yours.push(context, "toy", page(kept=name, target="y", token="hf_write")))


def test_on_a_space_it_goes_with_the_sign_in(context, finished, hub, monkeypatch):
    [name] = finished
    asked = page(kept=name, target="ada/x")
    with pytest.raises(JobError, match="Sign in with Hugging Face"):
        settled(yours.push(context, "toy", asked.but(request=on_a_space(monkeypatch, None))))
    final = settled(yours.push(context, "toy", asked.but(request=on_a_space(monkeypatch))))
    assert final.status["text"].endswith("/ada/x") and "README.md" in hub.files("ada/x")


def test_signing_in_is_offered_where_a_space_says_so(monkeypatch):
    monkeypatch.setattr(sign_in, "find_spec", lambda name: object())
    for name in OAUTH:
        monkeypatch.delenv(name, raising=False)
    assert not sign_in.offered()
    for name, value in OAUTH.items():
        assert not sign_in.offered()
        monkeypatch.setenv(name, value)
    assert sign_in.offered()
    monkeypatch.setattr(sign_in, "find_spec", lambda name: None)
    assert not sign_in.offered()  # the page is up in any case


def test_the_page_of_a_space_has_a_button_in_place_of_the_token(tmp_path, monkeypatch, alone):
    for name in sign_in.PACKAGES:
        pytest.importorskip(name, reason="a Space brings what signing in takes: gradio[oauth]")
    from gradio import oauth

    for name, value in OAUTH.items():
        monkeypatch.setenv(name, value)
        if hasattr(oauth, name):  # read when Gradio was imported
            monkeypatch.setattr(oauth, name, value)
    toys.write(tmp_path, "toy")
    found = {}
    for offered in (False, True):
        monkeypatch.setattr(sign_in, "offered", lambda offered=offered: offered)
        built = explorer.build(explorer.Context.create(tmp_path, device="cpu", limits=Limits()))
        kinds = {type(block).__name__ for block in built.blocks.values()}
        [token] = [b for b in built.blocks.values() if getattr(b, "type", "") == "password"]
        found[offered] = "LoginButton" in kinds, bool(token.visible)
        assert built.expects_oauth is offered
    assert found == {False: (False, True), True: (True, False)}


# -- off -------------------------------------------------------------------------------------------


def test_where_the_operator_forbids_it_nothing_is_asked(tmp_path, hub, tiny_vae, alone):
    toys.write(tmp_path / "models", "toy")
    context = explorer.Context.create(tmp_path / "models", device="cpu", hub=False)
    try:
        me = context.visitors.arrive(None, "my page")
        me.models["mine"] = tiny_vae
        for handler, asked in (
            (yours.fetch_model, page(wanted=ID)),
            (yours.push, page(kept="mine", target="ada/x", token="hf_write")),
            (brought.bring_hub, page(repo="ada/pictures")),
        ):
            with pytest.raises(JobError, match="switched off"):
                settled(handler(context, "toy", asked))
        assert all(item["key"] != setup.HUB for item in setup.datasets(context, me))
        assert hub.asked == []
        built = explorer.build(context)
        texts = [str(getattr(block, "value", "")) for block in built.blocks.values()]
        assert any(keep.SWITCHED_OFF in text for text in texts)
    finally:
        context.visitors.close()


def test_models_beside_those_of_a_folder(tmp_path, published, tiny_vae, monkeypatch):
    toys.write(tmp_path / "models", "toy")
    other = shutil.copytree(tiny_vae, tmp_path / "mine" / "tiny")
    context = explorer.Context.create(
        tmp_path / "models", device="cpu", models=[ID, str(other), str(tmp_path / "mine"), ID]
    )
    context.visitors.close()
    assert context.store.names[0] == "toy" or "toy" in context.store.names
    own = [name for name in context.store.names if name.startswith("tiny")]
    assert len(own) == 2 and all("/" not in name for name in own)
    titles = {context.store.header(name).title for name in own}
    assert titles == {f"Tiny VAE ({ID})", "Tiny VAE (tiny)"}
    assert in_code(context.store.header(own[0]).folder) == ID


@pytest.mark.parametrize(
    ("models", "on", "words"),
    [
        (["ada/nothing"], True, "--models: .*no public model"),
        (["nowhere"], True, "--models: There is no checkpoint at 'nowhere'"),
        (["ada/tiny"], False, "--models: .*switched off"),
    ],
)
def test_models_that_are_not_there(tmp_path, published, models, on, words):
    toys.write(tmp_path, "toy")
    with pytest.raises(ValueError, match=words):
        explorer.Context.create(tmp_path, device="cpu", models=models, hub=on)
