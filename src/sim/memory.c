/*
** Memory. Without memory the result is NULL or false, and nothing has changed.
*/
#include "sim.h"

#define BLOCK 65536

typedef struct sim_Block {
  struct sim_Block *older;
  size_t used;
  _Alignas(max_align_t) char bytes[BLOCK];
} Block;

/* Zeroed, and freed with the net. The parts of a node lie side by side, which
   saves cache misses when a thousand nodes run by turns. */
void *sim_allocate(sim_Net *net, size_t size) {
  Block *b = net->blocks;
  size = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
  if (size > BLOCK)
    return NULL;
  if (b == NULL || b->used + size > BLOCK) {
    b = calloc(1, sizeof *b);
    if (b == NULL)
      return NULL;
    b->older = net->blocks;
    net->blocks = b;
  }
  b->used += size;
  return b->bytes + b->used - size;
}

char *sim_copytext(sim_Net *net, const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = sim_allocate(net, size);
  return copy != NULL ? memcpy(copy, text, size) : NULL;
}

void sim_freeblocks(sim_Net *net) {
  for (Block *b = net->blocks, *older; b != NULL; b = older) {
    older = b->older;
    free(b);
  }
  net->blocks = NULL;
}

/* Doubles an array; *capacity follows. */
void *sim_grow(void *array, size_t *capacity, size_t size) {
  size_t larger = *capacity > 0 ? 2 * *capacity : 16;
  void *new = larger <= SIZE_MAX / size ? realloc(array, larger * size) : NULL;
  if (new != NULL)
    *capacity = larger;
  return new;
}

/* Appends a pointer to an array of pointers, whose capacity is the power of two
   from its count on. */
bool sim_append(void *array, int *count, void *pointer) {
  void **pointers;
  memcpy(&pointers, array, sizeof pointers);
  if ((*count & (*count - 1)) == 0) {
    size_t capacity = *count > 0 ? 2 * (size_t)*count : 1;
    void *new = realloc(pointers, capacity * sizeof *pointers);
    if (new == NULL)
      return false;
    pointers = new;
    memcpy(array, &new, sizeof new);
  }
  pointers[(*count)++] = pointer;
  return true;
}
