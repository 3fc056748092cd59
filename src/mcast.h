/*
** The module's layers, from low to high; a file calls only files above it in this
** list (make layers):
**   sys/         the system's calls, of Linux, other systems or the simulator
**   sockaddr.h alive check error timeout  addresses of C, arguments, failures
**   iflist address interface cause    interfaces and addresses of Lua, causes
**   membership join                   the list of a socket's groups; its calls
**   outgoing choice ancillary wait send receive datagrams arrival option  other calls
**   adopt loop socket monitor note module mcast clock  event loops, life, and the module's table
**
** A datagram: socket:sendto checks (send.c), sys_sendto sends; socket:recvfrom
** tries sys_recvfrom (receive.c), waits (wait.c), tries again and returns.
** The simulator compiles the files up to module again: see sim/sim.h.
*/
#ifndef mcast_h
#define mcast_h

#include "sockaddr.h"

#include <lauxlib.h>
#include <lua.h>

/* These raise, which Lua's headers do not declare. */
__attribute__((noreturn)) int(lua_error)(lua_State *L);
__attribute__((noreturn)) int(luaL_error)(lua_State *L, const char *fmt, ...);
__attribute__((noreturn)) int(luaL_argerror)(lua_State *L, int arg,
                                             const char *extramsg);
__attribute__((noreturn)) int(luaL_typeerror)(lua_State *L, int arg,
                                              const char *tname);

#pragma GCC visibility push(hidden)

#define MCAST_VERSION "mcast 0.1.0"

/*
** The upvalues that each function of the module has (see luaopen_mcast): a
** check by them costs no look-up in the registry, and there are no globals.
*/
#define MCAST_SOCKETS lua_upvalueindex(1)   /* metatable of sockets */
#define MCAST_ADDRESSES lua_upvalueindex(2) /* metatable of addresses */
#define MCAST_INTERNED lua_upvalueindex(3)  /* the addresses alive, weak */
#define MCAST_BUFFER lua_upvalueindex(4)    /* userdata: to receive into */
#define MCAST_NOTHING lua_upvalueindex(5)   /* an empty Lua function */
#define MCAST_REFUSAL lua_upvalueindex(6)   /* check.c */
#define MCAST_MONITORS lua_upvalueindex(7)  /* metatable of monitors */
#define MCAST_ALIVE lua_upvalueindex(8)     /* alive.c */
#define MCAST_UPVALUES 8

#define MCAST_BUFFERSIZE 65536 /* more than any datagram */

/* The object of an address in Lua. */
typedef struct mcast_Address {
  uintptr_t mark; /* check.c: this is an address */
  mcast_Sockaddr value;
} mcast_Address;

typedef struct mcast_Interface {
  unsigned index; /* 0: by route */
  char name[IF_NAMESIZE];
  mcast_Sockaddr source; /* of multicast sent by it */
} mcast_Interface;

typedef struct mcast_Membership {
  mcast_Sockaddr group;
  unsigned index;
  char interface[IF_NAMESIZE]; /* its name when last seen */
  struct {
    bool known; /* false: to be read from the kernel */
    bool kept;  /* the kernel lets all sources in: see mix in membership.c */
    uint32_t mode;
    uint32_t count;
    struct sockaddr_storage *sources;
  } filter; /* for the check of sources: see mcast_hears */
} mcast_Membership;

/* The way of a datagram out of the host, as a socket or a call names it. */
typedef struct mcast_Way {
  unsigned index;        /* 0: by route */
  bool named;            /* the source, by the script */
  mcast_Sockaddr source; /* AF_UNSPEC: the kernel's choice */
} mcast_Way;

/* The metadata of a datagram; all but from are ancillary data. */
typedef struct mcast_Arrival {
  mcast_Sockaddr from;
  mcast_Sockaddr group; /* its destination; AF_UNSPEC: unknown */
  unsigned index;
  int ttl;             /* -1: unknown */
  int tclass;          /* DSCP and ECN; -1: unknown */
  int own;             /* is from an address of this host? -1: unknown */
  double time;         /* seconds since the epoch; 0: unknown */
  int64_t nanoseconds; /* the same */
  uint32_t dropped;
  size_t segment; /* bytes of each datagram of a train; 0: it is none */
} mcast_Arrival;

typedef struct mcast_Socket {
  size_t place; /* alive.c */
  int fd;       /* -1: closed */
  bool lent;    /* it is the caller's: see adopt.c */
  int family;
  unsigned serial; /* of a simulated socket: its number on its node */
  struct {
    bool metadata;
    bool all;
    bool hostonly;      /* TTL 0 */
    bool whole;         /* fragment is false */
    bool filtering;     /* the kernel's check of groups needs ours after it */
    unsigned interface; /* its index ... */
    char name[IF_NAMESIZE]; /* ... and its name when it was set */
    mcast_Sockaddr source;  /* AF_UNSPEC: the kernel's choice */
    bool named;             /* the source, by the script */
    int64_t spin;           /* nanoseconds */
  } options;
  sys_Asker asker; /* for TTL 0 */
  int kept;        /* interfaces that choice.c keeps in user value 4 */
  sys_Own own;     /* for recvmsg */
  struct {
    lua_Integer sent;
    lua_Integer received;
  } count;
  struct {
    int maxcount; /* datagrams that sendmany puts in a train; 1: no trains */
    size_t maxsegment; /* bytes of each */
    bool on;           /* it receives trains */
    char *buffer;      /* in user value 1: its own to receive into, or NULL */
    size_t next;       /* the rest of the train received last ... */
    size_t end;
    int held;       /* ... and the number of its datagrams */
    int run;        /* datagrams of one size and sender without a wait */
    int longrun;    /* such a run makes the socket look for a queue ... */
    bool queue;     /* ... and there was one: trains are to be asked for */
    size_t runsize; /* their size */
  } train;
  struct {
    bool descriptor;     /* one asked for it ... */
    bool holding;        /* ... one asks whether datagrams are held, too */
    bool full;           /* a send timed out; the next success ends this */
  } loop;                /* an event loop's */
  mcast_Arrival arrival; /* of the last datagram or train */
  struct {
    mcast_Sockaddr group; /* of the text in user value 2 */
    unsigned index;       /* of the name in user value 3 ... */
    double time;          /* ... and when it was looked up */
  } shown;                /* by recvmsg last */
  struct {
    mcast_Membership *list;
    int count;
    int capacity;
    bool mixed; /* some group may have a membership that is not in the list */
  } members;
} mcast_Socket;

/* A change: `fact` has the interface's name, and the address where it is one's. */
typedef struct mcast_Report {
  const char *kind;
  sys_Fact fact;
} mcast_Report;

typedef struct mcast_Facts {
  sys_Fact *list;
  int count;
  int capacity;
} mcast_Facts;

typedef struct mcast_Monitor {
  size_t place;    /* alive.c */
  int fd;          /* -1: closed */
  unsigned serial; /* its number in messages */
  bool lost;       /* the system's lists are to be compared */
  int64_t next;    /* when they are, where the descriptor shows no changes */
  mcast_Facts known;
  struct {
    mcast_Report *list;
    int count;
    int capacity;
    unsigned taken; /* how often they were taken */
  } reports;        /* not read yet */
} mcast_Monitor;

/* Does the socket buffer datagrams that its descriptor does not show? */
static inline bool mcast_isholding(const mcast_Socket *s) {
  return s->train.held > 0;
}

#define MCAST_LONGRUN 32    /* datagrams */
#define MCAST_NOTRAINS (-1) /* a run that is not counted, or no more */

/* error.c */
void mcast_pushfailure(lua_State *L, int err, const char *operation,
                       const char *why);
const char *mcast_explained(lua_State *L, int err, const char *cause);
void mcast_pushtimeout(lua_State *L);
bool mcast_freedescriptors(lua_State *L, int err);
void mcast_pusherrno(lua_State *L);

/* Both return the number of results; inline, so that compilers see that it is not
   0. */
static inline int mcast_fail(lua_State *L, int err, const char *operation,
                             const char *why) {
  mcast_pushfailure(L, err, operation, why);
  return 3;
}

static inline int mcast_timedout(lua_State *L) {
  mcast_pushtimeout(L);
  return 3;
}

/* alive.c */
typedef void (*mcast_Collector)(void *userdata);
bool mcast_isalive(lua_State *L, const void *userdata, size_t place);
size_t mcast_enlist(lua_State *L, int uservalue, mcast_Collector collect);
void mcast_makealive(lua_State *L);
void mcast_makeguards(lua_State *L);

/* check.c */
void mcast_checkrefusal(lua_State *L);
bool mcast_isliteral(lua_State *L, int arg, const char *literal);
const char *mcast_show(lua_State *L, int arg);
int mcast_badoption(lua_State *L, const char *name, const char *expected,
                    int arg);
__attribute__((noreturn)) void
mcast_baditem(lua_State *L, int arg, lua_Unsigned i, const char *expected);
int mcast_rawgetoption(lua_State *L, int arg, const char *name);
mcast_Sockaddr *mcast_toaddress(lua_State *L, int arg);
extern const char mcast_mark;
static inline uintptr_t mcast_getmark(const void *userdata) {
  return (uintptr_t)userdata ^ (uintptr_t)&mcast_mark;
}
mcast_Socket *mcast_testsocket(lua_State *L, int arg);
mcast_Socket *mcast_checkanysocket(lua_State *L, int arg);
mcast_Socket *mcast_checksocket(lua_State *L, int arg);
void mcast_checkopen(lua_State *L, const mcast_Socket *s);

mcast_Monitor *mcast_testmonitor(lua_State *L, int arg);
mcast_Monitor *mcast_checkanymonitor(lua_State *L, int arg);
mcast_Monitor *mcast_checkmonitor(lua_State *L, int arg);
void mcast_checkopenmonitor(lua_State *L, const mcast_Monitor *m);

/* timeout.c */
#define MCAST_FOREVER INT64_MAX
int64_t mcast_checktimeout(lua_State *L, int arg);
int64_t mcast_nanoseconds(lua_Number seconds);

/* iflist.c */
bool mcast_isaddress(const struct ifaddrs *entry);
bool mcast_isof(const struct ifaddrs *entry, const char *name);
int mcast_completeinterface(mcast_Interface *interface);
int mcast_lookupinterface(const char *text, mcast_Interface *interface);
int mcast_interfaceindex(const char *name, unsigned *index);
void mcast_pushinterfacenames(lua_State *L, bool usable);
void mcast_pushown(lua_State *L, const mcast_Sockaddr *a, const char *name);
int mcast_interfaces(lua_State *L);

/* change.c */
void mcast_forgetchanges(mcast_Monitor *m);
int mcast_look(mcast_Monitor *m);
bool mcast_ischanged(const mcast_Monitor *m);
bool mcast_takechanges(lua_State *L, mcast_Monitor *m);

/* address.c */
extern const luaL_Reg mcast_addressmethods[];
int mcast_address(lua_State *L);
void mcast_makeinterned(lua_State *L);
void mcast_pushaddress(lua_State *L, const mcast_Sockaddr *a);
void mcast_pushhost(lua_State *L, const mcast_Sockaddr *a);
int mcast_readhost(lua_State *L, int arg, mcast_Sockaddr *a);
int mcast_checkhost(lua_State *L, int arg, mcast_Sockaddr *a);
int mcast_checkaddress(lua_State *L, int arg, mcast_Sockaddr *a);

/* interface.c */
#define MCAST_NOBODY 0xfffffffeU /* an IPv4 address that no host has */
int mcast_findowner(const mcast_Sockaddr *own, mcast_Interface *interface);
int mcast_findsource(mcast_Interface *interface);
int mcast_checkinterface(lua_State *L, int arg, const char *option, int family,
                         mcast_Interface *interface);
int mcast_nosuchinterface(lua_State *L, int arg, const char *operation,
                          int err);

/* cause.c */
bool mcast_isgone(const mcast_Sockaddr *source);
const char *mcast_advise(lua_State *L, const char *cause);
const char *mcast_explaininet6(lua_State *L, const mcast_Socket *s,
                               const char *name, int err);
const char *mcast_explainway(lua_State *L, const mcast_Socket *s,
                             const mcast_Sockaddr *to, const mcast_Way *way,
                             int err);
const char *mcast_explainconflict(lua_State *L, const mcast_Socket *s,
                                  unsigned index);
const char *mcast_explainsend(lua_State *L, const mcast_Socket *s,
                              const mcast_Sockaddr *to, const mcast_Way *named,
                              int err);
const char *mcast_explainbind(lua_State *L, const mcast_Sockaddr *a, int err);

/* option.c */
void mcast_checkoptions(lua_State *L, int arg);
int mcast_setoptions(lua_State *L, mcast_Socket *s, int arg);
int mcast_readoption(lua_State *L, mcast_Socket *s, const char *name);
int mcast_setoption(lua_State *L);
int mcast_getoption(lua_State *L);

/* membership.c */
mcast_Membership *mcast_findmember(const mcast_Socket *s,
                                   const mcast_Sockaddr *group, unsigned index);
bool mcast_hears(const mcast_Socket *s, mcast_Membership *m,
                 const mcast_Sockaddr *source);
int mcast_mixall(mcast_Socket *s);
void mcast_forgetall(mcast_Socket *s);

/* join.c */
int mcast_join(lua_State *L);
int mcast_leave(lua_State *L);
int mcast_block(lua_State *L);
int mcast_unblock(lua_State *L);
int mcast_filter(lua_State *L);
int mcast_groups(lua_State *L);

/* adopt.c */
int mcast_borrow(lua_State *L, mcast_Socket *s, int table,
                 mcast_Sockaddr *bound);
int mcast_agree(lua_State *L, mcast_Socket *s, int table,
                const mcast_Sockaddr *asked, const mcast_Sockaddr *bound);
void mcast_inherit(lua_State *L, mcast_Socket *s, int table);
int mcast_adopt(lua_State *L, mcast_Socket *s);

/* socket.c */
extern const luaL_Reg mcast_socketmethods[];
extern const luaL_Reg mcast_socketmetamethods[];
int mcast_socket(lua_State *L);

/* outgoing.c */
int mcast_setoutgoing(mcast_Socket *s, const mcast_Interface *interface);
int mcast_renewsource(mcast_Socket *s, const mcast_Sockaddr *to, int err);
int mcast_choosesource(const mcast_Socket *s, const mcast_Sockaddr *to,
                       mcast_Sockaddr *source);
int mcast_findway(const mcast_Socket *s, const mcast_Sockaddr *to,
                  mcast_Way *way);

/* A send's failure for want of an interface, an address or a route. */
static inline bool mcast_ismissing(int err) {
  return err == ENETUNREACH || err == ENODEV || err == EADDRNOTAVAIL ||
         err == EINVAL || err == ENXIO;
}

/* IPv6 has no option for the source of multicast alone: each datagram names it.
 */
static inline bool mcast_namessource(const mcast_Socket *s,
                                     const mcast_Sockaddr *to) {
  return s->options.source.sa.sa_family == AF_INET6 && mcast_ismulticast(to) &&
         (to->in6.sin6_scope_id == 0 ||
          to->in6.sin6_scope_id == s->options.interface);
}

/* choice.c */
typedef struct mcast_Choice {
  const char *name; /* of the call ... */
  const mcast_Sockaddr *to;
  int table;    /* ... and the index of its table */
  bool renewed; /* the interface was looked up again */
  mcast_Way way;
  mcast_Sockaddr source; /* AF_UNSPEC: that of the way */
  int ttl;               /* 0: the socket's */
  int64_t timeout;
} mcast_Choice;
typedef struct mcast_Control {
  _Alignas(size_t) char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
                              CMSG_SPACE(sizeof(int)) +
                              CMSG_SPACE(sizeof(uint16_t))];
  size_t len;
} mcast_Control;
int mcast_checkchoice(lua_State *L, mcast_Socket *s, mcast_Choice *c);
int mcast_renewchoice(lua_State *L, mcast_Socket *s, mcast_Choice *c, int err);
bool mcast_nameway(const mcast_Socket *s, const mcast_Sockaddr *to,
                   const mcast_Choice *c, mcast_Way *way);
const char *mcast_explainchoice(lua_State *L, const mcast_Socket *s,
                                const mcast_Choice *c, int err);
void mcast_addcontrol(mcast_Control *control, int level, int type,
                      const void *data, size_t len);
void mcast_addchoice(mcast_Control *control, const mcast_Sockaddr *to,
                     const mcast_Choice *c, const mcast_Way *way);

/* send.c */
void mcast_initsending(mcast_Socket *s);
int mcast_sendto(lua_State *L);
int mcast_sendmany(lua_State *L);

/* ancillary.c */
int mcast_askancillary(const mcast_Socket *s);
ssize_t mcast_receive(const mcast_Socket *s, mcast_Arrival *a,
                      struct iovec buffer, int flags);
bool mcast_isforeign(const mcast_Socket *s, const mcast_Arrival *a);
int mcast_getcapacity(const mcast_Socket *s);
bool mcast_skipforeign(const mcast_Socket *s);

/* receive.c */
int mcast_recvfrom(lua_State *L);
int mcast_recvmsg(lua_State *L);
int mcast_recvmany(lua_State *L);
int mcast_nextdatagram(lua_State *L);

/* datagrams.c */
int mcast_datagrams(lua_State *L);

/* arrival.c */
void mcast_setarrival(lua_State *L, mcast_Socket *s, const mcast_Arrival *a);

/* loop.c */
int mcast_getfd(lua_State *L);
int mcast_dirty(lua_State *L);
int mcast_events(lua_State *L);
int mcast_timeout(lua_State *L);

/* monitor.c */
extern const luaL_Reg mcast_monitormethods[];
extern const luaL_Reg mcast_monitormetamethods[];
int mcast_monitor(lua_State *L);

/* module.c: pushes it; the shared upvalues are at the indices from 1 on */
void mcast_pushmodule(lua_State *L);

/* note.c */
int mcast_note(lua_State *L);

/* wait.c */
int64_t mcast_deadline(int64_t timeout);
void mcast_runhooks(lua_State *L);
int mcast_wait(lua_State *L, mcast_Socket *s, short events, int64_t deadline);
int mcast_waitforroom(lua_State *L, mcast_Socket *s, int err, int64_t timeout,
                      int64_t *deadline);
int mcast_poll(lua_State *L);
int mcast_readmonitor(lua_State *L);
int mcast_now(lua_State *L);
int mcast_sleep(lua_State *L);

#pragma GCC visibility pop

#endif
