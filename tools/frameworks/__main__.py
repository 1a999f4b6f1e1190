"""Build the apps below .ci/frameworks, and write what PostHog's SDKs send of them.

    python -m tools.frameworks [NAME ...]
    python -m tools.frameworks --lock

Each app has a lock of its packages, which `--lock` writes again from its package.json.

Needs node, npm and Chromium. Each app is built in a temporary folder, one at a time. Its maps are uploaded to a
sandbox, the app runs and throws, and the exception that its SDK sends is stored as an event of an issue in a second
sandbox, which gets the maps of the same build. `source-maps resolve --issue` must then show the file, line and function
that were written. The events go to tests/workflows/source_maps/fixtures/frameworks, with the app's own bundle where it
holds no code of the framework; the table is in docs/source-maps.md.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tools.frameworks.apps import APPS, FOLDER
from tools.frameworks.records import PAGE, with_table
from tools.frameworks.running import Bench, BuildError, lock


def main() -> int:
    parser = argparse.ArgumentParser(description="Build apps with real frameworks and resolve their exceptions.")
    parser.add_argument("names", nargs="*", help="apps; default: all")
    parser.add_argument("--keep", action="store_true", help="keep the folder of each build")
    parser.add_argument("--lock", action="store_true", help="write the locks of all apps again, and end")
    options = parser.parse_args()
    if options.lock:
        for manifest in sorted(FOLDER.glob("*/package.json")):
            lock(manifest.parent)
        return 0
    unknown = set(options.names) - {app.name for app in APPS}
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    wanted = [app for app in APPS if not options.names or app.name in options.names]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="fw-driver-") as driver:
        bench = Bench(Path(driver))
        for app in wanted:
            try:
                for record in bench.run(app, keep=options.keep):
                    print(f"{app.name}: {record['where']}: {record['resolved']}", flush=True)
            except BuildError as error:
                failed += 1
                print(f"{app.name}: {error}", file=sys.stderr, flush=True)
    PAGE.write_text(with_table(PAGE.read_text("utf-8")), "utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
