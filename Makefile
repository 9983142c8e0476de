# antmediad.  `make` lists what can be made.

PYTHON ?= python3
# An environment that is active is used; otherwise one of our own.
VENV ?= $(or $(VIRTUAL_ENV),$(CURDIR)/.venv)
BIN := $(VENV)/bin
# Where `make run` keeps its home directory, and where it serves.
RUN_HOME ?= $(CURDIR)/home

# Of `make install`.
DESTDIR ?=
PREFIX ?= /usr/local
ANTMEDIA_HOME ?= /usr/local/antmedia
INSTALLED := $(PREFIX)/lib/antmediad
UNITS := $(PREFIX)/lib/systemd/system

.DEFAULT_GOAL := help
.PHONY: help run test lint typecheck check bench install uninstall clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Debian's python3 comes without the part that makes virtual environments.
define need_python
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo 'antmediad needs Python 3.11 or later: make PYTHON=/path/to/python3' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo 'installing python3-venv'; \
	  as_root=; [ "$$(id -u)" = 0 ] || as_root='sudo -n'; \
	  $$as_root apt-get update -q && $$as_root apt-get install -q -y --no-install-recommends python3-venv \
	  || { echo 'cannot: install python3-venv (Debian, Ubuntu) yourself' >&2; exit 1; }; }
endef

$(BIN)/python:
	$(need_python)
	$(PYTHON) -m venv $(VENV)

$(VENV)/.antmediad-run: setup.cfg pyproject.toml daemon/antmediad/__init__.py | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	@touch $@

$(VENV)/.antmediad-test: $(VENV)/.antmediad-run
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[test]'
	@touch $@

$(VENV)/.antmediad-bench: $(VENV)/.antmediad-test
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[bench]'
	@touch $@

$(RUN_HOME):
	mkdir -p $@/conf
	cp -R webapps $@/webapps
	sed 's/^http.host=.*/http.host=127.0.0.1/' systemd/red5.properties > $@/conf/red5.properties

run: $(VENV)/.antmediad-run | $(RUN_HOME) ## install what is needed and serve ./home on 127.0.0.1:5080
	@# Commands of this environment are about this home from now on, without --home.
	@echo '$(RUN_HOME)' > $(VENV)/antmediad.home
	@exec $(BIN)/antmediad serve --home $(RUN_HOME) $(ARGS)

# The panel is tested in a real browser.
define need_browser
	@command -v chromium chromium-browser >/dev/null || { \
	  echo 'installing chromium'; \
	  as_root=; [ "$$(id -u)" = 0 ] || as_root='sudo -n'; \
	  $$as_root apt-get update -q && $$as_root apt-get install -q -y --no-install-recommends chromium \
	  || echo 'no Chromium, and it cannot be installed: tests of the panel are skipped' >&2; }
endef

test: $(VENV)/.antmediad-test ## install what is needed and run all tests; make test ARGS="-k jwks" for a part
	$(need_browser)
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.antmediad-test ## check the style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

typecheck: $(VENV)/.antmediad-test ## check the types
	$(BIN)/mypy

check: lint typecheck test ## what CI runs, in CI's order

bench: $(VENV)/.antmediad-bench ## print the figures, each beside its peer's from the same run
	$(BIN)/python -m benchmarks $(ARGS)

install: ## as root: install the service; honours DESTDIR, PREFIX, ANTMEDIA_HOME
	$(need_python)
	$(PYTHON) -m venv --clear $(DESTDIR)$(INSTALLED)
	$(DESTDIR)$(INSTALLED)/bin/python -m pip install -q --disable-pip-version-check .
	@# Scripts name the interpreter by the path that it has without DESTDIR.
	sed -i '1s|^#!$(DESTDIR)$(INSTALLED)|#!$(INSTALLED)|' $(DESTDIR)$(INSTALLED)/bin/antmediad
	echo '$(ANTMEDIA_HOME)' > $(DESTDIR)$(INSTALLED)/antmediad.home
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(UNITS) $(DESTDIR)$(PREFIX)/lib/sysusers.d
	ln -sfn $(INSTALLED)/bin/antmediad $(DESTDIR)$(PREFIX)/bin/antmediad
	sed 's|@HOME@|$(ANTMEDIA_HOME)|g; s|@BIN@|$(PREFIX)/bin|g' systemd/antmedia.service.in \
	  > $(DESTDIR)$(UNITS)/antmedia.service
	sed 's|@HOME@|$(ANTMEDIA_HOME)|g' systemd/sysusers.conf.in \
	  > $(DESTDIR)$(PREFIX)/lib/sysusers.d/antmedia.conf
	[ -n '$(DESTDIR)' ] || id -u antmedia >/dev/null 2>&1 \
	  || systemd-sysusers $(PREFIX)/lib/sysusers.d/antmedia.conf 2>/dev/null \
	  || useradd --system --home-dir $(ANTMEDIA_HOME) --shell /usr/sbin/nologin antmedia
	@# What is there already stays as it is, its owner included.
	@set -e; home='$(DESTDIR)$(ANTMEDIA_HOME)'; made=; \
	  [ -e "$$home/webapps" ] || { install -d "$$home"; cp -R webapps "$$home/webapps"; made="$$home/webapps"; }; \
	  [ -e "$$home/conf/red5.properties" ] || { install -d "$$home/conf"; \
	    install -m 640 systemd/red5.properties "$$home/conf/"; made="$$made $$home/conf/red5.properties"; }; \
	  for directory in data log; do \
	    [ -e "$$home/$$directory" ] || { install -d -m 750 "$$home/$$directory"; made="$$made $$home/$$directory"; }; \
	  done; \
	  [ -n '$(DESTDIR)' ] || [ -z "$$made" ] || chown -R antmedia:antmedia $$made
	[ -n '$(DESTDIR)' ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload
	@echo 'installed; start it with: systemctl enable --now antmedia'

uninstall: ## as root: remove what `make install` installed; data and settings stay
	[ -n '$(DESTDIR)' ] || [ ! -d /run/systemd/system ] || systemctl disable --now antmedia || true
	rm -rf $(DESTDIR)$(INSTALLED)
	rm -f $(DESTDIR)$(PREFIX)/bin/antmediad $(DESTDIR)$(UNITS)/antmedia.service
	rm -f $(DESTDIR)$(PREFIX)/lib/sysusers.d/antmedia.conf
	[ -n '$(DESTDIR)' ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload

clean: ## remove what was made, but not ./home
	rm -rf .venv build dist daemon/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find daemon tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
