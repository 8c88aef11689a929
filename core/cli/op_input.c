#include "op_input.h"

#include "client.h"
#include "git.h"
#include "op_fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool op_has_body(const cJSON *op) {
    const char *method = member_text(op, "method", "POST");
    return !strcmp(method, "POST") || !strcmp(method, "PUT") || !strcmp(method, "PATCH");
}

/* ---- the value of one option ---- */

struct input {
    struct cli *cli;
    const cJSON *op;
    cJSON *root;
    bool stdin_taken;
    int code;
};

static void *refuse(struct input *input, int code) {
    input->code = code;
    return NULL;
}

static char *read_once(struct input *input, const char *path, const char *flag, size_t *size) {
    if (!strcmp(path, "-")) {
        if (input->stdin_taken)
            return refuse(input, cli_usage(input->cli,
                                           "--%s: standard input is read already by "
                                           "another flag",
                                           flag));
        input->stdin_taken = true;
    }
    char *text = cli_read(input->cli, path, size);
    return text ? text : refuse(input, CLI_BAD_INPUT);
}

/* Text from a file as a JSON string can carry it: what is no UTF-8, and NUL, becomes U+FFFD. */
static char *as_utf8(struct input *input, const char *bytes, size_t size, const char *flag) {
    size_t replaced;
    char *text = utf8_mend(&input->cli->arena, bytes, size, &replaced);
    if (replaced)
        cli_note(input->cli, "note: --%s: %zu bytes that are no UTF-8 were replaced by U+FFFD",
                 flag, replaced);
    return text;
}

/* The text behind a flag: itself, or the content of the file that it names. */
static const char *value_text(struct input *input, const struct op_place *place,
                              const struct cli_option *option) {
    const char *value = option->value;
    bool file = place->row && member_true(place->row, "file");
    if (!file && value[0] == '@' && value[1] == '@') return value + 1;
    if (!file && value[0] != '@') return as_utf8(input, value, strlen(value), option->name);
    size_t size;
    char *text = read_once(input, file ? value : value + 1, option->name, &size);
    if (!text && !file)
        cli_fix(input->cli,
                "a value that begins with @ names a file; write @@ for the sign itself");
    return text ? as_utf8(input, text, size, option->name) : NULL;
}

static cJSON *number_or_text(const char *text) {
    char *end;
    double number = strtod(text, &end);
    bool plain = *text && !*end && isfinite(number) && !strpbrk(text, "xXpP ");
    return plain ? cJSON_CreateNumber(number) : cJSON_CreateString(text);
}

static cJSON *json_value(struct input *input, const struct cli_option *option, const char *text) {
    cJSON *value = cJSON_Parse(text);
    if (!value)
        return refuse(input, cli_usage(input->cli,
                                       "--%s takes JSON, such as '{\"name\": 1}'; "
                                       "single members go by --%s.NAME VALUE",
                                       option->name, option->name));
    return value;
}

/* A member that no row describes: JSON where it reads as JSON, else text. */
static cJSON *guess_value(const char *text) {
    cJSON *value = strchr("{[tfn-0123456789", text[0]) && *text ? cJSON_Parse(text) : NULL;
    return value ? value : cJSON_CreateString(text);
}

static cJSON *typed_value(struct input *input, const struct cli_option *option, const char *type,
                          const char *text) {
    if (!strcmp(type, "int") || !strcmp(type, "integer") || !strcmp(type, "number") ||
        !strcmp(type, "duration") || !strcmp(type, "size"))
        return number_or_text(text);
    if (!strcmp(type, "bool") || !strcmp(type, "boolean")) {
        if (!*text || !strcmp(text, "true")) return cJSON_CreateTrue();
        return !strcmp(text, "false") ? cJSON_CreateFalse() : cJSON_CreateString(text);
    }
    if (!strcmp(type, "object") || !strcmp(type, "map")) return json_value(input, option, text);
    if (!strcmp(type, "any") || !*type) return guess_value(text);
    return cJSON_CreateString(text);
}

/* ---- putting it in its place ---- */

static cJSON *object_at(struct input *input, const struct op_place *place,
                        const struct cli_option *option) {
    cJSON *at = input->root;
    for (size_t i = 0; i + 1 < place->depth; i++) {
        cJSON *next = cJSON_GetObjectItemCaseSensitive(at, place->names[i]);
        if (!next) next = cJSON_AddObjectToObject(at, place->names[i]);
        if (!cJSON_IsObject(next))
            return refuse(input, cli_usage(input->cli,
                                           "--%s: '%s' is given already, and is no "
                                           "object",
                                           option->name, place->names[i]));
        at = next;
    }
    return at;
}

static void put_item(cJSON *object, const char *name, cJSON *value) {
    cJSON *list = cJSON_GetObjectItemCaseSensitive(object, name);
    if (cJSON_IsArray(value)) { /* a whole list as JSON */
        cJSON_DeleteItemFromObjectCaseSensitive(object, name);
        cJSON_AddItemToObject(object, name, value);
        return;
    }
    if (!cJSON_IsArray(list)) {
        cJSON_DeleteItemFromObjectCaseSensitive(object, name);
        list = cJSON_AddArrayToObject(object, name);
    }
    cJSON_AddItemToArray(list, value);
}

static void put_option(struct input *input, const struct cli_option *option) {
    struct op_place place;
    if (!op_place_of(input->cli, input->op, option->name, &place)) return;
    const char *text = value_text(input, &place, option);
    if (!text) return;
    const char *type = place.row ? member_text(place.row, "type", "string") : "";
    bool list = !strcmp(type, "list") || !strcmp(type, "array");
    const char *item = list ? member_text(place.row, "item", "any") : type;
    cJSON *object = object_at(input, &place, option);
    cJSON *value = object ? list && text[0] == '[' ? json_value(input, option, text)
                                                   : typed_value(input, option, item, text)
                          : NULL;
    if (!value) return;
    const char *name = place.names[place.depth - 1];
    if (list) {
        put_item(object, name, value);
        return;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(object, name);
    cJSON_AddItemToObject(object, name, value);
}

/* ---- the whole ---- */

static cJSON *base_input(struct input *input) {
    const char *given = cli_option(input->cli, "input");
    if (!given || member_true(input->op, "raw") ||
        (op_place_of(input->cli, input->op, "input", &(struct op_place){0})))
        return cJSON_CreateObject();
    const char *text = given, *from = "--input";
    size_t size = strlen(given);
    if (given[0] != '{') {
        from = given[0] == '@' ? given + 1 : given;
        text = read_once(input, from, "input", &size);
        if (!text) return NULL;
    }
    cJSON *root = cJSON_ParseWithLength(text, size);
    if (!cJSON_IsObject(root))
        return refuse(input, cli_fail(input->cli, CLI_BAD_INPUT, "%s is no JSON object",
                                      strcmp(from, "-") ? from : "standard input"));
    return root;
}

/* Arguments: path parameters first, then required members that are still missing. */
static void put_arguments(struct input *input) {
    struct cli *cli = input->cli;
    size_t next = 0;
    const cJSON *row;
    for (int path = 1; path >= 0; path--) {
        cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(input->op, "in")) {
            const char *name = member_text(row, "name", "");
            if (next == cli->arg_count || op_in_path(input->op, name) != (path == 1)) continue;
            if (cJSON_HasObjectItem(input->root, name)) continue;
            if (!path && (!member_true(row, "required") || row_is_object(row))) continue;
            struct cli_option option = {.name = name, .value = cli->args[next++]};
            put_option(input, &option);
        }
    }
    if (next < cli->arg_count && !input->code)
        input->code = cli_usage(cli, "'%s' is one argument too many", cli->args[next]);
}

cJSON *op_input(struct cli *cli, const cJSON *op, int *code) {
    struct input input = {.cli = cli, .op = op};
    input.root = base_input(&input);
    if (input.root) {
        const bool git = git_flag_fits(op);
        for (size_t i = 0; i < cli->option_count && !input.code; i++)
            if (!git || !cli_name_matches("git", cli->options[i].name))
                put_option(&input, &cli->options[i]);
        if (git && !input.code) input.code = git_fill(cli, op, input.root);
        if (!input.code) put_arguments(&input);
    }
    *code = input.code;
    return input.code ? NULL : input.root;
}

/* ---- the path and the query ---- */

static const char *scalar_text(const cJSON *value) {
    return cJSON_IsString(value) ? value->valuestring : cli_json(value);
}

static const char *query_of(struct cli *cli, const cJSON *input) {
    const char *query = "";
    const cJSON *member, *item;
    cJSON_ArrayForEach(member, input) {
        const cJSON *list = cJSON_IsArray(member) ? member->child : member;
        for (item = list; item; item = cJSON_IsArray(member) ? item->next : NULL)
            query =
                arena_printf(&cli->arena, "%s%s%s=%s", query, *query ? "&" : "?",
                             url_encode(cli, member->string), url_encode(cli, scalar_text(item)));
    }
    return query;
}

const char *op_path(struct cli *cli, const cJSON *op, cJSON *input) {
    const char *from = member_text(op, "path", NULL), *path = "";
    if (!from) {
        cli_fail(cli, CLI_USAGE, "'%s' has no HTTP route: only plugins and scripts can call it",
                 member_text(op, "name", "?"));
        return NULL;
    }
    while (*from) {
        size_t plain = strcspn(from, "{");
        path = arena_printf(&cli->arena, "%s%.*s", path, (int)plain, from);
        from += plain;
        if (!*from) break;
        size_t size = strcspn(from, "}") - 1;
        const char *name = arena_strndup(&cli->arena, from + 1, size);
        bool rest = size > 3 && !strcmp(name + size - 3, "...");
        if (rest) name = arena_strndup(&cli->arena, name, size - 3);
        cJSON *value = cJSON_DetachItemFromObjectCaseSensitive(input, name);
        if (!value) {
            cli_usage(cli, "the argument %s is missing", name);
            return NULL;
        }
        const char *text = scalar_text(value);
        path = arena_printf(&cli->arena, "%s%s", path, rest ? text : url_encode(cli, text));
        from += size + 2;
    }
    bool query = !op_has_body(op) || member_true(op, "raw");
    return !query ? path : arena_printf(&cli->arena, "%s%s", path, query_of(cli, input));
}
