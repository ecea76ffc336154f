"""The error function in NumPy.

W. J. Cody, "Rational Chebyshev approximations for the error function", Mathematics of Computation 23 (1969), in the
three ranges of his CALERF: |x| <= 0.46875, up to 4, and beyond. Relative error near 1e-16 in float64.
"""
from __future__ import annotations

import numpy as np

_NEAR_TOP = (1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2, 3.77485237685302021e2,
             3.20937758913846947e3)
_NEAR_BOTTOM = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
_MIDDLE_TOP = (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1,
               2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
               1.23033935479799725e3)
_MIDDLE_BOTTOM = (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
                  3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3)
_FAR_TOP = (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
            1.60837851487422766e-2, 6.58749161529837803e-4)
_FAR_BOTTOM = (1.0, 2.56852019228982242e0, 1.87295284992346047e0, 5.27905102951428412e-1, 6.05183413124413191e-2,
               2.33520497626869185e-3)


def erf(x: np.ndarray) -> np.ndarray:
    """erf of each element, in the dtype of x (computed in float64)."""
    wide = np.asarray(x, dtype=np.float64)
    size = np.abs(wide)
    near = wide * _ratio(_NEAR_TOP, _NEAR_BOTTOM, np.square(np.minimum(size, 0.46875)))
    tail = 1 - np.where(size <= 4, _middle(np.minimum(size, 4)), _far(np.clip(size, 4, 30)))
    result = np.where(size <= 0.46875, near, np.copysign(tail, wide))
    return np.where(np.isnan(wide), wide, result).astype(np.asarray(x).dtype)


def _middle(x):
    """erfc on 0.46875 .. 4."""
    return np.exp(-x * x) * _ratio(_MIDDLE_TOP, _MIDDLE_BOTTOM, x)


def _far(x):
    """erfc beyond 4: an expansion in 1 / x**2 about its asymptote."""
    inverse = 1 / (x * x)
    series = inverse * _ratio(_FAR_TOP, _FAR_BOTTOM, inverse)
    return np.exp(-x * x) / x * (1 / np.sqrt(np.pi) - series)


def _ratio(top, bottom, x):
    return np.polyval(top, x) / np.polyval(bottom, x)
