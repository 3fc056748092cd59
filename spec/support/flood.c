/*
** A library to preload: datagrams to a group that the socket did not join are
** always there, more than a socket can discard.
*/
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

ssize_t recvmsg(int fd, struct msghdr *msg, int flags) {
  struct in6_pktinfo info = {{{{0xff, 0x15}}}, 1};
  struct cmsghdr *c = CMSG_FIRSTHDR(msg);
  (void)fd, (void)flags;
  c->cmsg_level = IPPROTO_IPV6;
  c->cmsg_type = IPV6_PKTINFO;
  c->cmsg_len = CMSG_LEN(sizeof info);
  memcpy(CMSG_DATA(c), &info, sizeof info);
  msg->msg_controllen = CMSG_SPACE(sizeof info);
  return 1;
}

int poll(struct pollfd *fds, nfds_t n, int timeout) {
  (void)timeout;
  for (nfds_t i = 0; i < n; i++)
    fds[i].revents = fds[i].events;
  return (int)n;
}

int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
          const sigset_t *mask) {
  (void)timeout, (void)mask;
  return poll(fds, n, 0);
}
