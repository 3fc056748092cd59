/*
** The trace: what happened, in order. Records are small, and are made tables
** when they are looked at.
*/
#include "sim.h"

typedef struct sim_Record {
  int64_t time;
  const sim_Node *node; /* NULL: none, but the host's */
  const sim_Interface *interface;
  union {
    sim_Packet *packet;
    sim_Member *member; /* a copy, its own */
    int detail;
  };
  const char *reason;
  int socket; /* its descriptor and one; 0: none */
  uint8_t kind;
  uint8_t ttl;
} Record;

static Record *newrecord(sim_Net *net, sim_Kind kind) {
  if (net->nrecords == net->recordcapacity) {
    void *new =
        sim_grow(net->records, &net->recordcapacity, sizeof *net->records);
    if (new == NULL)
      return NULL;
    net->records = new;
  }
  Record *r = &net->records[net->nrecords++];
  memset(r, 0, sizeof *r);
  r->time = net->now;
  r->kind = (uint8_t)kind;
  return r;
}

void sim_record(sim_Net *net, sim_Kind kind, const sim_Node *node,
                const sim_Interface *i, sim_Packet *p, int ttl,
                const char *reason) {
  Record *r = net->tracing ? newrecord(net, kind) : NULL;
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
    s->net->records[before].socket = sim_descriptor(s->fd) + 1;
}

void sim_recordmember(const sim_Socket *s, sim_Kind kind, const sim_Member *m) {
  if (!s->net->tracing)
    return;
  sim_Member *copy = malloc(sizeof *copy);
  size_t size = m->count * sizeof *m->sources;
  struct sockaddr_storage *sources = size > 0 ? malloc(size) : NULL;
  Record *r = copy != NULL && (size == 0 || sources != NULL)
                  ? newrecord(s->net, kind)
                  : NULL;
  if (r == NULL) {
    free(copy);
    free(sources);
    return;
  }
  if (size > 0)
    memcpy(sources, m->sources, size);
  *copy = *m;
  copy->sources = sources;
  r->node = s->owner;
  r->socket = sim_descriptor(s->fd) + 1;
  r->interface = m->interface;
  r->member = copy;
}

/* Records the table at the top, which it pops. */
void sim_recorddetail(lua_State *L, sim_Net *net, const sim_Node *node) {
  Record *r = net->tracing ? newrecord(net, SIM_DETAIL) : NULL;
  if (r == NULL) {
    lua_pop(L, 1);
    return;
  }
  r->node = node;
  size_t at = net->nrecords; /* a finalizer may record, too */
  sim_pushheld(L, net, net->details);
  lua_insert(L, -2);
  net->records[at - 1].detail = (int)lua_rawlen(L, -2) + 1;
  lua_rawseti(L, -2, net->records[at - 1].detail);
  lua_pop(L, 1);
}

void sim_freerecords(sim_Net *net) {
  for (size_t i = 0; i < net->nrecords; i++)
    if (net->records[i].kind == SIM_JOIN || net->records[i].kind == SIM_LEAVE) {
      free(net->records[i].member->sources);
      free(net->records[i].member);
    }
  free(net->records);
}

/*
** As tables.
*/

/* Sets what a copy of a packet is in the table at the top. */
void sim_setpacket(lua_State *L, const sim_Net *net, const sim_Packet *p,
                   int ttl) {
  lua_pushinteger(L, p->id);
  lua_setfield(L, -2, "packet");
  sim_pushheld(L, net, net->payloads);
  lua_rawgeti(L, -1, p->data);
  lua_setfield(L, -3, "data");
  lua_rawgeti(L, -1, p->data + 1);
  lua_setfield(L, -3, "from");
  lua_rawgeti(L, -1, p->data + 2);
  lua_setfield(L, -3, "to");
  lua_pop(L, 1);
  lua_pushinteger(L, ttl);
  lua_setfield(L, -2, "ttl");
}

static void setreason(lua_State *L, const Record *r) {
  if (r->reason == NULL)
    return;
  lua_pushstring(L, r->reason);
  lua_setfield(L, -2, "reason");
}

/* The interface's address that tells others of a membership: RFC 3376, and RFC
   3810, where it is of link scope; NULL where it has none. */
static const mcast_Sockaddr *findreporter(const sim_Interface *i, int family) {
  for (int k = 0; k < i->naddresses; k++) {
    const mcast_Sockaddr *a = &i->addresses[k];
    if (a->sa.sa_family == family &&
        (family == AF_INET || IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr)))
      return a;
  }
  return NULL;
}

static void setmember(lua_State *L, const sim_Member *m) {
  const mcast_Sockaddr *own = findreporter(m->interface, m->group.sa.sa_family);
  if (own != NULL) {
    mcast_pushhost(L, own);
    lua_setfield(L, -2, "address");
  }
  mcast_pushhost(L, &m->group);
  lua_setfield(L, -2, "group");
  lua_pushstring(L, m->mode == MCAST_INCLUDE ? "include" : "exclude");
  lua_setfield(L, -2, "mode");
  lua_createtable(L, (int)m->count, 0);
  for (uint32_t i = 0; i < m->count; i++) {
    mcast_Sockaddr a;
    mcast_copyaddress(&a, (const struct sockaddr *)&m->sources[i]);
    mcast_pushhost(L, &a);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "sources");
}

static void setinterface(lua_State *L, const sim_Interface *i) {
  lua_pushstring(L, i->name);
  lua_setfield(L, -2, "interface");
  lua_pushstring(L, i->host->name);
  lua_setfield(L, -2, "host");
  if (i->lan != NULL) {
    lua_pushstring(L, i->lan->name);
    lua_setfield(L, -2, "lan");
  }
}

static void pushrecord(lua_State *L, const sim_Net *net, const Record *r) {
  static const char *const kinds[] = {"send", "deliver", "drop", "join",
                                      "leave"};
  if (r->kind == SIM_DETAIL) {
    sim_pushheld(L, net, net->details);
    lua_rawgeti(L, -1, r->detail);
    lua_remove(L, -2);
  } else {
    lua_createtable(L, 0, 13);
    lua_pushstring(L, kinds[r->kind]);
    lua_setfield(L, -2, "kind");
    setinterface(L, r->interface);
    if (r->kind == SIM_JOIN || r->kind == SIM_LEAVE)
      setmember(L, r->member);
    else
      sim_setpacket(L, net, r->packet, r->ttl);
    setreason(L, r);
    if (r->socket > 0) {
      lua_pushinteger(L, r->socket - 1);
      lua_setfield(L, -2, "socket");
    }
  }
  if (r->node != NULL || r->interface != NULL) {
    lua_pushstring(L,
                   r->node != NULL ? r->node->name : r->interface->host->name);
    lua_setfield(L, -2, "node");
  }
  lua_pushnumber(L, (lua_Number)r->time / SIM_SECOND);
  lua_setfield(L, -2, "time");
}

/* net, i: the i-th event, or nil. */
int sim_trace(lua_State *L) {
  const sim_Net *net = sim_checknet(L, 1);
  lua_Integer i = luaL_checkinteger(L, 2);
  if (i < 1 || (size_t)i > net->nrecords)
    return 0;
  pushrecord(L, net, &net->records[i - 1]);
  return 1;
}

int sim_tracelength(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)sim_checknet(L, 1)->nrecords);
  return 1;
}
