/*
** Changes of interfaces. A monitor knows interfaces and addresses, and compares
** each fact that the system reports with these; a fact that is new to it is a
** change. Where reports were lost, or where a system makes none, the facts are
** those of the system's lists. So no change is lost, and none is reported twice.
**
** Functions that return int return 0 or errno. Nothing here runs Lua, so no
** finalizer can close the monitor meanwhile, but where changes are pushed.
*/
#include "mcast.h"

#define MOST 1024 /* reports that are read at a time */

/* Makes room for one more: returns the list, or NULL without memory. */
static void *reserve(void *list, int count, int *capacity, size_t size) {
  if (count < *capacity)
    return list;
  int larger = *capacity > 0 ? 2 * *capacity : 16;
  void *new = realloc(list, (size_t)larger * size);
  if (new != NULL)
    *capacity = larger;
  return new;
}

static int reservefact(mcast_Facts *facts) {
  sys_Fact *list =
      reserve(facts->list, facts->count, &facts->capacity, sizeof *facts->list);
  if (list == NULL)
    return ENOMEM;
  facts->list = list;
  return 0;
}

static int addfact(mcast_Facts *facts, const sys_Fact *f) {
  int err = reservefact(facts);
  if (err == 0)
    facts->list[facts->count++] = *f;
  return err;
}

/*
** The facts that are known, in order: an interface, then its addresses.
*/

static bool isaddress(const sys_Fact *f) {
  return f->address.sa.sa_family != AF_UNSPEC;
}

static int comparehosts(const sys_Fact *a, const sys_Fact *b) {
  return a->address.sa.sa_family == AF_INET
             ? memcmp(&a->address.in.sin_addr, &b->address.in.sin_addr,
                      sizeof a->address.in.sin_addr)
             : memcmp(&a->address.in6.sin6_addr, &b->address.in6.sin6_addr,
                      sizeof a->address.in6.sin6_addr);
}

static int comparefacts(const void *one, const void *other) {
  const sys_Fact *a = one, *b = other;
  if (a->index != b->index)
    return a->index < b->index ? -1 : 1;
  if (a->address.sa.sa_family != b->address.sa.sa_family)
    return a->address.sa.sa_family < b->address.sa.sa_family ? -1 : 1;
  int hosts = isaddress(a) ? comparehosts(a, b) : 0;
  return hosts != 0 ? hosts : a->prefix - b->prefix;
}

/* The place of a fact, or of the next one behind it. */
static int findplace(const mcast_Monitor *m, const sys_Fact *f) {
  int from = 0, to = m->known.count;
  while (from < to) {
    int middle = from + (to - from) / 2;
    if (comparefacts(&m->known.list[middle], f) < 0)
      from = middle + 1;
    else
      to = middle;
  }
  return from;
}

static bool isat(const mcast_Monitor *m, int place, const sys_Fact *f) {
  return place < m->known.count && comparefacts(&m->known.list[place], f) == 0;
}

static void insertat(mcast_Monitor *m, int place, const sys_Fact *f) {
  sys_Fact *at = &m->known.list[place];
  memmove(at + 1, at, (size_t)(m->known.count++ - place) * sizeof *at);
  *at = *f;
}

static void removeat(mcast_Monitor *m, int place) {
  sys_Fact *at = &m->known.list[place];
  memmove(at, at + 1, (size_t)(--m->known.count - place) * sizeof *at);
}

/* The known interface of an index; NULL where there is none. */
static sys_Fact *findlink(const mcast_Monitor *m, unsigned index) {
  sys_Fact link = {.index = index};
  int place = findplace(m, &link);
  return isat(m, place, &link) ? &m->known.list[place] : NULL;
}

void mcast_forgetchanges(mcast_Monitor *m) {
  free(m->known.list);
  free(m->reports.list);
  m->known.list = NULL;
  m->reports.list = NULL;
  m->known.count = m->known.capacity = 0;
  m->reports.count = m->reports.capacity = 0;
  m->reports.taken++;
}

/*
** Reports of changes.
*/

/* Reports a change of an interface, or of one of its addresses. */
static int report(mcast_Monitor *m, const char *kind, const sys_Fact *link,
                  const sys_Fact *f) {
  mcast_Report *list = reserve(m->reports.list, m->reports.count,
                               &m->reports.capacity, sizeof *list);
  if (list == NULL)
    return ENOMEM;
  m->reports.list = list;
  mcast_Report *r = &list[m->reports.count++];
  r->kind = kind;
  r->fact = *f;
  memcpy(r->fact.name, link->name, sizeof link->name);
  return 0;
}

/* Are two neighbours in the list one address, with prefixes of two lengths? */
static bool issame(const mcast_Monitor *m, int place, int other) {
  return 0 <= other && other < m->known.count &&
         m->known.list[place].index == m->known.list[other].index &&
         m->known.list[place].address.sa.sa_family ==
             m->known.list[other].address.sa.sa_family &&
         comparehosts(&m->known.list[place], &m->known.list[other]) == 0;
}

/* Reports the address at a place, unless its interface has it twice. */
static int reportaddress(mcast_Monitor *m, const char *kind, int place) {
  const sys_Fact *f = &m->known.list[place], *link = findlink(m, f->index);
  bool twice = issame(m, place, place - 1) || issame(m, place, place + 1);
  return link == NULL || twice ? 0 : report(m, kind, link, f);
}

static int removeaddress(mcast_Monitor *m, int place) {
  int err = reportaddress(m, "address removed", place);
  if (err == 0)
    removeat(m, place);
  return err;
}

static int addaddress(mcast_Monitor *m, int place, const sys_Fact *f) {
  int err = reservefact(&m->known);
  if (err != 0)
    return err;
  insertat(m, place, f);
  err = reportaddress(m, "address added", place);
  if (err != 0)
    removeat(m, place);
  return err;
}

/* Forgets an interface, with its addresses, the last one first. */
static int removelink(mcast_Monitor *m, unsigned index) {
  sys_Fact *link = findlink(m, index);
  int err = 0;
  if (link == NULL)
    return 0;
  int first = (int)(link - m->known.list), last = first;
  while (last + 1 < m->known.count && link[last + 1 - first].index == index)
    last++;
  if (link->up)
    err = report(m, "down", link, link);
  link->up = link->up && err != 0;
  for (; last > first && err == 0; last--)
    err = removeaddress(m, last);
  if (err == 0)
    err = report(m, "removed", link, link);
  if (err == 0)
    removeat(m, first);
  return err;
}

static int addlink(mcast_Monitor *m, const sys_Fact *f) {
  sys_Fact link = *f;
  int err = reservefact(&m->known);
  link.up = false;
  if (err == 0)
    err = report(m, "added", &link, &link);
  if (err == 0)
    insertat(m, findplace(m, &link), &link);
  return err;
}

/* A renamed interface is another one. ENOBUFS: its addresses are to be found in
   the system's lists. */
static int updatelink(mcast_Monitor *m, const sys_Fact *f) {
  sys_Fact *link = findlink(m, f->index);
  bool renamed = link != NULL && f->holds && strcmp(link->name, f->name) != 0;
  int err = renamed || !f->holds ? removelink(m, f->index) : 0;
  if (err != 0 || !f->holds)
    return err;
  if (renamed || link == NULL)
    err = addlink(m, f);
  link = findlink(m, f->index);
  if (err == 0 && link->up != f->up)
    err = report(m, f->up ? "up" : "down", link, link);
  if (err != 0)
    return err;
  link->up = f->up;
  return renamed ? ENOBUFS : 0;
}

static int updateaddress(mcast_Monitor *m, const sys_Fact *f) {
  int place = findplace(m, f);
  if (findlink(m, f->index) == NULL || isat(m, place, f) == f->holds)
    return 0;
  return f->holds ? addaddress(m, place, f) : removeaddress(m, place);
}

static int update(mcast_Monitor *m, const sys_Fact *f) {
  if (isaddress(f))
    return updateaddress(m, f);
  return f->holds && f->name[0] == '\0' ? 0 : updatelink(m, f);
}

/*
** Comparison with the system's lists.
*/

/* The bits of a netmask. */
static uint8_t getprefix(const struct sockaddr *mask) {
  mcast_Sockaddr a;
  int bits = 0;
  if (mask == NULL)
    return 0;
  mcast_copyaddress(&a, mask);
  const uint8_t *bytes = a.sa.sa_family == AF_INET
                             ? (const uint8_t *)&a.in.sin_addr
                             : a.in6.sin6_addr.s6_addr;
  size_t n = a.sa.sa_family == AF_INET ? 4 : 16;
  for (size_t i = 0; i < n; i++)
    for (int bit = bytes[i]; bit != 0; bit &= bit - 1)
      bits++;
  return (uint8_t)bits;
}

/* Adds the facts about one interface. */
static int addfacts(mcast_Facts *facts, const struct if_nameindex *interface,
                    const struct ifaddrs *list) {
  sys_Fact link = {.index = interface->if_index, .holds = true};
  int err = 0;
  (void)snprintf(link.name, sizeof link.name, "%s", interface->if_name);
  for (const struct ifaddrs *i = list; i != NULL && err == 0; i = i->ifa_next) {
    sys_Fact address = {.index = link.index, .holds = true};
    if (!mcast_isof(i, link.name))
      continue;
    link.up = i->ifa_flags & IFF_UP;
    if (!mcast_isaddress(i))
      continue;
    address.prefix = getprefix(i->ifa_netmask);
    if (i->ifa_addr->sa_family == AF_INET)
      memcpy(&address.address.in, i->ifa_addr, sizeof address.address.in);
    else
      memcpy(&address.address.in6, i->ifa_addr, sizeof address.address.in6);
    err = addfact(facts, &address);
  }
  return err == 0 ? addfact(facts, &link) : err;
}

/* Lists all facts, in order. The list is to be freed. */
static int listfacts(mcast_Facts *facts) {
  struct ifaddrs *addresses = NULL;
  struct if_nameindex *names = sys_if_nameindex();
  *facts = (mcast_Facts){NULL, 0, 0};
  if (names == NULL)
    return errno;
  int err = sys_getifaddrs(&addresses) == 0 ? 0 : errno;
  for (struct if_nameindex *i = names; err == 0 && i->if_index != 0; i++)
    err = addfacts(facts, i, addresses);
  if (addresses != NULL)
    sys_freeifaddrs(addresses);
  sys_if_freenameindex(names);
  if (facts->count > 0)
    qsort(facts->list, (size_t)facts->count, sizeof *facts->list, comparefacts);
  return err;
}

/* Is it in the list, an interface by its name, too? */
static bool islisted(const mcast_Facts *facts, const sys_Fact *f) {
  const sys_Fact *found = facts->count > 0
                              ? bsearch(f, facts->list, (size_t)facts->count,
                                        sizeof *f, comparefacts)
                              : NULL;
  return found != NULL && (isaddress(f) || strcmp(found->name, f->name) == 0);
}

/* Removals come first: a new interface may have the name of one that is no
   more. */
static int comparelists(mcast_Monitor *m) {
  mcast_Facts facts;
  int err = listfacts(&facts);
  for (int i = m->known.count; i-- > 0 && err == 0;)
    if (!islisted(&facts, &m->known.list[i])) {
      sys_Fact gone = m->known.list[i];
      gone.holds = false;
      err = update(m, &gone);
    }
  for (int i = 0; i < facts.count && err == 0; i++)
    err = update(m, &facts.list[i]);
  free(facts.list);
  return err;
}

/*
** Looking for changes.
*/

/* ENOBUFS: the lists are to be compared. */
static int readfacts(mcast_Monitor *m, const char *changes, size_t len) {
  sys_Fact f;
  size_t at = 0;
  int err = 0;
  while ((err == 0 || err == ENOBUFS) && sys_nextfact(changes, len, &at, &f)) {
    int failure = update(m, &f);
    err = failure != 0 ? failure : err;
  }
  return err;
}

/* Reads the changes that the descriptor shows; EAGAIN: there may be more. */
static int readchanges(mcast_Monitor *m, bool *lost) {
  _Alignas(sys_Fact) char changes[8192];
  for (int i = 0; i < MOST; i++) {
    ssize_t n = sys_readchanges(m->fd, changes, sizeof changes);
    if (n == 0)
      return 0;
    int err = n < 0 ? errno : readfacts(m, changes, (size_t)n);
    if (err != 0 && err != ENOBUFS)
      return err;
    *lost = *lost || err == ENOBUFS;
  }
  return EAGAIN;
}

/* Is it time to compare, where no descriptor shows changes? */
static bool isdue(const mcast_Monitor *m) {
  return MCAST_INTERVAL > 0 && sys_now() >= m->next;
}

/* Looks for changes. All that is older than the loss of a change is read before
   the lists, which are newer. */
int mcast_look(mcast_Monitor *m) {
  bool lost = m->lost || isdue(m);
  m->lost = true; /* where it fails, the next look compares */
  int err = readchanges(m, &lost);
  if (err == 0 && lost)
    err = comparelists(m);
  if (err != 0 && err != EAGAIN)
    return err;
  m->lost = lost && err == EAGAIN;
  if (MCAST_INTERVAL > 0)
    m->next = sys_now() + MCAST_INTERVAL;
  return 0;
}

/* Has it reports, or must it look for them, whatever its descriptor shows? */
bool mcast_ischanged(const mcast_Monitor *m) {
  return m->lost || m->reports.count > 0 || isdue(m);
}

/*
** Changes in Lua.
*/

static void pushreport(lua_State *L, const mcast_Report *r) {
  mcast_Sockaddr a;
  lua_createtable(L, 0, isaddress(&r->fact) ? 3 : 2);
  lua_pushstring(L, r->kind);
  lua_setfield(L, -2, "kind");
  lua_pushstring(L, r->fact.name);
  lua_setfield(L, -2, "interface");
  if (!isaddress(&r->fact))
    return;
  mcast_copyaddress(&a, &r->fact.address.sa);
  mcast_pushown(L, &a, r->fact.name);
  lua_setfield(L, -2, "address");
}

static void forgetreports(mcast_Monitor *m, int n) {
  mcast_Report *list = m->reports.list;
  m->reports.count -= n;
  memmove(list, list + n, (size_t)m->reports.count * sizeof *list);
  m->reports.taken++;
}

/* Have those been taken that were there at the last count? */
static bool istaken(const mcast_Monitor *m, unsigned count) {
  return m->reports.taken != count;
}

/* Pushes the list of changes, and forgets them; false: there is none. (A finalizer
   may take them first, or close the monitor.) */
bool mcast_takechanges(lua_State *L, mcast_Monitor *m) {
  for (int top = lua_gettop(L); m->reports.count > 0; lua_settop(L, top)) {
    int n = m->reports.count;
    unsigned taken = m->reports.taken;
    lua_createtable(L, n, 0);
    for (int i = 0; i < n && !istaken(m, taken); i++) {
      mcast_Report r = m->reports.list[i];
      pushreport(L, &r);
      lua_rawseti(L, -2, i + 1);
    }
    if (!istaken(m, taken)) {
      forgetreports(m, n);
      return true;
    }
  }
  return false;
}
