#ifndef ZOCO_CEPOLL_SHIM_H
#define ZOCO_CEPOLL_SHIM_H

/* Glibc's module map leaves these out; the reactor needs them. */
#include <sys/epoll.h>
#include <sys/eventfd.h>

#endif
