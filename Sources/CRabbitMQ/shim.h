#ifndef ZOCO_CRABBITMQ_SHIM_H
#define ZOCO_CRABBITMQ_SHIM_H

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
/* Glibc's module map leaves this out; each connection's thread is woken by one. */
#include <sys/eventfd.h>
#include <pthread.h>
#include <time.h>

/* Nanoseconds on the system's monotonic clock. */
static inline int64_t zoco_monotonic_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* amqp_login_with_properties is variadic, and Swift cannot call it. */
static inline amqp_rpc_reply_t zoco_amqp_login(amqp_connection_state_t state, const char *vhost, int channel_max,
                                               int frame_max, int heartbeat, const amqp_table_t *properties,
                                               const char *user, const char *password) {
  return amqp_login_with_properties(state, vhost, channel_max, frame_max, heartbeat, properties,
                                    AMQP_SASL_METHOD_PLAIN, user, password);
}

/* Starts a detached thread. Here and not in Swift, because which module owns pthread_attr_t depends on what else is
   imported. */
static inline int zoco_thread_start(void *(*body)(void *), void *argument, size_t stack_size) {
  pthread_t thread;
  pthread_attr_t attributes;
  int code = pthread_attr_init(&attributes);
  if (code != 0) return code;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, stack_size);
  code = pthread_create(&thread, &attributes, body, argument);
  pthread_attr_destroy(&attributes);
  return code;
}

#endif
