/* sluice.h - everything a plugin needs. */
#ifndef SLUICE_SLUICE_H
#define SLUICE_SLUICE_H

#ifdef __cplusplus
extern "C" {
#endif

#include <sluice/abi.h>
#include <sluice/base.h>
#include <sluice/call.h>
#include <sluice/event.h>
#include <sluice/fetch.h>
#include <sluice/fiber.h>
#include <sluice/field.h>
#include <sluice/json.h>
#include <sluice/log.h>
#include <sluice/plugin.h>
#include <sluice/script.h>
#include <sluice/store.h>

#ifdef __cplusplus
}
#endif

#endif
