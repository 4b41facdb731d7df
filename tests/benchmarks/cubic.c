/* One step of the cubic rule with held length, fused: the same arithmetic as the engine's, runs innermost.
   weight (post, pre, runs), input (pre, runs), scratch (2, runs). */
#include <math.h>
#include <stddef.h>

void cubic(double *restrict weight, const double *restrict input, double *restrict scratch,
           size_t post, size_t pre, size_t runs, double rate)
{
    double *restrict y = scratch, *restrict power = scratch + runs;
    for (size_t j = 0; j < post; j++) {
        double *restrict row = weight + j * pre * runs;
        for (size_t r = 0; r < runs; r++) { y[r] = 0.0; power[r] = 0.0; }
        for (size_t i = 0; i < pre; i++)
            for (size_t r = 0; r < runs; r++) y[r] += row[i * runs + r] * input[i * runs + r];
        for (size_t r = 0; r < runs; r++) y[r] = y[r] * y[r] * y[r] * rate;
        for (size_t i = 0; i < pre; i++)
            for (size_t r = 0; r < runs; r++) {
                double w = row[i * runs + r] + y[r] * input[i * runs + r];
                row[i * runs + r] = w;
                power[r] += w * w;
            }
        for (size_t r = 0; r < runs; r++) power[r] = 1.0 / sqrt(power[r]);
        for (size_t i = 0; i < pre; i++)
            for (size_t r = 0; r < runs; r++) row[i * runs + r] *= power[r];
    }
}
