/*
** Bytes that Linux accounts for a datagram in the buffers of sockets, as measured
** on lo and on veth pairs: spec/differential compares them.
*/
#include "sim.h"

#define DESCRIPTION 256 /* of a buffer: struct sk_buff */
#define TRAILER 320     /* at a buffer's end: struct skb_shared_info */
#define SMALL 576       /* the smallest buffer */
#define LARGE 16064     /* bytes that have to be in pages */

/* Room of the allocator's buffer for so many bytes. */
static size_t room(size_t bytes) {
  size_t needed = ((bytes + 63) & ~(size_t)63) + TRAILER, size = 1024;
  while (size < needed)
    size *= 2;
  return needed <= SMALL ? SMALL : size;
}

/* A datagram with UDP's header, as the MTU cuts it up. */
typedef struct Cut {
  size_t headers; /* with what the kernel reserves */
  size_t most;    /* bytes of each whole fragment */
  size_t whole;   /* number of whole fragments */
  size_t last;    /* bytes of the last one, or 0 */
} Cut;

static Cut cut(const sim_Interface *out, bool inet, size_t size) {
  size_t mtu = (size_t)out->mtu, data = size + 8;
  size_t most = inet ? (mtu - 20) & ~(size_t)7 : ((mtu - 40) & ~(size_t)7) - 8;
  if (data + (inet ? 20 : 40) <= mtu)
    return (Cut){inet ? 51 : 64, data, 1, 0};
  return (Cut){inet ? 51 : 64, most, data / most, data % most};
}

static size_t accountfragment(const Cut *c, size_t data) {
  return data + c->headers < LARGE ? room(data + c->headers) + DESCRIPTION
                                   : SMALL + DESCRIPTION + data - 8;
}

/* Of a datagram that is sent whole; 0: it is cut up. */
size_t sim_accountwhole(const sim_Interface *out, bool inet, size_t size) {
  Cut c = cut(out, inet, size);
  return c.whole == 1 && c.last == 0 ? accountfragment(&c, c.most) : 0;
}

/* In a send buffer, when the last fragment is to be made. */
size_t sim_accountsent(const sim_Interface *out, bool inet, size_t size) {
  Cut c = cut(out, inet, size);
  return (c.whole - (c.last == 0)) * accountfragment(&c, c.most);
}

/* In a receive buffer, of a datagram that came by the interface. Fragments that
   were put together at arrival use what was left of the first buffer; Linux
   returns the sender's own copies by IPv4 without cutting them up. */
size_t sim_account(const sim_Interface *i, const sim_Packet *p) {
  bool inet = p->to.sa.sa_family == AF_INET;
  if (p->cost != 0)
    return p->cost;
  Cut c = cut(p->origin, inet, p->size);
  size_t sum = c.whole * accountfragment(&c, c.most);
  if (c.last == 0)
    return sum;
  size_t left =
      room(c.most + c.headers) - TRAILER - c.most - (inet ? 36 : c.headers);
  bool joined = !inet || i->host != p->origin->host;
  if (joined && c.whole == 1 && c.most < LARGE && c.last <= left)
    return sum;
  return sum + accountfragment(&c, c.last);
}
