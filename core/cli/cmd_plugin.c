/* cmd_plugin.c - making, checking and testing plugins, without a server. */
#include "plugin_check.h"
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
    {.words = "plugin check",
     .args = "FILE",
     .args_min = 1,
     .args_max = 1,
     .summary = "Check a plugin as the server would, and try it out",
     .more =
         "Looks at the file (symbols, stack, search path), at what it declares, and lets it start\n"
         "and stop twice in a host of its own, in memory. Exit code 3: something is wrong.",
     .example = "sluice plugin check build/hello.so --config '{\"salutation\": \"Hi\"}'",
     .flags = plugin_check_flags,
     .run = plugin_check},
    {.words = "plugin test",
     .args = "FILE",
     .args_min = 1,
     .args_max = 1,
     .summary = "Run cases from a file against a plugin, without a server",
     .more = "A case: name, call (an operation), with (its input), as (permissions), status (ok,\n"
             "invalid, not_found...), expect (members of the answer), contains (a text in it),\n"
             "publish {type, subject, data} and advance_ms (done first), events {type: count}.",
     .example = "sluice plugin test hello.lua --cases cases.json",
     .flags = plugin_test_flags,
     .run = plugin_test},
    {.words = "plugin info",
     .args = "NAME|FILE",
     .args_min = 1,
     .args_max = 1,
     .summary = "Show a plugin of the server, or what a plugin's file declares",
     .example = "sluice plugin info rollout\nsluice plugin info build/hello.so --json",
     .run = plugin_info},
    {0}};
