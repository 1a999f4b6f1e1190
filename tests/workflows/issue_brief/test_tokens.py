"""Rows that fit into tokens: the longest section loses rows first."""

from mcp_errortracking.workflows.issue_brief.tokens import fit


def test_all_rows_stay_where_they_fit() -> None:
    lines = {"what": ["a"], "stack": ["b", "c"]}

    assert fit(lines, 1000) == (lines, {})


def test_the_longest_section_loses_its_last_rows() -> None:
    lines = {"what": ["name", "state"], "stack": [f"frame {number} of the stack" for number in range(50)]}

    kept, cut = fit(lines, 300)

    assert kept["what"] == ["name", "state"]
    assert kept["stack"] == lines["stack"][: len(kept["stack"])]
    assert cut == {"stack": 50 - len(kept["stack"])}
    assert 2 < len(kept["stack"]) < 50


def test_a_row_that_is_too_long_goes_too() -> None:
    assert fit({"what": ["x" * 10_000]}, 100) == ({}, {"what": 1})
