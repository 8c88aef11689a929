/* policy_call.c - what one judgement costs: a fresh environment, all that the file made renewed, the view
 * of the context, and the verdict written as JSON, with all limits on. */
#include "arena.h"
#include "lua_judge.h"
#include "lua_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double cpu_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

int main(int argc, char **argv) {
    enum { ROUNDS = 5 };
    static char text[65536];
    int runs = argc > 1 ? atoi(argv[1]) : 50000;
    FILE *file = fopen(BENCH_DIR "/context.json", "r");
    size_t size = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file) fclose(file);
    arena_install_json_hooks();
    cJSON *ctx = cJSON_ParseWithLength(text, size);
    struct script *script = script_open_alone(BENCH_DIR "/policy.lua");
    if (!ctx || script->fault) return 1;
    struct arena arena;
    arena_init(&arena);
    arena_use(&arena);
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double before = cpu_us();
        for (int i = 0; i < runs; i++) {
            script_judge(script, NULL, ctx, NULL);
            arena_reset(&arena);
        }
        double each = (cpu_us() - before) / runs;
        if (each < best) best = each;
    }
    printf("policy call on %zu bytes: %.2f us (state: %zu KiB)\n", size, best,
           script->idle[0]->bytes / 1024);
    arena_use(NULL);
    arena_fini(&arena);
    script_unref(script);
    cJSON_Delete(ctx);
    return 0;
}
