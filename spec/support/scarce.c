/*
** Has an allocation of the simulator's core fail, when it is preloaded: the one with
** the number in the environment variable GROWTH, of those that make a block longer,
** or SCARCE, of the others. At the end it writes both counts to the file SCARCE_COUNT.
** Of glibc, whose allocator has other names, too.
*/
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *block, size_t size);

static long fresh, grown; /* allocations until now */

static bool fails(void *caller, long *count, const char *variable) {
  Dl_info library;
  const char *number = getenv(variable);
  if (dladdr(caller, &library) == 0 || library.dli_fname == NULL ||
      strstr(library.dli_fname, "/core.so") == NULL)
    return false;
  return ++*count == (number != NULL ? atol(number) : 0);
}

void *malloc(size_t size) {
  return fails(__builtin_return_address(0), &fresh, "SCARCE")
             ? NULL
             : __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
  return fails(__builtin_return_address(0), &fresh, "SCARCE")
             ? NULL
             : __libc_calloc(n, size);
}

void *realloc(void *block, size_t size) {
  return fails(__builtin_return_address(0), &grown, "GROWTH")
             ? NULL
             : __libc_realloc(block, size);
}

__attribute__((destructor)) static void writecount(void) {
  const char *path = getenv("SCARCE_COUNT");
  FILE *file = path != NULL ? fopen(path, "w") : NULL;
  if (file != NULL) {
    (void)fprintf(file, "%ld %ld\n", fresh, grown);
    (void)fclose(file);
  }
}
