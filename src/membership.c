/***
Memberships: RFC 3678, by its protocol-independent options. Joins go by
interface index, which no change of name or address disturbs.
@submodule socket
*/
#include "mcast.h"

typedef enum Request { JOIN, LEAVE, BLOCK, UNBLOCK } Request;

static const struct {
  const char *name;
  int any;    /* for any source */
  int source; /* for one source */
} requests[] = {{"join", MCAST_JOIN_GROUP, MCAST_JOIN_SOURCE_GROUP},
                {"leave", MCAST_LEAVE_GROUP, MCAST_LEAVE_SOURCE_GROUP},
                {"block", MCAST_NONE, MCAST_BLOCK_SOURCE},
                {"unblock", MCAST_NONE, MCAST_UNBLOCK_SOURCE}};

/* What a call asks for. */
typedef struct Call {
  const char *name;
  mcast_Sockaddr group;
  mcast_Sockaddr source; /* AF_UNSPEC: any */
  unsigned index;        /* 0: by route */
  unsigned zone;         /* of the group; 0: none */
} Call;

/*
** The book: the memberships of a socket. Their modes and sources are the
** kernel's to tell. Nothing from here to the failures runs Lua: a finalizer that
** joined or left in the midst of it would move the book.
*/

static mcast_Membership *
findmember(const mcast_Socket *s, const mcast_Sockaddr *group, unsigned index) {
  for (int i = 0; i < s->members.count; i++)
    if (s->members.list[i].index == index &&
        mcast_samehost(&s->members.list[i].group, group))
      return &s->members.list[i];
  return NULL;
}

bool mcast_ismember(const mcast_Socket *s, const mcast_Sockaddr *group,
                    unsigned index) {
  return findmember(s, group, index) != NULL;
}

/* The membership meant: on the interface named; else the only one; else the
   one on the socket's interface. NULL, and why, where there is none. */
static mcast_Membership *choose(const mcast_Socket *s, const Call *c, int *err,
                                const char **why) {
  mcast_Membership *m = NULL;
  int count = 0;
  for (int i = 0; i < s->members.count && c->index == 0; i++)
    if (mcast_samehost(&s->members.list[i].group, &c->group)) {
      m = &s->members.list[i];
      count++;
    }
  if (count != 1)
    m = findmember(s, &c->group,
                   c->index != 0 ? c->index : s->options.interface);
  *err = m != NULL ? 0 : count > 1 ? EINVAL : EADDRNOTAVAIL;
  *why = count > 1 ? "joined on several interfaces (name one of them)"
                   : "not joined";
  return m;
}

/* Makes room for one more, so that memory cannot fail after the system call. */
static int reserve(mcast_Socket *s) {
  if (s->members.count < s->members.capacity)
    return 0;
  int capacity = s->members.capacity > 0 ? 2 * s->members.capacity : 4;
  mcast_Membership *new =
      realloc(s->members.list, (size_t)capacity * sizeof *new);
  if (new == NULL)
    return ENOMEM;
  s->members.list = new;
  s->members.capacity = capacity;
  return 0;
}

/* Takes a membership into the room reserved: 0, or errno where its interface's
   name cannot be told. */
static int add(mcast_Socket *s, const mcast_Sockaddr *group, unsigned index) {
  mcast_Membership *m = &s->members.list[s->members.count];
  memset(m, 0, sizeof *m);
  m->group = *group;
  m->index = index;
  if (!sys_interfacename(s->fd, index, m->interface))
    return errno;
  s->members.count++;
  return 0;
}

static void drop(mcast_Socket *s, mcast_Membership *m) {
  *m = s->members.list[--s->members.count];
}

/*
** System calls: each gives 0 or errno.
*/

static int change(const mcast_Socket *s, Request request, const Call *c) {
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

static int getfilter(const mcast_Socket *s, const mcast_Membership *m,
                     uint32_t *mode, uint32_t *count,
                     struct sockaddr_storage *sources) {
  mcast_Sockaddr g = m->group;
  return sys_getsourcefilter(s->fd, m->index, &g.sa, mcast_addresslen(&g), mode,
                             count, sources) == 0
             ? 0
             : errno;
}

static int setfilter(const mcast_Socket *s, const Call *c, uint32_t mode,
                     uint32_t count, struct sockaddr_storage *sources) {
  mcast_Sockaddr g = c->group;
  return sys_setsourcefilter(s->fd, c->index, &g.sa, mcast_addresslen(&g), mode,
                             count, sources) == 0
             ? 0
             : errno;
}

/* Does the kernel know of this membership of the socket? 0 or errno. */
static int find(const mcast_Socket *s, const mcast_Membership *m) {
  uint32_t mode, none = 0;
  return getfilter(s, m, &mode, &none, NULL);
}

/* Errors that tell that something is not there; others, that a look failed. */
static bool isgone(int err) {
  return err == ENODEV || err == ENXIO || err == EADDRNOTAVAIL;
}

/* Looks up the name anew; false where the interface is gone, or is another one
   under the old index, or a forked process left. (Without descriptors a system
   may be unable to look: that is no sign.) */
static bool isheld(const mcast_Socket *s, mcast_Membership *m) {
  if (!sys_interfacename(s->fd, m->index, m->interface) && isgone(errno))
    return false;
  return sys_ismember(m->index, &m->group.sa) != 0 && !isgone(find(s, m));
}

/* What a membership's filter says of a source. */
typedef struct Verdict {
  bool include;
  bool listed;
  uint32_t count;
} Verdict;

static bool iscontained(const mcast_Sockaddr *source,
                        const struct sockaddr_storage *sources, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    mcast_Sockaddr a;
    mcast_copyaddress(&a, (const struct sockaddr *)&sources[i]);
    if (mcast_samehost(&a, source))
      return true;
  }
  return false;
}

static int judge(const mcast_Socket *s, const mcast_Membership *m,
                 const mcast_Sockaddr *source, Verdict *v) {
  uint32_t mode = MCAST_EXCLUDE, count = 0;
  int err = getfilter(s, m, &mode, &count, NULL);
  struct sockaddr_storage *sources = calloc(count + 1, sizeof *sources);
  if (sources == NULL)
    return ENOMEM;
  if (err == 0)
    err = getfilter(s, m, &mode, &count, sources);
  v->include = mode == MCAST_INCLUDE;
  v->count = count;
  v->listed = err == 0 && iscontained(source, sources, count);
  free(sources);
  return err;
}

/* The index of a membership that the kernel has and the book has not: the route
   to the group took it. 0, or errno, ENODEV where there is none. */
static int findindex(const mcast_Socket *s, const Call *c,
                     const struct if_nameindex *list, unsigned *index) {
  int err = ENODEV;
  for (; list != NULL && list->if_index != 0; list++) {
    mcast_Membership m = {c->group, list->if_index, ""};
    if (mcast_ismember(s, &c->group, m.index))
      continue;
    int found = find(s, &m);
    if (found == 0) {
      *index = m.index;
      return 0;
    }
    err = isgone(found) ? err : found;
  }
  return err;
}

/* The same for the membership that a join by route gave one more source. */
static int findsource(const mcast_Socket *s, const Call *c, unsigned *index) {
  int err = ENODEV;
  for (int i = 0; i < s->members.count; i++) {
    const mcast_Membership *m = &s->members.list[i];
    Verdict v;
    if (!mcast_samehost(&m->group, &c->group))
      continue;
    int found = judge(s, m, &c->source, &v);
    if (found == 0 && v.listed) {
      *index = m->index;
      return 0;
    }
    err = found == 0 ? err : found;
  }
  return err;
}

/* Leaves what the book does not have: the rest of a failed join. */
static void undo(const mcast_Socket *s, const Call *c, unsigned index) {
  Call rest = {c->name, c->group, {{0}}, index, 0};
  if (index != 0 && !mcast_ismember(s, &c->group, index))
    (void)change(s, LEAVE, &rest);
}

/* Joins. Either the book has it in the end, or nothing is joined: Linux joins
   the group first and adds the source then, which may fail by itself. */
static int join(mcast_Socket *s, Call *c) {
  struct if_nameindex *list = NULL;
  unsigned index = c->index;
  if (index == 0 && (list = sys_if_nameindex()) == NULL)
    return errno;
  int err = change(s, JOIN, c);
  int found = index == 0 ? findindex(s, c, list, &index) : 0;
  if (list != NULL)
    sys_if_freenameindex(list);
  if (err != 0) {
    undo(s, c, index);
    return err;
  }
  if (found == ENODEV)
    found = findsource(s, c, &index);
  if (found == 0 && !mcast_ismember(s, &c->group, index))
    found = add(s, &c->group, index);
  if (found != 0)
    (void)change(s, LEAVE, c);
  else
    c->index = index;
  return found;
}

/*
** Failures.
*/

/* Pushes "join 239.1.2.3 from 10.0.0.1 on eth0". */
static const char *pushwhat(lua_State *L, const mcast_Socket *s,
                            const Call *c) {
  char name[IF_NAMESIZE];
  mcast_pushhost(L, &c->group);
  const char *text = lua_pushfstring(L, "%s %s", c->name, lua_tostring(L, -1));
  if (c->source.sa.sa_family != AF_UNSPEC) {
    mcast_pushhost(L, &c->source);
    text = lua_pushfstring(L, "%s from %s", text, lua_tostring(L, -1));
  }
  if (c->index != 0 && sys_interfacename(s->fd, c->index, name))
    text = lua_pushfstring(L, "%s on %s", text, name);
  return text;
}

static int refuse(lua_State *L, const mcast_Socket *s, const Call *c, int err,
                  const char *why) {
  return mcast_fail(L, err, pushwhat(L, s, c), why);
}

/* ENOBUFS or ENOMEM; sources: it was by their number, if by any. */
static const char *limit(const mcast_Socket *s, bool sources) {
  if (sources)
    return s->family == AF_INET
               ? "too many sources (raise sysctl net.ipv4.igmp_max_msf)"
               : "too many sources (raise sysctl net.ipv6.mld_max_msf)";
  return s->family == AF_INET
             ? "too many memberships (raise sysctl "
               "net.ipv4.igmp_max_memberships or net.core.optmem_max, or use "
               "another socket)"
             : "too many memberships (raise sysctl net.core.optmem_max, or "
               "use another socket)";
}

static int failed(lua_State *L, const mcast_Socket *s, const Call *c, int err,
                  bool sources) {
  char name[IF_NAMESIZE];
  if (err == ENOBUFS || err == ENOMEM)
    return refuse(L, s, c, err, limit(s, sources));
  if (err != ENODEV ||
      (c->index != 0 && sys_interfacename(s->fd, c->index, name)))
    return refuse(L, s, c, err, NULL);
  mcast_pushinterfacenames(L, true);
  return refuse(
      L, s, c, err,
      lua_pushfstring(
          L,
          "%s (%s: name an interface, as in interface = \"lo\"; usable are %s)",
          strerror(err),
          c->index == 0 ? "no route to the group" : "the interface is gone",
          lua_tostring(L, -1)));
}

/*
** Arguments. Each gives 0, or the number of results of a failure.
*/

static int checkfamily(lua_State *L, const mcast_Socket *s, const Call *c,
                       const mcast_Sockaddr *a) {
  const char *own = mcast_familyname(s->family);
  const char *other = mcast_familyname(a->sa.sa_family);
  if (a->sa.sa_family == s->family)
    return 0;
  return refuse(L, s, c, EAFNOSUPPORT,
                lua_pushfstring(L,
                                "the socket is %s (make it with family = "
                                "\"%s\" for %s addresses)",
                                own, other, other));
}

static int checkgroup(lua_State *L, const mcast_Socket *s, Call *c) {
  int n = mcast_checkhost(L, 2, &c->group);
  if (n != 0)
    return n;
  if (!mcast_ismulticast(&c->group))
    return refuse(L, s, c, EINVAL,
                  c->group.sa.sa_family == AF_INET
                      ? "not a group (224.0.0.0 to 239.255.255.255)"
                      : "not a group (ff00::/8)");
  return checkfamily(L, s, c, &c->group);
}

static int checksource(lua_State *L, const mcast_Socket *s, Call *c, int arg,
                       mcast_Sockaddr *source) {
  int n = mcast_checkhost(L, arg, source);
  if (n == 0)
    n = checkfamily(L, s, c, source);
  if (n == 0 && mcast_ismulticast(source))
    n = refuse(L, s, c, EINVAL, "a source is one host's address, no group");
  return n;
}

static void checkkeys(lua_State *L, int arg, bool source) {
  lua_pushnil(L);
  while (lua_next(L, arg)) {
    if (!mcast_isliteral(L, -2, "interface") &&
        !(source && mcast_isliteral(L, -2, "source")))
      luaL_error(L, "unknown option '%s'", luaL_tolstring(L, -2, NULL));
    lua_pop(L, 1);
  }
}

/* The optional table of `interface` and, where the call takes one, `source`. */
static int checktable(lua_State *L, const mcast_Socket *s, Call *c, int arg,
                      bool source) {
  mcast_Interface interface;
  int n = 0;
  if (lua_isnoneornil(L, arg))
    return 0;
  luaL_checktype(L, arg, LUA_TTABLE);
  checkkeys(L, arg, source);
  if (mcast_rawgetoption(L, arg, "interface") != LUA_TNIL) {
    n = mcast_checkinterface(L, lua_gettop(L), "interface", s->family,
                             &interface);
    if (n == 0 && c->zone != 0 && interface.index != c->zone)
      n = refuse(L, s, c, EINVAL, "the group's zone names another interface");
    if (n != 0)
      return n;
    c->index = interface.index;
  }
  if (source && mcast_rawgetoption(L, arg, "source") != LUA_TNIL) {
    int at = lua_gettop(L);
    if (lua_type(L, at) != LUA_TSTRING && mcast_toaddress(L, at) == NULL)
      mcast_badoption(L, "source", "address or text", at);
    n = checksource(L, s, c, at, &c->source);
  }
  return n;
}

/* The group at 2, whose zone may name the interface, and the table. */
static int checkcall(lua_State *L, const mcast_Socket *s, Call *c, int table,
                     bool source) {
  int n = checkgroup(L, s, c);
  if (n != 0)
    return n;
  if (s->family == AF_INET6 && c->group.in6.sin6_scope_id != 0) {
    c->index = c->zone = c->group.in6.sin6_scope_id;
    c->group.in6.sin6_scope_id = 0;
  }
  return checktable(L, s, c, table, source);
}

/*
** Join.
*/

/* Forgets memberships that ended with their interface, so that the group can
   be joined again; the kernel still holds them against a new join. */
static void forgetlost(mcast_Socket *s, const Call *c) {
  for (int i = s->members.count; i-- > 0;) {
    mcast_Membership *m = &s->members.list[i];
    Call lost = {c->name, m->group, {{0}}, m->index, 0};
    if (mcast_samehost(&m->group, &c->group) && !isheld(s, m)) {
      (void)change(s, LEAVE, &lost);
      drop(s, m);
    }
  }
}

/* Why a filter stands against the join, or NULL. */
static const char *conflict(const Call *c, const Verdict *v) {
  if (c->source.sa.sa_family == AF_UNSPEC)
    return v->include
               ? "already joined, for some sources (leave it first, or use "
                 "filter(group, \"exclude\", {}))"
               : "already joined";
  if (!v->include)
    return "already joined, for any source (leave it first, or use "
           "filter(group, \"include\", {...}))";
  return v->listed ? "already joined" : NULL;
}

/* Looks for such a reason: 0, EADDRINUSE and why, or errno where a filter cannot
   be read; the call then names that membership's interface. */
static int findconflict(const mcast_Socket *s, Call *c, const char **why) {
  for (int i = 0; i < s->members.count; i++) {
    const mcast_Membership *m = &s->members.list[i];
    Verdict v;
    if (!mcast_samehost(&m->group, &c->group) ||
        (c->index != 0 && c->index != m->index))
      continue;
    int err = judge(s, m, &c->source, &v);
    *why = err == 0 ? conflict(c, &v) : strerror(err);
    if (*why != NULL) {
      c->index = m->index;
      return err == 0 ? EADDRINUSE : err;
    }
  }
  return 0;
}

/***
Joins a group, on the interface named, else on the socket's, else on the one
that the route to the group goes by. With a source: source-specific (SSM), as
often as there are sources to hear. On an interface that is down it is joined,
too, and hears once the interface is up. A process made by fork shares the
membership: what one of the two leaves, both have left.
@function join
@param group numeric text, `"ff02::1%eth0"` for its interface, or an address
@tparam ?table options `interface` (name, index or own address), `source` (text
or address)
@treturn string|nil the name of the interface joined on
@treturn ?string message
@treturn ?integer errno: `EINVAL`, not a group; `EADDRINUSE`, already joined;
`ENODEV`, no such interface, or no route; `ENOBUFS`, `ENOMEM`, too many ...
@usage assert(sock:join("232.1.2.3", { interface = "lo", source = "127.0.0.1"
}))
@follows ip(7), RFC 1112, RFC 3678
*/
int mcast_join(lua_State *L) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  Call c = {"join", {{0}}, {{0}}, s->options.interface, 0};
  lua_settop(L, 3);
  int n = checkcall(L, s, &c, 3, true);
  if (n != 0)
    return n;
  mcast_checkopen(L, s);
  forgetlost(s, &c);
  const char *why;
  int err = findconflict(s, &c, &why);
  if (err != 0)
    return refuse(L, s, &c, err, why);
  bool more = choose(s, &c, &err, &why) != NULL;
  err = reserve(s);
  if (err == 0)
    err = join(s, &c);
  if (err != 0)
    return failed(L, s, &c, err, more);
  lua_pushstring(L, findmember(s, &c.group, c.index)->interface);
  return 1;
}

/*
** What needs a membership.
*/

/* Why a membership's filter stands against the request, with its errno. */
static const char *obstacle(Request request, const Verdict *v, int *err) {
  *err = EADDRNOTAVAIL;
  if (request == LEAVE)
    return v->include && v->listed ? NULL : "not joined for this source";
  if (v->include) {
    *err = EINVAL;
    return "joined for some sources only, of which none is blocked (leave the "
           "source instead)";
  }
  if (request == UNBLOCK)
    return v->listed ? NULL : "not blocked";
  *err = EADDRINUSE;
  return v->listed ? "already blocked" : NULL;
}

/* Carries out a request that changes a membership there is: 0, or errno and
   why. */
static int changemember(mcast_Socket *s, Request request, Call *c,
                        const char **why) {
  int err;
  mcast_Membership *m = choose(s, c, &err, why);
  Verdict v = {false, false, 0};
  if (m == NULL)
    return err;
  *why = NULL;
  c->index = m->index;
  bool lost = !isheld(s, m);
  if (request == LEAVE && lost) /* with all its sources */
    c->source.sa.sa_family = AF_UNSPEC;
  if (c->source.sa.sa_family != AF_UNSPEC) {
    err = judge(s, m, &c->source, &v);
    *why = err == 0 ? obstacle(request, &v, &err) : strerror(err);
    if (*why != NULL)
      return err;
  }
  err = change(s, request, c);
  if (request == LEAVE && (lost || (err == 0 && v.count <= 1)))
    drop(s, m); /* any source, or the last one */
  return request == LEAVE && lost ? 0 : err;
}

/* The same, with its results. */
static int pushchanged(lua_State *L, mcast_Socket *s, Request request,
                       Call *c) {
  const char *why;
  mcast_checkopen(L, s);
  int err = changemember(s, request, c, &why);
  if (err != 0 && why != NULL)
    return refuse(L, s, c, err, why);
  if (err != 0)
    return failed(L, s, c, err, true);
  lua_pushboolean(L, true);
  return 1;
}

/***
Leaves a group, or one source of it. Without an interface it is the one that the
group was joined on.
@function leave
@param group as for `join`
@tparam ?table options `interface`, `source`
@treturn true|nil
@treturn ?string message
@treturn ?integer errno: `EADDRNOTAVAIL`, not joined; `EINVAL`, joined on
several interfaces
@usage assert(sock:leave "224.3.29.71")
@follows RFC 3678
*/
int mcast_leave(lua_State *L) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  Call c = {"leave", {{0}}, {{0}}, 0, 0};
  lua_settop(L, 3);
  int n = checkcall(L, s, &c, 3, true);
  return n != 0 ? n : pushchanged(L, s, LEAVE, &c);
}

static int changesource(lua_State *L, Request request) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  Call c = {requests[request].name, {{0}}, {{0}}, 0, 0};
  lua_settop(L, 4);
  int n = checkcall(L, s, &c, 4, false);
  if (n == 0)
    n = checksource(L, s, &c, 3, &c.source);
  return n != 0 ? n : pushchanged(L, s, request, &c);
}

/***
Stops hearing one source of a group that was joined for any source.
@function block
@param group as for `join`
@param source text or address
@tparam ?table options `interface`
@treturn true|nil
@treturn ?string message
@treturn ?integer errno: `EADDRNOTAVAIL`, not joined; `EADDRINUSE`, already
blocked; `EINVAL`, joined for some sources only; `ENOBUFS`, too many
@usage assert(sock:block("224.3.29.71", "192.168.1.66"))
@follows RFC 3678
*/
int mcast_block(lua_State *L) { return changesource(L, BLOCK); }

/***
Hears a blocked source again.
@function unblock
@param group as for `join`
@param source text or address
@tparam ?table options `interface`
@treturn true|nil
@treturn ?string message
@treturn ?integer errno: `EADDRNOTAVAIL`, not blocked
@usage assert(sock:unblock("224.3.29.71", "192.168.1.66"))
@follows RFC 3678
*/
int mcast_unblock(lua_State *L) { return changesource(L, UNBLOCK); }

/*
** Filter.
*/

typedef struct Filter {
  uint32_t mode;
  uint32_t count;
  struct sockaddr_storage *sources;
} Filter;

/* Reads the list of sources at 4 into a userdata, which is pushed. */
static int checksources(lua_State *L, const mcast_Socket *s, Call *c,
                        Filter *f) {
  lua_Unsigned count = lua_rawlen(L, 4);
  luaL_argcheck(L, count <= INT32_MAX / sizeof *f->sources, 4,
                "too many sources");
  f->sources = lua_newuserdatauv(L, count * sizeof *f->sources, 0);
  for (lua_Unsigned i = 1; i <= count; i++) {
    mcast_Sockaddr source;
    lua_rawgeti(L, 4, (lua_Integer)i);
    if (lua_type(L, -1) != LUA_TSTRING && mcast_toaddress(L, -1) == NULL)
      luaL_argerror(L, 4,
                    lua_pushfstring(L,
                                    "address or text expected at [%d], got "
                                    "%s",
                                    (int)i, luaL_typename(L, -1)));
    int n = checksource(L, s, c, lua_gettop(L), &source);
    if (n != 0)
      return n;
    if (!iscontained(&source, f->sources, f->count)) {
      memset(&f->sources[f->count], 0, sizeof *f->sources);
      memcpy(&f->sources[f->count++], &source, sizeof source);
    }
    lua_pop(L, 1);
  }
  return 0;
}

/* Joins for a filter that is set next. (For "exclude" there is a moment in
   which all sources are heard: the system has no call for both.) */
static int joinfiltered(mcast_Socket *s, Call *c, const Filter *f) {
  if (c->index == 0)
    c->index = s->options.interface;
  if (f->mode == MCAST_INCLUDE)
    mcast_copyaddress(&c->source, (const struct sockaddr *)&f->sources[0]);
  int err = join(s, c);
  c->source.sa.sa_family = AF_UNSPEC;
  return err;
}

/* Sets a filter: 0, or errno, and why or else whether it was by the number of
   sources. */
static int setwhole(mcast_Socket *s, Call *c, const Filter *f, bool *sources,
                    const char **why) {
  bool leave = f->mode == MCAST_INCLUDE && f->count == 0;
  int err;
  forgetlost(s, c);
  mcast_Membership *m = choose(s, c, &err, why);
  if (err == EINVAL)
    return err;
  *why = NULL;
  *sources = m != NULL;
  if (m == NULL && leave)
    return 0;
  err = m == NULL ? reserve(s) : 0; /* which may move m */
  if (err == 0 && m == NULL)
    err = joinfiltered(s, c, f);
  if (err != 0)
    return err;
  *sources = true;
  if (m != NULL)
    c->index = m->index;
  err = setfilter(s, c, f->mode, f->count, f->sources);
  if (err == 0 && leave)
    drop(s, m);
  if (err != 0 && m == NULL) {
    drop(s, findmember(s, &c->group, c->index));
    undo(s, c, c->index);
  }
  return err;
}

/***
Sets a membership's whole filter; joins where the group is not joined yet.
@function filter
@param group as for `join`
@tparam string mode `"include"`: hear these sources only (none of them: leave);
`"exclude"`: hear all but these
@tparam table sources list of text or addresses
@tparam ?table options `interface`
@treturn true|nil
@treturn ?string message
@treturn ?integer errno: `ENOBUFS`, too many sources, or as for `join`
@usage assert(sock:filter("232.1.2.3", "include", { "10.0.0.1", "10.0.0.2" }))
@follows RFC 3678, section 4.2
*/
int mcast_filter(lua_State *L) {
  static const char *const modes[] = {"include", "exclude", NULL};
  mcast_Socket *s = mcast_checksocket(L, 1);
  Call c = {"filter", {{0}}, {{0}}, 0, 0};
  Filter f = {MCAST_INCLUDE, 0, NULL};
  const char *why;
  bool sources = false;
  lua_settop(L, 5);
  if (luaL_checkoption(L, 3, NULL, modes) == 1)
    f.mode = MCAST_EXCLUDE;
  luaL_checktype(L, 4, LUA_TTABLE);
  int n = checkcall(L, s, &c, 5, false);
  if (n == 0)
    n = checksources(L, s, &c, &f);
  if (n != 0)
    return n;
  mcast_checkopen(L, s);
  int err = setwhole(s, &c, &f, &sources, &why);
  if (err != 0 && why != NULL)
    return refuse(L, s, &c, err, why);
  if (err != 0)
    return failed(L, s, &c, err, sources);
  lua_pushboolean(L, true);
  return 1;
}

/*
** Groups.
*/

/* Sets mode and sources of the membership in the table at the top; one that the
   kernel does not know has none. 0, or errno where it cannot be read. */
static int pushsources(lua_State *L, const mcast_Socket *s,
                       const mcast_Membership *m) {
  uint32_t mode = MCAST_EXCLUDE, count = 0;
  int err = getfilter(s, m, &mode, &count, NULL);
  uint32_t room = count;
  struct sockaddr_storage *sources =
      lua_newuserdatauv(L, room * sizeof *sources, 0);
  if (err == 0)
    err = getfilter(s, m, &mode, &count, sources);
  if (err != 0 && !isgone(err))
    return err;
  if (err != 0)
    count = 0;
  lua_createtable(L, (int)room, 0);
  for (uint32_t i = 0; i < count && i < room; i++) {
    mcast_Sockaddr a;
    mcast_copyaddress(&a, (const struct sockaddr *)&sources[i]);
    mcast_pushhost(L, &a);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -3, "sources");
  lua_pop(L, 1);
  lua_pushstring(L, mode == MCAST_INCLUDE ? "include" : "exclude");
  lua_setfield(L, -2, "mode");
  return 0;
}

/* Pushes a membership: 0 or errno. */
static int pushgroup(lua_State *L, const mcast_Socket *s, int i) {
  bool held = isheld(s, &s->members.list[i]);
  mcast_Membership m = s->members.list[i]; /* the book may move */
  lua_createtable(L, 0, 5);
  int err = pushsources(L, s, &m);
  if (err != 0)
    return err;
  if (!held) {
    lua_pushboolean(L, true);
    lua_setfield(L, -2, "lost");
  }
  lua_pushstring(L, m.interface);
  lua_setfield(L, -2, "interface");
  mcast_pushhost(L, &m.group);
  lua_setfield(L, -2, "group");
  return 0;
}

/***
Lists the memberships of this socket: `{group, interface, mode, sources}` each,
group and sources as text, `mode` `"include"` or `"exclude"`. `lost = true`
where the interface is gone, or was made again, or a forked process left: join
anew. (Of an interface made again under its old index, on which another socket
of the host has joined since, the system does not tell.)
@function groups
@treturn table|nil list
@treturn ?string message
@treturn ?integer errno
@usage for _, g in ipairs(assert(sock:groups())) do print(g.group, g.interface) end
*/
int mcast_groups(lua_State *L) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  lua_createtable(L, s->members.count, 0);
  for (int i = 0; i < s->members.count; i++) {
    int err = pushgroup(L, s, i);
    if (err != 0)
      return mcast_fail(L, err, "groups", NULL);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}
