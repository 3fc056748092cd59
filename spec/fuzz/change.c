/*
** Any bytes are read as reports of changes. They are in blocks of their own, so
** that a sanitizer detects a read past their end; and all that is known of
** interfaces afterwards has to be the sum of the changes that are reported.
*/
/* NOLINTNEXTLINE(bugprone-suspicious-include): its reader is static */
#include "../../src/change.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds, const char *fault) {
  if (!holds) {
    (void)fprintf(stderr, "%s\n", fault);
    abort();
  }
}

/* The number of changes of a kind. */
static int count(const mcast_Monitor *m, const char *kind) {
  int n = 0;
  for (int i = 0; i < m->reports.count; i++)
    n += strcmp(m->reports.list[i].kind, kind) == 0;
  return n;
}

static void checkknown(const mcast_Monitor *m) {
  int links = 0, up = 0, addresses = 0;
  for (int i = 0; i < m->known.count; i++) {
    const sys_Fact *f = &m->known.list[i];
    check(i == 0 || comparefacts(f - 1, f) < 0, "facts out of order");
    check(findlink(m, f->index) != NULL, "an address of no interface");
    check(memchr(f->name, '\0', sizeof f->name) != NULL, "a name without end");
    links += !isaddress(f);
    up += f->up;
    addresses += isaddress(f) && !issame(m, i, i - 1);
  }
  check(links == count(m, "added") - count(m, "removed"), "interfaces");
  check(up == count(m, "up") - count(m, "down"), "interfaces that are up");
  check(addresses == count(m, "address added") - count(m, "address removed"),
        "addresses");
}

/* Blocks, each after a byte of its length. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  mcast_Monitor m;
  memset(&m, 0, sizeof m);
  while (size > 0) {
    size_t n = data[0] < size ? data[0] : size - 1;
    char *block = malloc(n > 0 ? n : 1);
    check(block != NULL, "no memory");
    memcpy(block, data + 1, n);
    int err = readfacts(&m, block, n);
    free(block);
    check(err == 0 || err == ENOBUFS, "a failure");
    checkknown(&m);
    data += n + 1;
    size -= n + 1;
  }
  mcast_forgetchanges(&m);
  return 0;
}
