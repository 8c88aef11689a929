/* bad.c - one good plugin, and by -DBAD_... many that a host must refuse, each in one way. */
#include <sluice/sluice.h>
#include <stdlib.h>

#ifndef NAME
#define NAME "bad"
#endif

static int answer(sl_call *call, const cJSON *in, cJSON *out) {
    (void)call, (void)in;
    cJSON_AddStringToObject(out, "from", NAME);
    return 0;
}

#if defined(BAD_CHECK)
static int check(sl_call *call, const cJSON *config) {
    (void)config;
    return sl_fail(call, SL_INVALID, "this check never passes");
}
#endif

#if defined(BAD_START)
static int start(sl_call *call, const cJSON *config) {
    (void)config;
    return sl_fail(call, SL_UNAVAILABLE, "the moon is down");
}
#endif

#if defined(BAD_CONSTRUCTOR)
__attribute__((constructor)) static void crash(void) {
    abort();
}
#endif

#if defined(BAD_EXIT)
__attribute__((constructor)) static void leave(void) {
    _Exit(0);
}
#endif

#if defined(BAD_JUNK)
SL_API int junk(void);
int junk(void) {
    return 1;
}
#endif

#if defined(BAD_UNDEFINED)
int sl_of_the_future(void);
#endif

#if defined(BAD_TABLE)
static const sl_migration schema[] = {
    {.number = 1, .name = "things", .sql = "CREATE TABLE bad_thing (id TEXT PRIMARY KEY)"}, SL_END};
#endif

#if defined(BAD_FIELD)
static const sl_field wrong[] = {SL_INT("count", .def = "many"), SL_END};
#endif

static const sl_op ops[] = {{
#if defined(BAD_OP_CLASH)
                                .name = "platform.health",
#elif defined(BAD_OP_NAME)
                                .name = "Bad Name",
#else
                                .name = NAME ".answer",
#endif
#if defined(BAD_ROUTE_CLASH)
                                .route = "GET /plugins",
#elif defined(BAD_ROUTE)
                                .route = "FETCH bad",
#else
                                .route = "GET /" NAME,
#endif
                                .summary = "Answer",
#if !defined(BAD_PERMISSION)
                                .needs = "public",
#endif
#if !defined(BAD_EFFECT)
                                .effect = SL_READS,
#endif
#if !defined(BAD_RUN)
                                .run = answer,
#endif
                            },
                            SL_END};

#if !defined(BAD_SYMBOL)
SL_API extern const sl_plugin sluice_plugin;
#define PLUGIN sluice_plugin
#else
SL_API extern const sl_plugin another_symbol;
#define PLUGIN another_symbol
#endif

const sl_plugin PLUGIN = {
#if defined(BAD_MAGIC)
    .magic = 0xdead,
#else
    .magic = SL_ABI_MAGIC,
#endif
#if defined(BAD_MAJOR)
    .abi_major = SL_ABI_MAJOR + 1,
#else
    .abi_major = SL_ABI_MAJOR,
#endif
#if defined(BAD_MINOR)
    .abi_minor = SL_ABI_MINOR + 7,
#else
    .abi_minor = SL_ABI_MINOR,
#endif
#if defined(BAD_SIZE)
    .size = 64,
#else
    .size = sizeof(sl_plugin),
#endif
    .op_size = sizeof(sl_op),
    .field_size = sizeof(sl_field),
    .listen_size = sizeof(sl_listen),
    .job_size = sizeof(sl_job),
    .migration_size = sizeof(sl_migration),
    .metric_size = sizeof(sl_metric),
#if defined(BAD_NAME)
    .name = "Not A Name",
#else
    .name = NAME,
#endif
    .version = "1.0.0",
    .summary = "One way to be wrong",
    .license = "Apache-2.0",
#if defined(REQUIRES)
    .requires_plugins = REQUIRES,
#endif
#if defined(BAD_CHECK)
    .check = check,
#endif
#if defined(BAD_START)
    .start = start,
#endif
#if defined(BAD_UNDEFINED)
    .stop = (void (*)(sl_call *))sl_of_the_future,
#endif
#if defined(BAD_TABLE)
    .schema = schema,
#endif
#if defined(BAD_FIELD)
    .config = wrong,
#endif
    .ops = ops};
