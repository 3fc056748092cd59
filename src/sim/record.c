/*
** The records of the trace, in order. Only the last function runs Lua.
*/
#include "sim.h"

static sim_Record *newrecord(sim_Net *net, sim_Kind kind) {
  if (net->nrecords == net->recordcapacity) {
    void *new =
        sim_grow(net->records, &net->recordcapacity, sizeof *net->records);
    if (new == NULL) {
      net->exhausted = true;
      return NULL;
    }
    net->records = new;
  }
  sim_Record *r = &net->records[net->nrecords++];
  memset(r, 0, sizeof *r);
  r->time = net->now;
  r->kind = (uint8_t)kind;
  return r;
}

void sim_record(sim_Net *net, sim_Kind kind, const sim_Node *node,
                const sim_Interface *i, sim_Packet *p, int ttl,
                const char *reason) {
  sim_Record *r = net->tracing ? newrecord(net, kind) : NULL;
  if (r == NULL)
    return;
  r->node = node;
  r->interface = i;
  r->packet = p;
  r->reason = reason;
  r->ttl = (uint8_t)ttl;
  p->refs++;
}

void sim_recordsocket(const sim_Socket *s, sim_Kind kind,
                      const sim_Interface *i, sim_Packet *p, int ttl,
                      const char *reason) {
  size_t before = s->net->nrecords;
  sim_record(s->net, kind, s->owner, i, p, ttl, reason);
  if (s->net->nrecords > before)
    s->net->records[before].socket = s->serial + 1;
}

/* A router forwards a packet, with this TTL. */
void sim_recordforward(const sim_Interface *in, const sim_Interface *out,
                       sim_Packet *p, int ttl) {
  sim_Net *net = out->net;
  size_t before = net->nrecords;
  sim_record(net, SIM_FORWARD, NULL, out, p->whole != NULL ? p->whole : p, ttl,
             NULL);
  if (net->nrecords > before)
    net->records[before].in = in;
}

void sim_recordmember(const sim_Socket *s, sim_Kind kind, const sim_Member *m) {
  if (!s->net->tracing)
    return;
  sim_Member *copy = malloc(sizeof *copy);
  size_t size = m->count * sizeof *m->sources;
  struct sockaddr_storage *sources = size > 0 ? malloc(size) : NULL;
  sim_Record *r = copy != NULL && (size == 0 || sources != NULL)
                      ? newrecord(s->net, kind)
                      : NULL;
  if (r == NULL) {
    s->net->exhausted = true;
    free(copy);
    free(sources);
    return;
  }
  if (size > 0)
    memcpy(sources, m->sources, size);
  *copy = *m;
  copy->sources = sources;
  mcast_setport(&copy->group, mcast_getport(&s->bound));
  r->node = s->owner;
  r->socket = s->serial + 1;
  r->interface = m->interface;
  r->member = copy;
}

void sim_freerecords(sim_Net *net) {
  for (size_t i = 0; i < net->nrecords; i++)
    if (net->records[i].kind == SIM_JOIN || net->records[i].kind == SIM_LEAVE) {
      free(net->records[i].member->sources);
      free(net->records[i].member);
    }
  free(net->records);
}

/* Records the table at the top, which it pops. */
void sim_recorddetail(lua_State *L, sim_Net *net, const sim_Node *node) {
  sim_Record *r = net->tracing ? newrecord(net, SIM_DETAIL) : NULL;
  if (r == NULL) {
    lua_pop(L, 1);
    return;
  }
  r->node = node;
  size_t at = net->nrecords; /* a finalizer may record, too */
  sim_pushref(L, net, net->details);
  lua_insert(L, -2);
  net->records[at - 1].detail = (int)lua_rawlen(L, -2) + 1;
  lua_rawseti(L, -2, net->records[at - 1].detail);
  lua_pop(L, 1);
}
