/*
** Fragments of packets, their bytes on a LAN, and the MTUs of paths.
*/
#include "sim.h"

#define UDP 8           /* bytes of a header */
#define FRAGMENT6 8     /* of IPv6's fragment header */
#define LEAST_MTU 552   /* sysctl net.ipv4.route.min_pmtu */
#define LEAST_MTU6 1280 /* RFC 8200 */
#define MOST_MTU 65535  /* of IPv4: RFC 791 */
#define ETHERNET 38     /* preamble 8, header 14, check sequence 4, gap 12 */
#define LEAST_OF_ETHERNET 46 /* bytes of a frame's content: IEEE 802.3 */

static bool isinet(const sim_Packet *p) {
  return p->to.sa.sa_family == AF_INET;
}

static size_t getheader(const sim_Packet *p) { return isinet(p) ? 20 : 40; }

static bool iswhole(const sim_Packet *p, int mtu) {
  return getheader(p) + UDP + p->size <= (size_t)mtu;
}

/* Bytes of the datagram in each fragment but the last. */
static size_t getroom(const sim_Packet *p, int mtu) {
  size_t headers = getheader(p) + (isinet(p) ? 0 : FRAGMENT6);
  return ((size_t)mtu - headers) & ~(size_t)7;
}

/* The MTU that the packet's fragments fit. */
static int getmtu(const sim_Packet *p, const sim_Interface *i) {
  return p->mtu < i->mtu ? p->mtu : i->mtu;
}

/* The fragments of a packet that an interface transmits. */
int sim_countfragments(const sim_Packet *p, const sim_Interface *i) {
  int mtu = getmtu(p, i);
  size_t room = getroom(p, mtu);
  return iswhole(p, mtu) ? 1 : (int)((p->size + UDP + room - 1) / room);
}

/* The packet's bytes on the interface's LAN, with all headers. */
size_t sim_countbytes(const sim_Packet *p, const sim_Interface *i) {
  int mtu = getmtu(p, i), overhead = i->lan->overhead;
  size_t n = (size_t)sim_countfragments(p, i);
  size_t header = getheader(p) + (n > 1 && !isinet(p) ? FRAGMENT6 : 0);
  size_t content = UDP + p->size, padding = 0;
  size_t last = header + content - (n - 1) * getroom(p, mtu);
  if (overhead < 0 && last < LEAST_OF_ETHERNET)
    padding = LEAST_OF_ETHERNET - last;
  return n * (header + (size_t)(overhead < 0 ? ETHERNET : overhead)) + content +
         padding;
}

/*
** Paths.
*/

/* The MTU that the host has learnt of the way to a destination; 0: none. */
static int getlearnt(const sim_Host *host, const mcast_Sockaddr *to) {
  return (int)(intptr_t)sim_find(&host->net->mtus, sim_key(to, host->id));
}

/* The MTU of the way by an interface, as far as its host knows. */
int sim_pathmtu(const sim_Interface *out, const mcast_Sockaddr *to) {
  int learnt = getlearnt(out->host, to), mtu = out->mtu;
  int least = to->sa.sa_family == AF_INET ? LEAST_MTU : LEAST_MTU6;
  if (to->sa.sa_family == AF_INET && mtu > MOST_MTU)
    mtu = MOST_MTU;
  if (learnt != 0 && learnt < mtu)
    mtu = learnt > least || mtu < least ? learnt : least;
  return mtu;
}

/* Decides on a packet that leaves its host: it is cut to the MTU of the
   interface, or of the path where that is known. IPv4's may not be cut on the way
   where it is whole (IP_PMTUDISC_WANT), unless the path takes less than Linux
   believes and the socket does not refuse it. */
void sim_setmtu(sim_Packet *p, bool whole) {
  int learnt = getlearnt(p->origin->host, &p->to);
  p->mtu = sim_pathmtu(p->origin, &p->to);
  p->df = isinet(p) && iswhole(p, p->mtu) &&
          (whole || learnt == 0 || learnt >= LEAST_MTU);
}

/* Does a router pass the packet on, as it is or cut? */
bool sim_fits(const sim_Packet *p, int mtu) {
  size_t largest =
      iswhole(p, p->mtu)
          ? getheader(p) + UDP + p->size
          : getheader(p) + (isinet(p) ? 0 : FRAGMENT6) + getroom(p, p->mtu);
  return largest <= (size_t)mtu || (isinet(p) && !p->df);
}

/* The sender learns the MTU that a packet of its did not fit, from ICMP; of IPv4
   groups there is none (RFC 1112). */
void sim_learnmtu(const sim_Packet *p, int mtu) {
  sim_Net *net = p->origin->net;
  const sim_Host *host = p->origin->host;
  int known = getlearnt(host, &p->to);
  if ((known == 0 || mtu < known) && !(isinet(p) && mcast_ismulticast(&p->to)))
    net->exhausted |= !sim_insert(&net->mtus, sim_key(&p->to, host->id),
                                  (void *)(intptr_t)mtu);
}

/* Is there no IPv6 on a LAN of this MTU? */
bool sim_lacksinet6(int mtu) { return mtu < LEAST_MTU6; }
