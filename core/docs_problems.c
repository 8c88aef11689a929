/* docs_problems.c - what each `code` of a problem means, and what to do. docs/errors.md holds the
 * same table; a test compares them with what the server can answer. */
#include "arena.h"
#include "docs_pages.h"

#include <string.h>

static const struct problem problems[] = {
    {"invalid", "The request is not valid", 400,
     "The path, the query or the body does not fit what the operation takes. `errors` lists every "
     "fault with its JSON pointer and, where one is near, the name that was perhaps meant.",
     "Correct the members that `errors` names; /docs shows the fields of every operation."},
    {"unauthenticated", "Authentication is needed", 401,
     "There is no bearer token, or one that is not known, has been revoked or has expired.",
     "Send \"Authorization: Bearer TOKEN\". The first start wrote an admin token to "
     "$SLUICE_STATE/admin.token; `sluice token create` makes more."},
    {"denied", "Not permitted", 403,
     "The token is known, but lacks the permission that the sentence names.",
     "Ask an administrator of the tenant for a token with that permission."},
    {"not_found", "Not found", 404,
     "There is nothing at this path, or nothing of this name in your tenant.",
     "Check the name; lists such as GET /deployments show what there is."},
    {"method_not_allowed", "Method not allowed", 405,
     "The path exists, but not with this method. The header Allow lists those that do.",
     "Use one of the methods in Allow."},
    {"conflict", "Conflict", 409,
     "The state has moved on since you read it, the name is taken, or the same request is still "
     "running under its Idempotency-Key.",
     "Read again, and repeat the request if it still makes sense; honour Retry-After if there is "
     "one."},
    {"stale", "The version is stale", 412, "If-Match names a version that is no longer the newest.",
     "Read again, merge your change, and send the new ETag."},
    {"too_large", "Too large", 413, "The body, or a part of it, is larger than the limit.",
     "Send less; the sentence names the limit."},
    {"unsupported", "Not supported", 415,
     "The body's content type, or a feature that was asked for, is not served here.",
     "Send JSON with \"Content-Type: application/json\"."},
    {"mismatch", "The key was used for another request", 422,
     "This Idempotency-Key was used in the last 24 hours with another body.",
     "Use a new key for a new request."},
    {"precondition_required", "A precondition is required", 428,
     "The operation changes something that others may change too, and wants If-Match (or an "
     "Idempotency-Key) so that no change is lost.",
     "Read the resource, and send its ETag in If-Match."},
    {"limit", "Limit reached", 429, "A rate or a quota is used up.",
     "Wait for Retry-After seconds, or ask for a larger quota."},
    {"cancelled", "Cancelled", 499, "The client left before the answer, or the server is draining.",
     "Nothing of the request took effect that was not acknowledged; repeat it with the same "
     "Idempotency-Key."},
    {"internal", "Internal error", 500, "A fault of the server's own. It is in its log.",
     "Look for the request id (`instance`) in the server's log, and report it."},
    {"unavailable", "Unavailable", 503,
     "A part that is needed is down: the disk is full, a plugin has failed, a peer cannot be "
     "reached. The sentence says which.",
     "Retry after Retry-After seconds; GET /readyz shows the state of every part."},
    {"timeout", "Timed out", 504, "The operation's deadline passed before it was done.",
     "Repeat the request with the same Idempotency-Key: it is not done twice."},
    {"bad_request", "Bad Request", 400, "The bytes are no well-formed HTTP/1.1 request.",
     "Look at the client, or at the proxy before the server; the sentence names the fault."},
    {"request_timeout", "Request Timeout", 408, "The head or the body did not arrive in time.",
     "Send the whole request without long pauses."},
    {"content_too_large", "Content Too Large", 413,
     "The body is larger than this operation takes. It was refused before it was read.",
     "Send less; /docs tells the limit."},
    {"uri_too_long", "URI Too Long", 414, "Path and query are longer than 8 KiB.",
     "Send the values in the body."},
    {"expectation_failed", "Expectation Failed", 417,
     "The only expectation that is met is 100-continue.", "Leave the header Expect out."},
    {"request_header_fields_too_large", "Request Header Fields Too Large", 431,
     "The head is longer than 16 KiB or has more than 100 fields.",
     "Send fewer or shorter fields."},
    {"not_implemented", "Not Implemented", 501,
     "The method or the transfer encoding is not understood.",
     "Use GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS, and no encoding but chunked."},
    {"service_unavailable", "Service Unavailable", 503,
     "The server has as many connections as it takes, or no memory for the request.",
     "Try again after Retry-After seconds; keep connections open and use them again."},
    {"http_version_not_supported", "HTTP Version Not Supported", 505,
     "The server speaks HTTP/1.1; HTTP/2 ends at a proxy before it.", "Speak HTTP/1.1."},
};

const struct problem *problem_at(size_t i) {
    return i < sizeof problems / sizeof *problems ? &problems[i] : NULL;
}

static bool same_code(const char *a, const char *b) {
    for (; *a && *b; a++, b++) {
        char from = *a == '-' ? '_' : *a, to = *b == '-' ? '_' : *b;
        if (from != to) return false;
    }
    return !*a && !*b;
}

const struct problem *problem_find(const char *code) {
    const struct problem *problem;
    for (size_t i = 0; (problem = problem_at(i)); i++) {
        if (same_code(problem->code, code)) return problem;
    }
    return NULL;
}

static const char *status_text(const struct problem *problem, struct arena *arena) {
    return arena_printf(arena, "%d", problem->status);
}

const char *problems_page(struct arena *arena, size_t *size) {
    struct html html;
    html_init(&html, arena);
    page_begin(&html, "Problems");
    html_put(&html, "<main id=\"content\"><h1>Problems</h1>\n<p>Every failure is answered as "
                    "<code>application/problem+json</code> (RFC 9457). Programs branch on "
                    "<code>code</code>; people read <code>detail</code>.</p>\n"
                    "<table><thead><tr><th scope=\"col\">code</th><th scope=\"col\">HTTP</th>"
                    "<th scope=\"col\">meaning</th></tr></thead><tbody>\n");
    const struct problem *problem;
    for (size_t i = 0; (problem = problem_at(i)); i++) {
        html_put(
            &html,
            "<tr><td><a href=\"/problems/@\"><code>@</code></a></td><td>@</td><td>@</td></tr>\n",
            problem->code, problem->code, status_text(problem, arena), problem->title);
    }
    html_put(&html, "</tbody></table></main>\n");
    page_end(&html);
    return html_text(&html, size);
}

const char *problem_page(const struct problem *problem, struct arena *arena, size_t *size) {
    struct html html;
    html_init(&html, arena);
    page_begin(&html, problem->title);
    html_put(&html,
             "<main id=\"content\"><h1>@</h1>\n<p><code>@</code> · HTTP @</p>\n"
             "<h2>What it means</h2><p>@</p>\n<h2>What to do</h2><p>@</p>\n"
             "<p><a href=\"/problems\">All problems</a></p></main>\n",
             problem->title, problem->code, status_text(problem, arena), problem->meaning,
             problem->remedy);
    page_end(&html);
    return html_text(&html, size);
}
