/*
** Prints a line "name value" for each figure of a case, in nanoseconds per datagram
** unless stated. MCAST_LAYOUT in the environment is where data begin in their page.
** usage: floor case size count
*/
#include "floor.h"

#define BATCH 512 /* datagrams: see worker.lua */
#define UDP_SEGMENT 103
#define UDP_GRO 104

static char storage[65536 + 4096] __attribute__((aligned(4096)));
char *data = storage;
struct sockaddr_in to;
int sender;
static int receiver;

int64_t now(void) {
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

int open_receiver(int port) {
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
  const char *layout = getenv("MCAST_LAYOUT");
  if (layout != NULL)
    data += atoi(layout) % 4096;
  sender = socket(AF_INET, SOCK_DGRAM, 0);
  receiver = open_receiver(0);
  CHECK(getsockname(receiver, (struct sockaddr *)&to, &len));
  inet_pton(AF_INET, "239.1.2.3", &to.sin_addr);
}

void send_one(size_t size) {
  CHECK(sendto(sender, data, size, 0, (struct sockaddr *)&to, sizeof to));
}

static void receive_one(void) {
  struct sockaddr_in from;
  socklen_t len = sizeof from;
  CHECK(recvfrom(receiver, data, 65536, 0, (struct sockaddr *)&from, &len));
}

static void receive_message(void) {
  struct sockaddr_in from;
  char control[512];
  struct iovec iov = {data, 65536};
  struct msghdr msg = {&from, sizeof from, &iov, 1, control, sizeof control, 0};
  volatile int seen = 0;
  CHECK(recvmsg(receiver, &msg, 0));
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
    seen += c->cmsg_type;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *list, int n) {
  qsort(list, (size_t)n, sizeof *list, compare);
  return list[n / 2];
}

static void send_run(size_t size, int n) {
  for (int i = 0; i < n; i++)
    send_one(size);
}

/* Sends n, then receives n, repeatedly; prints medians of batches. */
static void rounds(int n, size_t size, int count, void (*send)(size_t, int),
                   void (*receive)(void)) {
  double *sends = calloc((size_t)count, sizeof *sends),
         *receives = calloc((size_t)count, sizeof *receives);
  double cost = clockcost() / n;
  int64_t sending = 0, receiving = 0;
  int batches = 0, done = 0, batch = count < BATCH ? count : BATCH;
  for (int all = 0; all < count; all += n) {
    int64_t start = now();
    send(size, n);
    int64_t middle = now();
    for (int i = 0; i < n; i++)
      receive();
    receiving += now() - middle;
    sending += middle - start;
    done += n;
    if (done >= batch) {
      sends[batches] = (double)sending / done - cost;
      receives[batches++] = (double)receiving / done - cost;
      sending = receiving = done = 0;
    }
  }
  printf("send %.1f\nreceive %.1f\n", median(sends, batches),
         median(receives, batches));
  free(sends);
  free(receives);
}

static void lone(size_t size, int count) {
  rounds(1, size, count, send_run, receive_one);
}

static void burst(size_t size, int count) {
  rounds(BURST, size, count, send_run, receive_one);
}

static void message(size_t size, int count) {
  int on = 1;
  setsockopt(receiver, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  setsockopt(receiver, IPPROTO_IP, IP_RECVTTL, &on, sizeof on);
  setsockopt(receiver, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  setsockopt(receiver, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
  rounds(1, size, count, send_run, receive_message);
}

/* Sends n datagrams by one call; the kernel segments them. */
void send_train(size_t size, int n) {
  char control[CMSG_SPACE(sizeof(uint16_t))] = {0};
  struct iovec iov = {data, size * (size_t)n};
  struct msghdr msg = {&to, sizeof to, &iov, 1, control, sizeof control, 0};
  struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
  c->cmsg_level = IPPROTO_UDP;
  c->cmsg_type = UDP_SEGMENT;
  c->cmsg_len = CMSG_LEN(sizeof(uint16_t));
  *(uint16_t *)(void *)CMSG_DATA(c) = (uint16_t)size;
  CHECK(sendmsg(sender, &msg, 0));
}

int longest_train(size_t size) {
  int n = (int)(65507 / size);
  return n > BURST ? BURST : n;
}

/* The cost of offload in C: trains, received one by one. */
static void train(size_t size, int count) {
  rounds(longest_train(size), size, count, send_train, receive_one);
}

void receive_trains(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
}

/* Fills the receive buffer with trains, then receives each by one call. */
static void drain(size_t size, int count) {
  int n = longest_train(size), fills = count / (16 * n) + 1;
  double *took = calloc((size_t)fills, sizeof *took);
  receive_trains(receiver);
  for (int fill = 0; fill < fills; fill++) {
    ssize_t bytes;
    int done = 0;
    for (int i = 0; i < 16; i++)
      send_train(size, n);
    int64_t start = now();
    while ((bytes = recv(receiver, data, 65536, MSG_DONTWAIT)) > 0)
      done += (int)((size_t)bytes / size);
    took[fill] = (double)(now() - start) / done;
  }
  printf("trains %.2f\n", median(took, fills));
  free(took);
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*run)(size_t size, int count);
  } cases[] = {{"lone", lone},   {"burst", burst},   {"message", message},
               {"train", train}, {"drain", drain},   {"flood", flood},
               {"hear", hear},   {"answer", answer}, {"ask", ask},
               {"wait", waiting}};
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
