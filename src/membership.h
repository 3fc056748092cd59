/*
** Changes of memberships, as join.c asks membership.c for them.
*/
#ifndef mcast_membership_h
#define mcast_membership_h

#include "mcast.h"

#pragma GCC visibility push(hidden)

typedef enum mcast_Request { JOIN, LEAVE, BLOCK, UNBLOCK } mcast_Request;

/* A call's group, source and interface; and the cause where it fails. */
typedef struct mcast_Change {
  const char *name; /* of the call */
  mcast_Sockaddr group;
  mcast_Sockaddr source; /* AF_UNSPEC: any */
  unsigned index;        /* of the interface; 0: by route */
  unsigned zone;         /* of the group; 0: none */
  const char *why;       /* of a failure; NULL: see errno */
  bool sources;          /* a lack of memory is due to the number of sources */
} mcast_Change;

typedef struct mcast_Filter {
  uint32_t mode; /* MCAST_INCLUDE or MCAST_EXCLUDE */
  uint32_t count;
  struct sockaddr_storage *sources;
} mcast_Filter;

unsigned mcast_defaultindex(const mcast_Socket *s);
int mcast_addmember(mcast_Socket *s, mcast_Change *c);
int mcast_changemember(mcast_Socket *s, mcast_Request request, mcast_Change *c);
int mcast_setfilter(mcast_Socket *s, mcast_Change *c, const mcast_Filter *f);
int mcast_getfilter(const mcast_Socket *s, const mcast_Membership *m,
                    mcast_Filter *f);
bool mcast_islost(const mcast_Socket *s, mcast_Membership *m);
const char *mcast_membername(const mcast_Socket *s, const mcast_Change *c);

#pragma GCC visibility pop

#endif
