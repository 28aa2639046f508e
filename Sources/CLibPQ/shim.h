#ifndef ZOCO_CLIBPQ_SHIM_H
#define ZOCO_CLIBPQ_SHIM_H

#include <libpq-fe.h>

#endif
