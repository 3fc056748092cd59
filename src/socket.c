/***
Sockets join groups, send and receive. A socket without references is closed
when it is collected; `<close>` closes it at the end of its block. Any use of a
closed socket raises.
@classmod socket
*/
#include "mcast.h"

/*
** Creation.
*/

static void closesocket(mcast_Socket *s) {
  int fd = s->fd;
  s->fd = -1;
  if (fd >= 0 && !s->lent)
    sys_close(fd);
  sys_closeasker(&s->asker);
  sys_closeown(&s->own);
  mcast_forgetall(s);
}

static void collectsocket(void *userdata) {
  mcast_Socket *s = userdata;
  sys_abandon(&s->fd);
  closesocket(s);
}

static mcast_Socket *newsocket(lua_State *L) {
  mcast_Socket *s = lua_newuserdatauv(L, sizeof *s, 5);
  memset(s, 0, sizeof *s);
  mcast_initsending(s);
  s->train.run = MCAST_UDP_GRO != MCAST_NONE ? 0 : MCAST_NOTRAINS;
  s->train.longrun = MCAST_LONGRUN;
  s->fd = -1;
  lua_pushvalue(L, MCAST_SOCKETS);
  lua_setmetatable(L, -2);
  s->place = mcast_enlist(L, 5, collectsocket);
  return s;
}

static void copytable(lua_State *L, int from, int to) {
  lua_pushnil(L);
  while (lua_next(L, from)) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, to);
  }
}

static void setdefault(lua_State *L, int table, const char *name, bool value) {
  if (mcast_rawgetoption(L, table, name) == LUA_TNIL) {
    lua_pushboolean(L, value);
    lua_setfield(L, table, name);
  }
  lua_pop(L, 1);
}

/* The family option, else the host's family, else that of the interface's
   address. */
static int checkfamily(lua_State *L, int table, const mcast_Sockaddr *host) {
  mcast_Sockaddr own;
  int family = AF_INET, top = lua_gettop(L);
  if (mcast_rawgetoption(L, table, "family") != LUA_TNIL)
    family = mcast_isliteral(L, -1, "inet") ? AF_INET : AF_INET6;
  else if (host->sa.sa_family != AF_UNSPEC)
    family = host->sa.sa_family;
  else if (mcast_rawgetoption(L, table, "interface") == LUA_TSTRING &&
           mcast_readhost(L, lua_gettop(L), &own) == 0)
    family = own.sa.sa_family;
  lua_settop(L, top);
  return family;
}

/* Reads the address to bind to: 0, or the number of results of a failure. */
static int checkbind(lua_State *L, int table, mcast_Sockaddr *a) {
  memset(a, 0, sizeof *a);
  if (mcast_rawgetoption(L, table, "host") != LUA_TNIL) {
    int n = mcast_readhost(L, lua_gettop(L), a);
    if (n != 0)
      return n;
  }
  int family = checkfamily(L, table, a);
  if (a->sa.sa_family == AF_UNSPEC)
    mcast_anyaddress(family, 0, a);
  else if (a->sa.sa_family != family)
    return mcast_fail(L, EAFNOSUPPORT, "host",
                      "its family is not that of the socket");
  if (mcast_rawgetoption(L, table, "port") != LUA_TNIL)
    mcast_setport(a, (uint16_t)lua_tointeger(L, -1));
  lua_pop(L, 1);
  return 0;
}

static int opensocket(lua_State *L, int family) {
  int fd = sys_socket(family);
  return fd < 0 && mcast_freedescriptors(L, errno) ? sys_socket(family) : fd;
}

static int bindsocket(lua_State *L, mcast_Socket *s, const mcast_Sockaddr *a) {
  if (sys_bind(s->fd, &a->sa, mcast_addresslen(a)) == 0)
    return 0;
  int err = errno;
  mcast_pushaddress(L, a);
  const char *text = luaL_tolstring(L, -1, NULL);
  const char *why = mcast_explained(L, err, mcast_explainbind(L, a, err));
  return mcast_fail(L, err, lua_pushfstring(L, "bind %s", text), why);
}

/* A bound socket shares its port already, or does not. */
static void setdefaults(lua_State *L, const mcast_Socket *s, int table,
                        const mcast_Sockaddr *a, bool bound) {
  setdefault(L, table, "all", false);
  if (bound)
    return;
  setdefault(L, table, "reuseaddr", mcast_getport(a) != 0);
  if (s->family == AF_INET6)
    setdefault(L, table, "v6only", true);
}

static int setmetadata(lua_State *L, mcast_Socket *s, int table) {
  mcast_rawgetoption(L, table, "metadata");
  s->options.metadata = lua_toboolean(L, -1);
  lua_pop(L, 1);
  int err = s->options.metadata ? sys_openown(&s->own) : 0;
  if (mcast_freedescriptors(L, err))
    err = sys_openown(&s->own);
  return err == 0 ? 0 : mcast_fail(L, err, "socket", NULL);
}

/* Opens or adopts a socket, sets options and binds: 0, or the number of results of a
   failure. */
static int setup(lua_State *L, mcast_Socket *s, int table) {
  mcast_Sockaddr a, own;
  memset(&own, 0, sizeof own);
  int n = mcast_borrow(L, s, table, &own);
  bool bound = s->lent && mcast_getport(&own) != 0;
  if (n == 0)
    n = checkbind(L, table, &a);
  if (n == 0 && bound)
    n = mcast_agree(L, s, table, &a, &own);
  if (n != 0)
    return n;
  s->family = a.sa.sa_family;
  if (s->lent)
    mcast_inherit(L, s, table);
  else
    s->fd = opensocket(L, s->family);
  if (s->fd < 0)
    return mcast_fail(L, errno, "socket", NULL);
  setdefaults(L, s, table, &a, bound);
  n = setmetadata(L, s, table);
  if (n == 0)
    n = mcast_setoptions(L, s, table);
  if (n == 0 && !bound)
    n = bindsocket(L, s, &a);
  return n == 0 && s->lent ? mcast_adopt(L, s) : n;
}

int mcast_socket(lua_State *L) {
  mcast_checkrefusal(L);
  lua_settop(L, 1);
  if (lua_isnil(L, 1)) {
    lua_newtable(L);
    lua_replace(L, 1);
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_newtable(L);
  copytable(L, 1, 2);
  mcast_checkoptions(L, 2);
  mcast_Socket *s = newsocket(L);
  int n = setup(L, s, 2);
  if (n != 0) {
    closesocket(s);
    return n;
  }
  lua_settop(L, 3);
  return 1;
}

/***
Close and inspect
@section lifetime
*/

/***
Closes the socket; closing it again does nothing.
@function close
@usage sock:close()
*/
static int socket_close(lua_State *L) {
  mcast_Socket *s = mcast_checkanysocket(L, 1);
  if (s != NULL)
    closesocket(s);
  return 0;
}

static int socket_gc(lua_State *L) {
  mcast_Socket *s = mcast_checkanysocket(L, 1);
  if (s != NULL)
    collectsocket(s);
  return 0;
}

static int socket_tostring(lua_State *L) {
  const mcast_Socket *s = mcast_checkanysocket(L, 1);
  if (s == NULL || s->fd < 0)
    lua_pushliteral(L, "mcast.socket (closed)");
  else
    lua_pushfstring(L, "mcast.socket (%d)", s->fd);
  return 1;
}

/***
Returns the bound address.
@function getsockname
@treturn address|nil
@treturn ?string message
@treturn ?integer errno
@usage print(sock:getsockname().port)
@follows getsockname(2)
*/
static int socket_getsockname(lua_State *L) {
  const mcast_Socket *s = mcast_checksocket(L, 1);
  mcast_Sockaddr a;
  socklen_t len = sizeof a;
  memset(&a, 0, sizeof a);
  if (sys_getsockname(s->fd, &a.sa, &len) != 0)
    return mcast_fail(L, errno, "getsockname", NULL);
  mcast_pushaddress(L, &a);
  return 1;
}

/***
Counts datagrams: `sent`, accepted by the kernel; `received`, returned to the
script; `dropped`, lost by the kernel for this socket, most often because the
receive buffer was full (nil where the system does not count them). A train that
is lost as a whole counts as one.
@function stats
@treturn table
@usage print(sock:stats().dropped)
*/
static int socket_stats(lua_State *L) {
  const mcast_Socket *s = mcast_checksocket(L, 1);
  uint32_t dropped;
  lua_createtable(L, 0, 3);
  lua_pushinteger(L, s->count.sent);
  lua_setfield(L, -2, "sent");
  lua_pushinteger(L, s->count.received);
  lua_setfield(L, -2, "received");
  if (sys_getdropped(s->fd, &dropped)) {
    lua_pushinteger(L, dropped);
    lua_setfield(L, -2, "dropped");
  }
  return 1;
}

const luaL_Reg mcast_socketmethods[] = {{"join", mcast_join},
                                        {"leave", mcast_leave},
                                        {"block", mcast_block},
                                        {"unblock", mcast_unblock},
                                        {"filter", mcast_filter},
                                        {"groups", mcast_groups},
                                        {"sendto", mcast_sendto},
                                        {"sendmany", mcast_sendmany},
                                        {"recvfrom", mcast_recvfrom},
                                        {"recvmsg", mcast_recvmsg},
                                        {"recvmany", mcast_recvmany},
                                        {"datagrams", mcast_datagrams},
                                        {"setoption", mcast_setoption},
                                        {"getoption", mcast_getoption},
                                        {"stats", socket_stats},
                                        {"getsockname", socket_getsockname},
                                        {"getfd", mcast_getfd},
                                        {"dirty", mcast_dirty},
                                        {"pollfd", mcast_getfd},
                                        {"events", mcast_events},
                                        {"timeout", mcast_timeout},
                                        {"close", socket_close},
                                        {NULL, NULL}};

const luaL_Reg mcast_socketmetamethods[] = {{"__close", socket_close},
                                            {"__gc", socket_gc},
                                            {"__tostring", socket_tostring},
                                            {NULL, NULL}};
