/* test_inside.h - the parts of a test host. */
#ifndef SLUICE_CORE_TEST_INSIDE_H
#define SLUICE_CORE_TEST_INSIDE_H

#include "host.h"
#include "test_hooks.h"

/* A fiber in the background that waits for the clock. On its own stack. */
struct sleeper {
    struct wait wait;
    int64_t until_ms;
    struct sleeper *next;
};

/* An answer that waits for its request. */
struct scripted {
    char *request, *body; /* "METHOD URL", compared as a prefix */
    int status;           /* 0: connection refused */
    struct scripted *next;
};

struct test_hooks {
    struct loop *loop;
    struct sl_call *foreground; /* the call under test */
    struct sleeper *sleepers;
    struct scripted *scripted;
    size_t unmet;
};

struct sl_test_host {
    struct loop loop;
    struct host host;
    struct test_hooks hooks;
    struct plugin *under_test;
    struct arena memory, answers; /* of the host; of what sl_test_answer and its like gave */
    const char *tenant, *answer;
    bool started;
};

void test_script_fetch(struct test_hooks *hooks, const char *request, int status, const char *body);
/* The earliest waking before `until_ms`, else `until_ms`. */
int64_t test_next_waking(const struct test_hooks *hooks, int64_t until_ms);
void test_wake(struct test_hooks *hooks); /* those who are due */
void test_hooks_clear(struct test_hooks *hooks);

#endif
