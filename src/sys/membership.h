/*
** Linux: the memberships of an interface, from /proc.
*/
#ifndef mcast_sysmembership_h
#define mcast_sysmembership_h

/* Reads a line of /proc/net/igmp (where the group stands below its interface's
   line) or igmp6. */
static inline bool sys_readmembership(const char *line, bool inet,
                                      unsigned *index, char group[33]) {
  if (!inet) /* NOLINTNEXTLINE(cert-err34-c): the kernel's own numbers */
    return sscanf(line, "%u %*s %32s", index, group) == 2;
  if (line[0] == '\t')
    return sscanf(line, "%32s", group) == 1;
  /* NOLINTNEXTLINE(cert-err34-c): the same */
  (void)sscanf(line, "%u", index);
  return false;
}

/* Is the group still a membership of the interface? (An interface made again
   under the old index has none, and the socket gets no notice.) 1, 0, or -1 on
   failure, with errno set. */
static inline int sys_ismember(unsigned index, const struct sockaddr *group) {
  const struct sockaddr_in *in = (const void *)group;
  const struct sockaddr_in6 *in6 = (const void *)group;
  bool inet = group->sa_family == AF_INET;
  char line[128], expected[33], found[33];
  unsigned at = 0;
  if (inet)
    (void)snprintf(expected, sizeof expected, "%08X", in->sin_addr.s_addr);
  for (size_t i = 0; !inet && i < sizeof in6->sin6_addr; i++)
    (void)snprintf(expected + 2 * i, 3, "%02x", in6->sin6_addr.s6_addr[i]);
  FILE *f = fopen(inet ? "/proc/net/igmp" : "/proc/net/igmp6", "re");
  bool member = false;
  int err = 0;
  if (f == NULL)
    return -1;
  while (!member && fgets(line, sizeof line, f) != NULL)
    member = sys_readmembership(line, inet, &at, found) && at == index &&
             strcmp(found, expected) == 0;
  if (ferror(f))
    err = errno;
  (void)fclose(f);
  errno = err;
  return err == 0 ? member : -1;
}

#endif
