/*
** The floor: the cases of the benchmarks in plain C. floor.c has those of one
** process, and main; processes.c has those of two processes, and waits.
*/
#ifndef FLOOR_H
#define FLOOR_H

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

extern char *data; /* 64 KiB */
extern struct sockaddr_in to;
extern int sender;

int64_t now(void);
int open_receiver(int port);
void send_one(size_t size);
void send_train(size_t size, int n);
int longest_train(size_t size);
void receive_trains(int fd);

extern bool spinning;
void flood(size_t size, int count);
void hear(size_t size, int count);
void answer(size_t size, int count);
void ask(size_t size, int count);
void waiting(size_t size, int count);

#endif
