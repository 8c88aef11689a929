/* config_default.c - config/sluice.yaml inside the library, so that the program runs alone. */
#include "config.h"

/* The assembler finds it on its include path, which CMake gives this file. */
__asm__(".section .rodata\n"
        ".global config_default_begin\n"
        ".hidden config_default_begin\n"
        ".global config_default_end\n"
        ".hidden config_default_end\n"
        "config_default_begin:\n"
        ".incbin \"sluice.yaml\"\n"
        "config_default_end:\n"
        ".byte 0\n"
        ".previous\n");
extern const char config_default_begin[], config_default_end[];

const char *config_default_text(size_t *size) {
    *size = (size_t)(config_default_end - config_default_begin);
    return config_default_begin;
}
