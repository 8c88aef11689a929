/* The further signals of the candidates, and the sum that they are ranked by. */
#ifndef RAG_SIGNALS_H
#define RAG_SIGNALS_H

#include "search.h"

/* Leaves the candidates scored and best first. False: memory is out. */
bool signals_weigh(struct search *search);

#endif
