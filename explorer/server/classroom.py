"""Questions to a class: asked on the projector, answered on phones, counted while they are open.

Nothing is stored and nobody is named. A question is in memory until its lecturer has left it or its
time is over; of a phone it keeps a hash of a random cookie, salted by the question, so that a phone
has one answer and nobody can tell which phones answered two questions alike.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

MOST = 64  # questions at a time
MOST_ANSWERS = 1000  # of one question
IDLE_SECONDS = 600.0  # for how long a question is kept that no lecturer's page asks about
SECONDS = 3 * 3600.0  # for how long at all
LONGEST = 400  # characters of a question
LONGEST_CHOICE = 120
CHOICES = (2, 6)
CODE_LENGTH = 4
# No vowels, which make words, and nothing that is read as another letter or as a digit.
LETTERS = "BCDFGHJKMNPQRTVWXZ"


class Rate:
    """At most so many a minute, some at once; ``take`` says whether one more may be."""

    def __init__(self, a_minute: float, at_once: float, clock: Callable[[], float]) -> None:
        self.a_minute, self.at_once, self.clock = a_minute, at_once, clock
        self.left, self.time = at_once, clock()

    def take(self) -> bool:
        now = self.clock()
        self.left = min(self.at_once, self.left + (now - self.time) * self.a_minute / 60)
        self.time = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


@dataclass
class Question:
    """A question that is asked. answers: the choice by the phone's hash. key: what its lecturer's
    page says to see the counts and to close it."""

    text: str
    choices: tuple[str, ...]
    begun: float
    seen: float
    rate: Rate
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    answers: dict[str, int] = field(default_factory=dict)
    is_open: bool = True

    def mark(self, phone: str) -> str:
        """What is kept of a phone's cookie."""
        return hashlib.sha256(f"{self.key}{phone}".encode()).hexdigest()[:16]

    def counts(self) -> list[int]:
        chosen = list(self.answers.values())
        return [chosen.count(k) for k in range(len(self.choices))]


class Classroom:
    """The questions of this server. Whatever it cannot do it says as a ValueError of one
    sentence."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.questions: dict[str, Question] = {}
        self.lock = threading.Lock()
        self.asking = Rate(30, 10, clock)

    def ask(self, text: object, choices: object) -> tuple[str, str]:
        """Opens a question: its code, and the key by which its lecturer is known."""
        text, choices = _text(text), _choices(choices)
        with self.lock:
            self._forget_old()
            if len(self.questions) >= MOST or not self.asking.take():
                raise ValueError("Too many questions are being asked; try again in a minute.")
            now = self.clock()
            code = self._free_code()
            question = Question(text, choices, now, now, Rate(3000, 300, self.clock))
            self.questions[code] = question
            return code, question.key

    def find(self, code: str) -> Question:
        """The question of a code."""
        with self.lock:
            self._forget_old()
            question = self.questions.get(code.upper())
        if question is None:
            raise ValueError("No question has this code now. Look at the projector again.")
        return question

    def answer(self, code: str, phone: str, choice: object) -> None:
        """Takes a phone's answer, in place of an earlier one of the same phone."""
        question = self.find(code)
        with self.lock:
            if not question.is_open:
                raise ValueError("This question is closed.")
            if not isinstance(choice, int) or not 0 <= choice < len(question.choices):
                raise ValueError("This is none of the answers. Choose one of those shown.")
            mark = question.mark(phone)
            full = len(question.answers) >= MOST_ANSWERS and mark not in question.answers
            if full or not question.rate.take():
                raise ValueError("Too many answers are coming in; try again in a moment.")
            question.answers[mark] = choice

    def chosen(self, code: str, phone: str) -> int | None:
        """What a phone has answered, None where it has not."""
        question = self.find(code)
        return question.answers.get(question.mark(phone))

    def counts(self, code: str, key: str) -> list[int]:
        """How many chose what, for the lecturer's page; it keeps the question alive."""
        question = self._own(code, key)
        with self.lock:
            question.seen = self.clock()
            return question.counts()

    def close(self, code: str, key: str, forget: bool = False) -> None:
        """Takes no more answers. forget: the question goes altogether."""
        self._own(code, key).is_open = False
        if forget:
            with self.lock:
                self.questions.pop(code.upper(), None)

    def _own(self, code: str, key: str) -> Question:
        question = self.find(code)
        if not secrets.compare_digest(question.key.encode(), key.encode()):
            raise ValueError("This question was asked on another page.")
        return question

    def _free_code(self) -> str:
        while True:
            code = "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH))
            if code not in self.questions:
                return code

    def _forget_old(self) -> None:
        now = self.clock()
        for code, each in list(self.questions.items()):
            if now - each.seen > IDLE_SECONDS or now - each.begun > SECONDS:
                del self.questions[code]


def _text(text: object) -> str:
    if not isinstance(text, str) or not 0 < len(text.strip()) <= LONGEST:
        raise ValueError(f"A question has 1 to {LONGEST} characters.")
    return text.strip()


def _choices(choices: object) -> tuple[str, ...]:
    low, high = CHOICES
    sentence = f"A question has {low} to {high} answers of 1 to {LONGEST_CHOICE} characters each."
    if not isinstance(choices, Sequence) or isinstance(choices, str):
        raise ValueError(sentence)
    if not low <= len(choices) <= high:
        raise ValueError(sentence)
    for each in choices:
        if not isinstance(each, str) or not 0 < len(each.strip()) <= LONGEST_CHOICE:
            raise ValueError(sentence)
    return tuple(each.strip() for each in choices)
