/* Documents made from a registry of two operations: OpenAPI, the list, the examples, the pages. */
#include "arena.h"
#include "docs.h"
#include "docs_example.h"
#include "docs_pages.h"
#include "host.h"
#include "json.h"
#include "openapi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int run(sl_call *call, const cJSON *in, cJSON *out) {
    (void)call, (void)in, (void)out;
    return 0;
}

static const sl_field config_rows[] = {
    SL_STRING("image", .format = "image", .flags = SL_REQUIRED, .cli = "image"), SL_END};
static const sl_field put_in[] = {SL_STRING("id", .help = "which <one>", .flags = SL_REQUIRED),
                                  SL_STRING("app_name", .flags = SL_REQUIRED, .cli = "app"),
                                  SL_OBJECT("config", config_rows, .flags = SL_REQUIRED),
                                  SL_STRING("note", .def = "it's \"so\""), SL_END};
static const sl_field list_in[] = {SL_INT("limit", .def = "50", .min = 1, .max = 500),
                                   SL_LIST("tags", SL_T_STRING), SL_END};
static const sl_field list_out[] = {SL_LIST("items", SL_T_STRING), SL_DURATION("took"), SL_END};
static const sl_op ops[] = {
    {.name = "thing.put",
     .route = "PUT /things/{id}",
     .summary = "Put <b>a thing</b>",
     .in = put_in,
     .needs = "thing:write",
     .effect = SL_WRITES,
     .flags = SL_OP_IF_MATCH,
     .example = "{\"id\":\"a b\",\"app_name\":\"o'shop\",\"config\":{\"image\":\"a:1\"}}",
     .run = run},
    {.name = "thing.list",
     .route = "GET /things",
     .summary = "List things",
     .in = list_in,
     .out = list_out,
     .needs = "public",
     .effect = SL_READS,
     .run = run},
    {.name = "thing.hidden",
     .route = "GET /hidden",
     .summary = "Hide",
     .needs = "public",
     .effect = SL_READS,
     .flags = SL_OP_HIDDEN,
     .run = run},
    SL_END};

struct made {
    struct arena arena;
    struct registry *registry;
    struct plugin plugin;
};

static int set_up(void **state) {
    static struct made made;
    memset(&made, 0, sizeof made);
    made.registry = registry_new();
    made.plugin.name = "thing";
    made.plugin.face = (sl_plugin){.name = "thing",
                                   .summary = "Keeps things",
                                   .op_size = sizeof(sl_op),
                                   .field_size = sizeof(sl_field),
                                   .ops = ops};
    const char *fault = registry_add(made.registry, &made.plugin);
    if (fault) fail_msg("%s", fault);
    arena_init(&made.arena);
    arena_use(&made.arena);
    *state = &made;
    return 0;
}

static int tear_down(void **state) {
    struct made *made = *state;
    arena_use(NULL);
    arena_fini(&made->arena);
    registry_free(made->registry);
    return 0;
}

static const cJSON *at(const cJSON *json, const char *const *names) {
    for (; *names; names++) {
        const cJSON *child = cJSON_GetObjectItemCaseSensitive(json, *names);
        if (!child) fail_msg("no member %s", *names);
        json = child;
    }
    return json;
}
#define AT(json, ...) at(json, (const char *const[]){__VA_ARGS__, NULL})

static void describes_paths_bodies_and_parameters(void **state) {
    struct made *made = *state;
    const cJSON *document = openapi_document(made->registry, &made->arena);
    assert_string_equal(AT(document, "openapi")->valuestring, "3.1.0");
    assert_int_equal(cJSON_GetArraySize(AT(document, "paths")), 2);
    const cJSON *put = AT(document, "paths", "/things/{id}", "put");
    const cJSON *id = cJSON_GetArrayItem(AT(put, "parameters"), 0);
    assert_string_equal(AT(id, "in")->valuestring, "path");
    assert_true(cJSON_IsTrue(AT(id, "required")));
    assert_int_equal(cJSON_GetArraySize(AT(put, "parameters")), 3); /* + the two headers */
    const cJSON *input = AT(document, "components", "schemas", "thing.put.input");
    assert_null(cJSON_GetObjectItem(AT(input, "properties"), "id"));
    assert_int_equal(cJSON_GetArraySize(AT(input, "required")), 2);
    const cJSON *example = AT(put, "requestBody", "content", "application/json", "example");
    assert_string_equal(json_print(&made->arena, example, NULL),
                        "{\"app_name\":\"o'shop\",\"config\":{\"image\":\"a:1\"}}");
    assert_non_null(AT(put, "responses", "428"));
    const cJSON *list = AT(document, "paths", "/things", "get");
    assert_int_equal(cJSON_GetArraySize(AT(list, "security")), 0);
    assert_null(cJSON_GetObjectItem(list, "requestBody"));
    const cJSON *tags = cJSON_GetArrayItem(AT(list, "parameters"), 1);
    assert_true(cJSON_IsFalse(AT(tags, "explode")));
    const cJSON *took =
        AT(document, "components", "schemas", "thing.list.output", "properties", "took");
    assert_string_equal(AT(took, "type")->valuestring, "integer");
}

static void lists_operations_for_the_command_line(void **state) {
    struct made *made = *state;
    cJSON *out = cJSON_CreateObject();
    operations_list(made->registry, out);
    const cJSON *items = AT(out, "items");
    assert_int_equal(cJSON_GetArraySize(items), 2);
    const cJSON *put = cJSON_GetArrayItem(items, 1);
    assert_string_equal(AT(put, "name")->valuestring, "thing.put");
    assert_string_equal(AT(put, "method")->valuestring, "PUT");
    assert_string_equal(AT(put, "path")->valuestring, "/things/{id}");
    assert_string_equal(AT(put, "effect")->valuestring, "writes");
    const cJSON *app = cJSON_GetArrayItem(AT(put, "in"), 1);
    assert_string_equal(AT(app, "cli")->valuestring, "app");
    assert_true(cJSON_IsTrue(AT(app, "required")));
    const cJSON *config = cJSON_GetArrayItem(AT(put, "in"), 2);
    assert_string_equal(AT(config, "type")->valuestring, "object");
    assert_int_equal(cJSON_GetArraySize(AT(config, "fields")), 1);
}

static void examples_are_safe_in_a_shell(void **state) {
    struct made *made = *state;
    const struct op *put = registry_find(made->registry, "thing.put");
    assert_string_equal(example_cli(put, &made->arena),
                        "sluice thing put 'a b' --app 'o'\\''shop' --image a:1");
    const char *curl = example_curl(put, &made->arena);
    assert_non_null(strstr(curl, "-X PUT"));
    assert_non_null(strstr(curl, "\"o'\\''shop\""));
    assert_non_null(strstr(curl, " http://127.0.0.1:8000/things/a%20b"));
    assert_string_equal(example_curl(registry_find(made->registry, "thing.list"), &made->arena),
                        "curl \\\n  http://127.0.0.1:8000/things");
}

static void pages_escape_what_they_show(void **state) {
    struct made *made = *state;
    size_t size;
    const char *page = docs_page(made->registry, &made->arena, &size);
    assert_int_equal(strlen(page), size);
    assert_non_null(strstr(page, "Put &lt;b&gt;a thing&lt;/b&gt;"));
    assert_non_null(strstr(page, "which &lt;one&gt;"));
    assert_non_null(strstr(page, "default <code>it&#39;s &quot;so&quot;</code>"));
    assert_null(strstr(page, "thing.hidden"));
    const char *home = home_page(made->registry, &made->arena, &size);
    assert_null(strstr(home, "/console")); /* nobody serves it here */
    assert_non_null(strstr(home, "href=\"/docs\""));
}

static void html_grows_and_escapes(void **state) {
    struct made *made = *state;
    struct html html;
    html_init(&html, &made->arena);
    for (int i = 0; i < 5000; i++) html_put(&html, "<i>@</i>@", "<&>\"'", NULL);
    size_t size;
    const char *text = html_text(&html, &size);
    static const char one[] = "<i>&lt;&amp;&gt;&quot;&#39;</i>";
    assert_int_equal(size, 5000 * (sizeof one - 1));
    assert_memory_equal(text + size - (sizeof one - 1), one, sizeof one);
}

static void problems_are_found_by_either_spelling(void **state) {
    (void)state;
    assert_ptr_equal(problem_find("not-found"), problem_find("not_found"));
    assert_int_equal(problem_find("not_found")->status, 404);
    assert_null(problem_find("not_foun"));
    assert_null(problem_find(""));
    for (int status = SL_INVALID; status <= SL_PRECONDITION; status++) {
        const struct problem *problem = problem_find(sl_status_name(status));
        assert_non_null(problem);
        assert_int_equal(problem->status, http_status_of(status));
        assert_string_equal(problem->title, problem_title(status));
    }
}

static void fields_that_contradict_themselves_are_refused(void **state) {
    struct made *made = *state;
    static const sl_field wrong[] = {SL_INT("limit", .def = "0", .min = 1, .max = 5), SL_END};
    static const sl_op bad[] = {{.name = "bad.one",
                                 .summary = "Fail",
                                 .in = wrong,
                                 .needs = "any",
                                 .effect = SL_READS,
                                 .run = run},
                                SL_END};
    struct plugin plugin = made->plugin;
    plugin.face.ops = bad;
    const char *fault = registry_add(made->registry, &plugin);
    assert_string_equal(fault, "operation bad.one: the default of field 'limit': expected a whole "
                               "number from 1 to 5, found 0");
    assert_null(registry_find(made->registry, "bad.one"));
}

int main(void) {
    arena_install_json_hooks();
#define made_of(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        made_of(describes_paths_bodies_and_parameters),
        made_of(lists_operations_for_the_command_line),
        made_of(examples_are_safe_in_a_shell),
        made_of(pages_escape_what_they_show),
        made_of(html_grows_and_escapes),
        made_of(problems_are_found_by_either_spelling),
        made_of(fields_that_contradict_themselves_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
