/***
@classmod socket
*/
#include "mcast.h"

/* Bytes of data: 65,535 less the headers of IPv4 and UDP, or of UDP. */
#define MAX_INET 65507
#define MAX_INET6 65527

/* The system's message for err and a fix; NULL: the message alone. */
static const char *explain(lua_State *L, const mcast_Socket *s,
                           const mcast_Sockaddr *to, int err) {
  char name[IF_NAMESIZE];
  bool inet = s->family == AF_INET;
  if (err == EMSGSIZE)
    return lua_pushfstring(L, "%s (%d bytes is the limit of a datagram)",
                           strerror(err), inet ? MAX_INET : MAX_INET6);
  if (err == EAFNOSUPPORT)
    return lua_pushfstring(L, "the socket is %s (make it with family = \"%s\")",
                           mcast_familyname(s->family),
                           inet ? "inet6" : "inet");
  if (err == ENOENT && s->options.hostonly)
    return "ttl 0 needs /proc/net/mcfilter6, the sources of IPv6 groups (mount "
           "/proc, or use interface = \"lo\")";
  if (mcast_getport(to) == 0)
    return "port 0 cannot be sent to";
  if (!mcast_ismulticast(to) ||
      !(err == ENETUNREACH || err == ENODEV || err == EADDRNOTAVAIL ||
        (err == EINVAL && !inet)))
    return NULL;
  mcast_pushinterfacenames(L, true);
  return lua_pushfstring(
      L, "%s (%s: name an interface, as in interface = \"lo\"; available: %s)",
      strerror(err),
      s->options.interface == 0 ? "no route to the group"
      : sys_interfacename(s->fd, s->options.interface, name)
          ? "the interface is down"
          : "the interface is gone",
      lua_tostring(L, -1));
}

static int sendfailed(lua_State *L, const mcast_Socket *s, const char *name,
                      const mcast_Sockaddr *to, int err) {
  mcast_pushaddress(L, to);
  const char *text = luaL_tolstring(L, -1, NULL);
  const char *why = explain(L, s, to, err);
  return mcast_fail(L, err, lua_pushfstring(L, "%s %s", name, text), why);
}

/*
** A system call sends one datagram, or a train of them, which the kernel or the
** device cuts up (UDP_SEGMENT).
*/

typedef struct Train {
  struct iovec *datagrams;
  int n;
  size_t segment; /* bytes of each */
} Train;

/* IPv6 has no option for the source of multicast alone: each datagram names it.
 */
static bool namessource(const mcast_Socket *s, const mcast_Sockaddr *to) {
  return s->options.source.sa.sa_family == AF_INET6 && mcast_ismulticast(to) &&
         (to->in6.sin6_scope_id == 0 ||
          to->in6.sin6_scope_id == s->options.interface);
}

/* Finds the source that the socket names for a group, its bound host or that of
   its interface; AF_UNSPEC: none. 0 or errno. */
static int findsource(const mcast_Socket *s, const mcast_Sockaddr *to,
                      mcast_Sockaddr *source) {
  mcast_Sockaddr any;
  socklen_t len = sizeof *source;
  memset(source, 0, sizeof *source);
  if (namessource(s, to)) {
    *source = s->options.source;
    return 0;
  }
  if (sys_getsockname(s->fd, &source->sa, &len) != 0)
    return errno;
  mcast_anyaddress(s->family, 0, &any);
  if (mcast_ismulticast(source) || mcast_samehost(source, &any)) {
    memset(source, 0, sizeof *source);
    if (s->family == AF_INET)
      *source = s->options.source;
  }
  return 0;
}

/* Finds the interface that the socket names for a group; 0: none. 0 or errno. */
static int findinterface(const mcast_Socket *s, const mcast_Sockaddr *to,
                         unsigned *index) {
  int err = sys_deviceindex(s->fd, index);
  if (err == 0 && *index == 0 && to->sa.sa_family == AF_INET6)
    *index = to->in6.sin6_scope_id;
  if (*index == 0)
    *index = s->options.interface;
  return err;
}

/* Is it an IPv4 host as an IPv6 address? */
static bool ismapped(const mcast_Sockaddr *a) {
  return a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr);
}

/* A datagram of TTL 0 is for this host: where the system would let it out, it is
   not sent. Returns 1: to be sent, 0: not to be sent, -1: failure, errno set. */
static int holdback(mcast_Socket *s, const Train *t, const mcast_Sockaddr *to) {
  bool inet6 = to->sa.sa_family == AF_INET6;
  mcast_Sockaddr source;
  unsigned index = 0;
  int loop = 0;
  socklen_t len = sizeof loop;
  errno = findsource(s, to, &source);
  if (errno == 0 && ismapped(&source))
    return 1; /* sending fails, and says why */
  if (errno == 0)
    errno = findinterface(s, to, &index);
  if (errno != 0 ||
      sys_getsockopt(s->fd, inet6 ? IPPROTO_IPV6 : IPPROTO_IP,
                     inet6 ? IPV6_MULTICAST_LOOP : IP_MULTICAST_LOOP, &loop,
                     &len) != 0)
    return -1;
  int stays = sys_stays(&s->asker, &to->sa,
                        source.sa.sa_family != AF_UNSPEC ? &source.sa : NULL,
                        index, loop != 0);
  if (stays == 0 && t->segment > (inet6 ? MAX_INET6 : MAX_INET)) {
    errno = EMSGSIZE;
    return -1;
  }
  return stays;
}

typedef struct Control {
  _Alignas(size_t) char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
                              CMSG_SPACE(sizeof(uint16_t))];
  size_t len;
} Control;

static void addcontrol(Control *control, int level, int type, const void *data,
                       size_t len) {
  struct cmsghdr *c = (struct cmsghdr *)(void *)(control->bytes + control->len);
  c->cmsg_level = level;
  c->cmsg_type = type;
  sys_setlen(c->cmsg_len, CMSG_LEN(len));
  memcpy(CMSG_DATA(c), data, len);
  control->len += CMSG_SPACE(len);
}

static ssize_t transmit(mcast_Socket *s, const Train *t, mcast_Sockaddr *to) {
  bool sourced = namessource(s, to);
  if (MCAST_TTL0LEAVES && s->options.hostonly && mcast_ismulticast(to)) {
    int status = holdback(s, t, to);
    if (status <= 0)
      return status;
  }
  if (t->n == 1 && !sourced)
    return sys_sendto(s->fd, t->datagrams->iov_base, t->segment, MSG_DONTWAIT,
                      &to->sa, mcast_addresslen(to));
  Control control;
  memset(&control, 0, sizeof control);
  struct in6_pktinfo info = {s->options.source.in6.sin6_addr,
                             s->options.interface};
  uint16_t segment = (uint16_t)t->segment;
  if (sourced)
    addcontrol(&control, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
  if (t->n > 1)
    addcontrol(&control, IPPROTO_UDP, MCAST_UDP_SEGMENT, &segment,
               sizeof segment);
  struct msghdr msg;
  memset(&msg, 0, sizeof msg);
  msg.msg_name = to;
  msg.msg_namelen = mcast_addresslen(to);
  msg.msg_iov = t->datagrams;
  sys_setlen(msg.msg_iovlen, t->n);
  msg.msg_control = control.bytes;
  sys_setlen(msg.msg_controllen, control.len);
  return sys_sendmsg(s->fd, &msg, MSG_DONTWAIT);
}

/* Sends a train; waits while the send buffer is full. 0 or errno. */
static int sendtrain(lua_State *L, mcast_Socket *s, const Train *t,
                     mcast_Sockaddr *to) {
  while (transmit(s, t, to) < 0) {
    int err = errno;
    if (err == EAGAIN || err == EWOULDBLOCK || err == EINTR)
      err = mcast_wait(L, s, POLLOUT, MCAST_FOREVER);
    if (err != 0)
      return err;
  }
  s->count.sent += t->n;
  return 0;
}

static struct iovec datagram(const char *data, size_t len) {
  return (struct iovec){(void *)(uintptr_t)data, len};
}

/* An IPv4 group as an IPv6 address: ttl and interface would not apply. */
static bool ismappedgroup(const mcast_Sockaddr *a) {
  return ismapped(a) && (a->in6.sin6_addr.s6_addr[12] & 0xf0) == 0xe0;
}

/* Reads the destination from 3 on: 0, or the number of results of a failure. */
static int checkdestination(lua_State *L, const mcast_Socket *s,
                            const char *name, mcast_Sockaddr *to) {
  int n = mcast_checkaddress(L, 3, to);
  if (n != 0)
    return n;
  if (to->sa.sa_family != s->family || ismappedgroup(to))
    return sendfailed(L, s, name, to, EAFNOSUPPORT);
  return mcast_getport(to) == 0 ? sendfailed(L, s, name, to, EINVAL) : 0;
}

/***
Send
@section send
*/

/***
Sends a datagram; waits while the send buffer is full.
@function sendto
@tparam string data up to 65,507 bytes (65,527 by IPv6)
@param to an address; or `"host:port"`; or a host, numeric, followed by a port
@tparam[opt] integer port 1 to 65535
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
  int n = checkdestination(L, s, "sendto", &to);
  if (n != 0)
    return n;
  struct iovec iov = datagram(data, len);
  Train t = {&iov, 1, len};
  int err = sendtrain(L, s, &t, &to);
  if (err != 0)
    return sendfailed(L, s, "sendto", &to, err);
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

/* Gathers datagrams of one size from the list, at most a train; the strings are
   left on the stack. */
static void gather(lua_State *L, const mcast_Socket *s, lua_Integer first,
                   lua_Integer last, Train *t) {
  size_t len, total = 0;
  for (t->n = 0; first + t->n <= last; t->n++, total += len) {
    lua_rawgeti(L, 2, first + t->n);
    const char *data = luaL_checklstring(L, -1, &len);
    if (t->n > 0 &&
        (len != t->segment || t->n == s->train.maxcount || len == 0 ||
         len > s->train.maxsegment || total + len > MAX_INET))
      break;
    t->datagrams[t->n] = datagram(data, len);
    t->segment = len;
  }
}

/* A train failed, where its datagrams might not: lowers the limits to those of
   the kernel and the device. Errors other than these are final. */
static bool lower(mcast_Socket *s, const Train *t, int err) {
  if (t->n == 1)
    return false;
  if (err == EMSGSIZE)
    s->train.maxsegment = t->segment - 1; /* more than fits the MTU */
  else if (err == EINVAL && t->n > MCAST_OLDTRAIN)
    s->train.maxcount = MCAST_OLDTRAIN;
  else if (err == EINVAL || err == EIO || err == ENOPROTOOPT ||
           err == EOPNOTSUPP)
    s->train.maxcount = 1;
  else
    return false;
  return true;
}

void mcast_initsending(mcast_Socket *s) {
  s->train.maxcount = MCAST_MAXTRAIN;
  s->train.maxsegment = MAX_INET;
}

/* Sends the list at 2; counts the datagrams sent. 0 or errno. */
static int sendlist(lua_State *L, mcast_Socket *s, mcast_Sockaddr *to,
                    lua_Integer *sent) {
  struct iovec datagrams[MCAST_MAXTRAIN];
  Train t = {datagrams, 0, 0};
  lua_Integer count = (lua_Integer)lua_rawlen(L, 2);
  int top = lua_gettop(L), err = 0;
  luaL_checkstack(L, MCAST_MAXTRAIN + LUA_MINSTACK, "too many datagrams");
  while (*sent < count && err == 0) {
    gather(L, s, *sent + 1, count, &t);
    err = sendtrain(L, s, &t, to);
    if (err == 0)
      *sent += t.n;
    else if (lower(s, &t, err))
      err = 0;
    lua_settop(L, top);
  }
  if (err != 0)
    mcast_initsending(s); /* the limits found may be due to the failure */
  return err;
}

/***
Sends the datagrams of a list, in order. Runs of datagrams of one size go as one
train (UDP segmentation offload) where the system can, which changes only the
speed.
@function sendmany
@tparam {string,...} list
@param to as for `sendto`
@tparam[opt] integer port
@treturn integer|nil how many were sent; nil where the first already failed
@treturn ?string message, where not all were sent
@treturn ?integer errno
@usage assert(sock:sendmany({ "one", "two" }, "224.3.29.71", 10000) == 2)
@follows sendmsg(2), udp(7)
*/
int mcast_sendmany(lua_State *L) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  mcast_Sockaddr to;
  lua_Integer sent = 0;
  checklist(L, 2);
  int n = checkdestination(L, s, "sendmany", &to);
  if (n != 0)
    return n;
  int err = sendlist(L, s, &to, &sent);
  if (err != 0)
    n = sendfailed(L, s, "sendmany", &to, err);
  if (err != 0 && sent == 0)
    return n;
  lua_pushinteger(L, sent);
  if (err == 0)
    return 1;
  lua_replace(L, -n - 1); /* the nil of the failure */
  return n;
}
