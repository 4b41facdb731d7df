/* Feedback alignment of a linear network with one hidden layer, every run after the other, all loops fused.

   The same arithmetic as the engine's: forward pass, error, error sent back through fixed weights, mean-gradient steps.
   The yardstick of test_feedback_alignment.py. */
#include <stdlib.h>
#include <string.h>

void feedback_alignment(long runs, long steps, long samples, long n, long h, long m, double rate, const double *inputs,
                        const double *map, const double *back, double *lower, double *upper, double *loss)
{
    double *hidden = malloc(sizeof(double) * samples * h), *error = malloc(sizeof(double) * samples * m);
    double *sent = malloc(sizeof(double) * samples * h), *d_lower = malloc(sizeof(double) * h * n);
    double *d_upper = malloc(sizeof(double) * m * h);
    for (long r = 0; r < runs; r++) {
        const double *T = map + r * m * n, *B = back + r * m * h;
        double *W0 = lower + r * h * n, *W = upper + r * m * h;
        for (long t = 0; t < steps; t++) {
            const double *X = inputs + t * samples * n;
            double wrong = 0.0, wanted = 0.0;
            memset(d_lower, 0, sizeof(double) * h * n);
            memset(d_upper, 0, sizeof(double) * m * h);
            memset(sent, 0, sizeof(double) * samples * h);
            for (long b = 0; b < samples; b++) {
                const double *x = X + b * n;
                double *y = hidden + b * h, *e = error + b * m, *s = sent + b * h;
                for (long j = 0; j < h; j++) {
                    double sum = 0.0;
                    for (long i = 0; i < n; i++) sum += W0[j * n + i] * x[i];
                    y[j] = sum;
                }
                for (long k = 0; k < m; k++) {
                    double target = 0.0, out = 0.0;
                    for (long i = 0; i < n; i++) target += T[k * n + i] * x[i];
                    for (long j = 0; j < h; j++) out += W[k * h + j] * y[j];
                    e[k] = target - out;
                    wrong += e[k] * e[k];
                    wanted += target * target;
                    for (long j = 0; j < h; j++) {
                        s[j] += B[k * h + j] * e[k];
                        d_upper[k * h + j] += e[k] * y[j];
                    }
                }
                for (long j = 0; j < h; j++)
                    for (long i = 0; i < n; i++) d_lower[j * n + i] += s[j] * x[i];
            }
            for (long i = 0; i < h * n; i++) W0[i] += rate / samples * d_lower[i];
            for (long i = 0; i < m * h; i++) W[i] += rate / samples * d_upper[i];
            loss[r] = wrong / wanted;
        }
    }
    free(hidden); free(error); free(sent); free(d_lower); free(d_upper);
}
