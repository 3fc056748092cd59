/*
** Any control bytes are read as if they had arrived with a datagram. They are in
** a block of their own, so that a sanitizer detects a read past their end; and
** each reported field of the datagram has to be found in them.
*/
/* NOLINTNEXTLINE(bugprone-suspicious-include): its reader is static */
#include "../../src/ancillary.c"

#include <lualib.h>

int luaopen_mcast(lua_State *L);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds, const char *fault) {
  if (!holds) {
    (void)fprintf(stderr, "%s\n", fault);
    abort();
  }
}

static bool stands(const void *value, size_t len, const void *data,
                   size_t size) {
  return memmem(data, size, value, len) != NULL;
}

static void checkarrival(const mcast_Arrival *a, const void *data,
                         size_t size) {
  int segment = (int)a->segment;
  unsigned char byte = (unsigned char)a->ttl;
  bool inet = a->group.sa.sa_family == AF_INET;
  if (a->group.sa.sa_family == AF_UNSPEC)
    check(a->index == 0, "an interface and no group");
  else
    check((inet || a->group.sa.sa_family == AF_INET6) &&
              stands(inet ? (const void *)&a->group.in.sin_addr
                          : &a->group.in6.sin6_addr,
                     inet ? 4 : 16, data, size) &&
              stands(&a->index, sizeof a->index, data, size),
          "a group or an interface that was not received");
  check(a->ttl == -1 || stands(&a->ttl, sizeof a->ttl, data, size) ||
            (a->ttl == byte && stands(&byte, 1, data, size)),
        "a TTL that was not received");
  byte = (unsigned char)a->tclass;
  check(a->tclass == -1 || stands(&a->tclass, sizeof a->tclass, data, size) ||
            (a->tclass == byte && stands(&byte, 1, data, size)),
        "a traffic class that was not received");
  check((a->nanoseconds == 0) == (a->time == 0), "one time of two");
  check(a->dropped == 0 || stands(&a->dropped, sizeof a->dropped, data, size),
        "drops that were not received");
  check(segment == 0 || stands(&segment, sizeof segment, data, size),
        "a train that was not received");
}

/* Fills a table as recvmsg does: the socket is at 1. */
static int setmessage(lua_State *L) {
  mcast_Socket *s = lua_touserdata(L, 1);
  lua_newtable(L);
  mcast_setarrival(L, s, &s->arrival);
  return 1;
}

static void checkmessage(lua_State *L, int socket) {
  lua_pushcfunction(L, setmessage);
  lua_pushvalue(L, socket);
  check(lua_pcall(L, 1, 1, 0) == LUA_OK, "recvmsg raises");
  check(lua_getfield(L, -1, "time") == LUA_TNUMBER, "no time");
  check(lua_getfield(L, -2, "dropped") == LUA_TNUMBER, "no drops");
  check(lua_getfield(L, -3, "ttl") == LUA_TNIL || lua_tointeger(L, -1) >= 0,
        "a TTL below 0");
  check(lua_getfield(L, -4, "nanoseconds") == LUA_TNUMBER, "no nanoseconds");
  check(lua_getfield(L, -5, "ecn") == LUA_TNIL || lua_tointeger(L, -1) <= 3,
        "an ECN over 3");
  lua_settop(L, 2);
}

/* A state with a socket of each family at 1 and 2. */
static lua_State *newstate(void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "mcast", luaopen_mcast, 1);
  lua_settop(L, 0);
  check(luaL_dostring(L,
                      "return mcast.socket { metadata = true },"
                      "mcast.socket { metadata = true, family = 'inet6' }") ==
                LUA_OK &&
            lua_isuserdata(L, 1) && lua_isuserdata(L, 2),
        "no sockets");
  return L;
}

/* The first byte: the family. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static lua_State *L;
  struct msghdr msg;
  if (L == NULL)
    L = newstate();
  if (size == 0)
    return -1;
  int socket = 1 + (data[0] & 1);
  mcast_Socket *s = lua_touserdata(L, socket);
  void *control = malloc(size - 1);
  check(control != NULL, "no memory");
  memcpy(control, data + 1, size - 1);
  memset(&msg, 0, sizeof msg);
  msg.msg_control = control;
  msg.msg_controllen = size - 1;
  memset(&s->arrival, 0, sizeof s->arrival);
  s->arrival.ttl = s->arrival.tclass = -1;
  readancillary(&s->arrival, &msg);
  free(control);
  checkarrival(&s->arrival, data + 1, size - 1);
  check(!mcast_isforeign(s, &s->arrival) ||
            mcast_ismulticast(&s->arrival.group),
        "foreign, and sent to no group");
  checkmessage(L, socket);
  return 0;
}
