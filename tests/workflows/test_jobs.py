"""The table of docs/jobs.md: a row for each job of the benchmark, and fewer tokens than by other ways."""

import re

import pytest

from benchmarks.jobs import BEGIN, END, PAGE, Job, jobs

TABLE = PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]
ISSUE, OTHER = "01936f2e-7a51-7000-8000-3d0f1c9a42b7", "01936f30-0c4d-7000-8000-77b1e6d2f0a9"
JOBS = jobs(ISSUE, [OTHER], OTHER, "a1b2")


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.question)
def test_each_job_has_a_row_and_takes_fewer_tokens_than_other_ways(job: Job) -> None:
    row = re.search(rf"^\| {re.escape(job.question)} \| (.*) \|$", TABLE, re.MULTILINE)
    assert row, "python -m benchmarks.jobs --write"
    calls, tokens, _, single, _, theirs = (cell.replace(",", "") for cell in row[1].split(" | "))

    assert int(calls) == len(job.ours) <= 2
    assert int(tokens) < 700
    assert all(int(tokens) < int(other) for other in (single, theirs) if other != "-")


def test_the_table_has_no_other_rows() -> None:
    assert TABLE.strip().count("\n") == len(JOBS) + 1
