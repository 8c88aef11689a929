/* cmd_plugin.c - making, checking and testing plugins, without a server. */
#include "plugin_new.h"

const struct cli_command plugin_commands[] = {
    {.words = "plugin new",
     .args = "NAME",
     .args_min = 1,
     .args_max = 1,
     .summary = "Write a new plugin that builds, has a test and answers",
     .more = "Writes into ./NAME (or --dir). Nothing is overwritten.",
     .example = "sluice plugin new hello\nsluice plugin new hello --lang lua --dir plugins/hello",
     .flags = plugin_new_flags,
     .run = plugin_new},
    {0}};
