/*
** Linux: is an address one of this host's? The list of them is read once, and
** again after a change. The kernel sends notices of changes: to look for one costs
** less than any question would.
*/
#ifndef mcast_sysown_h
#define mcast_sysown_h

static inline void sys_closeown(sys_Own *o) {
  if (o->owner != 0)
    close(o->fd);
  if (o->list != NULL)
    freeifaddrs(o->list);
  *o = (sys_Own){-1, 0, NULL};
}

/* Begins before the list is read, so that no change is missed: 0 or errno. */
static inline int sys_openown(sys_Own *o) {
  o->fd = sys_openmonitor();
  if (o->fd < 0)
    return errno;
  o->owner = getpid();
  if (getifaddrs(&o->list) == 0)
    return 0;
  int err = errno;
  o->list = NULL;
  sys_closeown(o);
  return err;
}

/* Has an address changed? (Any failure may hide a change.) */
static inline bool sys_haschanged(const sys_Own *o) {
  char notice[64];
  bool changed = o->list == NULL;
  ssize_t n;
  do {
    n = recvfrom(o->fd, notice, sizeof notice, MSG_DONTWAIT, NULL, NULL);
    changed = changed || n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
  } while (n >= 0);
  return changed;
}

/* A copy of this process would share the notices. 0 or errno. */
static inline int sys_renewown(sys_Own *o) {
  if (o->owner != getpid()) {
    sys_closeown(o);
    return sys_openown(o);
  }
  if (!sys_haschanged(o))
    return 0;
  if (o->list != NULL)
    freeifaddrs(o->list);
  o->list = NULL;
  if (getifaddrs(&o->list) == 0)
    return 0;
  o->list = NULL;
  return errno;
}

/* 1, 0, or -1: unknown. */
static inline int sys_isown(sys_Own *o, const struct sockaddr *a) {
  return sys_renewown(o) == 0 ? sys_haslocal(o->list, a) : -1;
}

#endif
