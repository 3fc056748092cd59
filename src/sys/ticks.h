/*
** Ticks: a function is called again and again while the process uses the
** processor, as the handler of the signal SIGVTALRM, in the thread that has begun
** them. No other signal is touched, and nothing between two uses.
*/
#ifndef mcast_systicks_h
#define mcast_systicks_h

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#define SYS_TICK 10000 /* microseconds of the process's time in user space */

static struct {
  void (*tick)(void *argument);
  void *argument;
  pthread_t thread;
  struct sigaction before;
  atomic_bool taken; /* a thread has ticks */
} sys_ticks;

static _Thread_local int sys_ticking; /* how many times they were begun */

/* The system prefers a busy thread, so that a thread which loops gets its share of
   the signals. Those of other threads are ignored. */
static inline void sys_ontick(int signal) {
  int err = errno;
  (void)signal;
  if (pthread_equal(pthread_self(), sys_ticks.thread))
    sys_ticks.tick(sys_ticks.argument);
  errno = err;
}

static inline bool sys_settimer(int microseconds) {
  const struct itimerval timer = {{0, microseconds}, {0, microseconds}};
  return setitimer(ITIMER_VIRTUAL, &timer, NULL) == 0;
}

/* Does the program leave signal and timer as they are at its start? */
static inline bool sys_areunused(void) {
  sigset_t blocked;
  struct itimerval timer;
  return sigaction(SIGVTALRM, NULL, &sys_ticks.before) == 0 &&
         sys_ticks.before.sa_handler == SIG_DFL &&
         sigprocmask(SIG_BLOCK, NULL, &blocked) == 0 &&
         sigismember(&blocked, SIGVTALRM) == 0 &&
         getitimer(ITIMER_VIRTUAL, &timer) == 0 && timer.it_value.tv_sec == 0 &&
         timer.it_value.tv_usec == 0;
}

static inline void sys_handle(void (*handler)(int)) {
  struct sigaction action = {.sa_flags = SA_RESTART};
  (void)sigemptyset(&action.sa_mask);
  action.sa_handler = handler;
  (void)sigaction(SIGVTALRM, &action, NULL);
}

/* Ends the ticks begun last: puts timer and handler back. */
static inline void sys_endticks(void) {
  if (--sys_ticking > 0)
    return;
  (void)sys_settimer(0);
  sys_handle(SIG_IGN); /* discards a signal that another thread has pending */
  (void)sigaction(SIGVTALRM, &sys_ticks.before, NULL);
  atomic_store(&sys_ticks.taken, false);
}

/* Begins ticks, also within ticks of this thread; false where the program uses
   the signal or its timer itself, or another thread has ticks. The tick may use
   no variable of the thread, but the argument. */
static inline bool sys_beginticks(void (*tick)(void *), void *argument) {
  if (sys_ticking == 0 && atomic_exchange(&sys_ticks.taken, true))
    return false;
  if (sys_ticking == 0 && !sys_areunused()) {
    atomic_store(&sys_ticks.taken, false);
    return false;
  }
  if (sys_ticking++ == 0) {
    sys_ticks.tick = tick;
    sys_ticks.argument = argument;
    sys_ticks.thread = pthread_self();
    sys_handle(sys_ontick);
  }
  if (sys_settimer(SYS_TICK)) /* anew in a copy of the process, too */
    return true;
  sys_endticks();
  return false;
}

/* Nanoseconds of processor time that this thread has used. */
static inline int64_t sys_processortime(void) {
  struct timespec t = {0, 0};
  (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

#endif
