"""The model of docs/capacity.md, and that its tables are those of the costs it shows."""

from benchmarks.capacity import PAGE, Costs, agents_of_a_core, agents_of_a_key, costs_in, memory_of, tables, with_tables

COSTS = Costs(1.0, 2.0, 1.5, 60.0, 80.0, 50.0)


def test_the_page_shows_the_tables_of_its_costs() -> None:
    page = PAGE.read_text("utf-8")

    assert with_tables(page, costs_in(page)) == page, "python -m benchmarks.capacity --write"


def test_the_model() -> None:
    assert agents_of_a_key(6) == (80, 13)  # 480 a minute, 4,800 an hour
    assert agents_of_a_key(6, keys=3) == (240, 40)
    assert agents_of_a_key(100) == (4, 0)
    assert agents_of_a_core(6, 2.0) == 3500  # 70% of 60 s are 21,000 calls of 2 ms
    assert memory_of(0, 3, COSTS) == 240
    assert round(memory_of(10_000, 1, COSTS)) == 557


def test_costs_are_read_back_as_shown() -> None:
    assert costs_in(tables(COSTS)) == COSTS
    shown = Costs(1.23456, 2.34567, 1.5, 60.04, 80.12, 49.96)
    assert tables(costs_in(tables(shown))) == tables(shown)
