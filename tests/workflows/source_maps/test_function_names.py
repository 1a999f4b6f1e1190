"""The name of the function around a place, where many are called the same in the bundle."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from string import ascii_uppercase

import pytest

from mcp_errortracking.workflows.source_maps.maps.function_names import find_declared_name
from mcp_errortracking.workflows.source_maps.maps.js_scopes import StepBudget
from mcp_errortracking.workflows.source_maps.maps.symbols import Symbols
from mcp_errortracking.workflows.source_maps.maps.vlq import encode


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
        ("const r=n=>n.map(t=>{let i=1;fail()})", None),
        ("function r(n){return n.map(t=>fail())}", None),
        ("function r(n){return n.map(t=>t),fail()}", "A"),
        ("function r(n){n.map(t=>t)\nfail()}", "A"),
        ("function r(n){const r=n||function(t){fail()}}", None),
        ("function r(n){const r=n?t=>{f()}:t=>{fail()}}", None),
        ("function r(n){const r=f(fail())}", "A"),
        ("function r(n){g={r(t){fail()}}}", "B"),
        ("function r(n){g={get t(){fail()}}}", None),
        ("function r(n){function t(n,i=fail()){}}", None),
        ("function r(n){g={t(n,i=fail()){}}}", None),
        ("function r(n){t=(n,i=fail())=>n}", None),
        ("function t(n){function r(n,i=fail()){}}", "A"),
        ("function t(n){r=(n,i=f(fail()))=>n}", "A"),
        ("function r(n){if(f(n)){for(const t of n){try{fail()}catch(t){}}}}", "A"),
        ("function r(n){f((n,fail()))}", "A"),
        ("function r(n){if(n)/[(]/.test(n);fail()}", "A"),
        ("class t{#r(n){fail()}}", None),
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

    assert find_declared_name(symbols(bundle), line, column, "r") == name


HOSTILE = ["=/[", "=/", "o(", "o=(", "(", "/*", "`${", '"\\', "o(){};", "o=a=>1,", "class o extends "]


@pytest.mark.parametrize("unit", HOSTILE)
@pytest.mark.parametrize("head", ["o=a=>", "function o(a){"])
def test_a_line_that_is_made_to_be_slow_takes_no_more_than_its_share(head: str, unit: str) -> None:
    line = head + unit * (62_000 // len(unit))
    fields = {"version": 3, "sources": ["a.ts"], "names": [], "mappings": "AAAA"}
    bundle = Symbols(line.encode(), json.dumps(fields).encode())
    one, many = StepBudget(10**9), StepBudget(20_000)

    find_declared_name(bundle, 0, len(line), "o", one)
    for column in range(len(line) - 200, len(line)):
        find_declared_name(bundle, 0, column, "o", many)

    assert one.spent <= 70_000
    assert many.spent <= 21_100


@dataclass(frozen=True)
class At:
    """The entry of a map for a position in the bundle."""

    column: int
    name: str | None = None


def mapped(bundle: str, source: str | None, **places: At) -> Symbols:
    """A bundle of one line, in which words stand for a place in the first line of the source."""
    names = [at.name for at in places.values() if at.name]
    segments, last, last_name = ["AAAA"], [0, 0], 0
    for word, at in sorted(places.items(), key=lambda item: bundle.index(item[0])):
        numbers = [bundle.index(word) - last[0], 0, 0, at.column - last[1]]
        last = [bundle.index(word), at.column]
        if at.name:
            numbers.append(names.index(at.name) - last_name)
            last_name = names.index(at.name)
        segments.append("".join(map(encode, numbers)))
    fields = {"version": 3, "sources": ["a.ts"], "names": names, "mappings": ",".join(segments)}
    contents = {} if source is None else {"sourcesContent": [source]}
    return Symbols(bundle.encode(), json.dumps(fields | contents).encode())


@pytest.mark.parametrize(
    ("bundle", "source", "engine", "at", "name"),
    [
        # terser joins assignments into the object, and maps the key to what stands first
        ("const a={parse:a=>{fail()}}", "api.parse = (x) => {", "Object.parse", At(0, "api"), "parse"),
        ("const a={parse:a=>{fail()}}", None, "Object.parse", At(0, "api"), None),
        ("const a={parse:a=>{fail()}}", None, "Object.parse", At(0, "parse"), "parse"),
        ("const a={b:a=>{fail()}}", "api.parse = (x) => {", "Object.b", At(0, "api"), "parse"),
        ("const a={load:async a=>fail()}", "async load(x) { return 1; }", "Object.load", At(0, "async"), "load"),
        ("const a={load:async a=>fail()}", None, "Object.load", At(0, "async"), None),
        ("const a={delete(n){fail()}}", "delete(id) {", "Object.delete", At(0), "delete"),
        # terser makes variables of an object's properties, and maps them to the object
        ("const zz=n=>{fail()}", "const holder = { go(n) {", "zz", At(6, "holder"), None),
        ("t,zz=function(n){fail()}", "mod = {};", "zz", At(0, "mod"), None),
        # names that bundlers make up
        ("const a={fnApply(n){fail()}}", "['fnApply'](x) {", "Object.fnApply", At(0, '"fnApply"'), "fnApply"),
        ("const a={dyn1(n){fail()}}", '["dyn" + 1](x) {', "Object.dyn1", At(0, '"dyn" + 1'), None),
        ("const zz=function(n){fail()}", "#validate(x) {", "k.zz", At(0, "validate_fn"), "#validate"),
        ("const zz=function(n){fail()}", None, "k.zz", At(0, '"dyn" + 1'), None),
        ("class t{#zz(n){fail()}}", "  #validate(x) {", "#zz", At(2, "#validate"), "#validate"),
        ("class t{#zz(n){fail()}}", None, "t.#zz", At(0, "#validate"), "#validate"),
        # a helper's parameter, which an inlined function was given to
        ("t,zz=async function(n){fail()}", "function define(name, fn) { set(fn); }", "zz", At(22, "fn"), None),
        ("t,zz=async function(n){fail()}", "function define(name, fn: Fn) {", "zz", At(22, "fn"), None),
        ("t,zz=async function(n){fail()}", "list.map(fn => fn(1))", "zz", At(9, "fn"), None),
        # columns are UTF-16's
        ("const zz=n=>{fail()}", "/* \U0001f4b6 */ const price = (x) => {", "zz", At(15, "price"), "price"),
    ],
)
def test_a_name_is_the_functions_own_or_none(
    bundle: str, source: str | None, engine: str, at: At, name: str | None
) -> None:
    word = engine.rpartition(".")[2]
    line = mapped(bundle, source, **{word: at})

    assert find_declared_name(line, 0, bundle.index("fail"), engine) == name
