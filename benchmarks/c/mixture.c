/* The log-likelihood of samples under three normal distributions and its gradient, by hand: x is the logarithms of the
   weights, the means, and the logarithms of the widths. */

#include <math.h>

enum { NORMALS = 3 };

static double mixture(long samples, const double *restrict sample, const double *restrict x, double *restrict gradient)
{
    const double *mean = x + NORMALS;
    double weight[NORMALS], width[NORMALS], height[NORMALS], all = 0.0, likelihood = 0.0;
    double by_height[NORMALS] = {0}, by_mean[NORMALS] = {0}, by_width[NORMALS] = {0};
    for (int k = 0; k < NORMALS; k++) {
        weight[k] = exp(x[k]);
        width[k] = exp(x[2 * NORMALS + k]);
        all += weight[k];
    }
    for (int k = 0; k < NORMALS; k++)
        height[k] = weight[k] / (all * width[k] * 2.5066282746310002);
    for (long i = 0; i < samples; i++) {
        double z[NORMALS], bell[NORMALS], density = 0.0;
        for (int k = 0; k < NORMALS; k++) {
            z[k] = (sample[i] - mean[k]) / width[k];
            bell[k] = exp(-0.5 * (z[k] * z[k]));
            density += height[k] * bell[k];
        }
        likelihood += log(density);
        for (int k = 0; k < NORMALS; k++) {
            const double share = bell[k] / density;
            by_height[k] += share;
            by_mean[k] += height[k] * share * z[k] / width[k];
            by_width[k] += height[k] * share * z[k] * z[k]; /* by the logarithm of the width, at a fixed height */
        }
    }
    double drawn = 0.0; /* by the sum of the weights, times that sum */
    for (int k = 0; k < NORMALS; k++)
        drawn += by_height[k] * height[k];
    for (int k = 0; k < NORMALS; k++) {
        gradient[k] = by_height[k] * height[k] - drawn * weight[k] / all;
        gradient[NORMALS + k] = by_mean[k];
        gradient[2 * NORMALS + k] = by_width[k] - by_height[k] * height[k];
    }
    return likelihood;
}

/* At many points, rows of 9 numbers; each row of `out` is the value and then the gradient. */
void run(long points, long samples, const double *restrict x, double *restrict out, const double *restrict sample)
{
    for (long k = 0; k < points; k++)
        out[k * 10] = mixture(samples, sample, x + k * 9, out + k * 10 + 1);
}
