/*
** pairs and next in an order that depends on the run alone. Lua's own depends
** on a seed of the process, and on where objects lie in memory.
*/
#include "sim.h"

#define FEW 14 /* fit into the least stack of a C function */

/* Pushes the list of the keys of the table at 1, as Lua orders them. */
static lua_Integer pushlist(lua_State *L) {
  lua_Integer n = 0;
  lua_newtable(L);
  int list = lua_gettop(L);
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_rawseti(L, list, ++n);
  }
  luaL_argcheck(L, n < INT_MAX / 2, 1, "too many keys");
  return n;
}

/* Fills the list at the top from that below, in order. It raises nothing. */
static void sortlist(lua_State *L, sim_Tablekey *keys, int n) {
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, -2, i + 1);
    sim_readkey(L, -1, i + 1, &keys[i]);
    lua_pop(L, 1);
  }
  sim_sortkeys(keys, n, keys + n);
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, -2, keys[i].place);
    lua_rawseti(L, -2, i + 1);
  }
}

/* Pushes the list of the keys of the table at 1, in order. */
static void pushkeys(lua_State *L) {
  int n = (int)pushlist(L);
  lua_createtable(L, n, 0);
  sim_Tablekey *keys = malloc(((size_t)n + (size_t)n / 2 + 1) * sizeof *keys);
  if (keys == NULL)
    (void)sim_nomemory(L);
  sortlist(L, keys, n);
  free(keys);
  lua_remove(L, -2);
}

/*
** Iterators. They return the key after the one before, of those that the table
** had when the traversal began; keys that were removed meanwhile are left out.
** Each but the last kind has no state, and so serves many traversals.
*/

static void checktable(lua_State *L) {
  if (!lua_istable(L, 1))
    luaL_checktype(L, 1, LUA_TTABLE); /* raises */
}

/* The keys are 1 to n, the upvalue. */
static int nextitem(lua_State *L) {
  lua_Integer n = lua_tointeger(L, lua_upvalueindex(1));
  checktable(L);
  for (lua_Integer i = lua_tointeger(L, 2); i < n;) {
    lua_pushinteger(L, ++i);
    if (lua_rawgeti(L, 1, i) != LUA_TNIL)
      return 2;
    lua_pop(L, 2);
  }
  lua_pushnil(L);
  return 1;
}

/* The upvalues are the first key, and a table of those after each key. */
static int nextoffew(lua_State *L) {
  checktable(L);
  if (lua_isnoneornil(L, 2))
    lua_pushvalue(L, lua_upvalueindex(1));
  else {
    lua_pushvalue(L, 2);
    (void)lua_rawget(L, lua_upvalueindex(2));
  }
  for (;;) {
    lua_pushvalue(L, -1);
    if (lua_rawget(L, 1) != LUA_TNIL)
      return 2;
    lua_pop(L, 1);
    if (lua_isnil(L, -1))
      return 1;
    (void)lua_rawget(L, lua_upvalueindex(2));
  }
}

/* The upvalues are a list of keys, and the place of the last one in it. */
static int nextlisted(lua_State *L) {
  lua_Integer *i = lua_touserdata(L, lua_upvalueindex(2));
  checktable(L);
  while (lua_rawgeti(L, lua_upvalueindex(1), *i + 1) != LUA_TNIL) {
    ++*i;
    lua_pushvalue(L, -1);
    if (lua_rawget(L, 1) != LUA_TNIL)
      return 2;
    lua_pop(L, 2);
  }
  return 1;
}

static void pushitems(lua_State *L, lua_Integer n) {
  lua_pushinteger(L, n);
  lua_pushcclosure(L, nextitem, 1);
}

/* The n keys lie from an index on. */
static void pushoffew(lua_State *L, int index, int n) {
  sim_Tablekey keys[FEW], spare[FEW / 2];
  luaL_checkstack(L, 8, NULL);
  for (int i = 0; i < n; i++)
    sim_readkey(L, index + i, index + i, &keys[i]);
  sim_sortkeys(keys, n, spare);
  lua_pushvalue(L, keys[0].place);
  lua_createtable(L, 0, 2 * n); /* more than needed collide less */
  for (int i = 1; i < n; i++) {
    lua_pushvalue(L, keys[i - 1].place);
    lua_pushvalue(L, keys[i].place);
    lua_rawset(L, -3);
  }
  lua_pushcclosure(L, nextoffew, 2);
}

static void pushlisted(lua_State *L) {
  pushkeys(L);
  *(lua_Integer *)lua_newuserdatauv(L, sizeof(lua_Integer), 0) = 0;
  lua_pushcclosure(L, nextlisted, 2);
}

/*
** Iterators are kept for tables with the same few keys. Lua returns these in
** any order, but for the same keys it is often the same one.
*/

#define KEPT 64 /* a power of two */

typedef struct Shape {
  lua_Integer n;     /* of keys, or -1 */
  bool items;        /* the keys are 1 to n */
  unsigned integers; /* a bit for each of a few keys */
  uint64_t keys[FEW];
} Shape;

#define ITERATORS lua_upvalueindex(MCAST_UPVALUES + 1)

/* Adds the key at an index: an integer, or an object by its place in memory.
   Returns false for others. */
static bool addkey(lua_State *L, int arg, Shape *s) {
  int i = (int)s->n++, isinteger = true;
  s->keys[i] = (uint64_t)(uintptr_t)lua_topointer(L, arg);
  if (s->keys[i] != 0) {
    s->items = false;
    return true;
  }
  s->keys[i] = (uint64_t)lua_tointegerx(L, arg, &isinteger);
  s->integers |= 1U << i;
  s->items = s->items && s->keys[i] == (uint64_t)i + 1;
  return isinteger;
}

/* A key that is kept lives on, so no object that a script may miss is kept. */
static bool iskeepable(lua_State *L, int arg) {
  return lua_type(L, arg) == LUA_TSTRING || lua_isinteger(L, arg) ||
         mcast_toaddress(L, arg) != NULL;
}

static size_t hash(const Shape *s) {
  uint64_t h = (uint64_t)s->n;
  for (int i = 0; !s->items && i < s->n; i++)
    h = (h ^ s->keys[i]) * 0x9e3779b97f4a7c15;
  return (h * 0x9e3779b97f4a7c15 >> 32) % KEPT;
}

static bool isshape(const Shape *a, const Shape *b) {
  bool same = a->n == b->n && a->items == b->items;
  if (!same || a->items)
    return same;
  same = a->integers == b->integers;
  for (int i = 0; i < a->n; i++)
    same = same && a->keys[i] == b->keys[i];
  return same;
}

/* Keeps the iterator at the top, if that may be. The few keys lie from 3 on. */
static void keepiterator(lua_State *L, const Shape *s, int i, bool keeps) {
  Shape *kept = (Shape *)lua_touserdata(L, ITERATORS) + i;
  for (int k = 0; keeps && !s->items && k < s->n; k++)
    keeps = iskeepable(L, 3 + k);
  if (!keeps)
    return;
  lua_pushvalue(L, -1);
  kept->n = -1;
  lua_setiuservalue(L, ITERATORS, i + 1);
  *kept = *s;
}

/* Pushes an iterator for a shape, whose few keys lie from 3 on. */
static void pushfew(lua_State *L, const Shape *s, bool keeps) {
  int i = (int)hash(s);
  if (keeps && isshape((Shape *)lua_touserdata(L, ITERATORS) + i, s)) {
    lua_getiuservalue(L, ITERATORS, i + 1);
    return;
  }
  if (s->items)
    pushitems(L, s->n);
  else
    pushoffew(L, 3, (int)s->n);
  keepiterator(L, s, i, keeps);
}

/* Are the keys after that at the top s->n + 1 and so on? Counts them. */
static bool additems(lua_State *L, Shape *s) {
  for (; s->items && lua_next(L, 1); s->n++) {
    lua_pop(L, 1);
    s->items = lua_isinteger(L, -1) && lua_tointeger(L, -1) == s->n + 1;
  }
  return s->items;
}

/* Pushes an iterator of the table at 1, the only value. */
static void pushiterator(lua_State *L) {
  Shape s;
  bool keeps = true;
  s.n = 0;
  s.items = true;
  s.integers = 0;
  lua_settop(L, 3); /* the keys lie from 3 on */
  while (s.n < FEW && lua_next(L, 1)) {
    keeps = addkey(L, -2, &s) && keeps;
    lua_copy(L, -2, -1); /* one stays, and the other one finds the next key */
  }
  if (s.n == FEW && !additems(L, &s)) {
    lua_settop(L, 1);
    pushlisted(L);
  } else
    pushfew(L, &s, keeps);
}

/* Results of pairs: since Lua 5.5 the value that the loop closes is one. */
#define RESULTS (LUA_VERSION_NUM >= 505 ? 4 : 3)

static int pairsresult(lua_State *L, int status, lua_KContext ctx) {
  (void)L, (void)status, (void)ctx;
  return RESULTS;
}

/* pairs(t) */
static int pairs_pairs(lua_State *L) {
  bool istable = lua_istable(L, 1);
  if (!istable)
    luaL_checkany(L, 1);
  if (lua_getmetatable(L, 1) &&
      luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
    lua_pushvalue(L, 1);
    lua_callk(L, 1, RESULTS, 0, pairsresult);
    return RESULTS;
  }
  if (istable)
    pushiterator(L);
  else
    pushitems(L, 0); /* the iterator raises */
  lua_pushvalue(L, 1);
  for (int i = 2; i < RESULTS; i++)
    lua_pushnil(L);
  return RESULTS;
}

/*
** next: a traversal sorts the keys once, and those of the last tables stay.
*/

#define TABLES 4

/* Its user values are tables and their keys. */
typedef struct Traversals {
  struct {
    const void *table; /* kept by the user value */
    lua_Integer last;  /* the place of the key that was returned last */
  } of[TABLES];
  int oldest;
} Traversals;

#define TRAVERSALS lua_upvalueindex(MCAST_UPVALUES + 1)
#define REVEAL lua_upvalueindex(MCAST_UPVALUES + 2)

/* Sets the table at 1 and its keys at 3; or nil, where no traversal goes on. */
static void settraversal(lua_State *L, Traversals *all, int i) {
  all->of[i].table = NULL;
  lua_pushvalue(L, 3);
  lua_setiuservalue(L, TRAVERSALS, 2 * i + 2);
  lua_pushvalue(L, lua_isnil(L, 3) ? 3 : 1);
  lua_setiuservalue(L, TRAVERSALS, 2 * i + 1);
  all->of[i].table = lua_isnil(L, 3) ? NULL : lua_topointer(L, 1);
}

static int findtraversal(lua_State *L, const Traversals *all) {
  const void *table = lua_topointer(L, 1);
  for (int i = 0; i < TABLES; i++)
    if (all->of[i].table == table)
      return i;
  return -1;
}

/* Pushes the keys at 3 if the one at 2 was returned last. */
static bool pushtraversal(lua_State *L, const Traversals *all, int i) {
  lua_getiuservalue(L, TRAVERSALS, 2 * i + 2);
  lua_rawgeti(L, 3, all->of[i].last);
  bool same = lua_rawequal(L, -1, 2);
  lua_settop(L, same ? 3 : 2);
  return same;
}

/* Returns the first key of the table and its value. */
static int nextfirst(lua_State *L) {
  sim_Tablekey first, k;
  lua_pushnil(L); /* at 3, the first so far */
  lua_pushnil(L);
  for (int i = 0; lua_next(L, 1); i++) {
    lua_pop(L, 1);
    sim_readkey(L, -1, i, &k);
    if (i > 0 && sim_comparekeys(&first, &k) < 0)
      continue;
    first = k;
    lua_pushvalue(L, -1);
    lua_replace(L, 3);
  }
  if (lua_isnil(L, 3))
    return 1;
  lua_pushvalue(L, 3);
  lua_rawget(L, 1);
  return 2;
}

static bool isother(lua_State *L, int arg) {
  sim_Tablekey k;
  sim_readkey(L, arg, 0, &k);
  return k.rank == SIM_OTHERKEY;
}

/* The next one of the keys that have no order, after the one at 2, in Lua's
   order. */
static int nextother(lua_State *L) {
  lua_pushvalue(L, 2);
  while (lua_next(L, 1)) {
    if (isother(L, -2))
      return 2;
    lua_pop(L, 1);
  }
  lua_pushnil(L);
  return 1;
}

/* How many of the keys listed at 3 do not follow the one at 2, which may have
   been removed meanwhile. */
static lua_Integer countbefore(lua_State *L) {
  sim_Tablekey key, k;
  lua_Integer i = 0;
  sim_readkey(L, 2, INT_MAX, &key);
  for (; lua_rawgeti(L, 3, i + 1) != LUA_TNIL; i++) {
    sim_readkey(L, -1, 0, &k);
    if (sim_comparekeys(&k, &key) > 0)
      break;
    lua_pop(L, 1);
  }
  lua_settop(L, 3);
  return i;
}

/* Sorts the keys of the table in place of those that are kept longest. Returns
   their index. */
static int keep(lua_State *L, Traversals *all, int i) {
  lua_pushvalue(L, 2);
  (void)lua_next(L, 1); /* raises for a key that the table never had */
  lua_settop(L, 2);
  pushkeys(L);
  if (i < 0) {
    i = all->oldest;
    all->oldest = (i + 1) % TABLES;
  }
  settraversal(L, all, i);
  all->of[i].last = countbefore(L);
  return i;
}

/* A table with a metatable may be a library's, which gets its functions. */
static void reveal(lua_State *L) {
  if (!lua_getmetatable(L, 1))
    return;
  lua_pushvalue(L, REVEAL);
  lua_pushvalue(L, 1);
  lua_call(L, 1, 0);
  lua_pop(L, 1);
}

/* next(t, k) */
static int nextpair(lua_State *L) {
  Traversals *all = lua_touserdata(L, TRAVERSALS);
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 2);
  reveal(L);
  int at = findtraversal(L, all);
  if (lua_isnil(L, 2)) {
    if (at >= 0) /* a new traversal; there may be other keys now */
      all->of[at].last = 0;
    return nextfirst(L);
  }
  if (at < 0 || !pushtraversal(L, all, at)) {
    if (isother(L, 2))
      return nextother(L);
    at = keep(L, all, at);
  }
  for (lua_Integer i = all->of[at].last; lua_rawgeti(L, 3, ++i) != LUA_TNIL;) {
    lua_pushvalue(L, -1);
    if (lua_rawget(L, 1) != LUA_TNIL) {
      all->of[at].last = i;
      return 2;
    }
    lua_settop(L, 3);
  }
  lua_replace(L, 3);
  settraversal(L, all, at);
  lua_pushnil(L);
  return 1;
}

static void pushupvalues(lua_State *L) {
  sim_pushmodule(L);
  lua_getfield(L, -1, "address"); /* a function with the shared upvalues */
  lua_replace(L, -2);
  for (int i = 1; i <= MCAST_UPVALUES; i++)
    lua_getupvalue(L, -i, i);
  lua_remove(L, -1 - MCAST_UPVALUES);
}

static void pushzeros(lua_State *L, size_t size, int values) {
  memset(lua_newuserdatauv(L, size, values), 0, size);
}

/* next(reveal): returns the function, which calls reveal for tables with a
   metatable. */
static int pairs_next(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  pushupvalues(L);
  pushzeros(L, sizeof(Traversals), 2 * TABLES);
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, nextpair, MCAST_UPVALUES + 2);
  return 1;
}

/* Sets both in the table at the top; the functions have the shared upvalues. */
void sim_setpairs(lua_State *L) {
  pushupvalues(L);
  pushzeros(L, KEPT * sizeof(Shape), KEPT);
  lua_pushcclosure(L, pairs_pairs, MCAST_UPVALUES + 1);
  lua_setfield(L, -2, "pairs");
  lua_pushcfunction(L, pairs_next);
  lua_setfield(L, -2, "next");
}
