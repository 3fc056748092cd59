/***
Transfer: sending and receiving datagrams.
@submodule socket
*/
#include "mcast.h"

#define MAX_INET                                                               \
  65507                 /* bytes of data: 65,535 less the IPv4 and UDP headers \
                         */
#define MAX_INET6 65527 /* less the UDP header */

/*
** Sending.
*/

static int sendfailed(lua_State *L, const char *name, const mcast_Sockaddr *to,
                      int err) {
  const char *why = NULL;
  mcast_pushaddress(L, to);
  const char *text = luaL_tolstring(L, -1, NULL);
  if (err == EMSGSIZE)
    why = lua_pushfstring(L, "%s (%d bytes is the limit of a datagram)",
                          strerror(err),
                          to->sa.sa_family == AF_INET ? MAX_INET : MAX_INET6);
  else if (mcast_ismulticast(to) &&
           (err == ENETUNREACH || err == ENODEV || err == EADDRNOTAVAIL ||
            (err == EINVAL && to->sa.sa_family == AF_INET6))) {
    mcast_pushinterfacenames(L, true);
    why = lua_pushfstring(
        L,
        "%s (no route to the group: name the interface to send by, as in "
        "mcast.socket { interface = \"lo\" }; usable are %s)",
        strerror(err), lua_tostring(L, -1));
  }
  return mcast_fail(L, err, lua_pushfstring(L, "%s %s", name, text), why);
}

/* IPv6 has no option for the source of multicast alone: each datagram says. */
static ssize_t sendfrom(const mcast_Socket *s, const char *data, size_t len,
                        mcast_Sockaddr *to) {
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
  } control;
  struct in6_pktinfo info = {s->source.in6.sin6_addr, s->interface};
  struct iovec iov = {(void *)(uintptr_t)data, len};
  struct msghdr msg;
  memset(&control, 0, sizeof control);
  memset(&msg, 0, sizeof msg);
  msg.msg_name = to;
  msg.msg_namelen = sizeof to->in6;
  msg.msg_iov = &iov;
  msg.msg_iovlen = 1;
  msg.msg_control = &control;
  msg.msg_controllen = sizeof control.bytes;
  struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
  c->cmsg_level = IPPROTO_IPV6;
  c->cmsg_type = IPV6_PKTINFO;
  c->cmsg_len = CMSG_LEN(sizeof info);
  memcpy(CMSG_DATA(c), &info, sizeof info);
  return sendmsg(s->fd, &msg, MSG_DONTWAIT);
}

/* Would a datagram of TTL 0 leave the host? Linux lets it where nobody on the
   host would hear it, so it is not sent then; over lo nothing leaves. */
static bool wouldleave(const mcast_Socket *s, const mcast_Sockaddr *to) {
  bool inet6 = to->sa.sa_family == AF_INET6;
  unsigned index = inet6 && to->in6.sin6_scope_id != 0 ? to->in6.sin6_scope_id
                                                       : s->interface;
  struct ifreq request;
  int loop = 1;
  socklen_t len = sizeof loop;
  memset(&request, 0, sizeof request);
  if (index == 0)
    index = mcast_routeindex(to);
  if (index == 0 || !mcast_interfacename(s->fd, index, request.ifr_name))
    return false; /* the send will fail, and say why */
  if (ioctl(s->fd, SIOCGIFFLAGS, &request) == 0 &&
      request.ifr_flags & IFF_LOOPBACK)
    return false;
  (void)getsockopt(s->fd, inet6 ? IPPROTO_IPV6 : IPPROTO_IP,
                   inet6 ? IPV6_MULTICAST_LOOP : IP_MULTICAST_LOOP, &loop,
                   &len);
  return loop == 0 || !mcast_isinterfacemember(index, &to->sa);
}

static ssize_t transmit(const mcast_Socket *s, const char *data, size_t len,
                        mcast_Sockaddr *to) {
  if (MCAST_TTL0LEAVES && s->hostonly && mcast_ismulticast(to) &&
      wouldleave(s, to))
    return (ssize_t)len;
  if (s->source.sa.sa_family == AF_INET6 && mcast_ismulticast(to) &&
      (to->in6.sin6_scope_id == 0 || to->in6.sin6_scope_id == s->interface))
    return sendfrom(s, data, len, to);
  return sendto(s->fd, data, len, MSG_DONTWAIT, &to->sa, mcast_addresslen(to));
}

/* Sends a datagram; with a full send buffer it waits. 0 or errno. */
static int senddatagram(lua_State *L, mcast_Socket *s, const char *data,
                        size_t len, mcast_Sockaddr *to) {
  while (transmit(s, data, len, to) < 0) {
    int err = errno;
    if (err == EAGAIN || err == EWOULDBLOCK || err == EINTR)
      err = mcast_wait(L, s, POLLOUT, MCAST_FOREVER);
    if (err != 0)
      return err;
  }
  s->sent++;
  return 0;
}

/* The address that the arguments from 3 on name, fit for this socket. */
static int checkdestination(lua_State *L, const mcast_Socket *s,
                            mcast_Sockaddr *to) {
  int n = mcast_checkaddress(L, 3, to);
  if (n != 0)
    return n;
  if (to->sa.sa_family != s->family)
    return mcast_fail(
        L, EAFNOSUPPORT, "sendto",
        lua_pushfstring(L,
                        "the socket is %s, the address is %s (make the "
                        "socket with family = \"%s\")",
                        mcast_familyname(s->family),
                        mcast_familyname(to->sa.sa_family),
                        mcast_familyname(to->sa.sa_family)));
  if (to->in.sin_port == 0) /* sin6_port lies at the same place */
    return mcast_fail(L, EINVAL, "sendto", "nothing can be sent to port 0");
  return 0;
}

/***
Sends a datagram. With a full send buffer it waits.
@function sendto
@tparam string data up to 65,507 bytes (65,527 by IPv6)
@param to an address; or `"host:port"`; or a host, numeric, followed by a port
@tparam ?integer port 1 to 65535
@treturn integer|nil bytes sent
@treturn ?string message
@treturn ?integer errno: `EMSGSIZE`, too long; `ENETUNREACH`, no route, or the
interface is down; `EAFNOSUPPORT`, an address of the other family ...
@usage assert(sock:sendto("very important data", "224.3.29.71", 10000))
@follows sendto(2)
*/
int mcast_sendto(lua_State *L) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  mcast_Sockaddr to;
  size_t len;
  const char *data = luaL_checklstring(L, 2, &len);
  int n = checkdestination(L, s, &to);
  if (n != 0)
    return n;
  int err = senddatagram(L, s, data, len, &to);
  if (err != 0)
    return sendfailed(L, "sendto", &to, err);
  lua_pushinteger(L, (lua_Integer)len);
  return 1;
}

static void checklist(lua_State *L, int arg) {
  luaL_checktype(L, arg, LUA_TTABLE);
  lua_Unsigned n = lua_rawlen(L, arg);
  for (lua_Unsigned i = 1; i <= n; i++) {
    lua_rawgeti(L, arg, (lua_Integer)i);
    if (lua_type(L, -1) != LUA_TSTRING)
      luaL_argerror(L, arg,
                    lua_pushfstring(L, "string expected at [%I], got %s",
                                    (LUAI_UACINT)i, luaL_typename(L, -1)));
    lua_pop(L, 1);
  }
}

/***
Sends the datagrams of a list, in order.
@function sendmany
@tparam {string,...} list
@param to as for `sendto`
@tparam ?integer port
@treturn integer|nil how many were taken; nil where the first already failed
@treturn ?string message, where not all were taken
@treturn ?integer errno
@usage assert(sock:sendmany({ "one", "two" }, "224.3.29.71", 10000) == 2)
*/
int mcast_sendmany(lua_State *L) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  mcast_Sockaddr to;
  checklist(L, 2);
  int n = checkdestination(L, s, &to);
  if (n != 0)
    return n;
  lua_Integer taken = 0, count = (lua_Integer)lua_rawlen(L, 2);
  int err = 0;
  while (taken < count && err == 0) {
    size_t len;
    lua_rawgeti(L, 2, taken + 1);
    const char *data = luaL_checklstring(L, -1, &len);
    err = senddatagram(L, s, data, len, &to);
    taken += err == 0;
    lua_pop(L, 1);
  }
  if (err != 0)
    n = sendfailed(L, "sendmany", &to, err);
  if (taken == 0 && err != 0)
    return n;
  lua_pushinteger(L, taken);
  if (err == 0)
    return 1;
  lua_replace(L, -n - 1); /* the nil of the failure */
  return n;
}

/*
** Receiving.
*/

/* What comes with a datagram. */
typedef struct Arrival {
  mcast_Sockaddr from;
  mcast_Sockaddr group; /* where it was sent to; AF_UNSPEC: not told */
  unsigned index;
  int ttl;     /* -1: not told */
  double time; /* 0: not told */
  uint32_t dropped;
} Arrival;

static void ask(const mcast_Socket *s, int level, int name) {
  int on = 1;
  if (name != MCAST_NONE)
    (void)setsockopt(s->fd, level, name, &on, sizeof on);
}

/* Turns on the ancillary data that this socket has a use for. */
void mcast_askancillary(mcast_Socket *s) {
  if (s->filtering || s->metadata) {
    if (s->family == AF_INET)
      ask(s, IPPROTO_IP, IP_PKTINFO);
    else
      ask(s, IPPROTO_IPV6, IPV6_RECVPKTINFO);
  }
  if (s->metadata) {
    ask(s, IPPROTO_IP, IP_RECVTTL); /* an inet6 socket may hear IPv4, too */
    if (s->family == AF_INET6)
      ask(s, IPPROTO_IPV6, IPV6_RECVHOPLIMIT);
    ask(s, SOL_SOCKET, MCAST_SO_TIMESTAMP);
    ask(s, SOL_SOCKET, MCAST_SO_OVERFLOW);
  }
}

static void readinet(Arrival *a, const struct cmsghdr *c) {
  struct in_pktinfo info;
  if (c->cmsg_type == IP_PKTINFO && c->cmsg_len >= CMSG_LEN(sizeof info)) {
    memcpy(&info, CMSG_DATA(c), sizeof info);
    mcast_anyaddress(AF_INET, 0, &a->group);
    a->group.in.sin_addr = info.ipi_addr;
    a->index = (unsigned)info.ipi_ifindex;
  } else if ((c->cmsg_type == IP_TTL || c->cmsg_type == IP_RECVTTL) &&
             c->cmsg_len >= CMSG_LEN(1)) {
    unsigned char byte; /* Linux tells an int, BSD systems a byte */
    if (c->cmsg_len >= CMSG_LEN(sizeof a->ttl))
      memcpy(&a->ttl, CMSG_DATA(c), sizeof a->ttl);
    else {
      memcpy(&byte, CMSG_DATA(c), sizeof byte);
      a->ttl = byte;
    }
  }
}

static void readinet6(Arrival *a, const struct cmsghdr *c) {
  struct in6_pktinfo info;
  if (c->cmsg_type == IPV6_PKTINFO && c->cmsg_len >= CMSG_LEN(sizeof info)) {
    memcpy(&info, CMSG_DATA(c), sizeof info);
    mcast_anyaddress(AF_INET6, 0, &a->group);
    a->group.in6.sin6_addr = info.ipi6_addr;
    a->index = info.ipi6_ifindex;
  } else if (c->cmsg_type == IPV6_HOPLIMIT &&
             c->cmsg_len >= CMSG_LEN(sizeof a->ttl)) {
    memcpy(&a->ttl, CMSG_DATA(c), sizeof a->ttl);
  }
}

static void readsocket(Arrival *a, const struct cmsghdr *c) {
  mcast_Timestamp time;
  if (c->cmsg_type == MCAST_SCM_TIMESTAMP &&
      c->cmsg_len >= CMSG_LEN(sizeof time)) {
    memcpy(&time, CMSG_DATA(c), sizeof time);
    a->time = (double)time.tv_sec + (double)mcast_timestampnsec(time) / 1e9;
  } else if (c->cmsg_type == MCAST_SO_OVERFLOW &&
             c->cmsg_len >= CMSG_LEN(sizeof a->dropped)) {
    memcpy(&a->dropped, CMSG_DATA(c), sizeof a->dropped);
  }
}

static void readancillary(Arrival *a, struct msghdr *msg) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL;
       c = mcast_nextcmsg(msg, c)) {
    if (c->cmsg_level == IPPROTO_IP)
      readinet(a, c);
    else if (c->cmsg_level == IPPROTO_IPV6)
      readinet6(a, c);
    else if (c->cmsg_level == SOL_SOCKET)
      readsocket(a, c);
  }
}

static ssize_t receivewithancillary(const mcast_Socket *s, char *buffer,
                                    Arrival *a) {
  union {
    struct cmsghdr align;
    char bytes[512];
  } control;
  struct iovec iov = {buffer, MCAST_BUFFERSIZE};
  struct msghdr msg;
  memset(&msg, 0, sizeof msg);
  msg.msg_name = &a->from;
  msg.msg_namelen = sizeof a->from;
  msg.msg_iov = &iov;
  msg.msg_iovlen = 1;
  msg.msg_control = &control;
  msg.msg_controllen = sizeof control;
  ssize_t n = recvmsg(s->fd, &msg, MSG_DONTWAIT);
  if (n >= 0)
    readancillary(a, &msg);
  return n;
}

static ssize_t receiveonce(const mcast_Socket *s, char *buffer, Arrival *a) {
  socklen_t len = sizeof a->from;
  if (s->filtering || s->metadata)
    return receivewithancillary(s, buffer, a);
  return recvfrom(s->fd, buffer, MCAST_BUFFERSIZE, MSG_DONTWAIT, &a->from.sa,
                  &len);
}

/* Was it sent to a group that this socket did not join there? */
static bool isforeign(const mcast_Socket *s, const Arrival *a) {
  return s->filtering && a->group.sa.sa_family == s->family &&
         mcast_ismulticast(&a->group) &&
         !mcast_ismember(s, &a->group, a->index);
}

/* Nothing for this socket came (err 0: something foreign did). Waits, and gives
   0 to try again, ETIMEDOUT, or the system's error. */
static int retry(lua_State *L, mcast_Socket *s, int err, int64_t timeout,
                 int64_t *deadline) {
  bool empty = err == EAGAIN || err == EWOULDBLOCK;
  if (err != 0 && !empty && err != EINTR)
    return err;
  if (empty && timeout == 0)
    return ETIMEDOUT;
  if (*deadline < 0)
    *deadline = mcast_deadline(timeout);
  if (err == 0)
    return timeout > 0 && mcast_deadline(0) >= *deadline ? ETIMEDOUT : 0;
  return mcast_wait(L, s, POLLIN, *deadline);
}

/* Receives a datagram into the buffer: 0, ETIMEDOUT, or the system's error. */
static int receive(lua_State *L, mcast_Socket *s, int64_t timeout, Arrival *a,
                   size_t *len) {
  int64_t deadline = -1; /* the clock is read only when there is a wait */
  int err;
  do {
    memset(a, 0, sizeof *a);
    a->ttl = -1;
    ssize_t n = receiveonce(s, lua_touserdata(L, MCAST_BUFFER), a);
    if (n >= 0 && !isforeign(s, a)) {
      *len = (size_t)n;
      s->received++;
      return 0;
    }
    err = retry(L, s, n < 0 ? errno : 0, timeout, &deadline);
  } while (err == 0);
  return err;
}

static int receivefailed(lua_State *L, const char *name, int err) {
  return err == ETIMEDOUT ? mcast_timedout(L) : mcast_fail(L, err, name, NULL);
}

static int pushdatagram(lua_State *L, mcast_Socket *s, const char *name,
                        int64_t timeout) {
  Arrival a;
  size_t len;
  int err = receive(L, s, timeout, &a, &len);
  if (err != 0)
    return receivefailed(L, name, err);
  lua_pushlstring(L, lua_touserdata(L, MCAST_BUFFER), len);
  mcast_pushaddress(L, &a.from);
  return 2;
}

/***
Receives a datagram, whole whatever its size; one of no bytes is `""`.
@function recvfrom
@tparam ?number timeout seconds; nil waits for ever, 0 or less polls
@treturn string|nil data
@treturn address|string from, or a message (`"timeout"`)
@treturn ?integer errno: `ETIMEDOUT` ...
@usage local data, from = assert(sock:recvfrom(0.2))
@follows recvfrom(2)
*/
int mcast_recvfrom(lua_State *L) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  return pushdatagram(L, s, "recvfrom", mcast_checktimeout(L, 2));
}

static void pusharrival(lua_State *L, const mcast_Socket *s, const Arrival *a) {
  char name[IF_NAMESIZE];
  if (a->group.sa.sa_family != AF_UNSPEC)
    mcast_pushhost(L, &a->group);
  else
    lua_pushnil(L);
  lua_setfield(L, -2, "group");
  if (a->index != 0 && mcast_interfacename(s->fd, a->index, name))
    lua_pushstring(L, name);
  else
    lua_pushnil(L);
  lua_setfield(L, -2, "interface");
  if (a->ttl >= 0)
    lua_pushinteger(L, a->ttl);
  else
    lua_pushnil(L);
  lua_setfield(L, -2, "ttl");
  lua_pushnumber(L, a->time);
  lua_setfield(L, -2, "time");
  lua_pushinteger(L, a->dropped);
  lua_setfield(L, -2, "dropped");
}

/***
Receives a datagram and what is known of it, on a socket that was made with
`metadata = true`. The fields: `data`; `from`, its address; `group`, the host
that it was sent to, as text; `interface`, the name of the one it came by; `ttl`
as it arrived, 0 to 255; `time` of the kernel's receipt, seconds since the
epoch; `dropped`, how many datagrams this socket had lost by then.
@function recvmsg
@tparam ?number timeout seconds, as for `recvfrom`
@tparam ?table into a table to fill, instead of a new one
@treturn table|nil
@treturn ?string message (`"timeout"`)
@treturn ?integer errno
@raise on a socket without `metadata = true`
@usage local msg = assert(sock:recvmsg(0.2)); print(msg.group, msg.ttl,
#msg.data)
@follows recvmsg(2), ip(7), ipv6(7), socket(7)
*/
int mcast_recvmsg(lua_State *L) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  int64_t timeout = mcast_checktimeout(L, 2);
  Arrival a;
  size_t len;
  if (!lua_isnoneornil(L, 3))
    luaL_checktype(L, 3, LUA_TTABLE);
  if (!s->metadata)
    return luaL_error(L, "recvmsg needs a socket made with metadata = true");
  lua_settop(L, 3);
  int err = receive(L, s, timeout, &a, &len);
  if (err != 0)
    return receivefailed(L, "recvmsg", err);
  lua_pushlstring(L, lua_touserdata(L, MCAST_BUFFER), len);
  mcast_pushaddress(L, &a.from);
  if (lua_isnil(L, 3)) {
    lua_createtable(L, 0, 7);
    lua_replace(L, 3);
  }
  lua_setfield(L, 3, "from");
  lua_setfield(L, 3, "data");
  pusharrival(L, s, &a);
  return 1;
}

static int nextdatagram(lua_State *L) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  int64_t timeout = lua_tointeger(L, lua_upvalueindex(MCAST_UPVALUES + 1));
  int n = pushdatagram(L, s, "recvfrom", timeout);
  if (n == 3 && lua_tointeger(L, -1) != ETIMEDOUT)
    return luaL_error(L, "%s", lua_tostring(L, -2));
  return n == 3 ? 0 : n;
}

/***
Iterates over datagrams until none has come for a time. It raises on errors.
@function datagrams
@tparam ?number timeout seconds of silence; nil iterates for ever
@return an iterator of data and from
@usage for data, from in sock:datagrams(0.2) do print(from, data) end
*/
int mcast_datagrams(lua_State *L) {
  mcast_checksocket(L, 1);
  int64_t timeout = mcast_checktimeout(L, 2);
  for (int i = 1; i <= MCAST_UPVALUES; i++)
    lua_pushvalue(L, lua_upvalueindex(i));
  lua_pushinteger(L, timeout);
  lua_pushcclosure(L, nextdatagram, MCAST_UPVALUES + 1);
  lua_pushvalue(L, 1);
  return 2;
}
