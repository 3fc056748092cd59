/***
A monitor reports interfaces and addresses that come and go. `mcast.monitor`
makes one, and `mcast.poll` accepts it beside sockets. A monitor without
references is closed when it is collected. Any use of a closed monitor raises.
@classmod monitor
*/
#include "mcast.h"

static void closemonitor(mcast_Monitor *m) {
  int fd = m->fd;
  m->fd = -1;
  if (fd >= 0)
    sys_close(fd);
  mcast_forgetchanges(m);
}

static void collectmonitor(void *userdata) {
  mcast_Monitor *m = userdata;
  sys_abandon(&m->fd);
  closemonitor(m);
}

static mcast_Monitor *newmonitor(lua_State *L) {
  mcast_Monitor *m = lua_newuserdatauv(L, sizeof *m, 2);
  memset(m, 0, sizeof *m);
  m->fd = -1;
  lua_pushvalue(L, MCAST_MONITORS);
  lua_setmetatable(L, -2);
  m->place = mcast_enlist(L, 2, collectmonitor);
  return m;
}

/* Opens it: 0 or errno. The interfaces that it finds first are no changes. */
static int start(mcast_Monitor *m) {
  m->fd = sys_openmonitor();
  m->serial = (unsigned)m->fd;
  m->lost = true;
  int err = m->fd < 0 ? errno : mcast_look(m);
  m->reports.count = 0;
  if (err != 0)
    closemonitor(m);
  return err;
}

int mcast_monitor(lua_State *L) {
  mcast_checkrefusal(L);
  mcast_Monitor *m = newmonitor(L);
  int err = start(m);
  if (mcast_freedescriptors(L, err))
    err = start(m);
  if (err == 0)
    return 1;
  const char *why = NULL;
  if (err == EACCES || err == EPERM || err == EAFNOSUPPORT)
    why = lua_pushfstring(L,
                          "%s (the system denies reports of changes to this "
                          "process: compare mcast.interfaces() by time)",
                          strerror(err));
  return mcast_fail(L, err, "monitor", why);
}

/***
Waits for changes since the monitor was made or read last, and returns them in
order: `{kind, interface, address}` each. Kinds: `"added"` and `"removed"`, of an
interface; `"up"` and `"down"`, as `mcast.interfaces` has it; `"address added"` and
`"address removed"`, with the address as text. A renamed interface is removed, and
added by its new name. An interface that is added is down, and without addresses,
until further changes report that; one that is removed has lost both before.

Each change is reported, however short it was; but where so many come between two
reads that the system drops some, the interfaces are read again, and those that
differ are reported. Systems other than Linux are asked for their interfaces five
times a second.
@function read
@tparam[opt] number timeout seconds; nil waits for ever, 0 or less polls
@treturn {table,...}|nil list of changes
@treturn ?string message (`"timeout"`)
@treturn ?integer errno
@usage
local monitor <close> = assert(mcast.monitor())
for _, change in ipairs(monitor:read(0) or {}) do
  print(change.kind, change.interface, change.address)
end
@follows rtnetlink(7)
*/

/***
Closes the monitor; closing it again does nothing.
@function close
@usage monitor:close()
*/
static int monitor_close(lua_State *L) {
  mcast_Monitor *m = mcast_checkanymonitor(L, 1);
  if (m != NULL)
    closemonitor(m);
  return 0;
}

static int monitor_gc(lua_State *L) {
  mcast_Monitor *m = mcast_checkanymonitor(L, 1);
  if (m != NULL)
    collectmonitor(m);
  return 0;
}

static int monitor_tostring(lua_State *L) {
  const mcast_Monitor *m = mcast_checkanymonitor(L, 1);
  if (m == NULL || m->fd < 0)
    lua_pushliteral(L, "mcast.monitor (closed)");
  else
    lua_pushfstring(L, "mcast.monitor (%d)", (int)m->serial);
  return 1;
}

/***
Event loops
@section loops
*/

/***
Returns the descriptor, which the monitor keeps; it is readable where there may be
changes. It raises in the simulator. On systems other than Linux it shows none, so
`dirty` or `timeout` must be asked.
@function getfd
@treturn integer descriptor
@usage require "socket".select({ monitor }, nil, 0.2)
*/

/***
Returns the descriptor, as `getfd` does; cqueues calls this.
@function pollfd
@treturn integer descriptor
@usage require "cqueues".poll(monitor, 0.2)
*/
static int monitor_getfd(lua_State *L) {
  lua_pushinteger(L, mcast_checkmonitor(L, 1)->fd);
  return 1;
}

/***
True where `read` is to be called, whatever the descriptor shows.
@function dirty
@treturn boolean
*/
static int monitor_dirty(lua_State *L) {
  lua_pushboolean(L, mcast_ischanged(mcast_checkmonitor(L, 1)));
  return 1;
}

/***
Returns the events that cqueues waits for.
@function events
@treturn string `"r"`
*/
static int monitor_events(lua_State *L) {
  mcast_checkmonitor(L, 1);
  lua_pushliteral(L, "r");
  return 1;
}

/***
Returns the longest time that cqueues may wait.
@function timeout
@treturn ?number seconds, or nil: as long as the descriptor shows nothing
*/
static int monitor_timeout(lua_State *L) {
  const mcast_Monitor *m = mcast_checkmonitor(L, 1);
  if (mcast_ischanged(m))
    lua_pushinteger(L, 0);
  else if (MCAST_INTERVAL > 0)
    lua_pushnumber(L, (lua_Number)(m->next - sys_now()) / 1e9);
  else
    lua_pushnil(L);
  return 1;
}

const luaL_Reg mcast_monitormethods[] = {
    {"read", mcast_readmonitor},  {"close", monitor_close},
    {"getfd", monitor_getfd},     {"dirty", monitor_dirty},
    {"pollfd", monitor_getfd},    {"events", monitor_events},
    {"timeout", monitor_timeout}, {NULL, NULL}};

const luaL_Reg mcast_monitormetamethods[] = {{"__close", monitor_close},
                                             {"__gc", monitor_gc},
                                             {"__tostring", monitor_tostring},
                                             {NULL, NULL}};
