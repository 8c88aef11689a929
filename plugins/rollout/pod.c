#include "pod.h"

#include "tree.h"

int replicas_of(const cJSON *config) {
    const cJSON *replicas = item_of(config, "replicas");
    return cJSON_IsNumber(replicas) ? replicas->valueint : 1;
}

int port_of(const cJSON *config, int otherwise) {
    const cJSON *port = item_of(config, "port");
    return cJSON_IsNumber(port) ? port->valueint : otherwise;
}

static void add_environment(struct text *text, const cJSON *variables) {
    if (!cJSON_IsObject(variables) || !variables->child) return;
    text_say(text, ",\"env\":[");
    const cJSON *variable;
    cJSON_ArrayForEach(variable, variables) {
        if (variable != variables->child) text_say(text, ",");
        text_say(text, "{\"name\":");
        text_string(text, variable->string);
        text_say(text, ",\"value\":");
        text_string(text, cJSON_IsString(variable) ? variable->valuestring : "");
        text_say(text, "}");
    }
    text_say(text, "]");
}

static void add_as_given(struct text *text, const cJSON *config) {
    static const char *const names[] = {"command", "args", "resources"};
    for (int i = 0; i < 3; i++) {
        const cJSON *given = item_of(config, names[i]);
        if (!given) continue;
        text_say(text, ",");
        text_string(text, names[i]);
        text_say(text, ":");
        text_tree(text, given);
    }
}

static void add_probe(struct text *text, const char *path, int port) {
    text_say(text, ",\"readinessProbe\":{\"httpGet\":{\"path\":");
    text_string(text, path);
    text_say(text, ",\"port\":");
    text_number(text, port);
    text_say(text, "},\"periodSeconds\":5,\"failureThreshold\":3}");
}

void pod_template(struct text *text, const char *app, const cJSON *config) {
    const char *image = text_of(config, "image");
    text_say(text, "{\"metadata\":{\"labels\":{\"app\":");
    text_string(text, app);
    text_say(text, "}},\"spec\":{\"containers\":[{\"name\":");
    text_string(text, app);
    text_say(text, ",\"image\":");
    text_string(text, image ? image : "");
    int port = port_of(config, 0);
    if (port) {
        text_say(text, ",\"ports\":[{\"name\":\"http\",\"containerPort\":");
        text_number(text, port);
        text_say(text, "}]");
    }
    add_environment(text, item_of(config, "env"));
    add_as_given(text, config);
    const char *health = text_of(config, "health_path");
    if (health && port) add_probe(text, health, port);
    text_say(text, "}]}}");
}
