"""The explanation that every error, problem and check holds: one rendering as text, one as data."""

import dataclasses

import pytest

from mcp_errortracking.doctor import Check
from mcp_errortracking.explanation import ExplainedError, Explanation
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.workflows.problems import Problem, WorkflowError
from mcp_errortracking.workflows.source_maps.remote.storage_errors import StorageError
from mcp_errortracking.workflows.source_maps.resolve.diagnosis import Facts, diagnose
from mcp_errortracking.workflows.source_maps.upload.content import ContentError

WHOLE = Explanation("disk_full", "It failed.", "The disk is full.", "Make room.")
WITHOUT_REASON = Explanation("disk_full", "It failed.", next_step="Make room.")


def test_the_parts_make_one_text_and_one_object() -> None:
    assert str(WHOLE) == "It failed. The disk is full. Make room."
    assert (str(WITHOUT_REASON), str(Explanation("", "It failed."))) == ("It failed. Make room.", "It failed.")
    assert (WHOLE.reason, WITHOUT_REASON.reason) == ("It failed. The disk is full.", "It failed.")
    data = {"code": "disk_full", "message": "It failed. The disk is full.", "next_step": "Make room."}
    assert WHOLE.as_json() == data
    assert Problem("a.js", WHOLE).as_row() == {"path": "a.js", **data}


@pytest.mark.parametrize(
    ("error", "explanation"),
    [
        (WorkflowError("disk_full", "It failed.", "The disk is full.", "Make room."), WHOLE),
        (PostHogError("It failed.", "The disk is full.", "Make room.", code="disk_full"), WHOLE),
        (ContentError("disk_full", "It failed.", "Make room."), WITHOUT_REASON),
        (StorageError("It failed.", "Make room.", code="disk_full"), WITHOUT_REASON),
    ],
)
def test_every_error_holds_one_and_reads_as_it_does(error: ExplainedError, explanation: Explanation) -> None:
    assert error.explanation == explanation
    assert (error.code, error.what, error.why, error.next_step) == dataclasses.astuple(explanation)
    assert str(error) == str(explanation)

    error.explanation = dataclasses.replace(explanation, why="Another reason.")

    assert str(error) == "It failed. Another reason. Make room."


def test_an_error_without_a_code_has_none() -> None:
    assert PostHogError("It failed.").code is None
    assert StorageError("It failed.", status=500).code is None


def test_the_name_of_a_file_that_is_not_utf8_is_escaped() -> None:
    error = WorkflowError("unreadable", "\udcff.js is gone.", "\udcfe is there.", "Rename \udcfd.")
    assert str(error) == "\\udcff.js is gone. \\udcfe is there. Rename \\udcfd."
    content = ContentError("unreadable", "\udcff.js is gone.", "Rename \udcfd.")
    assert str(content) == "\\udcff.js is gone. Rename \\udcfd."


def test_verdicts_and_checks_hold_one() -> None:
    verdict = diagnose(Facts("a"))
    assert isinstance(verdict, Explanation)
    assert (verdict.code, verdict.why) == ("unknown", "")
    check = Check("key", "problem", dataclasses.replace(WHOLE, what="It\nfailed."))
    assert check.as_json() == {
        "name": "key",
        "verdict": "problem",
        "finding": "It failed. The disk is full.",
        "fix": "Make room.",
    }
