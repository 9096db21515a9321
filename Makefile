# Every target does its own set-up: a machine with Python 3.11 or newer, git and make is enough.
.PHONY: help demo test lint bench setup clean
door := sh tests/env/door.sh

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' Makefile
demo: ## watch 40 simulated SAP hosts being patched
	@$(door) demo $(ARGS)
test: ## all checks and tests (as root: also those on real small hosts); ARGS="-k word" for some
	@$(door) test $(ARGS)
lint: ## the checks of form alone
	@$(door) lint $(ARGS)
bench: ## the benchmarks; ONLY=plan for one
	@$(door) bench $(ONLY) $(ARGS)
setup: ## make the environments and run nothing
	@$(door) setup
clean: ## remove what the other targets made
	@$(door) clean
