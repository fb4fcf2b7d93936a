# Assay. `make help` lists the targets; README.md says what they are for.
#
# Settable: BUILD=debug|release|asan|fuzz|cov  CC=gcc|clang  V=1  WERROR=1
#           WOLFSSL_PREFIX=DIR (a wolfSSL of your own, e.g. one with assembly)
#           PREFIX=/usr/local DESTDIR=

BUILD ?= release
V ?= 0
WERROR ?= 0
PREFIX ?= /usr/local
WOLFSSL_PREFIX ?=
PKG_CONFIG ?= pkg-config
PROTOC_C ?= protoc-c
ifeq ($(origin CC),default)
CC = gcc
endif
ifeq ($(BUILD),fuzz)
CC = clang
endif

B := build/$(BUILD)$(if $(findstring clang,$(CC)),-clang)$(if $(WOLFSSL_PREFIX),-wolfssl)
GEN := build/gen
VERSION := 0.1.0

# ---- flags ---------------------------------------------------------------
WARN := -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla
ifeq ($(WERROR),1)
WARN += -Werror
endif
HARDEN := -fstack-protector-strong -fPIE -fvisibility=hidden
LINK_HARDEN := -pie -Wl,-z,relro,-z,now -Wl,--as-needed

OPT_debug := -O0 -g
OPT_release := -O2 -g -D_FORTIFY_SOURCE=2
# gcc warns of values that are set, once sanitizers have rearranged the code.
OPT_asan := -Wno-maybe-uninitialized -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -DASSAY_ASAN
OPT_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -DASSAY_ASAN
OPT_cov := -O0 -g --coverage
OPT := $(OPT_$(BUILD))
ifeq ($(OPT),)
$(error BUILD=$(BUILD) is none of debug release asan fuzz cov)
endif

# Third-party headers are -isystem: their warnings are not ours.
pkg = $(shell $(PKG_CONFIG) $(1) $(2) 2>/dev/null)
SYSCFLAGS = $(patsubst -I%,-isystem %,$(call pkg,--cflags,$(1)))
ifneq ($(WOLFSSL_PREFIX),)
WOLF_CFLAGS := -isystem $(WOLFSSL_PREFIX)/include
WOLF_LIBS := -L$(WOLFSSL_PREFIX)/lib -Wl,-rpath,$(WOLFSSL_PREFIX)/lib -lwolfssl
else
WOLF_CFLAGS := $(call SYSCFLAGS,wolfssl)
WOLF_LIBS := $(call pkg,--libs,wolfssl)
endif

CPPFLAGS_ALL := -D_GNU_SOURCE -DASSAY_VERSION='"$(VERSION)"' -Iinclude -I. -isystem $(GEN) $(WOLF_CFLAGS) $(call SYSCFLAGS,p11-kit-1)
CFLAGS_ALL = $(OPT) $(WARN) $(HARDEN) $(CFLAGS)
LDFLAGS_ALL = $(OPT) $(LINK_HARDEN) $(LDFLAGS)

LIBS_EVIDENCE = $(WOLF_LIBS) $(call pkg,--libs,libprotobuf-c)
LIBS_ATTESTER = $(call pkg,--libs,tss2-esys tss2-mu tss2-tctildr tss2-rc)
LIBS_AGENT = $(call pkg,--libs,libwebsockets libcyaml) $(call pkg,--libs,yaml-0.1) -lcrypto -lssl
LIBS_COMPILER = $(call pkg,--libs,libcyaml yaml-0.1 libcbor)
LIBS_VERIFIER = $(call pkg,--libs,libwebsockets libuv sqlite3 libseccomp jansson) -lcrypto -lssl
LIBS_GATE = $(call pkg,--libs,libwebsockets libnftables libnetfilter_conntrack jansson libcyaml yaml-0.1) -lcrypto -lssl
LIBS_CLI = $(call pkg,--libs,jansson libarchive libcurl) -pthread
LIBS_TEST = $(call pkg,--libs,cmocka)

# ---- sources: a folder is a product's part, so lists follow the folders ---
EVIDENCE_SRC := $(sort $(wildcard evidence/*.c))
APPRAISE_SRC := $(sort $(wildcard verifier/appraise/*.c))
COMPILER_SRC := $(sort $(wildcard verifier/compiler/*.c))
# Collectors that need nothing but a file are in the library, the others in the agent.
COLLECT_LIB := $(sort $(wildcard attester/collect/bootlog.c attester/collect/ima*.c))
ATTESTER_SRC := $(sort $(wildcard attester/*.c)) $(COLLECT_LIB)
# The TLS adapter is shared by both ends and is not part of the pure library.
TLS_SRC := $(sort $(wildcard evidence/tls/*.c))
AGENT_SRC := $(sort $(wildcard attester/agent/*.c)) $(TLS_SRC) \
	$(filter-out $(COLLECT_LIB),$(sort $(wildcard attester/collect/*.c)))
# What runs a connection in the loop of an embedding program.
CONNECTION_SRC := $(sort $(wildcard attester/connection/*.c)) attester/agent/address.c \
	attester/agent/link.c attester/agent/local.c attester/agent/report.c $(TLS_SRC)
EXAMPLE_SRC := $(sort $(wildcard attester/examples/*.c))
VERIFIER_SRC := $(sort $(filter-out verifier/main.c,$(wildcard verifier/*.c verifier/ledger/*.c verifier/result/*.c verifier/operator/*.c))) $(TLS_SRC)
GATE_SRC := $(sort $(wildcard gate/*.c))
CLI_SRC := $(sort $(wildcard verifier/cli/*.c))
FLEET_SRC := $(sort $(wildcard tests/bench/fleet/*.c))
BENCH_SRC := $(sort $(wildcard tests/bench/bench_*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
ATTACK_SRC := $(sort $(wildcard tests/attacks/test_*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
SUPPORT_SRC := $(sort $(wildcard tests/support/*.c))
TOOL_SRC := $(sort $(wildcard tests/tools/*.c))
HOSTILE_SRC := $(sort $(wildcard tests/attacks/hostile/*.c))

comma := ,
obj = $(patsubst %.c,$(B)/%.o,$(1))
GEN_OBJ := $(B)/gen/assay.pb-c.o
POLICIES := $(filter-out %.test.yaml,$(sort $(wildcard policies/*.yaml)))
POLICIES_OBJ := $(B)/gen/policies.o

LIBEVIDENCE := $(B)/libevidence.a
LIBAPPRAISE := $(B)/libappraise.a
LIBCOMPILER := $(B)/libcompiler.a
LIBATTESTER := $(B)/libassay-attester.a
LIBCONNECTION := $(B)/libassay-connection.a
LIBVERIFIER := $(B)/libverifier.a
LIBAGENT := $(B)/libagent.a
LIBCLI := $(B)/libcli.a
LIBSUPPORT := $(B)/libsupport.a

PROGRAMS := $(B)/assay
LIBGATE := $(B)/libgate.a
PROGRAMS += $(if $(wildcard attester/agent/main.c),$(B)/assay-attester)
PROGRAMS += $(B)/assay-gate
PROGRAMS += $(if $(wildcard verifier/main.c),$(B)/assay-verifier)
EXAMPLE_BIN := $(patsubst %.c,$(B)/%,$(EXAMPLE_SRC))
UNIT_BIN := $(patsubst %.c,$(B)/%,$(UNIT_SRC))
ATTACK_BIN := $(patsubst %.c,$(B)/%,$(ATTACK_SRC))
FUZZ_BIN := $(patsubst %.c,$(B)/%,$(FUZZ_SRC))
BENCH_BIN := $(patsubst %.c,$(B)/%,$(BENCH_SRC))
TPM_BOOT := $(B)/tests/tools/tpm_boot
TOOL_BIN := $(filter-out $(TPM_BOOT),$(patsubst %.c,$(B)/%,$(TOOL_SRC)))
HOSTILE_BIN := $(patsubst %.c,$(B)/%,$(HOSTILE_SRC))
FLEET_BIN := $(if $(FLEET_SRC),$(B)/assay-fleet)

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-6s %s\n'
endif

# ---- Debian packages; `a|b` is the first name that the release has --------
DEPS_BUILD += gcc                  # the compiler, and binutils with it
DEPS_BUILD += libc6-dev
DEPS_BUILD += libarchive-dev       # root file systems in tar archives
DEPS_BUILD += libcbor-dev          # signed reference values (CoRIM)
DEPS_BUILD += libcurl4-openssl-dev # assay: the console's HTTP API
DEPS_BUILD += libcyaml-dev         # policies and configuration files
DEPS_BUILD += libjansson-dev       # JSON of the console and of --json
DEPS_BUILD += libp11-kit-dev       # pkcs11.h: keys in tokens
DEPS_BUILD += libnetfilter-conntrack-dev # the gate ends connections of devices that lost their leave
DEPS_BUILD += libnftables-dev      # the gate's sets in the kernel
DEPS_BUILD += libprotobuf-c-dev    # the wire's messages
DEPS_BUILD += libseccomp-dev       # the jails of the verifier's processes
DEPS_BUILD += libsqlite3-dev       # the ledger
DEPS_BUILD += libssl-dev           # TLS exporter of libwebsockets' connections
DEPS_BUILD += libtss2-dev          # the attester's TPM back end
DEPS_BUILD += libuv1-dev           # event loop of net and console
DEPS_BUILD += libwebsockets-dev    # device and operator connections
DEPS_BUILD += libwolfssl-dev       # digests and signatures
DEPS_BUILD += libyaml-dev          # line and column of policy errors
DEPS_BUILD += pkgconf              # finds all of these
DEPS_BUILD += protobuf-c-compiler  # proto/assay.proto to C

DEPS_RUN += jq                     # reads the commands' JSON
DEPS_RUN += libtss2-tcti-swtpm0t64|libtss2-tcti-swtpm0 # tpm2-tss talks to swtpm
DEPS_RUN += libwebsockets-evlib-uv # libwebsockets on libuv
DEPS_RUN += swtpm                  # the devices' TPMs
DEPS_RUN += swtpm-tools            # manufactures them, with EK certificates
DEPS_RUN += tpm2-tools             # an EK certificate of the L-2 template; PCRs

DEPS_TEST += libcmocka-dev         # unit tests
DEPS_TEST += curl                  # the operators' API, as others than `assay' call it
DEPS_TEST += eapoltest            # 802.1X with certificates against FreeRADIUS
DEPS_TEST += freeradius           # the configuration of gate/freeradius
DEPS_TEST += freeradius-rest       # its module that asks the verifier
DEPS_TEST += freeradius-utils      # radclient
DEPS_TEST += iproute2             # network namespaces around a gate
DEPS_TEST += nftables             # somebody else who changes the gate's sets
DEPS_TEST += python3-cryptography  # ES256 of python3-jwt
DEPS_TEST += python3-jwt           # verifies what leaves, independently
DEPS_TEST += openssl               # certificates that are wrong in some way
DEPS_TEST += softhsm2             # a PKCS #11 token
DEPS_TEST += sqlite3               # looks into the ledger from outside
DEPS_TEST += universal-ctags       # lint: lengths of functions

DEPS_FUZZ += clang                 # second compiler, libFuzzer
DEPS_FUZZ += libclang-rt-dev       # its sanitizers
DEPS_FUZZ += llvm                  # names in their reports

# ---- targets -------------------------------------------------------------
.PHONY: all help programs tests-build clean deps test-deps ci-deps demo test lint \
	demo-run test-run fuzz fuzzers bench wolfssl-fast install
.DEFAULT_GOAL := all
all: programs ## build the programs
programs: $(PROGRAMS) $(LIBATTESTER) $(LIBCONNECTION) $(EXAMPLE_BIN)
tests-build: programs $(UNIT_BIN) $(ATTACK_BIN) $(TPM_BOOT) $(TOOL_BIN) $(HOSTILE_BIN) $(FLEET_BIN)
fuzzers: $(FUZZ_BIN)

# Set-up first, then make again: what pkg-config says is read when make starts.
AGAIN = $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

demo: deps ## set up, build, and show the main job end to end
	+$(Q)$(AGAIN) demo-run
demo-run: programs $(TPM_BOOT)
	$(Q)ASSAY_BIN=$(abspath $(B)) tests/demo/demo.sh

test: test-deps ## set up, build, and run all tests and lint
	+$(Q)$(AGAIN) test-run
test-run: tests-build
	$(Q)ASSAY_BIN=$(abspath $(B)) tests/run.sh $(TESTS)

fuzz: ## run every fuzz target for SECONDS=60 each under sanitizers
	+$(Q)$(AGAIN) BUILD=fuzz fuzzers
	$(Q)ASSAY_BIN=$(abspath build/fuzz-clang) tests/fuzz/run.sh $(or $(SECONDS),60) $(FUZZ)

bench: programs $(BENCH_BIN) $(FLEET_BIN) $(B)/tests/tools/ledger_fill ## measure, each beside the raw cost of the unavoidable work
	$(Q)for b in $(BENCH_BIN); do $$b || exit; echo; done
	$(Q)ASSAY_BIN=$(abspath $(B)) tests/bench/size.sh
	$(Q)ASSAY_BIN=$(abspath $(B)) tests/bench/fleet.sh
	$(Q)ASSAY_BIN=$(abspath $(B)) tests/bench/replay.sh

wolfssl-fast: ## build the release's wolfSSL with its assembly into build/wolfssl
	$(Q)tests/bench/wolfssl-fast.sh build/wolfssl
	$(Q)echo 'measure with: make WOLFSSL_PREFIX=$(abspath build/wolfssl) bench'

lint: all ## prove purity, include directions, bans, the README's table
	$(Q)ASSAY_BIN=$(abspath $(B)) tests/lint.sh

deps: ## install the Debian packages that building and the demo lack
	$(Q).ci/deps $(foreach p,$(DEPS_BUILD) $(DEPS_RUN),'$(p)')
test-deps: deps
	$(Q).ci/deps $(foreach p,$(DEPS_TEST),'$(p)')
ci-deps: test-deps
	$(Q).ci/deps $(foreach p,$(DEPS_FUZZ),'$(p)')

# What an embedding program links: one object in which only assay_* is visible.
INSTALL_LIB := $(B)/install/libassay-attester.a
$(INSTALL_LIB): $(LIBATTESTER)
	$(say) LIB $@
	$(Q)mkdir -p $(@D)
	$(Q)ld -r -o $(@D)/assay-attester.o --whole-archive $(LIBATTESTER)
	$(Q)objcopy --localize-hidden $(@D)/assay-attester.o
	$(Q)rm -f $@ && $(AR) rcs $@ $(@D)/assay-attester.o

INSTALL_CONNECTION := $(B)/install/libassay-connection.a
$(INSTALL_CONNECTION): $(LIBCONNECTION) $(LIBEVIDENCE)
	$(say) LIB $@
	$(Q)mkdir -p $(@D)
	$(Q)ld -r -o $(@D)/assay-connection.o --whole-archive $(LIBCONNECTION) --no-whole-archive $(LIBEVIDENCE)
	$(Q)objcopy --localize-hidden $(@D)/assay-connection.o
	$(Q)rm -f $@ && $(AR) rcs $@ $(@D)/assay-connection.o

# Where the documents' links lead once they are below share/doc/assay.
INSTALLED_LINKS := -E -e 's;\]\(docs/;](;g' -e 's;\]\((\.\./)?attester/examples/;](examples/;g' \
	-e 's;\]\((\.\./)?include/;](../../../include/;g' -e 's;\]\(\.\./gate/;](../../assay/;g' \
	-e 's;\]\(\.\./attester/agent/;](../../assay/;g'

D = $(DESTDIR)$(PREFIX)
install: programs $(INSTALL_LIB) $(INSTALL_CONNECTION) ## install under PREFIX (/usr/local), below DESTDIR
	install -d $(D)/bin $(D)/sbin $(D)/lib/pkgconfig $(D)/lib/systemd/system \
		$(D)/include/assay $(D)/share/man/man1 $(D)/share/man/man8 \
		$(D)/share/bash-completion/completions $(D)/share/assay/policies $(D)/share/doc/assay
	install $(B)/assay $(D)/bin/
	install $(B)/assay-verifier $(B)/assay-attester $(B)/assay-gate $(D)/sbin/
	install -m 644 include/assay/*.h $(D)/include/assay/
	install -m 644 $(INSTALL_LIB) $(INSTALL_CONNECTION) $(D)/lib/
	install -d $(D)/share/doc/assay/examples
	install -m 644 $(EXAMPLE_SRC) $(D)/share/doc/assay/examples/
	sed -e 's#@PREFIX@#$(PREFIX)#' -e 's#@VERSION@#$(VERSION)#' docs/assay-attester.pc.in \
		> $(D)/lib/pkgconfig/assay-attester.pc
	for u in verifier attester gate gate-close coa@; do \
		sed -e 's#@SBINDIR@#$(PREFIX)/sbin#' -e 's#@PREFIX@#$(PREFIX)#' \
		docs/systemd/assay-$$u.service.in > $(D)/lib/systemd/system/assay-$$u.service; done
	docs/man/make.sh $(B) $(VERSION) $(B)/man
	install -m 644 $(B)/man/*.1 $(D)/share/man/man1/
	install -m 644 $(B)/man/*.8 $(D)/share/man/man8/
	install -m 644 docs/completion/assay $(D)/share/bash-completion/completions/
	install -m 644 policies/*.yaml $(D)/share/assay/policies/
	install -m 644 attester/agent/attester.yaml gate/gate.yaml $(D)/share/assay/
	install -d $(D)/share/assay/freeradius $(D)/share/doc/assay/metrics
	install -m 644 gate/freeradius/mods-assay gate/freeradius/policy-assay $(D)/share/assay/freeradius/
	install gate/freeradius/assay-coa $(D)/share/assay/freeradius/
	for f in README.md docs/*.md; do sed $(INSTALLED_LINKS) $$f > $(D)/share/doc/assay/$$(basename $$f); done
	install -m 644 docs/openapi.json $(D)/share/doc/assay/
	install -m 644 docs/metrics/* $(D)/share/doc/assay/metrics/

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n",$$1,$$2}' $(MAKEFILE_LIST)

clean: ## remove everything generated
	$(Q)rm -rf build

# ---- rules ---------------------------------------------------------------
$(GEN)/assay.pb-c.c $(GEN)/assay.pb-c.h &: proto/assay.proto
	$(say) PROTOC $<
	$(Q)mkdir -p $(GEN)
	$(Q)$(PROTOC_C) --proto_path=proto --c_out=$(GEN) $<

$(GEN_OBJ): $(GEN)/assay.pb-c.c
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(OPT) $(HARDEN) $(SECTIONS) -std=c11 -w -c -o $@ $<

# The shipped policies, so that `assay-verifier init` needs no installed file.
$(GEN)/policies.c: $(POLICIES)
	$(say) GEN $@
	$(Q)mkdir -p $(GEN)
	$(Q){ echo '#include "verifier/init.h"'; n=0; \
	for f in $^; do n=$$((n+1)); echo "static const unsigned char p$$n[] = {"; \
	od -An -v -tx1 $$f | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g'; echo "};"; done; \
	echo "const struct shipped_policy shipped_policies[] = {"; n=0; \
	for f in $^; do n=$$((n+1)); echo "{\"$$(basename $$f)\", p$$n, sizeof p$$n},"; done; \
	echo "{0, 0, 0}};"; } > $@.new && mv $@.new $@

$(POLICIES_OBJ): $(GEN)/policies.c verifier/init.h
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(OPT) $(HARDEN) -std=c11 -w -c -o $@ $<

# The ledger's schema as C arrays, schema_0001[] and so on.
$(GEN)/ledger_schema.h: $(sort $(wildcard verifier/ledger/schema/*.sql))
	$(say) SCHEMA $@
	$(Q)mkdir -p $(GEN)
	$(Q)for f in $^; do echo "static const char schema_$$(basename $$f .sql)[] = {" && \
		od -An -v -tx1 $$f | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g' && echo '0};' || exit 1; \
		done >$@.tmp && mv $@.tmp $@
$(B)/verifier/ledger/sqlite_schema.o: $(GEN)/ledger_schema.h

# So that an embedding program links no more of the library than it uses.
SECTIONS :=
$(B)/evidence/%.o $(B)/attester/%.o $(GEN_OBJ): SECTIONS := -ffunction-sections -fdata-sections

$(B)/%.o: %.c | $(GEN)/assay.pb-c.h
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CPPFLAGS) $(CFLAGS_ALL) $(SECTIONS) -MMD -MP -c -o $@ $<

define archive
$(say) AR $@
$(Q)mkdir -p $(@D)
$(Q)rm -f $@
$(Q)$(AR) rcs $@ $(filter %.o,$^)
endef

$(LIBEVIDENCE): $(call obj,$(EVIDENCE_SRC)) $(GEN_OBJ)
	$(archive)
$(LIBAPPRAISE): $(call obj,$(APPRAISE_SRC))
	$(archive)
$(LIBCOMPILER): $(call obj,$(COMPILER_SRC))
	$(archive)
$(LIBATTESTER): $(call obj,$(ATTESTER_SRC) $(EVIDENCE_SRC)) $(GEN_OBJ)
	$(archive)
$(LIBCONNECTION): $(call obj,$(CONNECTION_SRC))
	$(archive)
$(LIBVERIFIER): $(call obj,$(VERIFIER_SRC)) $(POLICIES_OBJ)
	$(archive)
$(LIBAGENT): $(call obj,$(filter-out attester/agent/main.c,$(AGENT_SRC)))
	$(archive)
$(LIBGATE): $(call obj,$(filter-out gate/main.c,$(GATE_SRC)))
	$(archive)
$(LIBCLI): $(call obj,$(filter-out verifier/cli/main.c,$(CLI_SRC)))
	$(archive)
$(LIBSUPPORT): $(call obj,$(SUPPORT_SRC))
	$(archive)

define link
$(say) LINK $@
$(Q)mkdir -p $(@D)
$(Q)$(CC) $(LDFLAGS_ALL) $(1) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(2)
endef

$(B)/assay-verifier: $(call obj,verifier/main.c) $(LIBVERIFIER) $(LIBCOMPILER) $(LIBAPPRAISE) $(LIBEVIDENCE)
	$(call link,,$(LIBS_VERIFIER) $(LIBS_COMPILER) $(LIBS_EVIDENCE))
$(B)/assay-attester: $(call obj,attester/agent/main.c) $(LIBAGENT) $(LIBATTESTER)
	$(call link,,$(LIBS_AGENT) $(LIBS_ATTESTER) $(LIBS_EVIDENCE))
$(B)/assay-gate: $(call obj,gate/main.c $(TLS_SRC)) $(LIBGATE) $(LIBEVIDENCE)
	$(call link,,$(LIBS_GATE) $(LIBS_EVIDENCE))
$(EXAMPLE_BIN): $(B)/%: $(B)/%.o $(LIBCONNECTION) $(LIBATTESTER)
	$(call link,-Wl$(comma)--gc-sections,$(call pkg,--libs,libwebsockets libuv) -lcrypto -lssl $(LIBS_ATTESTER) $(LIBS_EVIDENCE))
$(B)/assay: $(call obj,verifier/cli/main.c) $(LIBCLI) $(LIBCOMPILER) $(LIBAPPRAISE) $(LIBEVIDENCE)
	$(call link,,$(LIBS_CLI) $(LIBS_COMPILER) $(LIBS_EVIDENCE))
$(B)/assay-fleet: $(call obj,$(FLEET_SRC) $(TLS_SRC)) $(LIBSUPPORT) $(LIBATTESTER)
	$(call link,,$(LIBS_AGENT) $(LIBS_ATTESTER) $(LIBS_EVIDENCE) $(LIBS_TEST) $(call pkg,--libs,libuv) -lpthread)

TEST_LIBS = $(LIBSUPPORT) $(LIBGATE) $(LIBCLI) $(LIBVERIFIER) $(LIBCOMPILER) $(LIBAPPRAISE) $(LIBAGENT) $(LIBATTESTER)
TEST_LINK = $(LIBS_TEST) $(LIBS_GATE) $(LIBS_VERIFIER) $(LIBS_CLI) $(LIBS_COMPILER) $(LIBS_AGENT) $(LIBS_ATTESTER) $(LIBS_EVIDENCE) -lpthread
# The demo's only test tool, so it needs nothing that only tests need.
$(TPM_BOOT): $(B)/%: $(B)/%.o $(LIBATTESTER)
	$(call link,,$(LIBS_ATTESTER) $(LIBS_EVIDENCE))
$(UNIT_BIN) $(ATTACK_BIN) $(BENCH_BIN) $(TOOL_BIN): $(B)/%: $(B)/%.o $(TEST_LIBS)
	$(call link,,$(TEST_LINK))
# Verifiers with one process made hostile: its file replaces the honest one.
$(HOSTILE_BIN): $(B)/%: $(B)/%.o $(call obj,verifier/main.c) $(LIBVERIFIER) $(LIBCOMPILER) $(LIBAPPRAISE) $(LIBEVIDENCE)
	$(call link,,$(LIBS_VERIFIER) $(LIBS_COMPILER) $(LIBS_EVIDENCE))
$(FUZZ_BIN): $(B)/%: $(B)/%.o $(TEST_LIBS)
	$(call link,-fsanitize=fuzzer,$(TEST_LINK))

-include $(shell find $(B) -name '*.d' 2>/dev/null)
