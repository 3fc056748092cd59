/***
Addresses: a numeric host and a port, immutable. Equal addresses are one object,
so they can be compared with `==` and used as keys.
@classmod address
*/
#include "mcast.h"

#define MAX_PORT 65535

/*
** Reading text. A failure is a static text and an errno.
*/

typedef struct Reader {
  const char *why;
  int err;
} Reader;

static bool fail(Reader *r, int err, const char *why) {
  r->err = err;
  r->why = why;
  return false;
}

static bool isscoped(const struct in6_addr *a) {
  return IN6_IS_ADDR_LINKLOCAL(a) || IN6_IS_ADDR_MC_LINKLOCAL(a) ||
         IN6_IS_ADDR_MC_NODELOCAL(a);
}

static bool readzone(Reader *r, const char *text, size_t len,
                     mcast_Sockaddr *a) {
  char zone[MCAST_NAMESIZE] = "";
  unsigned index;
  if (!isscoped(&a->in6.sin6_addr))
    return fail(r, EINVAL,
                "only addresses of link scope (fe80::/10, ff01::/16, "
                "ff02::/16) have a zone; name the interface by the option "
                "'interface'");
  if (len == 0 || len >= sizeof zone)
    return fail(r, ENODEV, "no such interface");
  memcpy(zone, text, len);
  r->err = mcast_interfaceindex(zone, &index);
  a->in6.sin6_scope_id = index;
  return r->err == 0 ||
         fail(r, r->err, r->err == ENODEV ? "no such interface" : NULL);
}

static bool readhost(Reader *r, const char *text, size_t len,
                     mcast_Sockaddr *a) {
  char host[INET6_ADDRSTRLEN];
  const char *zone = memchr(text, '%', len);
  size_t n = zone != NULL ? (size_t)(zone - text) : len;
  if (n < sizeof host && memchr(text, '\0', len) == NULL) {
    memcpy(host, text, n);
    host[n] = '\0';
    mcast_anyaddress(AF_INET, 0, a);
    if (zone == NULL && inet_pton(AF_INET, host, &a->in.sin_addr) == 1)
      return true;
    mcast_anyaddress(AF_INET6, 0, a);
    if (inet_pton(AF_INET6, host, &a->in6.sin6_addr) == 1)
      return zone == NULL || readzone(r, zone + 1, len - n - 1, a);
  }
  return fail(r, EINVAL, "not a numeric IPv4 or IPv6 address");
}

static bool readport(Reader *r, const char *text, size_t len,
                     mcast_Sockaddr *a) {
  lua_Integer port = 0;
  for (size_t i = 0; i < len && port <= MAX_PORT; i++) {
    if (text[i] < '0' || text[i] > '9')
      return fail(r, EINVAL, "the port is not a number");
    port = port * 10 + (text[i] - '0');
  }
  if (len == 0 || port > MAX_PORT)
    return fail(r, EINVAL, "the port is not 0 to 65535");
  mcast_setport(a, (uint16_t)port);
  return true;
}

/* "224.3.29.71:10000" or "[ff02::1%eth0]:10000" */
static bool readboth(Reader *r, const char *text, size_t len,
                     mcast_Sockaddr *a) {
  bool brackets = len > 0 && text[0] == '[';
  const char *end = memchr(text, brackets ? ']' : ':', len);
  size_t n = end != NULL ? (size_t)(end - text) : len;
  if (end == NULL || (brackets && (n + 1 == len || text[n + 1] != ':')))
    return fail(r, EINVAL, "no port (host:port or [host]:port expected)");
  if (!brackets && memchr(end + 1, ':', len - n - 1) != NULL)
    return fail(r, EINVAL, "IPv6 needs brackets: [host]:port");
  if (!readhost(r, text + brackets, n - brackets, a))
    return false;
  if (brackets != (a->sa.sa_family == AF_INET6))
    return fail(r, EINVAL, "brackets are for IPv6");
  n += brackets ? 2u : 1u;
  return readport(r, text + n, len - n, a);
}

static int failed(lua_State *L, const Reader *r, const char *text) {
  const char *why = r->why;
  if (r->err == ENODEV) {
    mcast_pushinterfacenames(L, false);
    why = lua_pushfstring(L, "%s (available: %s)", why, lua_tostring(L, -1));
  }
  return mcast_fail(L, r->err, lua_pushfstring(L, "address '%s'", text), why);
}

/* Reads a host, text or address: 0, or the number of results of a failure. */
int mcast_readhost(lua_State *L, int arg, mcast_Sockaddr *a) {
  const mcast_Sockaddr *object = mcast_toaddress(L, arg);
  Reader r = {NULL, 0};
  size_t len;
  if (object != NULL) {
    *a = *object;
    return 0;
  }
  const char *text = lua_tolstring(L, arg, &len);
  return readhost(&r, text, len, a) ? 0 : failed(L, &r, text);
}

/* The same for an argument; raises where it is neither. */
int mcast_checkhost(lua_State *L, int arg, mcast_Sockaddr *a) {
  if (mcast_toaddress(L, arg) == NULL && lua_type(L, arg) != LUA_TSTRING)
    luaL_typeerror(L, arg, "address or text");
  return mcast_readhost(L, arg, a);
}

/* Arguments that name an address: an object, "host:port", or host and port. */
int mcast_checkaddress(lua_State *L, int arg, mcast_Sockaddr *a) {
  const mcast_Sockaddr *object = mcast_toaddress(L, arg);
  Reader r = {NULL, 0};
  size_t len;
  if (object != NULL && lua_isnoneornil(L, arg + 1)) {
    *a = *object;
    return 0;
  }
  if (object == NULL && lua_type(L, arg) != LUA_TSTRING)
    return luaL_typeerror(L, arg, "address or text");
  if (lua_isnoneornil(L, arg + 1)) {
    const char *text = lua_tolstring(L, arg, &len);
    return readboth(&r, text, len, a) ? 0 : failed(L, &r, text);
  }
  lua_Integer port = luaL_checkinteger(L, arg + 1);
  luaL_argcheck(L, 0 <= port && port <= MAX_PORT, arg + 1,
                "port of 0 to 65535 expected");
  int n = mcast_readhost(L, arg, a);
  if (n == 0)
    mcast_setport(a, (uint16_t)port);
  return n;
}

/*
** Objects, interned: an IPv4 address under an integer, an IPv6 one under a
** short string, which costs less than any text.
*/

static mcast_Sockaddr *checkaddress(lua_State *L, int arg) {
  mcast_Sockaddr *a = mcast_toaddress(L, arg);
  if (a == NULL)
    luaL_typeerror(L, arg, "mcast.address");
  return a;
}

/* Pushes the key of an IPv6 address. */
static void pushkey(lua_State *L, const mcast_Sockaddr *a) {
  struct {
    struct in6_addr host;
    uint32_t zone;
    uint32_t port;
  } key = {a->in6.sin6_addr, a->in6.sin6_scope_id, mcast_getport(a)};
  lua_pushlstring(L, (const char *)&key, sizeof key);
}

static void newaddress(lua_State *L, const mcast_Sockaddr *a) {
  mcast_Address *object = lua_newuserdatauv(L, sizeof *object, 0);
  object->mark = mcast_getmark(object);
  object->value = *a;
  if (a->sa.sa_family == AF_INET6)
    object->value.in6.sin6_flowinfo = 0;
  lua_pushvalue(L, MCAST_ADDRESSES);
  lua_setmetatable(L, -2);
}

#define COLLECTED (-1) /* its value is lost to each collection */

/* Sets the metatable of the table at the top, which is to list addresses by
   key, weakly. Its list "alive", of keys by address, still has those that a
   collection has removed there and a finalizer may bring back. */
void mcast_makeinterned(lua_State *L) {
  lua_createtable(L, 0, 2);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "k");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_setfield(L, -2, "alive");
  lua_setmetatable(L, -2);
}

static void pushalive(lua_State *L) {
  (void)lua_getmetatable(L, MCAST_INTERNED);
  lua_getfield(L, -1, "alive");
  lua_remove(L, -2);
}

/* Lists the addresses that are alive again, once after each collection; false
   where there was none. */
static bool restore(lua_State *L) {
  bool collected = lua_rawgeti(L, MCAST_INTERNED, COLLECTED) == LUA_TNIL;
  lua_pop(L, 1);
  if (!collected)
    return false;
  lua_newtable(L);
  lua_rawseti(L, MCAST_INTERNED, COLLECTED);
  pushalive(L);
  lua_pushnil(L);
  while (lua_next(L, -2)) { /* allocates nothing, so no finalizer runs */
    lua_pushvalue(L, -2);
    lua_rawset(L, MCAST_INTERNED);
  }
  lua_pop(L, 1);
  return true;
}

/* Pushes the address interned under the key at index, or nil. */
static bool pushinterned(lua_State *L, int key) {
  lua_pushvalue(L, key);
  if (lua_rawget(L, MCAST_INTERNED) != LUA_TNIL)
    return true;
  if (!restore(L))
    return false;
  lua_pop(L, 1);
  lua_pushvalue(L, key);
  return lua_rawget(L, MCAST_INTERNED) != LUA_TNIL;
}

/* Lists the object at the top under the key at index. */
static void list(lua_State *L, int key) {
  int object = lua_gettop(L);
  pushalive(L);
  lua_pushvalue(L, object);
  lua_pushvalue(L, key);
  lua_rawset(L, -3);
  lua_pushvalue(L, key);
  lua_pushvalue(L, object);
  lua_rawset(L, MCAST_INTERNED);
  lua_settop(L, object);
}

/* Replaces the key at the top by its object, a new one if there is none. */
static void intern(lua_State *L, const mcast_Sockaddr *a) {
  int key = lua_gettop(L);
  if (!pushinterned(L, key)) {
    newaddress(L, a);
    if (!pushinterned(L, key)) { /* else a finalizer made it just now */
      lua_pop(L, 1);
      list(L, key);
    }
  }
  lua_replace(L, key);
  lua_settop(L, key);
}

void mcast_pushaddress(lua_State *L, const mcast_Sockaddr *a) {
  if (a->sa.sa_family == AF_INET6) {
    pushkey(L, a);
    intern(L, a);
    return;
  }
  lua_Integer key =
      (lua_Integer)ntohl(a->in.sin_addr.s_addr) << 16 | mcast_getport(a);
  if (lua_rawgeti(L, MCAST_INTERNED, key) == LUA_TNIL) {
    lua_pop(L, 1);
    lua_pushinteger(L, key);
    intern(L, a);
  }
}

void mcast_pushhost(lua_State *L, const mcast_Sockaddr *a) {
  char text[INET6_ADDRSTRLEN];
  lua_pushstring(L, mcast_hosttext(a, text));
}

/* Pushes the zone's name, its index where the interface is gone, or nil. */
static void pushzone(lua_State *L, const mcast_Sockaddr *a) {
  char name[IF_NAMESIZE];
  unsigned zone = mcast_getzone(a);
  if (zone == 0)
    lua_pushnil(L);
  else if (sys_if_indextoname(zone, name) != NULL)
    lua_pushstring(L, name);
  else
    lua_pushfstring(L, "%I", (LUAI_UACINT)zone);
}

/***
The host as numeric text, without its zone: `"224.3.29.71"`, `"ff02::1"`.
@tfield string host
*/
static void push_host(lua_State *L, const mcast_Sockaddr *a) {
  mcast_pushhost(L, a);
}

/***
The port, 0 to 65535.
@tfield integer port
*/
static void push_port(lua_State *L, const mcast_Sockaddr *a) {
  lua_pushinteger(L, mcast_getport(a));
}

/***
The address family: `"inet"` or `"inet6"`.
@tfield string family
*/
static void push_family(lua_State *L, const mcast_Sockaddr *a) {
  lua_pushstring(L, mcast_familyname(a->sa.sa_family));
}

/***
The zone (RFC 4007) of an IPv6 address of link scope: the interface's name, or
its index as text where the interface is gone; nil for other addresses.
@tfield ?string interface
*/

/***
True for a group: 224.0.0.0 to 239.255.255.255 (RFC 1112), ff00::/8 (RFC 4291).
@tfield boolean multicast
*/
static void push_multicast(lua_State *L, const mcast_Sockaddr *a) {
  lua_pushboolean(L, mcast_ismulticast(a));
}

static const struct {
  const char *name;
  void (*push)(lua_State *L, const mcast_Sockaddr *a);
} fields[] = {{"host", push_host},
              {"port", push_port},
              {"family", push_family},
              {"interface", pushzone},
              {"multicast", push_multicast}};

static int address_index(lua_State *L) {
  const mcast_Sockaddr *a = checkaddress(L, 1);
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
    if (mcast_isliteral(L, 2, fields[i].name)) {
      fields[i].push(L, a);
      return 1;
    }
  return 0;
}

/***
Returns text that `mcast.address` reads back: `"224.3.29.71:10000"`,
`"[ff02::1%eth0]:10000"`.
@function __tostring
@treturn string text
@usage print(from)                              --> 127.0.0.1:40000
*/
static int address_tostring(lua_State *L) {
  const mcast_Sockaddr *a = checkaddress(L, 1);
  mcast_pushhost(L, a);
  pushzone(L, a);
  const char *host = lua_tostring(L, -2), *zone = lua_tostring(L, -1);
  if (a->sa.sa_family == AF_INET)
    lua_pushfstring(L, "%s:%d", host, mcast_getport(a));
  else
    lua_pushfstring(L, "[%s%s%s]:%d", host, zone != NULL ? "%" : "",
                    zone != NULL ? zone : "", mcast_getport(a));
  return 1;
}

int mcast_address(lua_State *L) {
  mcast_Sockaddr a;
  int n = mcast_checkaddress(L, 1, &a);
  if (n > 0)
    return n;
  mcast_pushaddress(L, &a);
  return 1;
}

static int order(lua_State *L) {
  const mcast_Sockaddr *a = mcast_toaddress(L, 1), *b = mcast_toaddress(L, 2);
  if (a == NULL || b == NULL)
    return luaL_error(L, "attempt to compare %s with %s",
                      a != NULL ? "mcast.address" : luaL_typename(L, 1),
                      b != NULL ? "mcast.address" : luaL_typename(L, 2));
  return mcast_compareaddresses(a, b);
}

/***
Orders addresses, also by `<=`, `>` and `table.sort`: by family (IPv4 first),
host as a number, index of the zone, port.
@function __lt
@tparam address a
@tparam address b
@treturn boolean
@usage print(mcast.address "10.0.0.9:5" < mcast.address "10.0.0.10:5")    --> true
*/
static int address_lt(lua_State *L) {
  lua_pushboolean(L, order(L) < 0);
  return 1;
}

static int address_le(lua_State *L) {
  lua_pushboolean(L, order(L) <= 0);
  return 1;
}

/***
Joins the address's text and other text, a number or another address.
@function __concat
@treturn string text
@usage print("from " .. from)                   --> from 127.0.0.1:40000
*/
static int address_concat(lua_State *L) {
  for (int i = 1; i <= 2; i++) {
    if (mcast_toaddress(L, i) == NULL && !lua_isstring(L, i))
      return luaL_error(L, "attempt to concatenate a %s value with an address",
                        luaL_typename(L, i));
    luaL_tolstring(L, i, NULL);
  }
  lua_concat(L, 2);
  return 1;
}

const luaL_Reg mcast_addressmethods[] = {
    {"__index", address_index},   {"__tostring", address_tostring},
    {"__concat", address_concat}, {"__lt", address_lt},
    {"__le", address_le},         {NULL, NULL}};
