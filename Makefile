# Two commands do everything: `make demo` and `make test`. `make verify` runs the slow tests too.
PYTHON ?= python3
BIN := .venv/bin
SEEDS ?= 3
INCIDENTS := $(addprefix rehearsals/,ipcc-2015.toml moj-2016.toml ofsted-2017.toml ofqual-2018-01.toml ofqual-2018-03.toml)

.PHONY: venv tools demo run test verify explore chaos fuzz sbom rules dist man lint bench oracle mutants docs reference site pictures image image-trial parts
.DEFAULT_GOAL := test

# What the program needs is installed first: `make demo` waits for nothing else. `tools` are what developers need.
# Modules are compiled when they are imported: most of what packages hold never is.
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --no-compile
LOCKED := $(PIP) --require-hashes --no-build-isolation --use-pep517
# Empty is "no": else every start of the daemon, of which tests make hundreds, would compile its modules anew.
export PYTHONDONTWRITEBYTECODE :=
venv: .venv/installed
tools: .venv/tools

.venv/installed: requirements.lock build.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "needs Python 3.11 or later: make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -m venv .venv 2>/dev/null || { rm -rf .venv; sh tests/parts python3-venv; $(PYTHON) -m venv .venv; }
	@echo "Installing what requirements.lock names (once) ..."
	@$(PIP) --require-hashes -r build.lock
	@$(LOCKED) -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

.venv/tools: .venv/installed dev.lock
	@echo "Installing what dev.lock names besides (once) ..."
	@$(LOCKED) -r dev.lock
	@touch $@

demo: venv
	@rm -rf var/demo
	@echo "Playing five historical incidents through the real daemon: a minute on two idle cores, longer on a busy machine ..."
	@$(BIN)/ninethirty rehearse $(INCIDENTS) --keep var/demo
	@echo "Read the drafted breach reports in var/demo/*/drafts/."
	@echo "See the board: run $(BIN)/ninethirty demo --kept var/demo and open http://127.0.0.1:9030/"
	@echo "Act yourself on a late release, minutes from now: run $(BIN)/ninethirty demo --live"

run: venv
	@$(BIN)/ninethirty --config config.toml run

# Debian packages that slow tests drive. Without root, missing ones are listed and their tests skipped (with CI=true: failed).
parts:
	@sh tests/parts

lint: tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The fast tier. It needs only Python packages, and says how many slow tests it leaves out.
test: tools lint
	$(BIN)/pytest -n auto --dist worksteal -m "not slow"

# Both tiers. Tests marked `alone` need the machine to themselves, so they run last and one after the other.
verify: test parts
	$(BIN)/pytest -n auto --dist worksteal -m "slow and not alone"
	$(BIN)/pytest -m alone

# Properties are tried with fresh seeds. What breaks one is printed and kept in var/explored/, and fails nothing.
# At length: `make explore SEEDS=1000`.
explore: tools
	$(BIN)/pytest -n auto --dist worksteal tests/unit --explore $(SEEDS)

# The readers of foreign bytes alone, at length: make fuzz SEEDS=1000. Finds go where those of `make explore` go. Where
# atheris is installed, each reader is then fed by coverage, for SEEDS seconds.
fuzz: tools
	$(BIN)/pytest -n auto --dist worksteal tests/fuzz --explore $(SEEDS)
	@mkdir -p var/explored
	@$(BIN)/python -m tests.fuzz.by_coverage | while read -r reader; do \
	  $(BIN)/python -m tests.fuzz.by_coverage $$reader -max_total_time=$(SEEDS) -artifact_prefix=var/explored/ || exit 1; done

# What the program is made of, as CycloneDX.
sbom: venv
	@mkdir -p var
	@$(BIN)/python deploy/sbom.py requirements.lock > var/sbom.cdx.json && echo var/sbom.cdx.json

# The alert rules as the Prometheus Operator reads them: what stands before `spec:` stays.
RULES := deploy/kubernetes/cluster/rules.yaml
rules:
	@{ sed '/^spec:/q' $(RULES); sed 's/^./  &/' deploy/prometheus/rules.yml; } > $(RULES).new && mv $(RULES).new $(RULES) && echo $(RULES)

# A wheel that is the same whenever it is built from the same commit.
dist: venv
	@SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m hatchling build --target wheel --directory dist

# Man pages of every verb in var/man: man -l var/man/ninethirty-today.1
man: tools
	@SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python deploy/man.py var/man && echo var/man

bench: tools
	@$(BIN)/python -m bench

# Random rehearsals held against what was true in them: make oracle SEED=7 COUNT=500. A fresh seed without one.
oracle: tools
	@$(BIN)/python -m tests.oracle $(if $(SEED),--seed $(SEED)) --count $(or $(COUNT),100)

# Small changes of the code, each of which some test should notice: make mutants SEED=7 COUNT=300. Stopped, it continues.
mutants: tools
	@$(BIN)/python -m tests.mutants --seed $(or $(SEED),1) --count $(or $(COUNT),300)

# Two monitors and their store hurt at random, held against what was true: make chaos SEED=7 COUNT=50 SECONDS=120.
chaos: tools parts
	@$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(FAULTS),--faults $(FAULTS)) --count $(or $(COUNT),10) --seconds $(or $(SECONDS),60) $(if $(KEEP),--keep $(KEEP))

docs: tools
	$(BIN)/pytest tests/docs

# What editors and readers see of the configuration, made from the settings and examples/every-table.toml.
reference: tools
	@$(BIN)/ninethirty check --schema > examples/config.schema.json
	@$(BIN)/python -m tests.docs.configure_page > docs/configure.md

# The pages of docs/ as a site in var/site, which asks nothing of anybody else.
site: venv
	@test -d var/site-venv || $(PYTHON) -m venv var/site-venv
	@var/site-venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r deploy/site/requirements.lock
	@NO_MKDOCS_2_WARNING=true var/site-venv/bin/mkdocs build --quiet --strict --config-file deploy/site/mkdocs.yml && echo var/site/index.html

# The pictures of README.md and docs/, taken in Chromium from the demonstration. Look at them before you commit them.
pictures: tools parts
	@$(BIN)/python -m tests.browser.pictures > /dev/null && echo docs/pictures

image:
	@ENGINE="$(ENGINE)" BASE="$(BASE)" sh deploy/image

# The same on a machine without engine or registry, as root on Debian: built on a base made of Debian packages, and tried.
image-trial: venv
	@sh tests/image
