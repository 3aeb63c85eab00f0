# `make help` lists the targets.
GO ?= go
LINT = $(GO) tool -modfile=$(CURDIR)/.ci/tools/go.mod golangci-lint
COUNT ?= 10
FUZZTIME ?= 20s
ROUNDS ?= 20
SCHEDULES ?= 1000000

.PHONY: help demo test check ci generate update bench fmt lint peers soak format vet tidy generated compatible platforms

help: ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "%-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## run the demo on http://localhost:3000, with an emulated Roblox of its own
	$(GO) run ./cmd/rblx demo

test: ## run the tests; needs Go alone
	CGO_ENABLED=0 $(GO) test -timeout 30m ./...

check: format vet lint tidy generated compatible ## the fast gate, before a commit

ci: export RBLX_REQUIRE = 1
ci: check platforms test ## the whole gate: no test may skip; .ci/run prepares a machine for it
	$(GO) test -race -timeout 30m ./...
	$(GO) test -v -timeout 30m -run '^TestSimulation$$' ./oauth -rapid.checks=3400 # 102,000 schedules
	$(MAKE) peers

generate: ## write the generated code anew from openapi/; offline
	$(GO) generate ./...

# What imports no generated code cannot have been broken; left out, it is neither
# downloaded nor built, which would take the most time.
update: ## take in a newer document of Roblox's: make update SPEC=openapi.json
	@test -n "$(SPEC)" || { echo 'make update needs SPEC=file' >&2; exit 2; }
	@before=$$(mktemp -d) && trap 'rm -rf "$$before"' EXIT && cp -R api "$$before" && \
		$(GO) run ./cmd/rblxgen import "$(SPEC)" && $(GO) generate . && \
		$(GO) build ./api/... $$(grep -rlE '"github.com/rblx-go/opencloud/api["/]' --include='*.go' --exclude='*_test.go' . | xargs -n1 dirname | sort -u) && \
		$(GO) run ./cmd/rblxgen diff "$$before" .

bench: ## run the benchmarks, ten times each
	$(GO) test -run '^$$' -bench . -benchmem -count 10 ./...

fmt: ## format the code
	gofmt -w $$(git ls-files '*.go')

lint: ## run golangci-lint; the first time builds it
	$(LINT) run
	for module in oauth transport; do (cd $$module/peertest && $(LINT) run) || exit 1; done

peers: ## prove the rotation against servers, and retries beside a client, that were not written here
	for module in oauth transport; do (cd $$module/peertest && $(GO) vet . && $(GO) test -v -count=1 .) || exit 1; done

soak: ## the long runs: SCHEDULES=1000000 simulated, a million grants in PostgreSQL, ROUNDS=20 of kills, COUNT=10 of all tests, FUZZTIME=20s a target
	RBLX_SOAK=1 $(GO) test -v -timeout 4h -run '^Test(Model|CodeMutations)' ./oauth
	$(GO) test -v -timeout 4h -run '^TestSimulation$$' ./oauth -rapid.checks=$$(($(SCHEDULES) / 30 + 1))
	RBLX_SOAK=1 $(GO) test -v -timeout 1h -run '^TestMillionGrants$$' ./oauth/pgstore
	cd oauth/killtest && $(GO) test -timeout 4h -rounds=$(ROUNDS)
	$(GO) test -race -timeout 4h -count=$(COUNT) ./...
	.ci/fuzz $(FUZZTIME)

# The parts of check and ci.

format:
	@test -z "$$(gofmt -l $$(git ls-files '*.go') | tee /dev/stderr)" || { echo 'not formatted: run make fmt' >&2; exit 1; }

vet:
	$(GO) vet ./...

tidy:
	$(GO) mod tidy -diff

# The generator prints the files that it changed.
generated:
	@changed=$$($(GO) generate ./...) || exit 1; test -z "$$changed" || \
		{ echo "generated code was not current, commit what has changed: $$changed" >&2; exit 1; }

# Since BASE, or the last tag, or where the branch left main, or on main the
# commit before. Before v1 it only says so: a break is then a matter of the
# changelog.
compatible:
	@base=$${BASE:-$$(git describe --tags --abbrev=0 2>/dev/null || \
		git merge-base HEAD main 2>/dev/null | grep -vx "$$(git rev-parse HEAD)" || git rev-parse -q --verify HEAD~1 || git rev-parse HEAD)} && \
		before=$$(mktemp -d) && trap 'rm -rf "$$before"' EXIT && git archive "$$base" | tar -x -C "$$before" && \
		changes=$$($(GO) run ./cmd/rblxgen diff "$$before" .) && echo "the API since $$base:" && echo "$${changes:-no change}" && \
		case "$$base:$$changes" in v[1-9]*"removed 0 changed 0"*) ;; v[1-9]*) exit 1;; esac

platforms:
	for os in linux darwin windows; do CGO_ENABLED=0 GOOS=$$os $(GO) build ./... && CGO_ENABLED=0 GOOS=$$os $(GO) vet ./... || exit 1; done
