/*
** Keys of tables in an order that depends on the run alone: by type, then by
** value, then by their place in a list.
*/
#include "sim.h"

#define SIGN ((uint64_t)1 << 63)
#define RUN 12 /* keys that are sorted by insertion */

/* Where an integer lies among the firsts of numbers. */
static uint64_t firstofinteger(lua_Integer n) { return (uint64_t)n ^ SIGN; }

/* A float lies with the greatest integer below. */
static uint64_t firstofnumber(lua_Number n) {
  if (n < (lua_Number)LUA_MININTEGER || n >= -(lua_Number)LUA_MININTEGER)
    return n < 0 ? 0 : UINT64_MAX;
  lua_Integer whole = (lua_Integer)n;
  return firstofinteger(whole - ((lua_Number)whole > n));
}

/* A text's first bytes, as a number. */
static uint64_t firstoftext(const char *text, size_t len) {
  uint64_t first = 0;
  for (size_t i = 0; i < sizeof first; i++)
    first = first << 8 | (i < len ? (unsigned char)text[i] : 0U);
  return first;
}

static void readnumber(lua_State *L, int arg, sim_Tablekey *k) {
  k->rank = SIM_NUMBERKEY;
  k->isinteger = lua_isinteger(L, arg);
  if (k->isinteger) {
    k->first = firstofinteger(lua_tointeger(L, arg));
    return;
  }
  k->number = lua_tonumber(L, arg);
  k->first = firstofnumber(k->number);
}

static void readuserdata(lua_State *L, int arg, sim_Tablekey *k) {
  const mcast_Sockaddr *address = mcast_toaddress(L, arg);
  const mcast_Socket *socket = mcast_testsocket(L, arg);
  k->rank = address != NULL  ? SIM_ADDRESSKEY
            : socket != NULL ? SIM_SOCKETKEY
                             : SIM_OTHERKEY;
  k->address = address;
  k->first = socket != NULL ? socket->serial : 0;
}

/* Reads the key at an index, which has a place in a list; it is valid as long
   as the value is. */
void sim_readkey(lua_State *L, int arg, int place, sim_Tablekey *k) {
  k->place = place;
  k->first = 0;
  switch (lua_type(L, arg)) {
  case LUA_TBOOLEAN:
    k->rank = SIM_BOOLEANKEY;
    k->first = (uint64_t)lua_toboolean(L, arg);
    break;
  case LUA_TNUMBER:
    readnumber(L, arg, k);
    break;
  case LUA_TSTRING:
    k->rank = SIM_STRINGKEY;
    k->text = lua_tolstring(L, arg, &k->len);
    k->first = firstoftext(k->text, k->len);
    break;
  case LUA_TUSERDATA:
    readuserdata(L, arg, k);
    break;
  default:
    k->rank = SIM_OTHERKEY;
  }
}

static int comparenumbers(const sim_Tablekey *a, const sim_Tablekey *b) {
  if (a->isinteger && b->isinteger)
    return 0;
  if (!a->isinteger && !b->isinteger)
    return (a->number > b->number) - (a->number < b->number);
  /* A float is greater than an integer of the same first, unless it is less
     than all of them. */
  const sim_Tablekey *f = a->isinteger ? b : a;
  return (f->number < 0 && f->first == 0) == (f == a) ? -1 : 1;
}

static int comparetexts(const sim_Tablekey *a, const sim_Tablekey *b) {
  int order = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);
  return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

/* Of two keys of one rank, with the same first. */
static int comparerest(const sim_Tablekey *a, const sim_Tablekey *b) {
  int order = a->rank == SIM_STRINGKEY   ? comparetexts(a, b)
              : a->rank == SIM_NUMBERKEY ? comparenumbers(a, b)
              : a->rank == SIM_ADDRESSKEY
                  ? mcast_compareaddresses(a->address, b->address)
                  : 0;
  return order != 0 ? order : (a->place > b->place) - (a->place < b->place);
}

int sim_comparekeys(const sim_Tablekey *a, const sim_Tablekey *b) {
  if (a->rank != b->rank)
    return a->rank > b->rank ? 1 : -1;
  if (a->first != b->first)
    return a->first > b->first ? 1 : -1;
  return comparerest(a, b);
}

static void insertionsort(sim_Tablekey *keys, int n) {
  for (int i = 1; i < n; i++) {
    sim_Tablekey k = keys[i];
    int j = i;
    for (; j > 0 && sim_comparekeys(&keys[j - 1], &k) > 0; j--)
      keys[j] = keys[j - 1];
    keys[j] = k;
  }
}

/* Merges the first m keys, and the others. */
static void merge(sim_Tablekey *keys, int m, int n, sim_Tablekey *spare) {
  memcpy(spare, keys, (size_t)m * sizeof *keys);
  for (int i = 0, j = m, k = 0; i < m; k++)
    keys[k] = j < n && sim_comparekeys(&spare[i], &keys[j]) > 0 ? keys[j++]
                                                                : spare[i++];
}

/* Sorts n keys, with room for half of them to spare. It allocates nothing. */
void sim_sortkeys(sim_Tablekey *keys, int n, sim_Tablekey *spare) {
  int m = n / 2;
  if (n <= RUN) {
    insertionsort(keys, n);
    return;
  }
  sim_sortkeys(keys, m, spare);
  sim_sortkeys(keys + m, n - m, spare);
  if (sim_comparekeys(&keys[m - 1], &keys[m]) > 0)
    merge(keys, m, n, spare);
}
