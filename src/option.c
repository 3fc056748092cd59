/***
@classmod socket
*/
#include "mcast.h"

#include <math.h>

typedef struct Option Option;

/* One row each, so that socket{}, setoption and getoption cannot disagree. The
   value to check or set is at arg. set returns 0, or the number of results of a
   failure; get pushes the value in force and returns 1, or the same. A kind
   without set is for creation only. */
typedef struct Kind {
  void (*check)(lua_State *L, const Option *o, int arg);
  int (*set)(lua_State *L, mcast_Socket *s, const Option *o, int arg);
  int (*get)(lua_State *L, mcast_Socket *s, const Option *o);
} Kind;

/* size: BSD systems accept some IPv4 options as an unsigned char only. */
typedef struct Name {
  int level;
  int name;
  size_t size;
} Name;

struct Option {
  const char *name;
  const Kind *kind;
  Name inet;
  Name inet6;
  lua_Integer min;
  lua_Integer max;
  int shift;
};

static int fail(lua_State *L, const Option *o, int err) {
  const char *cause = NULL;
  if (err == ENOPROTOOPT)
    cause = "not available on this system";
  else if (err == EINVAL && o->inet6.name == IPV6_V6ONLY)
    cause = "set it at creation, as in mcast.socket { v6only = false }";
  return mcast_fail(L, err, o->name, mcast_explained(L, err, cause));
}

static int nosuchoption(lua_State *L, const mcast_Socket *s, const Option *o) {
  return mcast_fail(
      L, ENOPROTOOPT, o->name,
      lua_pushfstring(L, "not available for %s sockets on this system",
                      mcast_familyname(s->family)));
}

/* Fails an option that names an interface, the one at arg. */
static int failinterface(lua_State *L, const Option *o, int arg, int err,
                         const char *cause) {
  const char *text = luaL_tolstring(L, arg, NULL);
  const char *why = mcast_explained(L, err, cause);
  return mcast_fail(L, err, lua_pushfstring(L, "%s %s", o->name, text), why);
}

static const Name *getname(const mcast_Socket *s, const Option *o) {
  return s->family == AF_INET ? &o->inet : &o->inet6;
}

static int writeoption(const mcast_Socket *s, const Name *n, int value) {
  unsigned char byte = (unsigned char)value;
  const void *p = n->size == 1 ? (const void *)&byte : &value;
  if (sys_setsockopt(s->fd, n->level, n->name, p, (socklen_t)n->size) != 0)
    return errno;
  return 0;
}

static int readoption(const mcast_Socket *s, const Name *n, int *value) {
  unsigned char byte = 0;
  void *p = n->size == 1 ? (void *)&byte : value;
  socklen_t len = (socklen_t)n->size;
  if (sys_getsockopt(s->fd, n->level, n->name, p, &len) != 0)
    return errno;
  if (n->size == 1)
    *value = byte;
  return 0;
}

/* An inet6 socket may use IPv4, too (v6only = false), so it has options of both. */
static int writeinet(const mcast_Socket *s, const Option *o, int value) {
  bool both = MCAST_INET6HASBOTH && s->family == AF_INET6 &&
              o->inet.level == IPPROTO_IP && o->inet.name != MCAST_NONE;
  return both ? writeoption(s, &o->inet, value) : 0;
}

/*
** Kinds.
*/

static void check_boolean(lua_State *L, const Option *o, int arg) {
  if (!lua_isboolean(L, arg))
    mcast_badoption(L, o->name, "boolean", arg);
}

static void check_integer(lua_State *L, const Option *o, int arg) {
  int isinteger;
  lua_Integer value = lua_tointegerx(L, arg, &isinteger);
  if (!isinteger || value < o->min || value > o->max)
    mcast_badoption(L, o->name,
                    lua_pushfstring(L, "%I to %I", (LUAI_UACINT)o->min,
                                    (LUAI_UACINT)o->max),
                    arg);
}

static void check_fd(lua_State *L, const Option *o, int arg) {
  if (!MCAST_ADOPTS)
    luaL_error(L,
               "option 'fd' is not available in the simulator, whose sockets "
               "have no descriptor");
  check_integer(L, o, arg);
}

static void check_seconds(lua_State *L, const Option *o, int arg) {
  int isnumber;
  lua_Number value = lua_tonumberx(L, arg, &isnumber);
  if (!isnumber || isnan(value) || value < 0)
    mcast_badoption(L, o->name, "seconds of 0 or more", arg);
}

static void check_text(lua_State *L, const Option *o, int arg) {
  if (lua_type(L, arg) != LUA_TSTRING)
    mcast_badoption(L, o->name, "text", arg);
}

static void check_family(lua_State *L, const Option *o, int arg) {
  if (!mcast_isliteral(L, arg, "inet") && !mcast_isliteral(L, arg, "inet6"))
    mcast_badoption(L, o->name, "\"inet\" or \"inet6\"", arg);
}

static void check_host(lua_State *L, const Option *o, int arg) {
  if (mcast_toaddress(L, arg) == NULL)
    check_text(L, o, arg);
}

/* The rest is checked at the look-up. */
static void check_interface(lua_State *L, const Option *o, int arg) {
  if (lua_type(L, arg) != LUA_TNUMBER && lua_type(L, arg) != LUA_TSTRING &&
      mcast_toaddress(L, arg) == NULL)
    mcast_badoption(L, o->name, "name, index or own address", arg);
}

static int setvalue(lua_State *L, mcast_Socket *s, const Option *o, int value) {
  const Name *n = getname(s, o);
  if (n->name == MCAST_NONE)
    return nosuchoption(L, s, o);
  int err = writeoption(s, n, value << o->shift);
  if (err == 0)
    err = writeinet(s, o, value << o->shift);
  return err == 0 ? 0 : fail(L, o, err);
}

static int set_integer(lua_State *L, mcast_Socket *s, const Option *o,
                       int arg) {
  return setvalue(L, s, o, (int)lua_tointeger(L, arg));
}

static int set_ttl(lua_State *L, mcast_Socket *s, const Option *o, int arg) {
  int n = set_integer(L, s, o, arg);
  if (n == 0)
    s->options.hostonly = lua_tointeger(L, arg) == 0;
  return n;
}

static int set_boolean(lua_State *L, mcast_Socket *s, const Option *o,
                       int arg) {
  return setvalue(L, s, o, lua_toboolean(L, arg));
}

static int getvalue(lua_State *L, mcast_Socket *s, const Option *o,
                    int *value) {
  const Name *n = getname(s, o);
  if (n->name == MCAST_NONE)
    return nosuchoption(L, s, o);
  int err = readoption(s, n, value);
  return err == 0 ? 0 : fail(L, o, err);
}

static int get_integer(lua_State *L, mcast_Socket *s, const Option *o) {
  int value = 0, n = getvalue(L, s, o, &value);
  if (n == 0)
    lua_pushinteger(L, value >> o->shift);
  return n == 0 ? 1 : n;
}

static int get_boolean(lua_State *L, mcast_Socket *s, const Option *o) {
  int value = 0, n = getvalue(L, s, o, &value);
  if (n == 0)
    lua_pushboolean(L, value);
  return n == 0 ? 1 : n;
}

/* IPv4's option has values of its own. */
static int set_fragment(lua_State *L, mcast_Socket *s, const Option *o,
                        int arg) {
  const Name *n = getname(s, o);
  bool cut = lua_toboolean(L, arg);
  int inet = cut ? MCAST_CUT : MCAST_WHOLE;
  if (n->name == MCAST_NONE)
    return nosuchoption(L, s, o);
  int err = writeoption(s, n, s->family == AF_INET ? inet : !cut);
  if (err == 0)
    err = writeinet(s, o, inet);
  if (err != 0)
    return fail(L, o, err);
  s->options.whole = !cut;
  return 0;
}

static int get_fragment(lua_State *L, mcast_Socket *s, const Option *o) {
  int value = 0, n = getvalue(L, s, o, &value);
  if (n == 0)
    lua_pushboolean(L, s->family == AF_INET ? sys_iscut(value) : value == 0);
  return n == 0 ? 1 : n;
}

/* The FORCE options go past rmem_max and wmem_max where the process may. */
static int set_buffer(lua_State *L, mcast_Socket *s, const Option *o, int arg) {
  Name force = o->inet;
  force.name = /* NOLINTNEXTLINE(bugprone-branch-clone): not on each system */
      force.name == SO_RCVBUF ? MCAST_SO_RCVBUFFORCE : MCAST_SO_SNDBUFFORCE;
  if (force.name != MCAST_NONE &&
      writeoption(s, &force, (int)lua_tointeger(L, arg)) == 0)
    return 0;
  return set_integer(L, s, o, arg);
}

/* Where the kernel checks groups too loosely or not at all, this module does:
   Linux for IPv6 ignores the interface. */
static int set_all(lua_State *L, mcast_Socket *s, const Option *o, int arg) {
  const Name *n = getname(s, o);
  bool on = lua_toboolean(L, arg);
  int err = n->name != MCAST_NONE ? writeoption(s, n, on) : 0;
  if (err == 0)
    err = writeinet(s, o, on);
  if (err != 0)
    return fail(L, o, err);
  s->options.all = on;
  s->options.filtering = s->family == AF_INET6 ? !on || MCAST_MIXESFILTERS
                                               : !on && n->name == MCAST_NONE;
  err = mcast_askancillary(s);
  if (err == 0)
    err = mcast_mixall(s);
  return err == 0 ? 0 : fail(L, o, err);
}

static int get_all(lua_State *L, mcast_Socket *s, const Option *o) {
  if (getname(s, o)->name != MCAST_NONE)
    return get_boolean(L, s, o);
  lua_pushboolean(L, s->options.all);
  return 1;
}

static int pushinterface(lua_State *L, const mcast_Socket *s, const Option *o,
                         unsigned index) {
  char name[IF_NAMESIZE] = "";
  if (index != 0 && !sys_interfacename(s->fd, index, name))
    return fail(L, o, errno);
  lua_pushstring(L, name);
  return 1;
}

static int set_interface(lua_State *L, mcast_Socket *s, const Option *o,
                         int arg) {
  mcast_Interface found;
  int err = mcast_checkinterface(L, arg, o->name, s->family, &found);
  if (err != 0)
    return mcast_nosuchinterface(L, arg, o->name, err);
  err = mcast_setoutgoing(s, &found);
  if (err == 0)
    return 0;
  return failinterface(L, o, arg, err,
                       err == EINVAL ? mcast_explainconflict(L, s, found.index)
                                     : NULL);
}

/* Not from the kernel: IPv4's getsockopt returns an address only. */
static int get_interface(lua_State *L, mcast_Socket *s, const Option *o) {
  return pushinterface(L, s, o, s->options.interface);
}

static int set_device(lua_State *L, mcast_Socket *s, const Option *o, int arg) {
  mcast_Interface found;
  int err = mcast_checkinterface(L, arg, o->name, s->family, &found);
  if (err != 0)
    return mcast_nosuchinterface(L, arg, o->name, err);
  if (o->inet.name == MCAST_NONE)
    return nosuchoption(L, s, o);
  if (sys_setsockopt(s->fd, SOL_SOCKET, o->inet.name, found.name,
                     (socklen_t)strlen(found.name)) == 0)
    return 0;
  int failure = errno;
  return failinterface(L, o, arg, failure,
                       failure == EPERM
                           ? "the socket has a device, which only root and "
                             "CAP_NET_RAW change"
                           : NULL);
}

static int get_device(lua_State *L, mcast_Socket *s, const Option *o) {
  char name[IF_NAMESIZE] = "";
  socklen_t len = sizeof name;
  if (o->inet.name != MCAST_NONE &&
      sys_getsockopt(s->fd, SOL_SOCKET, o->inet.name, name, &len) != 0)
    return fail(L, o, errno);
  lua_pushstring(L, name);
  return 1;
}

static int set_spin(lua_State *L, mcast_Socket *s, const Option *o, int arg) {
  (void)o;
  s->options.spin = mcast_nanoseconds(lua_tonumber(L, arg));
  return 0;
}

static int get_spin(lua_State *L, mcast_Socket *s, const Option *o) {
  (void)o;
  lua_pushnumber(L, (lua_Number)s->options.spin / 1e9);
  return 1;
}

static int get_metadata(lua_State *L, mcast_Socket *s, const Option *o) {
  (void)o;
  lua_pushboolean(L, s->options.metadata);
  return 1;
}

static int get_family(lua_State *L, mcast_Socket *s, const Option *o) {
  (void)o;
  lua_pushstring(L, mcast_familyname(s->family));
  return 1;
}

/* "host" and "port" are fields of the bound address. */
static int get_bound(lua_State *L, mcast_Socket *s, const Option *o) {
  mcast_Sockaddr a;
  socklen_t len = sizeof a;
  memset(&a, 0, sizeof a);
  if (sys_getsockname(s->fd, &a.sa, &len) != 0)
    return fail(L, o, errno);
  mcast_pushaddress(L, &a);
  lua_getfield(L, -1, o->name);
  return 1;
}

static int get_fd(lua_State *L, mcast_Socket *s, const Option *o) {
  (void)s;
  return mcast_fail(L, ENOPROTOOPT, o->name,
                    "for creation only (getfd returns the descriptor)");
}

static const Kind boolean = {check_boolean, set_boolean, get_boolean};
static const Kind integer = {check_integer, set_integer, get_integer};
static const Kind ttl = {check_integer, set_ttl, get_integer};
static const Kind buffer = {check_integer, set_buffer, get_integer};
static const Kind fragment = {check_boolean, set_fragment, get_fragment};
static const Kind all = {check_boolean, set_all, get_all};
static const Kind interface = {check_interface, set_interface, get_interface};
static const Kind device = {check_interface, set_device, get_device};
static const Kind spin = {check_seconds, set_spin, get_spin};
static const Kind host = {check_host, NULL, get_bound};
static const Kind port = {check_integer, NULL, get_bound};
static const Kind family = {check_family, NULL, get_family};
static const Kind descriptor = {check_fd, NULL, get_fd};
static const Kind metadata = {check_boolean, NULL, get_metadata};

/*
** Rows, in the order in which a new socket sets them.
*/

#define SOCKET(name)                                                           \
  {SOL_SOCKET, name, sizeof(int)}, { SOL_SOCKET, name, sizeof(int) }
#define INET(name, size)                                                       \
  { IPPROTO_IP, name, size }
#define INET6(name)                                                            \
  { IPPROTO_IPV6, name, sizeof(int) }
#define NONE                                                                   \
  { 0, MCAST_NONE, 0 }

static const Option options[] = {
    {"host", &host, NONE, NONE, 0, 0, 0},
    {"port", &port, NONE, NONE, 0, 65535, 0},
    {"family", &family, NONE, NONE, 0, 0, 0},
    {"fd", &descriptor, NONE, NONE, 0, INT32_MAX, 0},
    {"metadata", &metadata, NONE, NONE, 0, 0, 0},
    {"reuseaddr", &boolean, SOCKET(SO_REUSEADDR), 0, 0, 0},
    {"reuseport", &boolean, SOCKET(SO_REUSEPORT), 0, 0, 0},
    {"v6only", &boolean, NONE, INET6(IPV6_V6ONLY), 0, 0, 0},
    {"device", &device, SOCKET(MCAST_SO_DEVICE), 0, 0, 0},
    {"interface", &interface, INET(IP_MULTICAST_IF, sizeof(struct ip_mreqn)),
     INET6(IPV6_MULTICAST_IF), 0, 0, 0},
    {"ttl", &ttl, INET(IP_MULTICAST_TTL, 1), INET6(IPV6_MULTICAST_HOPS), 0, 255,
     0},
    {"unicast_ttl", &integer, INET(IP_TTL, sizeof(int)),
     INET6(IPV6_UNICAST_HOPS), 1, 255, 0},
    {"loopback", &boolean, INET(IP_MULTICAST_LOOP, 1),
     INET6(IPV6_MULTICAST_LOOP), 0, 0, 0},
    {"all", &all, INET(MCAST_IP_ALL, sizeof(int)), INET6(MCAST_IPV6_ALL), 0, 0,
     0},
    {"broadcast", &boolean, SOCKET(SO_BROADCAST), 0, 0, 0},
    {"fragment", &fragment, INET(MCAST_IP_FRAGMENT, sizeof(int)),
     INET6(MCAST_IPV6_DONTFRAG), 0, 0, 0},
    {"rcvbuf", &buffer, SOCKET(SO_RCVBUF), 1, INT32_MAX, 0},
    {"sndbuf", &buffer, SOCKET(SO_SNDBUF), 1, INT32_MAX, 0},
    {"dscp", &integer, INET(IP_TOS, sizeof(int)), INET6(IPV6_TCLASS), 0, 63, 2},
    {"spin", &spin, NONE, NONE, 0, 0, 0},
};

#define NOPTIONS (sizeof options / sizeof options[0])

/* The row of the name at arg; raises where there is none. */
static const Option *checkname(lua_State *L, int arg) {
  for (size_t i = 0; i < NOPTIONS; i++)
    if (mcast_isliteral(L, arg, options[i].name))
      return &options[i];
  luaL_error(L, "unknown option '%s'", mcast_show(L, arg));
  return NULL;
}

/* Pushes the value in force and returns 1, or the number of results of a failure. */
int mcast_readoption(lua_State *L, mcast_Socket *s, const char *name) {
  const Option *o = options;
  while (strcmp(o->name, name) != 0)
    o++;
  return o->kind->get(L, s, o);
}

/* Raises where a key of the table at arg is no option, or a value does not fit.
 */
void mcast_checkoptions(lua_State *L, int arg) {
  lua_pushnil(L);
  while (lua_next(L, arg)) {
    int value = lua_gettop(L);
    const Option *o = checkname(L, value - 1);
    o->kind->check(L, o, value);
    lua_settop(L, value - 1);
  }
}

/* Sets the options in the table at arg: 0, or the number of results of a
   failure. */
int mcast_setoptions(lua_State *L, mcast_Socket *s, int arg) {
  for (const Option *o = options; o < options + NOPTIONS; o++) {
    int n = 0;
    if (mcast_rawgetoption(L, arg, o->name) != LUA_TNIL && o->kind->set != NULL)
      n = o->kind->set(L, s, o, lua_gettop(L));
    if (n != 0)
      return n;
    lua_pop(L, 1);
  }
  return 0;
}

/***
Options
@section options
*/

/***
Sets an option of @{mcast.socket}, except those for creation only.
@function setoption
@tparam string name
@param value
@treturn true|nil
@return the value in force, as `getoption` returns it; or a message
@treturn ?integer errno
@raise where there is no such option, or the value is not of its type and range
@usage local _, granted = assert(sock:setoption("rcvbuf", 4 << 20))
@follows socket(7), ip(7), ipv6(7)
*/
int mcast_setoption(lua_State *L) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  luaL_checkany(L, 3);
  lua_settop(L, 3);
  const Option *o = checkname(L, 2);
  o->kind->check(L, o, 3);
  if (o->kind->set == NULL)
    return luaL_error(L, "option '%s' is for mcast.socket{} only", o->name);
  int n = o->kind->set(L, s, o, 3);
  if (n != 0)
    return n;
  lua_settop(L, 3);
  lua_pushboolean(L, true);
  n = o->kind->get(L, s, o);
  return n == 1 ? 2 : n;
}

/***
Reads an option back from the kernel.
@function getoption
@tparam string name
@return the value in force; or nil
@treturn ?string message
@treturn ?integer errno
@raise where there is no such option
@usage print(sock:getoption "ttl")                     --> 1
*/
int mcast_getoption(lua_State *L) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  lua_settop(L, 2);
  const Option *o = checkname(L, 2);
  return o->kind->get(L, s, o);
}
