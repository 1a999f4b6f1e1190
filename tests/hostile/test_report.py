"""docs/reliability.md has the counts of the tests."""

from tests.hostile.report import PAGE, with_table


def test_the_page_is_fresh() -> None:
    page = PAGE.read_text("utf-8")

    assert with_table(page) == page, "make generate"
