/*
 * How often a word occurs, in one byte: exact in quarters up to 16, then in steps that grow. BM25
 * saturates long before: at 255 the code stands for some 2,300.
 */
#ifndef RAG_TF_H
#define RAG_TF_H

#include <stdint.h>

enum { TF_EXACT = 64, TF_OCTAVE = 24 }; /* codes in quarters; codes that double the value after */

uint8_t tf_code(float tf);
/* Value of each code. */
void tf_table(float out[256]);

#endif
