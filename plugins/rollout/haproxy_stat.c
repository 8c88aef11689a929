#include "haproxy_stat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 300, CELL_MAX = 256 };

enum column {
    PROXY,
    SERVER,
    STATUS,
    TYPE,
    WEIGHT,
    SET_WEIGHT,
    ECON,
    ERESP,
    HTTP_1XX,
    HTTP_2XX,
    HTTP_3XX,
    HTTP_4XX,
    HTTP_5XX,
    HTTP_OTHER,
    RTIME,
    KNOWN
};
static const char *const column_names[KNOWN] = {
    "pxname",   "svname",   "status",   "type",     "weight",   "uweight",    "econ", "eresp",
    "hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other", "rtime"};

struct reader {
    const char *at, *end;
};

static bool line_ended(const struct reader *reader) {
    return reader->at >= reader->end || *reader->at == '\n';
}

/* One cell; a quoted one may hold commas, line ends and doubled quotes. What does not fit is cut.
 * Stops behind the comma, or before the line's end. */
static void read_cell(struct reader *reader, char cell[CELL_MAX]) {
    size_t used = 0;
    bool quoted = reader->at < reader->end && *reader->at == '"';
    if (quoted) reader->at++;
    while (reader->at < reader->end) {
        char c = *reader->at;
        if (quoted && c == '"') {
            if (reader->at + 1 < reader->end && reader->at[1] == '"') {
                reader->at++;
            } else {
                quoted = false;
                reader->at++;
                continue;
            }
        } else if (!quoted && (c == ',' || c == '\n')) {
            break;
        }
        if (used + 1 < CELL_MAX && c) cell[used++] = c;
        reader->at++;
    }
    cell[used] = 0;
    if (reader->at < reader->end && *reader->at == ',') reader->at++;
}

static int column_named(const char *name) {
    for (int i = 0; i < KNOWN; i++) {
        if (strcmp(column_names[i], name) == 0) return i;
    }
    return -1;
}

static bool read_head(struct reader *reader, int columns[COLUMNS_MAX], size_t *count) {
    char cell[CELL_MAX];
    unsigned seen = 0;
    if (reader->end - reader->at < 2 || memcmp(reader->at, "# ", 2) != 0) return false;
    reader->at += 2;
    for (*count = 0; *count < COLUMNS_MAX && !line_ended(reader); (*count)++) {
        read_cell(reader, cell);
        columns[*count] = column_named(cell);
        if (columns[*count] >= 0) seen |= 1u << columns[*count];
    }
    const unsigned needed = 1u << PROXY | 1u << SERVER | 1u << STATUS | 1u << WEIGHT;
    return line_ended(reader) && (seen & needed) == needed;
}

typedef char row_cells[KNOWN][CELL_MAX];

static void read_row(struct reader *reader, const int columns[COLUMNS_MAX], size_t count,
                     row_cells cells) {
    char other[CELL_MAX] = "";
    for (int i = 0; i < KNOWN; i++) cells[i][0] = 0;
    for (size_t i = 0; !line_ended(reader); i++)
        read_cell(reader, i < count && columns[i] >= 0 ? cells[columns[i]] : other);
    if (reader->at < reader->end) reader->at++;
}

/* A count; what is empty or nonsense is 0. */
static double count_of(const char *cell) {
    char *end;
    double value = strtod(cell, &end);
    return end == cell || !(value >= 0) || value > 9e15 ? 0 : value;
}

static void fill(struct haproxy_server *server, row_cells cells) {
    (void)snprintf(server->name, sizeof server->name, "%s", cells[SERVER]);
    /* uweight is what was set, also while the server is down or drained; old versions lack it. */
    const char *weight = cells[SET_WEIGHT][0] ? cells[SET_WEIGHT] : cells[WEIGHT];
    server->weight = (int)(count_of(weight) > 256 ? 256 : count_of(weight));
    const char *status = cells[STATUS];
    server->up = strncmp(status, "UP", 2) == 0 || strncmp(status, "no check", 8) == 0;
    server->draining = strncmp(status, "DRAIN", 5) == 0;
    server->in_maintenance = strncmp(status, "MAINT", 5) == 0;
    /* Answers that the server gave, and what it failed to answer or to be reached by. */
    double lost = count_of(cells[ECON]) + count_of(cells[ERESP]);
    server->errors = count_of(cells[HTTP_5XX]) + lost;
    server->requests = count_of(cells[HTTP_2XX]) + count_of(cells[HTTP_3XX]) +
                       count_of(cells[HTTP_4XX]) + count_of(cells[HTTP_OTHER]) + server->errors;
    server->response_ms = cells[RTIME][0] && server->requests > 0 ? count_of(cells[RTIME]) : -1;
}

static bool is_server(row_cells cells) {
    return strcmp(cells[SERVER], "FRONTEND") != 0 && strcmp(cells[SERVER], "BACKEND") != 0 &&
           (!cells[TYPE][0] || strcmp(cells[TYPE], "2") == 0);
}

bool haproxy_stat_read(const char *text, size_t size, const char *backend,
                       struct haproxy_servers *servers) {
    struct reader reader = {text, text + size};
    int columns[COLUMNS_MAX];
    size_t count = 0;
    row_cells cells;
    bool seen = false;
    servers->count = 0;
    servers->fault[0] = 0;
    if (!read_head(&reader, columns, &count)) {
        const char *said = NULL;
        size_t length = 0;
        said = haproxy_refusal(text, size, &length);
        (void)snprintf(servers->fault, sizeof servers->fault,
                       "'show stat' for backend '%.60s' gave no table but '%.*s'", backend,
                       (int)(length < 80 ? length : 80), said ? said : "");
        return false;
    }
    reader.at++;
    while (reader.at < reader.end) {
        read_row(&reader, columns, count, cells);
        if (strcmp(cells[PROXY], backend) != 0) continue;
        seen |= strcmp(cells[SERVER], "FRONTEND") != 0;
        if (!is_server(cells)) continue;
        if (servers->count == HAPROXY_SERVERS) {
            (void)snprintf(servers->fault, sizeof servers->fault,
                           "backend '%s' has more than %d servers", backend, HAPROXY_SERVERS);
            return false;
        }
        fill(&servers->items[servers->count++], cells);
    }
    if (!servers->count)
        (void)snprintf(servers->fault, sizeof servers->fault,
                       seen ? "backend '%s' has no servers" : "HAProxy has no backend '%s'",
                       backend);
    return servers->count > 0;
}

static const char *line_end(const char *at, const char *end) {
    const char *found = memchr(at, '\n', (size_t)(end - at));
    return found ? found : end;
}

double haproxy_info(const char *text, size_t size, const char *name) {
    const char *end = text + size;
    size_t length = strlen(name);
    for (const char *at = text; at < end; at = line_end(at, end) + 1) {
        const char *stop = line_end(at, end);
        if ((size_t)(stop - at) <= length + 1 || memcmp(at, name, length) != 0 || at[length] != ':')
            continue;
        char number[32];
        (void)snprintf(number, sizeof number, "%.*s", (int)(stop - at - (long)length - 1),
                       at + length + 1);
        return count_of(number);
    }
    return -1;
}

bool haproxy_var(const char *text, size_t size, char *value, size_t room) {
    static const char before[] = "value=<";
    const char *end = text + size;
    const char *at = size ? memmem(text, size, before, sizeof before - 1) : NULL;
    if (!at) return false;
    at += sizeof before - 1;
    const char *stop = memchr(at, '>', (size_t)(end - at));
    if (!stop || (size_t)(stop - at) >= room) return false;
    memcpy(value, at, (size_t)(stop - at));
    value[stop - at] = 0;
    return true;
}

const char *haproxy_refusal(const char *text, size_t size, size_t *length) {
    const char *end = text + size;
    for (const char *at = text; at < end; at = line_end(at, end) + 1) {
        const char *stop = line_end(at, end);
        if (stop == at) continue;
        *length = (size_t)(stop - at);
        return at;
    }
    return NULL;
}
