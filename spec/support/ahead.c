/*
** A library to preload: the host's wall clock is ahead by MCAST_AHEAD nanoseconds,
** for programs and for the kernel's times of datagrams. A time namespace sets
** monotonic clocks only.
*/
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void shift(struct timespec *t) {
  const char *text = getenv("MCAST_AHEAD");
  long long ahead = text != NULL ? atoll(text) : 0;
  long long now = t->tv_sec * 1000000000LL + t->tv_nsec + ahead;
  t->tv_sec = (time_t)(now / 1000000000);
  t->tv_nsec = (long)(now % 1000000000);
}

int clock_gettime(clockid_t clock, struct timespec *t) {
  int status = (int)syscall(SYS_clock_gettime, clock, t);
  if (status == 0 && clock == CLOCK_REALTIME)
    shift(t);
  return status;
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags) {
  ssize_t n = syscall(SYS_recvmsg, fd, msg, flags);
  for (struct cmsghdr *c = n >= 0 ? CMSG_FIRSTHDR(msg) : NULL; c != NULL;
       c = CMSG_NXTHDR(msg, c))
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
      struct timespec t;
      memcpy(&t, CMSG_DATA(c), sizeof t);
      shift(&t);
      memcpy(CMSG_DATA(c), &t, sizeof t);
    }
  return n;
}
