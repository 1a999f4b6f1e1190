"""Tokens of confirmation: one call each, for a while, once."""

import pytest

from mcp_errortracking.server.confirmation.tokens import Tokens

pytestmark = pytest.mark.anyio

CALL, STATE = b"call", b"state"


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_token_is_valid_once() -> None:
    tokens = Tokens(300)
    token = tokens.make("argument", CALL, STATE)

    assert [await tokens.use(token, "argument", CALL, STATE) for _ in range(2)] == ["valid", "used"]


async def test_token_of_another_process_is_unknown() -> None:
    token = Tokens(300).make("argument", CALL, STATE)

    assert await Tokens(300).use(token, "argument", CALL, STATE) == "unknown"


async def test_token_binds_call_state_and_purpose() -> None:
    tokens = Tokens(300)
    token = tokens.make("argument", CALL, STATE)

    assert await tokens.use(token, "argument", b"another", STATE) == "unknown"
    assert await tokens.use(token, "state", CALL, STATE) == "unknown"
    assert await tokens.use(token, "argument", CALL, b"another") == "changed"
    assert await tokens.use(token, "argument", CALL, STATE) == "valid"


async def test_token_expires_and_a_used_one_is_forgotten_after_that() -> None:
    clock = Clock()
    tokens = Tokens(300, clock)
    first, second = (tokens.make("argument", CALL, STATE) for _ in range(2))
    assert await tokens.use(first, "argument", CALL, STATE) == "valid"

    clock.now += 300
    late = tokens.make("argument", CALL, STATE)

    assert await tokens.use(second, "argument", CALL, STATE) == "expired"
    assert await tokens.use(first, "argument", CALL, STATE) == "expired"
    assert await tokens.use(late, "argument", CALL, STATE) == "valid"
    assert len(tokens._used) == 1  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("token", ["", "x", "yes", "A" * 48, "A" * 4000, "ä" * 48, "A" * 47 + "\n", "-_" * 24])
async def test_other_text_is_no_token(token: str) -> None:
    assert await Tokens(300).use(token, "argument", CALL, STATE) == "unknown"


async def test_every_character_of_a_token_matters() -> None:
    tokens = Tokens(300)
    token = tokens.make("argument", CALL, STATE)

    for place, letter in enumerate(token):
        other = "A" if letter != "A" else "B"
        forged = token[:place] + other + token[place + 1 :]
        assert await tokens.use(forged, "argument", CALL, STATE) != "valid", place
    assert await tokens.use(token, "argument", CALL, STATE) == "valid"


class Shared:
    """The memory of replicas, which may be away."""

    def __init__(self, secret: bytes = b"of the key") -> None:
        self._secret, self.used, self.is_away = secret, set[str](), False

    def secret(self, purpose: str) -> bytes:
        return self._secret + purpose.encode()

    async def is_first(self, name: str, seconds: float) -> bool | None:
        assert 0 < seconds <= 301
        if self.is_away:
            return None
        is_first = name not in self.used
        self.used.add(name)
        return is_first


async def test_token_of_a_replica_is_valid_once_in_all() -> None:
    clock, shared = Clock(), Shared()
    replicas = [Tokens(300, lambda: 5.0, clock) for _ in range(3)]
    token = replicas[0].make("argument", CALL, STATE, shared)

    verdicts = [await replicas[at].use(token, "argument", CALL, STATE, shared) for at in (1, 1, 2)]
    assert verdicts == ["valid", "used", "used"]
    assert await replicas[1].use(token, "argument", b"another", STATE, shared) == "unknown"
    assert await replicas[1].use(token, "argument", CALL, b"another", shared) == "changed"

    late = replicas[0].make("argument", CALL, STATE, shared)
    clock.now += 300
    assert await replicas[1].use(late, "argument", CALL, STATE, shared) == "expired"


async def test_token_of_another_key_is_unknown_to_replicas() -> None:
    token = Tokens(300).make("argument", CALL, STATE, Shared())

    assert await Tokens(300).use(token, "argument", CALL, STATE, Shared(b"another")) == "unknown"
    assert await Tokens(300).use(token, "argument", CALL, STATE) == "unknown"


async def test_token_is_used_once_in_a_replica_while_the_store_is_away() -> None:
    shared, tokens = Shared(), Tokens(300)
    shared.is_away = True
    token = Tokens(300).make("argument", CALL, STATE, shared)

    assert [await tokens.use(token, "argument", CALL, STATE, shared) for _ in range(2)] == ["valid", "used"]
