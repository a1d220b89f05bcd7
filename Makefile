# kvd, built with GNU make.  `make help' lists what can be asked for.

VERSION := 0.1.0
LIBKV_SO := libkv.so.0

BUILD ?= build
ENV ?= prod
OUT := $(BUILD)/$(ENV)
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))

# ------------------------------------------------------------------ flags
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
    -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
    -Wwrite-strings -Wundef -Wvla -Wformat=2

BRANCHES_x86_64 := -fcf-protection
BRANCHES_aarch64 := -mbranch-protection=standard
DEBUG := -DKVD_DEBUG_COMMANDS
CFLAGS_dev := -O0 -g3 $(DEBUG)
CFLAGS_test := -O1 -g $(DEBUG) -fno-omit-frame-pointer \
    -fsanitize=address,undefined -fno-sanitize-recover=all -Werror
CFLAGS_prod := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
    -fstack-clash-protection $(BRANCHES_$(shell uname -m))
CFLAGS_coverage := -O0 -g --coverage $(DEBUG)
CFLAGS_fuzz := -O2 -g -fno-omit-frame-pointer -Werror \
    -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
    -fno-sanitize-coverage=trace-cmp
# kvd is optimised as a whole, but for shm/: tests/crash/step kills at the
# instructions that ship.  The objects also have code for linkers that do not
# do that, such as those of libkv.a's users.
LTO := $(if $(filter prod,$(ENV)),$(if $(findstring clang,$(CC)),,-flto=auto))
LINK_test := -fsanitize=address,undefined
LINK_prod := -Wl,-z,relro,-z,now,-z,defs
LINK_coverage := --coverage
LINK_fuzz := -fsanitize=fuzzer,address,undefined

BSD_LIBS := $(shell pkg-config --libs libbsd-overlay 2>/dev/null)
MD_LIBS := $(shell pkg-config --libs libmd 2>/dev/null)
LMDB_LIBS := $(shell pkg-config --libs lmdb 2>/dev/null)
DEFINES := -I. -D_GNU_SOURCE \
    $(shell pkg-config --cflags libbsd-overlay 2>/dev/null)
COMPILE := $(DEFINES) -DKVD_VERSION='"$(VERSION)"' -std=c17 -pthread \
    $(WARN) $(CFLAGS_$(ENV)) $(if $(CI),-Werror) $(CPPFLAGS) $(CFLAGS)
LINK := -pthread -Wl,--as-needed $(LINK_$(ENV)) $(LDFLAGS)

# ------------------------------------------------------------------ files

objects = $(patsubst %.c,$(OUT)/obj/%.o,$(wildcard $(1)))
KV_O := $(call objects,proto/client/kv_*.c)
# What nodes say to each other is not for clients, nor is what that needs, and
# ours do not speak RESP.
SERVER_O := $(call objects,proto/frame.c proto/handshake*.c proto/hmac.c \
    proto/glob.c proto/number.c proto/plain.c proto/resp*.c)
LIBKV_O := $(filter-out $(KV_O) $(SERVER_O),$(call objects,proto/*.c \
    proto/client/*.c))
# Local reading is with the code of the workers, of which libkv gets what it
# needs.
LIBKV := $(LIBKV_O) $(OUT)/libshm.a
PROGRAMS := $(OUT)/kvd $(OUT)/kv
ALL := $(PROGRAMS) $(OUT)/libkv.a $(OUT)/$(LIBKV_SO)

# One Criterion program per folder of tests, each linked with the archives it
# is about and no more: that it links proves the layering.
# Those of tests/bench that are programs; LMDB's only where that is.
BENCHES := $(filter-out tests/bench/load_% \
    $(if $(LMDB_LIBS),,tests/bench/lmdb.c),$(wildcard tests/bench/*.c))

TEST_DIRS := $(patsubst %/,%,$(sort $(dir $(wildcard \
    tests/unit/*/*.c tests/proc/*.c tests/redis/*.c tests/crash/*/*.c))))
TESTS := $(patsubst %,$(OUT)/%/run,$(filter-out tests/crash/step,$(TEST_DIRS)))
LIBS_tests/unit/shm := $(OUT)/libshm.a
LIBS_tests/unit/proto := $(OUT)/libproto.a
LIBS_tests/unit/client := $(OUT)/libclient.a $(OUT)/libshm.a
LIBS_tests/unit/server := $(OUT)/libserver.a $(OUT)/libshm.a $(OUT)/libproto.a
LIBS_tests/unit/bench := $(OUT)/libload.a
LIBS_tests/proc := $(OUT)/libkv.a $(OUT)/libshm.a $(OUT)/libproto.a
LIBS_tests/redis := $(OUT)/obj/tests/proc/daemon.o $(OUT)/obj/tests/proc/talk.o
LIBS_tests/crash/step := $(OUT)/libshm.a
LIBS_tests/crash/storm := $(OUT)/obj/tests/proc/daemon.o \
    $(OUT)/obj/tests/proc/talk.o $(OUT)/libshm.a
LIBS_fuzz_text := $(OUT)/libproto.a
LIBS_fuzz_resp := $(OUT)/libproto.a
LIBS_fuzz_frame := $(OUT)/libproto.a
LIBS_fuzz_config := $(call objects,server/config*.c server/route.c) \
    $(OUT)/libshm.a
LIBS_fuzz_superblock := $(OUT)/libshm.a
LIBS_fuzz := $(filter-out $(OUT)/obj/tests/fuzz/fuzz_%, \
    $(call objects,tests/fuzz/*.c)) $(OUT)/libshm.a

# --------------------------------------------------------------- building

# One line per step; `make --trace' shows the commands.
step = @printf '%-4s %s\n' $(1) $@ && mkdir -p $(@D)
.SECONDARY:
.PHONY: all programs run test check $(TEST_DIRS) deps lint format \
    coverage bench bench-install measure instructions counted soak soaked \
    mutants mutated fuzz fuzzed model \
    install put uninstall docs dist clean help FORCE

# A target first gets its tools, then asks again for what needs them, with as
# many jobs as there are processors.
need = @.ci/deps $(1) $(if $(findstring clang,$(CC)),clang)
again = +@$(MAKE) --no-print-directory \
    $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

all: ## build/kvd, build/kv and libkv; ENV=dev|test|prod, CC=
	$(call need,build)
	$(again) programs

programs: $(ALL)
	@cd $(BUILD) && ln -sfn $(PROGRAMS:$(BUILD)/%=%) .

$(OUT)/libshm.a: $(call objects,shm/*.c)
$(OUT)/libproto.a: $(call objects,proto/*.c)
$(OUT)/libserver.a: $(filter-out %/kvd.o,$(call objects,server/*.c))
$(OUT)/libclient.a: $(LIBKV_O)
$(OUT)/libload.a: $(call objects,tests/bench/load_*.c)
$(OUT)/%.a:
	$(call step,ar)
	@rm -f $@
	@$(AR) rcs $@ $^

$(OUT)/$(LIBKV_SO): $(LIBKV)
	$(call step,link)
	@echo '{ global: kv_*; local: *; };' > $(OUT)/libkv.map
	@$(CC) -shared $(LINK) -fno-lto -Wl,-soname,$(@F) \
	    -Wl,--version-script=$(OUT)/libkv.map -o $@ $^ $(BSD_LIBS)
	@ln -sfn $(@F) $(OUT)/libkv.so

# One object: other people's programs see names of kv.h alone.
$(OUT)/libkv.a: $(LIBKV)
	$(call step,ar)
	@ld -r -o $(OUT)/libkv.o $^
	@objcopy --wildcard --keep-global-symbol='kv_*' -R '.gnu.*lto_*' \
	    $(OUT)/libkv.o
	@rm -f $@ && $(AR) rcs $@ $(OUT)/libkv.o

define link
$(call step,link)
@$(CC) -pie $(LINK) $(or $(LINK_WHOLE),-fno-lto) -o $@ $^ $(1) $(BSD_LIBS) \
    $(MD_LIBS)
endef

$(OUT)/kvd: LINK_WHOLE := $(LTO)
$(OUT)/kvd: $(OUT)/obj/server/kvd.o $(LIBS_tests/unit/server)
	$(link)
$(OUT)/kv: $(KV_O) $(OUT)/libkv.a
	$(call link,-ledit)
$(OUT)/kv.bash-completion: $(OUT)/kv
	@$< completion bash >$@
$(OUT)/tests/bench/%: $(OUT)/obj/tests/bench/%.o $(OUT)/libload.a \
    $(LIBS_tests/proc)
	$(call link,-lm $(LMDB_LIBS))

# Objects of proto/ and shm/ also go into libkv.so, where nobody is to replace
# a function of theirs.
PIC_OF_LIBKV := -fPIC -fvisibility=hidden

# A change of compiler or flags rebuilds: every object depends on them.
FLAGS := $(subst ','\'',$(CC) $(COMPILE) $(LINK) $(PIC_OF_LIBKV) $(LTO))
$(OUT)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(FLAGS)' | cmp -s - $@ || echo '$(FLAGS)' > $@

$(OUT)/obj/proto/%.o $(OUT)/obj/shm/%.o: PIC := $(PIC_OF_LIBKV)
$(OUT)/obj/proto/%.o $(OUT)/obj/server/%.o: WHOLE = $(if $(LTO),$(LTO) -ffat-lto-objects)
$(OUT)/obj/%.o: %.c $(OUT)/flags
	$(call step,cc)
	@$(CC) $(COMPILE) $(or $(PIC),-fPIE) $(WHOLE) -MMD -MP -c -o $@ $<

-include $(shell find $(OUT)/obj -name '*.d' 2>/dev/null)

run: ## start kvd here, on 127.0.0.1:4040; ARGS= are its options
	$(call need,build run)
	$(again) programs
	$(BUILD)/kvd -f $(ARGS)

# ---------------------------------------------------------------- testing

TEST_ENV := $(if $(filter file,$(origin ENV)),test,$(ENV))
FILTER := $(if $(T),--filter '$(T)')
PATHS := KVD_BIN=$(abspath $(OUT)/kvd) KV_BIN=$(abspath $(OUT)/kv) OUT=$(OUT) \
    CC='$(CC)' EXAMPLE_CC='$(CC) $(LINK_$(ENV))' \
    LSAN_OPTIONS=suppressions=$(abspath tests/leaks.supp):print_suppressions=0
RUN := $(PATHS) tests/bounded

test: ## all tests, under ASan and UBSan; T='suite/test' for some
	$(call need,build test)
	$(again) ENV=$(TEST_ENV) check
	$(again) ENV=prod check-tests/crash/step

# Each within the time of tests/bounded, for which tests/proc has too many.
NODES := nodes*|link*|table|strays|upgrade|handover|reload
PARTS := 'redis*/*' '@($(NODES))/*' '!(redis*|$(NODES))/*'
check: $(TESTS) $(ALL)
	@failed=; run() { echo "== $$*"; $(RUN) "$$@" || \
	    failed="$$failed $$1"; }; \
	    for t in $(filter-out %/tests/proc/run,$(TESTS)) $(if $(T),, \
	    tests/doc/run tests/install/run tests/clients/run); do \
	    run $$t $(FILTER); done; \
	    for part in $(if $(T),'$(T)',$(PARTS)); do \
	    run $(OUT)/tests/proc/run --filter "$$part"; done; \
	    if [ "$$failed" ]; then echo "failed:$$failed"; exit 1; fi

# A folder of tests alone: `make tests/unit/shm'.  The instructions at which
# tests/crash/step kills are those that ship.
tests/crash/step: TEST_ENV := prod
$(TEST_DIRS):
	$(call need,build test)
	$(again) ENV=$(TEST_ENV) check-$@
check-tests/unit/%: $(OUT)/tests/unit/%/run
	@$(RUN) $< $(FILTER)
check-tests/%: $(OUT)/tests/%/run $(PROGRAMS)
	@$(RUN) $< $(FILTER)

soak: ## tests/crash and tests/redis at length, ENV=prod; SECONDS=1800
	$(call need,build test)
	$(again) ENV=prod soaked
soaked: $(PROGRAMS) $(OUT)/tests/redis/run \
    $(patsubst %,$(OUT)/tests/crash/%/run,step storm)
	@seconds=$(or $(SECONDS),1800); status=0; \
	    $(PATHS) KVD_STORM_SECONDS=$$((seconds / 4)) KVD_STORM_ADOPT=1G \
	    $(OUT)/tests/crash/storm/run || status=1; \
	    KVD_STEP=all KVD_STEP_SECONDS=$$((seconds / 2)) \
	    $(OUT)/tests/crash/step/run || status=1; \
	    $(PATHS) KVD_DIFFERENTIAL_COMMANDS=$$((seconds * 5000)) \
	    $(OUT)/tests/redis/run || status=1; exit $$status

# ---------------------------------------------------------------- quality

deps: ## install the packages that are missing, for all targets
	@.ci/deps build run test lint instructions model docs coverage clang

lint: ## layers, headers, checkers, man pages, format
	$(call need,build lint)
	@DEFINES='$(DEFINES) $(DEBUG)' tests/lint/run

format: ## put C files into KNF
	$(call need,lint)
	@tests/lint/format $$(find shm proto server tests -name '*.[ch]')

coverage: ## lines that the tests run
	$(call need,build test coverage)
	@find $(BUILD) -name '*.gcda' -delete 2>/dev/null || true
	$(again) CC=gcc ENV=coverage check
	@for d in shm/ proto/; do gcovr -r . $(BUILD)/coverage -f $$d \
	    --fail-under-line 90 || exit 1; done

bench: ## kvd beside its peers; QUICK=1 T=peers|redis|run|nodes|scaling
	$(call need,build)
	$(again) ENV=prod measure
measure: $(ALL) $(BENCHES:%.c=$(OUT)/%)
	@for t in $(or $(T),peers); do $(PATHS) tests/bench/$$t || exit 1; done

# Not with the others: on Debian these servers start when they are installed.
bench-install: ## what kvd is compared with, from Debian
	@.ci/deps bench

instructions: ## that a request takes, against those stored; STORE=-w
	$(call need,build instructions)
	$(again) ENV=prod counted
counted: $(PROGRAMS) $(OUT)/tests/bench/load $(OUT)/tests/bench/scale
	@$(PATHS) tests/bench/instructions $(STORE)

fuzz: ## tests/fuzz: hostile bytes, SECONDS=60 for each target; T=target
	$(call need,build clang)
	$(again) CC=clang ENV=fuzz fuzzed
fuzzed: $(patsubst %.c,$(OUT)/%,$(wildcard tests/fuzz/fuzz_*.c))
	@OUT=$(OUT) FUZZ_SECONDS=$(or $(SECONDS),60) tests/fuzz/run $(T)

mutants: ## seeded faults, each of which tests/crash/step must find
	$(call need,build test)
	$(again) ENV=prod mutated
mutated: $(OUT)/tests/crash/step/run
	@OUT=$(OUT)/mutants LINK='$(CC) -pie $(LINK)' \
	    COMPILE='$(CC) $(filter-out -DKVD_VERSION=%,$(COMPILE)) -fPIE' \
	    OBJECTS='$(call objects,tests/crash/step/*.c)' \
	    LIBS='$(LIBS_tests/crash/step) $(BSD_LIBS) -lcriterion' \
	    tests/crash/mutants/run

model: ## tests/model: SPIN tries every order of steps and kills
	$(call need,model)
	@OUT=$(BUILD)/model tests/model/run

# ----------------------------------------------------------- installation

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
LIBDIR := $(PREFIX)/lib
# mode:file:destination
INSTALL := \
    755:$(OUT)/kvd:$(PREFIX)/sbin/kvd \
    755:$(OUT)/kv:$(PREFIX)/bin/kv \
    644:$(OUT)/libkv.a:$(LIBDIR)/libkv.a \
    644:$(OUT)/$(LIBKV_SO):$(LIBDIR)/$(LIBKV_SO) \
    644:proto/client/kv.h:$(PREFIX)/include/kv.h \
    755:server/etc/kvd.init:$(SYSCONFDIR)/init.d/kvd \
    644:server/etc/kvd.logrotate:$(SYSCONFDIR)/logrotate.d/kvd \
    644:server/etc/kvd.service:$(LIBDIR)/systemd/system/kvd.service \
    644:server/etc/kvd.socket:$(LIBDIR)/systemd/system/kvd.socket \
    644:server/etc/kvd.sysusers:$(LIBDIR)/sysusers.d/kvd.conf \
    644:server/etc/kvd.tmpfiles:$(LIBDIR)/tmpfiles.d/kvd.conf \
    644:$(OUT)/kv.bash-completion:$(PREFIX)/share/bash-completion/completions/kv \
    $(foreach m,$(wildcard man/*.[1-8]), \
    644:$m:$(PREFIX)/share/man/man$(subst .,,$(suffix $m))/$(notdir $m))
CONF := $(DESTDIR)$(SYSCONFDIR)/kvd/kvd.conf

install: all ## into DESTDIR and PREFIX; keeps an existing kvd.conf
	$(again) put
put: $(ALL) $(OUT)/kv.bash-completion
	@set -e; for f in $(INSTALL); do IFS=:; set -- $$f; \
	    echo "$(DESTDIR)$$3"; install -D -m $$1 $$2 "$(DESTDIR)$$3"; done
	@ln -sfn $(LIBKV_SO) "$(DESTDIR)$(LIBDIR)/libkv.so"
	@test -e "$(CONF)" || install -D -m 644 server/etc/kvd.conf "$(CONF)"

uninstall: ## what install has put there, but for a changed kvd.conf
	@for f in $(INSTALL) $(LIBDIR)/libkv.so; do rm -f "$(DESTDIR)$${f##*:}"; done
	@cmp -s server/etc/kvd.conf "$(CONF)" && rm "$(CONF)" && \
	    rmdir --ignore-fail-on-non-empty "$(dir $(CONF))" || \
	    test ! -e "$(CONF)" || echo "kept $(CONF)"

docs: ## the manual pages as HTML, in build/doc
	$(call need,docs)
	@mkdir -p $(BUILD)/doc; \
	    for m in $(notdir $(wildcard man/*.[1-8])); do mandoc -Thtml \
	    -O man=%N.%S.html man/$$m >$(BUILD)/doc/$$m.html || exit 1; done

dist: ## a tarball of the tracked files
	@mkdir -p $(BUILD) && \
	    git ls-files -z | tar --null -T - --sort=name --owner=root --group=root \
	    --transform 's,^,kvd-$(VERSION)/,' -czf $(BUILD)/kvd-$(VERSION).tar.gz

clean: ## remove what was built
	rm -rf $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 16
.SECONDEXPANSION:
$(OUT)/%/run: $$(call objects,$$*/*.c) $$(LIBS_$$*)
	$(call link,-lcriterion -lm)
$(OUT)/tests/fuzz/%: $(OUT)/obj/tests/fuzz/%.o $$(or $$(LIBS_$$*),$(LIBS_fuzz))
	$(link)
