/* lua_face.c - a Lua table to rows of operations, fields and listeners. */
#include "lua_face.h"

#include "lua_value.h"

#include <stdio.h>
#include <string.h>

/* ---- from Lua to JSON ---- */

/* Copies the members of the table at `at`, but the function `run`, which must be there. */
static void read_operation(lua_State *lua, int at, const char *name, cJSON *operations) {
    bool runs = false;
    if (!lua_istable(lua, at)) luaL_error(lua, "operations['%s'] must be a table", name);
    cJSON *operation = cJSON_AddObjectToObject(operations, name);
    for (lua_pushnil(lua); lua_next(lua, at); lua_pop(lua, 1)) {
        const char *member = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : "?";
        if (strcmp(member, "run") == 0)
            runs = lua_isfunction(lua, -1);
        else
            value_read(lua, -1, operation, member);
    }
    if (!runs) luaL_error(lua, "operations['%s'] needs 'run' = a function", name);
}

static void read_operations(lua_State *lua, int at, cJSON *face) {
    cJSON *operations = cJSON_AddObjectToObject(face, "operations");
    for (lua_pushnil(lua); lua_next(lua, at); lua_pop(lua, 1)) {
        if (lua_type(lua, -2) != LUA_TSTRING) luaL_error(lua, "operations need names");
        read_operation(lua, lua_gettop(lua), lua_tostring(lua, -2), operations);
    }
}

static void read_listeners(lua_State *lua, int at, cJSON *face) {
    cJSON *on = cJSON_AddObjectToObject(face, "on");
    for (lua_pushnil(lua); lua_next(lua, at); lua_pop(lua, 1)) {
        if (lua_type(lua, -2) != LUA_TSTRING || !lua_isfunction(lua, -1))
            luaL_error(lua, "on: write on = { [\"deployment.*\"] = function(event) ... end }");
        cJSON_AddBoolToObject(on, lua_tostring(lua, -2), true);
    }
}

void face_read(lua_State *lua, cJSON *face) {
    static const char *const plain[] = {"name",    "version",  "summary",
                                        "license", "requires", "config"};
    int at = lua_gettop(lua);
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        lua_pushstring(lua, plain[i]);
        if (lua_rawget(lua, at) != LUA_TNIL) value_read(lua, -1, face, plain[i]);
        lua_pop(lua, 1);
    }
    lua_pushliteral(lua, "operations");
    if (lua_rawget(lua, at) == LUA_TTABLE) read_operations(lua, lua_gettop(lua), face);
    lua_pop(lua, 1);
    lua_pushliteral(lua, "on");
    if (lua_rawget(lua, at) == LUA_TTABLE) read_listeners(lua, lua_gettop(lua), face);
    lua_pop(lua, 1);
}

/* ---- from JSON to rows ---- */

struct building {
    struct arena *arena;
    const char *where; /* "hello.greet: input" */
    const char *trouble;
};

static const char *text_of(const cJSON *object, const char *name) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static bool flag_of(const cJSON *object, const char *name) {
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static uint32_t type_named(const char *name) {
    static const char *const names[] = {"",       "string", "int", "number", "bool",     "enum",
                                        "object", "list",   "map", "any",    "duration", "size"};
    for (uint32_t i = 1; name && i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return i;
    return 0;
}

static void complain(struct building *building, const char *format, const char *a, const char *b) {
    if (!building->trouble)
        building->trouble = arena_printf(building->arena, "%s: %s", building->where,
                                         arena_printf(building->arena, format, a, b));
}

/* Refuses a member that no row below reads: a misspelt 'requierd' would silently mean nothing. */
static void check_members(struct building *building, const cJSON *object, const char *known) {
    const cJSON *member;
    cJSON_ArrayForEach(member, object) {
        const char *word = arena_printf(building->arena, " %s ", member->string);
        if (!strstr(known, word))
            complain(building, "there is no member '%s'; known are:%s", member->string, known);
    }
}

/* A default, as it would be written in YAML. */
static const char *default_text(struct building *building, const cJSON *value) {
    if (!value) return NULL;
    if (cJSON_IsString(value)) return value->valuestring;
    char *printed = cJSON_PrintUnformatted(value);
    const char *kept = arena_strdup(building->arena, printed);
    cJSON_free(printed);
    return kept;
}

/* { "dev", "prod" } or "dev|prod" */
static const char *values_text(struct building *building, const cJSON *values) {
    if (cJSON_IsString(values)) return values->valuestring;
    const char *joined = NULL;
    const cJSON *value;
    cJSON_ArrayForEach(value, values) {
        if (!cJSON_IsString(value))
            complain(building, "'values' must be texts%s%s", "", "");
        else
            joined = joined ? arena_printf(building->arena, "%s|%s", joined, value->valuestring)
                            : value->valuestring;
    }
    return joined;
}

static const sl_field *build_fields(struct building *building, const cJSON *list, int depth);

static sl_field build_field(struct building *building, const cJSON *json, int depth) {
    static const char known[] = " name type item help default values format example cli fields min "
                                "max required secret open nullable ";
    const char *name = text_of(json, "name"), *type = text_of(json, "type");
    const char *item = text_of(json, "item");
    const cJSON *min = cJSON_GetObjectItemCaseSensitive(json, "min");
    const cJSON *max = cJSON_GetObjectItemCaseSensitive(json, "max");
    check_members(building, json, known);
    if (!name) complain(building, "a field has no name%s%s", "", "");
    if (!type_named(type))
        complain(building, "field '%s' has no known type: '%s'", name ? name : "?",
                 type ? type : "");
    if (item && !type_named(item))
        complain(building, "field '%s' has items of no known type: '%s'", name ? name : "?", item);
    return (sl_field){
        .name = name,
        .help = text_of(json, "help"),
        .def = default_text(building, cJSON_GetObjectItemCaseSensitive(json, "default")),
        .values = values_text(building, cJSON_GetObjectItemCaseSensitive(json, "values")),
        .format = text_of(json, "format"),
        .example = text_of(json, "example"),
        .cli = text_of(json, "cli"),
        .fields = build_fields(building, cJSON_GetObjectItemCaseSensitive(json, "fields"), depth),
        .min = cJSON_IsNumber(min) ? min->valuedouble : 0,
        .max = cJSON_IsNumber(max) ? max->valuedouble : 0,
        .type = type_named(type),
        .item = type_named(item),
        .flags = (flag_of(json, "required") ? SL_REQUIRED : 0u) |
                 (flag_of(json, "secret") ? SL_SECRET : 0u) |
                 (flag_of(json, "open") ? SL_OPEN : 0u) |
                 (flag_of(json, "nullable") ? SL_NULLABLE : 0u)};
}

static const sl_field *build_fields(struct building *building, const cJSON *list, int depth) {
    if (!list) return NULL;
    if (!cJSON_IsArray(list) || depth > 8) {
        complain(building, "fields must be a list of { name = ..., type = ... }%s%s", "", "");
        return NULL;
    }
    size_t count = (size_t)cJSON_GetArraySize(list), i = 0;
    sl_field *fields = arena_zalloc(building->arena, (count + 1) * sizeof *fields);
    const cJSON *json;
    cJSON_ArrayForEach(json, list) {
        fields[i++] = build_field(building, json, depth + 1);
    }
    return fields;
}

static sl_op build_operation(struct building *building, const cJSON *json, sl_run_fn run) {
    static const char known[] = " route also summary help needs effect example input output open "
                                "hidden timeout_ms max_body ";
    const char *effect = text_of(json, "effect");
    const cJSON *timeout = cJSON_GetObjectItemCaseSensitive(json, "timeout_ms");
    const cJSON *max_body = cJSON_GetObjectItemCaseSensitive(json, "max_body");
    building->where = json->string;
    check_members(building, json, known);
    if (!effect || (strcmp(effect, "reads") != 0 && strcmp(effect, "writes") != 0))
        complain(building, "'effect' must be \"reads\" or \"writes\"%s%s", "", "");
    if (!text_of(json, "needs"))
        complain(building, "'needs' must name a permission, \"any\" or \"public\"%s%s", "", "");
    return (sl_op){.name = json->string,
                   .route = text_of(json, "route"),
                   .also = text_of(json, "also"),
                   .summary = text_of(json, "summary"),
                   .help = text_of(json, "help"),
                   .in = build_fields(building, cJSON_GetObjectItemCaseSensitive(json, "input"), 0),
                   .out =
                       build_fields(building, cJSON_GetObjectItemCaseSensitive(json, "output"), 0),
                   .needs = text_of(json, "needs"),
                   .example = text_of(json, "example"),
                   .run = run,
                   .effect = effect && strcmp(effect, "writes") == 0 ? SL_WRITES : SL_READS,
                   .flags = (flag_of(json, "open") ? SL_OP_OPEN : 0u) |
                            (flag_of(json, "hidden") ? SL_OP_HIDDEN : 0u),
                   .timeout_ms = cJSON_IsNumber(timeout) ? (uint32_t)timeout->valuedouble : 0,
                   .max_body = cJSON_IsNumber(max_body) ? (uint32_t)max_body->valuedouble : 0};
}

/* "deployment.*" -> "deployment-all": names the saved place of the listener. */
static const char *listener_name(struct arena *arena, const char *type) {
    char *name = arena_alloc(arena, strlen(type) * 3 + 1), *to = name;
    for (; *type; type++) {
        if (*type == '*')
            to = stpcpy(to, "all");
        else
            *to++ = *type == '.' ? '-' : *type;
    }
    *to = '\0';
    return name;
}

static const sl_listen *build_listeners(struct building *building, const cJSON *on,
                                        sl_hear_fn hear) {
    size_t count = (size_t)cJSON_GetArraySize(on), i = 0;
    sl_listen *rows = arena_zalloc(building->arena, (count + 1) * sizeof *rows);
    const cJSON *row;
    cJSON_ArrayForEach(row, on) {
        rows[i++] = (sl_listen){
            .name = listener_name(building->arena, row->string), .type = row->string, .run = hear};
    }
    return rows;
}

const sl_plugin *face_build(struct arena *arena, const cJSON *face, struct face_handlers handlers,
                            const char **trouble) {
    struct building building = {.arena = arena, .where = "plugin"};
    const cJSON *json, *operations = cJSON_GetObjectItemCaseSensitive(face, "operations");
    size_t count = (size_t)cJSON_GetArraySize(operations), i = 0;
    sl_op *ops = arena_zalloc(arena, (count + 1) * sizeof *ops);
    cJSON_ArrayForEach(json, operations) {
        ops[i++] = build_operation(&building, json, handlers.run);
    }
    building.where = "config";
    const sl_field *config =
        build_fields(&building, cJSON_GetObjectItemCaseSensitive(face, "config"), 0);
    const char *version = text_of(face, "version"), *license = text_of(face, "license");
    if (!version)
        complain(&building, "'version' is missing: write version = \"1.0.0\"%s%s", "", "");
    *trouble = building.trouble;
    if (building.trouble) return NULL;
    sl_plugin *plugin = arena_zalloc(arena, sizeof *plugin);
    *plugin = (sl_plugin){.magic = SL_ABI_MAGIC,
                          .abi_major = SL_ABI_MAJOR,
                          .abi_minor = SL_ABI_MINOR,
                          .size = sizeof(sl_plugin),
                          .op_size = sizeof(sl_op),
                          .field_size = sizeof(sl_field),
                          .listen_size = sizeof(sl_listen),
                          .job_size = sizeof(sl_job),
                          .migration_size = sizeof(sl_migration),
                          .metric_size = sizeof(sl_metric),
                          .name = text_of(face, "name"),
                          .version = version,
                          .summary = text_of(face, "summary"),
                          .license = license,
                          .requires_plugins = text_of(face, "requires"),
                          .config = config,
                          .ops = ops};
    plugin->on =
        build_listeners(&building, cJSON_GetObjectItemCaseSensitive(face, "on"), handlers.hear);
    return plugin;
}
