/* plugin_1_0.c - a plugin as it was written for ABI 1.0: built against the headers of that day, loaded
 * by the host of this one. */
#include <sluice/sluice.h>

#if SL_ABI_MINOR != 0
#error "this is to be built against the headers of 1.0"
#endif

static int hear(sl_call *call, const sl_event *event) {
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch,
                 "INSERT INTO old_thing (tenant, id, what) VALUES ($1, $2, $3) "
                 "ON CONFLICT (tenant, id) DO NOTHING",
                 SL_ARGS(sl_text(event->subject), sl_text(sl_get_text(event->data, "what", ""))));
    return sl_commit(batch);
}

static int make(sl_call *call, const cJSON *in, cJSON *out) {
    const char *what = sl_get_text(in, "what", "");
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "what", what);
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch, "INSERT INTO old_thing (tenant, id, what) VALUES ($1, $2, $3)",
                 SL_ARGS(sl_text(sl_new_id(call)), sl_text(what)));
    sl_batch_emit(batch, "old.made", "old/1", data);
    cJSON_AddNumberToObject(out, "times", (double)sl_get_int(in, "times", 0));
    return sl_commit(batch);
}

static int count(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in;
    sl_rows rows;
    int rc =
        sl_query(call, &rows, "SELECT count(*) AS n FROM old_thing WHERE tenant = $1", SL_NO_ARGS);
    if (!rc) cJSON_AddNumberToObject(out, "n", (double)sl_cell_int(&rows, 0, "n"));
    return rc;
}

/* A request whose members after `on_bytes_arg` are the zeros of 1.0. */
static int fetch(sl_call *call, const cJSON *in, cJSON *out) {
    sl_response response;
    int rc = sl_fetch(call, &(sl_request){.url = sl_get_text(in, "url", "")}, &response);
    if (!rc) cJSON_AddNumberToObject(out, "status", response.status);
    return rc;
}

static const sl_field make_in[] = {SL_STRING("what", .flags = SL_REQUIRED, .max = 100),
                                   SL_INT("times", .def = "3", .min = 1, .max = 9), SL_END};
static const sl_field fetch_in[] = {SL_STRING("url", .flags = SL_REQUIRED), SL_END};

static const sl_op ops[] = {{.name = "old.make",
                             .route = "POST /old",
                             .summary = "Make a thing",
                             .in = make_in,
                             .needs = "any",
                             .effect = SL_WRITES,
                             .run = make},
                            {.name = "old.count",
                             .route = "GET /old",
                             .summary = "Count the things",
                             .needs = "any",
                             .effect = SL_READS,
                             .run = count},
                            {.name = "old.fetch",
                             .route = "POST /old/fetch",
                             .summary = "Fetch a page",
                             .in = fetch_in,
                             .needs = "any",
                             .effect = SL_READS,
                             .run = fetch},
                            SL_END};
static const sl_listen listens[] = {{.name = "made", .type = "old.made", .run = hear}, SL_END};
static const sl_migration schema[] = {
    {.number = 1,
     .name = "things",
     .sql = "CREATE TABLE old_thing (tenant TEXT NOT NULL, id TEXT NOT NULL, what TEXT NOT NULL, "
            "PRIMARY KEY (tenant, id))"},
    SL_END};

SL_PLUGIN(.name = "old", .version = "1.0.0", .ops = ops, .on = listens, .schema = schema);
