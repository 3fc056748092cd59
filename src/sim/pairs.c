/*
** pairs and next in an order that depends on the run alone. Lua's own depends
** on a seed of the process, and on where objects lie in memory.
*/
#include "sim.h"

/* Ranks of keys; keys of the last have no order. */
typedef enum Rank { BOOLEAN, NUMBER, STRING, ADDRESS, SOCKET, OTHER } Rank;

typedef struct Key {
  Rank rank;
  bool isinteger;
  lua_Integer integer; /* a boolean's, a socket's too */
  lua_Number number;
  const char *text; /* a string's bytes, an address */
  size_t len;
  lua_Integer index; /* in the list of keys */
} Key;

/* Functions here have the module's upvalues. */
static void readuserdata(lua_State *L, int arg, Key *k) {
  const mcast_Sockaddr *address = mcast_toaddress(L, arg);
  const mcast_Socket *socket = mcast_testsocket(L, arg);
  k->rank = address != NULL ? ADDRESS : socket != NULL ? SOCKET : OTHER;
  k->text = (const char *)address;
  if (socket != NULL)
    k->integer = socket->serial;
}

static Key readkey(lua_State *L, int arg, lua_Integer index) {
  Key k;
  memset(&k, 0, sizeof k);
  k.index = index;
  switch (lua_type(L, arg)) {
  case LUA_TBOOLEAN:
    k.integer = lua_toboolean(L, arg);
    break;
  case LUA_TNUMBER:
    k.rank = NUMBER;
    k.isinteger = lua_isinteger(L, arg);
    k.integer = lua_tointeger(L, arg);
    k.number = lua_tonumber(L, arg);
    break;
  case LUA_TSTRING:
    k.rank = STRING;
    k.text = lua_tolstring(L, arg, &k.len);
    break;
  case LUA_TUSERDATA:
    readuserdata(L, arg, &k);
    break;
  default:
    k.rank = OTHER;
  }
  return k;
}

static int compareintegers(lua_Integer a, lua_Integer b) {
  return (a > b) - (a < b);
}

static int comparetexts(const Key *a, const Key *b) {
  int order = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);
  return order != 0 ? order
                    : compareintegers((lua_Integer)a->len, (lua_Integer)b->len);
}

static int comparekeys(const void *one, const void *other) {
  const Key *a = one, *b = other;
  int order = compareintegers(a->rank, b->rank);
  if (order == 0 && a->rank == STRING)
    order = comparetexts(a, b);
  else if (order == 0 && a->rank == ADDRESS)
    order =
        mcast_compareaddresses((const void *)a->text, (const void *)b->text);
  else if (order == 0 && a->rank == NUMBER && !(a->isinteger && b->isinteger))
    order = (a->number > b->number) - (a->number < b->number);
  else if (order == 0)
    order = compareintegers(a->integer, b->integer);
  return order != 0 ? order : compareintegers(a->index, b->index);
}

/* Pushes the list of the keys of the table at 1, in order. */
static void pushkeys(lua_State *L) {
  lua_Integer n = 0;
  lua_newtable(L);
  int list = lua_gettop(L);
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_rawseti(L, list, ++n);
  }
  Key *keys = lua_newuserdatauv(L, (size_t)n * sizeof *keys, 0);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, list, i);
    keys[i - 1] = readkey(L, -1, i);
    lua_pop(L, 1);
  }
  qsort(keys, (size_t)n, sizeof *keys, comparekeys);
  lua_createtable(L, (int)n, 0);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, list, keys[i - 1].index);
    lua_rawseti(L, -2, i);
  }
  lua_replace(L, list);
  lua_settop(L, list);
}

/* Upvalues after the shared ones: the keys, and the index of the last one. */
#define KEYS lua_upvalueindex(MCAST_UPVALUES + 1)
#define LAST lua_upvalueindex(MCAST_UPVALUES + 2)

static int nextpair(lua_State *L) {
  lua_Integer i = lua_tointeger(L, LAST);
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  while (lua_rawgeti(L, KEYS, ++i) != LUA_TNIL) {
    lua_pushvalue(L, -1);
    if (lua_rawget(L, 1) != LUA_TNIL) { /* else it was removed meanwhile */
      lua_pushinteger(L, i);
      lua_replace(L, LAST);
      return 2;
    }
    lua_settop(L, 1);
  }
  return 1;
}

static void pushupvalues(lua_State *L) {
  for (int i = 1; i <= MCAST_UPVALUES; i++)
    lua_pushvalue(L, lua_upvalueindex(i));
}

/* Results of pairs: since Lua 5.5 the value that the loop closes is one. */
#define RESULTS (LUA_VERSION_NUM >= 505 ? 4 : 3)

static int pairsresult(lua_State *L, int status, lua_KContext ctx) {
  (void)L, (void)status, (void)ctx;
  return RESULTS;
}

/* pairs(t) */
static int pairs_pairs(lua_State *L) {
  luaL_checkany(L, 1);
  if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
    lua_pushvalue(L, 1);
    lua_callk(L, 1, RESULTS, 0, pairsresult);
    return RESULTS;
  }
  lua_settop(L, 1);
  pushupvalues(L);
  if (lua_istable(L, 1))
    pushkeys(L);
  else
    lua_newtable(L); /* the iterator raises */
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, nextpair, MCAST_UPVALUES + 2);
  lua_pushvalue(L, 1);
  lua_settop(L, lua_gettop(L) + RESULTS - 2);
  return RESULTS;
}

/* Pushes the least key that is greater than the one at 2, or the least of all
   where that is nil; false where there is none. */
static bool pushsuccessor(lua_State *L) {
  bool first = lua_isnil(L, 2), found = false;
  Key least, after = readkey(L, 2, 0);
  memset(&least, 0, sizeof least);
  lua_pushnil(L); /* the least so far */
  int best = lua_gettop(L);
  lua_pushnil(L);
  for (lua_Integer i = 1; lua_next(L, 1); i++) {
    lua_pop(L, 1);
    Key k = readkey(L, -1, i);
    if (!first && lua_rawequal(L, -1, 2))
      continue;
    if ((first || comparekeys(&after, &k) < 0) &&
        (!found || comparekeys(&k, &least) < 0)) {
      found = true;
      least = k;
      lua_pushvalue(L, -1);
      lua_replace(L, best);
    }
  }
  return found;
}

/* The next one of the keys that have no order, after the one at 2, in Lua's
   order. */
static int nextother(lua_State *L) {
  lua_pushvalue(L, 2);
  while (lua_next(L, 1)) {
    if (readkey(L, -2, 0).rank == OTHER)
      return 2;
    lua_pop(L, 1);
  }
  lua_pushnil(L);
  return 1;
}

/* Has the last call of next returned the key at 2 of this table? Its index. */
static bool findlast(lua_State *L, lua_Integer *i) {
  lua_getiuservalue(L, KEYS, 1);
  bool same = lua_rawequal(L, -1, 1);
  lua_getiuservalue(L, KEYS, 2);
  lua_getiuservalue(L, KEYS, 3);
  *i = lua_tointeger(L, -1);
  if (same)
    lua_rawgeti(L, -2, *i);
  same = same && lua_rawequal(L, -1, 2);
  lua_settop(L, 2);
  return same;
}

static void setlast(lua_State *L, lua_Integer i) {
  lua_pushinteger(L, i);
  lua_setiuservalue(L, KEYS, 3);
}

/* How many of the keys listed at 3 do not follow the one at 2, which may have
   been removed meanwhile. */
static lua_Integer countbefore(lua_State *L) {
  Key key = readkey(L, 2, LUA_MAXINTEGER);
  lua_Integer i = 0;
  for (; lua_rawgeti(L, 3, i + 1) != LUA_TNIL; i++) {
    Key k = readkey(L, -1, 0);
    if (comparekeys(&k, &key) > 0)
      break;
    lua_pop(L, 1);
  }
  lua_settop(L, 3);
  return i;
}

/* next(t, k): a traversal sorts the keys once; those of the last table stay. */
static int pairs_next(lua_State *L) {
  lua_Integer i;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 2);
  if (lua_isnil(L, 2)) {
    lua_pushnil(L); /* a new traversal; there may be other keys now */
    lua_setiuservalue(L, KEYS, 1);
    if (!pushsuccessor(L))
      return 1;
    lua_settop(L, 3);
    lua_pushvalue(L, 3);
    lua_rawget(L, 1);
    return 2;
  }
  if (readkey(L, 2, 0).rank == OTHER)
    return nextother(L);
  if (!findlast(L, &i)) {
    lua_pushvalue(L, 2);
    (void)lua_next(L, 1); /* raises for a key that the table never had */
    lua_settop(L, 2);
    pushkeys(L);
    i = countbefore(L);
    lua_setiuservalue(L, KEYS, 2);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, KEYS, 1);
  }
  lua_getiuservalue(L, KEYS, 2);
  while (lua_rawgeti(L, 3, ++i) != LUA_TNIL) {
    lua_pushvalue(L, -1);
    if (lua_rawget(L, 1) != LUA_TNIL) {
      setlast(L, i);
      return 2;
    }
    lua_settop(L, 3);
  }
  return 1;
}

/* keys(t): returns the list of them, in order. */
static int pairs_keys(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  pushkeys(L);
  return 1;
}

static const luaL_Reg functions[] = {
    {"pairs", pairs_pairs}, {"keys", pairs_keys}, {NULL, NULL}};

/* Sets pairs, next and keys in the table at the top; the functions
   have the shared upvalues. */
void sim_setpairs(lua_State *L) {
  sim_pushmodule(L);
  lua_getfield(L, -1, "address"); /* a function with the shared upvalues */
  for (const luaL_Reg *f = functions; f->name != NULL; f++) {
    for (int i = 1; i <= MCAST_UPVALUES; i++)
      lua_getupvalue(L, -i, i);
    lua_pushcclosure(L, f->func, MCAST_UPVALUES);
    lua_setfield(L, -4, f->name);
  }
  for (int i = 1; i <= MCAST_UPVALUES; i++)
    lua_getupvalue(L, -i, i);
  lua_newuserdatauv(L, 0, 3);
  lua_pushcclosure(L, pairs_next, MCAST_UPVALUES + 1);
  lua_setfield(L, -4, "next");
  lua_pop(L, 2);
}
