# make            builds the module
# make demo       two receivers and a sender over loopback
# make test       the specs; SPEC= names some, PORTABLE=1 builds for other systems
# make lint       static checks
# make sanitize   the specs under AddressSanitizer and UBSan
# make memcheck   the specs under valgrind
# make apicheck   the specs on a Lua that checks its API and its own state
# make bench      figures beside plain C and other libraries; ROUNDS=5
# make docs       the manual, doc/index.html
# make install    to $(DESTDIR)$(PREFIX)

PREFIX ?= /usr/local
INST_LIBDIR ?= $(PREFIX)/lib/lua/5.4
INST_DOCDIR ?= $(PREFIX)/share/doc/mcast

CC ?= cc
CFLAGS ?= -O2
WARNINGS ?= -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wvla
LUA ?= $(shell .ci/prerequisites lua)
LUA_INCDIR ?= $(shell .ci/prerequisites header)
SPEC ?= spec
ROUNDS ?= 5

VARIANT := $(if $(PORTABLE),portable)$(if $(SANITIZE),sanitize)
BUILD ?= build/$(or $(VARIANT),native)
ifdef PORTABLE
override CPPFLAGS += -DMCAST_PORTABLE
endif
ifdef SANITIZE
override CFLAGS += -g -fno-omit-frame-pointer -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all
override LDFLAGS += -fsanitize=address,undefined
PRELOAD = LD_PRELOAD="$(shell $(CC) -print-file-name=libasan.so) $(shell $(CC) -print-file-name=libubsan.so)"
endif
SHARED := $(if $(filter Darwin,$(shell uname)),-bundle -undefined dynamic_lookup,-shared)

SOURCES := $(wildcard src/*.c)
OBJECTS = $(SOURCES:src/%.c=$(BUILD)/%.o)
MODULE = $(BUILD)/mcast.so
RUN = LUA_CPATH="$(CURDIR)/$(BUILD)/?.so;;" MCAST_LUA="$(LUA)"

all: $(MODULE)

$(MODULE): $(OBJECTS)
	$(CC) $(CFLAGS) $(LDFLAGS) $(SHARED) -o $@ $(OBJECTS)

$(BUILD)/%.o: src/%.c | prerequisites
	@mkdir -p $(@D)
	$(CC) -std=c11 -fPIC $(WARNINGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP -isystem $(LUA_INCDIR) -c -o $@ $<

-include $(OBJECTS:.o=.d)

prerequisites:
	@.ci/prerequisites build

test-prerequisites:
	@.ci/prerequisites test

demo: all
	@$(RUN) examples/demo "$(LUA)"

test: test-prerequisites all
	@$(RUN) MCAST_PORTABLE=$(PORTABLE) $(PRELOAD) ASAN_OPTIONS=detect_leaks=0 spec/private-network $(LUA) spec/run.lua $(SPEC)

sanitize:
	@$(MAKE) --no-print-directory test SANITIZE=1

memcheck: test-prerequisites all
	@$(RUN) MCAST_MEMCHECK=1 spec/private-network valgrind -q --leak-check=full --errors-for-leak-kinds=definite --error-exitcode=9 $(LUA) spec/run.lua $(SPEC)

# A Lua host in which any system call or allocation of the module fails.
CALLS = socket bind connect getsockname setsockopt getsockopt sendto sendmsg recvfrom recvmsg poll ppoll setsourcefilter \
  getsourcefilter ioctl fcntl close if_nameindex if_freenameindex if_indextoname getifaddrs freeifaddrs fopen fgets ferror fclose \
  malloc calloc realloc free
SANITIZERS = -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all
LUA_LIBS ?= $(shell .ci/prerequisites library)

failing: $(BUILD)/failing-host

$(BUILD)/failing-host: $(SOURCES) $(wildcard src/*.h spec/failing/*.[ch]) | prerequisites
	@mkdir -p $(@D)
	$(CC) -std=c11 -g -O1 -U_FORTIFY_SOURCE -fno-omit-frame-pointer $(SANITIZERS) $(WARNINGS) $(CPPFLAGS) \
	  -isystem $(LUA_INCDIR) $(CALLS:%=-Wl,--wrap=%) -o $@ $(filter %.c,$^) $(LUA_LIBS)

apicheck: test-prerequisites all
	@LUA="$(LUA)" MODULES="$(CURDIR)/$(BUILD)" SPEC="$(SPEC)" .ci/apicheck

lint: lint-prerequisites
	@CC="$(CC)" LUA_INCDIR="$(LUA_INCDIR)" WARNINGS="$(WARNINGS)" .ci/lint

lint-prerequisites:
	@.ci/prerequisites lint

bench: test-prerequisites all build/bench/floor
	@ulimit -n 4096; LUA_PATH="bench/?.lua;;" $(RUN) spec/private-network $(LUA) bench/run.lua $(ROUNDS)

build/bench/floor: bench/floor.c
	@mkdir -p $(@D)
	$(CC) -O2 $(filter-out -Wconversion,$(WARNINGS)) -o $@ $<

docs: test-prerequisites
	ldoc -q .

install: all
	install -d $(DESTDIR)$(INST_LIBDIR) $(DESTDIR)$(INST_DOCDIR)/examples
	install -m 755 $(MODULE) $(DESTDIR)$(INST_LIBDIR)
	install -m 644 README.md $(DESTDIR)$(INST_DOCDIR)
	install -m 644 examples/*.lua $(DESTDIR)$(INST_DOCDIR)/examples

clean:
	rm -rf build doc

.PHONY: all prerequisites test-prerequisites lint-prerequisites demo test sanitize memcheck failing apicheck lint bench docs install clean
