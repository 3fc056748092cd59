/*
** Linux: the members of an IPv6 group on this host, and the sources that they
** hear. A dump of an interface's groups is the cheapest answer on who has
** joined; only /proc has the sources. Both cost in proportion to their length.
*/
#ifndef mcast_syshearers_h
#define mcast_syshearers_h

#include "netlink.h"

typedef struct sys_Flow {
  unsigned index;
  const struct in6_addr *group;
  const struct in6_addr *source; /* NULL: not known yet */
} sys_Flow;

/*
** Members.
*/

/* Looks for the group in a part of a dump. Returns 1: the end, 0: more follows,
   -1: failure, errno set. */
static inline int sys_findgroup(const char *at, size_t left, const sys_Flow *f,
                                bool *joined) {
  sys_Header header;
  sys_Host host;
  struct in6_addr group;
  const size_t begin = sizeof header + sizeof host;
  while (left >= sizeof header) {
    memcpy(&header, at, sizeof header);
    if (header.type == SYS_ERROR || header.type == SYS_DONE) {
      errno = sys_readerror(at, left);
      return errno == 0 ? 1 : -1;
    }
    if (header.len < begin || header.len > left)
      break;
    memcpy(&host, at + sizeof header, sizeof host);
    if (!*joined && host.index == f->index &&
        sys_findattribute(at + begin, header.len - begin, SYS_GROUP, &group,
                          sizeof group))
      *joined = memcmp(&group, f->group, sizeof group) == 0;
    size_t step = sys_align(header.len);
    step = step < left ? step : left;
    at += step;
    left -= step;
  }
  errno = EIO;
  return left == 0 ? 0 : -1;
}

/* Asks for all groups of the interface: is it joined? 1, 0, or -1 and errno. */
static inline int sys_askgroups(sys_Asker *a, const sys_Flow *f) {
  const struct {
    sys_Header header;
    sys_Host host;
  } request = {{sizeof request, SYS_GETMULTICAST, SYS_REQUEST | SYS_DUMP, 0, 0},
               {AF_INET6, 0, 0, 0, f->index}};
  char answer[8192]; /* as much as the kernel puts into a part */
  bool joined = false;
  int end = 0;
  ssize_t n = sys_ask(a, &request, sizeof request, answer, sizeof answer);
  while (n >= 0 && (end = sys_findgroup(answer, (size_t)n, f, &joined)) == 0)
    n = sys_receiveanswer(a, answer, sizeof answer);
  return n < 0 || end < 0 ? sys_dropasker(a) : joined;
}

/* Subscribes to changes of the members of groups, unless the kernel is older. A
   socket that is not bound would get none. */
static inline void sys_subscribe(sys_Asker *a) {
  const sys_Netlink own = {.family = AF_NETLINK};
  const int group = SYS_CHANGES;
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd >= 0 &&
      (bind(fd, (const struct sockaddr *)(const void *)&own, sizeof own) != 0 ||
       setsockopt(fd, SYS_NETLINK, SYS_SUBSCRIBE, &group, sizeof group) != 0)) {
    close(fd);
    fd = -2;
  }
  a->last.fd = fd;
}

/* Was no group joined or left since this was asked last? */
static inline bool sys_isunchanged(sys_Asker *a) {
  char byte;
  bool unchanged = true;
  if (a->last.fd == -1)
    sys_subscribe(a);
  if (a->last.fd < 0)
    return false;
  while (recvfrom(a->last.fd, &byte, 1, MSG_DONTWAIT, NULL, NULL) >= 0 ||
         errno == ENOBUFS) /* too many to be reported */
    unchanged = false;
  return unchanged && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* Is the group joined on the interface? 1, 0, or -1 and errno. The kernel is
   asked again for the same only after a change. */
static inline int sys_isjoined(sys_Asker *a, const sys_Flow *f) {
  errno = sys_openasker(a);
  if (errno != 0)
    return -1;
  if (sys_isunchanged(a) && a->last.index == f->index &&
      memcmp(&a->last.group, f->group, sizeof *f->group) == 0)
    return a->last.joined;
  a->last.index = 0;
  int joined = sys_askgroups(a, f);
  if (joined >= 0) {
    a->last.index = f->index;
    a->last.group = *f->group;
    a->last.joined = joined;
  }
  return joined;
}

/*
** Sources. A filter of several sources counts at each, so that the number of
** members that name none is known only where few do.
*/

typedef struct sys_Hearers {
  bool filtered; /* some member names sources */
  unsigned long members;
  unsigned long includes; /* of all sources, by all members */
  unsigned long included; /* of the one source */
  unsigned long excluded;
  unsigned long mostexcluded; /* of any source */
} sys_Hearers;

static inline void sys_printhost(const struct in6_addr *a, char text[33]) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < sizeof *a; i++) {
    text[2 * i] = digits[a->s6_addr[i] >> 4];
    text[2 * i + 1] = digits[a->s6_addr[i] & 15];
  }
  text[32] = '\0';
}

/* A line of /proc/net/igmp6, of the group. */
static inline void sys_countmembers(const char *line, const sys_Flow *f,
                                    sys_Hearers *h) {
  unsigned index;
  unsigned long n; /* NOLINTNEXTLINE(cert-err34-c): the kernel's own numbers */
  if (sscanf(line, "%u %*s %*s %lu", &index, &n) == 2 && index == f->index)
    h->members = n;
}

/* A line of /proc/net/mcfilter6, of the group. */
static inline void sys_countsources(const char *line, const sys_Flow *f,
                                    sys_Hearers *h) {
  char source[33], own[33];
  unsigned long in, ex;
  if (strtoul(line, NULL, 10) != f->index)
    return;
  h->filtered = true;
  if (f->source == NULL || /* NOLINTNEXTLINE(cert-err34-c): the same */
      sscanf(line, "%*s %*s %*s %32s %lu %lu", source, &in, &ex) != 3)
    return;
  h->includes += in;
  h->mostexcluded = ex > h->mostexcluded ? ex : h->mostexcluded;
  sys_printhost(f->source, own);
  if (strcmp(source, own) == 0) {
    h->included = in;
    h->excluded = ex;
  }
}

enum { SYS_SOURCES, SYS_MEMBERS, SYS_UNSURE };

typedef struct sys_File {
  const char *path;
  void (*count)(const char *line, const sys_Flow *f, sys_Hearers *h);
} sys_File;

/* Counts the whole lines in the text that have the group; returns the length of
   the rest. The text ends with a zero byte, which is not counted. */
static inline size_t sys_countlines(const sys_File *file, char *text,
                                    size_t len, const sys_Flow *f,
                                    sys_Hearers *h) {
  char group[33];
  char *line = text, *end;
  sys_printhost(f->group, group);
  if (strstr(text, group) == NULL && (end = strrchr(text, '\n')) != NULL)
    line = end + 1;
  for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
    *end = '\0';
    if (strstr(line, group) != NULL)
      file->count(line, f, h);
  }
  len -= (size_t)(line - text);
  memmove(text, line, len);
  return len;
}

/* Reads a file from its begin, without the C library's buffers: 0, or -1 and
   errno. The asker is open. */
static inline int sys_readfile(sys_Asker *a, int which, const sys_Flow *f,
                               sys_Hearers *h) {
  static const sys_File files[] = {{"/proc/net/mcfilter6", sys_countsources},
                                   {"/proc/net/igmp6", sys_countmembers}};
  char text[8192];
  size_t len = 0;
  off_t at = 0;
  ssize_t n;
  if (a->files[which] < 0)
    a->files[which] = open(files[which].path, O_RDONLY | O_CLOEXEC);
  if (a->files[which] < 0)
    return -1;
  while ((n = pread(a->files[which], text + len, sizeof text - 1 - len, at)) >
         0) {
    at += n;
    len += (size_t)n;
    text[len] = '\0';
    len = sys_countlines(&files[which], text, len, f, h);
  }
  return n == 0 ? 0 : -1;
}

/* Does some member of the group certainly hear the source? 1, 0, or -1 and errno;
   SYS_UNSURE: it depends on the source, which is not known yet. */
static inline int sys_ishearing(sys_Asker *a, const sys_Flow *f) {
  sys_Hearers h = {0};
  int joined = sys_isjoined(a, f);
  if (joined <= 0)
    return joined;
  if (sys_readfile(a, SYS_SOURCES, f, &h) != 0)
    return -1;
  a->last.filtered = h.filtered;
  if (h.filtered && f->source == NULL)
    return SYS_UNSURE;
  if (!h.filtered || h.included > 0 || h.mostexcluded > h.excluded)
    return 1;
  if (sys_readfile(a, SYS_MEMBERS, f, &h) != 0)
    return -1;
  return h.members > h.includes + h.excluded;
}

#endif
