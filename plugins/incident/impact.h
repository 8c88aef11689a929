/* impact.h - who was hit, computed from counts; what is not known is said to be unknown. Pure. */
#ifndef INCIDENT_IMPACT_H
#define INCIDENT_IMPACT_H

#include <stdbool.h>
#include <stddef.h>

struct impact_counts {
    double requests, failed;    /* in the window of the incident */
    const double *usual_ratios; /* failed share of each quiet minute before; sorted in place */
    size_t usual_count;
    double users;       /* distinct, of failed requests; negative: no request names one */
    bool users_sampled; /* there are more than were counted */
};

struct impact {
    bool known; /* there were requests to count */
    double requests, failed, expected, excess;
    double share, share_low, share_high; /* of requests; 95 % interval (Wilson) */
    double usual_ratio;
    bool usual_known; /* else `expected` is 0 and the excess an upper bound */
};

/* `ratios` is the writable array behind counts->usual_ratios. */
void impact_compute(const struct impact_counts *counts, double *ratios, struct impact *out);

#endif
