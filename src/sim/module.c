/*
** The simulated module: the module's own functions, over the simulator's
** kernel.
*/
#include "sim.h"

#define MODULE "mcast.sim.module"

/* A socket keeps its net alive, and has the payloads at hand. */
static int module_socket(lua_State *L) {
  sim_makeroom(L);
  int n = mcast_socket(L);
  if (n != 1)
    return n;
  mcast_Socket *s = lua_touserdata(L, -1);
  sim_Socket *socket = sim_findsocket(s->fd);
  socket->own = s;
  socket->abandoned = false;
  s->serial = socket->serial;
  sim_pushref(L, sim_current->net, sim_current->net->payloads);
  lua_setiuservalue(L, -2, 1);
  return 1;
}

static int socket_gc(lua_State *L) {
  mcast_Socket *s = mcast_testsocket(L, 1);
  if (s == NULL)
    return 0;
  sim_abandon(s);
  s->fd = -1;
  free(s->members.list);
  s->members.list = NULL;
  s->members.count = s->members.capacity = 0;
  return 0;
}

static int socket_getfd(lua_State *L) {
  mcast_checksocket(L, 1);
  return luaL_error(
      L, "a simulated socket has no descriptor (wait by mcast.poll, or receive "
         "with a timeout)");
}

static int socket_tostring(lua_State *L) {
  const mcast_Socket *s = mcast_testsocket(L, 1);
  if (s == NULL)
    return luaL_typeerror(L, 1, "mcast.socket");
  if (s->fd < 0)
    lua_pushliteral(L, "mcast.socket (closed)");
  else
    lua_pushfstring(L, "mcast.socket (%d)", (int)s->serial);
  return 1;
}

/* Sets a function in the table at an index, with the shared upvalues, which are
   at the indices from 1 on. */
static void setfunction(lua_State *L, int table, const char *name,
                        lua_CFunction f) {
  for (int i = 1; i <= MCAST_UPVALUES; i++)
    lua_pushvalue(L, i);
  lua_pushcclosure(L, f, MCAST_UPVALUES);
  lua_setfield(L, table, name);
}

static void newmetatable(lua_State *L, const char *name) {
  lua_newtable(L);
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__name");
}

static int newmodule(lua_State *L) {
  lua_settop(L, 0);
  newmetatable(L, "mcast.socket");
  newmetatable(L, "mcast.address");
  lua_newtable(L);
  mcast_makeinterned(L);
  while (lua_gettop(L) < MCAST_UPVALUES)
    lua_pushnil(L);
  mcast_pushmodule(L);
  setfunction(L, lua_gettop(L), "socket", module_socket);
  setfunction(L, 1, "__tostring", socket_tostring);
  setfunction(L, 1, "__gc", socket_gc);
  lua_getfield(L, 1, "__index");
  setfunction(L, lua_gettop(L), "getfd", socket_getfd);
  setfunction(L, lua_gettop(L), "pollfd", socket_getfd);
  lua_pop(L, 1);
  return 1;
}

/* Pushes the module, one for all nets of a Lua state. */
void sim_pushmodule(lua_State *L) {
  if (lua_getfield(L, LUA_REGISTRYINDEX, MODULE) != LUA_TNIL)
    return;
  lua_pop(L, 1);
  lua_pushcfunction(L, newmodule);
  lua_call(L, 0, 1);
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, MODULE);
}
