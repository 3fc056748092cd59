/*
** Linux: alternative names of interfaces (ip link property add), of up to 127
** bytes, which if_nameindex does not list.
*/
#ifndef mcast_sysaltname_h
#define mcast_sysaltname_h

enum { SYS_NEWLINK = 16, SYS_GETLINK = 18, SYS_ALTNAME = 53 };

/* nlmsghdr, then ifinfomsg, or the begin of nlmsgerr. */
typedef struct sys_Link {
  uint32_t len;
  uint16_t type;
  uint16_t flags;
  uint32_t seq;
  uint32_t pid;
  union {
    int32_t error;
    struct {
      uint16_t family, type;
      int32_t index;
      uint32_t flags, change;
    } link;
  } u;
} sys_Link;

typedef struct sys_LinkRequest {
  sys_Link message;
  sys_Attribute attribute;
  char name[MCAST_NAMESIZE];
} sys_LinkRequest;

/* Reads the kernel's answer: 0 or errno. Kernels without such names (before 5.5)
   refuse the attribute. */
static inline int sys_readlink(const sys_Link *m, size_t len, unsigned *index) {
  if (len >= sizeof *m && m->type == SYS_NEWLINK) {
    *index = (unsigned)m->u.link.index;
    return 0;
  }
  if (len < offsetof(sys_Link, u) + sizeof m->u.error || m->type != SYS_ERROR)
    return EIO;
  if (m->u.error == -EINVAL || m->u.error == -EOPNOTSUPP)
    return ENODEV;
  return m->u.error < 0 ? -m->u.error : EIO;
}

/* Finds the interface that has this alternative name: 0 or errno, ENODEV where
   there is none. */
static inline int sys_alternative(const char *name, unsigned *index) {
  size_t size = strlen(name) + 1;
  sys_LinkRequest r;
  sys_Link answer; /* its end is cut off */
  sys_Asker asker = {0};
  memset(&r, 0, sizeof r);
  r.message.len = (uint32_t)(offsetof(sys_LinkRequest, name) + sys_align(size));
  r.message.type = SYS_GETLINK;
  r.message.flags = SYS_REQUEST;
  r.attribute.len = (uint16_t)(sizeof r.attribute + size);
  r.attribute.type = SYS_ALTNAME;
  memcpy(r.name, name, size);
  ssize_t n =
      sys_ask(&asker, &r, r.message.len, (char *)&answer, sizeof answer);
  int err = n >= 0 ? sys_readlink(&answer, (size_t)n, index) : errno;
  sys_closeasker(&asker);
  return err;
}

#endif
