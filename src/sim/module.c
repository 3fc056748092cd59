/*
** The simulated module: the module's own functions, over the simulator's
** kernel.
*/
#include "sim.h"

#define MODULE "mcast.sim.module"

/* The script's socket or monitor at the top has this descriptor: it keeps its net
   alive, and has the payloads at hand. Returns its number. */
static unsigned takefd(lua_State *L, int *fd) {
  sim_Socket *s = sim_findsocket(*fd);
  s->own = fd;
  s->abandoned = false;
  sim_pushref(L, sim_current->net, sim_current->net->payloads);
  lua_setiuservalue(L, -2, 1);
  return s->serial;
}

static int module_socket(lua_State *L) {
  sim_makeroom(L);
  int n = mcast_socket(L);
  if (n != 1)
    return n;
  mcast_Socket *s = lua_touserdata(L, -1);
  s->serial = takefd(L, &s->fd);
  return 1;
}

static int module_monitor(lua_State *L) {
  sim_makeroom(L);
  int n = mcast_monitor(L);
  if (n != 1)
    return n;
  mcast_Monitor *m = lua_touserdata(L, -1);
  m->serial = takefd(L, &m->fd);
  return 1;
}

static int socket_getfd(lua_State *L) {
  mcast_checksocket(L, 1);
  return luaL_error(
      L, "a simulated socket has no descriptor (wait by mcast.poll, or receive "
         "with a timeout)");
}

static int monitor_getfd(lua_State *L) {
  mcast_checkmonitor(L, 1);
  return luaL_error(L, "a simulated monitor has no descriptor (wait by "
                       "mcast.poll, or read with a timeout)");
}

static int socket_tostring(lua_State *L) {
  const mcast_Socket *s = mcast_checkanysocket(L, 1);
  if (s == NULL || s->fd < 0)
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

/* Sets the methods that return a descriptor, of the metatable at an index. */
static void setdescriptor(lua_State *L, int metatable, lua_CFunction f) {
  lua_getfield(L, metatable, "__index");
  setfunction(L, lua_gettop(L), "getfd", f);
  setfunction(L, lua_gettop(L), "pollfd", f);
  lua_pop(L, 1);
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
  lua_settop(L, 6);
  newmetatable(L, "mcast.monitor");
  mcast_makealive(L);
  mcast_pushmodule(L);
  setfunction(L, lua_gettop(L), "socket", module_socket);
  setfunction(L, lua_gettop(L), "monitor", module_monitor);
  setfunction(L, 1, "__tostring", socket_tostring);
  setdescriptor(L, 1, socket_getfd);
  setdescriptor(L, 7, monitor_getfd);
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
