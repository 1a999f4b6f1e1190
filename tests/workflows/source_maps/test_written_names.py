"""The name of the function around a position in an original source."""

import pytest

from mcp_errortracking.workflows.source_maps.maps.js_scopes import StepBudget
from mcp_errortracking.workflows.source_maps.maps.source_lines import Lines
from mcp_errortracking.workflows.source_maps.maps.source_map import Position
from mcp_errortracking.workflows.source_maps.maps.written_names import find_written_name


def name_at_fail(source: str, budget: StepBudget | None = None) -> str | None:
    """The name of the function around `fail` in a source."""
    before, _, _ = source.partition("fail")
    column = len(before.rpartition("\n")[2].encode("utf-16-le")) // 2
    position = Position("a.ts", before.count("\n") + 1, column, None, False, None)
    return find_written_name(Lines(source), position, budget or StepBudget(10**6))


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("export function total(items: Item[]): number {\n  for (const item of items) {\n    fail();\n  }\n}", "total"),
        ("function before() {}\nconst pay = async (cart: Cart): Promise<Due> => {\n  fail();\n};", "pay"),
        ("const pay = <T,>(cart: T) => fail(cart)", "pay"),
        ("const pay: Handler<Cart> = async (cart) => { fail() }", "pay"),
        ("class Shop { async pay<T extends Cart>(cart: T): Promise<void> {\n fail() } }", "pay"),
        ("class Shop { pay = () => { fail() } }", "pay"),
        ("class Shop { get due() { fail() } }", "due"),
        ("class Shop { #pay(cart) { fail() } }", "#pay"),
        ("const shop = { pay: (cart) => { fail() } }", "pay"),
        ("const shop = { pay: async function (cart) { fail() } }", "pay"),
        ("function outer(cb: (due: number) => void): void { fail() }", "outer"),
        ("function outer() { list.map((item) => { item }); fail() }", "outer"),
        ("function outer() { if (f(g)) { fail() } }", "outer"),
        ("function outer() { const due = (a + b) * fail() }", "outer"),
        ("function outer() { function inner() {} fail() }", "outer"),
        ("function outer() { function inner() { fail() } }", "inner"),
        ("const App = () => { return <p>Don't {x}</p> }\nfunction pay() { fail() }", "pay"),
        ("<script>\nfunction pay() {\n  fail()\n}\n</script>", "pay"),
        ("function p\u00e4y() { '\U0001f4b6'; fail() }\nfunction pay() { '\U0001f4b6'; }", "p\u00e4y"),
        ("function pay() { '\U0001f4b6'; fail() }", "pay"),
        # functions without a name, and positions outside of any
        ("function outer() { list.map((item) => { fail() }) }", None),
        ("function outer() { list.map((item) => fail()) }", None),
        ("function outer() { list.map(function (item): string { fail() }) }", None),
        ("function outer() { test('x', async () => { fail() }) }", None),
        ("export default function (cart) { fail() }", None),
        ("const pay = useCallback(() => { fail() }, [])", None),
        ("x = y ? z : (cart) => { fail() }", None),
        ("function before() {}\nfail()", None),
        ("if (f(g)) { fail() }", None),
        ("const due = (a + b) * fail()", None),
        # not decided: parameters, whose names the engine knows; a constructor, which is named by its class
        ("function pay(cart = fail()) {}", None),
        ("class Shop { constructor(private cart: Cart) { fail() } }", None),
    ],
)
def test_it_is_the_innermost_function(source: str, name: str | None) -> None:
    assert name_at_fail(source) == name


def test_a_source_that_is_unknown_or_shorter_names_nothing() -> None:
    position = Position("a.ts", 9, 0, None, False, None)

    assert find_written_name(None, position, StepBudget(10**6)) is None
    assert find_written_name(Lines("f()"), position, StepBudget(10**6)) is None


def test_no_more_than_a_window_of_a_long_line_is_read() -> None:
    budget = StepBudget(10**9)

    assert name_at_fail("f();" * 100_000 + "function pay(){fail()}", budget) == "pay"
    assert budget.spent < 32 * 1024


@pytest.mark.parametrize("unit", ["a:", "a=", "a(", "a<", "function a(", "a:(", "`${", "/[", "a=(", "a(){", "=>"])
def test_a_source_that_is_made_to_be_slow_takes_no_more_than_its_share(unit: str) -> None:
    source = unit * (30_000 // len(unit)) + "fail"
    one, many = StepBudget(10**9), StepBudget(20_000)

    name_at_fail(source, one)
    for _ in range(3):
        name_at_fail(source, many)

    assert one.spent <= 16_500
    assert many.spent <= 25_000  # what one search takes before it finds heads
