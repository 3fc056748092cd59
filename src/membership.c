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
} Call;

/*
** The book: the memberships of a socket. Their modes and sources are the
** kernel's to tell.
*/

static mcast_Membership *
findmember(const mcast_Socket *s, const mcast_Sockaddr *group, unsigned index) {
  for (int i = 0; i < s->nmemberships; i++)
    if (s->memberships[i].index == index &&
        mcast_samehost(&s->memberships[i].group, group))
      return &s->memberships[i];
  return NULL;
}

bool mcast_ismember(const mcast_Socket *s, const mcast_Sockaddr *group,
                    unsigned index) {
  return findmember(s, group, index) != NULL;
}

/* The membership meant: on the interface named; else the only one; else the
   one on the socket's interface. NULL: none, or which is not said. */
static mcast_Membership *choose(const mcast_Socket *s, const Call *c) {
  mcast_Membership *only = NULL;
  int count = 0;
  if (c->index != 0)
    return findmember(s, &c->group, c->index);
  for (int i = 0; i < s->nmemberships; i++)
    if (mcast_samehost(&s->memberships[i].group, &c->group)) {
      only = &s->memberships[i];
      count++;
    }
  return count <= 1 ? only : findmember(s, &c->group, s->interface);
}

/* Makes room for one more, so that nothing can fail after the system call. */
static void reserve(lua_State *L, mcast_Socket *s) {
  if (s->nmemberships < s->capacity)
    return;
  int capacity = s->capacity > 0 ? 2 * s->capacity : 4;
  mcast_Membership *new =
      lua_newuserdatauv(L, (size_t)capacity * sizeof *new, 0);
  if (s->nmemberships > 0)
    memcpy(new, s->memberships, (size_t)s->nmemberships * sizeof *new);
  lua_setiuservalue(L, 1, 1);
  s->memberships = new;
  s->capacity = capacity;
}

static mcast_Membership *add(mcast_Socket *s, const mcast_Sockaddr *group,
                             unsigned index) {
  mcast_Membership *m = &s->memberships[s->nmemberships++];
  memset(m, 0, sizeof *m);
  m->group = *group;
  m->index = index;
  (void)mcast_interfacename(s->fd, index, m->interface);
  return m;
}

static void drop(mcast_Socket *s, mcast_Membership *m) {
  *m = s->memberships[--s->nmemberships];
}

/* Looks up the name anew; false where the interface is gone, or is another one
   under the old index. */
static bool isheld(const mcast_Socket *s, mcast_Membership *m) {
  return mcast_interfacename(s->fd, m->index, m->interface) &&
         mcast_isinterfacemember(m->index, &m->group.sa);
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
  int status =
      source
          ? setsockopt(s->fd, level, requests[request].source, &one, sizeof one)
          : setsockopt(s->fd, level, requests[request].any, &any, sizeof any);
  return status == 0 ? 0 : errno;
}

static int getfilter(const mcast_Socket *s, const mcast_Sockaddr *group,
                     unsigned index, uint32_t *mode, uint32_t *count,
                     struct sockaddr_storage *sources) {
  mcast_Sockaddr g = *group;
  return mcast_getsourcefilter(s->fd, index, &g.sa, mcast_addresslen(&g), mode,
                               count, sources) == 0
             ? 0
             : errno;
}

static int setfilter(const mcast_Socket *s, const Call *c, uint32_t mode,
                     uint32_t count, struct sockaddr_storage *sources) {
  mcast_Sockaddr g = c->group;
  return mcast_setsourcefilter(s->fd, c->index, &g.sa, mcast_addresslen(&g),
                               mode, count, sources) == 0
             ? 0
             : errno;
}

/* After a join by route: the index for which the kernel knows of a membership
   that the book has not. */
static unsigned joinedindex(const mcast_Socket *s, const Call *c) {
  struct if_nameindex *list = if_nameindex();
  unsigned index = 0;
  for (struct if_nameindex *i = list; i != NULL && i->if_index != 0; i++) {
    uint32_t mode, none = 0;
    if (!mcast_ismember(s, &c->group, i->if_index) &&
        getfilter(s, &c->group, i->if_index, &mode, &none, NULL) == 0)
      index = i->if_index;
  }
  if (list != NULL)
    if_freenameindex(list);
  return index;
}

/* A membership's filter; its sources are pushed as a userdata. */
typedef struct Filter {
  uint32_t mode;
  uint32_t count;
  struct sockaddr_storage *sources;
} Filter;

static int pushfilter(lua_State *L, const mcast_Socket *s,
                      const mcast_Membership *m, Filter *f) {
  *f = (Filter){MCAST_EXCLUDE, 0, NULL};
  int err = getfilter(s, &m->group, m->index, &f->mode, &f->count, NULL);
  f->sources = lua_newuserdatauv(L, f->count * sizeof *f->sources, 0);
  if (err == 0 && f->count > 0)
    err = getfilter(s, &m->group, m->index, &f->mode, &f->count, f->sources);
  return err;
}

static bool hassource(const Filter *f, const mcast_Sockaddr *source) {
  for (uint32_t i = 0; i < f->count; i++) {
    mcast_Sockaddr a;
    mcast_copyaddress(&a, (const struct sockaddr *)&f->sources[i]);
    if (mcast_samehost(&a, source))
      return true;
  }
  return false;
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
  if (c->index != 0 && mcast_interfacename(s->fd, c->index, name))
    text = lua_pushfstring(L, "%s on %s", text, name);
  return text;
}

static int refuse(lua_State *L, const mcast_Socket *s, const Call *c, int err,
                  const char *why) {
  return mcast_fail(L, err, pushwhat(L, s, c), why);
}

static const char *limit(const mcast_Socket *s, bool sources) {
  if (sources)
    return s->family == AF_INET
               ? "too many sources (raise sysctl net.ipv4.igmp_max_msf)"
               : "too many sources (raise sysctl net.ipv6.mld_max_msf)";
  return s->family == AF_INET
             ? "too many memberships (raise sysctl "
               "net.ipv4.igmp_max_memberships, or use another socket)"
             : "too many memberships (raise sysctl net.core.optmem_max, or "
               "use another socket)";
}

/* A join or a filter failed; sources: it was by their number, if by any. */
static int joinfailed(lua_State *L, const mcast_Socket *s, const Call *c,
                      int err, bool sources) {
  if (err == ENOBUFS || err == ENOMEM)
    return refuse(L, s, c, err, limit(s, sources));
  if (err != ENODEV || c->index != 0)
    return refuse(L, s, c, err, NULL);
  mcast_pushinterfacenames(L, true);
  return refuse(L, s, c, err,
                lua_pushfstring(L,
                                "%s (no route to the group: name an interface, "
                                "as in interface = \"lo\"; usable are %s)",
                                strerror(err), lua_tostring(L, -1)));
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
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
    if (strcmp(key, "interface") != 0 &&
        !(source && strcmp(key, "source") == 0))
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

/* The group and the table: an interface named by neither is the socket's. */
static int checkcall(lua_State *L, mcast_Socket *s, Call *c, int table,
                     bool source) {
  int n = checkgroup(L, s, c);
  if (n != 0)
    return n;
  if (s->family == AF_INET6 && c->group.in6.sin6_scope_id != 0)
    c->index = c->group.in6.sin6_scope_id;
  n = checktable(L, s, c, table, source);
  if (s->family == AF_INET6)
    c->group.in6.sin6_scope_id = 0;
  return n;
}

/*
** Join.
*/

/* Forgets memberships that ended with their interface, so that the group can
   be joined again; the kernel still holds them against a new join. */
static void forgetlost(mcast_Socket *s, const Call *c) {
  for (int i = s->nmemberships; i-- > 0;) {
    mcast_Membership *m = &s->memberships[i];
    Call lost = {c->name, m->group, {{0}}, m->index};
    if (mcast_samehost(&m->group, &c->group) && !isheld(s, m)) {
      (void)change(s, LEAVE, &lost);
      drop(s, m);
    }
  }
}

/* Why a membership stands against the join, or NULL. */
static const char *conflict(lua_State *L, const mcast_Socket *s, const Call *c,
                            const mcast_Membership *m) {
  Filter f;
  int err = pushfilter(L, s, m, &f);
  bool include = err == 0 && f.mode == MCAST_INCLUDE;
  const char *name = m->interface;
  if (c->source.sa.sa_family == AF_UNSPEC)
    return lua_pushfstring(
        L,
        include ? "already joined on %s, for some sources (leave it first, "
                  "or use filter(group, \"exclude\", {}))"
                : "already joined on %s",
        name);
  if (!include)
    return lua_pushfstring(L,
                           "already joined on %s, for any source (leave it "
                           "first, or use filter(group, \"include\", {...}))",
                           name);
  return hassource(&f, &c->source)
             ? lua_pushfstring(L, "already joined on %s", name)
             : NULL;
}

static const char *findconflict(lua_State *L, const mcast_Socket *s,
                                const Call *c) {
  int top = lua_gettop(L);
  for (int i = 0; i < s->nmemberships; i++) {
    const mcast_Membership *m = &s->memberships[i];
    const char *why = NULL;
    if (mcast_samehost(&m->group, &c->group) &&
        (c->index == 0 || c->index == m->index))
      why = conflict(L, s, c, m);
    if (why != NULL)
      return why;
    lua_settop(L, top);
  }
  return NULL;
}

/* The membership that a join made, or gave one more source. */
static mcast_Membership *joined(lua_State *L, mcast_Socket *s, const Call *c) {
  unsigned index = c->index != 0 ? c->index : joinedindex(s, c);
  mcast_Membership *m = findmember(s, &c->group, index);
  if (m == NULL && index != 0)
    return add(s, &c->group, index);
  int top = lua_gettop(L);
  for (int i = 0; i < s->nmemberships && m == NULL; i++) {
    Filter f;
    if (mcast_samehost(&s->memberships[i].group, &c->group) &&
        pushfilter(L, s, &s->memberships[i], &f) == 0 &&
        hassource(&f, &c->source))
      m = &s->memberships[i];
    lua_settop(L, top);
  }
  return m != NULL ? m : add(s, &c->group, index);
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
  Call c = {"join", {{0}}, {{0}}, s->interface};
  lua_settop(L, 3);
  int n = checkcall(L, s, &c, 3, true);
  if (n != 0)
    return n;
  reserve(L, s);
  forgetlost(s, &c);
  const char *why = findconflict(L, s, &c);
  if (why != NULL)
    return refuse(L, s, &c, EADDRINUSE, why);
  bool more = choose(s, &c) != NULL;
  int err = change(s, JOIN, &c);
  if (err != 0)
    return joinfailed(L, s, &c, err, more);
  lua_pushstring(L, joined(L, s, &c)->interface);
  return 1;
}

/*
** What needs a membership.
*/

static int notjoined(lua_State *L, const mcast_Socket *s, const Call *c) {
  int n = 0;
  for (int i = 0; i < s->nmemberships; i++)
    n += mcast_samehost(&s->memberships[i].group, &c->group);
  return n > 1 && c->index == 0
             ? refuse(L, s, c, EINVAL,
                      "joined on several interfaces (name one of them)")
             : refuse(L, s, c, EADDRNOTAVAIL, "not joined");
}

/* Why a membership's filter stands against the request, with its errno. */
static const char *obstacle(Request request, const Filter *f, const Call *c,
                            int *err) {
  bool include = f->mode == MCAST_INCLUDE, has = hassource(f, &c->source);
  *err = EADDRNOTAVAIL;
  if (request == LEAVE)
    return include && has ? NULL : "not joined for this source";
  if (include) {
    *err = EINVAL;
    return "joined for some sources only, of which none is blocked (leave the "
           "source instead)";
  }
  if (request == UNBLOCK)
    return has ? NULL : "not blocked";
  *err = EADDRINUSE;
  return has ? "already blocked" : NULL;
}

/* Carries out a request that changes a membership there is. */
static int changemember(lua_State *L, mcast_Socket *s, Request request,
                        Call *c) {
  mcast_Membership *m = choose(s, c);
  Filter f = {MCAST_EXCLUDE, 0, NULL};
  int err;
  if (m == NULL)
    return notjoined(L, s, c);
  c->index = m->index;
  if (c->source.sa.sa_family != AF_UNSPEC) {
    (void)pushfilter(L, s, m, &f);
    const char *why = obstacle(request, &f, c, &err);
    if (why != NULL)
      return refuse(L, s, c, err, why);
  }
  err = change(s, request, c);
  if (err != 0)
    return joinfailed(L, s, c, err, true);
  if (request == LEAVE && f.count <= 1) /* any source, or the last one */
    drop(s, m);
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
  Call c = {"leave", {{0}}, {{0}}, 0};
  lua_settop(L, 3);
  int n = checkcall(L, s, &c, 3, true);
  return n != 0 ? n : changemember(L, s, LEAVE, &c);
}

static int changesource(lua_State *L, Request request) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  Call c = {requests[request].name, {{0}}, {{0}}, 0};
  lua_settop(L, 4);
  int n = checkcall(L, s, &c, 4, false);
  if (n == 0)
    n = checksource(L, s, &c, 3, &c.source);
  return n != 0 ? n : changemember(L, s, request, &c);
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

/* Reads the list of sources at 4 into a userdata, which is pushed. */
static int checksources(lua_State *L, const mcast_Socket *s, Call *c,
                        Filter *f) {
  luaL_checktype(L, 4, LUA_TTABLE);
  lua_Unsigned count = lua_rawlen(L, 4);
  luaL_argcheck(L, count <= INT32_MAX / sizeof *f->sources, 4,
                "too many sources");
  f->count = (uint32_t)count;
  f->sources = lua_newuserdatauv(L, count * sizeof *f->sources, 0);
  if (count > 0)
    memset(f->sources, 0, count * sizeof *f->sources);
  for (uint32_t i = 0; i < f->count; i++) {
    mcast_Sockaddr source;
    lua_rawgeti(L, 4, (lua_Integer)i + 1);
    if (lua_type(L, -1) != LUA_TSTRING && mcast_toaddress(L, -1) == NULL)
      luaL_argerror(L, 4,
                    lua_pushfstring(L,
                                    "address or text expected at [%d], got "
                                    "%s",
                                    (int)i + 1, luaL_typename(L, -1)));
    int n = checksource(L, s, c, lua_gettop(L), &source);
    if (n != 0)
      return n;
    memcpy(&f->sources[i], &source, sizeof source);
    lua_pop(L, 1);
  }
  return 0;
}

/* Joins so that no datagram is heard that the filter would not let pass. */
static int joinfiltered(mcast_Socket *s, Call *c, const Filter *f) {
  if (c->index == 0)
    c->index = s->interface;
  if (f->mode == MCAST_INCLUDE)
    mcast_copyaddress(&c->source, (const struct sockaddr *)&f->sources[0]);
  int err = change(s, JOIN, c);
  if (err == 0 && c->index == 0)
    c->index = joinedindex(s, c);
  c->source.sa.sa_family = AF_UNSPEC;
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
  Call c = {"filter", {{0}}, {{0}}, 0};
  Filter f = {MCAST_INCLUDE, 0, NULL};
  int err = 0;
  lua_settop(L, 5);
  if (luaL_checkoption(L, 3, NULL, modes) == 1)
    f.mode = MCAST_EXCLUDE;
  luaL_checktype(L, 4, LUA_TTABLE);
  int n = checkcall(L, s, &c, 5, false);
  if (n == 0)
    n = checksources(L, s, &c, &f);
  if (n != 0)
    return n;
  reserve(L, s);
  forgetlost(s, &c);
  bool leave = f.mode == MCAST_INCLUDE && f.count == 0;
  mcast_Membership *m = choose(s, &c);
  if (m != NULL)
    c.index = m->index;
  else if (!leave && (err = joinfiltered(s, &c, &f)) != 0)
    return joinfailed(L, s, &c, err, false);
  if (m != NULL || !leave)
    err = setfilter(s, &c, f.mode, f.count, f.sources);
  if (err != 0 && m == NULL)
    (void)change(s, LEAVE, &c);
  if (err != 0)
    return joinfailed(L, s, &c, err, true);
  if (leave && m != NULL)
    drop(s, m);
  else if (!leave && m == NULL)
    add(s, &c.group, c.index);
  lua_pushboolean(L, true);
  return 1;
}

/*
** Groups.
*/

static void pushsources(lua_State *L, const Filter *f) {
  lua_createtable(L, (int)f->count, 0);
  for (uint32_t i = 0; i < f->count; i++) {
    mcast_Sockaddr a;
    mcast_copyaddress(&a, (const struct sockaddr *)&f->sources[i]);
    mcast_pushhost(L, &a);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static void pushgroup(lua_State *L, const mcast_Socket *s,
                      mcast_Membership *m) {
  Filter f;
  lua_createtable(L, 0, 5);
  (void)pushfilter(L, s, m, &f);
  pushsources(L, &f);
  lua_setfield(L, -3, "sources");
  lua_pop(L, 1);
  lua_pushstring(L, f.mode == MCAST_INCLUDE ? "include" : "exclude");
  lua_setfield(L, -2, "mode");
  if (!isheld(s, m)) {
    lua_pushboolean(L, true);
    lua_setfield(L, -2, "lost");
  }
  lua_pushstring(L, m->interface);
  lua_setfield(L, -2, "interface");
  mcast_pushhost(L, &m->group);
  lua_setfield(L, -2, "group");
}

/***
Lists the memberships of this socket: `{group, interface, mode, sources}` each,
group and sources as text, `mode` `"include"` or `"exclude"`. `lost = true`
where the interface is gone, or was made again: join anew.
@function groups
@treturn table list
@usage for _, g in ipairs(sock:groups()) do print(g.group, g.interface) end
*/
int mcast_groups(lua_State *L) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  lua_createtable(L, s->nmemberships, 0);
  for (int i = 0; i < s->nmemberships; i++) {
    pushgroup(L, s, &s->memberships[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}
