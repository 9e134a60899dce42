# make demo   the story: a few calls through Envoy and Regent, then it ends
# make run    the same set-up, left running for your own client
# make test   everything that must pass
GO ?= go
# Where a stretch of random or exhaustive testing should be short: -short.
TESTFLAGS ?=

.DEFAULT_GOAL := build
.PHONY: build test unit race integration backends demo run bench fuzz-short lint clean help

help: ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*##/\t/'

build: ## bin/regent
	$(GO) build -trimpath -o bin/regent ./cmd/regent

test: lint unit race integration ## all tests

UNIT = $$($(GO) list ./... | grep -v /integration)

unit: ## tests that need nothing but Go
	$(GO) test $(TESTFLAGS) $(UNIT)

RACE = ./cmd/regent ./pkg/call/... ./pkg/extproc/... ./pkg/policy/... ./pkg/telemetry/... ./pkg/admin/... ./pkg/console/... ./pkg/simulate/...

race: ## the packages that share state, with the race detector
	$(GO) test -race -short $(RACE)

integration: ## real Envoy, real client libraries; installs them into the user's cache once
	$(GO) test -timeout 15m $(TESTFLAGS) ./integration/...

backends: ## our spans in a real OpenTelemetry Collector and Jaeger; builds both once (some 15 minutes on two cores)
	$(GO) test -timeout 60m -tags backends -run '^TestBackend' -v ./integration

demo: ## the story (DEMO_LLM=0 leaves the real model out; OPENAI_API_KEY makes the public provider real)
	@$(GO) run ./examples/demo

run: ## the demo's set-up, until Ctrl-C
	@$(GO) run ./examples/demo --stay

bench: ## benchmarks of the way of a call
	$(GO) test -run '^$$' -bench . -benchmem $(UNIT)

FUZZTIME ?= 10s

fuzz-short: ## each fuzz target for $(FUZZTIME)
	@set -e; for file in $$(grep -rl --include='*_test.go' '^func Fuzz' pkg cmd); do \
	  for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' $$file); do \
	    echo "$$(dirname $$file) $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) ./$$(dirname $$file); \
	  done; done

lint: ## gofmt and go vet
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt these:"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...

clean: ## remove what was built
	rm -rf bin
