/* plugin_elf.h - what the file of a shared object says of itself, read without loading it. Pure. */
#ifndef SLUICE_CORE_PLUGIN_ELF_H
#define SLUICE_CORE_PLUGIN_ELF_H

#include <stddef.h>

enum elf_fact {
    ELF_EXPORT,     /* a symbol that others may bind to: its name */
    ELF_UNDEFINED,  /* a symbol that it needs (not weak): its name */
    ELF_NEEDED,     /* a library that it names: "libcjson.so.1" */
    ELF_RPATH,      /* DT_RPATH or DT_RUNPATH */
    ELF_EXEC_STACK, /* wants an executable stack */
    ELF_TEXT_RELOC  /* writes into its own code while it is loaded */
};

/* Tells every fact of a 64-bit little-endian shared object. NULL, or a static sentence: what is
 * damaged. Reads nothing outside of `size` bytes, whatever they hold. */
const char *plugin_elf_read(const void *bytes, size_t size,
                            void (*told)(void *arg, enum elf_fact fact, const char *text),
                            void *arg);

#endif
