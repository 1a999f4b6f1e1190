"""The name of the function around a place, where many are called the same in the bundle."""

import json
import re
from collections.abc import Iterator
from string import ascii_uppercase

import pytest

from mcp_errortracking.workflows.function_names import declared
from mcp_errortracking.workflows.symbols import Symbols


def symbols(bundle: str) -> Symbols:
    """A bundle whose every `r` was once another letter: the first was A, the second B."""
    letters: Iterator[str] = iter(ascii_uppercase)
    original = re.sub(r"\br\b", lambda _: next(letters), bundle)
    mappings = ";".join(
        ",".join([f"AA{'CA'[not number]}{back(before)}", *["CAAC"] * (len(line) - 1)])
        for number, (before, line) in enumerate(zip(["", *bundle.split("\n")], bundle.split("\n"), strict=False))
    )
    fields = {"version": 3, "sources": ["a.ts"], "names": [], "mappings": mappings, "sourcesContent": [original]}
    return Symbols(bundle.encode(), json.dumps(fields).encode())


def back(line: str) -> str:
    """The way back to the start of a line, as a number of a map; lines here have at most 512 characters."""
    number = max(0, len(line) - 1) << 1 | (len(line) > 1)
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return digits[number] if number < 32 else digits[number & 31 | 32] + digits[number >> 5]


@pytest.mark.parametrize(
    ("bundle", "name"),
    [
        ("function r(n){const r=n=>{for(const r of[1])o(n,r)};for(const t of n){fail()}}", "A"),
        ("function r(n){const r=n=>{for(const t of[1]){fail()}};for(const t of n){}}", "B"),
        ("const r=()=>{f()};if(x){fail()}", None),
        ("function r(){f()}function t(){fail()}", None),
        ("function r(){a(\"}\");b='}';fail()}", "A"),
        ("function r(){a(`}${b(`}`,{})}}`);fail()}", "A"),
        ("function r(){a(`}${fail()}`)}", "A"),
        ("function r(){a(/[}/]\\}/);return/}/.test(x)||fail()}", "A"),
        ("function r(){/* } */fail()}", "A"),
        ("function r() {\n  // it's a }\n  fail();\n}", "A"),
        ("let r=function(n={}){fail()}", "A"),
        ("let r=async function*r(n={}){fail()}", "B"),
        ("let r=class extends t{static s(){}m(){fail()}}", "A"),
        ("class r{constructor(n){fail()}}", "A"),
        ("class t{r(n=f()){fail()}}", "A"),
        ("const r=n=>f(n)+fail()", "A"),
        ("const r=n=>({a:[1,2],b:fail()})", "A"),
        ("const r=n=>n.map(t=>{let i=1;fail()})", "A"),
        ("let r=((n)=>{fail()})", "A"),
        ("const r=n=>f(n),t=fail()", None),
        ("const r=n=>f(n);fail()", None),
        ("g({r:n=>f(n)},fail())", None),
        ("const r = n => f(n)\nfail()", None),
        ("const r = n =>\n  f(n)\n    .then(fail())", "A"),
    ],
)
def test_it_is_the_one_that_is_still_open(bundle: str, name: str | None) -> None:
    before, _, _ = bundle.partition("fail")
    line, column = before.count("\n"), len(before.rpartition("\n")[2])

    assert declared(symbols(bundle), line, column, "r") == name
