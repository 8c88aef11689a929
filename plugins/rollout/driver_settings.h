/* driver_settings.h - how the drivers are configured: rows for the plugin's settings. Included there
 * alone. docs/drivers.md explains them. */
#ifndef ROLLOUT_DRIVER_SETTINGS_H
#define ROLLOUT_DRIVER_SETTINGS_H

#include <sluice/field.h>

/* clang-format off */
#define HAPROXY_SITE                                                                               \
    SL_STRING("socket", .help = "path of HAProxy's stats socket with level admin, or host:port",   \
              .max = 255),                                                                         \
    SL_STRING("backend", .help = "whose servers run the versions; default: the application's name", \
              .max = 127),                                                                         \
    SL_LIST("stable", SL_T_STRING, .help = "servers of the version that has the traffic at first; " \
            "a name may end in *", .max = 64),                                                     \
    SL_LIST("canary", SL_T_STRING, .help = "servers of the other version", .max = 64)
/* clang-format on */

static const sl_field haproxy_app_settings[] = {HAPROXY_SITE, SL_END};
static const sl_field haproxy_settings[] = {HAPROXY_SITE,
                                            SL_MAP("apps", SL_T_OBJECT,
                                                   .fields = haproxy_app_settings, .max = 1000,
                                                   .help = "the same by application"),
                                            SL_END};

static const sl_field argo_settings_rows[] = {
    SL_STRING("kubeconfig", .flags = SL_PATH, .max = 4096,
              .help = "kubeconfig file; without it and `server`: the pod's service account"),
    SL_STRING("context", .help = "of the kubeconfig; default: its current one", .max = 253),
    SL_STRING("server", .help = "https:// address of the Kubernetes API", .max = 1024),
    SL_STRING("token_file", .flags = SL_PATH, .max = 4096, .help = "bearer token, read each time"),
    SL_STRING("ca_file", .flags = SL_PATH, .max = 4096, .help = "of the API server"),
    SL_STRING("client_cert_file", .flags = SL_PATH, .max = 4096, .help = "to log in by"),
    SL_STRING("client_key_file", .flags = SL_PATH, .max = 4096, .help = "key of that certificate"),
    SL_STRING("namespace", .help = "of rollouts whose manifests name none", .max = 63),
    SL_STRING("container", .help = "whose image is the version; default: the first", .max = 63),
    SL_END};

static const sl_field argocd_settings_rows[] = {
    SL_STRING("server", .help = "https:// address of Argo CD, with its root path", .max = 1024),
    SL_STRING("token_file", .flags = SL_PATH, .max = 4096,
              .help = "token of an account, read each time"),
    SL_STRING("ca_file", .flags = SL_PATH, .max = 4096, .help = "of its certificate"), SL_END};

#define DRIVER_SETTINGS                                                                            \
    SL_OBJECT("haproxy", haproxy_settings, .help = "settings of the driver haproxy"),              \
        SL_OBJECT("argo", argo_settings_rows, .help = "settings of the driver argo"),              \
        SL_OBJECT("argocd", argocd_settings_rows,                                                  \
                  .help = "Argo CD, for argocd.get and argocd.sync")

#endif
