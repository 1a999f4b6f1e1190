"""`python -m tools.site FOLDER`: build the site into a folder. `.ci/site` installs what it takes."""

import sys
from pathlib import Path

from tools.site.building import GENERATOR, BuildError, build
from tools.site.staging import LinkError

if not GENERATOR.exists():
    sys.exit("Run .ci/site first: it installs the generator.")
try:
    build(Path(sys.argv[1]))
except (BuildError, LinkError) as error:
    sys.exit(str(error))
