/*
** Processes of sweeps. A worker is a copy of the process that started it, with
** a pipe to it, and without its standard output.
*/
#ifndef mcast_process_h
#define mcast_process_h

#include <signal.h>
#include <sys/wait.h>

#if defined(__linux__)
#include <sys/prctl.h>
#endif

/* A pipe that programs started by either process do not inherit. */
static inline int sys_pipe(int ends[2]) {
  if (pipe(ends) != 0)
    return -1;
  (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  return 0;
}

static inline void sys_closepipe(int end) { (void)close(end); }

static inline ssize_t sys_readpipe(int end, void *data, size_t n) {
  return read(end, data, n);
}

static inline bool sys_writepipe(int end, const char *data, size_t n) {
  while (n > 0) {
    ssize_t written = write(end, data, n);
    if (written < 0 && errno != EINTR)
      return false;
    if (written > 0) {
      data += written;
      n -= (size_t)written;
    }
  }
  return true;
}

static inline int sys_pollpipes(struct pollfd *list, nfds_t n) {
  return poll(list, n, -1);
}

/* Buffers are written before, or both processes would write them. */
static inline pid_t sys_fork(void) {
  (void)fflush(NULL);
  return fork();
}

static inline pid_t sys_getpid(void) { return getpid(); }

static inline void sys_silence(void) {
  int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (null < 0)
    return;
  (void)dup2(null, STDOUT_FILENO);
  (void)close(null);
}

/* Ends this process by SIGALRM after some seconds. */
static inline void sys_setalarm(double seconds) {
  struct itimerval timer = {.it_interval = {0, 0}};
  timer.it_value.tv_sec = (time_t)seconds;
  timer.it_value.tv_usec =
      (suseconds_t)((seconds - (double)timer.it_value.tv_sec) * 1e6);
  if (timer.it_value.tv_sec == 0 && timer.it_value.tv_usec == 0)
    timer.it_value.tv_usec = 1;
  sigset_t set;
  (void)sigemptyset(&set);
  (void)sigaddset(&set, SIGALRM);
  (void)signal(SIGALRM, SIG_DFL);
  (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
  (void)setitimer(ITIMER_REAL, &timer, NULL);
}

#if defined(__linux__)
/* Ends this process when the one that started it ends, even by SIGKILL. */
static inline void sys_follow(pid_t parent) {
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent)
    _exit(EXIT_FAILURE);
}
#else
/* A worker whose starter has ended runs until its report. */
static inline void sys_follow(pid_t parent) { (void)parent; }
#endif

/* Ends this process without the finalizers of the one that it is a copy of. */
__attribute__((noreturn)) static inline void sys_exit(int status) {
  (void)fflush(NULL);
  _exit(status);
}

static inline void sys_kill(pid_t process) { (void)kill(process, SIGKILL); }

static inline int sys_waitpid(pid_t process) {
  int status = 0;
  pid_t ended;
  do
    ended = waitpid(process, &status, 0);
  while (ended < 0 && errno == EINTR);
  return ended < 0 ? -1 : status;
}

#endif
