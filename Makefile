# Shorthand for the scripts; each also works by itself from a clean clone.
.DEFAULT_GOAL := help
.PHONY: help demo test check env

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile

demo: ## the demonstration
	@scripts/demo

test: ## all tests, with real databases (fetched when missing)
	@scripts/test

check: env ## quick: style, types, layers, and the tests that need no service
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/python -m pytest -m "not real and not slow" -n 2

env: ## make or renew .venv
	@scripts/env
