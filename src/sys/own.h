/*
** Linux: is an address one of this host's? The list of them is read once, and
** again after a change. The kernel sends notices of changes to a socket, where
** nobody reads them: one cheap question shows whether more have come, also to a
** copy of this process, which shares the socket.
*/
#ifndef mcast_sysown_h
#define mcast_sysown_h

static inline void sys_closeown(sys_Own *o) {
  if (o->opened)
    close(o->fd);
  if (o->list != NULL)
    freeifaddrs(o->list);
  memset(o, 0, sizeof *o);
}

/* Has an address, or a link, changed? Notices take up room, and are dropped and
   counted where there is none. (A failure may hide a change.) */
static inline bool sys_haschanged(sys_Own *o) {
  uint32_t info[SK_MEMINFO_VARS] = {0};
  socklen_t len = sizeof info;
  bool changed = getsockopt(o->fd, SOL_SOCKET, SO_MEMINFO, info, &len) != 0 ||
                 o->list == NULL || o->bytes != info[SK_MEMINFO_RMEM_ALLOC] ||
                 o->dropped != info[SK_MEMINFO_DROPS];
  o->bytes = info[SK_MEMINFO_RMEM_ALLOC];
  o->dropped = info[SK_MEMINFO_DROPS];
  return changed;
}

/* 0 or errno. */
static inline int sys_renewown(sys_Own *o) {
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

/* 0 or errno. */
static inline int sys_openown(sys_Own *o) {
  int least = 1; /* byte; the kernel has a minimum */
  o->fd = sys_openmonitor();
  if (o->fd < 0)
    return errno;
  o->opened = true;
  (void)setsockopt(o->fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
  int err = sys_renewown(o);
  if (err != 0)
    sys_closeown(o);
  return err;
}

/* 1, 0, or -1: unknown. */
static inline int sys_isown(sys_Own *o, const struct sockaddr *a) {
  return sys_renewown(o) == 0 ? sys_haslocal(o->list, a) : -1;
}

#endif
