/* pod.h - the pod template of an application, from the `config` of its request. Pure.
 *
 * Read of config: image, replicas, port, health_path, env (map), resources (as Kubernetes has
 * them), command, args. Other members are for policies and are not looked at here. */
#ifndef ROLLOUT_POD_H
#define ROLLOUT_POD_H

#include "text.h"

void pod_template(struct text *text, const char *app, const cJSON *config);

int replicas_of(const cJSON *config);            /* 1 when absent */
int port_of(const cJSON *config, int otherwise); /* `otherwise` when absent */

#endif
