// A program on liblcm, which publishes files, or writes messages to files.
// usage: lcm_peer publish URL CHANNEL FILE [CHANNEL FILE ...]
//        lcm_peer subscribe URL PATTERN PREFIX
#include <lcm/lcm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *open_file(const char *path, const char *mode) {
  FILE *file = fopen(path, mode);
  if (!file) {
    perror(path);
    exit(1);
  }
  return file;
}

static int publish(lcm_t *lcm, char **words) {
  static char data[1 << 24];
  for (; words[0] && words[1]; words += 2) {
    FILE *file = open_file(words[1], "rb");
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    if (lcm_publish(lcm, words[0], data, (unsigned)size) < 0)
      return 1;
    printf("%s %zu\n", words[0], size);
  }
  return 0;
}

static void receive(const lcm_recv_buf_t *message, const char *channel,
                    void *prefix) {
  static int received;
  char path[4096];
  snprintf(path, sizeof path, "%s%d", (const char *)prefix, ++received);
  FILE *file = open_file(path, "wb");
  fwrite(message->data, 1, message->data_size, file);
  fclose(file);
  printf("%s %u\n", channel, message->data_size);
}

int main(int argc, char **argv) {
  lcm_t *lcm = argc > 4 ? lcm_create(argv[2]) : NULL;
  if (!lcm)
    return 1;
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (strcmp(argv[1], "publish") == 0)
    return publish(lcm, argv + 3);
  lcm_subscribe(lcm, argv[3], receive, argv[4]);
  printf("subscribed to %s\n", argv[3]);
  while (lcm_handle(lcm) == 0) {
  }
  return 1;
}
