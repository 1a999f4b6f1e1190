"""The shortcut of `escape`: whatever it takes for plain has nothing to escape."""

from hypothesis import given
from hypothesis import strategies as st

from mcp_errortracking.safe_text import escaping

_PARTS = st.sampled_from(
    [
        "[",
        "]",
        "/",
        "|",
        "<",
        ">",
        "system",
        "INST",
        "tool_calls",
        '"',
        ":",
        " ",
        "é",
        "\u200b",
        "\n",
        "\\",
        "〈",
        "null",
        "1",
    ]
)


@given(st.lists(_PARTS, max_size=12).map("".join))
def test_plain_json_has_nothing_to_escape(text: str) -> None:
    written = escaping._replace_tags(escaping._ONE.sub(escaping._as_escape, text), escaping._as_escape)

    assert escaping.escape(text) == written
