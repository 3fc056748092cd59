#define _GNU_SOURCE
#include "inject.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

long inject_lent;

static struct {
  const char *kind;
  int n;
  int err;
} order;

void inject_arm(const char *kind, int n, int err) {
  for (inject_Kind *k = inject_kinds; k->name != NULL; k++)
    k->calls = 0;
  order.kind = kind;
  order.n = n;
  order.err = err;
}

/* Counts a call; is it the one to fail? */
static bool fails(const char *kind) {
  inject_Kind *k = inject_kinds;
  while (strcmp(k->name, kind) != 0)
    k++;
  k->calls++;
  if (order.kind == NULL || strcmp(order.kind, kind) != 0 ||
      k->calls != order.n)
    return false;
  errno = order.err;
  return true;
}

bool inject_disarm(void) {
  bool reached = false;
  for (inject_Kind *k = inject_kinds; k->name != NULL; k++)
    if (order.kind != NULL && strcmp(order.kind, k->name) == 0)
      reached = k->calls >= order.n;
  order.kind = NULL;
  return reached;
}

#define FAIL(type, failure, name, parameters, arguments)                       \
  type __real_##name parameters;                                               \
  type __wrap_##name parameters;                                               \
  type __wrap_##name parameters {                                              \
    return fails(#name) ? failure : __real_##name arguments;                   \
  }

/* Counts the resources that are lent. */
#define LEND(type, name, parameters, arguments)                                \
  type __real_##name parameters;                                               \
  type __wrap_##name parameters;                                               \
  type __wrap_##name parameters {                                              \
    type lent = fails(#name) ? NULL : __real_##name arguments;                 \
    inject_lent += lent != NULL;                                               \
    return lent;                                                               \
  }

#define GIVEBACK(type, name)                                                   \
  void __real_##name(type lent);                                               \
  void __wrap_##name(type lent);                                               \
  void __wrap_##name(type lent) {                                              \
    inject_lent -= lent != NULL;                                               \
    __real_##name(lent);                                                       \
  }

FAIL(int, -1, socket, (int family, int type, int protocol),
     (family, type, protocol))
FAIL(int, -1, bind, (int fd, const struct sockaddr *a, socklen_t len),
     (fd, a, len))
FAIL(int, -1, connect, (int fd, const struct sockaddr *a, socklen_t len),
     (fd, a, len))
FAIL(int, -1, getsockname, (int fd, struct sockaddr *a, socklen_t *len),
     (fd, a, len))
FAIL(int, -1, getpeername, (int fd, struct sockaddr *a, socklen_t *len),
     (fd, a, len))
FAIL(int, -1, setsockopt,
     (int fd, int level, int name, const void *value, socklen_t len),
     (fd, level, name, value, len))
FAIL(int, -1, getsockopt,
     (int fd, int level, int name, void *value, socklen_t *len),
     (fd, level, name, value, len))
FAIL(ssize_t, -1, sendto,
     (int fd, const void *data, size_t n, int flags, const struct sockaddr *to,
      socklen_t len),
     (fd, data, n, flags, to, len))
FAIL(ssize_t, -1, sendmsg, (int fd, const struct msghdr *msg, int flags),
     (fd, msg, flags))
FAIL(ssize_t, -1, recvfrom,
     (int fd, void *data, size_t n, int flags, struct sockaddr *from,
      socklen_t *len),
     (fd, data, n, flags, from, len))
FAIL(ssize_t, -1, pread, (int fd, void *data, size_t n, off_t at),
     (fd, data, n, at))
FAIL(ssize_t, -1, recvmsg, (int fd, struct msghdr *msg, int flags),
     (fd, msg, flags))
FAIL(int, -1, poll, (struct pollfd * fds, nfds_t n, int ms), (fds, n, ms))
FAIL(int, -1, ppoll,
     (struct pollfd * fds, nfds_t n, const struct timespec *t,
      const sigset_t *signals),
     (fds, n, t, signals))
FAIL(int, -1, setsourcefilter,
     (int fd, uint32_t index, const struct sockaddr *group, socklen_t len,
      uint32_t mode, uint32_t count, const struct sockaddr_storage *sources),
     (fd, index, group, len, mode, count, sources))
FAIL(int, -1, getsourcefilter,
     (int fd, uint32_t index, const struct sockaddr *group, socklen_t len,
      uint32_t *mode, uint32_t *count, struct sockaddr_storage *sources),
     (fd, index, group, len, mode, count, sources))
FAIL(char *, NULL, if_indextoname, (unsigned index, char *name), (index, name))

/* Its mode is for files that it makes. */
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...) {
  return fails("open") ? -1 : __real_open(path, flags);
}

/* ferror distinguishes a read that fails from the end of a file. */
static FILE *broken;

char *__real_fgets(char *line, int size, FILE *f);
char *__wrap_fgets(char *line, int size, FILE *f);
char *__wrap_fgets(char *line, int size, FILE *f) {
  broken = fails("fgets") ? f : NULL;
  return broken == NULL ? __real_fgets(line, size, f) : NULL;
}

int __real_ferror(FILE *f);
int __wrap_ferror(FILE *f);
int __wrap_ferror(FILE *f) { return f == broken || __real_ferror(f); }

LEND(struct if_nameindex *, if_nameindex, (void), ())
GIVEBACK(struct if_nameindex *, if_freenameindex)
LEND(void *, malloc, (size_t size), (size))
LEND(void *, calloc, (size_t n, size_t size), (n, size))
GIVEBACK(void *, free)
LEND(FILE *, fopen, (const char *path, const char *mode), (path, mode))
GIVEBACK(struct ifaddrs *, freeifaddrs)

void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size) {
  void *new = fails("realloc") ? NULL : __real_realloc(block, size);
  inject_lent += block == NULL && new != NULL;
  return new;
}

int __real_getifaddrs(struct ifaddrs **list);
int __wrap_getifaddrs(struct ifaddrs **list);
int __wrap_getifaddrs(struct ifaddrs **list) {
  int status = fails("getifaddrs") ? -1 : __real_getifaddrs(list);
  inject_lent += status == 0;
  return status;
}

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void *p = va_arg(arguments, void *);
  va_end(arguments);
  return fails("ioctl") ? -1 : __real_ioctl(fd, request, p);
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  int value = va_arg(arguments, int);
  va_end(arguments);
  return fails("fcntl") ? -1 : __real_fcntl(fd, command, value);
}

/* On Linux a descriptor is closed even where close(2) fails. */

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd) {
  int status = __real_close(fd);
  return fails("close") ? -1 : status;
}

int __real_fclose(FILE *f);
int __wrap_fclose(FILE *f);
int __wrap_fclose(FILE *f) {
  inject_lent--;
  int status = __real_fclose(f);
  return fails("fclose") ? EOF : status;
}

inject_Kind inject_kinds[] = {{"socket", 0},          {"bind", 0},
                              {"connect", 0},         {"getsockname", 0},
                              {"getpeername", 0},     {"setsockopt", 0},
                              {"getsockopt", 0},      {"sendto", 0},
                              {"sendmsg", 0},         {"recvfrom", 0},
                              {"recvmsg", 0},         {"poll", 0},
                              {"ppoll", 0},           {"setsourcefilter", 0},
                              {"getsourcefilter", 0}, {"ioctl", 0},
                              {"fcntl", 0},           {"close", 0},
                              {"if_nameindex", 0},    {"if_indextoname", 0},
                              {"getifaddrs", 0},      {"open", 0},
                              {"pread", 0},           {"fopen", 0},
                              {"fgets", 0},           {"fclose", 0},
                              {"malloc", 0},          {"calloc", 0},
                              {"realloc", 0},         {NULL, 0}};
