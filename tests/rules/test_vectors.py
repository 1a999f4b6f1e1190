"""The command `rules match` on every vector of the rule contract, and on broken lines."""

import io
import json
from pathlib import Path

import pytest

from mcp_errortracking.cli.main import main
from tests.rules.vectors import FILE, VECTORS


def test_every_vector(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "match", str(FILE)]) == 0

    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["id"] for answer in answers] == [vector["id"] for vector in VECTORS]
    for vector, answer in zip(VECTORS, answers, strict=True):
        assert answer["outcome"] == vector["expect"], vector["why"]
        assert vector.get("message_contains", "").lower() in (answer["message"] or "").lower()
        assert (answer["taken_by"], answer["suppressed"]) == (vector.get("taken_by"), vector.get("suppressed"))
    assert len(VECTORS) == 40


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"id": "\xe9"}', "not JSON"),
        ("[]", "not a JSON object"),
        ('{"filters": {}}', "properties is missing"),
        ('{"properties": {}}', "filters is missing"),
        ('{"properties": {}, "ask": "who", "filters": {}}', "ask is suppress, first, or absent"),
        ('{"properties": {}, "ask": "first"}', "rules is missing"),
        ('{"properties": {}, "kind": "alert", "filters": {}}', "kind is one of assignment"),
        ('{"properties": {}, "rule_kinds": 7, "filters": {}}', "kind is one of assignment"),
        ('{"properties": {}, "ask": "suppress", "sampling_rate": "1", "filters": {}}', "sampling_rate is not a number"),
        ('{"properties": {}, "ask": "suppress", "event_uuid": 1, "filters": {}}', "event_uuid is not a text"),
        ('{"properties": {}, "ask": "first", "rules": [{"order_key": "1"}]}', "rules[0].order_key is not a number"),
    ],
)
def test_a_broken_line_is_named_and_the_others_are_answered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str, reason: str
) -> None:
    good = json.dumps({"id": 7, "filters": {"type": "AND", "values": []}, "properties": {}})
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"\n{line}\n{good}\n".encode("latin-1"))))

    assert main(["rules", "match"]) == 1

    printed = capsys.readouterr()
    assert printed.err.startswith("line 2: ")
    assert reason in printed.err
    assert [json.loads(one) for one in printed.out.splitlines()] == [
        {"id": 7, "outcome": "match", "message": None, "taken_by": None, "suppressed": None}
    ]


def test_the_example_of_the_page(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs/rules.md").read_text(encoding="utf-8")
    given = page.partition("echo '")[2].partition("' | mcp-errortracking rules match")[0]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given.encode())))

    assert main(["rules", "match"]) == 0

    assert capsys.readouterr().out in page


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "match", str(tmp_path / "none")]) == 2
    assert "cannot read" in capsys.readouterr().err
