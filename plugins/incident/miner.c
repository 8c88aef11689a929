#include "miner.h"

#include "miner_inside.h"

#include <stdlib.h>
#include <string.h>

enum { FORMS = 4096, FAMILY_FORMS = 96, PREFIX = 1, BYTES_MOST = 8 << 20 };

struct miner *miner_new(const struct miner_limits *limits) {
    struct miner *miner = calloc(1, sizeof *miner);
    if (!miner) return NULL;
    miner->limits.forms = limits && limits->forms ? limits->forms : FORMS;
    miner->limits.family_forms =
        limits && limits->family_forms ? limits->family_forms : FAMILY_FORMS;
    return miner;
}

static void template_put(struct miner *miner, struct kept_template *template) {
    if (!template || --template->forms) return;
    struct kept_template **at = &miner->templates[template->seen.id % TEMPLATE_SLOTS];
    while (*at != template) at = &(*at)->next;
    *at = template->next;
    miner->bytes -= sizeof *template + strlen(template->seen.text);
    free(template);
}

void miner_set_template(struct miner *miner, struct form *form, struct kept_template *template) {
    if (template) template->forms++;
    template_put(miner, form->template);
    form->template = template;
}

struct kept_template *miner_keep_template(struct miner *miner, uint64_t id, const char *text,
                                          size_t size) {
    struct kept_template **slot = &miner->templates[id % TEMPLATE_SLOTS];
    for (struct kept_template *t = *slot; t; t = t->next)
        if (t->seen.id == id) return t;
    struct kept_template *made = malloc(sizeof *made + size + 1);
    if (!made) return NULL;
    memcpy(made->text, text, size);
    made->text[size] = 0;
    *made = (struct kept_template){.seen = {.id = id, .text = made->text}, .next = *slot};
    miner->bytes += sizeof *made + size;
    *slot = made;
    return made;
}

/* ---- forms ---- */

static struct form **form_slot(struct miner *miner, uint64_t id) {
    struct form **at = &miner->forms[id % FORM_SLOTS];
    while (*at && (*at)->id != id) at = &(*at)->next;
    return at;
}

static void family_free(struct miner *miner, struct family *family) {
    struct family **at = &miner->families[family->key % FAMILY_SLOTS];
    while (*at != family) at = &(*at)->next;
    *at = family->next;
    miner->family_count--;
    miner->bytes -= sizeof *family + family->count * sizeof *family->words;
    free(family);
}

void miner_drop(struct miner *miner, struct form *form) {
    struct family *family = form->family;
    struct form **at = form_slot(miner, form->id);
    while (*at && *at != form) at = &(*at)->next;
    if (*at) *at = form->next;
    struct form **member = &family->forms;
    while (*member != form) member = &(*member)->sibling;
    *member = form->sibling;
    family->dirty = true;
    miner_set_template(miner, form, NULL);
    miner->form_count--;
    miner->bytes -= form->bytes;
    memset(miner->cache, 0, sizeof miner->cache); /* it may point to this form */
    free(form);
    if (--family->form_count == 0) family_free(miner, family);
}

struct form *miner_new_form(struct miner *miner, struct family *family,
                            const struct masked *masked) {
    const size_t words = masked->count * sizeof(uint32_t);
    const size_t bytes = sizeof(struct form) + words + masked->used + 1;
    struct form *form = calloc(1, bytes);
    if (!form) return NULL;
    form->words = (uint32_t *)(void *)(form + 1);
    form->text = (char *)(form->words + masked->count);
    for (size_t i = 0; i < masked->count; i++) form->words[i] = masked->tokens[i].hash;
    char *to = form->text;
    for (size_t i = 0; i < masked->count; i++) {
        memcpy(to, masked->text + masked->tokens[i].at, masked->tokens[i].size);
        to += masked->tokens[i].size;
        *to++ = ' ';
    }
    if (to > form->text) to[-1] = 0;
    form->id = masked->hash;
    form->bytes = bytes;
    form->seen = ++miner->clock;
    form->family = family;
    form->sibling = family->forms;
    family->forms = form;
    family->form_count++;
    family->dirty = true;
    struct form **slot = form_slot(miner, form->id);
    form->next = *slot;
    *slot = form;
    miner->form_count++;
    miner->bytes += bytes;
    return form;
}

struct form *miner_find(struct miner *miner, uint64_t id) {
    return *form_slot(miner, id);
}

/* ---- families: the tree of fixed depth ---- */

static uint64_t family_key(const struct masked *masked) {
    uint64_t key = masked->count * 0x9E3779B97F4A7C15u;
    for (size_t i = 0; i < PREFIX && i < masked->count; i++) {
        const struct masked_token *token = &masked->tokens[i];
        key = (key ^ (token->holds_wild ? (uint32_t)WILD_HASH : token->hash)) * 0xC2B2AE3D27D4EB4Fu;
        key ^= key >> 31;
    }
    return key;
}

/* Half of the tokens must be equal and constant; the family with most wins, then the one with more
 * parameters. */
static struct family *family_like(struct miner *miner, const struct masked *masked, uint64_t key) {
    struct family *best = NULL;
    size_t best_equal = 0, best_wild = 0;
    for (struct family *f = miner->families[key % FAMILY_SLOTS]; f; f = f->next) {
        if (f->key != key || f->count != masked->count) continue;
        size_t equal = 0, wild = 0;
        for (size_t i = 0; i < f->count; i++) {
            if (f->words[i] == WILD_HASH)
                wild++;
            else if (f->words[i] == masked->tokens[i].hash)
                equal++;
        }
        if (2 * equal < f->count) continue;
        if (!best || equal > best_equal || (equal == best_equal && wild > best_wild))
            best = f, best_equal = equal, best_wild = wild;
    }
    return best;
}

static struct family *family_new(struct miner *miner, const struct masked *masked, uint64_t key) {
    struct family *family = calloc(1, sizeof *family + masked->count * sizeof *family->words);
    if (!family) return NULL;
    family->key = key;
    family->count = masked->count;
    for (size_t i = 0; i < masked->count; i++) family->words[i] = masked->tokens[i].hash;
    family->next = miner->families[key % FAMILY_SLOTS];
    miner->families[key % FAMILY_SLOTS] = family;
    miner->family_count++;
    miner->bytes += sizeof *family + family->count * sizeof *family->words;
    return family;
}

static void widen(struct family *family, const struct masked *masked) {
    for (size_t i = 0; i < family->count; i++)
        if (family->words[i] != masked->tokens[i].hash) family->words[i] = WILD_HASH;
}

static struct form *fixed_form(const struct family *family, const struct masked *masked) {
    for (struct form *form = family->forms; form; form = form->sibling) {
        if (!form->fixed) continue;
        size_t i = 0;
        while (i < family->count &&
               (form->words[i] == WILD_HASH || form->words[i] == masked->tokens[i].hash))
            i++;
        if (i == family->count) return form;
    }
    return NULL;
}

/* ---- making room ---- */

static int by_age(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The eighth that was not seen for longest goes. */
static void make_room(struct miner *miner) {
    uint64_t *ages = malloc(miner->form_count * sizeof *ages);
    if (!ages) return;
    size_t n = 0;
    for (size_t s = 0; s < FORM_SLOTS; s++)
        for (const struct form *f = miner->forms[s]; f; f = f->next) ages[n++] = f->seen;
    qsort(ages, n, sizeof *ages, by_age);
    const uint64_t until = ages[n / 8];
    free(ages);
    for (size_t s = 0; s < FORM_SLOTS; s++) {
        struct form *next = NULL;
        for (struct form *f = miner->forms[s]; f; f = next) {
            next = f->next;
            if (f->seen > until) continue;
            miner_drop(miner, f);
            miner->dropped++;
        }
    }
}

/* ---- the way in ---- */

static struct form *learn(struct miner *miner, const struct masked *masked, bool fixed) {
    const uint64_t key = family_key(masked);
    struct family *family = family_like(miner, masked, key);
    struct form *form = family && !fixed ? fixed_form(family, masked) : NULL;
    if (form) return form;
    if (miner->form_count >= miner->limits.forms || miner->bytes > BYTES_MOST) {
        make_room(miner);
        family = family_like(miner, masked, key);
    }
    if (!family) family = family_new(miner, masked, key);
    if (!family) return NULL;
    form = miner_new_form(miner, family, masked);
    if (!form) return NULL;
    form->fixed = fixed;
    widen(family, masked);
    if (family->form_count > miner->limits.family_forms) {
        miner_settle(miner, family);
        form = *form_slot(miner, masked->hash);
        if (!form) return learn(miner, masked, false);
    }
    return form;
}

uint64_t miner_add(struct miner *miner, const char *line, size_t size) {
    struct masked *masked = &miner->work;
    mask_line(line, size, masked);
    if (!masked->count) return 0;
    struct cached *cached = &miner->cache[masked->hash % CACHE_SLOTS];
    if (cached->form && cached->hash == masked->hash) {
        cached->form->seen = ++miner->clock;
        return cached->form->id;
    }
    struct form *form = *form_slot(miner, masked->hash);
    if (!form) form = learn(miner, masked, false);
    if (!form) return 0;
    form->seen = ++miner->clock;
    *cached = (struct cached){.hash = masked->hash, .form = form};
    return form->id;
}

void miner_seed(struct miner *miner, const char *text, size_t size) {
    struct masked *masked = &miner->work;
    mask_read_back(text, size, masked);
    if (masked->count && !*form_slot(miner, masked->hash)) (void)learn(miner, masked, true);
}

const struct miner_template *miner_template(struct miner *miner, uint64_t id) {
    struct form *form = *form_slot(miner, id);
    if (!form) return NULL;
    if (form->family->dirty) miner_sort_out(miner, form->family);
    return form->template ? &form->template->seen : NULL;
}

struct miner_size miner_size(const struct miner *miner) {
    return (struct miner_size){.forms = miner->form_count,
                               .families = miner->family_count,
                               .dropped = miner->dropped,
                               .bytes = miner->bytes + sizeof *miner};
}

void miner_free(struct miner *miner) {
    if (!miner) return;
    for (size_t s = 0; s < FORM_SLOTS; s++)
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): each drop takes the form out of its slot */
        while (miner->forms[s]) miner_drop(miner, miner->forms[s]);
    free(miner);
}
