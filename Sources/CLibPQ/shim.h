#ifndef ZOCO_CLIBPQ_SHIM_H
#define ZOCO_CLIBPQ_SHIM_H

#include <libpq-fe.h>
/* Glibc's module map leaves these out; the reactor that serves libpq's sockets needs them. */
#include <sys/epoll.h>
#include <sys/eventfd.h>

#endif
