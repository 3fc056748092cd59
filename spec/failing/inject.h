/*
** Fails one call of the C library that the module makes: the n-th of its kind
** since inject_arm. (The linker's --wrap redirects the calls.)
*/
#ifndef inject_h
#define inject_h

#include <stdbool.h>
#include <stddef.h>

typedef struct inject_Kind {
  const char *name;
  int calls; /* since inject_arm */
} inject_Kind;

extern inject_Kind inject_kinds[]; /* ends with one that has no name */
extern long inject_lent; /* resources of the C library not returned yet */

void inject_arm(const char *kind, int n, int err); /* NULL: only counts */
bool inject_disarm(void);                          /* was the n-th call made? */

#endif
