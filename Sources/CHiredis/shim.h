#ifndef ZOCO_CHIREDIS_SHIM_H
#define ZOCO_CHIREDIS_SHIM_H

#include <hiredis/hiredis.h>

#endif
