/* The Rosenbrock function of n numbers and its gradient, by hand. */

static double rosenbrock(long n, const double *restrict x, double *restrict gradient)
{
    double total = 0.0, carried = 0.0; /* what x[i] gets from the term before it */
    for (long i = 0; i + 1 < n; i++) {
        const double bend = x[i + 1] - x[i] * x[i], rest = 1.0 - x[i];
        total += 100.0 * bend * bend + rest * rest;
        gradient[i] = carried - 400.0 * x[i] * bend - 2.0 * rest;
        carried = 200.0 * bend;
    }
    gradient[n - 1] = carried;
    return total;
}

/* At many points, rows of n numbers; each row of `out` is the value and then the gradient. */
void run(long points, long n, const double *restrict x, double *restrict out)
{
    for (long k = 0; k < points; k++)
        out[k * (n + 1)] = rosenbrock(n, x + k * n, out + k * (n + 1) + 1);
}
