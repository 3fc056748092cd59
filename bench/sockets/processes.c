/* The cases of two processes, and timed waits: see floor.h. */
#include "floor.h"

/* Floods port 10020 by segmentation offload, at full speed. */
void flood(size_t size, int count) {
  int n = longest_train(size), sent = 0;
  to.sin_port = htons(10020);
  int64_t start = now();
  for (; sent < count; sent += n)
    send_train(size, n);
  printf("sent %d\nrate %.0f\n", sent, sent / ((double)(now() - start) / 1e9));
}

/* Receives a flood in trains until its end, and only counts. */
void hear(size_t size, int count) {
  int fd = open_receiver(10020), received = 0, buffer = 2 << 20;
  struct timeval patience = {10, 0};
  int64_t start = 0, last = 0;
  ssize_t n;
  (void)count;
  receive_trains(fd);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer); /* doubled */
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  puts("ready");
  fflush(stdout);
  patience = (struct timeval){0, 250000};
  while ((n = recv(fd, data, 65536, 0)) > 0) {
    last = now();
    if (received == 0) {
      start = last;
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    received += (int)((size_t)n / size);
  }
  printf("received %d\nseconds %.6f\n", received, (double)(last - start) / 1e9);
}

bool spinning;

static void wait_for(int fd) {
  struct pollfd p = {fd, POLLIN, 0};
  while (poll(&p, 1, spinning ? 0 : -1) == 0)
    ;
}

/* Answers count datagrams on port 10021. */
void answer(size_t size, int count) {
  int fd = open_receiver(10021);
  puts("ready");
  fflush(stdout);
  for (int i = 0; i < count; i++) {
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    wait_for(fd);
    CHECK(recvfrom(fd, data, 65536, 0, (struct sockaddr *)&from, &len));
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

void ask(size_t size, int count) {
  int64_t *took = calloc((size_t)count, sizeof *took);
  to.sin_port = htons(10021);
  for (int i = 0; i < count; i++) {
    int64_t start = now();
    send_one(size);
    wait_for(sender);
    CHECK(recv(sender, data, 65536, 0));
    took[i] = now() - start;
  }
  quantiles(took, count);
  free(took);
}

/* size is the wait in microseconds; prints how late one ppoll returns. */
void waiting(size_t size, int count) {
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
