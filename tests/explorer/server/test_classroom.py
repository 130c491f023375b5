"""Questions to a class: one answer a phone, counts for the lecturer alone, all of it bounded."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from explorer.server import classroom as rules
from explorer.server.classroom import Classroom
from explorer.server.classroom_routes import COOKIE, KEY, LARGEST, ClassRoutes

ASKED = {"question": "Which is larger?", "choices": ["KL(p‖q)", "<b>KL(q‖p)</b>", "Neither"]}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def classroom(clock):
    return Classroom(clock)


@pytest.fixture
def app(classroom):
    async def page(_):
        return PlainTextResponse("the page")

    # "/classes" is none of ours.
    routes = [Route("/", page), Route("/classes", page)]
    return ClassRoutes(Starlette(routes=routes), classroom)


@pytest.fixture
def lecturer(app):
    return TestClient(app)


def phone(app) -> TestClient:
    return TestClient(app)


def ask(lecturer) -> tuple[str, dict[str, str]]:
    told = lecturer.post("/class", json=ASKED).json()
    return told["code"], {KEY: told["key"]}


def counts(lecturer, code: str, key: dict[str, str]) -> list[int]:
    return lecturer.get(f"/class/{code}/counts", headers=key).json()["counts"]


def test_phones_answer_once_each_and_may_change_their_mind(app, lecturer):
    code, key = ask(lecturer)
    one, two = phone(app), phone(app)
    shown = one.get("/class", params={"code": code.lower()})
    assert shown.url.path == f"/class/{code}" and "Which is larger?" in shown.text
    assert "&lt;b&gt;KL(q‖p)&lt;/b&gt;" in shown.text and "<script" not in shown.text
    assert counts(lecturer, code, key) == [0, 0, 0]
    one.post(f"/class/{code}", data={"choice": "1"})
    two.post(f"/class/{code}", data={"choice": "1"})
    assert counts(lecturer, code, key) == [0, 2, 0]
    changed = two.post(f"/class/{code}", data={"choice": "2"})
    assert 'value="2" aria-pressed="true"' in changed.text and "Sent" in changed.text
    assert counts(lecturer, code, key) == [0, 1, 1]


def test_a_closed_question_takes_no_answers_and_one_that_is_forgotten_is_gone(app, lecturer):
    code, key = ask(lecturer)
    lecturer.post(f"/class/{code}/close", headers=key)
    late = phone(app).post(f"/class/{code}", data={"choice": "0"})
    assert late.status_code == 400 and "This question is closed." in late.text
    assert counts(lecturer, code, key) == [0, 0, 0]
    lecturer.post(f"/class/{code}/forget", headers=key)
    assert "No question has this code" in phone(app).get(f"/class/{code}").text


def test_what_is_kept_of_a_phone_is_no_name_and_not_the_same_in_two_questions(classroom, app):
    lecturer = TestClient(app)
    (first, _), (second, _) = ask(lecturer), ask(lecturer)
    one = phone(app)
    for code in (first, second):
        one.post(f"/class/{code}", data={"choice": "0"})
    kept = [set(classroom.questions[code].answers) for code in (first, second)]
    cookie = one.cookies[COOKIE]
    assert len(cookie) == 32 and not kept[0] & kept[1]
    assert cookie not in "".join(kept[0] | kept[1])


def test_only_who_asked_sees_counts_and_closes(app, lecturer):
    code, _ = ask(lecturer)
    for key in ({KEY: ""}, {KEY: "0" * 32}, {KEY: "é".encode()}):
        assert (
            "another page" in lecturer.get(f"/class/{code}/counts", headers=key).json()["problem"]
        )
        assert (
            "another page" in lecturer.post(f"/class/{code}/close", headers=key).json()["problem"]
        )
    assert "counts" not in phone(app).get(f"/class/{code}").text


def test_questions_go_when_nobody_looks_or_their_time_is_over(classroom, clock):
    code, key = classroom.ask("?", ["a", "b"])
    for _ in range(18):
        clock.now += rules.IDLE_SECONDS - 1
        classroom.counts(code, key)
    clock.now += rules.IDLE_SECONDS
    with pytest.raises(ValueError, match="No question has this code now"):
        classroom.find(code)
    idle, _ = classroom.ask("?", ["a", "b"])
    clock.now += rules.IDLE_SECONDS + 1
    with pytest.raises(ValueError, match="No question"):
        classroom.find(idle)


def test_questions_and_answers_are_bounded_in_number_and_rate(classroom, clock, monkeypatch):
    monkeypatch.setattr(rules, "MOST_ANSWERS", 3)
    code, key = classroom.ask("?", ["a", "b"])
    for k in range(3):
        classroom.answer(code, str(k), 0)
    with pytest.raises(ValueError, match="Too many answers"):
        classroom.answer(code, "3", 0)
    classroom.answer(code, "2", 1)  # whoever has answered may still change it
    assert classroom.counts(code, key) == [2, 1]
    with pytest.raises(ValueError, match="Too many answers"):
        for _ in range(1000):
            classroom.answer(code, "2", 0)
    with pytest.raises(ValueError, match="Too many questions"):
        for _ in range(100):
            classroom.ask("?", ["a", "b"])
    asked = len(classroom.questions)
    assert asked < 20
    with pytest.raises(ValueError, match="Too many questions"):
        for _ in range(100):
            clock.now += 2.0
            classroom.ask("?", ["a", "b"])
    assert len(classroom.questions) == rules.MOST


HOSTILE = [
    ("POST", "/class", {"json": {}}),
    ("POST", "/class", {"json": []}),
    ("POST", "/class", {"json": {"question": "?", "choices": "ab"}}),
    ("POST", "/class", {"json": {"question": "?", "choices": ["a", 3]}}),
    ("POST", "/class", {"json": {"question": "?" * 401, "choices": ["a", "b"]}}),
    ("POST", "/class", {"json": {"question": "?", "choices": ["a"] * 7}}),
    ("POST", "/class", {"content": b"\xff{", "headers": {"Content-Type": "application/json"}}),
    (
        "POST",
        "/class",
        {"content": b"[" * LARGEST, "headers": {"Content-Type": "application/json"}},
    ),
    ("POST", "/class", {"content": b"x" * 10**6, "headers": {"Content-Type": "application/json"}}),
    ("POST", "/class/CODE", {"data": {"choice": "7"}}),
    ("POST", "/class/CODE", {"data": {"choice": "²"}}),
    ("POST", "/class/CODE", {"data": {}}),
    ("POST", "/class/CODE", {"content": b"choice=" + b"1" * 10**6}),
    ("POST", "/class/CODE", {"content": b"&choice=1" * 300}),
    ("PUT", "/class/CODE", {}),
    ("GET", "/class/../../etc/passwd%00", {}),
    ("GET", "/class/CODE/else", {}),
    ("GET", "/class/<script>", {}),
    ("GET", "/class/ZZZZ", {}),
]


@pytest.mark.parametrize(("method", "path", "sent"), HOSTILE)
def test_what_no_page_sends_gets_one_sentence(app, lecturer, method, path, sent):
    code, key = ask(lecturer)
    answer = lecturer.request(method, path.replace("CODE", code), **sent)
    if "json" in answer.headers["Content-Type"]:
        assert answer.json()["problem"].endswith(".")
    else:
        assert answer.status_code in (400, 404)
        assert "Traceback" not in answer.text and "<script" not in answer.text
    assert counts(lecturer, code, key) == [0, 0, 0]


def test_the_rest_of_the_page_is_as_it_was(lecturer):
    assert lecturer.get("/").text == "the page"
    assert lecturer.get("/classes").text == "the page"
    assert "Code on the projector" in lecturer.get("/class").text
