/*
** The simulator's internal contract. A net has hosts, which have interfaces on
** LANs, and nodes: scripts, each a coroutine on a host. System calls of a node
** work on its host. The clock counts nanoseconds, and events are ordered by
** (time, sequence), so a run depends on its seed alone.
**
** Layers, from low to high. A file calls those before it in this list, and
** files of the module (make layers prints all calls):
**
**   memory.c packet.c refs.c time.c  memory; packets; references; units, clocks
**   account.c                        bytes of a datagram in buffers
**   check.c bound.c queue.c          arguments; bounds; events, timers, nodes
**   descriptor.c random.c            sockets by number; random numbers
**   host.c map.c record.c            interfaces; hash map; records of the trace
**   fragment.c bandwidth.c           fragments, bytes and MTUs; queues
**   outgoing.c                       interface and source of a packet that leaves
**   membership.c buffer.c route.c    groups; receive buffers; ways between LANs
**   flow.c priority.c                fates of packets, by their number in a flow;
**                                    which copies are late, in a search
**   arrive.c socket.c change.c       into sockets and routers; open and close;
**                                    changes of interfaces, for monitors
**   payload.c strings.c              bytes of a packet in Lua; methods of strings
**   chance.c latency.c               loss and delay; latencies of pairs of hosts
**   sieve.c                          which faults happen, where a run is shrunk
**   link.c trace.c send.c            copies; the trace in Lua; out of sockets
**   lan.c kernel.c                   transmission; the other system calls
**   wait.c receive.c note.c          functions of the module that are not shared
**   keys.c                           keys of tables in order
**   module.c pairs.c box.c           the simulated module; pairs and next; files
**   budget.c node.c coroutine.c      scripts: their budget, their coroutines
**   range.c text.c                   functions of the libraries table and string
**   topology.c fault.c               hosts and LANs; faults, rules, partitions
**   scheduler.c                      the event loop: it alone resumes nodes
**   net.c                            the life of a net, and the opener
**
** The way of a datagram, one verb a step:
**
**   sendto    src/send.c mcast_sendto, kernel.c sys_sendto
**   send      send.c sim_send: interface, source address, packet
**   (event)   queue.c sim_pushpacket: SIM_TRANSMIT
**   transmit  lan.c sim_transmit: bandwidth, down; lists the receivers
**   copy      link.c sim_copy: partition, rule, loss, delay; for each receiver
**   (event)   queue.c sim_pushpacket: SIM_ARRIVE, after the delay
**   arrive    arrive.c sim_arrive: sockets that accept it; routers forward it
**   enqueue   buffer.c sim_enqueue: into a socket's receive buffer, or dropped
**   wake      queue.c sim_wake: the node that waits becomes runnable
**   resume    node.c sim_resume, called by scheduler.c after the event
**   receive   receive.c receivefrom: the result of recvfrom
**
** Packets to sockets of the sender's host go from send.c to arrive.c at once.
*/
#ifndef sim_h
#define sim_h

/* A product that is added is rounded on every machine: a run depends on its seed
   alone. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

#include "../mcast.h"

#pragma GCC visibility push(hidden)

/* Functions that each datagram runs lie side by side in the instruction cache. */
#define SIM_HOT __attribute__((hot))
#define SIM_NEVER INT64_MAX
#define SIM_LAST 4000000000 /* seconds; a drifting clock may count twice that */
#define SIM_SECOND 1000000000
#define SIM_POLL 1000 /* nanoseconds of a poll with timeout 0 */
#define SIM_MAXPARTITIONS 64
#define SIM_MAXDESCRIPTORS 1024 /* of a node */

typedef struct sim_Net sim_Net;
typedef struct sim_Host sim_Host;
typedef struct sim_Lan sim_Lan;
typedef struct sim_Interface sim_Interface;
typedef struct sim_Socket sim_Socket;
typedef struct sim_Node sim_Node;

/*
** random.c: one stream for each purpose, so that one more draw shifts no other
** stream.
*/

typedef uint64_t sim_Stream;

typedef enum sim_Purpose {
  SIM_LOSS,
  SIM_DELAY,
  SIM_DUPLICATE,
  SIM_REORDER,
  SIM_PURPOSES, /* of faults; the others are not set by a link or LAN */
  SIM_RULE = SIM_PURPOSES,
  SIM_BURST,
  SIM_PRIORITY
} sim_Purpose;

SIM_HOT sim_Stream sim_newstream(uint64_t seed, uint64_t owner,
                                 uint64_t purpose);
uint64_t sim_hashname(const char *name);
void sim_pushrandom(lua_State *L, sim_Stream s);
SIM_HOT uint64_t sim_draw(sim_Stream *s);
SIM_HOT double sim_uniform(sim_Stream *s);
double sim_normal(sim_Stream *s);
double sim_exponential(sim_Stream *s);

/*
** map.c: from an address and a number to a pointer.
*/

typedef struct sim_Key {
  struct in6_addr host;
  uint64_t number;
} sim_Key;

typedef struct sim_Map {
  struct sim_Entry *entries;
  size_t capacity; /* a power of two */
  size_t count;
} sim_Map;

sim_Key sim_key(const mcast_Sockaddr *host, uint64_t number);
void *sim_find(const sim_Map *map, sim_Key key);
bool sim_insert(sim_Map *map, sim_Key key, void *value);
void sim_remove(sim_Map *map, sim_Key key);
void *sim_getvalue(const sim_Map *map, size_t i);

/*
** A datagram on its way, one for all its copies.
*/

typedef struct sim_Packet sim_Packet;
struct sim_Packet {
  uint32_t id;
  int refs;
  int data; /* index of its bytes in the payloads; from and to are the next */
  mcast_Sockaddr from;
  mcast_Sockaddr to;
  size_t size;
  size_t cost;           /* in receive buffers; 0: it depends */
  uint64_t flow;         /* hash of sender and destination, and ... */
  uint64_t number;       /* ... the how-manieth of these, from 0 ... */
  uint64_t fate;         /* ... from which its copies' numbers are drawn */
  sim_Packet *older;     /* the one made before it */
  sim_Interface *origin; /* by which it left its host */
  sim_Packet *next;      /* in the list of free ones */
  int slot;              /* index of its own payload */
  int mtu;               /* that its sender has cut it to */
  int tclass;            /* traffic class: DSCP and ECN */
  bool df;               /* routers may not cut it */
  bool carried;          /* across routers by carriers: link.c */
  bool lost;             /* a carrier's: for receivers without a link */
  bool extra;            /* a carrier's: a duplicate */
  uint32_t topology;     /* its version when the packet left its host */
  sim_Packet *whole;     /* a carrier's packet; NULL: it is no carrier */
  int64_t delayed;       /* nanoseconds that a carrier brings along ... */
  int64_t held;          /* ... and those of reordering */
};

#define SIM_PAYLOAD 3 /* entries in the payloads: bytes, from, to */

/*
** An event, by its kind.
*/

typedef enum sim_EventKind {
  SIM_ARRIVE,   /* a copy of a packet at an interface */
  SIM_TRANSMIT, /* a packet that an interface transmits to its LAN */
  SIM_CALL,     /* of a function of the scenario */
  SIM_START,    /* of a node */
  SIM_PASSED,   /* a copy has passed its receiver's own bandwidth */
  SIM_TIMER     /* of a node, which waits */
} sim_EventKind;

typedef struct sim_Event {
  int64_t time;
  uint32_t next; /* in its list: queue.c */
  uint32_t previous;
  union {
    struct { /* SIM_ARRIVE, SIM_TRANSMIT, SIM_PASSED */
      sim_Interface *interface;
      sim_Packet *packet;
    };
    struct { /* SIM_START, SIM_TIMER */
      sim_Node *node;
      int start; /* the node's count of starts */
    };
    int function; /* SIM_CALL: a reference */
  };
  uint8_t kind;
  uint8_t ttl;
} sim_Event;

#define SIM_LEVELS 11 /* of times: 63 bits in digits of 6 */

/* Events and timers, in lists by level and digit: queue.c. */
typedef struct sim_Queue {
  int64_t floor;   /* no event is before this time */
  unsigned levels; /* bits of those that have lists, and of these lists */
  uint64_t digits[SIM_LEVELS];
  uint32_t lists[SIM_LEVELS][64];
  sim_Event *entries;
  size_t capacity;
  size_t count;    /* of the entries in lists */
  uint32_t most;   /* the highest number that an entry has had */
  uint32_t unused; /* the first one below that */
} sim_Queue;

/*
** Faults of a link, a LAN or the net. A purpose that a link does not set is
** looked up at the LAN, then at the net.
*/

typedef enum sim_DelayKind {
  SIM_UNIFORM,
  SIM_NORMAL,
  SIM_EXPONENTIAL,
  SIM_FUNCTION
} sim_DelayKind;

typedef struct sim_Delay {
  sim_DelayKind kind;
  int function; /* reference */
  double a;     /* minimum, mean, or minimum */
  double b;     /* maximum, deviation, or mean above the minimum */
} sim_Delay;

typedef struct sim_Faults {
  bool set[SIM_PURPOSES];
  bool touched;  /* a link: a copy went by it */
  double loss;   /* in the good state, where it has bursts */
  double bad;    /* in the bad state */
  double tobad;  /* probability that a datagram begins the bad state ... */
  double togood; /* ... and ends it */
  double duplicate;
  double reorder;
  double holdback; /* maximum of seconds by which a reordered copy is late */
  sim_Delay delay;
} sim_Faults;

/* From one host to another. */
typedef struct sim_Link {
  sim_Faults faults;
  sim_Host *from;
  sim_Host *to;
  int place; /* that of the scenario: a number of lua/mcast/sim/touch.lua */
} sim_Link;

/*
** The topology.
*/

struct sim_Interface {
  sim_Net *net;
  sim_Host *host;
  sim_Lan *lan; /* NULL: lo */
  unsigned index;
  bool up;
  uint32_t since; /* the version of the topology that set it up or down */
  char name[IF_NAMESIZE];
  int mtu;
  int naddresses;
  mcast_Sockaddr *addresses;
};

typedef struct sim_Boundary {
  mcast_Sockaddr prefix;
  int bits;
} sim_Boundary;

/* Counts of datagrams by sender's port and destination: flow.c. */
typedef struct sim_Flows {
  struct sim_Flow *list;
  size_t capacity; /* a power of two */
  size_t count;
} sim_Flows;

typedef struct sim_Bandwidth {
  double bits;  /* a second; 0: no limit */
  double queue; /* bytes that wait at most; below 0: by time */
  int64_t busy; /* until this time */
} sim_Bandwidth;

/* The fields of each datagram come first. */
struct sim_Host {
  sim_Net *net;
  sim_Socket *sockets;
  uint64_t hash;       /* of the name */
  uint64_t severed[2]; /* bit of each partition: as a sender, as a receiver */
  int isolated;        /* count of isolations in force */
  bool cut;            /* they lost a copy */
  bool router;
  bool flood; /* a router that forwards groups to LANs without members, too */
  sim_Bandwidth down;
  sim_Bandwidth carriers; /* the same, of a router, as carriers find it */
  sim_Bandwidth up;
  uint32_t id;
  uint32_t place; /* in the matrix of latencies */
  char *name;
  int nfar;      /* count of links to hosts that only routers reach */
  uint16_t port; /* the last ephemeral one */
  int ninterfaces;
  sim_Interface **interfaces; /* lo is the first, its index 1 */
  sim_Flows flows;
  int nboundaries;
  sim_Boundary *boundaries;
  sim_Socket *monitors;
  sys_Fact *changes; /* all of its interfaces, in order */
  size_t nchanges;
  size_t changecapacity;
};

/* The way from one LAN to another: the last router's interfaces. */
typedef struct sim_Hop {
  sim_Interface *in;
  sim_Interface *out;
  bool down; /* an interface on the way is down, and there is no other way */
} sim_Hop;

struct sim_Lan {
  sim_Net *net;
  uint32_t id;
  char *name;
  sim_Faults faults;
  sim_Bandwidth bandwidth;
  int overhead; /* bytes a frame; below 0: Ethernet's */
  int nrouters;
  sim_Interface **routers;
  sim_Hop *hops;    /* to each LAN ... */
  uint32_t version; /* ... in this version of the topology */
};

/* The interfaces of a LAN whose hosts are members of a group, in the order in
   which they joined. One that leaves is NULL until the list is compacted. */
typedef struct sim_Group {
  int count;     /* with those that are NULL ... */
  int gone;      /* ... which are so many */
  bool filtered; /* one of them has had a source in a filter */
  sim_Interface **members;
} sim_Group;

/*
** Sockets.
*/

typedef struct sim_Member {
  mcast_Sockaddr group;
  sim_Interface *interface;
  uint32_t mode;
  uint32_t count;
  struct sockaddr_storage *sources;
  uint32_t room;  /* sources that Linux has memory for, of an IPv6 socket */
  uint32_t place; /* of the interface in the LAN's list of members */
} sim_Member;

/* A datagram in a receive buffer. */
typedef struct sim_Queued {
  sim_Packet *packet;
  sim_Interface *interface;
  int64_t time;
  int ttl;
  bool foreign;     /* the socket did not accept it when it was enqueued */
  uint32_t dropped; /* the socket's count then */
  uint32_t cost;    /* bytes, as Linux accounts for them */
} sim_Queued;

#define SIM_DEFAULTTTL 64 /* of unicast */

typedef enum sim_Value {
  SIM_REUSEADDR,
  SIM_REUSEPORT,
  SIM_V6ONLY,
  SIM_TTL,
  SIM_UNICASTTTL,
  SIM_LOOP,
  SIM_ALL,
  SIM_BROADCAST,
  SIM_DISCOVER, /* of IPv4: MCAST_CUT or MCAST_WHOLE */
  SIM_DONTFRAG, /* of IPv6 */
  SIM_RCVBUF,
  SIM_SNDBUF,
  SIM_TOS,
  SIM_INTERFACE,
  SIM_VALUES
} sim_Value;

/* A node, while its count of waits is still this one. */
typedef struct sim_Waiter {
  sim_Node *node;
  uint64_t wait;
} sim_Waiter;

/* The fields of each datagram come first, side by side in the cache. */
struct sim_Socket {
  sim_Socket *next; /* of its host, the last bound first; or of monitors or free
                       ones */
  sim_Net *net;
  sim_Interface *device;
  mcast_Sockaddr bound;
  int family;
  int nmembers;
  sim_Member *members;
  int values[SIM_VALUES];
  sim_Queued *queue; /* a ring */
  unsigned head;
  unsigned count;
  unsigned capacity; /* a power of two */
  unsigned listed; /* those that Linux would have moved to its reader's list */
  size_t queued;   /* bytes, as Linux accounts for them, with ... */
  size_t read;     /* ... those that were read and not given back yet */
  sim_Waiter waiter; /* the first one ... */
  sim_Waiter *more;  /* ... and further ones, where it has several */
  int nmore;
  uint32_t dropped;
  unsigned serial; /* of the net, and never used again */

  int fd;
  bool abandoned;
  bool shares;      /* it was bound with reuseport */
  in_addr_t source; /* set together with the interface */
  sim_Host *host;
  sim_Node *owner;
  sim_Socket *older; /* of its owner */
  sim_Socket *newer;
  int *own;        /* the script's descriptor; NULL where that was collected */
  size_t seen;     /* of a monitor: changes of its host */
  size_t optional; /* bytes of memberships, as Linux counts them for IPv6 */
};

/*
** Nodes.
*/

typedef enum sim_Status {
  SIM_NEW,
  SIM_RUNNING,
  SIM_ENDED,
  SIM_FAILED,
  SIM_CRASHED
} sim_Status;

/* The fields of each wait come first, side by side in the cache. */
struct sim_Node {
  sim_Net *net;
  sim_Host *host;
  lua_State *main; /* its coroutine, among the references under the node */
  lua_State *L;    /* the running one: main, or a coroutine of the script */
  bool waiting;
  bool runnable; /* in the net's list of runnable nodes ... */
  bool paused;
  bool due;       /* it became runnable while it was paused */
  int strings;    /* reference: metatable of its strings */
  sim_Node *next; /* ... before this one */
  uint64_t wait;  /* count of waits */
  int64_t deadline;
  uint32_t timer; /* its number in the queue; 0: none is set */
  double drift;
  int unyieldable; /* count of coroutines that run inside a C function */
  int unyielding;  /* count of calls from which a script cannot yield */
  bool ending;     /* it must not run on */

  int id;
  sim_Status status;
  char *name;
  int object; /* reference: its object of the scenario */
  int exitcode;
  double skew;
  int64_t since;       /* the net's time when the drift was set, ... */
  int64_t clock;       /* ... and the node's */
  sim_Socket *sockets; /* the first one made */
  sim_Socket *lastsocket;
  int nsockets;
  uint64_t sent; /* datagrams */
  int starts;    /* count of its starts */
  uint64_t random[4];
  bool seeded; /* by the script itself */
  bool begun;  /* before */
};

/* An event of the trace. */
typedef struct sim_Record {
  int64_t time;
  const sim_Node *node; /* NULL: none, but the host's */
  const sim_Interface *interface;
  union {
    sim_Packet *packet;
    sim_Member *member; /* a copy of its own */
    int detail;         /* index of a table */
  };
  union {
    const char *reason;
    const sim_Interface *in; /* of a forwarded packet */
  };
  unsigned socket; /* its serial number and one; 0: none */
  uint8_t kind;
  uint8_t ttl;
} sim_Record;

/* Priorities: priority.c. Each flow to a receiver has one, or each host. */
typedef enum sim_Priority { SIM_FLOW, SIM_SENDER, SIM_RECEIVER } sim_Priority;

typedef struct sim_Priorities {
  uint64_t interval; /* datagrams between two change points; 0: none are set */
  double late;       /* the share of low priorities */
  bool lose;         /* copies between two change points are lost together */
  sim_Priority of;
} sim_Priorities;

/* There is one of it, so related fields are together, whatever the padding. */
struct sim_Net { // NOLINT(clang-analyzer-optin.performance.Padding)
  int slot;
  lua_State *L; /* that runs it; NULL: it does not run */
  uint64_t seed;
  int64_t now;
  bool stopped;
  char where[80];  /* source and line of the last endless loop */
  int64_t budget;  /* nanoseconds of a node between two waits */
  sim_Waiter seen; /* the node that the last look at it saw running ... */
  int64_t seenat;  /* ... and the processor time when it first did */
  bool counting;   /* a hook counts instructions: there are no ticks */
  lua_Hook hook;   /* of L, before nodes ran */
  int rcvbuf;      /* bytes, of a new socket */

  uint64_t executed; /* count of events and timers */
  sim_Queue queue;
  size_t nevents;     /* in it, without timers */
  size_t nheld;       /* copies that are held; they count as events in flight */
  sim_Node *runnable; /* the first one */
  sim_Node *lastrunnable;

  int nhosts;
  sim_Host **hosts;
  int nlans;
  sim_Lan **lans;
  int nnodes;
  sim_Node **nodes;
  uint32_t topology; /* its version */
  sim_Map addresses;
  sim_Map groups;
  uint64_t members; /* the version of groups */
  sim_Map trees;    /* route.c */
  sim_Map mtus;     /* fragment.c: a path's, by destination and host */
  sim_Map links;
  int nlinks;
  sim_Link **linklist;
  uint32_t nplaces;
  uint32_t *latencies; /* nanoseconds, from host to host, by their places */
  size_t nlatencies;   /* rows of it */
  sim_Faults faults;
  sim_Priorities priorities;
  uint64_t partitions; /* bits of those in force */
  uint64_t touched;    /* bits of those that lost a copy */

  int nsockets;
  sim_Socket **sockets; /* by descriptor; NULL: closed */
  sim_Socket *freesockets;
  unsigned nmade;           /* count of sockets ever made */
  struct sim_Block *blocks; /* memory.c */

  uint32_t npackets;
  sim_Packet *packets; /* the last one made */
  sim_Packet *freepackets;
  int nextpayload;
  sim_Interface **receivers; /* of the packet that is transmitted */
  size_t receivercapacity;

  struct {
    size_t events;
    size_t records;
    size_t bytes;
  } most;         /* bounds */
  size_t bytes;   /* of datagrams in flight, in buffers and in the trace */
  bool exhausted; /* memory has run out */

  bool tracing;
  sim_Record *records;
  size_t nrecords;
  size_t recordcapacity;

  /* References. */
  int payloads;    /* table: bytes and addresses of packets */
  int details;     /* table: tables of the trace */
  int rules;       /* function, or LUA_NOREF */
  int sieve;       /* function, or LUA_NOREF */
  bool meandelays; /* are copies late or early by the mean delay, in a sieve? */
  bool imposing; /* does the sieve decide on losses that are not drawn, too? */
  int noted;     /* function, or LUA_NOREF */
  int latency;   /* function, or LUA_NOREF */
  int matrix;    /* the latencies' memory, or LUA_NOREF */
  int began;     /* function: a node has begun */
  int ended;     /* function: a node has ended */
  int strings;   /* metatable of strings of nodes without their own */
  int process;   /* the process's metatable of strings, while the net runs */
  int installed; /* the one that is installed */
};

/* A failed system call. */
static inline int sim_fail(int err) {
  errno = err;
  return -1;
}

static inline bool sim_isany(const mcast_Sockaddr *a) {
  return a->sa.sa_family == AF_INET
             ? a->in.sin_addr.s_addr == htonl(INADDR_ANY)
             : IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);
}

static inline bool sim_isbroadcast(const mcast_Sockaddr *a) {
  return a->sa.sa_family == AF_INET &&
         a->in.sin_addr.s_addr == htonl(INADDR_BROADCAST);
}

/* May a datagram to this address have several receivers? */
static inline bool sim_ismany(const mcast_Sockaddr *a) {
  return mcast_ismulticast(a) || sim_isbroadcast(a);
}

/* memory.c */
void *sim_allocate(sim_Net *net, size_t size);
char *sim_copytext(sim_Net *net, const char *text);
void sim_freeblocks(sim_Net *net);
void *sim_grow(void *array, size_t *capacity, size_t size);
bool sim_append(void *array, int *count, void *pointer);

/* time.c */
SIM_HOT int64_t sim_nanoseconds(double seconds);
int64_t sim_later(int64_t time, double seconds);
int64_t sim_clock(const sim_Node *node);
double sim_day(const sim_Node *node, int64_t time);
int64_t sim_daynanoseconds(const sim_Node *node, int64_t time);
SIM_HOT int64_t sim_deadline(const sim_Node *node, int64_t timeout);

/* check.c */
#define SIM_NET "mcast.sim.net"             /* name of the metatable of nets */
extern _Thread_local sim_Node *sim_current; /* the running node, or NULL */
__attribute__((noreturn)) int sim_nomemory(lua_State *L);
sim_Net *sim_checknet(lua_State *L, int arg);
int sim_checkindex(lua_State *L, int arg, int count, const char *message);
sim_Host *sim_checkhost(lua_State *L, const sim_Net *net, int arg);
sim_Lan *sim_checklan(lua_State *L, const sim_Net *net, int arg);
sim_Node *sim_checknode(lua_State *L, const sim_Net *net, int arg);
int64_t sim_checktime(lua_State *L, int arg);
sim_Node *sim_checkcurrent(lua_State *L, const char *name);

/* bound.c */
extern const luaL_Reg sim_boundmethods[];
const char *sim_pushbound(lua_State *L, const sim_Net *net);
__attribute__((noreturn)) int sim_raisebound(lua_State *L, const sim_Net *net);

static inline void sim_checkbounds(lua_State *L, const sim_Net *net) {
  if (net->nevents + net->nheld > net->most.events ||
      net->nrecords > net->most.records || net->bytes > net->most.bytes ||
      net->exhausted)
    sim_raisebound(L, net);
}

/* random.c, of the running node */
extern const luaL_Reg sim_randomfunctions[];
void sim_seednode(sim_Node *node);

/* refs.c */
void sim_openrefs(lua_State *L);
void sim_newrefs(lua_State *L, const sim_Net *net);
void sim_pushrefs(lua_State *L, const sim_Net *net);
void sim_pushref(lua_State *L, const sim_Net *net, int ref);
int sim_ref(lua_State *L, const sim_Net *net);
void sim_unref(lua_State *L, const sim_Net *net, int *ref);

/* descriptor.c */
bool sim_registernet(sim_Net *net);
void sim_unregisternet(sim_Net *net);
SIM_HOT sim_Socket *sim_findsocket(int fd);
SIM_HOT sim_Socket *sim_getsocket(int fd);
sim_Socket *sim_newsocket(sim_Node *node);
void sim_removesocket(sim_Socket *s);

/* queue.c */
SIM_HOT bool sim_pushpacket(sim_EventKind kind, int64_t time, sim_Interface *i,
                            sim_Packet *p, int ttl);
bool sim_pushcall(sim_Net *net, int64_t time, int function);
bool sim_pushstart(sim_Node *node, int64_t time);
SIM_HOT bool sim_settimer(sim_Node *node, int64_t time);
SIM_HOT int64_t sim_nexttime(sim_Net *net, int64_t until);
SIM_HOT void sim_pop(sim_Net *net, sim_Event *event);
SIM_HOT void sim_wake(sim_Node *node);
SIM_HOT sim_Node *sim_nextrunnable(sim_Net *net);

/* host.c: system calls about interfaces, too */
sim_Interface *sim_getinterface(const sim_Host *host, unsigned index);
sim_Interface *sim_findowner(const sim_Host *host, const mcast_Sockaddr *a);
SIM_HOT bool sim_issevered(sim_Host *from, sim_Host *to);
mcast_Sockaddr sim_unmap(const mcast_Sockaddr *a);

/* outgoing.c */
typedef struct sim_Way {
  sim_Interface *out; /* by which a datagram leaves its host; lo: not at all */
  sim_Interface *in;  /* by which own sockets receive it */
  mcast_Sockaddr from;
  mcast_Sockaddr to;
} sim_Way;

/* The ancillary data of a datagram. */
typedef struct sim_Ask {
  unsigned index;        /* 0: none */
  mcast_Sockaddr source; /* AF_UNSPEC: none */
  int ttl;               /* 0: none */
} sim_Ask;

sim_Interface *sim_findroute(const sim_Host *host, const mcast_Sockaddr *to);
bool sim_needszone(const mcast_Sockaddr *a);
int sim_chooseway(const sim_Socket *s, const sim_Ask *ask, sim_Way *way);

/* route.c */
const sim_Hop *sim_lasthop(sim_Lan *from, const sim_Lan *to);
const sim_Hop *sim_firsthop(sim_Lan *from, const sim_Lan *to);
typedef enum sim_Reach {
  SIM_NOBODY,   /* there is no member this way */
  SIM_DOWN,     /* members, behind an interface that is down ... */
  SIM_FILTER,   /* ... or whose filters exclude the source ... */
  SIM_SCOPE,    /* ... or behind the limit of the group's scope ... */
  SIM_BOUNDARY, /* ... or behind a router's boundary */
  SIM_MEMBERS
} sim_Reach;
sim_Reach sim_reach(const sim_Interface *in, const sim_Interface *out,
                    const sim_Packet *p);
bool sim_isonway(const sim_Interface *router, const sim_Packet *p);
bool sim_haslostway(const sim_Interface *out, const sim_Packet *p);
void sim_freetrees(sim_Net *net);

/* flow.c */
bool sim_setfate(sim_Host *host, sim_Packet *p);

/* packet.c */
sim_Packet *sim_newpacket(sim_Net *net);
sim_Packet *sim_newcarrier(sim_Net *net, sim_Packet *p);
SIM_HOT void sim_release(sim_Net *net, sim_Packet *p);

/* payload.c */
void sim_storepayload(lua_State *L, const sim_Net *net, const sim_Packet *p,
                      const void *data);
void sim_setpacket(lua_State *L, const sim_Net *net, const sim_Packet *p,
                   int ttl);

/* strings.c */
extern const luaL_Reg sim_stringsmethods[];
void sim_installstrings(lua_State *L, sim_Net *net, int ref);
void sim_keepstrings(lua_State *L, sim_Net *net);
void sim_releasestrings(lua_State *L, sim_Net *net);
void sim_callscenario(lua_State *L, sim_Net *net, int arguments, int results);

/* record.c: none of these runs Lua but the last */
typedef enum sim_Kind {
  SIM_SEND,
  SIM_DELIVER,
  SIM_DROP,
  SIM_JOIN,
  SIM_LEAVE,
  SIM_FORWARD,
  SIM_DETAIL /* any other kind, described by a table */
} sim_Kind;
SIM_HOT void sim_record(sim_Net *net, sim_Kind kind, const sim_Node *node,
                        const sim_Interface *i, sim_Packet *p, int ttl,
                        const char *reason);
SIM_HOT void sim_recordsocket(const sim_Socket *s, sim_Kind kind,
                              const sim_Interface *i, sim_Packet *p, int ttl,
                              const char *reason);
void sim_recordforward(const sim_Interface *in, const sim_Interface *out,
                       sim_Packet *p, int ttl);
void sim_recordmember(const sim_Socket *s, sim_Kind kind, const sim_Member *m);
void sim_freerecords(sim_Net *net);
void sim_recorddetail(lua_State *L, sim_Net *net, const sim_Node *node);

/* trace.c */
extern const luaL_Reg sim_tracemethods[];

/* membership.c */
int sim_setmembership(sim_Socket *s, int name, const void *value,
                      socklen_t len);
bool sim_joinnodes(sim_Interface *i);
bool sim_ishostmember(const sim_Interface *i, const mcast_Sockaddr *group);
bool sim_hasjoined(const sim_Socket *s, const mcast_Sockaddr *group);
bool sim_hostaccepts(const sim_Interface *i, const mcast_Sockaddr *group,
                     const mcast_Sockaddr *from);
SIM_HOT bool sim_hears(const sim_Socket *s, const sim_Interface *i,
                       const sim_Packet *p);
bool sim_accepts(const sim_Socket *s, const sim_Interface *i,
                 const sim_Packet *p);
bool sim_queuesforeign(const sim_Socket *s, const sim_Interface *i,
                       const sim_Packet *p);
void sim_leaveall(sim_Socket *s);

/* account.c */
size_t sim_accountwhole(const sim_Interface *out, bool inet, size_t size);
size_t sim_accountsent(const sim_Interface *out, bool inet, size_t size);
SIM_HOT size_t sim_account(const sim_Interface *i, const sim_Packet *p);

/* buffer.c */
SIM_HOT void sim_enqueue(sim_Socket *s, sim_Interface *i, sim_Packet *p,
                         int ttl, bool own);
void sim_enqueueforeign(sim_Socket *s, sim_Interface *i, sim_Packet *p, int ttl,
                        bool own);
SIM_HOT bool sim_iswaiting(const sim_Waiter *w);
SIM_HOT void sim_look(sim_Socket *s);
SIM_HOT sim_Queued sim_dequeue(sim_Socket *s);
SIM_HOT const sim_Queued *sim_nextqueued(sim_Socket *s);

void sim_wakewaiters(const sim_Socket *s, bool own);

/* chance.c */
SIM_HOT sim_Stream sim_copystream(const sim_Packet *p, const sim_Interface *to,
                                  sim_Purpose purpose);
SIM_HOT bool sim_happens(double probability, sim_Stream *s);
SIM_HOT double sim_drawdelay(const sim_Delay *d, sim_Net *net, sim_Stream *s);
double sim_usualdelay(const sim_Delay *d, const sim_Net *net);
SIM_HOT bool sim_drawloss(const sim_Faults *f, const sim_Net *net,
                          const sim_Packet *p, const sim_Interface *to,
                          int fragments);

/* latency.c */
#define SIM_MAXLATENCY 4 /* seconds, in a matrix */
static inline bool sim_haslatencies(const sim_Net *net) {
  return net->nlatencies > 0 || net->latency != LUA_NOREF;
}
bool sim_findlatency(sim_Net *net, const sim_Host *from, const sim_Host *to,
                     sim_Stream *s, double *seconds);
int sim_setlatency(lua_State *L);

/* sieve.c */
bool sim_passes(sim_Net *net, const char *kind, const sim_Packet *p,
                const sim_Interface *to, double *seconds);

/* priority.c */
#define SIM_DRAWS 8 /* the most of them is late, the least early */
void sim_setpriorities(sim_Net *net);
sim_Stream sim_prioritystream(const sim_Net *net, const sim_Packet *p,
                              const sim_Interface *to, sim_Purpose purpose);
double sim_prioritize(const sim_Net *net, const sim_Packet *p,
                      const sim_Interface *to, const double *drawn);

/* note.c */
int sim_setnoted(lua_State *L);

/* fragment.c */
SIM_HOT int sim_countfragments(const sim_Packet *p, const sim_Interface *i);
SIM_HOT size_t sim_countbytes(const sim_Packet *p, const sim_Interface *i);
int sim_pathmtu(const sim_Interface *out, const mcast_Sockaddr *to);
void sim_setmtu(sim_Packet *p, bool whole);
bool sim_fits(const sim_Packet *p, int mtu);
void sim_learnmtu(const sim_Packet *p, int mtu);
bool sim_lacksinet6(int mtu);

/* bandwidth.c */
int64_t sim_pass(sim_Bandwidth *b, int64_t now, size_t bytes);
void sim_setbandwidth(lua_State *L, sim_Bandwidth *b, int bits, int queue);

/* link.c */
typedef enum sim_Leg {
  SIM_FINAL,  /* a copy to its last receiver */
  SIM_HOP,    /* to a router, which may receive it, too */
  SIM_CARRIER /* to a router, which only forwards it */
} sim_Leg;
SIM_HOT void sim_copy(sim_Interface *from, sim_Interface *to, sim_Packet *p,
                      int ttl, int64_t start, sim_Leg leg);
#define SIM_HELD "mcast.sim.held" /* metatable of copies that are held */
int sim_letgo(lua_State *L);

/* lan.c */
SIM_HOT void sim_transmit(sim_Interface *i, sim_Packet *p, int ttl);

/* arrive.c */
SIM_HOT void sim_arrive(sim_Interface *i, sim_Packet *p, int ttl);
SIM_HOT void sim_accept(sim_Interface *i, sim_Packet *p, int ttl);
void sim_arriveown(const sim_Host *host, sim_Interface *i, sim_Packet *p,
                   int ttl);

/* send.c */
ssize_t sim_send(sim_Socket *s, const void *data, size_t len,
                 const mcast_Sockaddr *to, const sim_Ask *ask);

/* socket.c */
void sim_closesocket(sim_Socket *s);
void sim_closeall(sim_Node *node);
void sim_makeroom(lua_State *L);

/* wait.c */
SIM_HOT void sim_checkwait(lua_State *L, const char *name);
SIM_HOT void sim_watch(lua_State *L, sim_Socket *s);
SIM_HOT int sim_wait(lua_State *L, int64_t until, lua_KFunction k,
                     lua_KContext ctx);

/* module.c */
void sim_pushmodule(lua_State *L);

/* keys.c */
typedef enum sim_Rank { /* keys of the last have no order */
                        SIM_BOOLEANKEY,
                        SIM_NUMBERKEY,
                        SIM_STRINGKEY,
                        SIM_ADDRESSKEY,
                        SIM_SOCKETKEY,
                        SIM_OTHERKEY
} sim_Rank;

typedef struct sim_Tablekey {
  uint64_t first; /* compared first, of keys of one rank */
  union {
    lua_Number number;
    const mcast_Sockaddr *address;
    const char *text;
  };
  size_t len; /* of the text */
  int place;  /* in a list of keys */
  unsigned char rank;
  bool isinteger;
} sim_Tablekey;

void sim_readkey(lua_State *L, int arg, int place, sim_Tablekey *k);
int sim_comparekeys(const sim_Tablekey *a, const sim_Tablekey *b);
void sim_sortkeys(sim_Tablekey *keys, int n, sim_Tablekey *spare);

/* pairs.c */
void sim_setpairs(lua_State *L);

/* box.c */
extern const luaL_Reg sim_boxfunctions[];

/* budget.c */
void sim_beginbudget(sim_Net *net);
void sim_endbudget(const sim_Net *net);
void sim_count(lua_State *L);
int sim_endnow(lua_State *L);
void sim_checkending(lua_State *L);
void sim_setexit(sim_Node *node, int code);

/* The coroutine of the node runs from now on; returns the one before it. */
static inline lua_State *sim_enter(sim_Node *node, lua_State *co) {
  lua_State *before = node->L;
  node->L = co;
  if (node->net->counting)
    sim_count(co);
  return before;
}

/* node.c */
extern const luaL_Reg sim_nodemethods[];
extern const luaL_Reg sim_nodefunctions[];
SIM_HOT void sim_resume(sim_Node *node);
void sim_begin(sim_Node *node, int start);

/* text.c */
extern const luaL_Reg sim_textfunctions[];

/* range.c */
void sim_setranges(lua_State *L);

/* coroutine.c */
extern const luaL_Reg sim_coroutinefunctions[];

/* change.c */
bool sim_change(sim_Host *host, const sys_Fact *f);

/* topology.c, fault.c, scheduler.c */
extern const luaL_Reg sim_topologymethods[];
extern const luaL_Reg sim_faultmethods[];
extern const luaL_Reg sim_schedulermethods[];

#pragma GCC visibility pop

#endif
