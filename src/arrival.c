/*
** The fields of recvmsg's table beside data and from. The texts pushed last are
** kept in user values, since the datagrams of a burst share them.
*/
#include "mcast.h"

static void pushgroup(lua_State *L, mcast_Socket *s, const mcast_Arrival *a) {
  if (a->group.sa.sa_family == AF_UNSPEC) {
    lua_pushnil(L);
  } else if (mcast_samehost(&a->group, &s->shown.group)) {
    lua_getiuservalue(L, 1, 2);
  } else {
    mcast_pushhost(L, &a->group);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, 2);
    s->shown.group = a->group;
  }
}

/* A name may change, so it is looked up anew each second. */
static void pushinterface(lua_State *L, mcast_Socket *s,
                          const mcast_Arrival *a) {
  char name[IF_NAMESIZE];
  double age = a->time - s->shown.time;
  if (a->index == s->shown.index && 0 <= age && age < 1) {
    lua_getiuservalue(L, 1, 3);
    return;
  }
  if (a->index != 0 && sys_interfacename(s->fd, a->index, name))
    lua_pushstring(L, name);
  else
    lua_pushnil(L);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, 3);
  s->shown.index = a->index;
  s->shown.time = a->time;
}

/* Sets a field of the table at the top; below 0: unknown. */
static void setinteger(lua_State *L, const char *name, int value) {
  if (value >= 0)
    lua_pushinteger(L, value);
  else
    lua_pushnil(L);
  lua_setfield(L, -2, name);
}

static void setboolean(lua_State *L, const char *name, int value) {
  if (value >= 0)
    lua_pushboolean(L, value);
  else
    lua_pushnil(L);
  lua_setfield(L, -2, name);
}

/* Sets the fields in the table at the top; the socket is at index 1. */
void mcast_setarrival(lua_State *L, mcast_Socket *s, const mcast_Arrival *a) {
  pushgroup(L, s, a);
  lua_setfield(L, -2, "group");
  pushinterface(L, s, a);
  lua_setfield(L, -2, "interface");
  setinteger(L, "ttl", a->ttl);
  lua_pushnumber(L, a->time);
  lua_setfield(L, -2, "time");
  lua_pushinteger(L, a->nanoseconds);
  lua_setfield(L, -2, "nanoseconds");
  lua_pushinteger(L, a->dropped);
  lua_setfield(L, -2, "dropped");
  setinteger(L, "dscp", a->tclass >= 0 ? a->tclass >> 2 : -1);
  setinteger(L, "ecn", a->tclass >= 0 ? a->tclass & 3 : -1);
  setboolean(L, "own", a->own);
}
