#!/bin/sh
# Prints the tables of plugins/rag/index/README.md: quality of retrieval, speed, nearest vectors.
#   tests/bench/rag/run.sh [DATA] [BUILD]
# DATA holds runbooks/, cranfield/ and scifact-train/, each with corpus.jsonl, queries.jsonl and
# qrels.tsv (default: $RAG_DATA, else ../shared/data/rag beside the repository). Without it only what
# needs none is measured.
set -eu
here=$(cd "$(dirname "$0")/../../.." && pwd)
data=${1:-${RAG_DATA:-$here/../shared/data/rag}}
build=${2:-$here/build}

ninja -C "$build" rag_quality rag_speed rag_nearest rag_graph rag_ingest >/dev/null
tools=$build/plugins/rag/index

if [ -d "$data" ]; then
    words_only="letters_least=0 letters_most=0 meaning=0 thesaurus=0 spelling=0"
    echo "## Quality, as shipped"
    "$tools/rag-quality" "$data"
    echo
    echo "## Quality without the thesaurus"
    "$tools/rag-quality" "$data" thesaurus=0
    echo
    echo "## Quality of BM25 alone"
    # shellcheck disable=SC2086 # one argument a number
    "$tools/rag-quality" "$data" $words_only
    echo
    echo "## Speed of words"
    "$tools/rag-speed" "$data"
else
    echo "bench-rag: $data is not there: quality and the speed of words are not measured (set RAG_DATA)"
fi
echo
echo "## Ingest"
RAG_DATA=$data "$build/bench/rag-ingest"
echo
echo "## Nearest vectors, 100,000 x 384"
"$tools/rag-nearest" 100000 384 "$build/plugins/modules/rag-graph.so"
for rows in 10000 20000 50000; do
    echo "## Nearest vectors, $rows x 384"
    "$tools/rag-nearest" $rows 384 "$build/plugins/modules/rag-graph.so"
done
