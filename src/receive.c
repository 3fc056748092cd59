/***
@classmod socket
*/
#include "mcast.h"

/* Datagrams that may be returned later are in a buffer of the socket's own. */
static char *getbuffer(lua_State *L, const mcast_Socket *s) {
  return s->train.buffer != NULL ? s->train.buffer
                                 : lua_touserdata(L, MCAST_BUFFER);
}

/* Gives the socket at index 1 a buffer of its own. */
static void makebuffer(lua_State *L, mcast_Socket *s) {
  char *buffer = lua_newuserdatauv(L, MCAST_BUFFERSIZE, 0);
  if (s->train.buffer != NULL) { /* a finalizer was first */
    lua_pop(L, 1);
    return;
  }
  lua_setiuservalue(L, 1, 1);
  s->train.buffer = buffer;
}

static ssize_t receiveonce(mcast_Socket *s, char *buffer) {
  socklen_t len = sizeof s->arrival.from;
  if (s->options.filtering || s->options.metadata || s->train.on)
    return mcast_receive(s, &s->arrival,
                         (struct iovec){buffer, MCAST_BUFFERSIZE}, 0);
  return sys_recvfrom(s->fd, buffer, MCAST_BUFFERSIZE, MSG_DONTWAIT,
                      &s->arrival.from.sa, &len);
}

/* A call that receives. */
typedef struct Call {
  int64_t timeout;
  int64_t
      deadline; /* -1: not known yet, since the clock is read in a wait only */
  int left;     /* foreign datagrams to discard at most; -1: not known yet */
} Call;

/* The socket was empty, so a run begins with the next datagram. */
static void endrun(mcast_Socket *s) {
  if (s->train.run != MCAST_NOTRAINS) {
    s->train.run = 0;
    s->train.longrun = MCAST_LONGRUN;
  }
}

/* Returns 0 to try again, ETIMEDOUT, or the system's error. */
static int retry(lua_State *L, mcast_Socket *s, int err, Call *c) {
  bool empty = err == EAGAIN || err == EWOULDBLOCK;
  if (!empty && err != EINTR)
    return err;
  if (empty)
    endrun(s);
  if (empty && c->timeout == 0)
    return ETIMEDOUT;
  if (c->deadline < 0)
    c->deadline = mcast_deadline(c->timeout);
  return mcast_wait(L, s, POLLIN, c->deadline);
}

/* The same, after a foreign datagram. */
static int retryafterforeign(lua_State *L, const mcast_Socket *s, Call *c) {
  if (c->timeout == 0) {
    c->left = c->left < 0 ? mcast_getcapacity(s) : c->left - 1;
    return c->left > 0 ? 0 : ETIMEDOUT;
  }
  mcast_runhooks(L);
  mcast_checkopen(L, s);
  if (c->deadline < 0)
    c->deadline = mcast_deadline(c->timeout);
  return mcast_deadline(0) >= c->deadline ? ETIMEDOUT : 0;
}

/*
** Trains (UDP_GRO): datagrams of one sender and size that the kernel returns by
** one call. They cost lone datagrams the reading of ancillary data, so a socket
** asks for them once it sees a queue of such datagrams. It looks for one after a
** long run of them without a wait, which questions and answers and slow streams do
** not have. Where the script waits elsewhere, looks that find no queue become rare.
*/

#define RARELY 4096 /* datagrams from look to look */

/* Would an event loop miss the rest of a train? */
static bool ismissing(const mcast_Socket *s) {
  return s->loop.descriptor && !s->loop.holding;
}

/* Is a queue behind a long run? */
static bool isqueue(mcast_Socket *s) {
  int queued = 0;
  if (ismissing(s))
    return false;
  if (sys_ioctl(s->fd, FIONREAD, &queued) == 0 && queued > 0)
    return true;
  if (s->train.longrun < RARELY)
    s->train.longrun *= 2;
  return false;
}

/* Counts a datagram. */
static void countrun(mcast_Socket *s, const mcast_Sockaddr *last, size_t len) {
  const mcast_Sockaddr *from = &s->arrival.from;
  if (len != s->train.runsize || !mcast_samehost(from, last) ||
      mcast_getport(from) != mcast_getport(last))
    s->train.run = 0;
  s->train.runsize = len;
  if (++s->train.run >= s->train.longrun) {
    s->train.queue = isqueue(s);
    s->train.run = 0;
  }
}

/* Asks for trains. The socket is at index 1. */
static void asktrains(lua_State *L, mcast_Socket *s) {
  int on = 1;
  s->train.queue = false;
  if (ismissing(s))
    return;
  makebuffer(L, s);
  s->train.on =
      sys_setsockopt(s->fd, IPPROTO_UDP, MCAST_UDP_GRO, &on, sizeof on) == 0;
  s->train.run = MCAST_NOTRAINS;
}

static int countdatagrams(size_t bytes, size_t segment) {
  return bytes > segment && segment > 0 ? (int)((bytes + segment - 1) / segment)
                                        : 1;
}

/* Fills the buffer unless it holds datagrams: 0, ETIMEDOUT, or the system's
   error. (A hook that runs in a wait may receive a train and leave a rest.) */
static int fill(lua_State *L, mcast_Socket *s, Call *c) {
  while (!mcast_isholding(s)) {
    mcast_Sockaddr last = s->arrival.from;
    ssize_t n = receiveonce(s, getbuffer(L, s));
    if (n >= 0 && !(s->options.filtering && mcast_isforeign(s, &s->arrival))) {
      if (s->train.run != MCAST_NOTRAINS)
        countrun(s, &last, (size_t)n);
      s->train.next = 0;
      s->train.end = (size_t)n;
      s->train.held = countdatagrams((size_t)n, s->arrival.segment);
      return 0;
    }
    int err = n < 0 ? retry(L, s, errno, c) : retryafterforeign(L, s, c);
    if (err != 0)
      return err;
  }
  return 0;
}

/* Has the buffer hold a datagram: 0, or the number of results of a failure. */
static int hold(lua_State *L, mcast_Socket *s, const char *name, Call *c) {
  if (s->train.queue)
    asktrains(L, s);
  int err = fill(L, s, c);
  if (err == ETIMEDOUT)
    return mcast_timedout(L);
  return err != 0 ? mcast_fail(L, err, name, NULL) : 0;
}

/* The bytes of the datagram that begins there in the buffer. */
static size_t getsize(const mcast_Socket *s, size_t next) {
  size_t left = s->train.end - next, segment = s->arrival.segment;
  return segment > 0 && segment < left ? segment : left;
}

/* Removes the next datagram from the buffer: 0, or the number of results of a
   failure. The data are valid until Lua runs, as a finalizer may when memory is
   allocated. */
static int removenext(lua_State *L, mcast_Socket *s, const char *name,
                      int64_t timeout, const char **data, size_t *len) {
  Call c = {timeout, -1, -1};
  int n = hold(L, s, name, &c);
  if (n != 0)
    return n;
  *data = getbuffer(L, s) + s->train.next;
  *len = getsize(s, s->train.next);
  s->train.next += *len;
  s->train.held--;
  s->count.received++;
  return 0;
}

static int pushdatagram(lua_State *L, mcast_Socket *s, int64_t timeout) {
  const char *data;
  size_t len;
  int n = removenext(L, s, "recvfrom", timeout, &data, &len);
  if (n != 0)
    return n;
  mcast_Sockaddr from = s->arrival.from;
  lua_pushlstring(L, data, len);
  mcast_pushaddress(L, &from);
  return 2;
}

/***
Receive
@section receive
*/

/***
Receives a whole datagram of any size; an empty one is `""`. A socket that sees a
queue of datagrams of one size from one sender receives them in trains from then
on (UDP_GRO, where available) and returns them one by one; its buffer for them
has 64 KiB. It does not where an event loop asked for its descriptor alone: see
`getfd`.
@function recvfrom
@tparam[opt] number timeout seconds; nil waits for ever, 0 or less polls
@treturn string|nil data
@treturn address|string from, or a message (`"timeout"`)
@treturn ?integer errno: `ETIMEDOUT` ...
@usage local data, from = assert(sock:recvfrom(0.2))
@follows recvfrom(2)
*/
int mcast_recvfrom(lua_State *L) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  return pushdatagram(L, s, mcast_checktimeout(L, 2));
}

/***
Receives a datagram with its metadata, on a socket made with `metadata = true`.
The fields: `data`; `from`, the sender's address; `group`, the host that it was
sent to, as text; `interface`, the name of the interface that received it; `ttl`
on arrival, 0 to 255; `time` of the kernel's receipt, seconds since the epoch, and
`nanoseconds`, the same as an integer; `dropped`, the number of datagrams that this
socket had lost by then; `dscp`, 0 to 63, and `ecn`, 0 to 3, of its traffic class
(RFC 2474, RFC 3168); `own`, true where the sender's address is one of this host's
now (an IPv6 address that Linux is just adding may still be missing). A field that the system does not report is nil.
@function recvmsg
@tparam[opt] number timeout seconds, as for `recvfrom`
@tparam[opt] table into a table to fill, instead of a new one
@treturn table|nil
@treturn ?string message (`"timeout"`)
@treturn ?integer errno
@raise on a socket without `metadata = true`
@usage
local msg = assert(sock:recvmsg(0.2))
print(msg.group, msg.ttl, #msg.data)
@follows recvmsg(2), ip(7), ipv6(7), socket(7), getifaddrs(3)
*/
int mcast_recvmsg(lua_State *L) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  int64_t timeout = mcast_checktimeout(L, 2);
  const char *data;
  size_t len;
  if (!lua_isnoneornil(L, 3))
    luaL_checktype(L, 3, LUA_TTABLE);
  if (!s->options.metadata)
    return luaL_error(L, "recvmsg needs a socket made with metadata = true");
  lua_settop(L, 3);
  int n = removenext(L, s, "recvmsg", timeout, &data, &len);
  if (n != 0)
    return n;
  mcast_Arrival a =
      s->arrival; /* before Lua runs, which may close the socket */
  a.own = sys_isown(&s->own, &a.from.sa);
  lua_pushlstring(L, data, len);
  mcast_pushaddress(L, &a.from);
  if (lua_isnil(L, 3)) {
    lua_createtable(L, 0, 11);
    lua_replace(L, 3);
  }
  lua_setfield(L, 3, "from");
  lua_setfield(L, 3, "data");
  mcast_setarrival(L, s, &a);
  return 1;
}

/*
** recvmany. Its datagrams stay in the buffer until they are in the list: memory may
** run out before, or a finalizer may receive them.
*/

/* Pushes the sender of the datagrams in the buffer, and these from the last to the
   first. The list at index 3 is made where there is none. */
static void pushheld(lua_State *L, const mcast_Socket *s) {
  const char *buffer = s->train.buffer;
  mcast_Sockaddr from = s->arrival.from;
  int n = s->train.held;
  size_t start = s->train.next, segment = getsize(s, start);
  size_t end = s->train.end;
  luaL_checkstack(L, n + LUA_MINSTACK, "too many datagrams");
  if (lua_isnil(L, 3)) {
    lua_createtable(L, n, 0);
    lua_replace(L, 3);
  }
  mcast_pushaddress(L, &from);
  while (n-- > 0) {
    size_t next = start + (size_t)n * segment;
    lua_pushlstring(L, buffer + next, end - next);
    end = next;
  }
}

/* Sets the items of the list at index 3, from the top of the stack; removes
   others. */
static void setitems(lua_State *L, int n) {
  for (int i = 1; i <= n; i++)
    lua_rawseti(L, 3, i);
  for (lua_Unsigned i; (i = lua_rawlen(L, 3)) > (lua_Unsigned)n;) {
    lua_pushnil(L);
    lua_rawseti(L, 3, (lua_Integer)i);
  }
}

/***
Receives a list of datagrams of one sender: those that one train brought, or the
rest of it, or one datagram. Trains begin as they do for `recvfrom`; the socket's
buffer for this has 64 KiB, from the first call on. A table to fill keeps no item
of the list that it had, and its other keys; after a timeout it is as it was.
@function recvmany
@tparam[opt] number timeout seconds, as for `recvfrom`
@tparam[opt] table into a list to fill, instead of a new one; without metamethods
@treturn {string,...}|nil datagrams, at least one
@treturn address|string from, or a message (`"timeout"`)
@treturn ?integer errno: `ETIMEDOUT` ...
@usage
local list, from = assert(sock:recvmany(0.2))
for _, data in ipairs(list) do print(data, from) end
@follows recvmsg(2), udp(7)
*/
int mcast_recvmany(lua_State *L) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  Call c = {mcast_checktimeout(L, 2), -1, -1};
  lua_Integer received;
  if (!lua_isnoneornil(L, 3))
    luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 3);
  if (s->train.buffer == NULL)
    makebuffer(L, s);
  do { /* again where a finalizer received meanwhile */
    lua_settop(L, 3);
    mcast_checkopen(L, s);
    int n = hold(L, s, "recvmany", &c);
    if (n != 0)
      return n;
    received = s->count.received;
    pushheld(L, s);
  } while (s->count.received != received);
  setitems(L, s->train.held);
  s->count.received += s->train.held;
  s->train.next = s->train.end;
  s->train.held = 0;
  return 2;
}

/***
Iterates over datagrams until none arrives for a time; raises on errors.
@function datagrams
@tparam[opt] number timeout seconds of silence; nil iterates for ever
@return an iterator of data and from
@usage for data, from in sock:datagrams(0.2) do print(from, data) end
*/
int mcast_nextdatagram(lua_State *L) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  int64_t timeout = lua_tointeger(L, lua_upvalueindex(MCAST_UPVALUES + 1));
  int n = pushdatagram(L, s, timeout);
  if (n == 3 && lua_tointeger(L, -1) != ETIMEDOUT)
    return luaL_error(L, "%s", lua_tostring(L, -2));
  return n == 3 ? 0 : n;
}
