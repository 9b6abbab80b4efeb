# A fresh clone needs nothing but Python 3.11 or newer before `make serve` or `make test`.
# Everything made here lands in .venv and build, which git ignores; pip and go keep the
# settings of this machine (their configuration files and environment variables).

PYTHON ?= python3
VENV ?= .venv
SERVE_ARGS ?=
FUZZ_SECONDS ?= 60
SOAK_SECONDS ?= 1800
MUTANTS ?=
# The last commit before lanes, indexes of journals, keys on demand and kept worlds.
BEFORE ?= efb785f

NANODEP := github.com/micromdm/nanodep
NANODEP_VERSION := v0.7.0
NANOAXM := github.com/micromdm/nanoaxm
NANOAXM_VERSION := v0.2.0
NANODEP_COMMANDS := depserver depsyncer deptokens

NANOMDM := github.com/micromdm/nanomdm
NANOMDM_VERSION := v0.9.0

SCEP := github.com/micromdm/scep/v2
SCEP_VERSION := v2.3.0

STEP_CA := github.com/smallstep/certificates/cmd/step-ca
STEP_CA_VERSION := v0.30.2

# The chart and the compose files are checked by their own tools.
HELM := helm.sh/helm/v3/cmd/helm
HELM_VERSION := v3.19.0

H2SPEC := github.com/summerwind/h2spec/cmd/h2spec
# The newest release that a Go proxy can install; 146 cases.
H2SPEC_VERSION := v2.2.1+incompatible

BIN := $(VENV)/bin
# With another Python than before, an environment is made anew.
PYTHON_VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)

# A stamp says that a step was done with the present pyproject.toml; it goes with its environment.
MADE := $(VENV)/.made-$(PYTHON_VERSION)
PROJECT := $(VENV)/.project-installed
TEST := $(VENV)/.test-installed

# Each other target has an environment of its own, filled from these dependency groups, so that
# none of them runs on what another one installed. mypy reads the tests, so it wants their imports.
GROUPS_lint := test lint
GROUPS_clients := test clients
GROUPS_fuzz := fuzz
GROUPS_wheel := test
GROUPS_mutants := test
ENVIRONMENTS := lint wheel clients fuzz mutants
LOWEST := build/lowest
LOWEST_TESTS ?= tests/auth tests/commands tests/console tests/control tests/disclosure tests/pki \
	tests/protocol tests/services tests/store tests/transport tests/worlds tests/test_app.py
AUDIT := build/audit

# Programs that are no Python's.
TOOLS := build/tools
CLIENTS := $(abspath $(TOOLS))
NANODEP_BUILT := $(TOOLS)/.nanodep-$(NANODEP_VERSION)
NANOMDM_BUILT := $(TOOLS)/.nanomdm-$(NANOMDM_VERSION)
NANOAXM_BUILT := $(TOOLS)/.nanoaxm-$(NANOAXM_VERSION)
MICROMDM := tests/clients/go/micromdm
MICROMDM_BUILT := $(TOOLS)/.micromdm-built
MDMB := tests/clients/go/mdmb
MDMB_BUILT := $(TOOLS)/.mdmb-built
SCEP_BUILT := $(TOOLS)/.scep-$(SCEP_VERSION)
H2SPEC_BUILT := $(TOOLS)/.h2spec-$(H2SPEC_VERSION)
HELM_BUILT := $(TOOLS)/.helm-$(HELM_VERSION)
DEPLOYMENTS := tests/clients/go/deployments
DEPLOYMENTS_BUILT := $(TOOLS)/.deployments-built
APNS_CLIENTS := tests/clients/apns
SIDESHOW_BUILT := $(TOOLS)/.sideshow-built
NODE_APN_BUILT := $(TOOLS)/.node-apn-installed
PUSHY_BUILT := $(TOOLS)/.pushy-installed
CONSOLE_CHECKS := tests/clients/console
WIREMOCK_VERSION := 3.9.1
WIREMOCK := $(TOOLS)/wiremock-standalone-$(WIREMOCK_VERSION).jar
AXE_BUILT := $(TOOLS)/.axe-installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help serve test coverage matrix lint wheel clients step-ca bench bench-beside bench-peers soak attacks replicas fuzz mutants lowest audit image clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

serve: $(PROJECT) ## Serve the demo world (more options: make serve SERVE_ARGS="--help")
	exec $(BIN)/mdmsim serve $(SERVE_ARGS)

test: $(TEST) ## Run the whole test suite
	$(BIN)/pytest -n auto --dist worksteal

# Left out is what is slow when it is measured (time, memory, the end of a process, long searches),
# done by processes of their own, of which coverage sees nothing, or measured for nothing: thousands
# of cases of tables, all but six of whose 23,469 arcs the services' own tests go through.
coverage: $(TEST) ## Run it with its branch coverage, which has to be 95 %, but for what is slow then
	$(BIN)/pytest -n auto --dist worksteal --cov --cov-report=term-missing:skip-covered \
		$(addprefix --ignore=tests/,durability load secrets replicas test_quirk_replays.py \
		test_tables.py commands/test_journal_ranges.py commands/test_serve.py devices/test_killed.py)

matrix: ## Run the whole test suite with each Python from 3.11 on that this machine has
	.ci/matrix

lint: build/lint/.installed ## Check style, types, the direction of imports, and words
	build/lint/bin/ruff check
	build/lint/bin/ruff format --check
	build/lint/bin/mypy
	build/lint/bin/lint-imports
	build/lint/bin/python .ci/words.py

wheel: build/wheel/.installed $(NANODEP_BUILT) ## Build the package, install it elsewhere and use it (needs Go)
	MDMSIM_CLIENTS_BIN=$(CLIENTS) build/wheel/bin/pytest -m wheel tests/wheel --no-cov

# One worker more than two processors: much of the time they wait for the programs of others.
clients: build/clients/.installed $(NANODEP_BUILT) $(NANOMDM_BUILT) $(MICROMDM_BUILT) $(MDMB_BUILT) $(NANOAXM_BUILT) $(SCEP_BUILT) $(H2SPEC_BUILT) $(HELM_BUILT) $(DEPLOYMENTS_BUILT) $(SIDESHOW_BUILT) $(NODE_APN_BUILT) $(PUSHY_BUILT) $(AXE_BUILT) ## Run real third-party clients against it (needs Go, Node.js, Java, Maven, Chromium)
	MDMSIM_CLIENTS_BIN=$(CLIENTS) build/clients/bin/pytest -m clients tests/clients --no-cov -n 3 --dist worksteal

bench: $(TEST) ## Measure all there is a figure for (needs h2load, Go and Node.js)
	$(BIN)/python -m tests.bench

bench-beside: $(TEST) ## Measure this tree beside an older commit (another one: BEFORE=COMMIT; needs h2load, Go, git)
	$(BIN)/python -m tests.bench.beside $(BEFORE)

bench-peers: $(TEST) $(WIREMOCK) ## Measure pushes beside other servers that could take them (needs h2load, Go, Node.js, Java)
	$(BIN)/python -m tests.bench.peers --wiremock $(WIREMOCK)

soak: $(TEST) ## Load it for half an hour, with faults and restarts, and check it (shorter: SOAK_SECONDS=300)
	$(BIN)/python -m tests.soak --seconds $(SOAK_SECONDS)

attacks: $(TEST) ## Alter a journal in 90 ways, plant secrets in thousands of places, and show what became of each
	$(BIN)/python -m tests.attacks
	$(BIN)/python -m tests.secrets

replicas: $(TEST) ## Kill replicas and their database under load, and measure them (needs PostgreSQL, HAProxy, h2load)
	REPLICA_KILLS=20 DATABASE_KILLS=5 INTERLEAVINGS=40 $(BIN)/pytest --no-cov tests/durability/test_replicas.py tests/replicas
	$(BIN)/python -m tests.bench.replicas

fuzz: build/fuzz/.installed ## Fuzz each parser for a minute (longer: make fuzz FUZZ_SECONDS=600)
	build/fuzz/bin/python -m tests.fuzz --seconds $(FUZZ_SECONDS)

mutants: build/mutants/.installed ## Break promises on purpose, and see whether a test notices (MUTANTS="--each 40")
	build/mutants/bin/python -m tests.mutants $(MUTANTS)

lowest: $(MADE) ## Run the tests with the oldest packages that pyproject.toml allows
	mkdir -p build
	test -x $(LOWEST)/bin/python || $(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --upgrade 'pip>=25.1' uv
	$(LOWEST)/bin/uv pip compile --quiet --no-header --no-annotate --resolution lowest-direct \
		--python $(LOWEST)/bin/python --output-file build/lowest.txt pyproject.toml
	$(LOWEST)/bin/python -m pip install --quiet --constraint build/lowest.txt --editable . --group test
	$(LOWEST)/bin/pytest -n auto --dist worksteal --no-cov -q -p no:cacheprovider $(LOWEST_TESTS)

audit: ## Ask PyPI's advisories about the packages that are needed (needs the network)
	mkdir -p build
	test -x $(AUDIT)/bin/pip-audit || { $(PYTHON) -m venv $(AUDIT) && $(AUDIT)/bin/python -m pip install --quiet pip-audit; }
	$(AUDIT)/bin/pip-audit --strict .

image: $(MADE) $(NANODEP_BUILT) ## Build the Dockerfile and try the image (needs root, buildah, debootstrap, Go)
	CLIENTS=$(CLIENTS) PYTHON=$(BIN)/python tests/image/check.sh

clean: ## Remove what was made here; data directories stay
	rm -rf $(VENV) build dist .coverage* .mypy_cache .pytest_cache .ruff_cache \
		.hypothesis .schemathesis .import_linter_cache bench.json
	find simulator tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Make the environment $(1), empty. Dependency groups (PEP 735) need pip 25.1.
define make_environment
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "mdmsim needs Python 3.11 or newer, and $(PYTHON) is none: make PYTHON=/path/to/python3.13" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(1)
	$(1)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
endef

$(MADE):
	$(call make_environment,$(VENV))
	@touch $@

$(PROJECT): pyproject.toml $(MADE)
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(TEST): $(PROJECT)
	$(BIN)/python -m pip install --quiet --group test
	@touch $@

$(ENVIRONMENTS:%=build/%/.made-$(PYTHON_VERSION)):
	$(call make_environment,$(@D))
	@touch $@

$(ENVIRONMENTS:%=build/%/.installed): build/%/.installed: pyproject.toml build/%/.made-$(PYTHON_VERSION)
	build/$*/bin/python -m pip install --quiet --editable . $(GROUPS_$*:%=--group %)
	@touch $@

$(TOOLS):
	mkdir -p $@

$(NANODEP_BUILT): | $(TOOLS)
	@command -v go >/dev/null || { echo "make clients needs Go 1.24 or newer" >&2; exit 1; }
	GOBIN=$(CLIENTS) go install $(NANODEP_COMMANDS:%=$(NANODEP)/cmd/%@$(NANODEP_VERSION))
	@touch $@

$(NANOMDM_BUILT): | $(TOOLS)
	@command -v go >/dev/null || { echo "make clients needs Go 1.24 or newer" >&2; exit 1; }
	GOBIN=$(CLIENTS) go install $(NANOMDM)/cmd/nanomdm@$(NANOMDM_VERSION)
	@touch $@

# By a module of ours: its releases are tags that `go install` cannot take by themselves.
$(MICROMDM_BUILT): $(wildcard $(MICROMDM)/*) | $(TOOLS)
	@command -v go >/dev/null || { echo "make clients needs Go 1.24 or newer" >&2; exit 1; }
	GOBIN=$(CLIENTS) go -C $(MICROMDM) install github.com/micromdm/micromdm/cmd/micromdm
	@touch $@

# By a module of ours: a Go proxy may have its release, and yet no list of its releases.
$(MDMB_BUILT): $(wildcard $(MDMB)/*) | $(TOOLS)
	@command -v go >/dev/null || { echo "make clients needs Go 1.24 or newer" >&2; exit 1; }
	GOBIN=$(CLIENTS) go -C $(MDMB) install github.com/jessepeterson/mdmb/cmd/mdmb
	@touch $@

$(NANOAXM_BUILT): | $(TOOLS)
	@command -v go >/dev/null || { echo "make clients needs Go 1.24 or newer" >&2; exit 1; }
	GOBIN=$(CLIENTS) go install $(NANOAXM)/cmd/nanoaxm@$(NANOAXM_VERSION)
	@touch $@

step-ca: | $(TOOLS) ## Build step-ca, which `make clients` then has devices get identities from (needs Go, minutes)
	CGO_ENABLED=0 GOBIN=$(CLIENTS) go install $(STEP_CA)@$(STEP_CA_VERSION)

$(SCEP_BUILT): | $(TOOLS)
	@command -v go >/dev/null || { echo "make clients needs Go 1.24 or newer" >&2; exit 1; }
	GOBIN=$(CLIENTS) go install $(SCEP)/cmd/scepserver@$(SCEP_VERSION)
	@touch $@

$(H2SPEC_BUILT): | $(TOOLS)
	@command -v go >/dev/null || { echo "make clients needs Go 1.24 or newer" >&2; exit 1; }
	GOBIN=$(CLIENTS) go install $(H2SPEC)@$(H2SPEC_VERSION)
	@touch $@

$(HELM_BUILT): | $(TOOLS)
	@command -v go >/dev/null || { echo "make clients needs Go 1.24 or newer" >&2; exit 1; }
	GOBIN=$(CLIENTS) go install $(HELM)@$(HELM_VERSION)
	@touch $@

$(DEPLOYMENTS_BUILT): $(wildcard $(DEPLOYMENTS)/*) | $(TOOLS)
	@command -v go >/dev/null || { echo "make clients needs Go 1.24 or newer" >&2; exit 1; }
	GOBIN=$(CLIENTS) go -C $(DEPLOYMENTS) install .
	@touch $@

$(SIDESHOW_BUILT): $(wildcard $(APNS_CLIENTS)/go/*) | $(TOOLS)
	@command -v go >/dev/null || { echo "make clients needs Go 1.24 or newer" >&2; exit 1; }
	GOBIN=$(CLIENTS) go -C $(APNS_CLIENTS)/go install .
	@touch $@

$(NODE_APN_BUILT): $(APNS_CLIENTS)/node/package.json | $(TOOLS)
	@command -v npm >/dev/null || { echo "make clients needs Node.js 20 or newer" >&2; exit 1; }
	mkdir -p $(CLIENTS)/node-apn
	cp $< $(CLIENTS)/node-apn/
	npm install --prefix $(CLIENTS)/node-apn --no-package-lock --no-audit --no-fund --silent
	@touch $@

$(PUSHY_BUILT): $(APNS_CLIENTS)/java/pom.xml $(APNS_CLIENTS)/java/Push.java | $(TOOLS)
	@command -v mvn >/dev/null || { echo "make clients needs Java 17 and Maven" >&2; exit 1; }
	rm -rf $(CLIENTS)/pushy
	mvn --quiet --batch-mode --file $(APNS_CLIENTS)/java/pom.xml dependency:copy-dependencies -DoutputDirectory=$(CLIENTS)/pushy
	javac -cp '$(CLIENTS)/pushy/*' -d $(CLIENTS)/pushy $(APNS_CLIENTS)/java/Push.java
	@touch $@

$(WIREMOCK): | $(TOOLS)
	@command -v mvn >/dev/null || { echo "make bench-peers needs Java 17 and Maven" >&2; exit 1; }
	mvn --quiet --batch-mode dependency:copy -DoutputDirectory=$(CLIENTS) \
		-Dartifact=org.wiremock:wiremock-standalone:$(WIREMOCK_VERSION)

$(AXE_BUILT): $(CONSOLE_CHECKS)/package.json | $(TOOLS)
	@command -v npm >/dev/null || { echo "make clients needs Node.js 20 or newer" >&2; exit 1; }
	@command -v chromium >/dev/null || { echo "make clients needs Debian's chromium" >&2; exit 1; }
	mkdir -p $(CLIENTS)/axe
	cp $< $(CLIENTS)/axe/
	npm install --prefix $(CLIENTS)/axe --no-package-lock --no-audit --no-fund --silent
	@touch $@
