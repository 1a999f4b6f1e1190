"""The estimate of tokens against recorded counts of o200k_base (gpt-tokenizer 4.0.0)."""

import pytest

from mcp_errortracking.server.token_estimate import surely_within, upper_bound

SAMPLES = {
    "prose": ("Exceptions are grouped by fingerprint into issues, and rules act on new exceptions only.", 16),
    "long words": ("internationalization misunderstandings counterrevolutionaries uncharacteristically", 11),
    "ids": ("01936f2e-7a51-7000-8000-3d0f1c9a42b7\t01936f30-0c4d-7000-8000-77b1e6d2f0a9", 55),
    "hash": ("cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f", 60),
    "base64": ("eyJhbGciOiJIUzI1NiJ9.c3ViamVjdDpRd0Vy-VGhpc0lzTm90QVNlY3JldA==/Zm9vYmFyQmF6UXV4", 52),
    "path": ("node_modules/react-dom/cjs/react-dom.development.js:26962:14 src/components/CheckoutForm.tsx:118", 25),
    "json": ('{"type":"AND","values":[{"key":"$exception_types","operator":"icontains","value":["TypeError"]}]}', 26),
    "table": ("id\tname\tstatus\toccurrences\n1\tTypeError\tactive\t4210\n2\tKeyError\tresolved\t7\n", 23),
    "times": ("2026-08-24T14:15:22Z 11-25T02:31:15 2026-01-01T00:00:00.000000Z", 40),
    "digits": ("3141592653589793238462643383279502884197169399375105820974944592", 22),
    "symbols": ("!@#$%^&*()_+-=[]{}|;':\",./<>?~` => ::= <<>> !== && || ??", 28),
    "code": ("  const total = items.reduce((sum, item) => sum + discount(item) * 1.07, 0) ?? undefined;", 29),
    "german": ("Fehler beim Öffnen der Größenübersicht: Straße ungültig, bitte prüfen Sie die Eingabe.", 22),
    "japanese": ("エラー: 未定義のプロパティを読み取れません。もう一度お試しください。", 24),
    "russian": ("Не удалось прочитать свойство неопределённого объекта, повторите попытку позже.", 18),  # noqa: RUF001
    "hindi": ("त्रुटि: अपरिभाषित गुण नहीं पढ़ सकते, कृपया पुनः प्रयास करें", 20),
    "emoji": ("🔥💥🚨 boom 👩\u200d👩\u200d👧\u200d👦🏳️\u200d🌈", 23),
    "blanks": ("a          b\n\n\n\n\t\t\t\tc        \n    d", 9),
    "capitals": ("ECONNREFUSED ETIMEDOUT NSRangeException EXC_BAD_ACCESS SIGSEGV_MAPERR QWRTZPLKJHG", 29),
    "gibberish": ("xqzvkjw pfgthrbn zxcvbnmasdf qwrtpsdfgh jklzxcvb mnbvcxz", 31),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_an_estimate_is_never_below_the_count(name: str) -> None:
    text, count = SAMPLES[name]

    assert upper_bound(text) >= count


def test_for_what_results_are_made_of_it_is_not_far_above() -> None:
    for name in ("ids", "hash", "times", "table", "prose", "code", "path"):
        text, count = SAMPLES[name]
        assert upper_bound(text) <= 2 * count


def test_nothing_costs_nothing() -> None:
    assert (upper_bound(""), upper_bound("a"), upper_bound("ab 12")) == (0, 1, 3)


def test_what_is_short_enough_even_at_a_token_a_byte() -> None:
    assert surely_within(["abc", "de"], 7)
    assert not surely_within(["abc", "de"], 6)
    assert surely_within(["日"], 5)
    assert not surely_within(["日"], 4)
    assert surely_within([], 0)


@pytest.mark.parametrize("text", ["a" * 2_000_000, "A1" * 500_000, " " * 2_000_000, "日" * 300_000], ids=len)
def test_a_long_text_takes_no_longer_for_its_kind(text: str) -> None:
    """Fails by the suite's time limit where a pattern backtracks."""
    assert upper_bound(text) > len(text) / 10
