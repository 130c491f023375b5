"""The container's files say what the code says; whether it builds is for a machine with Docker."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from app import arguments
from models.data.datasets import ENVIRONMENT
from models.data.fetching import CACHE

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
MANY = yaml.safe_load((ROOT / "compose.many.yaml").read_text("utf-8"))["services"]
HAPROXY = (ROOT / "haproxy.cfg").read_text("utf-8")


def test_what_is_copied_is_there_and_is_not_left_out():
    """.dockerignore leaves out everything but what it names."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    named = {line[1:] for line in lines if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    sources = {source for line in copied for source in line.split()[:-1]}
    assert sources == named and "app.py" in sources
    assert all((ROOT / source).exists() for source in sources)
    front = yaml.safe_load((ROOT / "README.md").read_text("utf-8").split("---")[1])
    version = front["python_version"]
    assert set(re.findall(r"^FROM python:([\d.]+)-slim", DOCKERFILE, re.MULTILINE)) == {version}


def test_it_runs_without_rights_and_without_a_network_and_says_whether_it_lives():
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert "\nUSER explorer\n" in last and "--uid 1000" in last
    assert last.index("USER explorer") > last.index("COPY pretrained")
    assert "HEALTHCHECK" in last and "method='HEAD'" in last
    for variable in ("HF_HUB_OFFLINE=1", "GRADIO_SERVER_NAME=0.0.0.0", f"{CACHE}=/data"):
        assert variable in last, variable
    assert f"{ENVIRONMENT}=/data" in last


def test_the_compose_file_starts_it_as_the_document_says():
    page = COMPOSE["services"]["page"]
    assert page["read_only"] is True and page["cap_drop"] == ["ALL"]
    assert page["ports"] == ["127.0.0.1:7860:7860"] and page["volumes"] == ["data:/data"]
    [commented] = re.findall(r"command: \[\]  # \[(.+)\]", (ROOT / "compose.yaml").read_text())
    asked = arguments(re.findall(r'"([^"]+)"', commented))
    assert asked.root_path == "/models" and asked.classroom and asked.max_jobs == 2


def test_each_of_several_pages_is_one_container_that_the_proxy_knows():
    pages = {name for name in MANY if name.startswith("page-")}
    for backend in re.split(r"^backend ", HAPROXY, flags=re.MULTILINE)[1:]:
        assert set(re.findall(r"^ +server \w+ (\S+):7860", backend, re.MULTILINE)) == pages
    cookies = re.findall(r"^ +server (\w+) \S+ cookie (\w+)", HAPROXY, re.MULTILINE)
    assert len(set(cookies)) == len(pages) and all(one == other for one, other in cookies)
    for name in pages:
        page = MANY[name]
        assert page["read_only"] is True and page["cap_drop"] == ["ALL"] and "ports" not in page
        assert page["environment"]["FORWARDED_ALLOW_IPS"] == "*"
        assert arguments(page["command"]).classroom
    assert MANY["address"]["depends_on"] == sorted(pages)


def test_the_proxy_cuts_nothing_off_that_goes_on():
    """A line that is open says something every fifteen seconds; a run's answer may take minutes."""
    from gradio.utils import get_heartbeat_rate

    seconds = {"s": 1, "m": 60, "h": 3600}
    for side in ("client", "server"):
        [(number, unit)] = re.findall(rf"timeout {side} +(\d+)([smh])\b", HAPROXY)
        assert int(number) * seconds[unit] >= max(60 * 10, 4 * get_heartbeat_rate())
