/* config_rows_sample.h - rows of a made-up plugin, for tests and the fuzz target. */
#ifndef SLUICE_CORE_TESTS_CONFIG_ROWS_SAMPLE_H
#define SLUICE_CORE_TESTS_CONFIG_ROWS_SAMPLE_H

#include "../config.h"

static const sl_field sample_canary[] = {
    SL_INT("steps", .def = "4", .min = 1, .max = 10, .help = "how many steps"),
    SL_DURATION("pause", .def = "5m", .help = "time between steps"), SL_END};

static const sl_field sample_target[] = {
    SL_STRING("url", .flags = SL_REQUIRED, .help = "where it is"),
    SL_STRING("password", .flags = SL_SECRET), SL_END};

static const sl_field sample_rows[] = {
    SL_NUMBER("threshold", .def = "0.7", .min = 0, .max = 1, .help = "probability"),
    SL_STRING("token", .flags = SL_SECRET, .min = 4, .max = 40, .help = "the key of a service"),
    SL_OBJECT("canary", sample_canary, .help = "steps"),
    SL_OBJECT("target", sample_target, .help = "another server"),
    SL_LIST_OF("targets", sample_target),
    SL_LIST("tags", SL_T_STRING, .max = 5),
    SL_LIST("waits", SL_T_DURATION),
    SL_MAP("labels", SL_T_STRING),
    SL_STRING("scripts", .flags = SL_PATH, .def = "scripts"),
    SL_ENUM("mode", "fast|slow", .def = "fast"),
    SL_SIZE("room", .def = "8MiB"),
    SL_STRING("version"),
    SL_ANY("extra"),
    SL_END};

static const struct config_section sample_sections[] = {
    {.pointer = "", .rows = {config_core_rows, sizeof(sl_field)}},
    {.pointer = "/plugins/demo", .rows = {sample_rows, sizeof(sl_field)}}};

enum { SAMPLE_SECTIONS = 2 };

#endif
