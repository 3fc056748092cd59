/*
** Receiving with ancillary data: the metadata of a datagram, and the check of its
** group where the kernel's lets in too much.
*/
#include "mcast.h"

/* Asks for ancillary data, if it is available on this system: 0 or errno. */
static int ask(const mcast_Socket *s, int level, int name) {
  int on = 1;
  if (name == MCAST_NONE ||
      sys_setsockopt(s->fd, level, name, &on, sizeof on) == 0 ||
      errno == ENOPROTOOPT)
    return 0;
  return errno;
}

static int askmetadata(const mcast_Socket *s) {
  int err = ask(s, IPPROTO_IP, IP_RECVTTL); /* inet6 may receive IPv4, too */
  if (err == 0)
    err = ask(s, IPPROTO_IP, MCAST_IP_RECVTOS);
  if (err == 0 && s->family == AF_INET6)
    err = ask(s, IPPROTO_IPV6, IPV6_RECVHOPLIMIT);
  if (err == 0 && s->family == AF_INET6)
    err = ask(s, IPPROTO_IPV6, IPV6_RECVTCLASS);
  if (err == 0)
    err = ask(s, SOL_SOCKET, MCAST_SO_TIMESTAMP);
  return err != 0 ? err : ask(s, SOL_SOCKET, MCAST_SO_OVERFLOW);
}

/* Turns on the ancillary data that this socket uses: 0 or errno. */
int mcast_askancillary(const mcast_Socket *s) {
  int err = 0;
  if (s->options.filtering || s->options.metadata)
    err = s->family == AF_INET ? ask(s, IPPROTO_IP, IP_PKTINFO)
                               : ask(s, IPPROTO_IPV6, IPV6_RECVPKTINFO);
  return err == 0 && s->options.metadata ? askmetadata(s) : err;
}

/* An int on Linux, a byte on BSD systems; the TOS is a byte on all. */
static int readbyte(const struct cmsghdr *c) {
  unsigned char byte;
  int value;
  if (c->cmsg_len >= CMSG_LEN(sizeof value)) {
    memcpy(&value, CMSG_DATA(c), sizeof value);
    return value;
  }
  memcpy(&byte, CMSG_DATA(c), sizeof byte);
  return byte;
}

static void readinet(mcast_Arrival *a, const struct cmsghdr *c) {
  struct in_pktinfo info;
  if (c->cmsg_type == IP_PKTINFO && c->cmsg_len >= CMSG_LEN(sizeof info)) {
    memcpy(&info, CMSG_DATA(c), sizeof info);
    mcast_anyaddress(AF_INET, 0, &a->group);
    a->group.in.sin_addr = info.ipi_addr;
    a->index = (unsigned)info.ipi_ifindex;
  } else if ((c->cmsg_type == IP_TTL || c->cmsg_type == IP_RECVTTL) &&
             c->cmsg_len >= CMSG_LEN(1)) {
    a->ttl = readbyte(c);
  } else if ((c->cmsg_type == IP_TOS || c->cmsg_type == MCAST_IP_RECVTOS) &&
             c->cmsg_len >= CMSG_LEN(1)) {
    a->tclass = readbyte(c);
  }
}

static void readinet6(mcast_Arrival *a, const struct cmsghdr *c) {
  struct in6_pktinfo info;
  if (c->cmsg_type == IPV6_PKTINFO && c->cmsg_len >= CMSG_LEN(sizeof info)) {
    memcpy(&info, CMSG_DATA(c), sizeof info);
    mcast_anyaddress(AF_INET6, 0, &a->group);
    a->group.in6.sin6_addr = info.ipi6_addr;
    a->index = info.ipi6_ifindex;
  } else if (c->cmsg_type == IPV6_HOPLIMIT &&
             c->cmsg_len >= CMSG_LEN(sizeof a->ttl)) {
    memcpy(&a->ttl, CMSG_DATA(c), sizeof a->ttl);
  } else if (c->cmsg_type == IPV6_TCLASS &&
             c->cmsg_len >= CMSG_LEN(sizeof a->tclass)) {
    memcpy(&a->tclass, CMSG_DATA(c), sizeof a->tclass);
  }
}

static void readsocket(mcast_Arrival *a, const struct cmsghdr *c) {
  sys_Timestamp time;
  if (c->cmsg_type == MCAST_SCM_TIMESTAMP &&
      c->cmsg_len >= CMSG_LEN(sizeof time)) {
    memcpy(&time, CMSG_DATA(c), sizeof time);
    a->nanoseconds = sys_nanoseconds(time);
    const int64_t seconds = a->nanoseconds / 1000000000;
    a->time = (double)seconds + (double)(a->nanoseconds % 1000000000) / 1e9;
  } else if (c->cmsg_type == MCAST_SO_OVERFLOW &&
             c->cmsg_len >= CMSG_LEN(sizeof a->dropped)) {
    memcpy(&a->dropped, CMSG_DATA(c), sizeof a->dropped);
  }
}

static void readtrain(mcast_Arrival *a, const struct cmsghdr *c) {
  int segment;
  if (c->cmsg_type == MCAST_UDP_GRO &&
      c->cmsg_len >= CMSG_LEN(sizeof segment)) {
    memcpy(&segment, CMSG_DATA(c), sizeof segment);
    a->segment = segment > 0 ? (size_t)segment : 0;
  }
}

/* Does it end within the control data? (glibc's macros do not check the first
   message, musl's none.) */
static bool iswhole(const struct msghdr *msg, const struct cmsghdr *c) {
  ptrdiff_t offset = (const char *)c - (const char *)msg->msg_control;
  return c->cmsg_len <= (size_t)msg->msg_controllen - (size_t)offset;
}

static void readancillary(mcast_Arrival *a, struct msghdr *msg) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL && iswhole(msg, c);
       c = sys_nextcmsg(msg, c)) {
    if (c->cmsg_level == IPPROTO_IP)
      readinet(a, c);
    else if (c->cmsg_level == IPPROTO_IPV6)
      readinet6(a, c);
    else if (c->cmsg_level == SOL_SOCKET)
      readsocket(a, c);
    else if (c->cmsg_level == IPPROTO_UDP)
      readtrain(a, c);
  }
}

/* Receives a datagram and its ancillary data, without waiting. */
ssize_t mcast_receive(const mcast_Socket *s, mcast_Arrival *a,
                      struct iovec buffer, int flags) {
  union {
    struct cmsghdr align;
    char bytes[512]; /* cppcheck-suppress unusedStructMember ; it is room */
  } control;
  struct msghdr msg;
  memset(&msg, 0, sizeof msg);
  msg.msg_name = &a->from;
  msg.msg_namelen = sizeof a->from;
  msg.msg_iov = &buffer;
  msg.msg_iovlen = 1;
  msg.msg_control = &control;
  msg.msg_controllen = sizeof control;
  ssize_t n = sys_recvmsg(s->fd, &msg, MSG_DONTWAIT | flags);
  memset(&a->group, 0, sizeof *a - offsetof(mcast_Arrival, group));
  a->ttl = a->tclass = -1;
  if (n >= 0)
    readancillary(a, &msg);
  return n;
}

/*
** Foreign datagrams: the kernel's check of groups lets them in (options.filtering).
*/

/* Was it sent to a group that this socket did not join on that interface (unless
   by `all`), or by a source that its filter there excludes? */
bool mcast_isforeign(const mcast_Socket *s, const mcast_Arrival *a) {
  if (a->group.sa.sa_family != s->family || !mcast_ismulticast(&a->group))
    return false;
  mcast_Membership *m = mcast_findmember(s, &a->group, a->index);
  return m == NULL ? !s->options.all : !mcast_hears(s, m, &a->from);
}

#define SMALLEST 256 /* bytes that a queued datagram costs at least */

/* The number of datagrams that the receive buffer has room for. */
int mcast_getcapacity(const mcast_Socket *s) {
  int bytes = 0;
  socklen_t len = sizeof bytes;
  if (sys_getsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &bytes, &len) != 0)
    return 1;
  return bytes / SMALLEST + 1;
}

/* Is a datagram for the script queued? Discards foreign ones before it, at most
   as many as the queue has room for: others may arrive meanwhile. */
bool mcast_skipforeign(const mcast_Socket *s) {
  mcast_Arrival a;
  char byte;
  for (int left = -1; left != 0; left--) {
    ssize_t n = mcast_receive(s, &a, (struct iovec){&byte, 1}, MSG_PEEK);
    if (n < 0)
      return errno != EAGAIN && errno != EWOULDBLOCK;
    if (!mcast_isforeign(s, &a))
      return true;
    (void)sys_recvfrom(s->fd, &byte, 1, MSG_DONTWAIT, NULL, NULL);
    left = left < 0 ? mcast_getcapacity(s) : left;
  }
  return false;
}
