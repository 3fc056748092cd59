/*
** The interface and the source that a socket sends to groups by.
*/
#include "mcast.h"

static int set(mcast_Socket *s, const mcast_Interface *i, bool named) {
  bool inet = s->family == AF_INET;
  int index = (int)i->index;
  struct ip_mreqn request;
  memset(&request, 0, sizeof request);
  request.imr_ifindex = index;
  request.imr_address = i->source.in.sin_addr;
  if (sys_setsockopt(s->fd, inet ? IPPROTO_IP : IPPROTO_IPV6,
                     inet ? IP_MULTICAST_IF : IPV6_MULTICAST_IF,
                     inet ? (const void *)&request : &index,
                     inet ? sizeof request : sizeof index) != 0)
    return errno;
  s->options.interface = i->index;
  memcpy(s->options.name, i->name, sizeof i->name);
  s->options.source = i->source;
  s->options.named = named;
  return 0;
}

/* Sets the interface that groups are sent by, and their source: 0 or errno. */
int mcast_setoutgoing(mcast_Socket *s, const mcast_Interface *interface) {
  mcast_Interface i = *interface;
  bool named = i.source.sa.sa_family != AF_UNSPEC;
  bool found = i.index != 0 && !named && s->family == AF_INET;
  int err = found ? mcast_findsource(&i) : 0;
  return err == 0 ? set(s, &i, named) : err;
}

/* The interface as it is now, and its source: 0 or errno. */
static int find(const mcast_Socket *s, mcast_Interface *i) {
  return s->family == AF_INET ? mcast_findsource(i)
                              : mcast_completeinterface(i);
}

/* Index and address of an interface are kept, for a look-up costs as much as a
   send. After a failure like that of one which is gone: has the interface another
   address now, or was one of its name made since? Then this is set. 0: to be sent
   again; else the errno to report. */
int mcast_renewsource(mcast_Socket *s, const mcast_Sockaddr *to, int err) {
  mcast_Interface i = {.index = s->options.interface};
  if ((err != ENETUNREACH && err != ENODEV) || i.index == 0 ||
      s->options.named || !mcast_ismulticast(to))
    return err;
  int failure = find(s, &i);
  if (failure == ENODEV) {
    i.index = 0;
    memcpy(i.name, s->options.name, sizeof i.name);
    failure = find(s, &i);
  }
  if (failure != 0)
    return failure == ENODEV ? err : failure;
  return i.index == s->options.interface &&
                 mcast_samehost(&i.source, &s->options.source)
             ? err
             : set(s, &i, false);
}

/* Finds the source that the socket names for a group, its bound host or that of
   its interface; AF_UNSPEC: none. 0 or errno. */
int mcast_choosesource(const mcast_Socket *s, const mcast_Sockaddr *to,
                       mcast_Sockaddr *source) {
  mcast_Sockaddr any;
  socklen_t len = sizeof *source;
  memset(source, 0, sizeof *source);
  if (mcast_namessource(s, to)) {
    *source = s->options.source;
    return 0;
  }
  if (sys_getsockname(s->fd, &source->sa, &len) != 0)
    return errno;
  mcast_anyaddress(s->family, 0, &any);
  if (mcast_ismulticast(source) || mcast_samehost(source, &any)) {
    memset(source, 0, sizeof *source);
    if (s->family == AF_INET)
      *source = s->options.source;
  }
  return 0;
}

/* Finds the way that the socket names to a group: 0 or errno. */
int mcast_findway(const mcast_Socket *s, const mcast_Sockaddr *to,
                  mcast_Way *way) {
  int err = mcast_choosesource(s, to, &way->source);
  unsigned zone = mcast_getzone(to);
  way->index = zone != 0 ? zone : s->options.interface;
  way->named =
      s->options.named || !mcast_samehost(&way->source, &s->options.source);
  return err;
}
