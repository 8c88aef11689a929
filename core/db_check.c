/* db_check.c - `sluice db check`: is the file whole, do its rows refer to rows that are there, is
 * the log's chain unbroken? */
#include "chain.h"
#include "store.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FINDINGS_MAX = 20 };

struct check {
    sqlite3 *db;
    FILE *report;
    unsigned findings;
};

static void find(struct check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void find(struct check *check, const char *format, ...) {
    if (check->findings++ >= FINDINGS_MAX) return;
    va_list args;
    va_start(args, format);
    fputs("FAIL ", check->report);
    vfprintf(check->report, format, args);
    fputc('\n', check->report);
    va_end(args);
}

static sqlite3_stmt *prepare(struct check *check, const char *sql) {
    sqlite3_stmt *prepared = NULL;
    if (sqlite3_prepare_v2(check->db, sql, -1, &prepared, NULL) == SQLITE_OK) return prepared;
    find(check, "%s: %s", sql, sqlite3_errmsg(check->db));
    return NULL;
}

static void finish(struct check *check, sqlite3_stmt *prepared, const char *what) {
    if (sqlite3_finalize(prepared) != SQLITE_OK)
        find(check, "%s: %s", what, sqlite3_errmsg(check->db));
}

static void check_pages(struct check *check) {
    sqlite3_stmt *prepared = prepare(check, "PRAGMA integrity_check(20)");
    if (!prepared) return;
    unsigned before = check->findings;
    while (sqlite3_step(prepared) == SQLITE_ROW) {
        const char *line = (const char *)sqlite3_column_text(prepared, 0);
        if (strcmp(line, "ok") != 0) find(check, "pages: %s", line);
    }
    finish(check, prepared, "pages");
    if (check->findings == before) fputs("ok   pages and indexes are whole\n", check->report);
}

static void check_references(struct check *check) {
    sqlite3_stmt *prepared = prepare(check, "PRAGMA foreign_key_check");
    if (!prepared) return;
    unsigned before = check->findings;
    while (sqlite3_step(prepared) == SQLITE_ROW)
        find(check, "row %lld of %s refers to a row of %s that is not there",
             (long long)sqlite3_column_int64(prepared, 1),
             (const char *)sqlite3_column_text(prepared, 0),
             (const char *)sqlite3_column_text(prepared, 2));
    finish(check, prepared, "references");
    if (check->findings == before) fputs("ok   every reference has its row\n", check->report);
}

static const char *text_at(sqlite3_stmt *prepared, int column) {
    return (const char *)sqlite3_column_text(prepared, column);
}

static struct chain_entry entry_at(sqlite3_stmt *prepared) {
    return (struct chain_entry){.seq = sqlite3_column_int64(prepared, 0),
                                .at_ms = sqlite3_column_int64(prepared, 1),
                                .tenant = text_at(prepared, 2),
                                .type = text_at(prepared, 3),
                                .actor = text_at(prepared, 4),
                                .subject = text_at(prepared, 5),
                                .request_id = text_at(prepared, 6),
                                .data = text_at(prepared, 7)};
}

/* Stops at the first bad one: behind it every hash is different anyway. */
static int64_t follow_chain(struct check *check, sqlite3_stmt *prepared) {
    struct chain_hash before = {0};
    int64_t last_seq = 0;
    for (; sqlite3_step(prepared) == SQLITE_ROW; last_seq++) {
        struct chain_entry entry = entry_at(prepared);
        if (entry.seq != last_seq + 1) {
            find(check, "log: event %lld is missing: after %lld comes %lld",
                 (long long)last_seq + 1, (long long)last_seq, (long long)entry.seq);
            return -1;
        }
        struct chain_hash hash = chain_next(&before, &entry);
        if (!chain_equal(&hash, sqlite3_column_blob(prepared, 8),
                         (size_t)sqlite3_column_bytes(prepared, 8))) {
            find(check,
                 "log: event %lld (%s) is not what was written, or the one before it is gone",
                 (long long)entry.seq, entry.type ? entry.type : "?");
            return -1;
        }
        before = hash;
    }
    return last_seq;
}

static bool has_table(struct check *check, const char *name) {
    return sqlite3_table_column_metadata(check->db, NULL, name, NULL, NULL, NULL, NULL, NULL,
                                         NULL) == SQLITE_OK;
}

/* A log that was cut off at its end has an unbroken chain; who has read further tells of it. */
static void check_end(struct check *check, int64_t last_seq) {
    if (!has_table(check, "sluice_cursor")) return; /* no bus has run on it yet */
    sqlite3_stmt *prepared =
        prepare(check, "SELECT listener, seq FROM sluice_cursor WHERE seq > $1");
    if (!prepared) return;
    sqlite3_bind_int64(prepared, 1, last_seq);
    while (sqlite3_step(prepared) == SQLITE_ROW)
        find(check, "log: it ends with event %lld, but listener %s has heard event %lld",
             (long long)last_seq, text_at(prepared, 0),
             (long long)sqlite3_column_int64(prepared, 1));
    finish(check, prepared, "places of listeners");
}

static void check_chain(struct check *check) {
    sqlite3_stmt *prepared =
        prepare(check, "SELECT seq, at_ms, tenant, type, actor, subject, request_id, data, hash "
                       "FROM sluice_event NOT INDEXED ORDER BY seq");
    if (!prepared) return;
    int64_t last_seq = follow_chain(check, prepared);
    finish(check, prepared, "log");
    if (last_seq >= 0) check_end(check, last_seq);
    if (last_seq >= 0)
        fprintf(check->report, "ok   the log's chain holds: %lld events\n", (long long)last_seq);
}

static bool open_for_check(struct check *check, const char *path) {
    if (access(path, R_OK) != 0) {
        find(check, "%s cannot be read: %s", path, strerror(errno));
        return false;
    }
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_EXRESCODE;
    int code = sqlite3_open_v2(path, &check->db, flags, NULL);
    if (code == SQLITE_OK) {
        sqlite3_busy_timeout(check->db, 5000);
        code = sqlite3_exec(check->db, "BEGIN; SELECT 1 FROM sqlite_master", NULL, NULL, NULL);
    }
    if (code == SQLITE_OK) return true;
    find(check, "%s cannot be opened: %s", path, sqlite3_errstr(code));
    return false;
}

int store_check_file(const char *path, char **report) {
    size_t size = 0;
    struct check check = {.report = open_memstream(report, &size)};
    if (!check.report) abort();
    if (open_for_check(&check, path)) {
        check_pages(&check);
        check_references(&check);
        check_chain(&check);
    }
    sqlite3_close(check.db);
    if (check.findings > FINDINGS_MAX)
        fprintf(check.report, "and %u more\n", check.findings - FINDINGS_MAX);
    fclose(check.report);
    return check.findings ? SL_INTERNAL : SL_OK;
}
