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

static void put_environment(cJSON *container, const cJSON *variables) {
    if (!cJSON_IsObject(variables) || !variables->child) return;
    cJSON *list = put_array(container, "env");
    const cJSON *variable;
    cJSON_ArrayForEach(variable, variables) {
        cJSON *entry = add_object(list);
        put_borrowed(entry, "name", variable->string);
        put_borrowed(entry, "value", cJSON_IsString(variable) ? variable->valuestring : "");
    }
}

static void put_probe(cJSON *container, const char *path, int port) {
    cJSON *probe = put_object(container, "readinessProbe");
    cJSON *get = put_object(probe, "httpGet");
    put_borrowed(get, "path", path);
    put_number(get, "port", port);
    put_number(probe, "periodSeconds", 5);
    put_number(probe, "failureThreshold", 3);
}

void pod_template(cJSON *pod, const char *app, const cJSON *config) {
    put_borrowed(put_object(put_object(pod, "metadata"), "labels"), "app", app);
    cJSON *container = add_object(put_array(put_object(pod, "spec"), "containers"));
    put_borrowed(container, "name", app);
    put_borrowed(container, "image", text_of(config, "image"));
    int port = port_of(config, 0);
    if (port) {
        cJSON *entry = add_object(put_array(container, "ports"));
        put_borrowed(entry, "name", "http");
        put_number(entry, "containerPort", port);
    }
    put_environment(container, item_of(config, "env"));
    static const char *const as_given[] = {"command", "args", "resources"};
    for (int i = 0; i < 3; i++) {
        const cJSON *given = item_of(config, as_given[i]);
        if (given) put_shared(container, as_given[i], given);
    }
    const char *health = text_of(config, "health_path");
    if (health && port) put_probe(container, health, port);
}
