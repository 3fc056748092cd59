/*
** The trace: records as tables, made when they are read.
*/
#include "sim.h"

/* Sets a field, if there is a text for it. */
static void setfield(lua_State *L, const char *name, const char *text) {
  if (text == NULL)
    return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

/* The interface's address that reports of a membership come from: RFC 3376, and
   RFC 3810, by which it is of link scope; NULL where it has none. */
static const mcast_Sockaddr *findreporter(const sim_Interface *i, int family) {
  for (int k = 0; k < i->naddresses; k++) {
    const mcast_Sockaddr *a = &i->addresses[k];
    if (a->sa.sa_family == family &&
        (family == AF_INET || IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr)))
      return a;
  }
  return NULL;
}

static void setfilter(lua_State *L, const sim_Member *m) {
  const mcast_Sockaddr *own = findreporter(m->interface, m->group.sa.sa_family);
  if (own != NULL) {
    mcast_pushhost(L, own);
    lua_setfield(L, -2, "address");
  }
  mcast_pushhost(L, &m->group);
  lua_setfield(L, -2, "group");
  lua_pushinteger(L, mcast_getport(&m->group)); /* record.c */
  lua_setfield(L, -2, "port");
  lua_pushstring(L, m->mode == MCAST_INCLUDE ? "include" : "exclude");
  lua_setfield(L, -2, "mode");
  lua_createtable(L, (int)m->count, 0);
  for (uint32_t i = 0; i < m->count; i++) {
    mcast_Sockaddr a;
    mcast_copyaddress(&a, (const struct sockaddr *)&m->sources[i]);
    mcast_pushhost(L, &a);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "sources");
}

static void setplace(lua_State *L, const sim_Interface *i) {
  lua_pushstring(L, i->name);
  lua_setfield(L, -2, "interface");
  lua_pushstring(L, i->host->name);
  lua_setfield(L, -2, "host");
  if (i->lan != NULL) {
    lua_pushstring(L, i->lan->name);
    lua_setfield(L, -2, "lan");
  }
}

static void pushrecord(lua_State *L, const sim_Net *net, const sim_Record *r) {
  static const char *const kinds[] = {"send", "deliver", "drop",
                                      "join", "leave",   "forward"};
  if (r->kind == SIM_DETAIL) {
    sim_pushref(L, net, net->details);
    lua_rawgeti(L, -1, r->detail);
    lua_remove(L, -2);
  } else {
    lua_createtable(L, 0, 13);
    lua_pushstring(L, kinds[r->kind]);
    lua_setfield(L, -2, "kind");
    setplace(L, r->interface);
    if (r->kind == SIM_JOIN || r->kind == SIM_LEAVE)
      setfilter(L, r->member);
    else
      sim_setpacket(L, net, r->packet, r->ttl);
    if (r->kind == SIM_FORWARD)
      setfield(L, "from_lan", r->in->lan != NULL ? r->in->lan->name : NULL);
    else
      setfield(L, "reason", r->reason);
    if (r->socket > 0) {
      lua_pushinteger(L, r->socket - 1);
      lua_setfield(L, -2, "socket");
    }
  }
  if (r->node != NULL || r->interface != NULL) {
    lua_pushstring(L,
                   r->node != NULL ? r->node->name : r->interface->host->name);
    lua_setfield(L, -2, "node");
  }
  lua_pushnumber(L, (lua_Number)r->time / SIM_SECOND);
  lua_setfield(L, -2, "time");
}

/* net, i: returns the i-th event, or nil. */
static int trace_event(lua_State *L) {
  const sim_Net *net = sim_checknet(L, 1);
  lua_Integer i = luaL_checkinteger(L, 2);
  if (i < 1 || (size_t)i > net->nrecords)
    return 0;
  pushrecord(L, net, &net->records[i - 1]);
  return 1;
}

static int trace_count(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)sim_checknet(L, 1)->nrecords);
  return 1;
}

/* net, node or nil, table: records an event. */
static int trace_record(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  const sim_Node *node = lua_isnil(L, 2) ? NULL : sim_checknode(L, net, 2);
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 3);
  sim_recorddetail(L, net, node);
  return 0;
}

const luaL_Reg sim_tracemethods[] = {{"event", trace_event},
                                     {"count", trace_count},
                                     {"record", trace_record},
                                     {NULL, NULL}};
