/* docs_assets.c - the script and the style of the pages, taken in by the assembler. */
#include "docs_pages.h"

#define TAKE_IN(NAME, FILE)                                                                        \
    __asm__(".pushsection .rodata\n"                                                               \
            ".hidden docs_" NAME "\n.hidden docs_" NAME "_end\n"                                   \
            ".global docs_" NAME "\n.global docs_" NAME "_end\n"                                   \
            "docs_" NAME ": .incbin \"" FILE "\"\n"                                                \
            "docs_" NAME "_end: .byte 0\n"                                                         \
            ".popsection\n")

TAKE_IN("script", "app.js");
TAKE_IN("style", "style.css");

extern const char docs_script[], docs_script_end[], docs_style[], docs_style_end[];

struct asset asset_script(void) {
    return (struct asset){docs_script, (size_t)(docs_script_end - docs_script)};
}

struct asset asset_style(void) {
    return (struct asset){docs_style, (size_t)(docs_style_end - docs_style)};
}
