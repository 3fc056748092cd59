# make            builds the module
# make demo       two receivers and a sender over loopback
# make test       the specs; SPEC= names some, SLOW=1 adds those that take over 5 s,
#                 PORTABLE=1 builds for other systems; JOBS=2 files run side by side
# make specs      the same, and installs nothing
# make lint       static checks
# make layers     which object files call which, from low to high
# make coverage   how much of src/ the specs run; SPEC=
# make fuzz       random input, under sanitizers; SECONDS=60
# make sanitize   the specs under AddressSanitizer and UBSan
# make memcheck   the specs under valgrind
# make differential  random programs on both networks; SECONDS=60, SEED=
# make soak       100 sockets at work for MINUTES=10, then a check for leaks
# make apicheck   the specs on a Lua that checks its API and its own state
# make bench      figures beside plain C, other libraries and simulators; ROUNDS=5, PART=
# make figures    the same, into README.md, docs/speed.md and bench/ratios.svg
# make search     the strategies of sweeps, and shrinking, on planted bugs; COUNT=
# make docs       the site, build/site/index.html
# make reference  the API as Markdown, docs/reference
# make man        the manual pages of the command, docs/man
# make rockspec   the lists of files in the rockspecs
# make install    to $(DESTDIR)$(PREFIX); make uninstall removes it
#
# LUA_VERSION=5.5 with any of them is for that Lua: else 5.4, where it is installed.
# make demo and make test install missing packages (see .ci/prerequisites); the other
# targets print the command.

PREFIX ?= /usr/local
INST_LIBDIR ?= $(PREFIX)/lib/lua/$(LUA_VERSION)
INST_LUADIR ?= $(PREFIX)/share/lua/$(LUA_VERSION)
INST_BINDIR ?= $(PREFIX)/bin
INST_MANDIR ?= $(PREFIX)/share/man/man1
INST_DOCDIR ?= $(PREFIX)/share/doc/mcast

CC ?= cc
CFLAGS ?= -O2
WARNINGS ?= -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wvla
ifndef LUA_VERSION
LUA_VERSION := $(shell .ci/prerequisites version)
endif
export LUA_VERSION
LUA ?= $(shell LUA_VERSION=$(LUA_VERSION) .ci/prerequisites lua)
LUA_INCDIR ?= $(shell LUA_VERSION=$(LUA_VERSION) .ci/prerequisites header)
LUA_LIBS ?= $(shell LUA_VERSION=$(LUA_VERSION) .ci/prerequisites library)
JOBS ?= 2
ROUNDS ?= 5
SECONDS ?= 60
MINUTES ?= 10

VARIANT := $(if $(PORTABLE),portable)$(if $(SANITIZE),sanitize)$(if $(COVERAGE),coverage)
OTHER := $(filter-out 5.4,$(LUA_VERSION))
BUILD ?= build/$(or $(VARIANT),native)$(OTHER)
ifdef PORTABLE
override CPPFLAGS += -DMCAST_PORTABLE
SPEC ?= $(if $(COVERAGE),spec,$(filter-out spec/sim_%,$(wildcard spec/*_spec.lua)) spec/lab) # the simulator is the same
endif
ifdef SANITIZE
override CFLAGS += -g -fno-omit-frame-pointer -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all
override LDFLAGS += -fsanitize=address,undefined
PRELOAD = LD_PRELOAD="$(shell $(CC) -print-file-name=libasan.so) $(shell $(CC) -print-file-name=libubsan.so)"
endif
ifdef COVERAGE
override CFLAGS += -O0 --coverage
override LDFLAGS += --coverage
endif
SPEC ?= spec
LINK := $(if $(filter Darwin,$(shell uname)),-bundle -undefined dynamic_lookup,-shared)

# The only list of sources. SYSTEM belongs to the real module alone; SHARED is compiled
# a second time, for the simulator. WORKERS are a library of their own, so that the
# simulator starts no process. Lint, rockspec and spec/package_spec.lua read it from
# here (make -s print-SHARED).
SOURCES := $(sort $(wildcard src/*.c))
SYSTEM := $(filter $(SOURCES),$(patsubst %,src/%.c,ancillary clock mcast note receive wait))
SHARED := $(filter-out $(SYSTEM),$(SOURCES))
SIMULATOR := $(sort $(wildcard src/sim/*.c))
WORKERS := $(sort $(wildcard src/worker/*.c))
HEADERS := $(wildcard src/*.h src/sys/*.h src/sim/*.h)

OBJECTS = $(SOURCES:src/%.c=$(BUILD)/%.o)
MODULE = $(BUILD)/mcast.so
CORE_OBJECTS = $(SIMULATOR:src/sim/%.c=$(BUILD)/sim/%.o) $(SHARED:src/%.c=$(BUILD)/sim/module/%.o)
CORE = $(BUILD)/mcast/sim/core.so
WORKER_OBJECTS = $(WORKERS:src/%.c=$(BUILD)/%.o)
WORKER = $(BUILD)/mcast/sim/worker.so
RUN = LUA_PATH="$(CURDIR)/lua/?.lua;;" LUA_CPATH="$(CURDIR)/$(BUILD)/?.so;;" MCAST_LUA="$(LUA)"

# The style sheet and the script of a timeline's page; each file imports from those before it.
PAGE = $(addprefix src/page/,page.css text.js model.js order.js scale.js words.js draw.js view.js legend.js app.js)
PAGE_MODULE = lua/mcast/timeline/page.lua

all: $(MODULE) $(CORE) $(WORKER) $(PAGE_MODULE)

$(PAGE_MODULE): $(PAGE) .ci/page Makefile | prerequisites
	$(LUA) .ci/page $(PAGE) >$@.new && mv $@.new $@

$(MODULE): $(OBJECTS)
	$(CC) $(CFLAGS) $(LDFLAGS) $(LINK) -o $@ $(OBJECTS)

$(CORE): $(CORE_OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) $(LINK) -o $@ $(CORE_OBJECTS) -lm

$(WORKER): $(WORKER_OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) $(LINK) -o $@ $(WORKER_OBJECTS)

COMPILE = $(CC) -std=c11 -fPIC $(WARNINGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP -isystem $(LUA_INCDIR)

$(BUILD)/%.o: src/%.c | prerequisites
	@mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<

$(BUILD)/sim/%.o: src/sim/%.c | prerequisites
	@mkdir -p $(@D)
	$(COMPILE) -DMCAST_SIMULATED -c -o $@ $<

$(BUILD)/sim/module/%.o: src/%.c | prerequisites
	@mkdir -p $(@D)
	$(COMPILE) -DMCAST_SIMULATED -c -o $@ $<

-include $(OBJECTS:.o=.d) $(CORE_OBJECTS:.o=.d) $(WORKER_OBJECTS:.o=.d)

prerequisites:
	@.ci/prerequisites build

spec-prerequisites:
	@.ci/prerequisites specs

# Prints a variable of this file.
print-%:
	@echo "$($*)"

demo:
	@.ci/prerequisites demo
	@$(MAKE) --no-print-directory all
	@$(RUN) examples/demo "$(LUA)"

test:
	@.ci/prerequisites test
	@$(MAKE) --no-print-directory specs

specs: spec-prerequisites all
	@$(RUN) MCAST_SLOW=$(SLOW) MCAST_PORTABLE=$(PORTABLE) MCAST_COVERAGE=$(COVERAGE) $(PRELOAD) ASAN_OPTIONS=detect_leaks=0 SPECS="$(SPEC)" spec/each $(JOBS) spec/private-network $(LUA) spec/run.lua

sanitize:
	@$(MAKE) --no-print-directory specs SANITIZE=1

memcheck: spec-prerequisites all
	@$(RUN) LUA="$(LUA)" JOBS="$(JOBS)" SPECS="$(SPEC)" .ci/memcheck

COVERED = build/$(if $(PORTABLE),portable)coverage$(OTHER)

coverage:
	@rm -f $(COVERED)/*.gcda $(COVERED)/*.gcov $(COVERED)/sim/*.gcda $(COVERED)/sim/*.gcov $(COVERED)/worker/*.gcda
	@$(MAKE) --no-print-directory specs COVERAGE=1
	@.ci/coverage $(COVERED)/*.gcda
	@.ci/coverage $(COVERED)/sim/*.gcda $(COVERED)/worker/*.gcda

FUZZERS = address option ancillary change
FUZZ = build/fuzz$(if $(PORTABLE),-portable)$(OTHER)
FUZZFLAGS = -std=c11 -g -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all \
  -fsanitize=fuzzer,address,undefined,float-cast-overflow $(WARNINGS) $(CPPFLAGS) -isystem $(LUA_INCDIR)

fuzz: fuzz-prerequisites $(FUZZERS:%=$(FUZZ)/%)
	@spec/private-network .ci/fuzz $(FUZZ) $(SECONDS) $(FUZZERS)

$(FUZZ)/ancillary $(FUZZ)/change: $(FUZZ)/%: spec/fuzz/%.c $(SOURCES) $(HEADERS) | fuzz-prerequisites
	@mkdir -p $(@D)
	clang $(FUZZFLAGS) -o $@ $< $(filter-out src/$*.c,$(SOURCES)) $(LUA_LIBS)

$(FUZZ)/%: spec/fuzz/script.c $(SOURCES) $(HEADERS) | fuzz-prerequisites
	@mkdir -p $(@D)
	clang $(FUZZFLAGS) -DSCRIPT='"spec/fuzz/$*.lua"' -o $@ $< $(SOURCES) $(LUA_LIBS)

fuzz-prerequisites:
	@.ci/prerequisites fuzz

differential: spec-prerequisites all
	@$(RUN) spec/private-network spec/differential/network $(LUA) spec/differential/run.lua $(SECONDS) $(SEED)

# (malloc keeps freed memory, so that its size is the most that was needed at once.)
soak: spec-prerequisites all
	@GLIBC_TUNABLES=glibc.malloc.trim_threshold=1073741824:glibc.malloc.mmap_max=0; export GLIBC_TUNABLES; ulimit -n 4096; $(RUN) spec/private-network $(LUA) spec/support/soak.lua $(MINUTES)

# A Lua host in which any system call or allocation of the module fails.
CALLS = socket bind connect getsockname getpeername setsockopt getsockopt sendto sendmsg recvfrom recvmsg poll ppoll setsourcefilter \
  getsourcefilter ioctl fcntl close if_nameindex if_freenameindex if_indextoname getifaddrs freeifaddrs open pread fopen fgets ferror fclose \
  malloc calloc realloc free
SANITIZERS = -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all

failing: $(BUILD)/failing-host

$(BUILD)/failing-host: $(SOURCES) $(HEADERS) $(wildcard spec/failing/*.[ch]) | prerequisites
	@mkdir -p $(@D)
	$(CC) -std=c11 -g -O1 -U_FORTIFY_SOURCE -fno-omit-frame-pointer $(SANITIZERS) $(WARNINGS) $(CPPFLAGS) \
	  -isystem $(LUA_INCDIR) $(CALLS:%=-Wl,--wrap=%) -o $@ $(filter %.c,$^) $(LUA_LIBS)

apicheck: spec-prerequisites all
	@LUA="$(LUA)" MODULES="$(CURDIR)/$(BUILD)" JOBS="$(JOBS)" SPECS="$(SPEC)" .ci/apicheck

LIBRARIES = $(MODULE) $(OBJECTS) $(CORE) $(CORE_OBJECTS) $(WORKER) $(WORKER_OBJECTS)

lint: lint-prerequisites all
	@LUA="$(LUA)" LUA_INCDIR="$(LUA_INCDIR)" WARNINGS="$(WARNINGS)" SOURCES="$(SOURCES)" SHARED="$(SHARED)" \
	  SIMULATOR="$(SIMULATOR)" WORKERS="$(WORKERS)" HEADERS="$(HEADERS)" LIBRARIES="$(LIBRARIES)" PAGE="$(PAGE)" \
	  PAGE_MODULE="$(PAGE_MODULE)" .ci/lint

layers: all
	@$(LUA) .ci/layers $(LIBRARIES)

lint-prerequisites:
	@.ci/prerequisites lint

# ns-3 as Debian has it.
NS3 := $(if $(wildcard /usr/include/ns3/core-module.h),$(if $(shell command -v $(CXX)),build/bench/ns3))

bench: bench-prerequisites all build/bench/floor build/bench/queues $(NS3)
	@ulimit -n 4096; $(RUN) LUA_PATH="$(CURDIR)/lua/?.lua;bench/?.lua;;" spec/private-network $(LUA) bench/run.lua $(ROUNDS) $(PART)

bench-prerequisites:
	@.ci/prerequisites bench

figures:
	@mkdir -p build/bench
	@$(MAKE) -s bench >build/bench/figures.md
	@LUA_PATH="bench/?.lua;;" $(LUA) bench/figures.lua build/bench/figures.md bench/ratios.svg README.md docs/speed.md

search: spec-prerequisites all
	@for part in find correct shrink; do \
	  $(RUN) LUA_PATH="$(CURDIR)/lua/?.lua;bench/?.lua;;" $(LUA) bench/search.lua $$part $(COUNT) && echo || exit; \
	done

build/bench/floor: $(wildcard bench/sockets/*.[ch])
	@mkdir -p $(@D)
	$(CC) -O2 $(filter-out -Wconversion,$(WARNINGS)) -o $@ $(filter %.c,$^)

build/bench/queues: $(wildcard bench/simulator/*.[ch])
	@mkdir -p $(@D)
	$(CC) -std=c11 -O2 $(WARNINGS) -o $@ $(filter %.c,$^)

build/bench/ns3: bench/simulator/ns3.cc
	@mkdir -p $(@D)
	$(CXX) -std=c++17 -O2 -Wall -Wextra -o $@ $< -lns3-internet -lns3-network -lns3-core

SITE ?= build/site

docs: docs-prerequisites
	ldoc -q --dir "$(SITE)" . >/dev/null
	mkdir -p "$(SITE)/simulator"
	cp LICENSE bench/ratios.svg examples/simulator/*.svg "$(SITE)"
	cp examples/simulator/*.lua "$(SITE)/simulator"

docs-prerequisites:
	@.ci/prerequisites docs

REFERENCE ?= docs/reference

reference: docs-prerequisites
	@mkdir -p "$(REFERENCE)" && rm -f "$(REFERENCE)"/*.md
	@REFERENCE="$(REFERENCE)" LUA_PATH="docs/site/?.lua;;" ldoc -q --filter reference.write . >/dev/null

MAN ?= docs/man

man: docs-prerequisites all
	@mkdir -p "$(MAN)" && rm -f "$(MAN)"/*.1
	@$(RUN) LUA="$(LUA)" .ci/man "$(MAN)"

# Everything is put under DESTDIR; spaces in the names do no harm.
INSTALL = MODULE="$(MODULE)" CORE="$(CORE)" WORKER="$(WORKER)" LUA="$(LUA)" BINDIR="$(DESTDIR)$(INST_BINDIR)" \
  MANDIR="$(DESTDIR)$(INST_MANDIR)" LIBDIR="$(DESTDIR)$(INST_LIBDIR)" LUADIR="$(DESTDIR)$(INST_LUADIR)" DOCDIR="$(DESTDIR)$(INST_DOCDIR)" .ci/install

install: all
	@$(INSTALL)

uninstall:
	@$(INSTALL) remove

rockspec:
	@mkdir -p rockspecs
	@$(LUA) .ci/rockspec "$(SOURCES)" "$(SIMULATOR)" "$(SHARED)" "$(WORKERS)"

# (luarocks make leaves objects beside the sources, and the libraries at the top.)
clean:
	rm -rf build mcast.so mcast *.rock
	rm -f src/*.o src/sim/*.o src/worker/*.o

.PHONY: all prerequisites spec-prerequisites docs-prerequisites lint-prerequisites fuzz-prerequisites demo test specs sanitize \
  memcheck failing apicheck lint layers coverage fuzz differential soak bench bench-prerequisites figures search docs reference man rockspec install uninstall clean
