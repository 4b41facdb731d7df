/* The cued striatum, fused: every trial of a run in registers and first-level cache, runs innermost in tiles.
   The arithmetic is that of tests/support/striatal_reference.py with four muscles and without a drug.
   parameters (COUNT, runs); cues (trials, runs); noise (trials, 4, runs); overflow (runs): the mean over the last
   `counted` trials. */
#include <math.h>
#include <stddef.h>

enum { MUSCLES = 4, TILE = 16 };
enum { SURROUND, OVERLAP, DRIVE, BASELINE, PENALTY, TARGET, DEPOTENTIATION, NOISE, INITIAL, VALUE_RATE, HOMEOSTAT,
       HOMEOSTAT_TARGET, FORGET, DOPAMINE, LTP, LTD, DEPRESSION, D2_SIGNAL, COUNT };

static double inside(double x) { return x < 0.0 ? 0.0 : x > 1.0 ? 1.0 : x; }
static double positive(double x) { return x > 0.0 ? x : 0.0; }

void striatum(const double *restrict parameters, const long *restrict cues, const double *restrict noise,
              double *restrict overflow, long runs, long trials, long counted, long refresh)
{
    for (long first = 0; first < runs; first += TILE) {
        const long width = runs - first < TILE ? runs - first : TILE;
        double w1[MUSCLES][MUSCLES][TILE], w2[MUSCLES][MUSCLES][TILE], value[MUSCLES][TILE];
        double theta[MUSCLES][TILE], brake[MUSCLES][TILE], m[MUSCLES][TILE], p[COUNT][TILE], total[TILE];
        for (long k = 0; k < COUNT; k++)
            for (long r = 0; r < width; r++) p[k][r] = parameters[k * runs + first + r];
        for (long r = 0; r < width; r++) {
            total[r] = 0.0;
            for (long c = 0; c < MUSCLES; c++) {
                value[c][r] = 0.0;
                theta[c][r] = p[HOMEOSTAT_TARGET][r];
                brake[c][r] = 1.0;
                for (long j = 0; j < MUSCLES; j++) w1[c][j][r] = w2[c][j][r] = p[INITIAL][r];
            }
        }
        for (long t = 0; t < trials; t++) {
            for (long r = 0; r < width; r++) {
                const long cue = cues[t * runs + first + r];
                double u[MUSCLES], sum = 0.0, active = 0.0;
                for (long j = 0; j < MUSCLES; j++) {
                    const double shown = j == cue ? 1.0 : p[OVERLAP][r];
                    u[j] = p[BASELINE][r] + p[DRIVE][r] * shown + w1[cue][j][r] - w2[cue][j][r]
                           + p[NOISE][r] * noise[(t * MUSCLES + j) * runs + first + r];
                    sum += u[j];
                }
                for (long j = 0; j < MUSCLES; j++) {
                    m[j][r] = inside(u[j] - p[SURROUND][r] * (sum - u[j]) / (MUSCLES - 1));
                    active += m[j][r];
                }
                const double on = m[cue][r], off = (active - on) / (MUSCLES - 1);
                const double reward = inside(on / p[TARGET][r]) - p[PENALTY][r] * off;
                const double error = reward - value[cue][r];
                value[cue][r] += p[VALUE_RATE][r] * error;
                for (long j = 0; j < MUSCLES; j++) theta[j][r] += (m[j][r] * m[j][r] - theta[j][r]) * p[FORGET][r];
                if (t % refresh == 0)
                    for (long j = 0; j < MUSCLES; j++)
                        brake[j][r] = pow(theta[j][r] / p[HOMEOSTAT_TARGET][r], p[HOMEOSTAT][r]);
                const double burst = positive(p[DOPAMINE][r] * error), dip = positive(-p[DOPAMINE][r] * error);
                const double back = p[DEPOTENTIATION][r] * p[DEPRESSION][r];
                for (long j = 0; j < MUSCLES; j++) {
                    const double a = w1[cue][j][r], b = w2[cue][j][r], f = brake[j][r], y = m[j][r];
                    w1[cue][j][r] = inside(a + p[LTP][r] * burst * y * (1 - a) / f - p[LTD][r] * dip * y * a * f
                                           - back * (a - p[INITIAL][r]));
                    w2[cue][j][r] = inside(b + p[D2_SIGNAL][r] * p[LTP][r] * dip * y * (1 - b) / f
                                           - p[LTD][r] * burst * y * b * f - back * (b - p[INITIAL][r]));
                }
                if (t >= trials - counted) total[r] += off / (on > 0.01 ? on : 0.01);
            }
        }
        for (long r = 0; r < width; r++) overflow[first + r] = total[r] / counted;
    }
}
