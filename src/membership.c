/*
** Memberships: RFC 3678, by its protocol-independent options. Joins go by
** interface index, which no change of name or address disturbs. A socket lists
** its memberships; their filters are read from the kernel. Functions that return
** int return 0 or errno.
**
** Nothing here runs Lua, so no finalizer can change the list meanwhile.
*/
#include "membership.h"

static const struct {
  int any;    /* for any source */
  int source; /* for one source */
} requests[] = {{MCAST_JOIN_GROUP, MCAST_JOIN_SOURCE_GROUP},
                {MCAST_LEAVE_GROUP, MCAST_LEAVE_SOURCE_GROUP},
                {MCAST_NONE, MCAST_BLOCK_SOURCE},
                {MCAST_NONE, MCAST_UNBLOCK_SOURCE}};

/*
** The list.
*/

mcast_Membership *mcast_findmember(const mcast_Socket *s,
                                   const mcast_Sockaddr *group,
                                   unsigned index) {
  for (int i = 0; i < s->members.count; i++)
    if (s->members.list[i].index == index &&
        mcast_samehost(&s->members.list[i].group, group))
      return &s->members.list[i];
  return NULL;
}

/* The name of the interface that the group is joined on. */
const char *mcast_membername(const mcast_Socket *s, const mcast_Change *c) {
  return mcast_findmember(s, &c->group, c->index)->interface;
}

/* The interface to join on where none is named: the socket's, else its device, which
   it receives by alone; 0: by route. */
unsigned mcast_defaultindex(const mcast_Socket *s) {
  unsigned device = 0;
  if (s->options.interface != 0)
    return s->options.interface;
  return sys_deviceindex(s->fd, &device) == 0 ? device : 0;
}

/* Finds the membership meant: on the interface named; else the only one; else
   the one on the socket's interface. */
static int choosemember(const mcast_Socket *s, mcast_Change *c,
                        mcast_Membership **member) {
  mcast_Membership *m = NULL;
  int count = 0;
  for (int i = 0; i < s->members.count && c->index == 0; i++)
    if (mcast_samehost(&s->members.list[i].group, &c->group)) {
      m = &s->members.list[i];
      count++;
    }
  if (count != 1)
    m = mcast_findmember(s, &c->group,
                         c->index != 0 ? c->index : mcast_defaultindex(s));
  *member = m;
  if (m != NULL)
    return 0;
  c->why = count > 1 ? "joined on several interfaces (name one of them)"
                     : "not joined";
  return count > 1 ? EINVAL : EADDRNOTAVAIL;
}

/* Makes room for one more, so that memory cannot fail after the system call. */
static int reserve(mcast_Socket *s) {
  if (s->members.count < s->members.capacity)
    return 0;
  int capacity = s->members.capacity > 0 ? 2 * s->members.capacity : 1;
  mcast_Membership *new =
      realloc(s->members.list, (size_t)capacity * sizeof *new);
  if (new == NULL)
    return ENOMEM;
  s->members.list = new;
  s->members.capacity = capacity;
  return 0;
}

/* Adds a membership in the room reserved; fails where its interface has no
   name any more. */
static int append(mcast_Socket *s, const mcast_Sockaddr *group,
                  unsigned index) {
  mcast_Membership *m = &s->members.list[s->members.count];
  memset(m, 0, sizeof *m);
  m->group = *group;
  m->index = index;
  if (!sys_interfacename(s->fd, index, m->interface))
    return errno;
  s->members.count++;
  return 0;
}

static void forget(mcast_Socket *s, mcast_Membership *m) {
  free(m->filter.sources);
  *m = s->members.list[--s->members.count];
}

void mcast_forgetall(mcast_Socket *s) {
  for (int i = 0; i < s->members.count; i++)
    free(s->members.list[i].filter.sources);
  free(s->members.list);
  s->members.list = NULL;
  s->members.count = s->members.capacity = 0;
}

/*
** The kernel's side.
*/

static int call(const mcast_Socket *s, mcast_Request request,
                const mcast_Change *c) {
  int level = s->family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
  struct group_req any;
  struct group_source_req one;
  bool source = c->source.sa.sa_family != AF_UNSPEC;
  memset(&any, 0, sizeof any);
  memset(&one, 0, sizeof one);
  any.gr_interface = one.gsr_interface = c->index;
  memcpy(&any.gr_group, &c->group, sizeof c->group);
  memcpy(&one.gsr_group, &c->group, sizeof c->group);
  memcpy(&one.gsr_source, &c->source, sizeof c->source);
  int status = source ? sys_setsockopt(s->fd, level, requests[request].source,
                                       &one, sizeof one)
                      : sys_setsockopt(s->fd, level, requests[request].any,
                                       &any, sizeof any);
  return status == 0 ? 0 : errno;
}

static int leave(const mcast_Socket *s, const mcast_Sockaddr *group,
                 unsigned index) {
  mcast_Change c = {"leave", *group, {{0}}, index, 0, NULL, false};
  return call(s, LEAVE, &c);
}

static int askfilter(const mcast_Socket *s, const mcast_Membership *m,
                     mcast_Filter *f) {
  mcast_Sockaddr g = m->group;
  uint32_t mode = f->mode, count = f->count;
  int err = sys_getsourcefilter(s->fd, m->index, &g.sa, mcast_addresslen(&g),
                                &mode, &count, f->sources) == 0
                ? 0
                : errno;
  f->mode = mode;
  f->count = count;
  return err;
}

/* Reads the filter from the kernel, or from the list where this keeps it.
   f->count is the room for sources, and then their number, which may be more. */
int mcast_getfilter(const mcast_Socket *s, const mcast_Membership *m,
                    mcast_Filter *f) {
  uint32_t room = f->count;
  int err = askfilter(s, m, f);
  m = mcast_findmember(s, &m->group, m->index);
  if (err != 0 || m == NULL || !m->filter.kept)
    return err;
  f->mode = m->filter.mode;
  f->count = m->filter.count;
  if (f->sources != NULL)
    memcpy(f->sources, m->filter.sources,
           (room < f->count ? room : f->count) * sizeof *f->sources);
  return 0;
}

static int setfilter(const mcast_Socket *s, const mcast_Change *c,
                     const mcast_Filter *f) {
  mcast_Sockaddr g = c->group;
  return sys_setsourcefilter(s->fd, c->index, &g.sa, mcast_addresslen(&g),
                             f->mode, f->count, f->sources) == 0
             ? 0
             : errno;
}

/* Does the kernel have this membership of the socket? */
static int checkjoined(const mcast_Socket *s, const mcast_Membership *m) {
  mcast_Filter none = {0, 0, NULL};
  return askfilter(s, m, &none);
}

/* Errors that mean "there is no such thing"; with others, nothing is known. */
static bool isgone(int err) {
  return err == ENODEV || err == ENXIO || err == EADDRNOTAVAIL;
}

/* Looks up the name anew; true where the interface is gone, or another one has
   its index, or a forked process left. */
bool mcast_islost(const mcast_Socket *s, mcast_Membership *m) {
  if (!sys_interfacename(s->fd, m->index, m->interface) && isgone(errno))
    return true;
  return sys_ismember(m->index, &m->group.sa) == 0 || isgone(checkjoined(s, m));
}

static bool hassource(const mcast_Filter *f, const mcast_Sockaddr *source) {
  for (uint32_t i = 0; i < f->count; i++) {
    mcast_Sockaddr a;
    mcast_copyaddress(&a, (const struct sockaddr *)&f->sources[i]);
    if (mcast_samehost(&a, source))
      return true;
  }
  return false;
}

/* A source in the filter of a membership. */
typedef struct Entry {
  bool include;
  bool listed;
  uint32_t count; /* of all sources */
} Entry;

/* Reads the whole filter. f->sources is to be freed. */
static int readfilter(const mcast_Socket *s, const mcast_Membership *m,
                      mcast_Filter *f) {
  *f = (mcast_Filter){MCAST_EXCLUDE, 0, NULL};
  int err = mcast_getfilter(s, m, f);
  f->sources = calloc(f->count + 1, sizeof *f->sources);
  if (f->sources == NULL)
    return ENOMEM;
  return err == 0 ? mcast_getfilter(s, m, f) : err;
}

static int readentry(const mcast_Socket *s, const mcast_Membership *m,
                     const mcast_Sockaddr *source, Entry *e) {
  mcast_Filter f;
  int err = readfilter(s, m, &f);
  e->include = f.mode == MCAST_INCLUDE;
  e->count = f.count;
  e->listed = err == 0 && hassource(&f, source);
  free(f.sources);
  return err;
}

/*
** The check of sources: the kernel's is by group alone where it mixes filters.
** Then a membership on lo, made last and thus first in its list, lets all sources
** in, and each membership's filter is checked here. Where the script itself has
** joined the group on lo, this is its membership, whose filter the list keeps.
*/

static int learn(const mcast_Socket *s, mcast_Membership *m) {
  mcast_Filter f;
  if (m->filter.known)
    return 0;
  int err = readfilter(s, m, &f);
  if (err != 0) {
    free(f.sources);
    return err;
  }
  free(m->filter.sources);
  m->filter.known = true;
  m->filter.mode = f.mode;
  m->filter.count = f.count;
  m->filter.sources = f.sources;
  return 0;
}

/* Does the membership's filter accept the source? Where the filter cannot be
   read, as the kernel does. */
bool mcast_hears(const mcast_Socket *s, mcast_Membership *m,
                 const mcast_Sockaddr *source) {
  if (!MCAST_MIXESFILTERS || s->family == AF_INET || learn(s, m) != 0)
    return true;
  mcast_Filter f = {m->filter.mode, m->filter.count, m->filter.sources};
  return hassource(&f, source) == (f.mode == MCAST_INCLUDE);
}

static bool acceptsall(const mcast_Membership *m) {
  return m->filter.mode == MCAST_EXCLUDE && m->filter.count == 0;
}

/* Do memberships of a group differ from each other, or from `all`, which has
   other interfaces accept all sources? 0 or errno. */
static int checkmixed(const mcast_Socket *s, const mcast_Sockaddr *group,
                      bool *mixed) {
  int count = 0, narrow = 0, err = 0;
  for (int i = 0; i < s->members.count && err == 0; i++) {
    mcast_Membership *m = &s->members.list[i];
    if (!mcast_samehost(&m->group, group))
      continue;
    m->filter.known = false;
    err = learn(s, m);
    count++;
    narrow += !acceptsall(m);
  }
  *mixed = narrow > 0 && (count > 1 || s->options.all);
  return err;
}

/* Before a change: the kernel has the memberships of the list alone, with their
   filters. 0 or errno, where nothing has changed. */
static int unmix(const mcast_Socket *s, const mcast_Sockaddr *group) {
  mcast_Membership *lo = mcast_findmember(s, group, MCAST_LOOPBACK);
  mcast_Change c = {"filter", *group, {{0}}, MCAST_LOOPBACK, 0, NULL, false};
  if (s->members.mixed && lo == NULL)
    (void)leave(s, group, MCAST_LOOPBACK);
  if (lo == NULL || !lo->filter.kept)
    return 0;
  mcast_Filter f = {lo->filter.mode, lo->filter.count, lo->filter.sources};
  int err = isgone(checkjoined(s, lo)) ? 0 : setfilter(s, &c, &f);
  lo->filter.kept = err != 0;
  return err;
}

/* After a change: 0 or errno. */
static int mix(mcast_Socket *s, const mcast_Sockaddr *group) {
  mcast_Change c = {"join", *group, {{0}}, MCAST_LOOPBACK, 0, NULL, false};
  bool mixed;
  if (!MCAST_MIXESFILTERS || s->family == AF_INET)
    return 0;
  int err = checkmixed(s, group, &mixed);
  mcast_Membership *lo = mcast_findmember(s, group, MCAST_LOOPBACK);
  if (err != 0 || !mixed)
    return err;
  s->members.mixed = true;
  if (lo != NULL)
    err = leave(s, group, MCAST_LOOPBACK);
  if (err == 0)
    err = call(s, JOIN, &c);
  if (lo != NULL)
    lo->filter.kept = err == 0 && !acceptsall(lo);
  return err;
}

/* After a change of the option `all`: 0 or errno. */
int mcast_mixall(mcast_Socket *s) {
  int err = 0;
  for (int i = 0; i < s->members.count && err == 0; i++) {
    err = unmix(s, &s->members.list[i].group);
    if (err == 0)
      err = mix(s, &s->members.list[i].group);
  }
  return err;
}

/*
** Joining.
*/

/* The interface of a membership that the kernel has and the list has not: the
   route to the group chose it. ENODEV: none. */
static int findindex(const mcast_Socket *s, const mcast_Change *c,
                     const struct if_nameindex *list, unsigned *index) {
  int err = ENODEV;
  for (; list != NULL && list->if_index != 0; list++) {
    mcast_Membership m = {.group = c->group, .index = list->if_index};
    if (mcast_findmember(s, &c->group, m.index) != NULL)
      continue;
    int found = checkjoined(s, &m);
    if (found == 0) {
      *index = m.index;
      return 0;
    }
    err = isgone(found) ? err : found;
  }
  return err;
}

/* The same where a join by route added a source to a membership. */
static int findsource(const mcast_Socket *s, const mcast_Change *c,
                      unsigned *index) {
  int err = ENODEV;
  for (int i = 0; i < s->members.count; i++) {
    const mcast_Membership *m = &s->members.list[i];
    Entry e;
    if (!mcast_samehost(&m->group, &c->group))
      continue;
    int found = readentry(s, m, &c->source, &e);
    if (found == 0 && e.listed) {
      *index = m->index;
      return 0;
    }
    err = found == 0 ? err : found;
  }
  return err;
}

/* Leaves a group that is not in the list: the rest of a failed join, or of an
   earlier owner of the descriptor. True where it was joined. */
static bool undo(const mcast_Socket *s, const mcast_Change *c, unsigned index) {
  return index != 0 && mcast_findmember(s, &c->group, index) == NULL &&
         leave(s, &c->group, index) == 0;
}

/* Joins, all or nothing: Linux joins the group first and adds the source then,
   which may fail by itself. */
static int join(mcast_Socket *s, mcast_Change *c) {
  struct if_nameindex *list = NULL;
  unsigned index = c->index;
  if (index == 0 && (list = sys_if_nameindex()) == NULL)
    return errno;
  int err = call(s, JOIN, c);
  int found = index == 0 ? findindex(s, c, list, &index) : 0;
  if (list != NULL)
    sys_if_freenameindex(list);
  if (err != 0 && undo(s, c, index) && err == EADDRINUSE)
    err = call(s, JOIN, c); /* an earlier owner's */
  if (err != 0)
    return err;
  if (found == ENODEV)
    found = findsource(s, c, &index);
  if (found == 0 && mcast_findmember(s, &c->group, index) == NULL)
    found = append(s, &c->group, index);
  if (found != 0)
    (void)call(s, LEAVE, c);
  else
    c->index = index;
  return found;
}

/* Forgets memberships that ended with their interface, so that the group can
   be joined again; the kernel still holds them against a new join. */
static void forgetlost(mcast_Socket *s, const mcast_Change *c) {
  for (int i = s->members.count; i-- > 0;) {
    mcast_Membership *m = &s->members.list[i];
    if (mcast_samehost(&m->group, &c->group) && mcast_islost(s, m)) {
      (void)leave(s, &m->group, m->index);
      forget(s, m);
    }
  }
}

/* Why the source's entry rules out the join, or NULL. */
static const char *getconflict(const mcast_Change *c, const Entry *e) {
  if (c->source.sa.sa_family == AF_UNSPEC)
    return e->include
               ? "already joined, for some sources (leave it first, or use "
                 "filter(group, \"exclude\", {}))"
               : "already joined";
  if (!e->include)
    return "already joined, for any source (leave it first, or use "
           "filter(group, \"include\", {...}))";
  return e->listed ? "already joined" : NULL;
}

/* Fails with EADDRINUSE where a membership rules out the join, which then names
   that membership's interface. */
static int checkconflicts(const mcast_Socket *s, mcast_Change *c) {
  for (int i = 0; i < s->members.count; i++) {
    const mcast_Membership *m = &s->members.list[i];
    Entry e;
    if (!mcast_samehost(&m->group, &c->group) ||
        (c->index != 0 && c->index != m->index))
      continue;
    int err = readentry(s, m, &c->source, &e);
    c->why = err == 0 ? getconflict(c, &e) : strerror(err);
    if (c->why != NULL) {
      c->index = m->index;
      return err == 0 ? EADDRINUSE : err;
    }
  }
  return 0;
}

static int addmember(mcast_Socket *s, mcast_Change *c) {
  mcast_Membership *m;
  forgetlost(s, c);
  int err = checkconflicts(s, c);
  if (err != 0)
    return err;
  c->sources = choosemember(s, c, &m) == 0;
  c->why = NULL;
  err = reserve(s);
  return err == 0 ? join(s, c) : err;
}

int mcast_addmember(mcast_Socket *s, mcast_Change *c) {
  int count = s->members.count;
  int err = unmix(s, &c->group);
  if (err != 0)
    return err;
  err = addmember(s, c);
  int failure = mix(s, &c->group);
  if (err == 0 && failure != 0 && s->members.count > count) {
    (void)leave(s, &c->group, c->index);
    forget(s, mcast_findmember(s, &c->group, c->index));
  }
  return err != 0 ? err : failure;
}

/*
** Changes of a membership.
*/

/* Why the source's entry rules out the request, and errno; or NULL. */
static const char *getobstacle(mcast_Request request, const Entry *e,
                               int *err) {
  *err = EADDRNOTAVAIL;
  if (request == LEAVE)
    return e->include && e->listed ? NULL : "not joined for this source";
  if (e->include) {
    *err = EINVAL;
    return "joined for some sources only, so none can be blocked (leave the "
           "source instead)";
  }
  if (request == UNBLOCK)
    return e->listed ? NULL : "not blocked";
  *err = EADDRINUSE;
  return e->listed ? "already blocked" : NULL;
}

static int changemember(mcast_Socket *s, mcast_Request request,
                        mcast_Change *c) {
  mcast_Membership *m;
  Entry e = {false, false, 0};
  int err = choosemember(s, c, &m);
  if (err != 0)
    return err;
  c->index = m->index;
  c->sources = true;
  bool lost = mcast_islost(s, m);
  if (request == LEAVE && lost) /* with all its sources */
    c->source.sa.sa_family = AF_UNSPEC;
  if (c->source.sa.sa_family != AF_UNSPEC) {
    err = readentry(s, m, &c->source, &e);
    c->why = err == 0 ? getobstacle(request, &e, &err) : strerror(err);
    if (c->why != NULL)
      return err;
  }
  err = call(s, request, c);
  if (request == LEAVE && (lost || (err == 0 && e.count <= 1)))
    forget(s, m); /* any source, or the last one */
  return request == LEAVE && lost ? 0 : err;
}

int mcast_changemember(mcast_Socket *s, mcast_Request request,
                       mcast_Change *c) {
  int err = unmix(s, &c->group);
  if (err != 0)
    return err;
  err = changemember(s, request, c);
  int failure = mix(s, &c->group);
  return err != 0 ? err : failure;
}

/* Joins for a filter that is set next. (For "exclude" all sources are received
   for a moment: the system has no call for both.) */
static int joinfiltered(mcast_Socket *s, mcast_Change *c,
                        const mcast_Filter *f) {
  int err = reserve(s);
  if (err != 0)
    return err;
  if (c->index == 0)
    c->index = mcast_defaultindex(s);
  if (f->mode == MCAST_INCLUDE)
    mcast_copyaddress(&c->source, (const struct sockaddr *)&f->sources[0]);
  err = join(s, c);
  c->source.sa.sa_family = AF_UNSPEC;
  return err;
}

/* Sets the whole filter; joins or leaves as it demands. */
static int changefilter(mcast_Socket *s, mcast_Change *c,
                        const mcast_Filter *f) {
  bool empty = f->mode == MCAST_INCLUDE && f->count == 0;
  mcast_Membership *m;
  forgetlost(s, c);
  int err = choosemember(s, c, &m);
  bool joined = m != NULL;
  if (err == EINVAL)
    return err;
  c->why = NULL;
  if (!joined && empty)
    return 0;
  err = joined ? 0 : joinfiltered(s, c, f);
  if (err != 0)
    return err;
  c->sources = true;
  if (joined)
    c->index = m->index;
  err = setfilter(s, c, f);
  if (err == 0 && empty)
    forget(s, m);
  if (err != 0 && !joined) {
    forget(s, mcast_findmember(s, &c->group, c->index));
    undo(s, c, c->index);
  }
  return err;
}

int mcast_setfilter(mcast_Socket *s, mcast_Change *c, const mcast_Filter *f) {
  int err = unmix(s, &c->group);
  if (err != 0)
    return err;
  err = changefilter(s, c, f);
  int failure = mix(s, &c->group);
  return err != 0 ? err : failure;
}
