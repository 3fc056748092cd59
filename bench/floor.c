/*
** The floor: the same cases in plain C. Prints a line "name value" for each figure,
** in nanoseconds per datagram unless stated.
** usage: floor case size count
*/
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BURST 64
#define CHECK(x) ((x) < 0 ? (perror(#x), exit(1)) : (void)0)

static char data[65536];
static struct sockaddr_in to;
static int sender, receiver;

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The time between two successive readings of the clock. */
static double clockcost(void) {
  int64_t total = 0;
  for (int i = 0; i < 100000; i++) {
    int64_t start = now();
    total += now() - start;
  }
  return (double)total / 100000;
}

static int open_receiver(int port) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1, buffer = 4 << 20;
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct ip_mreqn group = {.imr_ifindex = 1};
  inet_pton(AF_INET, "239.1.2.3", &group.imr_multiaddr);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  CHECK(bind(fd, (struct sockaddr *)&any, sizeof any));
  CHECK(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group));
  return fd;
}

static void setup(void) {
  socklen_t len = sizeof to;
  sender = socket(AF_INET, SOCK_DGRAM, 0);
  receiver = open_receiver(0);
  CHECK(getsockname(receiver, (struct sockaddr *)&to, &len));
  inet_pton(AF_INET, "239.1.2.3", &to.sin_addr);
}

static void send_one(size_t size) {
  CHECK(sendto(sender, data, size, 0, (struct sockaddr *)&to, sizeof to));
}

static void receive_one(void) {
  struct sockaddr_in from;
  socklen_t len = sizeof from;
  CHECK(
      recvfrom(receiver, data, sizeof data, 0, (struct sockaddr *)&from, &len));
}

static void receive_message(void) {
  struct sockaddr_in from;
  char control[512];
  struct iovec iov = {data, sizeof data};
  struct msghdr msg = {&from, sizeof from, &iov, 1, control, sizeof control, 0};
  volatile int seen = 0;
  CHECK(recvmsg(receiver, &msg, 0));
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
    seen += c->cmsg_type;
}

/* Sends n, then receives n, repeatedly. */
static void rounds(int n, size_t size, int count, void (*receive)(void)) {
  int64_t sending = 0, receiving = 0;
  double cost = clockcost();
  for (int done = 0; done < count; done += n) {
    int64_t start = now();
    for (int i = 0; i < n; i++)
      send_one(size);
    int64_t middle = now();
    for (int i = 0; i < n; i++)
      receive();
    receiving += now() - middle;
    sending += middle - start;
  }
  printf("send %.1f\nreceive %.1f\n", (double)sending / count - cost / n,
         (double)receiving / count - cost / n);
}

static void lone(size_t size, int count) {
  rounds(1, size, count, receive_one);
}

static void burst(size_t size, int count) {
  rounds(BURST, size, count, receive_one);
}

static void message(size_t size, int count) {
  int on = 1;
  setsockopt(receiver, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  setsockopt(receiver, IPPROTO_IP, IP_RECVTTL, &on, sizeof on);
  setsockopt(receiver, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  setsockopt(receiver, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
  rounds(1, size, count, receive_message);
}

/* Sends n datagrams by one call; the kernel segments them. */
static void send_train(size_t size, int n) {
  char control[CMSG_SPACE(sizeof(uint16_t))] = {0};
  struct iovec iov = {data, size * (size_t)n};
  struct msghdr msg = {&to, sizeof to, &iov, 1, control, sizeof control, 0};
  struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
  c->cmsg_level = IPPROTO_UDP;
  c->cmsg_type = 103; /* UDP_SEGMENT */
  c->cmsg_len = CMSG_LEN(sizeof(uint16_t));
  *(uint16_t *)(void *)CMSG_DATA(c) = (uint16_t)size;
  CHECK(sendmsg(sender, &msg, 0));
}

static int longest_train(size_t size) {
  int n = (int)(65507 / size);
  return n > BURST ? BURST : n;
}

/* The cost of offload in C: trains, received one by one. */
static void train(size_t size, int count) {
  int64_t sending = 0, receiving = 0;
  int n = longest_train(size), done = 0;
  for (; done < count; done += n) {
    int64_t start = now();
    send_train(size, n);
    int64_t middle = now();
    for (int i = 0; i < n; i++)
      receive_one();
    receiving += now() - middle;
    sending += middle - start;
  }
  printf("send %.1f\nreceive %.1f\n", (double)sending / done,
         (double)receiving / done);
}

/* Floods port 10020 by segmentation offload, at full speed. */
static void flood(size_t size, int count) {
  int n = longest_train(size), sent = 0;
  to.sin_port = htons(10020);
  int64_t start = now();
  for (; sent < count; sent += n)
    send_train(size, n);
  printf("sent %d\nrate %.0f\n", sent, sent / ((double)(now() - start) / 1e9));
}

/* Receives a flood in trains until its end, and only counts. */
static void hear(size_t size, int count) {
  int fd = open_receiver(10020), on = 1, received = 0;
  struct timeval patience = {10, 0};
  int64_t start = 0, last = 0;
  ssize_t n;
  (void)count;
  setsockopt(fd, IPPROTO_UDP, 104 /* UDP_GRO */, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  puts("ready");
  fflush(stdout);
  patience.tv_sec = 1;
  while ((n = recv(fd, data, sizeof data, 0)) > 0) {
    last = now();
    if (received == 0) {
      start = last;
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    received += (int)((size_t)n / size);
  }
  printf("received %d\nseconds %.6f\n", received, (double)(last - start) / 1e9);
}

static bool spinning;

static void wait_for(int fd) {
  struct pollfd p = {fd, POLLIN, 0};
  while (poll(&p, 1, spinning ? 0 : -1) == 0)
    ;
}

/* Answers count datagrams on port 10021. */
static void answer(size_t size, int count) {
  int fd = open_receiver(10021);
  puts("ready");
  fflush(stdout);
  for (int i = 0; i < count; i++) {
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    wait_for(fd);
    CHECK(recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&from, &len));
    CHECK(sendto(fd, data, size, 0, (struct sockaddr *)&from, sizeof from));
  }
}

static int compare(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? -1 : x > y;
}

static void quantiles(int64_t *t, int n) {
  qsort(t, (size_t)n, sizeof *t, compare);
  printf("p50 %ld\np99 %ld\nmin %ld\n", (long)t[n / 2], (long)t[n * 99 / 100],
         (long)t[0]);
}

static void ask(size_t size, int count) {
  int64_t *took = calloc((size_t)count, sizeof *took);
  to.sin_port = htons(10021);
  for (int i = 0; i < count; i++) {
    int64_t start = now();
    send_one(size);
    wait_for(sender);
    CHECK(recv(sender, data, sizeof data, 0));
    took[i] = now() - start;
  }
  quantiles(took, count);
  free(took);
}

/* size is the wait in microseconds; prints how late one ppoll returns. */
static void waiting(size_t size, int count) {
  int64_t *late = calloc((size_t)count, sizeof *late),
          ns = (int64_t)size * 1000;
  struct timespec t = {ns / 1000000000, ns % 1000000000};
  for (int i = 0; i < count; i++) {
    int64_t start = now();
    ppoll(NULL, 0, &t, NULL);
    late[i] = now() - start - ns;
  }
  quantiles(late, count);
  free(late);
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*run)(size_t size, int count);
  } cases[] = {{"lone", lone},     {"burst", burst}, {"message", message},
               {"train", train},   {"flood", flood}, {"hear", hear},
               {"answer", answer}, {"ask", ask},     {"wait", waiting}};
  if (argc < 4)
    return 2;
  spinning = argc > 4;
  setup();
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    if (strcmp(cases[i].name, argv[1]) == 0) {
      cases[i].run((size_t)atol(argv[2]), atoi(argv[3]));
      return 0;
    }
  return 2;
}
