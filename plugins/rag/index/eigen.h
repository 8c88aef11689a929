/* Eigenvectors of a small symmetric matrix, by Jacobi's rotations. Pure. */
#ifndef RAG_EIGEN_H
#define RAG_EIGEN_H

#include <stddef.h>

/* `matrix`: count x count, row by row; destroyed. Then `values` fall, and row i of `vectors` is the
 * unit vector of values[i]. */
void eigen_symmetric(double *matrix, size_t count, double *values, double *vectors);

#endif
