/* The runtime: what kgraph.runtime.executable and kgraph.runtime.executor do, for programs given as tables. The tables,
   MODEL(name), TOTAL_* and the constants of sharing come before. Python's // and % round down; sizes are not negative. */
#include <stddef.h>
#include <string.h>
#if !STATIC_MEMORY
#include <stdlib.h>
#endif

#define ROUND(n) (((n) + 63) & ~(int64_t)63)
#define ADDRESS(p) ((int64_t)(intptr_t)(p))

typedef struct {
    const program *what;
    int ready;                     /* whether words and tables are those for dims */
    int64_t dims[TOTAL_DIMS + 1];
    int64_t shared_work;           /* of kernels that are worth sharing, in one call */
    int64_t *sizes, *bases, *words, *alone, *together;
} binding;

struct helper { int64_t team, thread, here; };

struct MODEL(handle) {
    int64_t status[2];             /* number of the check that failed, the index */
    int threads;
    const unsigned char *weights;
    unsigned char *memory[TOTAL_REGIONS + 1];  /* of each region: in the weights, or a copy */
    unsigned char *arena, *scratch;
    int64_t arena_bytes, scratch_bytes;
    binding bindings[TOTAL_PROGRAMS];
#if THREADS
    pthread_mutex_t busy;
    int64_t *team;
    pthread_t *helpers;
    int helping;
#endif
    unsigned char *block, *free;   /* all memory; what is not given out yet */
};

/* ------------------------------------------------------------------ memory */

static void *take(struct MODEL(handle) *m, int64_t bytes)
{
    unsigned char *found = m->free;
    m->free += ROUND(bytes);
    return found;
}

static int64_t table_words(const program *p) { return 8 + 9 * (int64_t)p->entries; }

static int64_t fixed_bytes(int threads)
{
    int64_t total = 0;
    for (int r = 0; r < TOTAL_REGIONS; r++)
        total += regions[r].is_mutable ? ROUND(regions[r].bytes) : 0;
    for (int i = 0; i < TOTAL_PROGRAMS; i++) {
        const program *p = &programs[i];
        total += ROUND(8 * (int64_t)p->sizes) + ROUND(8 * (int64_t)p->bases) + ROUND(8 * (int64_t)p->words)
                 + (threads > 1 ? 2 : 1) * ROUND(8 * table_words(p));
    }
    if (threads > 1)
        total += ROUND(8 * (72 + 9 * (int64_t)threads)) + ROUND((int64_t)sizeof(struct helper) * threads);
    return total;
}

/* What a program needs for these sizes: bytes between kernels, and of scratch for each thread. */
static void needed(const program *p, const int64_t *sizes, int64_t *arena, int64_t *scratch)
{
    *arena = *scratch = 0;
    for (uint32_t i = 0; i < p->slots; i++)
        *arena += ROUND(sizes[p->slot[i]]);
    for (uint32_t i = 0; i < p->entries; i++)
        if (sizes[p->entry[i].scratch] > *scratch)
            *scratch = sizes[p->entry[i].scratch];
    *scratch = ROUND(*scratch);
}

/* ------------------------------------------------------------------ binding sizes */

static void fill_table(struct MODEL(handle) *m, binding *b, int64_t *table, int together)
{
    const program *p = b->what;
    int64_t *sizes = b->sizes, legs = 0, last_shares = 0, entry_place, *leg = 0;
    for (int pass = 0; pass < 2; pass++) {  /* count the legs, then write them */
        int64_t count = 0;
        entry_place = 8 + 5 * legs;
        for (uint32_t i = 0; i < p->entries; i++) {
            const entry *e = &p->entry[i];
            int64_t extent = sizes[e->extent], work = sizes[e->work], units = (extent + e->grain - 1) / e->grain;
            int64_t shares = 1, chunks = 1;
            if (e->native) {
                work /= TILE_SPEED;
                if (sizes[e->bytes] / BYTES_OF_WORK > work)
                    work = sizes[e->bytes] / BYTES_OF_WORK;
            }
            if (together && work >= SHARED_WORK) {
                shares = m->threads < units ? m->threads : units > 1 ? units : 1;
                if (shares > 1) {
                    chunks = work / shares / (e->native ? CHUNK_TILES : CHUNK_WORK);
                    chunks = chunks < units / shares ? chunks : units / shares;
                    chunks = chunks > CHUNKS ? CHUNKS : chunks < 1 ? 1 : chunks;
                }
            }
            if (!count || (together && !(shares == 1 && last_shares == 1))) {
                leg = table + 8 + 5 * count++;
                if (pass) {
                    leg[0] = entry_place;
                    leg[1] = 0;
                    leg[2] = shares;
                    leg[3] = chunks;
                    leg[4] = 0;
                }
            }
            last_shares = shares;
            if (pass) {
                int64_t *to = table + entry_place;
                to[0] = b->bases[2 + e->function];
                to[1] = ADDRESS(b->words + e->first);
                to[2] = extent;
                to[3] = e->grain;
                leg[1]++;
                entry_place += 4;
                b->shared_work += shares > 1 ? work : 0;
            }
        }
        legs = count;
    }
    table[0] = legs;
    table[1] = 1;
    table[2] = ADDRESS(m->status);
    table[3] = ADDRESS(m->scratch);
    table[4] = m->scratch_bytes;
    table[5] = together ? m->threads : 1;
    table[6] = together ? EXECUTE : ALONE;
#if THREADS
    table[7] = ADDRESS(m->team);
#endif
}

static int bind(struct MODEL(handle) *m, binding *b, const int64_t *dims)
{
    const program *p = b->what;
    int64_t arena, scratch, *at;
    b->ready = 0;
    for (int i = 0; i < TOTAL_DIMS; i++)
        if (dims[i] < 0)
            return MODEL_CODE(BAD_SIZE);
    p->fill(dims, b->sizes);
    for (uint32_t i = 0; i < p->rules; i++) {
        int64_t left = b->sizes[p->rule[i].a], right = b->sizes[p->rule[i].b];
        if (p->rule[i].kind ? left > right : left != right)
            return MODEL_CODE(BAD_SIZE);
    }
    needed(p, b->sizes, &arena, &scratch);
    if (arena > m->arena_bytes || scratch > m->scratch_bytes)
        return MODEL_CODE(TOO_LARGE);
    at = b->bases;
    *at++ = 0;
    *at++ = ADDRESS(m->status);
    for (int i = 0; i < TOTAL_FUNCTIONS; i++)
        *at++ = ADDRESS(functions[i]);
    for (int i = 0; i < TOTAL_REGIONS; i++)
        *at++ = ADDRESS(m->memory[i]);
    arena = 0;
    for (uint32_t i = 0; i < p->slots; i++) {
        *at++ = ADDRESS(m->arena + arena);
        arena += ROUND(b->sizes[p->slot[i]]);
    }
    for (uint32_t i = 0; i < p->inputs + p->outputs; i++)
        *at++ = 0;
    for (uint32_t i = 0; i < p->words; i++)
        b->words[i] = b->bases[p->word[i].base] + b->sizes[p->word[i].size];
    b->shared_work = 0;
    fill_table(m, b, b->alone, 0);
#if THREADS
    if (m->threads > 1)
        fill_table(m, b, b->together, 1);
#endif
    memcpy(b->dims, dims, sizeof(int64_t) * TOTAL_DIMS);
    b->ready = 1;
    return MODEL_CODE(OK);
}

/* ------------------------------------------------------------------ threads */
#if THREADS

/* Move the calling thread to a processor of its own, other than the one where the caller runs: schedulers tend to leave a
   new thread beside its parent, and to wake it there; then every meeting waits for a time slice. */
static void move_away(int64_t thread, int64_t here)
{
#ifdef __linux__
    cpu_set_t allowed, one;
    if (here < 0 || sched_getaffinity(0, sizeof allowed, &allowed))
        return;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (cpu != here && CPU_ISSET(cpu, &allowed) && !--thread) {
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            sched_setaffinity(0, sizeof one, &one);
            sched_setaffinity(0, sizeof allowed, &allowed);
            return;
        }
#else
    (void)thread, (void)here;
#endif
}

static void *serve(void *given)
{
    struct helper *h = given;
    move_away(h->thread, h->here);
    HELP(h->team, h->thread);
    return 0;
}

static void start_team(struct MODEL(handle) *m)
{
    struct helper *given;
    m->team = take(m, 8 * (72 + 9 * (int64_t)m->threads));
    given = take(m, (int64_t)sizeof *given * m->threads);
    memset(m->team, 0, 8 * (72 + 9 * (size_t)m->threads));
    pthread_mutex_init((pthread_mutex_t *)(m->team + 48), 0);
    pthread_cond_init((pthread_cond_t *)(m->team + 56), 0);
    for (int t = 1; t < m->threads; t++) {
        given[t].team = ADDRESS(m->team);
        given[t].thread = t;
#ifdef __linux__
        given[t].here = sched_getcpu();
#endif
        if (pthread_create(&m->helpers[t], 0, serve, &given[t]))
            break;
        m->helping = t;
    }
    if (m->helping + 1 < m->threads)  /* with the threads that there are */
        m->threads = m->helping + 1;
}

static void end_team(struct MODEL(handle) *m)
{
    END(ADDRESS(m->team));
    for (int t = 1; t <= m->helping; t++)
        pthread_join(m->helpers[t], 0);
    pthread_cond_destroy((pthread_cond_t *)(m->team + 56));
    pthread_mutex_destroy((pthread_mutex_t *)(m->team + 48));
}

_Static_assert(sizeof(pthread_mutex_t) <= 64 && sizeof(pthread_cond_t) <= 64, "the team has 64 bytes for each");
#endif

/* ------------------------------------------------------------------ creating and destroying */

#if STATIC_MEMORY
static struct MODEL(handle) the_handle;
static int in_use;
static unsigned char static_arena[STATIC_BYTES] __attribute__((aligned(64)));
#endif

/* What all programs need for the largest sizes. */
static int largest_needs(const int64_t *dims, int64_t *arena, int64_t *scratch)
{
    int code = MODEL_CODE(OK);
#if STATIC_MEMORY
    int64_t *sizes = (int64_t *)static_arena;
    if (8 * MOST_SIZES > STATIC_BYTES)
        return MODEL_CODE(NO_MEMORY);
#else
    int64_t *sizes = malloc(8 * MOST_SIZES);
    if (!sizes)
        return MODEL_CODE(NO_MEMORY);
#endif
    *arena = *scratch = 0;
    for (int i = 0; i < TOTAL_DIMS; i++)
        if (dims[i] < 0)
            code = MODEL_CODE(BAD_SIZE);
    for (int i = 0; i < TOTAL_PROGRAMS && !code; i++) {
        int64_t a, s;
        programs[i].fill(dims, sizes);
        needed(&programs[i], sizes, &a, &s);
        *arena = a > *arena ? a : *arena;
        *scratch = s > *scratch ? s : *scratch;
    }
#if !STATIC_MEMORY
    free(sizes);
#endif
    return code;
}

static void lay_out(struct MODEL(handle) *m)
{
    for (int i = 0; i < TOTAL_REGIONS; i++)
        m->memory[i] = regions[i].is_mutable ? take(m, regions[i].bytes) : (unsigned char *)m->weights + regions[i].offset;
    for (int i = 0; i < TOTAL_PROGRAMS; i++) {
        const program *p = &programs[i];
        binding *b = &m->bindings[i];
        b->what = p;
        b->sizes = take(m, 8 * (int64_t)p->sizes);
        b->bases = take(m, 8 * (int64_t)p->bases);
        b->words = take(m, 8 * (int64_t)p->words);
        b->alone = take(m, 8 * table_words(p));
        if (m->threads > 1)
            b->together = take(m, 8 * table_words(p));
    }
}

MODEL_API void MODEL(reset)(struct MODEL(handle) *m)
{
    for (int i = 0; i < TOTAL_REGIONS; i++)
        if (regions[i].is_mutable)
            memcpy(m->memory[i], m->weights + regions[i].offset, (size_t)regions[i].bytes);
}

MODEL_API void MODEL(reset_metrics)(struct MODEL(handle) *m)
{
    for (int i = 0; i < TOTAL_REGIONS; i++)
        if (regions[i].is_mutable == 2)
            memcpy(m->memory[i], m->weights + regions[i].offset, (size_t)regions[i].bytes);
}

MODEL_API int MODEL(create_from)(struct MODEL(handle) **created, const void *weights, const int64_t *largest, int threads)
{
    int64_t arena, scratch, total;
    struct MODEL(handle) *m;
    unsigned char *block;
    int code;
    *created = 0;
    if (ADDRESS(weights) & 63)
        return MODEL_CODE(BAD_WEIGHTS);
    if (!THREADS || threads < 1)
        threads = 1;
#if STATIC_MEMORY
    if (in_use)
        return MODEL_CODE(NO_MEMORY);
#endif
    code = largest_needs(largest, &arena, &scratch);
    if (code)
        return code;
    total = fixed_bytes(threads) + arena + scratch * threads;
#if STATIC_MEMORY
    if (total > STATIC_BYTES)
        return MODEL_CODE(NO_MEMORY);
    in_use = 1;
    m = &the_handle;
    block = static_arena;
#else
    m = malloc(sizeof *m);
    block = malloc((size_t)total + 64);
    if (!m || !block) {
        free(m);
        free(block);
        return MODEL_CODE(NO_MEMORY);
    }
#endif
    memset(m, 0, sizeof *m);
    m->threads = threads;
    m->weights = weights;
    m->block = block;
    m->free = (unsigned char *)(intptr_t)ROUND(ADDRESS(block));
    lay_out(m);
    MODEL(reset)(m);
    m->arena_bytes = arena;
    m->scratch_bytes = scratch;
#if THREADS
    pthread_mutex_init(&m->busy, 0);
    if (threads > 1) {
        m->helpers = calloc((size_t)threads, sizeof *m->helpers);
        if (!m->helpers) {
            free(block);
            free(m);
            return MODEL_CODE(NO_MEMORY);
        }
        start_team(m);
    }
#endif
    m->arena = take(m, arena);
    m->scratch = take(m, scratch * threads);
    *created = m;
    return MODEL_CODE(OK);
}

MODEL_API void MODEL(destroy)(struct MODEL(handle) *m)
{
    if (!m)
        return;
#if THREADS
    if (m->team)
        end_team(m);
    pthread_mutex_destroy(&m->busy);
    free(m->helpers);
#endif
#if STATIC_MEMORY
    in_use = 0;
#else
    free(m->block);
    free(m);
#endif
}

/* ------------------------------------------------------------------ running */

static int run_bound(struct MODEL(handle) *m, binding *b, const void *const *inputs, void *const *outputs)
{
    const program *p = b->what;
    int64_t *io = b->bases + p->bases - p->inputs - p->outputs;
    for (uint32_t i = 0; i < p->inputs; i++)
        io[i] = ADDRESS(inputs[i]);
    for (uint32_t i = 0; i < p->outputs; i++)
        io[p->inputs + i] = ADDRESS(outputs[i]);
    for (uint32_t i = 0; i < p->moving; i++) {
        uint32_t w = p->moves[i];
        b->words[w] = b->bases[p->word[w].base] + b->sizes[p->word[w].size];
    }
#if THREADS
    if (m->threads > 1 && b->shared_work >= WAKING_WORK)
        RUN(ADDRESS(b->together));
    else
#endif
        RUN_ALONE(ADDRESS(b->alone), 0, 1, 0);
    if (m->status[0]) {
        memset(m->status, 0, sizeof m->status);
        return MODEL_CODE(BAD_INDEX);
    }
    for (uint32_t i = 0; i < p->copies; i++) {
        const copy *c = &p->copied[i];
        memcpy(outputs[c->output], (void *)(intptr_t)(b->bases[c->base] + b->sizes[c->size]), (size_t)b->sizes[c->bytes]);
    }
    return MODEL_CODE(OK);
}

MODEL_API int MODEL(run)(struct MODEL(handle) *m, int number, const int64_t *dims, const void *const *inputs,
                         void *const *outputs)
{
    binding *b;
    int code = MODEL_CODE(OK);
    if (number < 0 || number >= TOTAL_PROGRAMS)
        return MODEL_CODE(BAD_PROGRAM);
    b = &m->bindings[number];
#if THREADS
    pthread_mutex_lock(&m->busy);
#endif
    if (!b->ready || memcmp(b->dims, dims, sizeof(int64_t) * TOTAL_DIMS))
        code = bind(m, b, dims);
    if (!code)
        code = run_bound(m, b, inputs, outputs);
#if THREADS
    pthread_mutex_unlock(&m->busy);
#endif
    return code;
}

MODEL_API void *MODEL(state)(struct MODEL(handle) *m, int number, int64_t *bytes)
{
    if (number < 0 || number >= TOTAL_REGIONS)
        return 0;
    *bytes = regions[number].bytes;
    return m->memory[number];
}

MODEL_API int MODEL(shape)(int number, int output, int index, const int64_t *dims, int64_t *shape)
{
    const program *p = &programs[number];
    const array *a;
    int64_t sizes[MOST_SIZES];
    if (number < 0 || number >= TOTAL_PROGRAMS || index < 0 || index >= (int)(output ? p->outputs : p->inputs))
        return -1;
    a = &p->array[output ? (int)p->inputs + index : index];
    p->fill(dims, sizes);
    for (uint32_t i = 0; i < a->rank; i++)
        shape[i] = sizes[a->size[i]];
    return (int)a->rank;
}

MODEL_API const char *MODEL(message)(int code)
{
    return code >= 0 && code < (int)(sizeof messages / sizeof *messages) ? messages[code] : "an unknown code";
}
