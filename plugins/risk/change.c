#include "change.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Open addressing over 64-bit hashes of names; folders and roots are told apart by the seed. */
struct change_places {
    uint32_t used, room; /* room is a power of two */
    uint64_t slots[];
};

static uint64_t hash(const char *at, size_t len, uint64_t seed) {
    uint64_t h = seed ^ 0xcbf29ce484222325ULL;
    for (size_t i = 0; i < len; i++) h = (h ^ (unsigned char)at[i]) * 0x100000001b3ULL;
    h ^= h >> 32;
    return h ? h : 1;
}

static bool put(struct change_places *places, uint64_t key) {
    uint64_t i = key & (places->room - 1);
    while (places->slots[i]) {
        if (places->slots[i] == key) return false;
        i = (i + 1) & (places->room - 1);
    }
    places->slots[i] = key;
    places->used++;
    return true;
}

static struct change_places *grown(struct change_places *old) {
    const uint32_t room = old ? old->room * 2 : 64;
    struct change_places *places = calloc(1, sizeof *places + room * sizeof places->slots[0]);
    if (!places) return NULL;
    places->room = room;
    for (uint32_t i = 0; old && i < old->room; i++)
        if (old->slots[i]) put(places, old->slots[i]);
    free(old);
    return places;
}

static bool is_new_place(struct change *c, const char *at, size_t len, uint64_t seed) {
    if (!c->places || c->places->used * 2 >= c->places->room) {
        struct change_places *places = grown(c->places);
        if (!places) {
            c->out_of_memory = true;
            return false;
        }
        c->places = places;
    }
    return put(c->places, hash(at, len, seed));
}

static bool make_room(struct change *c, size_t path_len) {
    if (c->file_count == c->file_room) {
        const uint32_t room = c->file_room ? c->file_room * 2 : 16;
        struct change_file *files = realloc(c->files, room * sizeof *files);
        if (!files) return false;
        c->files = files;
        c->file_room = room;
    }
    if (c->paths_len + path_len > c->paths_room) {
        const size_t room = (c->paths_room + path_len) * 2 + 256;
        char *paths = room < UINT32_MAX ? realloc(c->paths, room) : NULL;
        if (!paths) return false;
        c->paths = paths;
        c->paths_room = (uint32_t)room;
    }
    return true;
}

static struct change_file *begin(struct change *c, struct diff_text path) {
    if (!make_room(c, path.len)) {
        c->out_of_memory = true;
        return NULL;
    }
    if (path.len) memcpy(c->paths + c->paths_len, path.at, path.len);
    struct change_file *file = &c->files[c->file_count++];
    *file = (struct change_file){.path_at = c->paths_len,
                                 .path_len = (uint32_t)path.len,
                                 .kind = (uint8_t)kind_of(&c->lexicon->kinds, path)};
    c->paths_len += (uint32_t)path.len;
    c->files_by[file->kind]++;
    c->folders += is_new_place(c, path.at, path_folder_len(path), 1);
    c->roots += is_new_place(c, path.at, path_root_len(path), 2);
    return file;
}

void change_init(struct change *c, const struct lexicon *lexicon) {
    memset(c, 0, sizeof *c);
    c->lexicon = lexicon;
}

void change_fini(struct change *c) {
    free(c->files);
    free(c->paths);
    free(c->places);
    c->files = NULL;
    c->paths = NULL;
    c->places = NULL;
}

struct diff_text change_path(const struct change *c, uint32_t file) {
    if (file >= c->file_count) return (struct diff_text){"", 0};
    return (struct diff_text){c->paths + c->files[file].path_at, c->files[file].path_len};
}

void change_on_file(void *of, const struct diff_file *source) {
    struct change *c = of;
    c->from_diff = true;
    struct change_file *file = begin(c, source->path);
    if (!file) return;
    file->how = (uint8_t)source->change;
    file->binary = source->binary;
    file->line = source->line;
    c->files_how[source->change]++;
    c->submodules += source->submodule;
    c->mode_changes += source->mode_changed;
    const bool code = file->kind == KIND_SOURCE || file->kind == KIND_TEST;
    c->syntax = code ? kind_syntax(source->path) : SYNTAX_NONE;
}

static uint64_t weight(const struct change_hunk *hunk) {
    return 4ULL * hunk->branches + hunk->added + hunk->deleted;
}

/* Keeps the heaviest hunks: the lightest of the kept ones makes way. */
static void keep_hunk(struct change *c) {
    struct change_hunk *place = NULL;
    if (!weight(&c->now) || !c->file_count) return;
    c->files[c->now.file].branches += c->now.branches;
    if (c->hot_count < CHANGE_HOT_HUNKS) {
        place = &c->hot[c->hot_count++];
    } else {
        place = &c->hot[0];
        for (uint32_t i = 1; i < CHANGE_HOT_HUNKS; i++)
            if (weight(&c->hot[i]) < weight(place)) place = &c->hot[i];
        if (weight(place) >= weight(&c->now)) place = NULL;
    }
    if (place) *place = c->now;
    c->now = (struct change_hunk){0};
}

void change_on_hunk(void *of, const struct diff_hunk *hunk) {
    struct change *c = of;
    keep_hunk(c);
    c->hunks++;
    c->now = (struct change_hunk){.file = c->file_count ? c->file_count - 1 : 0,
                                  .start = hunk->new_start ? hunk->new_start : hunk->old_start};
}

static void read_source(struct change *c, const struct diff_line *line) {
    const struct line_words found = lexicon_read(c->lexicon, line->text, c->syntax);
    if (line->side == DIFF_DELETED) {
        c->words.branches_deleted += found.branches;
        return;
    }
    c->now.branches += found.branches;
    c->words.branches += found.branches;
    c->words.concurrency += found.concurrency;
    c->words.exceptions += found.exceptions;
    c->words.nulls += found.nulls;
    c->words.todos += found.todos;
    c->words.comments += found.comment;
    c->words.code += !found.comment && !found.blank;
}

void change_on_line(void *of, const struct diff_line *line) {
    struct change *c = of;
    if (line->side == DIFF_CONTEXT || !c->file_count) return;
    c->now.added += line->side == DIFF_ADDED;
    c->now.deleted += line->side == DIFF_DELETED;
    struct change_file *file = &c->files[c->file_count - 1];
    file->added += line->side == DIFF_ADDED;
    file->deleted += line->side == DIFF_DELETED;
    if (file->kind == KIND_SOURCE) read_source(c, line);
}

void change_on_file_end(void *of, const struct diff_file *source) {
    struct change *c = of;
    keep_hunk(c);
    if (!c->file_count) return;
    struct change_file *file = &c->files[c->file_count - 1];
    file->binary |= source->binary;
    c->binary_files += file->binary;
    c->added += file->added;
    c->deleted += file->deleted;
    c->added_by[file->kind] += file->added;
    c->deleted_by[file->kind] += file->deleted;
}

void change_add_file(struct change *c, struct diff_text path, const struct change_file *numbers) {
    struct change_file *file = begin(c, path);
    if (!file) return;
    file->added = numbers->added;
    file->deleted = numbers->deleted;
    file->binary = numbers->binary;
    file->how = numbers->how;
    c->files_how[file->how <= DIFF_COPIED ? file->how : DIFF_MODIFIED]++;
    c->binary_files += file->binary;
    c->added += file->added;
    c->deleted += file->deleted;
    c->added_by[file->kind] += file->added;
    c->deleted_by[file->kind] += file->deleted;
}

static int heavier_first(const void *a, const void *b) {
    const uint64_t wa = weight(a), wb = weight(b);
    return (wa < wb) - (wa > wb);
}

void change_close(struct change *c) {
    qsort(c->hot, c->hot_count, sizeof c->hot[0], heavier_first);
    const double total = (double)(c->added + c->deleted);
    c->entropy = 0;
    for (uint32_t i = 0; i < c->file_count && total > 0; i++) {
        const double share = ((double)c->files[i].added + (double)c->files[i].deleted) / total;
        if (share > 0) c->entropy -= share * log2(share);
    }
    if (c->entropy < 0) c->entropy = 0;
}
