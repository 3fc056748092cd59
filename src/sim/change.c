/*
** Changes of a host's interfaces. A host keeps all that a scenario makes, and a
** monitor, which is a socket of no family, the number of those that it has seen.
*/
#include "sim.h"

/* Adds a change, and wakes who waits for one; false without memory. */
bool sim_change(sim_Host *host, const sys_Fact *f) {
  if (host->nchanges == host->changecapacity) {
    void *new =
        sim_grow(host->changes, &host->changecapacity, sizeof *host->changes);
    if (new == NULL)
      return false;
    host->changes = new;
  }
  host->changes[host->nchanges++] = *f;
  for (const sim_Socket *s = host->monitors; s != NULL; s = s->next)
    sim_wakewaiters(s, sim_current != NULL && sim_current->host == host);
  return true;
}

int sys_openmonitor(void) {
  int fd = sys_socket(AF_UNSPEC);
  sim_Socket *s = fd >= 0 ? sim_findsocket(fd) : NULL;
  if (s == NULL)
    return -1;
  s->seen = s->host->nchanges;
  s->next = s->host->monitors;
  s->host->monitors = s;
  return fd;
}

ssize_t sys_readchanges(int fd, void *changes, size_t size) {
  sim_Socket *s = sim_getsocket(fd);
  if (s == NULL)
    return -1;
  if (s->seen == s->host->nchanges || size < sizeof(sys_Fact))
    return 0;
  memcpy(changes, &s->host->changes[s->seen++], sizeof(sys_Fact));
  return sizeof(sys_Fact);
}

bool sys_nextfact(const char *changes, size_t len, size_t *at, sys_Fact *f) {
  if (*at == len)
    return false;
  memcpy(f, changes, sizeof *f);
  *at = len;
  return true;
}
