/* config_rows.c - the core's own part of sluice.yaml: what there is to set, in which unit. */
#include "config_inside.h"

static const sl_field limit_rows[] = {
    SL_INT("connections", .def = "12000", .min = 1, .max = 1000000,
           .help = "open connections of a worker; more are answered with 503"),
    SL_SIZE("head", .def = "16KiB", .min = 1024, .max = 1048576,
            .help = "size of a request's line and headers; more is answered with 431"),
    SL_SIZE("target", .def = "8KiB", .min = 256, .max = 65536,
            .help = "size of a request's path and query; more is answered with 414"),
    SL_INT("headers", .def = "100", .min = 10, .max = 1000,
           .help = "headers of a request; more are answered with 431"),
    SL_DURATION("head_timeout", .def = "10s", .min = 100, .max = 3600000,
                .help = "time for a request's head to arrive"),
    SL_DURATION("body_timeout", .def = "20s", .min = 100, .max = 3600000,
                .help = "time for a request's body to arrive"),
    SL_DURATION("idle_timeout", .def = "60s", .min = 100, .max = 86400000,
                .help = "time that a connection may stay open without a request"),
    SL_DURATION("write_timeout", .def = "30s", .min = 100, .max = 3600000,
                .help = "time without progress after which an answer is given up"),
    SL_END};

static const sl_field server_rows[] = {
    SL_LIST("listen", SL_T_STRING, .def = "[\"127.0.0.1:8000\"]", .min = 1, .max = 16,
            .example = "[\"127.0.0.1:8000\", \"unix:/run/sluice/sluice.sock\"]",
            .help = "addresses to serve on: \"host:port\", \"[ipv6]:port\" or \"unix:/path\""),
    SL_INT("workers", .def = "1", .min = 1, .max = 64, .help = "worker processes"),
    SL_DURATION("drain_timeout", .def = "30s", .min = 0, .max = 3600000,
                .help = "time that running requests get to end when the server stops or reloads"),
    SL_BOOL("public_metrics", .def = "true", .help = "whether /metrics is served without a token"),
    SL_OBJECT("limits", limit_rows, .help = "what a client may ask of a worker"),
    SL_END};

static const sl_field log_rows[] = {
    SL_ENUM("level", "debug|info|warn|error", .def = "info", .help = "the least level shown"),
    SL_ENUM("format", "auto|json|console|logfmt", .def = "auto",
            .help = "auto: for people on a terminal, else JSON"),
    SL_END};

static const sl_field store_rows[] = {
    SL_ENUM("driver", "sqlite", .def = "sqlite", .help = "where the platform keeps its state"),
    SL_DURATION("busy_timeout", .def = "5s", .min = 1, .max = 600000,
                .help = "time to wait for another process that holds the database"),
    SL_INT("queue", .def = "10000", .min = 1, .max = 1000000,
           .help = "writes that may wait; more are answered with 503"),
    SL_END};

static const sl_field lua_rows[] = {
    SL_DURATION("cpu_time", .def = "50ms", .min = 1, .max = 10000,
                .help = "CPU time of one run of a script; one that overruns denies"),
    SL_SIZE("memory", .def = "8MiB", .min = 262144, .max = 1073741824,
            .help = "memory of one run of a script"),
    SL_INT("instructions", .def = "10000000", .min = 1000, .max = 10000000000,
           .help = "instructions of one run of a script"),
    SL_END};

const sl_field config_plugin_rows[] = {
    SL_BOOL("enabled", .def = "true", .help = "false: the plugin is not loaded"),
    SL_BOOL("required", .def = "false",
            .help = "true: the server does not start when this plugin cannot"),
    SL_STRING("file", .flags = SL_PATH,
              .help = "the plugin's .so or .lua file, when it is in no plugin folder"),
    SL_END};

const sl_field config_core_rows[] = {
    SL_LIST("include", SL_T_STRING, .max = 32, .flags = SL_PATH,
            .help = "files whose keys stand where this file has none; later files win"),
    SL_OBJECT("server", server_rows, .help = "the HTTP server"),
    SL_STRING("state", .def = "./var", .min = 1, .max = 4096,
              .help = "folder of the database and the first token, from the working directory"),
    SL_OBJECT("log", log_rows, .help = "log lines on standard error"),
    SL_OBJECT("store", store_rows, .help = "the database"),
    SL_OBJECT("lua", lua_rows, .help = "limits of policy and gate scripts"),
    SL_LIST("plugin_dirs", SL_T_STRING, .max = 16, .flags = SL_PATH,
            .help = "folders searched for plugins before the program's own"),
    SL_MAP("plugins", SL_T_OBJECT, .fields = config_plugin_rows, .min = 0, .max = 64,
           .help = "the plugins to load, by name, each with its options"),
    SL_END};
