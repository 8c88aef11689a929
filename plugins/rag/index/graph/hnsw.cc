// The graph behind graph.h: hnswlib, with its exceptions kept in and our own product of rows, which
// picks the widest registers when it runs rather than when it is built.
#include "../graph.h"

extern "C" {
#include "../dense.h"
}

#include <exception>
#include <hnswlib/hnswlib.h>
#include <memory>

namespace {

// Links of a row, and effort while building: what the measurements of README.md were made with.
constexpr size_t links = 16, building = 100, looking = 32;

float distance(const void *a, const void *b, const void *dimension) {
    return 1 - dense_dot(static_cast<const float *>(a), static_cast<const float *>(b),
                         *static_cast<const size_t *>(dimension));
}

class Space : public hnswlib::SpaceInterface<float> {
  public:
    explicit Space(size_t numbers) : dimension(numbers) {
    }
    size_t get_data_size() override {
        return dimension * sizeof(float);
    }
    hnswlib::DISTFUNC<float> get_dist_func() override {
        return distance;
    }
    void *get_dist_func_param() override {
        return &dimension;
    }

  private:
    size_t dimension;
};

} // namespace

struct rag_graph {
    rag_graph(uint32_t dimension, uint32_t room)
        : space(dimension), index(&space, room, links, building) {
        index.setEf(looking);
    }
    Space space;
    hnswlib::HierarchicalNSW<float> index;
};

namespace {

struct rag_graph *make(uint32_t dimension, uint32_t room) {
    try {
        return std::make_unique<rag_graph>(dimension, room).release();
    } catch (const std::exception &) {
        return nullptr;
    }
}

void release(struct rag_graph *graph) {
    delete graph;
}

int add(struct rag_graph *graph, uint32_t number, const float *row) {
    try {
        graph->index.addPoint(row, number);
        return 0;
    } catch (const std::exception &) {
        return -1;
    }
}

void set_effort(struct rag_graph *graph, uint32_t rows) {
    graph->index.setEf(rows);
}

size_t search(const struct rag_graph *graph, const float *query, uint32_t *numbers, float *scores,
              size_t most) {
    try {
        auto found = graph->index.searchKnn(query, most);
        const size_t count = found.size();
        for (size_t i = count; i-- > 0; found.pop()) {
            numbers[i] = static_cast<uint32_t>(found.top().second);
            scores[i] = 1 - found.top().first;
        }
        return count;
    } catch (const std::exception &) {
        return SIZE_MAX;
    }
}

} // namespace

extern "C" __attribute__((visibility("default"))) const struct rag_graph_face rag_graph_face = {
    sizeof(struct rag_graph_face), make, release, add, set_effort, search};
