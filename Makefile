# The two commands for a new user: make demo, make test. Both install everything they need into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test lint build site bench generate reference docs fuzz review sbom audit release-check lock clean install

demo: install
	$(BIN)/mcp-errortracking demo

test: install
	$(BIN)/pytest -n auto -p no:randomly
	$(BIN)/mcp-errortracking --version

lint: install
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/deptry .

build: install
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist

# The documentation as a site in dist/site; .ci/site installs the generator first.
site: install
	$(BIN)/python -m tools.site dist/site

bench: install
	$(BIN)/python -m benchmarks

# Twenty times as many examples as the test suite, different on each run.
fuzz: install
	MCP_FUZZ_TIMES=$${MCP_FUZZ_TIMES:-20} $(BIN)/pytest tests/fuzz -n auto --timeout 3600

# Check licences, pins, hashes and reasons of all run-time dependencies, without the network.
review: install
	$(BIN)/python -m tools.dependencies review

sbom: install
	mkdir -p dist
	$(BIN)/python -m tools.dependencies sbom dist/sbom.cdx.json

# Say what is missing for a release, without the network.
release-check: install
	$(BIN)/python -m tools.release check

# Check the pinned versions for known vulnerabilities; needs the network.
audit: install
	$(BIN)/uv tool run pip-audit --requirement requirements-dev.lock --require-hashes --disable-pip

# Rewrite the generated files that take seconds: all but the token counts.
reference: install
	$(BIN)/python -m mcp_errortracking.server.tools
	$(BIN)/python -m mcp_errortracking.server.ready_file
	$(BIN)/python -m tools.reference
	$(BIN)/python -m tests.faults.report
	$(BIN)/python -m tests.hostile.report

# Rewrite every generated file, which takes minutes. Tests fail if one is stale. Token counts need node and npm (and
# npm packages).
generate: reference
	@if command -v node > /dev/null && command -v npm > /dev/null; then \
	    echo "$(BIN)/python -m benchmarks.tokens --write"; $(BIN)/python -m benchmarks.tokens --write > /dev/null; \
	else \
	    echo "node and npm are not installed: docs/tokens.md and the figures of README.md were not rewritten"; \
	fi

docs: generate

install: $(STAMP)

$(STAMP): pyproject.toml requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "mcp_errortracking needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	    { echo "Python's venv module is missing. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Pin the development environment: exact versions and hashes, no registry host.
lock: install
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-header --no-annotate \
	    --no-emit-index-url --no-emit-find-links --upgrade --quiet --output-file requirements-dev.lock

clean:
	rm -rf $(VENV) build dist
