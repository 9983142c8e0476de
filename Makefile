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
.PHONY: help run test test-service lint typecheck check bench install uninstall deb clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

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

# The panel is tested in a real browser; what drives it (Node.js, of Playwright) needs libatomic.
define need_browser
	@{ { command -v chromium || command -v chromium-browser; } && $(BIN)/playwright --version; } >/dev/null 2>&1 || { \
	  echo 'installing chromium and libatomic1'; \
	  as_root=; [ "$$(id -u)" = 0 ] || as_root='sudo -n'; \
	  $$as_root apt-get update -q && $$as_root apt-get install -q -y --no-install-recommends chromium libatomic1 \
	  || echo 'cannot: without chromium tests of the panel are skipped, without libatomic1 they fail' >&2; }
endef

test: $(VENV)/.antmediad-test ## install what is needed and run all tests; make test ARGS="-k jwks" for a part
	$(need_browser)
	$(BIN)/python -m pytest -n auto --dist loadfile --ignore=tests/service $(ARGS)

test-service: $(VENV)/.antmediad-test ## as root: test the service and the package in a Debian 12 with systemd, in a container
	@[ "$$(id -u)" != 0 ] || { command -v systemd-nspawn && command -v debootstrap; } >/dev/null \
	  || { apt-get update -q && apt-get install -q -y --no-install-recommends systemd-container debootstrap; }
	$(BIN)/python -m pytest tests/service $(ARGS)

lint: $(VENV)/.antmediad-test ## check the style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

typecheck: $(VENV)/.antmediad-test ## check the types
	$(BIN)/mypy

check: lint typecheck test test-service ## what CI runs, in CI's order

bench: $(VENV)/.antmediad-bench ## print the figures, each beside its peer's from the same run
	$(BIN)/python -m benchmarks $(ARGS)

# What is the same for `make install` and the package; $(1): the root, $(2): the prefix.
define install_files
	install -d $(1)$(2)/bin $(1)$(2)/lib/systemd/system $(1)$(2)/lib/sysusers.d $(1)$(2)/lib/tmpfiles.d
	echo '$(ANTMEDIA_HOME)' > $(1)$(2)/lib/antmediad/antmediad.home
	ln -sfn $(2)/lib/antmediad/bin/antmediad $(1)$(2)/bin/antmediad
	sed 's|@HOME@|$(ANTMEDIA_HOME)|g; s|@BIN@|$(2)/bin|g' systemd/antmedia.service.in \
	  > $(1)$(2)/lib/systemd/system/antmedia.service
	install -m 644 systemd/antmedia.socket systemd/antmedia-https.socket $(1)$(2)/lib/systemd/system/
	for kind in sysusers tmpfiles; do \
	  sed 's|@HOME@|$(ANTMEDIA_HOME)|g' systemd/$$kind.conf.in > $(1)$(2)/lib/$$kind.d/antmedia.conf; \
	done
endef

install: ## as root: install the service; honours DESTDIR, PREFIX, ANTMEDIA_HOME
	$(need_python)
	$(PYTHON) -m venv --clear $(DESTDIR)$(INSTALLED)
	$(DESTDIR)$(INSTALLED)/bin/python -m pip install -q --disable-pip-version-check .
	@# Scripts name the interpreter by the path that it has without DESTDIR.
	sed -i '1s|^#!$(DESTDIR)$(INSTALLED)|#!$(INSTALLED)|' $(DESTDIR)$(INSTALLED)/bin/antmediad
	$(call install_files,$(DESTDIR),$(PREFIX))
	[ -n '$(DESTDIR)' ] || id -u antmedia >/dev/null 2>&1 \
	  || systemd-sysusers $(PREFIX)/lib/sysusers.d/antmedia.conf 2>/dev/null \
	  || useradd --system --home-dir $(ANTMEDIA_HOME) --shell /usr/sbin/nologin antmedia
	@# What is there already stays as it is, its owner included.
	@set -e; home='$(DESTDIR)$(ANTMEDIA_HOME)'; made=; \
	  [ -e "$$home/webapps" ] || { install -d "$$home"; cp -R webapps "$$home/webapps"; made="$$home/webapps"; }; \
	  [ -e "$$home/conf" ] || { install -d "$$home/conf"; made="$$made $$home/conf"; }; \
	  [ -e "$$home/conf/red5.properties" ] || { install -m 640 systemd/red5.properties "$$home/conf/"; \
	    made="$$made $$home/conf/red5.properties"; }; \
	  for directory in data log; do \
	    [ -e "$$home/$$directory" ] || { install -d -m 750 "$$home/$$directory"; made="$$made $$home/$$directory"; }; \
	  done; \
	  [ -n '$(DESTDIR)' ] || [ -z "$$made" ] || chown -R antmedia:antmedia $$made
	[ -n '$(DESTDIR)' ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload
	@echo 'installed; start it with: systemctl enable --now antmedia'

uninstall: ## as root: remove what `make install` installed; data and settings stay
	[ -n '$(DESTDIR)' ] || [ ! -d /run/systemd/system ] \
	  || systemctl disable --now antmedia.socket antmedia-https.socket antmedia || true
	rm -rf $(DESTDIR)$(INSTALLED)
	rm -f $(DESTDIR)$(PREFIX)/bin/antmediad
	rm -f $(addprefix $(DESTDIR)$(UNITS)/,antmedia.service antmedia.socket antmedia-https.socket)
	rm -f $(DESTDIR)$(PREFIX)/lib/sysusers.d/antmedia.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/antmedia.conf
	[ -n '$(DESTDIR)' ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload

# Of the package.  Its Python is Debian 12's, so that is what its dependencies are compiled for.
DEB_ROOT := build/deb/root
DEB_LIB := $(DEB_ROOT)/usr/lib/antmediad
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"$$/\1/p' daemon/antmediad/__init__.py)
ARCHITECTURE = $(shell dpkg --print-architecture)

deb: $(BIN)/python ## build dist/antmediad_VERSION_ARCH.deb for Debian 12
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
	  || { echo 'the package needs Python 3.11, which is that of Debian 12: make deb PYTHON=python3.11' >&2; exit 1; }
	rm -rf build/deb build/lib build/bdist.*
	install -d $(DEB_LIB)/bin $(DEB_LIB)/lib/python3.11 build/deb/wheel dist
	$(BIN)/python -m pip wheel -q --disable-pip-version-check --no-deps -w build/deb/wheel .
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-compile --only-binary :all: \
	  --target $(DEB_LIB)/lib/python3.11/site-packages build/deb/wheel/*.whl
	rm -rf $(DEB_LIB)/lib/python3.11/site-packages/bin
	ln -s /usr/bin/python3.11 $(DEB_LIB)/bin/python
	printf 'home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11\n' > $(DEB_LIB)/pyvenv.cfg
	install -m 755 systemd/deb/antmediad $(DEB_LIB)/bin/antmediad
	@# Compiled here, the files belong to the package, and time stamps do not make them stale.
	$(BIN)/python -m compileall -q -s $(DEB_ROOT) --invalidation-mode unchecked-hash $(DEB_LIB)/lib
	$(call install_files,$(DEB_ROOT),/usr)
	install -d $(DEB_ROOT)/usr/share/antmediad/conf $(DEB_ROOT)/usr/share/doc/antmediad
	cp -R webapps $(DEB_ROOT)/usr/share/antmediad/webapps
	install -m 644 systemd/red5.properties $(DEB_ROOT)/usr/share/antmediad/conf/
	cp -R README.md docs $(DEB_ROOT)/usr/share/doc/antmediad/
	install -m 644 LICENSE $(DEB_ROOT)/usr/share/doc/antmediad/copyright
	gzip -9n < CHANGELOG.md > $(DEB_ROOT)/usr/share/doc/antmediad/changelog.gz
	install -d $(DEB_ROOT)/DEBIAN
	sed "s|@VERSION@|$(VERSION)|; s|@ARCHITECTURE@|$(ARCHITECTURE)|; s|@SIZE@|$$(du -sk $(DEB_ROOT)/usr | cut -f1)|" \
	  systemd/deb/control.in > $(DEB_ROOT)/DEBIAN/control
	for script in postinst prerm postrm; do \
	  sed 's|@HOME@|$(ANTMEDIA_HOME)|g' systemd/deb/$$script.in > $(DEB_ROOT)/DEBIAN/$$script; \
	  chmod 755 $(DEB_ROOT)/DEBIAN/$$script; \
	done
	cd $(DEB_ROOT) && find usr -type f -exec md5sum {} + > DEBIAN/md5sums
	chmod -R u+rwX,go+rX,go-w $(DEB_ROOT)
	dpkg-deb --root-owner-group --build $(DEB_ROOT) dist/antmediad_$(VERSION)_$(ARCHITECTURE).deb

clean: ## remove what was made, but not ./home
	rm -rf .venv build dist daemon/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find daemon tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
