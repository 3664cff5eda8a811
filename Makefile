.PHONY: check docs
check: ## format, lint, types, tests
	@sh run check
docs: ## write the generated pages anew
	@.venv/bin/python -m sovaudit.cli.docs docs
