"""An enzyme: a curve fitted to measurements, and how far to trust it.

At the end you will know how to give the derivatives of a model to `scipy.optimize.curve_fit`, and how to carry the
uncertainty of the fit on to whatever is computed from it.

    pip install scipy matplotlib            (both come with the `examples` extra)
    python examples/11_enzyme.py            the picture goes into pictures/, or into the folder you name
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import curve_fit

from scalargrad import grad, jacobian

picture = Path(*sys.argv[1:2] or ["pictures"], "11_enzyme.png")
picture.parent.mkdir(parents=True, exist_ok=True)

# The data: how fast an enzyme works, by how much it has to work on, with puromycin and without. Measured by Treloar
# in 1974, and known from the book of Bates and Watts (Nonlinear Regression Analysis, 1988).

amounts = np.array([0.02, 0.02, 0.06, 0.06, 0.11, 0.11, 0.22, 0.22, 0.56, 0.56, 1.10, 1.10])  # parts per million
rates = {  # counts per minute, per minute
    "treated": np.array([76, 47, 97, 107, 123, 139, 159, 152, 191, 201, 207, 200]),
    "untreated": np.array([67, 51, 84, 86, 98, 115, 131, 124, 144, 158, 160]),
}

# The law of Michaelis and Menten: the rate grows with the amount, up to a highest one; `half` is the amount at which
# half of it is reached.


def rate(amount, highest, half):
    return highest * amount / (half + amount)


# What curve_fit wants beside it: by its two parameters, the derivatives at each amount, as an array of shape
# (12, 2). Arrays and numbers go in together, and only the two numbers are differentiated by.


def slopes(amount, highest, half):
    return np.column_stack(jacobian(rate, argnums=(1, 2))(amount, highest, half))


assert slopes(amounts, 200.0, 0.1).shape == (12, 2)

fits = {}
print(f"{'':10} {'highest rate':>18} {'half of it at':>20}")
for kind, measured in rates.items():
    given = amounts[: len(measured)]
    best, covariance = curve_fit(rate, given, measured, p0=[200.0, 0.1], jac=slopes)
    fits[kind] = best, covariance
    (highest, half), (error, error_of_half) = best, np.sqrt(np.diag(covariance))
    print(f"{kind:10} {highest:9.2f} ± {error:6.3f} {half:11.5f} ± {error_of_half:.5f}")

# Bates and Watts find 212.7 ± 6.947 and 0.06412 ± 0.00828 for the treated cells.

best, covariance = fits["treated"]
assert np.allclose(best, [212.7, 0.06412], rtol=1e-3)
assert np.allclose(np.sqrt(np.diag(covariance)), [6.947, 0.00828], rtol=1e-3)

# An uncertainty goes through any function with its gradient g: the variance of the outcome is g C gᵀ. How efficient the
# enzyme is where there is little to work on, say, is the slope of the law at zero: highest / half.


def efficiency(parameters):
    return grad(rate)(0.0, *parameters)  # a derivative, of which we now take another


print()
for kind, (best, covariance) in fits.items():
    g = grad(efficiency)(best)
    print(f"{kind:10} efficiency {efficiency(best):6.0f} ± {np.sqrt(g @ covariance @ g):4.0f} per part per million")
    assert np.isclose(efficiency(best), best[0] / best[1])
    assert np.allclose(g, [1 / best[1], -best[0] / best[1] ** 2])

# The same along the whole curve gives a band: two standard errors to either side.

figure = Figure(figsize=(7.5, 5), layout="constrained")
axes = figure.subplots()
grid = np.linspace(0.0, 1.2, 100)
for (kind, (best, covariance)), color in zip(fits.items(), ["#d94801", "#08519c"], strict=True):
    curve, g = rate(grid, *best), slopes(grid, *best)
    band = 2 * np.sqrt(np.einsum("ij,jk,ik->i", g, covariance, g))
    axes.fill_between(grid, curve - band, curve + band, color=color, alpha=0.2, linewidth=0)
    axes.plot(grid, curve, color=color, label=f"{kind}, ± two standard errors")
    axes.scatter(amounts[: len(rates[kind])], rates[kind], color=color, edgecolors="white", zorder=3)
axes.set(
    title="an enzyme with and without puromycin", xlabel="amount, parts per million", ylabel="rate", ylim=(0, None)
)
axes.legend(loc="lower right")
figure.savefig(picture, dpi=120)
print(f"picture: {picture}")
