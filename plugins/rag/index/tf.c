#include "tf.h"

#include <math.h>

static const float most_exact = (float)TF_EXACT / 4;

static float value(int code) {
    if (code <= TF_EXACT) return (float)code / 4;
    return most_exact * exp2f((float)(code - TF_EXACT) / TF_OCTAVE);
}

void tf_table(float out[256]) {
    for (int i = 0; i < 256; i++) out[i] = value(i);
}

uint8_t tf_code(float tf) {
    if (tf <= most_exact) {
        const int quarters = (int)lrintf(tf * 4);
        return (uint8_t)(quarters > 0 ? quarters : 1);
    }
    const long code = TF_EXACT + lrintf(log2f(tf / most_exact) * TF_OCTAVE);
    return (uint8_t)(code < 255 ? code : 255);
}
