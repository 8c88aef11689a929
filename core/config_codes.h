/* config_codes.h - the codes of configuration errors, for messages, `config explain` and docs. */
#ifndef SLUICE_CORE_CONFIG_CODES_H
#define SLUICE_CORE_CONFIG_CODES_H

struct config_code {
    const char *code, *title, *help;
};
extern const struct config_code config_codes[]; /* ended by {0} */

#endif
