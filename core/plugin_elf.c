#include "plugin_elf.h"

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { SYMBOLS_MAX = 1000000, HEADERS_MAX = 10000 };

struct file {
    const char *bytes;
    size_t size;
    void (*told)(void *arg, enum elf_fact fact, const char *text);
    void *arg;
};

/* A table inside the file: `count` entries of `each` bytes, or none of it. */
struct table {
    const char *first;
    size_t count, each;
};

static bool table_in(const struct file *file, uint64_t offset, uint64_t size, size_t each,
                     struct table *table) {
    if (offset > file->size || size > file->size - offset || !each) return false;
    *table = (struct table){file->bytes + offset, size / each, each};
    return true;
}

/* Copies: nothing in the file need be aligned. */
static void entry_at(const struct table *table, size_t i, void *entry) {
    memcpy(entry, table->first + i * table->each, table->each);
}

/* A name in a table of strings; NULL when it does not end inside. */
static const char *string_at(const struct table *strings, uint64_t at) {
    if (at >= strings->count || !memchr(strings->first + at, 0, strings->count - at)) return NULL;
    return strings->first + at;
}

/* ---- program headers ---- */

static const char *read_dynamic(const struct file *file, const Elf64_Phdr *segment,
                                const struct table *strings) {
    struct table entries;
    Elf64_Dyn entry;
    if (!table_in(file, segment->p_offset, segment->p_filesz, sizeof entry, &entries))
        return "its dynamic section lies outside of the file";
    for (size_t i = 0; i < entries.count; i++) {
        entry_at(&entries, i, &entry);
        if (entry.d_tag == DT_NULL) break;
        bool path = entry.d_tag == DT_RPATH || entry.d_tag == DT_RUNPATH;
        bool text = entry.d_tag == DT_TEXTREL ||
                    (entry.d_tag == DT_FLAGS && (entry.d_un.d_val & DF_TEXTREL));
        const char *name =
            path || entry.d_tag == DT_NEEDED ? string_at(strings, entry.d_un.d_val) : "";
        if (!name) return "a name in its dynamic section is cut off";
        if (path) file->told(file->arg, ELF_RPATH, name);
        if (entry.d_tag == DT_NEEDED) file->told(file->arg, ELF_NEEDED, name);
        if (text) file->told(file->arg, ELF_TEXT_RELOC, "");
    }
    return NULL;
}

static const char *read_segments(const struct file *file, const Elf64_Ehdr *head,
                                 const struct table *strings) {
    struct table segments;
    Elf64_Phdr segment;
    uint64_t size = (uint64_t)head->e_phnum * sizeof segment;
    if (head->e_phentsize != sizeof segment ||
        !table_in(file, head->e_phoff, size, sizeof segment, &segments))
        return "its program headers lie outside of the file";
    const char *fault = NULL;
    for (size_t i = 0; i < segments.count && !fault; i++) {
        entry_at(&segments, i, &segment);
        if (segment.p_type == PT_GNU_STACK && (segment.p_flags & PF_X))
            file->told(file->arg, ELF_EXEC_STACK, "");
        if (segment.p_type == PT_DYNAMIC) fault = read_dynamic(file, &segment, strings);
    }
    return fault;
}

/* ---- symbols ---- */

static const char *tell_symbols(const struct file *file, const struct table *symbols,
                                const struct table *strings) {
    Elf64_Sym symbol;
    if (symbols->count > SYMBOLS_MAX) return "it has more than 1,000,000 symbols";
    for (size_t i = 1; i < symbols->count; i++) {
        entry_at(symbols, i, &symbol);
        unsigned bind = ELF64_ST_BIND(symbol.st_info);
        unsigned seen = ELF64_ST_VISIBILITY(symbol.st_other);
        if (bind != STB_GLOBAL && bind != STB_WEAK && bind != STB_GNU_UNIQUE) continue;
        if (ELF64_ST_TYPE(symbol.st_info) == STT_SECTION) continue;
        const char *name = string_at(strings, symbol.st_name);
        if (!name) return "the name of a symbol is cut off";
        bool undefined = symbol.st_shndx == SHN_UNDEF;
        if (undefined && bind != STB_WEAK) file->told(file->arg, ELF_UNDEFINED, name);
        if (!undefined && (seen == STV_DEFAULT || seen == STV_PROTECTED))
            file->told(file->arg, ELF_EXPORT, name);
    }
    return NULL;
}

/* The dynamic symbols and the strings they name. */
static const char *find_symbols(const struct file *file, const Elf64_Ehdr *head,
                                struct table *symbols, struct table *strings) {
    struct table sections;
    Elf64_Shdr section, linked;
    uint64_t size = (uint64_t)head->e_shnum * sizeof section;
    if (head->e_shentsize != sizeof section ||
        !table_in(file, head->e_shoff, size, sizeof section, &sections))
        return "the file is truncated";
    for (size_t i = 0; i < sections.count && i < HEADERS_MAX; i++) {
        entry_at(&sections, i, &section);
        if (section.sh_type != SHT_DYNSYM) continue;
        if (section.sh_link >= sections.count) return "its symbols name no strings";
        entry_at(&sections, section.sh_link, &linked);
        if (!table_in(file, section.sh_offset, section.sh_size, sizeof(Elf64_Sym), symbols) ||
            !table_in(file, linked.sh_offset, linked.sh_size, 1, strings))
            return "its symbols lie outside of the file";
        return NULL;
    }
    return "it has no table of dynamic symbols";
}

const char *plugin_elf_read(const void *bytes, size_t size,
                            void (*told)(void *arg, enum elf_fact fact, const char *text),
                            void *arg) {
    const struct file file = {bytes, size, told, arg};
    struct table symbols, strings;
    Elf64_Ehdr head;
    if (size < sizeof head) return "not an ELF shared object";
    memcpy(&head, bytes, sizeof head);
    if (memcmp(head.e_ident, ELFMAG, SELFMAG) != 0) return "not an ELF shared object";
    if (head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_ident[EI_DATA] != ELFDATA2LSB)
        return "not a 64-bit little-endian object";
    if (head.e_type != ET_DYN) return "not a shared object";
    const char *fault = find_symbols(&file, &head, &symbols, &strings);
    if (!fault) fault = tell_symbols(&file, &symbols, &strings);
    return fault ? fault : read_segments(&file, &head, &strings);
}
