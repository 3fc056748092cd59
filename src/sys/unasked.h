/*
** Systems that are not asked why a call failed, as causes.h asks Linux: they are
** well, as far as is known.
*/
#ifndef mcast_sysunasked_h
#define mcast_sysunasked_h

static inline sys_State sys_inet6state(const char *name,
                                       const struct in6_addr *own) {
  (void)name, (void)own;
  return SYS_WELL;
}

static inline bool sys_isport(unsigned index, unsigned device) {
  (void)index, (void)device;
  return false;
}

#endif
