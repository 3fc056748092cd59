/*
** Receiving: recvfrom, datagrams and recvmsg.
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

/*
** recvfrom.
*/

SIM_HOT static int receivefrom(lua_State *L, sim_Socket *s, int64_t until,
                               lua_KFunction again) {
  if (sim_nextqueued(s) != NULL) {
    pushdatagram(L, s);
    return 2;
  }
  if (sim_current != NULL && sim_current->net->now >= until)
    return mcast_timedout(L);
  sim_checkwait(L, "recvfrom");
  sim_watch(L, s);
  return sim_wait(L, until, again, (lua_KContext)until);
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
  if (sim_current != NULL && sim_current->net->now >= until)
    return mcast_timedout(L);
  sim_checkwait(L, "recvmsg");
  sim_watch(L, s);
  return sim_wait(L, until, messageagain, (lua_KContext)until);
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
