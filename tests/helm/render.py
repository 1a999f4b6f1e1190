"""Lints, renders and packs the chart with Helm's own library, in the environment of `.ci/helm`.

Reads JSON from stdin: the chart, the folder for its package, and values by name. Writes JSON: the findings, the name of
the package, and for each values the rendered files, or the error.
"""

import json
import sys
from typing import Any

import helm_python as helm  # pyright: ignore[reportMissingImports]

asked: dict[str, Any] = json.load(sys.stdin)
rendered = dict[str, Any]()
with helm.Chart.load(asked["chart"]) as chart:
    for name, values in asked["values"].items():
        try:
            chart.validate_schema(values)
            rendered[name] = {"files": chart.render(values, name="errors", namespace="team")}
        except helm.HelmError as error:
            rendered[name] = {"error": str(error)}
    package = chart.save(asked["folder"])
first = next(iter(asked["values"].values()))
json.dump({"lint": helm.lint(asked["chart"], first, strict=True), "rendered": rendered, "package": package}, sys.stdout)
