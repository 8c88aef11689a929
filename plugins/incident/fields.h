/* fields.h - what the operations take and answer. Included once, by plugin.c. */
#ifndef INCIDENT_FIELDS_H
#define INCIDENT_FIELDS_H

#include "severity.h"

#include <sluice/sluice.h>

#define ID         SL_STRING("id", .help = "id of the incident", .flags = SL_REQUIRED, .max = 64)
#define WHEN(N, H) SL_STRING((N), .help = (H), .format = "time", .max = 40)
#define STATUSES   "open|acknowledged|mitigated|resolved|merged"

static const sl_field id_in[] = {ID, SL_END};

static const sl_field incident_out[] = {
    SL_STRING("id"),
    SL_STRING("title"),
    SL_ENUM("severity", SEVERITIES, .help = "SEV1 is the worst"),
    SL_ENUM("status", STATUSES),
    SL_LIST("services", SL_T_STRING, .help = "that its alerts name"),
    SL_STRING("environment"),
    SL_STRING("app_name"),
    SL_INT("alerts", .help = "that belong to it"),
    SL_INT("alerts_firing"),
    SL_OBJECT("roles", NULL, .help = "who does what", .flags = SL_OPEN),
    SL_OBJECT("stated", NULL, .help = "what people said: public wording, cause, impact",
              .flags = SL_OPEN),
    SL_STRING("opened_by", .help = "alerts, or who"),
    SL_STRING("merged_into"),
    SL_STRING("onset_at", .help = "first abnormal sample", .flags = SL_NULLABLE),
    SL_STRING("detected_at", .help = "first alert", .flags = SL_NULLABLE),
    SL_STRING("opened_at", .flags = SL_NULLABLE),
    SL_STRING("acknowledged_at", .flags = SL_NULLABLE),
    SL_STRING("mitigated_at", .flags = SL_NULLABLE),
    SL_STRING("resolved_at", .flags = SL_NULLABLE),
    SL_INT("version", .help = "rises with every change"),
    SL_LIST("alert_list", SL_T_OBJECT, .help = "the first hundred, firing ones first"),
    SL_END};

static const sl_field open_in[] = {
    SL_STRING("title", .help = "what is wrong, in a few words", .flags = SL_REQUIRED, .min = 1,
              .max = 300),
    SL_ENUM("severity", SEVERITIES, .def = "SEV3"),
    SL_STRING("environment", .help = "dev, stage or prod", .cli = "env", .max = 64),
    SL_STRING("app_name", .help = "application", .cli = "app", .max = 200),
    SL_LIST("services", SL_T_STRING, .help = "services concerned", .max = 50),
    SL_STRING("description", .help = "what is known", .max = SL_KIB(16)),
    WHEN("detected_at", "when it was noticed; default: now"),
    WHEN("onset_at", "when it began; default: when it was noticed"),
    SL_END};

static const sl_field step_in[] = {ID, WHEN("at", "when it happened; default: now"),
                                   SL_STRING("note", .help = "why, or how", .max = 2000), SL_END};

static const sl_field impact_said[] = {SL_STRING("text", .help = "in words", .max = 2000),
                                       SL_INT("requests", .help = "requests that failed", .min = 0),
                                       SL_INT("users", .help = "users concerned", .min = 0),
                                       SL_STRING("regions", .help = "where", .max = 300), SL_END};

static const sl_field update_in[] = {
    ID,
    SL_STRING("title", .min = 1, .max = 300),
    SL_ENUM("severity", SEVERITIES, .help = "from now on alerts no longer change it"),
    SL_OBJECT("roles", NULL, .help = "role to person, as commander: ada; null takes it away",
              .flags = SL_OPEN),
    SL_LIST("services", SL_T_STRING, .max = 50),
    SL_STRING("description", .max = SL_KIB(16)),
    SL_STRING("public_title", .help = "what customers read as title", .max = 200),
    SL_STRING("public_text", .help = "what customers read as description", .max = 2000),
    SL_LIST("components", SL_T_STRING, .help = "components of the status page", .max = 50),
    SL_STRING("cause", .help = "root cause, once known", .max = SL_KIB(8)),
    SL_STRING("trigger", .help = "what set it off", .max = SL_KIB(8)),
    SL_STRING("resolution", .help = "what ended it", .max = SL_KIB(8)),
    SL_STRING("workaround", .help = "what customers can do meanwhile", .max = 2000),
    SL_INT("next_update_minutes", .help = "when customers hear again", .min = 5, .max = 10080),
    SL_OBJECT("impact", impact_said, .help = "what people know of the impact"),
    WHEN("onset_at", "when it began"),
    SL_END};

static const sl_field merge_in[] = {
    ID, SL_STRING("into", .help = "id of the incident that stays", .flags = SL_REQUIRED, .max = 64),
    SL_END};

static const sl_field split_in[] = {ID,
                                    SL_LIST("alerts", SL_T_STRING,
                                            .help = "ids of the alerts that leave",
                                            .flags = SL_REQUIRED, .min = 1, .max = 500),
                                    SL_STRING("title", .help = "of the new incident", .max = 300),
                                    SL_ENUM("severity", SEVERITIES),
                                    SL_LIST("services", SL_T_STRING, .max = 50),
                                    SL_END};

static const sl_field list_in[] = {
    SL_ENUM("status", STATUSES "|active", .help = "active: not resolved and not merged"),
    SL_STRING("environment", .help = "only in this environment", .cli = "env", .max = 64),
    SL_STRING("service", .help = "only with this service", .max = 200),
    SL_INT("limit", .help = "how many at most", .def = "50", .min = 1, .max = 500),
    SL_STRING("cursor", .help = "next_cursor of the page before", .max = 64),
    SL_END};

static const sl_field list_out[] = {
    SL_LIST_OF("items", incident_out, .help = "newest first"),
    SL_STRING("next_cursor", .help = "null on the last page", .flags = SL_NULLABLE), SL_END};

static const sl_field line_out[] = {
    SL_STRING("id"),
    SL_STRING("at"),
    SL_STRING("source", .help = "who says so"),
    SL_STRING("kind", .help = "change, gate, symptom, alert, slo, state, update, note"),
    SL_STRING("text"),
    SL_STRING("original", .help = "before it was edited"),
    SL_STRING("actor"),
    SL_STRING("ref", .help = "where it can be looked up"),
    SL_INT("count", .help = "repeats that it stands for"),
    SL_STRING("last_at", .help = "of the last repeat"),
    SL_BOOL("inferred", .help = "concluded, not told"),
    SL_BOOL("pinned"),
    SL_BOOL("hidden"),
    SL_BOOL("clock_corrected", .help = "its source's clock ran ahead"),
    SL_END};

static const sl_field timeline_in[] = {
    ID, SL_BOOL("all", .help = "hidden lines too", .def = "false"), SL_END};

static const sl_field timeline_out[] = {SL_STRING("incident"),
                                        SL_LIST_OF("items", line_out, .help = "oldest first"),
                                        SL_INT("hidden", .help = "lines that are hidden"), SL_END};

static const sl_field note_in[] = {
    ID, SL_STRING("text", .flags = SL_REQUIRED, .min = 1, .max = SL_KIB(8)),
    SL_STRING("ref", .help = "link or id", .max = 500),
    WHEN("at", "when it happened; default: now"), SL_END};

static const sl_field note_out[] = {SL_STRING("id", .help = "of the line"), SL_END};

static const sl_field edit_in[] = {
    ID,
    SL_STRING("line", .help = "id of the line", .flags = SL_REQUIRED, .max = 300),
    SL_STRING("text", .help = "new wording; the original stays", .max = SL_KIB(8)),
    SL_BOOL("hidden", .help = "leave it out of summaries"),
    SL_BOOL("pinned"),
    SL_END};

static const sl_field edit_out[] = {SL_OBJECT("line", line_out), SL_END};

static const sl_field alertmanager_in[] = {
    SL_ANY("alerts", .help = "the alerts of the group"), SL_ANY("groupKey", .help = "which group"),
    SL_ANY("groupLabels"), SL_ANY("truncatedAlerts", .help = "how many Alertmanager left out"),
    SL_END};

static const sl_field event_in[] = {
    SL_ANY("items", .help = "a list of events; or one event as body"), SL_END};

static const sl_field intake_out[] = {
    SL_INT("taken", .help = "alerts that are kept"),
    SL_INT("opened", .help = "incidents that were opened"),
    SL_INT("joined", .help = "alerts that joined an incident"),
    SL_INT("unattached", .help = "alerts kept without an incident: too mild, or ended"),
    SL_INT("damaged", .help = "entries that are no alert"),
    SL_LIST("incidents", SL_T_STRING, .help = "ids, the first sixteen"),
    SL_END};

static const sl_field change_in[] = {
    SL_STRING("id", .help = "the same change has the same id; default: a new one", .max = 200),
    SL_ENUM("kind", "deployment|rollback|config|flag|infrastructure|database|other",
            .def = "other"),
    SL_STRING("summary", .help = "what was changed", .flags = SL_REQUIRED, .min = 1, .max = 500),
    SL_STRING("app_name", .cli = "app", .max = 200),
    SL_STRING("service", .max = 200),
    SL_STRING("environment", .cli = "env", .max = 64),
    SL_STRING("version", .max = 200),
    SL_STRING("actor", .help = "who changed it; default: who tells it", .max = 200),
    SL_STRING("source", .help = "which system tells it", .max = 64),
    SL_STRING("url", .max = 1000),
    WHEN("at", "when; default: now"),
    SL_END};

static const sl_field link_in[] = {ID,
                                   SL_STRING("deployment_id",
                                             .help = "the deployment that caused it",
                                             .flags = SL_REQUIRED, .min = 1, .max = 64),
                                   SL_END};

static const sl_field linked_out[] = {SL_BOOL("linked", .help = "false: it was linked before"),
                                      SL_END};

static const sl_field summary_in[] = {
    SL_STRING("incident_id", .help = "id of an incident", .max = 64),
    SL_STRING("id", .help = "the same under its other name", .max = 64),
    SL_ANY("context",
           .help =
               "or what is known of one: a text, or an object with title, services, started_at, "
               "impact, cause, alerts, logs, spans, actions, public_title, components and "
               "anything else"),
    SL_ENUM("audience", "customer|exec|engineer|all", .def = "all"), SL_END};

static const sl_field fact_out[] = {SL_STRING("id"), SL_STRING("kind"), SL_STRING("text"),
                                    SL_STRING("source", .help = "who says so"), SL_END};

static const sl_field summary_out[] = {
    SL_STRING("summary", .help = "the text for the audience; for all: the engineers'"),
    SL_STRING("customer", .help = "nothing internal: checked by code"),
    SL_STRING("exec"),
    SL_STRING("engineer"),
    SL_STRING("audience"),
    SL_STRING("incident_id"),
    SL_STRING("status", .help = "investigating, identified, monitoring, resolved"),
    SL_OBJECT("sentences", NULL, .help = "by audience: text, facts, and whether a model worded it",
              .flags = SL_OPEN),
    SL_LIST_OF("facts", fact_out, .help = "that the sentences rest on"),
    SL_INT("withheld", .help = "sentences that customers may not read"),
    SL_STRING("method", .help = "template, or the model that reworded"),
    SL_END};

static const sl_field postmortem_out[] = {
    SL_STRING("incident_id"), SL_STRING("title"),
    SL_STRING("markdown", .help = "draft by the template of the SRE book"), SL_END};

static const sl_field draft_in[] = {
    ID,
    SL_ENUM("status", "investigating|identified|monitoring|resolved",
            .help = "default: as the incident stands"),
    SL_STRING("text", .help = "default: the customers' summary", .min = 1, .max = SL_KIB(8)),
    SL_END};

static const sl_field update_out[] = {SL_INT("number"),
                                      SL_STRING("incident_id"),
                                      SL_STRING("status"),
                                      SL_STRING("text"),
                                      SL_ENUM("state", "draft|published|discarded"),
                                      SL_STRING("author", .help = "sluice, or who wrote it"),
                                      SL_STRING("approver", .help = "who published it"),
                                      SL_STRING("created_at", .flags = SL_NULLABLE),
                                      SL_STRING("published_at", .flags = SL_NULLABLE),
                                      SL_END};

static const sl_field updates_out[] = {SL_LIST_OF("items", update_out), SL_END};

static const sl_field publish_in[] = {
    ID, SL_INT("number", .help = "of the draft", .flags = SL_REQUIRED, .min = 1, .max = 1e6),
    SL_BOOL("discard", .help = "throw it away instead", .def = "false"), SL_END};

static const sl_field since_in[] = {
    SL_INT("minutes", .help = "how far back", .def = "60", .min = 1, .max = 10080),
    SL_STRING("service", .help = "only of this service", .max = 240),
    SL_INT("limit", .help = "how many at most", .def = "50", .min = 1, .max = 1000), SL_END};

static const sl_field patterns_out[] = {
    SL_LIST("items", SL_T_OBJECT, .help = "templates with lines and errors, most errors first"),
    SL_END};

static const sl_field graph_out[] = {
    SL_LIST("services", SL_T_OBJECT, .help = "requests, errors and times of each service"),
    SL_LIST("calls", SL_T_OBJECT, .help = "who calls whom, how often, how many failed"), SL_END};

static const sl_field impact_out[] = {
    SL_STRING("from", .flags = SL_NULLABLE),
    SL_STRING("until", .flags = SL_NULLABLE),
    SL_BOOL("known", .help = "there were requests to count"),
    SL_NUMBER("requests"),
    SL_NUMBER("failed"),
    SL_NUMBER("failed_beyond_usual"),
    SL_NUMBER("share", .help = "of the requests, 0..1"),
    SL_NUMBER("share_low", .help = "95 % interval"),
    SL_NUMBER("share_high"),
    SL_STRING("counted", .help = "whose requests"),
    SL_NUMBER("users_at_least", .flags = SL_NULLABLE),
    SL_LIST("uncertainty", SL_T_STRING, .help = "what is missing"),
    SL_OBJECT("stated", NULL, .help = "what people said", .flags = SL_OPEN),
    SL_END};

static const sl_field suspects_out[] = {
    SL_BOOL("named", .help = "a change is suspected"),
    SL_STRING("why_none", .help = "why nobody is named"),
    SL_LIST("items", SL_T_OBJECT, .help = "suspects with score and reasons, best first"),
    SL_LIST("considered", SL_T_OBJECT, .help = "changes that were weighed and not named"), SL_END};

static const sl_field evidence_out[] = {
    SL_STRING("from", .flags = SL_NULLABLE),
    SL_STRING("until", .flags = SL_NULLABLE),
    SL_LIST("root_causes", SL_T_OBJECT, .help = "services against their own past"),
    SL_STRING("no_root_cause", .help = "why there is none"),
    SL_LIST("patterns", SL_T_OBJECT, .help = "log patterns that are new or changed their rate"),
    SL_LIST("hot_spots", SL_T_OBJECT, .help = "operations that fail or are slow"),
    SL_OBJECT("impact", NULL, .flags = SL_OPEN),
    SL_OBJECT("suspects", NULL, .flags = SL_OPEN),
    SL_OBJECT("intake", NULL, .help = "records received, only counted, late", .flags = SL_OPEN),
    SL_END};

static const sl_field asked_in[] = {SL_STRING("name", .help = "what it is called", .max = 200),
                                    SL_STRING("query", .help = "with {service} and {environment}",
                                              .flags = SL_REQUIRED, .min = 1, .max = SL_KIB(8)),
                                    SL_END};

static const sl_field pull_in[] = {
    ID,
    SL_LIST_OF("prometheus", asked_in, .help = "default: those of the configuration", .max = 20),
    SL_LIST_OF("loki", asked_in, .help = "default: those of the configuration", .max = 20), SL_END};

static const sl_field pull_out[] = {
    SL_LIST("items", SL_T_OBJECT, .help = "what each query told; it stands in the timeline"),
    SL_END};

static const sl_field source_in[] = {
    SL_STRING("source", .help = "name of the mapping: pagerduty, opsgenie, generic, your own",
              .flags = SL_REQUIRED, .max = 40),
    SL_END};

#endif
