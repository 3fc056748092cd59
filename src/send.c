/***
@classmod socket
*/
#include "mcast.h"

/* Bytes of data: 65,535 less the headers of IPv4 and UDP, or of UDP. */
#define MAX_INET 65507
#define MAX_INET6 65527

/* A call of sendto or sendmany. */
typedef struct Call {
  const char *name;
  mcast_Sockaddr to;
  mcast_Choice *choice; /* NULL: none */
  int64_t deadline;     /* below 0: not known yet */
} Call;

/* Finds the way of a datagram to a group as the system will: 0 or errno. */
static int findway(const mcast_Socket *s, const Call *c, mcast_Way *way) {
  unsigned device;
  mcast_Way named;
  int err = mcast_findway(s, &c->to, way);
  if (err == 0)
    err = sys_deviceindex(s->fd, &device);
  if (err == 0 && device != 0 &&
      mcast_getzone(&c->to) == 0) /* a zone comes first */
    way->index = device;
  if (err != 0 || !mcast_nameway(s, &c->to, c->choice, &named))
    return err;
  if (named.index != 0)
    way->index = named.index;
  way->source = named.source;
  return 0;
}

static bool isv6only(const mcast_Socket *s) {
  int v6only = 0;
  socklen_t len = sizeof v6only;
  return sys_getsockopt(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, &len) == 0 &&
         v6only != 0;
}

static bool isdevicegone(const mcast_Socket *s) {
  unsigned device;
  return sys_deviceindex(s->fd, &device) == ENODEV;
}

/* Why a send found no way; NULL: the message alone. */
static const char *explainway(lua_State *L, const mcast_Socket *s,
                              const Call *c, int err) {
  mcast_Way way;
  const char *cause = NULL;
  if (mcast_ismissing(err) && mcast_ismapped(&c->to) && isv6only(s))
    cause = "an IPv4 address needs v6only = false";
  else if (mcast_ismissing(err) && isdevicegone(s))
    cause = "the device is gone: set the option 'device' again";
  else if (c->choice != NULL)
    cause = mcast_explainchoice(L, s, c->choice, err);
  if (cause == NULL && mcast_findway(s, &c->to, &way) == 0)
    cause = mcast_explainsend(L, s, &c->to, &way, err);
  return mcast_explained(L, err, cause);
}

/* The MTU of the way; 0: unknown. */
static int findmtu(const mcast_Socket *s, const Call *c) {
  mcast_Way way;
  memset(&way, 0, sizeof way);
  if (mcast_ismulticast(&c->to) ? findway(s, c, &way) != 0
                                : !mcast_nameway(s, &c->to, c->choice, &way))
    memset(&way, 0, sizeof way);
  mcast_setport(&way.source, 0); /* a bound one is in use */
  return sys_pathmtu(
      s->fd, &c->to.sa,
      way.source.sa.sa_family != AF_UNSPEC ? &way.source.sa : NULL, way.index);
}

/* The most bytes of a datagram. mtu: that of its way, where nothing is cut; else 0. */
static int findlimit(const mcast_Socket *s, const Call *c, int *mtu) {
  bool inet = s->family == AF_INET || mcast_ismapped(&c->to);
  int limit = inet ? MAX_INET : MAX_INET6;
  *mtu = s->options.whole ? findmtu(s, c) : 0;
  int room = *mtu - (inet ? 28 : 48); /* headers of IP and UDP */
  return *mtu != 0 && room < limit ? room : limit;
}

static const char *explainsize(lua_State *L, const mcast_Socket *s,
                               const Call *c) {
  int mtu, limit = findlimit(s, c, &mtu);
  if (mtu == 0)
    return lua_pushfstring(L, "%s (%d bytes is the limit of a datagram)",
                           strerror(EMSGSIZE), limit);
  return lua_pushfstring(
      L, "%s (%d bytes is the limit with fragment = false: the MTU is %d)",
      strerror(EMSGSIZE), limit, mtu);
}

/* An IPv4 group as an IPv6 address: ttl and interface would not apply. */
static bool ismappedgroup(const mcast_Sockaddr *a) {
  mcast_Sockaddr host = mcast_unmapped(a);
  return mcast_ismapped(a) && mcast_ismulticast(&host);
}

/* The system's message for err and a fix; NULL: the message alone. */
static const char *explain(lua_State *L, const mcast_Socket *s, const Call *c,
                           int err) {
  bool inet = s->family == AF_INET;
  if (err == EMSGSIZE)
    return explainsize(L, s, c);
  if (err == EAFNOSUPPORT && c->to.sa.sa_family == s->family &&
      !ismappedgroup(&c->to))
    return "the socket is bound to an IPv4 address, and sends to no others";
  if (err == EAFNOSUPPORT)
    return lua_pushfstring(L, "the socket is %s (make it with family = \"%s\")",
                           mcast_familyname(s->family),
                           inet ? "inet6" : "inet");
  if (err == ENOENT && s->options.hostonly)
    return "ttl 0 needs /proc/net/mcfilter6, the sources of IPv6 groups (mount "
           "/proc, or use interface = \"lo\")";
  if (mcast_getport(&c->to) == 0)
    return "port 0 cannot be sent to";
  return explainway(L, s, c, err);
}

static int sendfailed(lua_State *L, const mcast_Socket *s, const Call *c,
                      int err) {
  if (err == ETIMEDOUT)
    return mcast_timedout(L);
  mcast_checkopen(L, s); /* a finalizer may have closed it */
  mcast_pushaddress(L, &c->to);
  const char *text = luaL_tolstring(L, -1, NULL);
  const char *why = explain(L, s, c, err);
  return mcast_fail(L, err, lua_pushfstring(L, "%s %s", c->name, text), why);
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

/* IPv6 sends by no other interface than the device, save a port of it; a zone comes
   before the device. */
static bool isoffdevice(const mcast_Socket *s, const Call *c, unsigned index) {
  unsigned device = 0;
  return index != 0 && mcast_getzone(&c->to) == 0 &&
         sys_deviceindex(s->fd, &device) == 0 && device != 0 &&
         device != index && !sys_isport(index, device);
}

/* Fails as the system does with a datagram of any other TTL: 0 or errno. */
static int checkwithheld(const mcast_Socket *s, const Train *t, const Call *c) {
  bool inet6 = c->to.sa.sa_family == AF_INET6;
  mcast_Way way;
  int mtu;
  if (inet6 && mcast_nameway(s, &c->to, c->choice, &way) &&
      (mcast_isgone(&way.source) || isoffdevice(s, c, way.index)))
    return EINVAL;
  return t->segment > (size_t)findlimit(s, c, &mtu) ? EMSGSIZE : 0;
}

/* A datagram of TTL 0 is for this host: where the system would let it out, it is
   not sent. Returns 1: to be sent, 0: not to be sent, -1: failure, errno set. */
static int holdback(mcast_Socket *s, const Train *t, const Call *c) {
  bool inet6 = c->to.sa.sa_family == AF_INET6;
  mcast_Way way;
  int loop = 0;
  socklen_t len = sizeof loop;
  errno = findway(s, c, &way);
  if (errno == 0 && mcast_ismapped(&way.source))
    return 1; /* sending fails, and says why */
  if (errno != 0 ||
      sys_getsockopt(s->fd, inet6 ? IPPROTO_IPV6 : IPPROTO_IP,
                     inet6 ? IPV6_MULTICAST_LOOP : IP_MULTICAST_LOOP, &loop,
                     &len) != 0)
    return -1;
  int stays =
      sys_stays(&s->asker, &c->to.sa,
                way.source.sa.sa_family != AF_UNSPEC ? &way.source.sa : NULL,
                way.index, loop != 0);
  if (stays == 0)
    errno = checkwithheld(s, t, c);
  return stays == 0 && errno != 0 ? -1 : stays;
}

static bool ishostonly(const mcast_Socket *s, const Call *c) {
  return MCAST_TTL0LEAVES && s->options.hostonly && mcast_ismulticast(&c->to) &&
         (c->choice == NULL || c->choice->ttl == 0);
}

static ssize_t sendmessage(const mcast_Socket *s, const Train *t, Call *c,
                           const mcast_Way *way) {
  mcast_Control control;
  struct msghdr msg;
  uint16_t segment = (uint16_t)t->segment;
  memset(&control, 0, sizeof control);
  memset(&msg, 0, sizeof msg);
  mcast_addchoice(&control, &c->to, c->choice, way);
  if (t->n > 1)
    mcast_addcontrol(&control, IPPROTO_UDP, MCAST_UDP_SEGMENT, &segment,
                     sizeof segment);
  msg.msg_name = &c->to;
  msg.msg_namelen = mcast_addresslen(&c->to);
  msg.msg_iov = t->datagrams;
  sys_setlen(msg.msg_iovlen, t->n);
  if (control.len > 0)
    msg.msg_control = control.bytes;
  sys_setlen(msg.msg_controllen, control.len);
  return sys_sendmsg(s->fd, &msg, MSG_DONTWAIT);
}

static ssize_t transmit(mcast_Socket *s, const Train *t, Call *c) {
  mcast_Way way;
  if (ishostonly(s, c)) {
    int status = holdback(s, t, c);
    if (status <= 0)
      return status;
  }
  if (t->n == 1 && c->choice == NULL && !mcast_namessource(s, &c->to))
    return sys_sendto(s->fd, t->datagrams->iov_base, t->segment, MSG_DONTWAIT,
                      &c->to.sa, mcast_addresslen(&c->to));
  bool named = mcast_nameway(s, &c->to, c->choice, &way);
  return sendmessage(s, t, c, named ? &way : NULL);
}

/* Returns 0 to try again, ETIMEDOUT, or the system's error. */
static int retry(lua_State *L, mcast_Socket *s, Call *c, int err,
                 bool *renewed) {
  if (err == EAGAIN || err == EWOULDBLOCK || err == EINTR) {
    err = mcast_waitforroom(
        L, s, err, c->choice != NULL ? c->choice->timeout : MCAST_FOREVER,
        &c->deadline);
    s->loop.full = err == ETIMEDOUT;
    return err;
  }
  int now = c->choice != NULL ? mcast_renewchoice(L, s, c->choice, err) : err;
  if (now == err && !*renewed) {
    now = mcast_renewsource(s, &c->to, err);
    *renewed = now == 0;
  }
  return now;
}

/* Sends a train; waits while the send buffer is full. 0 or errno. */
static int sendtrain(lua_State *L, mcast_Socket *s, const Train *t, Call *c) {
  bool renewed = false;
  while (transmit(s, t, c) < 0) {
    int err = retry(L, s, c, errno, &renewed);
    if (err != 0)
      return err;
  }
  s->count.sent += t->n;
  s->loop.full = false;
  return 0;
}

static struct iovec datagram(const char *data, size_t len) {
  return (struct iovec){(void *)(uintptr_t)data, len};
}

/* Reads the destination from 3 on, and a table behind it: 0, or the number of
   results of a failure. */
static int readcall(lua_State *L, mcast_Socket *s, Call *c,
                    mcast_Choice *choice) {
  if (lua_istable(L, 4)) {
    lua_pushnil(L); /* no port */
    lua_insert(L, 4);
  }
  int n = mcast_checkaddress(L, 3, &c->to);
  if (n != 0 || lua_isnoneornil(L, 5))
    return n;
  c->choice = choice;
  *choice = (mcast_Choice){.name = c->name, .to = &c->to, .table = 5};
  return mcast_checkchoice(L, s, choice);
}

/* The same, with checks. An address alone is not looked up twice. */
static int checkcall(lua_State *L, mcast_Socket *s, Call *c,
                     mcast_Choice *choice) {
  const mcast_Sockaddr *alone = lua_isnone(L, 4) ? mcast_toaddress(L, 3) : NULL;
  int n = 0;
  c->choice = NULL;
  c->deadline = -1;
  if (alone != NULL)
    c->to = *alone;
  else
    n = readcall(L, s, c, choice);
  if (n != 0)
    return n;
  if (c->to.sa.sa_family != s->family || ismappedgroup(&c->to))
    return sendfailed(L, s, c, EAFNOSUPPORT);
  return mcast_getport(&c->to) == 0 ? sendfailed(L, s, c, EINVAL) : 0;
}

/***
Send
@section send
*/

/***
Sends a datagram; waits while the send buffer is full. Options may follow the
address: they are for this datagram alone, leave the socket as it is, and cost
little (they are ancillary data). The socket looks up an interface once, and again
after a send by it failed: until then it does not notice that the name became
another interface's.
@function sendto
@tparam string data up to 65,507 bytes (65,527 by IPv6)
@param to an address; or `"host:port"`; or a host, numeric, followed by a port
@tparam[opt] integer port 1 to 65535
@tparam[opt] table options
@tparam[opt] string|integer|address options.interface name, index or own address
of the interface to send by, to groups and hosts; it sets the source to groups,
too, as the socket's option does (default, and `""`: the socket's)
@tparam[opt] string|address options.source the unicast address of this host to
send from
@tparam[opt] integer options.ttl hops, 1 to 255 (Linux accepts no 0 here)
@tparam[opt] number options.timeout seconds to wait at most while the send buffer
is full; 0 or less does not wait
@treturn integer|nil bytes sent
@treturn ?string message (`"timeout"`)
@treturn ?integer errno: `EMSGSIZE`, too long; `ENETUNREACH`, no route, or the
interface is down; `EAFNOSUPPORT`, an address of the other family; `ETIMEDOUT` ...
@raise for an unknown option, and for one out of range: a group as `source` ...
@usage
assert(sock:sendto("very important data", "224.3.29.71", 10000))
assert(sock:sendto("very important data", "224.3.29.71", 10000, { interface = "lo", ttl = 3 }))
@follows sendto(2), ip(7), ipv6(7)
*/
int mcast_sendto(lua_State *L) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  mcast_Choice choice;
  Call c;
  size_t len;
  const char *data = luaL_checklstring(L, 2, &len);
  c.name = "sendto";
  int n = checkcall(L, s, &c, &choice);
  if (n != 0)
    return n;
  struct iovec iov = datagram(data, len);
  Train t = {&iov, 1, len};
  int err = sendtrain(L, s, &t, &c);
  if (err != 0)
    return sendfailed(L, s, &c, err);
  lua_pushinteger(L, (lua_Integer)len);
  return 1;
}

static void checklist(lua_State *L, int arg) {
  luaL_checktype(L, arg, LUA_TTABLE);
  lua_Unsigned n = lua_rawlen(L, arg);
  for (lua_Unsigned i = 1; i <= n; i++) {
    lua_rawgeti(L, arg, (lua_Integer)i);
    if (lua_type(L, -1) != LUA_TSTRING)
      mcast_baditem(L, arg, i, "string");
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
static int sendlist(lua_State *L, mcast_Socket *s, Call *c, lua_Integer *sent) {
  struct iovec datagrams[MCAST_MAXTRAIN];
  Train t = {datagrams, 0, 0};
  lua_Integer count = (lua_Integer)lua_rawlen(L, 2);
  int top = lua_gettop(L), err = 0;
  luaL_checkstack(L, MCAST_MAXTRAIN + LUA_MINSTACK, "too many datagrams");
  while (*sent < count && err == 0) {
    gather(L, s, *sent + 1, count, &t);
    err = sendtrain(L, s, &t, c);
    if (err == 0)
      *sent += t.n;
    else if (lower(s, &t, err))
      err = 0;
    lua_settop(L, top);
  }
  if (err != 0 && err != ETIMEDOUT)
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
@tparam[opt] table options as for `sendto`; `timeout` is for all of them together
@treturn integer|nil how many were sent; nil where the first already failed
@treturn ?string message, where not all were sent
@treturn ?integer errno
@usage assert(sock:sendmany({ "one", "two" }, "224.3.29.71", 10000) == 2)
@follows sendmsg(2), udp(7)
*/
int mcast_sendmany(lua_State *L) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  mcast_Choice choice;
  Call c;
  lua_Integer sent = 0;
  checklist(L, 2);
  c.name = "sendmany";
  int n = checkcall(L, s, &c, &choice);
  if (n != 0)
    return n;
  int err = sendlist(L, s, &c, &sent);
  if (err != 0)
    n = sendfailed(L, s, &c, err);
  if (err != 0 && sent == 0)
    return n;
  lua_pushinteger(L, sent);
  if (err == 0)
    return 1;
  lua_replace(L, -n - 1); /* the nil of the failure */
  return n;
}
