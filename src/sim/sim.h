/*
** The simulator's internal contract. A net has hosts, which have interfaces on
** LANs, and nodes: scripts, each a coroutine on a host. A node's system calls
** (system.h) work on its host. The clock is an integer of nanoseconds, and events
** go by (time, sequence), so a run depends on its seed and on nothing else.
*/
#ifndef sim_h
#define sim_h

#include "../mcast.h"

#pragma GCC visibility push(hidden)

#define SIM_NEVER INT64_MAX
#define SIM_LAST                                                               \
  4000000000 /* seconds; a clock that drifts has room for twice */
#define SIM_SECOND 1000000000
#define SIM_POLL 1000 /* nanoseconds that a poll takes */
#define SIM_MAXPARTITIONS 64
#define SIM_MAXTTL 255

typedef struct sim_Net sim_Net;
typedef struct sim_Host sim_Host;
typedef struct sim_Lan sim_Lan;
typedef struct sim_Interface sim_Interface;
typedef struct sim_Socket sim_Socket;
typedef struct sim_Node sim_Node;

/*
** random.c: one stream for each node and purpose, so that one more draw shifts
** no other.
*/

typedef uint64_t sim_Stream;

typedef enum sim_Purpose {
  SIM_LOSS,
  SIM_DELAY,
  SIM_DUPLICATE,
  SIM_REORDER,
  SIM_PURPOSES
} sim_Purpose;

sim_Stream sim_newstream(uint64_t seed, uint64_t owner, uint64_t purpose);
uint64_t sim_draw(sim_Stream *s);
double sim_uniform(sim_Stream *s);
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
void *sim_getvalue(const sim_Map *map, size_t i);

/*
** Packets: a datagram on its way, one for all its copies.
*/

typedef struct sim_Packet sim_Packet;
struct sim_Packet {
  uint32_t id;
  int refs;
  int data; /* index of the string in the payloads; its sender is the next */
  mcast_Sockaddr from;
  mcast_Sockaddr to;
  size_t size;
  sim_Packet *older;     /* the one made before it */
  sim_Interface *origin; /* by which it left its host */
  sim_Packet *next;      /* of those that are free */
};

/*
** queue.c: events, and timers, of which a node has one.
*/

typedef enum sim_EventKind {
  SIM_ARRIVE,   /* a copy of a packet at an interface */
  SIM_TRANSMIT, /* a packet that an interface puts on its LAN */
  SIM_CALL,     /* a function of the scenario's */
  SIM_START     /* a node */
} sim_EventKind;

typedef struct sim_Event {
  int64_t time;
  uint64_t order; /* its sequence, above what it is */
  void *target;
  sim_Packet *packet;
} sim_Event;

#define sim_eventkind(e) ((sim_EventKind)((e)->order & 3))
#define sim_eventttl(e) ((int)((e)->order >> 2 & 255))

bool sim_push(sim_Net *net, int64_t time, sim_EventKind kind, void *target,
              sim_Packet *packet, int ttl);
bool sim_pop(sim_Net *net, sim_Event *event);
bool sim_settimer(sim_Node *node, int64_t time);
sim_Node *sim_poptimer(sim_Net *net);
int64_t sim_nexttime(const sim_Net *net, bool *timer);

/*
** What befalls a copy of a packet. A part that is not set is looked for at the
** LAN, then at the net.
*/

typedef enum sim_DelayKind {
  SIM_UNIFORM,
  SIM_NORMAL,
  SIM_EXPONENTIAL,
  SIM_FUNCTION
} sim_DelayKind;

typedef struct sim_Delay {
  sim_DelayKind kind;
  double a;     /* least, mean, or least */
  double b;     /* most, deviation, or mean above the least */
  int function; /* that the net holds */
} sim_Delay;

typedef struct sim_Faults {
  bool set[SIM_PURPOSES];
  double loss;
  double duplicate;
  double reorder;
  double holdback; /* seconds that a reordered copy is held back at the most */
  sim_Delay delay;
} sim_Faults;

struct sim_Interface {
  sim_Net *net;
  sim_Host *host;
  sim_Lan *lan; /* NULL: lo */
  unsigned index;
  bool up;
  char name[IF_NAMESIZE];
  int mtu;
  int naddresses;
  mcast_Sockaddr *addresses;
  sim_Stream streams[SIM_PURPOSES];
};

typedef struct sim_Boundary {
  mcast_Sockaddr prefix;
  int bits;
} sim_Boundary;

struct sim_Host {
  sim_Net *net;
  uint32_t id;
  char *name;
  bool router;
  int ninterfaces;
  sim_Interface **interfaces; /* lo is the first, its index 1 */
  sim_Socket *sockets;
  uint64_t severed[2]; /* by partition: is it of those that do not reach, ... */
  int isolated;        /* how often it is cut off from everyone else */
  uint16_t port;       /* the last one that was ephemeral */
  int nboundaries;
  sim_Boundary *boundaries;
};

/* The way from one LAN to another: the last router's interfaces. */
typedef struct sim_Hop {
  sim_Interface *in;
  sim_Interface *out;
} sim_Hop;

struct sim_Lan {
  sim_Net *net;
  uint32_t id;
  char *name;
  sim_Faults faults;
  double bandwidth; /* bits a second; 0: no limit */
  double queue;     /* bytes */
  int64_t busy;     /* until this time */
  int nrouters;
  sim_Interface **routers;
  sim_Hop *hops; /* to each LAN; of the version of the topology */
  int nhops;
  uint32_t version;
};

typedef struct sim_Group {
  int count;
  int capacity;
  sim_Interface **members;
} sim_Group;

typedef struct sim_Member {
  mcast_Sockaddr group;
  sim_Interface *interface;
  uint32_t mode;
  uint32_t count;
  struct sockaddr_storage *sources;
} sim_Member;

typedef struct sim_Arrival {
  sim_Packet *packet;
  sim_Interface *interface;
  int64_t time;
  int ttl;
} sim_Arrival;

typedef enum sim_Value {
  SIM_REUSEADDR,
  SIM_REUSEPORT,
  SIM_V6ONLY,
  SIM_TTL,
  SIM_UNICASTTTL,
  SIM_LOOP,
  SIM_ALL,
  SIM_RCVBUF,
  SIM_SNDBUF,
  SIM_TOS,
  SIM_INTERFACE,
  SIM_VALUES
} sim_Value;

struct sim_Socket {
  sim_Socket *next; /* of the host's, the last bound first */
  sim_Net *net;
  sim_Host *host;
  sim_Node *owner;
  sim_Node *waiter; /* if its wait is still the same */
  uint64_t wait;
  int fd;
  bool abandoned;
  int family;
  mcast_Sockaddr bound;
  int values[SIM_VALUES];
  in_addr_t source; /* named with the interface */
  sim_Interface *device;
  int nmembers;
  sim_Member *members;
  sim_Arrival *queue; /* a ring */
  unsigned head;
  unsigned count;
  unsigned capacity; /* a power of two */
  size_t queued;     /* bytes, as the kernel accounts for them */
  uint32_t dropped;
};

typedef enum sim_Status {
  SIM_NEW,
  SIM_RUNNING,
  SIM_ENDED,
  SIM_FAILED,
  SIM_CRASHED
} sim_Status;

struct sim_Node {
  sim_Net *net;
  sim_Host *host;
  int id;
  char *name;
  sim_Status status;
  lua_State *main; /* its coroutine, which the net holds under the node */
  lua_State *L;    /* the one that runs: main, or one of the script's own */
  bool waiting;
  bool paused;
  bool due; /* to be woken once it is resumed */
  int64_t deadline;
  uint64_t wait; /* counts waits */
  int64_t time;  /* of its timer, and its place among those */
  uint64_t order;
  size_t place;
  int unyieldable; /* coroutines resumed by what cannot yield */
  uint64_t seen;   /* the wait at which the budget was last looked at */
  bool ending;     /* it shall run no more */
  int exitcode;
  char where[80]; /* its loop without end is */
  double skew;
  double drift;
  int64_t since; /* the net's time at which the drift was set, ... */
  int64_t clock; /* and the node's then */
  int nsockets;
  int starts;  /* how often it was started */
  int strings; /* which of the nodes' metatables of strings it has */
  uint64_t random[4];
};

/* There is one of it, so what belongs together is together, whatever padding that
   takes. */
struct sim_Net { // NOLINT(clang-analyzer-optin.performance.Padding)
  int slot;
  lua_State *L; /* that runs it; NULL: it does not run */
  uint64_t seed;
  int64_t now;
  uint64_t sequence;
  sim_Event *events;
  size_t nevents;
  size_t eventcapacity;
  sim_Node **timers;
  size_t ntimers;
  size_t timercapacity;
  int nhosts;
  sim_Host **hosts;
  int nlans;
  sim_Lan **lans;
  int nnodes;
  sim_Node **nodes;
  int nsockets;
  sim_Socket **sockets;     /* by descriptor; NULL where it is closed */
  struct sim_Block *blocks; /* see memory.c */
  sim_Socket *freesockets;
  uint32_t topology; /* its version */
  sim_Map addresses;
  sim_Map groups;
  sim_Map links;
  int nlinks;
  sim_Faults faults;
  uint64_t partitions; /* those in force */
  uint32_t npackets;
  sim_Packet *packets; /* the last one made */
  sim_Packet *freepackets;
  int payloads; /* table, which the net holds, as it does what follows */
  int nextpayload;
  int *freepayloads;
  int nfreepayloads;
  int budget;    /* instructions that a node may take between two waits */
  int rcvbuf;    /* bytes, of a new socket */
  int nodetable; /* id to the node's object */
  int rules;     /* function, or LUA_NOREF */
  int watcher;   /* function to be called after each event, or LUA_NOREF */
  int strings;   /* those of the node that ran last */
  bool stopped;
  bool tracing;
  struct sim_Record *records;
  size_t nrecords;
  size_t recordcapacity;
  int details; /* table: what a record tells beside */
};

/* memory.c */
void *sim_allocate(sim_Net *net, size_t size);
void sim_freeblocks(sim_Net *net);
void *sim_grow(void *array, size_t *capacity, size_t size);
bool sim_append(void *array, int *count, void *pointer);

/* kernel.c */
bool sim_registernet(sim_Net *net);
void sim_unregisternet(sim_Net *net);
int sim_descriptor(int fd);
extern _Thread_local sim_Node *sim_current;
sim_Socket *sim_getsocket(int fd);
void sim_closesocket(sim_Socket *s);
void sim_abandon(int fd);
void sim_makeroom(lua_State *L);
sim_Interface *sim_getinterface(const sim_Host *host, unsigned index);
bool sim_isown(const sim_Host *host, const mcast_Sockaddr *a);

/* member.c */
int sim_setmembership(sim_Socket *s, int name, const void *value,
                      socklen_t len);
bool sim_ishostmember(const sim_Interface *i, const mcast_Sockaddr *group);
bool sim_hears(const sim_Socket *s, const sim_Interface *i,
               const sim_Packet *p);
void sim_leaveall(sim_Socket *s);

/* network.c */
ssize_t sim_send(sim_Socket *s, const void *data, size_t len,
                 const mcast_Sockaddr *to, const struct in6_addr *source);
void sim_transmit(sim_Interface *i, sim_Packet *p, int ttl);
void sim_arrive(sim_Interface *i, sim_Packet *p, int ttl);
void sim_release(sim_Net *net, sim_Packet *p);
size_t sim_accounted(size_t size);

/* route.c */
const sim_Hop *sim_lasthop(sim_Lan *from, const sim_Lan *to);
const sim_Hop *sim_firsthop(sim_Lan *from, const sim_Lan *to);
bool sim_isboundary(const sim_Host *router, const mcast_Sockaddr *group);

/* fault.c */
void sim_copy(sim_Interface *from, sim_Interface *to, sim_Packet *p, int ttl,
              int64_t start);
int64_t sim_nanoseconds(double seconds);
int64_t sim_later(int64_t time, double seconds);

/* node.c */
int64_t sim_clock(const sim_Node *node);
double sim_day(const sim_Node *node, int64_t time);
void sim_checkwait(lua_State *L, const char *name);
int64_t sim_deadline(int64_t timeout);
void sim_watch(sim_Socket *s);
int sim_wait(lua_State *L, int64_t until, lua_KFunction k, lua_KContext ctx);
void sim_wake(sim_Node *node);
void sim_start(lua_State *L, sim_Node *node, int n);
void sim_resumefirst(sim_Node *node, int start);
void sim_endnode(sim_Node *node, sim_Status status);
void sim_setbudget(sim_Node *node);
void sim_seednode(sim_Node *node);
const char *sim_statusname(const sim_Node *node);
extern const luaL_Reg sim_nodefunctions[];

/* trace.c: none of these runs Lua but the last */
typedef enum sim_Kind {
  SIM_SEND,
  SIM_DELIVER,
  SIM_DROP,
  SIM_JOIN,
  SIM_LEAVE,
  SIM_DETAIL /* one of the rest, told by a table */
} sim_Kind;
void sim_record(sim_Net *net, sim_Kind kind, const sim_Node *node,
                const sim_Interface *i, sim_Packet *p, int ttl,
                const char *reason);
void sim_recordsocket(const sim_Socket *s, sim_Kind kind,
                      const sim_Interface *i, sim_Packet *p, int ttl,
                      const char *reason);
void sim_recordmember(const sim_Socket *s, sim_Kind kind, const sim_Member *m);
void sim_recorddetail(lua_State *L, sim_Net *net, const sim_Node *node);
void sim_freerecords(sim_Net *net);
void sim_setpacket(lua_State *L, const sim_Net *net, const sim_Packet *p,
                   int ttl);
int sim_trace(lua_State *L);
int sim_tracelength(lua_State *L);

/* order.c */
void sim_setorder(lua_State *L);

/* module.c */
void sim_pushmodule(lua_State *L);
lua_Integer sim_serial(const mcast_Socket *s);

/* core.c */
sim_Net *sim_checknet(lua_State *L, int arg);
void sim_pushholdings(lua_State *L, const sim_Net *net);
void sim_pushheld(lua_State *L, const sim_Net *net, int reference);

#pragma GCC visibility pop

#endif
