/*
** The C library, whose mathematical functions scripts call.
*/
#ifndef sys_library_h
#define sys_library_h

#include <limits.h>

#ifdef __GLIBC__
#include <gnu/libc-version.h>
#define SYS_LIBRARY "glibc "
#define sys_libraryversion() gnu_get_libc_version()
#else
#define SYS_LIBRARY "not glibc"
#define sys_libraryversion() ""
#endif

#endif
