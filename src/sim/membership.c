/*
** Memberships, with the limits and errors of Linux: RFC 3678.
*/
#include "sim.h"

#define MAX_MEMBERSHIPS 20  /* sysctl net.ipv4.igmp_max_memberships */
#define MAX_SOURCES 10      /* net.ipv4.igmp_max_msf */
#define MAX_SOURCES6 64     /* net.ipv6.mld_max_msf */
#define MAX_OPTIONAL 131072 /* net.core.optmem_max: bytes of a socket */
#define MEMBER_BYTES 56
#define SOURCES_STEP 10 /* sources that Linux makes room for at a time */

bool sys_istoomany(int fd, const struct sockaddr *group, uint32_t count) {
  (void)fd;
  return count > (group->sa_family == AF_INET ? MAX_SOURCES : MAX_SOURCES6);
}

SIM_HOT static sim_Member *findmember(const sim_Socket *s,
                                      const mcast_Sockaddr *group,
                                      const sim_Interface *i) {
  for (int k = 0; k < s->nmembers; k++)
    if (s->members[k].interface == i &&
        mcast_samehost(&s->members[k].group, group))
      return &s->members[k];
  return NULL;
}

/* The last membership of a group, on any interface. */
static const sim_Member *findlast(const sim_Socket *s,
                                  const mcast_Sockaddr *group) {
  for (int k = s->nmembers; k-- > 0;)
    if (mcast_samehost(&s->members[k].group, group))
      return &s->members[k];
  return NULL;
}

/* On some interface, with some filter. */
bool sim_hasjoined(const sim_Socket *s, const mcast_Sockaddr *group) {
  for (int k = 0; k < s->nmembers; k++)
    if (mcast_samehost(&s->members[k].group, group))
      return true;
  return false;
}

/*
** Members of a LAN: an interface is one as long as a socket of its host is.
*/

/* All hosts and all nodes, which every interface is a member of. */
static bool isforall(const mcast_Sockaddr *group) {
  static const struct in6_addr node = {{{255, 1, [15] = 1}}};
  static const struct in6_addr link = {{{255, 2, [15] = 1}}};
  return group->sa.sa_family == AF_INET
             ? group->in.sin_addr.s_addr == htonl(INADDR_ALLHOSTS_GROUP)
             : IN6_ARE_ADDR_EQUAL(&group->in6.sin6_addr, &node) ||
                   IN6_ARE_ADDR_EQUAL(&group->in6.sin6_addr, &link);
}

/* Has the module made the socket a member of the IPv6 group on lo, from all
   sources? (See mix in src/membership.c.) */
static bool isonlo(const sim_Socket *s, const mcast_Sockaddr *group,
                   const sim_Interface *i) {
  int count = s->values[SIM_ALL], narrow = 0;
  if (i->lan != NULL || s->family != AF_INET6)
    return false;
  for (int k = 0; k < s->nmembers; k++) {
    const sim_Member *m = &s->members[k];
    if (mcast_samehost(&m->group, group)) {
      count++;
      narrow += m->mode == MCAST_INCLUDE || m->count > 0;
    }
  }
  return count > 1 && narrow > 0;
}

bool sim_ishostmember(const sim_Interface *i, const mcast_Sockaddr *group) {
  if (isforall(group))
    return true;
  for (const sim_Socket *s = i->host->sockets; s != NULL; s = s->next)
    if (findmember(s, group, i) != NULL || isonlo(s, group, i))
      return true;
  return false;
}

static bool addtolan(sim_Interface *i, const mcast_Sockaddr *group) {
  if (i->lan == NULL)
    return true;
  sim_Key key = sim_key(group, i->lan->id);
  sim_Group *g = sim_find(&i->net->groups, key);
  if (g == NULL) {
    g = calloc(1, sizeof *g);
    if (g == NULL || !sim_insert(&i->net->groups, key, g)) {
      free(g);
      return false;
    }
  }
  i->net->members++;
  return sim_append(&g->members, &g->count, i);
}

/* Makes a new interface a member of all hosts and all nodes of its LAN. */
bool sim_joinnodes(sim_Interface *i) {
  mcast_Sockaddr hosts, nodes;
  mcast_anyaddress(AF_INET, 0, &hosts);
  hosts.in.sin_addr.s_addr = htonl(INADDR_ALLHOSTS_GROUP);
  mcast_anyaddress(AF_INET6, 0, &nodes);
  nodes.in6.sin6_addr = (struct in6_addr){{{255, 2, [15] = 1}}};
  return addtolan(i, &hosts) && addtolan(i, &nodes);
}

/* Sets the interface's place in the LAN's list, in memberships of all sockets. */
static void setplace(const sim_Interface *i, const mcast_Sockaddr *group,
                     uint32_t place) {
  for (const sim_Socket *s = i->host->sockets; s != NULL; s = s->next) {
    sim_Member *m = findmember(s, group, i);
    if (m != NULL)
      m->place = place;
  }
}

/* Its place, which is the last one where no other socket is a member. */
static uint32_t getplace(const sim_Interface *i, const mcast_Sockaddr *group) {
  for (const sim_Socket *s = i->host->sockets; s != NULL; s = s->next) {
    const sim_Member *m = findmember(s, group, i);
    if (m != NULL)
      return m->place;
  }
  const sim_Group *g =
      i->lan != NULL ? sim_find(&i->net->groups, sim_key(group, i->lan->id))
                     : NULL;
  return g != NULL ? (uint32_t)g->count - 1 : 0;
}

static void compact(sim_Group *g, const mcast_Sockaddr *group) {
  int kept = 0;
  for (int k = 0; k < g->count; k++)
    if (g->members[k] != NULL) {
      setplace(g->members[k], group, (uint32_t)kept);
      g->members[kept++] = g->members[k];
    }
  g->count = kept;
  g->gone = 0;
}

/* Removes the interface of a membership that was left. The order of the others
   stays; they move when half of all have gone, so that the end of many nodes
   takes each a moment. */
static void removefromlan(const sim_Member *left) {
  const sim_Interface *i = left->interface;
  sim_Group *g = i->lan != NULL ? sim_find(&i->net->groups,
                                           sim_key(&left->group, i->lan->id))
                                : NULL;
  if (g == NULL || sim_ishostmember(i, &left->group))
    return;
  i->net->members++;
  g->members[left->place] = NULL;
  if (++g->gone > g->count / 2)
    compact(g, &left->group);
}

/* Records a new, changed or left membership; routers look at the filters of all
   of a host's from now on. */
static void recordchange(const sim_Socket *s, sim_Kind kind,
                         const sim_Member *m) {
  const sim_Interface *i = m->interface;
  sim_Group *g = i->lan != NULL
                     ? sim_find(&i->net->groups, sim_key(&m->group, i->lan->id))
                     : NULL;
  if (g != NULL)
    g->filtered = g->filtered || m->count > 0;
  i->net->members++;
  sim_recordmember(s, kind, m);
}

/*
** The memory of an IPv6 socket's memberships, which Linux bounds. (IPv4's have
** limits of their own, which are reached before.)
*/

static size_t countbytes(uint32_t room) {
  return room > 0 ? 24 + room * sizeof(struct in6_addr) : 0;
}

static bool hasoptional(const sim_Socket *s, size_t bytes) {
  return s->family == AF_INET || s->optional + bytes < MAX_OPTIONAL;
}

/* Linux copies the sources to new memory. */
static bool setroom(sim_Socket *s, sim_Member *m, uint32_t room) {
  if (room > 0 && !hasoptional(s, countbytes(room)))
    return false;
  s->optional += countbytes(room);
  s->optional -= countbytes(m->room);
  m->room = room;
  return true;
}

/*
** Sources.
*/

static uint32_t indexofsource(const sim_Member *m,
                              const mcast_Sockaddr *source) {
  for (uint32_t i = 0; i < m->count; i++) {
    mcast_Sockaddr a;
    mcast_copyaddress(&a, (const struct sockaddr *)&m->sources[i]);
    if (mcast_samehost(&a, source))
      return i;
  }
  return m->count;
}

static int addsource(sim_Socket *s, sim_Member *m,
                     const mcast_Sockaddr *source) {
  uint32_t most = s->family == AF_INET ? MAX_SOURCES : MAX_SOURCES6;
  if (indexofsource(m, source) < m->count)
    return sim_fail(EADDRNOTAVAIL);
  if (m->count == most ||
      (m->count == m->room && !setroom(s, m, m->room + SOURCES_STEP)))
    return sim_fail(ENOBUFS);
  if (m->sources == NULL)
    m->sources = calloc(most, sizeof *m->sources);
  if (m->sources == NULL)
    return sim_fail(ENOMEM);
  memcpy(&m->sources[m->count++], source, sizeof *source);
  return 0;
}

static int removesource(sim_Member *m, const mcast_Sockaddr *source) {
  uint32_t at = indexofsource(m, source);
  if (at == m->count)
    return sim_fail(EADDRNOTAVAIL);
  m->sources[at] = m->sources[--m->count];
  return 0;
}

/*
** Joining and leaving.
*/

static sim_Member *newmember(sim_Socket *s, const mcast_Sockaddr *group,
                             sim_Interface *i, uint32_t mode) {
  if (s->family == AF_INET6 && i->lan != NULL && sim_lacksinet6(i->mtu)) {
    errno = EINVAL;
    return NULL;
  }
  if (s->nmembers == MAX_MEMBERSHIPS && s->family == AF_INET) {
    errno = ENOBUFS;
    return NULL;
  }
  if (!hasoptional(s, MEMBER_BYTES)) {
    errno = ENOMEM;
    return NULL;
  }
  sim_Member *members =
      realloc(s->members, (size_t)(s->nmembers + 1) * sizeof *members);
  if (members != NULL)
    s->members = members;
  if (members == NULL || (!sim_ishostmember(i, group) && !addtolan(i, group))) {
    errno = ENOMEM;
    return NULL;
  }
  uint32_t place = getplace(i, group);
  sim_Member *m = &s->members[s->nmembers++];
  *m = (sim_Member){*group, i, mode, 0, NULL, 0, place};
  s->optional += MEMBER_BYTES;
  return m;
}

static void removemember(sim_Socket *s, sim_Member *m) {
  sim_Member gone = *m;
  sim_Member left = {gone.group, gone.interface, MCAST_INCLUDE, 0, NULL, 0, 0};
  recordchange(s, SIM_LEAVE, &left);
  s->nmembers--;
  s->optional -= MEMBER_BYTES + countbytes(gone.room);
  for (; m < s->members + s->nmembers; m++)
    *m = m[1]; /* the order stays */
  removefromlan(&gone);
  free(gone.sources);
}

void sim_leaveall(sim_Socket *s) {
  while (s->nmembers > 0)
    removemember(s, &s->members[s->nmembers - 1]);
}

static int joingroup(sim_Socket *s, const mcast_Sockaddr *group,
                     sim_Interface *i) {
  if (findmember(s, group, i) != NULL)
    return sim_fail(EADDRINUSE);
  const sim_Member *m = newmember(s, group, i, MCAST_EXCLUDE);
  if (m == NULL)
    return -1;
  recordchange(s, SIM_JOIN, m);
  return 0;
}

static int joinsource(sim_Socket *s, const mcast_Sockaddr *group,
                      sim_Interface *i, const mcast_Sockaddr *source) {
  sim_Member *m = findmember(s, group, i);
  if (m == NULL)
    m = newmember(s, group, i, MCAST_INCLUDE);
  if (m == NULL)
    return -1;
  if (m->mode != MCAST_INCLUDE)
    return sim_fail(EINVAL);
  if (addsource(s, m, source) != 0) {
    int err = errno;
    if (m->count == 0)
      removemember(s, m);
    return sim_fail(err);
  }
  recordchange(s, SIM_JOIN, m);
  return 0;
}

static int leavesource(sim_Socket *s, sim_Member *m,
                       const mcast_Sockaddr *source) {
  if (m->mode != MCAST_INCLUDE)
    return sim_fail(EINVAL);
  if (removesource(m, source) != 0)
    return -1;
  if (m->count == 0)
    removemember(s, m);
  else
    recordchange(s, SIM_LEAVE, m);
  return 0;
}

static int changesource(sim_Socket *s, sim_Member *m, int name,
                        const mcast_Sockaddr *source) {
  if (name == MCAST_LEAVE_SOURCE_GROUP)
    return leavesource(s, m, source);
  if (m->mode != MCAST_EXCLUDE)
    return sim_fail(EINVAL);
  int result = name == MCAST_BLOCK_SOURCE ? addsource(s, m, source)
                                          : removesource(m, source);
  if (result == 0)
    recordchange(s, SIM_JOIN, m);
  return result;
}

int sim_setmembership(sim_Socket *s, int name, const void *value,
                      socklen_t len) {
  struct group_source_req request; /* group_req is its beginning */
  mcast_Sockaddr group, source;
  bool sources = len == sizeof request;
  memset(&request, 0, sizeof request);
  memcpy(&request, value, len < sizeof request ? len : sizeof request);
  mcast_copyaddress(&group, (const struct sockaddr *)&request.gsr_group);
  mcast_copyaddress(&source, (const struct sockaddr *)&request.gsr_source);
  if (name != MCAST_JOIN_GROUP && name != MCAST_LEAVE_GROUP && !sources)
    return sim_fail(ENOPROTOOPT);
  sim_Interface *i = request.gsr_interface != 0
                         ? sim_getinterface(s->host, request.gsr_interface)
                         : sim_findroute(s->host, &group);
  if (i == NULL)
    return sim_fail(ENODEV);
  const sim_Member *joined = request.gsr_interface == 0 && s->family == AF_INET6
                                 ? findlast(s, &group)
                                 : NULL;
  if (joined != NULL) /* as Linux has it */
    i = joined->interface;
  if (name == MCAST_JOIN_GROUP)
    return joingroup(s, &group, i);
  if (name == MCAST_JOIN_SOURCE_GROUP)
    return joinsource(s, &group, i, &source);
  sim_Member *m = findmember(s, &group, i);
  if (m == NULL)
    return sim_fail(sources ? EINVAL : EADDRNOTAVAIL);
  if (sources)
    return changesource(s, m, name, &source);
  removemember(s, m);
  return 0;
}

/*
** Whole filters.
*/

int sys_setsourcefilter(int fd, unsigned index, const struct sockaddr *sa,
                        socklen_t len, uint32_t mode, uint32_t count,
                        const struct sockaddr_storage *sources) {
  sim_Socket *s = sim_getsocket(fd);
  mcast_Sockaddr group;
  (void)len;
  if (s == NULL)
    return -1;
  mcast_copyaddress(&group, sa);
  sim_Interface *i = sim_getinterface(s->host, index);
  sim_Member *m = i != NULL ? findmember(s, &group, i) : NULL;
  uint32_t most = s->family == AF_INET ? MAX_SOURCES : MAX_SOURCES6;
  if (m == NULL)
    return sim_fail(EINVAL);
  if (count > most)
    return sim_fail(ENOBUFS);
  if (mode == MCAST_INCLUDE && count == 0) {
    removemember(s, m);
    return 0;
  }
  if (m->sources == NULL && count > 0)
    m->sources = calloc(most, sizeof *m->sources);
  if (m->sources == NULL && count > 0)
    return sim_fail(ENOMEM);
  if (!setroom(s, m, count))
    return sim_fail(ENOBUFS);
  m->mode = mode;
  m->count = count;
  if (count > 0)
    memcpy(m->sources, sources, count * sizeof *sources);
  recordchange(s, SIM_JOIN, m);
  return 0;
}

int sys_getsourcefilter(int fd, unsigned index, const struct sockaddr *sa,
                        socklen_t len, uint32_t *mode, uint32_t *count,
                        struct sockaddr_storage *sources) {
  const sim_Socket *s = sim_getsocket(fd);
  mcast_Sockaddr group;
  (void)len;
  if (s == NULL)
    return -1;
  mcast_copyaddress(&group, sa);
  const sim_Interface *i = sim_getinterface(s->host, index);
  const sim_Member *m = i != NULL ? findmember(s, &group, i) : NULL;
  if (m == NULL)
    return sim_fail(EADDRNOTAVAIL);
  for (uint32_t k = 0; k < m->count && k < *count; k++)
    sources[k] = m->sources[k];
  *mode = m->mode;
  *count = m->count;
  return 0;
}

/*
** Accepting.
*/

SIM_HOT static bool passes(const sim_Member *m, const mcast_Sockaddr *from) {
  bool listed = indexofsource(m, from) < m->count;
  return listed == (m->mode == MCAST_INCLUDE);
}

/* Does a socket of the host accept it, by its own filter? */
bool sim_hostaccepts(const sim_Interface *i, const mcast_Sockaddr *group,
                     const mcast_Sockaddr *from) {
  if (isforall(group))
    return true;
  for (const sim_Socket *s = i->host->sockets; s != NULL; s = s->next) {
    const sim_Member *m = findmember(s, group, i);
    if ((m != NULL && passes(m, from)) || isonlo(s, group, i))
      return true;
  }
  return false;
}

/* By its filter for this interface, or by "all" where it has not joined? */
bool sim_hears(const sim_Socket *s, const sim_Interface *i,
               const sim_Packet *p) {
  const sim_Member *m = findmember(s, &p->to, i);
  return m != NULL ? passes(m, &p->from) : s->values[SIM_ALL];
}

/* Does the socket accept a packet to a group, from this interface? */
bool sim_accepts(const sim_Socket *s, const sim_Interface *i,
                 const sim_Packet *p) {
  const sim_Member *m = findmember(s, &p->to, i);
  if (m != NULL)
    return passes(m, &p->from);
  return s->values[SIM_ALL] && sim_hostaccepts(i, &p->to, &p->from);
}

/* Does Linux queue a packet that the socket does not accept? Its check of IPv6
   groups ignores the interface, and the module has it accept all sources where
   a socket has several memberships of the group, or "all". */
bool sim_queuesforeign(const sim_Socket *s, const sim_Interface *i,
                       const sim_Packet *p) {
  const sim_Member *last = findlast(s, &p->to);
  if (s->family != AF_INET6 || last == NULL)
    return false;
  bool several = s->values[SIM_ALL];
  for (const sim_Member *m = s->members; m < last && !several; m++)
    several = mcast_samehost(&m->group, &p->to);
  return (several || passes(last, &p->from)) &&
         sim_hostaccepts(i, &p->to, &p->from);
}
