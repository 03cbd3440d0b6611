"""Built-in functions over numbers."""

from __future__ import annotations

import math
from collections.abc import Callable

from domain.expressions.budget import Meter
from domain.expressions.builtins.registry import Builder, value_function
from domain.expressions.errors import Raised
from domain.expressions.paths import NUMBERS
from domain.expressions.values import as_double, kind, settle
from domain.model import JsonValue

_SMALLEST_NORMAL = 2.2250738585072014e-308


def _double(value: JsonValue, what: str) -> float:
    if type(value) not in NUMBERS:
        raise Raised(f"{kind(value)} number required for {what}")
    return as_double(value)


def _safely(compute: Callable[..., float], *given: float) -> int | float:
    """What C gives: not a number where there is no result, infinite where it is too large."""
    try:
        return settle_any(compute(*given))
    except ValueError:
        return math.nan
    except (OverflowError, ZeroDivisionError):
        return math.inf


def settle_any(number: float) -> int | float:
    """A double, as an integer where it is one."""
    return number if math.isnan(number) or math.isinf(number) else settle(number)


def _unary(name: str, compute: Callable[[float], float]) -> Builder:
    return value_function(lambda _meter, value: _safely(compute, _double(value, name)))


def _binary(name: str, compute: Callable[[float, float], float]) -> Builder:
    return value_function(
        lambda _meter, _value, one, other: _safely(compute, _double(one, name), _double(other, name)), 2
    )


def _kept(compute: Callable[[float], float]) -> Callable[[float], float]:
    """Infinite and not a number stay what they are."""
    return lambda number: number if math.isnan(number) or math.isinf(number) else float(compute(number))


def _round(number: float) -> float:
    return math.copysign(math.floor(abs(number) + 0.5), number) if abs(number) < 2**52 else number


def _log(logarithm: Callable[[float], float]) -> Callable[[float], float]:
    return lambda number: -math.inf if number == 0 else logarithm(number)


def _pow(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        odd = exponent == math.floor(exponent) and exponent % 2 == 1
        return -math.inf if base < 0 and odd else math.inf
    except ValueError:
        return math.inf if base == 0 else math.nan


def _cbrt(number: float) -> float:
    root = math.copysign(abs(number) ** (1 / 3), number)
    near = float(round(root)) if abs(root) < 2**52 else root
    return near if near**3 == number else root


def _significand(number: float) -> float:
    return number if number == 0 else math.frexp(number)[0] * 2


def _logb(number: float) -> float:
    return -math.inf if number == 0 else math.frexp(number)[1] - 1


def _ldexp(number: float, exponent: float) -> float:
    return math.ldexp(number, int(max(-5000.0, min(5000.0, exponent))))


def _gamma_sign(number: float) -> float:
    return math.inf if number <= 0 and number == math.floor(number) else math.lgamma(number)


def _frexp(_meter: Meter, value: JsonValue) -> JsonValue:
    mantissa, exponent = math.frexp(_double(value, "frexp"))
    return [settle_any(mantissa), exponent]


def _modf(_meter: Meter, value: JsonValue) -> JsonValue:
    fraction, integral = math.modf(_double(value, "modf"))
    return [settle_any(fraction), settle_any(integral)]


def _abs(_meter: Meter, value: JsonValue) -> JsonValue:
    if type(value) not in NUMBERS:
        raise Raised(f"{kind(value)} has no absolute value")
    return -value if value < 0 else value


def _is(name: str, test: Callable[[float], bool]) -> Builder:
    return value_function(lambda _meter, value: test(_double(value, name)))


def _fma(_meter: Meter, _value: JsonValue, one: JsonValue, two: JsonValue, three: JsonValue) -> JsonValue:
    return settle_any(_double(one, "fma") * _double(two, "fma") + _double(three, "fma"))


def _isfinite(_meter: Meter, value: JsonValue) -> JsonValue:
    return type(value) in NUMBERS and not math.isinf(as_double(value))


_UNARY: dict[str, Callable[[float], float]] = {
    "floor": _kept(math.floor),
    "ceil": _kept(math.ceil),
    "trunc": _kept(math.trunc),
    "round": _kept(_round),
    "rint": _kept(round),
    "nearbyint": _kept(round),
    "fabs": abs,
    "sqrt": math.sqrt,
    "cbrt": _kept(_cbrt),
    "exp": math.exp,
    "exp2": lambda number: _pow(2.0, number),
    "exp10": lambda number: _pow(10.0, number),
    "pow10": lambda number: _pow(10.0, number),
    "expm1": math.expm1,
    "log": _log(math.log),
    "log2": _log(math.log2),
    "log10": _log(math.log10),
    "log1p": math.log1p,
    "logb": _kept(_logb),
    "significand": _kept(_significand),
    **{name: getattr(math, name) for name in ("sin", "cos", "tan", "asin", "acos", "atan")},
    **{name: getattr(math, name) for name in ("sinh", "cosh", "tanh", "asinh", "acosh", "atanh")},
    "gamma": _gamma_sign,
    "lgamma": _gamma_sign,
    "tgamma": math.gamma,
}
_BINARY: dict[str, Callable[[float, float], float]] = {
    "pow": _pow,
    "atan2": math.atan2,
    "fmin": lambda one, other: other if math.isnan(one) else one if math.isnan(other) else min(one, other),
    "fmax": lambda one, other: other if math.isnan(one) else one if math.isnan(other) else max(one, other),
    "fmod": math.fmod,
    "hypot": math.hypot,
    "fdim": lambda one, other: max(one - other, 0.0),
    "copysign": math.copysign,
    "drem": math.remainder,
    "remainder": math.remainder,
    "nextafter": math.nextafter,
    "ldexp": _ldexp,
    "scalb": _ldexp,
    "scalbln": _ldexp,
}

NUMERIC: dict[str, Builder] = {
    **{f"{name}/0": _unary(name, compute) for name, compute in _UNARY.items()},
    **{f"{name}/2": _binary(name, compute) for name, compute in _BINARY.items()},
    "fma/3": value_function(_fma, 3),
    "frexp/0": value_function(_frexp),
    "modf/0": value_function(_modf),
    "abs/0": value_function(_abs),
    "infinite/0": value_function(lambda _meter, _value: math.inf),
    "nan/0": value_function(lambda _meter, _value: math.nan),
    "isinfinite/0": _is("isinfinite", math.isinf),
    "isnan/0": _is("isnan", math.isnan),
    "isnormal/0": _is("isnormal", lambda number: _SMALLEST_NORMAL <= abs(number) < math.inf),
    "isfinite/0": value_function(_isfinite),
    "have_literal_numbers/0": value_function(lambda _meter, _value: True),
    "have_decnum/0": value_function(lambda _meter, _value: False),
}
