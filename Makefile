# make help lists the targets. Each installs what it needs (hack/deps), and calls go or a script of hack/.

.DEFAULT_GOAL := build
BUF := go tool -modfile=hack/tools/go.mod buf

.PHONY: build
build: ## build bin/rdmad and bin/rdmacp
	@hack/deps build
	go build -o bin/ ./cmd/...

.PHONY: demo
demo: ## copy real files between two Soft-RoCE hosts (two QEMU guests) by RDMA
	@hack/demo/run

.PHONY: test
test: ## run every layer of tests: host, one guest with two rxe devices, two guests
	@hack/test all

.PHONY: unit rxe e2e
unit: ## run the tests that need no RDMA
	@hack/test unit
rxe: ## run the tests of the verbs layers on Soft-RoCE in a guest, on both kernels
	@hack/test rxe
e2e: ## run the tests of two hosts in two guests
	@hack/test e2e

.PHONY: sim
sim: ## run the simulation of the engine: make sim SEEDS=1000000
	RDMACP_SIM_SEEDS=$(or $(SEEDS),100000) go test -count=1 -timeout=0 -run 'TestSimulation$$' ./internal/transfer

.PHONY: soak
soak: ## copies that come and go, for SECONDS (an hour), and what they leave: make soak SECONDS=60
	@hack/soak $(SECONDS)

.PHONY: kills
kills: ## kill either end of copies by RDMA, KILLS times each way (100), and go on each time
	@hack/kills $(KILLS)

.PHONY: trees
trees: ## copy /usr/share, Go's source, 100,000 files and oddities there and back by RDMA, and have rsync compare
	@hack/trees

.PHONY: bench
bench: ## copy beside ib_read_bw and ib_write_bw in two guests
	@bench/run

.PHONY: bench-trees
bench-trees: ## copy trees, and many small files, beside rsync, scp, tar and cp in one guest
	@bench/run trees

.PHONY: faults
faults: ## break things between two guests, and write docs/faults.md and docs/doctor-broken.md
	@hack/faults

.PHONY: threats
threats: ## have somebody hostile try what can be tried, and write docs/threats.md
	@hack/threats

.PHONY: package package-test
package: ## make the packages for Debian and RPM, and the client for Windows: bin/packages
	@hack/package/run
package-test: ## install, use, upgrade and remove the package under systemd in a guest
	@hack/package/test

.PHONY: newcomer
newcomer: ## install the package, doctor, a first copy: what README.md says, by the stopwatch, in two guests
	@hack/newcomer/run

.PHONY: windows-test
windows-test: ## copy with rdmacp.exe under Wine, which takes 1.5 GB of disk, to and from a daemon here
	@hack/deps build windows
	RDMA_TEST=required go test -count=1 -run 'TestWindows$$' ./test/script

.PHONY: lint
lint: ## golangci-lint, buf lint, shellcheck, the chart, and whether generated code is in step
	@hack/lint

.PHONY: vuln
vuln: ## ask what is known against the modules and the Go that this is built with
	@hack/vuln

.PHONY: generate
generate: ## make the code that is generated from proto/
	$(BUF) generate

.PHONY: clean
clean: ## remove what was built here
	rm -rf bin

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z0-9 -]*\):.* ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16
