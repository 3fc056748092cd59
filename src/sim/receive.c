/*
** Receiving: recvfrom, datagrams, recvmsg and recvmany.
*/
#include "sim.h"

int mcast_askancillary(const mcast_Socket *s) {
  (void)s;
  return 0;
}

SIM_HOT static sim_Socket *checksimsocket(lua_State *L, int arg) {
  sim_Socket *s = sim_getsocket(mcast_checksocket(L, arg)->fd);
  if (s == NULL) /* its node has ended */
    luaL_error(L, "attempt to use a closed socket");
  return s;
}

/* A mapped address for IPv4's on an inet6 socket. */
static mcast_Sockaddr asfamily(const mcast_Sockaddr *a, int family) {
  mcast_Sockaddr mapped = *a;
  if (a->sa.sa_family != family) {
    sim_Key key = sim_key(a, 0);
    mcast_anyaddress(AF_INET6, mcast_getport(a), &mapped);
    mapped.in6.sin6_addr = key.host;
  }
  return mapped;
}

/* The sender as this socket sees it: with the zone of the interface that the
   datagram came by, or as a mapped IPv4 address. */
SIM_HOT static void pushfrom(lua_State *L, int family, const sim_Queued *q,
                             int payloads) {
  mcast_Sockaddr from = q->packet->from;
  if (from.sa.sa_family == AF_INET && family == AF_INET) {
    lua_rawgeti(L, payloads, q->packet->data + 1);
    return;
  }
  from = asfamily(&from, family);
  if (from.in6.sin6_scope_id != 0)
    from.in6.sin6_scope_id = q->interface->index;
  mcast_pushaddress(L, &from);
}

/* Pushes data and from of the next datagram in the buffer. These allocations
   may run a finalizer that closes the socket. */
SIM_HOT static void pushdatagram(lua_State *L, sim_Socket *s) {
  mcast_Socket *own = lua_touserdata(L, 1);
  sim_Net *net = s->net;
  sim_Queued q = sim_dequeue(s);
  own->count.received++;
  lua_getiuservalue(L, 1, 1);
  int payloads = lua_gettop(L);
  lua_rawgeti(L, payloads, q.packet->data);
  pushfrom(L, s->family, &q, payloads);
  lua_remove(L, payloads);
  sim_release(net, q.packet);
}

/* Waits until a time for a datagram to try again. */
SIM_HOT static int await(lua_State *L, sim_Socket *s, const char *name,
                         int64_t until, lua_KFunction again) {
  if (sim_current != NULL && sim_current->net->now >= until)
    return mcast_timedout(L);
  sim_checkwait(L, name);
  sim_watch(L, s);
  return sim_wait(L, until, again, (lua_KContext)until);
}

/*
** recvfrom.
*/

SIM_HOT static int receivefrom(lua_State *L, sim_Socket *s, int64_t until,
                               lua_KFunction again) {
  if (sim_nextqueued(s) != NULL) {
    pushdatagram(L, s);
    return 2;
  }
  return await(L, s, "recvfrom", until, again);
}

SIM_HOT static int receiveagain(lua_State *L, int status, lua_KContext until) {
  (void)status;
  return receivefrom(L, checksimsocket(L, 1), until, receiveagain);
}

SIM_HOT int mcast_recvfrom(lua_State *L) {
  sim_Socket *s = checksimsocket(L, 1);
  int64_t timeout = mcast_checktimeout(L, 2);
  lua_settop(L, 1);
  return receivefrom(L, s, sim_deadline(sim_current, timeout), receiveagain);
}

/*
** datagrams.
*/

static int endsilence(int n) {
  return n == 3 ? 0 : n; /* the timeout is the only failure */
}

static int nextagain(lua_State *L, int status, lua_KContext until) {
  (void)status;
  return endsilence(receivefrom(L, checksimsocket(L, 1), until, nextagain));
}

int mcast_nextdatagram(lua_State *L) {
  int64_t timeout = lua_tointeger(L, lua_upvalueindex(MCAST_UPVALUES + 1));
  sim_Socket *s = checksimsocket(L, 1);
  lua_settop(L, 1);
  return endsilence(
      receivefrom(L, s, sim_deadline(sim_current, timeout), nextagain));
}

/*
** recvmsg.
*/

/* An address of link scope is the host's on that interface only. */
static bool isown(const sim_Host *host, const sim_Queued *q) {
  const mcast_Sockaddr *from = &q->packet->from;
  const sim_Interface *owner = sim_findowner(host, from);
  return owner != NULL && (mcast_getzone(from) == 0 || owner == q->interface);
}

static mcast_Arrival describe(const sim_Socket *s, const sim_Queued *q) {
  mcast_Arrival a;
  memset(&a, 0, sizeof a);
  a.from = q->packet->from;
  a.group = asfamily(&q->packet->to, s->family);
  a.index = q->interface->index;
  a.ttl = q->ttl;
  a.tclass = q->packet->tclass;
  a.own = isown(s->host, q);
  a.time = sim_day(s->owner, q->time);
  a.nanoseconds = sim_daynanoseconds(s->owner, q->time);
  a.dropped = q->dropped;
  return a;
}

static int receivemessage(lua_State *L, int64_t until);

static int messageagain(lua_State *L, int status, lua_KContext until) {
  (void)status;
  return receivemessage(L, until);
}

static int receivemessage(lua_State *L, int64_t until) {
  sim_Socket *s = checksimsocket(L, 1);
  const sim_Queued *next = sim_nextqueued(s);
  if (next != NULL) {
    mcast_Arrival a = describe(s, next);
    pushdatagram(L, s);
    if (lua_isnil(L, 2)) {
      lua_createtable(L, 0, 11);
      lua_replace(L, 2);
    }
    lua_setfield(L, 2, "from");
    lua_setfield(L, 2, "data");
    mcast_setarrival(L, lua_touserdata(L, 1), &a);
    return 1;
  }
  return await(L, s, "recvmsg", until, messageagain);
}

int mcast_recvmsg(lua_State *L) {
  const mcast_Socket *s = mcast_checksocket(L, 1);
  int64_t timeout = mcast_checktimeout(L, 2);
  if (!lua_isnoneornil(L, 3))
    luaL_checktype(L, 3, LUA_TTABLE);
  if (!s->options.metadata)
    return luaL_error(L, "recvmsg needs a socket made with metadata = true");
  lua_settop(L, 3);
  lua_remove(L, 2);
  return receivemessage(L, sim_deadline(sim_current, timeout));
}

/*
** recvmany. A train is what the kernel would merge into one: datagrams of one
** sender, destination and size; the last one may be shorter.
*/

#define MAXBYTES 65507

static const sim_Queued *getqueued(const sim_Socket *s, unsigned n) {
  return &s->queue[(s->head + n) & (s->capacity - 1)];
}

static bool isoneflow(const sim_Queued *a, const sim_Queued *b) {
  return a->interface == b->interface && a->ttl == b->ttl &&
         a->packet->tclass == b->packet->tclass &&
         mcast_samehost(&a->packet->from, &b->packet->from) &&
         mcast_getport(&a->packet->from) == mcast_getport(&b->packet->from) &&
         mcast_samehost(&a->packet->to, &b->packet->to);
}

/* The number of datagrams in the train that the buffer begins with. */
static unsigned counttrain(const sim_Socket *s) {
  const sim_Queued *first = getqueued(s, 0);
  size_t size = first->packet->size, bytes = size, last = size;
  unsigned n = 1;
  while (n < s->count && n < MCAST_MAXTRAIN && last == size) {
    const sim_Queued *q = getqueued(s, n);
    last = q->packet->size;
    bytes += last;
    if (last == 0 || last > size || bytes > MAXBYTES || !isoneflow(first, q))
      break;
    n++;
  }
  return n;
}

/* Sets the items of the list at an index; those before are removed. */
static void setitems(lua_State *L, const sim_Socket *s, int list, unsigned n) {
  lua_getiuservalue(L, 1, 1);
  int payloads = lua_gettop(L);
  for (unsigned i = 0; i < n; i++) {
    lua_rawgeti(L, payloads, getqueued(s, i)->packet->data);
    lua_rawseti(L, list, i + 1);
  }
  lua_pop(L, 1);
  for (lua_Unsigned i; (i = lua_rawlen(L, list)) > n;) {
    lua_pushnil(L);
    lua_rawseti(L, list, (lua_Integer)i);
  }
}

/* Pushes the sender of the next datagram. */
static void pushsender(lua_State *L, const sim_Socket *s, const sim_Queued *q) {
  lua_getiuservalue(L, 1, 1);
  pushfrom(L, s->family, q, lua_gettop(L));
  lua_remove(L, -2);
}

/* Removes a train from the buffer, once it is in the list at index 2. */
static int pushtrain(lua_State *L, sim_Socket *s) {
  mcast_Socket *own = lua_touserdata(L, 1);
  unsigned n = counttrain(s);
  setitems(L, s, 2, n);
  own->count.received += n;
  while (n-- > 0 && sim_nextqueued(s) != NULL)
    sim_release(s->net, sim_dequeue(s).packet);
  return 2;
}

static int receivemany(lua_State *L, int64_t until);

static int manyagain(lua_State *L, int status, lua_KContext until) {
  (void)status;
  return receivemany(L, until);
}

/* The datagrams that the socket at index 1 has received. */
static lua_Integer countreceived(lua_State *L) {
  const mcast_Socket *s = lua_touserdata(L, 1);
  return s->count.received;
}

static int receivemany(lua_State *L, int64_t until) {
  sim_Socket *s = checksimsocket(L, 1);
  const sim_Queued *next;
  while ((next = sim_nextqueued(s)) != NULL) {
    lua_Integer received = countreceived(L);
    int n = (int)counttrain(s);
    lua_settop(L, 2);
    pushsender(L, s, next);
    if (lua_isnil(L, 2)) {
      lua_createtable(L, n, 0);
      lua_replace(L, 2);
    }
    s = checksimsocket(L, 1);
    if (countreceived(L) == received) /* else a finalizer received */
      return pushtrain(L, s);
  }
  return await(L, s, "recvmany", until, manyagain);
}

int mcast_recvmany(lua_State *L) {
  mcast_checksocket(L, 1);
  int64_t timeout = mcast_checktimeout(L, 2);
  if (!lua_isnoneornil(L, 3))
    luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 3);
  lua_remove(L, 2);
  return receivemany(L, sim_deadline(sim_current, timeout));
}
