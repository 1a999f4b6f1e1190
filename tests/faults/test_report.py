"""docs/reliability.md says what the suite demands."""

import re

from tests.faults.faults import FAULTS
from tests.faults.report import PAGE, with_table


def test_the_page_is_fresh() -> None:
    page = PAGE.read_text("utf-8")

    assert with_table(page) == page, "make generate"


def test_the_command_that_is_shown_runs_a_row() -> None:
    found = re.search(r"test_faults\.py::test_fault\[(.+?)\]", PAGE.read_text("utf-8"))

    assert found
    assert found[1] in FAULTS
