# Daemons of this checkout: up, engine, down, env. Images: bases, frontend.
# A newcomer needs two words: `make demo` and `make test`.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
STAND := tests/stand

.PHONY: help up engine down clean env bases frontend demo check test traps fuzz bench conformance conformance-nightly

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | sed 's/\$$\$$/$$/g' | expand -t 21

up: ## registry, buildkitd and buildx of this checkout (seconds once up)
	@$(STAND)/up

engine: up ## a private Docker Engine as well
	@$(STAND)/engine

down: ## end exactly these daemons
	@$(STAND)/down

clean: ## end them and delete their state; tools and base images stay in the user's cache
	@$(STAND)/down --clean

env: ## export lines for clients: eval "$$(make -s env)"
	@$(STAND)/env

bases: up ## base images that examples and tests FROM; ONLY="debian golang" selects
	@$(STAND)/bases $(ONLY)

frontend: up ## build decant, push it as $$DECANT_IMAGE, write target/decant-frontend.tar
	@$(STAND)/frontend

demo: ## build and run every example, ordinary and distroless
	@$(STAND)/demo

check: ## format, lints, offline tests, documentation
	@$(STAND)/check

test: ## check, a short fuzz run, and the tests against real daemons
	@$(STAND)/test

traps: ## situations ordinary and distroless, compared; ONLY="python/ group/name" selects, JOBS=2 at once
	@$(STAND)/traps

fuzz: ## readers of hostile input against random input; TARGET="elf dpkg" selects, RUNS=1000000 each
	@$(STAND)/fuzz

bench: frontend ## measure decant; ONLY="warm memory" selects, of these, lint, graph, assemble, application and examples
	@$(STAND)/bases golang debian busybox python
	@$(STAND)/bench $(ONLY)

conformance: frontend ## compare every case of tests/cases with the official frontend of the same daemon
	@$(STAND)/bases alpine busybox debian distroless golang
	@$(STAND)/conformance

conformance-nightly: frontend ## the same for random Dockerfiles; CASES=10000, SEED=1
	@$(STAND)/bases busybox
	@tests/tools/oracle/run -requests -random $(or $(CASES),10000) -seed $(or $(SEED),1)
