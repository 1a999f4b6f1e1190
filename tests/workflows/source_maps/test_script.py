"""The parts of a script that are found without parsing it."""

import pytest

from mcp_errortracking.workflows.source_maps.maps.script import InsertionPoint, comment, find_insertion_point, map_url


@pytest.mark.parametrize(
    ("script", "url"),
    [
        ("a()\n//# sourceMappingURL=a.js.map", "a.js.map"),
        ("a()\n//# sourceMappingURL=a.js.map\r\n\r\n", "a.js.map"),
        ("a()//# sourceMappingURL=a.js.map\n", "a.js.map"),
        ("a()\n//@ sourceMappingURL=old.map\n", "old.map"),
        ("a{}\n/*# sourceMappingURL=a.css.map */", "a.css.map"),
        ("//# sourceMappingURL=first.map\n//# sourceMappingURL=last.map\n//# chunkId=1\n/* end\n */\n", "last.map"),
        ("//# sourceMappingURL=https://cdn.example/a%20b.js.map?v=1", "https://cdn.example/a%20b.js.map?v=1"),
        ("//# sourceMappingURL=data:application/json;base64,e30=\n", "data:application/json;base64,e30="),
        ("//# sourceMappingURL=a.map\nb()", None),
        ('x = "//# sourceMappingURL=a.map"', None),
        ("x = `\n//# sourceMappingURL=a.map`", None),
        ("// about sourceMappingURL=a.map", None),
        ("a() */", None),
        ("", None),
        ("\n\n", None),
    ],
)
def test_the_map_that_a_script_names(script: str, url: str | None) -> None:
    assert map_url(script.encode()) == url


def test_the_ids_that_a_script_has() -> None:
    script = b"a()\n//# debugId=d\n//# chunkId=one\n//# chunkId=two three\n/* end\n */\n\n//# sourceMappingURL=a\n"

    assert comment(script, "chunkId") == "two"
    assert comment(script, "debugId") == "d"
    assert comment(b"//# chunkId=first", "chunkId") == "first"
    assert comment(b"a //# chunkId=x", "chunkId") is None
    assert comment(b"\n//# chunkId=\nx", "chunkId") is None


@pytest.mark.parametrize(
    "script",
    [
        "//# chunkId=of-a-library\na()\n//# sourceMappingURL=a.map",
        "x = `\n//# chunkId=no`",
        "x = `\n//# chunkId=no\n`",
        "a()\n//# chunkId=no\nb()",
    ],
)
def test_what_only_looks_like_an_id_is_none(script: str) -> None:
    assert comment(script.encode(), "chunkId") is None


@pytest.mark.parametrize(
    ("before", "after", "line", "column"),
    [
        ("", "a()", 0, 0),
        ("", "/*! licence */a()", 0, 0),
        ("", "\na()", 0, 0),
        ("\ufeff", "a()", 0, 0),
        ("#!/usr/bin/env node\n", "a()", 1, 0),
        ("#!/usr/bin/env node\r\n", "a()", 1, 0),
        ('"use strict";\n', "a()", 1, 0),
        ('"use strict";', "(()=>{})()", 0, 13),
        ("#!x\n/* a\n */ 'use client' ; \"use strict\";  \n", "a()", 3, 0),
        ("'use strict'\n", "a()", 1, 0),
        ("'use strict'\n", "!a()", 1, 0),
        ("/* 💶 */'use strict';", "a()", 0, 21),
        ("", "'use strict'\n(a)", 0, 0),
        ("", "'use strict'\n+ a", 0, 0),
        ("", "'use strict'\nin a", 0, 0),
        ("", "'use strict'.length", 0, 0),
        ("", "'a' + b; 'use strict';", 0, 0),
        ("", "/* never closed", 0, 0),
    ],
)
def test_where_code_can_be_put_first(before: str, after: str, line: int, column: int) -> None:
    place = find_insertion_point((before + after).encode())

    assert place == InsertionPoint(len(before.encode()), line, column)
