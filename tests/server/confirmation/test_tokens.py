"""Tokens of confirmation: one call each, for a while, once."""

import pytest

from mcp_errortracking.server.confirmation.tokens import Tokens

CALL, STATE = b"call", b"state"


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_token_is_valid_once() -> None:
    tokens = Tokens(300)
    token = tokens.make("argument", CALL, STATE)

    assert [tokens.use(token, "argument", CALL, STATE) for _ in range(2)] == ["valid", "used"]


def test_token_of_another_process_is_unknown() -> None:
    token = Tokens(300).make("argument", CALL, STATE)

    assert Tokens(300).use(token, "argument", CALL, STATE) == "unknown"


def test_token_binds_call_state_and_purpose() -> None:
    tokens = Tokens(300)
    token = tokens.make("argument", CALL, STATE)

    assert tokens.use(token, "argument", b"another", STATE) == "unknown"
    assert tokens.use(token, "state", CALL, STATE) == "unknown"
    assert tokens.use(token, "argument", CALL, b"another") == "changed"
    assert tokens.use(token, "argument", CALL, STATE) == "valid"


def test_token_expires_and_a_used_one_is_forgotten_after_that() -> None:
    clock = Clock()
    tokens = Tokens(300, clock)
    first, second = (tokens.make("argument", CALL, STATE) for _ in range(2))
    assert tokens.use(first, "argument", CALL, STATE) == "valid"

    clock.now += 300
    late = tokens.make("argument", CALL, STATE)

    assert tokens.use(second, "argument", CALL, STATE) == "expired"
    assert tokens.use(first, "argument", CALL, STATE) == "expired"
    assert tokens.use(late, "argument", CALL, STATE) == "valid"
    assert len(tokens._used) == 1  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("token", ["", "x", "yes", "A" * 48, "A" * 4000, "ä" * 48, "A" * 47 + "\n", "-_" * 24])
def test_other_text_is_no_token(token: str) -> None:
    assert Tokens(300).use(token, "argument", CALL, STATE) == "unknown"


def test_every_character_of_a_token_matters() -> None:
    tokens = Tokens(300)
    token = tokens.make("argument", CALL, STATE)

    for place, letter in enumerate(token):
        other = "A" if letter != "A" else "B"
        forged = token[:place] + other + token[place + 1 :]
        assert tokens.use(forged, "argument", CALL, STATE) != "valid", place
    assert tokens.use(token, "argument", CALL, STATE) == "valid"
