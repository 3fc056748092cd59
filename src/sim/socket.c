/*
** The life of a socket: opening and closing.
*/
#include "sim.h"

#define DEFAULT_BUFFER 212992

static const int initial[SIM_VALUES] = {
    [SIM_TTL] = 1,
    [SIM_UNICASTTTL] = SIM_DEFAULTTTL,
    [SIM_LOOP] = 1,
    [SIM_ALL] = 1,
    [SIM_DISCOVER] = MCAST_CUT,
    [SIM_SNDBUF] = DEFAULT_BUFFER,
};

int sys_socket(int family) {
  sim_Node *node = sim_current;
  if (node == NULL)
    return sim_fail(EPERM); /* only nodes have sockets */
  sim_Socket *s = sim_newsocket(node);
  if (s == NULL)
    return -1;
  s->family = family;
  memcpy(s->values, initial, sizeof initial);
  s->values[SIM_RCVBUF] =
      node->net->rcvbuf > 0 ? node->net->rcvbuf : DEFAULT_BUFFER;
  mcast_anyaddress(family, 0, &s->bound);
  return s->fd;
}

static void unlinksocket(sim_Socket *s) {
  sim_Socket **at =
      s->family == AF_UNSPEC ? &s->host->monitors : &s->host->sockets;
  while (*at != NULL && *at != s)
    at = &(*at)->next;
  if (*at == s)
    *at = s->next;
}

void sim_closesocket(sim_Socket *s) {
  sim_leaveall(s);
  unlinksocket(s);
  while (s->count > 0)
    sim_release(s->net, sim_dequeue(s).packet);
  free(s->queue);
  free(s->members);
  free(s->more);
  sim_removesocket(s);
}

int sys_close(int fd) {
  sim_Socket *s = sim_findsocket(fd);
  if (s == NULL)
    return sim_fail(EBADF);
  sim_closesocket(s);
  return 0;
}

/* Closes the sockets of a node. */
void sim_closeall(sim_Node *node) {
  while (node->sockets != NULL)
    sim_closesocket(node->sockets);
}

/*
** The time of a collection depends on the process. So a socket that a script
** has dropped without closing it stays open until its node needs descriptors.
*/

/* (A socket whose making raised is nobody's.) */
void sys_abandon(int *own) {
  sim_Socket *s = sim_findsocket(*own);
  *own = -1;
  if (s == NULL || (s->own != NULL && s->own != own))
    return;
  s->own = NULL;
  s->abandoned = true;
}

void sim_makeroom(lua_State *L) {
  const sim_Node *node = sim_current;
  if (node == NULL || node->nsockets < SIM_MAXDESCRIPTORS)
    return;
  lua_gc(L, LUA_GCCOLLECT);
  for (sim_Socket *s = node->sockets, *newer; s != NULL; s = newer) {
    newer = s->newer;
    if (s->abandoned)
      sim_closesocket(s);
  }
}
