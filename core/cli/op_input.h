/* op_input.h - the input of an operation from flags and arguments, by its declared fields.
 *
 * --config.image X     a member of an object, by its path
 * --image X            the same by the short name that its field declares
 * --tag a --tag b      a list, an item each time
 * --config '{...}'     a whole object as JSON
 * --diff FILE|-        a field that takes the content of a file
 * --git A..B           with a field diff: that, message, commit and author from the git tree here
 * --reason @FILE       any other value from a file; @@x is the text @x
 * --input FILE|-|JSON  the whole input, which the flags then complete
 * Arguments fill the path's parameters, then what is required and not given, in order.
 */
#ifndef SLUICE_CORE_CLI_OP_INPUT_H
#define SLUICE_CORE_CLI_OP_INPUT_H

#include "cli.h"
#include "flags.h"

/* `op` is an item of GET /operations, borrowed. Its flags: those of its fields, and --input. */
struct flag_syntax op_syntax(struct cli *cli, const cJSON *op);
/* The input that the options and arguments of `cli` make; NULL after telling, with `*code` set. */
cJSON *op_input(struct cli *cli, const cJSON *op, int *code);
/* Takes the path's parameters out of the input: "/deployments/42"; with the rest as the query when
 * the method carries no body. NULL after telling. */
const char *op_path(struct cli *cli, const cJSON *op, cJSON *input);
bool op_has_body(const cJSON *op);

const char *member_text(const cJSON *object, const char *name, const char *otherwise);
bool member_true(const cJSON *object, const char *name);

#endif
