/*
** Receiving and waiting in the simulator: what receive.c and wait.c do on the
** system. A datagram's string is made once, when it is sent.
*/
#include "sim.h"

int mcast_askancillary(const mcast_Socket *s) {
  (void)s;
  return 0;
}

/* Sends do not wait: what does not fit a LAN's queue is dropped. */
int mcast_wait(lua_State *L, mcast_Socket *s, short events, int64_t deadline) {
  (void)L, (void)s, (void)events, (void)deadline;
  return ENOBUFS;
}

static sim_Socket *checkqueue(lua_State *L, int arg) {
  sim_Socket *s = sim_getsocket(mcast_checksocket(L, arg)->fd);
  if (s == NULL) /* its node has ended */
    luaL_error(L, "attempt to use a closed socket");
  return s;
}

static sim_Arrival shift(sim_Socket *s) {
  sim_Arrival a = s->queue[s->head++ & (s->capacity - 1)];
  s->count--;
  s->queued -= sim_accounted(a.packet->size);
  return a;
}

/* The sender as this socket sees it: with the zone of the interface that it was
   heard on, or as an IPv6 address that is IPv4's. */
static void pushfrom(lua_State *L, int family, const sim_Arrival *a,
                     int payloads) {
  mcast_Sockaddr from = a->packet->from;
  if (from.sa.sa_family == AF_INET && family == AF_INET) {
    lua_rawgeti(L, payloads, a->packet->data + 1);
    return;
  }
  if (from.sa.sa_family != family) {
    sim_Key key = sim_key(&from, 0);
    mcast_anyaddress(AF_INET6, mcast_getport(&from), &from);
    from.in6.sin6_addr = key.host;
  } else if (from.in6.sin6_scope_id != 0) {
    from.in6.sin6_scope_id = a->interface->index;
  }
  mcast_pushaddress(L, &from);
}

/* Pushes data and from of the next datagram in the queue. As memory is needed, a
   finalizer may close the socket. */
static void take(lua_State *L, sim_Socket *s) {
  mcast_Socket *own = lua_touserdata(L, 1);
  sim_Net *net = s->net;
  sim_Arrival a = shift(s);
  own->count.received++;
  lua_getiuservalue(L, 1, 1);
  int payloads = lua_gettop(L);
  lua_rawgeti(L, payloads, a.packet->data);
  pushfrom(L, s->family, &a, payloads);
  lua_remove(L, payloads);
  sim_release(net, a.packet);
}

/*
** recvfrom.
*/

static int receivemore(lua_State *L, int status, lua_KContext until);

static int receive(lua_State *L, int64_t until, lua_KFunction k) {
  sim_Socket *s = checkqueue(L, 1);
  if (s->count > 0) {
    take(L, s);
    return 2;
  }
  if (sim_current != NULL && sim_current->net->now >= until)
    return mcast_timedout(L);
  sim_checkwait(L, "recvfrom");
  sim_watch(s);
  return sim_wait(L, until, k, (lua_KContext)until);
}

static int receivemore(lua_State *L, int status, lua_KContext until) {
  (void)status;
  return receive(L, until, receivemore);
}

int mcast_recvfrom(lua_State *L) {
  mcast_checksocket(L, 1);
  int64_t timeout = mcast_checktimeout(L, 2);
  lua_settop(L, 1);
  return receive(L, sim_deadline(timeout), receivemore);
}

/*
** datagrams.
*/

static int endsilence(int n) {
  return n == 3 ? 0 : n; /* of errors there is only the timeout */
}

static int nextmore(lua_State *L, int status, lua_KContext until) {
  (void)status;
  return endsilence(receive(L, until, nextmore));
}

static int nextdatagram(lua_State *L) {
  int64_t timeout = lua_tointeger(L, lua_upvalueindex(MCAST_UPVALUES + 1));
  mcast_checksocket(L, 1);
  lua_settop(L, 1);
  return endsilence(receive(L, sim_deadline(timeout), nextmore));
}

int mcast_datagrams(lua_State *L) {
  mcast_checksocket(L, 1);
  int64_t timeout = mcast_checktimeout(L, 2);
  for (int i = 1; i <= MCAST_UPVALUES; i++)
    lua_pushvalue(L, lua_upvalueindex(i));
  lua_pushinteger(L, timeout);
  lua_pushcclosure(L, nextdatagram, MCAST_UPVALUES + 1);
  lua_pushvalue(L, 1);
  return 2;
}

/*
** recvmsg.
*/

static mcast_Arrival describe(const sim_Socket *s, const sim_Arrival *a) {
  mcast_Arrival told;
  memset(&told, 0, sizeof told);
  told.from = a->packet->from;
  told.group = a->packet->to;
  told.index = a->interface->index;
  told.ttl = a->ttl;
  told.time = sim_day(s->owner, a->time);
  told.dropped = s->dropped;
  return told;
}

static int message(lua_State *L, int64_t until);

static int messagemore(lua_State *L, int status, lua_KContext until) {
  (void)status;
  return message(L, until);
}

static int message(lua_State *L, int64_t until) {
  sim_Socket *s = checkqueue(L, 1);
  if (s->count > 0) {
    mcast_Arrival told = describe(s, &s->queue[s->head & (s->capacity - 1)]);
    take(L, s);
    if (lua_isnil(L, 2)) {
      lua_createtable(L, 0, 7);
      lua_replace(L, 2);
    }
    lua_setfield(L, 2, "from");
    lua_setfield(L, 2, "data");
    mcast_setarrival(L, lua_touserdata(L, 1), &told);
    return 1;
  }
  if (sim_current != NULL && sim_current->net->now >= until)
    return mcast_timedout(L);
  sim_checkwait(L, "recvmsg");
  sim_watch(s);
  return sim_wait(L, until, messagemore, (lua_KContext)until);
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
  return message(L, sim_deadline(timeout));
}

/*
** poll, sleep and now.
*/

static sim_Socket *checkitem(lua_State *L, lua_Integer i) {
  lua_rawgeti(L, 1, i);
  const mcast_Socket *s = mcast_testsocket(L, -1);
  if (s != NULL) {
    mcast_checkopen(L, s);
    sim_Socket *own = sim_getsocket(s->fd);
    if (own == NULL)
      luaL_error(L, "attempt to use a closed socket");
    lua_pop(L, 1);
    return own;
  }
  luaL_argerror(L, 1,
                lua_pushfstring(L, "socket expected at [%I], got %s",
                                (LUAI_UACINT)i, luaL_typename(L, -1)));
  return NULL;
}

static int pollsockets(lua_State *L, int64_t until);

static int pollmore(lua_State *L, int status, lua_KContext until) {
  (void)status;
  return pollsockets(L, until);
}

static int pollsockets(lua_State *L, int64_t until) {
  lua_Integer n = (lua_Integer)lua_rawlen(L, 1), ready = 0;
  lua_newtable(L);
  for (lua_Integer i = 1; i <= n; i++)
    if (checkitem(L, i)->count > 0) {
      lua_rawgeti(L, 1, i);
      lua_rawseti(L, -2, ++ready);
    }
  if (ready > 0)
    return 1;
  lua_settop(L, 1);
  if (sim_current != NULL && sim_current->net->now >= until)
    return mcast_timedout(L);
  sim_checkwait(L, "poll");
  for (lua_Integer i = 1; i <= n; i++)
    sim_watch(checkitem(L, i));
  return sim_wait(L, until, pollmore, (lua_KContext)until);
}

int mcast_poll(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  int64_t timeout = mcast_checktimeout(L, 2);
  luaL_argcheck(L, lua_rawlen(L, 1) > 0 || timeout != MCAST_FOREVER, 1,
                "no sockets, and no timeout: this would wait for ever");
  lua_settop(L, 1);
  return pollsockets(L, sim_deadline(timeout));
}

static int slept(lua_State *L, int status, lua_KContext until) {
  (void)status;
  if (sim_current->net->now >= until)
    return 0;
  return sim_wait(L, until, slept, until);
}

int mcast_sleep(lua_State *L) {
  luaL_checknumber(L, 1);
  int64_t timeout = mcast_checktimeout(L, 1);
  sim_checkwait(L, "sleep");
  int64_t until = sim_deadline(timeout);
  return sim_wait(L, until, slept, (lua_KContext)until);
}

int mcast_now(lua_State *L) {
  if (sim_current == NULL)
    return luaL_error(L, "now: only a node of a running net has a clock");
  lua_pushnumber(L, (lua_Number)sim_clock(sim_current) / SIM_SECOND);
  return 1;
}
