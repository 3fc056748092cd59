/*
** Flows: the datagrams from a host and port to a group and port, or to a host and
** port. The how-manieth datagram of its flow a packet is decides its fate, from
** which link.c draws what befalls its copies. So other traffic, numeric unicast
** addresses and the order in which hosts were added do not matter.
*/
#include "sim.h"

typedef struct sim_Flow {
  uint64_t hash; /* 0: free */
  uint64_t count;
} Flow;

static uint64_t hashgroup(const mcast_Sockaddr *a) {
  sim_Key key = sim_key(a, 0);
  uint64_t halves[2];
  memcpy(halves, &key.host, sizeof halves);
  return sim_newstream(halves[0], halves[1], 1);
}

static uint64_t hashflow(const sim_Host *host, const sim_Packet *p) {
  const sim_Interface *to = sim_find(&host->net->addresses, sim_key(&p->to, 0));
  uint64_t destination = mcast_ismulticast(&p->to) ? hashgroup(&p->to)
                         : to != NULL              ? to->host->hash
                                                   : 0;
  uint64_t ports =
      (uint64_t)mcast_getport(&p->from) << 16 | mcast_getport(&p->to);
  return sim_newstream(host->hash, destination, ports) | 1;
}

/* The flow with this hash, or the free one for it. */
static Flow *findflow(const sim_Flows *flows, uint64_t hash) {
  size_t i = hash >> 1 & (flows->capacity - 1);
  while (flows->list[i].hash != 0 && flows->list[i].hash != hash)
    i = (i + 1) & (flows->capacity - 1);
  return &flows->list[i];
}

static bool enlarge(sim_Flows *flows) {
  sim_Flows larger = {NULL, flows->capacity > 0 ? 2 * flows->capacity : 4,
                      flows->count};
  larger.list = calloc(larger.capacity, sizeof *larger.list);
  if (larger.list == NULL)
    return false;
  for (size_t i = 0; i < flows->capacity; i++)
    if (flows->list[i].hash != 0)
      *findflow(&larger, flows->list[i].hash) = flows->list[i];
  free(flows->list);
  *flows = larger;
  return true;
}

/* Counts a packet that leaves its host, and sets its fate; false without memory.
 */
bool sim_setfate(sim_Host *host, sim_Packet *p) {
  sim_Flows *flows = &host->flows;
  if (3 * flows->capacity <= 4 * flows->count && !enlarge(flows))
    return false;
  uint64_t hash = hashflow(host, p);
  Flow *flow = findflow(flows, hash);
  flows->count += flow->hash == 0;
  flow->hash = hash;
  p->flow = hash;
  p->number = flow->count++;
  p->fate = sim_newstream(host->net->seed, p->flow, p->number);
  return true;
}
