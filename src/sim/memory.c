/*
** Arrays that grow. False, or NULL, without memory: nothing has changed then.
*/
#include "sim.h"

/* Makes room for twice as many; *capacity follows. */
void *sim_grow(void *array, size_t *capacity, size_t size) {
  size_t larger = *capacity > 0 ? 2 * *capacity : 16;
  void *new = larger <= SIZE_MAX / size ? realloc(array, larger * size) : NULL;
  if (new != NULL)
    *capacity = larger;
  return new;
}

/* Appends a pointer to an array of them, whose capacity is the next power of
   two from its count on. */
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
