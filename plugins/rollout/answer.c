#include "answer.h"

#include "text.h"
#include "tree.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SENTENCE_BYTES = 1536 };

static char *put_digits(char *to, int number, int digits) {
    for (int i = digits - 1; i >= 0; i--, number /= 10) to[i] = (char)('0' + number % 10);
    return to + digits;
}

static char *put_part(char *to, int number, int digits, char behind) {
    to = put_digits(to, number, digits);
    *to = behind;
    return to + 1;
}

void time_text(int64_t ms, char text[TIME_TEXT]) {
    static const int64_t last_ms = 253402300799999; /* of the year 9999 */
    if (ms < 0) ms = 0;
    if (ms > last_ms) ms = last_ms;
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    char *to = put_part(text, parts.tm_year + 1900, 4, '-');
    to = put_part(to, parts.tm_mon + 1, 2, '-');
    to = put_part(to, parts.tm_mday, 2, 'T');
    to = put_part(to, parts.tm_hour, 2, ':');
    to = put_part(to, parts.tm_min, 2, ':');
    to = put_part(to, parts.tm_sec, 2, '.');
    to = put_part(to, (int)(ms % 1000), 3, 'Z');
    *to = 0;
}

const char *decided_event_type(enum outcome outcome) {
    static const char *const types[] = {"deployment.approved", "deployment.needs_approval",
                                        "deployment.denied"};
    return types[outcome];
}

static void put_text_or_null(cJSON *object, const char *name, const char *value) {
    if (value)
        put_borrowed(object, name, value);
    else
        put_item(object, name, cJSON_CreateNull());
}

static void put_policy(cJSON *out, const struct judgement *judgement) {
    if (judgement->policy) {
        put_shared(out, "policy", judgement->policy);
        return;
    }
    cJSON *policy = put_object(out, "policy");
    put_bool(policy, "allowed", false);
    (void)put_array(policy, "results");
    put_text_or_null(policy, "error", judgement->policy_failure);
}

static void put_risk(cJSON *out, const struct judgement *judgement) {
    if (judgement->risk) {
        put_shared(out, "risk", judgement->risk);
        return;
    }
    cJSON *risk = put_object(out, "risk");
    put_borrowed(risk, "level", "UNKNOWN");
    put_text_or_null(risk, "reason", judgement->risk_failure);
    put_borrowed(risk, "method", "none");
}

static void put_summary(cJSON *out, const struct case_file *file) {
    static const char *const verbs[] = {"may go to", "waits for a person before", "must not go to"};
    char text[SENTENCE_BYTES];
    const cJSON *worst = cJSON_GetArrayItem(file->decision->reasons, 0);
    text_join(text, sizeof text,
              (const char *const[]){
                  text_of(file->in, "app_name"), " ", verbs[file->decision->outcome], " ",
                  text_of(file->in, "environment"), ": ", text_of(worst, "message"), NULL});
    put_text(out, "summary", text);
}

static void put_next_action(cJSON *out, const struct case_file *file) {
    char text[SENTENCE_BYTES];
    const char *id = file->id, *fix = file->decision->fix;
    if (!id)
        (void)snprintf(text, sizeof text, "%s%ssend the request without dry_run", fix ? fix : "",
                       fix ? ", then " : "");
    else if (file->decision->outcome == APPROVED)
        text_join(text, sizeof text,
                  (const char *const[]){"sluice deploy manifests ", id,
                                        " -o yaml | kubectl apply -f -", NULL});
    else if (file->decision->outcome == DENIED)
        (void)snprintf(text, sizeof text, "%s and send the request again",
                       fix ? fix : "mend what the reasons name");
    else
        (void)snprintf(text, sizeof text,
                       "show the reasons to a person who answers for %s: sluice deploy explain %s",
                       text_of(file->in, "environment"), id);
    put_text(out, "next_action", text);
}

/* ---- evidence ---- */

static cJSON *add_evidence(cJSON *list, const char *kind) {
    cJSON *item = add_object(list);
    put_borrowed(item, "kind", kind);
    return item;
}

static void show_members(cJSON *object, const cJSON *from, const char *const *names) {
    for (; *names; names++) {
        const cJSON *item = item_of(from, *names);
        if (item) put_shared(object, *names, item);
    }
}

static void put_evidence(cJSON *out, const struct case_file *file) {
    cJSON *list = put_array(out, "evidence");
    const struct judgement *judgement = file->judgement;
    if (file->diff_bytes) {
        cJSON *diff = add_evidence(list, "diff");
        put_number(diff, "bytes", (double)file->diff_bytes);
        put_text(diff, "sha256", file->diff_sha256);
    }
    if (judgement->risk) {
        static const char *const names[] = {"level",  "score", "probability",
                                            "method", "model", NULL};
        show_members(add_evidence(list, "risk"), judgement->risk, names);
    }
    if (judgement->policy) {
        cJSON *policies = add_evidence(list, "policies");
        static const char *const names[] = {"decision", "policy_hash", NULL};
        show_members(policies, judgement->policy, names);
        put_number(policies, "judged", cJSON_GetArraySize(item_of(judgement->policy, "results")));
    }
}

/* ---- the whole ---- */

void answer_begin(cJSON *out, const struct case_file *file) {
    put_text_or_null(out, "id", file->id);
    put_borrowed(out, "status", outcome_name(file->decision->outcome));
    put_summary(out, file);
    static const char *const same[] = {"app_name", "environment", "strategy", NULL};
    show_members(out, file->in, same);
    put_policy(out, file->judgement);
    put_risk(out, file->judgement);
    put_shared(out, "reasons", file->decision->reasons);
    put_text_or_null(out, "fix", file->decision->fix);
    put_next_action(out, file);
    put_evidence(out, file);
}

void answer_end(cJSON *out, const struct case_file *file, const cJSON *manifests) {
    put_shared(out, "manifests", manifests);
    put_number(out, "version", 1);
    char at[TIME_TEXT];
    time_text(file->now_ms, at);
    put_text(out, "created_at", at);
    if (!file->id) put_bool(out, "dry_run", true);
}

size_t answer_tail(const struct case_file *file, char tail[ANSWER_TAIL_BYTES]) {
    char at[TIME_TEXT];
    time_text(file->now_ms, at);
    return text_join(tail, ANSWER_TAIL_BYTES,
                     (const char *const[]){",\"version\":1,\"created_at\":\"", at, "\"}", NULL});
}

cJSON *request_kept(const struct case_file *file) {
    cJSON *kept = cJSON_CreateObject();
    const cJSON *member;
    cJSON_ArrayForEach(member, file->in) {
        if (strcmp(member->string, "diff") != 0) {
            put_shared(kept, member->string, member);
        } else if (file->diff_bytes) {
            cJSON *diff = put_object(kept, "diff");
            put_number(diff, "bytes", (double)file->diff_bytes);
            put_text(diff, "sha256", file->diff_sha256);
        }
    }
    return kept;
}

/* What every event of a deployment has, so that who hears it need not ask. Events are hashed and kept
 * for good, so they stay short. */
static cJSON *event_about(const struct case_file *file) {
    cJSON *data = cJSON_CreateObject();
    if (file->id) put_borrowed(data, "deployment_id", file->id);
    static const char *const same[] = {"app_name", "environment", NULL};
    show_members(data, file->in, same);
    put_borrowed(data, "image", text_of(item_of(file->in, "config"), "image"));
    static const char *const where_known[] = {"commit", NULL};
    show_members(data, file->in, where_known);
    const char *level = risk_level(file->judgement->risk);
    put_borrowed(data, "risk_level", level ? level : "UNKNOWN");
    return data;
}

cJSON *requested_event(const struct case_file *file) {
    cJSON *data = event_about(file);
    static const char *const same[] = {"author", "reason", NULL};
    show_members(data, file->in, same);
    if (file->diff_bytes) put_text(data, "diff_sha256", file->diff_sha256);
    return data;
}

cJSON *decided_event(const struct case_file *file) {
    cJSON *data = event_about(file);
    put_borrowed(data, "status", outcome_name(file->decision->outcome));
    put_number(data, "risk_score", number_of(file->judgement->risk, "score"));
    const cJSON *hash = item_of(file->judgement->policy, "policy_hash");
    if (hash) put_shared(data, "policy_hash", hash);
    if (file->decision->outcome == APPROVED) return data;
    cJSON *reasons = put_array(data, "reasons");
    const cJSON *reason;
    cJSON_ArrayForEach(reason, file->decision->reasons) {
        static const char *const told[] = {"rule", "outcome", "message", "fix", NULL};
        show_members(add_object(reasons), reason, told);
    }
    return data;
}
