"""Ids of new rules, added to a file without another change."""

import pytest

from mcp_errortracking.workflows.rules_file.ids import add_ids

ID = "01936f2e-7a51-7000-8000-0000000000f1"
OTHER = "01936f2e-7a51-7000-8000-0000000000f2"


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_comments_quotes_and_line_ends_stay(newline: str) -> None:
    text = newline.join(
        [
            "# head",
            "bypass:  # b",
            "- name: 'a'   # first",
            "  x: [1,  2]",
            "-   # second",
            "    name: ü",
            "severity: [{  name: c }]",
        ]
    )
    added = add_ids(text.encode(), "f", {"bypass": {0: ID, 1: OTHER}, "severity": {0: ID}})
    assert added is not None
    assert added.decode().split(newline) == [
        "# head",
        "bypass:  # b",
        f"- id: {ID}",
        "  name: 'a'   # first",
        "  x: [1,  2]",
        "-   # second",
        f"    id: {OTHER}",
        "    name: ü",
        f"severity: [{{id: {ID}, name: c }}]",
    ]


def test_a_file_that_would_not_say_the_same_is_left_alone() -> None:
    assert add_ids(f"bypass:\n- {{name: a, id: {OTHER}}}\n".encode(), "f", {"bypass": {0: ID}}) is None
