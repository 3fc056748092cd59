/*
** The sockets and monitors alive. A userdata is one of them where this list has it: its
** own bytes, which those of another module's may equal, say only at which place.
** Each has a guard, which no script sees without the debug library: the guard's
** finalizer closes it and frees its place, whatever became of its metatable.
*/
#include "mcast.h"

#define LAST ((size_t)-1)

typedef struct Place {
  const void *owner; /* NULL: it is free ... */
  size_t next;       /* ... and this is the next free one, or LAST */
} Place;

struct mcast_Alive {
  Place *list; /* in user value 1 */
  size_t count;
  size_t free;
};

typedef struct Guard {
  size_t place;
  mcast_Collector collect;
} Guard;

static struct mcast_Alive *getalive(lua_State *L) {
  return lua_touserdata(L, MCAST_ALIVE);
}

bool mcast_isalive(lua_State *L, const void *userdata, size_t place) {
  const struct mcast_Alive *a = getalive(L);
  return place < a->count && a->list[place].owner == userdata;
}

static void addplaces(lua_State *L) {
  size_t count = getalive(L)->count;
  Place *list = lua_newuserdatauv(L, (2 * count + 1) * sizeof *list, 0);
  struct mcast_Alive *a = getalive(L);
  if (a->count == count) { /* else a finalizer was first */
    if (count > 0)
      memcpy(list, a->list, count * sizeof *list);
    for (size_t i = count; i <= 2 * count; i++)
      list[i] = (Place){NULL, i + 1};
    list[2 * count].next = a->free;
    a->free = count;
    a->count = 2 * count + 1;
    a->list = list;
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, MCAST_ALIVE, 1);
  }
  lua_pop(L, 1);
}

/* Lists the userdata at the top, and gives it a guard in a user value: its place. */
size_t mcast_enlist(lua_State *L, int uservalue, mcast_Collector collect) {
  struct mcast_Alive *a = getalive(L);
  Guard *g = lua_newuserdatauv(L, sizeof *g, 1);
  *g = (Guard){LAST, collect};
  lua_pushvalue(L, -2);
  lua_setiuservalue(L, -2, 1);
  lua_getiuservalue(L, MCAST_ALIVE, 2);
  lua_setmetatable(L, -2);
  lua_setiuservalue(L, -2, uservalue);
  while (a->free == LAST)
    addplaces(L);
  g->place = a->free;
  a->free = a->list[g->place].next;
  a->list[g->place].owner = lua_touserdata(L, -1);
  return g->place;
}

/* The finalizer of guards. */
static int collect(lua_State *L) {
  struct mcast_Alive *a = getalive(L);
  Guard *g = lua_touserdata(L, 1);
  lua_getiuservalue(L, MCAST_ALIVE, 2);
  if (g == NULL || !lua_getmetatable(L, 1) || !lua_rawequal(L, -1, -2) ||
      g->place == LAST)
    return 0;
  Place *place = &a->list[g->place];
  g->collect((void *)(uintptr_t)place->owner);
  *place = (Place){NULL, a->free};
  a->free = g->place;
  g->place = LAST;
  return 0;
}

/* Makes the list at MCAST_ALIVE's index. */
void mcast_makealive(lua_State *L) {
  struct mcast_Alive *a = lua_newuserdatauv(L, sizeof *a, 2);
  *a = (struct mcast_Alive){NULL, 0, LAST};
}

/* Sets the metatable of guards. The shared upvalues are at the indices from 1 on. */
void mcast_makeguards(lua_State *L) {
  lua_createtable(L, 0, 1);
  for (int i = 1; i <= MCAST_UPVALUES; i++)
    lua_pushvalue(L, i);
  lua_pushcclosure(L, collect, MCAST_UPVALUES);
  lua_setfield(L, -2, "__gc");
  lua_setiuservalue(L, 8, 2);
}
