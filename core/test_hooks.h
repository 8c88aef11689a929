/* test_hooks.h - where the core asks a test host (sluice/test.h) in place of the world: waiting and
 * HTTP. host->test is NULL in production. */
#ifndef SLUICE_CORE_TEST_HOOKS_H
#define SLUICE_CORE_TEST_HOOKS_H

#include "call.h"

struct test_hooks;

/* sl_sleep under a test's clock. In the call under test the clock moves on by itself; in the
 * background the fiber waits for sl_test_advance. 0, or SL_CANCELLED. */
int test_sleep(struct sl_call *call, int64_t ms);

/* sl_fetch answered by the script of sl_test_answer_fetch. Results as sl_fetch. */
int fetch_scripted(struct sl_call *call, const sl_request *request, sl_response *response);

#endif
